//! Functions over text.
use crate::engine::terraform::evaluate::{Answer, Wrong};
use crate::engine::terraform::fuel::Fuel;
use crate::engine::terraform::value::Value;
use regex::RegexBuilder;

/// The value of a call with known arguments, if the function is one of these.
pub fn call(name: &str, args: &[Value], fuel: &Fuel) -> Option<Answer> {
    if let ("format", [Value::Text(pattern), rest @ ..]) = (name, args) {
        return Some(format(pattern, rest, fuel));
    }
    let texts: Option<Vec<String>> = args.iter().map(Value::shown).collect();
    let texts: Vec<&str> = texts.iter().flatten().map(String::as_str).collect();
    Some(match (name, texts.as_slice()) {
        ("upper", [t]) => made(t.to_uppercase(), fuel),
        ("lower", [t]) => made(t.to_lowercase(), fuel),
        ("title", [t]) => made(title(t), fuel),
        ("trimspace", [t]) => made(t.trim().to_owned(), fuel),
        ("chomp", [t]) => made(t.trim_end_matches(['\n', '\r']).to_owned(), fuel),
        ("trim", [t, set]) => made(t.trim_matches(|c| set.contains(c)).to_owned(), fuel),
        ("trimprefix", [t, p]) => made(t.strip_prefix(p).unwrap_or(t).to_owned(), fuel),
        ("trimsuffix", [t, s]) => made(t.strip_suffix(s).unwrap_or(t).to_owned(), fuel),
        ("strrev", [t]) => made(t.chars().rev().collect(), fuel),
        ("startswith", [t, p]) => Ok(Value::Bool(t.starts_with(p))),
        ("endswith", [t, s]) => Ok(Value::Bool(t.ends_with(s))),
        ("strcontains", [t, s]) => Ok(Value::Bool(t.contains(s))),
        ("basename", [t]) => made(t.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned(), fuel),
        ("dirname", [t]) => made(t.rsplit_once('/').map_or(".", |(d, _)| if d.is_empty() { "/" } else { d }).to_owned(), fuel),
        ("split", [by, t]) => {
            let parts: Vec<&str> = if by.is_empty() { vec![t] } else { t.split(by).collect() };
            if !fuel.steps(parts.len()) || !fuel.bytes(t.len()) {
                return Some(Ok(Value::Unknown));
            }
            Ok(Value::list(parts.into_iter().map(Value::text).collect()))
        }
        ("join", _) => join(args, fuel),
        ("replace", [t, from, to]) => replace(t, from, to, fuel),
        ("substr", [t, _, _]) => substr(t, args, fuel),
        ("regex", [pattern, t]) => regex(pattern, t, fuel),
        ("regexall", [pattern, t]) => regexall(pattern, t, fuel),
        ("indent", [_, t]) => indent(args, t, fuel),
        ("upper" | "lower" | "startswith" | "endswith" | "split" | "replace" | "regex" | "trimspace", _) => Err(Wrong),
        _ => return None,
    })
}

fn made(text: String, fuel: &Fuel) -> Answer {
    Ok(if fuel.bytes(text.len()) { Value::Text(text.into()) } else { Value::Unknown })
}

fn title(text: &str) -> String {
    let mut start = true;
    text.chars()
        .flat_map(|c| {
            let upper = std::mem::replace(&mut start, !c.is_alphanumeric());
            if upper { c.to_uppercase().collect::<Vec<_>>() } else { vec![c] }
        })
        .collect()
}

fn join(args: &[Value], fuel: &Fuel) -> Answer {
    let Some((Value::Text(by), lists)) = args.split_first() else { return Err(Wrong) };
    let mut parts = Vec::new();
    for list in lists {
        for item in list.items().ok_or(Wrong)? {
            let text = item.shown().ok_or(Wrong)?;
            if !fuel.bytes(text.len() + by.len()) {
                return Ok(Value::Unknown);
            }
            parts.push(text);
        }
    }
    Ok(Value::text(parts.join(by)))
}

fn replace(text: &str, from: &str, to: &str, fuel: &Fuel) -> Answer {
    if let Some(pattern) = from.strip_prefix('/').and_then(|f| f.strip_suffix('/')) {
        let Some(found) = compiled(pattern, fuel) else { return Ok(Value::Unknown) };
        // Each reference to a group may stand for all that was found.
        let (n, groups) = (found.find_iter(text).count(), to.matches('$').count());
        let most = n.saturating_mul(to.len()).saturating_add(groups.saturating_mul(text.len()));
        if !fuel.bytes(text.len().saturating_add(most)) {
            return Ok(Value::Unknown);
        }
        return Ok(Value::text(found.replace_all(text, to)));
    }
    let n = if from.is_empty() { text.len() + 1 } else { text.matches(from).count() };
    if !fuel.bytes(text.len().saturating_add(n.saturating_mul(to.len()))) {
        return Ok(Value::Unknown);
    }
    Ok(Value::text(text.replace(from, to)))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded right where they are cast")]
fn substr(text: &str, args: &[Value], fuel: &Fuel) -> Answer {
    let (from, length) = (args[1].as_number().ok_or(Wrong)?, args[2].as_number().ok_or(Wrong)?);
    let n = text.chars().count() as f64;
    let from = (if from < 0.0 { from + n } else { from }).clamp(0.0, n) as usize;
    let length = if length < 0.0 { usize::MAX } else { length.min(n) as usize };
    made(text.chars().skip(from).take(length).collect(), fuel)
}

/// A pattern with a small budget; RE2's syntax and ours agree on what configurations use.
fn compiled(pattern: &str, fuel: &Fuel) -> Option<regex::Regex> {
    if pattern.len() > 1000 || !fuel.steps(500 + pattern.len()) {
        return None;
    }
    RegexBuilder::new(pattern).size_limit(256 * 1024).dfa_size_limit(256 * 1024).nest_limit(30).build().ok()
}

fn regex(pattern: &str, text: &str, fuel: &Fuel) -> Answer {
    let Some(found) = compiled(pattern, fuel) else { return Ok(Value::Unknown) };
    if !fuel.steps(text.len() / 16) {
        return Ok(Value::Unknown);
    }
    found.captures(text).map(|c| captured(&found, &c)).ok_or(Wrong)
}

fn regexall(pattern: &str, text: &str, fuel: &Fuel) -> Answer {
    let Some(found) = compiled(pattern, fuel) else { return Ok(Value::Unknown) };
    if !fuel.steps(text.len()) {
        return Ok(Value::Unknown);
    }
    Ok(Value::list(found.captures_iter(text).map(|c| captured(&found, &c)).collect()))
}

fn captured(pattern: &regex::Regex, found: &regex::Captures<'_>) -> Value {
    let text = |m: Option<regex::Match<'_>>| m.map_or(Value::Null, |m| Value::text(m.as_str()));
    let names: Vec<&str> = pattern.capture_names().flatten().collect();
    if !names.is_empty() {
        return Value::map(names.into_iter().map(|n| (n.to_owned(), text(found.name(n)))).collect());
    }
    if found.len() == 1 { text(found.get(0)) } else { Value::list((1..found.len()).map(|i| text(found.get(i))).collect()) }
}

/// Wider or more precise numbers than this are no format of a configuration.
const WIDEST: usize = 100;

/// Go's verbs as Terraform has them, with flags, width and precision; what we can't write as it does is unknown.
pub fn format(pattern: &str, args: &[Value], fuel: &Fuel) -> Answer {
    let (mut out, mut args, mut rest) = (String::new(), args.iter(), pattern);
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let flags: String = after.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '#' | ' ')).collect();
        let Some(verb) = after[flags.len()..].chars().next() else { return Err(Wrong) };
        rest = &after[flags.len() + verb.len_utf8()..];
        if verb == '%' {
            out.push('%');
            continue;
        }
        let arg = args.next().ok_or(Wrong)?;
        let signs = flags.trim_start_matches(['-', '+', '#', ' ', '0']);
        let has = |c: char| flags[..flags.len() - signs.len()].contains(c);
        let (width, precision) = signs.split_once('.').map_or((signs, None), |(w, p)| (w, Some(p.parse().unwrap_or(0))));
        let width: usize = width.parse().unwrap_or(0);
        if width > WIDEST || precision.is_some_and(|p: usize| p > WIDEST) || has('#') && verb != 'v' {
            return Ok(Value::Unknown);
        }
        let Some(text) = written(verb, arg, precision, fuel)? else { return Ok(Value::Unknown) };
        let number = matches!(verb, 'd' | 'f' | 'x' | 'X' | 'o' | 'b' | 'v') && matches!(arg, Value::Number(_));
        let sign = if !number || text.starts_with('-') {
            ""
        } else if has('+') {
            "+"
        } else if has(' ') {
            " "
        } else {
            ""
        };
        let text = format!("{sign}{text}");
        let room = width.saturating_sub(text.chars().count());
        if has('-') {
            out.push_str(&text);
            out.push_str(&" ".repeat(room));
        } else if has('0') && number {
            let (sign, digits) = text.split_at(text.len() - text.trim_start_matches(['-', '+', ' ']).len());
            out.push_str(&format!("{sign}{}{digits}", "0".repeat(room)));
        } else {
            out.push_str(&" ".repeat(room));
            out.push_str(&text);
        }
        if out.len() > 1 << 20 {
            return Ok(Value::Unknown);
        }
    }
    out.push_str(rest);
    if args.next().is_some() {
        return Err(Wrong);
    }
    made(out, fuel)
}

/// An argument as a verb writes it; nothing for what we don't write.
fn written(verb: char, arg: &Value, precision: Option<usize>, fuel: &Fuel) -> Result<Option<String>, Wrong> {
    let whole = || arg.as_number().map(f64::trunc).filter(|n| n.abs() < 9e15).ok_or(Wrong);
    #[expect(clippy::cast_possible_truncation, reason = "whole and small: checked right above")]
    let whole = || whole().map(|n| n as i64);
    Ok(Some(match verb {
        's' => {
            let text = arg.shown().ok_or(Wrong)?;
            precision.map_or_else(|| text.clone(), |p| text.chars().take(p).collect())
        }
        'v' => match arg.shown() {
            Some(text) => text,
            None => arg.to_json(fuel).map(|j| j.to_string()).ok_or(Wrong)?,
        },
        'q' => serde_json::Value::String(arg.shown().ok_or(Wrong)?).to_string(),
        't' => arg.as_bool().ok_or(Wrong)?.to_string(),
        'd' => whole()?.to_string(),
        'x' => format!("{:x}", whole()?),
        'X' => format!("{:X}", whole()?),
        'o' => format!("{:o}", whole()?),
        'b' => format!("{:b}", whole()?),
        'f' => format!("{:.1$}", arg.as_number().ok_or(Wrong)?, precision.unwrap_or(6)),
        _ => return Ok(None),
    }))
}

fn indent(args: &[Value], text: &str, fuel: &Fuel) -> Answer {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 200: checked here")]
    let by = args[0].as_number().filter(|n| (0.0..=200.0).contains(n)).ok_or(Wrong)? as usize;
    if !fuel.bytes(text.matches('\n').count() * by) {
        return Ok(Value::Unknown);
    }
    made(text.replace('\n', &format!("\n{}", " ".repeat(by))), fuel)
}
