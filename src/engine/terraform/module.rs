//! A module as rules ask about it: its blocks with their attributes evaluated, its declarations and what refers to them.
use super::refs::Call;
use super::value::Value;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// One folder of configuration.
pub struct Module {
    /// Its path in the hand-in; empty for the top.
    pub dir: String,
    /// Whether another module of the hand-in calls it.
    pub called: bool,
    /// The blocks at the top of its files, one for each instance of what is made several times.
    pub blocks: Vec<Block>,
    /// Everything that is declared, made or not.
    pub declared: Vec<Declared>,
    /// The number of the first declaration of an address.
    pub addresses: HashMap<String, usize>,
    pub references: Vec<Reference>,
    pub calls: Vec<(usize, Call)>,
    pub variables: BTreeMap<String, Value>,
    pub locals: BTreeMap<String, Value>,
    /// Locals that depend on themselves.
    pub cycles: Vec<(String, usize, Range<usize>)>,
    /// Counts beyond reason.
    pub bombs: Vec<(usize, Range<usize>)>,
}

/// Something that has an address.
pub struct Declared {
    /// `var.region`, `aws_subnet.private`, `data.aws_ami.gpu`, `module.pool`, `local.name`, `output.id`.
    pub address: String,
    pub source: usize,
    pub span: Range<usize>,
    /// Whether it has `count`, `for_each`.
    pub counted: bool,
    pub for_each: bool,
}

/// A mention of something.
pub struct Reference {
    pub path: Vec<String>,
    pub source: usize,
    pub span: Range<usize>,
    /// The address of what mentions it; empty for blocks without one.
    pub by: String,
}

/// A block, evaluated.
pub struct Block {
    pub kind: String,
    pub labels: Vec<String>,
    pub source: usize,
    /// Its name and labels.
    pub head: Range<usize>,
    pub attributes: Vec<Attribute>,
    pub blocks: Vec<Block>,
    /// How many there are of it, where only the first are looked at; nothing where nobody can say.
    pub stands_for: Option<u64>,
}

/// An attribute, evaluated.
pub struct Attribute {
    pub name: String,
    pub key: Range<usize>,
    pub span: Range<usize>,
    pub value: Value,
    /// What it mentions, and what that leads to through locals, variables and `each`.
    pub refs: Vec<Vec<String>>,
}

impl Block {
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }

    /// The value of an attribute that is there and not null.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.attribute(name).map(|a| &a.value).filter(|v| **v != Value::Null)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.value(name).and_then(Value::as_str)
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        self.value(name).and_then(Value::as_number)
    }

    /// Whether an attribute is known to be true.
    pub fn is_true(&self, name: &str) -> bool {
        self.value(name).and_then(Value::as_bool) == Some(true)
    }

    /// Whether an attribute is there but not known.
    pub fn is_unknown(&self, name: &str) -> bool {
        self.value(name).is_some_and(Value::is_unknown)
    }

    pub fn all<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |b| b.kind == kind)
    }

    /// The blocks at a path of kinds.
    pub fn at<'a>(&'a self, path: &[&str]) -> Vec<&'a Block> {
        path.iter().fold(vec![self], |blocks, kind| blocks.into_iter().flat_map(|b| b.blocks.iter().filter(|c| c.kind == **kind)).collect())
    }

    /// `aws_instance.gpu`, `var.region`: how Terraform calls it.
    pub fn address(&self) -> String {
        match self.kind.as_str() {
            "resource" => self.labels.join("."),
            "variable" => format!("var.{}", self.labels.join(".")),
            "terraform" | "locals" => self.kind.clone(),
            kind => std::iter::once(kind).chain(self.labels.iter().map(String::as_str)).collect::<Vec<_>>().join("."),
        }
    }

    /// The resource's type; empty for everything else.
    pub fn of(&self) -> &str {
        if self.kind == "resource" { self.labels.first().map_or("", String::as_str) } else { "" }
    }

    /// Whether an attribute mentions the resource or the value that names it.
    pub fn points_at(&self, attribute: &str, target: &Block, by: &str) -> bool {
        let Some(a) = self.attribute(attribute) else { return false };
        let mentions = a.refs.iter().any(|path| path.len() >= 2 && path[..2] == target.labels[..2.min(target.labels.len())]);
        mentions || (matches!(a.value, Value::Text(_) | Value::Of(_)) && target.value(by) == Some(&a.value))
    }
}

impl Module {
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |b| b.kind == kind)
    }

    pub fn resources<'a>(&'a self, of: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |b| b.of() == of)
    }

    pub fn data<'a>(&'a self, of: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |b| b.kind == "data" && b.labels.first().is_some_and(|l| l == of))
    }

    pub fn is_declared(&self, address: &str) -> Option<&Declared> {
        self.declared.get(*self.addresses.get(address)?)
    }
}
