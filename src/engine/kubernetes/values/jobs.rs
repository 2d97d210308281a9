//! Controllers: Jobs and CronJobs, selectors against templates, how roll-outs step.
use super::{At, Walk};
use crate::engine::kubernetes::objects::{labels_of, selects};
use crate::engine::yaml::{Node, Value};
use std::collections::HashSet;

/// Deployments, ReplicaSets, StatefulSets and DaemonSets.
pub fn controller(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if let Some(deadline) =
        at.node.path(&["template", "spec"]).and_then(|s| s.entry("activeDeadlineSeconds")).filter(|e| !matches!(e.value.value, Value::Null))
    {
        walk.refuse(
            deadline.key_span,
            format!("the pods of a {} can't have `activeDeadlineSeconds`", walk.kind),
            "They are kept running, so they have no deadline; the API takes it in pods and jobs only.",
            "Remove `activeDeadlineSeconds`.",
        );
    }
    // What `matchLabels` misses is said label by label.
    if let (Some(selector), Some(template)) = (at.given("selector"), at.given("template"))
        && let Some(rules) = selector.get("matchExpressions").filter(|r| !r.node.items().is_empty())
    {
        let labels = labels_of(template.node);
        let known = |n: &Node| matches!(n.get("operator").and_then(Node::as_str), Some("In" | "NotIn" | "Exists" | "DoesNotExist"));
        let alone = |n: &Node| selects(&wrapped(n), &labels);
        if let Some(off) = rules.node.items().iter().take(100).find(|n| known(n) && !alone(n)) {
            walk.refuse(
                off.get("key").map_or(off.span, |k| k.span),
                "the selector's `matchExpressions` don't match the pods it makes",
                "The controller counts its pods by this selector: if its own template doesn't match, the API refuses it.",
                "Give the template's `metadata.labels` what the expression asks for.",
            );
        }
    }
    if walk.kind == "Deployment" {
        let (deadline, ready) = (at.number("progressDeadlineSeconds").unwrap_or(600), at.number("minReadySeconds").unwrap_or(0));
        if deadline <= ready {
            let span = at.get("progressDeadlineSeconds").or_else(|| at.get("minReadySeconds")).map_or(at.head(), |n| n.node.span);
            let message = format!("`progressDeadlineSeconds` ({deadline}) must be more than `minReadySeconds` ({ready})");
            walk.refuse(
                span,
                message,
                "A pod counts as available only after `minReadySeconds`; the roll-out would always be given up before.",
                format!("Write `progressDeadlineSeconds: {}` or more.", ready.saturating_add(1)),
            );
        }
    }
}

/// A selector of this expression alone.
fn wrapped(expression: &Node) -> Node {
    let list = Node { value: Value::Seq(vec![expression.clone()]), ..expression.clone() };
    let entry = crate::engine::yaml::Entry { key: "matchExpressions".into(), key_span: expression.span, value: list };
    Node { value: Value::Map(vec![entry]), ..expression.clone() }
}

/// Numbers and shares of a roll-out or a budget.
pub fn shares(walk: &mut Walk<'_, '_>, at: At<'_>, names: &[&str]) {
    for name in names {
        let Some(node) = at.node.get(name) else { continue };
        if node.as_i64().is_some_and(|n| n < 0) {
            walk.refuse(node.span, format!("`{name}` can't be negative"), "It counts pods.", "Write 0 or more.");
        } else if node.as_str().and_then(|t| t.strip_suffix('%')?.parse::<u64>().ok()).is_some_and(|n| n > 100) {
            walk.refuse(node.span, format!("`{name}` can't be more than 100%"), "There are no more pods than all.", "Write `100%` or less.");
        }
    }
}

/// How StatefulSets and DaemonSets are rolled out.
pub fn strategy(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let Some(rolling) = at.given("rollingUpdate") else { return };
    if at.text("type") == "OnDelete" && walk.kind == "StatefulSet" {
        let why = "`OnDelete` leaves it to you when a pod is replaced; the API refuses both.";
        return walk.refuse(
            rolling.head(),
            "`rollingUpdate` may not be set when the type is `OnDelete`",
            why,
            "Remove `rollingUpdate`, or make the type `RollingUpdate`.",
        );
    }
    let amount = |key: &str| rolling.node.get(key).and_then(|n| n.as_i64().or_else(|| n.as_str()?.strip_suffix('%')?.parse().ok()));
    shares(walk, rolling, &["maxUnavailable"]);
    if walk.kind == "StatefulSet" {
        if let Some(zero) = rolling.get("maxUnavailable").filter(|_| amount("maxUnavailable") == Some(0)) {
            walk.refuse(
                zero.node.span,
                "`maxUnavailable` can't be 0",
                "A StatefulSet stops a pod before it starts its successor.",
                "Write 1 or more.",
            );
        }
        return;
    }
    if walk.kind != "DaemonSet" || at.text("type") == "OnDelete" {
        return;
    }
    let (unavailable, surge) = (amount("maxUnavailable").unwrap_or(1), amount("maxSurge").unwrap_or(0));
    shares(walk, rolling, &["maxSurge"]);
    if unavailable != 0 && surge != 0 {
        let span = rolling.get("maxSurge").map_or(rolling.head(), At::head);
        let also = if rolling.get("maxUnavailable").is_none() { ", which is 1 unless you say otherwise" } else { "" };
        let message = format!("`maxSurge` may not be set beside `maxUnavailable`{also}");
        walk.refuse(
            span,
            message,
            "A node gets its new pod either before the old one ends or after; the API refuses both.",
            "Write `maxUnavailable: 0`, or remove `maxSurge`.",
        );
    } else if unavailable == 0 && surge == 0 {
        walk.refuse(
            rolling.head(),
            "`maxSurge` and `maxUnavailable` can't both be 0",
            "A roll-out must either start a pod first or stop one.",
            "Set `maxUnavailable: 1`, or `maxSurge: 1`.",
        );
    }
}

pub fn job(walk: &mut Walk<'_, '_>, at: At<'_>) {
    const INDEXED: &str = "Only the pods of an indexed job have numbers that could be counted one by one; the API refuses it otherwise.";
    let indexed = at.text("completionMode") == "Indexed";
    if indexed && at.given("completions").is_none() {
        let span = at.get("completionMode").map_or(at.head(), |m| m.node.span);
        let fix = walk.doc.add(at.node, at.key, "completions: 4");
        walk.refuse(span, "the mode `Indexed` needs `completions`", "The pods are numbered from 0 up to it.", fix);
    }
    for key in ["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"].into_iter().filter(|_| !indexed) {
        if let Some(set) = at.given(key) {
            walk.refuse(
                set.head(),
                format!("`{key}` needs `completionMode: Indexed`"),
                INDEXED,
                format!("Add `completionMode: Indexed`, or remove `{key}`."),
            );
        }
    }
    if let Some(most) = at.given("maxFailedIndexes").filter(|_| indexed && at.given("backoffLimitPerIndex").is_none()) {
        walk.refuse(
            most.head(),
            "`maxFailedIndexes` needs `backoffLimitPerIndex`",
            "An index counts as failed once its retries are used up.",
            "Add `backoffLimitPerIndex: 1`.",
        );
    }
    if let Some(policy) = at.given("podFailurePolicy") {
        failure_policy(walk, at, policy);
    }
    if let Some(replacement) =
        at.get("podReplacementPolicy").filter(|r| at.given("podFailurePolicy").is_some() && r.node.as_str() == Some("TerminatingOrFailed"))
    {
        let why = "A failure policy can judge a pod only when it has ended.";
        walk.refuse(replacement.node.span, "`podReplacementPolicy` must be `Failed` beside a `podFailurePolicy`", why, "Write `Failed`.");
    }
    selector(walk, at);
}

fn failure_policy(walk: &mut Walk<'_, '_>, at: At<'_>, policy: At<'_>) {
    let template = at.node.path(&["template", "spec"]);
    if let Some(restart) = template.and_then(|t| t.get("restartPolicy")).filter(|r| r.as_str() == Some("OnFailure")) {
        let fix = walk.doc.replace(restart.span, "Never").unwrap_or_else(|| "Write `Never`.".into());
        walk.refuse(
            restart.span,
            "`podFailurePolicy` needs `restartPolicy: Never`",
            "The kubelet would start a failed container again before the policy sees it.",
            fix,
        );
    }
    let names: HashSet<&str> = template
        .iter()
        .flat_map(|t| ["containers", "initContainers"].iter().filter_map(|k| t.get(k)).flat_map(Node::items))
        .filter_map(|c| c.get("name")?.as_str())
        .collect();
    for codes in policy.items("rules").iter().take(50).filter_map(|r| r.get("onExitCodes")) {
        if let Some(name) = codes.get("containerName").filter(|n| n.as_str().is_some_and(|t| !names.contains(t))) {
            let message = format!("no container of this job is named `{}`", walk.doc.shown(name));
            walk.refuse(name.span, message, "The exit code is that of a container of the template.", "Write the name of a container.");
        }
        let listed: Vec<(&Node, i64)> = codes.get("values").map_or(&[][..], Node::items).iter().filter_map(|n| Some((n, n.as_i64()?))).collect();
        let is_in = codes.get("operator").and_then(Node::as_str) == Some("In");
        if let Some((zero, _)) = listed.iter().find(|(_, n)| is_in && *n == 0) {
            walk.refuse(zero.span, "`In` can't list the exit code 0", "0 is success, and the policy is about failures.", "Remove 0.");
        }
        if let Some(pair) = listed.windows(2).find(|p| p[0].1 >= p[1].1) {
            let message = if pair[0].1 == pair[1].1 { "an exit code is listed twice" } else { "exit codes must be in ascending order" };
            walk.refuse(pair[1].0.span, message, "The API refuses a list that is not in order.", "Put them in order, each once.");
        }
    }
}

/// A job finds its pods by labels that the API makes up.
fn selector(walk: &mut Walk<'_, '_>, at: At<'_>) {
    const WHY: &str = "The API gives the pods of each job a label of their own and selects by it, so that jobs never take each other's pods.";
    let Some(selector) = at.given("selector") else { return };
    if walk.kind == "CronJob" {
        walk.refuse(selector.head(), "the jobs of a CronJob can't have a `selector`", WHY, "Remove `selector`.");
    } else if walk.kind == "Job" && !at.is_true("manualSelector") && !selector.node.entries().is_empty() {
        walk.refuse(selector.head(), "a Job's `selector` is made by the API", WHY, "Remove `selector`.");
    }
}

pub fn cron_job(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if let Some(manual) = at.node.path(&["jobTemplate", "spec"]).and_then(|s| s.entry("manualSelector")).filter(|m| m.value.as_bool() == Some(true)) {
        walk.refuse(
            manual.key_span,
            "the jobs of a CronJob can't have `manualSelector: true`",
            "Each run is a job with a selector of its own.",
            "Remove `manualSelector`.",
        );
    }
    if let Some(zone) = at.given("timeZone")
        && let Some(text) = zone.node.as_str()
        && (text.eq_ignore_ascii_case("local") || jiff::tz::TimeZone::get(text).is_err())
    {
        let why = "The controller reads the schedule in this zone; the API refuses one that is not in the IANA database.";
        walk.refuse(
            zone.node.span,
            format!("`timeZone` is `{}`, which is no time zone", walk.doc.shown(zone.node)),
            why,
            "Write a name such as `Europe/Berlin` or `Etc/UTC`.",
        );
    }
    if let Some(name) = walk.root.path(&["metadata", "name"])
        && name.as_str().is_some_and(|n| n.len() > 52)
    {
        let why = "Each run is a Job named after it with 11 more characters, and a Job's name has 63 at most.";
        walk.refuse(name.span, "the name of a CronJob may have 52 characters at most", why, "Shorten it.");
    }
}
