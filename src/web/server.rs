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

use super::{PreviewBackend, Sheet, letter, page};

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

struct Office {
    press: Arc<dyn PreviewBackend>,
    changes: Changes,
    /// The last letter.
    sheet: Mutex<Option<Kept>>,
}

#[derive(Clone)]
struct Kept {
    /// After so many saves it was made.
    version: u64,
    /// Who was asked for.
    reader: Option<String>,
    sheet: Arc<Sheet>,
}

type Words = Query<HashMap<String, String>>;

/// Answers until the listener fails.
pub async fn serve(
    listener: TcpListener,
    press: Arc<dyn PreviewBackend>,
    changes: Changes,
) -> io::Result<()> {
    let office = Arc::new(Office { press, changes, sheet: Mutex::new(None) });
    let routes = Router::new()
        .route("/", get(|| async { typed("text/html; charset=utf-8", PAGE_POLICY, page::live()) }))
        .route("/preview.css", get(|| async { typed("text/css; charset=utf-8", PAGE_POLICY, page::CSS) }))
        .route(
            "/preview.js",
            get(|| async { typed("text/javascript; charset=utf-8", PAGE_POLICY, page::SCRIPT) }),
        )
        .route("/api/sheet", get(sheet))
        .route("/api/findings", get(findings))
        .route("/api/people", get(people))
        .route("/letter", get(letter_page))
        .route("/picture/{cid}", get(picture))
        .route("/raw", get(raw))
        .route("/events", get(events))
        .with_state(office)
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

impl Office {
    /// The letter, made once for each save and reader.
    async fn sheet(self: Arc<Self>, words: &HashMap<String, String>) -> Result<Arc<Sheet>, Response> {
        let reader = words.get("as").filter(|reader| !reader.is_empty()).cloned();
        worked(move || {
            let version = *self.changes.borrow();
            let mut kept = self.sheet.lock().unwrap_or_else(PoisonError::into_inner);
            match kept.as_ref() {
                Some(kept) if kept.version == version && kept.reader == reader => Arc::clone(&kept.sheet),
                _ => {
                    let sheet = Arc::new(self.press.sheet(reader.as_deref()));
                    *kept = Some(Kept { version, reader, sheet: Arc::clone(&sheet) });
                    sheet
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

async fn sheet(State(office): State<Arc<Office>>, Query(words): Words) -> Result<Json<Value>, Response> {
    let sheet = office.sheet(&words).await?;
    Ok(Json(page::facts(&sheet)))
}

async fn findings(State(office): State<Arc<Office>>) -> Result<Json<Value>, Response> {
    worked(move || office.press.findings()).await.map(Json)
}

async fn people(State(office): State<Arc<Office>>, Query(words): Words) -> Result<Json<Value>, Response> {
    let search = words.get("q").cloned().unwrap_or_default();
    worked(move || office.press.people(&search)).await.map(Json)
}

async fn letter_page(State(office): State<Arc<Office>>, Query(words): Words) -> Result<Response, Response> {
    let sheet = office.sheet(&words).await?;
    let dark = words.get("scheme").is_some_and(|scheme| scheme == "dark");
    let images = words.get("images").is_none_or(|images| images != "off");
    let mut html = letter::in_scheme(&sheet.html, dark);
    for (cid, _, _) in &sheet.pictures {
        html = html.replace(&format!("cid:{cid}"), &format!("/picture/{cid}"));
    }
    Ok(typed("text/html; charset=utf-8", if images { LETTER_POLICY } else { IMAGES_OFF_POLICY }, html))
}

async fn picture(State(office): State<Arc<Office>>, Path(cid): Path<String>) -> Response {
    let kept = office.sheet.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let found = kept.and_then(|Kept { sheet, .. }| {
        let (_, media_type, bytes) = sheet.pictures.iter().find(|(name, _, _)| *name == cid)?;
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

async fn raw(State(office): State<Arc<Office>>, Query(words): Words) -> Result<Response, Response> {
    let sheet = office.sheet(&words).await?;
    Ok(typed("text/plain; charset=utf-8", PAGE_POLICY, sheet.raw.clone()))
}

async fn events(State(office): State<Arc<Office>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stream = WatchStream::new(office.changes.clone());
    Sse::new(stream.map(|version| Ok(Event::default().data(version.to_string()))))
        .keep_alive(KeepAlive::default())
}
