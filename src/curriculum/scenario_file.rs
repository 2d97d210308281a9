//! Reads what a `kubernetes.autoscaling` check tries an autoscaler with: a load from `given/`, a replica, the metrics, the objectives.
use super::check_file::Beside;
use super::tree::{Fields, Node, did_you_mean};
use crate::engine::kubernetes::autoscaling::{Flaps, LONGEST_START, Objectives, Replica, Scenario, Signal, Trace, Wait};
use std::collections::BTreeMap;

/// The keys of such a check.
pub const KEYS: [&str; 9] = ["where", "trace", "replica", "room", "metrics", "metrics_delay_seconds", "slo", "gpu_minutes", "flaps"];
/// Largest numbers that make sense: they bound the replay.
const ROOM: u32 = 10_000;
const DELAY: u32 = 600;

/// Reads one; what is wrong with it is said.
pub fn scenario(fields: &Fields<'_>, beside: Beside<'_>) -> Option<Scenario> {
    let faults = fields.faults;
    let trace = beside.given(fields, "trace").and_then(|text| match Trace::read(text) {
        Ok(trace) => Some(trace),
        Err(why) => {
            faults.say(fields.line_of("trace"), format!("the trace can't be read: {why}"));
            None
        }
    });
    let within = |key: &'static str, value: Option<u32>, least: u32, most: u32| {
        if value.is_some_and(|v| v < least || v > most) {
            faults.say(fields.line_of(key), format!("`{key}` is between {least} and {most}"));
        }
        value
    };
    let replica = fields.need("replica").and_then(|node| replica(node, fields));
    let room = within("room", fields.maybe_number("room"), 1, ROOM);
    let metrics = fields.need("metrics").and_then(|node| metrics(node, fields));
    let metrics_delay = within("metrics_delay_seconds", fields.maybe_number("metrics_delay_seconds"), 0, DELAY).unwrap_or(30);
    let wait = fields.maybe("slo").and_then(|node| wait(node, fields));
    let flaps = fields.maybe("flaps").and_then(|node| flaps(node, fields));
    let gpu_minutes = fields.maybe("gpu_minutes").and_then(|node| node.float(faults, "`gpu_minutes`"));
    if gpu_minutes.is_some_and(|most| most <= 0.0) {
        faults.say(fields.line_of("gpu_minutes"), "`gpu_minutes` is above 0");
    }
    if wait.is_none() && gpu_minutes.is_none() && flaps.is_none() {
        faults.say(fields.line, "the replay has no objective: `slo`, `gpu_minutes` or `flaps`");
    }
    Some(Scenario { trace: trace?, replica: replica?, room, metrics: metrics?, metrics_delay, objectives: Objectives { wait, gpu_minutes, flaps } })
}

fn replica(node: &Node, check: &Fields<'_>) -> Option<Replica> {
    let fields = Fields::of(node, "`replica`", check.faults)?;
    let (rate, cores) = ("requests_per_second", "cpu_cores");
    let float = |key: &'static str| fields.maybe(key).and_then(|n| n.float(fields.faults, &format!("`{key}`")));
    let requests_per_second = fields.need(rate).and_then(|_| float(rate));
    let (concurrency, gpus, load_seconds) = (fields.number("concurrency"), fields.number("gpus"), fields.number("load_seconds"));
    let cpu_cores = float(cores).unwrap_or(0.2);
    fields.done(|_| None);
    for (key, bad, words) in [
        (rate, requests_per_second.is_some_and(|v| !(0.001..=1e6).contains(&v)), "`requests_per_second` is between 0.001 and a million"),
        (cores, !(0.0..=1000.0).contains(&cpu_cores), "`cpu_cores` is between 0 and 1000"),
        ("concurrency", concurrency.is_some_and(|v| !(1..=100_000).contains(&v)), "`concurrency` is between 1 and 100000"),
        ("gpus", gpus.is_some_and(|v| v > 64), "`gpus` is at most 64"),
        ("load_seconds", load_seconds.is_some_and(|v| v > LONGEST_START), "`load_seconds` is at most 3600"),
    ] {
        if bad {
            fields.faults.say(fields.line_of(key), words);
        }
    }
    Some(Replica { requests_per_second: requests_per_second?, concurrency: concurrency?, gpus: gpus?, load_seconds: load_seconds?, cpu_cores })
}

fn metrics(node: &Node, check: &Fields<'_>) -> Option<BTreeMap<String, Signal>> {
    let faults = check.faults;
    let mut metrics = BTreeMap::new();
    let listed = node.map(faults, "`metrics`")?;
    if listed.is_empty() {
        faults.say(check.line_of("metrics"), "`metrics` is empty, so no autoscaler can read anything");
    }
    for (key, value) in listed {
        let text = value.text(faults, &format!("`{}`", key.name))?;
        match Signal::ALL.iter().find(|(name, _)| *name == text) {
            Some((_, signal)) => {
                metrics.insert(key.name.clone(), *signal);
            }
            None => {
                let names = Signal::ALL.map(|(name, _)| name);
                let near = did_you_mean(&text, names.into_iter());
                faults.say(value.line, format!("a metric measures {}, not {text:?}{near}", names.join(", ")));
            }
        }
    }
    Some(metrics)
}

fn wait(node: &Node, check: &Fields<'_>) -> Option<Wait> {
    let fields = Fields::of(node, "`slo`", check.faults)?;
    let seconds = fields.number("wait_seconds");
    let share = fields.need("share").and_then(|n| n.float(fields.faults, "`share`"));
    fields.done(|_| None);
    if share.is_some_and(|s| !(0.0..=100.0).contains(&s)) {
        fields.faults.say(fields.line_of("share"), "`share` is percent of the requests, 0 to 100");
    }
    Some(Wait { seconds: seconds?, share: share? })
}

fn flaps(node: &Node, check: &Fields<'_>) -> Option<Flaps> {
    let fields = Fields::of(node, "`flaps`", check.faults)?;
    let (most, within_minutes) = (fields.number("most"), fields.number("within_minutes"));
    fields.done(|_| None);
    if within_minutes.is_some_and(|m| !(1..=1440).contains(&m)) {
        fields.faults.say(fields.line_of("within_minutes"), "`within_minutes` is between 1 and 1440");
    }
    Some(Flaps { most: most?, within_minutes: within_minutes? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curriculum::tree::{self, Faults};
    use crate::engine::File;
    use std::cell::RefCell;

    const GOOD: &str = "trace: a.csv
replica: { requests_per_second: 2, concurrency: 16, gpus: 1, load_seconds: 240 }
room: 8
metrics: { waiting_requests: waiting }
slo: { wait_seconds: 10, share: 95.5 }
gpu_minutes: 400
flaps: { most: 2, within_minutes: 10 }
";

    fn faults_of(yaml: &str, trace: &str) -> Vec<String> {
        let all = RefCell::new(Vec::new());
        let faults = Faults::new("lab.yaml", &all);
        if let Some(node) = tree::read(yaml.as_bytes(), &faults) {
            let fields = Fields::of(&node, "a check", &faults).unwrap();
            let given = [File { path: "a.csv".into(), bytes: trace.as_bytes().to_vec() }];
            scenario(&fields, Beside { presets: &[], given: &given });
            fields.done(|_| None);
        }
        all.into_inner().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_fault_of_a_scenario_is_said_with_its_line() {
        let trace = "minute,requests/s\n0,1\n2,1\n";
        assert_eq!(faults_of(GOOD, trace), Vec::<String>::new());
        assert_eq!(
            faults_of(GOOD, "minute,requests/s\n0,one\n"),
            ["lab.yaml:1: the trace can't be read: line 2: a row is two numbers from 0, a time and a load"]
        );
        for (old, new, said) in [
            ("a.csv", "b.csv", "lab.yaml:1: there is no file given/b.csv beside this one; did you mean `a.csv`?"),
            ("load_seconds: 240", "load_seconds: 4000", "lab.yaml:2: `load_seconds` is at most 3600"),
            ("requests_per_second: 2", "requests_per_second: 0", "lab.yaml:2: `requests_per_second` is between 0.001 and a million"),
            ("gpus: 1", "gpu: 1", "lab.yaml:2: `gpus` is missing"),
            ("room: 8", "room: 0", "lab.yaml:3: `room` is between 1 and 10000"),
            (
                ": waiting }",
                ": wating }",
                "lab.yaml:4: a metric measures waiting, running, requests, gpu, queue, not \"wating\"; did you mean `waiting`?",
            ),
            ("{ waiting_requests: waiting }", "{}", "lab.yaml:4: `metrics` is empty, so no autoscaler can read anything"),
            ("share: 95.5", "share: 101", "lab.yaml:5: `share` is percent of the requests, 0 to 100"),
            ("gpu_minutes: 400", "gpu_minutes: 0", "lab.yaml:6: `gpu_minutes` is above 0"),
            ("within_minutes: 10", "within_minutes: 0", "lab.yaml:7: `within_minutes` is between 1 and 1440"),
            ("room: 8", "rooms: 8", "lab.yaml:3: `rooms` is not a key here; did you mean `room`?"),
        ] {
            assert_eq!(faults_of(&GOOD.replace(old, new), trace).first().map(String::as_str), Some(said), "{new}");
        }
        let without = GOOD.lines().take(4).collect::<Vec<_>>().join("\n");
        assert_eq!(faults_of(&without, trace), ["lab.yaml:1: the replay has no objective: `slo`, `gpu_minutes` or `flaps`"]);
    }
}
