//! What a request or a job can reach: the database, the clock, the keys, the outside world.
use crate::clock::Clock;
use crate::curriculum::programs::Programs;
use crate::db::Db;
use crate::secrets::Keys;
use std::sync::{Arc, RwLock};
use tokio_util::sync::CancellationToken;

/// Cheap to clone; one for the process.
#[derive(Debug, Clone)]
pub struct App {
    pub db: Db,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    /// The versions of the program; `serve` and `work` start it.
    pub programs: Programs,
    /// The public address, without a trailing slash.
    pub url: Arc<str>,
    /// Whether the database is a demo's.
    pub demo: bool,
    /// Cancelled when the process is told to stop: streams end, workers finish what they hold.
    pub stop: CancellationToken,
    name: Arc<RwLock<String>>,
}

impl App {
    pub fn new(db: Db, clock: Clock, keys: Keys, url: &str, demo: bool) -> App {
        let name = Arc::new(RwLock::new("Groundcrew".to_owned()));
        App { db, clock, keys: Arc::new(keys), programs: Programs::default(), url: url.into(), demo, stop: CancellationToken::new(), name }
    }

    pub fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// What the portal is called.
    pub fn name(&self) -> String {
        self.name.read().map_or_else(|_| "Groundcrew".to_owned(), |n| n.clone())
    }

    pub fn rename(&self, to: &str) {
        if let Ok(mut name) = self.name.write() {
            to.clone_into(&mut name);
        }
    }
}
