//! `groundcrew work`: grades and sends mail beside one or more `serve --no-work`.
use super::boot;
use crate::config::{DataArgs, LogFormat, PortalArgs};
use anyhow::Result;
use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct WorkArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    portal: PortalArgs,
    /// Log lines as text or JSON
    #[arg(long, env = "GROUNDCREW_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    log: LogFormat,
}

pub fn run(args: WorkArgs) -> Result<ExitCode> {
    boot::start_log(args.log);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn work(args: WorkArgs) -> Result<()> {
    boot::ensure_existing(&args.data)?;
    let app = boot::app(&args.data, &args.portal, false).await?;
    let mut tasks = boot::start_work(&app);
    tasks.extend(boot::start_upkeep(&app));
    tracing::info!(graders = app.graders.size(), "working");
    boot::stop_on_signal(&app);
    app.stop.cancelled().await;
    boot::end(&app, tasks).await;
    Ok(())
}
