//! What holds for any bytes handed in as a manifest: the fuzz target asks it of what a fuzzer makes up, the suite of a few hundred inputs.
use groundcrew::engine::check::{Check, Count, Expect, FixPolicy, Format, Kind};
use groundcrew::engine::kubernetes::autoscaling::{Objectives, Replica, Scenario, Signal, Trace, Wait};
use groundcrew::engine::kubernetes::rules;
use groundcrew::engine::yaml::{self, Dialect};
use groundcrew::engine::{Checks, File, Files, Problem, Surroundings, child, grade, lint};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The names under which the bytes are handed in: as a manifest and as what `select` reads besides.
const MANIFEST: &str = "f.yaml";
const OTHERS: [&str; 3] = ["other.yaml", "f.json", "f.toml"];

/// Ends with a panic where something doesn't hold.
pub fn hold(bytes: &[u8]) {
    // Places count from after a byte order mark.
    let text = std::str::from_utf8(bytes).ok().map(|t| t.strip_prefix('\u{feff}').unwrap_or(t));
    reads_the_same(bytes, text);
    let file = |path: &str| File { path: path.into(), bytes: bytes.to_vec() };
    let manifest = Files::new(vec![file(MANIFEST)]);
    let lint::Lint { problems, ignored } = lint::lint(&manifest);
    let again = lint::lint(&manifest);
    assert_eq!((&problems, ignored.count), (&again.problems, again.ignored.count));
    let written = serde_json::to_string(&problems).unwrap();
    assert!(written.len() < child::LONGEST, "{} bytes of problems", written.len());
    problems.iter().for_each(|p| fits(p, text));
    grades_the_same(&Files::new([MANIFEST].into_iter().chain(OTHERS).map(file).collect()), text);
}

fn reads_the_same(bytes: &[u8], text: Option<&str>) {
    let values = |s: &yaml::Stream| s.documents.iter().map(|d| d.root.to_json()).collect::<Vec<_>>();
    for dialect in [Dialect::Kubernetes, Dialect::Core] {
        let (once, again) = (yaml::read(MANIFEST, bytes, dialect), yaml::read(MANIFEST, bytes, dialect));
        assert_eq!(values(&once), values(&again));
        assert_eq!(once.problems, again.problems);
        once.problems.iter().chain(&once.notes).for_each(|p| fits(p, text));
        // What was read reads as itself from JSON, unless JSON is beyond a budget.
        for value in values(&once) {
            let json = serde_json::to_string_pretty(&value).unwrap();
            let back = yaml::read(MANIFEST, json.as_bytes(), Dialect::Core);
            if back.problems.is_empty() && !value.is_null() {
                assert_eq!(values(&back).first(), Some(&value));
            }
        }
    }
}

fn grades_the_same(files: &Files, text: Option<&str>) {
    let graded = || {
        let mut report = grade(&CHECKS, files, &Surroundings::default(), &mut |_| {});
        report.duration_ms = 0;
        report
    };
    let report = graded();
    let written = serde_json::to_vec(&report).unwrap();
    assert!(written.len() < child::LONGEST, "{} bytes of report", written.len());
    assert_eq!(written, serde_json::to_vec(&graded()).unwrap());
    assert_eq!(report.findings.len(), CHECKS.checks.len());
    assert_eq!(report.max, CHECKS.checks.iter().map(|c| c.points).sum::<u32>());
    assert!(report.score + report.open <= report.max, "{} and {} of {}", report.score, report.open, report.max);
    for finding in &report.findings {
        assert!(!finding.message.is_empty(), "{finding:?}");
        assert!(finding.points == 0 || finding.points == finding.max, "{finding:?}");
        finding.problems.iter().for_each(|p| fits(p, text));
    }
}

/// A problem's place is in the file, and so are the lines that its diff takes away or shows around what it adds.
fn fits(problem: &Problem, text: Option<&str>) {
    let (Some(text), Some(place)) = (text, &problem.place) else { return };
    if place.file == "f.toml" {
        return; // TOML keeps a byte order mark and ends lines its own way; `located` has its own tests.
    }
    // Lines end with `\n`, `\r\n` or a lone `\r`.
    let lines: Vec<&str> = text.split('\n').flat_map(|l| l.strip_suffix('\r').unwrap_or(l).split('\r')).collect();
    let at = lines.get(place.line as usize - 1);
    assert!(at.is_some(), "{problem:?}");
    assert!(place.column >= 1 && place.column as usize <= at.map_or(0, |l| l.chars().count()) + 2, "{problem:?}");
    assert!((place.end_line, place.end_column) >= (place.line, place.column) || place.end_line == 0, "{problem:?}");
    let fix = problem.fix.as_deref().unwrap_or("");
    // One that was cut where it grew too long, and one of only additions, has nothing to compare.
    if fix.ends_with('…') || !fix.lines().all(|l| l.starts_with(['-', '+', ' '])) {
        return;
    }
    for line in fix.lines().filter_map(|l| l.strip_prefix(['-', ' '])).filter(|l| !l.trim().is_empty()) {
        // What a secret is isn't repeated.
        let (before, after) = line.split_once('…').unwrap_or((line, ""));
        let shown = |l: &str| if line.contains('…') { l.starts_with(before) && l.ends_with(after) } else { l == line };
        assert!(text.split('\n').any(|l| shown(l.trim_end_matches('\r'))), "{line:?} is no line of the file: {problem:?}");
    }
}

/// A bit of every kind of check that reads manifests, and all rules; a gate near the end.
pub static CHECKS: LazyLock<Checks> = LazyLock::new(|| {
    let select = |path: &str, expect| Kind::Select { file: None, format: None, path: path.into(), expect };
    let of = |file: &str, format, path: &str, expect| Kind::Select { file: Some(file.into()), format: Some(format), path: path.into(), expect };
    let some = || Expect::Count(Count { min: Some(1), max: Some(40), equals: None });
    let mut kinds = vec![Kind::KubernetesSchema { version: "1.36".into() }];
    kinds.extend(rules::all().iter().map(|r| Kind::KubernetesRule { rule: r.about().id.into() }));
    kinds.extend([
        select("$..image", Expect::Matches("^[a-z0-9./-]+:[0-9.]+$".into())),
        select("$.spec.template.spec.containers[?@.resources.limits.memory].name", Expect::Exists(true)),
        select("$.spec.replicas", Expect::Min(2.0)),
        select("$..*", some()),
        of("other.yaml", Format::Yaml, "$..[?@ == true]", Expect::Absent(true)),
        of("f.json", Format::Json, "$..*", some()),
        of("f.toml", Format::Toml, "$..*", some()),
        Kind::KubernetesScheduling { nodes: NODES.into(), rollout: true },
        Kind::KubernetesAutoscaling(Box::new(scenario())),
        Kind::KubernetesSchema { version: "1.35".into() },
        select("$.metadata.name", Expect::Contains("a".into())),
    ]);
    let check = |(n, kind)| Check {
        id: format!("check-{n}"),
        points: 10,
        gate: matches!(&kind, Kind::KubernetesSchema { version } if version == "1.35"),
        fix: FixPolicy::Now,
        hints: vec!["Look again.".into()],
        hidden: false,
        why: None,
        fix_text: None,
        only: None,
        kind,
    };
    Checks { lab: "lab".into(), lab_hash: "hash".into(), checks: kinds.into_iter().enumerate().map(check).collect() }
});

const NODES: &str = "apiVersion: v1
kind: Node
metadata: { name: n1, labels: { kubernetes.io/hostname: n1, topology.kubernetes.io/zone: a, nvidia.com/gpu.product: NVIDIA-L4 } }
spec: { taints: [{ key: nvidia.com/gpu, value: present, effect: NoSchedule }] }
status: { allocatable: { cpu: '8', memory: 32Gi, pods: '110', nvidia.com/gpu: '1' } }
---
apiVersion: v1
kind: Node
metadata: { name: n2, labels: { kubernetes.io/hostname: n2, topology.kubernetes.io/zone: b } }
status: { allocatable: { cpu: '4', memory: 16Gi, pods: '110' } }
";

fn scenario() -> Scenario {
    Scenario {
        trace: Trace::read("second,requests/s\n0,4\n300,40\n900,2\n1200,2\n").unwrap(),
        replica: Replica { requests_per_second: 2.0, concurrency: 16, gpus: 1, load_seconds: 240, cpu_cores: 0.2 },
        room: Some(8),
        metrics: BTreeMap::from([("vllm:num_requests_waiting".into(), Signal::Waiting)]),
        metrics_delay: 15,
        objectives: Objectives { wait: Some(Wait { seconds: 10, share: 80.0 }), gpu_minutes: Some(100.0), flaps: None },
    }
}
