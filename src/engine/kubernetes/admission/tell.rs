//! What a student reads: each refusal in the API server's words, where it comes from, and the way out.
use super::amount::Usage;
use super::policies::Refused;
use super::quota::{Over, Quota};
use super::ranges::Outside;
use super::room::Level;
use super::security::Violation;
use crate::engine::figure::{self, Share};
use crate::engine::kubernetes::demand::Pods;
use crate::engine::kubernetes::objects::{Container, Object, Pod};
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::report::Problem;
use crate::engine::yaml::{Node, Span};

/// Who makes an object's pods, and so where `kubectl` shows why one wasn't made.
fn maker(object: &Object<'_>) -> Option<&'static str> {
    Some(match object.kind {
        "Pod" => return None,
        "Deployment" | "Rollout" => "ReplicaSet",
        "StatefulSet" => "StatefulSet",
        "DaemonSet" => "DaemonSet",
        "ReplicaSet" => "ReplicaSet",
        "ReplicationController" => "ReplicationController",
        "Job" | "CronJob" => "Job",
        _ => "controller",
    })
}

/// How to see it for oneself, as the end of a reason.
fn seen(object: &Object<'_>) -> String {
    match maker(object) {
        None => "`kubectl apply` says so at once.".into(),
        Some(maker) => {
            let accepted = format!("The {} itself is accepted, and `kubectl apply` says nothing", object.kind);
            format!("{accepted}: the refusal stands in the events of its {maker} (`kubectl get events --field-selector reason=FailedCreate`).")
        }
    }
}

/// `Pod `a` is refused`, `the pods of Deployment `a` are refused`.
fn refused(object: &Object<'_>) -> String {
    match maker(object) {
        _ if object.pods.is_empty() => format!("{} is refused", object.title()),
        None => format!("{} is refused", object.title()),
        Some(_) => format!("the pods of {} are refused", object.title()),
    }
}

pub fn policy(object: &Object<'_>, found: Refused) -> Problem {
    let message = format!("{} by the sandbox's policy: {}", refused(object), found.message);
    object.problem(found.at, message).why(found.why).fix(found.fix)
}

pub fn violation(object: &Object<'_>, level: Level, found: Violation) -> Problem {
    let message = format!("{}: violates PodSecurity \"{}:latest\": {}", refused(object), level.word(), found.words());
    let told = match maker(object) {
        None => String::new(),
        Some(maker) => {
            format!(" `kubectl apply` warns and accepts the {}; its pods are refused in the events of its {maker}.", object.kind)
        }
    };
    object.problem(found.at, message).why(format!("{}{told}", found.why)).fix(found.fix)
}

pub fn outside(object: &Object<'_>, found: &Outside) -> Problem {
    let message = format!("{}: {}", refused(object), found.message);
    let resource = &found.resource;
    let (why, fix) = match &found.bound {
        Some(bound) => (
            "The namespace's LimitRange bounds what one of them may ask for, so that none takes all there is.",
            if found.message.starts_with("minimum") {
                format!("Ask for at least {bound} of {resource}.")
            } else {
                format!("Ask for at most {bound} of {resource}.")
            },
        ),
        None => (
            "A container without a limit gets the LimitRange's default, and a request can't be above the limit.",
            format!("State `limits.{resource}` beside the request."),
        ),
    };
    let why = if object.pods.is_empty() { why.to_owned() } else { format!("{why} {}", seen(object)) };
    object.problem(found.at, message).why(why).fix(fix)
}

pub fn unstated(object: &Object<'_>, message: &str, container: &Container<'_>) -> Problem {
    let why = format!("A quota that counts CPU or memory asks every container to state it, unless a LimitRange has a default. {}", seen(object));
    let fix = "State requests and limits of CPU and memory under `resources` of each container.";
    object.problem(container.nearest(&["resources"]), format!("{}: {message}", refused(object))).why(why).fix(fix)
}

/// An object that its quota doesn't take.
pub fn object_over(object: &Object<'_>, over: &Over) -> Problem {
    let written = match over.resource.as_str() {
        "services.loadbalancers" | "services.nodeports" => object.node.path(&["spec", "type"]),
        resource if resource.ends_with("requests.storage") => object.node.path(&["spec", "resources", "requests", "storage"]),
        _ => None,
    };
    let at = written.map_or(object.head(), |n| n.span);
    let fix = match over.resource.as_str() {
        "services.loadbalancers" | "services.nodeports" => object.doc.replace(at, "ClusterIP").filter(|_| written.is_some()),
        resource if resource.ends_with("requests.storage") => Some(format!("There are {} left.", left(over))),
        _ => None,
    };
    let fix = fix.unwrap_or_else(|| "Hand in fewer of them, or put what belongs together into one.".into());
    let why = "A quota counts what a namespace holds; what would go above is refused as a whole, whoever asks.";
    object.problem(at, format!("{} is refused: {}", object.title(), over.message)).why(why).fix(fix)
}

/// Pods that a quota doesn't take.
pub fn pods_over(pods: &Pods<'_, '_>, fit: u64, over: &Over) -> Problem {
    let (object, count) = (pods.object, pods.count);
    let which = match (maker(object), count - fit) {
        (None, _) => format!("{} is refused", object.title()),
        (_, _) if count == 1 => format!("the pod of {} is refused", object.title()),
        (_, _) if fit == 0 => format!("all {count} pods of {} are refused", object.title()),
        (_, 1) => format!("pod {count} of {count} of {} is refused", object.title()),
        (_, _) => format!("pods {} to {count} of {count} of {} are refused", fit + 1, object.title()),
    };
    let at = largest(pods.pod, &over.resource).unwrap_or_else(|| object.head());
    let why = format!("A quota is counted as each pod is made. {}", seen(object));
    object.problem(at, format!("{which}: {}", over.message)).why(why).fix(way_out(pods, fit, over, at))
}

/// Where the largest part of what one pod asks of a resource is written.
fn largest<'a>(pod: &Pod<'a>, resource: &str) -> Option<Span> {
    let (side, name) = match resource.split_once('.') {
        Some(("limits", name)) => ("limits", name),
        Some(("requests", name)) => ("requests", name),
        _ if matches!(resource, "pods" | "count/pods") => return None,
        _ => ("requests", resource),
    };
    let written = |c: Container<'a>| if side == "limits" { c.limit(name) } else { c.request(name).or_else(|| c.limit(name)) };
    let amount = |c: &&Container<'a>| written(**c).and_then(Quantity::of);
    let first_of_largest = pod.containers.iter().rev().max_by_key(amount)?;
    Some(written(*first_of_largest).map_or_else(|| first_of_largest.nearest(&["resources", side]), |n| n.span))
}

fn left(over: &Over) -> String {
    super::amount::Amount { n: over.hard.n.minus(over.used.n), ..over.hard }.written()
}

fn way_out(pods: &Pods<'_, '_>, fit: u64, over: &Over, at: Span) -> String {
    let doc = &pods.object.doc;
    let resource = over.resource.trim_start_matches("requests.").trim_start_matches("limits.");
    if over.hard.n.is_zero() {
        return format!("This preset grants no `{resource}`: leave it out.");
    }
    let replicas = pods.object.node.path(&["spec", "replicas"]).filter(|_| pods.object.replicas().is_some());
    if let Some(diff) = replicas.filter(|_| fit > 0).and_then(|n| doc.replace(n.span, &fit.to_string())) {
        return diff;
    }
    if over.asked.n > over.hard.n
        && let Some(diff) = doc.written(at).and_then(|_| doc.replace(at, &over.hard.written()))
    {
        return diff;
    }
    format!("Ask for less `{resource}`: {} of {} are left when this pod comes.", left(over), over.hard.written())
}

pub fn claims_over(object: &Object<'_>, template: &Node, pods: u64, fit: u64, over: &Over) -> Problem {
    let name = template.path(&["metadata", "name"]).and_then(Node::as_str).unwrap_or("");
    let written = template.path(&["spec", "resources", "requests", "storage"]).or_else(|| template.path(&["metadata", "name"]));
    let message = format!("{fit} of {pods} claims `{name}` of {} are made, the next is refused: {}", object.title(), over.message);
    object
        .problem(written.unwrap_or(template).span, message)
        .why(format!("A StatefulSet makes a claim for each pod, and makes no pod without it. {}", seen(object)))
        .fix(format!("Have fewer replicas, or smaller claims: {} of {} are left.", left(over), over.hard.written()))
}

/// A roll-out that never ends: it waits for a pod that the quota doesn't let in.
pub fn stuck(pods: &Pods<'_, '_>, over: &Over) -> Problem {
    let object = pods.object;
    let strategy = object.node.path(&["spec", "strategy"]);
    let written = strategy.and_then(|s| s.path(&["rollingUpdate", "maxSurge"]).or_else(|| s.path(&["rollingUpdate", "maxUnavailable"])));
    let at = written.map(|n| n.span).or_else(|| object.node.path(&["spec", "replicas"]).map(|n| n.span)).unwrap_or_else(|| object.head());
    let (n, them) = (pods.count, if pods.count == 1 { "its pod fits" } else { "its pods fit" });
    let message = format!(
        "{} can be started but never updated: {them} the quota, the one more that a roll-out begins with doesn't: {}",
        object.title(),
        over.message
    );
    let diff = match (object.node.entry("spec"), strategy) {
        (Some(spec), None) => {
            Some(object.doc.add(&spec.value, Some(spec.key_span), "strategy:\n  rollingUpdate:\n    maxSurge: 0\n    maxUnavailable: 1"))
        }
        _ => None,
    };
    let one = if n == 1 { " With one replica, that is a short time without any." } else { "" };
    let sentence =
        format!("Set `maxSurge: 0` and `maxUnavailable: 1` under `strategy.rollingUpdate`: an old pod goes before its successor comes.{one}");
    let why = "The old pods hold the quota until the new one is ready, and the new one isn't made until an old one has gone. The roll-out stands still, with the old version running, until its deadline reports it as failed.";
    object.problem(at, message).why(why).fix(diff.unwrap_or(sentence))
}

/// What is counted of a quota, what matters most first.
pub fn rows(quota: &Quota, total: &Usage) -> Vec<Share> {
    const FIRST: [&str; 5] = ["pods", "requests.cpu", "limits.cpu", "requests.memory", "limits.memory"];
    let extended = |name: &str| name.strip_prefix("requests.").is_some_and(super::amount::is_extended);
    let mut names: Vec<&str> = total.iter().filter(|(_, a)| !a.n.is_zero()).map(|(name, _)| name.as_str()).collect();
    names.extend(quota.hard.iter().filter(|(name, a)| extended(name) && !a.n.is_zero() && !total.contains_key(*name)).map(|(name, _)| name.as_str()));
    let rank = |name: &str| if extended(name) { 0 } else { 1 + FIRST.iter().position(|f| *f == name).unwrap_or(FIRST.len()) };
    names.sort_by_key(|name| (rank(name), *name));
    let share = |name: &&str| {
        let (of, used) = (quota.granted(name)?, total.get(*name));
        let n = used.map_or(Quantity::whole(0), |a| a.n);
        let used = used.map_or_else(|| "0".to_owned(), |a| a.written());
        Some(Share { resource: crate::engine::report::clip((*name).to_owned(), 80), used, of: of.written(), percent: n.percent_of(of.n) })
    };
    names.iter().filter_map(share).take(figure::MOST).collect()
}

/// `2 pods fit preset `gpu-sim`: 2 of 2 `requests.nvidia.com/gpu`, 1 of 2 `requests.cpu`.`
pub fn passed(preset: &str, pods: u64, rows: &[Share], notes: &[String]) -> String {
    let shown = |row: &&Share| row.resource.starts_with("requests.") || row.resource.starts_with("limits.");
    let parts: Vec<String> = rows.iter().filter(shown).take(6).map(|r| format!("{} of {} `{}`", r.used, r.of, r.resource)).collect();
    let what = match pods {
        0 => "Everything fits".to_owned(),
        1 => "The pod fits".to_owned(),
        n => format!("All {n} pods fit"),
    };
    let counted = if parts.is_empty() { String::new() } else { format!(": they use {}", parts.join(", ")) };
    let counted = if pods == 1 { counted.replacen("they use", "it uses", 1) } else { counted };
    let notes: String = notes.iter().take(3).map(|n| format!(" {n}")).collect();
    format!("{what} a namespace of preset `{preset}`{counted}.{notes}")
}
