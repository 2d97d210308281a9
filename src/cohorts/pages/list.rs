//! `/cohorts`: the cohorts somebody teaches; every cohort for an admin.
use crate::app::App;
use crate::cohorts::roster::{Listed, store as roster};
use crate::curriculum::calendar;
use crate::error::Answer;
use crate::web::{self, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;

pub struct Line {
    pub cohort: Listed,
    pub dates: String,
    /// `week 9 of 16`, `begins in 12 days`, `over`.
    pub stands: String,
    pub tone: &'static str,
}

impl Line {
    pub fn new(cohort: Listed, length: u32, site: &Site) -> Line {
        let week = calendar::week_at(&cohort.starts, &cohort.zone, site.now);
        let (stands, tone) = if cohort.archived.is_some() {
            ("archived".to_owned(), "mute")
        } else if week < 1 {
            let days = calendar::opens(&cohort.starts, &cohort.zone, 1).since(site.now) / 86_400_000 + 1;
            (format!("begins in {days} {}", if days == 1 { "day" } else { "days" }), "info")
        } else if week > i64::from(length) {
            ("over".to_owned(), "mute")
        } else {
            (format!("week {week} of {length}"), "go")
        };
        Line { dates: super::dates(&cohort.starts, length), stands, tone, cohort }
    }
}

/// The cohorts somebody oversees, each with the length of its program.
pub async fn lines(app: &App, visitor: &Visitor, site: &Site) -> crate::error::Result<Vec<Line>> {
    let of = if visitor.person.is_admin() { None } else { Some(&visitor.person.id) };
    let mut conn = app.db.read().await?;
    let mut lines = Vec::new();
    for cohort in roster::cohorts(&mut conn, of, site.now).await? {
        let length = app.programs.get(&mut conn, &cohort.program).await?.length();
        lines.push(Line::new(cohort, length, site));
    }
    Ok(lines)
}

#[derive(Template)]
#[template(path = "cohorts/list.html")]
struct List {
    site: Site,
    lines: Vec<Line>,
}

/// GET /cohorts
pub async fn list(State(app): State<App>, visitor: Visitor, site: Site) -> Answer {
    let lines = lines(&app, &visitor, &site).await?;
    web::page(&List { site, lines })
}
