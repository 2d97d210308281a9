//! What grading causes here: a lab that wants its hand-ins looked at gets a review.
use super::{promised, store};
use crate::cohorts;
use crate::curriculum::{Lab, ReviewPolicy};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::engine::check::Kind;
use crate::submissions::Submission;
use anyhow::Result;

/// Opens a review after a grading, if the lab's policy or a rubric asks for one. In the grading's own write.
pub async fn after_grading(conn: &mut Conn, submission: &Submission, lab: &Lab, now: Timestamp) -> Result<()> {
    let wanted = match lab.review {
        ReviewPolicy::All => true,
        ReviewPolicy::Sample(percent) => in_sample(submission, percent),
        ReviewPolicy::OnRequest => lab.checks.iter().any(|c| matches!(c.kind, Kind::Rubric { .. })),
    };
    if wanted && let Some(enrolment) = cohorts::store::enrolment(conn, &submission.enrolment).await? {
        let new = store::New { submission: &submission.id, cohort: &enrolment.cohort, requested_by: "lab", due: promised(now, &enrolment.zone) };
        store::ask(conn, &new, now).await?;
    }
    Ok(())
}

/// Whether a submission is among the `percent` of a lab's: decided by its id, so that a second look decides the same.
fn in_sample(submission: &Submission, percent: u32) -> bool {
    let hex: String = submission.id.as_str().chars().rev().filter(char::is_ascii_hexdigit).take(6).collect();
    u32::from_str_radix(&hex, 16).is_ok_and(|n| n % 100 < percent)
}
