//! Cohorts for tests: the embedded program in its week 9, people with roles in it, grading to its end.
use super::person::Person;
use super::portal::{PASSWORD, Portal};
use groundcrew::cohorts::{CohortId, store as cohorts};
use groundcrew::queue::{State, store as queue, worker};
use std::time::Duration;

impl Portal {
    /// A cohort on the embedded program, in its ninth week.
    pub async fn cohort(&self, name: &str) -> CohortId {
        if self.app.programs.current().is_none() {
            self.app.programs.start(&self.app.db, &self.app.clock, None).await.unwrap();
        }
        let program = self.app.programs.current().expect("the suite is built with the program");
        let id = CohortId::new();
        let mut write = self.app.db.write("test").await.unwrap();
        sqlx::query("INSERT INTO cohorts (id, name, program, starts, zone, created) VALUES ($1, $2, $3, '2026-09-28', 'Europe/Berlin', $4)")
            .bind(&id)
            .bind(name)
            .bind(program.hash.as_str())
            .bind(self.clock.now())
            .execute(&mut *write)
            .await
            .unwrap();
        write.commit().await.unwrap();
        id
    }

    /// A student of a cohort, signed in.
    pub async fn student(&self, name: &str, email: &str, cohort: &CohortId) -> Person {
        let mut person = self.person(name, email).await;
        let id = self.who(email).await.id;
        let mut write = self.app.db.write("test").await.unwrap();
        cohorts::enrol(&mut write, cohort, &id, self.clock.now()).await.unwrap();
        write.commit().await.unwrap();
        person.signs_in().await;
        person
    }

    /// An instructor of a cohort, signed in.
    pub async fn instructor(&self, name: &str, email: &str, cohort: &CohortId) -> Person {
        let mut person = self.person(name, email).await;
        let id = self.who(email).await.id;
        let mut write = self.app.db.write("test").await.unwrap();
        cohorts::add_instructor(&mut write, cohort, &id, self.clock.now()).await.unwrap();
        write.commit().await.unwrap();
        person.signs_in().await;
        person
    }

    /// Somebody who runs the installation, signed in.
    pub async fn signed_in_admin(&self, name: &str, email: &str) -> Person {
        let mut person = self.admin(name, email).await;
        assert_eq!(person.password, PASSWORD);
        person.signs_in().await;
        person
    }

    /// Works off the queue, with children of the real program, until nothing waits.
    pub async fn grades(&self) {
        let workers = worker::start(&self.app, 2);
        for _ in 0..600 {
            let counts = queue::counts(&mut self.app.db.read().await.unwrap(), self.clock.now()).await.unwrap();
            if counts.iter().all(|(state, n)| !matches!(state, State::Waiting | State::Running) || *n == 0) {
                for worker in workers {
                    worker.abort();
                }
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the queue isn't empty after 30 s");
    }
}
