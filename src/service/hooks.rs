//! `/hooks/PROVIDER`: delivery services report bounces and complaints.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Extension, Path},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{answer, visit::Visit};

/// Verifies a report, and settles it. The answer is 200 only after it is recorded.
pub(super) async fn receive(
    Extension(visit): Extension<Visit>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(receiver) = &visit.hooks else { return answer::not_found(&visit) };
    let fields = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let fetch = Arc::clone(&receiver.fetch);
    let now = (visit.clock)();
    let answer = receiver
        .returns
        .receive(&receiver.hooks, &provider, fields.collect(), body.to_vec(), fetch, now)
        .await;
    let known = if answer.status == 404 { "other" } else { provider.as_str() };
    for one in &answer.settled {
        visit.metrics.reported(known, one.effect.word());
    }
    if answer.status != 200 {
        visit.metrics.reported(known, "refused");
        let line = serde_json::json!({ "time": now, "hook": known, "status": answer.status, "because": answer.text });
        (visit.log)(&line.to_string());
    }
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{}\n", answer.text))
        .into_response()
}
