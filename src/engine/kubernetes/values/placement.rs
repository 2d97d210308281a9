//! Where pods may run: node and pod affinity, spread over domains, tolerations.
use super::shapes::{Spelling, spelled};
use super::{At, Walk};
use crate::engine::yaml::{Node, Value};
use std::collections::HashMap;

/// Values of labels that a node must have are spelled as such; those that are only preferred may be anything.
pub fn node_affinity(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let terms = at.node.path(&["requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"]).map_or(&[][..], Node::items);
    for requirement in terms.iter().flat_map(|t| t.get("matchExpressions").map_or(&[][..], Node::items)) {
        for value in requirement.get("values").map_or(&[][..], Node::items) {
            if walk.is_full() {
                return;
            }
            if let Some(text) = value.as_str().filter(|t| !t.is_empty()) {
                spelled(walk, value, "values", text, Spelling::LabelValue);
            }
        }
    }
}

/// The operator and its values.
pub fn requirement(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let (operator, values) = (at.text("operator"), at.items("values"));
    let span = at.get("operator").map_or(at.head(), |o| o.node.span);
    if at.name == "matchFields" {
        if let Some(key) = at.get("key").filter(|k| k.node.as_str().is_some_and(|t| t != "metadata.name")) {
            let why = "The scheduler knows nodes by their labels, and of their fields by the name alone.";
            walk.refuse(
                key.node.span,
                format!("`{}` is no field a node can be picked by", walk.doc.shown(key.node)),
                why,
                "Write `metadata.name`, or use `matchExpressions` for labels.",
            );
        }
        if !matches!(operator, "In" | "NotIn" | "") {
            walk.refuse(span, format!("`{operator}` can't be used with `matchFields`"), "A name is compared, no more.", "Write `In` or `NotIn`.");
        } else if values.len() != 1 {
            walk.refuse(
                span,
                "`matchFields` takes exactly one value",
                "A term picks one node by its name.",
                "Write one name; make a term of its own for each node.",
            );
        }
        return;
    }
    let number = |n: &Node| n.as_str().is_some_and(|t| t.parse::<i64>().is_ok());
    let (message, fix) = match operator {
        "In" | "NotIn" if values.is_empty() => (format!("`{operator}` needs `values`"), "Add `values: [ … ]`."),
        "Exists" | "DoesNotExist" if !values.is_empty() => (format!("`{operator}` takes no `values`"), "Remove `values`."),
        "Gt" | "Lt" if values.len() != 1 => (format!("`{operator}` takes exactly one value"), "Write one whole number in quotes: `values: [\"8\"]`."),
        // The API takes it, but no node will ever match.
        "Gt" | "Lt" if !values.iter().all(number) => return,
        _ => return,
    };
    let why = "`In` and `NotIn` compare with a list, `Gt` and `Lt` with one number, `Exists` and `DoesNotExist` only ask whether the label is there.";
    walk.refuse(span, message, why, fix);
}

pub fn pod_term(walk: &mut Walk<'_, '_>, at: At<'_>) {
    keys(walk, at, "matchLabelKeys");
    keys(walk, at, "mismatchLabelKeys");
    let other = at.items("mismatchLabelKeys");
    for key in at.items("matchLabelKeys").iter().take(100) {
        if other.iter().take(100).any(|o| o.as_str().is_some() && o.as_str() == key.as_str()) {
            let message = format!("`{}` is in both `matchLabelKeys` and `mismatchLabelKeys`", walk.doc.shown(key));
            walk.refuse(key.span, message, "A label can't be the same and another at once.", "Remove it from one of them.");
        }
    }
}

/// Keys whose values are taken from the pod belong to a selector.
fn keys(walk: &mut Walk<'_, '_>, at: At<'_>, name: &'static str) {
    if let Some(list) = at.get(name).filter(|l| !l.node.items().is_empty())
        && at.given("labelSelector").is_none()
    {
        let fix = walk.doc.add(at.node, at.key, "labelSelector: {}");
        walk.refuse(list.head(), format!("`{name}` needs a `labelSelector`"), "The keys narrow a selector down; the API refuses them alone.", fix);
    }
}

pub fn spread(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let mut seen: HashMap<(&str, &str), ()> = HashMap::new();
    for node in at.items("topologySpreadConstraints") {
        let one = At { node, key: None, name: "topologySpreadConstraints" };
        let (key, action) = (one.text("topologyKey"), one.text("whenUnsatisfiable"));
        if !key.is_empty() && seen.insert((key, action), ()).is_some() {
            let span = node.get("topologyKey").map_or(node.span, |n| n.span);
            let message = format!("a second constraint spreads over `{key}` with `{action}`");
            walk.refuse(
                span,
                message,
                "The API tells constraints apart by `topologyKey` and `whenUnsatisfiable` and refuses two with both the same.",
                "Make one of the two.",
            );
        }
        if let Some(least) = one.given("minDomains").filter(|_| action == "ScheduleAnyway") {
            let fix = "Remove `minDomains`, or write `whenUnsatisfiable: DoNotSchedule`.";
            walk.refuse(
                least.head(),
                "`minDomains` needs `whenUnsatisfiable: DoNotSchedule`",
                "Too few domains keep a pod from being placed; `ScheduleAnyway` places it all the same.",
                fix,
            );
        }
        keys(walk, one, "matchLabelKeys");
    }
}

pub fn toleration(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let (operator, value) = (at.text("operator"), at.node.entry("value"));
    if operator == "Exists"
        && let Some(value) = value.filter(|v| v.value.as_str().is_some_and(|t| !t.is_empty()))
    {
        let fix = walk.doc.without_line(value.key_span.start.line).filter(|_| value.key_span.start.line != at.node.span.start.line);
        walk.refuse(
            value.key_span,
            "a toleration with `operator: Exists` takes no `value`",
            "`Exists` tolerates the taint whatever its value is; the API refuses the two together.",
            fix.unwrap_or_else(|| "Remove `value`.".into()),
        );
    }
    if matches!(operator, "" | "Equal")
        && let Some((node, text)) = value.and_then(|v| Some((&v.value, v.value.as_str()?))).filter(|(_, t)| !t.is_empty())
    {
        spelled(walk, node, "value", text, Spelling::LabelValue);
    }
    if matches!(operator, "Lt" | "Gt") && walk.minor <= 36 {
        let span = at.get("operator").map_or(at.head(), |o| o.node.span);
        let why = "Comparing numbers is behind the feature gate TaintTolerationComparisonOperators, which is off unless a cluster turns it on; the API refuses the word then.";
        walk.refuse(span, format!("`{operator}` is not taken by a cluster as it comes"), why, "Write `Equal` or `Exists`.");
    }
    if let Some(seconds) = at.given("tolerationSeconds").filter(|_| at.text("effect") != "NoExecute") {
        walk.refuse(
            seconds.head(),
            "`tolerationSeconds` needs the effect `NoExecute`",
            "Only `NoExecute` puts out pods that run already, so only there can they be given time; the API refuses the field with any other effect.",
            "Remove `tolerationSeconds`, or write `effect: NoExecute`.",
        );
    }
    if at.text("key").is_empty() && operator != "Exists" && matches!(at.node.value, Value::Map(_)) {
        walk.refuse(
            at.head(),
            "a toleration without a `key` needs `operator: Exists`",
            "Without a key a toleration is for every taint, and the API wants that said in so many words.",
            "Write the taint's `key`, or `operator: Exists` if every taint is meant.",
        );
    }
}
