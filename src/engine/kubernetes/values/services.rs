//! Services: what goes with which type, addresses, ports given twice.
use super::shapes::{Spelling, spelled, wrong};
use super::{At, Walk};
use crate::engine::yaml::{Node, Value};
use std::collections::HashSet;

pub fn check(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let kind = Some(at.text("type")).filter(|t| !t.is_empty()).unwrap_or("ClusterIP");
    let (address, headless) = (at.get("clusterIP"), at.text("clusterIP") == "None");
    if kind == "ExternalName" {
        external(walk, at);
    } else if let Some(address) = address
        && let Some(text) = address.node.as_str().filter(|t| !t.is_empty() && *t != "None")
        && wrong(Spelling::Address, text).is_some()
    {
        let message = format!("`clusterIP` is `{}`, and it must be an IP address, `None` or left out", walk.doc.shown(address.node));
        let why = "The cluster gives a Service its address; `None` makes a headless one, whose name leads to the pods themselves.";
        walk.refuse(address.node.span, message, why, "Leave `clusterIP` out, or write `None`.");
    }
    if headless
        && matches!(kind, "NodePort" | "LoadBalancer")
        && let Some(address) = address
    {
        let why = "A headless Service has no address that a node or a balancer could pass connections to; the API refuses it.";
        walk.refuse(
            address.head(),
            format!("`clusterIP: None` may not be set when the type is `{kind}`"),
            why,
            "Remove `clusterIP`, or make the type `ClusterIP`.",
        );
    }
    if let (Some(list), Some(single)) = (at.get("clusterIPs").filter(|l| !l.node.items().is_empty()), address)
        && list.node.items().first().and_then(Node::as_str) != single.node.as_str()
    {
        let why = "`clusterIP` is the first of `clusterIPs`; the API refuses two that differ.";
        walk.refuse(list.head(), "`clusterIPs` must begin with `clusterIP`", why, "Leave both out: the cluster fills them in.");
    }
    only_outside(walk, at, kind);
    affinity(walk, at);
    ports(walk, at);
    for (node, key) in at.get("selector").iter().flat_map(|s| s.node.entries()).map(|e| (&e.value, &e.key)) {
        if let Some(text) = node.as_str().filter(|t| !t.is_empty()) {
            spelled(walk, node, key, text, Spelling::LabelValue);
        }
    }
}

fn external(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let Some(name) = at.get("externalName").filter(|n| n.node.as_str() != Some("")) else {
        let span = at.get("type").map_or(at.head(), |t| t.node.span);
        let why = "Such a Service is an alias in DNS, and this is the name it stands for.";
        let fix = walk.doc.add(at.node, at.key, "externalName: db.example.org");
        return walk.refuse(span, "the type `ExternalName` needs an `externalName`", why, fix);
    };
    let text = name.node.as_str().unwrap_or("");
    spelled(walk, name.node, "externalName", text.strip_suffix('.').unwrap_or(text), Spelling::Name);
    for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if let Some(set) = at.given(key).filter(|s| !super::shapes::is_empty(s.node)) {
            let why = "A Service of this type is an alias in DNS and has no address of its own.";
            walk.refuse(set.head(), format!("`{key}` may not be set when the type is `ExternalName`"), why, format!("Remove `{key}`."));
        }
    }
}

/// Fields that only Services reachable from outside may have.
fn only_outside(walk: &mut Walk<'_, '_>, at: At<'_>, kind: &str) {
    let outside = matches!(kind, "NodePort" | "LoadBalancer") || (kind == "ClusterIP" && !at.items("externalIPs").is_empty());
    let local = kind == "LoadBalancer" && at.text("externalTrafficPolicy") == "Local";
    for (key, fits, needs) in [
        ("externalTrafficPolicy", outside, "the type NodePort or LoadBalancer"),
        ("healthCheckNodePort", local, "the type LoadBalancer with `externalTrafficPolicy: Local`"),
        ("loadBalancerSourceRanges", kind == "LoadBalancer", "the type LoadBalancer"),
        ("allocateLoadBalancerNodePorts", kind == "LoadBalancer", "the type LoadBalancer"),
        ("loadBalancerClass", kind == "LoadBalancer", "the type LoadBalancer"),
    ] {
        let set = at.given(key).filter(|s| !super::shapes::is_empty(s.node) && s.node.as_i64() != Some(0));
        if let Some(set) = set.filter(|_| !fits) {
            let why = "It says how connections from outside come in, and to a Service of this type none do; the API refuses it.";
            walk.refuse(set.head(), format!("`{key}` needs {needs}"), why, format!("Remove `{key}`, or change the `type`."));
        }
    }
    for range in at.items("loadBalancerSourceRanges") {
        super::policies::cidr(walk, range, "loadBalancerSourceRanges");
    }
}

fn affinity(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let Some(config) = at.given("sessionAffinityConfig") else { return };
    if at.text("sessionAffinity") != "ClientIP" {
        let why = "It says how long a client stays with a pod, and without affinity none does.";
        walk.refuse(
            config.head(),
            "`sessionAffinityConfig` needs `sessionAffinity: ClientIP`",
            why,
            "Add `sessionAffinity: ClientIP`, or remove it.",
        );
    } else if let Some(seconds) = config.node.path(&["clientIP", "timeoutSeconds"])
        && seconds.as_i64().is_some_and(|n| !(1..=86_400).contains(&n))
    {
        walk.refuse(
            seconds.span,
            "`timeoutSeconds` must be between 1 and 86400",
            "A client is remembered for a day at most.",
            "Write a number up to 86400.",
        );
    }
}

/// Ports given to two.
fn ports(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let (mut own, mut nodes) = (HashSet::new(), HashSet::new());
    for node in at.items("ports").iter().filter(|p| matches!(p.value, Value::Map(_))) {
        let port = At { node, key: None, name: "ports" };
        let protocol = Some(port.text("protocol")).filter(|p| !p.is_empty()).unwrap_or("TCP");
        for (key, seen) in [("port", &mut own), ("nodePort", &mut nodes)] {
            let Some(number) = port.number(key).filter(|n| *n != 0) else { continue };
            if !seen.insert((protocol, number)) {
                let span = node.get(key).map_or(node.span, |n| n.span);
                let message = format!("a second port has the `{key}` {number} over {protocol}");
                walk.refuse(span, message, "A connection to it could go to either; the API refuses the Service.", "Write another number.");
            }
        }
    }
}
