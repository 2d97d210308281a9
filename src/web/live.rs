//! Event streams: one poller a process reads the progress rows that somebody watches and fans them out.
use crate::app::App;
use crate::queue::progress::{self, Step};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// How often the rows are read while anybody watches.
const POLL: Duration = Duration::from_millis(500);
/// How often a stream asks whether its watcher may still watch.
const RECHECK: Duration = Duration::from_secs(20);
/// Rows are looked for this far back, so that none is missed between two looks.
const OVERLAP: Duration = Duration::from_secs(5);

/// Who watches what in this process.
#[derive(Debug, Clone, Default)]
pub struct Live(Arc<Mutex<Watched>>);

/// By subject: where its steps are sent, each with its number.
type Watched = HashMap<String, broadcast::Sender<(i64, Step)>>;

impl Live {
    fn subscribe(&self, subject: &str) -> broadcast::Receiver<(i64, Step)> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.entry(subject.to_owned()).or_insert_with(|| broadcast::channel(256).0).subscribe()
    }

    /// The subjects somebody still watches; the others are forgotten.
    fn subjects(&self) -> Vec<String> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|_, sender| sender.receiver_count() > 0);
        watched.keys().cloned().collect()
    }

    fn tell(&self, subject: &str, seq: i64, step: Step) {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = watched.get(subject) {
            // Nobody left to hear it is no failure.
            let _ = sender.send((seq, step));
        }
    }
}

/// The process's one poller; asks the database nothing while nobody watches.
pub async fn poll(app: App) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = app.stop.cancelled() => return,
        }
        let subjects = app.live.subjects();
        if subjects.is_empty() {
            continue;
        }
        let since = app.clock.now().minus(OVERLAP);
        let rows = match app.db.read().await {
            Ok(mut conn) => progress::since(&mut conn, &subjects, since).await,
            Err(error) => Err(error),
        };
        match rows {
            Ok(rows) => rows.into_iter().for_each(|(subject, seq, step)| app.live.tell(&subject, seq, step.0)),
            Err(error) => tracing::warn!(%error, "progress can't be read"),
        }
    }
}

/// Streams a subject's steps from `Last-Event-ID` on: `progress` events, then one `done`. Ends there, at the process's stop,
/// and soon after `may_watch` says no (a revoked sign-in).
pub fn watch<M, F>(app: &App, subject: String, headers: &HeaderMap, may_watch: M) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<M, F>>
where
    M: Fn() -> F + Send + 'static,
    F: Future<Output = bool> + Send + 'static,
{
    let from: i64 = headers.get("last-event-id").and_then(|h| h.to_str().ok()).and_then(|h| h.parse().ok()).unwrap_or(0);
    let (sender, receiver) = tokio::sync::mpsc::channel(16);
    let app = app.clone();
    tokio::spawn(async move {
        let stop = app.stop.clone();
        let streaming = stream(app, subject, from, sender, may_watch);
        tokio::select! {
            () = streaming => {}
            () = stop.cancelled() => {}
        }
    });
    let events = tokio_stream::wrappers::ReceiverStream::new(receiver);
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// A stream of something that is over: its last step, and the end.
pub fn ended(step: &Step) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    Sse::new(futures::stream::iter([Ok(event(i64::MAX, step))]))
}

async fn stream<F: Future<Output = bool> + Send>(
    app: App,
    subject: String,
    mut seen: i64,
    sender: tokio::sync::mpsc::Sender<Result<Event, Infallible>>,
    may_watch: impl Fn() -> F + Send,
) {
    // Subscribe first, then read what was before: nothing falls between, and `seq` drops what comes twice.
    let mut steps = app.live.subscribe(&subject);
    let mut recheck = tokio::time::interval(RECHECK);
    loop {
        let heard: Vec<(i64, Step)> = tokio::select! {
            step = steps.recv() => match step {
                Ok(step) => vec![step],
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            // The first tick comes at once: what was said before. The later ones find what the poller looked past.
            _ = recheck.tick() => {
                if !may_watch().await {
                    return;
                }
                after(&app, &subject, seen).await
            }
            () = sender.closed() => return,
        };
        for (seq, step) in heard {
            if seq <= seen {
                continue;
            }
            seen = seq;
            if sender.send(Ok(event(seq, &step))).await.is_err() || step.last {
                return;
            }
        }
    }
}

/// A subject's steps after `seen`; none when the database is away, the next look will find them.
async fn after(app: &App, subject: &str, seen: i64) -> Vec<(i64, Step)> {
    let rows = match app.db.read().await {
        Ok(mut conn) => progress::after(&mut conn, subject, seen).await,
        Err(error) => Err(error),
    };
    rows.unwrap_or_default().into_iter().map(|(_, seq, step)| (seq, step.0)).collect()
}

fn event(seq: i64, step: &Step) -> Event {
    let name = if step.last { "done" } else { "progress" };
    let data = serde_json::to_string(step).unwrap_or_default();
    Event::default().id(seq.to_string()).event(name).data(data)
}
