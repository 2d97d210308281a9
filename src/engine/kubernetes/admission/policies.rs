//! What sandboxes forbid beside quota and pod security, as far as a file tells it.
use crate::engine::kubernetes::doc::Doc;
use crate::engine::kubernetes::objects::{Container, Object, Pod, is_gpu};
use crate::engine::yaml::{Node, Span};

/// Longest time a pod may take to end, in seconds: a sandbox's own end waits for it.
const GRACE: i64 = 120;

/// Something a policy of the sandbox refuses.
pub struct Refused {
    pub message: String,
    pub at: Span,
    pub why: &'static str,
    pub fix: String,
}

/// What is refused of an object itself.
pub fn of_object(object: &Object<'_>) -> Vec<Refused> {
    let mut found = Vec::new();
    let ips = object.node.path(&["spec", "externalIPs"]).filter(|n| object.kind == "Service" && !n.items().is_empty());
    found.extend(ips.map(|n| Refused {
        message: "a Service of a sandbox has no `externalIPs`".into(),
        at: n.span,
        why: "With an external IP a Service catches traffic that is meant for others.",
        fix: "Leave `externalIPs` out; reach it from a pod, or with `kubectl port-forward`.".into(),
    }));
    let finalizers = object.node.path(&["metadata", "finalizers"]).filter(|n| !n.items().is_empty());
    found.extend(finalizers.map(|n| Refused {
        message: "an object of a sandbox has no `finalizers` of its own".into(),
        at: n.span,
        why: "Nobody in the sandbox removes a finalizer again, so the namespace would never go.",
        fix: "Leave `finalizers` out: controllers add those they take care of.".into(),
    }));
    found
}

/// What is refused of a pod; `gpus` is whether the preset grants any.
pub fn of_pod(pod: &Pod<'_>, doc: &Doc<'_>, gpus: bool) -> Vec<Refused> {
    let mut found = Vec::new();
    let text = |key: &str| pod.spec.entry(key).and_then(|e| Some((e, e.value.as_str().filter(|t| !t.is_empty())?)));
    let without = |line: u32, else_: &str| doc.without_line(line).unwrap_or_else(|| else_.to_owned());
    for (key, allowed, why) in [
        ("nodeName", "", "A pod with `nodeName` goes past the scheduler, and so past every rule about which node is whose."),
        ("schedulerName", "default-scheduler", "No other scheduler watches the sandbox's pods, so it would wait for ever."),
        ("priorityClassName", "", "A priority makes room by ending other people's pods."),
    ] {
        if let Some((entry, _)) = text(key).filter(|(_, value)| *value != allowed) {
            found.push(Refused {
                message: format!("a pod of a sandbox has no `{key}` of its own"),
                at: entry.value.span,
                why,
                fix: without(entry.key_span.start.line, "Leave it out."),
            });
        }
    }
    let grace = pod.spec.get("terminationGracePeriodSeconds").filter(|n| n.as_i64().is_some_and(|n| n > GRACE));
    found.extend(grace.map(|n| Refused {
        message: format!("a pod of a sandbox may take {GRACE} seconds to end, not {}", n.as_i64().unwrap_or(GRACE)),
        at: n.span,
        why: "A sandbox ends with its time; what takes longer than that to stop is lost anyway.",
        fix: doc.replace(n.span, "120").unwrap_or_else(|| "Set it to 120 or less.".into()),
    }));
    found.extend(pod.spec.get("tolerations").map_or(&[][..], Node::items).iter().filter_map(|t| toleration(t, gpus)));
    let runtime = text("runtimeClassName").filter(|(_, name)| *name == "nvidia" && !pod.containers.iter().any(|c| c.gpus().next().is_some()));
    found.extend(runtime.map(|(entry, _)| Refused {
        message: "a pod of a sandbox that asks for no GPU has no `runtimeClassName: nvidia`".into(),
        at: entry.value.span,
        why: "The runtime hands over devices by what the image says, past the quota.",
        fix: without(entry.key_span.start.line, "Leave `runtimeClassName` out."),
    }));
    found.extend(pod.containers.iter().filter_map(visible_devices));
    found
}

fn toleration(node: &Node, gpus: bool) -> Option<Refused> {
    let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or("");
    let (message, fix) = match text("key") {
        "" if text("operator") == "Exists" => {
            ("a pod of a sandbox doesn't tolerate every taint there is", "Name the `key` of the taint that it may ignore.")
        }
        key if is_gpu(key) && !gpus => ("this preset grants no GPU, and its pods don't tolerate the taint of GPU nodes", "Leave the toleration out."),
        _ => return None,
    };
    let why = "Taints keep nodes free for what they are for: GPU nodes for GPU work, nodes under repair for nobody.";
    Some(Refused { message: message.into(), at: node.span, why, fix: fix.into() })
}

/// Devices asked for by name, past the quota.
fn visible_devices(container: &Container<'_>) -> Option<Refused> {
    if container.gpus().next().is_some() {
        return None;
    }
    let wanted = |n: &&Node| n.get("name").and_then(Node::as_str) == Some("NVIDIA_VISIBLE_DEVICES");
    let value = container.env().iter().find(wanted)?.get("value").filter(|v| !matches!(v.as_str(), Some("" | "void" | "none")))?;
    Some(Refused {
        message: format!("{} asks for no GPU, so its `NVIDIA_VISIBLE_DEVICES` is `void`", container.title()),
        at: value.span,
        why: "Where the runtime follows this variable, the container sees every GPU of its node, also those of others.",
        fix: "Leave it out and ask for a GPU under `resources.limits`, or set it to `void`.".into(),
    })
}
