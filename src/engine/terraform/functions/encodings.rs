//! Functions that write values as other texts and read them: base64, URLs, YAML, CSV.
use crate::engine::terraform::evaluate::{Answer, Wrong};
use crate::engine::terraform::fuel::Fuel;
use crate::engine::terraform::value::Value;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0_u32, |n, b| (n << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let sextet = (n >> (18 - 6 * i)) & 63;
            out.push(if i <= chunk.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    out
}

/// The bytes of standard base64; nothing for what is none.
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let last = text.len() / 4;
    for (at, chunk) in text.chunks(4).enumerate() {
        let padded = chunk.iter().rev().take_while(|b| **b == b'=').count();
        if padded > 2 || (padded > 0 && at + 1 != last) {
            return None;
        }
        let mut n = 0_u32;
        for b in &chunk[..4 - padded] {
            n = (n << 6) | u32::try_from(ALPHABET.iter().position(|a| a == b)?).ok()?;
        }
        n <<= 6 * padded;
        out.extend(&n.to_be_bytes()[1..4 - padded]);
    }
    Some(out)
}

/// The text that base64 holds; nothing for what holds none.
pub fn decoded(text: &str) -> Option<String> {
    String::from_utf8(unbase64(text)?).ok().filter(|t| !t.is_empty())
}

/// The value of a call with known arguments, if the function is one of these.
pub fn call(name: &str, args: &[Value], fuel: &Fuel) -> Option<Answer> {
    if name == "yamlencode" {
        let [value] = args else { return Some(Err(Wrong)) };
        let mut out = String::new();
        let whole = yaml(value, 0, &mut out, fuel).is_some() && fuel.bytes(out.len());
        return Some(Ok(if whole { Value::text(out) } else { Value::Unknown }));
    }
    if !matches!(
        name,
        "base64encode" | "base64decode" | "textencodebase64" | "textdecodebase64" | "urlencode" | "urldecode" | "csvdecode" | "yamldecode"
    ) {
        return None;
    }
    let texts: Option<Vec<String>> = args.iter().map(Value::shown).collect();
    let texts: Vec<&str> = texts.iter().flatten().map(String::as_str).collect();
    let size: usize = texts.iter().map(|t| t.len()).sum();
    if !fuel.bytes(size.saturating_mul(3)) || !fuel.steps(size / 8) {
        return Some(Ok(Value::Unknown));
    }
    Some(match (name, texts.as_slice()) {
        ("base64encode", [t]) => Ok(Value::text(base64(t.as_bytes()))),
        ("base64decode", [t]) => unbase64(t).and_then(|b| String::from_utf8(b).ok()).map(Value::text).ok_or(Wrong),
        ("textencodebase64", [t, encoding]) => {
            let pairs = |end: fn(u16) -> [u8; 2]| t.encode_utf16().flat_map(end).collect::<Vec<u8>>();
            match encoding.to_ascii_uppercase().as_str() {
                "UTF-8" => Ok(Value::text(base64(t.as_bytes()))),
                "UTF-16LE" => Ok(Value::text(base64(&pairs(u16::to_le_bytes)))),
                "UTF-16BE" => Ok(Value::text(base64(&pairs(u16::to_be_bytes)))),
                // Others of IANA's list exist.
                _ => Ok(Value::Unknown),
            }
        }
        ("textdecodebase64", [t, encoding]) => {
            let Some(bytes) = unbase64(t) else { return Some(Err(Wrong)) };
            let pairs = |end: fn([u8; 2]) -> u16| {
                String::from_utf16(&bytes.chunks(2).map(|c| end([c[0], c.get(1).copied().unwrap_or(0)])).collect::<Vec<_>>()).ok()
            };
            match encoding.to_ascii_uppercase().as_str() {
                "UTF-8" => String::from_utf8(bytes).ok().map(Value::text).ok_or(Wrong),
                "UTF-16LE" => pairs(u16::from_le_bytes).map(Value::text).ok_or(Wrong),
                "UTF-16BE" => pairs(u16::from_be_bytes).map(Value::text).ok_or(Wrong),
                _ => Ok(Value::Unknown),
            }
        }
        ("urlencode", [t]) => Ok(Value::text(url(t))),
        ("urldecode", [t]) => unurl(t).map(Value::text).ok_or(Wrong),
        ("csvdecode", [t]) => csv(t, fuel),
        ("yamldecode", [t]) => unyaml(t, fuel),
        _ => Err(Wrong),
    })
}

/// As Go's `url.QueryEscape` has it.
fn url(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        match b {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~') => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

fn unurl(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(b) = bytes.next() {
        out.push(match b {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            b => b,
        });
    }
    String::from_utf8(out).ok()
}

/// A table whose first line has its names, as RFC 4180 has it.
fn csv(text: &str, fuel: &Fuel) -> Answer {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().filter(|c| *c != '\r').peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted || cell.is_empty() => quoted = !quoted,
            '"' => return Err(Wrong),
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                // Blank lines are no rows.
                if !row.is_empty() || !cell.is_empty() {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
            }
            c => cell.push(c),
        }
    }
    if quoted {
        return Err(Wrong);
    }
    if !row.is_empty() || !cell.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    let Some((names, rows)) = rows.split_first() else { return Err(Wrong) };
    if !fuel.steps(names.len().saturating_mul(rows.len())) {
        return Ok(Value::Unknown);
    }
    let entry = |row: &Vec<String>| {
        (row.len() == names.len()).then(|| Value::map(names.iter().cloned().zip(row.iter().map(Value::text)).collect())).ok_or(Wrong)
    };
    rows.iter().map(entry).collect::<Result<_, _>>().map(Value::list)
}

/// Writes a value as Terraform's YAML; nothing where we don't know how it would.
fn yaml(value: &Value, indent: usize, out: &mut String, fuel: &Fuel) -> Option<()> {
    if !fuel.steps(1) || indent > 128 || out.len() > 1 << 20 {
        return None;
    }
    let pad = " ".repeat(indent);
    match value {
        Value::Map(entries) if !entries.is_empty() => {
            for (n, (key, value)) in entries.iter().enumerate() {
                if n > 0 {
                    out.push_str(&pad);
                }
                out.push_str(&format!("{}:", serde_json::Value::from(key.as_str())));
                match value {
                    Value::Map(m) if !m.is_empty() => {
                        out.push_str(&format!("\n{pad}  "));
                        yaml(value, indent + 2, out, fuel)?;
                    }
                    Value::List(items) | Value::Set(items) if !items.is_empty() => {
                        out.push_str(&format!("\n{pad}"));
                        yaml(value, indent, out, fuel)?;
                    }
                    value => {
                        out.push(' ');
                        yaml(value, indent, out, fuel)?;
                    }
                }
            }
        }
        Value::List(items) | Value::Set(items) if !items.is_empty() => {
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push_str(&pad);
                }
                out.push_str("- ");
                yaml(item, indent + 2, out, fuel)?;
            }
        }
        Value::Map(_) => out.push_str("{}\n"),
        Value::List(_) | Value::Set(_) => out.push_str("[]\n"),
        // Texts of several lines are written as blocks, whose form depends on how they end.
        Value::Text(text) if text.contains('\n') => return None,
        Value::Text(text) => out.push_str(&format!("{}\n", serde_json::Value::from(&**text))),
        Value::Null => out.push_str("null\n"),
        other => out.push_str(&format!("{}\n", other.shown()?)),
    }
    Some(())
}

/// Reads one YAML document; unknown where the dialects differ about what it says.
fn unyaml(text: &str, fuel: &Fuel) -> Answer {
    use crate::engine::yaml;
    fn made(node: &yaml::Node, text: &str, fuel: &Fuel) -> Value {
        if !fuel.steps(1) {
            return Value::Unknown;
        }
        match &node.value {
            yaml::Value::Null => Value::Null,
            yaml::Value::Bool(b) => Value::Bool(*b),
            // `0644` is 420 to some and 644 to Terraform.
            yaml::Value::Int(_) if node.plain && text.get(node.span.start.offset..).is_some_and(is_octal) => Value::Unknown,
            #[expect(clippy::cast_precision_loss, reason = "Terraform's numbers are wider; ours are read for sizes and counts")]
            yaml::Value::Int(n) => Value::Number(*n as f64),
            #[expect(clippy::cast_precision_loss, reason = "Terraform's numbers are wider; ours are read for sizes and counts")]
            yaml::Value::UInt(n) => Value::Number(*n as f64),
            yaml::Value::Float(n) => Value::Number(*n),
            yaml::Value::String(t) if fuel.bytes(t.len()) => Value::text(t),
            yaml::Value::String(_) => Value::Unknown,
            yaml::Value::Seq(items) => Value::list(items.iter().map(|n| made(n, text, fuel)).collect()),
            yaml::Value::Map(entries) => Value::map(entries.iter().map(|e| (e.key.clone(), made(&e.value, text, fuel))).collect()),
        }
    }
    let stream = yaml::read("", text.as_bytes(), yaml::Dialect::Kubernetes);
    match stream.documents.as_slice() {
        [only] if stream.problems.is_empty() => Ok(made(&only.root, text, fuel)),
        _ if stream.problems.is_empty() => Ok(Value::Unknown),
        // What we refuse to read for its cost may be fine.
        _ => Ok(Value::Unknown),
    }
}

fn is_octal(text: &str) -> bool {
    text.starts_with('0') && text[1..].starts_with(|c: char| c.is_ascii_digit() || c == 'o' || c == '_')
}
