//! `/cohorts/{id}/students/{enrolment}`: one student's book as staff see it, with what staff can change for them.
use super::overseen_member;
use crate::accounts::pages::{Mistakes, mistake};
use crate::app::App;
use crate::cohorts::roster::{Extension, Member, store as roster};
use crate::cohorts::{Cohort, CohortId, EnrolmentId, Status};
use crate::curriculum::{LabId, calendar};
use crate::db::values::Timestamp;
use crate::error::{Answer, Result};
use crate::progress::skills::{Skill, skills};
use crate::progress::store::{self as progress, Signed};
use crate::progress::stuck::{self, Sign};
use crate::progress::{Attempt, Eyes, Standing, WeekState, pages};
use crate::web::{self, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;

/// What was typed into the page's forms, given back with what is wrong.
#[derive(Debug, Default)]
pub struct Typed {
    pub extended: String,
    pub due: String,
    pub why: String,
    pub signed: String,
    pub score: String,
    pub reason: String,
    pub mistakes: Mistakes,
}

struct LabLine {
    id: LabId,
    title: String,
    week: u32,
    first_of_week: bool,
    due: Timestamp,
    moved: bool,
    best: Option<i64>,
    open: i64,
    points: u32,
    tone: &'static str,
    overridden: bool,
    attempts: Vec<Try>,
}

struct Try {
    url: String,
    number: i64,
    words: String,
}

impl Try {
    fn new(attempt: &Attempt, standing: &Standing<'_>) -> Try {
        let (mut words, _) = attempt.came(standing.lab);
        let kept = standing.kept(attempt);
        if attempt.points().is_some() && kept < 100 {
            words.push_str(&format!(", keeps {kept} %"));
        }
        Try { url: attempt.url(), number: attempt.number, words }
    }
}

#[derive(Template)]
#[template(path = "cohorts/student.html")]
struct Student {
    site: Site,
    cohort: Cohort,
    member: Member,
    weeks: Vec<WeekState>,
    share: i64,
    due_share: Option<i64>,
    signs: Vec<Sign>,
    labs: Vec<LabLine>,
    skills: Vec<Skill>,
    extensions: Vec<Extension>,
    overrides: Vec<Signed>,
    typed: Typed,
}

impl Student {
    fn mistake(&self, field: &str) -> Option<&str> {
        mistake(&self.typed.mistakes, field)
    }

    fn url(&self) -> String {
        self.member.url(&self.cohort.id)
    }

    fn title(&self, lab: &LabId) -> String {
        self.labs.iter().find(|l| l.id == *lab).map_or_else(|| lab.to_string(), |l| l.title.clone())
    }

    /// Where this enrolment could stand instead, with what the button says.
    fn moves(&self) -> Vec<(Status, &'static str)> {
        match self.member.status {
            Status::Active => vec![
                (Status::Completed, "Completed the program"),
                (Status::Deferred, "Defer to a later cohort"),
                (Status::Withdrawn, "Has withdrawn"),
                (Status::Removed, "Remove from the cohort"),
            ],
            _ => vec![(Status::Active, "Take part again")],
        }
    }
}

async fn load(app: &App, visitor: &Visitor, site: Site, id: &CohortId, enrolment: &EnrolmentId, typed: Typed) -> Result<Student> {
    let mut conn = app.db.read().await?;
    let (cohort, member) = overseen_member(&mut conn, visitor, id, enrolment).await?;
    let loaded = pages::load(app, &mut conn, &member.enrolment(&cohort)).await?;
    let extensions = roster::extensions(&mut conn, enrolment).await?;
    let overrides = progress::signed(&mut conn, enrolment).await?;
    drop(conn);
    let book = loaded.book(Eyes::Staff);
    let mut labs: Vec<LabLine> = Vec::new();
    for standing in loaded.program.labs().filter_map(|lab| book.standings.get(&lab.id)) {
        labs.push(LabLine {
            id: standing.lab.id.clone(),
            title: standing.lab.title.clone(),
            week: standing.lab.week,
            first_of_week: labs.last().is_none_or(|l| l.week != standing.lab.week),
            due: standing.due,
            moved: extensions.iter().any(|x| x.lab == standing.lab.id),
            best: standing.best,
            open: standing.open,
            points: standing.lab.points,
            tone: standing.tone(&loaded.program),
            overridden: standing.overridden,
            attempts: standing.attempts.iter().map(|a| Try::new(a, standing)).collect(),
        });
    }
    let (share, due_share) = book.shares();
    let base = cohort.url();
    let weeks = book.weeks().into_iter().map(|w| WeekState { url: format!("{base}{}", w.url), ..w }).collect();
    let signs = if member.is_active() { stuck::signs(&book, calendar::opens(&cohort.starts, &cohort.zone, 1)) } else { Vec::new() };
    let skills = skills(&book, &loaded.guided, |_| 0);
    Ok(Student { site, weeks, share, due_share, signs, labs, skills, extensions, overrides, typed, cohort, member })
}

/// GET /cohorts/{id}/students/{enrolment}
pub async fn show(State(app): State<App>, visitor: Visitor, site: Site, Path((id, enrolment)): Path<(CohortId, EnrolmentId)>) -> Answer {
    web::page(&load(&app, &visitor, site, &id, &enrolment, Typed::default()).await?)
}

/// The page given back with what is wrong.
pub async fn again(app: &App, visitor: &Visitor, site: Site, id: &CohortId, enrolment: &EnrolmentId, typed: Typed) -> Answer {
    web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &load(app, visitor, site, id, enrolment, typed).await?)
}
