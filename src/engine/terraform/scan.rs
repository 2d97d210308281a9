//! A look over HCL's brackets before it is parsed: how deep they go and which is never closed.

/// Deeper nesting is refused before a recursive parser sees it; hand-written modules stay below 15.
pub const MAX_DEPTH: usize = 40;

/// What the look found.
#[derive(Debug, PartialEq, Eq)]
pub enum Brackets {
    /// All closed; the byte where each opened no longer matters.
    Closed,
    /// Nesting goes beyond the limit at this byte.
    TooDeep(usize),
    /// The bracket at this byte is never closed.
    Open(usize, u8),
}

/// What the scanner is inside of.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Bracket(u8),
    Quotes,
    Template,
    Heredoc(usize, usize),
}

/// Walks over `text` once, without recursion.
pub fn brackets(text: &str) -> Brackets {
    let b = text.as_bytes();
    let mut stack: Vec<(Inside, usize)> = Vec::new();
    let mut i = 0;
    while i < b.len() {
        let top = stack.last().map(|s| s.0);
        match top {
            Some(Inside::Quotes) => i = quoted(b, i, &mut stack),
            Some(Inside::Heredoc(from, to)) => i = heredoc(text, i, &text[from..to], &mut stack),
            _ => i = code(b, i, &mut stack),
        }
        if stack.len() > MAX_DEPTH {
            return Brackets::TooDeep(stack.last().map_or(0, |s| s.1));
        }
    }
    match stack.last() {
        Some((Inside::Bracket(open), at)) => Brackets::Open(*at, *open),
        Some((Inside::Quotes, at)) => Brackets::Open(*at, b'"'),
        Some((Inside::Template, at)) => Brackets::Open(*at, b'$'),
        Some((Inside::Heredoc(..), at)) => Brackets::Open(*at, b'<'),
        None => Brackets::Closed,
    }
}

/// One step in code; the byte to go on with.
fn code(b: &[u8], i: usize, stack: &mut Vec<(Inside, usize)>) -> usize {
    let next = b.get(i + 1).copied();
    match b[i] {
        b'#' => return line_end(b, i),
        b'/' if next == Some(b'/') => return line_end(b, i),
        b'/' if next == Some(b'*') => {
            let end = b[i + 2..].windows(2).position(|w| w == b"*/");
            return end.map_or(b.len(), |n| i + 2 + n + 2);
        }
        b'"' => stack.push((Inside::Quotes, i)),
        b'<' if next == Some(b'<') => return heredoc_start(b, i, stack),
        open @ (b'(' | b'[' | b'{') => stack.push((Inside::Bracket(open), i)),
        close @ (b')' | b']' | b'}') => {
            let wanted = match close {
                b')' => Inside::Bracket(b'('),
                b']' => Inside::Bracket(b'['),
                _ => Inside::Bracket(b'{'),
            };
            if stack.last().is_some_and(|s| s.0 == wanted || (close == b'}' && s.0 == Inside::Template)) {
                stack.pop();
            }
        }
        _ => {}
    }
    i + 1
}

fn quoted(b: &[u8], i: usize, stack: &mut Vec<(Inside, usize)>) -> usize {
    match b[i] {
        b'\\' => i + 2,
        b'"' => {
            stack.pop();
            i + 1
        }
        _ => template(b, i, stack),
    }
}

/// `${` and `%{` open code inside of text; doubled they are text.
fn template(b: &[u8], i: usize, stack: &mut Vec<(Inside, usize)>) -> usize {
    if !matches!(b[i], b'$' | b'%') {
        return i + 1;
    }
    if b.get(i + 1) == Some(&b[i]) && b.get(i + 2) == Some(&b'{') {
        return i + 3;
    }
    if b.get(i + 1) == Some(&b'{') {
        stack.push((Inside::Template, i));
        return i + 2;
    }
    i + 1
}

fn heredoc_start(b: &[u8], i: usize, stack: &mut Vec<(Inside, usize)>) -> usize {
    let from = if b.get(i + 2) == Some(&b'-') { i + 3 } else { i + 2 };
    let length = b[from..].iter().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-')).count();
    if length == 0 {
        return i + 2;
    }
    stack.push((Inside::Heredoc(from, from + length), i));
    line_end(b, i)
}

/// One step in a heredoc: at a line's start the delimiter ends it.
fn heredoc(text: &str, i: usize, delimiter: &str, stack: &mut Vec<(Inside, usize)>) -> usize {
    let b = text.as_bytes();
    if b[i] == b'\n' {
        let end = line_end(b, i + 1);
        if text.get(i + 1..end).is_some_and(|line| line.trim() == delimiter) {
            stack.pop();
            return end;
        }
        return i + 1;
    }
    template(b, i, stack)
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
        assert_eq!(brackets("a = \"x\n"), Brackets::Open(4, b'"'));
    }

    #[test]
    fn a_hundred_thousand_brackets_are_too_deep() {
        for open in ["[", "(", "{a=", "\"${"] {
            assert!(matches!(brackets(&format!("a = {}", open.repeat(100_000))), Brackets::TooDeep(_)), "{open}");
        }
    }
}
