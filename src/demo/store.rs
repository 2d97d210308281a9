//! What a database is, and emptying a demo's.
use super::Purpose;
use crate::db::Conn;
use crate::db::tables::TABLES;
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

/// What a demo keeps when it begins anew: what it is, its keys, who does what in a running process, the program.
const KEPT: [&str; 5] = ["installation", "signing_keys", "leases", "programs", "program_files"];

/// Empties every other table, children before the parents they name.
pub async fn clear(conn: &mut Conn) -> Result<()> {
    for table in TABLES.iter().rev().filter(|t| !KEPT.contains(&t.name)) {
        query(sqlx::AssertSqlSafe(format!("DELETE FROM {}", table.name))).execute(&mut *conn).await?;
    }
    Ok(())
}
