//! A module as one document for `select`: labelled blocks as nested maps, repeated ones as lists, each value with its place.
use super::source::Source;
use crate::engine::report::{Place, Problem};
use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey, UnaryOperator};
use hcl_edit::structure::{Block, Body, Structure};
use hcl_edit::template::Element;
use serde_json::Value;
use std::collections::HashMap;
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
    /// The document of these sources together, as Terraform reads a folder.
    pub fn of(sources: &[&Source]) -> Document {
        let mut root = Node { what: What::Map(Entries::default()), source: 0, shown: 0..0 };
        for (n, source) in sources.iter().enumerate() {
            fill(&mut root, &source.body, source, n, true);
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

/// One file as a document.
pub fn document(path: &str, bytes: &[u8]) -> Result<Value, Problem> {
    Source::parse(path, bytes).map(|source| Document::of(&[&source]).json())
}

/// The place of a JSON pointer in one file's document.
pub fn place_in(path: &str, bytes: &[u8], pointer: &str) -> Option<Place> {
    let source = Source::parse(path, bytes).ok()?;
    let (_, span) = Document::of(&[&source]).at(pointer)?;
    Some(source.place(&span))
}

fn json(node: &Node) -> Value {
    match &node.what {
        What::Leaf(value) => value.clone(),
        What::Map(entries) => Value::Object(entries.list.iter().map(|(k, v)| (k.clone(), json(v))).collect()),
        What::List(items) => Value::Array(items.iter().map(json).collect()),
    }
}

fn fill(into: &mut Node, body: &Body, source: &Source, n: usize, top: bool) {
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                let key = attribute.key.span().unwrap_or_default();
                put(into, attribute.key.as_str(), expression(&attribute.value, source, n, &key));
            }
            Structure::Block(block) => add(into, block, source, n, top),
        }
    }
}

/// Where a block's name and labels stand.
pub fn head(block: &Block) -> Range<usize> {
    let start = block.ident.span().unwrap_or_default();
    let end = block.labels.last().and_then(Span::span).map_or(start.end, |s| s.end);
    start.start..end
}

fn add(into: &mut Node, block: &Block, source: &Source, n: usize, top: bool) {
    let shown = head(block);
    let kind = block.ident.as_str();
    let mut at = into;
    let mut name = kind.to_owned();
    for label in &block.labels {
        let Some(below) = descend(at, &name, n, &shown) else { return };
        at = below;
        name = label.as_str().to_owned();
    }
    let merged = top && block.labels.is_empty() && matches!(kind, "locals" | "terraform");
    if merged {
        if let Some(at) = descend(at, &name, n, &shown) {
            fill(at, &block.body, source, n, false);
        }
        return;
    }
    let mut made = Node { what: What::Map(Entries::default()), source: n, shown: shown.clone() };
    fill(&mut made, &block.body, source, n, false);
    let list = top && block.labels.is_empty() && ALWAYS_LISTS.contains(&kind);
    put(at, &name, if list { Node { what: What::List(vec![made]), source: n, shown } } else { made });
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

fn expression(e: &Expression, source: &Source, n: usize, key: &Range<usize>) -> Node {
    let span = e.span().unwrap_or_else(|| key.clone());
    match e {
        Expression::Array(array) => {
            let items = array.iter().map(|item| expression(item, source, n, &span)).collect();
            Node { what: What::List(items), source: n, shown: key.clone() }
        }
        Expression::Object(object) => {
            let mut node = Node { what: What::Map(Entries::default()), source: n, shown: key.clone() };
            for (name, value) in object {
                let (name, at) = object_key(name, source);
                let value = expression(value.expr(), source, n, &at);
                if let What::Map(entries) = &mut node.what {
                    entries.set(&name, value);
                }
            }
            node
        }
        _ => Node { what: What::Leaf(leaf(e, source, &span)), source: n, shown: span },
    }
}

fn object_key(key: &ObjectKey, source: &Source) -> (String, Range<usize>) {
    match key {
        ObjectKey::Ident(ident) => (ident.as_str().to_owned(), ident.span().unwrap_or_default()),
        ObjectKey::Expression(e) => {
            let span = e.span().unwrap_or_default();
            let name = match leaf(e, source, &span) {
                Value::String(name) => name,
                other => other.to_string(),
            };
            (name, span)
        }
    }
}

/// A literal as its value; everything else as its source.
fn leaf(e: &Expression, source: &Source, span: &Range<usize>) -> Value {
    match e {
        Expression::Null(_) => Value::Null,
        Expression::Bool(b) => Value::Bool(**b),
        Expression::Number(number) => number_value(number.as_i64(), number.as_f64()),
        Expression::String(text) => Value::String(text.as_str().to_owned()),
        Expression::Parenthesis(inner) => match leaf(inner.inner(), source, span) {
            Value::String(s) if s.starts_with("${") => Value::String(wrapped(source, span)),
            other => other,
        },
        Expression::UnaryOp(op) if *op.operator.value() == UnaryOperator::Neg => match &op.expr {
            Expression::Number(number) => number_value(number.as_i64().map(|n| -n), number.as_f64().map(|n| -n)),
            _ => Value::String(wrapped(source, span)),
        },
        Expression::StringTemplate(_) => {
            let text = source.slice(span);
            Value::String(text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text).to_owned())
        }
        Expression::HeredocTemplate(heredoc) => {
            let literals: Option<String> = heredoc.template.iter().map(|e| e.as_literal().map(|l| l.value().as_str())).collect();
            Value::String(literals.unwrap_or_else(|| heredoc.template.iter().map(|e| element(e, source)).collect()))
        }
        _ => Value::String(wrapped(source, span)),
    }
}

fn element(e: &Element, source: &Source) -> String {
    match e {
        Element::Literal(text) => text.value().clone(),
        other => other.span().map(|s| source.slice(&s).to_owned()).unwrap_or_default(),
    }
}

fn wrapped(source: &Source, span: &Range<usize>) -> String {
    format!("${{{}}}", source.slice(span))
}

fn number_value(whole: Option<i64>, real: Option<f64>) -> Value {
    whole.map(Value::from).or_else(|| real.and_then(serde_json::Number::from_f64).map(Value::Number)).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TEXT: &str = r#"
terraform {
  required_version = ">= 1.9"
  backend "s3" { encrypt = true }
}
resource "aws_vpc_endpoint" "s3" {
  service_name = "com.amazonaws.${var.region}.s3"
  size         = -3
  ids          = [aws_route_table.private.id, "x"]
  labels       = { "nvidia.com/gpu.present" = "true", (var.key) = 1.5 }
  note         = <<-EOT
    two
    lines
  EOT
}
resource "aws_launch_template" "gpu" {
  override { type = "a" }
  override { type = "b" }
}
moved {
  from = aws_eks_node_group.gpu[0]
  to   = aws_eks_node_group.gpu["batch"]
}
locals { a = 1 }
locals { b = local.a == 1 ? 2 : 3 }
"#;

    #[test]
    fn the_shape_is_the_one_lab_authors_were_promised() {
        let document = document("main.tf", TEXT.as_bytes()).unwrap();
        assert_eq!(
            document,
            json!({
                "terraform": { "required_version": ">= 1.9", "backend": { "s3": { "encrypt": true } } },
                "resource": {
                    "aws_vpc_endpoint": { "s3": {
                        "service_name": "com.amazonaws.${var.region}.s3", "size": -3,
                        "ids": ["${aws_route_table.private.id}", "x"],
                        "labels": { "nvidia.com/gpu.present": "true", "${(var.key)}": 1.5 },
                        "note": "two\nlines\n",
                    } },
                    "aws_launch_template": { "gpu": { "override": [{ "type": "a" }, { "type": "b" }] } },
                },
                "moved": [{ "from": "${aws_eks_node_group.gpu[0]}", "to": "${aws_eks_node_group.gpu[\"batch\"]}" }],
                "locals": { "a": 1, "b": "${local.a == 1 ? 2 : 3}" },
            })
        );
    }

    #[test]
    fn a_pointer_has_a_place() {
        let place = |pointer| place_in("main.tf", TEXT.as_bytes(), pointer).map(|p| (p.line, p.column, p.end_column));
        assert_eq!(place("/resource/aws_vpc_endpoint/s3/size"), Some((8, 18, 20)));
        assert_eq!(place("/resource/aws_launch_template/gpu/override/1/type"), Some((18, 21, 24)));
        assert_eq!(place("/resource/aws_vpc_endpoint/s3/labels"), Some((10, 3, 9)));
        assert_eq!(place("/resource/nothing"), None);
    }
}
