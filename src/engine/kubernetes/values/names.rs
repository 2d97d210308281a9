//! Names and labels: what the API accepts as one, and what somebody probably meant.
use super::shapes::{Spelling, spelled};
use super::{At, Walk};
use crate::engine::yaml::{Node, Value};

const NAME: &str = "Names become parts of DNS names and of paths, so the API takes only lower-case letters, digits and `-`.";
/// What annotations may come to, in bytes.
const ANNOTATIONS: usize = 256 << 10;
const LABEL: &str = "Selectors compare labels, so the API is strict about what one may be; a number or a boolean is refused.";

/// RFC 1123: at most 63 of a–z, 0–9 and `-`, with neither end a `-`.
pub fn is_dns_label(text: &str) -> bool {
    let ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    !bytes.is_empty() && bytes.len() <= 63 && bytes.iter().all(|b| ok(*b) || *b == b'-') && ok(bytes[0]) && ok(bytes[bytes.len() - 1])
}

/// DNS labels with dots between them, 253 characters at most. A part may be longer than 63 here, as in the API.
pub fn is_dns_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(|part| part.len() <= 253 && (is_dns_label(part) || (part.len() > 63 && is_dns_label(&part[..63]))))
}

/// RFC 6335, as containers' ports have it: at most 15 of a–z, 0–9 and `-`, a letter among them.
pub fn is_port_name(text: &str) -> bool {
    is_dns_label(text) && text.len() <= 15 && text.bytes().any(|b| b.is_ascii_alphabetic()) && !text.contains("--")
}

/// A name made of what somebody wrote: `Chat_Server` becomes `chat-server`.
pub fn tidy(text: &str) -> String {
    let mapped: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
    let cut: String = mapped.trim_matches('-').chars().take(63).collect();
    cut.trim_matches('-').to_string()
}

/// Letters, digits, `-`, `_` and `.`, at most 63, with a letter or digit at both ends; for labels also nothing at all.
fn is_name_part(text: &str) -> bool {
    let ends = |b: &u8| b.is_ascii_alphanumeric();
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && bytes.first().is_some_and(ends)
        && bytes.last().is_some_and(ends)
}

/// What is wrong with a label's key, in words that follow "the label key `…`".
pub fn label_key_problem(key: &str) -> Option<&'static str> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if prefix.is_some_and(|p| p.is_empty() || !is_dns_name(p)) {
        return Some("must have a domain name before the `/`");
    }
    if name.contains('/') {
        return Some("may have one `/` only");
    }
    (!is_name_part(name)).then_some("must be 1 to 63 letters, digits, `-`, `_` or `.`, with a letter or digit at both ends")
}

/// What is wrong with a label's value.
pub fn label_value_problem(value: &str) -> Option<&'static str> {
    if value.len() > 63 {
        return Some("must be 63 characters at most");
    }
    (!value.is_empty() && !is_name_part(value)).then_some("may hold only letters, digits, `-`, `_` and `.`, with a letter or digit at both ends")
}

/// The object's own name.
pub fn of_object(walk: &mut Walk<'_, '_>, root: &Node) {
    let start = root.entries().first().map_or(root.span, |e| e.key_span);
    let Some(metadata) = root.entry("metadata") else {
        let problem = walk.doc.problem(start, format!("this {} has no `metadata`, and so no name", walk.kind));
        let fix = walk.doc.line(root.entry("kind").map_or(start.start.line, |e| e.key_span.start.line));
        walk.add(problem.why("An object is found by its kind, namespace and name.").fix(format!(" {fix}\n+metadata:\n+  name: …")));
        return;
    };
    let Some(name) = metadata.value.get("name") else {
        if metadata.value.get("generateName").is_none() && matches!(metadata.value.value, Value::Map(_) | Value::Null) {
            let fix = walk.doc.add(&metadata.value, Some(metadata.key_span), "name: …");
            let problem = walk.doc.problem(metadata.key_span, "`metadata` needs a `name`");
            walk.add(problem.why("An object is found by its kind, namespace and name.").fix(fix));
        }
        return;
    };
    let Some(text) = name.as_str() else { return };
    // Names of roles and their bindings are parts of paths only and may hold nearly anything.
    if matches!(walk.kind, "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding") {
        return spelled(walk, name, "name", text, Spelling::Segment);
    }
    if walk.kind == "PriorityClass" && text.starts_with("system-") && !matches!(text, "system-cluster-critical" | "system-node-critical") {
        let why = "Names that begin so are kept for the cluster's own classes; the API refuses them.";
        return walk.refuse(name.span, "the name of a PriorityClass can't begin with `system-`", why, "Write another name.");
    }
    let label_only = matches!(walk.kind, "Service" | "Namespace");
    let fine = if label_only { is_dns_label(text) } else { is_dns_name(text) };
    // Since 1.36 a Service's name may begin with a digit too.
    let digit_first = walk.kind == "Service" && walk.minor < 36 && text.starts_with(|c: char| c.is_ascii_digit());
    if !fine || digit_first {
        let rule = match (digit_first, label_only) {
            (true, _) => "must begin with a letter",
            (_, true) => "must be at most 63 lower-case letters, digits and `-`, with a letter or digit at both ends",
            _ => "must be lower-case letters, digits, `-` and `.`, with a letter or digit at both ends",
        };
        let right = if digit_first { format!("x{text}") } else { tidy(text) };
        let problem = walk.doc.problem(name.span, format!("the name `{}` {rule}", walk.doc.shown(name)));
        let fix = (!right.is_empty()).then(|| walk.doc.replace(name.span, &right)).flatten();
        walk.add(problem.why(NAME).fix(fix.unwrap_or_else(|| "Write a name such as `chat`.".into())));
    }
}

pub fn labels_and_annotations(walk: &mut Walk<'_, '_>, at: At<'_>) {
    // Of a template only labels and annotations are looked at.
    let own = walk.root.get("metadata").is_some_and(|m| std::ptr::eq(m, at.node));
    if own {
        own_metadata(walk, at);
    }
    if own
        && let Some(namespace) = at.get("namespace")
        && let Some(text) = namespace.node.as_str()
        && !is_dns_label(text)
    {
        let problem = walk
            .doc
            .problem(namespace.node.span, format!("the namespace `{}` must be lower-case letters, digits and `-`", walk.doc.shown(namespace.node)));
        walk.add(problem.why(NAME).fix(format!("Write `{}`.", tidy(text))));
    }
    if let Some(labels) = at.get("labels") {
        label_map(walk, labels, true);
    }
    if let Some(annotations) = at.get("annotations") {
        label_map(walk, annotations, false);
    }
}

/// What only objects have, not the templates of others.
fn own_metadata(walk: &mut Walk<'_, '_>, at: At<'_>) {
    for finalizer in at.items("finalizers") {
        let Some(text) = finalizer.as_str() else { continue };
        let known = matches!(text, "kubernetes" | "orphan" | "foregroundDeletion");
        let wrong = label_key_problem(text)
            .or_else(|| (walk.native && !text.contains('/') && !known).then_some("must have a domain before it: `example.org/name`"));
        if let Some(wrong) = wrong {
            let message = format!("the finalizer `{}` {wrong}", walk.doc.shown(finalizer));
            walk.refuse(
                finalizer.span,
                message,
                "It names the controller that must let the object go; the API refuses a name nobody can own.",
                "Write a name such as `acme.dev/cleanup`.",
            );
        }
    }
    for owner in at.items("ownerReferences").iter().filter(|o| matches!(o.value, Value::Map(_))) {
        let owner = At { node: owner, key: None, name: "ownerReferences" };
        if let Some(empty) = ["apiVersion", "kind", "name", "uid"].into_iter().filter_map(|k| owner.get(k)).find(|v| v.node.as_str() == Some("")) {
            walk.refuse(
                empty.head(),
                format!("`{}` of an owner is empty", empty.name),
                "An owner is found by all four of its fields.",
                "Leave `ownerReferences` to controllers.",
            );
        }
    }
}

fn label_map(walk: &mut Walk<'_, '_>, at: At<'_>, values: bool) {
    let what = if values { "label" } else { "annotation" };
    if !values && at.node.entries().iter().map(|e| e.key.len() + e.value.as_str().map_or(0, str::len)).sum::<usize>() > ANNOTATIONS {
        walk.refuse(
            at.head(),
            "the annotations are longer than 256 KiB",
            "They are kept with the object and sent with it; the API refuses more.",
            "Put large data into a ConfigMap.",
        );
    }
    for entry in at.node.entries() {
        // The case of an annotation's key doesn't matter.
        let key = if values { entry.key.clone() } else { entry.key.to_lowercase() };
        if let Some(wrong) = label_key_problem(&key) {
            let shown: String = entry.key.chars().take(70).collect();
            let problem = walk.doc.problem(entry.key_span, format!("the {what} key `{shown}` {wrong}"));
            walk.add(problem.why(LABEL).fix("Write a key such as `app.kubernetes.io/name`."));
        }
        if values && let Some(wrong) = entry.value.as_str().and_then(label_value_problem) {
            let problem =
                walk.doc.problem(entry.value.span, format!("the value `{}` of the label `{}` {wrong}", walk.doc.shown(&entry.value), entry.key));
            walk.add(problem.why(LABEL).fix("Put free text into an annotation; a label's value is a short word."));
        }
    }
}

pub fn selector(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if let Some(labels) = at.get("matchLabels") {
        label_map(walk, labels, true);
    }
    for item in at.get("matchExpressions").iter().flat_map(|e| e.node.items()) {
        let (Some(operator), values) = (item.get("operator").and_then(Node::as_str), item.get("values").map_or(&[][..], Node::items)) else {
            continue;
        };
        let wants = matches!(operator, "In" | "NotIn");
        if wants == values.is_empty() && matches!(operator, "In" | "NotIn" | "Exists" | "DoesNotExist") {
            let span = item.entry("operator").map_or(item.span, |e| e.value.span);
            let message = if wants { format!("`{operator}` needs `values`") } else { format!("`{operator}` takes no `values`") };
            let problem = walk.doc.problem(span, message);
            walk.add(
                problem.why("`In` and `NotIn` compare with a list; `Exists` and `DoesNotExist` only ask whether the label is there.").fix(if wants {
                    "Add `values: [ … ]`."
                } else {
                    "Remove `values`."
                }),
            );
        }
    }
}

/// Port names: RFC 6335, at most 15 characters, for containers; a DNS label for services.
pub fn port_name(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if let Some(name) = at.get("name")
        && let Some(text) = name.node.as_str()
    {
        let of_container = at.node.get("containerPort").is_some();
        let fine = if of_container { is_port_name(text) } else { is_dns_label(text) };
        if !fine {
            let rule = if of_container {
                "must be at most 15 lower-case letters, digits and `-`, with at least one letter"
            } else {
                "must be lower-case letters, digits and `-`"
            };
            let problem = walk.doc.problem(name.node.span, format!("the port name `{}` {rule}", walk.doc.shown(name.node)));
            walk.add(
                problem
                    .why("Services and probes refer to the port by this name, and it becomes part of a DNS SRV record.")
                    .fix("Write a name such as `http` or `metrics`."),
            );
        }
    }
}
