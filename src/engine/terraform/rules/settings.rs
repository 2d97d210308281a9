//! What one argument of one resource has to say: what rules about registries, keys, databases and the like have in common.
use super::Look;
use crate::engine::terraform::module::Block;

/// An argument and what is wanted of it.
pub struct Setting {
    /// The resource's type.
    pub of: &'static str,
    /// The block of the resource that the argument stands in, unless it is the resource itself.
    pub within: Option<&'static str>,
    pub name: &'static str,
    pub wanted: Wanted,
    /// What the resource does otherwise, after its address: "keeps its keys for ever".
    pub otherwise: &'static str,
}

impl Setting {
    /// An argument of the resource itself.
    pub const fn new(of: &'static str, name: &'static str, wanted: Wanted, otherwise: &'static str) -> Setting {
        Setting { of, within: None, name, wanted, otherwise }
    }
}

pub enum Wanted {
    True,
    /// Anything but true.
    NotTrue,
    /// These words; the first is what the fix writes.
    OneOf(&'static [&'static str]),
    /// Any value; what the fix writes.
    Said(&'static str),
    /// At least so much.
    Least(u32),
}

impl Wanted {
    /// Whether an argument is as wanted, or can't be known.
    fn is_met(&self, block: Option<&Block>, name: &str) -> bool {
        let Some(block) = block else { return matches!(self, Wanted::NotTrue) };
        if block.is_unknown(name) {
            return true;
        }
        match self {
            Wanted::True => block.is_true(name),
            Wanted::NotTrue => !block.is_true(name),
            Wanted::OneOf(words) => block.text(name).is_some_and(|w| words.contains(&w)),
            Wanted::Said(_) => block.value(name).is_some_and(|v| v.as_str() != Some("")),
            Wanted::Least(least) => block.number(name).is_some_and(|n| n >= f64::from(*least)),
        }
    }

    /// As it is written.
    fn written(&self) -> String {
        match self {
            Wanted::True => "true".into(),
            Wanted::NotTrue => "false".into(),
            Wanted::OneOf(words) => format!("\"{}\"", words.first().unwrap_or(&"")),
            Wanted::Said(value) => (*value).into(),
            Wanted::Least(least) => least.to_string(),
        }
    }
}

/// Holds all resources of the settings' types to them; says so when there is none of any.
pub fn hold(look: &mut Look<'_>, settings: &[Setting]) {
    let mut kinds: Vec<&str> = settings.iter().map(|s| s.of).collect();
    kinds.dedup();
    for (_, resource) in look.needed(&kinds) {
        for setting in settings.iter().filter(|s| s.of == resource.of()) {
            one(look, resource, setting);
        }
    }
}

/// Holds one resource to one setting.
pub fn one(look: &mut Look<'_>, resource: &Block, setting: &Setting) {
    let Setting { within, name, wanted, otherwise, .. } = setting;
    let found: Vec<&Block> = within.map_or_else(|| vec![resource], |kind| resource.all(kind).collect());
    if found.is_empty() && wanted.is_met(None, name) || found.iter().any(|b| wanted.is_met(Some(b), name)) {
        return;
    }
    let message = format!("`{}` {otherwise}.", resource.address());
    let value = wanted.written();
    let problem = match (found.first(), within) {
        (None, Some(kind)) => look.on(resource, message).fix(look.insert(resource, &format!("{kind} {{\n  {name} = {value}\n}}"))),
        (first, _) => {
            let block = first.unwrap_or(&resource);
            look.of(block, name, message).fix(look.replace(block, name, &value))
        }
    };
    look.found(problem);
}
