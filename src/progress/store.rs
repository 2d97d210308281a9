//! The statements that progress is computed from: one for all attempts, whatever the number of labs.
use super::{Attempt, LabOverride};
use crate::accounts::PersonId;
use crate::cohorts::{CohortId, EnrolmentId};
use crate::curriculum::LabId;
use crate::db::Conn;
use crate::db::values::{Row, Timestamp};
use sqlx::{query, query_as, query_scalar};
use std::collections::BTreeSet;

type Result<T> = std::result::Result<T, sqlx::Error>;

const ATTEMPTS: &str =
    "SELECT s.id AS submission, s.enrolment, s.lab, s.number, s.received, g.outcome, g.score, g.open, g.max, g.hidden_score, g.hidden_max,
        r.state AS review, r.due AS review_due, r.returned, r.override_score, r.defended,
        CAST(COALESCE(m.points, 0) AS BIGINT) AS marks, CAST(COALESCE(m.n, 0) AS BIGINT) AS marked
     FROM submissions s
     LEFT JOIN gradings g ON g.submission = s.id AND g.superseded IS NULL
     LEFT JOIN reviews r ON r.submission = s.id
     LEFT JOIN (SELECT review, SUM(points) AS points, COUNT(*) AS n FROM marks GROUP BY review) m ON m.review = r.id";

/// All attempts of one enrolment.
pub async fn attempts(conn: &mut Conn, enrolment: &EnrolmentId) -> Result<Vec<Attempt>> {
    query_as(sqlx::AssertSqlSafe(format!("{ATTEMPTS} WHERE s.enrolment = $1 ORDER BY s.lab, s.number DESC"))).bind(enrolment).fetch_all(conn).await
}

/// All attempts of a cohort's enrolments.
pub async fn attempts_of_cohort(conn: &mut Conn, cohort: &CohortId) -> Result<Vec<Attempt>> {
    query_as(sqlx::AssertSqlSafe(format!(
        "{ATTEMPTS} WHERE s.enrolment IN (SELECT e.id FROM enrolments e WHERE e.cohort = $1) ORDER BY s.enrolment, s.lab, s.number DESC"
    )))
    .bind(cohort)
    .fetch_all(conn)
    .await
}

/// Signed lab scores of one enrolment.
pub async fn overrides(conn: &mut Conn, enrolment: &EnrolmentId) -> Result<Vec<LabOverride>> {
    query_as("SELECT enrolment, lab, score, reason FROM lab_overrides WHERE enrolment = $1 ORDER BY lab").bind(enrolment).fetch_all(conn).await
}

/// Signed lab scores of a cohort.
pub async fn overrides_of_cohort(conn: &mut Conn, cohort: &CohortId) -> Result<Vec<LabOverride>> {
    query_as("SELECT o.enrolment, o.lab, o.score, o.reason FROM lab_overrides o JOIN enrolments e ON e.id = o.enrolment WHERE e.cohort = $1 ORDER BY o.enrolment, o.lab")
        .bind(cohort)
        .fetch_all(conn)
        .await
}

/// The labs in which an enrolment asked for a fix.
pub async fn guided(conn: &mut Conn, enrolment: &EnrolmentId) -> Result<BTreeSet<LabId>> {
    let labs: Vec<LabId> =
        query_scalar("SELECT DISTINCT lab FROM openings WHERE enrolment = $1 AND what = 'fix' ORDER BY lab").bind(enrolment).fetch_all(conn).await?;
    Ok(labs.into_iter().collect())
}

/// A score that staff signed for a whole lab, as its page shows it.
#[derive(Debug, Clone, Row)]
pub struct Signed {
    pub lab: LabId,
    pub score: i64,
    pub reason: String,
    pub created: Timestamp,
    pub by_name: Option<String>,
}

/// The scores signed for an enrolment, with who signed them.
pub async fn signed(conn: &mut Conn, enrolment: &EnrolmentId) -> Result<Vec<Signed>> {
    query_as(
        "SELECT o.lab, o.score, o.reason, o.created, p.name AS by_name FROM lab_overrides o LEFT JOIN people p ON p.id = o.created_by
         WHERE o.enrolment = $1 ORDER BY o.lab",
    )
    .bind(enrolment)
    .fetch_all(conn)
    .await
}

/// Signs a score for a whole lab; it replaces one signed before.
pub async fn sign(conn: &mut Conn, new: &LabOverride, by: &PersonId, now: Timestamp) -> Result<()> {
    query(
        "INSERT INTO lab_overrides (enrolment, lab, score, reason, created, created_by) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (enrolment, lab) DO UPDATE SET score = excluded.score, reason = excluded.reason, created = excluded.created,
         created_by = excluded.created_by",
    )
    .bind(&new.enrolment)
    .bind(&new.lab)
    .bind(new.score)
    .bind(&new.reason)
    .bind(now)
    .bind(by)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a signed score back: what was handed in counts again.
pub async fn unsign(conn: &mut Conn, enrolment: &EnrolmentId, lab: &LabId) -> Result<bool> {
    let done = query("DELETE FROM lab_overrides WHERE enrolment = $1 AND lab = $2").bind(enrolment).bind(lab).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}
