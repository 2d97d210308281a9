//! A pod as the scheduler reads it, and the plugins whose answer doesn't change while others are placed.
use super::nodes::{Node, Nodes, Taint};
use super::reasons::{Reason, amount};
use crate::engine::kubernetes::demand::{self, Demand, Pods};
use crate::engine::kubernetes::objects::{Container, equals_selects};
use crate::engine::yaml::Node as Yaml;
use std::collections::BTreeMap;

/// Tolerations, terms and constraints of a pod that are looked at: many times what anybody writes.
pub(super) const TERMS: usize = 50;

/// The pods of one template: all alike.
pub(super) struct Wanted<'o, 'a> {
    pub of: Pods<'o, 'a>,
    /// `llm`, of a Deployment named so.
    pub name: String,
    /// By the number of the resource.
    pub requests: Vec<(usize, i128)>,
    pub ports: Vec<Port<'a>>,
    /// What keeps it off each node whatever else is there.
    pub never: Vec<Option<Reason>>,
    /// Whether its selector and its required affinity take each node, and its tolerations all taints there.
    pub selected: Vec<bool>,
    pub tolerates: Vec<bool>,
    /// How much each node's soft taints speak against it.
    pub unliked: Vec<i128>,
    /// A DaemonSet's pods go to one node each.
    pub each_node: bool,
    /// No node can have all the names that its affinity asks for at once.
    pub conflict: bool,
}

/// How much there is to compare with nodes and other pods in what a pod says of its place.
pub(super) fn weight(spec: &Yaml) -> usize {
    let mut left: Vec<&Yaml> = ["affinity", "topologySpreadConstraints", "nodeSelector"].iter().filter_map(|key| spec.get(key)).collect();
    let mut weight = 1;
    while let Some(node) = left.pop() {
        weight += 1;
        left.extend(node.items());
        left.extend(node.entries().iter().map(|e| &e.value));
    }
    weight
}

/// A port of the node itself.
#[derive(Clone, Copy)]
pub(super) struct Port<'a> {
    pub node: &'a Yaml,
    ip: &'a str,
    protocol: &'a str,
    port: i64,
}

impl Port<'_> {
    pub fn number(&self) -> i64 {
        self.port
    }

    /// Whether both can't be on one node: the same port, on the same address or on all.
    pub fn conflicts(&self, other: &Port<'_>) -> bool {
        let all = |ip: &str| ip.is_empty() || ip == "0.0.0.0";
        self.port == other.port && self.protocol == other.protocol && (all(self.ip) || all(other.ip) || self.ip == other.ip)
    }
}

impl<'o, 'a> Wanted<'o, 'a> {
    pub fn new(of: Pods<'o, 'a>, nodes: &Nodes, resources: &mut Vec<String>) -> Wanted<'o, 'a> {
        let mut requests = Vec::new();
        for (resource, quantity) in demand::of_pod(of.pod, Demand::of_container).requests.iter() {
            let n = resources.iter().position(|r| r == resource).unwrap_or_else(|| {
                resources.push(resource.to_owned());
                resources.len() - 1
            });
            requests.push((n, amount(resource, quantity)));
        }
        requests.retain(|(_, n)| *n > 0);
        let spec = of.pod.spec;
        let each_node = of.object.kind == "DaemonSet";
        let tolerations = tolerations(spec, each_node);
        let named = named(spec);
        let selected: Vec<bool> = nodes.0.iter().map(|n| is_selected(spec, n)).collect();
        let untolerated = |n: &Node| n.taints.iter().position(|t| t.keeps_off() && !tolerated(t, &tolerations));
        let untolerated: Vec<Option<usize>> = nodes.0.iter().map(untolerated).collect();
        let each = nodes.0.iter().zip(&untolerated).zip(&selected);
        let never = each.map(|((node, taint), selected)| {
            let kept_off = refuses(node, spec, &tolerations, named.as_deref()).or(taint.map(Reason::Taint));
            kept_off.or((!selected).then_some(Reason::Affinity))
        });
        let never = never.collect();
        let soft = |node: &Node| node.taints.iter().filter(|t| !t.keeps_off() && !tolerated(t, &tolerations)).count();
        let ports = of.pod.containers.iter().filter(|c| !c.init).flat_map(Container::ports).take(TERMS);
        Wanted {
            name: if of.object.name.is_empty() { of.object.kind.to_lowercase() } else { of.object.name.to_owned() },
            requests,
            ports: ports.filter_map(port).collect(),
            never,
            tolerates: untolerated.iter().map(Option::is_none).collect(),
            selected,
            unliked: nodes.0.iter().map(|n| i128::try_from(soft(n)).unwrap_or(0)).collect(),
            each_node,
            conflict: named.is_some_and(|n| n.is_empty()),
            of,
        }
    }

    /// `llm-2`, or `llm` where there is only one.
    pub fn pod_name(&self, n: u64) -> String {
        if self.count() == 1 && n == 1 { self.name.clone() } else { format!("{}-{n}", self.name) }
    }

    /// How many pods there are to place: one on each node that takes it, for a DaemonSet.
    pub fn count(&self) -> u64 {
        if self.each_node { self.never.iter().filter(|n| n.is_none()).count() as u64 } else { self.of.count }
    }
}

fn port(node: &Yaml) -> Option<Port<'_>> {
    let text = |key: &str| node.get(key).and_then(Yaml::as_str);
    let port = node.get("hostPort").and_then(Yaml::as_i64).filter(|p| *p > 0)?;
    Some(Port { node, ip: text("hostIP").unwrap_or(""), protocol: text("protocol").unwrap_or("TCP"), port })
}

/// A toleration; empty strings stand for what isn't said.
struct Toleration<'a> {
    key: &'a str,
    operator: &'a str,
    value: &'a str,
    effect: &'a str,
}

/// Those written, those every pod is given, and those a DaemonSet's pods are given.
fn tolerations(spec: &Yaml, daemon: bool) -> Vec<Toleration<'_>> {
    let exists = |key, effect| Toleration { key, operator: "Exists", value: "", effect };
    let mut all: Vec<Toleration<'_>> = spec
        .get("tolerations")
        .map_or(&[][..], Yaml::items)
        .iter()
        .take(TERMS)
        .map(|t| {
            let text = |key: &str| t.get(key).and_then(Yaml::as_str).unwrap_or("");
            Toleration { key: text("key"), operator: text("operator"), value: text("value"), effect: text("effect") }
        })
        .collect();
    all.push(exists("node.kubernetes.io/not-ready", "NoExecute"));
    all.push(exists("node.kubernetes.io/unreachable", "NoExecute"));
    if daemon {
        for key in ["node.kubernetes.io/disk-pressure", "node.kubernetes.io/memory-pressure", "node.kubernetes.io/pid-pressure", UNSCHEDULABLE] {
            all.push(exists(key, "NoSchedule"));
        }
        if spec.get("hostNetwork").and_then(Yaml::as_bool) == Some(true) {
            all.push(exists("node.kubernetes.io/network-unavailable", "NoSchedule"));
        }
    }
    all
}

const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

fn tolerated(taint: &Taint, tolerations: &[Toleration<'_>]) -> bool {
    tolerations.iter().any(|t| {
        let number = |text: &str| text.parse::<i64>().ok();
        let compared = || number(&taint.value).zip(number(t.value));
        (t.effect.is_empty() || t.effect == taint.effect)
            && (t.key.is_empty() || t.key == taint.key)
            && match t.operator {
                "" | "Equal" => t.value == taint.value,
                "Exists" => true,
                "Lt" => compared().is_some_and(|(taint, own)| taint < own),
                "Gt" => compared().is_some_and(|(taint, own)| taint > own),
                _ => false,
            }
    })
}

/// The first plugin that keeps the pod off before taints and affinity are looked at.
fn refuses(node: &Node, spec: &Yaml, tolerations: &[Toleration<'_>], named: Option<&[&str]>) -> Option<Reason> {
    if named.is_some_and(|named| !named.contains(&node.name.as_str())) {
        return Some(Reason::NotNamed);
    }
    let cordon = Taint { key: UNSCHEDULABLE.into(), value: String::new(), effect: "NoSchedule".into() };
    if node.unschedulable && !tolerated(&cordon, tolerations) {
        return Some(Reason::Unschedulable);
    }
    if spec.get("nodeName").and_then(Yaml::as_str).is_some_and(|name| !name.is_empty() && name != node.name) {
        return Some(Reason::NodeName);
    }
    None
}

fn required(spec: &Yaml) -> Option<&Yaml> {
    spec.path(&["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"])
}

fn list<'y>(node: &'y Yaml, key: &str) -> &'y [Yaml] {
    let items = node.get(key).map_or(&[][..], Yaml::items);
    &items[..items.len().min(TERMS)]
}

/// The nodes that every term of the affinity names by `metadata.name`; `None` if a term names none.
fn named(spec: &Yaml) -> Option<Vec<&str>> {
    let terms = list(required(spec)?, "nodeSelectorTerms");
    let mut all = Vec::new();
    for term in terms {
        let fields = list(term, "matchFields")
            .iter()
            .filter(|f| f.get("key").and_then(Yaml::as_str) == Some("metadata.name") && f.get("operator").and_then(Yaml::as_str) == Some("In"));
        let mut own: Option<Vec<&str>> = None;
        for field in fields {
            let values: Vec<&str> = list(field, "values").iter().filter_map(Yaml::as_str).collect();
            own = Some(own.map_or_else(|| values.clone(), |own| own.into_iter().filter(|v| values.contains(v)).collect()));
        }
        all.extend(own?);
    }
    (!terms.is_empty()).then_some(all)
}

/// Whether `nodeSelector` and the required node affinity both take a node.
fn is_selected(spec: &Yaml, node: &Node) -> bool {
    let labels: BTreeMap<&str, &str> = node.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    if spec.get("nodeSelector").is_some_and(|wanted| !equals_selects(wanted, &labels)) {
        return false;
    }
    let Some(required) = required(spec) else { return true };
    // One term of several is enough; an empty one takes no node.
    list(required, "nodeSelectorTerms").iter().any(|term| {
        let (labels_of, fields) = (list(term, "matchExpressions"), list(term, "matchFields"));
        let field = |key: &str| (key == "metadata.name").then_some(node.name.as_str());
        let label = |key: &str| node.labels.get(key).map(String::as_str);
        !(labels_of.is_empty() && fields.is_empty()) && labels_of.iter().all(|e| holds(e, label)) && fields.iter().all(|e| holds(e, field))
    })
}

/// Whether an expression of a node affinity is true of labels or fields.
fn holds<'n>(expression: &Yaml, value: impl Fn(&str) -> Option<&'n str>) -> bool {
    let have = value(expression.get("key").and_then(Yaml::as_str).unwrap_or(""));
    let mut values = list(expression, "values").iter().filter_map(Yaml::as_str);
    let mut number = || Some((have?.parse::<i64>().ok()?, values.next()?.parse::<i64>().ok()?));
    match expression.get("operator").and_then(Yaml::as_str) {
        Some("In") => have.is_some_and(|have| values.any(|v| v == have)),
        Some("NotIn") => !have.is_some_and(|have| values.any(|v| v == have)),
        Some("Exists") => have.is_some(),
        Some("DoesNotExist") => have.is_none(),
        Some("Gt") => number().is_some_and(|(have, bound)| have > bound),
        Some("Lt") => number().is_some_and(|(have, bound)| have < bound),
        _ => false,
    }
}
