//! The statements of the audit log: one to add, two to read; none changes or removes.
//! Entries hold ids of every noun's things, so reading them looks into tables of nouns above this one.
use super::{Entry, EntryId, Filter, Recorded};
use crate::db::Conn;
use crate::db::values::{Json, Timestamp};
use sqlx::{query, query_as};
use std::collections::HashMap;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Adds a line. Call it in the write that makes the change, so that both are kept or neither.
pub async fn record(conn: &mut Conn, entry: &Entry<'_>, now: Timestamp) -> Result<()> {
    query("INSERT INTO audit_entries (id, at, actor, action, subject, cohort, fields) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(EntryId::new())
        .bind(now)
        .bind(entry.actor)
        .bind(entry.action)
        .bind(entry.subject)
        .bind(entry.cohort)
        .bind(Json(entry.fields))
        .execute(conn)
        .await?;
    Ok(())
}

/// At most `most` lines, newest first; ids are made in the order of time, so they page without gaps or repeats.
pub async fn list(conn: &mut Conn, filter: &Filter, most: i64) -> Result<Vec<Recorded>> {
    let action = filter.action.clone().unwrap_or_default();
    // LIKE and collations differ between the engines; comparing a prefix of the same length doesn't.
    let length = i64::try_from(action.chars().count()).unwrap_or(0);
    query_as(
        "SELECT a.id, a.at, a.actor, p.name AS actor_name, a.action, a.subject, a.cohort, a.fields
         FROM audit_entries a LEFT JOIN people p ON p.id = a.actor
         WHERE ($1 = '' OR SUBSTR(a.action, 1, CAST($2 AS INTEGER)) = $1)
           AND ($3 = '' OR a.subject = $3 OR a.actor = $3
                OR a.subject IN (SELECT e.id FROM enrolments e WHERE e.person = $3)
                OR a.subject IN (SELECT s.id FROM submissions s JOIN enrolments e ON e.id = s.enrolment WHERE e.person = $3))
           AND ($4 = '' OR a.cohort = $4) AND ($5 = '' OR a.id < $5)
         ORDER BY a.id DESC LIMIT $6",
    )
    .bind(action)
    .bind(length)
    .bind(filter.about.clone().unwrap_or_default())
    .bind(filter.cohort.clone().unwrap_or_default())
    .bind(filter.before.as_ref().map_or("", EntryId::as_str))
    .bind(most)
    .fetch_all(conn)
    .await
}

/// Whom some ids are about: people, enrolments and submissions by their person's name; ids of other things are left out.
pub async fn names(conn: &mut Conn, ids: &[&str]) -> Result<HashMap<String, String>> {
    let list = crate::db::list(1, ids.len());
    let mut asked = query_as(sqlx::AssertSqlSafe(format!(
        "SELECT p.id, p.name FROM people p WHERE p.id IN ({list})
         UNION ALL SELECT e.id, p.name FROM enrolments e JOIN people p ON p.id = e.person WHERE e.id IN ({list})
         UNION ALL SELECT s.id, p.name FROM submissions s JOIN enrolments e ON e.id = s.enrolment JOIN people p ON p.id = e.person WHERE s.id IN ({list})"
    )));
    for id in crate::db::padded(ids) {
        asked = asked.bind(id.to_owned());
    }
    let rows: Vec<(String, String)> = asked.fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}
