//! What a sandbox of a preset holds to keep a student's work in bounds: one quota, one limit range, a level of pod security.
use super::amount::{Amount, Usage};
use super::quota::Quota;
use super::ranges::{Kind, Range};
use crate::engine::kubernetes::quantity::Quantity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// So many pods that say nothing about resources fit every preset.
const DEFAULT_PODS: u64 = 8;
/// The quota and the limit range of a sandbox have one name.
const NAME: &str = "sandbox";

/// A preset as admission needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    pub preset: String,
    pub cpu: Bounds,
    pub memory: Bounds,
    pub pods: u32,
    pub storage: String,
    pub pvcs: u32,
    /// Extended resources and how many; what isn't named is 0.
    pub gpu: BTreeMap<String, u32>,
    pub security: Level,
}

/// What all pods together may request, and what their limits may come to; as quantities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    pub request: String,
    pub limit: String,
}

/// A level of the pod security standards that a namespace enforces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    #[default]
    Baseline,
    Restricted,
}

impl Level {
    pub fn word(self) -> &'static str {
        match self {
            Level::Baseline => "baseline",
            Level::Restricted => "restricted",
        }
    }
}

/// What the API server asks in a namespace.
#[derive(Debug, Clone)]
pub struct Namespace {
    pub quotas: Vec<Quota>,
    pub ranges: Vec<Range>,
    pub level: Level,
    /// Whether it grants any device.
    pub gpus: bool,
}

impl Room {
    pub fn namespace(&self) -> Namespace {
        Namespace { quotas: vec![self.quota()], ranges: vec![self.range()], level: self.security, gpus: self.gpu.values().any(|n| *n > 0) }
    }

    /// The numbers that a preset doesn't name follow from those it does: as many controllers and services as pods, twice as
    /// many pieces of configuration, scratch space as large as the storage.
    fn quota(&self) -> Quota {
        let scratch = amount(&self.storage);
        let mut hard = Usage::from([
            ("requests.cpu".into(), amount(&self.cpu.request)),
            ("limits.cpu".into(), amount(&self.cpu.limit)),
            ("requests.memory".into(), amount(&self.memory.request)),
            ("limits.memory".into(), amount(&self.memory.limit)),
            ("requests.ephemeral-storage".into(), scratch),
            ("limits.ephemeral-storage".into(), Amount { binary: scratch.binary, n: scratch.n.times(2) }),
            ("requests.storage".into(), amount(&self.storage)),
            ("persistentvolumeclaims".into(), pieces(self.pvcs)),
            ("pods".into(), pieces(self.pods)),
            ("services".into(), pieces(self.pods)),
            ("services.loadbalancers".into(), pieces(0)),
            ("services.nodeports".into(), pieces(0)),
            ("count/deployments.apps".into(), pieces(self.pods)),
            ("count/jobs.batch".into(), pieces(self.pods)),
            ("configmaps".into(), pieces(self.pods.saturating_mul(2))),
            ("secrets".into(), pieces(self.pods.saturating_mul(2))),
        ]);
        hard.extend(self.gpu.iter().map(|(resource, n)| (format!("requests.{resource}"), pieces(*n))));
        // The cluster puts its certificate into every namespace.
        Quota { used: Usage::from([("configmaps".into(), pieces(1))]), ..Quota::new(NAME, hard, true) }
    }

    /// A container may take all of the preset; one that says nothing gets an eighth of it, and of memory never more than it requests.
    fn range(&self) -> Range {
        let eighth = |of: &str| {
            let whole = amount(of);
            Amount { n: whole.n.divided(DEFAULT_PODS), binary: whole.binary }
        };
        let all = |cpu: Amount, memory: Amount, scratch: Amount| {
            Usage::from([("cpu".into(), cpu), ("memory".into(), memory), ("ephemeral-storage".into(), scratch)])
        };
        Range {
            kind: Kind::Container,
            default: all(eighth(&self.cpu.limit), eighth(&self.memory.request), eighth(&self.storage)),
            default_request: all(eighth(&self.cpu.request), eighth(&self.memory.request), eighth(&self.storage)),
            max: all(amount(&self.cpu.limit), amount(&self.memory.limit), amount(&self.storage)),
            ..Range::default()
        }
    }
}

fn pieces(n: u32) -> Amount {
    Amount { n: Quantity::whole(i64::from(n)), binary: false }
}

/// A preset's quantities were read when the program was; what is none counts as nothing granted.
fn amount(text: &str) -> Amount {
    Amount { n: Quantity::parse(text).unwrap_or(Quantity::whole(0)), binary: text.ends_with('i') }
}
