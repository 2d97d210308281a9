//! Sentences about schema errors: names of fields, types in words, the nearest right name.
use super::catalog::Field;
use crate::engine::yaml::{Node, Value};

/// A type as a sentence names it.
pub fn type_name(json: &str) -> &'static str {
    match json {
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a string",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a mapping",
        _ => "empty",
    }
}

/// `limits`, `containers[0]`: the last named step of a path and the indexes after it.
pub fn field_name(path: &[String], root: &Node) -> String {
    let mut name = String::new();
    let mut here = Some(root);
    for step in path {
        match here.map(|n| &n.value) {
            Some(Value::Seq(items)) => {
                name.push_str(&format!("[{step}]"));
                here = step.parse::<usize>().ok().and_then(|n| items.get(n));
            }
            _ => {
                name.clone_from(step);
                here = here.and_then(|n| n.get(step));
            }
        }
    }
    if name.is_empty() { "the document".into() } else { format!("`{name}`") }
}

/// The candidate nearest to `wrong`, if it is near enough to be a slip of the hand.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = wrong.to_lowercase();
    let allowed = (wrong.chars().count() / 3).clamp(1, 4);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate.len().abs_diff(wrong.len()) > allowed {
            continue;
        }
        let distance = strsim::osa_distance(&lower, &candidate.to_lowercase());
        if distance <= allowed && best.is_none_or(|(d, _)| distance < d) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `a`, `a` or `b`, `a`, `b` or `c`.
pub fn either<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|n| format!("`{n}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} or {last}", init.join(", ")),
    }
}

/// Where a key that is unknown here would be at home: a slip in the indentation, most often.
pub enum Home {
    /// So many mappings up, under this key.
    Above(String),
    /// In a mapping or list of this one.
    Below(String),
}

/// `above` are the fields around this one, innermost first, with the names of their keys.
pub fn home(key: &str, field: &Field<'_>, above: &[(String, Field<'_>)]) -> Option<Home> {
    if let Some((name, _)) = above.iter().find(|(_, f)| f.has(key)) {
        return Some(Home::Above(name.clone()));
    }
    let below = field.properties().find_map(|(name, child)| {
        if child.has(key) {
            return Some(name.to_string());
        }
        child.item().filter(|i| i.has(key)).map(|_| format!("{name}[]"))
    });
    below.map(Home::Below)
}

/// A quantity to show for a field of this name.
pub fn example_quantity(name: &str) -> &'static str {
    match name {
        "cpu" => "500m",
        "memory" | "sizeLimit" => "512Mi",
        "ephemeral-storage" | "storage" => "10Gi",
        _ => "1",
    }
}
