//! Parts of a request, parsed at the border: what doesn't parse ends as our pages say, not as axum's.
use crate::error::Error;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// A path's parameters; one that can't be an id names nothing, so it is 404.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Path<T>, Error> {
        axum::extract::Path::from_request_parts(parts, state).await.map(|axum::extract::Path(t)| Path(t)).map_err(|_| Error::NotFound)
    }
}

/// A query's parameters; unknown ones are left aside, unreadable ones refused.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Query<T>, Error> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        query
            .map(|axum::extract::Query(t)| Query(t))
            .map_err(|_| Error::refused("A part of the address after the ? can't be read. Start again from the page before."))
    }
}

/// A form's fields.
#[derive(Debug, Clone)]
pub struct Form<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Error;
    async fn from_request(request: Request, state: &S) -> Result<Form<T>, Error> {
        match axum::extract::Form::from_request(request, state).await {
            Ok(axum::extract::Form(form)) => Ok(Form(form)),
            Err(FormRejection::FailedToDeserializeFormBody(e)) => Err(Error::Refused(format!("The form is incomplete: {}.", e.body_text()))),
            Err(e) => Err(Error::Limited(e.status(), e.body_text())),
        }
    }
}
