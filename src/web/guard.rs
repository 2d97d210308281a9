//! Who may call a route at all; what they may see of it is the noun's own question.
use super::visitor::Visitor;
use crate::error::Error;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};

/// The first question about a request, answered by the site map before its handler runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Anyone,
    SignedIn,
    /// Takes part in a cohort, or is staff.
    Member,
    /// Has an enrolment.
    Student,
    /// Teaches a cohort, or is an admin.
    Staff,
    Admin,
}

impl Who {
    pub fn admits(self, visitor: Option<&Visitor>) -> Result<(), Error> {
        let Some(visitor) = visitor else {
            return if self == Who::Anyone { Ok(()) } else { Err(Error::SignInFirst) };
        };
        let good = match self {
            Who::Anyone | Who::SignedIn => true,
            Who::Member => !visitor.enrolments.is_empty() || visitor.is_staff(),
            Who::Student => !visitor.enrolments.is_empty(),
            Who::Staff => visitor.is_staff(),
            Who::Admin => visitor.person.is_admin(),
        };
        if good { Ok(()) } else { Err(Error::NotAllowed) }
    }
}

/// The layer of one route.
pub async fn guard(who: Who, request: Request, next: Next) -> Response {
    match who.admits(request.extensions().get::<Visitor>()) {
        Ok(()) => next.run(request).await,
        // A page leads to the sign-in and back; a program or a stream is told.
        Err(Error::SignInFirst) if !is_for_programs(request.uri().path()) => {
            let back = back(&request);
            Redirect::to(&if back == "/" { "/login".to_owned() } else { format!("/login?next={}", super::form::encode(&back)) }).into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// Where to go on after signing in: the page asked for, or the one whose form was sent when the sign-in had ended.
fn back(request: &Request) -> String {
    if request.method() == axum::http::Method::GET {
        return request.uri().path_and_query().map_or("/", |p| p.as_str()).to_owned();
    }
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|h| h.to_str().ok());
    let (Some(host), Some(referer)) = (text(header::HOST), text(header::REFERER)) else { return "/".to_owned() };
    let from = referer.split_once("://").and_then(|(_, rest)| rest.strip_prefix(host));
    super::form::local(from.filter(|path| path.starts_with('/'))).to_owned()
}

/// Paths that answer in JSON or events rather than pages.
pub fn is_for_programs(path: &str) -> bool {
    path.starts_with("/api/") || path.ends_with("/live") || matches!(path, "/metrics" | "/healthz" | "/readyz")
}
