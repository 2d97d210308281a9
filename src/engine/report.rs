//! What grading says: the report, its findings and their places, in the shape that is printed, stored and shown.
use serde::{Deserialize, Serialize};

/// The number of the report's shape. Fields are only ever added to it; absent is null; points are integers.
pub const FORMAT: u32 = 1;
/// The grader's version, on every report, so that a grade can be told from one of a later grader.
pub const GRADER: &str = env!("CARGO_PKG_VERSION");

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
}

impl Finding {
    /// A finding of `max` points that says `outcome`, with its first problem shown on top.
    pub fn from_problems(check: &str, max: u32, passed: impl Into<String>, problems: Vec<Problem>) -> Finding {
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
