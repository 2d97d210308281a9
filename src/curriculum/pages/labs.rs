//! One lab: its instructions, how it is graded, its start files, the hand-in, and where its student stands.
use super::quiz::QuizForm;
use super::{View, elsewhere};
use crate::app::App;
use crate::cohorts::CohortId;
use crate::curriculum::markdown::{self, Html, Rendered};
use crate::curriculum::{Lab, LabId, Preset, calendar};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::engine::check::{Check, Choose, Kind};
use crate::engine::report::Outcome;
use crate::engine::{File, kubernetes};
use crate::error::{Answer, Error, Result};
use crate::gradings::{self, Came};
use crate::progress::{Eyes, Standing};
use crate::reviews;
use crate::submissions::{self, pages::HandIn};
use crate::web::{self, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;
use std::io::Write as _;
use std::sync::Arc;

/// A check as students read it before they hand in.
struct CheckLine {
    what: Html,
    gate: bool,
    points: u32,
    criteria: Vec<(String, u32)>,
    /// passed, failed, skipped or error, of the newest report.
    last: Option<&'static str>,
}

/// A hand-in in the list of one's own.
struct Mine {
    number: i64,
    url: String,
    received: Timestamp,
    words: String,
    tone: &'static str,
}

/// A lab to pass first.
struct Need {
    title: String,
    url: String,
    /// Passed, or its due time is past: PRODUCT.md §3.
    met: bool,
}

/// Where a student stands in it.
struct Stand {
    best: Option<i64>,
    open: i64,
    tone: &'static str,
    passing: u32,
    credit: Vec<calendar::Step>,
    mine: Vec<Mine>,
    used: i64,
}

#[derive(Template)]
#[template(path = "curriculum/lab.html")]
struct Show {
    site: Site,
    lab: Lab,
    cohort: Option<String>,
    base: String,
    zone: String,
    proves: Vec<(String, u32)>,
    due: Option<Timestamp>,
    due_elsewhere: Option<String>,
    instructions: Arc<Rendered>,
    checks: Vec<CheckLine>,
    hidden: (usize, u32),
    start: Vec<(String, Html)>,
    /// What checks know beside the hand-in: nodes, loads.
    given: Vec<(String, Html)>,
    needs: Vec<Need>,
    /// The percent that passes a lab.
    pass: u32,
    sandbox: Option<Preset>,
    stand: Option<Stand>,
    form: Option<HandIn>,
    /// None when all attempts are used.
    quiz: Option<QuizForm>,
    may_hand_in: bool,
    /// Why nothing can be handed in at all any more.
    closed: Option<&'static str>,
}

impl Show {
    fn unmet(&self) -> Vec<&Need> {
        self.needs.iter().filter(|need| !need.met).collect()
    }

    /// The week's name, as the crumbs have it.
    fn week_url(&self) -> String {
        format!("{}/weeks/{}", self.base, self.lab.week)
    }
}

/// GET /labs/{id}
pub async fn show(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<LabId>) -> Answer {
    let mut conn = app.db.read().await?;
    let view = View::of_visitor(&app, &mut conn, &visitor).await?;
    show_lab(&app, &mut conn, site, &view, &id).await
}

/// GET /cohorts/{id}/labs/{lab}: for its staff, whatever the calendar says.
pub async fn show_of_cohort(State(app): State<App>, visitor: Visitor, site: Site, Path((cohort, id)): Path<(CohortId, LabId)>) -> Answer {
    let mut conn = app.db.read().await?;
    let view = View::of_cohort(&app, &mut conn, &visitor, &cohort).await?;
    show_lab(&app, &mut conn, site, &view, &id).await
}

/// GET /labs/{id}/start.zip
pub async fn start(State(app): State<App>, visitor: Visitor, Path(id): Path<LabId>) -> Answer {
    let view = View::of_visitor(&app, &mut *app.db.read().await?, &visitor).await?;
    let lab = open_lab(&view, &id, app.clock.now())?;
    if lab.start.is_empty() {
        return Err(Error::NotFound);
    }
    web::attachment(&format!("{id}-start.zip"), zipped(&id, &lab.start)?)
}

/// A lab whose week is open; others are not there yet.
fn open_lab<'a>(view: &'a View, id: &LabId, now: Timestamp) -> Result<&'a Lab> {
    view.program.lab(id).filter(|lab| view.is_open(lab.week, now)).ok_or(Error::NotFound)
}

async fn show_lab(app: &App, conn: &mut Conn, site: Site, view: &View, id: &LabId) -> Answer {
    let lab = open_lab(view, id, site.now)?;
    let book = view.student.as_ref().map(|student| student.book(Eyes::Student));
    let standing = book.as_ref().and_then(|book| book.standings.get(id));
    let last = last_outcomes(conn, lab, view.program.pass, standing).await?;
    let due = standing.map(|s| s.due).or_else(|| view.due(lab.week));
    let needs = lab.needs.iter().filter_map(|need| {
        let needed = view.program.lab(need)?;
        let met = book.as_ref().is_none_or(|book| book.is_met(need));
        Some(Need { title: needed.title.clone(), url: view.lab_url(needed), met })
    });
    let needs: Vec<Need> = needs.collect();
    let closed = view.student.as_ref().and_then(|student| student.enrolment.read_only());
    let may_hand_in = view.student.is_some() && closed.is_none() && needs.iter().all(|n| n.met);
    let (mut stand, mut form, mut quiz) = (None, None, None);
    if let (Some(standing), Some(student)) = (standing, &view.student) {
        let used = if lab.attempts.is_some() { submissions::store::attempts(conn, &student.enrolment.id, id).await? } else { 0 };
        if may_hand_in && lab.is_quiz {
            quiz = QuizForm::new(lab, used);
        } else if may_hand_in {
            let sample = app.demo && lab.mistakes.iter().any(|name| name == submissions::pages::SAMPLE);
            form = Some(HandIn { sample, ..HandIn::new(lab, editor(conn, lab, standing).await?) });
        }
        stand = Some(Stand { used, ..stand_of(view, standing, lab) });
    }
    let proves = lab.skills.iter().map(|(skill, level)| (view.program.skill(skill).map_or(skill.clone(), |s| s.title.clone()), *level));
    web::page(&Show {
        proves: proves.collect(),
        due_elsewhere: due.and_then(|at| elsewhere(at, view.zone(), site.zone())),
        due,
        instructions: app.programs.rendered(&lab.instructions),
        checks: check_lines(lab, &last),
        hidden: lab.hidden(),
        start: shown(&lab.start),
        given: shown(&lab.given),
        needs,
        pass: view.program.pass,
        sandbox: lab.sandbox.as_deref().and_then(|id| view.program.preset(id)).cloned(),
        cohort: view.cohort.clone(),
        base: view.base.clone(),
        zone: view.zone().to_owned(),
        lab: lab.clone(),
        stand,
        form,
        quiz,
        may_hand_in,
        closed,
        site,
    })
}

/// What each check said in the newest report, as its student may know it.
async fn last_outcomes(conn: &mut Conn, lab: &Lab, pass: u32, standing: Option<&Standing<'_>>) -> Result<Vec<(String, &'static str)>> {
    let newest = standing.and_then(|s| s.attempts.iter().find(|a| a.outcome == Some(Came::Graded)));
    let Some(newest) = newest else { return Ok(Vec::new()) };
    let Some(grading) = gradings::store::current(conn, &newest.submission).await? else { return Ok(Vec::new()) };
    let report = reviews::with_marks(grading.report.0, lab, pass, &reviews::store::marks_of(conn, &newest.submission).await?);
    let word = |outcome| match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Error => "error",
    };
    let findings = report.findings.into_iter().filter(|f| lab.check(&f.check).is_some_and(|c| !c.hidden));
    Ok(findings.map(|f| (f.check, word(f.outcome))).collect())
}

/// What the editor begins with: the newest hand-in's files, else the start files that may be handed in.
async fn editor(conn: &mut Conn, lab: &Lab, standing: &Standing<'_>) -> Result<Vec<(String, String)>> {
    let stored = match standing.attempts.first() {
        Some(newest) => submissions::store::files(conn, &newest.submission).await?,
        None => Vec::new(),
    };
    if !stored.is_empty() {
        return Ok(stored.into_iter().map(|file| (file.path.clone(), file.text().into_owned())).collect());
    }
    let start = lab.start.iter().filter(|file| lab.accepts.admits(&file.path));
    Ok(start.map(|file| (file.path.clone(), String::from_utf8_lossy(&file.bytes).into_owned())).collect())
}

fn stand_of(view: &View, standing: &Standing<'_>, lab: &Lab) -> Stand {
    let mine = standing.attempts.iter().map(|attempt| {
        let (words, tone) = attempt.came(lab);
        Mine { number: attempt.number, url: attempt.url(), received: attempt.received, words, tone }
    });
    Stand {
        best: standing.best,
        open: standing.open,
        tone: standing.tone(&view.program),
        passing: view.program.passing(lab),
        credit: standing.steps.clone(),
        mine: mine.collect(),
        used: 0,
    }
}

fn shown(files: &[File]) -> Vec<(String, Html)> {
    files.iter().map(|file| (file.path.clone(), markdown::file(&file.path, &String::from_utf8_lossy(&file.bytes)))).collect()
}

/// The checks that are no secret.
fn check_lines(lab: &Lab, last: &[(String, &'static str)]) -> Vec<CheckLine> {
    let line = |check: &Check| CheckLine {
        what: what(check),
        gate: check.gate,
        points: check.points,
        criteria: match &check.kind {
            Kind::Rubric { criteria } => criteria.iter().map(|c| (c.text.clone(), c.points)).collect(),
            _ => Vec::new(),
        },
        last: last.iter().find(|(id, _)| *id == check.id).map(|(_, word)| *word),
    };
    lab.checks.iter().filter(|c| !c.hidden).map(line).collect()
}

/// What a check looks at, without what it wants to find there.
fn what(check: &Check) -> Html {
    let of = check.only.as_ref().map(|only| [only.kind.as_deref(), only.name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" "));
    let of = of.filter(|of| !of.is_empty());
    let on = of.as_ref().map_or_else(String::new, |of| format!(" (`{of}`)"));
    markdown::inline(&match &check.kind {
        Kind::KubernetesSchema { version } => format!("Every document is a valid Kubernetes {version} object{on}"),
        Kind::KubernetesRule { rule } => {
            let title = kubernetes::rules::by_id(rule).map_or(rule.as_str(), |rule| rule.about().title);
            format!("[{title}](/rules/{rule}){on}")
        }
        Kind::KubernetesAdmission(room) => format!("A namespace of preset *{}* lets everything in{on}", room.preset),
        Kind::KubernetesScheduling { .. } => format!("{}{on}", check.title()),
        Kind::TerraformStatic { rule } => {
            let title = crate::engine::terraform::rules::by_id(rule).map_or(rule.as_str(), |rule| rule.title());
            format!("[{title}](/rules/{rule})")
        }
        Kind::Select { path, file, .. } => {
            let place = of.or_else(|| file.clone()).map_or_else(String::new, |of| format!(" in `{of}`"));
            format!("`{}`{place}", path.trim_start_matches("$."))
        }
        Kind::KubernetesAutoscaling(_) => format!("The autoscaler keeps its objectives when the load of `given/` is replayed{on}"),
        Kind::TerraformPlan(_) | Kind::TerraformApply(_) | Kind::TerraformTests(_) => check.title(),
        Kind::Cost(ask) => match &ask.saves {
            Some(_) => format!("{}, against a baseline in `given/`", ask.title()),
            None => ask.title(),
        },
        Kind::Quiz(_) => check.id.clone(),
        Kind::Rubric { .. } => "Marked by an instructor".to_owned(),
    })
}

/// The start files below a folder of the lab's name, always the same bytes for the same files.
fn zipped(id: &LabId, files: &[File]) -> Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default()).unix_permissions(0o644);
    for file in files {
        zip.start_file(format!("{id}/{}", file.path), options)?;
        zip.write_all(&file.bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}
