//! Parts of a request, parsed at the border: what doesn't parse ends as our pages say, not as axum's.
use crate::error::Error;
use axum::body::{Body, Bytes};
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// Whether encoded text holds a NUL. PostgreSQL stores none, and a backup with one from SQLite could never be restored there.
fn has_nul(encoded: &[u8]) -> bool {
    encoded.contains(&0) || encoded.windows(3).any(|three| three == b"%00")
}

/// A path's parameters; one that can't be an id names nothing, so it is 404.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Path<T>, Error> {
        if has_nul(parts.uri.path().as_bytes()) {
            return Err(Error::NotFound);
        }
        axum::extract::Path::from_request_parts(parts, state).await.map(|axum::extract::Path(t)| Path(t)).map_err(|_| Error::NotFound)
    }
}

/// A query's parameters; unknown ones are left aside, unreadable ones refused.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Query<T>, Error> {
        let query = axum::extract::Query::from_request_parts(parts, state).await.ok();
        query
            .filter(|_| !has_nul(parts.uri.query().unwrap_or("").as_bytes()))
            .map(|axum::extract::Query(t)| Query(t))
            .ok_or_else(|| Error::refused("A part of the address after the ? can't be read. Start again from the page before."))
    }
}

/// A form's fields.
#[derive(Debug, Clone)]
pub struct Form<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Error;
    async fn from_request(request: Request, state: &S) -> Result<Form<T>, Error> {
        let (parts, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await;
        let bytes = bytes.map_err(|e| Error::Limited(e.status(), e.body_text()))?;
        if has_nul(&bytes) {
            return Err(Error::refused("One of the form's fields holds a NUL, a character that is no text. Take it out and send the form again."));
        }
        match axum::extract::Form::from_request(Request::from_parts(parts, Body::from(bytes)), state).await {
            Ok(axum::extract::Form(form)) => Ok(Form(form)),
            Err(FormRejection::FailedToDeserializeFormBody(e)) => Err(Error::Refused(format!("The form is incomplete: {}.", e.body_text()))),
            Err(e) => Err(Error::Limited(e.status(), e.body_text())),
        }
    }
}
