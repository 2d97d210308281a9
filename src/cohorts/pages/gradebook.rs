//! `/cohorts/{id}/gradebook`: every student's score in every lab, on the page and as CSV.
use super::{Roll, overseen};
use crate::app::App;
use crate::cohorts::{Cohort, CohortId};
use crate::error::Answer;
use crate::web::{self, Path, Site, Visitor, csv};
use askama::Template;
use axum::extract::State;

struct Column {
    id: String,
    title: String,
    url: String,
    week: u32,
    points: u32,
}

struct Row {
    name: String,
    url: String,
    status: Option<&'static str>,
    total: i64,
    cells: Vec<Cell>,
}

struct Cell {
    lab: String,
    /// The score in words: `88`, `88 + 4 open`, `–`.
    words: String,
    title: String,
    tone: &'static str,
}

#[derive(Template)]
#[template(path = "cohorts/gradebook.html")]
struct Show {
    site: Site,
    cohort: Cohort,
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// GET /cohorts/{id}/gradebook
pub async fn show(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<CohortId>) -> Answer {
    let mut conn = app.db.read().await?;
    let cohort = overseen(&mut conn, &visitor, &id).await?;
    let roll = Roll::load(&app, &mut conn, cohort).await?;
    drop(conn);
    let week = roll.week();
    let open = || roll.program.labs().filter(|lab| i64::from(lab.week) <= week);
    let columns: Vec<Column> = open()
        .map(|lab| Column {
            id: lab.id.to_string(),
            title: lab.title.clone(),
            url: format!("{}{}", roll.cohort.url(), lab.url()),
            week: lab.week,
            points: lab.points,
        })
        .collect();
    let mut rows = Vec::new();
    for (member, book) in roll.books() {
        let cells = open().filter_map(|lab| book.standings.get(&lab.id)).map(|standing| {
            let words = match standing.best {
                None if standing.is_waiting() => "…".to_owned(),
                None => "–".to_owned(),
                Some(best) if standing.overridden => format!("{best} signed"),
                Some(best) if standing.open > 0 => format!("{best} + {} open", standing.open),
                Some(best) => best.to_string(),
            };
            let title = format!("{}, {}: {words} of {}", member.name, standing.lab.title, standing.lab.points);
            Cell { lab: standing.lab.id.to_string(), words, title, tone: standing.tone(&roll.program) }
        });
        rows.push(Row {
            name: member.name.clone(),
            url: member.url(&roll.cohort.id),
            status: (!member.is_active()).then(|| member.status.as_str()),
            total: book.shares().0,
            cells: cells.collect(),
        });
    }
    web::page(&Show { cohort: roll.cohort.clone(), site, columns, rows })
}

/// GET /cohorts/{id}/gradebook.csv: every lab of the program; an empty cell is no score yet.
pub async fn download(State(app): State<App>, visitor: Visitor, Path(id): Path<CohortId>) -> Answer {
    let mut conn = app.db.read().await?;
    let cohort = overseen(&mut conn, &visitor, &id).await?;
    let roll = Roll::load(&app, &mut conn, cohort).await?;
    drop(conn);
    let mut head =
        vec!["name".to_owned(), "email".to_owned(), "status".to_owned(), "percent of the program".to_owned(), "percent of what was due".to_owned()];
    head.extend(roll.program.labs().map(|lab| format!("{} (week {}, {} points)", lab.id, lab.week, lab.points)));
    let mut rows = vec![head];
    for (member, book) in roll.books() {
        let (share, due) = book.shares();
        let due = due.map(|d| d.to_string()).unwrap_or_default();
        let mut row = vec![member.name.clone(), member.email.to_string(), member.status.to_string(), share.to_string(), due];
        let score = |lab: &crate::curriculum::Lab| book.standings.get(&lab.id).and_then(|s| s.best).map(|best| best.to_string()).unwrap_or_default();
        row.extend(roll.program.labs().map(score));
        rows.push(row);
    }
    csv::answer(&format!("gradebook {}", roll.cohort.name), rows)
}
