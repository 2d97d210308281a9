//! `/reset`: a link by mail sets a new password; the answer never says whether an address has an account.
use super::join::Over;
use super::profile::told;
use super::sign_in::Names;
use super::{Mistakes, begin, mistake, too_many};
use crate::accounts::{Email, Person, RESET_LIVES, mail, passwords, store, throttle};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::error::{Answer, Result};
use crate::notices::{self, Mail};
use crate::secrets;
use crate::web::address::Address;
use crate::web::{self, Form, Path, Site};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use std::time::Duration;

#[derive(Template)]
#[template(path = "accounts/ask_reset.html")]
struct AskReset {
    site: Site,
    /// Whether this portal sends mail at all.
    sends: bool,
    asked: bool,
    email: String,
    mistakes: Mistakes,
}

impl AskReset {
    fn mistake(&self, field: &str) -> Option<&str> {
        mistake(&self.mistakes, field)
    }
}

/// GET /reset
pub async fn ask(State(app): State<App>, site: Site) -> Answer {
    web::page(&AskReset { site, sends: app.outside.post.delivers(), asked: false, email: String::new(), mistakes: Mistakes::new() })
}

#[derive(Debug, Deserialize)]
pub struct AskForm {
    email: String,
}

/// Every answer takes at least so long: making a link takes a little longer than finding nobody.
const LEAST: Duration = Duration::from_millis(200);

/// POST /reset
pub async fn asked(State(app): State<App>, site: Site, from: Address, Form(form): Form<AskForm>) -> Answer {
    if !app.outside.post.delivers() {
        return web::page(&AskReset { site, sends: false, asked: false, email: form.email, mistakes: Mistakes::new() });
    }
    let answer_at = tokio::time::Instant::now() + LEAST;
    let names = Names { account: format!("reset-{}", throttle::account(&form.email)), address: format!("reset-{}", throttle::address(from.0)) };
    if let Some(wait) = names.count_by(&app, &throttle::RESET, &throttle::ADDRESS).await? {
        let mistakes = vec![("email", too_many(wait))];
        return super::wait(&AskReset { site, sends: true, asked: false, email: form.email, mistakes }, wait);
    }
    if let Ok(email) = form.email.parse::<Email>() {
        let person = store::by_email(&mut *app.db.read().await?, &email).await?;
        if let Some(person) = person.filter(|p| p.disabled.is_none()) {
            send(&app, &person).await?;
        }
    }
    tokio::time::sleep_until(answer_at).await;
    web::page(&AskReset { site, sends: true, asked: true, email: form.email, mistakes: Mistakes::new() })
}

async fn send(app: &App, person: &Person) -> Result<()> {
    let now = app.clock.now();
    let (portal, token) = (app.name(), secrets::new_token("gcr_")?);
    let link = format!("{}/reset/{token}", app.url);
    let text = mail::Reset { portal: &portal, person, link: &link, until: now.plus(RESET_LIVES) };
    let body = text.render()?;
    let mut write = app.db.write(&person.id).await?;
    store::create_reset(&mut write, &person.id, &secrets::token_hash(&token), now).await?;
    notices::mail(&mut write, &app.keys, &Mail { to: person.email.as_str(), subject: &text.subject(), body: &body }, now).await?;
    audit::record(&mut write, &Entry::new(None, "reset.asked", person.id.as_str()), now).await?;
    write.commit().await?;
    Ok(())
}

/// Makes a reset link for an admin to hand over; the link is shown once and stored as a hash.
pub async fn link_for(app: &App, person: &Person, by: Option<&Person>) -> Result<String> {
    let now = app.clock.now();
    let token = secrets::new_token("gcr_")?;
    let mut write = app.db.write(&person.id).await?;
    store::create_reset(&mut write, &person.id, &secrets::token_hash(&token), now).await?;
    audit::record(&mut write, &Entry::new(by.map(|p| p.id.as_str()), "reset.made", person.id.as_str()), now).await?;
    write.commit().await?;
    Ok(format!("{}/reset/{token}", app.url))
}

#[derive(Template)]
#[template(path = "accounts/reset.html")]
struct Reset {
    site: Site,
    token: String,
    person: Person,
    mistakes: Mistakes,
}

impl Reset {
    fn mistake(&self, field: &str) -> Option<&str> {
        mistake(&self.mistakes, field)
    }
}

fn over(site: Site) -> Answer {
    let words = "It was used already, a newer one was sent, or its hour is past. Ask for another.";
    web::page_with(StatusCode::GONE, &Over { site, title: "This link no longer works", words })
}

/// GET /reset/{token}
pub async fn show(State(app): State<App>, site: Site, Path(token): Path<String>) -> Answer {
    let person = store::reset_of(&mut *app.db.read().await?, &secrets::token_hash(&token), app.clock.now()).await?;
    let Some(person) = person else { return over(site) };
    web::page(&Reset { site, token, person, mistakes: Mistakes::new() })
}

#[derive(Debug, Deserialize)]
pub struct ResetForm {
    password: String,
}

/// POST /reset/{token}: the new password; every device but this one is signed out and every token ends, for somebody else may hold them.
pub async fn set(
    State(app): State<App>,
    site: Site,
    from: Address,
    headers: HeaderMap,
    Path(token): Path<String>,
    Form(form): Form<ResetForm>,
) -> Answer {
    let hash_of_token = secrets::token_hash(&token);
    let now = app.clock.now();
    let person = store::reset_of(&mut *app.db.read().await?, &hash_of_token, now).await?;
    let Some(person) = person else { return over(site) };
    if let Some(words) = passwords::weakness(&form.password, person.email.as_str(), &person.name) {
        let page = Reset { site, token, person, mistakes: vec![("password", words.to_owned())] };
        return web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let hash = passwords::hash(&form.password).await?;
    let mut write = app.db.write(&person.id).await?;
    if !store::use_reset(&mut write, &hash_of_token, now).await? {
        drop(write);
        return over(site);
    }
    store::set_password(&mut write, &person.id, &hash).await?;
    store::revoke_sign_ins(&mut write, &person.id, None, now).await?;
    store::revoke_tokens(&mut write, &person.id, now).await?;
    // Whoever was locked out by somebody else's guessing gets in again by this.
    store::forgive(&mut write, &throttle::account(person.email.as_str()), &throttle::address(from.0)).await?;
    told(&app, &mut write, &person).await?;
    audit::record(&mut write, &Entry::new(Some(person.id.as_str()), "person.password_reset", person.id.as_str()), now).await?;
    let cookie = begin(&app, &mut write, &person.id, from, &headers).await?;
    write.commit().await?;
    Ok(cookie.put(web::see_saying("/", "Your new password is set, and you are signed in.")?))
}
