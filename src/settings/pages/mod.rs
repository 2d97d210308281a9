//! `/admin`: what an installation needs next and how it stands; its settings.
pub mod overview;

use super::{Mistake, Settings, store};
use crate::accounts::pages::zones;
use crate::app::App;
use crate::audit::{self, Entry};
use crate::error::Answer;
use crate::web::{self, Form, Site, Visitor};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;

#[derive(Template)]
#[template(path = "settings/form.html")]
struct Edit {
    site: Site,
    settings: Settings,
    mistakes: Vec<Mistake>,
    zones: Vec<String>,
    /// Whether this portal sends mail.
    mails: bool,
}

impl Edit {
    fn mistake(&self, field: &str) -> Option<&'static str> {
        self.mistakes.iter().find(|m| m.field == field).map(|m| m.words)
    }
}

/// GET /admin/settings
pub async fn show(State(app): State<App>, site: Site) -> Answer {
    let settings = (*app.settings()).clone();
    let zones = zones(&settings.zone);
    web::page(&Edit { mails: app.outside.post.delivers(), site, settings, mistakes: Vec::new(), zones })
}

/// POST /admin/settings
pub async fn change(State(app): State<App>, visitor: Visitor, site: Site, Form(new): Form<Settings>) -> Answer {
    let new = new.tidied();
    let mistakes = new.mistakes();
    if !mistakes.is_empty() {
        let zones = zones(&new.zone);
        let page = Edit { mails: app.outside.post.delivers(), site, settings: new, mistakes, zones };
        return web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let now = app.clock.now();
    let mut write = app.db.write("settings").await?;
    let old = store::get(&mut write).await?;
    let by = visitor.person.id.as_str();
    let changed = store::set(&mut write, &old, &new, by, now).await?;
    if changed.is_empty() {
        return web::see_saying("/admin/settings", "Nothing was changed.");
    }
    audit::record(&mut write, &Entry::new(Some(by), "settings.changed", "settings").with(&changed), now).await?;
    write.commit().await?;
    app.reload_settings().await?;
    web::see_saying("/admin/settings", "Saved.")
}
