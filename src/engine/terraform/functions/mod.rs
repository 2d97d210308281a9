//! Terraform's functions: the pure and common ones computed, the others unknown.
pub mod arity;
mod collections;
mod digests;
mod encodings;
mod network;
mod products;
mod texts;
mod times;

pub use collections::set;
pub use encodings::decoded;

use super::evaluate::{Answer, Wrong};
use super::fuel::Fuel;
use super::value::Value;

/// All names of Terraform 1.14; whatever isn't among them is a mistake.
#[rustfmt::skip]
pub const NAMES: &[&str] = &[
    "abs", "abspath", "alltrue", "anytrue", "base64decode", "base64encode", "base64gzip", "base64sha256", "base64sha512", "basename", "bcrypt", "can", "ceil",
    "chomp", "chunklist", "cidrhost", "cidrnetmask", "cidrsubnet", "cidrsubnets", "coalesce", "coalescelist", "compact", "concat", "contains", "convert", "csvdecode",
    "dirname", "distinct", "element", "endswith", "ephemeralasnull", "file", "filebase64", "filebase64sha256", "filebase64sha512", "fileexists", "filemd5", "fileset", "filesha1",
    "filesha256", "filesha512", "flatten", "floor", "format", "formatdate", "formatlist", "indent", "index", "issensitive", "join", "jsondecode",
    "jsonencode", "keys", "length", "list", "log", "lookup", "lower", "map", "matchkeys", "max", "md5", "merge", "min", "nonsensitive", "one", "parseint",
    "pathexpand", "plantimestamp", "pow", "range", "regex", "regexall", "replace", "reverse", "rsadecrypt", "sensitive", "setintersection",
    "setproduct", "setsubtract", "setunion", "sha1", "sha256", "sha512", "signum", "slice", "sort", "split", "startswith", "strcontains", "strrev",
    "substr", "sum", "templatefile", "templatestring", "textdecodebase64", "textencodebase64", "timeadd", "timecmp", "timestamp", "title",
    "tobool", "tolist", "tomap", "tonumber", "toset", "tostring", "transpose", "trim", "trimprefix", "trimspace", "trimsuffix", "try", "type",
    "upper", "urldecode", "urlencode", "uuid", "uuidv5", "values", "yamldecode", "yamlencode", "zipmap",
];

/// Functions that read a file; the first argument is its path.
pub const READS_FILES: &[&str] = &[
    "file",
    "filebase64",
    "filebase64sha256",
    "filebase64sha512",
    "fileexists",
    "filemd5",
    "fileset",
    "filesha1",
    "filesha256",
    "filesha512",
    "templatefile",
];

/// The value of a call; unknown for functions that aren't computed here.
pub fn call(name: &str, args: &[Value], fuel: &Fuel) -> Answer {
    if !fuel.steps(args.len() + 1) {
        return Ok(Value::Unknown);
    }
    if let Some(answer) = conversions(name, args, fuel).or_else(|| collections::call(name, args, fuel)) {
        return answer;
    }
    // What follows needs plain arguments: one that is unknown makes the result so.
    if !args.iter().all(|v| v.is_whole(fuel)) {
        return Ok(Value::Unknown);
    }
    let shown: Option<Vec<String>> = args.iter().map(Value::shown).collect();
    let shown: Vec<&str> = shown.iter().flatten().map(String::as_str).collect();
    texts::call(name, args, fuel)
        .or_else(|| numbers(name, args))
        .or_else(|| network::call(name, args, fuel))
        .or_else(|| products::call(name, args, fuel))
        .or_else(|| encodings::call(name, args, fuel))
        .or_else(|| digests::call(name, &shown, fuel))
        .or_else(|| times::call(name, &shown, fuel))
        .unwrap_or(Ok(Value::Unknown))
}

/// Functions that look at a value as a whole and may pass unknown parts through.
fn conversions(name: &str, args: &[Value], fuel: &Fuel) -> Option<Answer> {
    let [value] = args else { return None };
    Some(match name {
        "sensitive" | "nonsensitive" | "ephemeralasnull" => Ok(value.clone()),
        "jsonencode" => {
            let whole = value.is_whole(fuel);
            let Some(json) = value.to_json(fuel) else { return Some(Ok(Value::Unknown)) };
            // As Go writes it.
            let text = json.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
            if !fuel.bytes(text.len()) {
                return Some(Ok(Value::Unknown));
            }
            Ok(if whole { Value::Text(text.into()) } else { Value::Partly(text.into()) })
        }
        "jsondecode" => match value {
            Value::Text(text) if fuel.bytes(text.len()) && fuel.steps(text.len() / 8) => {
                serde_json::from_str(text).map(|json| Value::from_json(&json)).map_err(|_| Wrong)
            }
            v if v.is_unknown() => Ok(Value::Unknown),
            Value::Text(_) => Ok(Value::Unknown),
            _ => Err(Wrong),
        },
        "tostring" => match value {
            v if v.is_unknown() || *v == Value::Null => Ok(v.clone()),
            v => v.shown().map(Value::text).ok_or(Wrong),
        },
        "tonumber" => match value {
            v if v.is_unknown() || *v == Value::Null => Ok(v.clone()),
            v => v.as_number().map(Value::Number).ok_or(Wrong),
        },
        "tobool" => match value {
            v if v.is_unknown() || *v == Value::Null => Ok(v.clone()),
            v => v.as_bool().map(Value::Bool).ok_or(Wrong),
        },
        _ => return None,
    })
}

fn numbers(name: &str, args: &[Value]) -> Option<Answer> {
    let all: Option<Vec<f64>> = args.iter().map(Value::as_number).collect();
    let finite = |n: f64| if n.is_finite() { Ok(Value::Number(n)) } else { Err(Wrong) };
    let unary: Option<fn(f64) -> f64> = match name {
        "abs" => Some(f64::abs),
        "ceil" => Some(f64::ceil),
        "floor" => Some(f64::floor),
        "signum" => Some(|n| if n == 0.0 { 0.0 } else { n.signum() }),
        _ => None,
    };
    if let Some(unary) = unary {
        return Some(if let Some([n]) = all.as_deref() { finite(unary(*n)) } else { Err(Wrong) });
    }
    Some(match (name, all.as_deref()) {
        ("max", Some([first, rest @ ..])) => finite(rest.iter().copied().fold(*first, f64::max)),
        ("min", Some([first, rest @ ..])) => finite(rest.iter().copied().fold(*first, f64::min)),
        ("pow", Some([a, b])) => finite(a.powf(*b)),
        ("log", Some([a, b])) => finite(a.ln() / b.ln()),
        ("max" | "min" | "pow" | "log", _) => Err(Wrong),
        ("parseint", _) => match args {
            [text, base] => {
                let base = base.as_number().filter(|b| (2.0..=36.0).contains(b) && b.fract() == 0.0);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 2 and 36: checked above")]
                let parsed = base.zip(text.shown()).and_then(|(b, t)| i64::from_str_radix(&t, b as u32).ok());
                #[expect(clippy::cast_precision_loss, reason = "Terraform's numbers are wider; ours are read for sizes and counts")]
                parsed.map(|n| Value::Number(n as f64)).ok_or(Wrong)
            }
            _ => Err(Wrong),
        },
        _ => return None,
    })
}
