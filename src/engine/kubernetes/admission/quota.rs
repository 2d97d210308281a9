//! Quotas as the API server counts them: what is used when a pod or an object is made, and the words in which one is refused.
//! Source: `pkg/quota/v1/evaluator/core` and `staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota` of Kubernetes.
use super::amount::{self, Amount, Usage, is_extended};
use crate::engine::kubernetes::demand::Demand;
use crate::engine::kubernetes::objects::{Container, Object};
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::yaml::Node;
use std::collections::{BTreeMap, BTreeSet};

/// Requests and limits that every container must have where a quota counts them.
const REQUIRED: [&str; 6] = ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];

/// A quota, and what is used of it.
#[derive(Debug, Clone)]
pub struct Quota {
    pub name: String,
    pub hard: Usage,
    pub used: Usage,
    /// Whether it grants none of the extended resources that it doesn't name.
    pub closed: bool,
}

/// Why something isn't let into a quota.
#[derive(Debug, Clone)]
pub struct Over {
    pub message: String,
    /// The first resource that there isn't enough of, what was asked, used and granted of it.
    pub resource: String,
    pub asked: Amount,
    pub used: Amount,
    pub hard: Amount,
}

impl Quota {
    pub fn new(name: &str, hard: Usage, closed: bool) -> Quota {
        Quota { name: name.to_owned(), hard, used: Usage::new(), closed }
    }

    /// The quota an object is. One with scopes is about some pods alone, and is left out.
    pub fn of(object: &Object<'_>) -> Option<Quota> {
        let spec = object.node.get("spec").filter(|_| object.kind == "ResourceQuota")?;
        let scoped = spec.get("scopes").or_else(|| spec.get("scopeSelector")).is_some();
        (!scoped).then(|| Quota::new(object.name, amount::of_mapping(spec.get("hard")), false))
    }

    pub fn granted(&self, resource: &str) -> Option<Amount> {
        let none = Amount { n: Quantity::whole(0), binary: false };
        let unnamed = || (self.closed && resource.strip_prefix("requests.").is_some_and(is_extended)).then_some(none);
        self.hard.get(resource).copied().or_else(unnamed)
    }

    fn used(&self, resource: &str) -> Amount {
        self.used.get(resource).copied().unwrap_or(Amount { n: Quantity::whole(0), binary: false })
    }

    /// How many times something still fits.
    fn room_for(&self, need: &Usage) -> u64 {
        let times = |(resource, asked): (&String, &Amount)| {
            let left = self.granted(resource)?.n.minus(self.used(resource).n);
            (!asked.n.is_zero()).then(|| left.holds(asked.n))
        };
        need.iter().filter_map(times).min().unwrap_or(u64::MAX)
    }

    /// The server's words for something that doesn't fit, naming the resources that there isn't enough of.
    fn over(&self, need: &Usage) -> Option<Over> {
        let (mut requested, mut used, mut limited, mut first) = (Vec::new(), Vec::new(), Vec::new(), None);
        for (resource, asked) in need.iter().filter(|(_, a)| !a.n.is_zero()) {
            let (Some(hard), had) = (self.granted(resource), self.used(resource)) else { continue };
            if had.n.plus(asked.n) <= hard.n {
                continue;
            }
            for (list, amount) in [(&mut requested, *asked), (&mut used, had), (&mut limited, hard)] {
                list.push(format!("{resource}={}", amount.written()));
            }
            first.get_or_insert_with(|| (resource.clone(), *asked, had, hard));
        }
        let (resource, asked, had, hard) = first?;
        let message =
            format!("exceeded quota: {}, requested: {}, used: {}, limited: {}", self.name, requested.join(","), used.join(","), limited.join(","));
        Some(Over { message, resource, asked, used: had, hard })
    }
}

/// Counts `n` of something, one after the other: how many are let in, and why the next one isn't.
pub fn charge(quotas: &mut [Quota], need: &Usage, n: u64) -> (u64, Option<Over>) {
    let fit = quotas.iter().map(|q| q.room_for(need)).min().unwrap_or(u64::MAX).min(n);
    for quota in quotas.iter_mut() {
        let counted: Usage = need.iter().filter(|(r, _)| quota.granted(r).is_some()).map(|(r, a)| (r.clone(), *a)).collect();
        amount::add(&mut quota.used, &counted, fit);
    }
    (fit, if fit < n { quotas.iter().find_map(|q| q.over(need)) } else { None })
}

/// What a quota asks every container to state, in the server's words; and the first container that doesn't.
pub fn unstated<'p, 'a>(quotas: &[Quota], containers: &'p [Container<'a>], filled: &[Demand]) -> Option<(String, &'p Container<'a>)> {
    quotas.iter().find_map(|quota| {
        let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut first = None;
        for (container, demand) in containers.iter().zip(filled) {
            for key in REQUIRED.into_iter().filter(|key| quota.hard.contains_key(*key)) {
                let stated = match key.strip_prefix("limits.") {
                    Some(resource) => demand.limits.get(resource),
                    None => demand.requests.get(key.trim_start_matches("requests.")),
                };
                if stated.is_none() {
                    missing.entry(key).or_default().insert(container.name);
                    first.get_or_insert(container);
                }
            }
        }
        let said = |(key, names): (&&str, &BTreeSet<&str>)| format!("{key} for: {}", names.iter().copied().collect::<Vec<_>>().join(","));
        let list: Vec<String> = missing.iter().map(said).collect();
        Some((format!("failed quota: {}: must specify {}", quota.name, list.join("; ")), first?))
    })
}

/// Whether a list of templates of claims is there: a StatefulSet makes one claim of each for every pod.
pub fn claims<'a>(object: &Object<'a>) -> &'a [Node] {
    let templates = object.node.path(&["spec", "volumeClaimTemplates"]).filter(|_| object.kind == "StatefulSet");
    templates.map_or(&[], Node::items)
}
