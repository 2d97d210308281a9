//! What grading says: the report, its findings and their places, in the shape that is printed, stored and shown.
use super::figure::Figure;
use serde::{Deserialize, Serialize};

/// The number of the report's shape. Fields are only ever added to it; absent is null; points are integers.
pub const FORMAT: u32 = 1;
/// The grader's version, on every report, so that a grade can be told from one of a later grader.
pub const GRADER: &str = env!("CARGO_PKG_VERSION");

/// Longest message, reason and fix of a problem, in characters; a file's own names may be as long as the file.
const MESSAGE: usize = 500;
const REASON: usize = 1_000;
const MENDED: usize = 2_000;
/// What a finding's problems may come to, in bytes: with more checks than any lab has, a report stays far below what a child may answer.
const LISTED: usize = 32 << 10;

/// The result of one grading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub format: u32,
    pub lab: String,
    pub lab_hash: String,
    pub grader: String,
    pub outcome: Graded,
    /// Why it is `not_gradable` or `broken`, in a sentence; null when graded.
    pub message: Option<String>,
    /// Points earned.
    pub score: u32,
    /// Points that nobody can say yet: waiting for a tool, a sandbox, a review.
    pub open: u32,
    pub max: u32,
    pub findings: Vec<Finding>,
    pub versions: Vec<Version>,
    pub duration_ms: u64,
}

/// How a grading ended as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Graded {
    Graded,
    /// The hand-in can't be read at all; costs no attempt.
    NotGradable,
    /// Our failure; costs no attempt, staff are told.
    Broken,
}

/// A part whose version shaped the result: `kubernetes-schema` 1.36.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub name: String,
    pub version: String,
}

/// One check's line of a report. `message` and the place are those of the first problem, or say what passed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub check: String,
    pub outcome: Outcome,
    /// Why it was skipped; null otherwise.
    pub because: Option<Because>,
    pub points: u32,
    pub max: u32,
    pub message: String,
    pub file: Option<String>,
    pub line: Option<u32>,
    pub column: Option<u32>,
    pub end_line: Option<u32>,
    pub end_column: Option<u32>,
    pub why: Option<String>,
    pub fix: Option<String>,
    pub hint: Option<String>,
    /// All that is wrong, the first included; empty when passed.
    #[serde(default)]
    pub problems: Vec<Problem>,
    /// Whether students see only that it exists.
    #[serde(default)]
    pub hidden: bool,
    /// What the check worked out, to be drawn: the same whether it passed or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figure: Option<Figure>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    #[default]
    Failed,
    Skipped,
    /// The check itself could not be carried out.
    Error,
}

/// Why a check was skipped. Only `Gate` is final; the others leave its points open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    Gate,
    Tool,
    Sandbox,
    Due,
    /// An instructor gives these points.
    Review,
}

/// One thing that is wrong, where, why and how to mend it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// One sentence about this file.
    pub message: String,
    pub place: Option<Place>,
    /// Why it matters in production.
    pub why: Option<String>,
    /// What to write instead: a sentence, or a small diff whose lines begin with `-`, `+` or a blank.
    pub fix: Option<String>,
    /// The built-in rule that found it, if one did.
    #[serde(default)]
    pub rule: Option<String>,
    #[serde(default)]
    pub severity: Severity,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    #[default]
    Error,
}

/// A stretch of a file. Lines and columns count from 1, columns in characters; the end is the first column after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub file: String,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
}

impl Problem {
    pub fn new(message: impl Into<String>) -> Problem {
        Problem { message: message.into(), ..Problem::default() }
    }

    #[must_use]
    pub fn at(mut self, place: Place) -> Problem {
        self.place = Some(place);
        self
    }

    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Problem {
        self.why = Some(why.into());
        self
    }

    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Problem {
        self.fix = Some(fix.into());
        self
    }

    /// The same, cut where it is longer than anybody reads.
    #[must_use]
    pub fn clipped(self) -> Problem {
        let cut = |text: Option<String>, most| text.map(|t| clip(t, most));
        Problem { message: clip(self.message, MESSAGE), why: cut(self.why, REASON), fix: cut(self.fix, MENDED), ..self }
    }

    /// About how many bytes it takes in a report.
    fn weight(&self) -> usize {
        let text = |t: &Option<String>| t.as_deref().map_or(0, written);
        200 + written(&self.message) + text(&self.why) + text(&self.fix) + self.place.as_ref().map_or(0, |p| written(&p.file))
    }
}

/// How many bytes a text takes as JSON, where a control character is written with six.
fn written(text: &str) -> usize {
    let more = |b: u8| match b {
        b'"' | b'\\' | b'\n' | b'\t' => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.len() + text.bytes().map(more).sum::<usize>()
}

/// Text of at most so many characters, with an ellipsis where it was cut.
pub fn clip(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    match text.char_indices().nth(most) {
        None => text,
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Problems within bounds, as many as fit `room` bytes, the first in any case. A last one counts those that are left out.
pub fn listed(problems: Vec<Problem>, room: usize) -> Vec<Problem> {
    let (mut kept, mut used, mut left, mut worst) = (Vec::new(), 0, 0_usize, Severity::Info);
    for problem in problems {
        let problem = problem.clipped();
        used += problem.weight();
        if kept.is_empty() || (used <= room && left == 0) {
            kept.push(problem);
        } else {
            left += 1;
            worst = worst.max(problem.severity);
        }
    }
    if left > 0 {
        let these = if left == 1 { "problem is" } else { "problems are" };
        kept.push(Problem { severity: worst, ..Problem::new(format!("{left} more {these} not listed here: mend these first")) });
    }
    kept
}

impl Finding {
    /// A finding of `max` points that says `outcome`, with its first problem shown on top.
    pub fn from_problems(check: &str, max: u32, passed: impl Into<String>, problems: Vec<Problem>) -> Finding {
        let problems = listed(problems, LISTED);
        let Some(first) = problems.first() else {
            return Finding { check: check.into(), outcome: Outcome::Passed, points: max, max, message: passed.into(), ..Finding::default() };
        };
        let place = first.place.clone();
        Finding {
            check: check.into(),
            outcome: Outcome::Failed,
            max,
            message: first.message.clone(),
            file: place.as_ref().map(|p| p.file.clone()),
            line: place.as_ref().map(|p| p.line),
            column: place.as_ref().map(|p| p.column),
            end_line: place.as_ref().map(|p| p.end_line),
            end_column: place.as_ref().map(|p| p.end_column),
            why: first.why.clone(),
            fix: first.fix.clone(),
            problems,
            ..Finding::default()
        }
    }

    pub fn skipped(check: &str, max: u32, because: Because, message: impl Into<String>) -> Finding {
        Finding { check: check.into(), outcome: Outcome::Skipped, because: Some(because), max, message: message.into(), ..Finding::default() }
    }

    /// Points that are still open: skipped for a reason that may pass.
    pub fn open(&self) -> u32 {
        match self.because {
            Some(Because::Gate) | None => 0,
            Some(_) => self.max,
        }
    }
}

impl Report {
    /// Sums the findings into a graded report.
    pub fn graded(lab: &str, lab_hash: &str, findings: Vec<Finding>) -> Report {
        Report {
            format: FORMAT,
            lab: lab.into(),
            lab_hash: lab_hash.into(),
            grader: GRADER.into(),
            outcome: Graded::Graded,
            message: None,
            score: findings.iter().map(|f| f.points).sum(),
            open: findings.iter().map(Finding::open).sum(),
            max: findings.iter().map(|f| f.max).sum(),
            findings,
            versions: Vec::new(),
            duration_ms: 0,
        }
    }

    /// A report without findings: the hand-in can't be graded, or our side failed.
    pub fn ungraded(lab: &str, lab_hash: &str, outcome: Graded, max: u32, message: impl Into<String>) -> Report {
        Report { outcome, max, message: Some(message.into()), ..Report::graded(lab, lab_hash, Vec::new()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_stays_small_whatever_is_in_a_file() {
        let long = |n: usize| Problem::new(format!("{n} {}", "é".repeat(100_000))).why("y".repeat(100_000)).fix("z".repeat(100_000));
        let finding = Finding::from_problems("c", 5, "", (0..1000).map(long).collect());
        assert!(serde_json::to_string(&finding).unwrap().len() < 2 * LISTED);
        // As JSON, each of these characters is six.
        let controls = Finding::from_problems("c", 5, "", vec![Problem::new("\u{1}".repeat(MESSAGE)); 1000]);
        assert!(serde_json::to_string(&controls).unwrap().len() < 2 * LISTED);
        assert!(finding.message.starts_with("0 é") && finding.message.ends_with('…'));
        let said = &finding.problems.last().unwrap().message;
        assert_eq!(*said, format!("{} more problems are not listed here: mend these first", 1001 - finding.problems.len()));
        assert_eq!(finding.problems[0].clone().clipped(), finding.problems[0]);
    }

    #[test]
    fn what_is_left_out_counts_as_bad_as_its_worst() {
        let of = |severity| Problem { severity, ..Problem::new("x".repeat(400)) };
        let kept = listed(vec![of(Severity::Info), of(Severity::Info), of(Severity::Error), of(Severity::Warning)], 700);
        assert_eq!(kept.iter().map(|p| p.severity).collect::<Vec<_>>(), [Severity::Info, Severity::Error]);
        assert_eq!(listed(vec![of(Severity::Info)], 0).len(), 1);
    }
}
