//! The report of a hand-in: live while it is graded, then finding by finding.
use super::excerpt::{self, Line};
use super::{Came, Grading, Opened, Reader, may_ask_for_fix, next_points, shown, store};
use crate::app::App;
use crate::cohorts::{self, Enrolment};
use crate::curriculum::{Lab, Program, calendar};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::engine::report::{Because, Finding, Outcome, Place, Problem, Report};
use crate::error::{Answer, Error, Result};
use crate::queue::{self, Position};
use crate::reviews::{self, Review};
use crate::submissions::{self, StoredFile, Submission, SubmissionId};
use crate::web::{self, Path, Site, Visitor, filters, live};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse as _;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A submission with all that decides who sees what of it.
pub struct Seen {
    pub submission: Submission,
    pub enrolment: Enrolment,
    pub program: Arc<Program>,
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
    Ok(Seen { submission, enrolment, program, staff })
}

/// What decides how much of the report shows.
pub async fn reader(conn: &mut Conn, seen: &Seen, now: Timestamp) -> Result<Reader> {
    let opened = store::opened(conn, &seen.enrolment.id, &seen.submission.lab).await?;
    let of = |what: Opened| opened.iter().filter(|(_, w)| *w == what).map(|(check, _)| check.clone()).collect();
    let lab = seen.lab()?;
    let due = calendar::due(&seen.program.timeline, &seen.enrolment.starts, &seen.enrolment.zone, lab.week);
    Ok(Reader { staff: seen.staff, hints: of(Opened::Hint), fixes: of(Opened::Fix), number: seen.submission.number, revealed: now >= due })
}

/// A finding as the page shows it.
struct Shown {
    finding: Finding,
    /// What the check asks for; a hidden one's message says all that may be said.
    title: String,
    problems: Vec<(Problem, Vec<Line>)>,
    /// What a student may still ask for.
    offers_hint: bool,
    offers_fix: bool,
}

impl Shown {
    /// The word for its colour and mark.
    fn mark(&self) -> &'static str {
        match (self.finding.outcome, self.finding.because) {
            (Outcome::Passed, _) => "passed",
            (Outcome::Failed, _) => "failed",
            (Outcome::Error, _) => "error",
            (Outcome::Skipped, Some(Because::Gate) | None) => "skipped",
            (Outcome::Skipped, Some(_)) => "open",
        }
    }

    fn waits(&self) -> Option<&'static str> {
        Some(match self.finding.because? {
            Because::Gate => "waits until the document it reads is valid",
            Because::Tool => "the tool for it is missing here; the points stay open",
            Because::Sandbox => "needs a cluster; the points stay open",
            Because::Due => "shows after the due time",
            Because::Review => "an instructor gives these points",
        })
    }

    fn has_body(&self) -> bool {
        !self.problems.is_empty() || self.finding.why.is_some() || self.finding.hint.is_some() || self.offers_hint
    }

    fn place(&self) -> Option<String> {
        let (file, line) = (self.finding.file.as_ref()?, self.finding.line?);
        Some(self.finding.column.map_or_else(|| format!("{file}:{line}"), |column| format!("{file}:{line}:{column}")))
    }
}

/// The findings of one file; `None` are those of no file.
struct Group {
    file: Option<String>,
    findings: Vec<Shown>,
}

impl Group {
    fn summary(&self) -> String {
        let failed = self.findings.iter().filter(|f| f.finding.outcome == Outcome::Failed).count();
        match (failed, self.findings.len()) {
            (0, 1) => "1 check".to_owned(),
            (0, n) => format!("{n} checks"),
            (1, _) => "1 to fix".to_owned(),
            (n, _) => format!("{n} to fix"),
        }
    }
}

#[derive(Template)]
#[template(path = "gradings/report.html", blocks = ["state"])]
struct Show {
    site: Site,
    seen: Seen,
    lab: Lab,
    files: Vec<StoredFile>,
    grading: Option<Grading>,
    report: Option<Report>,
    groups: Vec<Group>,
    next: Vec<(u32, String)>,
    position: Option<Position>,
    step: Option<queue::progress::Step>,
    review: Option<Review>,
    comments: Vec<reviews::Comment>,
    others: Vec<Submission>,
    scores: BTreeMap<String, super::Score>,
    credit: i64,
    percent: u32,
}

impl Show {
    fn count(&self, outcome: &str) -> usize {
        self.groups.iter().flat_map(|g| &g.findings).filter(|f| f.mark() == outcome).count()
    }

    fn tone(&self) -> &'static str {
        match (&self.grading, &self.report) {
            (Some(grading), Some(report)) => super::tone(grading.outcome, i64::from(report.score), i64::from(report.open), i64::from(report.max)),
            _ => "info",
        }
    }

    /// For the ring: percent of the points.
    fn share(&self) -> u32 {
        self.report.as_ref().map_or(0, |r| r.score * 100 / r.max.max(1))
    }

    fn is_gradable(&self) -> bool {
        self.grading.as_ref().is_some_and(|g| g.outcome == Came::Graded)
    }

    fn is_latest(&self) -> bool {
        self.others.first().is_none_or(|s| s.id == self.seen.submission.id)
    }

    fn score_of(&self, submission: &Submission) -> Option<&super::Score> {
        self.scores.get(submission.id.as_str())
    }
}

/// GET /submissions/{id}
pub async fn show(State(app): State<App>, visitor: Visitor, site: Site, headers: HeaderMap, Path(id): Path<SubmissionId>) -> Answer {
    let page = load(&app, &visitor, site, &id).await?;
    if headers.contains_key("hx-request") {
        let html = page.as_state().render()?;
        return Ok((axum::response::Html(html)).into_response());
    }
    web::page(&page)
}

async fn load(app: &App, visitor: &Visitor, site: Site, id: &SubmissionId) -> Result<Show> {
    let mut conn = app.db.read().await?;
    let seen = see(app, &mut conn, visitor, id).await?;
    let lab = seen.lab()?.clone();
    let reader = reader(&mut conn, &seen, site.now).await?;
    let files = submissions::store::files(&mut conn, id).await?;
    let grading = store::current(&mut conn, id).await?;
    let report = grading.as_ref().map(|g| shown(&g.report.0, &lab, &reader));
    let job = store::job_of(&mut conn, id).await?;
    let position = match &job {
        Some(job) => queue::store::position(&mut conn, job, app.grader_count()).await?,
        None => None,
    };
    let step = if grading.is_none() {
        queue::progress::after(&mut conn, &seen.submission.subject(), 0).await?.pop().map(|(_, _, step)| step.0)
    } else {
        None
    };
    let review = reviews::store::of_submission(&mut conn, id).await?;
    let comments = match &review {
        Some(review) => reviews::store::comments(&mut conn, &review.id).await?,
        None => Vec::new(),
    };
    let others = submissions::store::of_lab(&mut conn, &seen.enrolment.id, &seen.submission.lab).await?;
    let ids: Vec<SubmissionId> = others.iter().map(|s| s.id.clone()).collect();
    let scores = store::scores(&mut conn, &ids).await?.into_iter();
    let scores = scores.map(|s| (s.submission.to_string(), if seen.staff || reader.revealed { s } else { s.without_hidden() })).collect();
    let ends = calendar::ends(&seen.enrolment.starts, &seen.enrolment.zone, seen.program.length());
    let due = cohorts::store::due(&mut conn, &seen.enrolment, &lab, &seen.program.timeline).await?;
    let steps = calendar::steps(&seen.program.timeline, due, &seen.enrolment.zone, ends);
    let percent = calendar::percent(&steps, seen.submission.received);
    let credit = report.as_ref().map_or(0, |r| submissions::credited(i64::from(r.score), &steps, seen.submission.received));
    let next = report.as_ref().map_or_else(Vec::new, |r| next_points(r, 3).into_iter().map(|f| (f.max - f.points, f.message.clone())).collect());
    let groups = report.as_ref().map_or_else(Vec::new, |r| group(r, &files, &lab, &reader));
    Ok(Show { site, seen, lab, files, grading, report, groups, next, position, step, review, comments, others, scores, credit, percent })
}

/// By file, in the order of the checks; what fails first within a file stands first.
fn group(report: &Report, files: &[StoredFile], lab: &Lab, reader: &Reader) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for finding in &report.findings {
        let problems =
            finding.problems.iter().map(|p| (p.clone(), p.place.as_ref().map_or_else(Vec::new, |place| excerpt_of(files, place)))).collect();
        let has_hint = lab.check(&finding.check).is_some_and(|c| !c.hints.is_empty()) && finding.outcome == Outcome::Failed && !finding.hidden;
        let shown = Shown {
            offers_hint: !reader.staff && has_hint && !reader.hints.contains(&finding.check),
            offers_fix: !reader.staff && finding.outcome == Outcome::Failed && may_ask_for_fix(lab, &finding.check, reader),
            title: match lab.check(&finding.check) {
                Some(check) if !finding.hidden => check.title(),
                _ => finding.message.clone(),
            },
            finding: finding.clone(),
            problems,
        };
        match groups.iter_mut().find(|g| g.file == finding.file) {
            Some(group) => group.findings.push(shown),
            None => groups.push(Group { file: finding.file.clone(), findings: vec![shown] }),
        }
    }
    groups.sort_by_key(|g| (g.file.is_none(), g.file.clone()));
    groups
}

fn excerpt_of(files: &[StoredFile], place: &Place) -> Vec<Line> {
    files.iter().find(|f| f.path == place.file).map_or_else(Vec::new, |file| excerpt::lines(&file.text(), place))
}

/// GET /submissions/{id}/live: progress events until the report is here.
pub async fn watch(State(app): State<App>, visitor: Visitor, headers: HeaderMap, Path(id): Path<SubmissionId>) -> Answer {
    let mut conn = app.db.read().await?;
    let seen = see(&app, &mut conn, &visitor, &id).await?;
    drop(conn);
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
    let grading = store::current(&mut conn, &id).await?.ok_or(Error::NotFound)?;
    web::json(&shown(&grading.report.0, seen.lab()?, &reader))
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
        return Err(Error::refused("The fix shows after the hint, or from the second hand-in on."));
    }
    let mut write = app.db.write(format!("enrolment:{}", seen.enrolment.id)).await?;
    store::open(&mut write, &seen.enrolment.id, &lab.id, &check.id, what, app.clock.now()).await?;
    write.commit().await?;
    web::see(format!("{}#{}", seen.submission.url(), check.id))
}
