//! The pages of the program: weeks, lessons, labs, the syllabus, the rules.
pub mod labs;
pub mod programs;
pub mod quiz;
pub mod rules;
pub mod syllabus;
pub mod weeks;

use super::{Lab, Program, Week, calendar};
use crate::app::App;
use crate::cohorts::{self, Cohort, CohortId};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Error, Result};
use crate::progress::pages::{self as progress, Loaded};
use crate::web::Visitor;
use std::sync::Arc;

/// The program as somebody sees it: a student by their enrolment's calendar, staff with everything open.
pub struct View {
    pub program: Arc<Program>,
    /// What addresses begin with: nothing, or `/cohorts/{id}` for staff.
    pub base: String,
    /// The name of the cohort staff look at.
    pub cohort: Option<String>,
    /// The Monday of week 1 and the zone; none for an admin without a cohort.
    dates: Option<(String, String)>,
    pub student: Option<Loaded>,
}

impl View {
    /// What `/weeks` and `/labs` mean for a visitor: their current enrolment; for staff without one, the cohort they teach.
    pub async fn of_visitor(app: &App, conn: &mut Conn, visitor: &Visitor) -> Result<View> {
        if let Some(enrolment) = visitor.enrolment() {
            let loaded = progress::load(app, conn, enrolment).await?;
            let dates = Some((enrolment.starts.clone(), enrolment.zone.clone()));
            return Ok(View { program: loaded.program.clone(), base: String::new(), cohort: None, dates, student: Some(loaded) });
        }
        if let Some(taught) = visitor.teaching.first() {
            return View::of_cohort(app, conn, visitor, &taught.cohort).await;
        }
        if !visitor.person.is_admin() {
            return Err(Error::NotAllowed);
        }
        let program = app.programs.current().ok_or(Error::NotFound)?;
        Ok(View { program, base: String::new(), cohort: None, dates: None, student: None })
    }

    /// A cohort's program for its staff; for other staff it isn't there.
    pub async fn of_cohort(app: &App, conn: &mut Conn, visitor: &Visitor, id: &CohortId) -> Result<View> {
        if !visitor.oversees(id) {
            return Err(Error::NotFound);
        }
        let Cohort { name, program, starts, zone, .. } = cohorts::store::cohort(conn, id).await?.ok_or(Error::NotFound)?;
        let program = app.programs.get(conn, &program).await?;
        Ok(View { program, base: format!("/cohorts/{id}"), cohort: Some(name), dates: Some((starts, zone)), student: None })
    }

    pub fn is_staff(&self) -> bool {
        self.student.is_none()
    }

    /// The zone that due times are in.
    pub fn zone(&self) -> &str {
        self.dates.as_ref().map_or("UTC", |(_, zone)| zone)
    }

    pub fn opens(&self, week: u32) -> Option<Timestamp> {
        self.dates.as_ref().map(|(starts, zone)| calendar::opens(starts, zone, week))
    }

    pub fn is_open(&self, week: u32, now: Timestamp) -> bool {
        self.is_staff() || self.opens(week).is_some_and(|opens| opens <= now)
    }

    /// When a week's labs are due for the cohort.
    pub fn due(&self, week: u32) -> Option<Timestamp> {
        self.dates.as_ref().map(|(starts, zone)| calendar::due(&self.program.timeline, starts, zone, week))
    }

    /// The number of the week it is now, 0 without a calendar.
    pub fn this_week(&self, now: Timestamp) -> i64 {
        self.dates.as_ref().map_or(0, |(starts, zone)| calendar::week_at(starts, zone, now))
    }

    pub fn week_url(&self, week: &Week) -> String {
        format!("{}{}", self.base, week.url())
    }

    pub fn lab_url(&self, lab: &Lab) -> String {
        format!("{}{}", self.base, lab.url())
    }
}

/// Templates may write `{{ lesson.html }}`: what Markdown's renderer made needs no filter to be shown as it is.
impl askama::filters::HtmlSafe for super::markdown::Html {}

/// The same moment in the visitor's own zone, where it reads differently there.
fn elsewhere(at: Timestamp, zone: &str, own: &str) -> Option<String> {
    let (there, here) = (crate::web::filters::in_zone(at, zone), crate::web::filters::in_zone(at, own));
    (there != here).then_some(here)
}
