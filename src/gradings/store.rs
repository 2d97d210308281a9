//! Every statement about gradings, their findings and what students opened of them.
use super::{Came, Grading, GradingId, Lane, Opened};
use crate::cohorts::EnrolmentId;
use crate::curriculum::LabId;
use crate::db::Conn;
use crate::db::values::{Json, Timestamp};
use crate::engine::report::{Outcome, Report};
use crate::queue::JobId;
use crate::submissions::SubmissionId;
use sqlx::{query, query_as, query_scalar};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// A report to keep.
#[derive(Debug)]
pub struct New<'a> {
    /// Its unique key makes a second grading of one job impossible.
    pub job: &'a JobId,
    pub submission: &'a SubmissionId,
    pub lane: Lane,
    pub report: &'a Report,
    /// Whether it is its submission's grading from now on; otherwise it is kept beside the one that stands.
    pub counts: bool,
}

/// Keeps a report, in the write that finishes the job.
pub async fn add(conn: &mut Conn, new: &New<'_>, now: Timestamp) -> Result<()> {
    let New { job, submission, lane, report, counts } = *new;
    let id = GradingId::new();
    if counts {
        query("UPDATE gradings SET superseded = $1 WHERE submission = $2 AND superseded IS NULL")
            .bind(now)
            .bind(submission)
            .execute(&mut *conn)
            .await?;
    }
    query(
        "INSERT INTO gradings (id, submission, job, lane, outcome, score, open, max, hidden_score, hidden_max, grader, lab_hash, finished, report, superseded)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
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
    .bind((!counts).then_some(now))
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
    Ok(())
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

/// Whether a submission has its report.
pub async fn is_graded(conn: &mut Conn, submission: &SubmissionId) -> Result<bool> {
    let n: i64 = query_scalar("SELECT COUNT(*) FROM gradings WHERE submission = $1 AND superseded IS NULL").bind(submission).fetch_one(conn).await?;
    Ok(n > 0)
}

/// The job that will grade a submission; a broken one is none.
pub async fn job_of(conn: &mut Conn, submission: &SubmissionId) -> Result<Option<JobId>> {
    // The payload is the submission's id as JSON, and nothing else: see `gradings::work::payload`.
    query_scalar("SELECT id FROM jobs WHERE kind = 'grade' AND payload = $1 AND state IN ('waiting', 'running') ORDER BY created DESC LIMIT 1")
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
