//! Grades submissions: who, load, grade in a child process, store with the end of the job in one write.
use super::{Lane, store};
use crate::app::App;
use crate::curriculum::Lab;
use crate::db::Conn;
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
pub async fn ask(conn: &mut Conn, submission: &Submission, lane: queue::Lane, now: crate::db::values::Timestamp) -> Result<JobId, anyhow::Error> {
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
    let subject = loaded.submission.subject();
    let (sender, phases) = tokio::sync::mpsc::unbounded_channel();
    let telling = tell(app, &subject, phases);
    let grading = async move { app.graders.grade(&request, |phase| drop(sender.send(phase))).await };
    let (report, ()) = tokio::join!(grading, telling);
    match report {
        Ok(report) => keep(app, job, &loaded, lab, &report).await,
        Err(failure) => {
            let mut write = app.db.write(&subject).await?;
            progress::say(&mut write, &subject, &Step::new("The grader stopped; trying again", 0, 0), app.clock.now()).await?;
            write.commit().await?;
            Ok(Worked::Failed(failure.to_string()))
        }
    }
}

/// Writes the child's phases as progress rows, at most four a second: each is a small write of its own.
async fn tell(app: &App, subject: &str, mut phases: tokio::sync::mpsc::UnboundedReceiver<Phase>) {
    let mut last = Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or_else(Instant::now);
    while let Some(phase) = phases.recv().await {
        if last.elapsed() < Duration::from_millis(250) {
            continue;
        }
        last = Instant::now();
        let step = Step::new(phase.words(), phase.done, phase.of);
        let said = async {
            let mut write = app.db.write(subject).await?;
            progress::say(&mut write, subject, &step, app.clock.now()).await?;
            write.commit().await
        };
        if let Err(error) = said.await {
            tracing::warn!(%error, "progress can't be told");
        }
    }
}

/// Keeps the report, ends the job, tells the student and opens a review if the lab asks for one: one write.
async fn keep(app: &App, job: &Job, loaded: &Loaded, lab: &Lab, report: &Report) -> Result<Worked> {
    let now = app.clock.now();
    let submission = &loaded.submission;
    let mut write = app.db.write(format!("enrolment:{}", submission.enrolment)).await?;
    if !queue::store::finish(&mut write, job, now).await? {
        return Ok(Worked::Lost);
    }
    let lane = if job.lane == queue::Lane::Regrade.number() { Lane::Regrade } else { Lane::First };
    store::add(&mut write, &job.id, &submission.id, lane, report, now).await?;
    if report.outcome == Graded::Graded {
        reviews::work::after_grading(&mut write, submission, lab, now).await?;
    }
    progress::say(&mut write, &submission.subject(), &Step::last("The report is here"), now).await?;
    let person = cohorts::store::person_of(&mut write, &submission.enrolment).await?;
    let words = match report.outcome {
        Graded::Graded => format!(
            "{}: {} of {} points{}",
            lab.title,
            report.score,
            report.max,
            if report.open > 0 { format!(", {} open", report.open) } else { String::new() }
        ),
        Graded::NotGradable => format!("{}: hand-in {} can't be graded; it cost no attempt", lab.title, submission.number),
        Graded::Broken => format!("{}: our grader failed on hand-in {}; it cost no attempt", lab.title, submission.number),
    };
    notices::notify(&mut write, &person, "report", &words, &submission.url(), now).await?;
    write.commit().await?;
    metrics::counter!("groundcrew_gradings_total", "outcome" => super::Came::from(report.outcome).as_str()).increment(1);
    Ok(Worked::Done)
}

/// After too many failures: a *broken* report, so that the student knows, and staff are told. It costs no attempt.
pub async fn give_up(app: &App, job: &Job) -> Result<Worked> {
    let loaded = load(app, job).await?;
    let lab = loaded.lab()?;
    let now = app.clock.now();
    let submission = &loaded.submission;
    let message =
        "Our grader failed on this hand-in again and again. It cost no attempt, an instructor has been told, and other hand-ins are graded as usual.";
    let report = Report::ungraded(lab.id.as_str(), &lab.hash, Graded::Broken, lab.points, message);
    let mut write = app.db.write(format!("enrolment:{}", submission.enrolment)).await?;
    if !queue::store::give_up(&mut write, job, job.error.as_deref().unwrap_or("its workers vanished"), now).await? {
        return Ok(Worked::Lost);
    }
    store::add(&mut write, &job.id, &submission.id, Lane::First, &report, now).await?;
    progress::say(&mut write, &submission.subject(), &Step::last("Our grader failed"), now).await?;
    for person in cohorts::store::staff_of(&mut write, &submission.enrolment).await? {
        let words = format!("Grading broke: {}, hand-in {}", lab.title, submission.number);
        notices::notify(&mut write, &person, "broken", &words, &submission.url(), now).await?;
    }
    write.commit().await?;
    tracing::error!(submission = %submission.id, "a hand-in could not be graded and was given up");
    Ok(Worked::Done)
}
