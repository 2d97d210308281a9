//! `/admin/programs`: the stored versions of the program and which cohorts are on which.
use crate::app::App;
use crate::cohorts::roster::{Listed, store as roster};
use crate::curriculum::store::{self, Stored};
use crate::error::Answer;
use crate::web::{self, Site, filters};
use askama::Template;
use axum::extract::State;

struct Line {
    stored: Stored,
    is_current: bool,
    cohorts: Vec<Listed>,
}

impl Line {
    /// Enough of the hash to tell versions apart.
    fn short(&self) -> &str {
        self.stored.hash.get(..12).unwrap_or(&self.stored.hash)
    }
}

#[derive(Template)]
#[template(path = "curriculum/programs.html")]
struct List {
    site: Site,
    lines: Vec<Line>,
    authoring: bool,
    problems: Vec<String>,
}

/// GET /admin/programs
pub async fn list(State(app): State<App>, site: Site) -> Answer {
    let mut conn = app.db.read().await?;
    let stored = store::all(&mut conn).await?;
    let cohorts = roster::cohorts(&mut conn, None, site.now).await?;
    drop(conn);
    let current = app.programs.current();
    let lines = stored.into_iter().map(|stored| Line {
        is_current: current.as_ref().is_some_and(|p| p.hash == stored.hash),
        cohorts: cohorts.iter().filter(|c| c.program == stored.hash).cloned().collect(),
        stored,
    });
    web::page(&List { site, lines: lines.collect(), authoring: app.programs.is_authoring(), problems: app.programs.problems() })
}
