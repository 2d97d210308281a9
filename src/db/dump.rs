//! The whole database as one stream that either engine writes and reads: gzip of JSON lines, the same rows in the same order from both.
//!
//! The first line says what it is; then a line for each table with its columns, followed by its rows, each an array;
//! the last line counts the rows of each table and holds a digest of all before it. Bytes are written as hex.
use super::tables::{TABLES, Table};
use super::values::Timestamp;
use super::{Conn, Db, Engine, Write as Transaction, schema_version};
use crate::secrets::{hex, unhex};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use futures::TryStreamExt as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Row as _, query, query_scalar};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _, Write};

const FORMAT: u32 = 1;
/// A longer line is no row of ours: hand-ins and program files are far smaller.
const LONGEST_LINE: u64 = 256 << 20;

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    groundcrew_backup: u32,
    version: String,
    schema: i64,
    created: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct Heading {
    table: String,
    columns: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct End {
    rows: BTreeMap<String, u64>,
    sha256: String,
}

/// Writes everything that is in the database at one moment; what others write meanwhile isn't in it. Returns how many rows.
pub async fn save(db: &Db, now: Timestamp, out: impl Write) -> Result<u64> {
    let mut out = Writer { out: GzEncoder::new(out, Compression::default()), digest: Sha256::new() };
    let mut snapshot = db.snapshot().await?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    out.line(&Header { groundcrew_backup: FORMAT, version, schema: schema_version(), created: now })?;
    let mut rows = BTreeMap::new();
    for table in TABLES {
        out.line(&Heading { table: table.name.to_owned(), columns: table.columns().map(str::to_owned).collect() })?;
        let copied = save_rows(&mut snapshot, db.engine, table, &mut out).await.with_context(|| format!("table {} can't be copied", table.name))?;
        rows.insert(table.name.to_owned(), copied);
    }
    let all = rows.values().sum();
    let sha256 = hex(&out.digest.clone().finalize());
    out.line(&End { rows, sha256 })?;
    out.out.finish()?.flush()?;
    Ok(all)
}

/// One row after another, so that memory holds a few of them however many there are.
async fn save_rows(conn: &mut Conn, engine: Engine, table: &Table, out: &mut Writer<impl Write>) -> Result<u64> {
    // Both engines must sort alike, and PostgreSQL's default order is a language's.
    let collation = if engine == Engine::Postgres { " COLLATE \"C\"" } else { "" };
    let order = table.key.iter().map(|c| if table.text.contains(c) { format!("{c}{collation}") } else { (*c).to_owned() });
    let statement =
        format!("SELECT {} FROM {} ORDER BY {}", table.columns().collect::<Vec<_>>().join(", "), table.name, order.collect::<Vec<_>>().join(", "));
    let mut rows = query(AssertSqlSafe(statement)).fetch(conn);
    let mut copied = 0;
    while let Some(row) = rows.try_next().await? {
        let mut values: Vec<Value> = Vec::new();
        for column in table.text {
            values.push(row.try_get::<Option<String>, _>(*column)?.into());
        }
        for column in table.whole {
            values.push(row.try_get::<Option<i64>, _>(*column)?.into());
        }
        for column in table.bytes {
            values.push(row.try_get::<Option<Vec<u8>>, _>(*column)?.map(|bytes| hex(&bytes)).into());
        }
        out.line(&values)?;
        copied += 1;
    }
    Ok(copied)
}

/// Reads a stream into an empty database: all of it or, when anything is wrong with it, nothing. Returns how many rows.
pub async fn load(db: &Db, from: impl BufRead) -> Result<u64> {
    let mut lines = Lines { from: BufReader::new(GzDecoder::new(from)), digest: Sha256::new(), line: Vec::new(), number: 0 };
    lines.next()?;
    let header: Header = lines.parsed().context("this is no backup of Groundcrew")?;
    ensure!(header.groundcrew_backup == FORMAT, "the backup has format {}; this program reads format {FORMAT}", header.groundcrew_backup);
    let (is, made) = (schema_version(), header.schema);
    ensure!(
        is == made,
        "the backup's schema is {made} and this program's is {is}: restore it with Groundcrew {}; a newer one then brings the database up to date",
        header.version
    );
    let mut write = db.write("installation").await?;
    ensure_empty(&mut write).await?;
    let mut rows = BTreeMap::new();
    lines.next()?;
    for table in TABLES {
        let heading: Heading = lines.parsed()?;
        ensure!(
            heading.table == table.name && heading.columns.iter().map(String::as_str).eq(table.columns()),
            "{} isn't as it should be",
            table.name
        );
        rows.insert(table.name.to_owned(), load_rows(&mut write, table, &mut lines).await?);
    }
    let before = lines.digest.clone();
    let end: End = lines.parsed()?;
    ensure!(end.rows == rows, "the backup is damaged: it counts other rows than it holds");
    ensure!(end.sha256 == hex(&before.finalize()), "the backup is damaged: its digest is another");
    lines.ensure_over()?;
    write.commit().await?;
    Ok(rows.values().sum())
}

async fn ensure_empty(write: &mut Transaction) -> Result<()> {
    for table in TABLES {
        let n: i64 = query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", table.name))).fetch_one(&mut **write).await?;
        if n > 0 {
            bail!(
                "the database isn't empty ({n} row(s) in {}), and a backup is only restored into an empty one: name a new folder with --data DIR, or a new PostgreSQL database with --database URL",
                table.name
            );
        }
    }
    Ok(())
}

/// Inserts rows until a line is none; that line is left for the caller.
async fn load_rows<R: BufRead>(conn: &mut Conn, table: &Table, lines: &mut Lines<R>) -> Result<u64> {
    let columns: Vec<&str> = table.columns().collect();
    let places: Vec<String> = (1..=columns.len()).map(|i| format!("${i}")).collect();
    let statement = format!("INSERT INTO {} ({}) VALUES ({})", table.name, columns.join(", "), places.join(", "));
    let mut copied = 0;
    loop {
        lines.next()?;
        if !lines.line.starts_with(b"[") {
            return Ok(copied);
        }
        let values: Vec<Value> = lines.parsed()?;
        let misfit = || anyhow!("line {} of the backup doesn't fit table {}", lines.number, table.name);
        ensure!(values.len() == columns.len(), misfit());
        let mut insert = query(AssertSqlSafe(statement.clone()));
        let (text, rest) = values.split_at(table.text.len());
        let (whole, bytes) = rest.split_at(table.whole.len());
        for value in text {
            insert = insert.bind(given(value, |v| v.as_str().map(str::to_owned)).ok_or_else(misfit)?);
        }
        for value in whole {
            insert = insert.bind(given(value, Value::as_i64).ok_or_else(misfit)?);
        }
        for value in bytes {
            insert = insert.bind(given(value, |v| v.as_str().and_then(unhex)).ok_or_else(misfit)?);
        }
        insert.execute(&mut *conn).await.with_context(|| format!("line {} of the backup doesn't go into table {}", lines.number, table.name))?;
        copied += 1;
    }
}

/// A value as a column's type, `Some(None)` for null; `None` when it is of another type.
#[expect(clippy::option_option, reason = "absent and wrong are two things here")]
fn given<T>(value: &Value, read: impl FnOnce(&Value) -> Option<T>) -> Option<Option<T>> {
    if value.is_null() { Some(None) } else { read(value).map(Some) }
}

struct Writer<W: Write> {
    out: GzEncoder<W>,
    digest: Sha256,
}

impl<W: Write> Writer<W> {
    fn line(&mut self, what: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(what)?;
        line.push(b'\n');
        self.digest.update(&line);
        Ok(self.out.write_all(&line)?)
    }
}

struct Lines<R> {
    from: BufReader<GzDecoder<R>>,
    /// Of all lines before the current one.
    digest: Sha256,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<()> {
        self.digest.update(&self.line);
        self.line.clear();
        self.number += 1;
        let read = self.from.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut self.line);
        read.with_context(|| if self.number == 1 { "this is no backup of Groundcrew".to_owned() } else { self.damaged() })?;
        ensure!(self.line.ends_with(b"\n"), self.damaged());
        Ok(())
    }

    fn parsed<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.line).with_context(|| self.damaged())
    }

    fn damaged(&self) -> String {
        format!("the backup is damaged or cut off at line {}; nothing was restored", self.number)
    }

    /// Whether nothing follows: reading on to the end also checks gzip's own sum.
    fn ensure_over(&mut self) -> Result<()> {
        let mut rest = Vec::new();
        self.from.by_ref().take(1).read_to_end(&mut rest).with_context(|| self.damaged())?;
        let after = self.from.get_mut().get_mut().fill_buf()?;
        ensure!(rest.is_empty() && after.is_empty(), "the backup is damaged: something follows its end");
        Ok(())
    }
}
