//! Holds a replay against the lab's objectives: what was missed, when, by which field of the autoscaler, and what would mend it.
use super::controller::{Behavior, Held, Rules};
use super::plan::{Aim, Metric, Plan, Reads};
use super::replay::{self, Decision, Tape};
use super::{Answer, Flaps, Scenario, Signal, Wait};
use crate::engine::figure::{Figure, MOST, Measure, Replay};
use crate::engine::kubernetes::objects::Object;
use crate::engine::report::Problem;
use crate::engine::yaml::{Node, Span};

/// Stabilisation windows that are tried to find one that keeps the objectives, in seconds.
const WINDOWS: [i64; 6] = [300, 600, 900, 1200, 1800, 3600];

/// What a replay comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Totals {
    /// How long the requests of each second waited, in seconds; of a second without requests 0.
    pub waits: Vec<u32>,
    /// Percent of the requests within the objective, cut after the first decimal.
    pub share: f64,
    pub gpu_minutes: f64,
    /// Pairs of changes in opposite directions, one soon after the other.
    pub flaps: Vec<(Decision, Decision)>,
}

/// Replays a plan and says what it comes to.
pub fn judge(object: &Object<'_>, plan: &Plan, scenario: &Scenario) -> Answer {
    let tape = replay::run(plan, scenario);
    let totals = Totals::of(&tape, scenario);
    let asked = &scenario.objectives;
    let judge = Judge { object, plan, scenario, tape: &tape, totals: &totals };
    let mut problems = Vec::new();
    problems.extend(asked.wait.filter(|w| totals.share < w.share).and_then(|w| judge.waited(w)));
    problems.extend(asked.gpu_minutes.filter(|most| totals.gpu_minutes > *most).map(|most| judge.cost(most)));
    problems.extend(asked.flaps.filter(|f| totals.flaps.len() > f.most as usize).and_then(|f| judge.flapped(f)));
    Answer { problems, passed: judge.summary(), figure: Some(judge.figure()), ..Answer::default() }
}

impl Totals {
    pub fn of(tape: &Tape, scenario: &Scenario) -> Totals {
        let waits = waits(tape);
        let most = scenario.objectives.wait.map_or(u32::MAX, |w| w.seconds);
        let sum = |within: bool| tape.seconds.iter().zip(&waits).filter(|(_, w)| !within || **w <= most).map(|(s, _)| s.load).sum::<f64>();
        let all = sum(false);
        let share = if all > 0.0 { (sum(true) / all * 1000.0 + 1e-6).floor() / 10.0 } else { 100.0 };
        let pods: i64 = tape.seconds.iter().map(|s| s.placed).sum();
        let gpu_minutes = (replay::count(pods) * f64::from(scenario.replica.gpus) / 60.0).round();
        let flaps = scenario.objectives.flaps.map_or_else(Vec::new, |f| flaps(tape, f));
        Totals { waits, share, gpu_minutes, flaps }
    }

    fn keeps(&self, scenario: &Scenario) -> bool {
        let asked = &scenario.objectives;
        asked.wait.is_none_or(|w| self.share >= w.share)
            && asked.gpu_minutes.is_none_or(|most| self.gpu_minutes <= most)
            && asked.flaps.is_none_or(|f| self.flaps.len() <= f.most as usize)
    }
}

/// First come, first served: what came in by a second has been taken up once as much has been served. What still waits at the end counts until then.
fn waits(tape: &Tape) -> Vec<u32> {
    let mut taken = 0;
    let wait = |(second, now): (usize, &replay::Second)| {
        if now.load <= 0.0 {
            return 0;
        }
        taken = taken.max(second);
        // A millionth of a request is the rounding of a day's sums.
        while tape.seconds.get(taken).is_some_and(|s| s.served + 1e-6 < now.come) {
            taken += 1;
        }
        u32::try_from(taken - second).unwrap_or(u32::MAX)
    };
    tape.seconds.iter().enumerate().map(wait).collect()
}

fn flaps(tape: &Tape, asked: Flaps) -> Vec<(Decision, Decision)> {
    let changes: Vec<&Decision> = tape.decisions.iter().filter(|d| d.before != d.after).collect();
    let within = asked.within_minutes as usize * 60;
    let turns = changes.windows(2).filter_map(|pair| match pair {
        [a, b] if (a.after > a.before) != (b.after > b.before) && b.at - a.at <= within => Some((**a, **b)),
        _ => None,
    });
    turns.collect()
}

struct Judge<'j, 'a> {
    object: &'j Object<'a>,
    plan: &'j Plan,
    scenario: &'j Scenario,
    tape: &'j Tape,
    totals: &'j Totals,
}

impl<'a> Judge<'_, 'a> {
    /// The wait objective: the worst stretch, and the field that governs it.
    fn waited(&self, asked: Wait) -> Option<Problem> {
        let late = |w: &u32| *w > asked.seconds;
        let worst = (0..self.totals.waits.len()).rev().max_by_key(|n| self.totals.waits.get(*n))?;
        let wait = *self.totals.waits.get(worst)?;
        let from = worst - self.totals.waits[..worst].iter().rev().take_while(|w| late(w)).count();
        let to = worst + self.totals.waits[worst..].iter().take_while(|w| late(w)).count();
        let start = self.tape.seconds.get(from)?;
        let rate = self.scenario.replica.requests_per_second;
        let stretch = self.tape.seconds.get(from..to)?;
        let peak = stretch.iter().map(|s| s.load).fold(start.load, f64::max);
        let needed = whole((peak / rate).ceil());
        let happened = format!(
            "{} % of the requests wait at most {} s where {} % should: between minute {} and {} they wait up to {wait} s, for {} {} ready while the load needs {needed}",
            self.totals.share,
            asked.seconds,
            asked.share,
            from / 60,
            to.div_ceil(60),
            start.ready,
            if start.ready == 1 { "replica is" } else { "replicas are" },
        );
        let (because, at, fix) = self.governs(from, to, needed);
        let model = self.scenario.replica.load_seconds;
        Some(
            self.object
                .problem(at, format!("{happened}; {because}"))
                .why(format!("What is ordered now helps in {model} s, which is how long the model loads; until then users wait."))
                .fix(fix),
        )
    }

    /// Why too few replicas were ready in a stretch, where that is said in the file, and what to do about it.
    fn governs(&self, from: usize, to: usize, needed: i64) -> (String, Span, String) {
        let plan = self.plan;
        let during: Vec<&Decision> = self.tape.decisions.iter().filter(|d| d.at >= from && d.at < to).collect();
        let most = during.iter().map(|d| d.after).max().unwrap_or(plan.least);
        let asked = during.iter().filter_map(|d| d.wanted).max();
        let metric = during.iter().max_by_key(|d| d.wanted).and_then(|d| plan.metrics.get(d.metric)).or(plan.metrics.first());
        let at_most = |held: Held| during.iter().filter(|d| d.held == held).count() * 2 > during.len();
        if let Some(room) = self.scenario.room.map(i64::from).filter(|room| *room < needed && most > *room) {
            return (
                format!("{most} are asked for, and there are GPUs for {room}"),
                self.at_most(),
                format!("Don't ask for more than {room} replicas."),
            );
        }
        if needed > plan.most {
            let key = if plan.keda.is_some() { "maxReplicaCount" } else { "maxReplicas" };
            return (format!("`{key}` allows {}", plan.most), self.at_most(), self.replace(&[key], needed));
        }
        if let Some(metric) = metric.filter(|_| most < needed && asked.is_none_or(|n| n < needed)) {
            return self.blind(metric, from, to, asked);
        }
        if at_most(Held::UpWindow) {
            let words = "scaling up waits for its stabilisation window".to_owned();
            return (
                words,
                self.behavior(&["scaleUp", "stabilizationWindowSeconds"]),
                "Set `behavior.scaleUp.stabilizationWindowSeconds: 0`.".into(),
            );
        }
        if at_most(Held::UpPolicy) {
            let words = format!("{} are wanted, and the policies for scaling up let {most} be reached", asked.unwrap_or(needed).min(plan.most));
            return (words, self.behavior(&["scaleUp", "policies"]), "Let the policies of `scaleUp` add more Pods in a period.".into());
        }
        let load = self.scenario.replica.load_seconds;
        // They were there, and were taken away not long ago.
        let dropped =
            self.tape.decisions.iter().rev().filter(|d| d.at < to && d.at + 3600 > from).find(|d| d.after < d.before && d.before > self.ready(from));
        if let Some(drop) = dropped {
            let words = format!("a model takes {load} s to load, and at minute {} they went from {} to {}", drop.at / 60, drop.before, drop.after);
            return (words, self.down_window(), self.longer_window());
        }
        if let Some(seconds) = self.first_window(true) {
            let words = format!("a model takes {load} s to load, and the window for scaling down gives replicas away that the next wave needs");
            return (words, self.down_window(), self.window_of(seconds));
        }
        let least = if plan.keda.is_some() { "minReplicaCount" } else { "minReplicas" };
        let words = format!("a model takes {load} s to load, and `{least}` keeps {} warm", plan.least);
        (words, self.key(&[least]), format!("Keep more replicas warm with `{least}`, or call for help earlier: lower the target of the metric."))
    }

    fn ready(&self, at: usize) -> i64 {
        self.tape.seconds.get(at).map_or(0, |s| s.ready)
    }

    /// The metric that doesn't ask for as many as are needed.
    fn blind(&self, metric: &Metric, from: usize, to: usize, asked: Option<i64>) -> (String, Span, String) {
        let stretch = self.tape.seconds.get(from..to).unwrap_or_default();
        let values = stretch.iter().filter_map(|s| replay::each(metric.reads, s, &self.scenario.replica));
        let highest = values.fold(0.0, f64::max);
        let Some(asked) = asked.filter(|_| metric.reads == Reads::Signal(Signal::Queue) || stretch.iter().any(|s| s.ready > 0)) else {
            let words = format!("metric `{}` has no value while no replica runs", metric.name);
            return (words, metric.at, "Scale on requests that are counted before the replicas, at the gateway.".into());
        };
        let wanted = if asked == 1 { "1 is".to_owned() } else { format!("{asked} are") };
        match (metric.reads, metric.aim) {
            (Reads::Cpu, Aim::Utilisation { percent, request }) => {
                let stands = (highest * 100_000.0 / replay::count(request)).round();
                let words = format!(
                    "the CPU stands at {stands} % of its request then, far below the target of {percent} %, so no more than {wanted} asked for"
                );
                (words, metric.at, self.better_metric())
            }
            (Reads::Cpu | Reads::Signal(Signal::Gpu | Signal::Running), _) => {
                let words = format!("metric `{}` can't rise above {} however long the queue is, so {wanted} asked for", metric.name, round(highest));
                (words, metric.at, self.better_metric())
            }
            _ => (format!("at its target metric `{}` asks for no more than {asked}", metric.name), metric.target_at, "Lower the target.".into()),
        }
    }

    fn better_metric(&self) -> String {
        let queues = self.scenario.metrics.iter().find(|(_, s)| matches!(s, Signal::Waiting | Signal::Queue));
        let instead = queues.map_or_else(String::new, |(name, _)| format!(": `{name}`"));
        format!("Scale on what rises when users begin to wait{instead}.")
    }

    fn cost(&self, most: f64) -> Problem {
        let plan = self.plan;
        let minutes = replay::count(i64::try_from(self.tape.seconds.len()).unwrap_or(0)) / 60.0;
        let gpus = f64::from(self.scenario.replica.gpus);
        let floor = (replay::count(plan.least) * gpus * minutes).round();
        let takes = format!("it takes {} GPU minutes where the lab allows {}", self.totals.gpu_minutes, round(most));
        let why = "A GPU costs the same whether it works or waits.";
        let problem = |at: Span, words: String, fix: String| self.object.problem(at, words).why(why).fix(fix);
        let least = if plan.keda.is_some() { "minReplicaCount" } else { "minReplicas" };
        if floor > most {
            let words = format!("{takes}: {} replicas at all times are {floor} alone", plan.least);
            return problem(self.key(&[least]), words, format!("Lower `{least}`."));
        }
        let rate = self.scenario.replica.requests_per_second;
        let idle = |d: &&Decision| self.tape.seconds.get(d.at).is_some_and(|s| d.after > whole((s.load / rate).ceil()).max(plan.least));
        let times = |held: Held| self.tape.decisions.iter().filter(|d| d.held == held).filter(idle).count();
        let (window, policy) = (times(Held::DownWindow), times(Held::DownPolicy));
        let asked = self.tape.decisions.iter().filter(|d| matches!(d.held, Held::No | Held::Max)).filter(idle).count();
        if let Some(metric) = plan.metrics.first().filter(|_| asked > window.max(policy)) {
            let words = format!("{takes}: metric `{}` asks for more replicas than the load needs", metric.name);
            return problem(metric.target_at, words, "Scale on what rises only when users wait, or raise the target.".into());
        }
        if policy > window {
            let words = format!("{takes}: the policies for scaling down keep replicas that nothing asks for");
            return problem(
                self.behavior(&["scaleDown", "policies"]),
                words,
                "Let `scaleDown` take Pods away in larger steps or shorter periods.".into(),
            );
        }
        let words = format!("{takes}: for {} minutes the window for scaling down keeps replicas that nothing asks for", window / 4);
        let shorter = self.first_window(false).map(|w| self.window_of(w));
        problem(self.down_window(), words, shorter.unwrap_or_else(|| "Shorten `scaleDown.stabilizationWindowSeconds`.".into()))
    }

    fn flapped(&self, asked: Flaps) -> Option<Problem> {
        let (first, then) = self.totals.flaps.first()?;
        let change = |d: &Decision| {
            let n = (d.after - d.before).abs();
            let pods = if n == 1 { "1 replica".into() } else { format!("{n} replicas") };
            format!("at minute {} {pods} {}", d.at / 60, if d.after > d.before { "are called for" } else { "are taken away" })
                .replace("1 replica are", "1 replica is")
        };
        let words = format!(
            "{} changes of direction come within {} minutes of the one before, where the lab allows {}: {}, {}",
            self.totals.flaps.len(),
            asked.within_minutes,
            asked.most,
            change(first),
            change(then)
        );
        let why =
            format!("Each replica that comes back loads its model for {} s, with a GPU that answers nobody.", self.scenario.replica.load_seconds);
        Some(self.object.problem(self.down_window(), words).why(why).fix(self.longer_window()))
    }

    fn path(&self) -> &'static [&'static str] {
        if self.plan.keda.is_some() { &["spec", "advanced", "horizontalPodAutoscalerConfig", "behavior"] } else { &["spec", "behavior"] }
    }

    /// Where the deepest key of a path below `spec` stands, of those that are there.
    fn key(&self, path: &[&str]) -> Span {
        self.nearest(["spec"].iter().chain(path))
    }

    fn behavior(&self, path: &[&str]) -> Span {
        self.nearest(self.path().iter().chain(path))
    }

    fn nearest<'s>(&self, path: impl Iterator<Item = &'s &'s str>) -> Span {
        let (mut span, mut here) = (self.object.head(), self.object.node);
        for key in path {
            let Some(entry) = here.entry(key) else { break };
            let scalar = entry.value.items().is_empty() && entry.value.entries().is_empty();
            (span, here) = (if scalar { entry.value.span } else { entry.key_span }, &entry.value);
        }
        span
    }

    fn at_most(&self) -> Span {
        self.key(&[if self.plan.keda.is_some() { "maxReplicaCount" } else { "maxReplicas" }])
    }

    fn down_window(&self) -> Span {
        self.behavior(&["scaleDown", "stabilizationWindowSeconds"])
    }

    fn node(&self, path: &[&str]) -> Option<&'a Node> {
        self.object.node.path(path)
    }

    fn replace(&self, key: &[&str], value: i64) -> String {
        let path: Vec<&str> = ["spec"].iter().chain(key).copied().collect();
        let diff = self.node(&path).and_then(|n| self.object.doc.replace(n.span, &value.to_string()));
        diff.unwrap_or_else(|| format!("Set `{}: {value}`.", key.join(".")))
    }

    /// A longer window for scaling down, tried out before it is proposed.
    fn longer_window(&self) -> String {
        match self.first_window(true) {
            Some(seconds) => self.window_of(seconds),
            None => "Lengthen `scaleDown.stabilizationWindowSeconds` beyond the dips of the load, and let fewer Pods go in a period.".into(),
        }
    }

    fn window_of(&self, seconds: i64) -> String {
        let path: Vec<&str> = self.path().iter().chain(&["scaleDown", "stabilizationWindowSeconds"]).copied().collect();
        let diff = self.node(&path).and_then(|n| self.object.doc.replace(n.span, &seconds.to_string()));
        diff.unwrap_or_else(|| format!("Set `behavior.scaleDown.stabilizationWindowSeconds: {seconds}`."))
    }

    /// The first window, longer or shorter than now, with which this load keeps all objectives.
    fn first_window(&self, longer: bool) -> Option<i64> {
        let behavior = self.plan.behavior.clone().unwrap_or_else(|| Behavior { up: Rules::up(), down: Rules::down() });
        let fits = |window: &i64| {
            let mut plan = self.plan.clone();
            let down = Rules { window: *window, ..behavior.down.clone() };
            plan.behavior = Some(Behavior { up: behavior.up.clone(), down });
            Totals::of(&replay::run(&plan, self.scenario), self.scenario).keeps(self.scenario)
        };
        let now = behavior.down.window;
        if longer { WINDOWS.into_iter().filter(|w| *w > now).find(fits) } else { WINDOWS.into_iter().rev().filter(|w| *w < now).find(fits) }
    }

    /// What was worked out, in a sentence, with what a fixed number of replicas would take.
    fn summary(&self) -> String {
        let totals = self.totals;
        let waits = self.scenario.objectives.wait.map(|w| format!("{} % of the requests wait at most {} s", totals.share, w.seconds));
        let (all, replicas) = self.baseline();
        let saves = format!("{} GPU minutes; {replicas} replicas all the time would take {all}", totals.gpu_minutes);
        waits.into_iter().chain([saves]).collect::<Vec<_>>().join(" in ") + "."
    }

    /// GPU minutes of as many replicas as may run, all the time.
    fn baseline(&self) -> (f64, i64) {
        let replicas = self.plan.most.min(self.scenario.room.map_or(i64::MAX, i64::from));
        let seconds = replay::count(i64::try_from(self.tape.seconds.len()).unwrap_or(0));
        ((replay::count(replicas) * f64::from(self.scenario.replica.gpus) * seconds / 60.0).round(), replicas)
    }

    fn figure(&self) -> Figure {
        let seconds = &self.tape.seconds;
        let step = seconds.len().div_ceil(MOST).max(1);
        let rate = self.scenario.replica.requests_per_second;
        let points = || seconds.chunks(step);
        let small = |n: i64| u32::try_from(n.max(0)).unwrap_or(u32::MAX);
        let asked = &self.scenario.objectives;
        let measure = |title: &str, value: f64, least: Option<f64>, most: Option<f64>| Measure { title: title.into(), value, least, most };
        let worst = f64::from(self.totals.waits.iter().copied().max().unwrap_or(0));
        let mut measures = Vec::new();
        if let Some(wait) = asked.wait {
            measures.push(measure(
                &format!("percent of the requests that wait at most {} s", wait.seconds),
                self.totals.share,
                Some(wait.share),
                None,
            ));
        }
        measures.push(measure("longest wait in seconds", worst, None, None));
        measures.push(measure("GPU minutes", self.totals.gpu_minutes, None, asked.gpu_minutes));
        if let Some(flaps) = asked.flaps {
            let count = u32::try_from(self.totals.flaps.len()).unwrap_or(u32::MAX);
            measures.push(measure("flaps", f64::from(count), None, Some(f64::from(flaps.most))));
        }
        let (all, replicas) = self.baseline();
        measures.push(measure(&format!("GPU minutes of {replicas} replicas all the time"), all, None, None));
        Figure::Replay(Replay {
            step_seconds: u32::try_from(step).unwrap_or(u32::MAX),
            unit: "requests/s".into(),
            // A peak must not fall between two points: the highest load of a step, and the fewest replicas that stood against it.
            load: points().map(|c| round(c.iter().map(|s| s.load).fold(0.0, f64::max))).collect(),
            capacity: points().map(|c| round(replay::count(c.iter().map(|s| s.ready).min().unwrap_or(0)) * rate)).collect(),
            wanted: points().map(|c| small(c.iter().map(|s| s.replicas).max().unwrap_or(0))).collect(),
            ready: points().map(|c| small(c.iter().map(|s| s.ready).min().unwrap_or(0))).collect(),
            measures,
        })
    }
}

/// To hundredths, so that a report doesn't depend on the last bits of a sum.
fn round(n: f64) -> f64 {
    (n * 100.0).round() / 100.0
}

#[expect(clippy::cast_possible_truncation, reason = "a load over a rate, held within bounds")]
fn whole(n: f64) -> i64 {
    n.clamp(0.0, 1e9) as i64
}
