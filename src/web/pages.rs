//! Pages no noun owns: health, readiness, which enrolment the short addresses mean.
use super::visitor::ENROLMENT_COOKIE;
use super::{Form, Visitor, see};
use crate::app::App;
use crate::error::{Answer, Error};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
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

/// GET of an address that only takes a form and answers it with a page: the page that the form stands on is one step up.
pub async fn up(uri: Uri) -> Answer {
    see(uri.path().rsplit_once('/').map_or("/", |(page, _)| page))
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
