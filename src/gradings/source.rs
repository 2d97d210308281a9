//! A file of a hand-in as it stands beside its findings: every line, or those around the problems, with carets and what is wrong there.
use super::excerpt;
use crate::curriculum::markdown::{self, Html};
use crate::engine::report::Place;

/// A longer file is shown around its problems only.
const WHOLE: usize = 400;
/// Lines shown before and after a problem of a long file.
const AROUND: usize = 12;

pub struct Source {
    pub path: String,
    /// Begins the addresses of its lines: `deployment.yaml:12`.
    pub anchor: String,
    pub rows: Vec<Row>,
}

pub enum Row {
    Line {
        number: usize,
        /// Escaped and coloured.
        html: Html,
        marked: bool,
    },
    /// Stands under the line it is about.
    Mark { caret: String, check: String, message: String },
    /// So many lines are left out here.
    Gap(usize),
}

/// What a finding says of a place.
pub struct Mark<'a> {
    pub place: &'a Place,
    pub check: &'a str,
    pub message: &'a str,
}

impl Source {
    pub fn new(path: &str, text: &str, marks: &[Mark<'_>]) -> Source {
        // The reader's columns don't count a byte order mark.
        let lines: Vec<&str> = text.strip_prefix('\u{feff}').unwrap_or(text).lines().collect();
        let at = |number: usize| marks.iter().filter(move |m| m.place.line as usize == number);
        let is_shown = |number: usize| lines.len() <= WHOLE || marks.iter().any(|m| (m.place.line as usize).abs_diff(number) <= AROUND);
        let mut rows = Vec::new();
        let mut left_out = 0;
        for (number, line) in (1..).zip(&lines) {
            if !is_shown(number) {
                left_out += 1;
                continue;
            }
            rows.extend((left_out > 0).then_some(Row::Gap(left_out)));
            left_out = 0;
            rows.push(Row::Line { number, html: markdown::code_line(path, &excerpt::cut(line)), marked: at(number).next().is_some() });
            let mut above = None;
            for mark in at(number) {
                // Several things may be wrong with one value: it is pointed at once.
                let caret = if above == Some(mark.place) { String::new() } else { excerpt::caret(line, mark.place) };
                above = Some(mark.place);
                rows.push(Row::Mark { caret, check: mark.check.to_owned(), message: mark.message.to_owned() });
            }
        }
        rows.extend((left_out > 0).then_some(Row::Gap(left_out)));
        Source { path: path.to_owned(), anchor: anchor(path), rows }
    }
}

/// A path as the addresses of its lines begin.
pub fn anchor(path: &str) -> String {
    crate::web::form::encode(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: &Source) -> Vec<String> {
        let told = |row: &Row| match row {
            Row::Line { number, html, marked } => format!("{number}{} {html}", if *marked { "!" } else { "" }),
            Row::Mark { caret, check, message } => format!("{caret} {check}: {message}"),
            Row::Gap(n) => format!("… {n}"),
        };
        source.rows.iter().map(told).collect()
    }

    #[test]
    fn a_short_file_stands_whole_with_marks_under_its_lines() {
        let place = Place { file: "a b.txt".into(), line: 2, column: 4, end_line: 2, end_column: 5 };
        let source = Source::new(
            "a b.txt",
            "<one>\nb: x\n",
            &[Mark { place: &place, check: "valid", message: "no" }, Mark { place: &place, check: "whole", message: "no" }],
        );
        assert_eq!(told(&source), ["1 &lt;one&gt;", "2! b: x", "   ^ valid: no", " whole: no"]);
        assert!(!source.anchor.contains(' '));
    }

    #[test]
    fn a_long_file_is_shown_around_its_problems() {
        let text = "x\n".repeat(1_000);
        let place = Place { file: "a.txt".into(), line: 500, column: 1, end_line: 500, end_column: 2 };
        let source = Source::new("a.txt", &text, &[Mark { place: &place, check: "c", message: "m" }]);
        let told = told(&source);
        assert_eq!((told.first().unwrap().as_str(), told.last().unwrap().as_str()), ("… 487", "… 488"));
        assert_eq!(told.len(), 2 + 25 + 1);
        assert_eq!(Source::new("a.txt", &text, &[]).rows.len(), 1);
    }
}
