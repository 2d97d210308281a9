//! What is done about accounts now and then: ended sign-ins, links and throttles go.
use super::store;
use crate::app::App;
use anyhow::Result;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(3600);
/// What ended is kept so long, for whoever asks what happened last week.
const KEPT: Duration = Duration::from_secs(7 * 86_400);

/// Runs until the process stops.
pub async fn run(app: App) {
    while !app.stop.is_cancelled() {
        if let Err(error) = sweep(&app).await {
            tracing::warn!(error = format!("{error:#}"), "ended sign-ins can't be removed");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// Removes what ended a week ago.
async fn sweep(app: &App) -> Result<()> {
    let mut write = app.db.write("sweep").await?;
    store::sweep(&mut write, app.clock.now().minus(KEPT)).await?;
    write.commit().await?;
    Ok(())
}
