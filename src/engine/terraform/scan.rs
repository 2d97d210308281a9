//! A look over HCL's brackets before it is parsed: how deep they go, which is never closed, and where lines may be joined.
use std::ops::Range;

/// Deeper nesting is refused before a recursive parser sees it; hand-written modules stay below 15.
pub const MAX_DEPTH: usize = 40;

/// What the look found.
#[derive(Debug, PartialEq, Eq)]
pub enum Brackets {
    /// All closed; the byte where each opened no longer matters.
    Closed,
    /// Nesting goes beyond the limit at this byte.
    TooDeep(usize),
    /// The quote at this byte isn't closed on its line.
    Split(usize),
    /// The bracket at this byte is never closed.
    Open(usize, u8),
}

/// What the scanner is inside of.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Bracket(u8),
    /// `{ for … }` or `[for …]`, where line ends mean nothing.
    For(u8),
    Quotes,
    Template,
    Heredoc(usize, usize),
}

/// Walks over `text` once, without recursion.
pub fn brackets(text: &str) -> Brackets {
    walk(text).0
}

/// Where the comments of a text stand, as far as its brackets and quotes can be followed.
pub fn comments(text: &str) -> Vec<Range<usize>> {
    let mut scan = Scan::new(text);
    scan.walk();
    scan.comments
}

/// The text with blanks for line ends and comments directly inside of `{ for … }` and `[for …]`: Terraform skips them
/// there, the parser not always. No byte moves.
pub fn joined(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in walk(text).1 {
        bytes.get_mut(range).into_iter().for_each(|b| b.fill(b' '));
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn walk(text: &str) -> (Brackets, Vec<Range<usize>>) {
    let mut scan = Scan::new(text);
    match scan.walk() {
        found @ (Brackets::Split(_) | Brackets::TooDeep(_)) => (found, Vec::new()),
        found => (found, scan.blanks),
    }
}

/// Where a walk is.
struct Scan<'a> {
    text: &'a str,
    b: &'a [u8],
    stack: Vec<(Inside, usize)>,
    blanks: Vec<Range<usize>>,
    comments: Vec<Range<usize>>,
    /// The line end after a heredoc's delimiter, which belongs to it.
    heredoc_end: Option<usize>,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Scan<'a> {
        Scan { text, b: text.as_bytes(), stack: Vec::new(), blanks: Vec::new(), comments: Vec::new(), heredoc_end: None }
    }

    fn walk(&mut self) -> Brackets {
        let (text, b) = (self.text, self.b);
        let mut i = 0;
        while i < b.len() {
            let top = self.stack.last().copied();
            match top {
                Some((Inside::Quotes, at)) if b[i] == b'\n' => return Brackets::Split(at),
                Some((Inside::Quotes, _)) => i = self.quoted(i),
                Some((Inside::Heredoc(from, to), _)) => i = self.heredoc(i, &text[from..to]),
                _ => i = self.code(i),
            }
            if self.stack.len() > MAX_DEPTH {
                return Brackets::TooDeep(self.stack.last().map_or(0, |s| s.1));
            }
        }
        match self.stack.last() {
            Some((Inside::Bracket(open) | Inside::For(open), at)) => Brackets::Open(*at, *open),
            Some((Inside::Quotes, at)) => Brackets::Open(*at, b'"'),
            Some((Inside::Template, at)) => Brackets::Open(*at, b'$'),
            Some((Inside::Heredoc(..), at)) => Brackets::Open(*at, b'<'),
            None => Brackets::Closed,
        }
    }

    /// One step in code; the byte to go on with.
    fn code(&mut self, i: usize) -> usize {
        let top = self.stack.last().map(|s| s.0);
        if let Some(end) = comment_end(self.b, i) {
            self.comments.push(i..end);
            if matches!(top, Some(Inside::For(_))) {
                self.blanks.push(i..end);
            }
            return end;
        }
        match self.b[i] {
            b'\r' | b'\n' if matches!(top, Some(Inside::For(_))) && self.heredoc_end != Some(i) => self.blanks.push(i..i + 1),
            b'"' => self.stack.push((Inside::Quotes, i)),
            b'<' if self.b.get(i + 1) == Some(&b'<') => return self.heredoc_start(i),
            open @ (b'[' | b'{') if is_for(self.b, i + 1) => self.stack.push((Inside::For(open), i)),
            open @ (b'(' | b'[' | b'{') => self.stack.push((Inside::Bracket(open), i)),
            close @ (b')' | b']' | b'}') => {
                let open = match close {
                    b')' => b'(',
                    b']' => b'[',
                    _ => b'{',
                };
                if top.is_some_and(|t| matches!(t, Inside::Bracket(o) | Inside::For(o) if o == open) || (close == b'}' && t == Inside::Template)) {
                    self.stack.pop();
                }
            }
            _ => {}
        }
        i + 1
    }

    fn quoted(&mut self, i: usize) -> usize {
        match self.b[i] {
            // An escaped line end is a line end all the same.
            b'\\' if self.b.get(i + 1) != Some(&b'\n') => i + 2,
            b'"' => {
                self.stack.pop();
                i + 1
            }
            _ => self.template(i),
        }
    }

    /// `${` and `%{` open code inside of text; doubled they are text.
    fn template(&mut self, i: usize) -> usize {
        let b = self.b;
        if !matches!(b[i], b'$' | b'%') {
            return i + 1;
        }
        if b.get(i + 1) == Some(&b[i]) && b.get(i + 2) == Some(&b'{') {
            return i + 3;
        }
        if b.get(i + 1) == Some(&b'{') {
            self.stack.push((Inside::Template, i));
            return i + 2;
        }
        i + 1
    }

    fn heredoc_start(&mut self, i: usize) -> usize {
        let from = if self.b.get(i + 2) == Some(&b'-') { i + 3 } else { i + 2 };
        let length = self.b[from..].iter().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-')).count();
        if length == 0 {
            return i + 2;
        }
        self.stack.push((Inside::Heredoc(from, from + length), i));
        line_end(self.b, i)
    }

    /// One step in a heredoc: at a line's start the delimiter ends it.
    fn heredoc(&mut self, i: usize, delimiter: &str) -> usize {
        if self.b[i] == b'\n' {
            let end = line_end(self.b, i + 1);
            if self.text.get(i + 1..end).is_some_and(|line| line.trim() == delimiter) {
                self.stack.pop();
                self.heredoc_end = Some(end);
                return end;
            }
            return i + 1;
        }
        self.template(i)
    }
}

/// Where a comment that begins at this byte ends; the line end isn't part of one.
fn comment_end(b: &[u8], i: usize) -> Option<usize> {
    match (b[i], b.get(i + 1)) {
        (b'#', _) | (b'/', Some(b'/')) => Some(line_end(b, i)),
        (b'/', Some(b'*')) => Some(b[i + 2..].windows(2).position(|w| w == b"*/").map_or(b.len(), |n| i + 2 + n + 2)),
        _ => None,
    }
}

/// Whether `for` and a name follow: what `{` opens is then no block and no object.
fn is_for(b: &[u8], mut i: usize) -> bool {
    while i < b.len() {
        match comment_end(b, i) {
            Some(end) => i = end,
            None if b[i].is_ascii_whitespace() => i += 1,
            None => break,
        }
    }
    let Some(rest) = b.get(i..).and_then(|rest| rest.strip_prefix(b"for")) else { return false };
    let name = rest.iter().find(|c| !c.is_ascii_whitespace());
    rest.first().is_some_and(u8::is_ascii_whitespace) && name.is_some_and(|c| c.is_ascii_alphabetic() || *c == b'_' || !c.is_ascii())
}

fn line_end(b: &[u8], i: usize) -> usize {
    b.get(i..).and_then(|rest| rest.iter().position(|c| *c == b'\n')).map_or(b.len(), |n| i + n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_text_and_comments_do_not_count() {
        for text in [
            "a = \"([{\" # ([{\n// {\n/* [ */ b = [1]",
            "a = \"${[for x in y : \"{\"][0]} $${\"\n",
            "a = <<-EOT\n  {{{ \"\n  ${b[0]}\n  EOT\nb = {}\n",
            "a = \"\\\"{\"\n",
        ] {
            assert_eq!(brackets(text), Brackets::Closed, "{text}");
        }
    }

    #[test]
    fn the_open_one_is_named() {
        assert_eq!(brackets("a {\n  b = [1, 2\n}\n"), Brackets::Open(10, b'['));
        assert_eq!(brackets("a = \"x"), Brackets::Open(4, b'"'));
        assert_eq!(brackets("a = \"x\n"), Brackets::Split(4));
        assert_eq!(brackets("a = \"${\n\"x\"\n}\\\n\"\n"), Brackets::Split(4));
    }

    #[test]
    fn a_hundred_thousand_brackets_are_too_deep() {
        for open in ["[", "(", "{a=", "\"${"] {
            assert!(matches!(brackets(&format!("a = {}", open.repeat(100_000))), Brackets::TooDeep(_)), "{open}");
        }
    }

    #[test]
    fn comments_are_told_from_text() {
        let text = "a = \"# no\" # one\nb = <<E\n# no\nE\n/* two\n*/ c = 1 // three\n";
        assert_eq!(comments(text).into_iter().map(|r| &text[r]).collect::<Vec<_>>(), ["# one", "/* two\n*/", "// three"]);
    }

    #[test]
    fn lines_are_joined_where_they_mean_nothing() {
        for (text, wanted) in [
            ("a = { for k, v in m :\r\n k => v # ü\n ? 1 : 2\n}\n", "a = { for k, v in m :   k => v       ? 1 : 2 }\n"),
            ("a = { /* { */\n for v in m : v => {\n a = 1\n}\n}\n", "a = {          for v in m : v => {\n a = 1\n} }\n"),
            ("a = { for v in m : v => <<E\nx\nE\n}\n", "a = { for v in m : v => <<E\nx\nE\n}\n"),
            ("x {\n for = 1\n forest = 2\n}\n", "x {\n for = 1\n forest = 2\n}\n"),
        ] {
            assert_eq!(joined(text), wanted);
        }
    }
}
