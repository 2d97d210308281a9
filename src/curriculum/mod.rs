//! The 16 weeks as content: what a program, a week and a lab are, and what follows from them.
#[cfg(feature = "server")]
pub mod calendar;
mod check_file;
mod cost_file;
#[cfg(feature = "server")]
pub mod highlight;
mod lab_file;
mod lesson_file;
pub mod load;
#[cfg(feature = "server")]
pub mod markdown;
mod names;
#[cfg(feature = "server")]
pub mod pages;
mod plan_file;
mod program_file;
#[cfg(feature = "server")]
pub mod programs;
pub mod quiz_file;
pub mod read;
#[cfg(test)]
mod read_tests;
pub mod rehearsal;
mod scenario_file;
#[cfg(feature = "server")]
pub mod store;
pub mod tree;

use crate::engine::{Check, Checks, File, glob};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The number of the content's format; part of a lab's hash, so that a new reading of the same files is a new lab version.
pub const FORMAT: u32 = 1;

/// A lab's permanent name: `chat-in-a-quota`. It is in addresses and in every submission.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabId(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a lab's id is made of a to z, 0 to 9 and -, at most 60 of them")]
pub struct NotALabId;

impl LabId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of its page.
    pub fn url(&self) -> String {
        format!("/labs/{}", self.0)
    }
}

impl FromStr for LabId {
    type Err = NotALabId;
    fn from_str(text: &str) -> Result<LabId, NotALabId> {
        let good = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if text.is_empty() || text.len() > 60 || text.starts_with('-') || !text.bytes().all(good) {
            return Err(NotALabId);
        }
        Ok(LabId(text.to_owned()))
    }
}

impl TryFrom<String> for LabId {
    type Error = NotALabId;
    fn try_from(text: String) -> Result<LabId, NotALabId> {
        text.parse()
    }
}

impl From<LabId> for String {
    fn from(id: LabId) -> String {
        id.0
    }
}

impl fmt::Display for LabId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for LabId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(feature = "server")]
crate::text_column!(LabId);

/// One version of the whole content, named by its hash.
#[derive(Debug, Clone)]
pub struct Program {
    /// SHA-256 over the sorted paths and contents of its files, in hex.
    pub hash: String,
    pub title: String,
    /// Percent of a lab's points that pass it.
    pub pass: u32,
    pub skills: Vec<SkillInfo>,
    pub timeline: Timeline,
    pub graduation: Graduation,
    pub weeks: Vec<Week>,
    pub roles: Vec<TargetRole>,
    pub presets: Vec<Preset>,
    pub(crate) labs: BTreeMap<LabId, Lab>,
}

/// A skill that AI companies hire for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillInfo {
    pub id: String,
    pub title: String,
    pub about: String,
}

/// When a week's labs are due and what late work keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    pub weekday: jiff::civil::Weekday,
    pub time: jiff::civil::Time,
    /// Hours after the due time that still keep everything.
    pub grace_hours: u32,
    /// The steps after the grace, in order; the last one lasts to the program's end.
    pub late: Vec<Late>,
}

/// One step of late credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    /// How long it lasts; to the program's end when absent.
    pub days: Option<u32>,
    pub percent: u32,
}

/// What graduation takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graduation {
    /// Percent needed in every required lab.
    pub required_percent: u32,
    /// The lab that must be defended.
    pub capstone: Option<LabId>,
}

/// One of the sixteen.
#[derive(Debug, Clone)]
pub struct Week {
    pub number: u32,
    /// Its folder in `labs/`.
    pub dir: String,
    pub title: String,
    /// What one can show an employer after it.
    pub outcome: String,
    /// Reading time of the lesson.
    pub minutes: u32,
    pub skills: Vec<String>,
    /// Markdown, without its front matter. Empty while the week has no lesson yet.
    pub lesson: String,
    /// Its labs in order, the quiz last.
    pub labs: Vec<LabId>,
}

/// A job the program prepares for, and the level of each skill it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRole {
    pub id: String,
    pub title: String,
    pub pay: String,
    pub demand: String,
    pub source: String,
    pub levels: BTreeMap<String, u32>,
}

/// A sandbox's named size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    pub id: String,
    pub title: String,
    pub cpu: Amounts,
    pub memory: Amounts,
    pub pods: u32,
    pub storage: String,
    pub pvcs: u32,
    /// Extended resources and how many; what isn't named is 0.
    pub gpu: BTreeMap<String, u32>,
    pub minutes: u32,
    pub idle_minutes: u32,
    pub longest_minutes: u32,
    /// Whether its GPUs are pretended.
    pub simulated: bool,
}

/// Kubernetes quantities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amounts {
    pub request: String,
    pub limit: String,
}

/// One exercise; a quiz is one whose hand-in is its answers.
#[derive(Debug, Clone)]
pub struct Lab {
    pub id: LabId,
    pub title: String,
    pub week: u32,
    pub minutes: u32,
    /// The checks sum to it.
    pub points: u32,
    /// Whether graduation counts it.
    pub required: bool,
    /// The level of each skill that a full score proves.
    pub skills: BTreeMap<String, u32>,
    pub accepts: Accepts,
    /// Labs to pass first.
    pub needs: Vec<LabId>,
    pub review: ReviewPolicy,
    /// How many gradable hand-ins there may be; no end when absent.
    pub attempts: Option<u32>,
    /// Id of the preset its sandbox has.
    pub sandbox: Option<String>,
    pub checks: Vec<Check>,
    /// What the student begins with.
    pub start: Vec<File>,
    /// What its checks are told beside the hand-in: nodes, load traces. Students may read them.
    pub given: Vec<File>,
    /// Markdown.
    pub instructions: String,
    /// The names of its wrong hand-ins, for the demo's one click.
    pub mistakes: Vec<String>,
    /// SHA-256 over the format's number, the paths and the contents of its folder, in hex.
    pub hash: String,
    pub is_quiz: bool,
}

/// Which files a hand-in may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepts {
    /// Globs such as `*.yaml`, matched against the file's name, or its path where the glob has a `/`.
    pub include: Vec<String>,
    pub max_files: usize,
    /// Of all files together.
    pub max_kib: usize,
}

/// Which hand-ins an instructor looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewPolicy {
    All,
    /// This many of every hundred.
    Sample(u32),
    OnRequest,
}

impl Program {
    pub fn lab(&self, id: &LabId) -> Option<&Lab> {
        self.labs.get(id)
    }

    /// Every lab, week by week.
    pub fn labs(&self) -> impl Iterator<Item = &Lab> {
        self.weeks.iter().flat_map(|week| self.labs_of(week))
    }

    pub fn week(&self, number: u32) -> Option<&Week> {
        self.weeks.iter().find(|w| w.number == number)
    }

    /// A week's labs in order.
    pub fn labs_of<'a>(&'a self, week: &'a Week) -> impl Iterator<Item = &'a Lab> {
        week.labs.iter().filter_map(|id| self.labs.get(id))
    }

    pub fn skill(&self, id: &str) -> Option<&SkillInfo> {
        self.skills.iter().find(|s| s.id == id)
    }

    pub fn preset(&self, id: &str) -> Option<&Preset> {
        self.presets.iter().find(|p| p.id == id)
    }

    /// The number of the last week.
    pub fn length(&self) -> u32 {
        self.weeks.iter().map(|w| w.number).max().unwrap_or(0)
    }

    /// Points that pass a lab, rounded up.
    pub fn passing(&self, lab: &Lab) -> u32 {
        (lab.points * self.pass).div_ceil(100)
    }

    /// Points that graduation asks for in a required lab, rounded up.
    pub fn graduating(&self, lab: &Lab) -> u32 {
        (lab.points * self.graduation.required_percent).div_ceil(100)
    }
}

impl Week {
    pub fn url(&self) -> String {
        format!("/weeks/{}", self.number)
    }
}

impl Lab {
    pub fn url(&self) -> String {
        self.id.url()
    }

    /// What the engine needs of it.
    pub fn for_engine(&self) -> Checks {
        Checks { lab: self.id.to_string(), lab_hash: self.hash.clone(), checks: self.checks.clone() }
    }

    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|c| c.id == id)
    }

    /// How many checks students see only the existence of, and their points.
    pub fn hidden(&self) -> (usize, u32) {
        let hidden = self.checks.iter().filter(|c| c.hidden);
        hidden.fold((0, 0), |(n, points), c| (n + 1, points + c.points))
    }
}

impl Accepts {
    /// Whether a hand-in may hold a file of this path.
    pub fn admits(&self, path: &str) -> bool {
        self.include.iter().any(|g| glob::matches(g, path))
    }

    /// `*.yaml, *.md · at most 10 files, 128 KiB`
    pub fn in_words(&self) -> String {
        let files = if self.max_files == 1 { "file".to_owned() } else { format!("{} files", self.max_files) };
        let most = if self.max_files == 1 { format!("one {files}") } else { format!("at most {files}") };
        format!("{} · {most}, {} KiB", self.include.join(", "), self.max_kib)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_id_is_what_can_stand_in_an_address() {
        for good in ["chat-in-a-quota", "quiz-09", "a"] {
            assert!(good.parse::<LabId>().is_ok(), "{good}");
        }
        for bad in ["", "-x", "Chat", "a b", "../x", "a/b", "ä", &"a".repeat(61)] {
            assert!(bad.parse::<LabId>().is_err(), "{bad}");
        }
    }
}
