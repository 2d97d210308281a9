//! `/account`: name, time zone and password.
use super::{Mistakes, in_person, is_zone, mistake, too_many, zones};
use crate::accounts::passwords::{self, Verdict};
use crate::accounts::{Person, mail, name_mistake, store, throttle};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::error::{Answer, Result};
use crate::notices::{self, Mail};
use crate::web::address::Address;
use crate::web::{self, Form, Site, Visitor};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "accounts/profile.html")]
struct Profile {
    site: Site,
    person: Person,
    zones: Vec<String>,
    mistakes: Mistakes,
}

impl Profile {
    fn new(site: Site, person: Person, mistakes: Mistakes) -> Profile {
        Profile { site, zones: zones(&person.zone), person, mistakes }
    }

    fn mistake(&self, field: &str) -> Option<&str> {
        mistake(&self.mistakes, field)
    }
}

/// GET /account
pub async fn show(visitor: Visitor, site: Site) -> Answer {
    web::page(&Profile::new(site, visitor.person.clone(), Mistakes::new()))
}

#[derive(Debug, Deserialize)]
pub struct ProfileForm {
    name: String,
    zone: String,
}

/// POST /account
pub async fn change(State(app): State<App>, visitor: Visitor, site: Site, Form(form): Form<ProfileForm>) -> Answer {
    let person = in_person(&visitor)?;
    let mut mistakes = Mistakes::new();
    if let Some(words) = name_mistake(&form.name) {
        mistakes.push(("name", words.to_owned()));
    }
    if !is_zone(&form.zone) {
        mistakes.push(("zone", "Choose a zone from the list.".to_owned()));
    }
    if !mistakes.is_empty() {
        let typed = Person { name: form.name, zone: form.zone, ..person.clone() };
        return web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &Profile::new(site, typed, mistakes));
    }
    let mut fields = Vec::new();
    if form.name.trim() != person.name {
        fields.push("name");
    }
    if form.zone != person.zone {
        fields.push("zone");
    }
    if !fields.is_empty() {
        let mut write = app.db.write(&person.id).await?;
        store::set_profile(&mut write, &person.id, &form.name, &form.zone).await?;
        let entry = Entry::new(Some(person.id.as_str()), "person.changed", person.id.as_str()).with(&fields);
        audit::record(&mut write, &entry, app.clock.now()).await?;
        write.commit().await?;
    }
    web::see_saying("/account", "Saved.")
}

#[derive(Debug, Deserialize)]
pub struct PasswordForm {
    current: String,
    new: String,
}

/// POST /account/password: who changes it must know the one before; every other device is signed out. Tokens stay: programs run on them.
pub async fn password(State(app): State<App>, visitor: Visitor, site: Site, from: Address, Form(form): Form<PasswordForm>) -> Answer {
    let person = in_person(&visitor)?;
    let names = super::sign_in::Names { account: throttle::account(person.email.as_str()), address: throttle::address(from.0) };
    if let Some(wait) = names.count(&app).await? {
        return super::wait(&Profile::new(site, person.clone(), vec![("current", too_many(wait))]), wait);
    }
    let mut mistakes = Mistakes::new();
    let stored = store::password_of(&mut *app.db.read().await?, person.email.as_str()).await?;
    if passwords::verify(&form.current, stored.as_ref().map(|(_, hash)| hash.as_str())).await? == Verdict::Wrong {
        mistakes.push(("current", "This isn't your current password.".to_owned()));
    }
    if let Some(words) = passwords::weakness(&form.new, person.email.as_str(), &person.name) {
        mistakes.push(("new", words.to_owned()));
    }
    if !mistakes.is_empty() {
        return web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &Profile::new(site, person.clone(), mistakes));
    }
    let hash = passwords::hash(&form.new).await?;
    let now = app.clock.now();
    let mut write = app.db.write(&person.id).await?;
    store::set_password(&mut write, &person.id, &hash).await?;
    store::withdraw_resets(&mut write, &person.id, now).await?;
    let others = store::revoke_sign_ins(&mut write, &person.id, Some(&visitor.sign_in), now).await?;
    store::forgive(&mut write, &names.account, &names.address).await?;
    told(&app, &mut write, person).await?;
    audit::record(&mut write, &Entry::new(Some(person.id.as_str()), "person.password_changed", person.id.as_str()), now).await?;
    write.commit().await?;
    let words = if others > 0 { "Your password is changed; other devices are signed out." } else { "Your password is changed." };
    web::see_saying("/account", words)
}

/// Tells a person by mail that their password changed, where mail leaves.
pub(super) async fn told(app: &App, write: &mut crate::db::Write, person: &Person) -> Result<()> {
    if app.outside.post.delivers() {
        let (portal, now) = (app.name(), app.clock.now());
        let text = mail::Changed { portal: &portal, person, at: now };
        let body = text.render()?;
        notices::mail(write, &app.keys, &Mail { to: person.email.as_str(), subject: &text.subject(), body: &body }, now).await?;
    }
    Ok(())
}
