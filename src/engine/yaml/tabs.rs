//! Tabs where go-yaml v2 and our parser disagree: it refuses more lines without content, and takes tabs between brackets.
use super::split::lines;
use super::{Position, Span};

/// A line that holds nothing, or a comment only, behind a tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Empty {
    /// From 1, in its document.
    pub line: u32,
    /// Characters before the tab.
    pub before: u32,
    offset: usize,
    /// Whether the line above may end in a plain value indented less: go-yaml reads on behind one, over deeper tabs too.
    behind_plain: bool,
}

impl Empty {
    /// Where its tab stands in the file; `first` is where its document begins.
    pub fn span(self, first: Position) -> Span {
        let start = Position { line: first.line + self.line - 1, column: self.before + 1, offset: first.offset + self.offset };
        Span { start, end: Position { column: start.column + 1, offset: start.offset + 1, ..start } }
    }
}

/// The lines with a tab and no content that go-yaml would refuse unless they are in quotes, in a block or between brackets.
pub fn empty_lines(text: &str) -> Vec<Empty> {
    let (mut found, mut at, mut above) = (Vec::new(), 0, "");
    for (n, line) in lines(text).enumerate() {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            let before = line.len() - line.trim_start_matches(' ').len();
            if line[before..].starts_with('\t') {
                let indent = above.len() - above.trim_start_matches(' ').len();
                let plain = !above.trim_end().ends_with([':', '"', '\'', ']', '}', '|', '>', '-', '+']) && !above.contains(" #");
                let behind_plain = content.is_empty() && plain && before > indent;
                found.push(Empty { line: n as u32 + 1, before: before as u32, offset: at + before, behind_plain });
            }
        } else {
            above = line;
        }
        at += line.len();
    }
    found.retain(|e| !e.behind_plain);
    found
}

/// The text with blanks for the tabs that indent lines between a bracket and the one that closes it. Nothing else moves.
/// A tab behind a line that ends in a plain value stays: go-yaml refuses it, since the value might go on there.
pub fn blanked(text: &str, bracket: usize) -> String {
    let mut out = text.as_bytes().to_vec();
    let (mut depth, mut quote, mut indent, mut comment) = (0_usize, None, false, false);
    // The byte before, and the last one that is content.
    let (mut before, mut last) = (b' ', b' ');
    let mut rest = text.bytes().enumerate().skip(bracket).peekable();
    while let Some((at, b)) = rest.next() {
        match (quote, b) {
            (_, b'\n' | b'\r') => (indent, comment) = (true, false),
            (_, b'\t') if indent => {
                if quote.is_some() || b",[{]}:\"'".contains(&last) {
                    out[at] = b' ';
                }
            }
            (_, b' ') if indent => {}
            _ if comment => {}
            (Some(b'"'), b'\\') => drop(rest.next()),
            // Two of them are one letter.
            (Some(b'\''), b'\'') if rest.peek().is_some_and(|(_, next)| *next == b'\'') => drop(rest.next()),
            (Some(open), b) if open == b => quote = None,
            (Some(_), _) => {}
            // Within a plain value a quote is a letter like any other.
            (None, b'"' | b'\'') if b" \t\n,[{:".contains(&before) => quote = Some(b),
            (None, b'#') if b" \t\n".contains(&before) => comment = true,
            (None, b'[' | b'{') => depth += 1,
            (None, b']' | b'}') if depth <= 1 => break,
            (None, b']' | b'}') => depth -= 1,
            (None, _) => {}
        }
        indent &= matches!(b, b'\n' | b'\r' | b'\t' | b' ');
        before = b;
        if !comment && !b.is_ascii_whitespace() {
            last = b;
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_between_brackets_become_blanks_and_no_others() {
        for (text, expected) in [
            ("{\n\t\"a\": 1,\n\t\tb: [\n\t1]\n}\n\tc", "{\n \"a\": 1,\n  b: [\n 1]\n}\n\tc"),
            ("{a: \"}\\\"\",\n\tb: 'it''s }',\n\tc: it's} \n\td", "{a: \"}\\\"\",\n b: 'it''s }',\n c: it's} \n\td"),
            ("[a, # ]\n\tb\t]\n\tc", "[a, # ]\n b\t]\n\tc"),
            ("[\n\ta\n\t]", "[\n a\n\t]"),
            ("{", "{"),
        ] {
            assert_eq!(blanked(text, 0), expected);
        }
    }

    #[test]
    fn lines_with_a_tab_and_nothing_else_are_found() {
        let found = |text| empty_lines(text).iter().map(|e| (e.line, e.before)).collect::<Vec<_>>();
        assert_eq!(found("a: 1\n\t\nb: 2\n  \t# x\n\tc: 3\n"), [(2, 0), (4, 2)]);
        assert_eq!(found("a: 1\n  \t\nb: \"2\"\n  \t\nc:\n  \t\n"), [(4, 2), (6, 2)]);
    }
}
