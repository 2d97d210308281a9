//! Limits of a namespace: what a quota counts and in which scopes, and ranges that contradict themselves.
use super::resources::is_extended;
use super::{At, Walk};
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::kubernetes::words;
use crate::engine::yaml::Node;

#[rustfmt::skip]
const COUNTED: &[&str] = &[
    "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu",
    "limits.memory", "limits.ephemeral-storage", "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
    "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
];
const OBJECTS: &[&str] = &[
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];
const COMPUTE: &[&str] = &["pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
const SCOPES: &[&str] =
    &["Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity", "VolumeAttributesClass"];

pub fn quota(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let hard = at.get("hard");
    for entry in hard.iter().flat_map(|h| h.node.entries()) {
        let huge = entry.key.starts_with("hugepages-") || entry.key.starts_with("requests.hugepages-");
        if !entry.key.contains('/') && !COUNTED.contains(&entry.key.as_str()) && !huge {
            let near = words::nearest(&entry.key, COUNTED.iter().copied());
            let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            let shown: String = entry.key.chars().take(60).collect();
            let fix = near.and_then(|n| walk.doc.replace(entry.key_span, n));
            walk.refuse(
                entry.key_span,
                format!("a quota can't count `{shown}`{asked}"),
                "The API knows the resources it counts by name; everything else is counted as `count/resource.group`.",
                fix.unwrap_or_else(|| format!("Write `count/{shown}.…` for objects, or one of {}.", words::either(COUNTED.iter().copied().take(6)))),
            );
        } else if OBJECTS.contains(&entry.key.as_str()) && Quantity::of(&entry.value).is_some_and(|q| !q.is_whole()) {
            let message = format!("`{}` must be a whole number", entry.key);
            walk.refuse(entry.value.span, message, "Objects are counted in pieces.", "Write a whole number.");
        }
    }
    let mut named: Vec<(&Node, &str)> = at.items("scopes").iter().filter_map(|s| Some((s, s.as_str()?))).collect();
    for node in at.node.path(&["scopeSelector", "matchExpressions"]).map_or(&[][..], Node::items) {
        let one = At { node, key: None, name: "matchExpressions" };
        let (scope, operator, values) = (one.text("scopeName"), one.text("operator"), one.items("values"));
        let span = node.get("operator").map_or(node.span, |n| n.span);
        if !matches!(scope, "PriorityClass" | "VolumeAttributesClass") && SCOPES.contains(&scope) && operator != "Exists" {
            walk.refuse(
                span,
                format!("the scope `{scope}` takes only `operator: Exists`"),
                "A pod is in it or not; there is nothing to compare.",
                "Write `operator: Exists`.",
            );
        } else if matches!(operator, "In" | "NotIn") && values.is_empty() {
            walk.refuse(span, format!("`{operator}` needs `values`"), "It compares with a list.", "Add `values: [ … ]`.");
        } else if matches!(operator, "Exists" | "DoesNotExist") && !values.is_empty() {
            walk.refuse(span, format!("`{operator}` takes no `values`"), "It only asks whether there is one.", "Remove `values`.");
        }
        named.extend(node.get("scopeName").and_then(|s| Some((s, s.as_str()?))));
    }
    for (node, scope) in named.iter().copied().take(50) {
        if !SCOPES.contains(&scope) {
            let problem = super::not_one_of(walk.doc, node, "the scope", SCOPES);
            walk.add(problem.why("The API refuses a scope it doesn't know."));
            continue;
        }
        let fits: &[&str] = match scope {
            "BestEffort" => &["pods"],
            "VolumeAttributesClass" => &["persistentvolumeclaims", "requests.storage"],
            _ => COMPUTE,
        };
        let off = hard.iter().flat_map(|h| h.node.entries()).find(|e| COUNTED.contains(&e.key.as_str()) && !fits.contains(&e.key.as_str()));
        if let Some(off) = off {
            let message = format!("a quota of the scope `{scope}` can't count `{}`", off.key);
            walk.refuse(
                off.key_span,
                message,
                "A scope picks pods, so only what pods have can be counted in it.",
                format!("Count {}, or make a quota of its own.", words::either(fits.iter().copied())),
            );
        }
        let opposite = match scope {
            "BestEffort" => "NotBestEffort",
            "Terminating" => "NotTerminating",
            _ => continue,
        };
        if named.iter().take(50).any(|(_, s)| *s == opposite) {
            walk.refuse(
                node.span,
                format!("the scopes `{scope}` and `{opposite}` exclude each other"),
                "No pod is in both; the API refuses the quota.",
                "Keep one of them.",
            );
        }
    }
}

/// Least, most and what is filled in must be in order.
pub fn range(walk: &mut Walk<'_, '_>, at: At<'_>) {
    const ORDER: &[(&str, &str)] = &[
        ("min", "max"),
        ("min", "defaultRequest"),
        ("defaultRequest", "max"),
        ("defaultRequest", "default"),
        ("min", "default"),
        ("default", "max"),
    ];
    let kind = at.text("type");
    if kind == "Pod" {
        for key in ["default", "defaultRequest"] {
            if let Some(wrong) = at.get(key).filter(|d| !d.node.entries().is_empty()) {
                let why = "What is filled in is filled into containers; the API refuses it for pods.";
                walk.refuse(
                    wrong.head(),
                    format!("`{key}` may not be set when the type is `Pod`"),
                    why,
                    "Move it to a limit of the type `Container`.",
                );
            }
        }
    }
    let amount = |key: &str, resource: &str| at.node.path(&[key, resource]).and_then(Quantity::of);
    if kind == "PersistentVolumeClaim" && amount("min", "storage").is_none() && amount("max", "storage").is_none() {
        let fix = walk.doc.add(at.node, at.key, "max:\n  storage: 100Gi");
        walk.refuse(at.head(), "a limit of claims needs `min` or `max` for `storage`", "There is nothing else to limit in a claim.", fix);
    }
    if matches!(kind, "Pod" | "Container") {
        for entry in
            ["min", "max", "default", "defaultRequest", "maxLimitRequestRatio"].iter().filter_map(|k| at.get(k)).flat_map(|m| m.node.entries())
        {
            super::resources::known(walk, entry);
        }
    }
    for (low, high) in ORDER {
        for entry in at.node.get(low).map_or(&[][..], Node::entries) {
            if let (Some(a), Some(b)) = (Quantity::of(&entry.value), amount(high, &entry.key))
                && a > b
            {
                let message = format!("`{low}` of `{}` is above its `{high}`", entry.key);
                walk.refuse(
                    entry.value.span,
                    message,
                    "The API refuses limits that no container could keep.",
                    format!("Write at most what `{high}` says."),
                );
            }
        }
    }
    for entry in at.node.get("defaultRequest").map_or(&[][..], Node::entries).iter().filter(|e| is_extended(&e.key)) {
        if let (Some(a), Some(b)) = (Quantity::of(&entry.value), amount("default", &entry.key))
            && a != b
        {
            let message = format!("`defaultRequest` of `{}` must equal its `default`", entry.key);
            walk.refuse(entry.value.span, message, "Devices can't be overcommitted: request and limit are one number.", "Write the same number.");
        }
    }
    for entry in at.node.get("maxLimitRequestRatio").map_or(&[][..], Node::entries) {
        let ratio = Quantity::of(&entry.value);
        if ratio.is_some_and(|r| r < Quantity::whole(1)) {
            walk.refuse(
                entry.value.span,
                format!("the ratio for `{}` must be at least 1", entry.key),
                "A limit is never below its request.",
                "Write 1 or more.",
            );
        }
    }
}
