//! The statements of the queue. A claim is a short conditional update; the lease token makes finishing exact.
use super::{Job, JobId, Kind, LEASE, LeaseId, MOST_CLAIMS, Position, Push};
use crate::db::values::Timestamp;
use crate::db::{Conn, Db};
use sqlx::{query, query_as, query_scalar};
use std::time::Duration;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Adds a job. Call it in the write that causes it.
pub async fn push(conn: &mut Conn, job: &Push<'_>, now: Timestamp) -> Result<JobId> {
    let id = JobId::new();
    query(
        "INSERT INTO jobs (id, kind, key, payload, lane, owner, turn, created, run_after, state, claims, failures)
         VALUES ($1, $2, $3, $4, $5, $6,
                 (SELECT COUNT(*) FROM jobs j WHERE j.owner = $6 AND j.lane = $5 AND j.state IN ('waiting', 'running')), $7, $7, 'waiting', 0, 0)",
    )
    .bind(&id)
    .bind(job.kind)
    .bind(job.key)
    .bind(job.payload.to_string())
    .bind(job.lane.number())
    .bind(job.owner)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(id)
}

/// Lets a newer job of the same key go before the older ones that still wait: it takes the first one's turn, and they move back.
pub async fn move_behind(conn: &mut Conn, newer: &JobId, key: &str) -> Result<()> {
    query("UPDATE jobs SET turn = (SELECT MIN(j.turn) FROM jobs j WHERE j.key = $1 AND j.state = 'waiting') WHERE id = $2 AND turn > 0")
        .bind(key)
        .bind(newer)
        .execute(&mut *conn)
        .await?;
    query("UPDATE jobs SET turn = turn + 1 WHERE key = $1 AND state = 'waiting' AND id <> $2").bind(key).bind(newer).execute(conn).await?;
    Ok(())
}

const COLUMNS: &str = "id, kind, key, payload, lane, owner, created, run_after, state, claims, failures, lease, finished, error";

/// Takes the next job that is due, if there is one, for [`LEASE`].
pub async fn claim(db: &Db, now: Timestamp) -> Result<Option<Job>> {
    // Looking first costs no write lock while nothing waits.
    let due: i64 =
        query_scalar("SELECT COUNT(*) FROM jobs WHERE state = 'waiting' AND run_after <= $1").bind(now).fetch_one(&mut *db.read().await?).await?;
    if due == 0 {
        return Ok(None);
    }
    let mut write = db.write("queue").await?;
    let job = query_as(sqlx::AssertSqlSafe(format!(
        "UPDATE jobs SET state = 'running', claims = claims + 1, lease = $1, leased_until = $2, started = $3
         WHERE id = (SELECT w.id FROM jobs w WHERE w.state = 'waiting' AND w.run_after <= $3
                     AND NOT EXISTS (SELECT 1 FROM jobs r WHERE r.key = w.key AND r.state = 'running')
                     ORDER BY w.lane, w.turn, w.created, w.id LIMIT 1)
         RETURNING {COLUMNS}"
    )))
    .bind(LeaseId::new())
    .bind(now.plus(LEASE))
    .bind(now)
    .fetch_optional(&mut *write)
    .await?;
    write.commit().await?;
    Ok(job)
}

/// Prolongs a claim; false when it was lost, and the work must be dropped.
pub async fn heartbeat(db: &Db, job: &Job, now: Timestamp) -> Result<bool> {
    let mut write = db.write("queue").await?;
    let done = query("UPDATE jobs SET leased_until = $1 WHERE id = $2 AND lease = $3 AND state = 'running'")
        .bind(now.plus(LEASE))
        .bind(&job.id)
        .bind(&job.lease)
        .execute(&mut *write)
        .await?;
    write.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a job in the write that keeps its result; false when the claim was lost, and the write must be dropped.
pub async fn finish(conn: &mut Conn, job: &Job, now: Timestamp) -> Result<bool> {
    end(conn, job, "done", None, now).await
}

/// Gives a job up in the write that says so; false when the claim was lost.
pub async fn give_up(conn: &mut Conn, job: &Job, error: &str, now: Timestamp) -> Result<bool> {
    end(conn, job, "broken", Some(error), now).await
}

async fn end(conn: &mut Conn, job: &Job, state: &'static str, error: Option<&str>, now: Timestamp) -> Result<bool> {
    let done = query("UPDATE jobs SET state = $1, finished = $2, error = COALESCE($3, error), lease = NULL, leased_until = NULL WHERE id = $4 AND lease = $5 AND state = 'running'")
        .bind(state)
        .bind(now)
        .bind(error)
        .bind(&job.id)
        .bind(&job.lease)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts a job back after its work failed, to be tried again after `wait`.
pub async fn failed(db: &Db, job: &Job, error: &str, wait: Duration, now: Timestamp) -> Result<()> {
    let mut write = db.write("queue").await?;
    query(
        "UPDATE jobs SET state = 'waiting', failures = failures + 1, error = $1, run_after = $2, lease = NULL, leased_until = NULL
         WHERE id = $3 AND lease = $4 AND state = 'running'",
    )
    .bind(error)
    .bind(now.plus(wait))
    .bind(&job.id)
    .bind(&job.lease)
    .execute(&mut *write)
    .await?;
    write.commit().await
}

/// Puts back what vanished workers held. Returns how many.
pub async fn reclaim(db: &Db, now: Timestamp) -> Result<u64> {
    let lost: i64 =
        query_scalar("SELECT COUNT(*) FROM jobs WHERE state = 'running' AND leased_until < $1").bind(now).fetch_one(&mut *db.read().await?).await?;
    if lost == 0 {
        return Ok(0);
    }
    let mut write = db.write("queue").await?;
    let done =
        query("UPDATE jobs SET state = 'waiting', run_after = $1, lease = NULL, leased_until = NULL WHERE state = 'running' AND leased_until < $1")
            .bind(now)
            .execute(&mut *write)
            .await?;
    write.commit().await?;
    Ok(done.rows_affected())
}

/// Gives a worker's jobs back unharmed when it stops in good order: the claim doesn't count.
pub async fn hand_back(db: &Db, job: &Job) -> Result<()> {
    let mut write = db.write("queue").await?;
    query("UPDATE jobs SET state = 'waiting', claims = claims - 1, lease = NULL, leased_until = NULL WHERE id = $1 AND lease = $2 AND state = 'running'")
        .bind(&job.id)
        .bind(&job.lease)
        .execute(&mut *write)
        .await?;
    write.commit().await
}

/// *Try again*: a broken job starts over, under a new id, because what it left behind is filed under the old one. None when it isn't broken.
pub async fn try_again(conn: &mut Conn, id: &JobId, now: Timestamp) -> Result<Option<JobId>> {
    let new = JobId::new();
    let done = query(
        "UPDATE jobs SET id = $1, state = 'waiting', claims = 0, failures = 0, error = NULL, run_after = $2, finished = NULL WHERE id = $3 AND state = 'broken'",
    )
    .bind(&new)
    .bind(now)
    .bind(id)
    .execute(conn)
    .await?;
    Ok((done.rows_affected() == 1).then_some(new))
}

pub async fn by_id(conn: &mut Conn, id: &JobId) -> Result<Option<Job>> {
    query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM jobs WHERE id = $1"))).bind(id).fetch_optional(conn).await
}

/// What waits, runs or is broken, the next first; then the last that are done.
pub async fn list(conn: &mut Conn, most: i64) -> Result<Vec<Job>> {
    query_as(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM jobs ORDER BY CASE state WHEN 'broken' THEN 0 WHEN 'running' THEN 1 WHEN 'waiting' THEN 2 ELSE 3 END,
         CASE WHEN state = 'waiting' THEN lane ELSE 0 END, CASE WHEN state = 'waiting' THEN turn ELSE 0 END, finished DESC NULLS LAST, created LIMIT $1"
    )))
    .bind(most)
    .fetch_all(conn)
    .await
}

/// How many jobs are in each state, done ones of the last day only.
pub async fn counts(conn: &mut Conn, now: Timestamp) -> Result<Vec<(super::State, i64)>> {
    query_as("SELECT state, COUNT(*) FROM jobs WHERE state <> 'done' OR finished > $1 GROUP BY state ORDER BY state")
        .bind(now.minus(Duration::from_secs(86_400)))
        .fetch_all(conn)
        .await
}

/// Where the newest unfinished job of a payload key stands; None when none is under way.
pub async fn position(conn: &mut Conn, id: &JobId, workers: i64) -> Result<Option<Position>> {
    let job: Option<(String, i64, i64, Timestamp, Kind)> =
        query_as("SELECT state, lane, turn, created, kind FROM jobs WHERE id = $1 AND state IN ('waiting', 'running')")
            .bind(id)
            .fetch_optional(&mut *conn)
            .await?;
    let Some((state, lane, turn, created, kind)) = job else { return Ok(None) };
    let running = state == "running";
    let ahead: i64 = if running {
        0
    } else {
        query_scalar(
            "SELECT COUNT(*) FROM jobs WHERE state = 'running' OR (state = 'waiting' AND (lane < $1 OR (lane = $1 AND (turn < $2 OR (turn = $2 AND (created < $3 OR (created = $3 AND id < $4)))))))",
        )
        .bind(lane)
        .bind(turn)
        .bind(created)
        .bind(id)
        .fetch_one(&mut *conn)
        .await?
    };
    let took: Option<f64> = query_scalar(
        "SELECT AVG(CAST(took AS DOUBLE PRECISION)) FROM (SELECT finished - started AS took FROM jobs WHERE kind = $1 AND state = 'done' ORDER BY finished DESC LIMIT 20) AS last",
    )
    .bind(kind)
    .fetch_one(conn)
    .await?;
    #[expect(clippy::cast_possible_truncation, reason = "seconds of waiting are far below 2^52")]
    let each_s = (took.unwrap_or(2000.0) / 1000.0).ceil() as i64;
    let rounds = ahead / workers.max(1) + 1;
    Ok(Some(Position { ahead, running, estimate_s: (rounds * each_s).max(1) }))
}

/// Forgets what was done long ago, and progress rows nobody will watch any more.
pub async fn sweep(db: &Db, now: Timestamp) -> Result<()> {
    let mut write = db.write("queue").await?;
    query("DELETE FROM jobs WHERE state = 'done' AND finished < $1").bind(now.minus(Duration::from_secs(30 * 86_400))).execute(&mut *write).await?;
    query("DELETE FROM progress WHERE at < $1").bind(now.minus(Duration::from_secs(86_400))).execute(&mut *write).await?;
    write.commit().await
}

const _: () = assert!(MOST_CLAIMS > super::MOST_FAILURES, "a job's own failures end it before lost workers do");
