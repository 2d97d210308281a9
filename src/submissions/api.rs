//! Handing in by program: the same decisions as the pages, told in JSON.
use super::pages::{Arrived, Receipt, Typed, keep, lab_for, read};
use super::{SubmissionId, Via};
use crate::app::App;
use crate::cohorts;
use crate::curriculum::{LabId, calendar};
use crate::error::Answer;
use crate::gradings::{self, pages as reports};
use crate::queue;
use crate::web::visitor::Enrolled;
use crate::web::{self, Path, Visitor};
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::json;

/// GET /api/labs: the labs that are open, `{labs: [{id, title, week, points, minutes, due, url}]}`.
pub async fn labs(State(app): State<App>, Enrolled(enrolment): Enrolled) -> Answer {
    let mut conn = app.db.read().await?;
    let program = app.programs.get(&mut conn, &enrolment.program).await?;
    let moved = cohorts::store::moved_dues(&mut conn, &enrolment.id).await?;
    let now = app.clock.now();
    let (starts, zone) = (&enrolment.starts, &enrolment.zone);
    let open = program.labs().filter(|lab| calendar::opens(starts, zone, lab.week) <= now);
    let labs: Vec<_> = open
        .map(|lab| {
            let due = moved.get(&lab.id).copied().unwrap_or_else(|| calendar::due(&program.timeline, starts, zone, lab.week)).rfc3339();
            json!({ "id": lab.id, "title": lab.title, "week": lab.week, "points": lab.points, "minutes": lab.minutes, "due": due, "url": format!("{}{}", app.url, lab.url()) })
        })
        .collect();
    web::json(&json!({ "labs": labs }))
}

/// GET /api/labs/{id}/start: the files one begins with, `{files: [{path, text}]}`.
pub async fn start(State(app): State<App>, Enrolled(enrolment): Enrolled, Path(id): Path<LabId>) -> Answer {
    let (_, lab) = lab_for(&app, &enrolment, &id).await?;
    let files: Vec<_> = lab.start.iter().map(|f| json!({ "path": f.path, "text": String::from_utf8_lossy(&f.bytes) })).collect();
    web::json(&json!({ "files": files }))
}

/// POST /api/labs/{id}/submissions, multipart with `files` as a browser sends them: 201 `{id, number, url}`, or 422 `{error, file, message}`.
pub async fn hand_in(
    State(app): State<App>,
    Enrolled(enrolment): Enrolled,
    Extension(receipt): Extension<Receipt>,
    Path(id): Path<LabId>,
    request: Request,
) -> Answer {
    let (program, lab) = lab_for(&app, &enrolment, &id).await?;
    let mut typed = Typed::default();
    let kept = match read(request, &lab, &mut typed).await? {
        Ok(files) => {
            let arrived = Arrived { received: receipt.0, via: Via::Api, statement: &typed.statement, attempt: typed.attempt, files: &files };
            keep(&app, &enrolment, &program, &lab, &arrived).await?
        }
        Err(refusal) => Err(refusal),
    };
    Ok(match kept {
        Ok(submission) => {
            let body = json!({ "id": submission.id, "number": submission.number, "url": format!("{}{}", app.url, submission.url()) });
            (StatusCode::CREATED, axum::Json(body)).into_response()
        }
        Err(refusal) => {
            let body = json!({ "error": "Nothing was handed in", "file": refusal.file, "message": refusal.why });
            (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(body)).into_response()
        }
    })
}

/// GET /api/submissions/{id}: `{id, lab, number, received, position, report}`; `report` is null until it is graded.
pub async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<SubmissionId>) -> Answer {
    let mut conn = app.db.read().await?;
    let seen = reports::see(&app, &mut conn, &visitor, &id).await?;
    let reader = reports::reader(&mut conn, &seen, app.clock.now()).await?;
    let report = reports::report(&mut conn, &seen, &reader).await?.map(|(_, report)| report);
    let position = match gradings::store::job_of(&mut conn, &id).await? {
        Some(job) if report.is_none() => queue::store::position(&mut conn, &job, app.grader_count()).await?,
        _ => None,
    };
    let position = position.map(|p| json!({ "ahead": p.ahead, "running": p.running, "estimate_s": p.estimate_s }));
    let s = &seen.submission;
    web::json(&json!({ "id": s.id, "lab": s.lab, "number": s.number, "received": s.received.rfc3339(), "position": position, "report": report }))
}
