//! How a request ends badly: five ways, each with one status and one page.
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// What a handler returns instead of an answer; `web::layers::failures` turns it into a page or JSON.
#[derive(Debug)]
pub enum Error {
    /// It doesn't exist, or is somebody else's: the same answer for both, so that guessing ids teaches nothing.
    NotFound,
    /// Signing in would help.
    SignInFirst,
    /// Known, but this role has no business here.
    NotAllowed,
    /// The request can't be carried out, and the words say what to do about it.
    Refused(String),
    /// Too many or too large; the words say when or how much.
    Limited(StatusCode, String),
    /// Our failure. The log has the chain, the page a reference.
    Broken(anyhow::Error),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;
/// What handlers return.
pub type Answer = Result<Response>;

impl Error {
    pub fn refused(words: impl Into<String>) -> Error {
        Error::Refused(words.into())
    }
}

impl<E: Into<anyhow::Error>> From<E> for Error {
    fn from(error: E) -> Error {
        Error::Broken(error.into())
    }
}

/// Left in a response's extensions for the layer that renders it.
#[derive(Debug, Clone)]
pub struct Failure {
    pub status: StatusCode,
    pub words: Option<String>,
    /// Matches the log's line, for `Broken`.
    pub reference: Option<String>,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let failure = match self {
            Error::NotFound => Failure { status: StatusCode::NOT_FOUND, words: None, reference: None },
            Error::SignInFirst => Failure { status: StatusCode::UNAUTHORIZED, words: None, reference: None },
            Error::NotAllowed => Failure { status: StatusCode::FORBIDDEN, words: None, reference: None },
            Error::Refused(words) => Failure { status: StatusCode::UNPROCESSABLE_ENTITY, words: Some(words), reference: None },
            Error::Limited(status, words) => Failure { status, words: Some(words), reference: None },
            Error::Broken(error) => {
                let id = uuid::Uuid::now_v7().simple().to_string();
                let reference = id[id.len() - 8..].to_owned();
                tracing::error!(reference, error = format!("{error:#}"), "request failed");
                Failure { status: StatusCode::INTERNAL_SERVER_ERROR, words: None, reference: Some(reference) }
            }
        };
        let mut response = failure.status.into_response();
        response.extensions_mut().insert(failure);
        response
    }
}
