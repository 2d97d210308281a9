//! Moving a cohort to another stored version of the program: first what changes, then the move.
use crate::app::App;
use crate::audit::{self, Entry};
use crate::cohorts::roster::store as roster;
use crate::cohorts::{Cohort, CohortId, store};
use crate::curriculum::{Program, store as programs};
use crate::error::{Answer, Error, Result};
use crate::web::{self, Confirm, Path, Site, Visitor};
use axum::extract::State;
use std::sync::Arc;

async fn load(app: &App, id: &CohortId, hash: &str) -> Result<(Cohort, Arc<Program>, Arc<Program>)> {
    let mut conn = app.db.read().await?;
    let cohort = store::cohort(&mut conn, id).await?.ok_or(Error::NotFound)?;
    if !programs::is_known(&mut conn, hash).await? {
        return Err(Error::NotFound);
    }
    let old = app.programs.exactly(&mut conn, &cohort.program).await?;
    let new = app.programs.exactly(&mut conn, hash).await?;
    Ok((cohort, old, new))
}

/// Which labs differ between two versions, in words; nothing where none does.
fn differences(old: &Program, new: &Program) -> Vec<String> {
    let titles = |labs: Vec<&crate::curriculum::Lab>| labs.iter().map(|lab| lab.title.clone()).collect::<Vec<_>>().join(", ");
    let added: Vec<_> = new.labs().filter(|lab| old.lab(&lab.id).is_none()).collect();
    let gone: Vec<_> = old.labs().filter(|lab| new.lab(&lab.id).is_none()).collect();
    let changed: Vec<_> = new.labs().filter(|lab| old.lab(&lab.id).is_some_and(|before| before.hash != lab.hash)).collect();
    let parts = [("Changed", changed), ("New", added), ("No longer there", gone)];
    parts.into_iter().filter(|(_, labs)| !labs.is_empty()).map(|(what, labs)| format!("{what}: {}.", titles(labs))).collect()
}

/// GET /admin/cohorts/{id}/versions/{hash}
pub async fn ask(State(app): State<App>, site: Site, Path((id, hash)): Path<(CohortId, String)>) -> Answer {
    let (cohort, old, new) = load(&app, &id, &hash).await?;
    let mut words = differences(&old, &new);
    if words.is_empty() {
        words.push("No lab differs; lessons or settings of the program do.".to_owned());
    }
    words.push("What was handed in keeps its score: it was graded by the lab as it was then. New hand-ins are graded by the new version.".to_owned());
    let short = hash.get(..12).unwrap_or(&hash);
    let page = Confirm::new(site, format!("Move {} to version {short}?", cohort.name), &[], "Move to this version", format!("/admin/cohorts/{id}"));
    Confirm { words, dangerous: false, ..page }.answer()
}

/// POST /admin/cohorts/{id}/versions/{hash}
pub async fn change(State(app): State<App>, visitor: Visitor, Path((id, hash)): Path<(CohortId, String)>) -> Answer {
    let (cohort, _, new) = load(&app, &id, &hash).await?;
    let mut write = app.db.write(id.guard()).await?;
    roster::set_program(&mut write, &id, &new.hash).await?;
    let entry = Entry::new(Some(visitor.person.id.as_str()), "cohort.moved_to_version", id.as_str()).of_cohort(id.as_str()).with(&["program"]);
    audit::record(&mut write, &entry, app.clock.now()).await?;
    write.commit().await?;
    web::see_saying(format!("/admin/cohorts/{id}"), &format!("{} is on the other version now.", cohort.name))
}
