//! Pages no noun owns: health, readiness.
use crate::app::App;
use crate::error::Answer;
use axum::extract::State;
use axum::http::StatusCode;
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
