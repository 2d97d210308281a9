//! What is said about a document that can't be read: the place and the likely cause, in words for whoever wrote it.
use super::split::{Chunk, lines};
use super::{Position, Span};
use crate::engine::report::Problem;
use granit_parser::{ErrorKind, ScanError};

/// A key that is already there.
pub fn duplicate(key: &str, first: Span, again: Span, file: &str) -> Problem {
    let key: String = key.chars().take(60).collect();
    Problem::new(format!("`{key}` is written twice in this mapping, first in line {}", first.start.line))
        .at(again.place(file))
        .why("Most tools keep one of the two and drop the other without a word; the API server refuses both.")
        .fix("keep one of the two")
}

/// The parser's error as a problem; `bracket` is the innermost one open there.
pub fn unreadable(error: &ScanError, at: Position, bracket: Option<Position>, chunk: Chunk<'_>, file: &str) -> Problem {
    let line = lines(chunk.text).nth(at.line.saturating_sub(chunk.line + 1) as usize).unwrap_or("").trim_end_matches(['\n', '\r']);
    let end = Position { column: at.column + 1, offset: at.offset + 1, ..at };
    let problem = |message: String| Problem::new(message).at(Span { start: at, end }.place(file));
    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
    if let Some(tab) = line.get(..indent).and_then(|blank| blank.find('\t')) {
        let start = Position { line: at.line, column: tab as u32 + 1, offset: at.offset };
        return Problem::new("this line is indented with a tab; YAML allows only blanks there")
            .at(Span { start, end: Position { column: start.column + 1, ..start } }.place(file))
            .fix("replace the tab by blanks; most editors do that for .yaml files once told to");
    }
    if let Some(bracket) = bracket.filter(|b| b.line < at.line) {
        let end = Position { column: bracket.column + 1, offset: bracket.offset + 1, ..bracket };
        let message = format!("the bracket that opens here is not closed before line {}, where reading it failed", at.line);
        return Problem::new(message).at(Span { start: bracket, end }.place(file));
    }
    match error.kind() {
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => {
            problem("a `:` can't stand here: either the line is indented too far, or the text before it needs quotes".into())
        }
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation | ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            problem("a key and `:` are expected here: compare this line's indentation, and the line above, with their neighbours".into())
        }
        ErrorKind::ExpectedBlockSequenceEntry | ErrorKind::BlockSequenceEntryNotAllowed => {
            problem("a list item can't stand here: compare the column of this `-` with those of its neighbours".into())
        }
        ErrorKind::UnknownAnchor => problem("this alias refers to an anchor (`&name`) that isn't defined above it".into()),
        ErrorKind::UnexpectedCharacter { character } => problem(format!("a value can't begin with `{character}`: put it in quotes")),
        ErrorKind::UnclosedQuotedScalar => problem("the quote that opens here is never closed".into()),
        ErrorKind::DocumentIndicatorInQuotedScalar => problem("a quote opened above is still open here: it is never closed".into()),
        ErrorKind::UnclosedFlowCollection { open } => problem(format!("the `{open}` that opens here is never closed")),
        ErrorKind::UnknownQuotedScalarEscape => {
            problem("this backslash is no escape that YAML knows; in single quotes it would stand for itself".into())
        }
        ErrorKind::RecursionLimitExceeded => problem(format!("lists and mappings are nested deeper than {} here", super::budget::DEPTH)),
        ErrorKind::MisplacedFlowCollectionEnd => problem("this bracket closes nothing".into()),
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            problem("text follows a closing quote: write a quote inside 'single quotes' twice, and inside \"double quotes\" as \\\"".into())
        }
        ErrorKind::DirectiveDisallowed => problem("Kubernetes reads no `%` directives: leave this line out".into()),
        other => problem(format!("this is not YAML: {other}")),
    }
}
