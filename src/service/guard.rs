//! What holds for every request: whose it is, limits, time, fields of the answer, and a line in the log.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde_json::json;
use tokio::time::timeout;

use super::{answer, client, state::Shared, visit::Visit};
use crate::hooks;

/// Bytes of a request's body.
const BODY_MAX: usize = 16 * 1024;
/// Bytes of a larger body that are read and thrown away: a client that is still writing would not read the refusal.
const DRAIN_MAX: usize = 128 * 1024;
/// Time for a request's body.
const BODY_TIME: Duration = Duration::from_secs(10);
/// Time for a whole request.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// For pages: nothing but our own stylesheet and our own forms.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const FIELDS: [(&str, &str); 7] = [
    ("cache-control", "no-store"),
    ("content-security-policy", POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex"),
];

/// The other end of a connection; `None` for a Unix socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) Option<IpAddr>);

/// Wraps every request.
pub(super) async fn guard(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let peer = request.extensions().get::<Peer>().and_then(|peer| peer.0);
    let forwarded = request.headers().get_all("x-forwarded-for");
    let forwarded = forwarded.iter().map(|value| value.to_str().unwrap_or_default());
    let client = client::client(peer, forwarded, &shared.settings.trusted_proxies);
    let visit = Visit::new(&shared, &request, client);
    request.extensions_mut().insert(visit.clone());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let mut answer = match timeout(REQUEST_TIME, limited(&visit, request, next)).await {
        Ok(answer) => answer,
        Err(_) => answer::unavailable(&visit),
    };
    if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allow = answer.headers().get(header::ALLOW).cloned();
        answer = if method == Method::OPTIONS {
            StatusCode::NO_CONTENT.into_response()
        } else {
            answer::problem(&visit, StatusCode::METHOD_NOT_ALLOWED, &visit.texts().wrong_method)
        };
        answer.headers_mut().extend(allow.map(|allow| (header::ALLOW, allow)));
    }
    for (name, value) in FIELDS {
        let entry = answer.headers_mut().entry(HeaderName::from_static(name));
        entry.or_insert(HeaderValue::from_static(value));
    }
    if shared.is_draining() {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let (took, status) = (began.elapsed(), answer.status().as_u16());
    shared.metrics.answered(&route, known(&method), status, took);
    let line = json!({
        "time": (shared.clock)(),
        "method": known(&method),
        // Never the path itself: it may hold a token.
        "route": route,
        "status": status,
        "ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "client": client.map(|client| client::block(client).to_string()),
    });
    (shared.log)(&line.to_string());
    answer
}

/// A method's name, for metrics and logs: not what a client makes up.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// Refuses what is too much or meant for another host, and reads the body.
async fn limited(visit: &Visit, request: Request, next: Next) -> Response {
    if !is_own(visit, request.headers()) {
        return (StatusCode::MISDIRECTED_REQUEST, "this host is not served here\n").into_response();
    }
    let Ok(_working) = visit.working.try_acquire() else { return answer::unavailable(visit) };
    // Delivery services send many events at once.
    let is_hook = request
        .extensions()
        .get::<MatchedPath>()
        .is_some_and(|path| path.as_str().ends_with("hooks/{provider}"));
    let (most, drained) = if is_hook { (hooks::BODY_MAX, hooks::BODY_MAX) } else { (BODY_MAX, DRAIN_MAX) };
    let too_large = || answer::problem(visit, StatusCode::PAYLOAD_TOO_LARGE, &visit.texts().too_large);
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length.and_then(|length| length.parse().ok()).is_some_and(|length: u64| length > drained as u64) {
        return too_large();
    }
    let (parts, body) = request.into_parts();
    match timeout(BODY_TIME, to_bytes(body, drained)).await {
        Ok(Ok(body)) if body.len() <= most => next.run(Request::from_parts(parts, Body::from(body))).await,
        Ok(_) => too_large(),
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time\n").into_response(),
    }
}

/// Whether a request names this host and no other.
fn is_own(shared: &Shared, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next().map(HeaderValue::to_str), hosts.next()) {
        (Some(Ok(host)), None) => shared.settings.is_own_host(host),
        _ => false,
    }
}
