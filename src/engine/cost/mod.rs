//! What a hand-in costs a month, resource by resource, from list prices and what is known without running anything.
mod book;
mod fleet;
pub mod judge;
pub mod money;
pub mod prices;
mod region;
mod services;
#[cfg(test)]
mod tests;
mod volumes;
mod walk;

pub use book::{Estimate, Gap, Line};
pub use judge::{Ask, At, Saves};
pub use money::Money;

use super::terraform::Terraform;
use super::terraform::module::{Block, Module};

/// What the planned configuration and the modules it calls cost a month.
pub fn estimate(terraform: &Terraform) -> Estimate {
    let mut book = book::Book::new(terraform);
    for part in walk::parts(terraform, &mut book) {
        for block in &part.module.blocks {
            match block.kind.as_str() {
                "resource" => resource(&part.of(block), &mut book),
                // What it is made of isn't there.
                "module" if !walk::is_here(part.module, block, terraform) => {
                    let asked = part.of(block);
                    let source = block.text("source").unwrap_or("an unknown source");
                    book.gap(&asked, "a module", &format!("what `{source}` makes isn't part of the hand-in"), book::Whose::Students);
                }
                _ => {}
            }
        }
    }
    if terraform.is_spent() {
        book.whole_gap("evaluating it asks for more than a grader gives");
    }
    book.done()
}

/// The resources that are planned and whose region is known, each with its module and that region.
pub fn placed(terraform: &Terraform) -> Vec<(&Module, &Block, String)> {
    let mut book = book::Book::new(terraform);
    let mut found = Vec::new();
    for part in walk::parts(terraform, &mut book) {
        let of = |b| part.region_of(b).map(|region| (part.module, b, region));
        found.extend(part.module.blocks.iter().filter(|b| b.kind == "resource").filter_map(of));
    }
    found
}

fn resource(asked: &walk::Asked<'_>, book: &mut book::Book<'_>) {
    if asked.times == Some(0) || fleet::price(asked, book) {
        return;
    }
    services::price(asked, book);
}
