//! What every request passes: an id and a span, security headers, failures made into pages.
use super::site::{Nonce, Site};
use super::{form, guard, page_with};
use crate::app::App;
use crate::error::{Error, Failure};
use crate::submissions::pages::Receipt;
use askama::Template;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tower_http::csrf::ProtectionError;

/// Adds the headers that keep a page's scripts and frames ours, and makes the nonce for its style elements.
pub async fn security(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let mut random = [0_u8; 16];
    if getrandom::fill(&mut random).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let nonce: String = random.iter().map(|b| format!("{b:02x}")).collect();
    request.extensions_mut().insert(Nonce(nonce.clone()));
    request.extensions_mut().insert(Receipt(app.clock.now()));
    let mut response = next.run(request).await;
    let csp = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
         manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY)
        && let Ok(value) = HeaderValue::from_str(&csp)
    {
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if app.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        secure_cookies(headers);
    }
    response
}

/// Served over https, no cookie of ours travels without it.
fn secure_cookies(headers: &mut axum::http::HeaderMap) {
    let cookies: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        let secure = cookie.to_str().ok().filter(|c| !c.contains("; Secure")).and_then(|c| HeaderValue::from_str(&format!("{c}; Secure")).ok());
        headers.append(header::SET_COOKIE, secure.unwrap_or(cookie));
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    site: Site,
    status: u16,
    title: &'static str,
    words: String,
    reference: Option<String>,
}

/// Turns a failed answer into a page in the portal's frame, or JSON for programs; shows each saying only once.
pub async fn failures(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(site) = Site::from_request_parts(&mut parts, &app).await;
    let is_page = !guard::is_for_programs(&site.path);
    let had_saying = site.said.is_some();
    let mut response = rendered(site, next.run(Request::from_parts(parts, body)).await).await;
    let status = response.status();
    if had_saying && status == StatusCode::OK && is_page && is_rendered(&response) {
        response.headers_mut().append(header::SET_COOKIE, form::forget_saying());
    }
    response
}

/// The same round what turns a request away before anybody was looked up: those pages know no visitor.
pub async fn early_failures(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(site) = Site::from_request_parts(&mut parts, &app).await;
    rendered(site, next.run(Request::from_parts(parts, body)).await).await
}

/// What a request from elsewhere gets that only the portal's own pages may send.
pub fn from_elsewhere(_: ProtectionError) -> Response {
    let words = "Your browser says that this was sent from another site. Open the page at the portal's own address and send it from there. \
                 If you did, an admin should look at the proxy: it must pass the Host header on, and GROUNDCREW_URL must be the address that people open.";
    Error::Limited(StatusCode::FORBIDDEN, words.to_owned()).into_response()
}

/// A fault in the program ends one request, and with a reference as any other failure does.
pub fn panicked(said: Box<dyn std::any::Any + Send>) -> Response {
    let words = said.downcast::<String>().map(|words| *words).or_else(|said| said.downcast::<&str>().map(|words| (*words).to_owned()));
    Error::Broken(anyhow::anyhow!("panicked: {}", words.as_deref().unwrap_or("without words"))).into_response()
}

/// A failed answer as a page, or as JSON for programs; any other as it is.
async fn rendered(site: Site, mut response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_rendered(&response) {
        return response;
    }
    let failure = match response.extensions_mut().remove::<Failure>() {
        Some(failure) => failure,
        None => Failure { status, words: words_of(response.into_body()).await, reference: None },
    };
    if guard::is_for_programs(&site.path) { error_json(&failure) } else { error_page(site, &failure) }
}

fn is_rendered(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|h| h.to_str().ok()).unwrap_or("");
    kind.starts_with("text/html") || kind.starts_with("application/json")
}

/// What an extractor wrote when it turned the request away.
async fn words_of(body: Body) -> Option<String> {
    let bytes = axum::body::to_bytes(body, 2048).await.ok()?;
    let words = String::from_utf8_lossy(&bytes).trim().to_owned();
    (!words.is_empty()).then_some(words)
}

fn titles(failure: &Failure) -> (&'static str, &'static str) {
    match failure.status {
        StatusCode::NOT_FOUND => {
            ("There is nothing here", "The address may be mistyped, or what it names isn't yours to see. Start again from the first page.")
        }
        StatusCode::UNAUTHORIZED => ("Sign in first", "This needs a signed-in person."),
        // With words of its own it isn't about a role.
        StatusCode::FORBIDDEN if failure.words.is_none() => {
            ("Not for this role", "Your account has no role that opens this page. If you think it should, ask an admin of your portal.")
        }
        StatusCode::METHOD_NOT_ALLOWED => ("Not this way", "This address doesn't take that kind of request."),
        StatusCode::PAYLOAD_TOO_LARGE => ("Too large", "What you sent is larger than this accepts."),
        StatusCode::TOO_MANY_REQUESTS => ("A moment, please", "Too many tries in a short time. Wait a little and try again."),
        s if s.is_server_error() => {
            ("Something broke on our side", "Nothing you handed in is lost. Try again; if it stays, tell an admin the reference below.")
        }
        _ => ("That didn't work", "The request can't be carried out as it is."),
    }
}

fn error_page(site: Site, failure: &Failure) -> Response {
    let (title, words) = titles(failure);
    let words = failure.words.clone().unwrap_or_else(|| words.to_owned());
    let page = ErrorPage { site, status: failure.status.as_u16(), title, words, reference: failure.reference.clone() };
    page_with(failure.status, &page).unwrap_or_else(|_| failure.status.into_response())
}

fn error_json(failure: &Failure) -> Response {
    let (title, words) = titles(failure);
    let words = failure.words.as_deref().unwrap_or(words);
    let body = serde_json::json!({ "error": title, "message": words, "reference": failure.reference });
    (failure.status, axum::Json(body)).into_response()
}
