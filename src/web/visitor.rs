//! Who is asking: found once a request from the sign-in cookie or a personal token.
use super::{form, guard};
use crate::accounts::{Person, SEEN_EVERY, SignInId, store as accounts};
use crate::app::App;
use crate::cohorts::{CohortId, Enrolment, Teaching, store as cohorts};
use crate::error::{Error, Result};
use crate::secrets;
use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request, State};
use axum::http::{HeaderMap, header, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::convert::Infallible;
use std::sync::Arc;

/// A signed-in person with their roles. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Visitor(Arc<Inner>);

#[derive(Debug)]
pub struct Inner {
    pub person: Person,
    /// The sign-in, or the personal token's id when `by_token`.
    pub sign_in: SignInId,
    pub by_token: bool,
    pub enrolments: Vec<Enrolment>,
    pub teaching: Vec<Teaching>,
    /// Index of the enrolment that `/labs/{id}` and `/` mean.
    current: Option<usize>,
    pub unseen: i64,
}

impl std::ops::Deref for Visitor {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    /// The enrolment chosen in the header, else the latest.
    pub fn enrolment(&self) -> Option<&Enrolment> {
        self.current.and_then(|i| self.enrolments.get(i))
    }

    pub fn teaches(&self, cohort: &CohortId) -> bool {
        self.teaching.iter().any(|t| t.cohort == *cohort)
    }

    /// Whether they may see a cohort's students' work: its instructors and admins.
    pub fn oversees(&self, cohort: &CohortId) -> bool {
        self.person.is_admin() || self.teaches(cohort)
    }

    /// Whether the sign-in or token they came with still holds; a stream asks now and then.
    pub async fn is_still_signed_in(&self, app: &App) -> bool {
        let Ok(mut conn) = app.db.read().await else { return false };
        accounts::holds(&mut conn, &self.sign_in, self.by_token, app.clock.now()).await.unwrap_or(false)
    }

    pub fn is_staff(&self) -> bool {
        self.person.is_admin() || !self.teaching.is_empty()
    }
}

/// The cookie that carries the sign-in; `__Host-` binds it to this host where https allows it.
pub fn cookie_name(app: &App) -> &'static str {
    if app.is_https() { "__Host-groundcrew" } else { "groundcrew" }
}

pub const ENROLMENT_COOKIE: &str = "groundcrew-enrolment";

/// The layer that finds the visitor and leaves them in the request's extensions; a sign-in that is used lives on.
pub async fn find(State(app): State<App>, mut request: Request, next: Next) -> Response {
    // Static files are the same for everybody: no look-up for them.
    if request.uri().path().starts_with("/static/") {
        return next.run(request).await;
    }
    let found = match load(&app, request.uri().path(), request.headers()).await {
        Ok(found) => found,
        Err(error) => return error.into_response(),
    };
    let renewed = match found {
        Some((visitor, renewed)) => {
            request.extensions_mut().insert(visitor);
            renewed
        }
        None => None,
    };
    let mut response = next.run(request).await;
    if let Some(token) = renewed
        && !sets(&response, cookie_name(&app))
        && let Ok(cookie) = crate::accounts::pages::cookie(&app, &token)
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Whether the handler itself signed somebody in or out.
fn sets(response: &Response, cookie: &str) -> bool {
    let all = response.headers().get_all(header::SET_COOKIE);
    all.iter().filter_map(|h| h.to_str().ok()).any(|h| h.split('=').next() == Some(cookie))
}

/// The visitor, with the cookie's token when its life was just prolonged.
async fn load(app: &App, path: &str, headers: &HeaderMap) -> Result<Option<(Visitor, Option<String>)>> {
    let now = app.clock.now();
    // Tokens are for programs: they open the API and streams, never pages.
    let bearer = headers.get(header::AUTHORIZATION).and_then(|h| h.to_str().ok()).and_then(|h| h.strip_prefix("Bearer "));
    let bearer = bearer.filter(|_| guard::is_for_programs(path));
    let cookie = form::cookie(headers, cookie_name(app));
    if bearer.is_none() && cookie.is_none() {
        return Ok(None);
    }
    let mut conn = app.db.read().await?;
    let signed_in = match (bearer, &cookie) {
        (Some(token), _) => accounts::by_token(&mut conn, &secrets::token_hash(token), now).await?,
        (None, Some(token)) => accounts::signed_in(&mut conn, &secrets::token_hash(token), now).await?,
        (None, None) => None,
    };
    let Some(signed_in) = signed_in else { return Ok(None) };
    let enrolments = cohorts::enrolments_of(&mut conn, &signed_in.id).await?;
    let teaching = cohorts::taught_by(&mut conn, &signed_in.id).await?;
    drop(conn);
    let renewed = if now >= signed_in.seen.plus(SEEN_EVERY) {
        let mut write = app.db.write(&signed_in.sign_in).await?;
        match bearer {
            Some(_) => accounts::saw_token(&mut write, signed_in.sign_in.as_str(), now).await?,
            None => accounts::saw_sign_in(&mut write, signed_in.sign_in.as_str(), now).await?,
        }
        write.commit().await?;
        cookie.filter(|_| bearer.is_none())
    } else {
        None
    };
    let chosen = form::cookie(headers, ENROLMENT_COOKIE);
    let current = chosen.and_then(|id| enrolments.iter().position(|e| e.id.as_str() == id)).or(if enrolments.is_empty() { None } else { Some(0) });
    let visitor = Visitor(Arc::new(Inner {
        person: signed_in.person(),
        sign_in: signed_in.sign_in.clone(),
        by_token: bearer.is_some(),
        enrolments,
        teaching,
        current,
        unseen: signed_in.unseen,
    }));
    Ok(Some((visitor, renewed)))
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visitor> {
        parts.extensions.get::<Visitor>().cloned().ok_or(Error::SignInFirst)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Visitor {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Visitor>, Infallible> {
        Ok(parts.extensions.get::<Visitor>().cloned())
    }
}

/// The visitor's current enrolment; 403 for whoever has none.
#[derive(Debug, Clone)]
pub struct Enrolled(pub Enrolment);

impl<S: Sync> FromRequestParts<S> for Enrolled {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Enrolled> {
        let visitor = parts.extensions.get::<Visitor>().ok_or(Error::SignInFirst)?;
        visitor.enrolment().cloned().map(Enrolled).ok_or(Error::NotAllowed)
    }
}
