//! Signing in and out, and what people do with their own account.
pub mod join;
pub mod people;
pub mod profile;
pub mod reset;
pub mod sign_in;
pub mod sign_ins;
pub mod tokens;

use super::{NewSignIn, Person, PersonId, SIGN_IN_LIVES, store, throttle};
use crate::app::App;
use crate::error::{Answer, Error, Result};
use crate::web::address::Address;
use crate::web::visitor::cookie_name;
use crate::web::{self, Visitor};
use crate::{db, secrets};
use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use std::time::Duration;

/// What is wrong with one field of a form: its name and words beside it.
pub type Mistakes = Vec<(&'static str, String)>;

/// The words beside a field, for templates.
pub fn mistake<'a>(mistakes: &'a Mistakes, field: &str) -> Option<&'a str> {
    mistakes.iter().find(|(name, _)| *name == field).map(|(_, words)| words.as_str())
}

/// Words for whoever must wait.
fn too_many(wait: Duration) -> String {
    format!("Too many tries. Wait {} and try again.", throttle::in_words(wait))
}

/// The page given back to whoever must wait.
fn wait(page: &impl Template, wait: Duration) -> Answer {
    let mut response = web::page_with(StatusCode::TOO_MANY_REQUESTS, page)?;
    response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
    Ok(response)
}

/// A sign-in's cookie, about to be set on the answer.
struct Cookie(HeaderValue);

impl Cookie {
    fn put(self, mut response: Response) -> Response {
        response.headers_mut().append(header::SET_COOKIE, self.0);
        response
    }
}

/// The cookie that carries a sign-in's token, or takes it away when the token is empty.
pub fn cookie(app: &App, token: &str) -> Result<HeaderValue> {
    let lives = if token.is_empty() { 0 } else { SIGN_IN_LIVES.as_secs() };
    let secure = if app.is_https() { "; Secure" } else { "" };
    Ok(HeaderValue::from_str(&format!("{}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={lives}{secure}", cookie_name(app)))?)
}

/// Signs a person in on this device, inside the write that decided it.
async fn begin(app: &App, write: &mut db::Write, person: &PersonId, from: Address, headers: &HeaderMap) -> Result<Cookie> {
    let token = secrets::new_token("gcs_")?;
    let agent: String = headers.get(header::USER_AGENT).and_then(|h| h.to_str().ok()).unwrap_or("").chars().take(200).collect();
    let new = NewSignIn { person, token_hash: &secrets::token_hash(&token), address: &from.0.to_canonical().to_string(), agent: &agent };
    store::sign_in(write, &new, app.clock.now()).await?;
    Ok(Cookie(cookie(app, &token)?))
}

/// Changing an account takes the person at a browser: a token that leaked must not mint others or lock its person out.
fn in_person(visitor: &Visitor) -> Result<&Person> {
    if visitor.by_token { Err(Error::NotAllowed) } else { Ok(&visitor.person) }
}

/// Time zones people live in, by name, from the zones compiled in; the current one is in it even if its name is old.
pub fn zones(current: &str) -> Vec<String> {
    const AREAS: &[&str] = &["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];
    let all = jiff::tz::TimeZoneDatabase::bundled();
    let mut zones: Vec<String> = all
        .available()
        .map(|name| name.to_string())
        .filter(|name| name == "UTC" || name == current || name.split_once('/').is_some_and(|(area, _)| AREAS.contains(&area)))
        .collect();
    zones.sort();
    zones.dedup();
    zones
}

/// Whether this is the name of a zone we know.
pub fn is_zone(name: &str) -> bool {
    jiff::tz::TimeZoneDatabase::bundled().get(name).is_ok()
}
