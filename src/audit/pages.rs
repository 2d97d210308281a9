//! `/admin/audit`: the log, newest first, by who, what and cohort.
use super::{EntryId, Filter, Recorded, store};
use crate::accounts::{PersonId, store as accounts};
use crate::app::App;
use crate::cohorts::roster::{Listed, store as roster};
use crate::db::Conn;
use crate::error::{Answer, Result};
use crate::progress::store as progress;
use crate::submissions::{SubmissionId, store as submissions};
use crate::web::{self, Query, Site, filters, form};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use std::collections::HashMap;

/// What actions begin with, and how the filter calls them.
const NOUNS: [(&str, &str); 12] = [
    ("person.", "people"),
    ("sign_in.", "sign-ins"),
    ("token.", "tokens"),
    ("reset.", "reset links"),
    ("invitation.", "invitations"),
    ("cohort.", "cohorts"),
    ("enrolment.", "enrolments"),
    ("submission.", "hand-ins"),
    ("review.", "reviews"),
    ("job.", "jobs"),
    ("settings.", "settings"),
    ("keys.", "keys"),
];

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    who: String,
    #[serde(default)]
    what: String,
    #[serde(default)]
    cohort: String,
    before: Option<EntryId>,
}

#[derive(Template)]
#[template(path = "audit/list.html")]
struct List {
    site: Site,
    asked: Asked,
    entries: Vec<Recorded>,
    /// Names of the people that entries are by and about, by the id of their account, enrolment or submission.
    names: HashMap<String, String>,
    cohorts: Vec<Listed>,
    /// The address that `who` names has no account.
    unknown: bool,
    has_more: bool,
}

impl List {
    #[allow(clippy::unused_self, reason = "templates call it as self.nouns()")]
    fn nouns(&self) -> &'static [(&'static str, &'static str)] {
        &NOUNS
    }

    fn is_what(&self, word: &&str) -> bool {
        self.asked.what == *word
    }

    fn is_cohort(&self, cohort: &Listed) -> bool {
        self.asked.cohort == cohort.id.as_str()
    }

    /// Whose doing it was; none is the portal's own, or somebody's who was erased.
    fn by(&self, entry: &Recorded) -> Option<&String> {
        entry.actor.as_ref().and_then(|id| self.names.get(id))
    }

    /// What an entry is about, in words where there are some.
    fn about(&self, entry: &Recorded) -> String {
        let named = |id: &str| self.names.get(id).cloned().or_else(|| self.cohorts.iter().find(|c| c.id.as_str() == id).map(|c| c.name.clone()));
        let subject = named(&entry.subject).unwrap_or_else(|| entry.subject.rsplit('-').next().unwrap_or("").to_owned());
        let cohort = entry.cohort.as_deref().filter(|id| *id != entry.subject).and_then(named);
        let fields = entry.fields.0.join(", ");
        [Some(subject), cohort, Some(fields)].into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    }

    /// The address of the page of older entries.
    fn older(&self) -> String {
        let last = self.entries.last().map_or("", |e| e.id.as_str());
        let part = form::encode;
        format!("/admin/audit?who={}&what={}&cohort={}&before={last}", part(&self.asked.who), part(&self.asked.what), part(&self.asked.cohort))
    }
}

/// What entries may hold for whoever an address or an id names: a person's enrolments and submissions are about them too.
async fn ids_of(conn: &mut Conn, who: &str) -> Result<Vec<String>> {
    let person = match who.parse() {
        Ok(email) => accounts::by_email(conn, &email).await?.map(|p| p.id),
        Err(_) => who.parse::<PersonId>().ok(),
    };
    let Some(person) = person else { return Ok(Vec::new()) };
    let mut ids = vec![person.to_string()];
    for (_, _, enrolment, _) in roster::enrolled_in(conn, &person).await? {
        ids.extend(progress::attempts(conn, &enrolment).await?.into_iter().map(|a| a.submission.to_string()));
        ids.push(enrolment.to_string());
    }
    Ok(ids)
}

/// Whom entries are by and about: people, enrolments and submissions by their person's name. Ids of other things have none.
async fn names(conn: &mut Conn, entries: &[Recorded]) -> Result<HashMap<String, String>> {
    let ids: Vec<&str> = entries.iter().flat_map(|e| [Some(e.subject.as_str()), e.actor.as_deref()]).flatten().collect();
    let mut names = accounts::names(conn, &ids).await?;
    names.extend(roster::names(conn, &ids).await?);
    let ids: Vec<SubmissionId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    names.extend(submissions::named(conn, &ids).await?.into_iter().map(|(id, name, ..)| (id.into(), name)));
    Ok(names)
}

const PAGE: usize = 50;

/// GET /admin/audit
pub async fn list(State(app): State<App>, site: Site, Query(asked): Query<Asked>) -> Answer {
    let mut conn = app.db.read().await?;
    let who = asked.who.trim();
    let about = ids_of(&mut conn, who).await?;
    let unknown = !who.is_empty() && about.is_empty();
    let filter = Filter {
        action: Some(asked.what.clone()).filter(|a| !a.is_empty()),
        about,
        cohort: Some(asked.cohort.clone()).filter(|c| !c.is_empty()),
        before: asked.before.clone(),
    };
    let most = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut entries = if unknown { Vec::new() } else { store::list(&mut conn, &filter, most).await? };
    let has_more = entries.len() > PAGE;
    entries.truncate(PAGE);
    let names = names(&mut conn, &entries).await?;
    let cohorts = roster::cohorts(&mut conn, None, site.now).await?;
    drop(conn);
    web::page(&List { site, asked, entries, names, cohorts, unknown, has_more })
}
