//! JSON and TOML as trees with places, so that a check can point into them.
use super::report::Problem;
use super::yaml::{self, Dialect, Entry, Node, Position, Span, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Strict JSON; its places come from reading it as YAML, which contains it.
pub fn json(file: &str, bytes: &[u8]) -> Result<Node, Vec<Problem>> {
    if let Err(e) = serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        let at = |n: usize| u32::try_from(n.max(1)).unwrap_or(u32::MAX);
        let start = Position { line: at(e.line()), column: at(e.column()), offset: 0 };
        let message = e.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        return Err(vec![Problem::new(format!("this is not JSON: {message}")).at(Span { start, end: next(start) }.place(file))]);
    }
    let mut stream = yaml::read(file, bytes, Dialect::Core);
    match stream.documents.pop() {
        Some(document) if stream.problems.is_empty() => Ok(document.root),
        _ => Err(stream.problems),
    }
}

/// TOML 1.1, its dates as strings.
pub fn toml(file: &str, bytes: &[u8]) -> Result<Node, Vec<Problem>> {
    let refused = |at: Position, message: String| vec![Problem::new(message).at(Span { start: at, end: next(at) }.place(file))];
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= 1 << 20 => text,
        Ok(_) => return Err(refused(Position { line: 1, column: 1, offset: 0 }, "the file is larger than 1 MiB".into())),
        Err(e) => {
            let good = bytes.get(..e.valid_up_to()).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or("");
            return Err(refused(Lines::of(good).position(good.len()), "the byte here is not UTF-8; save the file as UTF-8".into()));
        }
    };
    let lines = Lines::of(text);
    let table = DeTable::parse(text).map_err(|e| {
        let at = lines.position(e.span().map_or(0, |s| s.start));
        refused(at, format!("this is not TOML: {}", e.message()))
    })?;
    let span = lines.span(table.span());
    Ok(Node { span, value: entries(table.into_inner(), &lines), plain: false })
}

fn next(at: Position) -> Position {
    Position { column: at.column + 1, offset: at.offset + 1, ..at }
}

fn entries(table: DeTable<'_>, lines: &Lines<'_>) -> Value {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry { key_span: lines.span(key.span()), key: key.into_inner().into_owned(), value: node(value, lines) })
        .collect();
    entries.sort_by_key(|e| e.key_span.start.offset);
    Value::Map(entries)
}

fn node(spanned: Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Node {
    let span = lines.span(spanned.span());
    let value = match spanned.into_inner() {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).map_or_else(|_| Value::String(n.as_str().into()), Value::Int),
        DeValue::Float(n) => n.as_str().parse().map_or_else(|_| Value::String(n.as_str().into()), Value::Float),
        DeValue::Boolean(b) => Value::Bool(b),
        DeValue::Datetime(at) => Value::String(at.to_string()),
        DeValue::Array(items) => Value::Seq(items.into_iter().map(|item| node(item, lines)).collect()),
        DeValue::Table(table) => entries(table, lines),
    };
    Node { span, value, plain: false }
}

/// Where the lines of a text begin.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Lines<'a> {
        Lines { text, starts: std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect() }
    }

    fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(1, |before| before.chars().count() as u32 + 1);
        Position { line: line as u32, column, offset }
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span { start: self.position(range.start), end: self.position(range.end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(result: Result<Node, Vec<Problem>>) -> String {
        let problems = result.unwrap_err();
        let at = problems[0].place.as_ref().unwrap();
        format!("{}:{} {}", at.line, at.column, problems[0].message)
    }

    #[test]
    fn toml_has_values_and_places() {
        let text = "# first\nname = \"é\"\nhex = 0x1F\nwhen = 2026-11-24\n[tool.ruff]\nline-length = 100\nselect = [\"E\", 1.5]\n";
        let root = toml("pyproject.toml", text.as_bytes()).unwrap();
        assert_eq!(
            root.to_json(),
            serde_json::json!({"name": "é", "hex": 31, "when": "2026-11-24", "tool": {"ruff": {"line-length": 100, "select": ["E", 1.5]}}})
        );
        let (length, key) = root.at(["tool", "ruff", "line-length"]).unwrap();
        assert_eq!((length.span.start.line, length.span.start.column, length.span.end.column), (6, 15, 18));
        assert_eq!(key.unwrap().start.column, 1);
        assert_eq!(told(toml("a.toml", b"a = 1\nb = \n")).split(' ').next(), Some("2:5"));
        assert!(told(toml("a.toml", b"a = 1\na = 2\n")).starts_with("2:1 this is not TOML: duplicate key"));
        assert!(told(toml("a.toml", b"a = '\xff'")).starts_with("1:6 the byte here"));
        assert!(toml("a.toml", "[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn json_is_strict_and_has_places() {
        let root = json("a.json", b"{\n\t\"a\": [1, {\"b\": null}]\n}").unwrap();
        assert_eq!(root.to_json(), serde_json::json!({"a": [1, {"b": null}]}));
        assert_eq!(root.at(["a", "1", "b"]).unwrap().0.span.start.line, 2);
        assert_eq!(told(json("a.json", b"{\"a\": 1,}")), "1:9 this is not JSON: key must be a string");
        assert_eq!(told(json("a.json", b"{\"a\": 1, \"a\": 2}")), "1:10 `a` is written twice in this mapping, first in line 1");
        assert!(json("a.json", "[".repeat(100_000).as_bytes()).is_err());
    }
}
