//! Reads a hand-in's form while it arrives: never more of it than the lab allows.
use super::{LONGEST_ARRIVAL, LONGEST_STATEMENT};
use crate::curriculum::Lab;
use crate::engine::Files;
use crate::error::{Error, Result};
use crate::submissions::intake::{Intake, Refusal, is_zip};
use crate::web;
use anyhow::anyhow;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::{StatusCode, header};
use std::collections::BTreeMap;

/// What came in a form.
#[derive(Debug, Default)]
pub struct Typed {
    pub editor: Vec<(String, String)>,
    pub answers: BTreeMap<String, Vec<String>>,
    /// Which attempt of a quiz was answered.
    pub attempt: Option<i64>,
    pub statement: String,
    pub uploads: usize,
}

/// What may be typed beside the files, in bytes: names, the statement.
const BESIDE: usize = 64 * 1024;

/// Reads a form, with files or without. The inner error is the student's to mend.
pub async fn read(request: Request, lab: &Lab, typed: &mut Typed) -> Result<Result<Files, Refusal>> {
    let is_plain = request.headers().get(header::CONTENT_TYPE).is_some_and(|h| h.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let reading = async { if is_plain { read_plain(request, lab, typed).await } else { read_multipart(request, lab, typed).await } };
    tokio::time::timeout(LONGEST_ARRIVAL, reading).await.unwrap_or_else(|_| {
        let why = format!("The files took longer than {} minutes to arrive. Nothing was handed in; send them again.", LONGEST_ARRIVAL.as_secs() / 60);
        Err(Error::Limited(StatusCode::REQUEST_TIMEOUT, why))
    })
}

/// Reads a form with files part by part, never more than the lab allows.
async fn read_multipart(request: Request, lab: &Lab, typed: &mut Typed) -> Result<Result<Files, Refusal>> {
    let mut parts = Multipart::from_request(request, &()).await.map_err(|e| Error::Limited(e.status(), e.body_text()))?;
    let mut intake = Intake::new(&lab.accepts);
    let mut name = String::new();
    let mut room = lab.accepts.max_kib * 1024 + BESIDE;
    // The first thing that is wrong. Reading goes on after it, so that what was typed can be given back.
    let mut refused = None;
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
            // After a refusal the rest of the files is let go by unread.
            if refused.is_none() {
                refused = take_upload(part, &file, &mut intake).await?.err();
            }
            continue;
        }
        let text = match limited_text(part, room).await? {
            Ok(text) => text,
            Err(why) => {
                let why = why.unwrap_or_else(|| format!("all that was typed is larger than {} KiB together.", lab.accepts.max_kib));
                refused.get_or_insert(Refusal { file: Some(name.clone()), why });
                continue;
            }
        };
        room -= text.len();
        take_field(&field, &text, &mut name, typed);
    }
    Ok(match refused {
        Some(refusal) => Err(refusal),
        None => finish(intake, lab, typed),
    })
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

/// A part's text; the inner error says what is wrong with it, None that it is longer than `most` bytes.
async fn limited_text(mut part: axum::extract::multipart::Field<'_>, most: usize) -> Result<Result<String, Option<String>>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(|e| Error::Limited(e.status(), e.body_text()))? {
        if bytes.len() + chunk.len() > most {
            return Ok(Err(None));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8(bytes).map_err(|_| Some("what was typed isn't UTF-8.".to_owned())))
}

/// Reads a form without files: a quiz, or the editor with JavaScript off.
async fn read_plain(request: Request, lab: &Lab, typed: &mut Typed) -> Result<Result<Files, Refusal>> {
    let body = axum::body::to_bytes(request.into_body(), lab.accepts.max_kib * 1024 * 3 + BESIDE).await;
    let body = body.map_err(|_| Error::Limited(StatusCode::PAYLOAD_TOO_LARGE, "The form is larger than this lab accepts.".into()))?;
    let fields: Vec<(String, String)> = serde_html_form(&body)?;
    let mut name = String::new();
    for (field, text) in fields {
        take_field(&field, &text, &mut name, typed);
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
fn take_field(field: &str, text: &str, name: &mut String, typed: &mut Typed) {
    // No keyboard types a NUL, and PostgreSQL keeps none.
    let text = text.replace('\0', "");
    match field {
        "attempt" => typed.attempt = text.trim().parse().ok(),
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
        if typed.uploads > 0 {
            return Err(Refusal { file: None, why: format!("A quiz is answered on its page, {}: each attempt asks other questions.", lab.url()) });
        }
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
