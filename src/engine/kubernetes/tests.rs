//! What a hand-in is told: schema errors in words, with places and fixes.
use super::Kubernetes;
use super::testing::{files, streams};
use crate::engine::check::Where;
use crate::engine::report::Problem;

/// The problems of one file under the schema of 1.36, as a reader would see them.
pub fn schema(text: &str) -> String {
    let files = files(&[("pod.yaml", text)]);
    let streams = streams(&files);
    let kubernetes = Kubernetes::read(&files, &streams);
    let found = kubernetes.schema("1.36", None).unwrap();
    shown(&found.into_iter().flat_map(|(_, problems)| problems).collect::<Vec<_>>())
}

pub fn shown(problems: &[Problem]) -> String {
    let one = |p: &Problem| {
        let place = p.place.as_ref().map(|p| format!("{}:{}:{}-{}:{}", p.file, p.line, p.column, p.end_line, p.end_column)).unwrap_or_default();
        format!("{place} {}\n  why: {}\n{}\n", p.message, p.why.as_deref().unwrap_or("-"), p.fix.as_deref().unwrap_or("no fix"))
    };
    problems.iter().map(one).collect()
}

const BROKEN: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: chat
spec:
  replicas: "3"
  selector:
    matchLabels:
      app: chat
  template:
    metadata:
      labels:
        app: chat
    spec:
      containers:
        - name: server
          image: ghcr.io/acme/chat:1.4.2
          imagPullPolicy: IfNotPresent
          resources:
            limits:
              cpu: yes
              memory: 512Mi
              nvidia.com/gpu: 1.5
"#;

#[test]
fn the_broken_deployment_is_told_all_four_faults_at_their_places() {
    insta::assert_snapshot!(schema(BROKEN));
}

#[test]
fn slips_of_many_kinds_are_named() {
    insta::assert_snapshot!(schema(
        r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: Chat_Server
  labels: {app: "my chat!"}
spec:
  selector:
    matchLabels:
      app: chat
  template:
    metadata:
      labels:
        app: chatt
    spec:
      restartPolicy: OnFailure
      resources:
        limits: {cpu: 1}
      containers:
        - name: server
          image: "ghcr.io/acme/chat:1"
          imagePullPolicy: ifnotpresent
          args: --verbose
          hostNetwork: true
          env:
            - name: PORT
              value: 8080
            - value: x
          ports:
            - containerPort: 80800
              protocol: tcp
          readinessProbe: {periodSeconds: 5}
          resources:
            requests: {cpu: 2, memory: 512MB, nvidia.com/gpu: 1}
            limits: {cpu: 1, gpu: 1}
          volumeMounts:
            - {name: cahce, mountPath: /cache}
      volumes:
        - name: cache
          emptyDir: {medium: memory}
"#
    ));
}

#[test]
fn objects_that_cannot_be_recognised_say_why() {
    insta::assert_snapshot!(schema(
        "kind: Deployment\n---\napiVersion: v1\nkind: Deployment\n---\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget\n---\napiVersion: v1\nkind: Servce\n---\n- a\n---\napiVersion: acme.dev/v1\nkind: Widget\n---\napiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: a}\n    data: {port: 80}\n"
    ));
}

fn rule(id: &str, text: &str) -> super::RuleResult {
    let files = files(&[("pod.yaml", text)]);
    let streams = streams(&files);
    Kubernetes::read(&files, &streams).rule(id, None).unwrap()
}

#[test]
fn every_rule_passes_its_good_example_and_fails_its_bad_one() {
    for rule_ in super::rules::all() {
        let about = rule_.about();
        let good = rule(about.id, &about.passes.manifest());
        assert!(!good.missing && good.problems.is_empty(), "{} fails its passing example:\n{}", about.id, shown(&good.problems));
        let bad = rule(about.id, &about.fails.manifest());
        assert!(!bad.problems.is_empty() && !bad.missing, "{} passes its failing example", about.id);
        assert!(!bad.looked_at.is_empty());
        for problem in &bad.problems {
            assert!(problem.place.is_some() && problem.rule.as_deref() == Some(about.id), "{problem:?}");
        }
        assert_eq!(super::rules::all().iter().filter(|r| r.about().id == about.id).count(), 1, "{} twice", about.id);
    }
}

#[test]
fn examples_of_rules_follow_the_schema() {
    for rule in super::rules::all() {
        let about = rule.about();
        let said = schema(&about.passes.manifest());
        assert!(said.is_empty() || said.contains("no schema is known"), "{}:\n{said}\n{}", about.id, about.passes.manifest());
    }
}

#[test]
fn each_rule_says_what_is_wrong_with_its_failing_example() {
    let said: Vec<String> = super::rules::all()
        .iter()
        .map(|r| {
            let about = r.about();
            let said = shown(&rule(about.id, &about.fails.manifest()).problems);
            let said: String = said.lines().filter(|l| !l.starts_with("  why:")).map(|l| format!("{l}\n")).collect();
            format!("== {}: {}\n{said}", about.id, about.title)
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_hostile_manifest_costs_little() {
    let volumes: String = (0..3_000).map(|n| format!("        - {{name: v{n}, emptyDir: {{mediun: x}}}}\n")).collect();
    let containers: String = (0..1_500)
        .map(|n| {
            format!("        - {{name: C_{n}, image: \"a b\", env: [{{name: HF_TOKEN, value: x}}], volumeMounts: [{{name: w{n}, mountPath: /m}}]}}\n")
        })
        .collect();
    let text = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: x}}\nspec:\n  template:\n    spec:\n      volumes:\n{volumes}      containers:\n{containers}"
    );
    let (files, start) = (files(&[("pod.yaml", text.as_str())]), std::time::Instant::now());
    let streams = streams(&files);
    let kubernetes = Kubernetes::read(&files, &streams);
    assert!(kubernetes.schema("1.36", None).unwrap()[0].1.len() <= 60);
    for rule in super::rules::all() {
        assert!(kubernetes.rule(rule.about().id, None).unwrap().problems.len() <= 100);
    }
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

#[test]
fn custom_resources_are_held_to_their_definitions() {
    insta::assert_snapshot!(schema(
        r#"apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: dcgm}
spec:
  selector: {matchLabels: {app: dcgm}}
  endpoints:
    - port: 9400
      intervall: 15s
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat}
spec:
  rules:
    - backendRefs:
        - {name: chat, port: 80, weight: -5}
---
apiVersion: keda.sh/v1
kind: ScaledObject
metadata: {name: chat}
spec: {}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: chat}
spec:
  replicas: 2
  selector: {matchLabels: {app: chat}}
  template:
    metadata: {labels: {app: chat}}
    spec:
      containers:
        - name: server
          image: chat:1
          resources: {limits: {nvidia.com/gpu: 0.5}}
  strategy: {canary: {steps: [{setWeight: 20}]}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: models.acme.dev}
spec:
  group: acme.dev
  names: {kind: Model, plural: models}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [weights]
              properties:
                weights: {type: string, pattern: "^s3://"}
                bits: {type: integer, enum: [4, 8, 16]}
---
apiVersion: acme.dev/v1
kind: Model
metadata: {name: llama}
spec:
  weights: /models/llama
  bits: 5
  bit: 8
"#
    ));
}

const TWO: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: chat}\nspec: {template: {spec: {containers: [{name: a, image: a:1}]}}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: b, image: b}]}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";

#[test]
fn a_rule_looks_only_at_what_it_is_told_to_and_never_passes_by_absence() {
    let files = files(&[("two.yaml", TWO)]);
    let streams = streams(&files);
    let kubernetes = Kubernetes::read(&files, &streams);
    let only = |kind: &str, name: &str| Where { kind: Some(kind.into()), name: Some(name.into()), namespace: None };
    let ids: Vec<_> = kubernetes.documents().map(|(id, _)| id).collect();

    let chat = kubernetes.rule("img-latest", Some(&only("Deployment", "chat"))).unwrap();
    assert!(chat.problems.is_empty() && chat.looked_at == ids[..1]);
    let both = kubernetes.rule("img-latest", None).unwrap();
    assert!(both.problems.len() == 1 && both.looked_at == ids[..2]);

    let said = |rule: &str, kind: &str, name: &str| {
        let result = kubernetes.rule(rule, Some(&only(kind, name))).unwrap();
        assert!(result.missing && result.problems.len() == 1);
        result.problems[0].message.clone()
    };
    assert_eq!(said("probe-ready", "Deployment", "chatt"), "there is no Deployment named `chatt` in what you handed in; there is `chat` and `web`");
    assert_eq!(said("probe-ready", "Service", "web"), "Service `web` has no pods that are kept running");
    assert_eq!(said("gpu-integer", "Deployment", "web"), "Deployment `web` has no container that asks for a GPU");

    assert!(kubernetes.rule("probe-redy", None).is_none());
    assert_eq!(super::rules::nearest_id("probe-redy"), Some("probe-ready"));
    assert_eq!(super::rules::all().len(), super::rules::families().iter().map(|f| f.rules.len()).sum::<usize>());
}

#[test]
fn more_objects_than_a_handin_may_have_are_said_and_left_aside() {
    let pods = |n: usize| {
        format!("apiVersion: v1\nkind: List\nitems:\n  - &p {{apiVersion: v1, kind: Pod, metadata: {{name: a}}}}\n{}", "  - *p\n".repeat(n - 1))
    };
    for (counts, expected) in [([1_000, 1_000], None), ([1_000, 1_500], Some(("b.yaml", 4))), ([3_000, 1], Some(("a.yaml", 4)))] {
        let files = files(&[("a.yaml", &pods(counts[0])), ("b.yaml", &pods(counts[1]))]);
        let streams = streams(&files);
        let kubernetes = Kubernetes::read(&files, &streams);
        assert!(kubernetes.matching(None).count() <= super::objects::MOST);
        let place = kubernetes.objects().too_many().and_then(|p| p.place.as_ref()).map(|p| (p.file.as_str(), p.line));
        assert_eq!(place, expected, "{counts:?}");
    }
}

#[test]
fn a_diff_of_the_first_line_stands_where_it_should_behind_a_byte_order_mark() {
    let said = schema("\u{feff}apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: a}\n");
    assert!(said.contains("\n-apiVersion: apps/v1beta1\n+apiVersion: apps/v1\n"), "{said}");
}

#[test]
fn what_stands_far_out_in_a_long_line_is_told_too() {
    let far = " ".repeat(70_000);
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{far}{{name: a, image: a, env: [{{name: DB_PASSWORD, value: x}}], resources: {{limits: {{}}}}}}]}}\n"
    );
    for rule_ in super::rules::all() {
        rule(rule_.about().id, &pod);
    }
    schema(&pod);
}
