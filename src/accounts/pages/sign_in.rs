//! `/login`, `/logout`, and a demo's one-click sign-ins.
use super::{Mistakes, begin, cookie, mistake, too_many};
use crate::accounts::passwords::{self, Verdict};
use crate::accounts::{Email, Person, store, throttle};
use crate::app::App;
use crate::error::{Answer, Error, Result};
use crate::settings::Settings;
use crate::web::address::Address;
use crate::web::{self, Form, Query, Site, Visitor, form};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

#[derive(Template)]
#[template(path = "accounts/sign_in.html")]
struct SignInPage {
    site: Site,
    settings: Arc<Settings>,
    email: String,
    next: String,
    mistakes: Mistakes,
    /// A demo's people, one for each role, signed in by one click.
    demo: Vec<(&'static str, &'static str, Person)>,
}

impl SignInPage {
    fn mistake(&self, field: &str) -> Option<&str> {
        mistake(&self.mistakes, field)
    }
}

/// A demo's sign-ins: what the form sends, whose address it is, what the button says of them.
pub const DEMO: [(&str, &str, &str); 3] = [
    ("student", "student@demo.test", "student, in week 9"),
    ("instructor", "instructor@demo.test", "instructor of the cohort"),
    ("admin", "admin@demo.test", "admin of this portal"),
];

async fn sign_in_page(app: &App, site: Site, email: String, next: String, mistakes: Mistakes) -> Result<SignInPage> {
    let mut demo = Vec::new();
    if app.demo {
        let mut conn = app.db.read().await?;
        for (who, address, about) in DEMO {
            if let Some(person) = person_at(&mut conn, address).await? {
                demo.push((who, about, person));
            }
        }
    }
    Ok(SignInPage { site, settings: app.settings(), email, next, mistakes, demo })
}

async fn person_at(conn: &mut crate::db::Conn, address: &str) -> Result<Option<Person>> {
    match address.parse::<Email>() {
        Ok(email) => Ok(store::by_email(conn, &email).await?),
        Err(_) => Ok(None),
    }
}

#[derive(Debug, Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

/// GET /login
pub async fn show(State(app): State<App>, visitor: Option<Visitor>, site: Site, Query(Next { next }): Query<Next>) -> Answer {
    if visitor.is_some() {
        return web::see(form::local(Some(&next)));
    }
    web::page(&sign_in_page(&app, site, String::new(), next, Mistakes::new()).await?)
}

#[derive(Debug, Deserialize)]
pub struct SignInForm {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// POST /login
pub async fn sign_in(
    State(app): State<App>,
    visitor: Option<Visitor>,
    site: Site,
    from: Address,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Answer {
    let names = Names { account: throttle::account(&form.email), address: throttle::address(from.0) };
    if let Some(wait) = names.count(&app).await? {
        metrics::counter!("groundcrew_sign_ins_total", "result" => "throttled").increment(1);
        let page = sign_in_page(&app, site, form.email, form.next, vec![("password", too_many(wait))]).await?;
        return super::wait(&page, wait);
    }
    let stored = store::password_of(&mut *app.db.read().await?, &form.email.trim().to_lowercase()).await?;
    let verdict = passwords::verify(&form.password, stored.as_ref().map(|(_, hash)| hash.as_str())).await?;
    let (Verdict::Right(better), Some((person, hash))) = (verdict, stored) else {
        metrics::counter!("groundcrew_sign_ins_total", "result" => "wrong").increment(1);
        let words = "The email or the password is wrong.".to_owned();
        let page = sign_in_page(&app, site, form.email, form.next, vec![("password", words)]).await?;
        return web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let now = app.clock.now();
    let mut write = app.db.write(THROTTLES).await?;
    store::forgive(&mut write, &names.account, &names.address).await?;
    if let Some(better) = better {
        store::rehash(&mut write, &person, &hash, &better).await?;
    }
    if let Some(before) = visitor.filter(|v| !v.by_token) {
        store::revoke_sign_in(&mut write, &before.person.id, &before.sign_in, now).await?;
    }
    let cookie = begin(&app, &mut write, &person, from, &headers).await?;
    write.commit().await?;
    metrics::counter!("groundcrew_sign_ins_total", "result" => "right").increment(1);
    Ok(cookie.put(web::see(form::local(Some(&form.next)))?))
}

/// Counting is guarded as a whole: tries that arrive at once must not all see the count before them.
const THROTTLES: &str = "throttles";

/// What a try is counted under.
pub(super) struct Names {
    pub account: String,
    pub address: String,
}

impl Names {
    /// Counts a try before its password is looked at, so that many at once gain nothing. When one must wait, says how long, and counts nothing.
    pub(super) async fn count(&self, app: &App) -> Result<Option<Duration>> {
        self.count_by(app, &throttle::ACCOUNT, &throttle::ADDRESS).await
    }

    pub(super) async fn count_by(&self, app: &App, account: &throttle::Limit, address: &throttle::Limit) -> Result<Option<Duration>> {
        let now = app.clock.now();
        // Looking first: whoever hammers on gets no write.
        if let Some(wait) = self.wait(&mut *app.db.read().await?, now).await? {
            return Ok(Some(wait));
        }
        let mut write = app.db.write(THROTTLES).await?;
        if let Some(wait) = self.wait(&mut write, now).await? {
            return Ok(Some(wait));
        }
        store::count_try(&mut write, &self.account, account, now).await?;
        store::count_try(&mut write, &self.address, address, now).await?;
        write.commit().await?;
        Ok(None)
    }

    async fn wait(&self, conn: &mut crate::db::Conn, now: crate::db::values::Timestamp) -> Result<Option<Duration>> {
        let mut longest = None;
        for name in [&self.account, &self.address] {
            longest = longest.max(store::throttle(&mut *conn, name).await?.and_then(|t| t.wait(now)));
        }
        Ok(longest)
    }
}

#[derive(Debug, Deserialize)]
pub struct DemoForm {
    who: String,
    #[serde(default)]
    next: String,
}

/// POST /demo/sign-in: only where everybody is made up.
pub async fn demo(State(app): State<App>, visitor: Option<Visitor>, from: Address, headers: HeaderMap, Form(form): Form<DemoForm>) -> Answer {
    let address = DEMO.iter().find(|(who, ..)| *who == form.who).filter(|_| app.demo).ok_or(Error::NotFound)?.1;
    let person = person_at(&mut *app.db.read().await?, address).await?.ok_or(Error::NotFound)?;
    let mut write = app.db.write(&person.id).await?;
    if let Some(before) = visitor.filter(|v| !v.by_token) {
        store::revoke_sign_in(&mut write, &before.person.id, &before.sign_in, app.clock.now()).await?;
    }
    let cookie = begin(&app, &mut write, &person.id, from, &headers).await?;
    write.commit().await?;
    Ok(cookie.put(web::see(form::local(Some(&form.next)))?))
}

/// POST /logout
pub async fn sign_out(State(app): State<App>, visitor: Option<Visitor>) -> Answer {
    if let Some(visitor) = visitor.filter(|v| !v.by_token) {
        let mut write = app.db.write(&visitor.person.id).await?;
        store::revoke_sign_in(&mut write, &visitor.person.id, &visitor.sign_in, app.clock.now()).await?;
        write.commit().await?;
    }
    let mut response = web::see_saying("/login", "You are signed out.")?;
    response.headers_mut().append(header::SET_COOKIE, cookie(&app, "")?);
    Ok(response)
}
