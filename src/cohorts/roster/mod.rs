//! Who is in a cohort, as its staff see and change it.
pub mod store;

use super::{Cohort, CohortId, Enrolment, EnrolmentId, Status};
use crate::accounts::{Email, PersonId};
use crate::curriculum::LabId;
use crate::db::values::{Row, Timestamp};
use crate::id;

id!(ExtensionId);

/// A cohort in a list, with how many take part.
#[derive(Debug, Clone, Row)]
pub struct Listed {
    pub id: CohortId,
    pub name: String,
    pub program: String,
    pub starts: String,
    pub zone: String,
    pub archived: Option<Timestamp>,
    pub students: i64,
    pub instructors: i64,
    /// Invitations nobody followed yet.
    pub invited: i64,
}

/// A student of a cohort with their name.
#[derive(Debug, Clone, Row)]
pub struct Member {
    pub id: EnrolmentId,
    pub person: PersonId,
    pub name: String,
    pub email: Email,
    pub status: Status,
    pub factor: i64,
    pub created: Timestamp,
}

impl Member {
    /// The same as the rules know it.
    pub fn enrolment(&self, cohort: &Cohort) -> Enrolment {
        Enrolment {
            id: self.id.clone(),
            cohort: cohort.id.clone(),
            cohort_name: cohort.name.clone(),
            program: cohort.program.clone(),
            starts: cohort.starts.clone(),
            zone: cohort.zone.clone(),
            person: self.person.clone(),
            status: self.status,
            factor: self.factor,
            archived: cohort.archived,
        }
    }

    /// Where staff see everything of theirs.
    pub fn url(&self, cohort: &CohortId) -> String {
        format!("/cohorts/{cohort}/students/{}", self.id)
    }

    /// Whether they take part now.
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// For a badge.
    pub fn tone(&self) -> &'static str {
        match self.status {
            Status::Active | Status::Completed => "go",
            Status::Invited | Status::Deferred => "hold",
            Status::Withdrawn | Status::Removed => "mute",
        }
    }
}

/// Somebody who teaches a cohort.
#[derive(Debug, Clone, Row)]
pub struct Instructor {
    pub person: PersonId,
    pub name: String,
    pub email: Email,
}

/// A due time moved for one student or one group.
#[derive(Debug, Clone, Row)]
pub struct Extension {
    pub id: ExtensionId,
    pub lab: LabId,
    pub due: Timestamp,
    pub reason: String,
    pub created: Timestamp,
    pub by_name: Option<String>,
    /// Of the group it is for; none when it is the student's own.
    pub group_name: Option<String>,
}
