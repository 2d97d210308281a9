//! A portal in this process: its own database, a clock that stands still, no socket.
use super::person::Person;
use super::postgres;
use axum::Router;
use groundcrew::accounts::{Email, NewPerson, Person as Account, passwords, store as accounts};
use groundcrew::app::{App, Outside};
use groundcrew::clock::Clock;
use groundcrew::cohorts::{CohortId, store as cohorts};
use groundcrew::db::values::Timestamp;
use groundcrew::db::{Db, Engine};
use groundcrew::engine::pool::Pool;
use groundcrew::secrets::Keys;
use groundcrew::web::routes;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Clone)]
pub struct Portal {
    pub app: App,
    pub clock: Clock,
    pub engine: Engine,
    router: Router,
    home: Arc<Home>,
}

impl std::fmt::Debug for Portal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Portal({:?})", self.engine)
    }
}

/// How a test's portal differs from the usual one.
#[derive(Debug, Clone)]
pub struct Setup {
    pub url: &'static str,
    pub demo: bool,
    pub outside: Outside,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup { url: "http://portal.test", demo: false, outside: Outside::default() }
    }
}

/// What is removed at the end.
struct Home {
    dir: PathBuf,
    url: String,
    database: Option<String>,
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
        if let Some(name) = &self.database {
            postgres::drop_database(name);
        }
    }
}

/// Tuesday of the demo's week 9, in the morning.
pub const NOW: &str = "2026-11-24T09:00:00Z";
/// Every account that a test makes has it.
pub const PASSWORD: &str = "four plain words";

impl Portal {
    /// A portal on an engine; none where there is no PostgreSQL and nobody requires it.
    pub async fn start(engine: Engine) -> Option<Portal> {
        Portal::set_up(engine, Setup::default()).await
    }

    pub async fn set_up(engine: Engine, setup: Setup) -> Option<Portal> {
        let dir = std::env::temp_dir().join(format!("groundcrew-test-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&dir).unwrap();
        let (url, database) = match engine {
            Engine::Sqlite => (format!("sqlite://{}?mode=rwc", dir.join("groundcrew.db").display()), None),
            Engine::Postgres => {
                let (url, name) = postgres::new_database().await?;
                (url, Some(name))
            }
        };
        let db = Db::open(&url).await.unwrap();
        let home = Arc::new(Home { dir, url, database });
        let now: jiff::Timestamp = NOW.parse().unwrap();
        let clock = Clock::standing(Timestamp::from(now));
        let app = App::new(db, clock.clone(), Keys::random().unwrap(), setup.url, setup.demo).reaching(setup.outside);
        let app = app.grading_with(Pool::new(PathBuf::from(env!("CARGO_BIN_EXE_groundcrew")), 2));
        let router = routes::router(app.clone());
        Some(Portal { app, clock, engine, router, home })
    }

    pub fn router(&self) -> Router {
        self.router.clone()
    }

    pub fn origin(&self) -> String {
        self.app.url.to_string()
    }

    pub fn host(&self) -> String {
        self.app.url.split("://").nth(1).unwrap().to_owned()
    }

    /// A folder of this test alone.
    pub fn dir(&self) -> &std::path::Path {
        &self.home.dir
    }

    /// The address of this test's database.
    pub fn database(&self) -> &str {
        &self.home.url
    }

    /// Lets time pass.
    pub fn wait(&self, span: std::time::Duration) {
        self.clock.set(self.clock.now().plus(span));
    }

    /// Somebody without an account.
    pub fn visitor(&self) -> Person {
        Person::new(self, "nobody@example.org", "")
    }

    /// An account with [`PASSWORD`], not signed in yet.
    pub async fn person(&self, name: &str, email: &str) -> Person {
        self.account(name, email, false).await;
        Person::new(self, email, PASSWORD)
    }

    /// Somebody who runs the installation, not signed in yet.
    pub async fn admin(&self, name: &str, email: &str) -> Person {
        self.account(name, email, true).await;
        Person::new(self, email, PASSWORD)
    }

    async fn account(&self, name: &str, email: &str, admin: bool) {
        let hash = passwords::hash(PASSWORD).await.unwrap();
        let email: Email = email.parse().unwrap();
        let mut write = self.app.db.write("test").await.unwrap();
        let new = NewPerson { email: &email, name, password: Some(&hash), zone: "Europe/Berlin", admin };
        accounts::create(&mut write, &new, self.clock.now()).await.unwrap();
        write.commit().await.unwrap();
    }

    /// A cohort on a stored version of the program; `starts` is the Monday of its week 1.
    pub async fn begins_cohort(&self, name: &str, program: &str, starts: &str, zone: &str) -> CohortId {
        let id = CohortId::new();
        let mut write = self.app.db.write("test").await.unwrap();
        sqlx::query("INSERT INTO cohorts (id, name, program, starts, zone, created) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(&id)
            .bind(name)
            .bind(program)
            .bind(starts)
            .bind(zone)
            .bind(self.clock.now())
            .execute(&mut *write)
            .await
            .unwrap();
        write.commit().await.unwrap();
        id
    }

    /// Makes somebody a student of a cohort.
    pub async fn enrols(&self, cohort: &CohortId, email: &str) {
        let person = self.who(email).await.id;
        let mut write = self.app.db.write("test").await.unwrap();
        cohorts::enrol(&mut write, cohort, &person, self.clock.now()).await.unwrap();
        write.commit().await.unwrap();
    }

    /// Makes somebody an instructor of a cohort.
    pub async fn teaches(&self, cohort: &CohortId, email: &str) {
        let person = self.who(email).await.id;
        let mut write = self.app.db.write("test").await.unwrap();
        cohorts::add_instructor(&mut write, cohort, &person, self.clock.now()).await.unwrap();
        write.commit().await.unwrap();
    }

    /// The account behind an address.
    pub async fn who(&self, email: &str) -> Account {
        let mut conn = self.app.db.read().await.unwrap();
        accounts::by_email(&mut conn, &email.parse().unwrap()).await.unwrap().unwrap_or_else(|| panic!("{email} has no account"))
    }
}
