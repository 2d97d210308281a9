//! The demo's *Reset*.
use crate::app::App;
use crate::error::{Answer, Error};
use crate::web;
use axum::extract::State;

/// POST /demo/reset: everything as it was at first; whoever is signed in signs in again.
pub async fn reset(State(app): State<App>) -> Answer {
    if !app.demo {
        return Err(Error::NotFound);
    }
    super::reset(&app).await?;
    web::see_saying("/login", "The demo is as it was. Sign in again with one click.")
}
