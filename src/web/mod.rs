//! The way in from HTTP: the site map, who is asking, the frame around every page and what no noun owns.
pub mod address;
pub mod assets;
pub mod confirm;
pub mod csv;
pub mod extract;
pub mod filters;
pub mod form;
pub mod guard;
pub mod layers;
pub mod live;
pub mod metrics;
pub mod pages;
pub mod routes;
pub mod site;
pub mod tour;
pub mod visitor;

pub use confirm::Confirm;
pub use extract::{Form, Path, Query};
pub use site::Site;
pub use visitor::Visitor;

use crate::error::{Answer, Result};
use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};

/// A page as the answer, 200.
pub fn page(template: &impl Template) -> Answer {
    page_with(StatusCode::OK, template)
}

/// A page with another status: 422 for a form given back with its mistakes.
pub fn page_with(status: StatusCode, template: &impl Template) -> Answer {
    let html = template.render()?;
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "private, no-cache")];
    Ok((status, headers, html).into_response())
}

/// After a form did its work: see the result with GET, so that a reload repeats nothing.
pub fn see(url: impl AsRef<str>) -> Answer {
    Ok(Redirect::to(url.as_ref()).into_response())
}

/// The same with one sentence shown once on the next page.
pub fn see_saying(url: impl AsRef<str>, words: &str) -> Answer {
    let mut response = Redirect::to(url.as_ref()).into_response();
    form::say(&mut response, words)?;
    Ok(response)
}

/// JSON as the answer.
pub fn json(value: &impl serde::Serialize) -> Answer {
    Ok(axum::Json(serde_json::to_value(value)?).into_response())
}

/// Somebody's file: always saved, never shown, so that nothing in it can run on this origin.
pub fn attachment(name: &str, bytes: Vec<u8>) -> Result<Response> {
    let safe: String =
        name.rsplit('/').next().unwrap_or("file").chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{safe}\"")),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}
