//! Runs of the program with dates, and who takes part in them as what.
pub mod first_admin;
pub mod import;
pub mod pages;
pub mod roster;
pub mod store;

use crate::accounts::PersonId;
use crate::db::values::{Row, Timestamp};
use crate::{id, words};

id!(CohortId);
id!(
    /// One student in one cohort.
    EnrolmentId
);
impl CohortId {
    /// Guard of who is in the cohort, invited to it, and what it is called.
    pub fn guard(&self) -> String {
        format!("cohort:{self}")
    }
}

impl EnrolmentId {
    /// Guard of all that is one student's: their attempts, gradings with the numbers of their steps, due times and signed scores.
    pub fn guard(&self) -> String {
        format!("enrolment:{self}")
    }
}

id!(GroupId);
id!(InvitationId);

words!(
    /// Where an enrolment stands.
    Status { Invited = "invited", Active = "active", Deferred = "deferred", Completed = "completed", Withdrawn = "withdrawn", Removed = "removed" }
);

words!(
    /// What an invitation makes of whoever follows it.
    Role { Student = "student", Instructor = "instructor", Admin = "admin" }
);

/// One run of the program.
#[derive(Debug, Clone, Row)]
pub struct Cohort {
    pub id: CohortId,
    pub name: String,
    /// Hash of the program version it stays on.
    pub program: String,
    /// The Monday of week 1, `2026-09-28`.
    pub starts: String,
    /// IANA name; due times are in it.
    pub zone: String,
    pub created: Timestamp,
    pub archived: Option<Timestamp>,
}

/// A cohort as it is opened.
#[derive(Debug, Clone, Copy)]
pub struct NewCohort<'a> {
    pub name: &'a str,
    /// Hash of the program version it stays on.
    pub program: &'a str,
    pub starts: &'a str,
    pub zone: &'a str,
}

/// A student's place in a cohort, with what the pages need of the cohort.
#[derive(Debug, Clone, Row)]
pub struct Enrolment {
    pub id: EnrolmentId,
    pub cohort: CohortId,
    pub cohort_name: String,
    pub program: String,
    pub starts: String,
    pub zone: String,
    pub person: PersonId,
    pub status: Status,
    /// Percent of the normal time: 100, 125, 150 or 200.
    pub factor: i64,
    /// When its cohort was put into the archive.
    pub archived: Option<Timestamp>,
}

impl Enrolment {
    /// Why its student may only read; None for whoever may hand in.
    pub fn read_only(&self) -> Option<&'static str> {
        match self.status {
            _ if self.archived.is_some() => Some("This cohort is in the archive: its work can be read, and nothing more can be handed in."),
            Status::Active => None,
            _ => Some("This enrolment is over: its work can be read, and nothing more can be handed in."),
        }
    }
}

/// A cohort somebody teaches.
#[derive(Debug, Clone, Row)]
pub struct Teaching {
    pub cohort: CohortId,
    pub name: String,
}

/// A link that makes whoever follows it a student, an instructor or an admin; it works once.
#[derive(Debug, Clone, Row)]
pub struct Invitation {
    pub id: InvitationId,
    /// Whom it is for; a link without an address is for whoever holds it.
    pub email: Option<String>,
    pub name: Option<String>,
    pub role: Role,
    /// None for an admin.
    pub cohort: Option<CohortId>,
    pub cohort_name: Option<String>,
    pub created: Timestamp,
    pub created_by: Option<PersonId>,
    pub expires: Timestamp,
    pub used: Option<Timestamp>,
    pub used_by: Option<PersonId>,
}

impl Invitation {
    /// Whether following it still does something.
    pub fn works(&self, now: Timestamp) -> bool {
        self.used.is_none() && self.expires > now
    }

    /// Whether somebody with this address may accept it.
    pub fn is_for(&self, email: &str) -> bool {
        self.email.as_deref().is_none_or(|e| e == email)
    }
}

/// An invitation as it is made; only the hash of its token is stored.
#[derive(Debug, Clone, Copy)]
pub struct NewInvitation<'a> {
    pub token_hash: &'a str,
    pub email: Option<&'a str>,
    pub name: Option<&'a str>,
    pub role: Role,
    pub cohort: Option<&'a CohortId>,
    pub created_by: Option<&'a PersonId>,
    pub expires: Timestamp,
}
