//! What the HorizontalPodAutoscaler's controller decides at one sync: kubernetes/pkg/controller/podautoscaler, `replica_calculator.go` and `horizontal.go`.
use std::collections::VecDeque;

/// How often the controller looks, in seconds (`--horizontal-pod-autoscaler-sync-period`).
pub const SYNC: i64 = 15;
/// What scaling down waits for where nothing else is written, in seconds (`--horizontal-pod-autoscaler-downscale-stabilization`).
pub const DOWN_WINDOW: i64 = 300;
/// How far a metric may be from its target before anything is done (`--horizontal-pod-autoscaler-tolerance`).
pub const TOLERANCE: f64 = 0.1;
/// The longest stabilisation window and the longest policy period that the API takes, in seconds.
pub const LONGEST_WINDOW: i64 = 3600;
pub const LONGEST_PERIOD: i64 = 1800;
/// Counts of pods are 32 bit wide in the API.
pub const MOST: i64 = i32::MAX as i64;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerances {
    pub down: f64,
    pub up: f64,
}

impl Tolerances {
    fn within(self, ratio: f64) -> bool {
        1.0 - self.down <= ratio && ratio <= 1.0 + self.up
    }
}

/// A target's pods as the controller groups them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pods {
    /// Have the metric and count as ready.
    pub measured: i64,
    /// Run, but have no value yet.
    pub missing: i64,
    /// Are pending; or not ready, where the metric is the CPU.
    pub unready: i64,
}

/// The replicas for a metric of each pod, all values in thousandths; `None` if no pod has a value.
pub fn of_each_pod(value: i64, target: i64, pods: Pods, current: i64, tolerances: Tolerances) -> Option<i64> {
    let ratio = |total: i64, count: i64| ratio(total / count.max(1), target);
    from_pods(ratio, value, target, pods, current, tolerances)
}

/// The replicas for a use of a resource in percent of what each pod requests; `None` if no pod has a value or none requests it.
pub fn of_utilisation(used: i64, request: i64, percent: i64, pods: Pods, current: i64, tolerances: Tolerances) -> Option<i64> {
    if request <= 0 {
        return None;
    }
    let ratio = |total: i64, count: i64| ratio(total.saturating_mul(100) / request.saturating_mul(count.max(1)), percent);
    from_pods(ratio, used, request.saturating_mul(percent.max(100)) / 100, pods, current, tolerances)
}

/// `missing` is what a pod without a value counts as when the others ask for less.
fn from_pods(ratio_of: impl Fn(i64, i64) -> f64, value: i64, missing: i64, pods: Pods, current: i64, tolerances: Tolerances) -> Option<i64> {
    if pods.measured <= 0 {
        return None;
    }
    let total = value.saturating_mul(pods.measured);
    let ratio = ratio_of(total, pods.measured);
    let up_with_unready = pods.unready > 0 && ratio > 1.0;
    if !up_with_unready && pods.missing == 0 {
        return Some(if tolerances.within(ratio) { current } else { up_to_whole(ratio, pods.measured) });
    }
    let (mut total, mut count) = (total, pods.measured);
    // On the way down a pod without a value counts as busy, on the way up as idle. At exactly 1 it counts as nothing.
    if pods.missing > 0 && ratio < 1.0 {
        (total, count) = (total.saturating_add(missing.saturating_mul(pods.missing)), count + pods.missing);
    } else if pods.missing > 0 && ratio > 1.0 {
        count += pods.missing;
    }
    if up_with_unready {
        count += pods.unready;
    }
    let again = ratio_of(total, count);
    let turned = (ratio < 1.0 && again > 1.0) || (ratio > 1.0 && again < 1.0);
    if tolerances.within(again) || turned {
        return Some(current);
    }
    let wanted = up_to_whole(again, count);
    let against = (again < 1.0 && wanted > current) || (again > 1.0 && wanted < current);
    Some(if against { current } else { wanted })
}

/// The replicas for one value about the whole target (`Value` of an Object or External metric).
pub fn of_value(value: i64, target: i64, ready: i64, current: i64, tolerances: Tolerances) -> i64 {
    let ratio = ratio(value, target);
    if tolerances.within(ratio) { current } else { up_to_whole(ratio, ready) }
}

/// The replicas for a sum that is shared by all pods (`AverageValue` of an Object or External metric).
pub fn of_shared_value(value: i64, target: i64, current: i64, tolerances: Tolerances) -> i64 {
    let share = float(value) / (float(target.max(1)) * float(current));
    if tolerances.within(share) { current } else { up_to_whole(ratio(value, target), 1) }
}

fn ratio(value: i64, target: i64) -> f64 {
    float(value) / float(target.max(1))
}

fn up_to_whole(ratio: f64, count: i64) -> i64 {
    whole((ratio * float(count)).ceil())
}

#[expect(clippy::cast_precision_loss, reason = "thousandths of metrics, as the controller itself counts them")]
fn float(n: i64) -> f64 {
    n as f64
}

#[expect(clippy::cast_possible_truncation, reason = "held between 0 and 2³¹ before")]
fn whole(n: f64) -> i64 {
    n.clamp(0.0, float(MOST)) as i64
}

/// `spec.behavior` with everything that the API fills in.
#[derive(Debug, Clone, PartialEq)]
pub struct Behavior {
    pub up: Rules,
    pub down: Rules,
}

/// One direction of a behaviour.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    pub window: i64,
    pub select: Select,
    pub policies: Vec<Policy>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    Max,
    Min,
    Disabled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    pub percent: bool,
    pub value: i64,
    pub period: i64,
}

impl Rules {
    pub fn up() -> Rules {
        let policies = vec![Policy { percent: false, value: 4, period: 15 }, Policy { percent: true, value: 100, period: 15 }];
        Rules { window: 0, select: Select::Max, policies }
    }

    pub fn down() -> Rules {
        Rules { window: DOWN_WINDOW, select: Select::Max, policies: vec![Policy { percent: true, value: 100, period: 15 }] }
    }
}

/// What kept the controller from doing what the metrics asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Nothing: it did as the metrics said, if they said anything new.
    No,
    UpWindow,
    UpPolicy,
    DownWindow,
    DownPolicy,
    Max,
    Min,
}

/// The controller's memory of one autoscaler.
#[derive(Debug)]
pub struct Controller {
    pub least: i64,
    pub most: i64,
    behavior: Option<Behavior>,
    recommended: VecDeque<(i64, i64)>,
    ups: VecDeque<(i64, i64)>,
    downs: VecDeque<(i64, i64)>,
}

impl Controller {
    /// Begins at second 0 with `current` replicas, which is its first recommendation.
    pub fn new(least: i64, most: i64, behavior: Option<Behavior>, current: i64) -> Controller {
        Controller { least, most, behavior, recommended: VecDeque::from([(0, current)]), ups: VecDeque::new(), downs: VecDeque::new() }
    }

    /// The replicas after the sync at second `now`, when the metrics ask for `wanted`; `None` where no metric says anything.
    pub fn sync(&mut self, now: i64, current: i64, wanted: Option<i64>) -> (i64, Held) {
        if current == 0 {
            return (0, Held::No);
        }
        let (next, held) = if current > self.most {
            (self.most, Held::Max)
        } else if current < self.least {
            (self.least, Held::Min)
        } else {
            match (wanted, self.behavior.take()) {
                (None, behavior) => {
                    self.behavior = behavior;
                    (current, Held::No)
                }
                (Some(wanted), None) => self.plainly(now, current, wanted),
                (Some(wanted), Some(behavior)) => {
                    let next = self.behaving(&behavior, now, current, wanted);
                    self.behavior = Some(behavior);
                    next
                }
            }
        };
        if self.behavior.is_some() {
            let events = if next > current { &mut self.ups } else { &mut self.downs };
            if next != current {
                events.push_back((now, (next - current).abs()));
            }
            for events in [&mut self.ups, &mut self.downs] {
                forget(events, now - LONGEST_PERIOD);
            }
        }
        (next, held)
    }

    /// Without a behaviour: the highest of the last five minutes, and at most twice as many or four at once.
    fn plainly(&mut self, now: i64, current: i64, wanted: i64) -> (i64, Held) {
        let recent = self.recommended.iter().filter(|(at, _)| *at >= now - DOWN_WINDOW).map(|(_, n)| *n).max();
        let stable = recent.unwrap_or(wanted).max(wanted);
        self.remember(now, wanted);
        let limit = (current * 2).max(4);
        let (most, at_most) = if self.most > limit { (limit, Held::UpPolicy) } else { (self.most, Held::Max) };
        let next = if stable < self.least { self.least } else { stable.min(most) };
        (next, self.held(current, wanted, stable, next, at_most, Held::Min))
    }

    fn behaving(&mut self, behavior: &Behavior, now: i64, current: i64, wanted: i64) -> (i64, Held) {
        let since = |window: i64| self.recommended.iter().filter(move |(at, _)| *at > now - window).map(|(_, n)| *n);
        let up = since(behavior.up.window).chain([wanted]).min().unwrap_or(wanted);
        let down = since(behavior.down.window).chain([wanted]).max().unwrap_or(wanted);
        let stable = current.max(up).min(down);
        self.remember(now, wanted);
        let (mut next, mut at_most, mut at_least) = (stable, Held::No, Held::No);
        if stable > current {
            let limit = self.limit(&behavior.up, now, current, true).max(current);
            let most = if self.most > limit { (limit, Held::UpPolicy) } else { (self.most, Held::Max) };
            (next, at_most) = (stable.min(most.0), most.1);
        } else if stable < current {
            let limit = self.limit(&behavior.down, now, current, false).min(current);
            let least = if self.least < limit { (limit, Held::DownPolicy) } else { (self.least, Held::Min) };
            (next, at_least) = (stable.max(least.0), least.1);
        }
        (next, self.held(current, wanted, stable, next, at_most, at_least))
    }

    fn held(&self, current: i64, wanted: i64, stable: i64, next: i64, at_most: Held, at_least: Held) -> Held {
        // A window keeps the number where it is or leads it a part of the way; what holds the rest is a policy or a bound.
        match () {
            () if next < stable => at_most,
            () if next > stable && wanted < current => at_least,
            () if wanted > self.most && next >= self.most => Held::Max,
            () if wanted > stable => Held::UpWindow,
            () if wanted < stable => {
                if stable <= self.least {
                    Held::Min
                } else {
                    Held::DownWindow
                }
            }
            () => Held::No,
        }
    }

    /// How many there may be after one step in a direction.
    fn limit(&self, rules: &Rules, now: i64, current: i64, up: bool) -> i64 {
        let changed = |events: &VecDeque<(i64, i64)>, period: i64| events.iter().filter(|(at, _)| *at > now - period).map(|(_, n)| n).sum::<i64>();
        let proposals = rules.policies.iter().map(|policy| {
            let start = current - changed(&self.ups, policy.period) + changed(&self.downs, policy.period);
            let share = float(policy.value) / 100.0;
            match (policy.percent, up) {
                (false, true) => start.saturating_add(policy.value),
                (false, false) => start.saturating_sub(policy.value),
                (true, true) => whole((float(start) * (1.0 + share)).ceil()),
                (true, false) => whole((float(start) * (1.0 - share)).trunc()),
            }
        });
        let largest_change = (rules.select == Select::Max) == up;
        match rules.select {
            Select::Disabled => current,
            _ if largest_change => proposals.max().unwrap_or(current),
            _ => proposals.min().unwrap_or(current),
        }
    }

    fn remember(&mut self, now: i64, wanted: i64) {
        forget(&mut self.recommended, now - LONGEST_WINDOW);
        self.recommended.push_back((now, wanted));
    }
}

fn forget(events: &mut VecDeque<(i64, i64)>, before: i64) {
    while events.front().is_some_and(|(at, _)| *at < before) {
        events.pop_front();
    }
}
