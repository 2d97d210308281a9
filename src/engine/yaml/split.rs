//! A file cut into its documents before anything is parsed, so that a bad one doesn't hide the others.
use super::{Dialect, Position, Span};

/// The text of one document with the `---` that opens it, and where it begins in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    pub text: &'a str,
    /// Lines before it.
    pub line: u32,
    /// Bytes before it.
    pub offset: usize,
}

/// Why bytes are no text that YAML allows, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotText {
    pub message: String,
    pub span: Span,
}

/// The bytes as text, without a byte order mark; `true` if there was one.
pub fn text(bytes: &[u8]) -> Result<(&str, bool), NotText> {
    let start = Position { line: 1, column: 1, offset: 0 };
    let at_start = |message: &str| NotText { message: message.into(), span: Span { start, end: start } };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(at_start("the file is UTF-16; save it as UTF-8"));
    }
    let (bytes, marked) = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).map_or((bytes, false), |rest| (rest, true));
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or("");
        let start = end_of(good);
        let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        NotText { message: format!("the byte 0x{byte:02x} here is not UTF-8; save the file as UTF-8"), span: one(start) }
    })?;
    match text.char_indices().find(|(_, c)| !allowed(*c)) {
        None => Ok((text, marked)),
        Some((at, c)) => {
            let name = if c == '\0' { "a NUL byte".to_string() } else { format!("the control character U+{:04X}", c as u32) };
            let message = format!("there is {name} here; YAML files are plain text");
            Err(NotText { message, span: one(end_of(text.get(..at).unwrap_or(""))) })
        }
    }
}

/// The characters of YAML's `c-printable`.
fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

/// The documents of a text. A line that begins with `---` opens one, even inside a block or a quote.
pub fn documents(text: &str, dialect: Dialect) -> Vec<Chunk<'_>> {
    let mut chunks = chunks(text, dialect);
    chunks.retain(|c| !is_empty(c.text));
    chunks
}

/// The same with those that say nothing.
pub fn chunks(text: &str, dialect: Dialect) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let (mut from, mut from_line) = (0, 0);
    let mut at = 0;
    for (n, line) in lines(text).enumerate() {
        let ends = dialect == Dialect::Core && marker(line, "...");
        // Directives stand before the `---` they are for.
        if opens(line, dialect) && !text.get(from..at).is_some_and(|before| only_directives(before, dialect)) {
            chunks.push(Chunk { text: text.get(from..at).unwrap_or(""), line: from_line, offset: from });
            (from, from_line) = (at, n as u32);
        }
        at += line.len();
        if ends {
            chunks.push(Chunk { text: text.get(from..at).unwrap_or(""), line: from_line, offset: from });
            (from, from_line) = (at, n as u32 + 1);
        }
    }
    chunks.push(Chunk { text: text.get(from..).unwrap_or(""), line: from_line, offset: from });
    chunks
}

/// The lines of a text with their ends: `\n`, `\r\n` or a lone `\r`, as YAML counts them.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = match rest.find(['\n', '\r'])? {
            at if rest[at..].starts_with("\r\n") => at + 2,
            at => at + 1,
        };
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(line)
    })
    .chain(text.rfind(['\n', '\r']).map_or(Some(text), |at| text.get(at + 1..)).filter(|last| !last.is_empty()))
}

fn opens(line: &str, dialect: Dialect) -> bool {
    match dialect {
        // Kubernetes cuts at the dashes whatever follows, and then refuses what is no comment.
        Dialect::Kubernetes => line.starts_with("---"),
        Dialect::Core => marker(line, "---"),
    }
}

fn marker(line: &str, sign: &str) -> bool {
    line.strip_prefix(sign).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

fn only_directives(text: &str, dialect: Dialect) -> bool {
    dialect == Dialect::Core && text.lines().any(|l| l.starts_with('%')) && text.lines().all(|l| l.starts_with(['%', '#']) || l.trim().is_empty())
}

/// Whether a chunk says nothing: blanks, comments and its own markers.
pub fn is_empty(text: &str) -> bool {
    lines(text).enumerate().all(|(n, line)| {
        let line = if n == 0 && marker(line, "---") { line.get(3..).unwrap_or("") } else { line };
        let line = if marker(line, "...") { "" } else { line.trim() };
        line.is_empty() || line.starts_with('#')
    })
}

/// Where a text ends.
pub fn end_of(text: &str) -> Position {
    let (mut count, mut last) = (0, "");
    for line in lines(text) {
        (count, last) = (count + 1, line);
    }
    if last.ends_with(['\n', '\r']) || count == 0 {
        (count, last) = (count + 1, "");
    }
    Position { line: count, column: last.chars().count() as u32 + 1, offset: text.len() }
}

fn one(start: Position) -> Span {
    Span { start, end: Position { column: start.column + 1, offset: start.offset + 1, ..start } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_begin_at_three_dashes() {
        let cut = |text, dialect| documents(text, dialect).iter().map(|c| (c.line, c.text.to_string())).collect::<Vec<_>>();
        assert_eq!(cut("a: 1\n---\nb: 2\n", Dialect::Kubernetes), [(0, "a: 1\n".into()), (1, "---\nb: 2\n".into())]);
        assert_eq!(cut("---\n# only\n---\nb: 2", Dialect::Kubernetes), [(2, "---\nb: 2".into())]);
        assert_eq!(cut("a: |\n  x\n  ---\r\n---\rb: 2", Dialect::Core).len(), 2);
        assert_eq!(cut("%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n---\nb: 1\n", Dialect::Core).len(), 2);
        assert_eq!(cut("a: 1\n---x\nb: 1\n", Dialect::Core).len(), 1);
        assert_eq!(cut("", Dialect::Core), []);
    }

    #[test]
    fn lines_keep_their_ends() {
        assert_eq!(lines("a\r\nb\rc\n\nd").collect::<Vec<_>>(), ["a\r\n", "b\r", "c\n", "\n", "d"]);
        assert_eq!(end_of("a\nbé"), Position { line: 2, column: 3, offset: 5 });
        assert_eq!(end_of("a\n"), Position { line: 2, column: 1, offset: 2 });
        assert_eq!(end_of(""), Position { line: 1, column: 1, offset: 0 });
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        let place = |bytes: &'static [u8]| text(bytes).map_err(|e| (e.span.start.line, e.span.start.column));
        assert_eq!(place(b"a: 1\nb: \0"), Err((2, 4)));
        assert_eq!(place(b"a: 1\nb: caf\xe9\n"), Err((2, 7)));
        assert_eq!(place(b"\xff\xfea\0"), Err((1, 1)));
        assert_eq!(place(b"\xef\xbb\xbfa: 1"), Ok(("a: 1", true)));
        assert!(text(b"\x1b[31m").is_err_and(|e| e.message.contains("U+001B")));
    }
}
