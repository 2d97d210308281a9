//! What a grading asks of the tools outside of its own process, and what comes back.
use super::File;
use super::confine::{Fate, Stepped};
use super::report::Version;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// Terraform over these files, in a box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// Paths below the folder in which everything may be written.
    pub files: Vec<File>,
    /// The resource and data types that occur: whatever else the provider knows isn't told to terraform.
    pub types: BTreeSet<String>,
    pub commands: Vec<Command>,
    pub cloud: Cloud,
}

/// What stands where the cloud would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cloud {
    /// Nothing: requests go nowhere.
    None,
    /// A mock that is only asked.
    Reads,
    /// A mock that is made for this errand alone; what it holds at the end comes back as the step `cloud`.
    Changes,
}

/// One run of terraform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// By this it is found again.
    pub name: String,
    /// What is being done, for those who wait: `Planning`.
    pub says: String,
    /// The folder, below the one of the files.
    pub folder: String,
    pub arguments: Vec<String>,
    /// Whether the commands after it make no sense when it fails.
    pub decides: bool,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Back {
    Done(Done),
    /// It could not be tried: a tool or a way to contain it is missing, in words for whoever runs the portal.
    Away(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    pub fate: Fate,
    pub steps: Vec<Stepped>,
    /// What was used and in force: terraform, its provider, the way to it, the confinement.
    pub versions: Vec<Version>,
    /// The provider's version, such as 5.100.0.
    pub provider: String,
    pub took: Duration,
    /// Most memory that was in use beside the shared provider, in bytes.
    pub peak: u64,
}

impl Done {
    pub fn step(&self, name: &str) -> Option<&Stepped> {
        self.steps.iter().find(|s| s.name == name)
    }
}
