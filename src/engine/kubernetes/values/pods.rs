//! Pods and what holds them: containers, probes, volumes, selectors, restart policies, services' ports.
use super::names::is_dns_label;
use super::{At, Walk};
use crate::engine::kubernetes::words;
use crate::engine::yaml::{Node, Value};
use std::collections::{BTreeSet, HashSet};

/// As many names as this are looked through for the one that was meant.
const WORDS: usize = 100;
const HANDLERS: &[&str] = &["exec", "httpGet", "tcpSocket", "grpc"];

pub fn spec(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let containers = at.get("containers");
    if let Some(list) = containers.filter(|c| c.node.items().is_empty() && matches!(c.node.value, Value::Seq(_) | Value::Null)) {
        let problem = walk.doc.problem(list.head(), "`containers` is empty: a pod runs at least one container");
        walk.add(problem.why("A pod is its containers; the API refuses one without any.").fix(walk.doc.add(
            list.node,
            list.key,
            "- name: …\n  image: …",
        )));
    }
    unique(walk, ["initContainers", "containers"].iter().filter_map(|k| at.get(k)).flat_map(|l| l.node.items()), "name", "container");
    unique(walk, at.get("volumes").iter().flat_map(|l| l.node.items()), "name", "volume");
    let volumes: BTreeSet<&str> =
        at.get("volumes").iter().flat_map(|l| l.node.items()).filter_map(|v| v.get("name")?.as_str()).chain(walk.claims.iter().copied()).collect();
    let all = ["initContainers", "containers"].iter().filter_map(|k| at.get(k)).flat_map(|l| l.node.items());
    for container in all {
        if walk.is_full() {
            return;
        }
        let mounts = container.get("volumeMounts").map_or(&[][..], Node::items);
        unique(walk, mounts.iter(), "mountPath", "mount");
        for mount in mounts.iter().take(10 * WORDS) {
            let Some(name) = mount.get("name") else { continue };
            let Some(text) = name.as_str().filter(|t| !volumes.contains(t)) else { continue };
            let near = words::nearest(text, volumes.iter().copied().take(WORDS));
            let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            let problem = walk.doc.problem(name.span, format!("no volume of this pod is named `{}`{asked}", walk.doc.shown(name)));
            let fix = near
                .and_then(|n| walk.doc.replace(name.span, n))
                .unwrap_or_else(|| format!("Add a volume `{text}` under `volumes` of the pod, beside `containers`."));
            walk.add(problem.why("A mount takes a volume that the pod declares; the API refuses the pod otherwise.").fix(fix));
        }
    }
}

/// Says so where a value that must be unique comes a second time.
pub(super) fn unique<'a>(walk: &mut Walk<'_, '_>, items: impl Iterator<Item = &'a Node>, key: &str, what: &str) {
    let mut seen: HashSet<&str> = HashSet::new();
    for item in items {
        let Some(value) = item.get(key) else { continue };
        let Some(text) = value.as_str() else { continue };
        if !seen.insert(text) {
            let problem = walk.doc.problem(value.span, format!("a second {what} has the {key} `{}`", walk.doc.shown(value)));
            walk.add(
                problem
                    .why(format!("The API tells {what}s of a pod apart by their {key} and refuses two with one."))
                    .fix(format!("Give it a {key} of its own.")),
            );
        }
    }
}

pub fn container(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if let Some(name) = at.get("name")
        && let Some(text) = name.node.as_str()
        && !is_dns_label(text)
    {
        let problem = walk.doc.problem(
            name.node.span,
            format!("the container name `{}` must be at most 63 lower-case letters, digits and `-`", walk.doc.shown(name.node)),
        );
        walk.add(problem.why("It becomes part of log paths and DNS names.").fix("Write a name such as `server`."));
    }
    let image = at.get("image");
    if image.is_none_or(|i| matches!(i.node.value, Value::Null) || i.node.as_str() == Some("")) {
        let span = image.map_or_else(|| at.node.get("name").map_or(at.head(), |n| n.span), At::head);
        let problem = walk.doc.problem(span, "this container has no `image`");
        walk.add(problem.why("The image is what the container runs; the API refuses a pod whose container has none.").fix(walk.doc.add(
            at.node,
            None,
            "image: …",
        )));
    }
}

pub fn env(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let has_value = at.node.get("value").is_some_and(|v| v.as_str().is_some_and(|s| !s.is_empty()));
    if has_value && at.node.get("valueFrom").is_some() {
        walk.only_one(at, &["value", "valueFrom"]);
    }
}

pub fn volume(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let sources: Vec<_> = at.node.entries().iter().filter(|e| e.key != "name" && !matches!(e.value.value, Value::Null)).collect();
    if let [first, second, ..] = sources.as_slice() {
        let problem = walk.doc.problem(second.key_span, format!("a volume has one source, and this has `{}` and `{}`", first.key, second.key));
        walk.add(problem.why("The API couldn't know which of the two to mount.").fix(format!("Make two volumes, or remove `{}`.", second.key)));
    }
}

pub fn probe(walk: &mut Walk<'_, '_>, at: At<'_>) {
    walk.only_one(at, HANDLERS);
    if matches!(at.node.value, Value::Map(_)) && !at.node.entries().iter().any(|e| HANDLERS.contains(&e.key.as_str())) {
        let problem = walk.doc.problem(at.head(), format!("`{}` doesn't say how to probe", at.name));
        let fix = walk.doc.add(at.node, at.key, "httpGet:\n  path: /healthz\n  port: 8080");
        walk.add(
            problem
                .why("A probe is an HTTP request, a TCP connection, a gRPC health check or a command; the API refuses one that is none of them.")
                .fix(fix),
        );
    }
    if let Some(grace) = at.given("terminationGracePeriodSeconds").filter(|_| at.name == "readinessProbe") {
        let why = "A failed readiness probe stops no container, so there is nothing to give time to.";
        walk.refuse(grace.head(), "`terminationGracePeriodSeconds` may not be set for a readinessProbe", why, "Remove it.");
    }
    if at.name != "readinessProbe"
        && let Some(threshold) = at.get("successThreshold")
        && threshold.node.as_i64().is_some_and(|n| n > 1)
    {
        let problem = walk.doc.problem(threshold.node.span, format!("`successThreshold` of a {} must be 1", at.name));
        walk.add(problem.why("One success proves the container alive; only readiness may ask for several.").fix("Remove `successThreshold`."));
    }
}

/// A selector that doesn't select its own template, and a restart policy that this kind can't have.
pub fn workload(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let Some(template) = at.get("template") else { return };
    let labels = template.node.path(&["metadata", "labels"]);
    let is_job = at.node.get("completions").is_some() || walk.kind == "Job" || walk.kind == "CronJob";
    if let Some(selector) = at.get("selector").filter(|_| !is_job) {
        let says = |key: &str| selector.node.get(key).is_some_and(|n| !n.entries().is_empty() || !n.items().is_empty());
        if matches!(selector.node.value, Value::Map(_)) && !says("matchLabels") && !says("matchExpressions") {
            let problem = walk.doc.problem(selector.head(), "this selector is empty");
            walk.add(
                problem
                    .why("An empty selector would take every pod of the namespace for the controller's own; the API refuses it.")
                    .fix("Write labels of the pod template under `matchLabels`."),
            );
        }
        for wanted in selector.node.get("matchLabels").map_or(&[][..], Node::entries) {
            let (Some(value), found) = (wanted.value.as_str(), labels.and_then(|l| l.get(&wanted.key))) else { continue };
            if found.and_then(Node::as_str) == Some(value) {
                continue;
            }
            let message = match found {
                Some(other) => {
                    format!("the selector wants `{}: {value}`, but the pods it makes have `{}: {}`", wanted.key, wanted.key, walk.doc.shown(other))
                }
                None => format!("the selector wants the label `{}: {value}`, but the pods it makes don't have it", wanted.key),
            };
            let fix = match found {
                Some(other) => walk.doc.replace(other.span, value),
                None => labels.map(|l| walk.doc.add(l, None, &format!("{}: {value}", wanted.key))),
            };
            let problem = walk.doc.problem(wanted.value.span, message).why("The controller counts its pods by this selector: if its own template doesn't match, the API refuses it, for it would make pods for ever.");
            walk.add(problem.fix(fix.unwrap_or_else(|| format!("Add the label `{}: {value}` under `template.metadata.labels`.", wanted.key))));
        }
    }
    let policy = template.node.path(&["spec", "restartPolicy"]);
    let (allowed, default): (&[&str], _) = if is_job { (&["OnFailure", "Never"], "OnFailure") } else { (&["Always"], "Always") };
    match policy {
        Some(node) if node.as_str().is_some_and(|p| !allowed.contains(&p)) => {
            let problem = walk.doc.problem(
                node.span,
                format!(
                    "the pods of a {} can't have restartPolicy `{}`: it must be {}",
                    walk.kind,
                    walk.doc.shown(node),
                    words::either(allowed.iter().copied())
                ),
            );
            let fix = walk.doc.replace(node.span, default).unwrap_or_else(|| format!("Write `{default}`."));
            walk.add(
                problem
                    .why("A service's pods are kept running; a job's pods end, and `Always` would start them again after they have succeeded.")
                    .fix(fix),
            );
        }
        None if is_job => {
            let Some(pod) = template.get("spec") else { return };
            let problem = walk
                .doc
                .problem(pod.head(), format!("the pods of a {} need a `restartPolicy`, which is `Always` unless you say otherwise", walk.kind));
            walk.add(problem.why("`Always` would start a job again after it has succeeded; the API refuses it.").fix(walk.doc.add(
                pod.node,
                pod.key,
                "restartPolicy: OnFailure",
            )));
        }
        _ => {}
    }
}

pub fn strategy(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if at.node.get("type").and_then(Node::as_str) == Some("Recreate")
        && let Some(rolling) = at.get("rollingUpdate")
    {
        let problem = walk.doc.problem(rolling.head(), "`rollingUpdate` may not be set when the type is `Recreate`");
        walk.add(
            problem
                .why("`Recreate` stops all pods before it starts new ones: there is nothing to roll.")
                .fix("Remove `rollingUpdate`, or make the type `RollingUpdate`."),
        );
    }
    if let Some(rolling) = at.given("rollingUpdate") {
        super::jobs::shares(walk, rolling, &["maxUnavailable"]);
        if let Some(node) = rolling.node.get("maxSurge").filter(|n| n.as_i64().is_some_and(|n| n < 0)) {
            walk.refuse(node.span, "`maxSurge` can't be negative", "It counts pods.", "Write 0 or more.");
        }
    }
    let zero = |key: &str| at.node.path(&["rollingUpdate", key]).is_some_and(|n| n.as_i64() == Some(0) || n.as_str() == Some("0%"));
    if zero("maxSurge")
        && zero("maxUnavailable")
        && let Some(rolling) = at.get("rollingUpdate")
    {
        let problem = walk.doc.problem(rolling.head(), "`maxSurge` and `maxUnavailable` can't both be 0");
        walk.add(
            problem.why("A roll-out must either start a pod more than wanted or stop one first.").fix("Set `maxUnavailable: 1`, or `maxSurge: 1`."),
        );
    }
}
