//! In which region a resource is made: what its provider says, or what its caller passes.
use super::prices;
use crate::engine::terraform::module::{Block, Module};
use crate::engine::terraform::value::Value;

/// A region, if it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Region {
    Known(String),
    Unknown,
}

impl Region {
    /// The region whose prices are taken: where nobody says one, the first of the table.
    pub fn priced(&self) -> &str {
        match self {
            Region::Known(name) => name,
            Region::Unknown => prices::regions().first().map_or("us-east-1", String::as_str),
        }
    }
}

fn said(provider: &Block) -> Region {
    provider.text("region").map_or(Region::Unknown, |r| Region::Known(r.to_owned()))
}

fn providers(module: &Module) -> impl Iterator<Item = &Block> {
    module.of_kind("provider").filter(|b| b.labels.first().is_some_and(|l| l == "aws"))
}

/// The region of a module's resources that name no provider.
pub fn default(module: &Module, passed: &Region) -> Region {
    providers(module).find(|p| p.value("alias").is_none()).map_or_else(|| passed.clone(), said)
}

/// The region of a provider that an attribute names: `aws.west`.
fn named(module: &Module, value: Option<&Value>) -> Option<Region> {
    let path = value?.path()?;
    let alias = path.get(1)?;
    Some(providers(module).find(|p| p.text("alias") == Some(alias.as_str())).map_or(Region::Unknown, said))
}

/// The region that a call passes on: that of `providers = { aws = aws.west }`, or its own.
pub fn passed(module: &Module, call: &Block, own: &Region) -> Region {
    let aws = call.value("providers").and_then(Value::entries).and_then(|m| m.get("aws"));
    named(module, aws).unwrap_or_else(|| own.clone())
}

/// Where a resource's prices are taken from.
pub fn of<'a>(module: &'a Module, block: &'a Block, own: &'a Region) -> &'a str {
    if let Some(region) = block.text("region") {
        return region;
    }
    let path = block.value("provider").and_then(Value::path);
    let alias = path.as_ref().and_then(|p| p.get(1));
    let provider = alias.and_then(|alias| providers(module).find(|p| p.text("alias") == Some(alias.as_str())));
    match provider.and_then(|p| p.text("region")) {
        Some(region) => region,
        None => own.priced(),
    }
}
