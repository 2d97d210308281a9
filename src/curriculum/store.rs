//! Every statement about stored versions of the program.
use crate::db::Conn;
use crate::db::values::{Row, Timestamp};
use crate::engine::File;
use sqlx::{query, query_as, query_scalar};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// A stored version.
#[derive(Debug, Clone, Row)]
pub struct Stored {
    pub hash: String,
    pub title: String,
    pub imported: Timestamp,
}

pub async fn is_known(conn: &mut Conn, hash: &str) -> Result<bool> {
    let found: Option<String> = query_scalar("SELECT hash FROM programs WHERE hash = $1").bind(hash).fetch_optional(conn).await?;
    Ok(found.is_some())
}

/// Keeps a version with all its files.
pub async fn add(conn: &mut Conn, hash: &str, title: &str, files: &[File], now: Timestamp) -> Result<()> {
    query("INSERT INTO programs (hash, title, imported) VALUES ($1, $2, $3)").bind(hash).bind(title).bind(now).execute(&mut *conn).await?;
    for file in files {
        query("INSERT INTO program_files (program, path, content) VALUES ($1, $2, $3)")
            .bind(hash)
            .bind(&file.path)
            .bind(&file.bytes)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// The files of a version, sorted by path.
pub async fn files(conn: &mut Conn, hash: &str) -> Result<Vec<File>> {
    let rows: Vec<(String, Vec<u8>)> =
        query_as("SELECT path, content FROM program_files WHERE program = $1 ORDER BY path").bind(hash).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(path, bytes)| File { path, bytes }).collect())
}

/// Every version, the newest first.
pub async fn all(conn: &mut Conn) -> Result<Vec<Stored>> {
    query_as("SELECT hash, title, imported FROM programs ORDER BY imported DESC, hash").fetch_all(conn).await
}
