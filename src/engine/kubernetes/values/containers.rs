//! Containers and their pod: hooks and probes, ports of the node, DNS, security contexts, what only some containers may have.
use super::pods::unique;
use super::shapes::{Spelling, spelled};
use super::{At, Walk};
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::kubernetes::words;
use crate::engine::yaml::{Node, Value};
use std::collections::HashSet;

/// What an environment variable may hold of its pod, but for single labels and annotations.
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const RESOURCES: &[&str] =
    &["limits.cpu", "limits.memory", "limits.ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage"];

/// What stands only in the templates of controllers.
pub fn template(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if let Some(debug) = at.get("spec").and_then(|s| s.get("ephemeralContainers")).filter(|e| !e.node.items().is_empty()) {
        ephemeral(walk, debug);
    }
}

/// What the API asks of a pod that it doesn't ask of a template.
pub fn pod(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let Some(spec) = at.given("spec") else { return };
    if let Some(debug) = spec.get("ephemeralContainers").filter(|e| !e.node.items().is_empty()) {
        ephemeral(walk, debug);
    }
    if let (Some(node), false) = (spec.given("nodeName"), spec.items("schedulingGates").is_empty()) {
        walk.refuse(
            node.head(),
            "`nodeName` may not be set while there are `schedulingGates`",
            "A gate keeps the pod from being placed, and `nodeName` places it.",
            "Remove one of the two.",
        );
    }
    for image in spec.items("containers").iter().chain(spec.items("initContainers")).filter_map(|c| c.get("image")) {
        if image.as_str().is_some_and(|text| text.trim() != text && !text.trim().is_empty()) {
            let fix = image.as_str().and_then(|text| walk.doc.replace(image.span, &format!("\"{}\"", text.trim())));
            let message = format!("the image `{}` begins or ends with a space", walk.doc.shown(image).trim());
            let why = "The space would be part of the image's name; the API refuses it.";
            walk.refuse(image.span, message, why, fix.unwrap_or_else(|| "Remove the space.".into()));
        }
    }
}

fn ephemeral(walk: &mut Walk<'_, '_>, at: At<'_>) {
    walk.refuse(
        at.head(),
        "`ephemeralContainers` can't be written into a manifest",
        "They are for debugging a pod that runs already, and are added with `kubectl debug`; the API refuses them at creation.",
        "Remove `ephemeralContainers`.",
    );
}

pub fn spec<'a>(walk: &mut Walk<'a, '_>, at: At<'a>) {
    dns(walk, at);
    host_ports(walk, at);
    unique(walk, at.items("resourceClaims").iter(), "name", "claim");
    // A StatefulSet names its pods itself, so what its template says of it is not looked at.
    if walk.kind != "StatefulSet" {
        for key in ["hostname", "subdomain"] {
            if let Some((node, text)) = at.node.get(key).and_then(|n| Some((n, n.as_str()?))).filter(|(_, t)| !t.is_empty()) {
                spelled(walk, node, key, text, Spelling::Label);
            }
        }
    }
    for (labels, key) in at.get("nodeSelector").iter().flat_map(|s| s.node.entries()).map(|e| (&e.value, &e.key)) {
        if let Some(text) = labels.as_str().filter(|t| !t.is_empty()) {
            spelled(walk, labels, key, text, Spelling::LabelValue);
        }
    }
    let (security, host) = (at.get("securityContext"), at.is_true("hostPID"));
    if host && at.is_true("shareProcessNamespace") {
        walk.only_one(at, &["hostPID", "shareProcessNamespace"]);
    }
    if at.node.get("hostUsers").and_then(Node::as_bool) == Some(false) {
        for key in ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(|k| at.is_true(k)) {
            let span = at.get(key).map_or(at.head(), At::head);
            let why = "Without the node's users a pod has no part in its namespaces either; the API refuses the two together.";
            walk.refuse(span, format!("`{key}` may not be set when `hostUsers` is `false`"), why, format!("Remove `{key}`."));
        }
    }
    let mut names = HashSet::new();
    for entry in security.iter().flat_map(|s| s.items("sysctls")).filter_map(|s| s.get("name")) {
        if entry.as_str().is_some_and(|n| !names.insert(n)) {
            let message = format!("a second sysctl is named `{}`", walk.doc.shown(entry));
            walk.refuse(entry.span, message, "The API refuses one that is set twice.", "Keep one of them.");
        }
    }
    let claims: HashSet<&str> = at.items("resourceClaims").iter().filter_map(|c| c.get("name")?.as_str()).collect();
    for (list, node) in ["initContainers", "containers"].into_iter().flat_map(|l| at.items(l).iter().map(move |n| (l, n))) {
        if walk.is_full() {
            return;
        }
        let container = At { node, key: None, name: list };
        let sidecar = container.text("restartPolicy") == "Always";
        if list == "initContainers" && !sidecar {
            for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                let Some(wrong) = container.given(key) else { continue };
                walk.refuse(
                    wrong.head(),
                    format!("an init container may not have a `{key}`"),
                    "It runs to its end before the others start, so there is nothing to probe; only a sidecar stays.",
                    format!("Remove `{key}`, or write `restartPolicy: Always` to make it a sidecar."),
                );
            }
        }
        hooks(walk, at, container);
        for claim in node.path(&["resources", "claims"]).map_or(&[][..], Node::items).iter().filter_map(|c| c.get("name")) {
            if claim.as_str().is_some_and(|n| !claims.contains(n)) {
                let message = format!("no resource claim of this pod is named `{}`", walk.doc.shown(claim));
                let why = "A container uses a claim that the pod declares under `resourceClaims`; the API refuses another.";
                walk.refuse(claim.span, message, why, "Declare it under `resourceClaims` of the pod.");
            }
        }
    }
}

/// How long a hook sleeps, and the signal that stops a container.
fn hooks(walk: &mut Walk<'_, '_>, spec: At<'_>, container: At<'_>) {
    let Some(lifecycle) = container.given("lifecycle") else { return };
    let grace = spec.number("terminationGracePeriodSeconds").unwrap_or(30);
    for sleep in ["preStop", "postStart"].into_iter().filter_map(|h| lifecycle.node.path(&[h, "sleep", "seconds"])) {
        if let Some(n) = sleep.as_i64().filter(|n| *n < 0 || *n > grace) {
            walk.refuse(
                sleep.span,
                format!("the hook sleeps {n} seconds, and the pod has {grace} to end"),
                "`terminationGracePeriodSeconds` counts from before the hook; the API refuses a longer sleep.",
                format!("Write 0 to {grace}, or raise `terminationGracePeriodSeconds`."),
            );
        }
    }
    if let Some(signal) = lifecycle.given("stopSignal").filter(|_| spec.node.path(&["os", "name"]).is_none()) {
        let fix = "Add `os: {name: linux}` to the pod's `spec`.";
        walk.refuse(signal.head(), "`stopSignal` needs the pod's `os.name`", "Signals differ between systems; the API refuses one without.", fix);
    }
}

fn dns(walk: &mut Walk<'_, '_>, at: At<'_>) {
    const WHY: &str = "The pod's resolv.conf is written from it, which holds so much and no more.";
    let config = at.given("dnsConfig");
    if let Some(policy) = at.get("dnsPolicy").filter(|p| p.node.as_str() == Some("None"))
        && config.is_none_or(|c| c.items("nameservers").is_empty())
    {
        let why = "With `None` the pod gets no DNS of the cluster or the node; the API refuses a pod that would have none at all.";
        let fix = walk.doc.add(at.node, at.key, "dnsConfig:\n  nameservers: [10.96.0.10]");
        walk.refuse(policy.node.span, "`dnsPolicy: None` needs `dnsConfig.nameservers`", why, fix);
    }
    let Some(config) = config else { return };
    for (key, most) in [("nameservers", 3), ("searches", 32)] {
        if let Some(list) = config.get(key).filter(|l| l.node.items().len() > most) {
            walk.refuse(list.head(), format!("`{key}` may hold {most} at most"), WHY, format!("Keep {most} of them."));
        }
    }
    for search in config.items("searches") {
        let Some(text) = search.as_str().filter(|t| *t != ".") else { continue };
        let bare = text.strip_suffix('.').unwrap_or(text).replace('_', "a");
        if super::shapes::wrong(Spelling::Name, &bare).is_some() {
            walk.refuse(
                search.span,
                format!("`searches` has `{}`, which is no domain", walk.doc.shown(search)),
                WHY,
                "Write a domain such as `svc.cluster.local`.",
            );
        }
    }
}

/// Ports of the node, which each can be given away once.
fn host_ports<'a>(walk: &mut Walk<'a, '_>, at: At<'a>) {
    for list in ["initContainers", "containers"] {
        let mut taken = HashSet::new();
        for container in at.items(list) {
            // Init containers run one after another.
            if list == "initContainers" {
                taken.clear();
            }
            for port in container.get("ports").map_or(&[][..], Node::items) {
                let port = At { node: port, key: None, name: "ports" };
                let Some(number) = port.number("hostPort").filter(|n| *n != 0) else { continue };
                let Some(host) = port.get("hostPort") else { continue };
                let protocol = Some(port.text("protocol")).filter(|p| !p.is_empty()).unwrap_or("TCP");
                if !taken.insert((protocol, port.text("hostIP"), number)) {
                    let message = format!("a second port of this pod takes port {number} of the node");
                    walk.refuse(
                        host.node.span,
                        message,
                        "A port of a node is given to one only; the API refuses the pod.",
                        "Write another port, or leave `hostPort` out.",
                    );
                } else if list == "containers" && at.is_true("hostNetwork") && port.number("containerPort").is_some_and(|n| n != number) {
                    let message = "`hostPort` must equal `containerPort` when `hostNetwork` is `true`";
                    let fix = port.number("containerPort").and_then(|n| walk.doc.replace(host.node.span, &n.to_string()));
                    let why = "On the node's own network there is nothing that could translate one into the other.";
                    walk.refuse(host.node.span, message, why, fix.unwrap_or_else(|| "Leave `hostPort` out.".into()));
                }
            }
        }
    }
}

pub fn container<'a>(walk: &mut Walk<'a, '_>, at: At<'a>) {
    unique(walk, at.items("ports").iter(), "name", "port");
    unique(walk, at.items("resizePolicy").iter(), "resourceName", "policy");
    if !at.items("restartPolicyRules").is_empty() && at.text("restartPolicy").is_empty() {
        let why = "The rules are exceptions to it; the API refuses them alone.";
        walk.refuse(
            at.get("restartPolicyRules").map_or(at.head(), At::head),
            "`restartPolicyRules` needs a `restartPolicy`",
            why,
            "Add `restartPolicy: Never`.",
        );
    }
    let (mut cpu_or_memory, mut huge) = (false, None);
    for entry in ["limits", "requests"].iter().filter_map(|k| at.node.path(&["resources", k])).flat_map(Node::entries) {
        cpu_or_memory |= matches!(entry.key.as_str(), "cpu" | "memory");
        let Some(size) = entry.key.strip_prefix("hugepages-") else { continue };
        huge.get_or_insert(entry.key_span);
        let whole =
            Quantity::parse(size).zip(Quantity::of(&entry.value)).is_none_or(|(page, q)| page.round_up() > 0 && q.round_up() % page.round_up() == 0);
        if !whole {
            let message = format!("`{}` must be a multiple of {size}", entry.key);
            walk.refuse(entry.value.span, message, "Huge pages are handed out whole.", format!("Write a multiple of {size}."));
        }
    }
    if let Some(span) = huge.filter(|_| !cpu_or_memory) {
        let why = "Without them the pod has no class of service in which pages could be counted; the API refuses it.";
        walk.refuse(span, "huge pages need `cpu` or `memory` beside them", why, "Add a request for `cpu` or `memory`.");
    }
}

/// Fields of the pod and amounts of a container as values of variables.
pub fn source(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if let Some(path) = at.node.path(&["fieldRef", "fieldPath"]) {
        field_path(walk, path, FIELDS);
    }
    if let Some(resource) = at.node.path(&["resourceFieldRef", "resource"]) {
        resource_name(walk, resource);
    }
}

pub fn field_path(walk: &mut Walk<'_, '_>, path: &Node, fields: &[&str]) {
    let Some(text) = path.as_str().filter(|t| !t.is_empty() && !fields.contains(t)) else { return };
    let one = text.strip_suffix("']").and_then(|t| t.split_once("['"));
    if let Some(("metadata.labels" | "metadata.annotations", key)) = one {
        let lower = key.to_ascii_lowercase();
        let key = if text.starts_with("metadata.annotations") { lower.as_str() } else { key };
        if super::names::label_key_problem(key).is_none() {
            return;
        }
    }
    let near = words::nearest(text, fields.iter().copied());
    let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
    let message = format!("`fieldPath` is `{}`, which a pod can't be asked for{asked}", walk.doc.shown(path));
    let fix = near.and_then(|n| walk.doc.replace(path.span, n));
    let known = format!("Write one of {}, or `metadata.labels['…']`.", fields.join(", "));
    walk.refuse(path.span, message, "Only these fields of a pod are handed to its containers; the API refuses others.", fix.unwrap_or(known));
}

pub fn resource_name(walk: &mut Walk<'_, '_>, node: &Node) {
    let huge = |t: &str| t.starts_with("limits.hugepages-") || t.starts_with("requests.hugepages-");
    let Some(text) = node.as_str().filter(|t| !t.is_empty() && !RESOURCES.contains(t) && !huge(t)) else { return };
    let near = words::nearest(text, RESOURCES.iter().copied());
    let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
    let fix = near.and_then(|n| walk.doc.replace(node.span, n)).unwrap_or_else(|| format!("Write one of {}.", RESOURCES.join(", ")));
    let message = format!("`resource` is `{}`, which can't be handed to a container{asked}", walk.doc.shown(node));
    walk.refuse(node.span, message, "Only limits and requests of cpu, memory, ephemeral-storage and huge pages can be asked for.", fix);
}

pub fn security(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if at.node.get("allowPrivilegeEscalation").and_then(Node::as_bool) != Some(false) {
        return;
    }
    let admin = at.node.path(&["capabilities", "add"]).map_or(&[][..], Node::items).iter().find(|c| c.as_str() == Some("CAP_SYS_ADMIN"));
    let wrong = at.get("privileged").filter(|_| at.is_true("privileged")).map(|p| (p.head(), "`privileged: true`"));
    if let Some((span, what)) = wrong.or_else(|| admin.map(|a| (a.span, "the capability `CAP_SYS_ADMIN`"))) {
        walk.refuse(
            span,
            format!("{what} contradicts `allowPrivilegeEscalation: false`"),
            "Such a container has every privilege already, so it can't be kept from getting more; the API refuses the two together.",
            "Remove one of the two; a container is safer without the privilege.",
        );
    }
}

/// A profile of seccomp or AppArmor: a file of the node has a name, the others have none.
pub fn profile(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let kind = at.text("type");
    let named = at.given("localhostProfile");
    if kind == "Localhost" && named.is_none_or(|n| matches!(n.node.value, Value::String(ref s) if s.is_empty())) {
        let fix = walk.doc.add(at.node, at.key, "localhostProfile: profiles/chat.json");
        walk.refuse(at.head(), "the type `Localhost` needs a `localhostProfile`", "It names the profile on the node.", fix);
    } else if let Some(named) = named.filter(|_| matches!(kind, "RuntimeDefault" | "Unconfined")) {
        let fix = "Remove `localhostProfile`, or write `type: Localhost`.";
        walk.refuse(
            named.head(),
            format!("`localhostProfile` may not be set when the type is `{kind}`"),
            "Only `Localhost` reads a profile of the node.",
            fix,
        );
    }
}
