//! Every statement about reviews, their comments and marks.
use super::{Comment, CommentId, Mark, Review, ReviewId, State};
use crate::accounts::PersonId;
use crate::cohorts::CohortId;
use crate::curriculum::LabId;
use crate::db::Conn;
use crate::db::values::{Row, Timestamp};
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
                r.override_score, r.override_reason, r.defended, r.finished, r.finished_by, p.name AS finished_name
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

/// A line of the queue.
#[derive(Debug, Clone, Row)]
pub struct Queued {
    pub submission: SubmissionId,
    pub number: i64,
    pub lab: LabId,
    pub program: String,
    pub zone: String,
    pub student: String,
    pub state: State,
    pub due: Timestamp,
    pub claimed_by: Option<PersonId>,
    pub claimed_until: Option<Timestamp>,
    pub claimed_name: Option<String>,
    pub finished: Option<Timestamp>,
    pub score: Option<i64>,
    pub open: Option<i64>,
    pub max: Option<i64>,
}

/// Which part of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Waiting,
    Mine,
    Returned,
    Accepted,
}

const QUEUED: &str = "SELECT r.submission, s.number, s.lab, s.program, c.zone, p.name AS student, r.state, r.due, r.claimed_by, r.claimed_until, h.name AS claimed_name,
        r.finished, g.score, g.open, g.max
     FROM reviews r
     JOIN submissions s ON s.id = r.submission
     JOIN enrolments e ON e.id = s.enrolment
     JOIN people p ON p.id = e.person
     JOIN cohorts c ON c.id = r.cohort
     LEFT JOIN people h ON h.id = r.claimed_by
     LEFT JOIN gradings g ON g.submission = s.id AND g.superseded IS NULL";

/// Lets staff see their own cohorts only, and admins all.
const THEIRS: &str = "(CAST($1 AS BIGINT) = 1 OR r.cohort IN (SELECT i.cohort FROM instructors i WHERE i.person = $2))";

/// A part of the queue, in its stable shuffled order; what is done, the last first.
pub async fn queue(conn: &mut Conn, part: Part, admin: bool, person: &PersonId, now: Timestamp) -> Result<Vec<Queued>> {
    let (condition, order) = match part {
        Part::Waiting => ("r.state = 'waiting' AND r.requested <= $3", "r.shuffle, r.id"),
        Part::Mine => ("r.state = 'waiting' AND r.claimed_by = $2 AND r.claimed_until > $3", "r.shuffle, r.id"),
        Part::Returned => ("r.state = 'returned' AND r.requested <= $3", "r.finished DESC NULLS LAST"),
        Part::Accepted => ("r.state = 'accepted' AND r.requested <= $3", "r.finished DESC NULLS LAST"),
    };
    query_as(sqlx::AssertSqlSafe(format!("{QUEUED} WHERE {THEIRS} AND {condition} ORDER BY {order} LIMIT 200")))
        .bind(i64::from(admin))
        .bind(person)
        .bind(now)
        .fetch_all(conn)
        .await
}

/// How many reviews wait, are held by this person, were returned, were accepted.
pub async fn counts(conn: &mut Conn, admin: bool, person: &PersonId, now: Timestamp) -> Result<(i64, i64, i64, i64)> {
    query_as(sqlx::AssertSqlSafe(format!(
        "SELECT COUNT(CASE WHEN r.state = 'waiting' THEN 1 END), COUNT(CASE WHEN r.state = 'waiting' AND r.claimed_by = $2 AND r.claimed_until > $3 THEN 1 END),
                COUNT(CASE WHEN r.state = 'returned' THEN 1 END), COUNT(CASE WHEN r.state = 'accepted' THEN 1 END)
         FROM reviews r WHERE {THEIRS}"
    )))
    .bind(i64::from(admin))
    .bind(person)
    .bind(now)
    .fetch_one(conn)
    .await
}

/// Takes, or renews, a claim; false while somebody else holds it.
pub async fn claim(conn: &mut Conn, review: &ReviewId, person: &PersonId, until: Timestamp, now: Timestamp) -> Result<bool> {
    let done = query(
        "UPDATE reviews SET claimed_by = $1, claimed_until = $2 WHERE id = $3 AND state = 'waiting'
         AND (claimed_by IS NULL OR claimed_by = $1 OR claimed_until <= $4)",
    )
    .bind(person)
    .bind(until)
    .bind(review)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a claim go.
pub async fn release(conn: &mut Conn, review: &ReviewId, person: &PersonId) -> Result<()> {
    query("UPDATE reviews SET claimed_by = NULL, claimed_until = NULL WHERE id = $1 AND claimed_by = $2")
        .bind(review)
        .bind(person)
        .execute(conn)
        .await?;
    Ok(())
}

/// A verdict as it was written, on the version it was written for.
#[derive(Debug)]
pub struct Verdict<'a> {
    pub state: State,
    pub comment: &'a str,
    pub override_score: Option<i64>,
    pub override_reason: Option<&'a str>,
    pub defended: bool,
    pub version: i64,
    pub by: &'a PersonId,
}

/// Keeps a verdict; false when the review changed since its version was read.
pub async fn decide(conn: &mut Conn, review: &ReviewId, verdict: &Verdict<'_>, now: Timestamp) -> Result<bool> {
    let done = query(
        "UPDATE reviews SET state = $1, comment = $2, override_score = $3, override_reason = $4, defended = CASE WHEN CAST($5 AS BIGINT) = 1 THEN COALESCE(defended, CAST($6 AS BIGINT)) ELSE NULL END,
                returned = CASE WHEN CAST($1 AS TEXT) = 'returned' AND state <> 'returned' THEN CAST($6 AS BIGINT) ELSE returned END,
                finished = $6, finished_by = $7, version = version + 1, claimed_by = NULL, claimed_until = NULL
         WHERE id = $8 AND version = $9",
    )
    .bind(verdict.state)
    .bind(verdict.comment)
    .bind(verdict.override_score)
    .bind(verdict.override_reason)
    .bind(i64::from(verdict.defended))
    .bind(now)
    .bind(verdict.by)
    .bind(review)
    .bind(verdict.version)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Adds a remark on a line.
pub async fn comment(conn: &mut Conn, review: &ReviewId, file: &str, line: i64, words: &str, by: &PersonId, now: Timestamp) -> Result<()> {
    query("INSERT INTO review_comments (id, review, file, line, words, written_by, written) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(CommentId::new())
        .bind(review)
        .bind(file)
        .bind(line)
        .bind(words)
        .bind(by)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes a remark back; only who wrote it may. False when there is none of theirs.
pub async fn withdraw(conn: &mut Conn, review: &ReviewId, comment: &CommentId, by: &PersonId) -> Result<bool> {
    let done = query("DELETE FROM review_comments WHERE id = $1 AND review = $2 AND written_by = $3")
        .bind(comment)
        .bind(review)
        .bind(by)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The points that a submission's review gave by rubric.
pub async fn marks_of(conn: &mut Conn, submission: &SubmissionId) -> Result<Vec<Mark>> {
    query_as(
        "SELECT m.check_id, m.criterion, m.points FROM marks m JOIN reviews r ON r.id = m.review WHERE r.submission = $1 ORDER BY m.check_id, m.criterion",
    )
    .bind(submission)
    .fetch_all(conn)
    .await
}

/// Gives points by rubric, in place of those given before.
pub async fn mark(conn: &mut Conn, review: &ReviewId, marks: &[Mark]) -> Result<()> {
    query("DELETE FROM marks WHERE review = $1").bind(review).execute(&mut *conn).await?;
    for mark in marks {
        query("INSERT INTO marks (review, check_id, criterion, points) VALUES ($1, $2, $3, $4)")
            .bind(review)
            .bind(&mark.check_id)
            .bind(&mark.criterion)
            .bind(mark.points)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}
