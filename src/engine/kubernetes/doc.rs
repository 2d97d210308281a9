//! A document with the text it was read from: places, what was written there, and small diffs over it.
use crate::engine::report::{Place, Problem};
use crate::engine::yaml::{Document, Entry, Node, Position, Span, Value};
use std::ops::Range;
use std::rc::Rc;

/// Long values are shown up to here.
const SHOWN: usize = 120;
/// Lines longer than this are neither searched nor shown: a megabyte in one line would be walked again for every problem.
const LONGEST_LINE: usize = 240;
/// Lines of a text value in which a part of it is looked for.
const PART_LINES: u32 = 5_000;

/// A document and its file's text.
#[derive(Clone)]
pub struct Doc<'a> {
    pub document: &'a Document,
    text: &'a str,
    /// Where each line begins, in bytes.
    lines: Rc<[usize]>,
}

/// Where the lines of a text begin.
pub fn line_starts(text: &str) -> Rc<[usize]> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

impl<'a> Doc<'a> {
    pub fn new(document: &'a Document, text: &'a str, lines: Rc<[usize]>) -> Doc<'a> {
        Doc { document, text, lines }
    }

    pub fn place(&self, span: Span) -> Place {
        span.place(&self.document.file)
    }

    pub fn problem(&self, span: Span, message: impl Into<String>) -> Problem {
        Problem::new(message).at(self.place(span))
    }

    /// Line `n`, from 1, without its end; nothing of a line that is too long to be shown.
    pub fn line(&self, n: u32) -> &'a str {
        let n = n.saturating_sub(1) as usize;
        let Some(start) = self.lines.get(n) else { return "" };
        let end = self.lines.get(n + 1).map_or(self.text.len(), |next| next - 1);
        self.text.get(*start..end).map(|l| l.trim_end_matches('\r')).filter(|l| l.len() <= LONGEST_LINE).unwrap_or("")
    }

    /// What stands at a span of one line, as written.
    pub fn written(&self, span: Span) -> Option<&'a str> {
        if span.start.line != span.end.line {
            return None;
        }
        let line = self.line(span.start.line);
        let text = line.get(byte(line, span.start.column)..byte(line, span.end.column))?.trim();
        (!text.is_empty() && text.len() <= SHOWN && !text.chars().any(char::is_control)).then_some(text)
    }

    /// Where a part of a text value stands, given in bytes of the value; the whole value where it is written too differently.
    pub fn part(&self, node: &Node, part: Range<usize>) -> Span {
        self.find_part(node, part).unwrap_or(node.span)
    }

    /// The lines of a scalar, without indentation, stand in its value one after the other, however it is folded.
    fn find_part(&self, node: &Node, part: Range<usize>) -> Option<Span> {
        let value = node.as_str()?;
        let mut from = 0;
        for n in node.span.start.line..=node.span.end.line.min(node.span.start.line.saturating_add(PART_LINES)) {
            let line = self.line(n);
            let begins = if n == node.span.start.line { byte(line, node.span.start.column) } else { 0 };
            let ends = if n == node.span.end.line { byte(line, node.span.end.column) } else { line.len() };
            let mut written = line.get(begins..ends)?;
            if !node.plain && n == node.span.start.line {
                // A block's text begins without a quote.
                written = written.strip_prefix(['"', '\'']).unwrap_or(written);
            }
            if !node.plain && n == node.span.end.line {
                written = written.strip_suffix(['"', '\'']).unwrap_or(written);
            }
            let written = written.trim();
            if written.is_empty() {
                continue;
            }
            let here = from + value.get(from..)?.find(written)?;
            from = here + written.len();
            if part.start <= from {
                let start = line.find(written)? + part.start.checked_sub(here)?;
                let end = (start + part.len()).min(line.find(written)? + written.len());
                let position = |at: usize| {
                    let column = u32::try_from(line.get(..at)?.chars().count()).ok()? + 1;
                    Some(Position { line: n, column, offset: self.lines.get(n as usize - 1)? + at })
                };
                return Some(Span { start: position(start)?, end: position(end)? });
            }
        }
        None
    }

    /// A diff that writes `new` at a span of one line.
    pub fn replace(&self, span: Span, new: &str) -> Option<String> {
        if span.start.line != span.end.line {
            return None;
        }
        let line = self.line(span.start.line);
        let (before, rest) = (line.get(..byte(line, span.start.column))?, line.get(byte(line, span.end.column)..)?);
        (!line.is_empty()).then(|| format!("-{line}\n+{before}{new}{rest}"))
    }

    /// A diff that writes other lines, or in braces other words, for an entry whose value isn't repeated: a report is kept for years.
    pub fn replace_secret(&self, entry: &Entry, lines: &str, inline: &str) -> Option<String> {
        let (from, to) = (entry.key_span.start, entry.value.span.end);
        if (from.line, from.line) != (entry.value.span.start.line, to.line) || entry.value.span.start < from {
            return None;
        }
        let line = self.line(from.line);
        let (before, rest) = (line.get(..byte(line, from.column))?, line.get(byte(line, to.column)..)?);
        let old = format!("-{before}{}: …{rest}", entry.key);
        let alone = before.trim_start_matches(['-', ' ']).is_empty() && (rest.trim().is_empty() || rest.trim_start().starts_with('#'));
        if alone {
            let below = added(before.chars().count(), lines);
            return Some(format!("{old}\n+{before}{}", below.trim_start_matches(['+', ' '])));
        }
        Some(format!("{old}\n+{before}{inline}{rest}"))
    }

    /// A diff without this line.
    pub fn without_line(&self, n: u32) -> Option<String> {
        let line = self.line(n);
        (!line.is_empty()).then(|| format!("-{line}"))
    }

    /// A diff without an entry, where it has a line of its own.
    pub fn without(&self, entry: &Entry) -> Option<String> {
        let (from, to) = (entry.key_span.start, entry.value.span.end);
        let line = self.line(from.line);
        let own = line.get(..byte(line, from.column))?.trim().is_empty() && line.get(byte(line, to.column)..)?.trim().is_empty();
        if from.line == to.line && own { self.without_line(from.line) } else { None }
    }

    /// A diff that adds an item at the end of a list that has one.
    pub fn append(&self, list: &Node, item: &str) -> Option<String> {
        let last = list.items().last()?;
        let n = last.span.end.line;
        let line = self.line(n);
        if line.is_empty() {
            return None;
        }
        if self.written_starts_with(list.span, '[') {
            let at = Span { start: last.span.end, end: last.span.end };
            return self.replace(at, &format!(", {item}"));
        }
        let dash = line.find('-').filter(|at| line.get(..*at).is_some_and(|before| before.trim().is_empty()) && last.span.start.line == n)?;
        Some(format!(" {line}\n+{}- {item}", " ".repeat(dash)))
    }

    /// A diff that adds `snippet`'s lines to a mapping; `key` is where the mapping's own key stands, if it has one.
    pub fn add(&self, mapping: &Node, key: Option<Span>, snippet: &str) -> String {
        let entries = mapping.entries();
        let flow = self.written_starts_with(mapping.span, '{');
        let Some(first) = entries.first().filter(|_| !flow) else {
            // An empty or `{…}` mapping: only its own line can be shown.
            let indent = key.map_or(0, |k| k.start.column as usize + 1);
            let context = key.map(|k| format!(" {}\n", self.line(k.start.line))).unwrap_or_default();
            return context + &added(indent, snippet);
        };
        let indent = first.key_span.start.column.saturating_sub(1) as usize;
        let added = added(indent, snippet);
        let (above, own) = (key.map(|k| k.start.line), first.key_span.start.line);
        match above {
            Some(above) if above < own => format!(" {}\n{added}", self.line(above)),
            _ if first.value.span.end.line <= own => format!(" {}\n{added}", self.line(own)),
            _ => added,
        }
    }

    fn written_starts_with(&self, span: Span, c: char) -> bool {
        let line = self.line(span.start.line);
        line.get(byte(line, span.start.column)..).is_some_and(|rest| rest.starts_with(c))
    }

    /// A value in words: what it is, and how it came to be that.
    pub fn describe(&self, node: &Node) -> String {
        let written = self.written(node.span);
        match &node.value {
            Value::Null => "nothing is written here".into(),
            Value::Bool(b) => match written {
                Some(w) if node.plain && w != b.to_string() => format!("`{w}` without quotes is read as the boolean `{b}`"),
                _ => format!("`{b}` is a boolean"),
            },
            Value::Int(n) => number(written, &n.to_string()),
            Value::UInt(n) => number(written, &n.to_string()),
            Value::Float(n) => number(written, &n.to_string()),
            Value::String(s) => match written {
                Some(w) if !node.plain => format!("{w} in quotes is a string"),
                Some(w) => format!("`{w}` is a string"),
                None if s.len() <= 40 && !s.chars().any(char::is_control) => format!("`{s}` is a string"),
                None => "this is a string".into(),
            },
            Value::Seq(_) => "this is a list".into(),
            Value::Map(_) => "this is a mapping".into(),
        }
    }

    /// A scalar as it was written, quotes and all, to be written again.
    pub fn raw(&self, node: &Node) -> String {
        self.written(node.span).map_or_else(|| self.shown(node), str::to_string)
    }

    /// The value as a student would recognise it, for the middle of a sentence.
    pub fn shown(&self, node: &Node) -> String {
        if let Some(written) = self.written(node.span) {
            return written.trim_matches(['"', '\'']).to_string();
        }
        match &node.value {
            Value::String(s) if s.chars().count() <= 60 => s.replace(char::is_control, " "),
            Value::String(_) => "this text".into(),
            Value::Map(_) => "a mapping".into(),
            Value::Seq(_) => "a list".into(),
            _ => node.to_json().to_string(),
        }
    }
}

fn number(written: Option<&str>, value: &str) -> String {
    match written {
        Some(w) if w != value => format!("`{w}` is read as the number {value}"),
        _ => format!("`{value}` is a number"),
    }
}

/// The byte at which a column, counted in characters from 1, begins.
fn byte(line: &str, column: u32) -> usize {
    line.char_indices().nth(column.saturating_sub(1) as usize).map_or(line.len(), |(at, _)| at)
}

fn added(indent: usize, snippet: &str) -> String {
    // A column may be far out in a long line, farther than a width can be.
    let indent = " ".repeat(indent.min(LONGEST_LINE));
    let lines: Vec<String> = snippet.lines().map(|l| format!("+{indent}{l}")).collect();
    lines.join("\n")
}
