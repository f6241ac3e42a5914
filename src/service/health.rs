//! `/healthz`, `/readyz` and the metrics.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use tokio::time::timeout;

use super::state::Shared;

/// How long the ledger may take to answer.
const LEDGER_TIME: Duration = Duration::from_secs(1);

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// The ledger answers, and the service is not about to end.
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    if shared.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "about to end\n").into_response();
    }
    match timeout(LEDGER_TIME, shared.audience.answers()).await {
        Ok(Ok(())) => "ok\n".into_response(),
        Ok(Err(error)) => {
            shared.report("ready", &error);
            (StatusCode::SERVICE_UNAVAILABLE, "the ledger cannot be used\n").into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the ledger does not answer\n").into_response(),
    }
}

/// What was counted.
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], shared.metrics.text()).into_response()
}
