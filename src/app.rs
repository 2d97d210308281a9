//! What a request or a job can reach: the database, the clock, the keys, the outside world.
use crate::clock::Clock;
use crate::curriculum::programs::Programs;
use crate::db::Db;
use crate::engine::pool::Pool;
use crate::notices::work::Post;
use crate::secrets::Keys;
use crate::settings::Settings;
use crate::web::live::Live;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use tokio::sync::Notify;
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
    pub outside: Arc<Outside>,
    /// The children that grade.
    pub graders: Pool,
    /// Told when a job was pushed in this process, so that a worker need not wait for its next look.
    pub pushed: Arc<Notify>,
    /// Who watches what in this process.
    pub live: Live,
    settings: Arc<RwLock<Arc<Settings>>>,
}

impl App {
    pub fn new(db: Db, clock: Clock, keys: Keys, url: &str, demo: bool) -> App {
        let outside = Arc::new(Outside::default());
        let programs = Programs::default();
        // Replaced by `grading_with`; a process that never grades starts no child.
        let graders = Pool::new(PathBuf::from("groundcrew"), 1);
        App {
            db,
            clock,
            keys: Arc::new(keys),
            programs,
            url: url.into(),
            demo,
            stop: CancellationToken::new(),
            outside,
            graders,
            pushed: Arc::default(),
            live: Live::default(),
            settings: Arc::default(),
        }
    }

    /// The same with what stands round it.
    #[must_use]
    pub fn reaching(self, outside: Outside) -> App {
        App { outside: Arc::new(outside), ..self }
    }

    /// The same with these children to grade.
    #[must_use]
    pub fn grading_with(self, graders: Pool) -> App {
        App { graders, ..self }
    }

    /// How many gradings run side by side in this process.
    pub fn grader_count(&self) -> i64 {
        i64::try_from(self.graders.size()).unwrap_or(1)
    }

    pub fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// What an admin adjusted, as it was read last.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Reads the settings again: at the start, after a change, and now and then for what another replica changed.
    pub async fn reload_settings(&self) -> anyhow::Result<()> {
        let new = crate::settings::store::get(&mut *self.db.read().await?).await?;
        *self.settings.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(new);
        Ok(())
    }

    /// What the portal is called.
    pub fn name(&self) -> String {
        self.settings().name.clone()
    }
}

/// What stands round the portal, from the settings of the process.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// How mail leaves.
    pub post: Post,
    /// Proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// What /metrics asks for.
    pub metrics_token: Option<String>,
}
