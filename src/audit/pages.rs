//! `/admin/audit`: the log, newest first, by who, what and cohort.
use super::{EntryId, Filter, Recorded, store};
use crate::accounts::store as accounts;
use crate::app::App;
use crate::cohorts::roster::{Listed, store as roster};
use crate::error::Answer;
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
    /// Names of the people that entries are about, by the id of their account, enrolment or submission.
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

const PAGE: usize = 50;

/// GET /admin/audit
pub async fn list(State(app): State<App>, site: Site, Query(asked): Query<Asked>) -> Answer {
    let mut conn = app.db.read().await?;
    let who = asked.who.trim();
    // People are known by their address here; entries hold ids alone.
    let about = match who.parse() {
        Ok(email) => accounts::by_email(&mut conn, &email).await?.map(|p| p.id.to_string()),
        Err(_) => Some(who.to_owned()).filter(|w| !w.is_empty()),
    };
    let unknown = !who.is_empty() && about.is_none();
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
    let subjects: Vec<&str> = entries.iter().map(|e| e.subject.as_str()).collect();
    let names = store::names(&mut conn, &subjects).await?;
    let cohorts = roster::cohorts(&mut conn, None, site.now).await?;
    drop(conn);
    web::page(&List { site, asked, entries, names, cohorts, unknown, has_more })
}
