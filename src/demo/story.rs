//! Nine weeks of work: each student's hand-ins, graded by the real grader, reviewed, some of it sent back.
use super::dice;
use super::people::{Cast, Student};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::curriculum::{self, Lab, calendar};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::engine::check::{Answer, Kind, Question, Surroundings};
use crate::engine::child::Request;
use crate::engine::pool::Pool;
use crate::engine::report::{Graded, Report};
use crate::engine::{File, Files};
use crate::gradings::{self, Lane, Opened};
use crate::notices;
use crate::queue::JobId;
use crate::reviews::Mark;
use crate::reviews::store::Verdict;
use crate::reviews::{self, State};
use crate::submissions::{self, Via};
use anyhow::{Result, anyhow};
use std::collections::BTreeMap;
use std::time::Duration;

/// A ready-made hand-in of a lab with what the grader says about it.
struct Take {
    files: Files,
    report: Report,
}

/// A lab's takes: the worst first, the solution last.
type Takes = BTreeMap<String, Vec<Take>>;

const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;

/// Hands in, grades and reviews what the cast did up to now.
pub async fn tell(app: &App, cast: &Cast) -> Result<()> {
    let takes = takes(app, cast).await?;
    for student in &cast.students {
        let mut write = app.db.write(student.enrolment.id.guard()).await?;
        for lab in cast.program.labs() {
            if let Some(takes) = takes.get(lab.id.as_str()) {
                lab_story(app, &mut write, cast, student, lab, takes).await?;
            }
        }
        write.commit().await?;
    }
    Ok(())
}

/// Grades every take of every lab up to this week once; students share the reports of the takes they hand in.
async fn takes(app: &App, cast: &Cast) -> Result<Takes> {
    let now = app.clock.now();
    let (starts, zone) = cast.students.first().map(|s| (s.enrolment.starts.clone(), s.enrolment.zone.clone())).unwrap_or_default();
    let stored = curriculum::store::files(&mut *app.db.read().await?, &cast.program.hash).await?;
    let open: Vec<&Lab> = cast.program.labs().filter(|lab| calendar::opens(&starts, &zone, lab.week) <= now).collect();
    // Who looks at a demo doesn't wait for what takes half a minute each.
    let runner = app.graders.runner().applying_nothing("the demo doesn't apply what was handed in before it began");
    let graders = app.graders.with_runner(runner);
    let mut takes = Takes::new();
    let graded = futures::future::try_join_all(open.into_iter().map(|lab| lab_takes(&graders, lab, &stored))).await?;
    for (lab, mut of_lab) in graded {
        of_lab.sort_by_key(|t| t.report.score + t.report.open);
        takes.insert(lab, of_lab);
    }
    Ok(takes)
}

async fn lab_takes(graders: &Pool, lab: &Lab, stored: &[File]) -> Result<(String, Vec<Take>)> {
    let variants = if lab.is_quiz { quiz_takes(lab) } else { folder_takes(lab, stored) };
    let mut takes = Vec::new();
    for files in variants {
        let request = Request::Grade { checks: lab.for_engine(), files: files.clone(), surroundings: Surroundings::default() };
        let report = graders.grade(&request, |_| ()).await.map_err(|e| anyhow!("the demo's {} can't be graded: {e}", lab.id))?;
        takes.push(Take { files, report });
    }
    Ok((lab.id.to_string(), takes))
}

/// The lab's own folders: what students begin with, its mistakes, its solution.
fn folder_takes(lab: &Lab, stored: &[File]) -> Vec<Files> {
    let mut folders: BTreeMap<&str, Vec<File>> = BTreeMap::new();
    for file in stored {
        let Some((_, inner)) = file.path.split_once(&format!("/{}/", lab.id)) else { continue };
        let Some((folder, name)) = inner.strip_prefix("mistakes/").and_then(|m| m.split_once('/')).or_else(|| inner.split_once('/')) else {
            continue;
        };
        let wanted = inner.starts_with("mistakes/") || folder == "start" || folder == "solution";
        if wanted && name != "expect.yaml" {
            folders.entry(folder).or_default().push(File { path: name.to_owned(), bytes: file.bytes.clone() });
        }
    }
    // Four takes tell enough of a story; the demo must be there in seconds.
    let mistakes = folders.iter().filter(|(f, _)| **f != "start" && **f != "solution").map(|(_, files)| files.clone()).take(2);
    let ends = ["start", "solution"].into_iter().filter_map(|f| folders.get(f).cloned());
    ends.chain(mistakes).map(Files::new).collect()
}

/// A quiz answered right, half right, and hardly.
fn quiz_takes(lab: &Lab) -> Vec<Files> {
    let questions: Vec<(&str, &Question)> =
        lab.checks.iter().filter_map(|c| if let Kind::Quiz(q) = &c.kind { Some((c.id.as_str(), q)) } else { None }).collect();
    [questions.len(), questions.len().div_ceil(2) + 1, 1].into_iter().map(|right| quiz_files(&questions, right)).collect()
}

fn quiz_files(questions: &[(&str, &Question)], right: usize) -> Files {
    let mut text = String::new();
    for (id, question) in questions.iter().take(right) {
        let Some(variant) = question.variant(1) else { continue };
        let answer = match &variant.answer {
            Answer::One(one) => serde_json::json!(one),
            // Of accepted spellings one is enough; of ticked options all are meant.
            Answer::Many(many) if question.choose == crate::engine::check::Choose::Text => serde_json::json!(many.first()),
            Answer::Many(many) => serde_json::json!(many),
            Answer::Number { value, .. } => serde_json::json!(value),
        };
        text.push_str(&format!("{id}: {answer}\n"));
    }
    Files::new(vec![File { path: crate::engine::quiz::FILE.to_owned(), bytes: text.into_bytes() }])
}

/// What one student did in one lab: nothing, one try, or several that got better.
async fn lab_story(app: &App, conn: &mut Conn, cast: &Cast, student: &Student, lab: &Lab, takes: &[Take]) -> Result<()> {
    let now = app.clock.now();
    let enrolment = &student.enrolment;
    let throw = |what: &str| dice(&[student.name, lab.id.as_str(), what]) % 100;
    let current = calendar::week_at(&enrolment.starts, &enrolment.zone, now) == i64::from(lab.week);
    // Half of this week's labs are still to do, and the student one signs in as has the flagship before them.
    let begun = if current { student.diligence * 45 / 100 } else { student.diligence };
    if (throw("begun") >= begun && !came_back(student, lab)) || (student.name == super::people::FIRST && lab.id.as_str() == "chat-in-a-quota") {
        return Ok(());
    }
    let Some(last) = takes.len().checked_sub(1) else { return Ok(()) };
    let good = throw("good") < student.care;
    let tries = if lab.is_quiz { 1 } else { 1 + usize::try_from(throw("tries") % 3)? };
    let due = calendar::due(&cast.program.timeline, &enrolment.starts, &enrolment.zone, lab.week);
    let open = calendar::opens(&enrolment.starts, &enrolment.zone, lab.week);
    for attempt in 0..tries {
        let is_last = attempt + 1 == tries;
        let take = if is_last && good { last } else { usize::try_from(throw(&format!("take{attempt}")))? % last.max(1) };
        let Some(take) = takes.get(take) else { continue };
        let hours = 30 + throw("hour") + 14 * u64::try_from(attempt)?;
        let late = throw("late") < 8 && !current;
        let mut received = if late {
            due.plus(Duration::from_secs((50 + throw("by")) * HOUR))
        } else {
            open.plus(Duration::from_secs(hours * HOUR + throw("minute") * 37))
        };
        if received >= now.minus(Duration::from_secs(HOUR)) {
            if attempt > 0 {
                break;
            }
            received = now.minus(Duration::from_secs(HOUR * (2 + throw("ago") / 4)));
        }
        hand_in(conn, cast, student, lab, take, received, is_last).await?;
    }
    if !good && throw("fix") < 30 {
        for check in lab.checks.iter().filter(|c| !c.hints.is_empty()).take(1) {
            gradings::store::open(conn, &enrolment.id, &lab.id, &check.id, Opened::Hint, now).await?;
        }
    }
    Ok(())
}

async fn hand_in(conn: &mut Conn, cast: &Cast, student: &Student, lab: &Lab, take: &Take, received: Timestamp, is_last: bool) -> Result<()> {
    let enrolment = &student.enrolment;
    let new = submissions::store::New {
        enrolment: &enrolment.id,
        lab: &lab.id,
        received,
        via: if lab.is_quiz { Via::Quiz } else { Via::Demo },
        program: &cast.program.hash,
        lab_hash: &lab.hash,
        variant: 1,
        statement: "",
        files: &take.files,
    };
    let submission = submissions::store::add(conn, &new).await?;
    let graded = received.plus(Duration::from_secs(2));
    let grading = gradings::store::New { job: &JobId::new(), submission: &submission.id, lane: Lane::First, report: &take.report, counts: true };
    gradings::store::add(conn, &grading, graded).await?;
    if take.report.outcome != Graded::Graded {
        return Ok(());
    }
    reviews::work::after_grading(conn, &submission, lab, graded).await?;
    let throw = dice(&[student.name, lab.id.as_str(), "review"]) % 100;
    let weeks_ago = (i64::from(lab.week) - 9).abs();
    if is_last && throw < 12 && !lab.is_quiz {
        let due = reviews::promised(graded, &enrolment.zone);
        reviews::store::ask(
            conn,
            &reviews::store::New { submission: &submission.id, cohort: &enrolment.cohort, requested_by: enrolment.person.as_str(), due },
            graded,
        )
        .await?;
    }
    // What is older than two weeks has been answered; the rest waits in the queue.
    let hers = is_last && came_back(student, lab);
    if hers {
        let due = reviews::promised(graded, &enrolment.zone);
        reviews::store::ask(
            conn,
            &reviews::store::New { submission: &submission.id, cohort: &enrolment.cohort, requested_by: enrolment.person.as_str(), due },
            graded,
        )
        .await?;
    }
    if (weeks_ago >= 2 || throw < 4 || hers)
        && let Some(review) = reviews::store::of_submission(conn, &submission.id).await?
    {
        answer(conn, cast, student, lab, &submission, &review, throw, graded).await?;
    }
    Ok(())
}

/// The student one signs in as has one lab that was sent back.
fn came_back(student: &Student, lab: &Lab) -> bool {
    student.name == super::people::FIRST && lab.id.as_str() == "spot-pool-with-fallback"
}

const GOOD: [&str; 4] = [
    "Clear and complete. I would merge this.",
    "Good: the reasons stand beside the numbers. Next time name what would make you choose otherwise.",
    "Works, and reads well. One thing to keep in mind: who is paged when this fails?",
    "Exactly the size it needs to be. Well done.",
];
const BACK: [&str; 2] = [
    "You are nearly there. The cause is named, the first command isn't: what would you type at 3 AM?",
    "The numbers don't add up with the quota. Please recompute with the surge pod counted and hand in again.",
];

#[expect(clippy::too_many_arguments, reason = "one moment of the story, told from its parts")]
async fn answer(
    conn: &mut Conn,
    cast: &Cast,
    student: &Student,
    lab: &Lab,
    submission: &submissions::Submission,
    review: &reviews::Review,
    throw: u64,
    graded: Timestamp,
) -> Result<()> {
    // What came back lately is still open to be answered; older work was accepted in the end.
    let recent = graded.since(cast.now) > -10 * 86_400_000;
    let back = recent && (throw < 4 || came_back(student, lab));
    let at = if back { cast.now.minus(Duration::from_secs(26 * HOUR)) } else { graded.plus(Duration::from_secs(DAY + throw * 600)) };
    let by = if throw.is_multiple_of(3) { &cast.second } else { &cast.instructor };
    let words = if back { BACK[usize::try_from(throw)? % BACK.len()] } else { GOOD[usize::try_from(throw)? % GOOD.len()] };
    let mut marks = Vec::new();
    for check in &lab.checks {
        let Kind::Rubric { criteria } = &check.kind else { continue };
        for criterion in criteria {
            let points = i64::from(criterion.points) * (60 + i64::try_from(dice(&[student.name, &criterion.id]) % 41)?) / 100;
            marks.push(Mark { check_id: check.id.clone(), criterion: criterion.id.clone(), points });
        }
    }
    reviews::store::mark(conn, &review.id, &marks).await?;
    let verdict = Verdict {
        state: if back { State::Returned } else { State::Accepted },
        comment: words,
        override_score: None,
        override_reason: None,
        defended: !back && dice(&[student.name, lab.id.as_str(), "defended"]) % 100 < 45,
        version: review.version,
        by,
    };
    reviews::store::decide(conn, &review.id, &verdict, at).await?;
    let word = if back { "returned: please hand in again" } else { "accepted" };
    notices::store::notify(conn, &student.enrolment.person, "review", &format!("{}: {word}", lab.title), &submission.url(), at).await?;
    let action = if back { "review.return" } else { "review.accept" };
    audit::record(conn, &Entry::new(Some(by.as_str()), action, submission.id.as_str()).of_cohort(student.enrolment.cohort.as_str()), at).await?;
    Ok(())
}
