//! The audit log: who changed what and when, append-only, in ids and field names, never in names or free text.
pub mod pages;
pub mod store;

use crate::db::values::{Json, Row, Timestamp};
use crate::id;

pub use store::record;

id!(EntryId);

/// What is about to be recorded. Actions and fields are written in the source, so that nothing a person typed can get in.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Id of whoever did it; none when the portal did it by itself or from its command line.
    pub actor: Option<&'a str>,
    /// Noun and verb: `person.disabled`, `cohort.moved_to_version`.
    pub action: &'static str,
    /// Id of what it was done to.
    pub subject: &'a str,
    /// Id of the cohort it belongs to, if it belongs to one.
    pub cohort: Option<&'a str>,
    /// Names of the fields that changed, or words that say how.
    pub fields: &'a [&'static str],
}

impl<'a> Entry<'a> {
    /// An entry of no cohort that changes no field in particular.
    pub fn new(actor: Option<&'a str>, action: &'static str, subject: &'a str) -> Entry<'a> {
        Entry { actor, action, subject, cohort: None, fields: &[] }
    }

    #[must_use]
    pub fn of_cohort(self, cohort: &'a str) -> Entry<'a> {
        Entry { cohort: Some(cohort), ..self }
    }

    #[must_use]
    pub fn with(self, fields: &'a [&'static str]) -> Entry<'a> {
        Entry { fields, ..self }
    }
}

/// A line of the log as it is read.
#[derive(Debug, Clone, Row)]
pub struct Recorded {
    pub id: EntryId,
    pub at: Timestamp,
    pub actor: Option<String>,
    pub action: String,
    pub subject: String,
    pub cohort: Option<String>,
    pub fields: Json<Vec<String>>,
}

/// Which lines to read, newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only entries whose action begins with this: `person.` or a whole action.
    pub action: Option<String>,
    /// Only entries by or about one of these ids; none is every entry.
    pub about: Vec<String>,
    pub cohort: Option<String>,
    /// Only entries before this one: the last of the page before.
    pub before: Option<EntryId>,
}
