//! The plugins that look at the pods already placed: topology spread, affinity to pods and against them.
//! Pods of one template are alike, so whom a selector selects is worked out once for each pair of templates.
use super::nodes::{Node, Nodes};
use super::pod::{TERMS, Wanted};
use super::reasons::Reason;
use crate::engine::kubernetes::objects::{self, Labels, Objects};
use crate::engine::yaml::{Node as Yaml, Value};
use std::collections::BTreeSet;

/// How many pods of each template are on each node.
pub(super) type Counts = [Vec<u32>];

/// Each topology key's domain of each node, by number.
#[derive(Default)]
pub(super) struct Topology {
    keys: Vec<String>,
    domains: Vec<Vec<Option<usize>>>,
}

impl Topology {
    fn key(&mut self, key: &str, nodes: &Nodes) -> usize {
        if let Some(n) = self.keys.iter().position(|k| k == key) {
            return n;
        }
        let mut values: Vec<&String> = Vec::new();
        let mut domain = |value| {
            values.iter().position(|v| *v == value).unwrap_or_else(|| {
                values.push(value);
                values.len() - 1
            })
        };
        self.domains.push(nodes.0.iter().map(|n: &Node| n.labels.get(key).map(&mut domain)).collect());
        self.keys.push(key.to_owned());
        self.keys.len() - 1
    }

    fn domain(&self, key: usize, node: usize) -> Option<usize> {
        self.domains.get(key).and_then(|of| of.get(node).copied().flatten())
    }
}

/// What a template asks of the pods around it.
#[derive(Default)]
pub(super) struct Asks {
    spread: Vec<Constraint>,
    /// The topology keys of the affinity, and the templates that all its terms select.
    near: Vec<usize>,
    near_whom: Vec<usize>,
    near_itself: bool,
    /// The topology key of each term against pods, and the templates it selects.
    apart: Vec<(usize, Vec<usize>)>,
    /// The other way round: templates with a term against this one, and the term's topology key.
    shunned_by: Vec<(usize, usize)>,
}

struct Constraint {
    /// Its place among the pod's constraints.
    place: usize,
    key: usize,
    counted: Vec<usize>,
    itself: bool,
    skew: i64,
    domains: i64,
    /// Whether pods on a node count, by the policies for affinity and taints.
    eligible: Vec<bool>,
}

/// What the pods placed so far mean for the next pod of a template.
pub(super) struct Around {
    /// By constraint: pods in each domain, and the fewest in any.
    spread: Vec<(Vec<i64>, i64)>,
    /// By key of the affinity: the domains with a pod it wants.
    near: Vec<BTreeSet<usize>>,
    apart: Vec<(usize, BTreeSet<usize>)>,
    shunned: Vec<(usize, BTreeSet<usize>)>,
}

/// Works out what each template asks of each.
pub(super) fn asks(wanted: &[Wanted<'_, '_>], objects: &Objects<'_>, nodes: &Nodes, topology: &mut Topology) -> Vec<Asks> {
    let mut all: Vec<Asks> = Vec::with_capacity(wanted.len());
    for (me, it) in wanted.iter().enumerate() {
        let terms = |which: &str| {
            let terms = it.of.pod.spec.path(&["affinity", which, "requiredDuringSchedulingIgnoredDuringExecution"]);
            terms.map_or(&[][..], Yaml::items).iter().take(TERMS)
        };
        let whom = |term: &Yaml| (0..wanted.len()).filter(|other| is_meant(term, wanted, me, *other, objects)).collect::<Vec<_>>();
        let mut asks = Asks::default();
        for (n, term) in terms("podAffinity").enumerate() {
            asks.near.push(topology.key(key_of(term), nodes));
            let meant = whom(term);
            asks.near_whom = if n == 0 { meant } else { asks.near_whom.into_iter().filter(|t| meant.contains(t)).collect() };
        }
        asks.near_itself = asks.near_whom.contains(&me);
        asks.apart = terms("podAntiAffinity").map(|term| (topology.key(key_of(term), nodes), whom(term))).collect();
        asks.spread = constraints(it, me, wanted, nodes, topology);
        all.push(asks);
    }
    for me in 0..all.len() {
        let against = |(other, asks): (usize, &Asks)| {
            let keys = asks.apart.iter().filter(|(_, whom)| whom.contains(&me)).map(|(key, _)| (other, *key));
            keys.collect::<Vec<_>>()
        };
        let shunned: Vec<(usize, usize)> = all.iter().enumerate().flat_map(against).collect();
        if let Some(asks) = all.get_mut(me) {
            asks.shunned_by = shunned;
        }
    }
    all
}

fn key_of(term: &Yaml) -> &str {
    term.get("topologyKey").and_then(Yaml::as_str).unwrap_or("")
}

/// Whether a term of pod `me` is about the pods of `other`.
fn is_meant(term: &Yaml, wanted: &[Wanted<'_, '_>], me: usize, other: usize, objects: &Objects<'_>) -> bool {
    let (Some(own), Some(its)) = (wanted.get(me), wanted.get(other)) else { return false };
    let Some(selector) = term.get("labelSelector").filter(|s| matches!(s.value, Value::Map(_))) else { return false };
    let (own_labels, its_labels) = (&own.of.pod.labels, &its.of.pod.labels);
    in_namespace(term, own, its, objects)
        && objects::selects(selector, its_labels)
        && keys(term, "matchLabelKeys").all(|k| same(k, own_labels, its_labels, me == other) != Some(false))
        && keys(term, "mismatchLabelKeys").all(|k| same(k, own_labels, its_labels, me == other) != Some(true))
}

fn in_namespace(term: &Yaml, own: &Wanted<'_, '_>, its: &Wanted<'_, '_>, objects: &Objects<'_>) -> bool {
    let (own, its) = (own.of.object, its.of.object);
    let listed = term.get("namespaces").map_or(&[][..], Yaml::items);
    let by_labels = term.get("namespaceSelector").filter(|s| matches!(s.value, Value::Map(_)));
    if listed.is_empty() && by_labels.is_none() {
        return own.beside(its);
    }
    let name = if its.namespace.is_empty() { "default" } else { its.namespace };
    let chosen = |selector: &Yaml| {
        let written = objects.kind("Namespace").find(|n| n.name == name);
        let mut labels: Labels<'_> = written.map(|n| objects::labels_of(n.node)).unwrap_or_default();
        labels.insert("kubernetes.io/metadata.name", name);
        objects::selects(selector, &labels)
    };
    listed.iter().any(|n| n.as_str() == Some(name)) || by_labels.is_some_and(chosen)
}

fn keys<'y>(term: &'y Yaml, which: &str) -> impl Iterator<Item = &'y str> {
    term.get(which).map_or(&[][..], Yaml::items).iter().take(TERMS).filter_map(Yaml::as_str)
}

/// Whether two pods have one value of a label; `None` if the first has none, for then the key is passed over.
/// A ReplicaSet's hash is written by its controller: only pods of one template share it.
fn same(key: &str, own: &Labels<'_>, its: &Labels<'_>, one_template: bool) -> Option<bool> {
    match own.get(key) {
        Some(value) => Some(its.get(key) == Some(value)),
        None if matches!(key, "pod-template-hash" | "controller-revision-hash") => Some(one_template),
        None => None,
    }
}

fn constraints(it: &Wanted<'_, '_>, me: usize, wanted: &[Wanted<'_, '_>], nodes: &Nodes, topology: &mut Topology) -> Vec<Constraint> {
    let spec = it.of.pod.spec;
    let written = spec.get("topologySpreadConstraints").map_or(&[][..], Yaml::items).iter().take(TERMS).enumerate();
    let hard: Vec<(usize, &Yaml)> = written.filter(|(_, c)| c.get("whenUnsatisfiable").and_then(Yaml::as_str) != Some("ScheduleAnyway")).collect();
    let keys_of: Vec<usize> = hard.iter().map(|(_, c)| topology.key(key_of(c), nodes)).collect();
    let mut all = Vec::new();
    for ((place, constraint), key) in hard.into_iter().zip(keys_of.iter().copied()) {
        let selector = constraint.get("labelSelector").filter(|s| matches!(s.value, Value::Map(_)));
        let chosen = |other: usize| {
            let Some(its) = wanted.get(other) else { return false };
            let (own, labels) = (&it.of.pod.labels, &its.of.pod.labels);
            selector.is_some_and(|s| objects::selects(s, labels))
                && keys(constraint, "matchLabelKeys").all(|k| same(k, own, labels, me == other) != Some(false))
        };
        // An empty selector counts nobody, but the pod itself: the scheduler does so.
        let empty = selector.is_none_or(|s| s.entries().is_empty()) && keys(constraint, "matchLabelKeys").next().is_none();
        let counted = |other: &usize| !empty && chosen(*other) && wanted.get(*other).is_some_and(|o| o.of.object.beside(it.of.object));
        let policy = |key: &str, default: bool| constraint.get(key).and_then(Yaml::as_str).map_or(default, |p| p == "Honor");
        let (affinity, taints) = (policy("nodeAffinityPolicy", true), policy("nodeTaintsPolicy", false));
        let eligible = |n: usize| {
            keys_of.iter().all(|key| topology.domain(*key, n).is_some())
                && (!affinity || it.selected.get(n) == Some(&true))
                && (!taints || it.tolerates.get(n) == Some(&true))
        };
        let number = |key: &str| constraint.get(key).and_then(Yaml::as_i64).unwrap_or(1);
        all.push(Constraint {
            place,
            key,
            counted: (0..wanted.len()).filter(counted).collect(),
            itself: chosen(me),
            skew: number("maxSkew"),
            domains: number("minDomains"),
            eligible: (0..nodes.len()).map(eligible).collect(),
        });
    }
    all
}

impl Asks {
    /// Steps that one look around takes, for each node.
    pub fn steps(&self) -> usize {
        let apart: usize = self.apart.iter().map(|(_, whom)| 1 + whom.len()).sum();
        let spread: usize = self.spread.iter().map(|c| 2 + c.counted.len()).sum();
        1 + spread + self.near.len() * self.near_whom.len() + apart + self.shunned_by.len()
    }

    /// Looks at what is placed.
    pub fn look(&self, counts: &Counts, topology: &Topology) -> Around {
        let where_any = |key: usize, templates: &mut dyn Iterator<Item = usize>| {
            let mut found = BTreeSet::new();
            for template in templates {
                for (node, n) in counts.get(template).into_iter().flatten().enumerate() {
                    if *n > 0 {
                        found.extend(topology.domain(key, node));
                    }
                }
            }
            found
        };
        let spread = |c: &Constraint| {
            let mut domains: Vec<Option<i64>> = Vec::new();
            for node in (0..c.eligible.len()).filter(|n| c.eligible.get(*n) == Some(&true)) {
                let Some(domain) = topology.domain(c.key, node) else { continue };
                if domains.len() <= domain {
                    domains.resize(domain + 1, None);
                }
                let here: i64 = c.counted.iter().filter_map(|t| counts.get(*t)?.get(node)).map(|n| i64::from(*n)).sum();
                if let Some(domain) = domains.get_mut(domain) {
                    *domain = Some(domain.unwrap_or(0) + here);
                }
            }
            let known = domains.iter().flatten();
            let few = i64::try_from(known.clone().count()).unwrap_or(i64::MAX) < c.domains;
            let fewest = if few { 0 } else { known.min().copied().unwrap_or(i64::from(i32::MAX)) };
            (domains.into_iter().map(|d| d.unwrap_or(0)).collect(), fewest)
        };
        Around {
            spread: self.spread.iter().map(spread).collect(),
            near: self.near.iter().map(|key| where_any(*key, &mut self.near_whom.iter().copied())).collect(),
            apart: self.apart.iter().map(|(key, whom)| (*key, where_any(*key, &mut whom.iter().copied()))).collect(),
            shunned: self.shunned_by.iter().map(|(other, key)| (*key, where_any(*key, &mut std::iter::once(*other)))).collect(),
        }
    }

    /// The first of these plugins that keeps the next pod off a node.
    pub fn refuses(&self, node: usize, around: &Around, topology: &Topology) -> Option<Reason> {
        for (constraint, (domains, fewest)) in self.spread.iter().zip(&around.spread) {
            let Some(domain) = topology.domain(constraint.key, node) else { return Some(Reason::SpreadLabel(constraint.place)) };
            let here = domains.get(domain).copied().unwrap_or(0) + i64::from(constraint.itself);
            if here - fewest > constraint.skew {
                return Some(Reason::Spread(constraint.place));
            }
        }
        let mut all_near = true;
        for (key, domains) in self.near.iter().zip(&around.near) {
            let Some(domain) = topology.domain(*key, node) else { return Some(Reason::PodAffinity) };
            all_near &= domains.contains(&domain);
        }
        // The first of pods that want to be together may go anywhere.
        let first = self.near_itself && around.near.iter().all(BTreeSet::is_empty);
        if !all_near && !first {
            return Some(Reason::PodAffinity);
        }
        let in_any =
            |of: &[(usize, BTreeSet<usize>)]| of.iter().any(|(key, domains)| topology.domain(*key, node).is_some_and(|d| domains.contains(&d)));
        if in_any(&around.apart) {
            return Some(Reason::AntiAffinity);
        }
        in_any(&around.shunned).then_some(Reason::ExistingAntiAffinity)
    }
}
