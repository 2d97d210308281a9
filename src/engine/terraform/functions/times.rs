//! Functions over points in time, written as RFC 3339 has them; the clock itself is unknown.
use crate::engine::terraform::evaluate::{Answer, Wrong};
use crate::engine::terraform::fuel::Fuel;
use crate::engine::terraform::value::Value;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// The value of a call with known arguments, if the function is one of these.
pub fn call(name: &str, texts: &[&str], fuel: &Fuel) -> Option<Answer> {
    Some(match (name, texts) {
        ("formatdate", [pattern, time]) if fuel.bytes(pattern.len() * 4) => date(pattern, time).map(Value::text).ok_or(Wrong),
        ("timeadd", [time, duration]) if fuel.bytes(64) => add(time, duration).map(Value::text).ok_or(Wrong),
        ("timecmp", [a, b]) => {
            let order = parsed(a).zip(parsed(b)).map(|((a, _), (b, _))| a.cmp(&b));
            order.map(|o| Value::Number(f64::from(o as i8))).ok_or(Wrong)
        }
        ("formatdate" | "timeadd", [_, _]) => Ok(Value::Unknown),
        ("formatdate" | "timeadd" | "timecmp", _) => Err(Wrong),
        _ => return None,
    })
}

/// A point in time and the offset it is written with.
fn parsed(text: &str) -> Option<(Timestamp, Offset)> {
    if text.as_bytes().get(10) != Some(&b'T') || text.len() > 40 {
        return None;
    }
    let time: Timestamp = text.parse().ok()?;
    if text.ends_with('Z') {
        return Some((time, Offset::UTC));
    }
    let zone = text.get(text.len().checked_sub(6)?..)?;
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    Some((time, Offset::from_seconds(sign * seconds).ok()?))
}

/// `+05:30`.
fn zone(offset: Offset, colon: &str) -> String {
    let seconds = offset.seconds();
    let (sign, all) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
    format!("{sign}{:02}{colon}{:02}", all / 3600, all / 60 % 60)
}

fn add(time: &str, duration: &str) -> Option<String> {
    let (time, offset) = parsed(time)?;
    let later = offset.to_datetime(time.checked_add(span(duration)?).ok()?);
    let end = if offset == Offset::UTC { "Z".to_owned() } else { zone(offset, ":") };
    Some(format!("{}{end}", later.strftime("%Y-%m-%dT%H:%M:%S")))
}

/// A duration as Go writes it: `1h30m`, `-1.5h`.
fn span(text: &str) -> Option<SignedDuration> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    let mut seconds = 0.0;
    if rest.is_empty() || rest.len() > 100 {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|n| *n > 0)?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit() || c == '.').map_or(rest.len(), |n| digits + n);
        let scale = match &rest[digits..unit] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += rest[..digits].parse::<f64>().ok()? * scale;
        rest = &rest[unit..];
    }
    SignedDuration::try_from_secs_f64(sign * seconds).ok()
}

fn date(pattern: &str, time: &str) -> Option<String> {
    let (time, offset) = parsed(time)?;
    let at = offset.to_datetime(time);
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix('\'') {
            // Two quotes inside of quotes are one.
            let mut text = quoted;
            loop {
                let end = text.find('\'')?;
                out.push_str(&text[..end]);
                text = &text[end + 1..];
                let Some(more) = text.strip_prefix('\'') else { break };
                out.push('\'');
                text = more;
            }
            rest = text;
            continue;
        }
        if !first.is_ascii_alphabetic() {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let run = rest.len() - rest.trim_start_matches(first).len();
        let twelve = (at.hour() + 11) % 12 + 1;
        out.push_str(&match &rest[..run] {
            "YYYY" => format!("{:04}", at.year()),
            "YY" => format!("{:02}", at.year() % 100),
            "MMMM" => at.strftime("%B").to_string(),
            "MMM" => at.strftime("%b").to_string(),
            "MM" => format!("{:02}", at.month()),
            "M" => at.month().to_string(),
            "DD" => format!("{:02}", at.day()),
            "D" => at.day().to_string(),
            "EEEE" => at.strftime("%A").to_string(),
            "EEE" => at.strftime("%a").to_string(),
            "hh" => format!("{:02}", at.hour()),
            "h" => at.hour().to_string(),
            "HH" => format!("{twelve:02}"),
            "H" => twelve.to_string(),
            "AA" => (if at.hour() < 12 { "AM" } else { "PM" }).to_owned(),
            "aa" => (if at.hour() < 12 { "am" } else { "pm" }).to_owned(),
            "mm" => format!("{:02}", at.minute()),
            "m" => at.minute().to_string(),
            "ss" => format!("{:02}", at.second()),
            "s" => at.second().to_string(),
            "ZZZZZ" => zone(offset, ":"),
            "ZZZZ" => zone(offset, ""),
            "ZZZ" if offset == Offset::UTC => "UTC".to_owned(),
            "ZZZ" => zone(offset, ""),
            "Z" if offset == Offset::UTC => "Z".to_owned(),
            "Z" => zone(offset, ":"),
            _ => return None,
        });
        rest = &rest[run..];
    }
    Some(out)
}
