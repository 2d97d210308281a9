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

/// The region a resource is made in, if it is known: its own, that of the provider it names, or else the module's.
pub fn of<'a>(module: &'a Module, block: &'a Block, own: &'a Region) -> Option<&'a str> {
    if let Some(region) = block.value("region") {
        return region.as_str();
    }
    if let Some(alias) = block.value("provider").and_then(Value::path).and_then(|mut p| (p.len() > 1).then(|| p.swap_remove(1))) {
        return providers(module).find(|p| p.text("alias") == Some(alias.as_str()))?.text("region");
    }
    if let Region::Known(name) = own { Some(name) } else { None }
}
