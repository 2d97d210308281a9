//! Keeps up with what other processes change: settings on another replica's page, the root key by `groundcrew keys rotate`.
use crate::app::App;
use std::time::Duration;

const PAUSE: Duration = Duration::from_secs(20);

/// Runs until the process stops; in every process, since each keeps the settings and the keys in memory.
pub async fn run(app: App) {
    while !app.stop.is_cancelled() {
        if let Err(error) = app.reload_settings().await {
            tracing::warn!(error = format!("{error:#}"), "the settings can't be read");
        }
        if let Err(error) = app.keys.reload() {
            tracing::warn!(error = format!("{error:#}"), "the root key can't be read");
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = app.stop.cancelled() => {}
        }
    }
}
