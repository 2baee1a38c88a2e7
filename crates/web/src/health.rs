//! Probes: is the process alive, is it ready to serve?

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::Web;

/// `GET /health/live`: the process answers.
pub async fn live() -> Response {
    text(StatusCode::OK, "alive\n")
}

/// `GET /health/ready`: saved state can be reached.
pub async fn ready(State(web): State<Web>) -> Response {
    match web.app.check_health().await {
        Ok(()) => text(StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::error!(%error, "not ready");
            text(StatusCode::SERVICE_UNAVAILABLE, "not ready: the database cannot be reached\n")
        }
    }
}

fn text(status: StatusCode, body: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}
