//! What is stored: the keys and bytes of Secrets and ConfigMaps, claims, volumes and their classes.
use super::names::label_key_problem;
use super::shapes::{Spelling, wrong};
use super::{At, Walk};
use crate::engine::yaml::{Entry, Node, Value, is_base64};

/// What the values of a ConfigMap or Secret may come to, in bytes.
const MOST: usize = 1 << 20;
/// The keys that a type of Secret needs.
const NEEDS: &[(&str, &[&str])] = &[
    ("kubernetes.io/tls", &["tls.crt", "tls.key"]),
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
    ("kubernetes.io/dockercfg", &[".dockercfg"]),
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"]),
];

pub fn config_map(walk: &mut Walk<'_, '_>, at: At<'_>) {
    bytes(walk, at, "binaryData", "data");
    keys(walk, at, &["data", "binaryData"]);
    let binary = at.get("binaryData").map_or(&[][..], |b| b.node.entries());
    let data = at.get("data");
    for entry in binary {
        if data.is_some_and(|d| d.node.get(&entry.key).is_some()) {
            let message = format!("`{}` is a key of `data` too", shown(&entry.key));
            walk.refuse(
                entry.key_span,
                message,
                "Both are mounted side by side, each key a file; the API refuses one key in both.",
                "Give it another key.",
            );
        }
    }
}

pub fn secret(walk: &mut Walk<'_, '_>, at: At<'_>) {
    bytes(walk, at, "data", "stringData");
    keys(walk, at, &["data", "stringData"]);
    let has = |key: &str| ["data", "stringData"].iter().any(|m| at.node.path(&[m, key]).is_some());
    let kind = at.text("type");
    let span = at.get("type").map_or(at.head(), |t| t.node.span);
    let missing: Vec<String> =
        NEEDS.iter().filter(|(k, _)| *k == kind).flat_map(|(_, keys)| keys.iter()).filter(|k| !has(k)).map(|k| format!("`{k}`")).collect();
    if !missing.is_empty() {
        let message = format!("a Secret of the type `{kind}` needs {}", missing.join(" and "));
        walk.refuse(
            span,
            message,
            "Whoever reads a Secret of this type looks for these keys; the API refuses one without.",
            format!("Add {} to it.", missing.join(" and ")),
        );
    }
    if kind == "kubernetes.io/basic-auth" && !has("username") && !has("password") {
        let why = "Whoever reads a Secret of this type looks for these keys; the API refuses one with neither.";
        walk.refuse(span, "a Secret of the type `kubernetes.io/basic-auth` needs `username` or `password`", why, "Add them under `stringData`.");
    }
    if kind == "kubernetes.io/service-account-token" && walk.root.path(&["metadata", "annotations", "kubernetes.io/service-account.name"]).is_none() {
        let why = "The token is made for the ServiceAccount that it names.";
        walk.refuse(span, "a token's Secret needs the annotation `kubernetes.io/service-account.name`", why, "Add it under `metadata.annotations`.");
    }
    // In `data` it is base64, and what that holds is not opened here.
    for key in [".dockerconfigjson", ".dockercfg"].into_iter().filter(|k| kind.ends_with(k.trim_start_matches('.'))) {
        let Some(node) = at.node.path(&["stringData", key]) else { continue };
        if node.as_str().is_some_and(|text| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_err()) {
            let why = "The kubelet reads the registry's credentials from it; the API refuses what is no JSON object.";
            walk.refuse(
                node.span,
                format!("`{key}` is no JSON object"),
                why,
                "Let `kubectl create secret docker-registry … --dry-run=client -o yaml` write it.",
            );
        }
    }
}

fn shown(key: &str) -> String {
    key.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn keys(walk: &mut Walk<'_, '_>, at: At<'_>, maps: &[&str]) {
    let mut size = 0;
    for entry in maps.iter().filter_map(|m| at.node.get(m)).flat_map(Node::entries) {
        size += entry.value.as_str().map_or(0, str::len);
        if let Some(rule) = wrong(Spelling::Key, &entry.key).or_else(|| entry.key.is_empty().then_some("can't be empty")) {
            let right: String = entry.key.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' }).collect();
            let fix = Some(right).filter(|r| wrong(Spelling::Key, r).is_none() && !r.is_empty()).and_then(|r| walk.doc.replace(entry.key_span, &r));
            let message = format!("the key `{}` {rule}", shown(&entry.key));
            let why = "Each key becomes a file when it is mounted, and the API is strict about its name.";
            walk.refuse(entry.key_span, message, why, fix.unwrap_or_else(|| "Write a key such as `config.yaml`.".into()));
        }
    }
    // base64 has four characters for three bytes.
    let encoded = maps.iter().filter(|m| **m == "binaryData" || (**m == "data" && walk.kind == "Secret")).filter_map(|m| at.node.get(m));
    let encoded: usize = encoded.flat_map(Node::entries).filter_map(|e| e.value.as_str()).map(str::len).sum();
    if size - encoded + encoded / 4 * 3 > MOST + 1024 {
        walk.refuse(
            at.head(),
            format!("this {} holds more than 1 MiB", walk.kind),
            "All of it is kept in etcd, and the API refuses more.",
            "Put large data into a volume or an image.",
        );
    }
}

/// Fields of bytes, which JSON has as base64.
fn bytes(walk: &mut Walk<'_, '_>, at: At<'_>, field: &str, plain: &str) {
    for entry in at.node.get(field).map_or(&[][..], Node::entries) {
        if entry.value.as_str().is_some_and(|text| !is_base64(text)) {
            // The value is not repeated: it may be a password.
            walk.refuse(
                entry.value.span,
                format!("`{}` under `{field}` is not base64", shown(&entry.key)),
                &format!("The values of `{field}` are bytes, written as base64; the API refuses what it can't decode."),
                format!("Move it to `{plain}`, which takes plain text, or write what `base64` makes of it."),
            );
        }
    }
}

/// What a claim must say; those that a StatefulSet makes are held to it since 1.36.
pub fn claim(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if !walk.native || (walk.kind == "StatefulSet" && walk.minor < 36) {
        return;
    }
    access(walk, at);
    let mut missing = Vec::new();
    if at.node.get("accessModes").is_none_or(|m| m.items().is_empty()) {
        missing.push(("accessModes", "accessModes: [ReadWriteOnce]"));
    }
    if at.node.path(&["resources", "requests", "storage"]).is_none() {
        missing.push(("resources.requests.storage", "resources:\n  requests:\n    storage: 10Gi"));
    }
    if let Some(source) = ["dataSource", "dataSourceRef"]
        .into_iter()
        .filter_map(|k| at.given(k))
        .find(|s| s.text("apiGroup").is_empty() && s.node.get("kind").is_some_and(|k| k.as_str().is_some_and(|t| t != "PersistentVolumeClaim")))
    {
        let why = "Without a group only a PersistentVolumeClaim can be copied; a snapshot is in `snapshot.storage.k8s.io`.";
        walk.refuse(source.head(), format!("`{}` needs an `apiGroup` for this kind", source.name), why, "Add `apiGroup: snapshot.storage.k8s.io`.");
    }
    if missing.is_empty() {
        return;
    }
    let names = missing.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    let lines: Vec<&str> = missing.iter().map(|(_, lines)| *lines).collect();
    let why = "A volume is found or made by its size and by how many nodes may mount it; the API refuses a claim that doesn't say.";
    walk.refuse(at.head(), format!("a claim needs {names}"), why, walk.doc.add(at.node, at.key, &lines.join("\n")));
}

fn access(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let modes = at.items("accessModes");
    if let Some(alone) = modes.iter().find(|m| m.as_str() == Some("ReadWriteOncePod")).filter(|_| modes.len() > 1) {
        if modes.iter().all(|m| m.as_str() == Some("ReadWriteOncePod")) {
            return;
        }
        walk.refuse(
            alone.span,
            "`ReadWriteOncePod` may not stand beside other modes",
            "It gives the volume to one pod alone.",
            "Keep it, or the others.",
        );
    }
}

pub fn volume(walk: &mut Walk<'_, '_>, at: At<'_>) {
    access(walk, at);
    if let Some(capacity) = at.get("capacity").filter(|c| !c.node.entries().is_empty())
        && (capacity.node.entries().len() > 1 || capacity.node.get("storage").is_none())
    {
        let fix = "Write `capacity: {storage: 10Gi}`.";
        walk.refuse(capacity.head(), "`capacity` of a volume is `storage` and nothing else", "It is matched with what claims ask for.", fix);
    }
    if at.given("local").is_some() && at.node.path(&["nodeAffinity", "required"]).is_none() {
        let why = "A disk of a node is there only on that node, and the scheduler must know which.";
        walk.refuse(at.head(), "a `local` volume needs `nodeAffinity.required`", why, "Add `nodeAffinity` with the node's name.");
    }
}

pub fn class(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if let Some((node, text)) = at.node.get("provisioner").and_then(|p| Some((p, p.as_str()?))).filter(|(_, t)| !t.is_empty())
        && let Some(rule) = label_key_problem(&text.to_ascii_lowercase())
    {
        walk.refuse(
            node.span,
            format!("the provisioner `{}` {rule}", walk.doc.shown(node)),
            "It is the name under which the driver registered.",
            "Write a name such as `ebs.csi.aws.com`.",
        );
    }
    let empty = |e: &&Entry| e.key.is_empty();
    if let Some(entry) = at.get("parameters").filter(|p| matches!(p.node.value, Value::Map(_))).and_then(|p| p.node.entries().iter().find(empty)) {
        walk.refuse(entry.key_span, "a parameter has no name", "The driver is given parameters by their names.", "Remove it.");
    }
}
