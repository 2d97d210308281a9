//! What an author's rehearsal finds: each lab's solution, start and mistakes graded and held against what they must lead to.
use super::lab_file::{self, below, expectation};
use super::quiz_file::{ANSWERS, right_answers};
use super::tree::{Fault, Faults};
use super::{Lab, Program};
use crate::engine::check::Kind;
use crate::engine::child::Phase;
use crate::engine::errand::{Back, Errand};
use crate::engine::grade::Outside;
use crate::engine::report::{Because, Graded, Outcome};
use crate::engine::runner::Runner;
use crate::engine::{self, File, Files, Finding, Report, Surroundings};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// The rehearsal of one lab.
#[derive(Debug)]
pub struct Rehearsed {
    pub lab: String,
    /// `100 of 100`, for a quiz the lowest of its variants.
    pub solution: String,
    pub start: String,
    /// Mistakes that led to what they must, and how many there are.
    pub mistakes: (usize, usize),
    /// Points no check could give here, for want of a tool.
    pub ungraded: u32,
    pub faults: Vec<Fault>,
    pub took: Duration,
}

/// Grades everything in a lab's folder.
pub fn rehearse(program: &Program, lab: &Lab, files: &[File], runner: &Runner) -> Rehearsed {
    let started = Instant::now();
    let all = RefCell::new(Vec::new());
    let week = program.week(lab.week).map_or("", |w| w.dir.as_str());
    let mut done = if lab.is_quiz { quiz(lab, week, runner, &all) } else { folder(lab, &format!("{week}/{}", lab.id), files, runner, &all) };
    done.faults = all.into_inner();
    done.faults.sort();
    done.took = started.elapsed();
    done
}

fn empty(lab: &Lab) -> Rehearsed {
    let (solution, start) = (String::new(), String::new());
    Rehearsed { lab: lab.id.to_string(), solution, start, mistakes: (0, 0), ungraded: 0, faults: Vec::new(), took: Duration::ZERO }
}

fn grade(lab: &Lab, files: Vec<File>, attempt: u32, runner: &Runner) -> Report {
    engine::grade(&lab.for_engine(), &Files::new(files), &Surroundings { attempt }, &mut Tools(runner))
}

/// The labs are ours: they are graded in this process, and their tools run as anybody's.
struct Tools<'a>(&'a Runner);

impl Outside for Tools<'_> {
    fn told(&mut self, _: Phase) {}

    fn carry_out(&mut self, errand: &Errand) -> Back {
        self.0.carry_out(errand, &mut |_| {})
    }
}

fn folder(lab: &Lab, dir: &str, files: &[File], runner: &Runner, all: &RefCell<Vec<Fault>>) -> Rehearsed {
    let inside = below(files, dir);
    let yaml = inside.iter().find(|f| f.path == "lab.yaml").map(|f| String::from_utf8_lossy(&f.bytes).into_owned()).unwrap_or_default();
    let file = format!("{dir}/lab.yaml");
    let faults = Faults::new(&file, all);
    let mut done = empty(lab);

    let report = grade(lab, below(&inside, "solution"), 1, runner);
    done.solution = score(&report);
    done.ungraded = ungraded(&report);
    if report.outcome != Graded::Graded {
        faults.say(1, format!("the solution can't be graded: {}", report.message.unwrap_or_default()));
    }
    for finding in report.findings.iter().filter(|f| !is_good(f)) {
        faults.say(line_of_check(&yaml, &finding.check), format!("the solution doesn't pass `{}`: {}", finding.check, said(finding, "solution")));
    }

    let start: Vec<File> = below(&inside, "start").into_iter().filter(|f| lab.accepts.admits(&f.path)).collect();
    let report = grade(lab, start, 1, runner);
    done.start = score(&report);
    if report.outcome == Graded::Graded && report.findings.iter().all(is_good) {
        faults.say(1, "the start already passes every check: nothing is left to do");
    }

    let report = grade(lab, nothing(lab), 1, runner);
    if report.score * 100 > lab.points * MOST_FOR_NOTHING {
        let words = "checks that only ask for something to be absent need a gate that asks for what must be there";
        faults.say(1, format!("a file that answers nothing scores {}: {words}", score(&report)));
    }

    let names = lab_file::mistakes(&inside);
    for name in &names {
        if mistake(lab, dir, name, &below(&inside, &format!("mistakes/{name}")), runner, all) {
            done.mistakes.0 += 1;
        }
    }
    done.mistakes.1 = names.len();
    done
}

/// Percent of a lab's points that a file without an answer may score.
const MOST_FOR_NOTHING: u32 = 10;

/// A hand-in that can be read and says nothing, in the languages the lab takes.
fn nothing(lab: &Lab) -> Vec<File> {
    let said = [("nothing.yaml", "nothing: here\n"), ("nothing.tf", "locals {\n  nothing = 0\n}\n")];
    let taken = said.into_iter().filter(|(path, _)| lab.accepts.admits(path));
    taken.map(|(path, text)| File { path: path.into(), bytes: text.into() }).collect()
}

/// Whether a mistake leads to exactly what its expect.yaml says.
fn mistake(lab: &Lab, dir: &str, name: &str, files: &[File], runner: &Runner, all: &RefCell<Vec<Fault>>) -> bool {
    let path = format!("{dir}/mistakes/{name}/expect.yaml");
    let before = all.borrow().len();
    let faults = Faults::new(&path, all);
    let (expected, handed_in): (Vec<File>, Vec<File>) = files.iter().cloned().partition(|f| f.path == "expect.yaml");
    let Some(expected) = expected.first().and_then(|f| expectation(&f.bytes, &faults)) else { return false };
    let report = grade(lab, handed_in, 1, runner);
    if report.outcome != Graded::Graded {
        faults.say(1, format!("the mistake can't be graded: {}", report.message.clone().unwrap_or_default()));
    }
    let found = |id: &str| report.findings.iter().find(|f| f.check == id);
    for (id, line) in &expected.fails {
        if let Some(finding) = found(id).filter(|f| f.outcome != Outcome::Failed && !is_away(f)) {
            faults.say(*line, format!("`{id}` must fail, but {}", said(finding, name)));
        }
    }
    for (id, line) in &expected.passes {
        if let Some(finding) = found(id).filter(|f| f.outcome != Outcome::Passed && !is_away(f)) {
            faults.say(*line, format!("`{id}` must pass, but {}", said(finding, name)));
        }
    }
    let surprises = report.findings.iter().filter(|f| matches!(f.outcome, Outcome::Failed | Outcome::Error));
    for finding in surprises.filter(|f| !expected.fails.iter().chain(&expected.passes).any(|(id, _)| *id == f.check)) {
        faults.say(1, format!("`{}` isn't named under `fails`, but {}", finding.check, said(finding, name)));
    }
    let faults = all.borrow().len();
    faults == before
}

/// Every variant's right answers score everything, no answers nothing.
fn quiz(lab: &Lab, week: &str, runner: &Runner, all: &RefCell<Vec<Fault>>) -> Rehearsed {
    let file = format!("{week}/quiz.yaml");
    let faults = Faults::new(&file, all);
    let most = |check: &engine::Check| match &check.kind {
        Kind::Quiz(question) => question.variants.len(),
        _ => 1,
    };
    let attempts = u32::try_from(lab.checks.iter().map(most).max().unwrap_or(1)).unwrap_or(1);
    let mut done = empty(lab);
    let mut lowest = None;
    for attempt in 1..=attempts {
        let answers = |text: String| vec![File { path: ANSWERS.into(), bytes: text.into_bytes() }];
        let report = grade(lab, answers(right_answers(&lab.checks, attempt)), attempt, runner);
        for finding in report.findings.iter().filter(|f| f.outcome != Outcome::Passed) {
            faults.say(1, format!("the right answer to `{}` is not accepted in variant {attempt}: {}", finding.check, finding.message));
        }
        lowest = Some(lowest.map_or(report.score, |low: u32| low.min(report.score)));
        let nothing = grade(lab, answers("{}\n".into()), attempt, runner);
        if nothing.score > 0 {
            faults.say(1, format!("no answers score {} points in variant {attempt}", nothing.score));
        }
        done.start = score(&nothing);
    }
    done.solution = format!("{} of {}", lowest.unwrap_or(0), lab.points);
    done
}

fn score(report: &Report) -> String {
    match (report.outcome, report.open) {
        (Graded::Graded, 0) => format!("{} of {}", report.score, report.max),
        (Graded::Graded, open) => format!("{} of {}, {open} open", report.score, report.max),
        _ => "not gradable".to_owned(),
    }
}

/// Passed, or waiting for somebody or something that isn't here.
fn is_good(finding: &Finding) -> bool {
    finding.outcome == Outcome::Passed || is_away(finding)
}

fn is_away(finding: &Finding) -> bool {
    finding.outcome == Outcome::Skipped && finding.because != Some(Because::Gate)
}

fn ungraded(report: &Report) -> u32 {
    report.findings.iter().filter(|f| is_away(f) && f.because != Some(Because::Review)).map(|f| f.max).sum()
}

/// What a finding says, with its place.
fn said(finding: &Finding, folder: &str) -> String {
    let word = match finding.outcome {
        Outcome::Passed => "it passes",
        Outcome::Failed => "it fails",
        Outcome::Skipped => "it is skipped",
        Outcome::Error => "it could not be carried out",
    };
    let place = match (&finding.file, finding.line) {
        (Some(file), Some(line)) => format!(" at {folder}/{file}:{line}"),
        _ => String::new(),
    };
    format!("{word}{place}: {}", finding.message)
}

/// The line of a `lab.yaml` on which a check says its id.
fn line_of_check(yaml: &str, id: &str) -> u32 {
    let says = |line: &str| {
        let rest = line.split_once("id: ").map(|(_, rest)| rest.trim_start_matches(['"', '\'']));
        rest.and_then(|rest| rest.strip_prefix(id)).is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-'))
    };
    (1..).zip(yaml.lines()).find(|(_, line)| says(line)).map_or(1, |(n, _)| n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_found_by_its_id() {
        let yaml = "id: lab\nchecks:\n  - { id: valid-not, kind: x }\n  - { id: valid, kind: x }\n  - id: next\n";
        assert_eq!(line_of_check(yaml, "valid"), 4);
        assert_eq!(line_of_check(yaml, "next"), 5);
        assert_eq!(line_of_check(yaml, "nowhere"), 1);
    }
}
