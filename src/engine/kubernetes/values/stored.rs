//! What is stored: the bytes of Secrets and ConfigMaps, and claims for volumes.
use super::{At, Walk};
use crate::engine::yaml::{Node, is_base64};

/// Fields of bytes, which JSON has as base64.
pub fn bytes(walk: &mut Walk<'_, '_>, at: At<'_>, field: &str, plain: &str) {
    for entry in at.node.get(field).map_or(&[][..], Node::entries) {
        if entry.value.as_str().is_some_and(|text| !is_base64(text)) {
            // The value is not repeated: it may be a password.
            let problem = walk.doc.problem(entry.value.span, format!("`{}` under `{field}` is not base64", entry.key));
            walk.add(
                problem
                    .why(format!("The values of `{field}` are bytes, written as base64; the API refuses what it can't decode."))
                    .fix(format!("Move it to `{plain}`, which takes plain text, or write what `base64` makes of it.")),
            );
        }
    }
}

/// What a claim must say. A StatefulSet's templates of claims are taken unread by the API.
pub fn claim(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if walk.kind != "PersistentVolumeClaim" {
        return;
    }
    let mut missing = Vec::new();
    if at.node.get("accessModes").is_none_or(|m| m.items().is_empty()) {
        missing.push(("accessModes", "accessModes: [ReadWriteOnce]"));
    }
    if at.node.path(&["resources", "requests", "storage"]).is_none() {
        missing.push(("resources.requests.storage", "resources:\n  requests:\n    storage: 10Gi"));
    }
    if missing.is_empty() {
        return;
    }
    let names = missing.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    let lines: Vec<&str> = missing.iter().map(|(_, lines)| *lines).collect();
    let problem = walk.doc.problem(at.head(), format!("a claim needs {names}"));
    walk.add(
        problem
            .why("A volume is found or made by its size and by how many nodes may mount it; the API refuses a claim that doesn't say.")
            .fix(walk.doc.add(at.node, at.key, &lines.join("\n"))),
    );
}
