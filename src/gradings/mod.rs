//! One run of one grader over one submission, and what of its report whom may be shown.
pub mod excerpt;
pub mod pages;
pub mod source;
pub mod store;
pub mod work;

use crate::curriculum::Lab;
use crate::db::values::{Json, Row, Timestamp};
use crate::engine::check::FixPolicy;
use crate::engine::report::{Because, Finding, Graded, Outcome, Report};
use crate::queue::JobId;
use crate::submissions::SubmissionId;
use crate::{id, words};
use std::collections::BTreeSet;

id!(GradingId);

words!(
    /// What came of a grading as a whole, as kept in its row.
    Came { Graded = "graded", NotGradable = "not_gradable", Broken = "broken" }
);

words!(
    /// What made it run.
    Lane { First = "first", Regrade = "regrade" }
);

words!(
    /// What a student opened of a check.
    Opened { Hint = "hint", Fix = "fix" }
);

impl From<Graded> for Came {
    fn from(outcome: Graded) -> Came {
        match outcome {
            Graded::Graded => Came::Graded,
            Graded::NotGradable => Came::NotGradable,
            Graded::Broken => Came::Broken,
        }
    }
}

/// A finished grading with its report.
#[derive(Debug, Clone, Row)]
pub struct Grading {
    pub id: GradingId,
    pub submission: SubmissionId,
    pub job: JobId,
    pub lane: Lane,
    pub outcome: Came,
    pub score: i64,
    pub open: i64,
    pub max: i64,
    pub grader: String,
    pub lab_hash: String,
    pub finished: Timestamp,
    pub report: Json<Report>,
}

/// Whether a new report takes the place of the grading that stands: grading again never lowers a score, and never puts our
/// own failure in a report's place.
pub fn replaces(new: &Report, standing: Option<&Grading>) -> bool {
    standing.is_none_or(|s| s.outcome != Came::Graded || (new.outcome == Graded::Graded && i64::from(new.score) >= s.score))
}

/// The tone of a score: green when everything that could be had was, red under half.
pub fn tone(outcome: Came, score: i64, open: i64, max: i64) -> &'static str {
    match outcome {
        Came::NotGradable => "mute",
        Came::Broken => "info",
        Came::Graded if score + open >= max && score > 0 => "go",
        Came::Graded if score * 2 >= max => "hold",
        Came::Graded => "stop",
    }
}

/// What decides how much of a report its reader sees.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Instructors and admins see everything.
    pub staff: bool,
    /// Checks whose hints the student opened, and whose fixes.
    pub hints: BTreeSet<String>,
    pub fixes: BTreeSet<String>,
    /// The hand-in's number: from the second on, fixes that wait for hints may be asked for without them.
    pub number: i64,
    /// Whether hidden checks are revealed: the lab's due time is past.
    pub revealed: bool,
}

/// What a hidden check says to a student before it is revealed; nothing of the check's own words.
const HIDDEN: &str = "A hidden check. The instructions say what it is about; its result shows after the due time.";

/// The report as its reader may see it: hidden checks only exist, fixes and hints show when their policy says so.
pub fn shown(report: &Report, lab: &Lab, reader: &Reader) -> Report {
    let mut report = report.clone();
    if reader.staff {
        return report;
    }
    for finding in &mut report.findings {
        let check = lab.checks.iter().find(|c| c.id == finding.check);
        if finding.hidden && !reader.revealed {
            hide(finding);
            continue;
        }
        let policy = check.map_or(FixPolicy::Now, |c| c.fix);
        if !fix_may_show(policy, finding, reader) {
            finding.fix = None;
            finding.problems.iter_mut().for_each(|p| p.fix = None);
        }
        if !reader.hints.contains(&finding.check) {
            finding.hint = None;
        }
    }
    // A hidden check's points would tell its result: until it is revealed they are open.
    report.score = report.findings.iter().map(|f| f.points).sum();
    report.open = report.findings.iter().map(Finding::open).sum();
    report
}

fn hide(finding: &mut Finding) {
    *finding = Finding {
        check: finding.check.clone(),
        outcome: Outcome::Skipped,
        because: Some(Because::Due),
        max: finding.max,
        message: HIDDEN.to_owned(),
        hidden: true,
        ..Finding::default()
    };
}

fn fix_may_show(policy: FixPolicy, finding: &Finding, reader: &Reader) -> bool {
    match policy {
        FixPolicy::Now => true,
        FixPolicy::AfterHints => reader.fixes.contains(&finding.check),
        FixPolicy::Never => false,
    }
}

/// Whether a student may ask for a fix that isn't shown yet: after the hint, or from the second hand-in on.
/// Asking is kept: a skill proved with a shown fix counts as guided.
pub fn may_ask_for_fix(lab: &Lab, check: &str, reader: &Reader) -> bool {
    let waits = lab.checks.iter().any(|c| c.id == check && c.fix == FixPolicy::AfterHints && (reader.revealed || !c.hidden));
    waits && !reader.fixes.contains(check) && (reader.hints.contains(check) || reader.number >= 2)
}

/// What the next `points` would take: as few failed findings as give them, those that give most first; all of them if they
/// give less.
pub fn next_points(report: &Report, points: u32) -> Vec<&Finding> {
    let mut failed: Vec<&Finding> = report.findings.iter().filter(|f| f.outcome == Outcome::Failed && f.max > f.points && !f.hidden).collect();
    failed.sort_by_key(|f| std::cmp::Reverse(f.max - f.points));
    let mut given = 0;
    failed.retain(|f| {
        let takes = given < points;
        given += f.max - f.points;
        takes
    });
    failed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_points_take_as_few_mends_as_possible() {
        let finding = |points, max: u32, outcome| Finding { check: max.to_string(), points, max, outcome, ..Finding::default() };
        let failed = |max| finding(0, max, Outcome::Failed);
        let hidden = Finding { hidden: true, ..failed(50) };
        let report = Report::graded("", "", vec![failed(3), failed(8), failed(5), finding(20, 20, Outcome::Passed), hidden]);
        let asked = |points| next_points(&report, points).iter().map(|f| f.max).collect::<Vec<_>>();
        assert_eq!((asked(10), asked(8), asked(100)), (vec![8, 5], vec![8], vec![8, 5, 3]));
    }

    #[test]
    fn grading_again_never_takes_points_away() {
        let report = |outcome, score| Report { outcome, score, ..Report::ungraded("any", "", outcome, 100, "") };
        let standing = |outcome: Graded, score| Grading {
            id: GradingId::new(),
            submission: SubmissionId::new(),
            job: JobId::new(),
            lane: Lane::First,
            outcome: outcome.into(),
            score,
            open: 0,
            max: 100,
            grader: String::new(),
            lab_hash: String::new(),
            finished: Timestamp(0),
            report: Json(report(outcome, 0)),
        };
        let stands = standing(Graded::Graded, 80);
        let table = [
            (Graded::Graded, 79, false),
            (Graded::Graded, 80, true),
            (Graded::Graded, 90, true),
            (Graded::NotGradable, 0, false),
            (Graded::Broken, 0, false),
        ];
        for (outcome, score, counts) in table {
            assert_eq!(replaces(&report(outcome, score), Some(&stands)), counts, "{outcome:?} with {score} points");
            assert!(replaces(&report(outcome, score), None));
            assert!(replaces(&report(outcome, score), Some(&standing(Graded::Broken, 0))));
        }
    }
}
