//! Files handed in for one lab at one moment, and how soon after another.
pub mod api;
pub mod intake;
pub mod pages;
pub mod store;

use crate::cohorts::EnrolmentId;
use crate::curriculum::LabId;
use crate::db::values::{Row, Timestamp};
use crate::{id, words};
use std::time::Duration;

id!(SubmissionId);

words!(
    /// How the files came.
    Via { Upload = "upload", Editor = "editor", Quiz = "quiz", Sandbox = "sandbox", Cli = "cli", Api = "api", Demo = "demo" }
);

/// A hand-in, never changed afterwards.
#[derive(Debug, Clone, Row)]
pub struct Submission {
    pub id: SubmissionId,
    pub enrolment: EnrolmentId,
    pub lab: LabId,
    /// Counts all of the enrolment's hand-ins for the lab, from 1.
    pub number: i64,
    /// The receipt: when the request's head arrived.
    pub received: Timestamp,
    pub via: Via,
    pub program: String,
    pub lab_hash: String,
    /// Which variant of a quiz was asked, from 1.
    pub variant: i64,
    pub statement: String,
}

impl Submission {
    pub fn url(&self) -> String {
        format!("/submissions/{}", self.id)
    }

    /// What its progress rows are filed under.
    pub fn subject(&self) -> String {
        subject(&self.id)
    }
}

/// What a submission's progress rows are filed under.
pub fn subject(id: &SubmissionId) -> String {
    format!("submission:{id}")
}

/// One file of a submission.
#[derive(Debug, Clone, Row)]
pub struct StoredFile {
    pub path: String,
    pub size: i64,
    pub bytes: Vec<u8>,
}

impl StoredFile {
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// Between two hand-ins for the same lab.
pub const PACE: Duration = Duration::from_secs(60);

/// Whether a hand-in comes too soon after the last one; then how many seconds are left.
pub fn too_soon(last: Option<Timestamp>, now: Timestamp) -> Option<i64> {
    // Of two that race, the one received first may come second: it waits no longer than the pace either.
    let left = last?.plus(PACE).since(now).min(i64::try_from(PACE.as_millis()).unwrap_or(i64::MAX));
    (left > 0).then_some((left + 999) / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_lies_between_two_hand_ins() {
        assert_eq!(too_soon(None, Timestamp(0)), None);
        assert_eq!(too_soon(Some(Timestamp(0)), Timestamp(59_001)), Some(1));
        assert_eq!(too_soon(Some(Timestamp(0)), Timestamp(60_000)), None);
    }
}
