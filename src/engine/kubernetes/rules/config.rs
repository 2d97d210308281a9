//! Rules about environment variables, secrets in them, and service accounts.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Object, Pod};
use crate::engine::report::{Problem, Severity};
use crate::engine::secrets::{looks_secret, sounds_secret};
use crate::engine::yaml::{Entry, Node};
use std::collections::HashMap;

/// A literal that isn't a reference to another variable or to a file, nor a switch.
fn literal(node: &Node) -> Option<&str> {
    node.as_str().filter(|v| is_literal(v))
}

fn is_literal(value: &str) -> bool {
    let reference = value.starts_with("$(") && value.ends_with(')');
    let file = value.starts_with('/') || value.starts_with("file:");
    !(reference || file || value.trim().is_empty() || matches!(value, "true" | "false" | "yes" | "no" | "0" | "1"))
}

/// Says so at each literal secret that `wanted` picks by the variable's name and value.
pub(super) fn literal_secrets(it: &Object<'_>, look: &mut Look<'_, '_>, wanted: fn(&str, &str) -> bool) {
    for (_, c) in it.containers() {
        for variable in c.env() {
            let (Some(name), Some(value)) = (variable.get("name").and_then(Node::as_str), variable.entry("value")) else { continue };
            if literal(&value.value).is_some_and(|v| wanted(name, v)) {
                let problem = it.problem(value.value.span, format!("{} has the secret `{name}` written in the manifest", c.title()));
                look.found(problem.fix(from_secret(it, variable, value, name)));
            }
        }
        let mut before = "";
        for argument in ["command", "args"].iter().flat_map(|k| c.node.get(k).map_or(&[][..], Node::items)) {
            let Some(text) = argument.as_str() else { continue };
            // `--api-key=x` and `--api-key x` in one argument, or `--api-key` and `x` in two.
            let within = text.split_once(['=', ' ']).unwrap_or(("", text));
            let after = if text.starts_with('-') { within } else { (option(before), text) };
            let secret = |(name, value): (&str, &str)| {
                wanted(name.trim_start_matches('-'), value) && literal_argument(value) && (looks_secret(value) || !name.is_empty())
            };
            if secret(within) || secret(after) {
                let problem = it.problem(argument.span, format!("{} has a secret written into its arguments", c.title()));
                look.found(problem.fix("Put it into a Secret, an environment variable with `secretKeyRef`, and write `$(NAME)` in the argument."));
            }
            before = text;
        }
    }
}

/// An argument that is an option without its value; nothing if it isn't one.
fn option(argument: &str) -> &str {
    if argument.starts_with('-') && !argument.contains(['=', ' ']) { argument } else { "" }
}

fn literal_argument(value: &str) -> bool {
    is_literal(value) && !value.contains("$(") && !value.starts_with('$')
}

/// A diff that takes a variable from a Secret, where its value stands in one line.
fn from_secret(it: &Object<'_>, variable: &Node, value: &Entry, name: &str) -> String {
    let key = name.to_ascii_lowercase().replace('_', "-");
    let holder = if it.name.is_empty() { "app" } else { it.name };
    let reference = format!("valueFrom:\n  secretKeyRef:\n    name: {holder}\n    key: {key}");
    let inline = format!("valueFrom: {{ secretKeyRef: {{ name: {holder}, key: {key} }} }}");
    it.doc.replace_secret(value, &reference, &inline).unwrap_or_else(|| it.doc.add(variable, None, &reference))
}

pub struct EnvDuplicate;

impl Rule for EnvDuplicate {
    fn about(&self) -> &'static About {
        &About {
            id: "env-dup",
            severity: Severity::Error,
            title: "No variable is set twice",
            why: "The API takes both and the last one wins, silently; a later server-side apply drops one of them, and not always the one you think.",
            fix: "Keep one of them.",
            looks_at: Subject::Pods,
            passes: Example::Container("env:\n  - name: LOG_LEVEL\n    value: info"),
            fails: Example::Container("env:\n  - name: LOG_LEVEL\n    value: info\n  - name: LOG_LEVEL\n    value: debug"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            let mut seen: HashMap<&str, u32> = HashMap::new();
            for name in c.env().iter().filter_map(|v| v.get("name")) {
                let Some(text) = name.as_str() else { continue };
                match seen.get(text) {
                    Some(line) => look.found(it.problem(name.span, format!("{} sets `{text}` a second time, after line {line}", c.title()))),
                    None => drop(seen.insert(text, name.span.start.line)),
                }
            }
        }
    }
}

pub struct EnvSecret;

impl Rule for EnvSecret {
    fn about(&self) -> &'static About {
        &About {
            id: "env-secret",
            severity: Severity::Error,
            title: "No secret is written into a manifest",
            why: "A manifest lives in git, in CI logs and in everybody's `kubectl get -o yaml`: a password in it is known to all of them, for ever.",
            fix: "Put it into a Secret that isn't in git and refer to it with `secretKeyRef`.",
            looks_at: Subject::Pods,
            passes: Example::Container(
                "env:\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef:\n        name: chat\n        key: db-password",
            ),
            fails: Example::Container("env:\n  - name: DB_PASSWORD\n    value: correct-horse"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        literal_secrets(it, look, |name, value| sounds_secret(name) || looks_secret(value));
    }
}

pub struct EnvReadsSecret;

impl Rule for EnvReadsSecret {
    fn about(&self) -> &'static About {
        &About {
            id: "env-secretref",
            severity: Severity::Info,
            title: "Secrets are read from files",
            why: "The environment is handed on to every child process, shows up in crash dumps and debug pages, and keeps the old value until the pod is restarted; a mounted Secret is a file that only its reader opens and that follows a rotation.",
            fix: "Mount the Secret as a volume and let the program read the file.",
            looks_at: Subject::Pods,
            passes: Example::Pod("volumes:\n  - name: keys\n    secret:\n      secretName: chat\n"),
            fails: Example::Container(
                "env:\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef:\n        name: chat\n        key: db-password",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            let single = c.env().iter().filter_map(|v| v.get("valueFrom")?.entry("secretKeyRef"));
            let whole = c.node.get("envFrom").map_or(&[][..], Node::items).iter().filter_map(|v| v.entry("secretRef"));
            for entry in single.chain(whole) {
                look.found(it.problem(entry.key_span, format!("{} has a Secret in its environment", c.title())));
            }
        }
    }
}

pub struct ConfigMapSecret;

impl Rule for ConfigMapSecret {
    fn about(&self) -> &'static About {
        &About {
            id: "cm-secret",
            severity: Severity::Error,
            title: "No secret is in a ConfigMap",
            why: "ConfigMaps are readable by nearly everybody in a namespace, aren't encrypted at rest and show up in every dump; Secrets can be protected.",
            fix: "Move the key to a Secret.",
            looks_at: Subject::Kinds(&["ConfigMap"]),
            passes: Example::Whole("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: chat\ndata:\n  LOG_LEVEL: info"),
            fails: Example::Whole("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: chat\ndata:\n  DB_PASSWORD: correct-horse"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for entry in it.node.get("data").map_or(&[][..], Node::entries) {
            if literal(&entry.value).is_some_and(|v| sounds_secret(&entry.key) || looks_secret(v)) {
                look.found(it.problem(entry.key_span, format!("`{}` in {} is a secret", entry.key, it.title())));
            }
        }
    }
}

pub struct Automount;

impl Rule for Automount {
    fn about(&self) -> &'static About {
        &About {
            id: "sa-automount",
            severity: Severity::Warning,
            title: "Pods get no API token they don't need",
            why: "Unless you say otherwise every pod gets a token of its service account: whoever gets into the pod talks to the API server with it. A model server never calls the API.",
            fix: "Set `automountServiceAccountToken: false` in the pod's spec, or in its ServiceAccount.",
            looks_at: Subject::Pods,
            passes: Example::Pod("automountServiceAccountToken: false\n"),
            fails: Example::Pod("serviceAccountName: chat\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in &it.pods {
            let set = pod.spec.get("automountServiceAccountToken");
            if set.and_then(Node::as_bool) == Some(false) {
                continue;
            }
            if let Some(node) = set {
                let problem = it.problem(node.span, format!("the pods of {} get an API token", it.title()));
                let fix = it.doc.replace(node.span, "false");
                look.found(Problem { fix, ..problem });
                continue;
            }
            let account = pod.spec.get("serviceAccountName").and_then(Node::as_str).unwrap_or("default");
            if let Some(account) = look.objects.find("ServiceAccount", account, it) {
                look.read(account);
                if account.node.get("automountServiceAccountToken").and_then(Node::as_bool) == Some(false) {
                    continue;
                }
            }
            let fix = it.doc.add(pod.spec, Some(pod.spec_key), "automountServiceAccountToken: false");
            look.found(it.problem(pod.spec_key, format!("the pods of {} get an API token", it.title())).fix(fix));
        }
    }
}

pub struct References;

impl Rule for References {
    fn about(&self) -> &'static About {
        &About {
            id: "env-ref-missing",
            severity: Severity::Warning,
            title: "ConfigMaps that pods refer to are there",
            why: "A pod whose ConfigMap, or whose key of it, is missing stays in CreateContainerConfigError, or in ContainerCreating where it is mounted.",
            fix: "Hand in the ConfigMap with that key, or correct the name.",
            looks_at: Subject::Pods,
            passes: Example::Container("env:\n  - name: LOG_LEVEL\n    value: info"),
            fails: Example::Container("env:\n  - name: LOG_LEVEL\n    valueFrom:\n      configMapKeyRef:\n        name: chat\n        key: level"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            let single = c.env().iter().filter_map(|v| v.path(&["valueFrom", "configMapKeyRef"]));
            let whole = c.node.get("envFrom").map_or(&[][..], Node::items).iter().filter_map(|v| v.get("configMapRef"));
            for reference in single.chain(whole) {
                self.reference(it, look, &c.title(), reference, reference.get("key").as_slice());
            }
        }
        for volume in it.pods.iter().flat_map(Pod::volumes) {
            let title = format!("volume `{}`", volume.get("name").and_then(Node::as_str).unwrap_or(""));
            let projected = volume.path(&["projected", "sources"]).map_or(&[][..], Node::items).iter().filter_map(|s| s.get("configMap"));
            for reference in volume.get("configMap").into_iter().chain(projected) {
                let items = reference.get("items").map_or(&[][..], Node::items);
                self.reference(it, look, &title, reference, &items.iter().filter_map(|i| i.get("key")).collect::<Vec<_>>());
            }
        }
    }
}

impl References {
    /// One reference to a ConfigMap, and the keys that have to be in it.
    fn reference(&self, it: &Object<'_>, look: &mut Look<'_, '_>, title: &str, reference: &Node, keys: &[&Node]) {
        let Some(name) = reference.get("name") else { return };
        // The cluster's own certificate is in each namespace.
        if reference.get("optional").and_then(Node::as_bool) == Some(true) || name.as_str() == Some("kube-root-ca.crt") {
            return;
        }
        let Some(map) = look.objects.find("ConfigMap", name.as_str().unwrap_or(""), it) else {
            look.found(it.problem(name.span, format!("{title} reads the ConfigMap `{}`, which isn't handed in", it.doc.shown(name))));
            return;
        };
        look.read(map);
        for key in keys {
            if key.as_str().is_some_and(|k| map.node.path(&["data", k]).is_none() && map.node.path(&["binaryData", k]).is_none()) {
                look.found(it.problem(key.span, format!("ConfigMap `{}` has no key `{}`", map.name, it.doc.shown(key))));
            }
        }
    }
}
