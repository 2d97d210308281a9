//! The people of the tests: a portal in this process, and persons who open its pages and press its buttons.
mod cohort;
mod html;
mod person;
mod portal;
mod postgres;

#[allow(unused_imports, reason = "each test takes what it needs")]
pub use {
    html::Page,
    person::{Person, Reply, request},
    portal::{NOW, PASSWORD, Portal, Setup},
};

/// What requests that were sent at once were answered, the lowest status first.
pub async fn answers<const N: usize>(tries: [tokio::task::JoinHandle<u16>; N]) -> Vec<u16> {
    let mut answers = Vec::new();
    for answer in tries {
        answers.push(answer.await.unwrap());
    }
    answers.sort_unstable();
    answers
}

/// Runs each `async fn name(portal: Portal)` on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[tokio::test]
            async fn on_sqlite() {
                let portal = crate::people::Portal::start(groundcrew::db::Engine::Sqlite).await.unwrap();
                super::$name(portal).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                if let Some(portal) = crate::people::Portal::start(groundcrew::db::Engine::Postgres).await {
                    super::$name(portal).await;
                }
            }
        })+
    };
}
