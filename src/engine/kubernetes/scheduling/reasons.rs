//! Why a pod can't go to a node, as the scheduler says it: the strings of kube-scheduler 1.36's plugins, in their order.
use crate::engine::kubernetes::quantity::Quantity;
use std::collections::BTreeMap;

/// What kept a pod off a node. The scheduler stops at the first plugin that says no; only resources are all told.
/// In the order of the plugins, so that a greater one was nearer to fitting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The affinity names other nodes by `metadata.name`; no plugin looked at this one.
    NotNamed,
    Unschedulable,
    NodeName,
    /// The taint, by its place on the node.
    Taint(usize),
    Affinity,
    Ports,
    TooManyPods,
    /// The resource, by its number.
    Insufficient(usize),
    /// The constraint, by its place; the node lacks its topology label.
    SpreadLabel(usize),
    Spread(usize),
    PodAffinity,
    AntiAffinity,
    ExistingAntiAffinity,
}

impl Reason {
    /// As an event says it.
    pub fn scheduler(self, resources: &[String]) -> String {
        match self {
            Reason::NotNamed => "node(s) didn't satisfy plugin(s) [NodeAffinity]",
            Reason::Unschedulable => "node(s) were unschedulable",
            Reason::NodeName => "node(s) didn't match the requested node name",
            Reason::Taint(_) => "node(s) had untolerated taint(s)",
            Reason::Affinity => "node(s) didn't match Pod's node affinity/selector",
            Reason::Ports => "node(s) didn't have free ports for the requested pod ports",
            Reason::TooManyPods => "Too many pods",
            Reason::Insufficient(n) => return format!("Insufficient {}", resources.get(n).map_or("", String::as_str)),
            Reason::SpreadLabel(_) => "node(s) didn't match pod topology spread constraints (missing required label)",
            Reason::Spread(_) => "node(s) didn't match pod topology spread constraints",
            Reason::PodAffinity => "node(s) didn't match pod affinity rules",
            Reason::AntiAffinity => "node(s) didn't match pod anti-affinity rules",
            Reason::ExistingAntiAffinity => "node(s) didn't satisfy existing pods anti-affinity rules",
        }
        .to_owned()
    }
}

/// The message of a `FailedScheduling` event, without what preemption adds to it: how often each reason was given.
pub fn event<'r>(reasons: impl IntoIterator<Item = &'r [Reason]>, resources: &[String]) -> String {
    let (mut nodes, mut counts) = (0, BTreeMap::<String, usize>::new());
    for node in reasons {
        nodes += 1;
        for reason in node {
            *counts.entry(reason.scheduler(resources)).or_default() += 1;
        }
    }
    let mut told: Vec<String> = counts.into_iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    told.sort();
    format!("0/{nodes} nodes are available: {}.", told.join(", "))
}

/// An amount as the scheduler counts it: thousandths of a core, whole bytes or pieces of all else, rounded up.
pub fn amount(resource: &str, quantity: Quantity) -> i128 {
    if resource == "cpu" { quantity.times(1000).round_up() } else { quantity.round_up() }
}

/// Such an amount as a manifest writes it.
pub fn written(resource: &str, amount: i128) -> String {
    let unit = if resource == "cpu" { "m" } else { "" };
    let binary = resource == "memory" || resource == "ephemeral-storage";
    let Some(quantity) = Quantity::parse(&format!("{amount}{unit}")) else { return amount.to_string() };
    // What isn't whole in any larger unit is rounded to mebibytes: 14.6Gi of a node's memory are given in odd bytes.
    let text = quantity.canonical(binary);
    if binary && text.len() > 9 { format!("{}Mi", amount >> 20) } else { text }
}
