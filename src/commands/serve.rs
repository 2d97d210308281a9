//! `groundcrew serve`: starts the portal and stops it gracefully.
use crate::app::App;
use crate::clock::Clock;
use crate::config::{DataArgs, LogFormat, PortalArgs};
use crate::db::Db;
use crate::secrets::Keys;
use crate::web::routes;
use anyhow::{Context as _, Result};
use axum::serve::ListenerExt as _;
use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    portal: PortalArgs,
    /// Log lines as text or JSON
    #[arg(long, env = "GROUNDCREW_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    log: LogFormat,
}

pub fn run(args: ServeArgs) -> Result<ExitCode> {
    start_log(args.log);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(args))?;
    Ok(ExitCode::SUCCESS)
}

/// Starts the log; `RUST_LOG` chooses what is in it.
pub fn start_log(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,sqlx=warn".into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
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

async fn serve(args: ServeArgs) -> Result<()> {
    let url = args.portal.public_url()?;
    let db = open(&args.data).await?;
    args.data.prepare()?;
    let keys = Keys::open(&args.data.key_file())?;
    let app = App::new(db, Clock::system(), keys, &url, false);
    let labs = args.portal.labs.as_deref();
    app.programs.start(&app.db, &app.clock, labs).await?;
    if let Some(dir) = labs {
        tokio::spawn(app.programs.clone().watch(app.db.clone(), app.clock.clone(), dir.to_owned(), app.stop.clone()));
    }
    let listener = tokio::net::TcpListener::bind(args.portal.listen).await.with_context(|| format!("{} can't be listened on", args.portal.listen))?;
    // axum leaves Nagle's algorithm on, and answers then wait some 43 ms for an acknowledgement.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    println!("Groundcrew is at {url}");
    let stop = app.stop.clone();
    tokio::spawn(async move {
        stopped().await;
        stop.cancel();
    });
    let router = routes::router(app.clone()).into_make_service_with_connect_info::<std::net::SocketAddr>();
    axum::serve(listener, router).with_graceful_shutdown(app.stop.clone().cancelled_owned()).await?;
    app.db.close().await;
    Ok(())
}

/// Waits for SIGTERM or Ctrl-C.
async fn stopped() {
    let Ok(mut term) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
