//! What `restricted` asks beyond `baseline`: no root, no way to become root, no more than a program needs.
use super::{Look, Violation, baseline, named, of, place, plural, quoted, setters, sorted, text};
use crate::engine::kubernetes::objects::Container;
use crate::engine::yaml::Node;

/// Kinds of volumes that hold nothing of the node.
const VOLUMES: [&str; 9] = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"];
/// The kinds that the server names; others are `unknown`.
const OTHERS: [&str; 21] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];

pub(super) fn escalation(look: &Look<'_, '_>) -> Option<Violation> {
    if look.is_windows() {
        return None;
    }
    let bad = look.bad(|c| of(c, "allowPrivilegeEscalation").and_then(Node::as_bool) != Some(false));
    let (first, at) = (bad.first()?, place(&bad, &["securityContext", "allowPrivilegeEscalation"])?);
    Some(Violation {
        reason: "allowPrivilegeEscalation != false",
        detail: format!("{} must set securityContext.allowPrivilegeEscalation=false", named(&bad)),
        at,
        why: "Programs with the setuid bit make root out of any user, unless the kernel is told that nobody here may gain privileges.",
        fix: set(look, first, &["securityContext"], "allowPrivilegeEscalation", "false"),
    })
}

pub(super) fn capabilities(look: &Look<'_, '_>) -> Option<Violation> {
    if look.is_windows() {
        return None;
    }
    let drops_all = |c: &Container<'_>| {
        let drop = of(c, "capabilities").and_then(|n| n.get("drop")).map_or(&[][..], Node::items);
        drop.iter().any(|n| n.as_str() == Some("ALL"))
    };
    let missing = look.bad(|c| !drops_all(c));
    let adding = baseline::adding(look, &["NET_BIND_SERVICE"]);
    let mut details = Vec::new();
    if !missing.is_empty() {
        details.push(format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", named(&missing)));
    }
    if let Some((bad, names)) = &adding {
        details.push(format!("{} must not include {names} in securityContext.capabilities.add", named(bad)));
    }
    let fix = match missing.first() {
        Some(first) if of(first, "capabilities").and_then(|n| n.get("drop")).is_none() => {
            first.with(look.doc, &["securityContext", "capabilities"], "drop: [ALL]")
        }
        Some(_) => "Write `drop: [ALL]`, in capitals.".into(),
        None => "Leave all but `NET_BIND_SERVICE` out of `capabilities.add`.".into(),
    };
    let added = adding.and_then(|(bad, _)| place(&bad, &["securityContext", "capabilities", "add"]));
    Some(Violation {
        reason: "unrestricted capabilities",
        detail: details.join("; "),
        at: place(&missing, &["securityContext", "capabilities", "drop"]).or(added)?,
        why: "The runtime gives every container a dozen pieces of root. A server needs none of them; dropping all is the only list that never ages.",
        fix,
    })
}

pub(super) fn proc_mount(look: &Look<'_, '_>) -> Option<Violation> {
    baseline::masked_proc(look)
}

pub(super) fn volumes(look: &Look<'_, '_>) -> Option<Violation> {
    let bad: Vec<&Node> = look.pod.volumes().iter().filter(|v| VOLUMES.iter().all(|kind| v.get(kind).is_none())).collect();
    let kind = |v: &&Node| OTHERS.into_iter().find(|kind| v.get(kind).is_some()).unwrap_or("unknown");
    let kinds = sorted(bad.iter().map(kind));
    let uses = if bad.len() == 1 { "uses" } else { "use" };
    let names = quoted(bad.iter().map(|v| text(Some(v), "name")));
    let types = plural("restricted volume type", kinds.len());
    Some(Violation {
        reason: "restricted volume types",
        detail: format!("{} {names} {uses} {types} {}", plural("volume", bad.len()), quoted(kinds)),
        at: bad.first()?.span,
        why: "Volumes that reach into the node or to any server tie the pod to what nobody checks.",
        fix: "Use an `emptyDir` for scratch space, or a PersistentVolumeClaim for what must last.".into(),
    })
}

pub(super) fn non_root(look: &Look<'_, '_>) -> Option<Violation> {
    if look.has_own_users() {
        return None;
    }
    let says = |n: Option<&Node>| n.and_then(Node::as_bool);
    let pod = says(look.of_pod("runAsNonRoot"));
    let explicit = look.bad(|c| says(of(c, "runAsNonRoot")) == Some(false));
    let implicit = look.bad(|c| says(of(c, "runAsNonRoot")).is_none() && pod != Some(true));
    let why = "Whoever breaks out of a container that runs as root is root on the node.";
    if let Some(set) = setters(pod == Some(false), &explicit) {
        let own = look.of_pod("runAsNonRoot").filter(|_| pod == Some(false)).map(|n| n.span);
        let at = own.or_else(|| place(&explicit, &["securityContext", "runAsNonRoot"]))?;
        return Some(Violation {
            reason: "runAsNonRoot != true",
            detail: format!("{set} must not set securityContext.runAsNonRoot=false"),
            at,
            why,
            fix: look.doc.replace(at, "true").unwrap_or_else(|| "Set it to true.".into()),
        });
    }
    Some(Violation {
        reason: "runAsNonRoot != true",
        detail: format!("pod or {} must set securityContext.runAsNonRoot=true", named(&implicit)),
        at: place(&implicit, &["securityContext", "runAsNonRoot"])?,
        why,
        fix: for_pod(look, "runAsNonRoot: true"),
    })
}

pub(super) fn root_user(look: &Look<'_, '_>) -> Option<Violation> {
    if look.has_own_users() {
        return None;
    }
    let zero = |n: Option<&Node>| n.and_then(Node::as_i64) == Some(0);
    let pod = look.of_pod("runAsUser").filter(|n| zero(Some(n)));
    let bad = look.bad(|c| zero(of(c, "runAsUser")));
    let set = setters(pod.is_some(), &bad)?;
    let at = pod.map(|n| n.span).or_else(|| place(&bad, &["securityContext", "runAsUser"]))?;
    Some(Violation {
        reason: "runAsUser=0",
        detail: format!("{set} must not set runAsUser=0"),
        at,
        why: "User 0 is root. Whoever breaks out of the container is root on the node.",
        fix: look.doc.replace(at, "10001").unwrap_or_else(|| "Choose another user, such as 10001.".into()),
    })
}

pub(super) fn seccomp(look: &Look<'_, '_>) -> Option<Violation> {
    if look.is_windows() {
        return None;
    }
    if let Some(wrong) = baseline::wrong_seccomp(look) {
        return Some(wrong);
    }
    if look.of_pod("seccompProfile").is_some() {
        return None;
    }
    let bad = look.bad(|c| of(c, "seccompProfile").is_none());
    Some(Violation {
        reason: "seccompProfile",
        detail: format!("pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"", named(&bad)),
        at: place(&bad, &["securityContext", "seccompProfile"])?,
        why: "Without a profile a container may use every system call of the kernel, also those that only exploits use.",
        fix: for_pod(look, "seccompProfile:\n  type: RuntimeDefault"),
    })
}

/// A diff that sets one key of a container's mapping, written over what is there.
fn set(look: &Look<'_, '_>, container: &Container<'_>, path: &[&str], key: &str, value: &str) -> String {
    let there = container.node.path(path).and_then(|n| n.get(key));
    let replaced = there.and_then(|n| look.doc.replace(n.span, value));
    replaced.unwrap_or_else(|| container.with(look.doc, path, &format!("{key}: {value}")))
}

/// A diff that says something for all of a pod's containers at once.
fn for_pod(look: &Look<'_, '_>, lines: &str) -> String {
    match look.pod.spec.entry("securityContext") {
        Some(own) => look.doc.add(&own.value, Some(own.key_span), lines),
        None => {
            let indented: Vec<String> = lines.lines().map(|l| format!("  {l}")).collect();
            look.doc.add(look.pod.spec, Some(look.pod.spec_key), &format!("securityContext:\n{}", indented.join("\n")))
        }
    }
}
