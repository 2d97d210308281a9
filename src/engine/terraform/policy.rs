//! IAM policies, however they are written: jsonencode, a heredoc, or a policy document's blocks.
use super::module::{Block, Module};
use super::value::{HOLE, Value};
use serde_json::Value as Json;

/// One statement, its lists made plain.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statement {
    /// Its name, empty without one.
    pub sid: String,
    pub allows: bool,
    pub actions: Vec<String>,
    pub not_actions: bool,
    pub resources: Vec<String>,
    /// `AWS:*`, `Federated:arn…`: kind and identifier.
    pub principals: Vec<(String, String)>,
    /// Keys that conditions look at, in lower case.
    pub conditions: Vec<String>,
}

/// A policy that an attribute holds.
pub enum Policy {
    /// Nothing is known of it.
    Unknown,
    /// It is text, but no JSON.
    NoJson,
    Known(Vec<Statement>),
}

/// The policy that an attribute of a block holds; `None` if there is no such attribute.
pub fn of(module: &Module, block: &Block, attribute: &str) -> Option<Policy> {
    let a = block.attribute(attribute)?;
    let documents: Vec<&Block> = a
        .refs
        .iter()
        .filter(|p| p.len() >= 3 && p[0] == "data" && p[1] == "aws_iam_policy_document")
        .flat_map(|p| module.data("aws_iam_policy_document").filter(|d| d.labels.get(1) == p.get(2)))
        .collect();
    if a.value.is_unknown() && !documents.is_empty() {
        return Some(Policy::Known(documents.iter().flat_map(|d| document(d)).collect()));
    }
    Some(match &a.value {
        Value::Text(text) | Value::Partly(text) => match serde_json::from_str::<Json>(text) {
            Ok(json) => Policy::Known(statements(&json)),
            // A hole may stand for more than a piece of text.
            Err(_) if a.value.is_unknown() => Policy::Unknown,
            Err(_) => Policy::NoJson,
        },
        _ => Policy::Unknown,
    })
}

/// The statements of an `aws_iam_policy_document`.
pub fn document(block: &Block) -> Vec<Statement> {
    let list = |b: &Block, name: &str| -> Vec<String> {
        let hole = || vec![HOLE.to_string()];
        match b.value(name) {
            None => Vec::new(),
            Some(v) => v.items().map_or_else(hole, |items| items.iter().map(text).collect()),
        }
    };
    block
        .all("statement")
        .map(|s| Statement {
            sid: s.value("sid").map(text).unwrap_or_default(),
            allows: s.value("effect").is_none_or(|e| e.as_str() == Some("Allow")),
            actions: list(s, "actions"),
            not_actions: s.attribute("not_actions").is_some(),
            resources: list(s, "resources"),
            principals: s
                .all("principals")
                .flat_map(|p| list(p, "identifiers").into_iter().map(|i| (p.text("type").unwrap_or("AWS").to_owned(), i)).collect::<Vec<_>>())
                .collect(),
            conditions: s.all("condition").map(|c| c.value("variable").map(text).unwrap_or_default().to_lowercase()).collect(),
        })
        .collect()
}

/// A text with holes for what isn't known of it.
fn text(value: &Value) -> String {
    match value {
        Value::Partly(text) => text.to_string(),
        value => value.shown().unwrap_or_else(|| HOLE.to_string()),
    }
}

fn statements(policy: &Json) -> Vec<Statement> {
    let statements = match policy.get("Statement") {
        Some(Json::Array(items)) => items.iter().collect(),
        Some(one @ Json::Object(_)) => vec![one],
        _ => Vec::new(),
    };
    statements.into_iter().map(statement).collect()
}

fn statement(json: &Json) -> Statement {
    let principals = match json.get("Principal") {
        Some(Json::String(all)) => vec![("AWS".to_owned(), all.clone())],
        Some(Json::Object(kinds)) => kinds.iter().flat_map(|(kind, who)| texts(Some(who)).into_iter().map(move |w| (kind.clone(), w))).collect(),
        _ => Vec::new(),
    };
    // What isn't known may look at any key.
    let keys = |operator: &Json| match operator {
        Json::Object(keys) => keys.keys().map(|k| k.to_lowercase()).collect(),
        _ => vec![HOLE.to_string()],
    };
    let conditions = match json.get("Condition") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Object(operators)) => operators.values().flat_map(keys).collect(),
        Some(_) => vec![HOLE.to_string()],
    };
    Statement {
        sid: json.get("Sid").and_then(Json::as_str).unwrap_or_default().to_owned(),
        allows: json.get("Effect").and_then(Json::as_str).is_none_or(|e| e == "Allow"),
        actions: texts(json.get("Action")),
        not_actions: json.get("NotAction").is_some(),
        resources: texts(json.get("Resource")),
        principals,
        conditions,
    }
}

fn texts(json: Option<&Json>) -> Vec<String> {
    match json {
        Some(Json::String(text)) => vec![text.clone()],
        Some(Json::Array(items)) => items.iter().filter_map(|i| i.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}
