//! What is done about accounts now and then: ended sign-ins, links and throttles go; settings and keys are read again.
use super::store;
use crate::app::App;
use crate::db::values::Timestamp;
use crate::notices::store as notices;
use anyhow::Result;
use std::time::Duration;

const PAUSE: Duration = Duration::from_secs(20);
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// What ended is kept so long, for whoever asks what happened last week.
const KEPT: Duration = Duration::from_secs(7 * 86_400);

/// Runs until the process stops; in every process, since each keeps the settings and the keys in memory.
pub async fn run(app: App) {
    let mut swept = Timestamp(0);
    while !app.stop.is_cancelled() {
        if let Err(error) = app.reload_settings().await {
            tracing::warn!(error = format!("{error:#}"), "the settings can't be read");
        }
        if let Err(error) = app.keys.reload() {
            tracing::warn!(error = format!("{error:#}"), "the root key can't be read");
        }
        let now = app.clock.now();
        if now >= swept.plus(SWEEP_EVERY) {
            swept = now;
            if let Err(error) = sweep(&app).await {
                tracing::warn!(error = format!("{error:#}"), "ended sign-ins can't be removed");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// Mails that were given up are counted on the admin's page so long.
const MAILS_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// Removes what ended a week ago, and mails given up a month ago.
pub async fn sweep(app: &App) -> Result<()> {
    let mut write = app.db.write("sweep").await?;
    store::sweep(&mut write, app.clock.now().minus(KEPT)).await?;
    notices::sweep(&mut write, app.clock.now().minus(MAILS_KEPT)).await?;
    write.commit().await?;
    Ok(())
}
