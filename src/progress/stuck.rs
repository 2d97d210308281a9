//! Who needs a word before they ask: three rules that staff can read, each with its reason.
use super::Book;
use crate::db::values::Timestamp;

/// A rule that fired for one student.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// What the rule is called on the page.
    pub rule: Rule,
    pub words: String,
    pub tone: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    Silent,
    Behind,
    Failing,
}

/// Nothing handed in for so many days while something is open.
pub const SILENT_DAYS: i64 = 7;
/// So many past weeks below the pass mark.
pub const BEHIND_WEEKS: usize = 2;
/// So many hand-ins of one lab below the pass mark.
pub const FAILED_ATTEMPTS: usize = 3;

const DAY: i64 = 86_400_000;

/// The rules that fire for one student; `began` is when week 1 opened. None before the program begins or after it ended.
pub fn signs(book: &Book<'_>, began: Timestamp) -> Vec<Sign> {
    if book.week < 1 || book.week > i64::from(book.program.length()) {
        return Vec::new();
    }
    let unpassed = |s: &&super::Standing<'_>| s.lab.required && !s.is_passed(book.program) && !s.is_provisional(book.program);
    let mut signs = Vec::new();
    let has_open = book.standings.values().filter(unpassed).any(|s| i64::from(s.lab.week) <= book.week);
    let last = book.standings.values().flat_map(|s| &s.attempts).map(|a| a.received).max();
    let days = book.now.since(last.unwrap_or(began)) / DAY;
    if has_open && days >= SILENT_DAYS {
        let words = match last {
            Some(_) => format!("nothing handed in for {days} days"),
            None => format!("nothing handed in since the program began {days} days ago"),
        };
        signs.push(Sign { rule: Rule::Silent, words, tone: "stop" });
    }
    let pass = i64::from(book.program.pass);
    let behind: Vec<String> = book
        .program
        .weeks
        .iter()
        .filter(|w| book.week_percent(w).is_some_and(|percent| percent < pass))
        .filter(|w| book.of_week(w).filter(unpassed).any(|s| s.due <= book.now))
        .map(|w| w.number.to_string())
        .collect();
    if behind.len() >= BEHIND_WEEKS {
        let words = format!("{} weeks below {pass} %: {}", behind.len(), behind.join(", "));
        signs.push(Sign { rule: Rule::Behind, words, tone: "stop" });
    }
    for standing in book.standings.values().filter(unpassed) {
        let passing = i64::from(book.program.passing(standing.lab));
        let failed = standing.attempts.iter().filter(|a| a.points().is_some_and(|p| p < passing)).count();
        if failed >= FAILED_ATTEMPTS {
            signs.push(Sign {
                rule: Rule::Failing,
                words: format!("{failed} hand-ins of {} below {passing} points", standing.lab.title),
                tone: "hold",
            });
        }
    }
    signs
}
