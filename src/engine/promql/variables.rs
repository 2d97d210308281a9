//! Queries of dashboards: PromQL with Grafana's variables in it.
use super::{Fault, Query, read};

/// The names of the variables of a query: `$node`, `${node:regex}`, `[[node]]`.
pub fn variables(text: &str) -> Vec<&str> {
    split(text).into_iter().filter_map(|p| p.1).collect()
}

/// Reads a query with values in place of its variables: a variable may stand for a name, a number or a span of time, so one reading without a fault is enough.
pub fn read_with_variables(text: &str) -> Vec<Fault> {
    let parts = split(text);
    if parts.iter().all(|p| p.1.is_none()) {
        return read(text).faults;
    }
    let mut first: Option<Vec<Fault>> = None;
    for value in ["x", "1", "5m"] {
        let mut filled = String::with_capacity(text.len());
        for (plain, variable) in &parts {
            filled.push_str(plain);
            // Between brackets, and by these names anywhere, it is a span of time.
            let span = filled.trim_end().ends_with(['[', ':']) && filled.contains('[');
            filled.push_str(match variable {
                None => "",
                Some(_) if span => "5m",
                Some(v) if v.ends_with("_ms") || v.ends_with("_s") => "300",
                Some(v) if matches!(*v, "__interval" | "__rate_interval" | "__range") => "5m",
                Some(_) => value,
            });
        }
        let Query { faults, .. } = read(&filled);
        if faults.is_empty() {
            return faults;
        }
        first.get_or_insert(faults);
    }
    first.unwrap_or_default()
}

/// Text and the variable behind it, in turn.
fn split(text: &str) -> Vec<(&str, Option<&str>)> {
    let mut parts = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(next) = text[at..].find(['$', '[']).map(|n| at + n) {
        let rest = &text[next..];
        let named = |s: &str| s.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(s.len());
        let found = if let Some(inner) = rest.strip_prefix("${") {
            inner.find('}').map(|end| (&inner[..named(inner)], 2 + end + 1))
        } else if let Some(inner) = rest.strip_prefix("[[") {
            inner.find("]]").map(|end| (&inner[..named(inner)], 2 + end + 2))
        } else {
            rest.strip_prefix('$').map(|inner| (&inner[..named(inner)], 1 + named(inner)))
        };
        // `$1` is a group of `label_replace`.
        match found.filter(|(name, _)| !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())) {
            Some((name, len)) => {
                parts.push((&text[from..next], Some(name)));
                from = next + len;
                at = from;
            }
            None => at = next + 1,
        }
    }
    parts.push((&text[from..], None));
    parts
}
