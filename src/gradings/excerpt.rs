//! The lines of a file around a place, with a caret under it, as the report shows them.
use crate::engine::report::Place;

/// A line of an excerpt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub number: usize,
    pub text: String,
    /// Blanks and carets to stand under the line, when the place is on it.
    pub caret: Option<String>,
}

/// Lines before and after the place.
const AROUND: usize = 2;
/// Longer lines are cut: a minified file is no reading matter.
const WIDEST: usize = 200;

/// The excerpt for a place; empty when the file has no such line.
pub fn lines(text: &str, place: &Place) -> Vec<Line> {
    let at = place.line as usize;
    let first = at.saturating_sub(AROUND).max(1);
    let last = at + AROUND;
    // The reader's columns don't count a byte order mark.
    text.strip_prefix('\u{feff}')
        .unwrap_or(text)
        .lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line))
        .skip(first - 1)
        .take_while(|(number, _)| *number <= last)
        .map(|(number, line)| Line { number, text: cut(line), caret: (number == at).then(|| caret(line, place)) })
        .collect()
}

/// A line of a width that can be read.
pub fn cut(line: &str) -> String {
    let mut text: String = line.chars().take(WIDEST).collect();
    if text.len() < line.len() {
        text.push('…');
    }
    text
}

/// Blanks and carets to stand under a line.
pub fn caret(line: &str, place: &Place) -> String {
    let start = (place.column.max(1) - 1) as usize;
    let width = line.chars().count();
    let end = if place.end_line == place.line { (place.end_column.max(1) - 1) as usize } else { width };
    let carets = end.min(WIDEST).saturating_sub(start).clamp(1, WIDEST);
    // Tabs stay tabs, so that the caret stands under what it means.
    let blanks: String = line.chars().take(start.min(WIDEST)).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    blanks + &"^".repeat(carets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_what_is_wrong() {
        let place = Place { file: "a.yaml".into(), line: 2, column: 11, end_line: 2, end_column: 14 };
        let lines = lines("spec:\n  replicas: \"3\"\n  x: 1\n", &place);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1].caret.as_deref(), Some("          ^^^"));
        assert_eq!(lines[0].caret, None);
        let marked = super::lines("\u{feff}a: 1\n", &Place { line: 1, column: 1, end_line: 1, end_column: 2, ..place.clone() });
        assert_eq!((marked[0].text.as_str(), marked[0].caret.as_deref()), ("a: 1", Some("^")));
    }

    #[test]
    fn a_place_outside_the_file_shows_nothing_and_a_wide_line_is_cut() {
        let far = Place { file: "a".into(), line: 90, column: 1, end_line: 90, end_column: 2 };
        assert!(lines("one\n", &far).is_empty());
        let here = Place { line: 1, column: 5000, end_line: 1, end_column: 9000, ..far };
        assert!(lines(&"x".repeat(9_000), &here)[0].text.chars().count() <= 201);
    }
}
