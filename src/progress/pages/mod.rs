//! A student's own pages: home, skills, all submissions.
pub mod home;
pub mod skills;
pub mod submissions;

use super::{Book, Eyes, store};
use crate::app::App;
use crate::cohorts::{self, Enrolment};
use crate::curriculum::{LabId, Program};
use crate::db::Conn;
use crate::error::Result;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What an enrolment's pages are made from; `book()` borrows it.
pub struct Loaded {
    pub program: Arc<Program>,
    pub enrolment: Enrolment,
    attempts: Vec<super::Attempt>,
    dues: std::collections::HashMap<LabId, crate::db::values::Timestamp>,
    overrides: Vec<super::LabOverride>,
    pub guided: BTreeSet<LabId>,
    now: crate::db::values::Timestamp,
}

/// Loads an enrolment's work in four statements.
pub async fn load(app: &App, conn: &mut Conn, enrolment: &Enrolment) -> Result<Loaded> {
    Ok(Loaded {
        program: app.programs.get(conn, &enrolment.program).await?,
        attempts: store::attempts(conn, &enrolment.id).await?,
        dues: cohorts::store::moved_dues(conn, &enrolment.id).await?,
        overrides: store::overrides(conn, &enrolment.id).await?,
        guided: store::guided(conn, &enrolment.id).await?,
        enrolment: enrolment.clone(),
        now: app.clock.now(),
    })
}

impl Loaded {
    pub fn book(&self, eyes: Eyes) -> Book<'_> {
        Book::new(&self.program, &self.enrolment, self.attempts.clone(), &self.dues, &self.overrides, eyes, self.now)
    }
}
