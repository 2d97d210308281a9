//! Functions over lists, sets and maps.
use crate::engine::terraform::evaluate::{Answer, Wrong, index};
use crate::engine::terraform::fuel::Fuel;
use crate::engine::terraform::types::alike;
use crate::engine::terraform::value::Value;
use std::collections::BTreeMap;

/// The value of a call, if the function is one of these.
pub fn call(name: &str, args: &[Value], fuel: &Fuel) -> Option<Answer> {
    Some(match name {
        "length" => length(args),
        "concat" => concat(args, fuel),
        "merge" => merge(args, fuel),
        "lookup" => lookup(args),
        "coalesce" => coalesce(args),
        "element" => element(args),
        "keys" | "values" => match args {
            [Value::Map(m)] if fuel.steps(m.len()) => {
                Ok(Value::list(if name == "keys" { m.keys().map(Value::text).collect() } else { m.values().cloned().collect() }))
            }
            _ => otherwise(args),
        },
        "tolist" | "tomap" => match (name, args) {
            ("tolist", [Value::List(items) | Value::Set(items)]) => Ok(Value::List(items.clone())),
            ("tomap", [v @ Value::Map(_)]) | (_, [v @ Value::Null]) => Ok(v.clone()),
            _ => otherwise(args),
        },
        "flatten" => {
            let mut flat = Vec::new();
            match args {
                [Value::List(items) | Value::Set(items)] => {
                    if flatten(items, &mut flat, fuel) {
                        Ok(Value::list(flat))
                    } else {
                        Ok(Value::Unknown)
                    }
                }
                _ => otherwise(args),
            }
        }
        "compact" => with_items(args, |items| Ok(items.iter().filter(|v| !matches!(v, Value::Null) && v.as_str() != Some("")).cloned().collect())),
        "reverse" => with_items(args, |items| Ok(items.iter().rev().cloned().collect())),
        "alltrue" | "anytrue" => quantified(name == "alltrue", args),
        "range" => range(args, fuel),
        "one" => match args {
            [Value::List(items) | Value::Set(items)] => match items.as_slice() {
                [] => Ok(Value::Null),
                [only] => Ok(only.clone()),
                _ => Err(Wrong),
            },
            _ => otherwise(args),
        },
        "zipmap" => match args {
            [Value::List(k) | Value::Set(k), Value::List(v) | Value::Set(v)] if k.len() == v.len() => {
                let pairs = k.iter().zip(v.iter()).map(|(k, v)| Some((k.shown()?, v.clone())));
                Ok(pairs.collect::<Option<BTreeMap<_, _>>>().map_or(Value::Unknown, Value::map))
            }
            _ => otherwise(args),
        },
        "slice" => slice(args),
        "toset" | "distinct" | "setunion" | "sort" | "contains" | "setsubtract" | "setintersection" | "sum" | "index" | "chunklist" => {
            return whole(name, args, fuel);
        }
        _ => return None,
    })
}

/// These compare items, so all of them must be known.
fn whole(name: &str, args: &[Value], fuel: &Fuel) -> Option<Answer> {
    if name == "contains"
        && let [Value::List(items) | Value::Set(items), wanted] = args
    {
        let answers: Vec<Option<bool>> = items.iter().map(|v| v.same(wanted, fuel)).collect();
        return Some(Ok(if answers.contains(&Some(true)) {
            Value::Bool(true)
        } else if answers.contains(&None) {
            Value::Unknown
        } else {
            Value::Bool(false)
        }));
    }
    if !args.iter().all(|v| v.is_whole(fuel)) {
        return Some(Ok(Value::Unknown));
    }
    let items: Option<Vec<&[Value]>> = args.iter().map(Value::items).collect();
    Some(match (name, items.as_deref()) {
        ("toset", Some([items])) => Ok(set(items, fuel)),
        ("distinct", Some([items])) => Ok(unique(items, fuel).map_or(Value::Unknown, Value::list)),
        ("setunion", Some(lists)) => Ok(set(&lists.concat(), fuel)),
        ("setsubtract" | "setintersection", Some([a, b])) => {
            if !fuel.steps(a.len().saturating_mul(b.len())) {
                return Some(Ok(Value::Unknown));
            }
            let keep = name == "setintersection";
            let kept: Vec<Value> = a.iter().filter(|v| b.contains(v) == keep).cloned().collect();
            Ok(set(&kept, fuel))
        }
        ("sort", Some([items])) => {
            let mut texts: Vec<String> = items.iter().filter_map(Value::shown).collect();
            texts.sort_unstable();
            Ok(Value::list(texts.into_iter().map(Value::text).collect()))
        }
        ("sum", Some([items])) => {
            items.iter().map(Value::as_number).sum::<Option<f64>>().filter(|_| !items.is_empty()).map(Value::Number).ok_or(Wrong)
        }
        ("index", _) => match args {
            [Value::List(items), wanted] => items.iter().position(|v| v == wanted).map(|n| Value::Number(n as f64)).ok_or(Wrong),
            _ => Err(Wrong),
        },
        ("chunklist", _) => match args {
            [Value::List(items) | Value::Set(items), size] => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and small: checked here")]
                let size = size.as_number().filter(|n| *n >= 1.0 && *n < 1e6).map(|n| n as usize).ok_or(Wrong);
                size.map(|n| Value::list(items.chunks(n).map(|c| Value::list(c.to_vec())).collect()))
            }
            _ => Err(Wrong),
        },
        _ => Err(Wrong),
    })
}

/// The set of these items; unknown where one of them is: it could be the same as another.
pub fn set(items: &[Value], fuel: &Fuel) -> Value {
    if !items.iter().all(|v| v.is_whole(fuel)) {
        return Value::Unknown;
    }
    let Some(mut items) = unique(&alike(items.to_vec()), fuel) else { return Value::Unknown };
    items.sort_by(|a, b| match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
        _ => a.shown().cmp(&b.shown()),
    });
    Value::Set(items.into())
}

/// The items without those that were there before; nothing if there is no fuel for it.
fn unique(items: &[Value], fuel: &Fuel) -> Option<Vec<Value>> {
    let mut seen: Vec<Value> = Vec::new();
    for item in items {
        if !fuel.steps(seen.len() + 1) {
            return None;
        }
        if !seen.contains(item) {
            seen.push(item.clone());
        }
    }
    Some(seen)
}

fn otherwise(args: &[Value]) -> Answer {
    if args.iter().any(Value::is_unknown) { Ok(Value::Unknown) } else { Err(Wrong) }
}

fn with_items(args: &[Value], then: impl FnOnce(&[Value]) -> Result<Vec<Value>, Wrong>) -> Answer {
    match args {
        [Value::List(items) | Value::Set(items)] => then(items).map(Value::list),
        _ => otherwise(args),
    }
}

fn length(args: &[Value]) -> Answer {
    let n = match args {
        [Value::List(items) | Value::Set(items)] => items.len(),
        [Value::Map(entries)] => entries.len(),
        [Value::Text(text)] => text.chars().count(),
        _ => return otherwise(args),
    };
    Ok(Value::Number(n as f64))
}

fn concat(args: &[Value], fuel: &Fuel) -> Answer {
    let mut all = Vec::new();
    for arg in args {
        let Value::List(items) = arg else { return otherwise(args) };
        if !fuel.steps(items.len()) {
            return Ok(Value::Unknown);
        }
        all.extend(items.iter().cloned());
    }
    Ok(Value::list(all))
}

fn merge(args: &[Value], fuel: &Fuel) -> Answer {
    let mut all = BTreeMap::new();
    for arg in args {
        match arg {
            Value::Map(entries) if fuel.steps(entries.len()) => all.extend(entries.iter().map(|(k, v)| (k.clone(), v.clone()))),
            Value::Null => {}
            _ => return otherwise(args).or(Ok(Value::Unknown)),
        }
    }
    Ok(Value::map(all))
}

fn lookup(args: &[Value]) -> Answer {
    match args {
        [Value::Map(entries), key, rest @ ..] if rest.len() <= 1 => {
            let Some(key) = key.shown() else { return otherwise(args) };
            entries.get(&key).or(rest.first()).cloned().ok_or(Wrong)
        }
        _ => otherwise(args),
    }
}

fn coalesce(args: &[Value]) -> Answer {
    for arg in args {
        match arg {
            Value::Null => {}
            Value::Text(text) if text.is_empty() => {}
            // Another may be taken once it is known.
            other if other.is_unknown() => return Ok(Value::Unknown),
            other => return Ok(other.clone()),
        }
    }
    Err(Wrong)
}

fn element(args: &[Value]) -> Answer {
    match args {
        [Value::List(items), Value::Number(n)] if !items.is_empty() && *n >= 0.0 => index(&args[0], &Value::Number(n.trunc() % items.len() as f64)),
        _ => otherwise(args),
    }
}

/// False when the fuel doesn't suffice or an item is unknown: the result is then unknown too.
fn flatten(items: &[Value], into: &mut Vec<Value>, fuel: &Fuel) -> bool {
    items.iter().all(|item| {
        fuel.steps(1)
            && match item {
                Value::List(inner) | Value::Set(inner) => flatten(inner, into, fuel),
                Value::Unknown | Value::Of(_) => false,
                other => {
                    into.push(other.clone());
                    true
                }
            }
    })
}

fn quantified(all: bool, args: &[Value]) -> Answer {
    let [Value::List(items) | Value::Set(items)] = args else { return otherwise(args) };
    if items.iter().any(|v| v.as_bool() == Some(!all)) {
        return Ok(Value::Bool(!all));
    }
    if items.iter().any(Value::is_unknown) { Ok(Value::Unknown) } else { Ok(Value::Bool(all)) }
}

fn range(args: &[Value], fuel: &Fuel) -> Answer {
    if args.iter().any(Value::is_unknown) {
        return Ok(Value::Unknown);
    }
    let numbers: Vec<f64> = args.iter().map(|v| v.as_number().ok_or(Wrong)).collect::<Result<_, _>>()?;
    let (from, to, step) = match numbers.as_slice() {
        [to] => (0.0, *to, if *to < 0.0 { -1.0 } else { 1.0 }),
        [from, to] => (*from, *to, if to < from { -1.0 } else { 1.0 }),
        [from, to, step] if *step != 0.0 => (*from, *to, *step),
        _ => return Err(Wrong),
    };
    let n = ((to - from) / step).ceil().max(0.0);
    // Terraform itself stops at 1,024.
    if n > 1024.0 {
        fuel.steps(usize::MAX);
        return Ok(Value::Unknown);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1,024: checked above")]
    let n = n as usize;
    if !fuel.steps(n) {
        return Ok(Value::Unknown);
    }
    Ok(Value::list((0..n).map(|i| Value::Number(from + i as f64 * step)).collect()))
}

fn slice(args: &[Value]) -> Answer {
    let [Value::List(items), from, to] = args else { return otherwise(args) };
    let Some((from, to)) = from.as_number().zip(to.as_number()) else { return otherwise(args) };
    if from < 0.0 || to < from || to > items.len() as f64 {
        return Err(Wrong);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the list: checked above")]
    let (from, to) = (from as usize, to as usize);
    Ok(Value::list(items.get(from..to).ok_or(Wrong)?.to_vec()))
}
