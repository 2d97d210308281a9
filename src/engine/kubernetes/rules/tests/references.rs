//! What refers to what: roles to API groups, volumes to ConfigMaps, policies to the pods they let through.
use super::{fixes, said};

fn holds(rule: &str, manifest: &str, wrong: &[&str]) {
    let said = said(rule, manifest);
    assert!(said.len() == wrong.len() && said.iter().zip(wrong).all(|(s, w)| s.starts_with(w)), "{manifest}: {said:?}");
}

#[test]
fn a_role_is_about_the_groups_it_names() {
    for (rule, granted, wrong) in [
        ("rbac-secrets", "apiGroups: [''], resources: [secrets], verbs: [get]", &["Role `a` may read every secret"][..]),
        ("rbac-secrets", "apiGroups: ['*'], resources: [secrets], verbs: [list]", &["Role `a` may read every secret"]),
        ("rbac-secrets", "apiGroups: [acme.dev], resources: [secrets], verbs: [get]", &[]),
        ("rbac-secrets", "apiGroups: [apps], resources: ['*'], verbs: ['*']", &[]),
        ("rbac-secrets", "apiGroups: [''], resources: [secrets], verbs: [get], resourceNames: [one]", &[]),
        ("rbac-create-pods", "apiGroups: [''], resources: [pods], verbs: [create]", &["Role `a` may create pods"]),
        ("rbac-create-pods", "apiGroups: [metrics.k8s.io], resources: [pods], verbs: ['*']", &[]),
        ("rbac-exec", "apiGroups: [''], resources: [pods/exec], verbs: [create]", &["Role `a` may get into running pods by `pods/exec`"]),
        ("rbac-exec", "apiGroups: [acme.dev], resources: [pods/exec], verbs: [create]", &[]),
    ] {
        holds(rule, &format!("kind: Role\nmetadata: {{name: a}}\nrules: [{{{granted}}}]\n"), wrong);
    }
}

#[test]
fn a_volume_needs_its_config_map_and_the_keys_it_names() {
    let map = "---\nkind: ConfigMap\nmetadata: {name: chat}\ndata: {level: info}\n";
    for (volume, wrong) in [
        ("configMap: {name: chat}", &[][..]),
        ("configMap: {name: chat, items: [{key: level, path: level}]}", &[]),
        ("configMap: {name: chat, items: [{key: levle, path: level}]}", &["ConfigMap `chat` has no key `levle`"]),
        ("configMap: {name: chta}", &["volume `v` reads the ConfigMap `chta`, which isn't handed in"]),
        ("configMap: {name: chta, optional: true}", &[]),
        ("projected: {sources: [{configMap: {name: kube-root-ca.crt}}, {configMap: {name: chta}}]}", &["volume `v` reads the ConfigMap `chta`"]),
    ] {
        let pod = format!("kind: Pod\nmetadata: {{name: a}}\nspec: {{volumes: [{{name: v, {volume}}}], containers: [{{name: a}}]}}\n");
        holds("env-ref-missing", &format!("{pod}{map}"), wrong);
    }
}

#[test]
fn a_policy_lets_in_pods_that_are_there() {
    let lost = "NetworkPolicy `a` lets pods through that aren't in what you handed in";
    for (spec, wrong) in [
        ("ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]", &[][..]),
        ("ingress: [{from: [{podSelector: {}}]}], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]", &[]),
        ("ingress: [{from: [{podSelector: {matchLabels: {app: wbe}}}]}]", &[lost]),
        (
            "egress: [{to: [{podSelector: {matchLabels: {app: web}}}, {podSelector: {matchExpressions: [{key: app, operator: In, values: [wbe]}]}}]}]",
            &[lost],
        ),
        ("ingress: [{from: [{podSelector: {matchLabels: {app: prometheus}}, namespaceSelector: {}}]}]", &[]),
    ] {
        let pod = "---\nkind: Pod\nmetadata: {name: w, labels: {app: web}}\nspec: {containers: [{name: w}]}\n";
        holds("np-peer-dangling", &format!("kind: NetworkPolicy\nmetadata: {{name: a}}\nspec: {{{spec}}}\n{pod}"), wrong);
        // Of a policy alone nothing is said: its pods are elsewhere.
        holds("np-peer-dangling", &format!("kind: NetworkPolicy\nmetadata: {{name: a}}\nspec: {{{spec}}}\n"), &[]);
    }
}

#[test]
fn a_secret_is_taken_from_a_secret_where_it_stood() {
    for (env, fix) in [
        (
            "- { name: HF_TOKEN, value: hf_aaaaaaaaaaaa } # x",
            "-    - { name: HF_TOKEN, value: … } # x\n+    - { name: HF_TOKEN, valueFrom: { secretKeyRef: { name: a, key: hf-token } } } # x",
        ),
        (
            "- name: HF_TOKEN\n      value: hf_aaaaaaaaaaaa # x",
            "-      value: … # x\n+      valueFrom:\n+        secretKeyRef:\n+          name: a\n+          key: hf-token",
        ),
        (
            "- value: hf_aaaaaaaaaaaa\n      name: HF_TOKEN",
            "-    - value: …\n+    - valueFrom:\n+        secretKeyRef:\n+          name: a\n+          key: hf-token",
        ),
    ] {
        let pod = format!("kind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: a\n    env:\n    {env}\n");
        assert_eq!(fixes("env-secret", &pod), [fix], "{pod}");
    }
}
