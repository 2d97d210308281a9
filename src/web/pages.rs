//! Pages no noun owns: health, readiness, which enrolment the short addresses mean.
use super::visitor::ENROLMENT_COOKIE;
use super::{Form, Visitor, form, see};
use crate::app::App;
use crate::error::{Answer, Error};
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse as _;

/// GET /healthz: the process runs.
pub async fn health() -> &'static str {
    "ok\n"
}

/// GET /readyz: 200 when requests can be served; only a missing database makes it 503.
pub async fn ready(State(app): State<App>) -> Answer {
    let database = app.db.answers().await;
    let status = if database { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({ "database": if database { "here" } else { "away" }, "cluster": "none" });
    Ok((status, axum::Json(body)).into_response())
}

/// GET of an address that only takes a form and answers it with a page: leads to the page that the form stands on, whose path names
/// parts of the address that was opened.
pub fn back(page: &'static str, parts: &RawPathParams) -> Answer {
    let filled = |part: &str| {
        let name = part.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
        let value = name.and_then(|name| parts.iter().find(|(key, _)| *key == name));
        value.map_or_else(|| part.to_owned(), |(_, value)| form::encode(value).replace('/', "%2F"))
    };
    see(page.split('/').map(filled).collect::<Vec<_>>().join("/"))
}

#[derive(serde::Deserialize)]
pub struct Switch {
    enrolment: String,
}

/// POST /enrolment: from now on `/` and `/labs/{id}` mean this one. The choice is the browser's, not the account's.
pub async fn switch(State(app): State<App>, visitor: Visitor, Form(chosen): Form<Switch>) -> Answer {
    let enrolment = visitor.enrolments.iter().find(|e| e.id.as_str() == chosen.enrolment).ok_or(Error::NotFound)?;
    let secure = if app.is_https() { "; Secure" } else { "" };
    let cookie = format!("{ENROLMENT_COOKIE}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000{secure}", enrolment.id);
    let mut response = see("/")?;
    response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_str(&cookie).map_err(anyhow::Error::from)?);
    Ok(response)
}
