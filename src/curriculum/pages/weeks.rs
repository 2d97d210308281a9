//! The sixteen weeks, and one week: its lesson, its labs, what comes before and after.
use super::{View, elsewhere};
use crate::app::App;
use crate::cohorts::CohortId;
use crate::curriculum::markdown::Rendered;
use crate::curriculum::{Program, Week};
use crate::db::values::Timestamp;
use crate::error::{Answer, Error};
use crate::progress::Eyes;
use crate::web::{self, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;
use std::sync::Arc;

/// A week in the list.
struct Line {
    number: u32,
    title: String,
    outcome: String,
    url: String,
    /// done, now, behind, open or locked.
    state: &'static str,
    opens: Option<Timestamp>,
    labs: usize,
    points: u32,
    minutes: u32,
    /// A student's share of its required points.
    percent: Option<i64>,
}

#[derive(Template)]
#[template(path = "curriculum/weeks.html")]
struct List {
    site: Site,
    title: String,
    cohort: Option<String>,
    base: String,
    zone: String,
    this_week: i64,
    lines: Vec<Line>,
    /// In authoring mode, what is wrong with the folder.
    problems: Vec<String>,
}

impl Line {
    fn tone(&self) -> &'static str {
        match self.percent {
            Some(70..) => "go",
            Some(1..) => "hold",
            _ => "mute",
        }
    }

    fn sign(&self) -> &'static str {
        match self.state {
            "done" => "done",
            "now" => "",
            "behind" => "behind",
            _ => "off",
        }
    }
}

/// GET /weeks
pub async fn list(State(app): State<App>, visitor: Visitor, site: Site) -> Answer {
    let view = View::of_visitor(&app, &mut *app.db.read().await?, &visitor).await?;
    show_list(&app, site, &view)
}

/// GET /cohorts/{id}/weeks
pub async fn list_of_cohort(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<CohortId>) -> Answer {
    let view = View::of_cohort(&app, &mut *app.db.read().await?, &visitor, &id).await?;
    show_list(&app, site, &view)
}

fn show_list(app: &App, site: Site, view: &View) -> Answer {
    let now = site.now;
    let book = view.student.as_ref().map(|student| student.book(Eyes::Student));
    let states = book.as_ref().map(crate::progress::Book::weeks).unwrap_or_default();
    let this_week = view.this_week(now);
    let lines = view.program.weeks.iter().map(|week| {
        let progress = states.iter().find(|state| state.number == week.number);
        let mine = progress.map_or(if i64::from(week.number) == this_week { "now" } else { "open" }, |p| p.state);
        Line {
            number: week.number,
            title: week.title.clone(),
            outcome: week.outcome.clone(),
            url: view.week_url(week),
            state: mine,
            opens: view.opens(week.number),
            labs: week.labs.len(),
            points: view.program.labs_of(week).map(|lab| lab.points).sum(),
            minutes: week.minutes + view.program.labs_of(week).map(|lab| lab.minutes).sum::<u32>(),
            percent: progress.map(|p| p.percent),
        }
    });
    let problems = if view.is_staff() { app.programs.problems() } else { Vec::new() };
    web::page(&List {
        title: view.program.title.clone(),
        cohort: view.cohort.clone(),
        base: view.base.clone(),
        zone: view.zone().to_owned(),
        this_week,
        lines: lines.collect(),
        problems,
        site,
    })
}

/// A lab in a week's list.
struct LabLine {
    title: String,
    url: String,
    points: u32,
    minutes: u32,
    required: bool,
    is_quiz: bool,
    attempts: Option<u32>,
    due: Option<Timestamp>,
    due_elsewhere: Option<String>,
    /// A student's best score, and its tone.
    best: Option<i64>,
    tone: &'static str,
    waiting: bool,
}

/// A neighbouring week.
struct Turn {
    number: u32,
    title: String,
    url: String,
}

#[derive(Template)]
#[template(path = "curriculum/week.html")]
struct Show {
    site: Site,
    number: u32,
    title: String,
    outcome: String,
    minutes: u32,
    cohort: Option<String>,
    base: String,
    zone: String,
    opens: Option<Timestamp>,
    opens_elsewhere: Option<String>,
    is_open: bool,
    is_now: bool,
    lesson: Arc<Rendered>,
    labs: Vec<LabLine>,
    earned: i64,
    points: u32,
    before: Option<Turn>,
    after: Option<Turn>,
}

/// GET /weeks/{number}
pub async fn show(State(app): State<App>, visitor: Visitor, site: Site, Path(number): Path<u32>) -> Answer {
    let view = View::of_visitor(&app, &mut *app.db.read().await?, &visitor).await?;
    show_week(&app, site, &view, number)
}

/// GET /cohorts/{id}/weeks/{number}: every week is open to its staff.
pub async fn show_of_cohort(State(app): State<App>, visitor: Visitor, site: Site, Path((id, number)): Path<(CohortId, u32)>) -> Answer {
    let view = View::of_cohort(&app, &mut *app.db.read().await?, &visitor, &id).await?;
    show_week(&app, site, &view, number)
}

fn show_week(app: &App, site: Site, view: &View, number: u32) -> Answer {
    let program: &Program = &view.program;
    let week = program.week(number).ok_or(Error::NotFound)?;
    let is_open = view.is_open(number, site.now);
    let labs = if is_open { lab_lines(view, week, &site) } else { Vec::new() };
    let turn = |week: &Week| Turn { number: week.number, title: week.title.clone(), url: view.week_url(week) };
    let neighbour = |number: Option<u32>| number.and_then(|n| program.week(n)).map(turn);
    let opens = view.opens(number);
    web::page(&Show {
        number,
        title: week.title.clone(),
        outcome: week.outcome.clone(),
        minutes: week.minutes,
        cohort: view.cohort.clone(),
        base: view.base.clone(),
        zone: view.zone().to_owned(),
        opens,
        opens_elsewhere: opens.and_then(|at| elsewhere(at, view.zone(), site.zone())),
        is_open,
        is_now: view.this_week(site.now) == i64::from(number),
        lesson: app.programs.rendered(if is_open { &week.lesson } else { "" }),
        earned: labs.iter().filter_map(|lab| lab.best).sum(),
        points: labs.iter().map(|lab| lab.points).sum(),
        labs,
        before: neighbour(number.checked_sub(1)),
        after: neighbour(number.checked_add(1)),
        site,
    })
}

fn lab_lines(view: &View, week: &Week, site: &Site) -> Vec<LabLine> {
    let book = view.student.as_ref().map(|student| student.book(Eyes::Student));
    let line = |lab: &crate::curriculum::Lab| {
        let standing = book.as_ref().and_then(|book| book.standings.get(&lab.id));
        let due = standing.map(|s| s.due).or_else(|| view.due(week.number));
        LabLine {
            title: lab.title.clone(),
            url: view.lab_url(lab),
            points: lab.points,
            minutes: lab.minutes,
            required: lab.required,
            is_quiz: lab.is_quiz,
            attempts: lab.attempts,
            due,
            due_elsewhere: due.and_then(|at| elsewhere(at, view.zone(), site.zone())),
            best: standing.and_then(|s| s.best),
            tone: standing.map_or("mute", |s| s.tone(&view.program)),
            waiting: standing.is_some_and(crate::progress::Standing::is_waiting),
        }
    };
    view.program.labs_of(week).map(line).collect()
}
