//! Would a namespace of a preset let a hand-in in? Limit ranges, pod security, the sandbox's policies and quotas, in the order
//! in which the API server asks them, over every pod that would be made.
//!
//! Everything goes into one namespace, in the order of the files. ResourceQuotas and LimitRanges that are handed in count beside
//! the preset's own, so that a lab may ask for a namespace and a workload that fits it; a quota with scopes is left out.
mod amount;
mod policies;
mod quota;
mod ranges;
mod room;
mod security;
pub use security::CAPABILITIES;
mod tell;
#[cfg(test)]
mod tests;

use super::demand::{self, Demand, Pods};
use super::objects::{Object, Objects, Pod};
use super::{Answer, DocumentId, Kubernetes};
use crate::engine::check::Where;
use crate::engine::figure::Figure;
use crate::engine::report::Problem;
use crate::engine::yaml::Node;
use amount::Usage;
use quota::{Over, Quota};
use ranges::{Outside, Range};
pub use room::{Bounds, Level, Namespace, Room};
use security::Violation;
use std::collections::BTreeSet;

/// More problems than this tell a student nothing new.
const MOST: usize = 100;

/// What a namespace would say, and what became of each object, in the order of the files.
pub struct Admission {
    pub answer: Answer,
    pub verdicts: Vec<Verdict>,
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub kind: String,
    pub name: String,
    /// Why the object itself was refused.
    pub refused: Option<Refusal>,
    /// How many pods it should have, all at rest.
    pub pods: u64,
    /// How many of them are made.
    pub admitted: u64,
    /// Why the next one isn't. For an object that is a pod the same as `refused`.
    pub pod_refused: Option<Refusal>,
}

/// Who refuses something, and the words after `… is forbidden: `; a policy's are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub by: Gate,
    pub message: String,
}

/// In the order in which the API server asks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    LimitRange,
    PodSecurity,
    Policy,
    Quota,
}

impl Kubernetes<'_> {
    /// What a namespace of a preset would say to the hand-in; problems only of the objects that `only` picks.
    pub fn admission(&self, room: &Room, only: Option<&Where>) -> Admission {
        admission(self, room.namespace(), &room.preset, only)
    }
}

/// The same for any namespace.
pub fn admission(kubernetes: &Kubernetes<'_>, mut namespace: Namespace, preset: &str, only: Option<&Where>) -> Admission {
    let objects = kubernetes.objects();
    namespace.quotas.extend(objects.kind("ResourceQuota").filter_map(Quota::of));
    namespace.ranges.extend(objects.kind("LimitRange").flat_map(Range::of));
    let mut clerk = Clerk {
        asked: namespace.quotas.clone(),
        real: namespace.quotas.clone(),
        namespace: &namespace,
        only,
        total: Usage::new(),
        pods: 0,
        looked_at: BTreeSet::new(),
        answer: Answer::default(),
        verdicts: Vec::new(),
    };
    let mut workloads = demand::pods(objects, 1).peekable();
    let mut running = Vec::new();
    for object in objects.all() {
        let mut verdict = clerk.object(object);
        while let Some(pods) = workloads.next_if(|p| std::ptr::eq(p.object, object)) {
            let (need, whole) = clerk.pods(&pods, &mut verdict);
            running.push((pods, need, whole));
        }
        clerk.claims(object, verdict.pods);
        if object.kind == "Pod" {
            verdict.refused = verdict.refused.take().or_else(|| verdict.pod_refused.clone());
        }
        clerk.verdicts.push(verdict);
    }
    let mut notes = Vec::new();
    for (pods, need, _) in running.iter().filter(|(_, _, whole)| *whole) {
        clerk.roll_out(pods, need);
        notes.extend(clerk.autoscaler(objects, pods, need));
    }
    clerk.close(kubernetes, preset, &notes)
}

/// Keeps the books while objects come in.
struct Clerk<'n> {
    namespace: &'n Namespace,
    only: Option<&'n Where>,
    /// The quotas with all counted that is asked for, as if nothing but a quota refused anything: all problems are told at once.
    asked: Vec<Quota>,
    /// The quotas with what other gates refuse left out.
    real: Vec<Quota>,
    /// All that is asked for, whether it fits or not.
    total: Usage,
    pods: u64,
    looked_at: BTreeSet<DocumentId>,
    answer: Answer,
    verdicts: Vec<Verdict>,
}

/// What one pod of a template comes to.
struct Made {
    need: Usage,
    outside: Vec<Outside>,
    unstated: Option<Problem>,
    violations: Vec<Violation>,
    refused: Vec<policies::Refused>,
    first: Option<Refusal>,
}

impl Clerk<'_> {
    fn wants(&self, object: &Object<'_>) -> bool {
        self.only.is_none_or(|w| object.is(w))
    }

    fn tell(&mut self, object: &Object<'_>, problem: Problem) {
        if self.wants(object) && self.answer.problems.len() < MOST {
            self.answer.problems.push(problem.clipped());
        }
    }

    /// The object by itself: policies, and its place in the counts of objects.
    fn object(&mut self, object: &Object<'_>) -> Verdict {
        self.looked_at.insert(object.id);
        let mut refused = None;
        for policy in policies::of_object(object) {
            refused.get_or_insert_with(|| Refusal { by: Gate::Policy, message: policy.message.clone() });
            self.tell(object, tell::policy(object, policy));
        }
        let mut need = amount::of_object(object);
        if object.kind == "PersistentVolumeClaim" {
            for outside in &ranges::claim(&self.namespace.ranges, object.node) {
                refused.get_or_insert_with(|| Refusal { by: Gate::LimitRange, message: outside.message.clone() });
                self.tell(object, tell::outside(object, outside));
            }
        }
        need.retain(|_, amount| !amount.n.is_zero());
        amount::add(&mut self.total, &need, 1);
        if let (_, Some(over)) = quota::charge(&mut self.asked, &need, 1) {
            self.tell(object, tell::object_over(object, &over));
        }
        if refused.is_none() {
            let (_, over) = quota::charge(&mut self.real, &need, 1);
            refused = over.map(|o| Refusal { by: Gate::Quota, message: o.message });
        }
        Verdict { kind: object.kind.to_owned(), name: object.name.to_owned(), refused, pods: 0, admitted: 0, pod_refused: None }
    }

    /// The pods of one template: what one takes of a quota, and whether all of them were let in.
    fn pods(&mut self, pods: &Pods<'_, '_>, verdict: &mut Verdict) -> (Usage, bool) {
        let object = pods.object;
        let made = self.one(object, pods.pod);
        let mut whole = made.first.is_none();
        for outside in &made.outside {
            self.tell(object, tell::outside(object, outside));
        }
        if let Some(problem) = made.unstated {
            self.tell(object, problem);
        }
        for violation in made.violations {
            self.tell(object, tell::violation(object, self.namespace.level, violation));
        }
        for refused in made.refused {
            self.tell(object, tell::policy(object, refused));
        }
        amount::add(&mut self.total, &made.need, pods.count);
        self.pods = self.pods.saturating_add(pods.count);
        let (fit, over) = quota::charge(&mut self.asked, &made.need, pods.count);
        if let Some(over) = &over {
            whole = false;
            self.tell(object, tell::pods_over(pods, fit, over));
        }
        verdict.pods = verdict.pods.saturating_add(pods.count);
        if verdict.refused.is_none() && made.first.is_none() {
            let (fit, over) = quota::charge(&mut self.real, &made.need, pods.count);
            verdict.admitted = verdict.admitted.saturating_add(fit);
            verdict.pod_refused = verdict.pod_refused.take().or_else(|| over.map(|Over { message, .. }| Refusal { by: Gate::Quota, message }));
        } else if pods.count > 0 {
            verdict.pod_refused = verdict.pod_refused.take().or(made.first);
        }
        (made.need, whole)
    }

    /// What every gate says about a pod, quotas' sums left aside.
    fn one(&self, object: &Object<'_>, pod: &Pod<'_>) -> Made {
        let namespace = self.namespace;
        let filled: Vec<Demand> = pod.containers.iter().map(|c| ranges::filled(&namespace.ranges, c.node)).collect();
        let demand = demand::of_pod(pod, |node| ranges::filled(&namespace.ranges, node));
        let inits = pod.spec.get("initContainers").map_or(0, |n| n.items().len());
        let mut outside: Vec<Outside> = Vec::new();
        for (n, (container, demand)) in pod.containers.iter().zip(&filled).enumerate() {
            let path = if n < inits { format!("spec.initContainers[{n}]") } else { format!("spec.containers[{}]", n - inits) };
            outside.extend(ranges::container(&namespace.ranges, &path, container, demand));
        }
        outside.extend(ranges::pod(&namespace.ranges, &demand, pod.spec_key));
        let violations = security::violations(namespace.level, pod, &object.doc);
        let refused = policies::of_pod(pod, &object.doc, namespace.gpus);
        let unstated = quota::unstated(&namespace.quotas, &pod.containers, &filled);
        let listed = match outside.as_slice() {
            [] => None,
            [one] => Some(one.message.clone()),
            all => Some(format!("[{}]", all.iter().map(|o| o.message.as_str()).collect::<Vec<_>>().join(", "))),
        };
        let first = listed
            .map(|message| Refusal { by: Gate::LimitRange, message })
            .or_else(|| (!violations.is_empty()).then(|| Refusal { by: Gate::PodSecurity, message: security::message(namespace.level, &violations) }))
            .or_else(|| refused.first().map(|r| Refusal { by: Gate::Policy, message: r.message.clone() }))
            .or_else(|| unstated.as_ref().map(|(message, _)| Refusal { by: Gate::Quota, message: message.clone() }));
        let unstated = unstated.map(|(message, container)| tell::unstated(object, &message, container));
        Made { need: amount::of_pod(pod, &demand), outside, unstated, violations, refused, first }
    }

    /// The claims that a StatefulSet makes for its pods.
    fn claims(&mut self, object: &Object<'_>, pods: u64) {
        for template in quota::claims(object) {
            for outside in &ranges::claim(&self.namespace.ranges, template) {
                self.tell(object, tell::outside(object, outside));
            }
            let need = amount::of_claim(template);
            amount::add(&mut self.total, &need, pods);
            let (fit, over) = quota::charge(&mut self.asked, &need, pods);
            quota::charge(&mut self.real, &need, pods);
            if let Some(over) = over {
                self.tell(object, tell::claims_over(object, template, pods, fit, &over));
            }
        }
    }

    /// Whether a roll-out of pods that all run would ever end: it first starts a pod more, unless it may first end one.
    fn roll_out(&mut self, pods: &Pods<'_, '_>, need: &Usage) {
        if pods.surge == 0 || pods.count == 0 || may_be_unavailable(pods.object, pods.count) > 0 {
            return;
        }
        let (fit, over) = quota::charge(&mut self.asked.clone(), need, pods.surge);
        if let Some(over) = over.filter(|_| fit == 0) {
            self.tell(pods.object, tell::stuck(pods, &over));
        }
    }

    /// How many of the pods that an autoscaler may ask for there is room for, where it isn't all of them.
    fn autoscaler(&self, objects: &Objects<'_>, pods: &Pods<'_, '_>, need: &Usage) -> Option<String> {
        let scaler = objects.autoscaler(pods.object)?;
        let number = |key: &str| scaler.node.path(&["spec", key]).and_then(Node::as_i64);
        let most = number("maxReplicas").or_else(|| number("maxReplicaCount"))?;
        let most = u64::try_from(most).ok()?.min(demand::MOST);
        let (fit, over) = quota::charge(&mut self.asked.clone(), need, most.saturating_sub(pods.count));
        let over = over?;
        Some(format!(
            "{} may ask for {most} pods; {} of them fit, the next one lacks `{}`.",
            scaler.title(),
            pods.count.saturating_add(fit),
            over.resource
        ))
    }

    fn close(mut self, kubernetes: &Kubernetes<'_>, preset: &str, notes: &[String]) -> Admission {
        let any = kubernetes.matching(self.only).next().is_some();
        if !any {
            self.answer.missing = true;
            self.answer.problems.push(kubernetes.missing(self.only));
        }
        if let Some(quota) = self.namespace.quotas.first().filter(|_| any) {
            let rows = tell::rows(quota, &self.total);
            self.answer.passed = tell::passed(preset, self.pods, &rows, notes);
            self.answer.figure = Some(Figure::Quota { rows });
        }
        self.answer.looked_at = self.looked_at.into_iter().collect();
        Admission { answer: self.answer, verdicts: self.verdicts }
    }
}

/// How many pods of a Deployment a roll-out may end before their successors are ready: a quarter, rounded down, unless it says otherwise.
fn may_be_unavailable(object: &Object<'_>, count: u64) -> u64 {
    let written = object.node.path(&["spec", "strategy", "rollingUpdate", "maxUnavailable"]);
    let percent = |n: &Node| n.as_str()?.strip_suffix('%')?.parse::<u64>().ok();
    match written {
        None => count / 4,
        Some(n) => match n.as_i64() {
            Some(n) => u64::try_from(n).unwrap_or(0),
            None => percent(n).map_or(1, |p| count.saturating_mul(p.min(100)) / 100),
        },
    }
}
