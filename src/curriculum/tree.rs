//! Our own YAML files as a tree that knows its lines, and a strict way to read one that keeps every fault instead of the first.
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Spanned};
use std::cell::RefCell;
use std::fmt;

/// Something wrong in a file of the program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    pub file: String,
    /// From 1.
    pub line: u32,
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// Collects what is wrong in one file.
#[derive(Debug)]
pub struct Faults<'a> {
    pub file: &'a str,
    all: &'a RefCell<Vec<Fault>>,
}

impl<'a> Faults<'a> {
    pub fn new(file: &'a str, all: &'a RefCell<Vec<Fault>>) -> Faults<'a> {
        Faults { file, all }
    }

    pub fn say(&self, line: u32, message: impl Into<String>) {
        self.all.borrow_mut().push(Fault { file: self.file.to_owned(), line: line.max(1), message: message.into() });
    }
}

/// A value and the line it stands on.
#[derive(Debug, Clone)]
pub struct Node {
    pub line: u32,
    pub value: Value,
}

#[derive(Debug, Clone)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
pub struct Key {
    pub line: u32,
    pub name: String,
}

/// Reads a file; what isn't YAML is one fault, a key given twice is one each.
pub fn read(bytes: &[u8], faults: &Faults<'_>) -> Option<Node> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        faults.say(1, "this file is not UTF-8");
        return None;
    };
    let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::PassThrough, with_snippet: false };
    match serde_saphyr::from_str_with_options::<Spanned<Value>>(text, options) {
        Ok(root) => {
            let node = Node::from(root);
            node.find_twice(faults);
            Some(node)
        }
        Err(error) => {
            let line = error.location().map_or(1, |l| u32::try_from(l.line()).unwrap_or(1));
            faults.say(line, format!("this is not YAML: {}", error.without_snippet().to_string().lines().next().unwrap_or_default()));
            None
        }
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Node {
        Node { line: u32::try_from(spanned.referenced.line()).unwrap_or(1), value: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Int(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                // YAML of ours has no number that large; as a float it is at least not silently another one.
                #[expect(clippy::cast_precision_loss, reason = "only beyond i64")]
                Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Value::Float(value))
            }
            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(Value::Text(value.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element::<Spanned<Value>>()? {
                    list.push(Node::from(item));
                }
                Ok(Value::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key::<Spanned<String>>()? {
                    let key = Key { line: u32::try_from(key.referenced.line()).unwrap_or(1), name: key.value };
                    entries.push((key, Node::from(map.next_value::<Spanned<Value>>()?)));
                }
                Ok(Value::Map(entries))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl Node {
    fn find_twice(&self, faults: &Faults<'_>) {
        match &self.value {
            Value::List(items) => items.iter().for_each(|item| item.find_twice(faults)),
            Value::Map(entries) => {
                for (i, (key, value)) in entries.iter().enumerate() {
                    if let Some((first, _)) = entries[..i].iter().find(|(k, _)| k.name == key.name) {
                        faults.say(key.line, format!("`{}` is given twice; the first is on line {}", key.name, first.line));
                    }
                    value.find_twice(faults);
                }
            }
            _ => {}
        }
    }

    /// What it is, for messages.
    pub fn is_a(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "yes or no",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    pub fn json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Int(n) => Json::from(*n),
            Value::Float(n) => Json::from(*n),
            Value::Text(t) => Json::String(t.clone()),
            Value::List(items) => Json::Array(items.iter().map(Node::json).collect()),
            Value::Map(entries) => Json::Object(entries.iter().map(|(k, v)| (k.name.clone(), v.json())).collect()),
        }
    }

    /// Says what was wanted of `name` and what is there.
    pub fn wrong<T>(&self, faults: &Faults<'_>, name: &str, wanted: &str) -> Option<T> {
        faults.say(self.line, format!("{name} must be {wanted}, this is {}", self.is_a()));
        None
    }

    pub fn text(&self, faults: &Faults<'_>, name: &str) -> Option<String> {
        match &self.value {
            Value::Text(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::Text(_) => {
                faults.say(self.line, format!("{name} is empty"));
                None
            }
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => self.wrong(faults, name, "text (put it in quotes)"),
            _ => self.wrong(faults, name, "text"),
        }
    }

    pub fn number(&self, faults: &Faults<'_>, name: &str) -> Option<u32> {
        match &self.value {
            Value::Int(n) if u32::try_from(*n).is_ok() => u32::try_from(*n).ok(),
            Value::Int(n) => {
                faults.say(self.line, format!("{name} must be a whole number from 0, not {n}"));
                None
            }
            _ => self.wrong(faults, name, "a whole number"),
        }
    }

    pub fn float(&self, faults: &Faults<'_>, name: &str) -> Option<f64> {
        match &self.value {
            #[expect(clippy::cast_precision_loss, reason = "authors write small numbers")]
            Value::Int(n) => Some(*n as f64),
            Value::Float(n) => Some(*n),
            _ => self.wrong(faults, name, "a number"),
        }
    }

    pub fn yes_no(&self, faults: &Faults<'_>, name: &str) -> Option<bool> {
        match &self.value {
            Value::Bool(b) => Some(*b),
            _ => self.wrong(faults, name, "true or false"),
        }
    }

    pub fn list(&self, faults: &Faults<'_>, name: &str) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => self.wrong(faults, name, "a list"),
        }
    }

    pub fn map(&self, faults: &Faults<'_>, name: &str) -> Option<&[(Key, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => self.wrong(faults, name, "a mapping"),
        }
    }

    /// A list of texts.
    pub fn texts(&self, faults: &Faults<'_>, name: &str) -> Option<Vec<String>> {
        Some(self.list(faults, name)?.iter().filter_map(|item| item.text(faults, name)).collect())
    }
}

/// A mapping that is read key by key; [`Fields::done`] says which keys nobody asked for.
pub struct Fields<'a> {
    pub line: u32,
    pub faults: &'a Faults<'a>,
    entries: &'a [(Key, Node)],
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    /// `name` is what the mapping is, for messages: "a check", "the timeline".
    pub fn of(node: &'a Node, name: &str, faults: &'a Faults<'a>) -> Option<Fields<'a>> {
        let entries = node.map(faults, name)?;
        let line = entries.first().map_or(node.line, |(key, _)| key.line);
        Some(Fields { line, faults, entries, asked: RefCell::new(Vec::new()) })
    }

    pub fn find(&self, name: &'static str) -> Option<(&'a Key, &'a Node)> {
        self.asked.borrow_mut().push(name);
        self.entries.iter().find(|(key, _)| key.name == name).map(|(key, node)| (key, node))
    }

    pub fn maybe(&self, name: &'static str) -> Option<&'a Node> {
        self.find(name).map(|(_, node)| node)
    }

    /// The line of a key, else of the mapping.
    pub fn line_of(&self, name: &str) -> u32 {
        self.entries.iter().find(|(key, _)| key.name == name).map_or(self.line, |(key, _)| key.line)
    }

    pub fn need(&self, name: &'static str) -> Option<&'a Node> {
        let found = self.maybe(name);
        if found.is_none() {
            self.faults.say(self.line, format!("`{name}` is missing"));
        }
        found
    }

    pub fn text(&self, name: &'static str) -> Option<String> {
        self.need(name)?.text(self.faults, &quoted(name))
    }

    pub fn maybe_text(&self, name: &'static str) -> Option<String> {
        self.maybe(name)?.text(self.faults, &quoted(name))
    }

    pub fn number(&self, name: &'static str) -> Option<u32> {
        self.need(name)?.number(self.faults, &quoted(name))
    }

    pub fn maybe_number(&self, name: &'static str) -> Option<u32> {
        self.maybe(name)?.number(self.faults, &quoted(name))
    }

    pub fn flag(&self, name: &'static str, otherwise: bool) -> bool {
        self.maybe(name).and_then(|node| node.yes_no(self.faults, &quoted(name))).unwrap_or(otherwise)
    }

    pub fn list(&self, name: &'static str) -> &'a [Node] {
        self.need(name).and_then(|node| node.list(self.faults, &quoted(name))).unwrap_or_default()
    }

    pub fn maybe_list(&self, name: &'static str) -> &'a [Node] {
        self.maybe(name).and_then(|node| node.list(self.faults, &quoted(name))).unwrap_or_default()
    }

    /// Reports the keys that were not asked for, with the nearest that were. `belongs` may know where a key belongs.
    pub fn done(&self, belongs: impl Fn(&str) -> Option<String>) {
        let asked = self.asked.borrow();
        for (key, _) in self.entries.iter().filter(|(key, _)| !asked.contains(&key.name.as_str())) {
            let hint = belongs(&key.name).or_else(|| nearest(&key.name, asked.iter().copied()).map(|near| format!("did you mean `{near}`?")));
            let hint = hint.unwrap_or_else(|| format!("known here: {}", asked.join(", ")));
            self.faults.say(key.line, format!("`{}` is not a key here; {hint}", key.name));
        }
    }
}

fn quoted(name: &str) -> String {
    format!("`{name}`")
}

/// The known name that a wrong one was probably meant to be.
pub fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, best) = known.map(|name| (strsim::damerau_levenshtein(&wrong.to_lowercase(), name), name)).min_by_key(|(d, _)| *d)?;
    (distance <= (wrong.chars().count() / 3).max(2)).then_some(best)
}

/// `; did you mean `x`?`, or nothing.
pub fn did_you_mean<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(wrong, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(yaml: &str, read_it: impl Fn(&Node, &Faults<'_>)) -> Vec<String> {
        let all = RefCell::new(Vec::new());
        let faults = Faults::new("x.yaml", &all);
        if let Some(node) = read(yaml.as_bytes(), &faults) {
            read_it(&node, &faults);
        }
        all.into_inner().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_fault_is_said_with_its_line() {
        let said = faults_of("title: a\ntitel: b\nminutes: soon\ntitle: c\nversion: 1.36\n", |node, faults| {
            let fields = Fields::of(node, "a lab", faults).unwrap();
            assert_eq!(fields.text("title").as_deref(), Some("a"));
            fields.number("minutes");
            fields.text("version");
            fields.text("id");
            fields.done(|_| None);
        });
        assert_eq!(
            said,
            [
                "x.yaml:4: `title` is given twice; the first is on line 1",
                "x.yaml:3: `minutes` must be a whole number, this is text",
                "x.yaml:5: `version` must be text (put it in quotes), this is a number",
                "x.yaml:1: `id` is missing",
                "x.yaml:2: `titel` is not a key here; did you mean `title`?",
            ]
        );
    }

    #[test]
    fn what_is_no_yaml_says_where() {
        let said = faults_of("a: 1\nb: [1, 2\nc: 3\n", |_, _| {});
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("x.yaml:3: this is not YAML: ") || said[0].starts_with("x.yaml:2: this is not YAML: "), "{said:?}");
        assert!(faults_of("\u{1}", |_, _| {}).len() == 1);
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("res-mem-limit", ["res-mem-lim", "res-cpu-req"].into_iter()), Some("res-mem-lim"));
        assert_eq!(nearest("nonsense", ["res-mem-lim"].into_iter()), None);
    }
}
