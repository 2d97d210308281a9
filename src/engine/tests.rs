//! The frame and `select`, over small hand-ins: what passes, what is said where it doesn't, what a gate stops.
use super::check::{Expect, FixPolicy, Format, Kind, Where};
use super::report::{Because, Graded, Outcome};
use super::*;
use serde_json::json;

const CHAT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: { name: chat }
spec:
  replicas: 2
  selector: { matchLabels: { app: chat } }
  template:
    metadata: { labels: { app: chat } }
    spec:
      nodeSelector: { nvidia.com/gpu.product: NVIDIA-L4 }
      containers:
        - name: server
          image: registry.example.org/chat:1.4.2
          args: [\"--port=8080\", \"--resume\"]
          resources:
            limits: { memory: 2Gi }
        - name: log
          image: registry.example.org/log:0.9.1
";
const SERVICE: &str =
    "apiVersion: v1\nkind: Service\nmetadata: { name: chat }\nspec:\n  selector: { app: chat }\n  ports: [{ port: 80, targetPort: 8080 }]\n";

fn files(parts: &[(&str, &str)]) -> Files {
    Files::new(parts.iter().map(|(path, text)| File { path: (*path).into(), bytes: text.as_bytes().to_vec() }).collect())
}

fn check(id: &str, kind: Kind) -> Check {
    Check {
        id: id.into(),
        points: 10,
        gate: false,
        fix: FixPolicy::Now,
        hints: Vec::new(),
        hidden: false,
        why: None,
        fix_text: None,
        only: None,
        kind,
    }
}

fn schema() -> Check {
    Check { gate: true, ..check("valid", Kind::KubernetesSchema { version: "1.36".into() }) }
}

fn rule(rule: &str) -> Check {
    check(rule, Kind::KubernetesRule { rule: rule.into() })
}

fn select(path: &str, expect: Expect) -> Check {
    check("select", Kind::Select { file: None, format: None, path: path.into(), expect })
}

fn about(kind: &str, name: &str, check: Check) -> Check {
    Check { only: Some(Where { kind: Some(kind.into()), name: Some(name.into()), namespace: None }), ..check }
}

fn graded(checks: Vec<Check>, files: &Files) -> Report {
    let checks = Checks { lab: "lab".into(), lab_hash: "hash".into(), checks };
    grade(&checks, files, &Surroundings::default(), &mut |_| {})
}

/// How each check ended: `passed`, `failed`, `skipped because gate`.
fn ends(report: &Report) -> Vec<String> {
    let end = |f: &Finding| match (f.outcome, f.because) {
        (Outcome::Passed, _) => "passed".to_owned(),
        (Outcome::Failed, _) => "failed".to_owned(),
        (outcome, because) => format!("{outcome:?} {because:?}").to_lowercase(),
    };
    report.findings.iter().map(|f| format!("{} {}", f.check, end(f))).collect()
}

/// The finding of a single check as `line:column message`.
fn said(check: Check, files: &Files) -> String {
    let report = graded(vec![check], files);
    let finding = &report.findings[0];
    match (finding.line, finding.column) {
        (Some(line), Some(column)) => format!("{line}:{column} {}", finding.message),
        _ => finding.message.clone(),
    }
}

#[test]
fn select_says_what_it_found_and_where() {
    let chat = files(&[("chat.yaml", CHAT)]);
    let table = [
        ("$.spec.replicas", Expect::Equals(json!(2)), "passed"),
        ("$.spec.replicas", Expect::Equals(json!(2.0)), "passed"),
        ("$.spec.replicas", Expect::Equals(json!(3)), "5:13 `spec.replicas` is `2`; expected `3`."),
        ("$.spec.replicas", Expect::OneOf(vec![json!(3), json!("2")]), "5:13 `spec.replicas` is `2`; expected one of `3`, `\"2\"`."),
        ("$.spec.replicas", Expect::Min(3.0), "5:13 `spec.replicas` is `2`; expected at least 3."),
        ("$.spec.replicas", Expect::Max(2.0), "passed"),
        ("$.spec.replicas", Expect::Exists(true), "passed"),
        ("$.spec.replicas", Expect::Absent(true), "5:13 `spec.replicas` is `2`; it must not be there."),
        ("$.spec.template.spec.nodeSelector['nvidia.com/gpu.product']", Expect::Matches("L4$".into()), "passed"),
        ("$.spec.strategy.type", Expect::Equals(json!("Recreate")), "4:1 `spec.strategy.type` is missing; expected `\"Recreate\"`."),
        ("$.spec.strategy.type", Expect::Absent(true), "passed"),
        ("$.spec.template.spec.containers[?@.name == 'server'].resources.limits.memory", Expect::Min(1073741824.0), "passed"),
        (
            "$.spec.template.spec.containers[?@.name == 'log'].resources.limits.memory",
            Expect::Exists(true),
            "17:11 `spec.template.spec.containers[?@.name == 'log'].resources.limits.memory` is missing; expected it to be there.",
        ),
        ("$.spec.template.spec.containers[*].image", Expect::Count(super::check::Count { equals: Some(2), ..Default::default() }), "passed"),
        (
            "$..image",
            Expect::Count(super::check::Count { min: Some(3), ..Default::default() }),
            "13:18 `.image` is found 2 times; expected at least 3.",
        ),
        ("$.spec.template.spec.containers[0].args", Expect::Contains(json!("--resume")), "passed"),
        (
            "$.spec.template.spec.containers[0].args",
            Expect::Contains(json!("--quiet")),
            "14:11 `spec.template.spec.containers[0].args` is `[\"--port=8080\",\"--resume\"]`; expected something that contains `\"--quiet\"`.",
        ),
        ("$.spec.selector.matchLabels", Expect::Equals(json!({"app": "chat"})), "passed"),
    ];
    for (path, expect, expected) in table {
        let check = about("Deployment", "chat", select(path, expect));
        let report = graded(vec![check.clone()], &chat);
        let got = if report.findings[0].outcome == Outcome::Passed { "passed".to_owned() } else { said(check, &chat) };
        assert_eq!(got, expected, "{path}");
    }
}

#[test]
fn select_names_what_is_missing() {
    let chat = files(&[("chat.yaml", CHAT)]);
    let replicas = || select("$.spec.replicas", Expect::Exists(true));
    assert_eq!(said(about("Deployment", "chatt", replicas()), &chat), "there is no Deployment named `chatt` in what you handed in; there is `chat`");
    let toml =
        check("toml", Kind::Select { file: Some("a.toml".into()), format: Some(Format::Toml), path: "$.a".into(), expect: Expect::Exists(true) });
    assert_eq!(said(toml, &chat), "there is no file `a.toml` with a document in it in what you handed in");
}

#[test]
fn select_reads_other_formats() {
    let all = files(&[
        ("ci.yml", "on: push\njobs: {}\n"),
        ("package.json", "{\n  \"type\": \"module\"\n}\n"),
        ("pyproject.toml", "[tool.ruff]\nline-length = 100\n"),
    ]);
    let one = |file: &str, format, path: &str, value| {
        said(check("c", Kind::Select { file: Some(file.into()), format, path: path.into(), expect: Expect::Equals(value) }), &all)
    };
    assert_eq!(one("ci.yml", Some(Format::Yaml), "$.on", json!("pull_request")), "1:5 `on` is `\"push\"`; expected `\"pull_request\"`.");
    assert_eq!(one("*.json", None, "$.type", json!("commonjs")), "2:11 `type` is `\"module\"`; expected `\"commonjs\"`.");
    assert_eq!(one("*.toml", None, "$.tool.ruff['line-length']", json!(80)), "2:15 `tool.ruff.line-length` is `100`; expected `80`.");
}

#[test]
fn a_gate_stops_only_what_reads_the_document_that_failed() {
    let typo = SERVICE.replace("targetPort", "targetPrt");
    let both = files(&[("chat.yaml", CHAT), ("service.yaml", &typo)]);
    let checks = vec![
        about("Service", "chat", Check { id: "before".into(), ..select("$.spec.ports[0].port", Expect::Equals(json!(80))) }),
        schema(),
        about("Deployment", "chat", rule("img-latest")),
        about("Service", "chat", Check { id: "after".into(), ..select("$.spec.ports[0].port", Expect::Equals(json!(80))) }),
        about("Deployment", "chat", Check { id: "replicas".into(), ..select("$.spec.replicas", Expect::Equals(json!(2))) }),
    ];
    let report = graded(checks, &both);
    assert_eq!(ends(&report), ["before passed", "valid failed", "img-latest passed", "after skipped some(gate)", "replicas passed"]);
    assert_eq!((report.score, report.open, report.max), (30, 0, 50));
    assert_eq!((report.findings[1].file.as_deref(), report.findings[1].line), (Some("service.yaml"), Some(6)));
}

#[test]
fn a_document_that_cannot_be_read_stops_what_would_have_read_it() {
    let broken = files(&[("chat.yaml", &format!("{SERVICE}---\nkind: Deployment\n  metadata: x\n"))]);
    let report = graded(vec![schema(), about("Deployment", "chat", rule("img-latest")), about("Service", "chat", rule("svc-port"))], &broken);
    assert_eq!(ends(&report)[..2], ["valid failed", "img-latest skipped some(gate)"]);
    assert!(report.findings[0].message.contains("a `:` can't stand here"), "{}", report.findings[0].message);
    assert_eq!(report.outcome, Graded::Graded);
}

#[test]
fn a_file_that_cannot_be_read_is_no_fault_of_the_objects_a_check_picks() {
    let broken = files(&[("chat.yaml", CHAT), ("zz.yaml", "a: [")]);
    let of = |kind: &str| Check { id: kind.into(), only: Some(Where { kind: Some(kind.into()), ..Where::default() }), ..schema() };
    let report = graded(vec![of("Deployment"), of("Service"), schema()], &broken);
    assert_eq!(ends(&report), ["Deployment passed", "Service failed", "valid failed"]);
    assert!(report.findings[1..].iter().all(|f| f.file.as_deref() == Some("zz.yaml")));
}

#[test]
fn what_cannot_be_read_at_all_is_not_gradable_and_scores_nothing() {
    let broken = files(&[("chat.yaml", "a: b: c\n"), ("notes.md", "hello")]);
    let nothing_there = Check { id: "absent".into(), ..select("$.spec.x", Expect::Absent(true)) };
    let report = graded(vec![schema(), nothing_there], &broken);
    assert_eq!((report.outcome, report.score, report.open), (Graded::NotGradable, 0, 0));
    assert!(report.message.as_ref().unwrap().starts_with("No document could be read. chat.yaml:1:5: "), "{:?}", report.message);
    assert!(report.findings.iter().all(|f| f.outcome != Outcome::Passed && f.points == 0));
    assert_eq!(graded(vec![schema()], &Files::default()).outcome, Graded::NotGradable);
}

#[test]
fn a_runbook_is_no_manifest() {
    let both = files(&[("chat.yaml", CHAT), ("runbook.yml", "steps: [drain]\n")]);
    let kind = Kind::Select { file: Some("runbook.yml".into()), format: Some(Format::Yaml), path: "$.steps[0]".into(), expect: Expect::Exists(true) };
    let report = graded(vec![schema(), check("drains", kind)], &both);
    assert_eq!(ends(&report), ["valid passed", "drains passed"]);
}

#[test]
fn the_author_has_the_last_word() {
    let chat = files(&[("chat.yaml", CHAT)]);
    let mut own = select("$.spec.replicas", Expect::Min(3.0));
    own.why = Some("Two are one node away from one.".into());
    own.fix_text = Some("Ask for three.".into());
    own.hints = vec!["Count.".into(), "Count again.".into()];
    own.hidden = true;
    let finding = graded(vec![own], &chat).findings.remove(0);
    assert_eq!(finding.why.as_deref(), Some("Two are one node away from one."));
    assert_eq!(finding.fix.as_deref(), Some("Ask for three."));
    assert_eq!(finding.hint.as_deref(), Some("Count.\n\nCount again."));
    assert!(finding.hidden);
}

#[test]
fn the_same_files_give_the_same_report() {
    let both = files(&[("service.yaml", SERVICE), ("chat.yaml", CHAT)]);
    let once = || {
        let all = super::kubernetes::rules::all().iter().map(|r| rule(r.about().id));
        let report = graded(std::iter::once(schema()).chain(all).collect(), &both);
        serde_json::to_string(&Report { duration_ms: 0, ..report }).unwrap()
    };
    assert_eq!(once(), once());
}

#[test]
fn what_this_grader_cannot_do_stays_open() {
    let checks = vec![rule("no-such-rule"), check("marks", Kind::Rubric { criteria: Vec::new() })];
    let report = graded(checks, &files(&[("chat.yaml", CHAT)]));
    assert_eq!((report.score, report.open), (0, 20));
    assert_eq!(report.findings[1].because, Some(Because::Review));
}

#[test]
fn lint_says_all_there_is_by_file_and_place() {
    let typo = CHAT.replace("replicas", "replcas");
    let all = files(&[
        ("chat.yaml", &typo),
        ("compose.yaml", "services: {}\n"),
        ("mode.yaml", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {mode: 0644}\n"),
    ]);
    let problems = lint::lint(&all).problems;
    let rules: Vec<&str> = problems.iter().filter_map(|p| p.rule.as_deref()).collect();
    for rule in ["schema", "not-kubernetes", "yaml-reads-as", "res-mem-lim"] {
        assert!(rules.contains(&rule), "{rule} is not in {rules:?}");
    }
    let places: Vec<_> = problems.iter().map(|p| p.place.as_ref().map(|at| (at.file.clone(), at.line))).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn grading_knows_no_comment_to_ignore() {
    let text = format!("# groundcrew:ignore img-digest tags are enough here\n{CHAT}");
    let ignored = files(&[("chat.yaml", &text)]);
    assert!(lint::lint(&ignored).ignored.count > 0);
    assert_eq!(graded(vec![rule("img-digest")], &ignored).findings[0].outcome, Outcome::Failed);
}

#[test]
fn long_names_are_not_repeated_at_their_length() {
    let keys: String = (0..100).map(|n| format!("nvidia.com/mig-{n}: 0.5, ")).collect();
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {0}}}\nspec:\n  containers: [{{name: {0}, image: a, resources: {{limits: {{{keys}}}}}}}]\n",
        "x".repeat(110_000)
    );
    let pod = files(&[("pod.yaml", &text)]);
    let all = super::kubernetes::rules::all().iter().map(|r| rule(r.about().id));
    let report = graded(all.collect(), &pod);
    assert!(serde_json::to_string(&report).unwrap().len() < 500_000);
    let problems = lint::lint(&pod).problems;
    assert!(problems.iter().all(|p| p.message.chars().count() <= 500));
    assert!(serde_json::to_string(&problems).unwrap().len() < 500_000);
}

#[test]
fn too_many_objects_are_said_by_the_schema_and_by_lint() {
    let pods =
        format!("apiVersion: v1\nkind: List\nitems:\n  - &p {{apiVersion: v1, kind: Pod, metadata: {{name: a}}}}\n{}", "  - *p\n".repeat(2_500));
    let pods = files(&[("pods.yaml", &pods)]);
    let report = graded(vec![schema()], &pods);
    assert!(report.findings[0].message.starts_with("a hand-in may have 2000 objects"), "{}", report.findings[0].message);
    let problems = lint::lint(&pods).problems;
    let said = problems.iter().find(|p| p.rule.as_deref() == Some("too-many")).unwrap();
    assert!(said.message.contains("2000 objects") && said.message.contains("up to 501, were held to their schemas alone"), "{}", said.message);
}

#[test]
fn lint_holds_objects_that_are_too_many_to_be_compared_to_their_schemas() {
    let maps = |last: &str| {
        let good = "  - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n".repeat(2_000);
        lint::lint(&files(&[("maps.yaml", &format!("apiVersion: v1\nkind: List\nitems:\n{good}  - {last}\n"))])).problems
    };
    let of_schema =
        |problems: Vec<Problem>| problems.into_iter().filter(|p| p.rule.as_deref() == Some("schema")).map(|p| p.message).collect::<Vec<_>>();
    let found = of_schema(maps("{apiVersion: v1, kind: ConfigMap, metadata: {name: b}, date: {}}"));
    assert!(found.len() == 1 && found[0].contains("did you mean `data`?"), "{found:?}");
    assert!(of_schema(maps("{apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {}}")).is_empty());
}
