//! A quick look whether a value fits its schema, so that the whole of JSON schema is only asked about the few that may not.
use super::catalog::Field;
use crate::engine::yaml::{Node, Value};
use serde_json::Value as Json;

/// Whether a value surely is what the schema wants. `false` says only that JSON schema has to look: a word of the schema isn't
/// known here, or the value may be wrong.
pub fn surely(node: &Node, field: Field<'_>) -> bool {
    let Some(schema) = field.schema.as_object() else { return field.schema == &Json::Bool(true) };
    for (word, wanted) in schema {
        let fits = match word.as_str() {
            "type" => one_or_more(wanted).any(|t| is(node, t)),
            "required" => match &node.value {
                Value::Map(_) => one_or_more(wanted).all(|key| node.entry(key).is_some()),
                _ => true,
            },
            "enum" => node.as_str().is_some_and(|word| one_or_more(wanted).any(|option| option == word)),
            "oneOf" => one_type(node, wanted),
            "anyOf" => wanted.as_array().is_some_and(|all| all.iter().any(|one| below(node, one, field))),
            "allOf" => wanted.as_array().is_some_and(|all| all.iter().all(|one| below(node, one, field))),
            "minimum" => bounded(node, wanted, |n, least| n >= least),
            "maximum" => bounded(node, wanted, |n, most| n <= most),
            "minItems" => wanted.as_u64().is_some_and(|least| !matches!(node.value, Value::Seq(_)) || node.items().len() as u64 >= least),
            "maxItems" => wanted.as_u64().is_some_and(|most| !matches!(node.value, Value::Seq(_)) || node.items().len() as u64 <= most),
            "minLength" => wanted.as_u64().is_some_and(|least| node.as_str().is_none_or(|s| s.chars().count() as u64 >= least)),
            "maxLength" => wanted.as_u64().is_some_and(|most| node.as_str().is_none_or(|s| s.chars().count() as u64 <= most)),
            // Looked at below, with what is under them.
            "properties" | "additionalProperties" | "items" => true,
            "description" | "default" | "format" => true,
            other => other.starts_with("x-kubernetes-"),
        };
        if !fits {
            return false;
        }
    }
    match &node.value {
        Value::Map(entries) => {
            let (named, others) = (schema.get("properties"), schema.get("additionalProperties"));
            entries.iter().all(|entry| match (named.and_then(|n| n.get(&entry.key)), others) {
                (Some(schema), _) | (None, Some(schema)) => below(&entry.value, schema, field),
                (None, None) => true,
            })
        }
        Value::Seq(items) => schema.get("items").is_none_or(|schema| items.iter().all(|item| below(item, schema, field))),
        _ => true,
    }
}

fn below(node: &Node, schema: &Json, field: Field<'_>) -> bool {
    Field::of(field.catalog, schema).is_some_and(|field| surely(node, field))
}

fn one_or_more(words: &Json) -> impl Iterator<Item = &str> {
    let all = words.as_array().map_or(std::slice::from_ref(words), Vec::as_slice);
    all.iter().filter_map(Json::as_str)
}

fn is(node: &Node, name: &str) -> bool {
    match &node.value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Int(_) | Value::UInt(_) => name == "integer" || name == "number",
        // One without a fraction is an integer too: JSON schema knows.
        Value::Float(n) => name == "number" && n.is_finite(),
        Value::String(_) => name == "string",
        Value::Seq(_) => name == "array",
        Value::Map(_) => name == "object",
    }
}

/// Whether exactly one of several types is the value's.
fn one_type(node: &Node, branches: &Json) -> bool {
    let typed = |branch: &&Json| branch.as_object().is_some_and(|b| b.len() == 1 && b.contains_key("type"));
    let branches = branches.as_array().map_or(&[][..], Vec::as_slice);
    let fitting = branches.iter().filter(|branch| one_or_more(&branch["type"]).any(|t| is(node, t))).count();
    fitting == 1 && branches.iter().all(|branch| typed(&branch)) && !matches!(node.value, Value::Float(_))
}

/// Whether a number keeps its bound, where both are whole; what is no number has none.
fn bounded(node: &Node, bound: &Json, keeps: fn(i128, i128) -> bool) -> bool {
    let n = match node.value {
        Value::Int(n) => n.into(),
        Value::UInt(n) => n.into(),
        Value::Float(_) => return false,
        _ => return true,
    };
    bound.as_i64().is_some_and(|bound| keeps(n, bound.into()))
}
