//! Reports on a terminal: colour where it is wanted, the line with a caret under the place, nothing a file can smuggle in.
use crate::engine::report::Place;
use crate::engine::{Files, Problem};
use std::io::{IsTerminal as _, Write as _};

/// Longer lines are cut.
const WIDEST: usize = 160;

/// Paints words, or leaves them as they are.
#[derive(Debug, Clone, Copy)]
pub struct Paint(bool);

impl Paint {
    /// Colour on a terminal, unless NO_COLOR says otherwise.
    pub fn of_stdout() -> Paint {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) || std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        Paint(std::io::stdout().is_terminal() && !unwanted)
    }

    /// No colour at all.
    #[cfg(test)]
    pub fn none() -> Paint {
        Paint(false)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    pub fn warn(self, text: &str) -> String {
        self.with("33", text)
    }

    pub fn calm(self, text: &str) -> String {
        self.with("36", text)
    }

    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
}

/// Prints to the standard output. Who has read enough, as `head` has, may close it: that is no error.
pub fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Text of a file or about it, without what would move the cursor or change colours.
pub fn safe(text: &str) -> String {
    let visible = |c: char| if c == '\t' { ' ' } else { c };
    text.chars().map(|c| if c.is_control() && c != '\t' || is_direction(c) { '\u{fffd}' } else { visible(c) }).collect()
}

/// Marks that reorder what is shown.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Line `n`, from 0, without its end. Every problem asks for one: the lines before it are only counted.
fn line(bytes: &[u8], n: usize) -> Option<&[u8]> {
    let start = n.checked_sub(1).map_or(Some(0), |last| memchr::memchr_iter(b'\n', bytes).nth(last).map(|end| end + 1))?;
    let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
    let line = rest.get(..memchr::memchr(b'\n', rest).unwrap_or(rest.len()))?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// The line of a place with carets under it, indented; empty if the file has no such line.
pub fn excerpt(files: &Files, place: &Place, paint: Paint) -> String {
    let n = place.line.saturating_sub(1) as usize;
    let Some(line) = files.get(&place.file).and_then(|f| line(&f.bytes, n)) else { return String::new() };
    let line = String::from_utf8_lossy(line);
    // Places count from after a byte order mark.
    let line = line.strip_prefix('\u{feff}').filter(|_| n == 0).unwrap_or(&line);
    let from = place.column.saturating_sub(1) as usize;
    let width = line.chars().count();
    let to = if place.end_line == place.line { place.end_column.saturating_sub(1) as usize } else { width };
    let carets = to.min(width).saturating_sub(from).max(1);
    let number = place.line.to_string();
    let gutter = " ".repeat(number.len());
    let mut shown: String = safe(line).chars().take(WIDEST).collect();
    if width > WIDEST {
        shown.push('…');
    }
    let mut out = format!("    {} {shown}\n", paint.dim(&format!("{number} │")));
    if from <= WIDEST {
        let marks = format!("{}{}", " ".repeat(from), paint.bad(&"^".repeat(carets.min(WIDEST + 1 - from))));
        out += &format!("    {} {marks}\n", paint.dim(&format!("{gutter} │")));
    }
    out
}

/// A fix as it is shown: the lines of a diff below each other, a sentence behind its word.
pub fn fix(text: &str, paint: Paint) -> String {
    let is_diff =
        text.lines().any(|l| l.starts_with('+') || l.starts_with('-')) && text.lines().all(|l| l.is_empty() || l.starts_with(['+', '-', ' ']));
    if !is_diff {
        return format!("    {} {}\n", paint.dim("fix:"), safe(&text.replace('\n', " ")));
    }
    let line = |l: &str| match l.chars().next() {
        Some('+') => paint.good(&safe(l)),
        Some('-') => paint.bad(&safe(l)),
        _ => safe(l),
    };
    text.lines().fold(format!("    {}\n", paint.dim("fix:")), |out, l| out + "      " + &line(l) + "\n")
}

/// `deployment.yaml:12:9`, or nothing.
pub fn at(problem: &Problem) -> String {
    problem.place.as_ref().map(place).unwrap_or_default()
}

/// The same of a place.
pub fn place(place: &Place) -> String {
    format!("{}:{}:{}", safe(&place.file), place.line, place.column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::File;

    #[test]
    fn a_caret_stands_under_the_place_and_nothing_hostile_is_printed() {
        let files = Files::new(vec![File { path: "a.yaml".into(), bytes: "a: 1\nb:\t\"\x1b[31mé\"\n".as_bytes().to_vec() }]);
        let place = Place { file: "a.yaml".into(), line: 2, column: 4, end_line: 2, end_column: 12 };
        assert_eq!(excerpt(&files, &place, Paint(false)), "    2 │ b: \"\u{fffd}[31mé\"\n      │    ^^^^^^^^\n");
        assert_eq!(excerpt(&files, &Place { line: 9, ..place }, Paint(false)), "");
        assert_eq!(safe("a\u{202e}b\nc"), "a\u{fffd}b\u{fffd}c");
    }

    #[test]
    fn a_diff_is_shown_line_by_line() {
        assert_eq!(fix("-  a: 1\n+  a: 2", Paint(false)), "    fix:\n      -  a: 1\n      +  a: 2\n");
        assert_eq!(fix("Quote it.", Paint(false)), "    fix: Quote it.\n");
    }
}
