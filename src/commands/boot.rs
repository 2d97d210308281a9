//! What `serve` and `work` have in common: the log, the opened database, the program, the grading children, the end.
use crate::app::{App, Outside};
use crate::clock::Clock;
use crate::config::{DataArgs, LogFormat, PortalArgs};
use crate::db::Db;
use crate::engine::pool::Pool;
use crate::engine::runner::Runner;
use crate::notices::work::Post;
use crate::queue::worker;
use crate::secrets::Keys;
use anyhow::{Context as _, Result};
use std::io::IsTerminal as _;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Starts the log; `RUST_LOG` chooses what is in it.
pub fn start_log(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,sqlx=warn".into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

/// A command that changes a portal must not make a new one where a folder's name was mistyped.
pub fn ensure_existing(data: &DataArgs) -> Result<()> {
    let exists = data.database.is_some() || data.sqlite_file().is_file();
    anyhow::ensure!(exists, "there is no database in {}: name its folder with --data DIR", data.data.display());
    Ok(())
}

/// Opens the database the arguments name.
pub async fn open(data: &DataArgs) -> Result<Db> {
    match &data.database {
        Some(url) => Db::open(url).await,
        None => {
            data.prepare().with_context(|| format!("the data folder {} can't be made", data.data.display()))?;
            Db::sqlite(&data.sqlite_file()).await
        }
    }
}

/// Everything a request or a job can reach, started.
pub async fn app(data: &DataArgs, portal: &PortalArgs, demo: bool) -> Result<App> {
    let url = portal.public_url()?;
    let db = open(data).await?;
    let demo = crate::demo::decide(&db, demo, Clock::system().now()).await?;
    anyhow::ensure!(
        !demo || portal.listen.ip().is_loopback(),
        "this database is a demo's, whose passwords everybody knows: it is served on 127.0.0.1 or [::1] only. For a real portal use another data folder: --data DIR"
    );
    data.prepare()?;
    let keys = Keys::open(&data.key_file())?;
    let post = match &portal.smtp {
        Some(smtp) => Post::smtp(smtp, &portal.mail_from)?,
        None if demo => Post::Log,
        None => Post::default(),
    };
    let outside = Outside { post, trusted_proxies: portal.trusted_proxies.clone(), metrics_token: portal.metrics_token.clone() };
    let own = std::env::current_exe().context("this program's own file can't be found")?;
    let runner = Runner::new(&own, portal.tools.settings());
    let graders = Pool::running(own, portal.graders(), runner);
    let app = App::new(db, Clock::system(), keys, &url, demo).reaching(outside).grading_with(graders);
    app.reload_settings().await?;
    let labs = portal.labs.as_deref();
    app.programs.start(&app.db, &app.clock, labs).await?;
    if let Some(dir) = labs {
        tokio::spawn(app.programs.clone().watch(app.db.clone(), app.clock.clone(), dir.to_owned(), app.stop.clone()));
    }
    Ok(app)
}

/// Starts what every process does now and then, whether it answers requests or works.
pub fn start_upkeep(app: &App) -> [JoinHandle<()>; 2] {
    [tokio::spawn(crate::accounts::work::run(app.clone())), tokio::spawn(crate::settings::work::run(app.clone()))]
}

/// Starts what works beside requests; each ends when `app.stop` is cancelled.
pub fn start_work(app: &App) -> Vec<JoinHandle<()>> {
    let mut tasks = worker::start(app, app.graders.size());
    let runner = app.graders.runner().clone();
    tasks.push(tokio::task::spawn_blocking(move || try_tools(&runner)));
    tasks.push(tokio::spawn(crate::notices::work::run(app.clone())));
    tasks
}

/// Tries what runs over hand-ins before the first one comes, and says what this machine can't do; admins see it on their page.
fn try_tools(runner: &Runner) {
    match runner.examine() {
        Err(why) => tracing::warn!("terraform is not run over hand-ins: {why}"),
        Ok(diagnosis) if !diagnosis.weaknesses().is_empty() => {
            tracing::warn!("tools run contained, and less hardened than they could be: {}", diagnosis.weaknesses().join(", "));
        }
        Ok(diagnosis) => tracing::info!("tools run contained: {}", diagnosis.confinement.join(", ")),
    }
}

/// Cancels `app.stop` on SIGTERM or Ctrl-C.
pub fn stop_on_signal(app: &App) {
    let stop = app.stop.clone();
    tokio::spawn(async move {
        signalled().await;
        stop.cancel();
    });
}

/// Waits for the tasks to hand back what they hold, then closes the database.
pub async fn end(app: &App, tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        if tokio::time::timeout(Duration::from_secs(10), task).await.is_err() {
            tracing::warn!("something was still at work after 10 s; its lease will run out");
        }
    }
    app.db.close().await;
}

async fn signalled() {
    let Ok(mut term) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
