//! PromQL expressions of a hand-in, read within bounds: what Prometheus would refuse, and where; what it would take and not mean.
mod labels;
mod meaning;
mod metrics;
mod template;
#[cfg(test)]
mod tests;
mod tokens;
mod variables;

pub use labels::Labels;
pub use template::faults_of as template_faults;
pub use variables::{read_with_variables, variables};

use promql_parser::parser::{self, Expr};
use std::ops::Range;
use tokens::{Kind, Token};

/// Longer expressions are not read, in bytes.
const LONGEST: usize = 8 << 10;
/// Words, numbers and signs of one expression: the parser's trees are walked by recursion, and a chain of signs is as deep as it is long.
const TOKENS: usize = 800;
/// Brackets inside one another.
const DEEPEST: usize = 40;

/// Something wrong with an expression or a template.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The bytes at fault.
    pub at: Range<usize>,
    pub message: String,
    /// What to write there.
    pub instead: Option<String>,
    /// What to do, where no other text can be given.
    pub fix: Option<&'static str>,
}

impl Fault {
    fn new(at: Range<usize>, message: impl Into<String>) -> Fault {
        Fault { at, message: message.into(), instead: None, fix: None }
    }

    fn instead(self, text: impl Into<String>) -> Fault {
        Fault { instead: Some(text.into()), ..self }
    }

    fn fix(self, fix: &'static str) -> Fault {
        Fault { fix: Some(fix), ..self }
    }
}

/// What an expression says.
#[derive(Debug, Default)]
pub struct Query {
    /// An expression that can't be read has exactly one.
    pub faults: Vec<Fault>,
    /// The labels of what it gives; `None` if it can't be read.
    pub labels: Option<Labels>,
}

/// Reads an expression.
pub fn read(text: &str) -> Query {
    let refused = |fault: Fault| Query { faults: vec![fault], labels: None };
    if text.len() > LONGEST {
        return refused(Fault::new(0..0, format!("the expression is longer than {LONGEST} characters")));
    }
    let tokens = match tokens::of(text) {
        Ok(tokens) => tokens,
        Err(fault) => return refused(fault),
    };
    if tokens.len() > TOKENS {
        return refused(Fault::new(0..0, format!("the expression has more than {TOKENS} words and signs")));
    }
    if let Err(fault) = nested(&tokens) {
        return refused(fault);
    }
    match parser::parse(text) {
        Ok(expr) => understood(&expr, &tokens),
        Err(said) => refused(located(&said, text, &tokens)),
    }
}

fn understood(expr: &Expr, tokens: &[Token<'_>]) -> Query {
    Query { faults: meaning::faults(expr, tokens), labels: Some(labels::of(expr)) }
}

/// Brackets that fit one another, and not too deep.
fn nested(tokens: &[Token<'_>]) -> Result<(), Fault> {
    let mut open: Vec<&Token<'_>> = Vec::new();
    for token in tokens {
        match token.kind {
            Kind::Open => open.push(token),
            Kind::Close => match open.pop() {
                Some(o) if tokens::fits(o.text, token.text) => {}
                Some(o) => return Err(Fault::new(token.at(), format!("`{}` closes a `{}`", token.text, o.text))),
                None => return Err(Fault::new(token.at(), format!("`{}` closes nothing", token.text))),
            },
            _ => {}
        }
        if open.len() > DEEPEST {
            return Err(Fault::new(token.at(), format!("more than {DEEPEST} brackets stand inside one another")));
        }
    }
    open.pop().map_or(Ok(()), |o| Err(Fault::new(o.at(), format!("this `{}` is never closed", o.text))))
}

/// The parser's error as a sentence, with the place: the parser gives none.
fn located(said: &str, text: &str, tokens: &[Token<'_>]) -> Fault {
    let words = || tokens.iter().filter(|t| t.kind == Kind::Word);
    let end = text.trim_end().len();
    if tokens.is_empty() {
        return Fault::new(0..0, "there is no expression");
    }
    if let Some(name) = between(said, "unknown function with name '", "'") {
        let at = words().find(|t| t.text == name).map_or(0..end, Token::at);
        let near = crate::engine::kubernetes::words::nearest(name, metrics::FUNCTIONS.iter().copied());
        let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
        return Fault { instead: near.map(Into::into), ..Fault::new(at, format!("PromQL has no function `{name}`{asked}")) };
    }
    if let Some(name) = between(said, "in call to function '", "'") {
        let at = words().find(|t| t.text == name).map_or(0..end, Token::at);
        let fault = |message: String| Fault::new(at, message);
        if said.starts_with("expected type matrix") {
            return fault(format!("`{name}` is of a span of time: write one behind the metric, as in `[5m]`")).fix("Write `[5m]` behind the metric.");
        }
        if said.contains("got matrix") {
            return fault(format!("`{name}` takes no span of time such as `[5m]`"))
                .fix("Remove the span in brackets, or put a function such as `rate` around it.");
        }
        return fault(format!("`{name}` is called with the wrong arguments: {said}"));
    }
    if let Some(part) = between(said, "unexpected identifier '", "'") {
        let at = words().find(|t| t.text == part).map_or(0..end, Token::at);
        return Fault::new(at, format!("the value `{part}` of a label stands in quotes")).instead(format!("\"{part}\""));
    }
    if let Some(fault) = tokens::misplaced(tokens, end) {
        return fault;
    }
    if said == "invalid promql query" {
        return Fault::new(0..end, "the expression is no PromQL");
    }
    // The parser quotes what it met: what it met is the place.
    let met = said.split(['\'', '`', '"']).skip(1).step_by(2).find_map(|part| tokens.iter().find(|t| t.text == part));
    let said: String = said.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
    Fault::new(met.map_or(0..end, Token::at), format!("the expression is no PromQL: {said}"))
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(part, _)| part)
}

/// Seconds of a duration as Prometheus writes it: `1h30m`, `15s`, `0`. Units come once each, the largest first.
pub fn seconds(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 7] = [("y", 31_536_000.0), ("w", 604_800.0), ("d", 86_400.0), ("h", 3_600.0), ("m", 60.0), ("s", 1.0), ("ms", 0.001)];
    if text == "0" {
        return Some(0.0);
    }
    let (mut rest, mut total, mut allowed) = (text, 0.0, &UNITS[..]);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|n| (1..=9).contains(n))?;
        let (number, after) = rest.split_at(digits);
        let unit = &after[..after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len())];
        let place = allowed.iter().position(|(name, _)| *name == unit)?;
        total += number.parse::<f64>().ok()? * allowed[place].1;
        allowed = &allowed[place + 1..];
        rest = &after[unit.len()..];
    }
    (!text.is_empty()).then_some(total)
}
