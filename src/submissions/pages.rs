//! Handing in: the form, the stream of files, the write that acknowledges them.
use super::intake::{Intake, Refusal, is_zip};
use super::{PACE, Submission, Via, store, too_soon};
use crate::app::App;
use crate::cohorts::Enrolment;
use crate::curriculum::{self, Accepts, Lab, LabId, Program};
use crate::db::values::Timestamp;
use crate::engine::{File, Files};
use crate::error::{Answer, Error, Result};
use crate::gradings;
use crate::queue::Lane;
use crate::web::visitor::Enrolled;
use crate::web::{self, Path, Site};
use anyhow::anyhow;
use askama::Template;
use axum::extract::{Extension, FromRequest as _, Multipart, Request, State};
use axum::http::{StatusCode, header};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When the request's head arrived; left by the outermost layer.
#[derive(Debug, Clone, Copy)]
pub struct Receipt(pub Timestamp);

/// A hand-in form's body is at most this: above every lab's own limit, below what could hurt.
pub const LARGEST_BODY: usize = 24 << 20;
/// The mistake that a demo hands in with one click.
pub const SAMPLE: &str = "four-faults";
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
    form: HandIn,
}

/// What came in a form.
#[derive(Debug, Default)]
struct Typed {
    editor: Vec<(String, String)>,
    answers: BTreeMap<String, Vec<String>>,
    statement: String,
    uploads: usize,
}

/// The lab a student may hand in for, or why not.
pub async fn lab_for(app: &App, enrolment: &Enrolment, id: &LabId) -> Result<(Arc<Program>, Lab)> {
    let mut conn = app.db.read().await?;
    let program = app.programs.get(&mut conn, &enrolment.program).await?;
    let lab = program.lab(id).ok_or(Error::NotFound)?.clone();
    if !enrolment.may_hand_in() {
        return Err(Error::refused("This enrolment is over: its work can be read, and nothing more can be handed in."));
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
    let is_form = request.headers().get(header::CONTENT_TYPE).is_some_and(|h| h.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let mut typed = Typed::default();
    let taken = if is_form { read_plain(request, &lab, &mut typed).await? } else { read_multipart(request, &lab, &mut typed).await? };
    let via = if lab.is_quiz {
        Via::Quiz
    } else if typed.uploads > 0 {
        Via::Upload
    } else {
        Via::Editor
    };
    let kept = match taken {
        Ok(files) => keep(&app, &enrolment, &program, &lab, receipt.0, via, &typed.statement, &files).await?,
        Err(refusal) => Err(refusal),
    };
    match kept {
        Ok(submission) => web::see(submission.url()),
        Err(problem) => {
            let form = HandIn { statement: typed.statement, problem: Some(problem), ..HandIn::new(&lab, typed.editor) };
            web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &Again { site, lab, form })
        }
    }
}

/// POST /labs/{id}/sample: hands in the demo's broken files with one click.
pub async fn sample(State(app): State<App>, Enrolled(enrolment): Enrolled, Extension(receipt): Extension<Receipt>, Path(id): Path<LabId>) -> Answer {
    if !app.demo {
        return Err(Error::NotFound);
    }
    let (program, lab) = lab_for(&app, &enrolment, &id).await?;
    let sample = sample_of(&app, &program, &lab).await?.ok_or(Error::NotFound)?;
    match keep(&app, &enrolment, &program, &lab, receipt.0, Via::Demo, "", &sample).await? {
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

/// Keeps a hand-in: submission, files and job in one write, then acknowledges. The inner error is the student's to mend.
#[expect(clippy::too_many_arguments, reason = "each is a different fact of the one moment that is kept")]
pub async fn keep(
    app: &App,
    enrolment: &Enrolment,
    program: &Program,
    lab: &Lab,
    received: Timestamp,
    via: Via,
    statement: &str,
    files: &Files,
) -> Result<Result<Submission, Refusal>> {
    let told = |why: String| Ok(Err(Refusal { file: None, why }));
    let mut write = app.db.write(format!("enrolment:{}", enrolment.id)).await?;
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

/// Reads a form with files part by part, never more than the lab allows.
async fn read_multipart(request: Request, lab: &Lab, typed: &mut Typed) -> Result<Result<Files, Refusal>> {
    let mut parts = Multipart::from_request(request, &()).await.map_err(|e| Error::Limited(e.status(), e.body_text()))?;
    let mut intake = Intake::new(&lab.accepts);
    let mut name = String::new();
    loop {
        let part = match parts.next_field().await {
            Ok(Some(part)) => part,
            Ok(None) => break,
            Err(e) => {
                return Err(Error::Limited(
                    e.status(),
                    format!("The files didn't arrive whole ({}). Send them again; nothing was handed in.", e.body_text()),
                ));
            }
        };
        let field = part.name().unwrap_or("").to_owned();
        if field == "files" {
            let file = part.file_name().unwrap_or("").to_owned();
            // A browser sends one nameless part when nothing was chosen.
            if file.is_empty() {
                continue;
            }
            typed.uploads += 1;
            if let Err(refusal) = take_upload(part, &file, &mut intake).await? {
                return Ok(Err(refusal));
            }
            continue;
        }
        let text = match limited_text(part, lab.accepts.max_kib * 1024).await? {
            Ok(text) => text,
            Err(why) => return Ok(Err(Refusal { file: Some(name), why })),
        };
        take_field(&field, text, &mut name, typed);
    }
    Ok(finish(intake, lab, typed))
}

async fn take_upload(mut part: axum::extract::multipart::Field<'_>, file: &str, intake: &mut Intake) -> Result<Result<(), Refusal>> {
    // A zip may be larger than what it holds only by its directory; a plain file may not be larger than the room left.
    let most = intake.room() + 64 * 1024;
    let mut bytes = Vec::new();
    while let Some(chunk) =
        part.chunk().await.map_err(|e| Error::Limited(e.status(), "The files didn't arrive whole. Send them again; nothing was handed in.".into()))?
    {
        if bytes.len() + chunk.len() > most {
            return Ok(Err(Refusal { file: Some(file.to_owned()), why: intake.too_large() }));
        }
        bytes.extend_from_slice(&chunk);
    }
    if !is_zip(file, &bytes) {
        return Ok(intake.add(file, bytes));
    }
    // Unpacking is work for a thread that may block: the intake goes there and comes back.
    let mut unpacking = intake.clone();
    let name = file.to_owned();
    let (unpacked, result) = tokio::task::spawn_blocking(move || {
        let result = unpacking.add_zip(&name, bytes);
        (unpacking, result)
    })
    .await?;
    *intake = unpacked;
    Ok(result)
}

async fn limited_text(mut part: axum::extract::multipart::Field<'_>, most: usize) -> Result<Result<String, String>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(|e| Error::Limited(e.status(), e.body_text()))? {
        if bytes.len() + chunk.len() > most {
            return Ok(Err(format!("what was typed is larger than {} KiB.", most / 1024)));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8(bytes).map_err(|_| "what was typed isn't UTF-8.".to_owned()))
}

/// Reads a form without files: a quiz, or the editor with JavaScript off.
async fn read_plain(request: Request, lab: &Lab, typed: &mut Typed) -> Result<Result<Files, Refusal>> {
    let body = axum::body::to_bytes(request.into_body(), lab.accepts.max_kib * 1024 * 3 + 64 * 1024).await;
    let body = body.map_err(|_| Error::Limited(StatusCode::PAYLOAD_TOO_LARGE, "The form is larger than this lab accepts.".into()))?;
    let fields: Vec<(String, String)> = serde_html_form(&body)?;
    let mut name = String::new();
    for (field, text) in fields {
        take_field(&field, text, &mut name, typed);
    }
    Ok(finish(Intake::new(&lab.accepts), lab, typed))
}

fn serde_html_form(body: &[u8]) -> Result<Vec<(String, String)>> {
    let text = std::str::from_utf8(body).map_err(|_| Error::refused("The form isn't UTF-8."))?;
    Ok(text
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (web::form::decode(&key.replace('+', " ")), web::form::decode(&value.replace('+', " ")))
        })
        .collect())
}

/// One field that is no upload. The editor sends pairs: `name`, then `text`.
fn take_field(field: &str, text: String, name: &mut String, typed: &mut Typed) {
    match field {
        "name" => *name = text.trim().to_owned(),
        "text" => typed.editor.push((std::mem::take(name), text.replace("\r\n", "\n"))),
        "statement" => typed.statement = text.chars().take(LONGEST_STATEMENT).collect(),
        _ => {
            if let Some(question) = field.strip_prefix("answer.") {
                typed.answers.entry(question.to_owned()).or_default().push(text);
            }
        }
    }
}

/// What was typed joins what was uploaded; a quiz's answers become its one file.
fn finish(mut intake: Intake, lab: &Lab, typed: &Typed) -> Result<Files, Refusal> {
    if lab.is_quiz {
        let answers = answers_file(&typed.answers).map_err(|e| Refusal { file: None, why: e.to_string() })?;
        intake.add("answers.yaml", answers)?;
        return intake.finish();
    }
    // With files uploaded, the editor's untouched contents are not meant.
    if typed.uploads == 0 {
        for (name, text) in typed.editor.iter().filter(|(_, text)| !text.trim().is_empty()) {
            let mut text = text.clone();
            if !text.ends_with('\n') {
                text.push('\n');
            }
            intake.add(name, text.into_bytes())?;
        }
    }
    intake.finish()
}

/// A quiz's hand-in: question id to answer, or to a list where several were ticked. JSON strings are YAML strings.
fn answers_file(answers: &BTreeMap<String, Vec<String>>) -> anyhow::Result<Vec<u8>> {
    if answers.values().flatten().all(|a| a.trim().is_empty()) {
        return Err(anyhow!("Nothing is answered yet. Answer what you can; unanswered questions cost only their own points."));
    }
    let mut out = String::new();
    for (question, given) in answers {
        let value = match given.as_slice() {
            [one] => serde_json::to_string(one)?,
            many => serde_json::to_string(many)?,
        };
        out.push_str(&format!("{}: {value}\n", serde_json::to_string(question)?));
    }
    Ok(out.into_bytes())
}
