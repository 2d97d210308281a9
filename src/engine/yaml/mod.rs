//! YAML as Kubernetes reads it, with the place of every key and value; budgets keep a hostile file small.
mod budget;
mod comments;
mod compose;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod kubectl;
mod mapping;
mod scalars;
mod split;
mod tabs;
#[cfg(test)]
mod tests;
mod words;

use super::report::{Place, Problem};
pub use comments::{Commented, comments};
pub use scalars::is_base64;

/// Whose rules decide what a plain scalar means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// go-yaml v2's YAML 1.1 as sigs.k8s.io/yaml uses it: `0644` is 420, `no` is false.
    Kubernetes,
    /// YAML 1.2's core schema: `on:` is a string.
    Core,
}

/// What a file holds: the documents that could be read, and what was wrong with the others.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    pub documents: Vec<Document>,
    /// Problems that keep a document from being read, with their place.
    pub problems: Vec<Problem>,
    /// Things worth teaching that are no fault: "`0644` is read as 420 here".
    pub notes: Vec<Problem>,
}

/// One document of a stream.
#[derive(Debug, Clone)]
pub struct Document {
    pub file: String,
    /// Its number in the file, from 0, counted over all documents, unreadable ones too.
    pub index: usize,
    pub root: Node,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Node {
    pub span: Span,
    pub value: Value,
    /// Whether it was written plain (no quotes, no block): such a scalar's type was decided by the dialect.
    pub plain: bool,
}

#[derive(Debug, Clone)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// Only for numbers above i64's range.
    UInt(u64),
    Float(f64),
    String(String),
    Seq(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a mapping and its value. Keys are strings, as JSON will have them.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

/// From `start` to just before `end`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    pub start: Position,
    pub end: Position,
}

/// Line and column count from 1, columns in characters; the offset is in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: u32,
    pub column: u32,
    pub offset: usize,
}

/// Reads a file. Never panics, and refuses what would cost too much, with the place and the reason.
pub fn read(file: &str, bytes: &[u8], dialect: Dialect) -> Stream {
    let start = Position { line: 1, column: 1, offset: 0 };
    let refused = |span: Span, message: String| Stream { problems: vec![Problem::new(message).at(span.place(file))], ..Stream::default() };
    if bytes.len() > budget::BYTES {
        return refused(Span { start, end: start }, format!("the file is larger than {} MiB", budget::BYTES >> 20));
    }
    let (text, marked) = match split::text(bytes) {
        Ok(text) => text,
        Err(not) => return refused(not.span, not.message),
    };
    let mut reading = compose::Reading { file, dialect, budget: budget::Budget::default(), problems: Vec::new(), notes: Vec::new() };
    if marked {
        reading.note(Span { start, end: start }, "the file begins with a byte order mark; it is skipped here, but many tools stumble over it");
    }
    let mut documents = Vec::new();
    for (index, chunk) in split::documents(text, dialect).into_iter().enumerate() {
        let begins = Position { line: chunk.line + 1, column: 1, offset: chunk.offset };
        if index == budget::DOCUMENTS {
            let problem = reading.problem(Span { start: begins, end: begins }, format!("the file has more than {} documents", budget::DOCUMENTS));
            reading.tell(problem);
            break;
        }
        let before = reading.problems.len();
        match compose::document(chunk, &mut reading) {
            Ok(Some(root)) if reading.problems.len() == before => documents.push(Document { file: file.into(), index, root }),
            Ok(_) => {}
            Err(problem) => reading.tell(problem),
        }
        if reading.problems.len() >= budget::TOLD {
            break;
        }
    }
    Stream { documents, problems: reading.problems, notes: reading.notes }
}

impl Span {
    pub fn place(self, file: &str) -> Place {
        Place { file: file.into(), line: self.start.line, column: self.start.column, end_line: self.end.line, end_column: self.end.column }
    }
}

impl Span {
    /// Whether a line, counted from 1, is among its lines.
    pub fn has_line(self, line: u32) -> bool {
        (self.start.line..=self.end.line).contains(&line)
    }
}

impl Node {
    /// The value under `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.value)
    }

    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|e| e.key == key),
            _ => None,
        }
    }

    /// The node at a path of keys: `node.path(&["spec", "template"])`.
    pub fn path(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Seq(items) => items,
            _ => &[],
        }
    }

    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        match self.value {
            Value::Int(n) => Some(n),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// The node a JSON pointer's steps lead to, and the key's span if the last step was a key.
    pub fn at<'a>(&self, steps: impl IntoIterator<Item = &'a str>) -> Option<(&Node, Option<Span>)> {
        let mut here = (self, None);
        for step in steps {
            here = match &here.0.value {
                Value::Map(_) => here.0.entry(step).map(|e| (&e.value, Some(e.key_span)))?,
                Value::Seq(items) => (items.get(step.parse::<usize>().ok()?)?, None),
                _ => return None,
            };
        }
        Some(here)
    }

    /// The same value as JSON, keys in the order written.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Int(n) => Json::from(*n),
            Value::UInt(n) => Json::from(*n),
            Value::Float(n) => serde_json::Number::from_f64(*n).map_or(Json::Null, Json::Number),
            Value::String(s) => Json::String(s.clone()),
            Value::Seq(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Value::Map(entries) => Json::Object(entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect()),
        }
    }
}
