//! `/metrics` for Prometheus, and the line and the numbers that every request leaves.
use super::address;
use crate::accounts::store as accounts;
use crate::app::App;
use crate::config::is_loopback;
use crate::error::{Answer, Error};
use crate::notices::store as notices;
use crate::queue::{State as JobState, store as queue};
use crate::secrets;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq as _;
use tracing::Instrument as _;

/// One recorder for the process; None where something else installed one.
static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Upper bounds in seconds: a page is a few milliseconds, a sign-in some 50, an upload a second.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Starts counting; asking again changes nothing.
pub fn start() -> Option<&'static PrometheusHandle> {
    let handle = HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).ok()?;
        let handle = builder.install_recorder().ok()?;
        metrics::describe_counter!("groundcrew_requests_total", "Requests by method, route and status");
        metrics::describe_histogram!("groundcrew_request_seconds", "Seconds until a request was answered, by method and route");
        metrics::describe_counter!("groundcrew_sign_ins_total", "Tries to sign in by result: right, wrong, throttled");
        metrics::describe_gauge!("groundcrew_jobs", "Jobs by state; done ones of the last day");
        metrics::describe_gauge!("groundcrew_mails", "Mails in the outbox: waiting, given_up");
        metrics::describe_gauge!("groundcrew_active_sign_ins", "Sign-ins used in the last quarter of an hour");
        Some(handle)
    });
    handle.as_ref()
}

/// Folds what was measured into the buckets, so that memory stays bounded where nobody scrapes.
pub async fn upkeep(app: App) {
    while !app.stop.is_cancelled() {
        if let Some(handle) = start() {
            handle.run_upkeep();
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(10)) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// Whoever has the token; without one, whoever asks from this machine itself and not through a proxy on it. Not every proxy adds a
/// header: where the portal has a public address there is one, and a token is needed.
fn may_read(app: &App, headers: &HeaderMap, extensions: &Extensions) -> bool {
    match &app.outside.metrics_token {
        Some(token) => {
            let given = headers.get(header::AUTHORIZATION).and_then(|h| h.to_str().ok()).and_then(|h| h.strip_prefix("Bearer ")).unwrap_or("");
            // Hashes compare in constant time whatever the lengths.
            secrets::token_hash(given).as_bytes().ct_eq(secrets::token_hash(token).as_bytes()).into()
        }
        None => {
            let url: Option<Uri> = app.url.parse().ok();
            is_loopback(url.as_ref().and_then(Uri::host).unwrap_or(""))
                && address::peer(extensions).to_canonical().is_loopback()
                && !headers.contains_key("x-forwarded-for")
                && !headers.contains_key(header::FORWARDED)
        }
    }
}

/// GET /metrics
pub async fn show(State(app): State<App>, request: Request) -> Answer {
    if !may_read(&app, request.headers(), request.extensions()) {
        return Err(if app.outside.metrics_token.is_some() { Error::SignInFirst } else { Error::NotAllowed });
    }
    let handle = start().ok_or(Error::NotFound)?;
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    let jobs = queue::counts(&mut conn, now).await?;
    for state in JobState::ALL {
        let count = jobs.iter().find(|(s, _)| s == state).map_or(0, |(_, n)| *n);
        metrics::gauge!("groundcrew_jobs", "state" => state.as_str()).set(gauge(count));
    }
    let (waiting, given_up) = notices::outbox(&mut conn).await?;
    metrics::gauge!("groundcrew_mails", "state" => "waiting").set(gauge(waiting));
    metrics::gauge!("groundcrew_mails", "state" => "given_up").set(gauge(given_up));
    let active = accounts::active_sign_ins(&mut conn, now.minus(Duration::from_secs(900))).await?;
    metrics::gauge!("groundcrew_active_sign_ins").set(gauge(active));
    drop(conn);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response())
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
fn gauge(count: i64) -> f64 {
    count as f64
}

/// The outermost layer: an id for the request, a line in the log, a count. Routes are named by their template:
/// a path may hold a secret, as invitations do, and a query what somebody searched for.
pub async fn measure(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = uuid::Uuid::now_v7().simple().to_string();
    let id = &id[id.len() - 12..];
    let method = known(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |p| p.as_str().to_owned());
    let span = tracing::info_span!("request", id, method, route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = begun.elapsed();
    let status = response.status().as_u16();
    let _in = span.enter();
    let ms = took.as_secs_f64() * 1000.0;
    if matches!(route.as_str(), "/healthz" | "/readyz" | "/metrics") || route.starts_with("/static/") {
        tracing::debug!(status, ms = format!("{ms:.1}"), "answered");
    } else {
        tracing::info!(status, ms = format!("{ms:.1}"), "answered");
    }
    metrics::histogram!("groundcrew_request_seconds", "method" => method, "route" => route.clone()).record(took.as_secs_f64());
    metrics::counter!("groundcrew_requests_total", "method" => method, "route" => route, "status" => status.to_string()).increment(1);
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    response
}

/// A method's name; one that isn't ours is `OTHER`, so that nobody fills the table of counters.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "OTHER",
    }
}
