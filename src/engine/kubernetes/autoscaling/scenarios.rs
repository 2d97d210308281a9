//! Whole replays: what a load does to an autoscaler, and what is said about it.
use super::*;
use crate::engine::File;
use crate::engine::figure::{Figure, Replay};
use crate::engine::files::Files;
use crate::engine::yaml::{self, Dialect};

const DEPLOYMENT: &str =
    "kind: Deployment\nmetadata: {name: chat}\nspec: {template: {spec: {containers: [{name: a, resources: {requests: {cpu: 2}}}]}}}\n---\n";

/// A calm, waves as long as a break, a calm.
fn waves() -> Trace {
    let mut rows = "minute,requests/s\n0,2\n".to_owned();
    for wave in 0..6 {
        rows += &format!("{},12\n{},3\n", 20 + wave * 12, 26 + wave * 12);
    }
    Trace::read(&(rows + "92,2\n120,0\n")).unwrap()
}

fn scenario() -> Scenario {
    let metrics =
        [("vllm:num_requests_waiting", Signal::Waiting), ("gateway_requests_waiting", Signal::Queue), ("DCGM_FI_DEV_GPU_UTIL", Signal::Gpu)];
    Scenario {
        trace: waves(),
        replica: Replica { requests_per_second: 2.0, concurrency: 16, gpus: 1, load_seconds: 240, cpu_cores: 0.22 },
        room: Some(8),
        metrics: metrics.map(|(n, s)| (n.to_owned(), s)).into(),
        metrics_delay: 30,
        objectives: Objectives {
            wait: Some(Wait { seconds: 10, share: 80.0 }),
            gpu_minutes: Some(900.0),
            flaps: Some(Flaps { most: 1, within_minutes: 10 }),
        },
    }
}

fn outcome(text: &str, scenario: &Scenario) -> Answer {
    let text = format!("{DEPLOYMENT}{text}");
    let files = Files::new(vec![File { path: "a.yaml".into(), bytes: text.as_bytes().to_vec() }]);
    let streams = [yaml::read("a.yaml", text.as_bytes(), Dialect::Kubernetes)];
    Kubernetes::read(&files, &streams).autoscaling(scenario, None)
}

fn hpa(least: u32, most: u32, metric: &str, window: u32) -> String {
    format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: chat}}\nspec:\n  scaleTargetRef: {{kind: Deployment, name: chat}}\n  \
         minReplicas: {least}\n  maxReplicas: {most}\n  metrics:\n    - {metric}\n  behavior:\n    scaleDown:\n      stabilizationWindowSeconds: {window}\n"
    )
}

const WAITING: &str = "{type: Pods, pods: {metric: {name: vllm_num_requests_waiting}, target: {type: AverageValue, averageValue: 4}}}";
const CPU: &str = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}";
const GPU: &str = "{type: Pods, pods: {metric: {name: DCGM_FI_DEV_GPU_UTIL}, target: {type: AverageValue, averageValue: 60}}}";

fn keda(more: &str, query: &str) -> String {
    format!(
        "kind: ScaledObject\nmetadata: {{name: chat}}\nspec:\n  scaleTargetRef: {{name: chat}}\n  maxReplicaCount: 8\n{more}  triggers:\n    - type: prometheus\n      \
         metadata: {{serverAddress: http://p, query: '{query}', threshold: '4'}}\n"
    )
}

fn replay(outcome: &Answer) -> &Replay {
    match &outcome.figure {
        Some(Figure::Replay(replay)) => replay,
        other => panic!("{other:?}: {:?}", outcome.problems),
    }
}

/// `line: message` of each problem.
fn told(outcome: &Answer) -> Vec<String> {
    let first = DEPLOYMENT.lines().count() as u32;
    outcome.problems.iter().map(|p| format!("{}: {}", p.place.as_ref().map_or(0, |at| at.line - first), p.message)).collect()
}

#[test]
fn what_is_missed_is_said_where_it_is_governed() {
    let all = [
        ("good", hpa(2, 8, WAITING, 1800)),
        ("flapping", hpa(2, 8, WAITING, 30)),
        ("a short window", hpa(2, 8, WAITING, 900)),
        ("cpu", hpa(2, 8, CPU, 1200)),
        ("gpu", hpa(2, 8, GPU, 1200)),
        ("too few at most", hpa(2, 4, WAITING, 1200)),
        ("too many at least", hpa(8, 8, WAITING, 1200)),
        ("unknown metric", hpa(2, 8, &WAITING.replace("waiting", "wating"), 1200)),
        ("no target", hpa(2, 8, WAITING, 1200).replace("name: chat}\n  min", "name: char}\n  min")),
        ("no autoscaler", String::new()),
        ("two autoscalers", hpa(2, 8, WAITING, 1200) + "---\n" + &hpa(2, 8, CPU, 1200)),
        ("asleep and blind", keda("", "sum(vllm:num_requests_waiting{model=\"a\"})")),
        ("a query that can't be told", keda("", "histogram_quantile(0.9, x)")),
        ("another trigger", keda("", "x").replace("prometheus", "kafka")),
    ];
    let said: Vec<String> = all
        .iter()
        .map(|(case, text)| {
            let outcome = outcome(text, &scenario());
            let fixes = outcome.problems.iter().filter_map(|p| p.fix.clone());
            format!("{case}: {}\n{}\n{}\n", outcome.passed, told(&outcome).join("\n"), fixes.collect::<Vec<_>>().join("\n"))
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn keda_sleeps_and_wakes_by_what_is_counted_at_the_gateway() {
    let mut scenario = scenario();
    scenario.trace = Trace::read("minute,requests/s\n0,0\n10,4\n40,0\n90,0\n").unwrap();
    let outcome = outcome(&keda("  minReplicaCount: 0\n  cooldownPeriod: 600\n  pollingInterval: 30\n", "sum(gateway_requests_waiting)"), &scenario);
    let replay = replay(&outcome);
    let minute = |n: u32| replay.wanted[(n * 60 / replay.step_seconds) as usize];
    assert_eq!((minute(5), minute(9)), (0, 0));
    assert!(minute(12) >= 1, "{:?}", replay.wanted);
    assert_eq!(minute(85), 0, "{:?}", replay.wanted);
    let ready = |n: u32| replay.ready[(n * 60 / replay.step_seconds) as usize];
    assert_eq!((ready(13), ready(16) > 0), (0, true));
}

#[test]
fn an_idle_count_and_a_threshold_hold_keda_back() {
    let mut scenario = scenario();
    scenario.trace = Trace::read("minute,requests/s\n0,1\n60,0\n").unwrap();
    let idle = keda("  minReplicaCount: 2\n  idleReplicaCount: 0\n", "sum(gateway_requests_waiting)");
    assert!(replay(&outcome(&idle, &scenario)).wanted.contains(&2));
    let dull = idle.replace("threshold: '4'", "threshold: '4', activationThreshold: '1000000'");
    assert!(replay(&outcome(&dull, &scenario)).wanted.iter().all(|n| *n == 0));
}

#[test]
fn pods_without_a_gpu_cost_nothing_and_answer_nobody() {
    let mut narrow = scenario();
    narrow.room = Some(4);
    let outcome = outcome(&hpa(2, 20, WAITING, 1200), &narrow);
    let replay = replay(&outcome);
    assert!(replay.wanted.iter().any(|n| *n > 4) && replay.ready.iter().all(|n| *n <= 4), "{replay:?}");
    assert!(told(&outcome)[0].contains("there are GPUs for 4"), "{:?}", told(&outcome));
}

#[test]
fn a_hostile_autoscaler_is_replayed_quickly_and_the_figure_stays_small() {
    let mut long = scenario();
    long.room = None;
    long.trace = Trace::read("second,requests/s\n0,1000000\n86400,0\n").unwrap();
    let started = std::time::Instant::now();
    for text in [
        hpa(1, 2_147_483_647, &WAITING.replace("averageValue: 4", "averageValue: 1n"), 3600),
        hpa(2_147_483_647, 2_147_483_647, CPU, 0),
        keda("  pollingInterval: 0\n  cooldownPeriod: 0\n", "sum(gateway_requests_waiting)").replace("'4'", "'0.0000001'"),
    ] {
        let outcome = outcome(&text, &long);
        assert!(replay(&outcome).load.len() <= crate::engine::figure::MOST);
        assert!(replay(&outcome).measures.iter().all(|m| m.value.is_finite()));
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn a_trace_is_read_strictly() {
    assert_eq!(Trace::read("# load\nminute, requests/min\n0,60\n\n1,120\n2,0\n").unwrap().loads().step_by(60).collect::<Vec<_>>(), [1.0, 2.0]);
    for (bad, why) in [
        ("", "its first line names the columns"),
        ("hour,requests/s\n0,1\n", "its first line names the columns"),
        ("minute,tokens\n0,1\n", "its second column is"),
        ("minute,requests/s\n1,1\n2,1\n", "line 2: times begin at 0"),
        ("minute,requests/s\n0,1\n0,1\n", "line 3: times begin at 0"),
        ("minute,requests/s\n0,-1\n", "line 2: a row is two numbers"),
        ("minute,requests/s\n0,1,2\n", "line 2: a row is two numbers"),
        ("minute,requests/s\n0,inf\n", "line 2: a row is two numbers"),
        ("second,requests/s\n0,1\n0.5,1\n", "line 3: times are whole seconds"),
        ("minute,requests/s\n0,1\n2000,1\n", "line 3: times are whole seconds"),
        ("second,requests/s\n0,1\n59,1\n", "a trace lasts a minute"),
        ("second,requests/s\n0,1e9\n", "line 2: a load is at most"),
    ] {
        assert!(Trace::read(bad).unwrap_err().starts_with(why), "{bad}: {:?}", Trace::read(bad));
    }
}
