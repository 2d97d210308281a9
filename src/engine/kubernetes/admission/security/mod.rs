//! Pod security as the API server's own plugin checks it, in its latest version, with its words.
//! Source: `staging/src/k8s.io/pod-security-admission/policy` of Kubernetes 1.37.
mod baseline;
pub use baseline::CAPABILITIES;
mod restricted;

use super::room::Level;
use crate::engine::kubernetes::doc::Doc;
use crate::engine::kubernetes::objects::{Container, Pod};
use crate::engine::yaml::{Node, Span};
use std::collections::BTreeSet;

/// One thing that a level forbids.
pub struct Violation {
    pub reason: &'static str,
    pub detail: String,
    pub at: Span,
    pub why: &'static str,
    pub fix: String,
}

impl Violation {
    pub fn words(&self) -> String {
        if self.detail.is_empty() { self.reason.to_owned() } else { format!("{} ({})", self.reason, self.detail) }
    }
}

type Check = fn(&Look<'_, '_>) -> Option<Violation>;

/// The checks of `baseline` in the plugin's order; those marked are replaced by stricter ones in `restricted`.
const BASELINE: [(Check, bool); 12] = [
    (baseline::app_armor, false),
    (baseline::capabilities, true),
    (baseline::host_namespaces, false),
    (baseline::host_path, true),
    (baseline::host_ports, false),
    (baseline::probe_hosts, false),
    (baseline::privileged, false),
    (baseline::proc_mount, true),
    (baseline::se_linux, false),
    (baseline::seccomp, true),
    (baseline::sysctls, false),
    (baseline::host_process, false),
];
const RESTRICTED: [Check; 7] = [
    restricted::escalation,
    restricted::capabilities,
    restricted::proc_mount,
    restricted::volumes,
    restricted::non_root,
    restricted::root_user,
    restricted::seccomp,
];

/// All that `level` forbids of a pod, in the order in which the server names it.
pub fn violations(level: Level, pod: &Pod<'_>, doc: &Doc<'_>) -> Vec<Violation> {
    let look = Look { pod, doc };
    let restricted = level == Level::Restricted;
    let below = BASELINE.iter().filter(|(_, replaced)| !(restricted && *replaced)).map(|(check, _)| check);
    below.chain(RESTRICTED.iter().filter(|_| restricted)).filter_map(|check| check(&look)).collect()
}

/// The server's sentence about a pod.
pub fn message(level: Level, violations: &[Violation]) -> String {
    let words: Vec<String> = violations.iter().map(Violation::words).collect();
    format!("violates PodSecurity \"{}:latest\": {}", level.word(), words.join(", "))
}

/// A pod under the plugin's eyes.
struct Look<'p, 'a> {
    pod: &'p Pod<'a>,
    doc: &'p Doc<'a>,
}

impl<'a> Look<'_, 'a> {
    fn of_pod(&self, key: &str) -> Option<&'a Node> {
        self.pod.spec.path(&["securityContext", key])
    }

    /// The containers of which something holds.
    fn bad(&self, holds: impl Fn(&Container<'a>) -> bool) -> Vec<Container<'a>> {
        self.pod.containers.iter().copied().filter(holds).collect()
    }

    fn is_windows(&self) -> bool {
        self.pod.spec.path(&["os", "name"]).and_then(Node::as_str) == Some("windows")
    }

    /// Whether root in the pod is nobody on the node.
    fn has_own_users(&self) -> bool {
        self.pod.spec.get("hostUsers").and_then(Node::as_bool) == Some(false)
    }
}

/// What a container's security context says.
fn of<'a>(container: &Container<'a>, key: &str) -> Option<&'a Node> {
    container.node.path(&["securityContext", key])
}

fn text<'a>(node: Option<&'a Node>, key: &str) -> &'a str {
    node.and_then(|n| n.get(key)).and_then(Node::as_str).unwrap_or("")
}

/// `container "a"`, `containers "a", "b"`.
fn named(containers: &[Container<'_>]) -> String {
    format!("{} {}", plural("container", containers.len()), quoted(containers.iter().map(|c| c.name)))
}

/// The pod, if it is at fault itself, and the containers that are.
fn setters(pod: bool, containers: &[Container<'_>]) -> Option<String> {
    let parts: Vec<String> = pod.then(|| "pod".to_owned()).into_iter().chain((!containers.is_empty()).then(|| named(containers))).collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

fn plural(word: &str, n: usize) -> String {
    if n == 1 { word.to_owned() } else { format!("{word}s") }
}

fn quoted<'s>(names: impl IntoIterator<Item = &'s str>) -> String {
    names.into_iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ")
}

/// Where the first of some containers says something, or where it would.
fn place(containers: &[Container<'_>], path: &[&str]) -> Option<Span> {
    let first = containers.first()?;
    Some(first.node.path(path).map_or_else(|| first.nearest(path), |n| n.span))
}

fn sorted<'s>(values: impl IntoIterator<Item = &'s str>) -> BTreeSet<&'s str> {
    values.into_iter().collect()
}
