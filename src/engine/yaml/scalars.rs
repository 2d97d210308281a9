//! What a plain scalar means: go-yaml v2's rules, as Kubernetes reads YAML, and those of YAML 1.2's core schema.
use super::{Dialect, Value};

/// A scalar with its type decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
}

/// The tags that decide a scalar's type; any other makes it text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    Str,
    Bool,
    Int,
    Float,
    Null,
    Timestamp,
    Binary,
    Other,
}

impl Tag {
    pub fn of(tag: &granit_parser::Tag) -> Tag {
        match tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() {
            Some("str") => Tag::Str,
            Some("bool") => Tag::Bool,
            Some("int") => Tag::Int,
            Some("float") => Tag::Float,
            Some("null") => Tag::Null,
            Some("timestamp") => Tag::Timestamp,
            Some("binary") => Tag::Binary,
            _ => Tag::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Tag::Str | Tag::Other => "str",
            Tag::Bool => "bool",
            Tag::Int => "int",
            Tag::Float => "float",
            Tag::Null => "null",
            Tag::Timestamp => "timestamp",
            Tag::Binary => "binary",
        }
    }
}

/// A scalar with its tag, if it has one; an error if the tag doesn't fit. `plain`: written without quotes.
pub fn tagged(text: &str, tag: Option<Tag>, plain: bool, dialect: Dialect) -> Result<Scalar, String> {
    let Some(tag) = tag else {
        return Ok(if plain { resolve(text, dialect) } else { Scalar::Text(text.into()) });
    };
    let resolved = match tag {
        // Read as text in the end, but go-yaml wants to see a time.
        Tag::Timestamp if dialect == Dialect::Kubernetes && !is_time(text) => return Err(format!("`{text}` can't be read as `!!timestamp`")),
        Tag::Str | Tag::Other | Tag::Timestamp => return Ok(Scalar::Text(text.into())),
        Tag::Binary => return base64(text).map(Scalar::Text).ok_or_else(|| "this `!!binary` value is not base64".into()),
        _ => resolve(text, dialect),
    };
    match (tag, resolved) {
        (Tag::Float, Scalar::Int(n)) => Ok(Scalar::Float(n as f64)),
        (Tag::Float, Scalar::UInt(n)) => Ok(Scalar::Float(n as f64)),
        (Tag::Bool, s @ Scalar::Bool(_))
        | (Tag::Int, s @ (Scalar::Int(_) | Scalar::UInt(_)))
        | (Tag::Float, s @ Scalar::Float(_))
        | (Tag::Null, s @ Scalar::Null) => Ok(s),
        _ => Err(format!("`{text}` can't be read as `!!{}`", tag.name())),
    }
}

/// go-yaml v2's times: `2001-12-14`, with `T` and a zone or a blank and none behind it; months and the others may have one digit.
fn is_time(text: &str) -> bool {
    let split = text.find(['T', 't', ' ']).map_or((text, None), |at| (&text[..at], text.get(at..)));
    let digits = |s: &str, most: usize| (1..=most).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    let (date, time) = split;
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let known = year.len() == 4 && digits(year, 4) && digits(month, 2) && digits(day, 2);
    let number = |s: &str| s.parse::<i16>().unwrap_or(0);
    let small = |s: &str| i8::try_from(number(s)).unwrap_or(0);
    if !known || jiff::civil::Date::new(number(year), small(month), small(day)).is_err() {
        return false;
    }
    let Some(time) = time else { return true };
    let zoned = !time.starts_with(' ');
    let at = time.get(1..).and_then(|rest| rest.find(['Z', '+', '-']));
    let (clock, zone) = at.map_or((&time[1..], ""), |at| (&time[1..=at], &time[at + 1..]));
    let of_zone = zone == "Z" || (zone.len() == 6 && zone[1..].split_once(':').is_some_and(|(h, m)| h.len() == 2 && digits(h, 2) && digits(m, 2)));
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(c, f)| (c, Some(f)));
    let parts: Vec<&str> = clock.split(':').collect();
    let in_range = parts.len() == 3 && parts.iter().zip([24, 60, 60]).all(|(p, most)| digits(p, 2) && number(p) < most);
    in_range && fraction.is_none_or(|f| digits(f, 9)) && if zoned { of_zone } else { zone.is_empty() }
}

/// What a plain scalar without a tag is.
pub fn resolve(text: &str, dialect: Dialect) -> Scalar {
    let known = match text {
        "" | "~" | "null" | "Null" | "NULL" => Some(Scalar::Null),
        "true" | "True" | "TRUE" => Some(Scalar::Bool(true)),
        "false" | "False" | "FALSE" => Some(Scalar::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => Some(Scalar::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(Scalar::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => Some(Scalar::Float(f64::NEG_INFINITY)),
        _ => None,
    };
    known.or_else(|| if dialect == Dialect::Kubernetes { old(text) } else { core(text) }).unwrap_or_else(|| Scalar::Text(text.into()))
}

/// YAML 1.1 the way go-yaml v2 reads it (its `resolve.go`).
fn old(text: &str) -> Option<Scalar> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Some(Scalar::Bool(true)),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Some(Scalar::Bool(false)),
        _ => {}
    }
    match text.as_bytes().first()? {
        b'.' => go_float(text),
        b'0'..=b'9' | b'+' | b'-' => {
            let plain = text.replace('_', "");
            go_int(&plain).or_else(|| decimal(&plain).map(Scalar::Float))
        }
        _ => None,
    }
}

/// Go's `strconv.ParseInt(s, 0, 64)`, then `ParseUint`.
fn go_int(text: &str) -> Option<Scalar> {
    let (negative, signed, digits) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let (base, digits) = match digits.get(..2) {
        Some("0b" | "0B") if digits.len() > 2 => (2, &digits[2..]),
        Some("0o" | "0O") if digits.len() > 2 => (8, &digits[2..]),
        Some("0x" | "0X") if digits.len() > 2 => (16, &digits[2..]),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let n = u64::from_str_radix(digits, base).ok()?;
    match i64::try_from(n) {
        Ok(n) if negative => Some(Scalar::Int(-n)),
        Ok(n) => Some(Scalar::Int(n)),
        Err(_) if negative && n == i64::MIN.unsigned_abs() => Some(Scalar::Int(i64::MIN)),
        Err(_) if signed => None,
        Err(_) => Some(Scalar::UInt(n)),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?` as a finite number.
fn decimal(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let good = match mantissa.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty()),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
    let good = good && exponent.is_none_or(|e| !e.is_empty() && digits(e));
    good.then(|| text.parse::<f64>().ok()).flatten().filter(|n| n.is_finite())
}

/// Go's `strconv.ParseFloat`, which lets `_` stand between digits.
fn go_float(text: &str) -> Option<Scalar> {
    let bytes = text.as_bytes();
    let between = |at: usize| at > 0 && bytes[at - 1].is_ascii_digit() && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
    if bytes.iter().enumerate().any(|(at, b)| *b == b'_' && !between(at)) {
        return None;
    }
    decimal(&text.replace('_', "")).map(Scalar::Float)
}

/// YAML 1.2's core schema, §10.3.2.
fn core(text: &str) -> Option<Scalar> {
    let based = |digits: &str, base| u64::from_str_radix(digits, base).ok().filter(|_| !digits.starts_with('+'));
    let unsigned = |n: u64| i64::try_from(n).map_or(Scalar::UInt(n), Scalar::Int);
    if let Some(digits) = text.strip_prefix("0o") {
        return based(digits, 8).map(unsigned);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return based(digits, 16).map(unsigned);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        if let Ok(n) = text.parse::<i64>() {
            return Some(Scalar::Int(n));
        }
        if let Ok(n) = text.parse::<u64>() {
            return Some(Scalar::UInt(n));
        }
    }
    decimal(text).map(Scalar::Float)
}

impl Scalar {
    /// The value, as it arrives behind JSON. Kubernetes knows 64-bit integers and floats there; `1.0` becomes `1`.
    /// An error if JSON can't say it.
    pub fn value(self, dialect: Dialect) -> Result<Value, String> {
        Ok(match self {
            Scalar::Null => Value::Null,
            Scalar::Bool(b) => Value::Bool(b),
            Scalar::Int(n) => Value::Int(n),
            Scalar::UInt(n) if dialect == Dialect::Kubernetes => Value::Float(n as f64),
            Scalar::UInt(n) => Value::UInt(n),
            Scalar::Float(n) if dialect == Dialect::Core => Value::Float(n),
            Scalar::Float(n) if !n.is_finite() => {
                return Err("infinity and not-a-number can't be sent to Kubernetes: JSON has no word for them".into());
            }
            // Beyond 2^63 the digits don't fit an int64.
            Scalar::Float(n) if n.fract() == 0.0 && n.abs() < 9_223_372_036_854_775_808.0 => Value::Int(n as i64),
            Scalar::Float(n) => Value::Float(n),
            Scalar::Text(s) => Value::String(s),
        })
    }

    /// The key that JSON will have, as sigs.k8s.io/yaml writes it; an error if it refuses.
    pub fn key(self, text: &str, dialect: Dialect) -> Result<String, String> {
        if dialect == Dialect::Core {
            return Ok(text.into());
        }
        match self {
            Scalar::Text(s) => Ok(s),
            Scalar::Int(n) => Ok(n.to_string()),
            Scalar::Bool(b) => Ok(b.to_string()),
            Scalar::Float(n) => Ok(go_short(n as f32)),
            Scalar::UInt(_) => Err(format!("the number {text} is too large for a key: quote it")),
            Scalar::Null => Err("this key is null; write a name, in quotes if need be".into()),
        }
    }
}

/// Go's `strconv.FormatFloat(f, 'g', -1, 32)`, with YAML's words for what is no number.
fn go_short(n: f32) -> String {
    if n.is_nan() {
        return ".nan".into();
    }
    if n.is_infinite() {
        return if n > 0.0 { ".inf" } else { "-.inf" }.into();
    }
    let scientific = format!("{n:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(e) if !(-4..6).contains(&e) => {
            format!("{mantissa}e{}{:02}", if e < 0 { '-' } else { '+' }, e.abs())
        }
        _ => format!("{n}"),
    }
}

/// What is worth saying about how a plain scalar was read; nothing if it reads as it looks.
pub fn note(text: &str, scalar: &Scalar, dialect: Dialect) -> Option<String> {
    let digits = text.trim_start_matches(['+', '-']);
    let shown = match scalar {
        Scalar::Bool(b) => {
            let surprising = !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false");
            return surprising.then(|| format!("`{text}` is the boolean {b} here: quote it if the word is meant"));
        }
        Scalar::Int(n) => n.to_string(),
        Scalar::UInt(n) => n.to_string(),
        Scalar::Float(n) if n.is_finite() => n.to_string(),
        _ => return None,
    };
    let because = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => "because it is hexadecimal",
        Some("0b") => "because it is binary",
        Some("0o") => "because it is octal",
        _ if digits.contains('_') => "because underscores between digits are dropped",
        _ if matches!(scalar, Scalar::Int(_) | Scalar::UInt(_)) && digits.len() > 1 && digits.starts_with('0') => match dialect {
            Dialect::Kubernetes => "because it is octal",
            Dialect::Core => "because YAML 1.2 writes octal as `0o…`",
        },
        _ if digits != shown.trim_start_matches('-') => "because it is a number: quote it if the text is meant",
        _ => return None,
    };
    Some(format!("`{text}` is read as {shown} here, {because}"))
}

/// Whether text is base64 as Go's JSON takes it for bytes.
pub fn is_base64(text: &str) -> bool {
    base64(text).is_some()
}

/// Standard base64 with padding; what is no UTF-8 becomes U+FFFD, as Go's JSON has it.
fn base64(text: &str) -> Option<String> {
    let digit = |b: u8| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let letters: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')).collect();
    let padding = letters.iter().rev().take_while(|b| **b == b'=').count();
    if !letters.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let (mut bits, mut held, mut bytes) = (0u32, 0, Vec::with_capacity(letters.len() / 4 * 3));
    for letter in &letters[..letters.len() - padding] {
        bits = bits << 6 | u32::from(digit(*letter)?);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
