//! Where a student stands: a lab's score, a week's share, a skill's level, and what to do next. Pure.
pub mod next;
pub mod pages;
pub mod skills;
pub mod store;
pub mod stuck;

use crate::cohorts::{Enrolment, EnrolmentId};
use crate::curriculum::{Lab, LabId, Program, Week, calendar};
use crate::db::values::{Row, Timestamp};
use crate::engine::check::Kind;
use crate::gradings::{self, Came};
use crate::reviews;
use crate::submissions::SubmissionId;
use std::collections::{BTreeMap, HashMap};

/// How long returned work stays open at the credit of its first hand-in.
pub const RETURNED: std::time::Duration = std::time::Duration::from_secs(5 * 86_400);

/// How long after hidden checks are revealed one hand-in keeps full credit.
pub const REVEALED: std::time::Duration = std::time::Duration::from_secs(72 * 3_600);

/// One submission with what decides its worth.
#[derive(Debug, Clone, Row)]
pub struct Attempt {
    pub submission: SubmissionId,
    pub enrolment: EnrolmentId,
    pub lab: LabId,
    pub number: i64,
    pub received: Timestamp,
    /// None while it waits for its grading.
    pub outcome: Option<Came>,
    pub score: Option<i64>,
    pub open: Option<i64>,
    pub max: Option<i64>,
    pub hidden_score: Option<i64>,
    pub hidden_max: Option<i64>,
    pub review: Option<reviews::State>,
    pub review_due: Option<Timestamp>,
    /// When it was first sent back.
    pub returned: Option<Timestamp>,
    pub override_score: Option<i64>,
    pub defended: Option<Timestamp>,
    /// Rubric points given by the review.
    pub marks: i64,
    pub marked: i64,
}

impl Attempt {
    pub fn url(&self) -> String {
        format!("/submissions/{}", self.submission)
    }

    /// Until when it may be answered at the credit of the first hand-in, if it was sent back.
    pub fn returned_until(&self) -> Option<Timestamp> {
        self.returned.map(|at| at.plus(RETURNED))
    }

    /// Its points before late credit: an override, or what was graded and marked. None while it has none.
    pub fn points(&self) -> Option<i64> {
        match self.outcome? {
            Came::Graded => Some(self.override_score.unwrap_or(self.score.unwrap_or(0) + self.marks)),
            Came::NotGradable | Came::Broken => self.override_score,
        }
    }

    /// Points nobody can say yet. A review marks the whole rubric or nothing of it.
    pub fn still_open(&self, lab: &Lab) -> i64 {
        let rubric: u32 = lab.checks.iter().filter(|c| matches!(c.kind, Kind::Rubric { .. })).map(|c| c.points).sum();
        let marked = if self.marked > 0 { i64::from(rubric) } else { 0 };
        if self.override_score.is_some() { 0 } else { (self.open.unwrap_or(0) - marked).max(0) }
    }

    /// What a list says of it, with the tone of its badge.
    pub fn came(&self, lab: &Lab) -> (String, &'static str) {
        let max = i64::from(lab.points);
        match (self.outcome, self.points()) {
            (None, _) => ("being graded".to_owned(), "info"),
            (Some(_), Some(points)) => {
                let open = self.still_open(lab);
                let waiting = if open > 0 { format!(", {open} open") } else { String::new() };
                (format!("{points} of {max}{waiting}"), gradings::tone(Came::Graded, points, open, max))
            }
            (Some(Came::Broken), None) => ("our grader failed; cost no attempt".to_owned(), "info"),
            (Some(_), None) => ("not gradable; cost no attempt".to_owned(), "mute"),
        }
    }

    /// Percent of a lab's points before late credit.
    fn percent_of(&self, lab: &Lab) -> Option<i64> {
        Some(self.points()? * 100 / i64::from(lab.points.max(1)))
    }

    /// The same as its student may see it while hidden checks are hidden.
    fn without_hidden(mut self) -> Attempt {
        self.score = self.score.map(|s| s - self.hidden_score.unwrap_or(0));
        self.open = self.open.map(|o| o + self.hidden_max.unwrap_or(0));
        self
    }
}

/// An explicit score for a whole lab, signed by staff.
#[derive(Debug, Clone, Row)]
pub struct LabOverride {
    pub enrolment: EnrolmentId,
    pub lab: LabId,
    pub score: i64,
    pub reason: String,
}

/// Who is looking: a student doesn't see what hidden checks said before the due time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eyes {
    Student,
    Staff,
}

/// Where one enrolment stands in one lab.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    pub lab: &'a Lab,
    pub due: Timestamp,
    pub steps: Vec<calendar::Step>,
    /// The newest first.
    pub attempts: Vec<Attempt>,
    /// Best credited score; None while nothing gradable was handed in.
    pub best: Option<i64>,
    /// Best score before late credit: what skills are proved by.
    pub raw: Option<i64>,
    /// Points of the best attempt that are still open.
    pub open: i64,
    pub overridden: bool,
}

impl Standing<'_> {
    /// The percent of its points that a hand-in keeps. PRODUCT.md §3: by when it was received; one that answers a returned
    /// one as the first was; the first after hidden checks were revealed keeps everything.
    pub fn kept(&self, attempt: &Attempt) -> u32 {
        let first = self.gradable().map(|a| a.received).min();
        let at = match first {
            Some(first) if self.answers_returned(attempt) => first.min(attempt.received),
            _ => attempt.received,
        };
        if self.is_first_after_reveal(attempt) { 100 } else { calendar::percent(&self.steps, at) }
    }

    /// Its points after late credit, to the nearest whole point; None while it has none.
    pub fn credit(&self, attempt: &Attempt) -> Option<i64> {
        attempt.points().map(|points| (points * i64::from(self.kept(attempt)) + 50) / 100)
    }

    /// The attempt whose score counts: the best credited one, the earliest of equals.
    pub fn top(&self) -> Option<&Attempt> {
        self.gradable().max_by_key(|a| (self.credit(a), std::cmp::Reverse(a.number)))
    }

    fn gradable(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|a| a.points().is_some())
    }

    fn answers_returned(&self, attempt: &Attempt) -> bool {
        let open = |b: &Attempt| b.returned.is_some_and(|from| (from..from.plus(RETURNED)).contains(&attempt.received));
        self.attempts.iter().any(|b| b.number < attempt.number && open(b))
    }

    fn is_first_after_reveal(&self, attempt: &Attempt) -> bool {
        let within = |a: &&Attempt| self.due < a.received && a.received <= self.due.plus(REVEALED);
        let first = self.gradable().filter(within).map(|a| a.number).min();
        self.lab.hidden().0 > 0 && first == Some(attempt.number)
    }

    pub fn percent(&self) -> Option<i64> {
        self.best.map(|best| best * 100 / i64::from(self.lab.points.max(1)))
    }

    pub fn is_passed(&self, program: &Program) -> bool {
        self.best.is_some_and(|best| best >= i64::from(program.passing(self.lab)))
    }

    /// Whether open points alone keep it from being passed: graduation can't fail on it.
    pub fn is_provisional(&self, program: &Program) -> bool {
        !self.is_passed(program) && self.best.is_some_and(|best| best + self.open >= i64::from(program.passing(self.lab)))
    }

    pub fn is_waiting(&self) -> bool {
        self.attempts.first().is_some_and(|a| a.outcome.is_none())
    }

    /// The newest attempt, if it was sent back.
    pub fn returned(&self) -> Option<&Attempt> {
        self.attempts.first().filter(|a| a.review == Some(reviews::State::Returned))
    }

    /// For a badge or a meter.
    pub fn tone(&self, program: &Program) -> &'static str {
        match self.best {
            None => "mute",
            Some(_) if self.is_passed(program) => "go",
            Some(_) => "hold",
        }
    }
}

/// Where one enrolment stands in the whole program.
#[derive(Debug)]
pub struct Book<'a> {
    pub program: &'a Program,
    pub standings: BTreeMap<LabId, Standing<'a>>,
    pub week: i64,
    pub now: Timestamp,
}

/// A week in numbers.
#[derive(Debug, Clone)]
pub struct WeekState {
    pub number: u32,
    pub title: String,
    pub url: String,
    /// Of its required points; labs not handed in count 0.
    pub percent: i64,
    /// done, now, behind, open or locked.
    pub state: &'static str,
}

impl<'a> Book<'a> {
    /// Puts together what `store` loaded for one enrolment.
    pub fn new(
        program: &'a Program,
        enrolment: &Enrolment,
        attempts: Vec<Attempt>,
        dues: &HashMap<LabId, Timestamp>,
        overrides: &[LabOverride],
        eyes: Eyes,
        now: Timestamp,
    ) -> Book<'a> {
        let ends = calendar::ends(&enrolment.starts, &enrolment.zone, program.length());
        let mut by_lab: HashMap<LabId, Vec<Attempt>> = HashMap::new();
        for attempt in attempts {
            by_lab.entry(attempt.lab.clone()).or_default().push(attempt);
        }
        let standings = program.labs().map(|lab| {
            let plain = calendar::due(&program.timeline, &enrolment.starts, &enrolment.zone, lab.week);
            let due = dues.get(&lab.id).copied().unwrap_or(plain);
            let steps = calendar::steps(&program.timeline, due, &enrolment.zone, ends);
            let mut attempts = by_lab.remove(&lab.id).unwrap_or_default();
            if eyes == Eyes::Student && now < due {
                attempts = attempts.into_iter().map(Attempt::without_hidden).collect();
            }
            attempts.sort_by_key(|a| std::cmp::Reverse(a.number));
            let signed = overrides.iter().find(|o| o.lab == lab.id).map(|o| o.score);
            (lab.id.clone(), standing(lab, due, steps, attempts, signed))
        });
        let standings = standings.collect();
        let week = calendar::week_at(&enrolment.starts, &enrolment.zone, now);
        Book { program, standings, week, now }
    }

    /// Whether a lab that another one needs is passed, or past its due time: PRODUCT.md §3. One that isn't there asks for nothing.
    pub fn is_met(&self, need: &LabId) -> bool {
        self.standings.get(need).is_none_or(|s| s.is_passed(self.program) || s.due <= self.now)
    }

    pub fn of_week(&self, week: &'a Week) -> impl Iterator<Item = &Standing<'a>> {
        week.labs.iter().filter_map(|id| self.standings.get(id))
    }

    /// Percent of a week's required points that are earned; None for a week without required labs.
    pub fn week_percent(&self, week: &'a Week) -> Option<i64> {
        let required: Vec<_> = self.of_week(week).filter(|s| s.lab.required).collect();
        let max: i64 = required.iter().map(|s| i64::from(s.lab.points)).sum();
        (max > 0).then(|| required.iter().filter_map(|s| s.best).sum::<i64>() * 100 / max)
    }

    pub fn weeks(&'a self) -> Vec<WeekState> {
        self.program.weeks.iter().map(|week| self.week_state(week)).collect()
    }

    fn week_state(&self, week: &'a Week) -> WeekState {
        let percent = self.week_percent(week).unwrap_or(0);
        let number = i64::from(week.number);
        let passed = percent >= i64::from(self.program.pass);
        let state = if number > self.week {
            "locked"
        } else if number == self.week {
            "now"
        } else if passed || self.week_percent(week).is_none() {
            "done"
        } else {
            "behind"
        };
        WeekState { number: week.number, title: week.title.clone(), url: week.url(), percent, state }
    }

    /// Percent of all points of the program, and of those that were due by now.
    pub fn shares(&self) -> (i64, Option<i64>) {
        let share = |due_only: bool| {
            let counted = self.standings.values().filter(|s| s.lab.required && (!due_only || s.due <= self.now));
            let (earned, max) = counted.fold((0, 0), |(e, m), s| (e + s.best.unwrap_or(0), m + i64::from(s.lab.points)));
            (max > 0).then(|| earned * 100 / max)
        };
        (share(false).unwrap_or(0), share(true))
    }

    /// The newest graded attempts over all labs.
    pub fn latest(&self, most: usize) -> Vec<(&Standing<'a>, &Attempt)> {
        let mut all: Vec<_> = self.standings.values().flat_map(|s| s.attempts.iter().map(move |a| (s, a))).collect();
        all.sort_by_key(|(_, a)| std::cmp::Reverse(a.received));
        all.truncate(most);
        all
    }
}

/// A lab's score is the best credited one of its gradable submissions, unless staff signed another.
fn standing<'a>(lab: &'a Lab, due: Timestamp, steps: Vec<calendar::Step>, attempts: Vec<Attempt>, signed: Option<i64>) -> Standing<'a> {
    let standing = Standing { lab, due, best: signed, raw: signed, open: 0, overridden: signed.is_some(), steps, attempts };
    if standing.overridden {
        return standing;
    }
    let top = standing.top();
    let best = top.and_then(|a| standing.credit(a));
    let open = top.map_or(0, |a| a.still_open(lab));
    let raw = standing.gradable().filter_map(Attempt::points).max();
    Standing { best, raw, open, ..standing }
}

#[cfg(test)]
mod tests;
