//! What a plan would do, counted: made, changed, replaced, destroyed, moved, taken over.
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What a plan does with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Create,
    Update,
    Replace,
    Delete,
    Keep,
    Read,
    /// Only its address changes.
    Move,
    /// It is there already and comes under management.
    Import,
    /// It is forgotten, and stays.
    Forget,
}

/// One resource of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub address: String,
    pub of: String,
    pub action: Action,
    /// Where it was before, if it moves.
    pub from: Option<String>,
    pub imported: bool,
    /// The attributes that change, by their paths; for what replaces, those that force it.
    pub attributes: Vec<String>,
}

impl Action {
    pub const ALL: [(&'static str, Action); 7] = [
        ("create", Action::Create),
        ("update", Action::Update),
        ("replace", Action::Replace),
        ("delete", Action::Delete),
        ("move", Action::Move),
        ("import", Action::Import),
        ("forget", Action::Forget),
    ];

    pub fn words(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "change",
            Action::Replace => "replace",
            Action::Delete => "destroy",
            Action::Keep => "keep",
            Action::Read => "read",
            Action::Move => "move",
            Action::Import => "import",
            Action::Forget => "forget",
        }
    }
}

/// How many of each a check allows: least and most.
pub type Amounts = BTreeMap<Action, (u32, u32)>;

/// The changes of a plan, data sources left out.
pub fn of(plan: &Json) -> Vec<Change> {
    let changes = plan.get("resource_changes").and_then(Json::as_array).into_iter().flatten();
    changes.filter(|c| c.get("mode").and_then(Json::as_str) == Some("managed")).filter_map(change).collect()
}

fn change(json: &Json) -> Option<Change> {
    let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
    let change = json.get("change")?;
    let actions: Vec<&str> = change.get("actions")?.as_array()?.iter().filter_map(Json::as_str).collect();
    let imported = change.get("importing").is_some_and(|i| !i.is_null());
    let from = text("previous_address");
    let action = match actions[..] {
        ["create"] => Action::Create,
        ["update"] => Action::Update,
        ["delete"] => Action::Delete,
        ["delete", "create"] | ["create", "delete"] => Action::Replace,
        ["forget"] => Action::Forget,
        ["read"] => Action::Read,
        _ if imported => Action::Import,
        _ if from.is_some() => Action::Move,
        _ => Action::Keep,
    };
    let attributes = match action {
        Action::Replace => forcing(change),
        Action::Update => differing(change),
        _ => Vec::new(),
    };
    Some(Change { address: text("address")?, of: text("type")?, action, from, imported, attributes })
}

/// The paths that force a replacement.
fn forcing(change: &Json) -> Vec<String> {
    let paths = change.get("replace_paths").and_then(Json::as_array).into_iter().flatten();
    paths
        .filter_map(Json::as_array)
        .map(|p| p.iter().map(|s| s.as_str().map_or_else(|| s.to_string(), str::to_owned)).collect::<Vec<_>>().join("."))
        .collect()
}

/// The attributes that differ at the top.
fn differing(change: &Json) -> Vec<String> {
    let (Some(before), Some(after)) = (change.get("before").and_then(Json::as_object), change.get("after").and_then(Json::as_object)) else {
        return Vec::new();
    };
    after.iter().filter(|(k, v)| before.get(*k) != Some(v)).map(|(k, _)| k.clone()).collect()
}

/// How many changes count as an action. What is moved or taken over counts as that too, whatever else happens to it.
pub fn count(changes: &[Change], action: Action) -> Vec<&Change> {
    let is = |c: &&Change| match action {
        Action::Move => c.from.is_some(),
        Action::Import => c.imported,
        action => c.action == action,
    };
    changes.iter().filter(is).collect()
}
