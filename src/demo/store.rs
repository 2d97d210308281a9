//! What a database is, and emptying a demo's.
use super::Purpose;
use crate::db::Conn;
use crate::db::values::Timestamp;
use sqlx::{query, query_as, query_scalar};

type Result<T> = std::result::Result<T, sqlx::Error>;

pub async fn purpose(conn: &mut Conn) -> Result<Purpose> {
    let row: Option<(Option<Timestamp>,)> = query_as("SELECT demo FROM installation").fetch_optional(&mut *conn).await?;
    Ok(match row {
        Some((Some(_),)) => Purpose::Demo,
        Some((None,)) => Purpose::Real,
        // People without the row: another command came before the first `serve`.
        None if has_people(conn).await? => Purpose::Real,
        None => Purpose::Fresh,
    })
}

/// Remembers what the database is for.
pub async fn found(conn: &mut Conn, demo: bool, now: Timestamp) -> Result<()> {
    query("INSERT INTO installation (id, created, demo) VALUES ($1, $2, $3)")
        .bind(uuid::Uuid::now_v7().to_string())
        .bind(now)
        .bind(demo.then_some(now))
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn has_people(conn: &mut Conn) -> Result<bool> {
    let n: i64 = query_scalar("SELECT COUNT(*) FROM people").fetch_one(conn).await?;
    Ok(n > 0)
}

/// Every table that hangs on people, children first; programs and the installation stay.
const TABLES: [&str; 26] = [
    "progress",
    "jobs",
    "marks",
    "review_comments",
    "reviews",
    "findings",
    "gradings",
    "submission_files",
    "submissions",
    "blobs",
    "openings",
    "lab_overrides",
    "extensions",
    "group_members",
    "student_groups",
    "invitations",
    "enrolments",
    "instructors",
    "cohorts",
    "notifications",
    "tokens",
    "resets",
    "sign_ins",
    "throttles",
    "audit_entries",
    "people",
];

pub async fn clear(conn: &mut Conn) -> Result<()> {
    for table in TABLES {
        query(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&mut *conn).await?;
    }
    Ok(())
}
