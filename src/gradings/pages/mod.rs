//! What a submission's addresses answer: its report as a page, as JSON and while it is made, its files, hints and fixes.
mod figure;
mod show;

pub use show::show;

use super::{Grading, Opened, Reader, may_ask_for_fix, shown, store};
use crate::app::App;
use crate::cohorts::{self, Enrolment};
use crate::curriculum::{Lab, Program};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::engine::report::Report;
use crate::error::{Answer, Error, Result};
use crate::queue::progress::Step;
use crate::reviews;
use crate::submissions::{self, Submission, SubmissionId};
use crate::web::{self, Path, Visitor, live};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse as _;
use std::sync::Arc;

/// A submission with all that decides who sees what of it.
pub struct Seen {
    pub submission: Submission,
    pub enrolment: Enrolment,
    /// The version of the program that it was made for.
    pub program: Arc<Program>,
    /// The version that its cohort is on now: due times are by it.
    pub current: Arc<Program>,
    pub staff: bool,
}

impl Seen {
    pub fn lab(&self) -> Result<&Lab> {
        self.program.lab(&self.submission.lab).ok_or(Error::NotFound)
    }
}

/// Loads a submission for whoever may see it: its student, and staff of its cohort. For everybody else it isn't there.
pub async fn see(app: &App, conn: &mut Conn, visitor: &Visitor, id: &SubmissionId) -> Result<Seen> {
    let submission = submissions::store::by_id(conn, id).await?.ok_or(Error::NotFound)?;
    let enrolment = cohorts::store::enrolment(conn, &submission.enrolment).await?.ok_or(Error::NotFound)?;
    let staff = visitor.oversees(&enrolment.cohort);
    if !staff && enrolment.person != visitor.person.id {
        return Err(Error::NotFound);
    }
    let program = app.programs.get(conn, &submission.program).await?;
    let current = app.programs.get(conn, &enrolment.program).await?;
    Ok(Seen { submission, enrolment, program, current, staff })
}

/// What decides how much of the report shows.
pub async fn reader(conn: &mut Conn, seen: &Seen, now: Timestamp) -> Result<Reader> {
    let opened = store::opened(conn, &seen.enrolment.id, &seen.submission.lab).await?;
    let of = |what: Opened| opened.iter().filter(|(_, w)| *w == what).map(|(check, _)| check.clone()).collect();
    // Their own due time: who has more time must not read what hidden checks said to themselves or others meanwhile.
    let lab = seen.current.lab(&seen.submission.lab).map_or_else(|| seen.lab(), Ok)?;
    let due = cohorts::store::due(conn, &seen.enrolment, lab, &seen.current.timeline).await?;
    Ok(Reader { staff: seen.staff, hints: of(Opened::Hint), fixes: of(Opened::Fix), number: seen.submission.number, revealed: now >= due })
}

/// The report that stands, as its reader may see it, with the points its review gave; None until it is graded.
pub async fn report(conn: &mut Conn, seen: &Seen, reader: &Reader) -> Result<Option<(Grading, Report)>> {
    let Some(grading) = store::current(conn, &seen.submission.id).await? else { return Ok(None) };
    let marks = reviews::store::marks_of(conn, &seen.submission.id).await?;
    let report = reviews::with_marks(shown(&grading.report.0, seen.lab()?, reader), seen.lab()?, seen.program.pass, &marks);
    Ok(Some((grading, report)))
}

/// GET /submissions/{id}/live: progress events until the report is here.
pub async fn watch(State(app): State<App>, visitor: Visitor, headers: HeaderMap, Path(id): Path<SubmissionId>) -> Answer {
    let mut conn = app.db.read().await?;
    let seen = see(&app, &mut conn, &visitor, &id).await?;
    let graded = store::is_graded(&mut conn, &id).await?;
    drop(conn);
    if graded {
        // Its steps may be long forgotten: nothing would ever end the stream.
        return Ok(live::ended(&Step::last("The report is here")).into_response());
    }
    let asking = app.clone();
    let may_watch = move || {
        let (app, visitor) = (asking.clone(), visitor.clone());
        async move { visitor.is_still_signed_in(&app).await }
    };
    Ok(live::watch(&app, seen.submission.subject(), &headers, may_watch).into_response())
}

/// GET /submissions/{id}/report.json: the report as its reader may see it.
pub async fn json(State(app): State<App>, visitor: Visitor, Path(id): Path<SubmissionId>) -> Answer {
    let mut conn = app.db.read().await?;
    let seen = see(&app, &mut conn, &visitor, &id).await?;
    let reader = reader(&mut conn, &seen, app.clock.now()).await?;
    let (_, report) = report(&mut conn, &seen, &reader).await?.ok_or(Error::NotFound)?;
    web::json(&report)
}

/// GET /submissions/{id}/files/{*path}: always a download, never a page.
pub async fn file(State(app): State<App>, visitor: Visitor, Path((id, path)): Path<(SubmissionId, String)>) -> Answer {
    let mut conn = app.db.read().await?;
    see(&app, &mut conn, &visitor, &id).await?;
    let file = submissions::store::file(&mut conn, &id, &path).await?.ok_or(Error::NotFound)?;
    web::attachment(&file.path, file.bytes)
}

/// POST /submissions/{id}/hints/{check}
pub async fn hint(State(app): State<App>, visitor: Visitor, Path((id, check)): Path<(SubmissionId, String)>) -> Answer {
    open(&app, &visitor, &id, &check, Opened::Hint).await
}

/// POST /submissions/{id}/fixes/{check}
pub async fn fix(State(app): State<App>, visitor: Visitor, Path((id, check)): Path<(SubmissionId, String)>) -> Answer {
    open(&app, &visitor, &id, &check, Opened::Fix).await
}

/// Opens a hint or a fix for the submission's own student, and keeps that it was opened.
async fn open(app: &App, visitor: &Visitor, id: &SubmissionId, check: &str, what: Opened) -> Answer {
    let mut conn = app.db.read().await?;
    let seen = see(app, &mut conn, visitor, id).await?;
    let reader = reader(&mut conn, &seen, app.clock.now()).await?;
    drop(conn);
    if seen.enrolment.person != visitor.person.id {
        return Err(Error::NotAllowed);
    }
    let lab = seen.lab()?;
    let check = lab.check(check).ok_or(Error::NotFound)?;
    let may = match what {
        Opened::Hint => !check.hints.is_empty() && (!check.hidden || reader.revealed),
        Opened::Fix => may_ask_for_fix(lab, &check.id, &reader),
    };
    if !may {
        return Err(Error::refused(match what {
            Opened::Hint => "There is no hint to show here, or it shows after the due time.",
            Opened::Fix => "The fix shows after the hint, or from the second hand-in on.",
        }));
    }
    let mut write = app.db.write(seen.enrolment.id.guard()).await?;
    store::open(&mut write, &seen.enrolment.id, &lab.id, &check.id, what, app.clock.now()).await?;
    write.commit().await?;
    web::see(format!("{}#{}", seen.submission.url(), check.id))
}
