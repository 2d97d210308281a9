//! CustomResourceDefinitions: what the API asks of their names and versions, and of structural schemas.
use super::{At, Walk};
use crate::engine::yaml::Node;

/// Deeper than any schema of a custom resource goes.
const DEEPEST: usize = 40;
const STRUCTURAL: &str = "A schema must be structural: every field has one type, said outside of `allOf`, `anyOf`, `oneOf` and `not`. Only so can the API drop unknown fields and fill in defaults.";

pub fn check(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let (group, plural) = (at.text("group"), at.node.path(&["names", "plural"]).and_then(Node::as_str).unwrap_or(""));
    if let Some(name) = walk.root.path(&["metadata", "name"]).filter(|_| !group.is_empty() && !plural.is_empty()) {
        let wanted = format!("{plural}.{group}");
        if name.as_str().is_some_and(|n| n != wanted) {
            let fix = walk.doc.replace(name.span, &wanted).unwrap_or_else(|| format!("Write `{wanted}`."));
            walk.refuse(
                name.span,
                format!("the name of this definition must be `{wanted}`"),
                "It is the plural and the group of what it defines; the API refuses another.",
                fix,
            );
        }
    }
    if !group.is_empty() && !group.contains('.') {
        let span = at.get("group").map_or(at.head(), |g| g.node.span);
        walk.refuse(
            span,
            "`group` must be a domain with at least one dot",
            "Groups without a dot are Kubernetes' own.",
            "Write a domain of yours such as `acme.dev`.",
        );
    }
    if at.is_true("preserveUnknownFields") {
        let span = at.get("preserveUnknownFields").map_or(at.head(), At::head);
        walk.refuse(
            span,
            "`preserveUnknownFields: true` is gone",
            "v1 keeps only fields that the schema names; `x-kubernetes-preserve-unknown-fields` opens single ones.",
            "Remove it.",
        );
    }
    let versions = at.items("versions");
    super::pods::unique(walk, versions.iter(), "name", "version");
    let stored = versions.iter().filter(|v| v.get("storage").and_then(Node::as_bool) == Some(true)).count();
    if stored != 1
        && !versions.is_empty()
        && let Some(list) = at.get("versions")
    {
        let says = if stored == 0 { "no version has" } else { "more than one version has" };
        walk.refuse(
            list.head(),
            format!("{says} `storage: true`"),
            "Objects are kept in one of the versions; the API refuses a definition that doesn't say in which.",
            "Set `storage: true` on exactly one.",
        );
    }
    for node in versions.iter().take(20) {
        let version = At { node, key: None, name: "versions" };
        let Some(schema) = version.node.path(&["schema", "openAPIV3Schema"]) else {
            let span = node.get("name").map_or(node.span, |n| n.span);
            walk.refuse(
                span,
                "this version has no `schema.openAPIV3Schema`",
                "v1 asks for a schema of each version.",
                "Add `schema: {openAPIV3Schema: {type: object}}`.",
            );
            continue;
        };
        if schema.get("type").is_none_or(|t| t.as_str().is_some_and(|t| t != "object")) {
            let span = schema.get("type").map_or(schema.span, |t| t.span);
            walk.refuse(span, "the schema of a custom resource has `type: object`", STRUCTURAL, "Write `type: object` at its top.");
        }
        structural(walk, schema, true, 0);
    }
}

/// `outside` of the junctors, which may only narrow down what stands outside of them.
fn structural(walk: &mut Walk<'_, '_>, node: &Node, outside: bool, depth: usize) {
    if depth > DEEPEST || walk.is_full() {
        return;
    }
    let schema = At { node, key: None, name: "" };
    let text = schema.text("type");
    let open = schema.is_true("x-kubernetes-preserve-unknown-fields");
    let either = schema.is_true("x-kubernetes-int-or-string");
    let head = node.entries().first().map_or(node.span, |e| e.key_span);
    if let Some(reference) = node.entry("$ref") {
        return walk.refuse(
            reference.key_span,
            "a definition can't use `$ref`",
            "The schema of a custom resource stands for itself; the API refuses references.",
            "Write out what it refers to.",
        );
    }
    if outside {
        if text.is_empty() && !open && !either && depth > 0 {
            let fix = walk.doc.add(node, None, "type: …");
            walk.refuse(head, "this schema has no `type`", STRUCTURAL, fix);
        }
        if text == "array" && node.get("items").is_none() {
            walk.refuse(head, "an array needs `items`", STRUCTURAL, walk.doc.add(node, None, "items:\n  type: …"));
        }
        if node.get("uniqueItems").and_then(Node::as_bool) == Some(true) {
            let span = node.entry("uniqueItems").map_or(head, |e| e.key_span);
            walk.refuse(
                span,
                "`uniqueItems` can't be `true`",
                "Comparing every item with every other costs too much.",
                "Write `x-kubernetes-list-type: set`.",
            );
        }
        if let Some(more) = node.entry("additionalProperties") {
            if node.get("properties").is_some_and(|p| !p.entries().is_empty()) {
                walk.refuse(
                    more.key_span,
                    "`additionalProperties` may not stand beside `properties`",
                    "A mapping has either known keys or any.",
                    "Keep one of the two.",
                );
            } else if depth == 0 {
                walk.refuse(
                    more.key_span,
                    "`additionalProperties` can't stand at the top of the schema",
                    STRUCTURAL,
                    "Name the fields under `properties`.",
                );
            }
        }
        if let Some(items) = node.entry("items").filter(|i| !i.value.items().is_empty()) {
            walk.refuse(items.key_span, "`items` is one schema, not a list", STRUCTURAL, "Write the schema of every item.");
        }
        if schema.text("x-kubernetes-list-type") == "map" && schema.items("x-kubernetes-list-map-keys").is_empty() {
            let span = node.entry("x-kubernetes-list-type").map_or(head, |e| e.key_span);
            walk.refuse(
                span,
                "the list type `map` needs `x-kubernetes-list-map-keys`",
                "They say by which keys items are told apart.",
                "Add `x-kubernetes-list-map-keys: [name]`.",
            );
        }
    } else {
        for key in ["type", "default", "description", "nullable", "additionalProperties", "title", "example"] {
            // Both halves of an int-or-string are written so.
            if let Some(wrong) = node.entry(key).filter(|_| !(key == "type" && matches!(text, "integer" | "string"))) {
                walk.refuse(
                    wrong.key_span,
                    format!("`{key}` may not stand within `allOf`, `anyOf`, `oneOf` or `not`"),
                    STRUCTURAL,
                    "Move it out to the field itself.",
                );
            }
        }
    }
    let properties = node.get("properties").map_or(&[][..], Node::entries);
    for entry in properties {
        structural(walk, &entry.value, outside, depth + 1);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = node.get(key).filter(|n| !n.entries().is_empty()) {
            structural(walk, inner, outside, depth + 1);
        }
    }
    for inner in ["allOf", "anyOf", "oneOf"].iter().flat_map(|k| node.get(k).map_or(&[][..], Node::items)).chain(node.get("not")) {
        structural(walk, inner, false, depth + 1);
    }
}
