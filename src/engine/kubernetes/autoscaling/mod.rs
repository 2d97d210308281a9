//! Replays an autoscaler over a load: a HorizontalPodAutoscaler or a KEDA ScaledObject, the time a model takes to load, and a queue that waits meanwhile.
mod controller;
mod judge;
mod plan;
mod replay;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod tests;
mod trace;

use super::{Answer, Kubernetes, rules};
use crate::engine::check::Where;
use crate::engine::report::Problem;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
pub use trace::Trace;

/// Longest load and longest time to load a model, in seconds: a day and an hour.
pub const LONGEST: u32 = 86_400;
pub const LONGEST_START: u32 = 3_600;

/// What an autoscaler is tried with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    pub trace: Trace,
    pub replica: Replica,
    /// For how many replicas there are GPUs; further pods stay pending. As many as asked for when absent.
    pub room: Option<u32>,
    /// The metrics that the cluster serves, by name, and what each measures.
    pub metrics: BTreeMap<String, Signal>,
    /// How old a metric is when the autoscaler reads it, in seconds.
    pub metrics_delay: u32,
    pub objectives: Objectives,
}

/// One replica of the server.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Replica {
    /// Requests a second that it answers when it is full.
    pub requests_per_second: f64,
    /// Requests it works on at a time.
    pub concurrency: u32,
    pub gpus: u32,
    /// From the start of its pod until it is ready, in seconds.
    pub load_seconds: u32,
    /// Cores it uses when it is full.
    pub cpu_cores: f64,
}

/// What a metric measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Requests that wait in a replica's queue.
    Waiting,
    /// Requests a replica works on.
    Running,
    /// Requests a second that reach a replica.
    Requests,
    /// Percent of the time in which anything runs on a replica's GPU.
    Gpu,
    /// Requests that wait, counted before the replicas, at the gateway: it is there when there are none.
    Queue,
}

impl Signal {
    pub const ALL: [(&'static str, Signal); 5] =
        [("waiting", Signal::Waiting), ("running", Signal::Running), ("requests", Signal::Requests), ("gpu", Signal::Gpu), ("queue", Signal::Queue)];
}

/// What a lab asks for; at least one of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Objectives {
    pub wait: Option<Wait>,
    pub gpu_minutes: Option<f64>,
    pub flaps: Option<Flaps>,
}

/// So many percent of the requests wait no longer than this.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    pub seconds: u32,
    pub share: f64,
}

/// Changes of direction, each within so many minutes of the change before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flaps {
    pub most: u32,
    pub within_minutes: u32,
}

impl Kubernetes<'_> {
    /// Replays the autoscaler that `only` picks over a scenario.
    pub fn autoscaling(&self, scenario: &Scenario, only: Option<&Where>) -> Answer {
        let is_one = |kind: &str| matches!(kind, "HorizontalPodAutoscaler" | "ScaledObject");
        let found: Vec<_> = self.objects.all().iter().filter(|o| is_one(o.kind) && only.is_none_or(|w| o.is(w))).collect();
        let looked_at = |mut outcome: Answer| {
            outcome.looked_at = found.iter().map(|o| o.id).collect();
            outcome
        };
        let [one] = found[..] else {
            let problem = match found.get(1) {
                Some(second) => second
                    .problem(
                        second.head(),
                        format!("{} is a second autoscaler beside {}: one of them is replayed, so hand in one", second.title(), found[0].title()),
                    )
                    .why("Two autoscalers of one target undo each other's work at every sync.")
                    .fix("Keep one autoscaler; an HPA takes several metrics, a ScaledObject several triggers."),
                None => only
                    .map_or_else(
                        || Problem::new("There is neither a HorizontalPodAutoscaler nor a ScaledObject in the hand-in."),
                        |only| rules::Subject::Any.missing(&self.objects, Some(only)),
                    )
                    .fix("Add a HorizontalPodAutoscaler whose `scaleTargetRef` names the Deployment."),
            };
            return looked_at(Answer { problems: vec![problem], missing: found.is_empty(), ..Answer::default() });
        };
        let plan = match plan::Plan::read(one, &self.objects, scenario) {
            Ok(plan) => plan,
            Err(problems) => return looked_at(Answer { problems, ..Answer::default() }),
        };
        looked_at(judge::judge(one, &plan, scenario))
    }
}
