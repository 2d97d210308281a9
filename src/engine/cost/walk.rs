//! Which modules are planned, how many times each, and in which region: what a resource needs to know to be priced.
use super::book::Book;
use super::region::{self, Region};
use crate::engine::terraform::module::{Block, Module};
use crate::engine::terraform::{Terraform, local};
use std::collections::BTreeMap;

/// A module as it is planned.
pub struct Part<'a> {
    pub module: &'a Module,
    /// How many of it are made; nothing where nobody can say.
    pub times: Option<u64>,
    /// `module.pool.`; empty for the top.
    prefix: String,
    region: Region,
}

/// A resource with all that is known around it.
pub struct Asked<'a> {
    pub module: &'a Module,
    pub block: &'a Block,
    pub times: Option<u64>,
    pub address: String,
    /// The region whose prices count, and whether it is the one that is meant.
    pub region: &'a str,
    pub is_there: bool,
}

impl<'a> Part<'a> {
    pub fn region_of(&self, block: &Block) -> Option<String> {
        region::of(self.module, block, &self.region).map(str::to_owned)
    }

    /// A block of it, with the region's name if it is known.
    pub fn of(&'a self, block: &'a Block) -> Asked<'a> {
        let times = self.times.zip(block.stands_for).map(|(a, b)| a.saturating_mul(b));
        let address = format!("{}{}", self.prefix, block.address());
        let region = region::of(self.module, block, &self.region);
        Asked { module: self.module, block, times, address, region: region.unwrap_or(Region::Unknown.priced()), is_there: region.is_some() }
    }
}

/// The planned module and all that it calls, callers first.
pub fn parts<'a>(terraform: &'a Terraform, book: &mut Book<'_>) -> Vec<Part<'a>> {
    let Some(planned) = terraform.planned() else { return Vec::new() };
    let region = region::default(planned, &Region::Unknown);
    let known = if let Region::Known(name) = &region { Some(name.clone()) } else { None };
    book.region(known, region.priced());
    let callers = callers(terraform, planned);
    let mut open: BTreeMap<&str, Part<'a>> = BTreeMap::new();
    open.insert(&planned.dir, Part { module: planned, times: Some(1), prefix: String::new(), region });
    let (mut waiting, mut made, mut ready) = (callers, Vec::new(), vec![planned.dir.as_str()]);
    while let Some(part) = ready.pop().and_then(|dir| open.remove(dir)) {
        for (call, target) in called(part.module, terraform) {
            let times = part.times.zip(call.stands_for).map(|(a, b)| a.saturating_mul(b));
            match open.get_mut(target.dir.as_str()) {
                Some(known) => known.times = known.times.zip(times).map(|(a, b)| a.saturating_add(b)),
                None => {
                    let prefix = format!("{}{}.", part.prefix, call.address());
                    let region = region::passed(part.module, call, &part.region);
                    open.insert(&target.dir, Part { module: target, times, region: region::default(target, &region), prefix });
                }
            }
            if let Some(left) = waiting.get_mut(target.dir.as_str()) {
                *left -= 1;
                if *left == 0 {
                    ready.push(&target.dir);
                }
            }
        }
        made.push(part);
    }
    if !open.is_empty() {
        book.whole_gap("modules call each other in a circle, so nobody can say what they make");
    }
    made
}

/// The calls of a module that lead to folders of the hand-in.
fn called<'a>(module: &'a Module, terraform: &'a Terraform) -> Vec<(&'a Block, &'a Module)> {
    module.of_kind("module").filter_map(|call| Some((call, target(module, call, terraform)?))).collect()
}

fn target<'a>(module: &Module, call: &Block, terraform: &'a Terraform) -> Option<&'a Module> {
    terraform.module(&local(&module.dir, call.text("source")?)?)
}

/// Whether what a call makes is part of the hand-in.
pub fn is_here(module: &Module, call: &Block, terraform: &Terraform) -> bool {
    target(module, call, terraform).is_some()
}

/// How many calls each folder waits for, of those that are reached from the top.
fn callers<'a>(terraform: &'a Terraform, planned: &'a Module) -> BTreeMap<&'a str, usize> {
    let (mut count, mut open) = (BTreeMap::new(), vec![planned]);
    while let Some(module) = open.pop() {
        for (_, target) in called(module, terraform) {
            let n = count.entry(target.dir.as_str()).or_insert(0);
            if *n == 0 {
                open.push(target);
            }
            *n += 1;
        }
    }
    count
}
