//! The types that variables declare, and values made to fit them as Terraform does.
use super::evaluate::{Answer, Scope, Wrong};
use super::fuel::Fuel;
use super::functions;
use super::value::Value;
use hcl_edit::expr::{Expression, ObjectKey};
use std::collections::BTreeMap;

/// What may stand behind `type =`.
pub enum Type {
    Any,
    Text,
    Number,
    Bool,
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<Type>),
    Tuple(Vec<Type>),
    Object(BTreeMap<String, Field>),
}

/// An attribute of an object type.
pub struct Field {
    of: Type,
    optional: bool,
    default: Value,
}

impl Type {
    /// The type that an expression names; `None` if it names none.
    pub fn read(e: &Expression, scope: &Scope<'_>) -> Option<Type> {
        match e {
            Expression::Variable(name) => Some(match name.as_str() {
                "any" => Type::Any,
                "string" => Type::Text,
                "number" => Type::Number,
                "bool" => Type::Bool,
                "list" => Type::List(Box::new(Type::Any)),
                "map" => Type::Map(Box::new(Type::Any)),
                "set" => Type::Set(Box::new(Type::Any)),
                _ => return None,
            }),
            Expression::FuncCall(call) => {
                let inner = call.args.iter().next()?;
                let of = || Type::read(inner, scope).map(Box::new);
                Some(match (call.name.name.as_str(), inner) {
                    ("list", _) => Type::List(of()?),
                    ("set", _) => Type::Set(of()?),
                    ("map", _) => Type::Map(of()?),
                    ("tuple", Expression::Array(items)) => Type::Tuple(items.iter().map(|e| Type::read(e, scope)).collect::<Option<_>>()?),
                    ("object", Expression::Object(fields)) => Type::Object(
                        fields
                            .iter()
                            .map(|(name, field)| {
                                let name = match name {
                                    ObjectKey::Ident(ident) => ident.as_str().to_owned(),
                                    ObjectKey::Expression(e) => scope.value(e).shown()?,
                                };
                                Some((name, Field::read(field.expr(), scope)?))
                            })
                            .collect::<Option<_>>()?,
                    ),
                    _ => return None,
                })
            }
            _ => None,
        }
    }

    /// The value as one of this type; unknown where it can't be one.
    pub fn fit(&self, value: Value, fuel: &Fuel) -> Value {
        self.converted(value, fuel).unwrap_or_default()
    }

    /// Whether Terraform takes a value for one of this type; one that isn't known may be.
    pub fn takes(&self, value: Value, fuel: &Fuel) -> bool {
        self.converted(value, fuel).is_ok()
    }

    /// As a sentence names it.
    pub fn named(&self) -> &'static str {
        match self {
            Type::Any => "anything",
            Type::Text => "a string",
            Type::Number => "a number",
            Type::Bool => "a bool",
            Type::List(_) => "such a list",
            Type::Set(_) => "such a set",
            Type::Map(_) => "such a map",
            Type::Tuple(_) => "such a tuple",
            Type::Object(_) => "such an object",
        }
    }

    fn converted(&self, value: Value, fuel: &Fuel) -> Answer {
        if !fuel.steps(1) {
            return Ok(Value::Unknown);
        }
        let each = |of: &Type, items: &[Value]| items.iter().map(|v| of.converted(v.clone(), fuel)).collect::<Result<Vec<_>, _>>();
        match (self, &value) {
            (Type::Any, _) | (_, Value::Null) => Ok(value),
            (_, v) if v.is_unknown() => Ok(value),
            (Type::Text, Value::Text(_)) => Ok(value),
            (Type::Text, v) => v.shown().map(Value::text).ok_or(Wrong),
            (Type::Number, v) => v.as_number().map(Value::Number).ok_or(Wrong),
            (Type::Bool, v) => v.as_bool().map(Value::Bool).ok_or(Wrong),
            (Type::List(of), Value::List(items) | Value::Set(items)) => Ok(Value::list(alike(each(of, items)?))),
            (Type::Set(of), Value::List(items) | Value::Set(items)) => Ok(functions::set(&each(of, items)?, fuel)),
            (Type::Map(of), Value::Map(entries)) => {
                let values: Vec<Value> = entries.values().cloned().collect();
                Ok(Value::map(entries.keys().cloned().zip(alike(each(of, &values)?)).collect()))
            }
            (Type::Tuple(types), Value::List(items)) if types.len() == items.len() => {
                types.iter().zip(items.iter()).map(|(of, v)| of.converted(v.clone(), fuel)).collect::<Result<_, _>>().map(Value::list)
            }
            // What the type doesn't name is dropped.
            (Type::Object(fields), Value::Map(entries)) => fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), field.converted(entries.get(name), fuel)?)))
                .collect::<Result<_, _>>()
                .map(Value::map),
            _ => Err(Wrong),
        }
    }
}

impl Field {
    fn read(e: &Expression, scope: &Scope<'_>) -> Option<Field> {
        let Expression::FuncCall(call) = e else { return Some(Field { of: Type::read(e, scope)?, optional: false, default: Value::Null }) };
        if call.name.name.as_str() != "optional" {
            return Some(Field { of: Type::read(e, scope)?, optional: false, default: Value::Null });
        }
        let mut args = call.args.iter();
        let of = Type::read(args.next()?, scope)?;
        Some(Field { of, optional: true, default: args.next().map_or(Value::Null, |e| scope.value(e)) })
    }

    fn converted(&self, value: Option<&Value>, fuel: &Fuel) -> Answer {
        match value {
            None if !self.optional => Err(Wrong),
            // The default stands for null too.
            None | Some(Value::Null) => self.of.converted(self.default.clone(), fuel),
            Some(value) => self.of.converted(value.clone(), fuel),
        }
    }
}

/// Items of one collection are of one type: plain ones of several kinds become text.
pub fn alike(items: Vec<Value>) -> Vec<Value> {
    let kind = |v: &Value| match v {
        Value::Text(_) | Value::Partly(_) => Some(0),
        Value::Number(_) => Some(1),
        Value::Bool(_) => Some(2),
        _ => None,
    };
    let mut kinds = items.iter().filter_map(kind);
    let first = kinds.next();
    if kinds.all(|k| Some(k) == first) {
        return items;
    }
    items.into_iter().map(|v| if kind(&v).is_some() { v.shown().map_or(v, Value::text) } else { v }).collect()
}
