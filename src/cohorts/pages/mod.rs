//! A cohort's pages for its staff: who is in it, how everybody stands, and what staff change.
pub mod admin;
pub mod changes;
pub mod gradebook;
pub mod import;
pub mod invitations;
pub mod list;
pub mod overview;
pub mod people;
pub mod student;
pub mod versions;

use super::roster::{Member, store as roster};
use super::{Cohort, CohortId, EnrolmentId, store};
use crate::app::App;
use crate::curriculum::{LabId, Program, calendar};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Error, Result};
use crate::progress::{Attempt, Book, Eyes, LabOverride, store as progress};
use crate::web::Visitor;
use std::collections::HashMap;
use std::sync::Arc;

/// A cohort for somebody who oversees it; for everybody else it isn't there.
pub async fn overseen(conn: &mut Conn, visitor: &Visitor, id: &CohortId) -> Result<Cohort> {
    if !visitor.oversees(id) {
        return Err(Error::NotFound);
    }
    store::cohort(conn, id).await?.ok_or(Error::NotFound)
}

/// One of its students, for the same people.
pub async fn overseen_member(conn: &mut Conn, visitor: &Visitor, id: &CohortId, enrolment: &EnrolmentId) -> Result<(Cohort, Member)> {
    let cohort = overseen(conn, visitor, id).await?;
    let member = roster::member(conn, id, enrolment).await?.ok_or(Error::NotFound)?;
    Ok((cohort, member))
}

impl Cohort {
    /// Where its staff see it.
    pub fn url(&self) -> String {
        format!("/cohorts/{}", self.id)
    }

    /// `28 Sep 2026 to 17 Jan 2027`, for a program of so many weeks.
    pub fn dates(&self, weeks: u32) -> String {
        dates(&self.starts, weeks)
    }
}

/// A run's first and last day in words.
pub fn dates(starts: &str, weeks: u32) -> String {
    let Ok(first) = starts.parse::<jiff::civil::Date>() else { return starts.to_owned() };
    let last = first.checked_add(jiff::Span::new().days(i64::from(weeks) * 7 - 1)).unwrap_or(first);
    format!("{} to {}", first.strftime("%-d %b %Y"), last.strftime("%-d %b %Y"))
}

/// Everything a cohort's overview and gradebook are made from, in five statements whatever the number of students.
pub struct Roll {
    pub cohort: Cohort,
    pub program: Arc<Program>,
    /// Those who take part or did, by name.
    pub members: Vec<Member>,
    attempts: HashMap<EnrolmentId, Vec<Attempt>>,
    dues: HashMap<EnrolmentId, HashMap<LabId, Timestamp>>,
    overrides: HashMap<EnrolmentId, Vec<LabOverride>>,
    pub now: Timestamp,
}

impl Roll {
    pub async fn load(app: &App, conn: &mut Conn, cohort: Cohort) -> Result<Roll> {
        let program = app.programs.get(conn, &cohort.program).await?;
        let members = roster::members(conn, &cohort.id).await?;
        let mut attempts: HashMap<EnrolmentId, Vec<Attempt>> = HashMap::new();
        for attempt in progress::attempts_of_cohort(conn, &cohort.id).await? {
            attempts.entry(attempt.enrolment.clone()).or_default().push(attempt);
        }
        let mut overrides: HashMap<EnrolmentId, Vec<LabOverride>> = HashMap::new();
        for signed in progress::overrides_of_cohort(conn, &cohort.id).await? {
            overrides.entry(signed.enrolment.clone()).or_default().push(signed);
        }
        let dues = roster::moved_dues(conn, &cohort.id).await?;
        Ok(Roll { cohort, program, members, attempts, dues, overrides, now: app.clock.now() })
    }

    /// Each student's book, as staff see it.
    pub fn books(&self) -> Vec<(&Member, Book<'_>)> {
        let none = HashMap::new();
        let book = |member: &Member| {
            let attempts = self.attempts.get(&member.id).cloned().unwrap_or_default();
            let dues = self.dues.get(&member.id).unwrap_or(&none);
            let overrides = self.overrides.get(&member.id).map_or(&[][..], Vec::as_slice);
            Book::new(&self.program, &member.enrolment(&self.cohort), attempts, dues, overrides, Eyes::Staff, self.now)
        };
        self.members.iter().map(|member| (member, book(member))).collect()
    }

    pub fn week(&self) -> i64 {
        calendar::week_at(&self.cohort.starts, &self.cohort.zone, self.now)
    }
}
