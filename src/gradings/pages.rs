//! The report of a hand-in: live while it is graded, then finding by finding.
use super::excerpt::{self, Line};
use super::{Came, Grading, Opened, Reader, may_ask_for_fix, next_points, shown, store};
use crate::app::App;
use crate::cohorts::{self, Enrolment};
use crate::curriculum::{Lab, Program};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::engine::report::{Because, Finding, Outcome, Place, Problem, Report};
use crate::error::{Answer, Error, Result};
use crate::progress::{Attempt, Eyes, Standing, pages as progress};
use crate::queue::progress::Step;
use crate::queue::{self, Position};
use crate::reviews::{self, Review};
use crate::submissions::{self, StoredFile, Submission, SubmissionId};
use crate::web::{self, Path, Site, Visitor, filters, live};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse as _;
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
    // Their own due time: who has more time must not read what hidden checks said to themselves or others meanwhile.
    let due = cohorts::store::due(conn, &seen.enrolment, seen.lab()?, &seen.program.timeline).await?;
    Ok(Reader { staff: seen.staff, hints: of(Opened::Hint), fixes: of(Opened::Fix), number: seen.submission.number, revealed: now >= due })
}

/// The report that stands, as its reader may see it, with the points its review gave; None until it is graded.
pub async fn report(conn: &mut Conn, seen: &Seen, reader: &Reader) -> Result<Option<(Grading, Report)>> {
    let Some(grading) = store::current(conn, &seen.submission.id).await? else { return Ok(None) };
    let lab = seen.lab()?;
    let mut report = shown(&grading.report.0, lab, reader);
    if let Some(review) = reviews::store::of_submission(conn, &seen.submission.id).await? {
        report = reviews::with_marks(report, lab, &reviews::store::marks(conn, &review.id).await?);
    }
    Ok(Some((grading, report)))
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
    step: Option<Step>,
    review: Option<Review>,
    comments: Vec<reviews::Comment>,
    others: Vec<Other>,
    /// The percent it keeps, and its points after that.
    kept: Option<(u32, i64)>,
}

/// A hand-in for the same lab.
struct Other {
    submission: SubmissionId,
    url: String,
    number: i64,
    received: Timestamp,
    words: String,
    tone: &'static str,
}

impl Other {
    fn new(attempt: &Attempt, standing: &Standing<'_>) -> Other {
        let max = i64::from(standing.lab.points);
        let (words, tone) = match (attempt.outcome, attempt.points()) {
            (None, _) => ("waiting".to_owned(), ""),
            (Some(_), Some(points)) => (format!("{points} of {max}"), super::tone(Came::Graded, points, attempt.still_open(standing.lab), max)),
            (Some(came), None) => (if came == Came::Broken { "our grader failed" } else { "not gradable" }.to_owned(), super::tone(came, 0, 0, max)),
        };
        Other { submission: attempt.submission.clone(), url: attempt.url(), number: attempt.number, received: attempt.received, words, tone }
    }
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
        self.others.first().is_none_or(|o| o.submission == self.seen.submission.id)
    }

    /// Where one of its files is downloaded.
    fn file_url(&self, file: &StoredFile) -> String {
        format!("{}/files/{}", self.seen.submission.url(), web::form::encode(&file.path))
    }

    /// What late work keeps, if that is less than everything.
    fn late(&self) -> Option<(u32, i64)> {
        self.kept.filter(|(percent, _)| *percent < 100)
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
    let (grading, report) = report(&mut conn, &seen, &reader).await?.unzip();
    let position = match store::job_of(&mut conn, id).await? {
        Some(job) => queue::store::position(&mut conn, &job, app.grader_count()).await?,
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
    let loaded = progress::load(app, &mut conn, &seen.enrolment).await?;
    drop(conn);
    let book = loaded.book(if seen.staff { Eyes::Staff } else { Eyes::Student });
    // A lab that the cohort's program has no more has no standing either.
    let standing = book.standings.get(&lab.id);
    let others: Vec<Other> = standing.iter().flat_map(|s| s.attempts.iter().map(|a| Other::new(a, s))).collect();
    let kept = standing.and_then(|s| {
        let attempt = s.attempts.iter().find(|a| a.submission == *id)?;
        Some((s.kept(attempt), s.credit(attempt)?))
    });
    let next = report.as_ref().map_or_else(Vec::new, |r| next_points(r, 3).into_iter().map(|f| (f.max - f.points, f.message.clone())).collect());
    let groups = report.as_ref().map_or_else(Vec::new, |r| group(r, &files, &lab, &reader));
    Ok(Show { site, seen, lab, files, grading, report, groups, next, position, step, review, comments, others, kept })
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
    let graded = store::current(&mut conn, &id).await?.is_some();
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
        return Err(Error::refused("The fix shows after the hint, or from the second hand-in on."));
    }
    let mut write = app.db.write(format!("enrolment:{}", seen.enrolment.id)).await?;
    store::open(&mut write, &seen.enrolment.id, &lab.id, &check.id, what, app.clock.now()).await?;
    write.commit().await?;
    web::see(format!("{}#{}", seen.submission.url(), check.id))
}
