//! Amounts of resources: quantities, whole GPUs, requests within limits, what a quota may count.
use super::{At, Walk};
use crate::engine::kubernetes::quantity::{self, Quantity};
use crate::engine::kubernetes::words;
use crate::engine::yaml::{Entry, Node, Value};

/// Why a quantity has the form it has.
pub const QUANTITY: &str = "The scheduler adds these amounts up and compares them with what a node has, so each must be a number with a unit: `500m` is half a core, `512Mi` is 512 · 1024² bytes.";
const EXTENDED: &str = "A device is handed out whole: a node counts GPUs in pieces, and the API refuses a fraction of one. Share a GPU with MIG or time-slicing on the node, not in the request.";

pub fn quantity(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let Value::String(text) = &at.node.value else {
        if Quantity::of(at.node).is_some_and(Quantity::is_negative) {
            negative(walk, at);
        }
        return;
    };
    match Quantity::parse(text) {
        Some(q) if q.is_negative() => negative(walk, at),
        Some(_) => {}
        None => {
            let meant = quantity::meant(text);
            let example = meant.clone().unwrap_or_else(|| words::example_quantity(at.name).to_string());
            let shown = walk.doc.shown(at.node);
            let message = match &meant {
                Some(right) => format!("`{}` is `{shown}`, which is no quantity; did you mean `{right}`?", at.name),
                None => format!("`{}` must be a quantity such as `{example}`, but it is `{shown}`", at.name),
            };
            let fix = walk.doc.replace(at.node.span, &example).unwrap_or_else(|| format!("Write a quantity such as `{example}`."));
            let problem = walk.doc.problem(at.node.span, message).why(QUANTITY).fix(fix);
            walk.add(problem);
        }
    }
}

fn negative(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let problem = walk.doc.problem(at.node.span, format!("`{}` can't be negative", at.name)).why(QUANTITY);
    walk.add(problem.fix(format!("Write an amount such as `{}`.", words::example_quantity(at.name))));
}

/// A device or anything else that a plugin counts: `nvidia.com/gpu`.
pub fn is_extended(name: &str) -> bool {
    name.contains('/')
        && !name.starts_with("kubernetes.io/")
        && !name.contains(".kubernetes.io/")
        && !name.starts_with("requests.")
        && !name.starts_with("limits.")
}

/// Names without a domain are the API's own resources.
pub fn known(walk: &mut Walk<'_, '_>, entry: &Entry) {
    const KNOWN: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
    if entry.key.contains('/') || KNOWN.contains(&entry.key.as_str()) || entry.key.starts_with("hugepages-") {
        return;
    }
    let gpu = entry.key.to_lowercase().contains("gpu").then_some("nvidia.com/gpu");
    let near = gpu.or((entry.key == "storage").then_some("ephemeral-storage")).or_else(|| words::nearest(&entry.key, KNOWN));
    let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
    let problem = walk.doc.problem(entry.key_span, format!("there is no resource `{}`{asked}", entry.key));
    let fix = near
        .and_then(|n| walk.doc.replace(entry.key_span, n))
        .unwrap_or_else(|| "Use `cpu`, `memory`, `ephemeral-storage` or a device such as `nvidia.com/gpu`.".into());
    walk.add(problem.why("Without a domain in front, the API knows only its own resources; it refuses any other name.").fix(fix));
}

pub fn requirements(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let (requests, limits) = (at.get("requests"), at.get("limits"));
    for entry in requests.iter().chain(&limits).flat_map(|side| side.node.entries()) {
        let Some(amount) = Quantity::of(&entry.value).filter(|_| is_extended(&entry.key)) else { continue };
        if !amount.is_whole() {
            let written = walk.doc.shown(&entry.value);
            let whole = amount.round_down().max(1);
            let fix = walk.doc.replace(entry.value.span, &whole.to_string()).unwrap_or_else(|| format!("Write {whole}."));
            let problem = walk.doc.problem(entry.value.span, format!("`{}` must be a whole number, but it is `{written}`", entry.key));
            walk.add(problem.why(EXTENDED).fix(fix));
        }
    }
    for entry in requests.iter().chain(&limits).flat_map(|side| side.node.entries()) {
        known(walk, entry);
    }
    let Some(requests) = requests else { return };
    let empty = Node { span: at.node.span, value: Value::Map(Vec::new()), plain: false };
    let limited = limits.map_or(&empty, |l| l.node);
    for entry in requests.node.entries() {
        let Some(request) = Quantity::of(&entry.value) else { continue };
        match limited.get(&entry.key).and_then(Quantity::of) {
            Some(limit) if request > limit => {
                let limit_node = limited.get(&entry.key).map(|n| walk.doc.raw(n)).unwrap_or_default();
                let message = format!("the request for `{}` ({}) is above its limit ({limit_node})", entry.key, walk.doc.shown(&entry.value));
                let fix = walk.doc.replace(entry.value.span, &limit_node).unwrap_or_else(|| format!("Request at most {limit_node}."));
                let problem = walk.doc.problem(entry.value.span, message);
                walk.add(
                    problem
                        .why("A request is what is set aside, a limit the most one may use: the API refuses to set aside more than may be used.")
                        .fix(fix),
                );
            }
            Some(limit) if is_extended(&entry.key) && request != limit => {
                let message = format!("the request for `{}` must equal its limit", entry.key);
                let problem = walk.doc.problem(entry.value.span, message);
                walk.add(
                    problem
                        .why("Devices can't be overcommitted: what is set aside is what is used.")
                        .fix("Leave the request out; the limit stands for both."),
                );
            }
            None if is_extended(&entry.key) => {
                let message = format!("`{}` is requested but has no limit", entry.key);
                let line = format!("{}: {}", entry.key, walk.doc.shown(&entry.value));
                let fix = match limits {
                    Some(limits) => walk.doc.add(limits.node, limits.key, &line),
                    None => walk.doc.add(at.node, at.key, &format!("limits:\n  {line}")),
                };
                let problem = walk.doc.problem(entry.key_span, message);
                walk.add(problem.why("Devices can't be overcommitted, so the API asks for the limit and takes the request from it.").fix(fix));
            }
            _ => {}
        }
    }
}

/// A quota counts devices by their requests only.
pub fn quota(walk: &mut Walk<'_, '_>, at: At<'_>) {
    for entry in at.get("hard").iter().flat_map(|h| h.node.entries()) {
        let wrong = entry
            .key
            .strip_prefix("limits.")
            .filter(|r| is_extended(r))
            .or_else(|| Some(entry.key.as_str()).filter(|k| is_extended(k) && !k.starts_with("count/") && !k.contains(".storageclass.")));
        if let Some(resource) = wrong {
            let right = format!("requests.{resource}");
            let problem = walk.doc.problem(entry.key_span, format!("a quota can't count `{}`; write `{right}`", entry.key));
            let fix = walk.doc.replace(entry.key_span, &right).unwrap_or_else(|| format!("Write `{right}`."));
            walk.add(
                problem.why("For devices request and limit are one number, and a quota accepts only the name that begins with `requests.`.").fix(fix),
            );
        }
    }
}
