//! Grades submissions: who, load, grade in a child process, store with the end of the job in one write.
use super::{Lane, replaces, store};
use crate::app::App;
use crate::curriculum::Lab;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::engine::check::Surroundings;
use crate::engine::child::{Phase, Request};
use crate::engine::report::{Graded, Report};
use crate::engine::{File, Files};
use crate::queue::progress::{self, Step};
use crate::queue::worker::Worked;
use crate::queue::{self, Job, JobId, Kind, Push};
use crate::submissions::{self, Submission, SubmissionId};
use crate::{cohorts, notices, reviews};
use anyhow::{Context as _, Result};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a grading job carries: the submission's id.
pub fn payload(submission: &SubmissionId) -> serde_json::Value {
    serde_json::Value::String(submission.to_string())
}

/// Asks for a submission to be graded, in the write that keeps it. Hand-ins for one lab take turns; a newer one goes first.
pub async fn ask(conn: &mut Conn, submission: &Submission, lane: queue::Lane, now: Timestamp) -> Result<JobId, anyhow::Error> {
    let key = format!("grade:{}:{}", submission.enrolment, submission.lab);
    let push = Push { kind: Kind::Grade, key: &key, payload: payload(&submission.id), lane, owner: submission.enrolment.as_str() };
    let job = queue::store::push(conn, &push, now).await?;
    if lane == queue::Lane::Interactive {
        queue::store::move_behind(conn, &job, &key).await?;
    }
    progress::say(conn, &submission.subject(), &Step::new("Received and kept", 0, 0), now).await?;
    Ok(job)
}

/// What a job needs: the submission, its lab at the version it was made for, its files.
struct Loaded {
    submission: Submission,
    lab: Arc<crate::curriculum::Program>,
    files: Files,
}

impl Loaded {
    fn lab(&self) -> Result<&Lab> {
        self.lab.lab(&self.submission.lab).with_context(|| format!("lab {} is not in program {}", self.submission.lab, self.lab.hash))
    }
}

async fn load(app: &App, job: &Job) -> Result<Loaded> {
    let id: SubmissionId = serde_json::from_str(&job.payload)?;
    let mut conn = app.db.read().await?;
    let submission = submissions::store::by_id(&mut conn, &id).await?.with_context(|| format!("submission {id} is not there"))?;
    let lab = app.programs.get(&mut conn, &submission.program).await?;
    let files = submissions::store::files(&mut conn, &id).await?.into_iter().map(|f| File { path: f.path, bytes: f.bytes }).collect();
    Ok(Loaded { submission, lab, files: Files::new(files) })
}

/// Grades one submission.
pub async fn grade(app: &App, job: &Job) -> Result<Worked> {
    let loaded = load(app, job).await?;
    let lab = loaded.lab()?;
    let attempt = u32::try_from(loaded.submission.variant).unwrap_or(1);
    let request = Request::Grade { checks: lab.for_engine(), files: loaded.files.clone(), surroundings: Surroundings { attempt } };
    let (sender, phases) = tokio::sync::mpsc::unbounded_channel();
    let telling = tell(app, &loaded.submission, phases);
    let grading = async move { app.graders.grade(&request, |phase| drop(sender.send(phase))).await };
    let (report, ()) = tokio::join!(grading, telling);
    match report {
        Ok(report) => keep(app, job, &loaded, lab, &report).await,
        Err(failure) => {
            let mut write = app.db.write(loaded.submission.enrolment.guard()).await?;
            progress::say(&mut write, &loaded.submission.subject(), &Step::new("The grader stopped; trying again", 0, 0), app.clock.now()).await?;
            write.commit().await?;
            Ok(Worked::Failed(failure.to_string()))
        }
    }
}

/// Writes the child's phases as progress rows, at most four a second: each is a small write of its own.
async fn tell(app: &App, submission: &Submission, mut phases: tokio::sync::mpsc::UnboundedReceiver<Phase>) {
    let mut last = Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or_else(Instant::now);
    while let Some(phase) = phases.recv().await {
        if last.elapsed() < Duration::from_millis(250) {
            continue;
        }
        last = Instant::now();
        let step = Step::new(phase.words(), phase.done, phase.of);
        let said = async {
            let mut write = app.db.write(submission.enrolment.guard()).await?;
            progress::say(&mut write, &submission.subject(), &step, app.clock.now()).await?;
            write.commit().await
        };
        if let Err(error) = said.await {
            tracing::warn!(%error, "progress can't be told");
        }
    }
}

/// Keeps the report, ends the job, tells the student and opens a review if the lab asks for one: one write.
async fn keep(app: &App, job: &Job, loaded: &Loaded, lab: &Lab, report: &Report) -> Result<Worked> {
    let submission = &loaded.submission;
    let mut write = app.db.write(submission.enrolment.guard()).await?;
    // The time of the write, not of the wait for it: who watches looks only a few seconds back.
    let now = app.clock.now();
    if !queue::store::finish(&mut write, job, now).await? {
        return Ok(Worked::Lost);
    }
    let counts = add(&mut write, job, submission, report, now).await?;
    progress::say(&mut write, &submission.subject(), &Step::last("The report is here"), now).await?;
    if counts {
        if report.outcome == Graded::Graded {
            reviews::work::after_grading(&mut write, submission, lab, now).await?;
        }
        let person = cohorts::store::person_of(&mut write, &submission.enrolment).await?;
        notices::notify(&mut write, &person, "report", &words(lab, submission, report), &submission.url(), now).await?;
    } else {
        let words = format!("{}: grading hand-in {} again gave fewer points; the report before still counts", lab.title, submission.number);
        tell_staff(&mut write, submission, "regrade", &words, now).await?;
    }
    write.commit().await?;
    metrics::counter!("groundcrew_gradings_total", "outcome" => super::Came::from(report.outcome).as_str()).increment(1);
    Ok(Worked::Done)
}

/// What the student's notification says. Points only where no check is hidden: a sum would tell what it said.
fn words(lab: &Lab, submission: &Submission, report: &Report) -> String {
    let (title, number) = (&lab.title, submission.number);
    match report.outcome {
        Graded::Graded if report.findings.iter().any(|f| f.hidden) => format!("{title}: the report on hand-in {number} is here"),
        Graded::Graded if report.open > 0 => format!("{title}: {} of {} points, {} open", report.score, report.max, report.open),
        Graded::Graded => format!("{title}: {} of {} points", report.score, report.max),
        Graded::NotGradable => format!("{title}: hand-in {number} can't be graded; it cost no attempt"),
        Graded::Broken => format!("{title}: our grader failed on hand-in {number}; it cost no attempt"),
    }
}

/// Keeps a report by its job's lane; true if it is the submission's grading now.
async fn add(write: &mut Conn, job: &Job, submission: &Submission, report: &Report, now: Timestamp) -> Result<bool> {
    let lane = if job.lane == queue::Lane::Regrade.number() { Lane::Regrade } else { Lane::First };
    let counts = replaces(report, store::current(write, &submission.id).await?.as_ref());
    store::add(write, &store::New { job: &job.id, submission: &submission.id, lane, report, counts }, now).await?;
    Ok(counts)
}

async fn tell_staff(write: &mut Conn, submission: &Submission, kind: &'static str, words: &str, now: Timestamp) -> Result<()> {
    for person in cohorts::store::staff_of(write, &submission.enrolment).await? {
        notices::notify(write, &person, kind, words, &submission.url(), now).await?;
    }
    Ok(())
}

/// After too many failures: a *broken* report, so that the student knows, and staff are told. It costs no attempt.
pub async fn give_up(app: &App, job: &Job) -> Result<Worked> {
    let loaded = load(app, job).await?;
    let lab = loaded.lab()?;
    let submission = &loaded.submission;
    let message =
        "Our grader failed on this hand-in again and again. It cost no attempt, an instructor has been told, and other hand-ins are graded as usual.";
    let report = Report::ungraded(lab.id.as_str(), &lab.hash, Graded::Broken, lab.points, message);
    let mut write = app.db.write(submission.enrolment.guard()).await?;
    let now = app.clock.now();
    if !queue::store::give_up(&mut write, job, job.error.as_deref().unwrap_or("its workers vanished"), now).await? {
        return Ok(Worked::Lost);
    }
    add(&mut write, job, submission, &report, now).await?;
    progress::say(&mut write, &submission.subject(), &Step::last("Our grader failed"), now).await?;
    tell_staff(&mut write, submission, "broken", &format!("Grading broke: {}, hand-in {}", lab.title, submission.number), now).await?;
    write.commit().await?;
    tracing::error!(submission = %submission.id, "a hand-in could not be graded and was given up");
    Ok(Worked::Done)
}
