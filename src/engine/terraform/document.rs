//! A module as one document for `select`: labelled blocks as nested maps, repeated ones as lists, values as far as they are
//! known, what isn't as `${…}`, each with its place.
use super::build::unfold;
use super::evaluate::Scope;
use super::fuel::Fuel;
use super::module::Module;
use super::source::Source;
use super::value::Value as Known;
use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey, UnaryOperator};
use hcl_edit::structure::{Attribute, Block, Body, Structure};
use hcl_edit::template::{Element, Strip};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Blocks that are a list even when there is one: nothing names them, and each stands for itself.
const ALWAYS_LISTS: [&str; 3] = ["moved", "removed", "import"];

/// A value of the document and where it stands.
struct Node {
    what: What,
    source: usize,
    /// What a reader is shown: the value of a plain one, the name of a compound one.
    shown: Range<usize>,
}

enum What {
    Leaf(Value),
    Map(Entries),
    List(Vec<Node>),
}

/// A map's entries in the order they are written.
#[derive(Default)]
struct Entries {
    list: Vec<(String, Node)>,
    index: HashMap<String, usize>,
}

impl Entries {
    fn get(&self, name: &str) -> Option<&Node> {
        self.list.get(*self.index.get(name)?).map(|(_, node)| node)
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.list.get_mut(*self.index.get(name)?).map(|(_, node)| node)
    }

    /// Sets an entry; the last of a name counts.
    fn set(&mut self, name: &str, node: Node) {
        if let Some(there) = self.get_mut(name) {
            *there = node;
        } else {
            self.index.insert(name.to_owned(), self.list.len());
            self.list.push((name.to_owned(), node));
        }
    }
}

/// A module's document.
pub struct Document(Node);

impl Document {
    /// The document of these sources together, as Terraform reads a folder, with the values that their module knows.
    pub fn of(sources: &[&Source], module: Option<&Module>, fuel: &Fuel) -> Document {
        let none = BTreeMap::new();
        let (variables, locals) = module.map_or((&none, &none), |m| (&m.variables, &m.locals));
        let scope = Scope { variables, locals, each: None, count: None, bound: RefCell::default(), fuel };
        let mut root = Node { what: What::Map(Entries::default()), source: 0, shown: 0..0 };
        for (n, source) in sources.iter().enumerate() {
            for block in source.body.blocks() {
                // What a variable says of itself is meant for values to come, not for its default.
                let own = (block.ident.as_str() != "variable").then(|| instance(&scope, block));
                Reading { source, n, scope: own.as_ref() }.add(&mut root, block, true);
            }
            for attribute in source.body.attributes() {
                Reading { source, n, scope: Some(&scope) }.attribute(&mut root, attribute);
            }
        }
        Document(root)
    }

    pub fn json(&self) -> Value {
        json(&self.0)
    }

    /// The source's number and the span of what a JSON pointer names.
    pub fn at(&self, pointer: &str) -> Option<(usize, Range<usize>)> {
        let mut node = &self.0;
        for step in pointer.split('/').skip(1).map(|s| s.replace("~1", "/").replace("~0", "~")) {
            node = match &node.what {
                What::Leaf(_) => return None,
                What::Map(entries) => entries.get(&step)?,
                What::List(items) => items.get(step.parse::<usize>().ok()?)?,
            };
        }
        Some((node.source, node.shown.clone()))
    }
}

fn json(node: &Node) -> Value {
    match &node.what {
        What::Leaf(value) => value.clone(),
        What::Map(entries) => Value::Object(entries.list.iter().map(|(k, v)| (k.clone(), json(v))).collect()),
        What::List(items) => Value::Array(items.iter().map(json).collect()),
    }
}

/// Where a block's name and labels stand.
pub fn head(block: &Block) -> Range<usize> {
    let start = block.ident.span().unwrap_or_default();
    let end = block.labels.last().and_then(Span::span).map_or(start.end, |s| s.end);
    start.start..end
}

/// The map called `name`, made if it isn't there.
fn descend<'a>(into: &'a mut Node, name: &str, n: usize, shown: &Range<usize>) -> Option<&'a mut Node> {
    if !matches!(into.what, What::Map(_)) {
        into.what = What::Map(Entries::default());
    }
    let What::Map(entries) = &mut into.what else { return None };
    if entries.get(name).is_none() {
        entries.set(name, Node { what: What::Map(Entries::default()), source: n, shown: shown.clone() });
    }
    entries.get_mut(name)
}

/// Adds a value; a second one of the same name makes a list.
fn put(into: &mut Node, name: &str, node: Node) {
    let What::Map(entries) = &mut into.what else { return };
    let Some(there) = entries.get_mut(name) else {
        entries.set(name, node);
        return;
    };
    let added = match node.what {
        What::List(items) if ALWAYS_LISTS.contains(&name) => items,
        _ => vec![node],
    };
    if let What::List(items) = &mut there.what {
        items.extend(added);
    } else {
        let (source, shown) = (there.source, there.shown.clone());
        let first = std::mem::replace(there, Node { what: What::List(Vec::new()), source, shown });
        if let What::List(items) = &mut there.what {
            items.push(first);
            items.extend(added);
        }
    }
}

/// The scope inside of a block: `each` and `count` have a value there if the block makes one instance only.
fn instance<'a>(scope: &Scope<'a>, block: &Block) -> Scope<'a> {
    let value = |name| block.body.get_attribute(name).map(|a| scope.value(&a.value));
    let each = value("for_each").and_then(|v| v.pairs()).filter(|pairs| pairs.len() == 1).and_then(|mut pairs| pairs.pop());
    let count = value("count").filter(|v| v.as_number() == Some(1.0)).map(|_| Known::Number(0.0));
    Scope { each, count, bound: RefCell::default(), ..*scope }
}

fn number_value(whole: Option<i64>, real: Option<f64>) -> Value {
    whole.map(Value::from).or_else(|| real.and_then(serde_json::Number::from_f64).map(Value::Number)).unwrap_or(Value::Null)
}

/// One source on its way into the document.
struct Reading<'a> {
    source: &'a Source,
    n: usize,
    /// What names mean; without it everything stays as it is written.
    scope: Option<&'a Scope<'a>>,
}

impl Reading<'_> {
    fn node(&self, what: What, shown: &Range<usize>) -> Node {
        Node { what, source: self.n, shown: shown.clone() }
    }

    fn fill(&self, into: &mut Node, body: &Body) {
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => self.attribute(into, attribute),
                Structure::Block(block) => match self.scope {
                    Some(scope) if block.ident.as_str() == "dynamic" => {
                        unfold(scope, block, |kind, content| {
                            let mut made = self.node(What::Map(Entries::default()), &head(block));
                            self.fill(&mut made, &content.body);
                            put(into, kind, made);
                        });
                    }
                    _ => self.add(into, block, false),
                },
            }
        }
    }

    fn attribute(&self, into: &mut Node, attribute: &Attribute) {
        let key = attribute.key.span().unwrap_or_default();
        put(into, attribute.key.as_str(), self.expression(&attribute.value, &key));
    }

    fn add(&self, into: &mut Node, block: &Block, top: bool) {
        let shown = head(block);
        let kind = block.ident.as_str();
        let mut at = into;
        let mut name = kind.to_owned();
        for label in &block.labels {
            let Some(below) = descend(at, &name, self.n, &shown) else { return };
            at = below;
            name = label.as_str().to_owned();
        }
        let merged = top && block.labels.is_empty() && matches!(kind, "locals" | "terraform");
        if merged {
            if let Some(at) = descend(at, &name, self.n, &shown) {
                self.fill(at, &block.body);
            }
            return;
        }
        let mut made = self.node(What::Map(Entries::default()), &shown);
        self.fill(&mut made, &block.body);
        let list = top && block.labels.is_empty() && ALWAYS_LISTS.contains(&kind);
        put(at, &name, if list { self.node(What::List(vec![made]), &shown) } else { made });
    }

    fn expression(&self, e: &Expression, key: &Range<usize>) -> Node {
        let span = e.span().unwrap_or_else(|| key.clone());
        match e {
            Expression::Array(array) => {
                let items = array.iter().map(|item| self.expression(item, &span)).collect();
                self.node(What::List(items), key)
            }
            Expression::Object(object) => {
                let mut entries = Entries::default();
                for (name, value) in object {
                    let (name, at) = self.object_key(name);
                    entries.set(&name, self.expression(value.expr(), &at));
                }
                self.node(What::Map(entries), key)
            }
            Expression::Null(_) | Expression::Bool(_) | Expression::Number(_) => self.node(What::Leaf(self.leaf(e, &span)), &span),
            _ => {
                let known = self.scope.and_then(|scope| self.known(&scope.value(e), scope.fuel, key, &span));
                known.unwrap_or_else(|| self.node(What::Leaf(self.leaf(e, &span)), &span))
            }
        }
    }

    fn object_key(&self, key: &ObjectKey) -> (String, Range<usize>) {
        match key {
            ObjectKey::Ident(ident) => (ident.as_str().to_owned(), ident.span().unwrap_or_default()),
            ObjectKey::Expression(e) => {
                let span = e.span().unwrap_or_default();
                let name = self.scope.and_then(|scope| scope.value(e).shown()).unwrap_or_else(|| match self.leaf(e, &span) {
                    Value::String(name) => name,
                    other => other.to_string(),
                });
                (name, span)
            }
        }
    }

    /// A value that is known in all of its parts, or at least by what they are called.
    fn known(&self, value: &Known, fuel: &Fuel, key: &Range<usize>, span: &Range<usize>) -> Option<Node> {
        Some(match value {
            _ if !fuel.steps(1) => return None,
            Known::Unknown | Known::Partly(_) => return None,
            Known::Of(address) if !fuel.bytes(address.len()) => return None,
            Known::Of(address) => self.node(What::Leaf(Value::String(format!("${{{address}}}"))), span),
            Known::List(items) | Known::Set(items) => {
                let items = items.iter().map(|v| self.known(v, fuel, span, span)).collect::<Option<_>>()?;
                self.node(What::List(items), key)
            }
            Known::Map(map) => {
                let mut entries = Entries::default();
                for (name, value) in map.iter() {
                    entries.set(name, self.known(value, fuel, span, span)?);
                }
                self.node(What::Map(entries), key)
            }
            plain => self.node(What::Leaf(plain.to_json(fuel)?), span),
        })
    }

    /// A literal as its value; everything else as its source.
    fn leaf(&self, e: &Expression, span: &Range<usize>) -> Value {
        match e {
            Expression::Null(_) => Value::Null,
            Expression::Bool(b) => Value::Bool(**b),
            Expression::Number(number) => number_value(number.as_i64(), number.as_f64()),
            Expression::String(text) => Value::String(text.as_str().to_owned()),
            Expression::Parenthesis(inner) => match self.leaf(inner.inner(), span) {
                Value::String(s) if s.starts_with("${") => Value::String(self.wrapped(span)),
                other => other,
            },
            Expression::UnaryOp(op) if *op.operator.value() == UnaryOperator::Neg => match &op.expr {
                Expression::Number(number) => number_value(number.as_i64().map(|n| -n), number.as_f64().map(|n| -n)),
                _ => Value::String(self.wrapped(span)),
            },
            Expression::StringTemplate(template) => Value::String(template.iter().map(|e| self.element(e)).collect()),
            Expression::HeredocTemplate(heredoc) => Value::String(heredoc.template.iter().map(|e| self.element(e)).collect()),
            _ => Value::String(self.wrapped(span)),
        }
    }

    /// A piece of a text of which not all is known.
    fn element(&self, e: &Element) -> String {
        let known = match e {
            Element::Literal(text) => return text.value().clone(),
            Element::Interpolation(i) if i.strip == Strip::None => self.scope.and_then(|scope| match scope.value(&i.expr) {
                Known::Of(address) => Some(format!("${{{address}}}")),
                value => value.shown(),
            }),
            _ => None,
        };
        known.unwrap_or_else(|| e.span().map(|s| self.source.slice(&s).to_owned()).unwrap_or_default())
    }

    fn wrapped(&self, span: &Range<usize>) -> String {
        format!("${{{}}}", self.source.slice(span))
    }
}

#[cfg(test)]
mod tests;
