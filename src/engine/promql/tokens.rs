//! The words and signs of an expression with their places, and which of them stands where it can't.
use super::{Fault, seconds};
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name: of a metric, a label, a function, an operator.
    Word,
    /// A number or a duration.
    Number,
    Text,
    Open,
    Close,
    Comma,
    Operator,
}

#[derive(Debug, Clone, Copy)]
pub struct Token<'t> {
    pub kind: Kind,
    pub text: &'t str,
    pub start: usize,
}

impl Token<'_> {
    pub fn at(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|w| self.is(w))
    }
}

pub fn fits(open: &str, close: &str) -> bool {
    matches!((open, close), ("(", ")") | ("[", "]") | ("{", "}"))
}

/// Splits an expression; comments are left out.
pub fn of(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let (mut at, mut in_range) = (0, false);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let taken = |more: fn(char) -> bool| rest.find(|c: char| !more(c)).unwrap_or(rest.len());
        let (kind, len) = match c {
            _ if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '#' => {
                at += taken(|c| c != '\n');
                continue;
            }
            'a'..='z' | 'A'..='Z' | '_' => (Kind::Word, taken(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')),
            ':' if !in_range => (Kind::Word, taken(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')),
            '0'..='9' | '.' => (Kind::Number, taken(|c| c.is_ascii_alphanumeric() || c == '.')),
            '"' | '\'' | '`' => {
                let mut escaped = false;
                let end = rest.char_indices().skip(1).find(|(_, d)| {
                    let ends = *d == c && !escaped;
                    escaped = c != '`' && *d == '\\' && !escaped;
                    ends
                });
                let Some((end, _)) = end else { return Err(Fault::new(at..at + 1, format!("the text that begins with this {c} never ends"))) };
                (Kind::Text, end + 1)
            }
            '(' | '{' | '[' => (Kind::Open, 1),
            ')' | '}' | ']' => (Kind::Close, 1),
            ',' => (Kind::Comma, 1),
            _ if ["==", "!=", "<=", ">=", "=~", "!~"].iter().any(|o| rest.starts_with(o)) => (Kind::Operator, 2),
            '+' | '-' | '*' | '/' | '%' | '^' | '<' | '>' | '=' | '@' | ':' => (Kind::Operator, 1),
            _ => {
                let fault = Fault::new(at..at + c.len_utf8(), format!("`{}` is no sign of PromQL", c.escape_default()));
                return Err(match c {
                    '&' => fault.fix("Write `and`."),
                    '|' => fault.fix("Write `or`."),
                    '!' => fault.fix("Write `!=`, or `unless` between two sets."),
                    _ => fault,
                });
            }
        };
        in_range = if rest.starts_with('[') { true } else { in_range && !rest.starts_with(']') };
        let token = Token { kind, text: &rest[..len], start: at };
        bounded(&token, &tokens, in_range)?;
        tokens.push(token);
        at += len;
    }
    Ok(tokens)
}

/// Numbers that stay in their bounds: the parser makes a span of time of any number, and some are too large for one.
fn bounded(token: &Token<'_>, before: &[Token<'_>], in_range: bool) -> Result<(), Fault> {
    // A sign may stand between.
    let signed = before.last().is_some_and(|t| matches!(t.text, "-" | "+"));
    let after = before.len().checked_sub(1 + usize::from(signed)).and_then(|n| before.get(n));
    let moment = after.is_some_and(|t| t.text == "@");
    let offset = moment || after.is_some_and(|t| t.is("offset"));
    let whole = token.text.len() <= 12 && token.text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if token.kind == Kind::Number && (in_range || offset) && seconds(token.text).is_none() && !whole {
        return Err(Fault::new(token.at(), format!("`{}` is no duration such as `5m`", shown(token.text)))
            .fix("Write a number and a unit: `30s`, `5m`, `1h`, `1d`."));
    }
    if token.kind == Kind::Word && (in_range || offset) && !(moment && token.is_any(&["start", "end"])) {
        return Err(Fault::new(token.at(), format!("`{}` stands where a span of time such as `5m` belongs", shown(token.text))));
    }
    Ok(())
}

pub fn shown(text: &str) -> String {
    crate::engine::report::clip(text.to_owned(), 60)
}

const AGGREGATIONS: &[&str] =
    &["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"];
const JOINERS: &[&str] = &["and", "or", "unless", "atan2"];
const MATCHERS: &[&str] = &["on", "ignoring", "group_left", "group_right"];
const GROUPERS: &[&str] = &["by", "without"];

/// The first token that can't stand where it does: a value where an operator belongs, or the other way round.
pub fn misplaced(tokens: &[Token<'_>], end: usize) -> Option<Fault> {
    let mut n = 0;
    let mut wants_value = true;
    while let Some(token) = tokens.get(n) {
        let wrong = |what: &str| Some(Fault::new(token.at(), format!("`{}` stands where {what} belongs", shown(token.text))));
        let previous = n.checked_sub(1).and_then(|p| tokens.get(p));
        if wants_value {
            match token.kind {
                Kind::Word if token.is_any(GROUPERS) || token.is_any(JOINERS) || token.is("offset") => return wrong("a value"),
                Kind::Word if token.is_any(AGGREGATIONS) => {
                    let next = tokens.get(n + 1);
                    if next.is_some_and(|t| t.is_any(GROUPERS)) {
                        match tokens.get(n + 2) {
                            Some(open) if open.text == "(" => n = closing(tokens, n + 2),
                            other => return Some(listless(other, &tokens[n + 1], end)),
                        }
                    }
                    match tokens.get(n + 1) {
                        Some(open) if open.text == "(" => {}
                        other => {
                            return Some(Fault::new(other.map_or(end..end, Token::at), format!("`{}` needs what it is of, in brackets", token.text)));
                        }
                    }
                    wants_value = false;
                }
                Kind::Word | Kind::Number | Kind::Text => wants_value = false,
                Kind::Open if token.text == "(" => {}
                Kind::Open if token.text == "{" => {
                    n = closing(tokens, n);
                    wants_value = false;
                }
                Kind::Close if token.text == ")" && previous.is_some_and(|p| p.text == "(") => wants_value = false,
                Kind::Operator if matches!(token.text, "+" | "-") => {}
                _ => return wrong("a value"),
            }
        } else {
            match token.kind {
                Kind::Open if token.text == "(" && previous.is_some_and(|p| p.kind == Kind::Word || p.text == ")") => wants_value = true,
                Kind::Open if matches!(token.text, "[" | "{") => n = closing(tokens, n),
                Kind::Close => {}
                Kind::Comma => wants_value = true,
                Kind::Word if token.is_any(GROUPERS) && previous.is_some_and(|p| p.text == ")") => match tokens.get(n + 1) {
                    Some(open) if open.text == "(" => n = closing(tokens, n + 1),
                    other => return Some(listless(other, token, end)),
                },
                Kind::Word if token.is("offset") => n += 1 + usize::from(tokens.get(n + 1).is_some_and(|t| t.text == "-")),
                Kind::Operator if token.text == "@" => n += 1,
                Kind::Operator if token.text == "=" => {
                    return Some(Fault::new(token.at(), "`=` compares nothing outside of braces: values are compared with `==`").instead("=="));
                }
                Kind::Operator if matches!(token.text, "=~" | "!~") => return wrong("an operator"),
                Kind::Operator | Kind::Word if token.kind == Kind::Operator || token.is_any(JOINERS) => {
                    wants_value = true;
                    while let Some(next) = tokens.get(n + 1) {
                        if next.is("bool") {
                            n += 1;
                        } else if next.is_any(MATCHERS) {
                            n = if tokens.get(n + 2).is_some_and(|t| t.text == "(") { closing(tokens, n + 2) } else { n + 1 };
                        } else {
                            break;
                        }
                    }
                }
                _ => return wrong("an operator"),
            }
        }
        n += 1;
    }
    wants_value.then(|| {
        let last = tokens.last().map_or(0..end, Token::at);
        Fault::new(last, "the expression ends where a value should follow")
    })
}

fn listless(found: Option<&Token<'_>>, grouper: &Token<'_>, end: usize) -> Fault {
    Fault::new(found.map_or(end..end, Token::at), format!("`{}` needs its labels in brackets: `{0} (namespace)`", grouper.text))
}

/// The bracket that closes the one at `open`, which `nested` has seen to be there.
fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0;
    for (n, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return n;
        }
    }
    tokens.len()
}
