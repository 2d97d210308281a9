//! Functions that make collections of several: products, pairs, tables turned round.
use super::collections::set;
use super::texts;
use crate::engine::terraform::evaluate::{Answer, Wrong};
use crate::engine::terraform::fuel::Fuel;
use crate::engine::terraform::value::Value;
use std::collections::BTreeMap;

/// The value of a call with known arguments, if the function is one of these.
pub fn call(name: &str, args: &[Value], fuel: &Fuel) -> Option<Answer> {
    Some(match (name, args) {
        ("coalescelist", _) => args.iter().find(|v| v.items().is_some_and(|all| !all.is_empty())).cloned().ok_or(Wrong),
        ("matchkeys", [values, keys, wanted]) => {
            let (Some(values), Some(keys), Some(wanted)) = (values.items(), keys.items(), wanted.items()) else { return Some(Err(Wrong)) };
            if values.len() != keys.len() {
                return Some(Err(Wrong));
            }
            if !fuel.steps(keys.len().saturating_mul(wanted.len())) {
                return Some(Ok(Value::Unknown));
            }
            Ok(Value::list(values.iter().zip(keys).filter(|(_, k)| wanted.contains(k)).map(|(v, _)| v.clone()).collect()))
        }
        ("transpose", [Value::Map(entries)]) => {
            let mut turned: BTreeMap<String, Vec<Value>> = BTreeMap::new();
            for (key, values) in entries.iter() {
                for value in values.items().unwrap_or_default() {
                    let Some(name) = value.shown() else { return Some(Err(Wrong)) };
                    if !fuel.steps(1) || !fuel.bytes(key.len()) {
                        return Some(Ok(Value::Unknown));
                    }
                    turned.entry(name).or_default().push(Value::text(key));
                }
            }
            Ok(Value::map(turned.into_iter().map(|(k, v)| (k, Value::list(v))).collect()))
        }
        ("setproduct", [_, _, ..]) => product(args, fuel),
        ("formatlist", [Value::Text(pattern), rest @ ..]) => formatted(pattern, rest, fuel),
        ("matchkeys" | "transpose" | "setproduct" | "formatlist", _) => Err(Wrong),
        _ => return None,
    })
}

fn product(args: &[Value], fuel: &Fuel) -> Answer {
    let sets: Option<Vec<&[Value]>> = args.iter().map(Value::items).collect();
    let sets = sets.ok_or(Wrong)?;
    let n = sets.iter().fold(args.len(), |n, s| n.saturating_mul(s.len()));
    if !fuel.steps(n) {
        return Ok(Value::Unknown);
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for set in sets {
        rows = rows.iter().flat_map(|row| set.iter().map(|v| row.iter().cloned().chain([v.clone()]).collect())).collect();
    }
    let rows: Vec<Value> = rows.into_iter().map(Value::list).collect();
    // Of sets alone it is a set, whose order is their own.
    if args.iter().all(|a| matches!(a, Value::Set(_))) && !rows.is_empty() {
        return Ok(Value::Set(rows.into()));
    }
    Ok(if args.iter().all(|a| matches!(a, Value::Set(_))) { set(&rows, fuel) } else { Value::list(rows) })
}

fn formatted(pattern: &str, args: &[Value], fuel: &Fuel) -> Answer {
    let lengths: Vec<usize> = args.iter().filter_map(|a| a.items().map(<[Value]>::len)).collect();
    let n = lengths.first().copied().unwrap_or(1);
    if lengths.iter().any(|l| *l != n) {
        return Err(Wrong);
    }
    let row = |i: usize| {
        let row: Option<Vec<Value>> = args.iter().map(|a| a.items().map_or_else(|| Some(a.clone()), |all| all.get(i).cloned())).collect();
        if fuel.steps(args.len() + 1) { texts::format(pattern, &row.ok_or(Wrong)?, fuel) } else { Ok(Value::Unknown) }
    };
    (0..n).map(row).collect::<Result<_, _>>().map(Value::list)
}
