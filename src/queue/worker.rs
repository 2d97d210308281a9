//! Claims jobs and carries them out until the process is told to stop: one match says whose work a kind is.
use super::{HEARTBEAT, Job, Kind, MOST_CLAIMS, store};
use crate::app::App;
use crate::gradings;
use anyhow::Result;
use std::time::Duration;

/// What came of a job's work, decided at the `?` of its noun.
#[derive(Debug)]
pub enum Worked {
    /// Its result is stored and the job finished in one write.
    Done,
    /// Somebody else holds the claim now: nothing was stored.
    Lost,
    /// It didn't work out; to be tried again.
    Failed(String),
}

/// Starts `n` workers and the sweeper. They end when `app.stop` is cancelled and their job is done or handed back.
pub fn start(app: &App, n: usize) -> Vec<tokio::task::JoinHandle<()>> {
    let mut tasks: Vec<_> = (0..n).map(|_| tokio::spawn(work(app.clone()))).collect();
    tasks.push(tokio::spawn(sweep(app.clone())));
    tasks
}

async fn work(app: App) {
    while !app.stop.is_cancelled() {
        match store::claim(&app.db, app.clock.now()).await {
            Ok(Some(job)) => carry_out(&app, &job).await,
            Ok(None) => idle(&app, Duration::from_secs(1)).await,
            Err(error) => {
                tracing::warn!(%error, "the queue can't be read");
                idle(&app, Duration::from_secs(2)).await;
            }
        }
    }
}

/// Waits for a push in this process, for the next look, or for the end.
async fn idle(app: &App, most: Duration) {
    tokio::select! {
        () = app.pushed.notified() => {}
        () = tokio::time::sleep(most) => {}
        () = app.stop.cancelled() => {}
    }
}

async fn carry_out(app: &App, job: &Job) {
    if job.is_spent() {
        return end_spent(app, job).await;
    }
    let result = with_heartbeat(app, job).await;
    match result {
        Ok(Worked::Done | Worked::Lost) => {}
        Ok(Worked::Failed(why)) => put_back(app, job, &why).await,
        Err(error) => put_back(app, job, &format!("{error:#}")).await,
    }
}

/// Gives a spent job up, with its noun's word on it. What fails is tried again when the lease has run out, but not for ever.
async fn end_spent(app: &App, job: &Job) {
    let Err(error) = give_up(app, job).await else { return };
    if job.claims <= 2 * MOST_CLAIMS {
        tracing::warn!(job = %job.id, error = format!("{error:#}"), "a spent job can't be given up yet");
        return;
    }
    tracing::error!(job = %job.id, kind = %job.kind, error = format!("{error:#}"), "a job is given up without a word to whom it concerns");
    let ended = async {
        let mut write = app.db.write("queue").await?;
        store::give_up(&mut write, job, &format!("{error:#}"), app.clock.now()).await?;
        write.commit().await
    };
    if let Err(error) = ended.await {
        tracing::error!(job = %job.id, %error, "a spent job can't be ended; its lease will run out");
    }
}

async fn put_back(app: &App, job: &Job, why: &str) {
    tracing::warn!(job = %job.id, kind = %job.kind, why, "a job failed");
    if let Err(error) = store::failed(&app.db, job, why, job.back_off(), app.clock.now()).await {
        tracing::error!(job = %job.id, %error, "a failed job can't be put back; its lease will run out");
    }
}

/// Runs the job while its lease is kept alive; a lost lease drops the work, a stop hands the job back.
async fn with_heartbeat(app: &App, job: &Job) -> Result<Worked> {
    {
        // All three go on side by side: a heartbeat may wait for a row that the work holds until it commits.
        let work = std::pin::pin!(dispatch(app, job));
        tokio::select! {
            done = work => return done,
            () = keep_alive(app, job) => return Ok(Worked::Lost),
            // What takes longer than a moment is better begun again by the next process.
            () = stopped_for(app, Duration::from_secs(5)) => {}
        }
    }
    store::hand_back(&app.db, job).await?;
    Ok(Worked::Lost)
}

/// Prolongs the job's lease until it is lost. A beat that fails is tried again: the end of a job asks for its lease anyway.
async fn keep_alive(app: &App, job: &Job) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match store::heartbeat(&app.db, job, app.clock.now()).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(job = %job.id, %error, "a lease can't be prolonged"),
        }
    }
}

async fn stopped_for(app: &App, grace: Duration) {
    app.stop.cancelled().await;
    tokio::time::sleep(grace).await;
}

async fn dispatch(app: &App, job: &Job) -> Result<Worked> {
    match job.kind {
        Kind::Grade => gradings::work::grade(app, job).await,
    }
}

async fn give_up(app: &App, job: &Job) -> Result<Worked> {
    match job.kind {
        Kind::Grade => gradings::work::give_up(app, job).await,
    }
}

/// Every few seconds: put back what vanished workers held; every hour: forget what is long done.
async fn sweep(app: App) {
    let mut last_clean = app.clock.now();
    while !app.stop.is_cancelled() {
        let now = app.clock.now();
        match store::reclaim(&app.db, now).await {
            Ok(0) => {}
            Ok(_) => app.pushed.notify_waiters(),
            Err(error) => tracing::warn!(%error, "lost jobs can't be put back"),
        }
        if now.since(last_clean) > 3_600_000 {
            last_clean = now;
            if let Err(error) = store::sweep(&app.db, now).await {
                tracing::warn!(%error, "old jobs can't be forgotten");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(3)) => {}
            () = app.stop.cancelled() => {}
        }
    }
}
