//! Would the pods of a hand-in find a place on the nodes that a lab gives? The filters of kube-scheduler's default profile,
//! with its own words for what kept a pod off a node, and ours beside them.
//!
//! Left out: volumes (a claim's topology is the cluster's business), preemption by priority, and devices by claim. Preferred
//! affinity and `ScheduleAnyway` never keep a pod off a node. Another scheduler's pods are placed as this one would place
//! them, and gated ones as if their gates were gone; both are said.
mod around;
mod nodes;
mod place;
mod pod;
mod reasons;
mod tell;
#[cfg(test)]
mod tests;

use super::demand::{self, Pods};
use super::objects::{Object, Objects};
use super::{Answer, DocumentId, Kubernetes};
use crate::engine::check::Where;
use crate::engine::report::Problem;
pub use nodes::Nodes;
use place::{Placement, Room};
use pod::Wanted;

/// Templates of pods that are placed; a lab has a handful.
const TEMPLATES: usize = 150;
/// What there is to compare at most: parts of selectors, affinities and constraints, times nodes or templates.
const WEIGHT: usize = 1_500_000;

/// One pod and what the scheduler would say of each node when its turn comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// `llm-1`; the first of those that are alike and find no place stands for the others.
    pub pod: String,
    pub node: Option<String>,
    /// The message of its `FailedScheduling` event, if it finds no place.
    pub event: Option<String>,
    /// By node, in the order of the file: nothing where it would fit, else the reasons as the scheduler says them.
    pub nodes: Vec<(String, Vec<String>)>,
}

impl<'a> Kubernetes<'a> {
    /// Places all pods of the hand-in and tells of those that `only` picks. With `rollout` it fails too when a roll-out could never end.
    pub fn scheduling(&self, nodes: &Nodes, only: Option<&Where>, rollout: bool) -> Answer {
        let chosen = |object: &Object<'_>| only.is_none_or(|w| object.is(w));
        if !self.objects().with_pods().any(chosen) {
            return Answer { problems: vec![self.missing_pods(only)], missing: true, ..Answer::default() };
        }
        let mut looked_at: Vec<DocumentId> = self.objects().with_pods().map(|o| o.id).collect();
        looked_at.dedup();
        let Some(room) = room(self.objects(), nodes) else {
            return Answer { problems: vec![self.too_many()], looked_at, ..Answer::default() };
        };
        let placement = room.place();
        if placement.unfinished {
            return Answer { problems: vec![self.too_many()], looked_at, ..Answer::default() };
        }
        let other = if placement.waiting.is_empty() { None } else { room.search() };
        Answer { looked_at, ..tell::tell(&room, &placement, other.as_ref(), &chosen, rollout) }
    }

    /// Pod by pod and node by node what the scheduler would say, pods in the order of the files. More than `most` are not told of.
    pub fn verdicts(&self, nodes: &Nodes, most: usize) -> Vec<Verdict> {
        room(self.objects(), nodes).map(|room| told(&room, most)).unwrap_or_default()
    }

    fn missing_pods(&self, only: Option<&Where>) -> Problem {
        match only {
            Some(_) => self.missing(only),
            None => Problem::new("nothing in what you handed in makes pods").fix("Hand in the workload that the instructions ask for."),
        }
    }

    fn too_many(&self) -> Problem {
        let first = self.objects().with_pods().max_by_key(|o| o.replicas().unwrap_or(1)).map(|o| o.doc.place(o.head()));
        let problem = Problem::new("the hand-in asks for more pods, or for more rules between them, than these nodes are looked through for")
            .why("Each pod is held against each node and the pods already there; a scheduler takes its time for that, a check doesn't.")
            .fix("Hand in only what the task is about, with as many replicas as it asks for.");
        Problem { place: first, ..problem }
    }
}

fn room<'o, 'a>(objects: &'o Objects<'a>, nodes: &'o Nodes) -> Option<Room<'o, 'a>> {
    let pods: Vec<Pods<'o, 'a>> = demand::pods(objects, nodes.len() as u64).take(TEMPLATES + 1).collect();
    if pods.len() > TEMPLATES {
        return None;
    }
    // Selectors are held against every node and every template.
    let weight: usize = pods.iter().map(|p| pod::weight(p.pod.spec)).sum();
    if weight * nodes.len().max(pods.len()) > WEIGHT {
        return None;
    }
    let mut resources = vec!["cpu".to_owned(), "memory".to_owned()];
    let wanted: Vec<Wanted<'o, 'a>> = pods.into_iter().map(|p| Wanted::new(p, nodes, &mut resources)).collect();
    Some(Room::new(nodes, resources, wanted, objects))
}

fn told(room: &Room<'_, '_>, most: usize) -> Vec<Verdict> {
    let mut all: Vec<(usize, u64, Verdict)> = Vec::new();
    room.replay(&mut |template, n, node, reasons: &[Vec<reasons::Reason>]| {
        // Who tries again is told of once, with what was said last.
        if all.iter().any(|(_, _, v)| v.node.is_none()) {
            all.retain(|(t, k, _)| (*t, *k) != (template, n));
        }
        if all.len() == most {
            return;
        }
        let words = |r: &Vec<reasons::Reason>| r.iter().map(|r| r.scheduler(&room.resources)).collect();
        let names = room.nodes.0.iter().map(|n| n.name.clone());
        let verdict = Verdict {
            pod: room.wanted.get(template).map_or_else(String::new, |w| w.pod_name(n)),
            node: node.and_then(|n: usize| room.nodes.0.get(n)).map(|n| n.name.clone()),
            event: node.is_none().then(|| tell::event(room, template, reasons)),
            nodes: names.zip(reasons.iter().map(words)).collect(),
        };
        all.push((template, n, verdict));
    });
    all.into_iter().map(|(_, _, verdict)| verdict).collect()
}

impl Placement {
    /// How many pods of a template have a place.
    fn placed(&self, template: usize) -> u64 {
        self.counts.get(template).into_iter().flatten().map(|n| u64::from(*n)).sum()
    }
}
