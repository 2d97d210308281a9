//! Everything a student handed in, lab by lab, the newest first.
use super::load;
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::Answer;
use crate::progress::Eyes;
use crate::web::visitor::Enrolled;
use crate::web::{self, Site, filters};
use askama::Template;
use axum::extract::State;

struct Line {
    title: String,
    lab_url: String,
    url: String,
    week: u32,
    number: i64,
    received: Timestamp,
    /// Its points, where it has some.
    points: Option<i64>,
    max: i64,
    words: String,
    tone: &'static str,
    counts: bool,
}

#[derive(Template)]
#[template(path = "progress/submissions.html")]
struct List {
    site: Site,
    lines: Vec<Line>,
    zone: String,
}

/// GET /submissions
pub async fn list(State(app): State<App>, Enrolled(enrolment): Enrolled, site: Site) -> Answer {
    let mut conn = app.db.read().await?;
    let loaded = load(&app, &mut conn, &enrolment).await?;
    drop(conn);
    let book = loaded.book(Eyes::Student);
    let lines = book.latest(200).into_iter().map(|(standing, attempt)| {
        let (words, tone) = attempt.came(standing.lab);
        Line {
            title: standing.lab.title.clone(),
            lab_url: standing.lab.url(),
            url: attempt.url(),
            week: standing.lab.week,
            number: attempt.number,
            received: attempt.received,
            points: attempt.points(),
            max: i64::from(standing.lab.points),
            words,
            tone,
            counts: !standing.overridden && standing.top().is_some_and(|top| top.number == attempt.number),
        }
    });
    web::page(&List { site, lines: lines.collect(), zone: enrolment.zone })
}
