//! The objects of a hand-in, joined once: what holds pods, what selects them, what refers to what.
use super::DocumentId;
use super::doc::Doc;
use super::quantity::Quantity;
use crate::engine::check::Where;
use crate::engine::report::{Problem, clip};
use crate::engine::yaml::{Entry, Node, Span, Value};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Deeper than any workload keeps its pod template.
const DEEPEST: usize = 9;
/// Longest name that a message repeats, in characters.
const NAME: usize = 80;
/// Objects that are looked at. Rules compare each with each, and aliases in a `List` make thousands out of a few lines.
pub const MOST: usize = 2_000;
/// Objects beyond these that are kept to be looked at one by one.
const BEYOND: usize = 20_000;

/// Answers of selectors that are remembered: a few MB.
const REMEMBERED: usize = 50_000;

/// All objects, `List`s unfolded, in the order of the files.
#[derive(Default)]
pub struct Objects<'a> {
    all: Vec<Object<'a>>,
    /// Where in `all` the objects of a kind are: rules ask for a kind again for every object.
    kinds: HashMap<&'a str, Vec<usize>>,
    /// Where in `all` the objects are that size another, by that one's name.
    scalers: HashMap<&'a str, Vec<usize>>,
    /// Sets of labels, each kept once: what a selector says of one it says of every pod that has it.
    labels: HashMap<Labels<'a>, Rc<Labels<'a>>>,
    /// What a selector said of a set of labels, by where in memory both are.
    selected: RefCell<HashMap<(usize, usize), bool>>,
    /// Says so where the first one stands that is too many.
    too_many: Option<Problem>,
    /// Those that are too many, with where they stand: nothing is compared with them, but each can still be held to its schema.
    beyond: Vec<(Doc<'a>, &'a Node)>,
}

/// One object.
pub struct Object<'a> {
    pub id: DocumentId,
    pub doc: Doc<'a>,
    pub node: &'a Node,
    pub api: &'a str,
    pub kind: &'a str,
    pub name: &'a str,
    /// Empty when it isn't said.
    pub namespace: &'a str,
    /// The pods it is or makes; several for a kind that makes pods of several roles.
    pub pods: Vec<Pod<'a>>,
}

/// Labels by key: selectors are compared with those of every pod.
pub type Labels<'a> = BTreeMap<&'a str, &'a str>;

/// A pod, or the template of one.
pub struct Pod<'a> {
    /// The same for all pods with the same labels.
    pub labels: Rc<Labels<'a>>,
    pub metadata: Option<&'a Node>,
    pub spec: &'a Node,
    /// Where `spec:` stands.
    pub spec_key: Span,
    pub containers: Vec<Container<'a>>,
}

#[derive(Clone, Copy)]
pub struct Container<'a> {
    pub node: &'a Node,
    pub name: &'a str,
    pub image: &'a str,
    /// Runs before the others and ends; a sidecar (`restartPolicy: Always`) does not count as one.
    pub init: bool,
}

impl<'a> Objects<'a> {
    pub fn add(&mut self, id: DocumentId, doc: &Doc<'a>, root: &'a Node) {
        let text = |node: &'a Node, keys: &[&str]| node.path(keys).and_then(Node::as_str).unwrap_or("");
        let kind = text(root, &["kind"]);
        if kind.ends_with("List") && root.get("items").is_some() {
            for item in root.get("items").map_or(&[][..], Node::items).iter().filter(|i| matches!(i.value, Value::Map(_))) {
                self.add(id, doc, item);
            }
            return;
        }
        if self.all.len() == MOST {
            let message = format!("a hand-in may have {MOST} objects; this one and those after it are not looked at");
            let start = root.entries().first().map_or(root.span, |e| e.key_span);
            self.too_many.get_or_insert_with(|| {
                doc.problem(start, message)
                    .why("Each object is compared with all the others: what they select, send to and allow.")
                    .fix("Hand in only what the task is about.")
            });
            if self.beyond.len() < BEYOND {
                self.beyond.push((doc.clone(), root));
            }
            return;
        }
        let mut pods = Vec::new();
        if kind == "Pod" {
            pods.extend(Pod::of(root));
        } else if !matches!(kind, "ConfigMap" | "Secret" | "CustomResourceDefinition") {
            find_pods(root, 0, &mut pods);
        }
        for pod in &mut pods {
            pod.labels = match self.labels.get(pod.labels.as_ref()) {
                Some(known) => Rc::clone(known),
                None => {
                    self.labels.insert(pod.labels.as_ref().clone(), Rc::clone(&pod.labels));
                    continue;
                }
            };
        }
        let (api, name, namespace) = (text(root, &["apiVersion"]), text(root, &["metadata", "name"]), text(root, &["metadata", "namespace"]));
        self.kinds.entry(kind).or_default().push(self.all.len());
        if root.path(&["spec", "scaleTargetRef"]).is_some() {
            self.scalers.entry(text(root, &["spec", "scaleTargetRef", "name"])).or_default().push(self.all.len());
        }
        self.all.push(Object { id, doc: doc.clone(), node: root, api, kind, name, namespace, pods });
    }

    /// What is said if there are more objects than are looked at.
    pub fn too_many(&self) -> Option<&Problem> {
        self.too_many.as_ref()
    }

    /// Objects beyond those that are compared with each other.
    pub fn beyond(&self) -> &[(Doc<'a>, &'a Node)] {
        &self.beyond
    }

    pub fn all(&self) -> &[Object<'a>] {
        &self.all
    }

    pub fn kind<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'s Object<'a>> {
        self.kinds.get(kind).into_iter().flatten().filter_map(|n| self.all.get(*n))
    }

    pub fn with_pods(&self) -> impl Iterator<Item = &Object<'a>> {
        self.all.iter().filter(|o| !o.pods.is_empty())
    }

    pub fn find(&self, kind: &str, name: &str, beside: &Object<'_>) -> Option<&Object<'a>> {
        self.kinds.get(kind)?.iter().filter_map(|n| self.all.get(*n)).find(|o| o.name == name && o.beside(beside))
    }

    /// The autoscaler that sizes an object: a HorizontalPodAutoscaler or a KEDA ScaledObject.
    pub fn autoscaler(&self, of: &Object<'_>) -> Option<&Object<'a>> {
        self.scalers.get(of.name)?.iter().filter_map(|n| self.all.get(*n)).find(|o| {
            let kind = o.node.path(&["spec", "scaleTargetRef", "kind"]).and_then(Node::as_str).unwrap_or("Deployment");
            o.beside(of) && kind == of.kind
        })
    }

    /// Whether a LabelSelector selects a pod, both of these objects: rules ask it of each with each, and the same labels are compared
    /// once. A selector made up on the way is for `selects`, since another may stand in its place later.
    pub fn select(&self, selector: &Node, pod: &Pod<'_>) -> bool {
        self.remembered(selector, pod, selects)
    }

    /// The same of a plain map of labels, as a Service has it.
    pub fn send(&self, selector: &Node, pod: &Pod<'_>) -> bool {
        self.remembered(selector, pod, equals_selects)
    }

    fn remembered(&self, selector: &Node, pod: &Pod<'_>, ask: fn(&Node, &Labels<'_>) -> bool) -> bool {
        let asked = (std::ptr::from_ref(selector).addr(), Rc::as_ptr(&pod.labels).addr());
        let mut selected = self.selected.borrow_mut();
        match selected.get(&asked) {
            Some(known) => *known,
            None if selected.len() < REMEMBERED => *selected.entry(asked).or_insert_with(|| ask(selector, &pod.labels)),
            None => ask(selector, &pod.labels),
        }
    }
}

/// Templates of pods wherever a kind keeps them: a mapping whose `spec` has `containers`.
fn find_pods<'a>(node: &'a Node, depth: usize, pods: &mut Vec<Pod<'a>>) {
    if depth > DEEPEST {
        return;
    }
    match &node.value {
        Value::Map(entries) => match Pod::of(node) {
            Some(pod) => pods.push(pod),
            None => entries.iter().for_each(|e| match e.value.value {
                Value::Map(_) | Value::Seq(_) if !matches!(e.key.as_str(), "metadata" | "status" | "data") => find_pods(&e.value, depth + 1, pods),
                _ => {}
            }),
        },
        Value::Seq(items) => items.iter().for_each(|i| find_pods(i, depth + 1, pods)),
        _ => {}
    }
}

impl<'a> Object<'a> {
    /// Whether the two may be in one namespace: the same, or one of them doesn't say.
    pub fn beside(&self, other: &Object<'_>) -> bool {
        self.namespace == other.namespace || self.namespace.is_empty() || other.namespace.is_empty()
    }

    pub fn is(&self, only: &Where) -> bool {
        let same = |wanted: &Option<String>, have: &str| wanted.as_ref().is_none_or(|w| w == have);
        same(&only.kind, self.kind) && same(&only.name, self.name) && same(&only.namespace, self.namespace)
    }

    /// Where to point at for the object as a whole: its name, or where it begins.
    pub fn head(&self) -> Span {
        let named = self.node.path(&["metadata", "name"]).map(|n| n.span);
        named.or_else(|| self.node.entries().first().map(|e| e.key_span)).unwrap_or(self.node.span)
    }

    /// `Deployment `chat``, for sentences.
    pub fn title(&self) -> String {
        let kind = short(self.kind);
        if self.name.is_empty() { format!("this {kind}") } else { format!("{kind} `{}`", short(self.name)) }
    }

    pub fn problem(&self, span: Span, message: impl Into<String>) -> Problem {
        self.doc.problem(span, message)
    }

    /// Every container of every pod, with the pod it is in.
    pub fn containers(&self) -> impl Iterator<Item = (&Pod<'a>, Container<'a>)> {
        self.pods.iter().flat_map(|p| p.containers.iter().map(move |c| (p, *c)))
    }

    /// The containers that stay: neither init containers nor parts of a job.
    pub fn servers(&self) -> impl Iterator<Item = (&Pod<'a>, Container<'a>)> {
        self.containers().filter(|(_, c)| !c.init)
    }

    pub fn runs_to_an_end(&self) -> bool {
        matches!(self.kind, "Job" | "CronJob" | "JobSet")
            || self.pods.iter().any(|p| p.spec.get("restartPolicy").and_then(Node::as_str).is_some_and(|r| r != "Always"))
    }

    pub fn asks_for_gpu(&self) -> bool {
        self.containers().any(|(_, c)| c.gpus().next().is_some())
    }

    /// The replicas it is given, 1 when it isn't said. A number in quotes is the schema's business; here it counts as meant.
    /// `None` for kinds whose number of pods is decided elsewhere: a DaemonSet has as many as there are nodes.
    pub fn replicas(&self) -> Option<i64> {
        if !matches!(self.kind, "Pod" | "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" | "Rollout") {
            return None;
        }
        let set = self.node.path(&["spec", "replicas"]);
        Some(set.and_then(|n| n.as_i64().or_else(|| n.as_str()?.trim().parse().ok())).unwrap_or(1))
    }

    pub fn has_label(&self, key: &str) -> bool {
        self.node.path(&["metadata", "labels", key]).is_some()
    }
}

impl<'a> Pod<'a> {
    fn of(node: &'a Node) -> Option<Pod<'a>> {
        let spec = node.entry("spec")?;
        let main = spec.value.get("containers").filter(|c| matches!(c.value, Value::Seq(_)))?;
        let init = spec.value.get("initContainers").map_or(&[][..], Node::items);
        let text = |node: &'a Node, key: &str| node.get(key).and_then(Node::as_str).unwrap_or("");
        let container = |node: &'a Node, init: bool| Container { node, name: text(node, "name"), image: text(node, "image"), init };
        let sidecar = |n: &Node| n.get("restartPolicy").and_then(Node::as_str) == Some("Always");
        let containers = init.iter().map(|n| container(n, !sidecar(n))).chain(main.items().iter().map(|n| container(n, false)));
        Some(Pod {
            labels: Rc::new(labels_of(node)),
            metadata: node.get("metadata"),
            spec: &spec.value,
            spec_key: spec.key_span,
            containers: containers.filter(|c| matches!(c.node.value, Value::Map(_))).collect(),
        })
    }

    pub fn has(&self, key: &str, value: &str) -> bool {
        self.labels.get(key) == Some(&value)
    }

    pub fn volumes(&self) -> &'a [Node] {
        self.spec.get("volumes").map_or(&[], Node::items)
    }

    /// The tolerations that are about taints with this key, whatever their value and effect.
    pub fn tolerations(&self, key: &str) -> impl Iterator<Item = &'a Node> {
        self.spec.get("tolerations").map_or(&[][..], Node::items).iter().filter(move |t| match t.get("key").and_then(Node::as_str) {
            Some("") | None => t.get("operator").and_then(Node::as_str) == Some("Exists"),
            Some(k) => k == key,
        })
    }
}

impl<'a> Container<'a> {
    /// Where to point at: its name, or where it begins.
    pub fn head(&self) -> Span {
        self.node.get("name").map(|n| n.span).or_else(|| self.node.entries().first().map(|e| e.key_span)).unwrap_or(self.node.span)
    }

    pub fn title(&self) -> String {
        if self.name.is_empty() { "this container".into() } else { format!("container `{}`", short(self.name)) }
    }

    /// The deepest key along a path that is there; where a missing one should go.
    pub fn nearest(&self, path: &[&str]) -> Span {
        let mut span = self.head();
        let mut here = self.node;
        for key in path {
            let Some(entry) = here.entry(key) else { break };
            (span, here) = (entry.key_span, &entry.value);
        }
        span
    }

    /// A diff that writes `leaf` at the end of a path of mappings, of which some may be there already.
    pub fn with(&self, doc: &Doc<'_>, path: &[&str], leaf: &str) -> String {
        let mut here = (self.node, None);
        let mut left = path;
        while let [key, rest @ ..] = left {
            let Some(entry) = here.0.entry(key).filter(|e| matches!(e.value.value, Value::Map(_))) else { break };
            here = (&entry.value, Some(entry.key_span));
            left = rest;
        }
        let mut snippet = String::new();
        for (depth, key) in left.iter().enumerate() {
            snippet.push_str(&format!("{:1$}{key}:\n", "", depth * 2));
        }
        for line in leaf.lines() {
            snippet.push_str(&format!("{:1$}{line}\n", "", left.len() * 2));
        }
        doc.add(here.0, here.1, snippet.trim_end())
    }

    pub fn request(&self, resource: &str) -> Option<&'a Node> {
        self.node.path(&["resources", "requests", resource])
    }

    pub fn limit(&self, resource: &str) -> Option<&'a Node> {
        self.node.path(&["resources", "limits", resource])
    }

    /// What it asks of GPUs, requests and limits both; a key of its own for each kind of device.
    pub fn gpus(&self) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let side = |key: &str| self.node.path(&["resources", key]).map_or(&[][..], Node::entries);
        side("limits").iter().chain(side("requests")).filter(|e| is_gpu(&e.key))
    }

    /// How many GPUs it may use.
    pub fn gpu_count(&self) -> i128 {
        self.node
            .path(&["resources", "limits"])
            .map_or(&[][..], Node::entries)
            .iter()
            .filter(|e| is_gpu(&e.key))
            .filter_map(|e| Quantity::of(&e.value))
            .map(Quantity::round_up)
            .sum()
    }

    pub fn env(&self) -> &'a [Node] {
        self.node.get("env").map_or(&[], Node::items)
    }

    pub fn mounts(&self) -> &'a [Node] {
        self.node.get("volumeMounts").map_or(&[], Node::items)
    }

    pub fn ports(&self) -> &'a [Node] {
        self.node.get("ports").map_or(&[], Node::items)
    }
}

/// A name as sentences repeat it: as long as the API takes most of them, and no longer.
pub(super) fn short(name: &str) -> String {
    clip(name.to_owned(), NAME)
}

/// GPUs and slices of them, as the device plugins of NVIDIA, AMD and Intel name them.
pub fn is_gpu(resource: &str) -> bool {
    resource == "nvidia.com/gpu"
        || resource == "nvidia.com/gpu.shared"
        || resource.starts_with("nvidia.com/mig-")
        || resource == "amd.com/gpu"
        || resource.starts_with("gpu.intel.com/")
}

/// The labels that stand in an object's or a template's metadata.
pub fn labels_of(node: &Node) -> Labels<'_> {
    let labels = node.path(&["metadata", "labels"]).map_or(&[][..], Node::entries);
    labels.iter().filter_map(|e| Some((e.key.as_str(), e.value.as_str()?))).collect()
}

/// Whether a LabelSelector (`matchLabels`, `matchExpressions`) selects these labels; an empty one selects everything.
pub fn selects(selector: &Node, labels: &Labels<'_>) -> bool {
    let value = |key: &str| labels.get(key).copied();
    let all = selector.get("matchLabels").is_none_or(|m| equals_selects(m, labels));
    all && selector.get("matchExpressions").map_or(&[][..], Node::items).iter().all(|e| {
        let key = e.get("key").and_then(Node::as_str).unwrap_or("");
        let listed = |v: &str| e.get("values").map_or(&[][..], Node::items).iter().any(|n| n.as_str() == Some(v));
        match e.get("operator").and_then(Node::as_str) {
            Some("In") => value(key).is_some_and(listed),
            Some("NotIn") => !value(key).is_some_and(listed),
            Some("Exists") => value(key).is_some(),
            Some("DoesNotExist") => value(key).is_none(),
            _ => false,
        }
    })
}

/// Whether a plain map of labels, as a Service has it, selects these.
pub fn equals_selects(wanted: &Node, labels: &Labels<'_>) -> bool {
    wanted.entries().iter().all(|w| w.value.as_str().is_some_and(|v| labels.get(w.key.as_str()) == Some(&v)))
}
