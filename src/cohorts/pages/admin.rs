//! `/admin/cohorts`: making a cohort, its name and dates, putting it away.
use super::list::{Line, lines};
use crate::accounts::pages::{Mistakes, is_zone, mistake, zones};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::cohorts::roster::store as roster;
use crate::cohorts::{Cohort, CohortId, NewCohort, store};
use crate::curriculum::store::{self as programs, Stored};
use crate::curriculum::{calendar, calendar::is_monday};
use crate::db::Conn;
use crate::error::{Answer, Error, Result};
use crate::web::{self, Confirm, Form, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

#[derive(Debug, Default, Clone, Deserialize)]
pub struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    starts: String,
    #[serde(default)]
    zone: String,
    #[serde(default)]
    program: String,
}

impl Typed {
    /// The dates in words before they are kept; what is wrong is said beside each field.
    async fn mistakes(&self, conn: &mut Conn, except: Option<&CohortId>) -> Result<Mistakes> {
        let mut mistakes = Mistakes::new();
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > 60 || name.chars().any(char::is_control) {
            mistakes.push(("name", "Give it a name of 1 to 60 characters, such as Amber.".to_owned()));
        } else if roster::is_taken(conn, name, except).await? {
            mistakes.push(("name", "Another cohort has this name.".to_owned()));
        }
        if !calendar::is_date(&self.starts) {
            mistakes.push(("starts", "Write the date as 2026-09-28.".to_owned()));
        } else if !is_monday(&self.starts) {
            mistakes.push(("starts", "Weeks begin on Monday: choose one.".to_owned()));
        }
        if !is_zone(&self.zone) {
            mistakes.push(("zone", "Choose a zone by its name, such as Europe/Berlin.".to_owned()));
        }
        Ok(mistakes)
    }
}

#[derive(Template)]
#[template(path = "cohorts/admin.html")]
struct List {
    site: Site,
    lines: Vec<Line>,
    zones: Vec<String>,
    versions: Vec<Stored>,
    typed: Typed,
    mistakes: Mistakes,
}

impl List {
    fn mistake(&self, field: &str) -> Option<&str> {
        mistake(&self.mistakes, field)
    }
}

async fn page(app: &App, visitor: &Visitor, site: Site, typed: Typed, mistakes: Mistakes) -> Result<List> {
    let lines = lines(app, visitor, &site).await?;
    let versions = programs::all(&mut *app.db.read().await?).await?;
    Ok(List { site, lines, zones: zones(&typed.zone), versions, typed, mistakes })
}

/// GET /admin/cohorts
pub async fn list(State(app): State<App>, visitor: Visitor, site: Site) -> Answer {
    let typed =
        Typed { zone: visitor.person.zone.clone(), program: app.programs.current().map(|p| p.hash.clone()).unwrap_or_default(), ..Typed::default() };
    web::page(&page(&app, &visitor, site, typed, Mistakes::new()).await?)
}

/// POST /admin/cohorts
pub async fn open(State(app): State<App>, visitor: Visitor, site: Site, Form(typed): Form<Typed>) -> Answer {
    // Looked at inside the write: names are taken one at a time.
    let mut write = app.db.write("cohorts").await?;
    let mut mistakes = typed.mistakes(&mut write, None).await?;
    if !programs::is_known(&mut write, &typed.program).await? {
        mistakes.push(("program", "Choose a stored version of the program.".to_owned()));
    }
    if !mistakes.is_empty() {
        drop(write);
        return web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&app, &visitor, site, typed, mistakes).await?);
    }
    let now = app.clock.now();
    let new = NewCohort { name: typed.name.trim(), program: &typed.program, starts: &typed.starts, zone: &typed.zone };
    let id = store::open(&mut write, &new, now).await?;
    let entry = Entry::new(Some(visitor.person.id.as_str()), "cohort.opened", id.as_str()).of_cohort(id.as_str());
    audit::record(&mut write, &entry, now).await?;
    write.commit().await?;
    let words = format!("{} is made. Now its people: an instructor, then students.", typed.name.trim());
    web::see_saying(format!("/cohorts/{id}/people"), &words)
}

#[derive(Template)]
#[template(path = "cohorts/edit.html")]
struct Edit {
    site: Site,
    cohort: Cohort,
    zones: Vec<String>,
    versions: Vec<Stored>,
    typed: Typed,
    mistakes: Mistakes,
}

impl Edit {
    fn mistake(&self, field: &str) -> Option<&str> {
        mistake(&self.mistakes, field)
    }
}

async fn edit(app: &App, site: Site, cohort: Cohort, typed: Typed, mistakes: Mistakes) -> Result<Edit> {
    let versions = programs::all(&mut *app.db.read().await?).await?;
    Ok(Edit { site, zones: zones(&typed.zone), cohort, versions, typed, mistakes })
}

async fn cohort(app: &App, id: &CohortId) -> Result<Cohort> {
    store::cohort(&mut *app.db.read().await?, id).await?.ok_or(Error::NotFound)
}

/// GET /admin/cohorts/{id}
pub async fn show(State(app): State<App>, site: Site, Path(id): Path<CohortId>) -> Answer {
    let cohort = cohort(&app, &id).await?;
    let typed = Typed { name: cohort.name.clone(), starts: cohort.starts.clone(), zone: cohort.zone.clone(), program: cohort.program.clone() };
    web::page(&edit(&app, site, cohort, typed, Mistakes::new()).await?)
}

/// POST /admin/cohorts/{id}: its name and dates. Every due time follows by itself: none is stored resolved.
pub async fn change(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<CohortId>, Form(typed): Form<Typed>) -> Answer {
    let cohort = cohort(&app, &id).await?;
    let mut write = app.db.write("cohorts").await?;
    let mistakes = typed.mistakes(&mut write, Some(&id)).await?;
    if !mistakes.is_empty() {
        drop(write);
        return web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &edit(&app, site, cohort, typed, mistakes).await?);
    }
    let name = typed.name.trim();
    let changes = [("name", cohort.name != name), ("starts", cohort.starts != typed.starts), ("zone", cohort.zone != typed.zone)];
    let fields: Vec<&'static str> = changes.iter().filter(|(_, changed)| *changed).map(|(field, _)| *field).collect();
    roster::change(&mut write, &id, name, &typed.starts, &typed.zone).await?;
    let entry = Entry::new(Some(visitor.person.id.as_str()), "cohort.changed", id.as_str()).of_cohort(id.as_str()).with(&fields);
    audit::record(&mut write, &entry, app.clock.now()).await?;
    write.commit().await?;
    web::see_saying(format!("/admin/cohorts/{id}"), "Saved.")
}

/// GET /admin/cohorts/{id}/archive
pub async fn ask_archive(State(app): State<App>, site: Site, Path(id): Path<CohortId>) -> Answer {
    let cohort = cohort(&app, &id).await?;
    let back = format!("/admin/cohorts/{id}");
    if cohort.archived.is_some() {
        let words = ["It stands among those that run again, and its instructors see it."];
        let page = Confirm::new(site, format!("Take {} out of the archive?", cohort.name), &words, "Take it out", back);
        return Confirm { dangerous: false, fields: vec![("archived", "no".to_owned())], ..page }.answer();
    }
    let words = ["Its instructors no longer see it. Its students keep reading what is theirs, and nothing is deleted."];
    let page = Confirm::new(site, format!("Archive {}?", cohort.name), &words, "Archive", back);
    Confirm { fields: vec![("archived", "yes".to_owned())], ..page }.answer()
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum YesNo {
    Yes,
    No,
}

#[derive(Debug, Deserialize)]
pub struct Archived {
    archived: YesNo,
}

/// POST /admin/cohorts/{id}/archive: puts it away, or takes it out again. The form says which, so that sent twice it does the same.
pub async fn archive(State(app): State<App>, visitor: Visitor, Path(id): Path<CohortId>, Form(wanted): Form<Archived>) -> Answer {
    let now = app.clock.now();
    let (since, action, words) = match wanted.archived {
        YesNo::Yes => (Some(now), "cohort.archived", "is archived"),
        YesNo::No => (None, "cohort.unarchived", "runs again"),
    };
    let mut write = app.db.write(id.guard()).await?;
    let cohort = store::cohort(&mut write, &id).await?.ok_or(Error::NotFound)?;
    if cohort.archived.is_some() != since.is_some() {
        roster::set_archived(&mut write, &id, since).await?;
        audit::record(&mut write, &Entry::new(Some(visitor.person.id.as_str()), action, id.as_str()).of_cohort(id.as_str()), now).await?;
        write.commit().await?;
    }
    web::see_saying("/admin/cohorts", &format!("{} {words}.", cohort.name))
}
