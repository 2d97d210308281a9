//! Skills and the evidence for their levels: what a lab's score, before late credit, proves.
use super::{Book, Standing};
use crate::curriculum::{LabId, SkillInfo};
use crate::db::values::Timestamp;
use std::collections::BTreeSet;

/// Levels in words, from 0.
pub const LEVELS: [&str; 5] = ["not shown yet", "aware", "guided", "alone", "under pressure"];

/// One lab that proves a level.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub lab: LabId,
    pub title: String,
    pub level: u32,
    pub percent: i64,
    /// When it was proved: the hand-in's receipt.
    pub proved: Timestamp,
    /// What would raise it.
    pub next: &'static str,
}

/// A skill with its level: the highest that is proved.
#[derive(Debug, Clone)]
pub struct Skill {
    pub id: String,
    pub title: String,
    pub about: String,
    pub level: u32,
    /// What a target role asks for; 0 for none.
    pub wanted: u32,
    /// The highest level any lab of the program can prove.
    pub reachable: u32,
    pub evidence: Vec<Evidence>,
}

impl Skill {
    pub fn word(&self) -> &'static str {
        LEVELS.get(self.level as usize).copied().unwrap_or("")
    }
}

/// Every skill of the program. `guided` are the labs where a fix was shown on request; `wanted` is a role's level by skill.
pub fn skills(book: &Book<'_>, guided: &BTreeSet<LabId>, wanted: impl Fn(&str) -> u32) -> Vec<Skill> {
    book.program.skills.iter().map(|info| skill(book, info, guided, wanted(&info.id))).collect()
}

fn skill(book: &Book<'_>, info: &SkillInfo, guided: &BTreeSet<LabId>, wanted: u32) -> Skill {
    let mut evidence: Vec<Evidence> = book.standings.values().filter_map(|s| prove(s, &info.id, guided.contains(&s.lab.id))).collect();
    evidence.sort_by_key(|e| std::cmp::Reverse((e.level, e.percent)));
    let level = evidence.iter().map(|e| e.level).max().unwrap_or(0);
    let reachable = book.program.labs().filter_map(|lab| lab.skills.get(&info.id)).copied().max().unwrap_or(0);
    Skill { id: info.id.clone(), title: info.title.clone(), about: info.about.clone(), level, wanted, reachable, evidence }
}

/// Half the points show awareness; 70 % that it works with guidance; 80 % without a shown fix, and defended, that it works alone.
pub(super) fn prove(standing: &Standing<'_>, skill: &str, guided: bool) -> Option<Evidence> {
    let most = *standing.lab.skills.get(skill)?;
    let percent = standing.raw? * 100 / i64::from(standing.lab.points.max(1));
    let best = standing.attempts.iter().filter(|a| a.points().is_some()).max_by_key(|a| a.points())?;
    // What was defended must itself be good enough: a defence of weaker work says nothing of better work handed in later.
    let defended = standing.attempts.iter().any(|a| a.defended.is_some() && a.percent_of(standing.lab).is_some_and(|p| p >= 80));
    let (level, next) = match percent {
        ..50 => return None,
        50..70 => (1, "70 % of the points"),
        70..80 => (2, "80 % of the points"),
        _ if guided => (2, "a hand-in of a like lab without a shown fix"),
        _ if !defended => (2, "a review in which you answer two questions on your own change"),
        _ => (3, "a timed drill or an incident"),
    };
    let (level, next) = if level >= most { (most, "") } else { (level, next) };
    Some(Evidence { lab: standing.lab.id.clone(), title: standing.lab.title.clone(), level, percent, proved: best.received, next })
}
