//! The frame around every page: who is signed in, what the portal is called, the nonce of this response.
use super::visitor::Visitor;
use super::{assets, form, tour};
use crate::app::App;
use crate::cohorts::Enrolment;
use crate::db::values::Timestamp;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use std::convert::Infallible;

/// Every page's struct has one as `site`; `base.html` reads it.
#[derive(Debug, Clone)]
pub struct Site {
    pub visitor: Option<Visitor>,
    /// Of this response's style nonce.
    pub nonce: String,
    pub path: String,
    /// The portal's name, as an admin set it.
    pub name: String,
    /// The colour of the mark in the header, `#rrggbb`, where an admin chose one.
    pub colour: Option<String>,
    pub demo: bool,
    /// A sentence from the page before.
    pub said: Option<String>,
    pub now: Timestamp,
    /// The demo's tour card for this page, when the tour is on.
    pub tour: Option<&'static tour::Stop>,
}

/// The nonce of a response, made by the header layer.
#[derive(Debug, Clone)]
pub struct Nonce(pub String);

impl Site {
    /// The address of a static file, with its hash.
    #[allow(clippy::unused_self, reason = "templates call it as site.asset(…)")]
    pub fn asset(&self, name: &str) -> String {
        assets::url(name)
    }

    /// Whether a navigation entry is the page being shown.
    pub fn is_at(&self, path: &str) -> bool {
        self.path == path || (path != "/" && self.path.starts_with(path) && self.path.as_bytes().get(path.len()) == Some(&b'/'))
    }

    pub fn is_admin(&self) -> bool {
        self.visitor.as_ref().is_some_and(|v| v.person.is_admin())
    }

    pub fn is_staff(&self) -> bool {
        self.visitor.as_ref().is_some_and(|v| v.is_staff())
    }

    pub fn is_student(&self) -> bool {
        self.visitor.as_ref().is_some_and(|v| v.enrolment().is_some())
    }

    /// Whether `/` and `/labs/{id}` mean this enrolment now.
    pub fn is_current(&self, enrolment: &Enrolment) -> bool {
        self.visitor.as_ref().and_then(|v| v.enrolment()).is_some_and(|current| current.id == enrolment.id)
    }

    /// The visitor's zone, else UTC.
    pub fn zone(&self) -> &str {
        self.visitor.as_ref().map_or("UTC", |v| &v.person.zone)
    }
}

impl<S: Sync> FromRequestParts<S> for Site
where
    App: FromRef<S>,
{
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Site, Infallible> {
        let app = App::from_ref(state);
        let settings = app.settings();
        Ok(Site {
            visitor: parts.extensions.get::<Visitor>().cloned(),
            nonce: parts.extensions.get::<Nonce>().map(|n| n.0.clone()).unwrap_or_default(),
            path: parts.uri.path().to_owned(),
            name: settings.name.clone(),
            colour: Some(settings.colour.clone()).filter(|c| !c.is_empty()),
            demo: app.demo,
            said: form::said(&parts.headers),
            now: app.clock.now(),
            tour: tour::stop(&parts.headers, app.demo, parts.uri.path()),
        })
    }
}
