//! The preview over HTTP.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch::Receiver};
use tokio_stream::{Stream, StreamExt as _, wrappers::WatchStream};

use super::{LetterView, PreviewBackend, letter, page};

/// The number of saves so far.
pub type Changes = Receiver<u64>;

/// For the page itself.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src data:; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// For a letter: no script, wherever it is opened.
const LETTER_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     img-src 'self' http: https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
     sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox";
const IMAGES_OFF_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox";

struct PreviewState {
    backend: Arc<dyn PreviewBackend>,
    changes: Changes,
    /// The last letter.
    view: Mutex<Option<CachedView>>,
}

#[derive(Clone)]
struct CachedView {
    /// After so many saves it was made.
    version: u64,
    /// Who was asked for.
    reader: Option<String>,
    view: Arc<LetterView>,
}

type Words = Query<HashMap<String, String>>;

/// Answers until the listener fails.
pub async fn serve(
    listener: TcpListener,
    backend: Arc<dyn PreviewBackend>,
    changes: Changes,
) -> io::Result<()> {
    let state = Arc::new(PreviewState { backend, changes, view: Mutex::new(None) });
    let routes = Router::new()
        .route("/", get(|| async { typed("text/html; charset=utf-8", PAGE_POLICY, page::live()) }))
        .route("/preview.css", get(|| async { typed("text/css; charset=utf-8", PAGE_POLICY, page::CSS) }))
        .route(
            "/preview.js",
            get(|| async { typed("text/javascript; charset=utf-8", PAGE_POLICY, page::SCRIPT) }),
        )
        .route("/api/letter", get(view))
        .route("/api/findings", get(findings))
        .route("/api/people", get(people))
        .route("/letter", get(letter_page))
        .route("/picture/{cid}", get(picture))
        .route("/raw", get(raw))
        .route("/events", get(events))
        .with_state(state)
        .layer(from_fn(guard));
    axum::serve(listener, routes).await
}

/// Only this machine's own names are answered to, so that no page elsewhere can read a letter by pointing its name here.
async fn guard(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let mut answer = if ["127.0.0.1", "localhost", "::1"].contains(&name) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "the preview answers on this machine only\n").into_response()
    };
    let fields = answer.headers_mut();
    fields.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (field, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        fields.insert(HeaderName::from_static(field), HeaderValue::from_static(value));
    }
    answer
}

fn typed(media_type: &'static str, policy: &'static str, body: impl IntoResponse) -> Response {
    let fields = [(header::CONTENT_TYPE, media_type), (header::CONTENT_SECURITY_POLICY, policy)];
    (fields, body).into_response()
}

impl PreviewState {
    /// The letter, made once for each save and reader.
    async fn view(self: Arc<Self>, words: &HashMap<String, String>) -> Result<Arc<LetterView>, Response> {
        let reader = words.get("as").filter(|reader| !reader.is_empty()).cloned();
        worked(move || {
            let version = *self.changes.borrow();
            let mut kept = self.view.lock().unwrap_or_else(PoisonError::into_inner);
            match kept.as_ref() {
                Some(kept) if kept.version == version && kept.reader == reader => Arc::clone(&kept.view),
                _ => {
                    let view = Arc::new(self.backend.view(reader.as_deref()));
                    *kept = Some(CachedView { version, reader, view: Arc::clone(&view) });
                    view
                }
            }
        })
        .await
    }
}

/// Work that takes a while, away from the connections.
async fn worked<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Response> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, "the letter could not be made\n").into_response())
}

async fn view(State(state): State<Arc<PreviewState>>, Query(words): Words) -> Result<Json<Value>, Response> {
    let view = state.view(&words).await?;
    Ok(Json(page::facts(&view)))
}

async fn findings(State(state): State<Arc<PreviewState>>) -> Result<Json<Value>, Response> {
    worked(move || state.backend.findings()).await.map(Json)
}

async fn people(
    State(state): State<Arc<PreviewState>>,
    Query(words): Words,
) -> Result<Json<Value>, Response> {
    let search = words.get("q").cloned().unwrap_or_default();
    worked(move || state.backend.people(&search)).await.map(Json)
}

async fn letter_page(
    State(state): State<Arc<PreviewState>>,
    Query(words): Words,
) -> Result<Response, Response> {
    let view = state.view(&words).await?;
    let dark = words.get("scheme").is_some_and(|scheme| scheme == "dark");
    let images = words.get("images").is_none_or(|images| images != "off");
    let mut html = letter::in_scheme(&view.html, dark);
    for (cid, _, _) in &view.pictures {
        html = html.replace(&format!("cid:{cid}"), &format!("/picture/{cid}"));
    }
    Ok(typed("text/html; charset=utf-8", if images { LETTER_POLICY } else { IMAGES_OFF_POLICY }, html))
}

async fn picture(State(state): State<Arc<PreviewState>>, Path(cid): Path<String>) -> Response {
    let kept = state.view.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let found = kept.and_then(|CachedView { view, .. }| {
        let (_, media_type, bytes) = view.pictures.iter().find(|(name, _, _)| *name == cid)?;
        Some((media_type.clone(), bytes.clone()))
    });
    match found {
        Some((media_type, bytes)) => {
            let fields = [
                (header::CONTENT_TYPE, media_type),
                (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
                // A picture's name is made of its bytes, so that it never means another.
                (header::CACHE_CONTROL, "private, max-age=3600, immutable".to_owned()),
            ];
            (fields, bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn raw(State(state): State<Arc<PreviewState>>, Query(words): Words) -> Result<Response, Response> {
    let view = state.view(&words).await?;
    Ok(typed("text/plain; charset=utf-8", PAGE_POLICY, view.raw.clone()))
}

async fn events(
    State(state): State<Arc<PreviewState>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stream = WatchStream::new(state.changes.clone());
    Sse::new(stream.map(|version| Ok(Event::default().data(version.to_string()))))
        .keep_alive(KeepAlive::default())
}
