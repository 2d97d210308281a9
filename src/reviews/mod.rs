//! An instructor's verdict on a submission: asked for, claimed, given with reasons, never overwritten unseen.
pub mod changes;
pub mod pages;
pub mod store;
pub mod work;

use crate::accounts::PersonId;
use crate::cohorts::CohortId;
use crate::curriculum::Lab;
use crate::db::values::{Row, Timestamp};
use crate::engine::check::{Criterion, Kind};
use crate::engine::report::{Finding, Outcome, Report};
use crate::submissions::SubmissionId;
use crate::{id, words};

id!(ReviewId);
id!(CommentId);

words!(
    State {
        Waiting = "waiting",
        /// Sent back: a new hand-in is expected.
        Returned = "returned",
        Accepted = "accepted",
    }
);

/// A review as it stands. Claims are kept beside the state: they run out by themselves.
#[derive(Debug, Clone, Row)]
pub struct Review {
    pub id: ReviewId,
    pub submission: SubmissionId,
    pub cohort: CohortId,
    pub state: State,
    /// Counts every change; a verdict names the version it was written on.
    pub version: i64,
    pub requested: Timestamp,
    pub requested_by: String,
    /// Promised by then; both sides see it.
    pub due: Timestamp,
    pub claimed_by: Option<PersonId>,
    pub claimed_until: Option<Timestamp>,
    pub comment: String,
    pub override_score: Option<i64>,
    pub override_reason: Option<String>,
    /// When the student answered two questions on their own change.
    pub defended: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    pub finished_by: Option<PersonId>,
    pub finished_name: Option<String>,
}

/// A remark on a line of a file.
#[derive(Debug, Clone, Row)]
pub struct Comment {
    pub id: CommentId,
    pub file: String,
    pub line: i64,
    pub words: String,
    pub written_by: PersonId,
    pub written_name: String,
    pub written: Timestamp,
}

/// Points that a review gave for a criterion of a rubric.
#[derive(Debug, Clone, PartialEq, Eq, Row)]
pub struct Mark {
    pub check_id: String,
    pub criterion: String,
    pub points: i64,
}

/// A report with the points that its review gave: a rubric's check is open no longer. `pass` is the percent that passes a lab.
#[must_use]
pub fn with_marks(mut report: Report, lab: &Lab, pass: u32, marks: &[Mark]) -> Report {
    for finding in &mut report.findings {
        if let Some(Kind::Rubric { criteria }) = lab.check(&finding.check).map(|c| &c.kind)
            && marks.iter().any(|m| m.check_id == finding.check)
        {
            *finding = marked(finding, criteria, pass, marks);
        }
    }
    report.score = report.findings.iter().map(|f| f.points).sum();
    report.open = report.findings.iter().map(Finding::open).sum();
    report
}

fn marked(finding: &Finding, criteria: &[Criterion], pass: u32, marks: &[Mark]) -> Finding {
    let given = |c: &Criterion| marks.iter().find(|m| m.check_id == finding.check && m.criterion == c.id).map_or(0, |m| m.points);
    let points = criteria.iter().map(given).sum::<i64>().clamp(0, i64::from(finding.max));
    let points = u32::try_from(points).unwrap_or(0);
    let each: Vec<String> = criteria.iter().map(|c| format!("{} {} of {}", c.text.trim_end_matches('.'), given(c), c.points)).collect();
    Finding {
        check: finding.check.clone(),
        outcome: if points * 100 >= finding.max * pass { Outcome::Passed } else { Outcome::Failed },
        points,
        max: finding.max,
        message: format!("An instructor gave {points} of {}", finding.max),
        why: Some(each.join(" · ")),
        hidden: finding.hidden,
        ..Finding::default()
    }
}

/// Working days that a review is promised in.
pub const PROMISED_DAYS: i64 = 3;
/// How long a claim keeps others away without being renewed.
pub const CLAIM: std::time::Duration = std::time::Duration::from_secs(30 * 60);

impl Review {
    /// Guard of its verdict, claim, remarks and marks.
    pub fn guard(&self) -> String {
        format!("review:{}", self.id)
    }

    /// Who holds it now, if anybody does.
    pub fn holder(&self, now: Timestamp) -> Option<&PersonId> {
        self.claimed_by.as_ref().filter(|_| self.claimed_until.is_some_and(|until| until > now))
    }

    pub fn is_open(&self) -> bool {
        self.state == State::Waiting
    }
}

/// When a review asked for at `asked` is promised: the end of the third working day after, in the cohort's zone.
pub fn promised(asked: Timestamp, zone: &str) -> Timestamp {
    let Ok(mut day) = asked.instant().in_tz(zone) else { return asked };
    let mut left = PROMISED_DAYS;
    while left > 0 {
        let Ok(next) = day.tomorrow() else { return asked };
        day = next;
        if !matches!(day.weekday(), jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday) {
            left -= 1;
        }
    }
    day.end_of_day().map_or(asked, |end| end.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weekend_is_no_working_day() {
        // Thursday 2026-11-26, 10:00 in Berlin: Friday, Monday, Tuesday.
        let asked = Timestamp::from("2026-11-26T09:00:00Z".parse::<jiff::Timestamp>().unwrap());
        assert_eq!(promised(asked, "Europe/Berlin").rfc3339(), "2026-12-01T22:59:59Z");
    }
}
