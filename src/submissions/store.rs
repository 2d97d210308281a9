//! Every statement about submissions and their files.
use super::{StoredFile, Submission, SubmissionId, Via};
use crate::cohorts::EnrolmentId;
use crate::curriculum::LabId;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::engine::Files;
use crate::secrets::hex;
use sha2::{Digest as _, Sha256};
use sqlx::{query, query_as, query_scalar};

type Result<T> = std::result::Result<T, sqlx::Error>;

const COLUMNS: &str = "id, enrolment, lab, number, received, via, program, lab_hash, variant, statement";

/// What is handed in, before it has a number.
#[derive(Debug)]
pub struct New<'a> {
    pub enrolment: &'a EnrolmentId,
    pub lab: &'a LabId,
    pub received: Timestamp,
    pub via: Via,
    pub program: &'a str,
    pub lab_hash: &'a str,
    pub variant: i64,
    pub statement: &'a str,
    pub files: &'a Files,
}

/// Keeps a submission with its files; contents are kept once by hash. Call it guarded by the enrolment.
pub async fn add(conn: &mut Conn, new: &New<'_>) -> Result<Submission> {
    let id = SubmissionId::new();
    let submission: Submission = query_as(sqlx::AssertSqlSafe(format!(
        "INSERT INTO submissions (id, enrolment, lab, number, received, via, program, lab_hash, variant, statement)
         VALUES ($1, $2, $3, (SELECT COALESCE(MAX(s.number), 0) + 1 FROM submissions s WHERE s.enrolment = $2 AND s.lab = $3), $4, $5, $6, $7, $8, $9)
         RETURNING {COLUMNS}"
    )))
    .bind(&id)
    .bind(new.enrolment)
    .bind(new.lab)
    .bind(new.received)
    .bind(new.via)
    .bind(new.program)
    .bind(new.lab_hash)
    .bind(new.variant)
    .bind(new.statement)
    .fetch_one(&mut *conn)
    .await?;
    for file in new.files.iter() {
        let hash = hex(&Sha256::digest(&file.bytes));
        query("INSERT INTO blobs (hash, bytes) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING")
            .bind(&hash)
            .bind(file.bytes.clone())
            .execute(&mut *conn)
            .await?;
        query("INSERT INTO submission_files (submission, path, blob, size) VALUES ($1, $2, $3, $4)")
            .bind(&id)
            .bind(&file.path)
            .bind(&hash)
            .bind(i64::try_from(file.bytes.len()).unwrap_or(i64::MAX))
            .execute(&mut *conn)
            .await?;
    }
    Ok(submission)
}

pub async fn by_id(conn: &mut Conn, id: &SubmissionId) -> Result<Option<Submission>> {
    query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM submissions WHERE id = $1"))).bind(id).fetch_optional(conn).await
}

/// A student's submissions for one lab, the newest first.
pub async fn of_lab(conn: &mut Conn, enrolment: &EnrolmentId, lab: &LabId) -> Result<Vec<Submission>> {
    query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM submissions WHERE enrolment = $1 AND lab = $2 ORDER BY number DESC")))
        .bind(enrolment)
        .bind(lab)
        .fetch_all(conn)
        .await
}

/// When the last hand-in for a lab was received.
pub async fn last_received(conn: &mut Conn, enrolment: &EnrolmentId, lab: &LabId) -> Result<Option<Timestamp>> {
    query_scalar("SELECT MAX(received) FROM submissions WHERE enrolment = $1 AND lab = $2").bind(enrolment).bind(lab).fetch_one(conn).await
}

/// How many attempts are used: gradable submissions, those still waiting included.
pub async fn attempts(conn: &mut Conn, enrolment: &EnrolmentId, lab: &LabId) -> Result<i64> {
    query_scalar(
        "SELECT COUNT(*) FROM submissions s LEFT JOIN gradings g ON g.submission = s.id AND g.superseded IS NULL
         WHERE s.enrolment = $1 AND s.lab = $2 AND (g.outcome IS NULL OR g.outcome = 'graded')",
    )
    .bind(enrolment)
    .bind(lab)
    .fetch_one(conn)
    .await
}

/// The files of a submission with their contents, by path.
pub async fn files(conn: &mut Conn, id: &SubmissionId) -> Result<Vec<StoredFile>> {
    query_as("SELECT f.path, f.size, b.bytes FROM submission_files f JOIN blobs b ON b.hash = f.blob WHERE f.submission = $1 ORDER BY f.path")
        .bind(id)
        .fetch_all(conn)
        .await
}

/// One file of a submission.
pub async fn file(conn: &mut Conn, id: &SubmissionId, path: &str) -> Result<Option<StoredFile>> {
    query_as("SELECT f.path, f.size, b.bytes FROM submission_files f JOIN blobs b ON b.hash = f.blob WHERE f.submission = $1 AND f.path = $2")
        .bind(id)
        .bind(path)
        .fetch_optional(conn)
        .await
}

/// What staff know submissions by: the student's name, the lab and the number.
pub async fn named(conn: &mut Conn, ids: &[SubmissionId]) -> Result<Vec<(SubmissionId, String, LabId, i64)>> {
    let mut asked = query_as(sqlx::AssertSqlSafe(format!(
        "SELECT s.id, p.name, s.lab, s.number FROM submissions s JOIN enrolments e ON e.id = s.enrolment JOIN people p ON p.id = e.person
         WHERE s.id IN ({})",
        crate::db::list(1, ids.len())
    )));
    for id in crate::db::padded(ids) {
        asked = asked.bind(id.to_owned());
    }
    asked.fetch_all(conn).await
}
