//! The nodes that a lab gives: Node objects as YAML, read strictly.
use super::reasons::amount;
use crate::engine::figure;
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::kubernetes::words;
use crate::engine::report::Problem;
use crate::engine::yaml::{self, Dialect, Entry, Node as Yaml, Value};
use std::collections::BTreeMap;

/// The key each mapping may have, by where it stands; what a node's labels and annotations are called is free.
const KEYS: [(&str, &[&str]); 5] = [
    ("a Node", &["apiVersion", "kind", "metadata", "spec", "status"]),
    ("metadata", &["name", "labels", "annotations"]),
    ("spec", &["taints", "unschedulable", "providerID", "podCIDR", "podCIDRs"]),
    ("status", &["allocatable", "capacity"]),
    ("a taint", &["key", "value", "effect"]),
];
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
/// The label that every node has by itself.
const HOSTNAME: &str = "kubernetes.io/hostname";

/// A cluster's nodes, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Nodes(pub(super) Vec<Node>);

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Node {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub taints: Vec<Taint>,
    pub unschedulable: bool,
    /// As the scheduler counts: thousandths of a core, bytes, pieces.
    pub allocatable: BTreeMap<String, i128>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taint {
    pub key: String,
    pub value: String,
    pub effect: String,
}

impl Taint {
    /// `nvidia.com/gpu=present:NoSchedule`, as kubectl writes it.
    pub fn written(&self) -> String {
        let value = if self.value.is_empty() { String::new() } else { format!("={}", self.value) };
        format!("{}{value}:{}", self.key, self.effect)
    }

    /// Whether it keeps pods from being placed.
    pub fn keeps_off(&self) -> bool {
        self.effect != "PreferNoSchedule"
    }
}

impl Nodes {
    /// Reads the nodes of a file; everything that is wrong with it, if anything is.
    pub fn read(file: &str, text: &str) -> Result<Nodes, Vec<Problem>> {
        let stream = yaml::read(file, text.as_bytes(), Dialect::Kubernetes);
        let mut reading = Reading { file, problems: stream.problems };
        let mut nodes: Vec<Node> = Vec::new();
        for document in stream.documents.iter().filter(|d| !matches!(d.root.value, Value::Null)) {
            let list = document.root.get("items").filter(|_| document.root.get("kind").and_then(Yaml::as_str).is_some_and(|k| k.ends_with("List")));
            let items: Vec<&Yaml> = list.map_or_else(|| vec![&document.root], |l| l.items().iter().collect());
            for item in items {
                let node = reading.node(item);
                if nodes.iter().any(|n| n.name == node.name) {
                    reading.say(item, format!("there are two nodes named `{}`", node.name));
                }
                nodes.push(node);
            }
        }
        if nodes.is_empty() && reading.problems.is_empty() {
            reading.problems.push(Problem::new("the file has no nodes"));
        }
        if nodes.len() > figure::MOST {
            reading.problems.push(Problem::new(format!("the file has {} nodes; {} are the most", nodes.len(), figure::MOST)));
        }
        if reading.problems.is_empty() { Ok(Nodes(nodes)) } else { Err(reading.problems) }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

struct Reading<'f> {
    file: &'f str,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn say(&mut self, at: &Yaml, message: impl Into<String>) {
        self.problems.push(Problem::new(message).at(at.span.place(self.file)));
    }

    fn node(&mut self, root: &Yaml) -> Node {
        self.known("a Node", root);
        if (root.get("apiVersion").and_then(Yaml::as_str), root.get("kind").and_then(Yaml::as_str)) != (Some("v1"), Some("Node")) {
            self.say(root, "this is no Node: `apiVersion: v1` and `kind: Node`");
        }
        let (metadata, spec, status) = (root.get("metadata"), root.get("spec"), root.get("status"));
        for (what, node) in [("metadata", metadata), ("spec", spec), ("status", status)] {
            if let Some(node) = node {
                self.known(what, node);
            }
        }
        let name = metadata.and_then(|m| m.get("name")).and_then(Yaml::as_str).unwrap_or("").to_owned();
        if name.is_empty() {
            self.say(metadata.unwrap_or(root), "a node has a name in `metadata`");
        }
        let mut labels = BTreeMap::from([(HOSTNAME.to_owned(), name.clone())]);
        for entry in metadata.and_then(|m| m.get("labels")).map_or(&[][..], Yaml::entries) {
            match entry.value.as_str() {
                Some(value) => {
                    labels.insert(entry.key.clone(), value.to_owned());
                }
                None => self.say(&entry.value, format!("the label `{}` is no string: quote it", entry.key)),
            }
        }
        let taints = spec.and_then(|s| s.get("taints")).map_or(&[][..], Yaml::items).iter().map(|t| self.taint(t)).collect();
        let unschedulable = spec.and_then(|s| s.get("unschedulable"));
        if let Some(node) = unschedulable.filter(|n| n.as_bool().is_none()) {
            self.say(node, "`unschedulable` is true or false");
        }
        let (allocatable, capacity) = (self.amounts(status, "allocatable"), self.amounts(status, "capacity"));
        let allocatable = if allocatable.is_empty() { capacity } else { allocatable };
        for needed in ["cpu", "memory", "pods"] {
            if !allocatable.contains_key(needed) {
                self.say(status.unwrap_or(root), format!("node `{name}` doesn't say how much `{needed}` is allocatable"));
            }
        }
        Node { name, labels, taints, unschedulable: unschedulable.and_then(Yaml::as_bool) == Some(true), allocatable }
    }

    fn taint(&mut self, node: &Yaml) -> Taint {
        self.known("a taint", node);
        let text = |key: &str| node.get(key).and_then(Yaml::as_str).unwrap_or("").to_owned();
        let taint = Taint { key: text("key"), value: text("value"), effect: text("effect") };
        if let Some(value) = node.get("value").filter(|v| v.as_str().is_none()) {
            self.say(value, "a taint's value is a string: quote it");
        }
        if taint.key.is_empty() {
            self.say(node, "a taint has a `key`");
        }
        if !EFFECTS.contains(&taint.effect.as_str()) {
            self.say(node.get("effect").unwrap_or(node), format!("a taint's `effect` is {}", words::either(EFFECTS)));
        }
        taint
    }

    fn amounts(&mut self, status: Option<&Yaml>, key: &str) -> BTreeMap<String, i128> {
        let entries = status.and_then(|s| s.get(key)).map_or(&[][..], Yaml::entries);
        let read = |entry: &Entry| Quantity::of(&entry.value).filter(|q| !q.is_negative());
        let mut amounts = BTreeMap::new();
        for entry in entries {
            match read(entry) {
                Some(quantity) => {
                    amounts.insert(entry.key.clone(), amount(&entry.key, quantity));
                }
                None => self.say(&entry.value, format!("`{}` is no quantity", entry.key)),
            }
        }
        amounts
    }

    fn known(&mut self, what: &str, node: &Yaml) {
        let known = KEYS.iter().find(|(of, _)| *of == what).map_or(&[][..], |(_, keys)| *keys);
        if !matches!(node.value, Value::Map(_)) {
            self.say(node, format!("{what} is a mapping"));
        }
        for entry in node.entries().iter().filter(|e| !known.contains(&e.key.as_str())) {
            let near = words::nearest(&entry.key, known.iter().copied()).map(|n| format!(", did you mean `{n}`?")).unwrap_or_default();
            let problem = Problem::new(format!("{what} has no field `{}` here{near}", entry.key)).at(entry.key_span.place(self.file));
            self.problems.push(problem);
        }
    }
}
