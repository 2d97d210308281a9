//! `/cohorts/{id}`: students by weeks as a heat map, who is stuck and by which rule, and how each lab goes.
use super::{Roll, overseen};
use crate::app::App;
use crate::cohorts::{Cohort, CohortId};
use crate::curriculum::calendar;
use crate::error::Answer;
use crate::progress::stuck::{self, Sign};
use crate::progress::{Book, Standing};
use crate::reviews;
use crate::web::{self, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;

struct Row {
    name: String,
    url: String,
    /// A cell a week.
    cells: Vec<Cell>,
}

struct Cell {
    week: u32,
    /// None while nothing is known: the week isn't open yet or has no required lab.
    percent: Option<i64>,
    /// 1 to 5 by percent, 0 for nothing handed in, `none` for not open yet.
    level: &'static str,
}

struct Stuck {
    name: String,
    url: String,
    signs: Vec<Sign>,
}

/// How one lab goes over the whole cohort.
struct LabLine {
    title: String,
    url: String,
    week: u32,
    tried: usize,
    passed: usize,
    /// Median number of hand-ins of those who tried.
    attempts: usize,
}

impl LabLine {
    fn percent(&self) -> usize {
        (self.passed * 100).checked_div(self.tried).unwrap_or(0)
    }

    fn tone(&self) -> &'static str {
        match self.percent() {
            70.. => "go",
            40.. => "hold",
            _ => "stop",
        }
    }
}

#[derive(Template)]
#[template(path = "cohorts/overview.html")]
struct Show {
    site: Site,
    cohort: Cohort,
    dates: String,
    week: i64,
    weeks: Vec<u32>,
    students: usize,
    on_track: usize,
    to_review: usize,
    median: Option<(i64, i64)>,
    rows: Vec<Row>,
    stuck: Vec<Stuck>,
    labs: Vec<LabLine>,
}

impl Show {
    fn version(&self) -> &str {
        self.cohort.program.get(..7).unwrap_or(&self.cohort.program)
    }

    fn is_now(&self, week: &u32) -> bool {
        i64::from(*week) == self.week
    }
}

/// GET /cohorts/{id}
pub async fn show(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<CohortId>) -> Answer {
    let mut conn = app.db.read().await?;
    let cohort = overseen(&mut conn, &visitor, &id).await?;
    let roll = Roll::load(&app, &mut conn, cohort).await?;
    drop(conn);
    let books: Vec<_> = roll.books().into_iter().filter(|(member, _)| member.is_active()).collect();
    let began = calendar::opens(&roll.cohort.starts, &roll.cohort.zone, 1);
    let week = roll.week();
    let mut stuck = Vec::new();
    for (member, book) in &books {
        let signs = stuck::signs(book, began);
        if !signs.is_empty() {
            stuck.push(Stuck { name: member.name.clone(), url: member.url(&roll.cohort.id), signs });
        }
    }
    // Who needs help most stands first: silence before struggle, more signs before fewer.
    stuck.sort_by_key(|s| (s.signs.first().map(|sign| sign.rule), std::cmp::Reverse(s.signs.len())));
    let rows = books.iter().map(|(member, book)| Row { name: member.name.clone(), url: member.url(&roll.cohort.id), cells: cells(book) });
    let waits = |s: &Standing<'_>| s.attempts.iter().filter(|a| a.review == Some(reviews::State::Waiting)).count();
    let page = Show {
        dates: roll.cohort.dates(roll.program.length()),
        week,
        weeks: roll.program.weeks.iter().map(|w| w.number).collect(),
        students: books.len(),
        on_track: books.len() - stuck.len(),
        to_review: books.iter().flat_map(|(_, book)| book.standings.values()).map(waits).sum(),
        median: median_of_last_week(&roll, &books),
        rows: rows.collect(),
        labs: labs(&roll, &books, week),
        stuck,
        cohort: roll.cohort.clone(),
        site,
    };
    web::page(&page)
}

fn cells(book: &Book<'_>) -> Vec<Cell> {
    let cell = |week: &crate::curriculum::Week| {
        let is_open = i64::from(week.number) <= book.week;
        let percent = if is_open { book.week_percent(week) } else { None };
        let level = match percent {
            None => "none",
            Some(0) => "0",
            Some(..50) => "1",
            Some(..70) => "2",
            Some(..80) => "3",
            Some(..92) => "4",
            Some(_) => "5",
        };
        Cell { week: week.number, percent, level }
    };
    book.program.weeks.iter().map(cell).collect()
}

/// The last finished week's number and the median of its percents.
fn median_of_last_week(roll: &Roll, books: &[(&crate::cohorts::roster::Member, Book<'_>)]) -> Option<(i64, i64)> {
    let last = roll.program.weeks.iter().rev().find(|w| i64::from(w.number) < roll.week())?;
    let percents: Vec<i64> = books.iter().filter_map(|(_, book)| book.week_percent(book.program.week(last.number)?)).collect();
    Some((i64::from(last.number), median(percents)?))
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// The labs of the open weeks, the newest week first.
fn labs(roll: &Roll, books: &[(&crate::cohorts::roster::Member, Book<'_>)], week: i64) -> Vec<LabLine> {
    let line = |lab: &crate::curriculum::Lab| {
        let standings: Vec<_> = books.iter().filter_map(|(_, book)| book.standings.get(&lab.id)).collect();
        let tried: Vec<_> = standings.iter().filter(|s| !s.attempts.is_empty()).collect();
        LabLine {
            title: lab.title.clone(),
            url: format!("{}{}", roll.cohort.url(), lab.url()),
            week: lab.week,
            tried: tried.len(),
            passed: tried.iter().filter(|s| s.is_passed(&roll.program)).count(),
            attempts: median(tried.iter().map(|s| s.attempts.len()).collect()).unwrap_or(0),
        }
    };
    let mut lines: Vec<LabLine> = roll.program.labs().filter(|lab| i64::from(lab.week) <= week).map(line).collect();
    lines.sort_by_key(|l| std::cmp::Reverse(l.week));
    lines
}
