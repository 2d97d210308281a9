//! The report's page: live while it is graded, then finding by finding.
use super::{Seen, figure, reader, report, see};
use crate::app::App;
use crate::curriculum::Lab;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::engine::figure::Figure;
use crate::engine::report::{Because, Finding, Outcome, Place, Problem, Report};
use crate::error::{Answer, Result};
use crate::gradings::excerpt::{self, Line};
use crate::gradings::source::{self, Mark, Row, Source};
use crate::gradings::{Came, Grading, Reader, may_ask_for_fix, next_points, store};
use crate::progress::{Attempt, Eyes, pages as progress};
use crate::queue::progress::Step;
use crate::queue::{self, Position};
use crate::reviews::{self, Review};
use crate::submissions::{self, StoredFile, SubmissionId};
use crate::web::{self, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse as _;

/// How many points ahead the head of a report looks.
const NEXT: u32 = 10;

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
        !self.problems.is_empty() || self.finding.figure.is_some() || self.finding.why.is_some() || self.finding.hint.is_some() || self.offers_hint
    }

    fn place(&self) -> Option<String> {
        let (file, line) = (self.finding.file.as_ref()?, self.finding.line?);
        Some(self.finding.column.map_or_else(|| format!("{file}:{line}"), |column| format!("{file}:{line}:{column}")))
    }

    /// Whether a problem lies in the file that stands beside the finding.
    fn is_beside(&self, problem: &Problem) -> bool {
        problem.place.as_ref().is_some_and(|p| Some(&p.file) == self.finding.file.as_ref())
    }

    /// What it says in one line: the first problem, or what passed.
    fn headline(&self) -> &str {
        if self.finding.outcome == Outcome::Passed && self.finding.figure.is_none() { &self.title } else { &self.finding.message }
    }
}

/// The findings of one file; `None` are those of no file.
struct Group {
    file: Option<String>,
    /// The file itself, to stand beside them.
    source: Option<Source>,
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
    next: Vec<Next>,
    position: Option<Position>,
    step: Option<Step>,
    review: Option<Review>,
    comments: Vec<reviews::Comment>,
    others: Vec<Other>,
    /// What it is worth; None while nobody can say.
    worth: Option<Worth>,
}

/// What a hand-in is worth: marked, overridden, credited.
struct Worth {
    points: i64,
    open: i64,
    /// The percent it keeps, and its points after that.
    kept: u32,
    credit: i64,
}

/// A mend that gives points.
struct Next {
    points: u32,
    check: String,
    words: String,
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
    fn new(attempt: &Attempt, lab: &Lab) -> Other {
        let (words, tone) = attempt.came(lab);
        Other { submission: attempt.submission.clone(), url: attempt.url(), number: attempt.number, received: attempt.received, words, tone }
    }
}

impl Show {
    /// What can be shown alone: the mark, what it is called, how many there are.
    fn filters(&self) -> impl Iterator<Item = (&'static str, &'static str, usize)> {
        let named = [("failed", "To fix"), ("passed", "Passed"), ("open", "Open"), ("skipped", "Waiting"), ("error", "Not checked")];
        named.into_iter().map(|(mark, name)| (mark, name, self.count(mark))).filter(|(_, _, n)| *n > 0)
    }

    fn all(&self) -> usize {
        self.groups.iter().map(|g| g.findings.len()).sum()
    }

    /// How many points the mends named in the head give, all that are left if those are fewer.
    fn next_sum(&self) -> u32 {
        self.next.iter().map(|n| n.points).sum()
    }

    fn count(&self, outcome: &str) -> usize {
        self.groups.iter().flat_map(|g| &g.findings).filter(|f| f.mark() == outcome).count()
    }

    /// Its points: an override, or what the checks and the review gave.
    fn points(&self) -> i64 {
        self.worth.as_ref().map(|w| w.points).or(self.report.as_ref().map(|r| i64::from(r.score))).unwrap_or(0)
    }

    fn tone(&self) -> &'static str {
        let open = self.worth.as_ref().map_or(0, |w| w.open);
        self.grading.as_ref().map_or("info", |g| crate::gradings::tone(g.outcome, self.points(), open, i64::from(self.lab.points)))
    }

    fn is_full(&self) -> bool {
        self.points() >= i64::from(self.lab.points)
    }

    /// For the ring: percent of the points.
    fn share(&self) -> i64 {
        self.points() * 100 / i64::from(self.lab.points.max(1))
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
        self.worth.as_ref().filter(|w| w.kept < 100).map(|w| (w.kept, w.credit))
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
    let mut page = Show {
        site,
        seen,
        lab,
        files: Vec::new(),
        grading: None,
        report: None,
        groups: Vec::new(),
        next: Vec::new(),
        position: None,
        step: None,
        review: None,
        comments: Vec::new(),
        others: Vec::new(),
        worth: None,
    };
    let reader = reader(&mut conn, &page.seen, page.site.now).await?;
    match report(&mut conn, &page.seen, &reader).await? {
        Some((grading, report)) => {
            page.grading = Some(grading);
            fill(app, &mut conn, &mut page, report, &reader).await?;
        }
        // Asked for at every step while it is graded: no more is read than is shown.
        None => wait(app, &mut conn, &mut page).await?,
    }
    Ok(page)
}

/// Where it stands in the queue, and what its grading is at.
async fn wait(app: &App, conn: &mut Conn, page: &mut Show) -> Result<()> {
    if let Some(job) = store::job_of(conn, &page.seen.submission.id).await? {
        page.position = queue::store::position(conn, &job, app.grader_count()).await?;
    }
    page.step = queue::progress::after(conn, &page.seen.submission.subject(), 0).await?.pop().map(|(_, _, step)| step.0);
    Ok(())
}

async fn fill(app: &App, conn: &mut Conn, page: &mut Show, report: Report, reader: &Reader) -> Result<()> {
    let id = &page.seen.submission.id;
    page.files = submissions::store::files(conn, id).await?;
    page.review = reviews::store::of_submission(conn, id).await?;
    if let Some(review) = &page.review {
        page.comments = reviews::store::comments(conn, &review.id).await?;
    }
    let loaded = progress::load(app, conn, &page.seen.enrolment).await?;
    let book = loaded.book(if page.seen.staff { Eyes::Staff } else { Eyes::Student });
    // A lab that the cohort's program has no more has no standing either.
    if let Some(standing) = book.standings.get(&page.lab.id) {
        page.others = standing.attempts.iter().map(|a| Other::new(a, standing.lab)).collect();
        let worth =
            |a: &Attempt| Some(Worth { points: a.points()?, open: a.still_open(standing.lab), kept: standing.kept(a), credit: standing.credit(a)? });
        page.worth = standing.attempts.iter().find(|a| a.submission == *id).and_then(worth);
    }
    let next = |f: &Finding| Next { points: f.max - f.points, check: f.check.clone(), words: f.message.clone() };
    page.next = next_points(&report, NEXT).into_iter().map(next).collect();
    page.groups = group(&report, &page.files, &page.lab, reader);
    page.report = Some(report);
    Ok(())
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
            None => {
                groups.push(Group { file: finding.file.clone(), source: source_of(report, files, finding.file.as_deref()), findings: vec![shown] });
            }
        }
    }
    groups.sort_by_key(|g| (g.file.is_none(), g.file.clone()));
    groups
}

/// A file with every problem that the report has in it.
fn source_of(report: &Report, files: &[StoredFile], path: Option<&str>) -> Option<Source> {
    let file = files.iter().find(|f| Some(f.path.as_str()) == path)?;
    let mark = |f: &'_ Finding| {
        let check = f.check.clone();
        f.problems.iter().filter_map(move |p| Some((check.clone(), p.place.clone()?, p.message.clone()))).collect::<Vec<_>>()
    };
    let told: Vec<_> = report.findings.iter().flat_map(mark).filter(|(_, place, _)| place.file == file.path).collect();
    let marks: Vec<Mark<'_>> = told.iter().map(|(check, place, message)| Mark { place, check, message }).collect();
    Some(Source::new(&file.path, &file.text(), &marks))
}

fn excerpt_of(files: &[StoredFile], place: &Place) -> Vec<Line> {
    files.iter().find(|f| f.path == place.file).map_or_else(Vec::new, |file| excerpt::lines(&file.text(), place))
}
