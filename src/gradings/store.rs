//! Every statement about gradings, their findings and what students opened of them.
use super::{Came, Grading, GradingId, Lane, Opened, Score};
use crate::cohorts::EnrolmentId;
use crate::curriculum::LabId;
use crate::db::values::{Json, Timestamp};
use crate::db::{Conn, list, padded};
use crate::engine::report::{Outcome, Report};
use crate::queue::JobId;
use crate::submissions::SubmissionId;
use sqlx::{query, query_as, query_scalar};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Keeps a report as its submission's current grading, in the write that finishes the job. The job's unique key
/// makes a second one impossible.
pub async fn add(conn: &mut Conn, job: &JobId, submission: &SubmissionId, lane: Lane, report: &Report, now: Timestamp) -> Result<GradingId> {
    let id = GradingId::new();
    query("UPDATE gradings SET superseded = $1 WHERE submission = $2 AND superseded IS NULL").bind(now).bind(submission).execute(&mut *conn).await?;
    query(
        "INSERT INTO gradings (id, submission, job, lane, outcome, score, open, max, hidden_score, hidden_max, grader, lab_hash, finished, report)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(&id)
    .bind(submission)
    .bind(job)
    .bind(lane)
    .bind(Came::from(report.outcome))
    .bind(i64::from(report.score))
    .bind(i64::from(report.open))
    .bind(i64::from(report.max))
    .bind(i64::from(report.findings.iter().filter(|f| f.hidden).map(|f| f.points).sum::<u32>()))
    .bind(i64::from(report.findings.iter().filter(|f| f.hidden).map(|f| f.max).sum::<u32>()))
    .bind(&report.grader)
    .bind(&report.lab_hash)
    .bind(now)
    .bind(Json(report.clone()))
    .execute(&mut *conn)
    .await?;
    for (seq, finding) in (0_i64..).zip(&report.findings) {
        query("INSERT INTO findings (grading, seq, check_id, outcome, points, max) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(&id)
            .bind(seq)
            .bind(&finding.check)
            .bind(word(finding.outcome))
            .bind(i64::from(finding.points))
            .bind(i64::from(finding.max))
            .execute(&mut *conn)
            .await?;
    }
    Ok(id)
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Error => "error",
    }
}

/// The current grading of a submission, report included; None while it waits.
pub async fn current(conn: &mut Conn, submission: &SubmissionId) -> Result<Option<Grading>> {
    query_as("SELECT id, submission, job, lane, outcome, score, open, max, grader, lab_hash, finished, report FROM gradings WHERE submission = $1 AND superseded IS NULL")
        .bind(submission)
        .fetch_optional(conn)
        .await
}

/// The current scores of some submissions, without reports.
pub async fn scores(conn: &mut Conn, submissions: &[SubmissionId]) -> Result<Vec<Score>> {
    let mut asked = query_as(sqlx::AssertSqlSafe(format!(
        "SELECT submission, outcome, score, open, max, hidden_score, hidden_max, finished FROM gradings WHERE superseded IS NULL AND submission IN ({})",
        list(1, submissions.len())
    )));
    for id in padded(submissions) {
        asked = asked.bind(id.to_owned());
    }
    asked.fetch_all(conn).await
}

/// The unfinished job that will grade a submission.
pub async fn job_of(conn: &mut Conn, submission: &SubmissionId) -> Result<Option<JobId>> {
    // The payload is the submission's id as JSON, and nothing else: see `gradings::work::Payload`.
    query_scalar(
        "SELECT id FROM jobs WHERE kind = 'grade' AND payload = $1 AND state IN ('waiting', 'running', 'broken') ORDER BY created DESC LIMIT 1",
    )
    .bind(super::work::payload(submission).to_string())
    .fetch_optional(conn)
    .await
}

/// Notes that a student opened a check's hint or fix. Opening twice is once.
pub async fn open(conn: &mut Conn, enrolment: &EnrolmentId, lab: &LabId, check: &str, what: Opened, now: Timestamp) -> Result<()> {
    query("INSERT INTO openings (enrolment, lab, check_id, what, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (enrolment, lab, check_id, what) DO NOTHING")
        .bind(enrolment)
        .bind(lab)
        .bind(check)
        .bind(what)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// What a student opened of a lab's checks.
pub async fn opened(conn: &mut Conn, enrolment: &EnrolmentId, lab: &LabId) -> Result<Vec<(String, Opened)>> {
    query_as("SELECT check_id, what FROM openings WHERE enrolment = $1 AND lab = $2 ORDER BY at").bind(enrolment).bind(lab).fetch_all(conn).await
}
