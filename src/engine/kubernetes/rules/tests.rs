//! Rules over hand-ins that come near their limits: what passes in other words, and what only looks right.
mod gpus;
mod metrics;
mod references;
mod serving;
mod traffic;

use super::Example;
use crate::engine::kubernetes::Kubernetes;
use crate::engine::kubernetes::testing::{files, streams};
use crate::engine::report::Problem;

/// What a rule finds in a manifest.
fn problems(rule: &str, manifest: &str) -> Vec<Problem> {
    let files = files(&[("a.yaml", manifest)]);
    let streams = streams(&files);
    Kubernetes::read(&files, &streams).rule(rule, None).unwrap().problems
}

/// What a rule says of a manifest.
pub(super) fn said(rule: &str, manifest: &str) -> Vec<String> {
    problems(rule, manifest).into_iter().map(|p| p.message).collect()
}

/// How it would be mended.
pub(super) fn fixes(rule: &str, manifest: &str) -> Vec<String> {
    problems(rule, manifest).into_iter().filter_map(|p| p.fix).collect()
}

#[test]
fn a_toleration_must_be_for_the_taint_that_gpu_nodes_have() {
    const NOT_PRESENT: &str = "the toleration is for the value `";
    const OTHER_EFFECT: &str = "the toleration is for the effect `NoExecute`";
    for (tolerations, wrong) in [
        ("[{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]", None),
        ("[{key: nvidia.com/gpu, operator: Exists, effect: \"\"}]", None),
        ("[{key: nvidia.com/gpu, operator: Exists}]", None),
        ("[{operator: Exists}]", None),
        ("[{key: \"\", operator: Exists}]", None),
        ("[{key: nvidia.com/gpu, value: present, effect: NoSchedule}]", None),
        ("[{key: nvidia.com/gpu, operator: Equal, value: present}]", None),
        ("[{key: nvidia.com/gpu, operator: Exists, effect: NoExecute}, {key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]", None),
        ("[{key: nvidia.com/gpu, operator: Exists, effect: NoExecute}]", Some(OTHER_EFFECT)),
        ("[{key: nvidia.com/gpu, effect: NoSchedule}]", Some(NOT_PRESENT)),
        ("[{key: nvidia.com/gpu, operator: Equal, value: \"true\", effect: NoSchedule}]", Some(NOT_PRESENT)),
        ("[{key: nvidia.com/gpu, operator: Equal, value: present, effect: NoExecute}]", Some(OTHER_EFFECT)),
        ("[{key: other, operator: Exists}]", Some("the pods of Pod `chat` ask for a GPU but don't tolerate the taint `nvidia.com/gpu`")),
        ("[]", Some("the pods of Pod `chat` ask for a GPU but don't tolerate the taint `nvidia.com/gpu`")),
    ] {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: chat}}\nspec:\n  tolerations: {tolerations}\n  containers: [{{name: a, image: a:1, resources: {{limits: {{nvidia.com/gpu: 1}}}}}}]\n"
        );
        let said = said("gpu-toleration", &pod);
        match wrong {
            None => assert!(said.is_empty(), "{tolerations}: {said:?}"),
            Some(wrong) => assert!(said.len() == 1 && said[0].starts_with(wrong), "{tolerations}: {said:?}"),
        }
    }
}

#[test]
fn a_user_above_zero_is_not_root() {
    for (of_pod, of_container, problems) in [
        ("{runAsUser: 10001}", "{}", 0),
        ("{runAsNonRoot: true}", "{}", 0),
        ("{}", "{runAsUser: 999}", 0),
        ("{runAsUser: 0}", "{runAsUser: 999}", 0),
        ("{runAsUser: 10001}", "{runAsUser: 0}", 1),
        ("{runAsNonRoot: true, runAsUser: 0}", "{}", 1),
        ("{runAsNonRoot: false}", "{}", 1),
        ("{}", "{}", 1),
    ] {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: chat}}\nspec:\n  securityContext: {of_pod}\n  containers: [{{name: a, image: a:1, securityContext: {of_container}}}]\n"
        );
        assert_eq!(said("sec-nonroot", &pod).len(), problems, "{of_pod} {of_container}");
    }
}

#[test]
fn a_secret_is_told_from_a_path_and_a_reference() {
    for (container, found) in [
        ("env: [{name: GOOGLE_APPLICATION_CREDENTIALS, value: /var/run/secrets/gcp/key.json}]", false),
        ("env: [{name: TLS_PRIVATE_KEY, value: \"file:///run/tls.key\"}]", false),
        ("env: [{name: MODEL, value: \"oci://registry.local:5000/models/llama@sha256:abcd\"}]", false),
        ("env: [{name: DATABASE_URL, value: \"postgres://chat:hunter2@db:5432/chat\"}]", true),
        ("env: [{name: DATABASE_URL, value: \"postgres://chat:$(PASSWORD)@db:5432/chat\"}]", false),
        ("env: [{name: DB_PASSWORD, value: hunter2}]", true),
        ("command: [python, serve.py, --api-key, hunter2]", true),
        ("command: [python, serve.py, --api-key]\nargs: [hunter2]", true),
        ("command: [python, serve.py, --api-key=hunter2]", true),
        ("command: [python, serve.py, --api-key, $(API_KEY)]", false),
        ("command: [python, serve.py, --api-key, --port, \"80\"]", false),
        ("command: [python, serve.py, --use-auth-token, \"true\"]", false),
        ("command: [python, serve.py, --api-key, /run/secrets/key]", false),
        ("command: [sh, -c, \"serve --port 80\"]", false),
    ] {
        let indented = container.replace('\n', "\n      ");
        let pod =
            format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: chat}}\nspec:\n  containers:\n    - name: a\n      image: a:1\n      {indented}\n");
        assert_eq!(!said("env-secret", &pod).is_empty(), found, "{container}");
    }
    let reference = Example::Container("env: [{name: MODEL, value: \"oci://registry.local:5000/models/llama@sha256:abcd\"}]");
    assert!(said("gpu-secret-token", &reference.manifest()).is_empty());
}

#[test]
fn a_port_that_nobody_declares_may_be_listened_on() {
    for (target, ports, problems) in [
        ("8080", "[]", 0),
        ("http", "[]", 1),
        ("8080", "[{containerPort: 8080}]", 0),
        ("9000", "[{containerPort: 8080}]", 1),
        ("http", "[{name: http, containerPort: 8080}]", 0),
    ] {
        let both = format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: chat}}\nspec:\n  selector: {{app: chat}}\n  ports: [{{port: 80, targetPort: {target}}}]\n---\napiVersion: v1\nkind: Pod\nmetadata: {{name: chat, labels: {{app: chat}}}}\nspec:\n  containers: [{{name: a, image: a:1, ports: {ports}}}]\n"
        );
        assert_eq!(said("svc-port", &both).len(), problems, "{target} {ports}");
    }
}

#[test]
fn a_budget_is_counted_only_where_the_number_of_pods_is_known() {
    for (kind, budget, problems) in [
        ("Deployment", "minAvailable: 1", 1),
        ("DaemonSet", "minAvailable: 1", 0),
        ("DaemonSet", "minAvailable: 50%", 0),
        ("DaemonSet", "minAvailable: 100%", 1),
        ("DaemonSet", "maxUnavailable: 0", 1),
    ] {
        let both = format!(
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: chat}}\nspec:\n  {budget}\n  selector: {{matchLabels: {{app: chat}}}}\n---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: chat}}\nspec:\n  selector: {{matchLabels: {{app: chat}}}}\n  template:\n    metadata: {{labels: {{app: chat}}}}\n    spec: {{containers: [{{name: a, image: a:1}}]}}\n"
        );
        assert_eq!(said("pdb-blocks", &both).len(), problems, "{kind} {budget}");
    }
}
