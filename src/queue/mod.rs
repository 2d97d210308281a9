//! Durable work: a table of jobs with leases. Knows kinds, keys and payloads, and no noun.
pub mod pages;
pub mod progress;
pub mod store;
pub mod worker;

use crate::db::values::{Row, Timestamp};
use crate::{id, words};
use std::time::Duration;

id!(JobId);
id!(
    /// Proof of a claim: whoever holds it may finish the job, nobody else.
    LeaseId
);

words!(
    State {
        Waiting = "waiting",
        Running = "running",
        Done = "done",
        /// Given up: it failed or was lost too often. Staff can try it again.
        Broken = "broken",
    }
);

words!(
    /// What a job is about; the worker's one match says who carries it out.
    Kind { Grade = "grade" }
);

/// Who goes first. Interactive work passes every regrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Interactive,
    Regrade,
}

impl Lane {
    pub fn number(self) -> i64 {
        match self {
            Lane::Interactive => 0,
            Lane::Regrade => 10,
        }
    }
}

/// A job as it is asked for, in the same write as what causes it.
#[derive(Debug, Clone)]
pub struct Push<'a> {
    pub kind: Kind,
    /// Jobs of one key run one at a time.
    pub key: &'a str,
    pub payload: serde_json::Value,
    pub lane: Lane,
    /// Whose turn it uses up: a student's enrolment.
    pub owner: &'a str,
}

/// A job as it stands.
#[derive(Debug, Clone, Row)]
pub struct Job {
    pub id: JobId,
    pub kind: Kind,
    pub key: String,
    pub payload: String,
    pub lane: i64,
    pub owner: String,
    pub created: Timestamp,
    pub run_after: Timestamp,
    pub state: State,
    pub claims: i64,
    pub failures: i64,
    pub lease: Option<LeaseId>,
    pub finished: Option<Timestamp>,
    pub error: Option<String>,
}

/// How long a claim holds without a heartbeat, and how often the heart beats.
pub const LEASE: Duration = Duration::from_secs(15);
pub const HEARTBEAT: Duration = Duration::from_secs(4);
/// So often may the work itself fail (its child died, its lab can't be read) before the job is broken.
pub const MOST_FAILURES: i64 = 3;
/// So often may a worker vanish with it. Higher, because restarts of the portal are no fault of the job's;
/// what a hand-in can break dies in a child and counts as a failure.
pub const MOST_CLAIMS: i64 = 12;

impl Job {
    /// Whether it has had all its chances and must be given up.
    pub fn is_spent(&self) -> bool {
        self.failures >= MOST_FAILURES || self.claims > MOST_CLAIMS
    }

    /// How long to wait after a failure: longer each time.
    pub fn back_off(&self) -> Duration {
        Duration::from_secs(match self.failures {
            0 => 1,
            1 => 4,
            _ => 15,
        })
    }
}

/// Where a job stands in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Jobs that will start before it; 0 when it is next or running.
    pub ahead: i64,
    pub running: bool,
    /// Seconds until it is done, from how long the last jobs of its kind took.
    pub estimate_s: i64,
}
