//! Handing in: the form, and the write that acknowledges what came in it.
mod reading;

pub use reading::{Typed, read};

use super::intake::Refusal;
use super::{PACE, Submission, Via, store, too_soon};
use crate::app::App;
use crate::cohorts::Enrolment;
use crate::curriculum::pages::quiz::QuizForm;
use crate::curriculum::{self, Accepts, Lab, LabId, Program};
use crate::db::values::Timestamp;
use crate::engine::check::Choose;
use crate::engine::{File, Files};
use crate::error::{Answer, Error, Result};
use crate::gradings;
use crate::progress::{Eyes, pages as progress};
use crate::queue::Lane;
use crate::web::visitor::Enrolled;
use crate::web::{self, Path, Site, filters};
use askama::Template;
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use std::sync::Arc;

/// When the request's head arrived; left by the outermost layer.
#[derive(Debug, Clone, Copy)]
pub struct Receipt(pub Timestamp);

/// A hand-in form's body is at most this: above every lab's own limit, below what could hurt.
pub const LARGEST_BODY: usize = 24 << 20;
/// The mistake that a demo hands in with one click.
pub const SAMPLE: &str = "four-faults";
/// A form that takes longer to arrive is given up: its receipt is its head's, and must not be held open for days.
const LONGEST_ARRIVAL: std::time::Duration = std::time::Duration::from_secs(300);
const LONGEST_STATEMENT: usize = 4_000;

/// The form on a lab's page, and given back with what was typed when something is wrong.
#[derive(Debug, Clone, Default)]
pub struct HandIn {
    pub lab: String,
    pub include: String,
    pub max_files: usize,
    pub max_kib: usize,
    /// Files in the editor: the start files, the last hand-in's, or what was typed.
    pub editor: Vec<(String, String)>,
    pub statement: String,
    /// What is wrong, and with which file.
    pub problem: Option<Refusal>,
    /// Whether a demo offers its ready-made wrong hand-in.
    pub sample: bool,
}

impl HandIn {
    pub fn new(lab: &Lab, editor: Vec<(String, String)>) -> HandIn {
        let Accepts { include, max_files, max_kib } = &lab.accepts;
        HandIn { lab: lab.id.to_string(), include: include.join(", "), max_files: *max_files, max_kib: *max_kib, editor, ..HandIn::default() }
    }
}

#[derive(Template)]
#[template(path = "submissions/again.html")]
struct Again {
    site: Site,
    lab: Lab,
    quiz: Option<QuizForm>,
    form: Option<HandIn>,
    problem: String,
}

/// The lab a student may hand in for, or why not.
pub async fn lab_for(app: &App, enrolment: &Enrolment, id: &LabId) -> Result<(Arc<Program>, Lab)> {
    let mut conn = app.db.read().await?;
    let program = app.programs.get(&mut conn, &enrolment.program).await?;
    let lab = program.lab(id).ok_or(Error::NotFound)?.clone();
    if let Some(why) = enrolment.read_only() {
        return Err(Error::refused(why));
    }
    if curriculum::calendar::opens(&enrolment.starts, &enrolment.zone, lab.week) > app.clock.now() {
        return Err(Error::NotFound);
    }
    Ok((program, lab))
}

/// POST /labs/{id}/submissions
pub async fn hand_in(
    State(app): State<App>,
    Enrolled(enrolment): Enrolled,
    Extension(receipt): Extension<Receipt>,
    site: Site,
    Path(id): Path<LabId>,
    request: Request,
) -> Answer {
    let (program, lab) = lab_for(&app, &enrolment, &id).await?;
    let mut typed = Typed::default();
    let taken = read(request, &lab, &mut typed).await?;
    let via = if lab.is_quiz {
        Via::Quiz
    } else if typed.uploads > 0 {
        Via::Upload
    } else {
        Via::Editor
    };
    let kept = match taken {
        Ok(files) => {
            let arrived = Arrived { received: receipt.0, via, statement: &typed.statement, attempt: typed.attempt, files: &files };
            keep(&app, &enrolment, &program, &lab, &arrived).await?
        }
        Err(refusal) => Err(refusal),
    };
    match kept {
        Ok(submission) => web::see(submission.url()),
        Err(refusal) => again(&app, &enrolment, site, lab, typed, refusal).await,
    }
}

/// The form given back with what was typed and what is wrong.
async fn again(app: &App, enrolment: &Enrolment, site: Site, lab: Lab, typed: Typed, refusal: Refusal) -> Answer {
    let problem = refusal.to_string();
    let (quiz, form) = if lab.is_quiz {
        let used = store::attempts(&mut *app.db.read().await?, &enrolment.id, &lab.id).await?;
        let quiz = QuizForm::new(&lab, used).map(|quiz| quiz.answered(typed.attempt, &typed.answers));
        (quiz.map(|quiz| QuizForm { problem: Some(problem.clone()), ..quiz }), None)
    } else {
        (None, Some(HandIn { statement: typed.statement, problem: Some(refusal), ..HandIn::new(&lab, typed.editor) }))
    };
    web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &Again { site, lab, quiz, form, problem })
}

/// POST /labs/{id}/sample: hands in the demo's broken files with one click.
pub async fn sample(State(app): State<App>, Enrolled(enrolment): Enrolled, Extension(receipt): Extension<Receipt>, Path(id): Path<LabId>) -> Answer {
    if !app.demo {
        return Err(Error::NotFound);
    }
    let (program, lab) = lab_for(&app, &enrolment, &id).await?;
    let sample = sample_of(&app, &program, &lab).await?.ok_or(Error::NotFound)?;
    let arrived = Arrived { received: receipt.0, via: Via::Demo, statement: "", attempt: None, files: &sample };
    match keep(&app, &enrolment, &program, &lab, &arrived).await? {
        Ok(submission) => web::see(submission.url()),
        Err(refusal) => Err(Error::Refused(refusal.to_string())),
    }
}

/// The ready-made wrong hand-in of a lab, if it has one: a folder of its mistakes.
async fn sample_of(app: &App, program: &Program, lab: &Lab) -> Result<Option<Files>> {
    let mut conn = app.db.read().await?;
    let folder = format!("/{}/mistakes/{SAMPLE}/", lab.id);
    let files = curriculum::store::files(&mut conn, &program.hash).await?.into_iter().filter_map(|file| {
        let (_, name) = file.path.split_once(&folder)?;
        (name != "expect.yaml").then(|| File { path: name.to_owned(), bytes: file.bytes })
    });
    let files = Files::new(files.collect());
    Ok((!files.is_empty()).then_some(files))
}

/// What arrived to be handed in.
#[derive(Debug)]
pub struct Arrived<'a> {
    pub received: Timestamp,
    pub via: Via,
    pub statement: &'a str,
    /// Which attempt of a quiz its questions were asked for.
    pub attempt: Option<i64>,
    pub files: &'a Files,
}

/// Keeps a hand-in: submission, files and job in one write, then acknowledges. The inner error is the student's to mend.
pub async fn keep(app: &App, enrolment: &Enrolment, program: &Program, lab: &Lab, arrived: &Arrived<'_>) -> Result<Result<Submission, Refusal>> {
    let told = |why: String| Ok(Err(Refusal { file: None, why }));
    if let Some(first) = needed_first(app, enrolment, program, lab).await? {
        return told(format!("“{first}” comes first: {} % passes it, and past its due time this lab opens anyway.", program.pass));
    }
    let Arrived { received, via, statement, attempt, files } = *arrived;
    let mut write = app.db.write(enrolment.id.guard()).await?;
    let last = store::last_received(&mut write, &enrolment.id, &lab.id).await?;
    if let Some(seconds) = too_soon(last, received) {
        return told(format!(
            "One hand-in in {} seconds for each lab. Wait {seconds} s and press *Hand in* again; nothing you typed is lost.",
            PACE.as_secs()
        ));
    }
    let used = store::attempts(&mut write, &enrolment.id, &lab.id).await?;
    if lab.attempts.is_some_and(|most| used >= i64::from(most)) {
        return told(format!("All {used} attempts are used. Ask an instructor if something went wrong on our side."));
    }
    if lab.is_quiz && attempt != Some(used + 1) {
        return told(format!(
            "Those were the questions of another attempt. Attempt {} asks others: answer those on the lab's page. Nothing was counted.",
            used + 1
        ));
    }
    let new = store::New {
        enrolment: &enrolment.id,
        lab: &lab.id,
        received,
        via,
        program: &program.hash,
        lab_hash: &lab.hash,
        variant: used + 1,
        statement,
        files,
    };
    let submission = store::add(&mut write, &new).await?;
    gradings::work::ask(&mut write, &submission, Lane::Interactive, app.clock.now()).await?;
    write.commit().await?;
    app.pushed.notify_one();
    Ok(Ok(submission))
}

/// The title of a lab to pass first, if there is one.
async fn needed_first(app: &App, enrolment: &Enrolment, program: &Program, lab: &Lab) -> Result<Option<String>> {
    if lab.needs.is_empty() {
        return Ok(None);
    }
    let loaded = progress::load(app, &mut *app.db.read().await?, enrolment).await?;
    let book = loaded.book(Eyes::Student);
    let unmet = lab.needs.iter().find(|need| !book.is_met(need));
    Ok(unmet.and_then(|need| program.lab(need)).map(|needed| needed.title.clone()))
}
