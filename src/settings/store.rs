//! The statements about settings: a row a field that was changed.
use super::Settings;
use crate::db::Conn;
use crate::db::values::Timestamp;
use sqlx::{query, query_as};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// The settings as they stand; what was never changed has its default, and so has a row this version can't read.
pub async fn get(conn: &mut Conn) -> Result<Settings> {
    let rows: Vec<(String, String)> = query_as("SELECT name, value FROM settings").fetch_all(conn).await?;
    let fields = rows.into_iter().map(|(name, value)| (name, serde_json::Value::String(value))).collect();
    Ok(serde_json::from_value(serde_json::Value::Object(fields)).unwrap_or_default())
}

/// Keeps what differs from `old`; gives the names of the fields that changed, for the audit log.
pub async fn set(conn: &mut Conn, old: &Settings, new: &Settings, by: &str, now: Timestamp) -> Result<Vec<&'static str>> {
    let pairs = [
        ("name", &old.name, &new.name),
        ("colour", &old.colour, &new.colour),
        ("sign_up", &old.sign_up, &new.sign_up),
        ("zone", &old.zone, &new.zone),
    ];
    let mut changed = Vec::new();
    for (field, _, value) in pairs.iter().filter(|(_, old, new)| old != new) {
        query(
            "INSERT INTO settings (name, value, changed, changed_by) VALUES ($1, $2, $3, $4)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed = excluded.changed, changed_by = excluded.changed_by",
        )
        .bind(*field)
        .bind(*value)
        .bind(now)
        .bind(by)
        .execute(&mut *conn)
        .await?;
        changed.push(*field);
    }
    Ok(changed)
}
