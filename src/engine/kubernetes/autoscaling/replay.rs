//! The replay, second by second: requests come in and wait, replicas start, load and answer, the autoscaler looks and decides.
//!
//! The queue is a fluid one: a second's requests join it, and each ready replica takes `requests_per_second` out of it, first come, first served.
//! A pod that is taken away stops at once, pending ones before loading ones before ready ones, as a ReplicaSet chooses them.
use super::controller::{self, Controller, Held, Pods, SYNC, Tolerances};
use super::plan::{Aim, Keda, Metric, Plan, Reads};
use super::{Replica, Scenario, Signal};
use std::collections::VecDeque;

/// What a second looked like at its end.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Second {
    pub load: f64,
    pub queue: f64,
    /// Requests that came in and that were taken up since the beginning.
    pub come: f64,
    pub served: f64,
    /// The part of the ready replicas' capacity that was used.
    pub busy: f64,
    pub ready: i64,
    /// Pods with a node: loading or ready.
    pub placed: i64,
    /// What the target's `replicas` says.
    pub replicas: i64,
}

/// What one sync did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    pub at: usize,
    pub before: i64,
    pub after: i64,
    /// What the metrics asked for, before windows, policies and bounds.
    pub wanted: Option<i64>,
    /// The metric that asked for most.
    pub metric: usize,
    pub held: Held,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tape {
    pub seconds: Vec<Second>,
    pub decisions: Vec<Decision>,
}

/// The pods of the target.
#[derive(Debug, Default)]
struct Fleet {
    ready: i64,
    /// When each loading one is ready, oldest first, with how many are then.
    loading: VecDeque<(i64, i64)>,
    pending: i64,
}

impl Fleet {
    fn placed(&self) -> i64 {
        self.ready + self.loading.iter().map(|(_, n)| n).sum::<i64>()
    }

    fn become_ready(&mut self, now: i64) {
        while let Some((_, n)) = self.loading.front().copied().filter(|(at, _)| *at <= now) {
            self.ready += n;
            self.loading.pop_front();
        }
    }

    fn resize(&mut self, to: i64, now: i64, scenario: &Scenario) {
        let mut surplus = (self.placed() + self.pending - to).max(0);
        self.pending += (to - self.placed() - self.pending).max(0);
        let mut take = |from: &mut i64| {
            let n = surplus.min(*from);
            (*from, surplus) = (*from - n, surplus - n);
        };
        take(&mut self.pending);
        for (_, n) in self.loading.iter_mut().rev() {
            take(n);
        }
        take(&mut self.ready);
        self.loading.retain(|(_, n)| *n > 0);
        let room = scenario.room.map_or(i64::MAX, i64::from) - self.placed();
        let start = self.pending.min(room.max(0));
        if start > 0 {
            self.pending -= start;
            self.loading.push_back((now + i64::from(scenario.replica.load_seconds), start));
        }
    }
}

/// Runs `plan` through the scenario. It begins with the fewest replicas that the plan allows, all of them ready.
pub fn run(plan: &Plan, scenario: &Scenario) -> Tape {
    let mut tape = Tape { seconds: Vec::with_capacity(scenario.trace.seconds() as usize), decisions: Vec::new() };
    let mut replicas = plan.first();
    let mut fleet = Fleet { ready: replicas.min(scenario.room.map_or(i64::MAX, i64::from)), ..Fleet::default() };
    fleet.pending = replicas - fleet.ready;
    let mut controller = Controller::new(plan.least.max(1), plan.most, plan.behavior.clone(), replicas);
    let mut last_active = 0;
    let mut now_is = Second::default();
    for (load, now) in scenario.trace.loads().zip(0_i64..) {
        fleet.become_ready(now);
        let can = count(fleet.ready) * scenario.replica.requests_per_second;
        let taken = (now_is.queue + load).min(can);
        now_is = Second {
            load,
            queue: now_is.queue + load - taken,
            come: now_is.come + load,
            served: now_is.served + taken,
            busy: if can > 0.0 { taken / can } else { 0.0 },
            ready: fleet.ready,
            placed: fleet.placed(),
            replicas,
        };
        tape.seconds.push(now_is);
        let seen = tape.seconds.len().saturating_sub(1).saturating_sub(scenario.metrics_delay as usize);
        let Some(then) = tape.seconds.get(seen).copied() else { break };
        if let Some(keda) = &plan.keda
            && now % keda.polling == 0
        {
            let next = activate(keda, plan, &then, now, replicas, &mut last_active, &scenario.replica);
            if next != replicas {
                tape.decisions.push(Decision { at: now_index(now), before: replicas, after: next, wanted: None, metric: 0, held: Held::No });
                replicas = next;
                fleet.resize(replicas, now, scenario);
            }
        }
        if now % SYNC == 0 {
            let (wanted, metric) = ask(plan, &then, &fleet, replicas, &scenario.replica);
            let (next, held) = controller.sync(now, replicas, wanted);
            tape.decisions.push(Decision { at: now_index(now), before: replicas, after: next, wanted, metric, held });
            if next != replicas {
                replicas = next;
                fleet.resize(replicas, now, scenario);
            }
        }
    }
    tape
}

/// KEDA's own part: between no replicas (or the idle ones) and the fewest. `pkg/scaling/executor/scale_scaledobjects.go`.
fn activate(keda: &Keda, plan: &Plan, then: &Second, now: i64, replicas: i64, last_active: &mut i64, replica: &Replica) -> i64 {
    let active = plan.metrics.iter().any(|m| total(m, then, replica).is_some_and(|v| v > m.activation));
    if active {
        *last_active = now;
        let asleep = replicas == 0 || (keda.idle.is_some() && replicas < plan.least);
        return if asleep { plan.least.max(1) } else { replicas };
    }
    let awake = keda.idle.map_or(replicas > 0 && plan.least == 0, |idle| replicas > idle);
    if awake && now - *last_active > keda.cooldown {
        return keda.idle.unwrap_or(0);
    }
    if keda.idle.is_none() && replicas < plan.least { plan.least } else { replicas }
}

/// The most that any metric asks for, and which one that is.
fn ask(plan: &Plan, then: &Second, fleet: &Fleet, current: i64, replica: &Replica) -> (Option<i64>, usize) {
    let mut most = (None, 0);
    for (n, metric) in plan.metrics.iter().enumerate() {
        let wanted = wants(metric, plan.tolerances, then, fleet, current, replica);
        if wanted > most.0 {
            most = (wanted, n);
        }
    }
    most
}

fn wants(metric: &Metric, tolerances: Tolerances, then: &Second, fleet: &Fleet, current: i64, replica: &Replica) -> Option<i64> {
    let loading = fleet.placed() - fleet.ready;
    // Who became ready after the metric was taken has no value in it yet.
    let measured = fleet.ready.min(then.ready);
    let young = fleet.ready - measured;
    match metric.aim {
        Aim::EachPod(target) => {
            let pods = Pods { measured, missing: young + loading, unready: fleet.pending };
            controller::of_each_pod(thousandths(each(metric.reads, then, replica)?), target, pods, current, tolerances)
        }
        Aim::Utilisation { percent, request } => {
            // For the CPU, a pod that has never been ready counts as unready.
            let pods = Pods { measured, missing: young, unready: loading + fleet.pending };
            controller::of_utilisation(thousandths(each(metric.reads, then, replica)?), request, percent, pods, current, tolerances)
        }
        Aim::Value(target) => Some(controller::of_value(thousandths(total(metric, then, replica)?), target, fleet.ready, current, tolerances)),
        Aim::Shared(target) => Some(controller::of_shared_value(thousandths(total(metric, then, replica)?), target, current, tolerances)),
    }
}

/// A metric's value of each pod; none if there is no pod to have it.
pub fn each(reads: Reads, then: &Second, replica: &Replica) -> Option<f64> {
    if then.ready == 0 {
        return None;
    }
    let running = then.busy * f64::from(replica.concurrency);
    Some(match reads {
        Reads::Cpu => then.busy * replica.cpu_cores,
        Reads::Signal(Signal::Waiting | Signal::Queue) => then.queue / count(then.ready),
        Reads::Signal(Signal::Running) => running,
        Reads::Signal(Signal::Requests) => then.load / count(then.ready),
        Reads::Signal(Signal::Gpu) => 100.0 * running.min(1.0),
    })
}

/// A metric's value as a whole: a sum over the pods, or their mean where the query takes it.
pub fn total(metric: &Metric, then: &Second, replica: &Replica) -> Option<f64> {
    let pods = if metric.mean { 1.0 } else { count(then.ready) };
    match metric.reads {
        Reads::Signal(Signal::Queue) => Some(then.queue),
        // A query that finds no series counts as 0 for KEDA, and as no value elsewhere.
        reads => each(reads, then, replica).map(|v| v * pods).or(metric.zero_if_none.then_some(0.0)),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "held within bounds before")]
fn thousandths(value: f64) -> i64 {
    (value * 1000.0).ceil().clamp(0.0, 1e15) as i64
}

#[expect(clippy::cast_precision_loss, reason = "counts of pods")]
pub fn count(n: i64) -> f64 {
    n as f64
}

fn now_index(now: i64) -> usize {
    usize::try_from(now).unwrap_or(0)
}
