//! The values of Terraform's language, unknown ones among them.
use super::fuel::Fuel;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Stands for the unknown parts of a partly known text.
pub const HOLE: char = '\u{fffc}';
/// Deeper values become unknown where they get a name, so that nothing recursive meets them.
pub const DEEPEST: usize = 64;

/// A value, cheap to clone.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    #[default]
    Unknown,
    /// Unknown, but for what it is called: `aws_s3_bucket.weights.id`.
    Of(Arc<str>),
    /// A text of which parts are unknown; each is a [`HOLE`].
    Partly(Arc<str>),
    Null,
    Bool(bool),
    Number(f64),
    Text(Arc<str>),
    List(Arc<Vec<Value>>),
    /// Without duplicates, in Terraform's order; an item is its own key.
    Set(Arc<Vec<Value>>),
    Map(Arc<BTreeMap<String, Value>>),
}

impl Value {
    pub fn text(text: impl AsRef<str>) -> Value {
        Value::Text(Arc::from(text.as_ref()))
    }

    pub fn list(items: Vec<Value>) -> Value {
        Value::List(Arc::new(items))
    }

    pub fn map(entries: BTreeMap<String, Value>) -> Value {
        Value::Map(Arc::new(entries))
    }

    pub fn is_unknown(&self) -> bool {
        matches!(self, Value::Unknown | Value::Of(_) | Value::Partly(_))
    }

    /// The names of what an unknown value is, up to the first index: `aws_s3_bucket`, `weights`, `id`.
    pub fn path(&self) -> Option<Vec<String>> {
        let Value::Of(address) = self else { return None };
        let names = address.split('[').next().unwrap_or_default();
        Some(names.split('.').map(str::to_owned).collect())
    }

    /// The value as another module sees it: the names in it mean nothing there.
    pub fn abroad(&self, fuel: &Fuel) -> Value {
        match self {
            _ if !fuel.steps(1) => Value::Unknown,
            Value::Of(_) => Value::Unknown,
            Value::List(items) => Value::list(items.iter().map(|v| v.abroad(fuel)).collect()),
            Value::Set(items) => Value::Set(items.iter().map(|v| v.abroad(fuel)).collect::<Vec<_>>().into()),
            Value::Map(entries) => Value::map(entries.iter().map(|(k, v)| (k.clone(), v.abroad(fuel))).collect()),
            other => other.clone(),
        }
    }

    /// A known text.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// A number, written as one or as text.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Number(n) => Some(*n),
            Value::Text(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
            _ => None,
        }
    }

    /// A boolean, written as one or as text.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            Value::Text(text) if matches!(&**text, "true" | "1") => Some(true),
            Value::Text(text) if matches!(&**text, "false" | "0") => Some(false),
            _ => None,
        }
    }

    /// The items of a list or a set.
    pub fn items(&self) -> Option<&[Value]> {
        if let Value::List(items) | Value::Set(items) = self { Some(items) } else { None }
    }

    pub fn entries(&self) -> Option<&BTreeMap<String, Value>> {
        if let Value::Map(entries) = self { Some(entries) } else { None }
    }

    /// What a loop goes over: keys and values of a map, a list's with their numbers, a set's as their own keys.
    pub fn pairs(&self) -> Option<Vec<(Value, Value)>> {
        match self {
            Value::List(items) => Some(items.iter().enumerate().map(|(i, v)| (Value::Number(i as f64), v.clone())).collect()),
            Value::Set(items) => Some(items.iter().map(|v| (v.clone(), v.clone())).collect()),
            Value::Map(entries) => Some(entries.iter().map(|(k, v)| (Value::text(k), v.clone())).collect()),
            _ => None,
        }
    }

    /// What a template makes of it: text for plain values, `None` for compound ones and null.
    pub fn shown(&self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text.to_string()),
            Value::Bool(b) => Some(b.to_string()),
            Value::Number(n) => Some(number(*n)),
            _ => None,
        }
    }

    /// Whether no part of it is unknown; unknown too when there is no fuel to look.
    pub fn is_whole(&self, fuel: &Fuel) -> bool {
        fuel.steps(1)
            && match self {
                Value::Unknown | Value::Of(_) | Value::Partly(_) => false,
                Value::List(items) | Value::Set(items) => items.iter().all(|v| v.is_whole(fuel)),
                Value::Map(entries) => entries.values().all(|v| v.is_whole(fuel)),
                _ => true,
            }
    }

    /// Equality that knows of unknown parts: `None` when they decide.
    pub fn same(&self, other: &Value, fuel: &Fuel) -> Option<bool> {
        if !fuel.steps(1) {
            return None;
        }
        match (self, other) {
            (a, b) if a.is_unknown() || b.is_unknown() => None,
            (Value::List(a), Value::List(b)) | (Value::Set(a), Value::Set(b)) => {
                if a.len() != b.len() {
                    return Some(false);
                }
                all(a.iter().zip(b.iter()).map(|(a, b)| a.same(b, fuel)))
            }
            (Value::Map(a), Value::Map(b)) => {
                if !a.keys().eq(b.keys()) {
                    return Some(false);
                }
                all(a.values().zip(b.values()).map(|(a, b)| a.same(b, fuel)))
            }
            _ => Some(self == other),
        }
    }

    /// Whether it is nested deeper than `levels`, or there is no fuel to look.
    fn deeper(&self, levels: usize, fuel: &Fuel) -> bool {
        if levels == 0 || !fuel.steps(1) {
            return true;
        }
        match self {
            Value::List(items) | Value::Set(items) => items.iter().any(|v| v.deeper(levels - 1, fuel)),
            Value::Map(entries) => entries.values().any(|v| v.deeper(levels - 1, fuel)),
            _ => false,
        }
    }

    /// The value as something that has a name may keep it.
    pub fn bounded(self, fuel: &Fuel) -> Value {
        if self.deeper(DEEPEST, fuel) { Value::Unknown } else { self }
    }

    /// As JSON, unknown parts as holes; `None` when there is no fuel for it.
    pub fn to_json(&self, fuel: &Fuel) -> Option<serde_json::Value> {
        use serde_json::Value as Json;
        if !fuel.steps(1) {
            return None;
        }
        Some(match self {
            Value::Unknown | Value::Of(_) => Json::String(HOLE.to_string()),
            Value::Partly(text) | Value::Text(text) => {
                if !fuel.bytes(text.len()) {
                    return None;
                }
                Json::String(text.to_string())
            }
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Number(n) => json_number(*n),
            Value::List(items) | Value::Set(items) => Json::Array(items.iter().map(|v| v.to_json(fuel)).collect::<Option<_>>()?),
            Value::Map(entries) => Json::Object(entries.iter().map(|(k, v)| Some((k.clone(), v.to_json(fuel)?))).collect::<Option<_>>()?),
        })
    }

    pub fn from_json(json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(b) => Value::Bool(*b),
            serde_json::Value::Number(n) => n.as_f64().map_or(Value::Unknown, Value::Number),
            serde_json::Value::String(text) => Value::text(text),
            serde_json::Value::Array(items) => Value::list(items.iter().map(Value::from_json).collect()),
            serde_json::Value::Object(entries) => Value::map(entries.iter().map(|(k, v)| (k.clone(), Value::from_json(v))).collect()),
        }
    }
}

fn all(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut sure = true;
    for answer in answers {
        match answer {
            Some(false) => return Some(false),
            Some(true) => {}
            None => sure = false,
        }
    }
    sure.then_some(true)
}

/// A number as Terraform writes it.
pub fn number(n: f64) -> String {
    format!("{n}")
}

fn json_number(n: f64) -> serde_json::Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small enough to be exact")]
    if n.fract() == 0.0 && n.abs() < 9e15 {
        return serde_json::Value::from(n as i64);
    }
    serde_json::Number::from_f64(n).map_or(serde_json::Value::Null, serde_json::Value::Number)
}
