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
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{
        IntoResponse, Redirect, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch::Receiver};
use tokio_stream::{Stream, StreamExt as _, wrappers::WatchStream};

use super::{
    backend::PreviewBackend,
    forced_dark::{Recoloring, recolored},
    letter,
    letter_view::LetterView,
    page,
};

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
    access: Access,
    views: Mutex<Views>,
}

#[derive(Default)]
struct Views {
    last: Option<CachedView>,
    /// The last letters that could be made, by issue; one is shown for as long as its files are broken.
    good: HashMap<Option<String>, Arc<LetterView>>,
}

#[derive(Clone)]
struct CachedView {
    /// The number of saves it was made after.
    version: u64,
    /// The reader and the issue that were asked for.
    reader: Option<String>,
    issue: Option<String>,
    view: Arc<LetterView>,
}

/// Secret parts of the preview's addresses. Other users of the machine can connect to its port as well, and letters hold
/// what the list says about people.
pub struct Access {
    /// The folder of all pages: `/SECRET/`.
    secret: String,
    /// Leads to the pages once. A browser is started with it, because every user can read the arguments of a program.
    once: Mutex<Option<String>>,
}

impl Access {
    /// Neither secret may be empty or guessable, and both consist of letters and digits.
    pub fn new(secret: String, once: String) -> Self {
        Self { secret, once: Mutex::new(Some(once)) }
    }

    /// The path of the first page.
    pub fn path(&self) -> String {
        format!("/{}/", self.secret)
    }

    /// The path that leads there once.
    pub fn path_once(&self) -> Option<String> {
        self.once.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|once| format!("/once/{once}"))
    }

    fn take_once(&self, given: &str) -> bool {
        let mut once = self.once.lock().unwrap_or_else(PoisonError::into_inner);
        let is_right = once.as_deref() == Some(given);
        if is_right {
            *once = None;
        }
        is_right
    }
}

type Words = Query<HashMap<String, String>>;

/// Answers until the listener fails.
pub async fn serve(
    listener: TcpListener,
    backend: Arc<dyn PreviewBackend>,
    access: Access,
    changes: Changes,
) -> io::Result<()> {
    let folder = access.path();
    let at = |path: &str| format!("{folder}{path}");
    let state = Arc::new(PreviewState { backend, changes, access, views: Mutex::default() });
    let routes = Router::new()
        .route(&at(""), get(|| async { typed("text/html; charset=utf-8", PAGE_POLICY, page::live()) }))
        .route(&at("preview.css"), get(|| async { typed("text/css; charset=utf-8", PAGE_POLICY, page::CSS) }))
        .route(
            &at("preview.js"),
            get(|| async { typed("text/javascript; charset=utf-8", PAGE_POLICY, page::SCRIPT) }),
        )
        .route(&at("api/letter"), get(view))
        .route(&at("api/findings"), get(findings))
        .route(&at("api/people"), get(people))
        .route(&at("api/issues"), get(issues))
        .route(&at("api/test"), get(test_addresses).post(send_test))
        .route(&at("api/editor"), post(open_in_editor))
        .route(&at("web"), get(web_page))
        .route(&at("download/{kind}"), get(download))
        .route(&at("letter"), get(letter_page))
        .route(&at("picture/{cid}"), get(picture))
        .route(&at("raw"), get(raw))
        .route(&at("events"), get(events))
        .route("/once/{once}", get(open_once))
        .fallback(|| async {
            (StatusCode::NOT_FOUND, "open the whole address that `mimeo preview` printed\n")
        })
        .with_state(state)
        .layer(from_fn(guard));
    axum::serve(listener, routes).await
}

/// Only this machine's own names are answered to, so that no page elsewhere can read a letter by pointing its name here.
async fn guard(request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let is_ours = match (hosts.next().map(HeaderValue::to_str), hosts.next()) {
        (Some(Ok(host)), None) => is_own_host(host),
        _ => false,
    };
    let mut answer = if is_ours {
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

/// Whether a `Host` field (RFC 9110, section 7.2) names this machine and nothing more: a name, and perhaps a port.
fn is_own_host(host: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| {
        host.strip_prefix(name).is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .strip_prefix(':')
                    .is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
        })
    })
}

async fn open_once(State(state): State<Arc<PreviewState>>, Path(once): Path<String>) -> Response {
    if state.access.take_once(&once) {
        Redirect::to(&state.access.path()).into_response()
    } else {
        (StatusCode::GONE, "this address worked once: open the one that `mimeo preview` printed\n")
            .into_response()
    }
}

fn typed(media_type: &'static str, policy: &'static str, body: impl IntoResponse) -> Response {
    let fields = [(header::CONTENT_TYPE, media_type), (header::CONTENT_SECURITY_POLICY, policy)];
    (fields, body).into_response()
}

impl PreviewState {
    /// The letter, made once for each save and reader. While it cannot be made, the last good one with the problems.
    async fn view(self: Arc<Self>, words: &HashMap<String, String>) -> Result<Arc<LetterView>, Response> {
        let (reader, issue) = (given(words, "as"), given(words, "issue"));
        run_blocking(move || {
            let version = *self.changes.borrow();
            let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(last) = &views.last
                && last.version == version
                && last.reader == reader
                && last.issue == issue
            {
                return Arc::clone(&last.view);
            }
            let mut view = self.backend.view(issue.as_deref(), reader.as_deref());
            let view = match views.good.get(&issue) {
                Some(good) if !view.problems.is_empty() => {
                    let problems = std::mem::take(&mut view.problems);
                    Arc::new(LetterView { problems, stale: true, ..LetterView::clone(good) })
                }
                _ => Arc::new(view),
            };
            if view.problems.is_empty() {
                views.good.insert(issue.clone(), Arc::clone(&view));
            }
            views.last = Some(CachedView { version, reader, issue, view: Arc::clone(&view) });
            view
        })
        .await
    }
}

/// Work that takes a while, away from the connections.
async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Response> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, "the letter could not be made\n").into_response())
}

async fn view(State(state): State<Arc<PreviewState>>, Query(words): Words) -> Result<Json<Value>, Response> {
    let view = state.view(&words).await?;
    Ok(Json(page::facts(&view)))
}

async fn findings(
    State(state): State<Arc<PreviewState>>,
    Query(words): Words,
) -> Result<Json<Value>, Response> {
    let issue = given(&words, "issue");
    run_blocking(move || state.backend.findings(issue.as_deref())).await.map(Json)
}

async fn issues(State(state): State<Arc<PreviewState>>) -> Result<Json<Value>, Response> {
    let names = run_blocking(move || state.backend.issues()).await?;
    let issues: Vec<Value> = names.into_iter().map(|name| json!({ "name": name })).collect();
    Ok(Json(json!({ "issues": issues })))
}

async fn web_page(State(state): State<Arc<PreviewState>>, Query(words): Words) -> Result<Response, Response> {
    let issue = given(&words, "issue");
    match run_blocking(move || state.backend.web_page(issue.as_deref())).await? {
        Some(html) => Ok(typed("text/html; charset=utf-8", LETTER_POLICY, html)),
        None => Ok((StatusCode::NOT_FOUND, "the page cannot be made\n").into_response()),
    }
}

/// The letter as a file: its HTML with pictures as data, its text, or the whole message.
async fn download(
    State(state): State<Arc<PreviewState>>,
    Path(kind): Path<String>,
    Query(words): Words,
) -> Result<Response, Response> {
    let view = state.view(&words).await?;
    let (media_type, body) = match kind.as_str() {
        "html" => ("text/html; charset=utf-8", page::html_with_pictures(&view).into_bytes()),
        "txt" => ("text/plain; charset=utf-8", view.text.clone().into_bytes()),
        "eml" => ("message/rfc822", view.raw.clone()),
        _ => return Ok(StatusCode::NOT_FOUND.into_response()),
    };
    let name: String = view.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let mut answer = typed(media_type, LETTER_POLICY, body);
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.{kind}\"")) {
        answer.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(answer)
}

async fn test_addresses(State(state): State<Arc<PreviewState>>) -> Result<Json<Value>, Response> {
    let to = run_blocking(move || state.backend.test_addresses()).await?;
    Ok(Json(json!({ "to": to })))
}

/// Sends a test letter. The address of the page has a secret that no other page knows, and the browser says where the
/// request comes from.
async fn send_test(
    State(state): State<Arc<PreviewState>>,
    Query(words): Words,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let is_own = is_own_page(&headers);
    let to = given(&words, "to").unwrap_or_default();
    let backend = Arc::clone(&state.backend);
    let is_allowed = run_blocking(move || backend.test_addresses()).await?.contains(&to);
    if !is_own || !is_allowed {
        return Ok((StatusCode::FORBIDDEN, "no test letter may go there\n").into_response());
    }
    let (issue, reader) = (given(&words, "issue"), given(&words, "as"));
    let said =
        run_blocking(move || state.backend.send_test(issue.as_deref(), reader.as_deref(), &to)).await?;
    Ok(said.into_response())
}

/// Opens the place of a finding in the user's editor.
async fn open_in_editor(
    State(state): State<Arc<PreviewState>>,
    Query(words): Words,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let place = given(&words, "place").unwrap_or_default();
    if !is_own_page(&headers) {
        return Ok((StatusCode::FORBIDDEN, "only the preview's own page opens files\n").into_response());
    }
    Ok(match run_blocking(move || state.backend.open_in_editor(&place)).await? {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => (StatusCode::FORBIDDEN, "there is no finding at this place\n").into_response(),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, why).into_response(),
    })
}

/// Whether the browser says that the request is from our own page; other programs say nothing.
fn is_own_page(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin")
}

/// A word of the query that is not empty.
fn given(words: &HashMap<String, String>, name: &str) -> Option<String> {
    words.get(name).filter(|word| !word.is_empty()).cloned()
}

async fn people(
    State(state): State<Arc<PreviewState>>,
    Query(words): Words,
) -> Result<Json<Value>, Response> {
    let search = words.get("q").cloned().unwrap_or_default();
    run_blocking(move || state.backend.people(&search)).await.map(Json)
}

async fn letter_page(
    State(state): State<Arc<PreviewState>>,
    Query(words): Words,
) -> Result<Response, Response> {
    let view = state.view(&words).await?;
    let scheme = words.get("scheme").map(String::as_str);
    let images = words.get("images").is_none_or(|images| images != "off");
    let mut html = letter::in_scheme(&view.html, scheme == Some("dark"));
    match scheme {
        Some("gmail") => html = recolored(&html, Recoloring::Gmail),
        Some("outlook") => html = recolored(&html, Recoloring::Outlook),
        _ => {}
    }
    for (cid, _, _) in &view.pictures {
        html = html.replace(&format!("cid:{cid}"), &format!("picture/{cid}"));
    }
    Ok(typed("text/html; charset=utf-8", if images { LETTER_POLICY } else { IMAGES_OFF_POLICY }, html))
}

async fn picture(State(state): State<Arc<PreviewState>>, Path(cid): Path<String>) -> Response {
    let last = state.views.lock().unwrap_or_else(PoisonError::into_inner).last.clone();
    let found = last.and_then(|CachedView { view, .. }| {
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
