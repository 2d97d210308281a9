//! Progress rows: what a running job tells whoever watches, on whichever replica.
use crate::db::values::{Json, Timestamp};
use crate::db::{Conn, list, padded};
use serde::{Deserialize, Serialize};
use sqlx::{query, query_as};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// One step of something watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// In words: "Checking `gpu-request`".
    pub words: String,
    pub done: u32,
    pub of: u32,
    /// Nothing follows: streams end here.
    #[serde(default)]
    pub last: bool,
}

impl Step {
    pub fn new(words: impl Into<String>, done: u32, of: u32) -> Step {
        Step { words: words.into(), done, of, last: false }
    }

    pub fn last(words: impl Into<String>) -> Step {
        Step { words: words.into(), done: 1, of: 1, last: true }
    }
}

/// A step as stored: `seq` counts from 1 within its subject.
pub type Stored = (String, i64, Json<Step>);

/// Appends a step for `subject`.
pub async fn say(conn: &mut Conn, subject: &str, step: &Step, now: Timestamp) -> Result<()> {
    query("INSERT INTO progress (subject, seq, at, what) VALUES ($1, (SELECT COALESCE(MAX(p.seq), 0) + 1 FROM progress p WHERE p.subject = $1), $2, $3)")
        .bind(subject)
        .bind(now)
        .bind(Json(step.clone()))
        .execute(conn)
        .await?;
    Ok(())
}

/// The steps of one subject after `seq`.
pub async fn after(conn: &mut Conn, subject: &str, seq: i64) -> Result<Vec<Stored>> {
    query_as("SELECT subject, seq, what FROM progress WHERE subject = $1 AND seq > $2 ORDER BY seq").bind(subject).bind(seq).fetch_all(conn).await
}

/// The newest steps of all watched subjects since `since`.
pub async fn since(conn: &mut Conn, subjects: &[String], since: Timestamp) -> Result<Vec<Stored>> {
    let places = list(2, subjects.len());
    let mut asked = query_as(sqlx::AssertSqlSafe(format!(
        "SELECT subject, seq, what FROM progress WHERE at >= $1 AND subject IN ({places}) ORDER BY subject, seq"
    )))
    .bind(since);
    for subject in padded(subjects) {
        asked = asked.bind(subject.to_owned());
    }
    asked.fetch_all(conn).await
}
