//! `groundcrew serve`: starts the portal and stops it gracefully.
use super::boot;
use crate::app::App;
use crate::cohorts::first_admin;
use crate::config::{DataArgs, LogFormat, PortalArgs};
use crate::demo;
use crate::web::{live, metrics, routes};
use anyhow::{Context as _, Result};
use axum::serve::ListenerExt as _;
use clap::Args;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    portal: PortalArgs,
    /// Fill an empty database with a lively made-up cohort; the database stays a demo's, on loopback only
    #[arg(long)]
    demo: bool,
    /// Leave grading and mail to `groundcrew work`
    #[arg(long)]
    no_work: bool,
    /// Log lines as text or JSON
    #[arg(long, env = "GROUNDCREW_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    log: LogFormat,
}

pub fn run(args: ServeArgs) -> Result<ExitCode> {
    boot::start_log(args.log);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: ServeArgs) -> Result<()> {
    let app = boot::app(&args.data, &args.portal, args.demo).await?;
    if app.demo {
        demo::fill(&app).await?;
    }
    let mut tasks = if args.no_work { Vec::new() } else { boot::start_work(&app) };
    tasks.extend(boot::start_upkeep(&app));
    tasks.push(tokio::spawn(live::poll(app.clone())));
    tasks.push(tokio::spawn(metrics::upkeep(app.clone())));
    let listener = tokio::net::TcpListener::bind(args.portal.listen).await.with_context(|| format!("{} can't be listened on", args.portal.listen))?;
    println!("Groundcrew is at {}", app.url);
    if app.demo {
        println!(
            "A demo, everybody in it made up. Sign in as {}, {} or {}, password {}",
            demo::STUDENT,
            demo::INSTRUCTOR,
            demo::ADMIN,
            demo::PASSWORD
        );
    }
    if let Some(link) = first_admin::link(&app).await? {
        println!("Nobody runs this portal yet. Open this link once to make its first admin:\n  {link}");
    }
    boot::stop_on_signal(&app);
    answer(&app, listener).await?;
    app.stop.cancel();
    boot::end(&app, tasks).await;
    Ok(())
}

/// How long requests that are under way may take once the process is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Answers requests until the process is told to stop.
async fn answer(app: &App, listener: tokio::net::TcpListener) -> Result<()> {
    // axum leaves Nagle's algorithm on, and answers then wait some 43 ms for an acknowledgement.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let router = routes::router(app.clone()).into_make_service_with_connect_info::<std::net::SocketAddr>();
    let serving = axum::serve(listener, router).with_graceful_shutdown(app.stop.clone().cancelled_owned());
    // Whoever sends half a request, or never reads an answer, would keep the process from ending.
    let late = async {
        app.stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = async { serving.await } => ended?,
        () = late => tracing::warn!("some requests were still under way after 10 s and are cut off"),
    }
    Ok(())
}
