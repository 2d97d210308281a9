//! One HCL file, parsed: its tree with spans, and where a span lies in lines and characters.
use super::scan::{self, Brackets};
use crate::engine::report::{Place, Problem};
use hcl_edit::structure::Body;
use std::ops::Range;

/// A file that parses.
pub struct Source {
    pub path: String,
    pub text: String,
    pub body: Body,
    lines: Lines,
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Lines {
        Lines(std::iter::once(0).chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1)).collect())
    }

    /// Line and column of a byte, both from 1, the column in characters.
    fn at(&self, text: &str, byte: usize) -> (u32, u32) {
        let byte = byte.min(text.len());
        let line = self.0.partition_point(|start| *start <= byte).max(1);
        let start = self.0[line - 1];
        let column = String::from_utf8_lossy(&text.as_bytes()[start..byte]).chars().count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    fn place(&self, path: &str, text: &str, span: &Range<usize>) -> Place {
        let (line, column) = self.at(text, span.start);
        let (end_line, end_column) = self.at(text, span.end.max(span.start));
        Place { file: path.to_owned(), line, column, end_line, end_column }
    }
}

impl Source {
    /// Parses a file, or says in plain words where and why that can't be done.
    pub fn parse(path: &str, bytes: &[u8]) -> Result<Source, Problem> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => {
                let valid = String::from_utf8_lossy(&bytes[..e.valid_up_to()]).into_owned();
                let at = Lines::of(&valid).place(path, &valid, &(valid.len()..valid.len()));
                let message = format!("Byte {} of `{path}` is not UTF-8.", e.valid_up_to() + 1);
                return Err(Problem::new(message).at(at).fix("Save the file as UTF-8."));
            }
        };
        let lines = Lines::of(text);
        if text.starts_with('\u{feff}') {
            let place = lines.place(path, text, &(0..3));
            return Err(Problem::new("The file begins with a byte order mark.").at(place).fix("Save it as UTF-8 without a byte order mark."));
        }
        let brackets = scan::brackets(text);
        if let Brackets::TooDeep(at) = brackets {
            let message = format!("Brackets are nested more than {} deep here.", scan::MAX_DEPTH);
            return Err(Problem::new(message).at(lines.place(path, text, &(at..at + 1))).fix("Give the inner parts names as locals."));
        }
        if let Brackets::Split(at) = brackets {
            let problem = Problem::new("The quote that opens here isn't closed on its line.").at(lines.place(path, text, &(at..at + 1)));
            return Err(problem.fix("Close it with `\"`. A text of several lines is a heredoc: `<<-EOT`, the lines, `EOT`."));
        }
        match hcl_edit::parser::parse_body(&scan::joined(text)) {
            Ok(body) => Ok(Source { path: path.to_owned(), text: text.to_owned(), body, lines }),
            Err(error) => Err(syntax(path, text, &lines, &brackets, &error)),
        }
    }

    pub fn place(&self, span: &Range<usize>) -> Place {
        self.lines.place(&self.path, &self.text, span)
    }

    /// The text of a span, without blanks around it.
    pub fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default().trim()
    }

    /// The lines that a span touches, whole.
    pub fn whole_lines(&self, span: &Range<usize>) -> &str {
        let start = self.text[..span.start.min(self.text.len())].rfind('\n').map_or(0, |n| n + 1);
        let from = span.end.min(self.text.len()).max(start);
        let end = self.text.get(from..).and_then(|rest| rest.find('\n')).map_or(self.text.len(), |n| from + n);
        self.text.get(start..end).unwrap_or_default()
    }

    /// The text from the start of a span's line up to the span, and from its end to the end of its line.
    pub fn around(&self, span: &Range<usize>) -> (&str, &str) {
        let start = self.text[..span.start.min(self.text.len())].rfind('\n').map_or(0, |n| n + 1);
        let end = self.text.get(span.end..).and_then(|rest| rest.find('\n')).map_or(self.text.len(), |n| span.end + n);
        (self.text.get(start..span.start).unwrap_or_default(), self.text.get(span.end..end).unwrap_or_default())
    }
}

fn syntax(path: &str, text: &str, lines: &Lines, brackets: &Brackets, error: &hcl_edit::parser::Error) -> Problem {
    if let Brackets::Open(at, open) = brackets {
        let (what, close) = match open {
            b'{' => ("`{`", "`}`"),
            b'[' => ("`[`", "`]`"),
            b'(' => ("`(`", "`)`"),
            b'"' => ("quote", "`\"`"),
            b'$' => ("`${`", "`}`"),
            _ => ("heredoc", "its delimiter on a line of its own"),
        };
        let message = format!("The {what} that opens here is never closed.");
        return Problem::new(message).at(lines.place(path, text, &(*at..at + 1))).fix(format!("Close it with {close}."));
    }
    let at = error.location().offset();
    let word = found(text.get(at..).unwrap_or_default());
    let place = lines.place(path, text, &(at..at + word.len().max(1)));
    let reason = error.message();
    let reason = reason.strip_prefix("unexpected token").map_or(reason, |rest| rest.trim_start_matches([';', ' ']));
    let found = if word.is_empty() { "The file's end is".to_owned() } else { format!("`{word}` is") };
    let message = if reason.is_empty() { format!("{found} not expected here.") } else { format!("{found} not expected here: {reason}.") };
    Problem::new(message).at(place).why("Terraform reads all files of a folder or none: one that doesn't parse stops every command.")
}

/// The word, string or sign that a text begins with, short enough to be quoted.
fn found(rest: &str) -> &str {
    let rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
    let word = rest.char_indices().find(|(_, c)| !(c.is_alphanumeric() || matches!(c, '_' | '-'))).map_or(rest.len(), |(i, _)| i);
    let end = if word == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { word };
    let end = rest.char_indices().map(|(i, _)| i).chain([rest.len()]).filter(|i| *i <= end).nth(40).unwrap_or(end);
    &rest[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (String, u32, u32) {
        let problem = Source::parse("main.tf", text.as_bytes()).err().unwrap();
        let place = problem.place.unwrap();
        (problem.message, place.line, place.column)
    }

    #[test]
    fn faults_have_places_in_characters_and_plain_words() {
        assert_eq!(fault("a {\n  b = \"ä\" c\n}\n"), ("`c` is not expected here: expected newline or eof.".into(), 2, 11));
        assert_eq!(fault("a {\n  b = [1,\n"), ("The `[` that opens here is never closed.".into(), 2, 7));
        assert_eq!(fault("a = 1\nb = \"x\ny\"\n"), ("The quote that opens here isn't closed on its line.".into(), 2, 5));
        let (message, line, _) = fault("a = 1\nb = = 2\n");
        assert!(message.starts_with("`=` is not expected here"), "{message}");
        assert_eq!(line, 2);
    }

    #[test]
    fn lines_end_where_terraform_lets_them() {
        for text in [
            "a = { for k, v in m :\n  k => v == null\n  ? \"x\"\n  : v\n}\n",
            "a = { for k, v in m : k => v +\n  1 # why\n  if v != null\n  && v > 1\n}\n",
            "a = { for k, v in m : k => {\n  b = v\n  c = 1\n} }\n",
            "a = { for k in\n  m : k => <<EOT\nx\nEOT\n}\n",
            "a = [\n  for\n  k in m : k\n]\n",
            "a = \"${\n  b\n}\"\n",
        ] {
            assert!(Source::parse("main.tf", text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_said_so() {
        let problem = Source::parse("main.tf", b"a = 1\nb = \"\xff\"\n").err().unwrap();
        assert_eq!(problem.place.unwrap().line, 2);
    }

    #[test]
    fn deep_nesting_is_refused_before_it_is_parsed() {
        let (message, ..) = fault(&format!("a = {}", "[".repeat(100_000)));
        assert_eq!(message, "Brackets are nested more than 40 deep here.");
    }
}
