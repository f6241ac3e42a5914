//! Which path leads where.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::header,
    middleware::from_fn_with_state,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};

use super::{
    archive, confirm, guard::guard, health, hooks, preferences, state::Shared, subscribe, unsubscribe,
};

/// The pages for readers.
pub(super) fn public(shared: &Arc<Shared>) -> Router {
    let at = |path: &str| format!("{}{path}", shared.settings.base());
    let pages = Router::new()
        .route(&at("service.css"), get(stylesheet))
        .route(&at("unsubscribe/{token}"), get(unsubscribe::show).post(unsubscribe::act))
        .route(&at("hooks/{provider}"), post(hooks::receive));
    let pages = if shared.is_managed { pages.merge(list(&at)) } else { pages };
    let pages = pages.fallback(archive::show).layer(from_fn_with_state(Arc::clone(shared), guard));
    // Asked by machines, and by the machine's address.
    let health = Router::new().route("/healthz", get(health::alive)).route("/readyz", get(health::ready));
    pages.merge(health).with_state(Arc::clone(shared))
}

/// What people can do where the list is managed.
fn list(at: &dyn Fn(&str) -> String) -> Router<Arc<Shared>> {
    Router::new()
        .route(&at("subscribe"), get(subscribe::show).post(subscribe::act).options(subscribe::preflight))
        .route(&at("subscribe/sent"), get(subscribe::sent))
        .route(&at("subscribe.js"), get(subscribe::script))
        .route(&at("confirm/{token}"), get(confirm::show).post(confirm::act))
        .route(&at("preferences"), get(preferences::ask).post(preferences::send_link))
        .route(&at("preferences/{token}"), get(preferences::show).post(preferences::act))
        .route(&at("preferences/{token}/subscription.json"), get(preferences::export))
}

/// The metrics, on an address of their own.
pub(super) fn metrics(shared: &Arc<Shared>) -> Router {
    Router::new().route("/metrics", get(health::metrics)).with_state(Arc::clone(shared))
}

async fn stylesheet(State(shared): State<Arc<Shared>>) -> Response {
    let fields =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=300")];
    (fields, shared.stylesheet.clone()).into_response()
}
