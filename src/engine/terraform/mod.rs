//! Terraform hand-ins, read without running anything: parsed with places, evaluated as far as known, judged by rules.
mod build;
mod document;
mod evaluate;
#[cfg(test)]
mod evaluate_tests;
mod fuel;
mod functions;
#[cfg(test)]
mod hostile;
mod intake;
pub(super) mod machines;
pub(super) mod module;
pub mod plan;
mod policy;
mod refs;
pub mod rules;
mod scan;
mod source;
mod types;
pub(super) mod value;
mod walk;

use super::{Files, Place, Problem};
use document::Document;
use fuel::Fuel;
use module::Module;
pub use scan::comments;
use source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use value::Value;

/// A hand-in's configuration.
pub struct Terraform {
    sources: Vec<Source>,
    /// What could not be parsed and what was refused.
    unread: Vec<Problem>,
    /// The root module's document and the numbers of its sources.
    document: Document,
    root: Vec<usize>,
    modules: Vec<Module>,
    /// Whether evaluating it asked for more than a grader gives.
    spent: bool,
}

impl Terraform {
    /// Reads whatever of the files is Terraform. Never fails: what can't be read is a problem of `parses`.
    pub fn read(files: &Files) -> Terraform {
        let (read, mut unread) = intake::sort(files);
        let mut sources = Vec::new();
        for file in read {
            match Source::parse(&file.path, &file.bytes) {
                Ok(source) => sources.push(source),
                Err(problem) => unread.push(problem),
            }
        }
        let folder = root_folder(&sources);
        let root: Vec<usize> = (0..sources.len())
            .filter(|n| intake::is_configuration(&sources[*n].path) && Some(folder_of(&sources[*n].path)) == folder.as_deref())
            .collect();
        let fuel = Fuel::default();
        let modules = modules(&sources, &fuel);
        let planned = modules.iter().find(|m| Some(m.dir.as_str()) == folder.as_deref());
        let document = Document::of(&root.iter().map(|n| &sources[*n]).collect::<Vec<_>>(), planned, &fuel);
        let spent = fuel.is_spent();
        Terraform { sources, unread, document, root, modules, spent }
    }

    /// Whether there is nothing that a plan would look at: no resource, no data source, no call of a module.
    fn describes_nothing(&self) -> bool {
        let things = |module: &Module| ["resource", "data", "module"].iter().any(|kind| module.of_kind(kind).next().is_some());
        !self.modules.iter().any(things)
    }

    /// Whether any of the configuration to plan could be read.
    pub fn is_any_read(&self) -> bool {
        !self.root.is_empty()
    }

    /// Why files could not be read, or were refused.
    pub fn unread(&self) -> &[Problem] {
        &self.unread
    }

    /// What a check by the built-in rule `id` says; nothing for a rule that doesn't exist.
    pub fn rule(&self, id: &str) -> Vec<Problem> {
        // Most rules say what must not be: over nothing they would all pass.
        if id != rules::PARSES && self.describes_nothing() {
            let problem = Problem::new("there is no resource, data source or module in what you handed in");
            return vec![problem.fix("Describe what the instructions ask for.")];
        }
        rules::by_id(id).map_or_else(Vec::new, |rule| rules::run(rule, self))
    }

    /// The module that is planned, the one nearest to the top.
    pub(super) fn planned(&self) -> Option<&Module> {
        let folder = root_folder(&self.sources)?;
        self.modules.iter().find(|m| m.dir == folder)
    }

    /// The module in a folder of the hand-in.
    pub(super) fn module(&self, dir: &str) -> Option<&Module> {
        self.modules.iter().find(|m| m.dir == dir)
    }

    /// Whether evaluating it asked for more than a grader gives.
    pub(super) fn is_spent(&self) -> bool {
        self.spent
    }

    /// Where a span of a source stands.
    pub(super) fn place(&self, source: usize, span: &Range<usize>) -> Option<Place> {
        Some(self.sources.get(source)?.place(span))
    }

    /// What all rules find, without those that had nothing to look at.
    pub fn lint(&self) -> Vec<Problem> {
        rules::all().iter().flat_map(|rule| rules::found(rule, self)).collect()
    }

    /// The root module as one document, for `select`.
    pub fn json(&self) -> serde_json::Value {
        self.document.json()
    }

    /// Where a JSON pointer of that document stands; for one that isn't there, nowhere.
    pub fn place_of(&self, pointer: &str) -> Option<Place> {
        let (n, span) = self.document.at(pointer)?;
        Some(self.sources.get(*self.root.get(n)?)?.place(&span))
    }
}

/// The folder a file lies in; empty for the hand-in's own.
fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The folder that is planned: the one nearest to the top that holds configuration.
fn root_folder(sources: &[Source]) -> Option<String> {
    let folders = sources.iter().filter(|s| intake::is_configuration(&s.path)).map(|s| folder_of(&s.path));
    folders.min_by_key(|f| (if f.is_empty() { 0 } else { 1 + f.matches('/').count() }, f.to_owned())).map(str::to_owned)
}

/// Modules deeper than this are read without what their callers pass.
const DEEPEST_CALL: usize = 8;

/// All folders' modules, callers before what they call, so that values can be passed on.
fn modules(sources: &[Source], fuel: &Fuel) -> Vec<Module> {
    let mut folders: BTreeMap<&str, Vec<(usize, &Source)>> = BTreeMap::new();
    for (n, source) in sources.iter().enumerate().filter(|(_, s)| intake::is_configuration(&s.path)) {
        folders.entry(folder_of(&source.path)).or_default().push((n, source));
    }
    let called: BTreeSet<String> = folders.iter().flat_map(|(dir, sources)| calls(dir, sources)).collect();
    let mut order: Vec<String> = folders.keys().filter(|d| !called.contains(**d)).map(|d| (*d).to_owned()).collect();
    let mut given: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    let mut modules: Vec<Module> = Vec::new();
    for _ in 0..DEEPEST_CALL {
        let mut next = Vec::new();
        for dir in std::mem::take(&mut order) {
            let Some(sources) = folders.remove(dir.as_str()) else { continue };
            let passed = given.remove(&dir).unwrap_or_default();
            let made = build::module(&dir, called.contains(&dir), &sources, &passed, fuel);
            for block in made.of_kind("module") {
                let Some(target) = block.text("source").and_then(|s| local(&dir, s)) else { continue };
                pass(given.entry(target.clone()).or_default(), block, fuel);
                next.push(target);
            }
            modules.push(made);
        }
        order = next;
    }
    // What only calls itself, or lies too deep.
    modules.extend(folders.into_iter().map(|(dir, sources)| build::module(dir, true, &sources, &BTreeMap::new(), fuel)));
    modules
}

/// Adds what a call passes; what two calls pass differently is unknown.
fn pass(given: &mut BTreeMap<String, Value>, call: &module::Block, fuel: &Fuel) {
    for a in &call.attributes {
        let passed = a.value.abroad(fuel);
        let value = given.entry(a.name.clone()).or_insert_with(|| passed.clone());
        if *value != passed {
            *value = Value::Unknown;
        }
    }
}

/// The folders that a folder's modules lie in, where they are local.
fn calls(dir: &str, sources: &[(usize, &Source)]) -> Vec<String> {
    let blocks = sources.iter().flat_map(|(_, s)| s.body.blocks()).filter(|b| b.ident.as_str() == "module");
    blocks.filter_map(|b| local(dir, b.body.get_attribute("source")?.value.as_str()?)).collect()
}

/// A local module's folder in the hand-in; nothing for other sources and for paths that leave it.
pub(super) fn local(dir: &str, source: &str) -> Option<String> {
    if !source.starts_with("./") && !source.starts_with("../") {
        return None;
    }
    let mut parts: Vec<&str> = dir.split('/').filter(|p| !p.is_empty()).collect();
    for part in source.split('/').filter(|p| !p.is_empty() && *p != ".") {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}
