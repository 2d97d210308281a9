//! The statements of the audit log: one to add, one to read; none changes or removes.
use super::{Entry, EntryId, Filter, Recorded};
use crate::db::Conn;
use crate::db::values::{Json, Timestamp};
use sqlx::{query, query_as};

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
    let about = if filter.about.is_empty() {
        String::new()
    } else {
        let ids = crate::db::list(6, filter.about.len());
        format!("AND (subject IN ({ids}) OR actor IN ({ids}))")
    };
    let mut asked = query_as(sqlx::AssertSqlSafe(format!(
        "SELECT id, at, actor, action, subject, cohort, fields FROM audit_entries
         WHERE ($1 = '' OR SUBSTR(action, 1, CAST($2 AS INTEGER)) = $1) AND ($3 = '' OR cohort = $3) AND ($4 = '' OR id < $4) {about}
         ORDER BY id DESC LIMIT $5"
    )))
    .bind(action)
    .bind(length)
    .bind(filter.cohort.clone().unwrap_or_default())
    .bind(filter.before.as_ref().map_or("", EntryId::as_str))
    .bind(most);
    if !filter.about.is_empty() {
        for id in crate::db::padded(&filter.about) {
            asked = asked.bind(id.to_owned());
        }
    }
    asked.fetch_all(conn).await
}
