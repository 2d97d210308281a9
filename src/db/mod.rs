//! The database: one `sqlx::Any` over SQLite or PostgreSQL, `read()` to look and `write(guard)` to change.
pub mod dump;
pub mod tables;
pub mod values;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Executor as _, Transaction};
use std::fmt::Display;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

/// What every store function takes: a reader's connection and a write's transaction both lend one.
pub type Conn = AnyConnection;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Both pools. On SQLite there is one writer, so writes queue here and never meet SQLITE_BUSY.
#[derive(Debug, Clone)]
pub struct Db {
    readers: AnyPool,
    writers: AnyPool,
    pub engine: Engine,
}

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The number of the newest migration.
pub fn schema_version() -> i64 {
    MIGRATIONS.iter().map(|m| m.version).max().unwrap_or_default()
}

impl Db {
    /// Opens SQLite in `file`, made if it is missing.
    pub async fn sqlite(file: &Path) -> Result<Db> {
        let path = file.to_str().context("the data folder's name is not UTF-8")?;
        let encoded = path.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
        Db::open(&format!("sqlite://{encoded}?mode=rwc")).await
    }

    /// Opens `sqlite://…` or `postgres://…` and brings its schema up to date.
    pub async fn open(url: &str) -> Result<Db> {
        sqlx::any::install_default_drivers();
        let engine = if url.starts_with("sqlite:") { Engine::Sqlite } else { Engine::Postgres };
        let options =
            AnyConnectOptions::from_str(url).context("DATABASE_URL can't be read: use sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE")?;
        let pool = |most: u32, setup: &'static str| {
            AnyPoolOptions::new()
                .max_connections(most)
                .acquire_timeout(Duration::from_secs(20))
                .test_before_acquire(engine == Engine::Postgres)
                .after_connect(move |conn, _| {
                    Box::pin(async move {
                        conn.execute(setup).await?;
                        Ok(())
                    })
                })
        };
        let (readers, writers) = match engine {
            Engine::Sqlite => {
                let writers = pool(1, SQLITE_SETUP).connect_with(options.clone()).await?;
                (pool(4, SQLITE_READER).connect_lazy_with(options), writers)
            }
            Engine::Postgres => {
                let both = pool(16, "SET TIME ZONE 'UTC'").connect_with(options).await.context("PostgreSQL can't be reached")?;
                both.execute(POSTGRES_BLOB).await?;
                (both.clone(), both)
            }
        };
        MIGRATIONS.run(&writers).await.context("the database's schema can't be brought up to date")?;
        Ok(Db { readers, writers, engine })
    }

    /// A connection to look with. Changing through it fails on SQLite.
    pub async fn read(&self) -> Result<PoolConnection<Any>, sqlx::Error> {
        self.readers.acquire().await
    }

    /// A transaction that only `commit` keeps. `guard` names the thing whose rule is being kept (an enrolment, a queue):
    /// writes with the same guard take turns. Never hold one over a body, a password hash, the network or a job.
    pub async fn write(&self, guard: impl Display) -> Result<Write, sqlx::Error> {
        match self.engine {
            Engine::Sqlite => Ok(Write(self.writers.begin_with("BEGIN IMMEDIATE").await?)),
            Engine::Postgres => {
                let mut transaction = self.writers.begin().await?;
                let digest = Sha256::digest(guard.to_string().as_bytes());
                let mut first = [0; 8];
                first.copy_from_slice(&digest[..8]);
                sqlx::query("SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)").bind(i64::from_be_bytes(first)).execute(&mut *transaction).await?;
                Ok(Write(transaction))
            }
        }
    }

    /// Everything as it is at one moment, to read at length while others write.
    pub async fn snapshot(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        match self.engine {
            // A deferred transaction sees what was committed before its first look.
            Engine::Sqlite => self.readers.begin().await,
            Engine::Postgres => self.readers.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await,
        }
    }

    /// Whether the database answers.
    pub async fn answers(&self) -> bool {
        let Ok(mut conn) = self.read().await else { return false };
        conn.execute("SELECT 1").await.is_ok()
    }

    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

/// WAL and FULL: what was committed survives a power cut. The cache is in KiB when negative.
const SQLITE_SETUP: &str =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 10000; PRAGMA cache_size = -2000;";
const SQLITE_READER: &str = "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON; PRAGMA cache_size = -2000;";
/// Lets the migrations say BLOB on both engines; a domain's columns travel as its base type.
const POSTGRES_BLOB: &str = "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'blob') THEN CREATE DOMAIN blob AS bytea; END IF; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$";

/// An open transaction; dropped without `commit` it is undone.
#[derive(Debug)]
pub struct Write(Transaction<'static, Any>);

impl Write {
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.0.commit().await
    }
}

impl Deref for Write {
    type Target = AnyConnection;
    fn deref(&self) -> &AnyConnection {
        &self.0
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.0
    }
}

/// `$first, $first+1, …` for an `IN` list of `n`, padded to a power of two so that few statements are prepared;
/// bind the values and repeat the last one: see [`padded`].
pub fn list(first: usize, n: usize) -> String {
    let n = n.max(1).next_power_of_two();
    (first..first + n).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ")
}

/// The values of an `IN` list, as many as [`list`] made places for; an empty list becomes one that matches nothing.
pub fn padded<T: AsRef<str>>(values: &[T]) -> Vec<&str> {
    let mut padded: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
    let last = padded.last().copied().unwrap_or("");
    padded.resize(values.len().max(1).next_power_of_two(), last);
    padded
}

/// Whether an error says that a unique rule was broken.
pub fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
