//! Volumes and how containers take them: mounts, devices, projections.
use super::containers::{field_path, resource_name};
use super::{At, Walk};
use crate::engine::kubernetes::words;
use crate::engine::yaml::{Node, Value};
use std::collections::{HashMap, HashSet};

/// What a file may hold of its pod.
const FIELDS: &[&str] = &["metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.uid"];

/// Devices and mounts of each container.
pub fn mounted<'a>(walk: &mut Walk<'a, '_>, at: At<'a>) {
    let volumes: HashMap<&str, &Node> = at.items("volumes").iter().filter_map(|v| Some((v.get("name")?.as_str()?, v))).collect();
    for container in ["initContainers", "containers"].into_iter().flat_map(|l| at.items(l)) {
        if walk.is_full() {
            return;
        }
        let list = |key: &str| container.get(key).map_or(&[][..], Node::items);
        let mounts = list("volumeMounts");
        let mounted: HashSet<&str> = mounts.iter().filter_map(|m| m.get("name")?.as_str()).collect();
        for mount in mounts {
            let mount = At { node: mount, key: None, name: "volumeMounts" };
            for key in ["subPath", "subPathExpr"] {
                if let Some(node) = mount.node.get(key)
                    && node.as_str().is_some_and(|t| t.starts_with('/') || t.split('/').any(|p| p == ".."))
                {
                    let why = "It is a path within the volume and can't lead out of it; the API refuses another.";
                    walk.refuse(node.span, format!("`{key}` must be a relative path without `..`"), why, "Write a path within the volume.");
                }
            }
            if mount.text("mountPropagation") == "Bidirectional"
                && container.path(&["securityContext", "privileged"]).and_then(Node::as_bool) != Some(true)
            {
                let span = mount.get("mountPropagation").map_or(mount.head(), |m| m.node.span);
                let why = "Mounts that reach the node can bring it down, so the API takes them from privileged containers only.";
                walk.refuse(span, "`Bidirectional` needs a privileged container", why, "Write `HostToContainer`, or leave it out.");
            }
            if matches!(mount.text("recursiveReadOnly"), "Enabled" | "IfPossible") && !mount.is_true("readOnly") {
                let span = mount.get("recursiveReadOnly").map_or(mount.head(), At::head);
                walk.refuse(
                    span,
                    "`recursiveReadOnly` needs `readOnly: true`",
                    "It carries `readOnly` on to what is mounted below.",
                    "Add `readOnly: true`.",
                );
            }
        }
        let mut seen = HashSet::new();
        for device in list("volumeDevices") {
            let Some(name) = device.get("name") else { continue };
            let Some(text) = name.as_str().filter(|t| !t.is_empty()) else { continue };
            let claim = volumes.get(text).is_some_and(|v| v.get("persistentVolumeClaim").is_some() || v.get("ephemeral").is_some())
                || walk.claims.contains(&text);
            let shown = walk.doc.shown(name);
            let (message, fix) = if !claim && !volumes.contains_key(text) {
                let near = words::nearest(text, volumes.keys().copied().take(100)).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
                (format!("no volume of this pod is named `{shown}`{near}"), "Add a volume with this name.")
            } else if !claim {
                (format!("the volume `{shown}` can't be used as a device"), "Take it from a `persistentVolumeClaim`.")
            } else if mounted.contains(text) {
                (format!("`{shown}` is mounted and used as a device"), "Keep one of the two.")
            } else if !seen.insert(text) {
                (format!("a second device takes the volume `{shown}`"), "Keep one of them.")
            } else {
                continue;
            };
            walk.refuse(name.span, message, "A device is a claim's raw block volume, used once in a container.", fix);
        }
    }
}

/// Files of several sources in one folder: no path twice.
pub fn projected(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let mut taken: HashSet<&str> = HashSet::new();
    for source in at.items("sources") {
        if let Some(seconds) =
            source.path(&["serviceAccountToken", "expirationSeconds"]).filter(|s| s.as_i64().is_some_and(|n| !(600..=1 << 32).contains(&n)))
        {
            walk.refuse(
                seconds.span,
                "`expirationSeconds` must be at least 600",
                "The kubelet renews a token well before its end and needs the time.",
                "Write 600 or more.",
            );
        }
        let files = ["secret", "configMap", "downwardAPI"].into_iter().filter_map(|k| source.path(&[k, "items"])).flat_map(Node::items);
        for path in files.filter_map(|f| f.get("path")) {
            if path.as_str().is_some_and(|t| !t.is_empty() && !taken.insert(t)) {
                let message = format!("a second file has the path `{}`", walk.doc.shown(path));
                walk.refuse(path.span, message, "All sources share one folder, and a path in it is one file.", "Write another path.");
            }
        }
    }
}

pub fn downward(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if let Some(path) = at.node.path(&["fieldRef", "fieldPath"]) {
        field_path(walk, path, FIELDS);
    }
    let Some(resource) = at.given("resourceFieldRef").filter(|r| matches!(r.node.value, Value::Map(_))) else { return };
    if let Some(name) = resource.node.get("resource") {
        resource_name(walk, name);
    }
    if resource.text("containerName").is_empty() {
        let fix = walk.doc.add(resource.node, resource.key, "containerName: …");
        walk.refuse(
            resource.head(),
            "`resourceFieldRef` of a volume needs a `containerName`",
            "A volume belongs to the pod, so it must be said whose amount is meant.",
            fix,
        );
    }
}
