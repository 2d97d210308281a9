//! Every statement about reviews, their comments and marks.
use super::{Comment, Review, ReviewId};
use crate::cohorts::CohortId;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::submissions::SubmissionId;
use sqlx::{query, query_as};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// A review asked for: once for each submission; asking again changes nothing.
#[derive(Debug)]
pub struct New<'a> {
    pub submission: &'a SubmissionId,
    pub cohort: &'a CohortId,
    pub requested_by: &'a str,
    pub due: Timestamp,
}

pub async fn ask(conn: &mut Conn, new: &New<'_>, now: Timestamp) -> Result<()> {
    let id = ReviewId::new();
    query(
        "INSERT INTO reviews (id, submission, cohort, state, version, shuffle, requested, requested_by, due, comment)
         VALUES ($1, $2, $3, 'waiting', 1, $4, $5, $6, $7, '') ON CONFLICT (submission) DO NOTHING",
    )
    .bind(&id)
    .bind(new.submission)
    .bind(new.cohort)
    .bind(shuffle(new.submission))
    .bind(now)
    .bind(new.requested_by)
    .bind(new.due)
    .execute(conn)
    .await?;
    Ok(())
}

/// A number that scatters submissions but never changes: the queue's order tells nothing about who handed in when.
fn shuffle(id: &SubmissionId) -> i64 {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(id.as_str().as_bytes());
    i64::from(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
}

/// The review of a submission, if one was asked for.
pub async fn of_submission(conn: &mut Conn, submission: &SubmissionId) -> Result<Option<Review>> {
    query_as(
        "SELECT r.id, r.submission, r.cohort, r.state, r.version, r.requested, r.requested_by, r.due, r.claimed_by, r.claimed_until, r.comment,
                r.override_score, r.override_reason, r.finished, r.finished_by, p.name AS finished_name
         FROM reviews r LEFT JOIN people p ON p.id = r.finished_by WHERE r.submission = $1",
    )
    .bind(submission)
    .fetch_optional(conn)
    .await
}

/// The comments of a review by file and line.
pub async fn comments(conn: &mut Conn, review: &ReviewId) -> Result<Vec<Comment>> {
    query_as(
        "SELECT c.id, c.file, c.line, c.words, c.written_by, p.name AS written_name, c.written
         FROM review_comments c JOIN people p ON p.id = c.written_by WHERE c.review = $1 ORDER BY c.file, c.line, c.written",
    )
    .bind(review)
    .fetch_all(conn)
    .await
}
