//! Autoscalers: what they hold near which number, and how fast they may move.
use super::shapes::is_empty;
use super::{At, Walk};
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::kubernetes::words;
use crate::engine::yaml::{Node, Value};

/// The type of a metric and the field that goes with it.
const SOURCES: &[(&str, &str)] =
    &[("Resource", "resource"), ("ContainerResource", "containerResource"), ("Pods", "pods"), ("Object", "object"), ("External", "external")];

pub fn check(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let (least, most) = (at.number("minReplicas"), at.number("maxReplicas"));
    if let (Some(a), Some(b), Some(node)) = (least, most, at.get("maxReplicas"))
        && a > b
    {
        let fix = walk.doc.replace(node.node.span, &a.to_string()).unwrap_or_else(|| format!("Write {a} or more."));
        let message = format!("`maxReplicas` ({b}) is below `minReplicas` ({a})");
        walk.refuse(node.node.span, message, "The API refuses a range with nothing in it.", fix);
    }
    if let (Some(0), Some(node)) = (least, at.get("minReplicas")) {
        walk.refuse(
            node.node.span,
            "`minReplicas` must be at least 1",
            "Scaling to nothing is behind the feature gate HPAScaleToZero, which is off unless a cluster turns it on; the API refuses 0 then. KEDA's ScaledObject can do it.",
            "Write 1 or more.",
        );
    }
    if let Some(target) = at.get("scaleTargetRef")
        && let Some(api) = target.get("apiVersion")
        && api.node.as_str().is_some_and(|t| t.matches('/').count() > 1)
    {
        walk.refuse(
            api.node.span,
            format!("`{}` is no API version", walk.doc.shown(api.node)),
            "It is a group, a slash and a version.",
            "Write `apps/v1`.",
        );
    }
}

/// One source, the one that the type names, and a number to aim at.
pub fn metric(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let kind = at.text("type");
    let Some((_, wanted)) = SOURCES.iter().find(|(k, _)| *k == kind) else { return };
    for (_, other) in SOURCES.iter().filter(|(_, f)| f != wanted) {
        if let Some(wrong) = at.given(other) {
            let message = format!("`{other}` may not stand in a metric of the type `{kind}`");
            let why = "A metric has one source, and its type says which; the API refuses another beside it.";
            let right = SOURCES.iter().find(|(_, f)| f == other).map_or("", |(k, _)| k);
            walk.refuse(wrong.head(), message, why, format!("Write `type: {right}`, or move it to `{wanted}`."));
        }
    }
    let Some(source) = at.given(wanted) else {
        let fix = walk.doc.add(at.node, at.key, &format!("{wanted}: …"));
        return walk.refuse(
            at.head(),
            format!("a metric of the type `{kind}` needs `{wanted}`"),
            "It says what is measured and what number to hold.",
            fix,
        );
    };
    let Some(target) = source.given("target") else { return };
    aim(walk, target, kind);
}

fn aim(walk: &mut Walk<'_, '_>, target: At<'_>, kind: &str) {
    // The type of the target is not compared with what is set.
    let (aims, both): (&[&str], _) = match kind {
        "Resource" | "ContainerResource" => (&["averageUtilization", "averageValue"], false),
        "Pods" => (&["averageValue"], true),
        "Object" => (&["value", "averageValue"], true),
        _ => (&["value", "averageValue"], false),
    };
    if !both {
        walk.only_one(target, aims);
    }
    if matches!(target.node.value, Value::Map(_)) && aims.iter().all(|a| target.given(a).is_none()) {
        let says = match aims {
            [one, other] => format!("says neither `{one}` nor `{other}`"),
            _ => format!("doesn't say {}", words::either(aims.iter().copied())),
        };
        let fix = walk.doc.add(target.node, target.key, &format!("{}: {}", aims.first().unwrap_or(&"value"), 70));
        walk.refuse(
            target.head(),
            format!("`target` {says}"),
            "The autoscaler holds the average of the pods near a number, and the API refuses a metric without one.",
            fix,
        );
    }
    for value in ["value", "averageValue"].iter().filter_map(|k| target.get(k)) {
        if Quantity::of(value.node).is_some_and(Quantity::is_zero) {
            walk.refuse(
                value.node.span,
                format!("`{}` must be more than 0", value.name),
                "Nothing can be divided by a target of 0.",
                "Write a number above 0.",
            );
        }
    }
}

/// Rules without policies would never let it move; left out they are filled in.
pub fn rules(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if let Some(policies) = at.get("policies").filter(|p| matches!(p.node.value, Value::Seq(_)) && is_empty(p.node)) {
        let why = "An empty list allows no step at all; left out it is filled in. To forbid this direction there is `selectPolicy: Disabled`.";
        walk.refuse(policies.head(), "`policies` is empty", why, "Write a policy, or remove `policies`.");
    }
    if let Some(tolerance) = at.get("tolerance").map(|t| t.node).filter(|t: &&Node| Quantity::of(t).is_some_and(Quantity::is_negative)) {
        walk.refuse(tolerance.span, "`tolerance` can't be negative", "It is how far off the target still counts as right.", "Write 0 or more.");
    }
}
