//! Runs tools over hostile files in a box: own namespaces, a read-only system, no network, limits that are kept from outside.
//!
//! Required are bubblewrap's namespaces, an empty environment, rlimits and the wall clock; Landlock, seccomp and a control group are
//! added where the kernel has them. Without what is required nothing runs, and whoever asked is told why.
mod bubblewrap;
mod cgroup;
pub mod doctor;
mod inside;
mod landlocked;
mod probe;
mod seccomp;
mod shelf;
mod watch;
mod wire;

pub use bubblewrap::{Boxes, Running, found};
pub use inside::main as hand;
pub use probe::main as probe;
pub use shelf::Folder;

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// What may be used in a box. Sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest time by the clock for all steps together.
    pub wall: Duration,
    /// CPU seconds of one process.
    pub cpu_seconds: u64,
    /// Memory that all processes hold together.
    pub memory: u64,
    /// Address space of one process.
    pub address_space: u64,
    /// Largest file.
    pub file: u64,
    /// Everything written.
    pub disk: u64,
    /// Processes and threads.
    pub tasks: u64,
    /// What one step may print.
    pub output: usize,
}

/// A file or folder of this machine that is seen in a box, read-only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub host: PathBuf,
    /// Where it stands in the box.
    pub inside: String,
    /// Whether it may be executed, if the kernel can tell.
    pub runs: bool,
}

/// One program to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub name: String,
    /// The program's path in the box, then its arguments.
    pub command: Vec<String>,
    pub folder: String,
    pub environment: Vec<(String, String)>,
    /// Longest time by the clock.
    pub wall: Duration,
    /// Goes on beside the steps after it, which wait until this loopback port answers. With `/sockets` it is reached from outside by a
    /// socket of the step's name.
    pub serves: Option<u16>,
    /// Whether the steps after it make no sense when it fails.
    pub decides: bool,
}

/// What to do in a box.
#[derive(Debug, Clone)]
pub struct Work {
    pub limits: Limits,
    pub seen: Vec<Seen>,
    /// Files of the box, by their paths below `/given`; copied to `/work`, where they may be written.
    pub files: Vec<(String, Vec<u8>)>,
    /// A folder of this machine in which the box may make sockets, seen as `/sockets`.
    pub sockets: Option<PathBuf>,
    /// Loopback ports that may be connected to and bound.
    pub ports: Vec<u16>,
    pub steps: Vec<Step>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stepped {
    pub name: String,
    /// The exit code; none when it was killed.
    pub code: Option<i32>,
    #[serde(with = "crate::engine::files::text_or_bytes")]
    pub out: Vec<u8>,
    #[serde(with = "crate::engine::files::text_or_bytes")]
    pub err: Vec<u8>,
    /// Whether it printed more than is kept.
    pub cut: bool,
    /// Whether it was stopped because it took longer than it may.
    pub late: bool,
    pub took: Duration,
}

/// How everything in a box ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Every step ran that had to.
    Finished,
    /// Stopped for the clock, memory or number of processes, in words.
    Stopped(String),
    /// The box itself broke: ours to answer for.
    Broken(String),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Came {
    pub fate: Fate,
    pub steps: Vec<Stepped>,
    /// What was in force, in words: `namespaces`, `rlimits`, `landlock 6`, `seccomp`, `cgroup v2`.
    pub confinement: Vec<String>,
    /// Most memory that was seen in use, in bytes.
    pub peak: u64,
}

impl Came {
    pub fn step(&self, name: &str) -> Option<&Stepped> {
        self.steps.iter().find(|s| s.name == name)
    }
}

impl Stepped {
    pub fn is_good(&self) -> bool {
        self.code == Some(0)
    }
}

/// What the box's own hand is told; see `inside`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Orders {
    limits: Limits,
    /// Paths that may be executed.
    runs: Vec<String>,
    ports: Vec<u16>,
    /// Whether `/sockets` may be written.
    sockets: bool,
    steps: Vec<Step>,
}

/// What the box's own hand says.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Said {
    /// What it put itself under.
    Under(Vec<String>),
    /// It begins this step.
    Begins(String),
    Stepped(Stepped),
    /// It is done.
    Ends,
}
