//! `/subscribe`: the form, and what comes of it. The answer says nothing about an address.

use axum::{
    Json,
    extract::{Extension, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::{
    answer,
    fields::{self, ASKS_TOPICS, TOPIC},
    form::{Form, wants_json},
    page::{Page, attribute, escape},
    signup::{consent, signup},
    snippet,
    texts::fill,
    visit::Visit,
};
use crate::{address::EmailAddress, audience::AudienceError};

/// The page with the form.
pub(super) async fn show(Extension(visit): Extension<Visit>) -> Response {
    answer::page(&visit, StatusCode::OK, &form_page(&visit, None, None))
}

/// What follows a form that was taken, whatever the address is.
pub(super) async fn sent(Extension(visit): Extension<Visit>) -> Response {
    let texts = visit.texts();
    answer::page(&visit, StatusCode::OK, &visit.page(&texts.sent_title).paragraph(&texts.sent))
}

/// The script of a page of the owner's own.
pub(super) async fn script() -> Response {
    let fields = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    (fields, snippet::SCRIPT).into_response()
}

/// Takes the form.
pub(super) async fn act(Extension(mut visit): Extension<Visit>, request: Request) -> Response {
    let script = Script::of(&visit, request.headers());
    let mut answer = match Form::read(request).await {
        // Nothing is done for it, so that the form can be sent again without it.
        Ok(_) if script == Script::Unlisted => {
            answer::problem(&visit, StatusCode::FORBIDDEN, &visit.texts().bad_form)
        }
        Ok(form) => {
            visit.prefer(Some(form.get("language")));
            taken(&visit, &form).await
        }
        Err(status) => answer::problem(&visit, status, &visit.texts().bad_form),
    };
    script.allow(&mut answer);
    answer
}

/// Says to a browser which scripts may send the form.
pub(super) async fn preflight(Extension(visit): Extension<Visit>, headers: HeaderMap) -> Response {
    let mut answer = (StatusCode::NO_CONTENT, [(header::ALLOW, "GET,HEAD,POST")]).into_response();
    let script = Script::of(&visit, &headers);
    if matches!(script, Script::Listed(_)) {
        for (name, value) in
            [("access-control-allow-methods", "POST"), ("access-control-allow-headers", "content-type")]
        {
            answer.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
    script.allow(&mut answer);
    answer
}

/// A script on another page that sends the form.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Script {
    /// There is none, or it is on our own page.
    None,
    /// Its origin is listed in the settings, and may read the answer.
    Listed(HeaderValue),
    /// It could not read the answer.
    Unlisted,
}

impl Script {
    fn of(visit: &Visit, headers: &HeaderMap) -> Self {
        let Some(origin) = headers.get(header::ORIGIN) else { return Self::None };
        let text = origin.to_str().unwrap_or_default();
        let is_listed = |known: &String| known.trim_end_matches('/') == text;
        if visit.settings.form.origins.iter().any(is_listed) {
            return Self::Listed(origin.clone());
        }
        if wants_json(headers) && text != visit.settings.url.origin().ascii_serialization() {
            return Self::Unlisted;
        }
        Self::None
    }

    fn allow(self, answer: &mut Response) {
        answer.headers_mut().insert(header::VARY, HeaderValue::from_static("origin"));
        if let Self::Listed(origin) = self {
            answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            let policy = HeaderName::from_static("cross-origin-resource-policy");
            answer.headers_mut().insert(policy, HeaderValue::from_static("cross-origin"));
        }
    }
}

async fn taken(visit: &Visit, form: &Form) -> Response {
    if let Some(wait) = visit.rates.sign_up(visit.client) {
        visit.metrics.decided("too many of one network");
        return answer::too_many(visit, wait);
    }
    let now = (visit.clock)();
    // People do not see this field. Whoever fills it in gets the usual answer in the usual time.
    if !form.get("website").is_empty() {
        visit.metrics.decided("trapped");
        return finished(visit, form, visit.audience.ignore_signup(now).await);
    }
    let Ok(address) = EmailAddress::parse(form.get("email")) else {
        return refused(visit, form, &visit.texts().bad_address);
    };
    if visit.settings.form.is_disposable(address.domain()) {
        return refused(visit, form, &visit.texts().disposable);
    }
    let kept = visit.audience.sign_up(signup(visit, form, address, now)).await;
    visit.bell.notify_one();
    finished(visit, form, kept)
}

/// The same answer for every address.
fn finished(visit: &Visit, form: &Form, kept: Result<(), AudienceError>) -> Response {
    if let Err(error) = kept {
        visit.report("sign-up", &error);
        return answer::unavailable(visit);
    }
    if form.wants_json {
        return (StatusCode::ACCEPTED, Json(json!({ "message": visit.texts().sent }))).into_response();
    }
    let next = form.get("next");
    let is_listed = visit.settings.form.next.iter().any(|known| known == next);
    let place = if is_listed { next.to_owned() } else { visit.path("subscribe/sent") };
    (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
}

fn refused(visit: &Visit, form: &Form, problem: &str) -> Response {
    visit.metrics.decided("refused");
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    if form.wants_json {
        return (status, Json(json!({ "error": problem }))).into_response();
    }
    answer::page(visit, status, &form_page(visit, Some(problem), Some(form)))
}

/// The page with the form; perhaps with a problem, and with what was filled in.
fn form_page(visit: &Visit, problem: Option<&str>, filled: Option<&Form>) -> Page {
    let (texts, settings) = (visit.texts(), &visit.settings.form);
    let value = |name: &str| filled.map(|form| form.get(name)).unwrap_or_default();
    let mut html = fields::email(texts, value("email"), problem.map(|_| "problem"));
    if settings.asks_name {
        html.push_str(&fields::text("name", &texts.name, value("name"), "name"));
    }
    for field in &settings.fields {
        html.push_str(&fields::text(field, field, value(field), "off"));
    }
    let asked = filled.filter(|form| form.has(ASKS_TOPICS));
    let is_chosen = |slug: &str| asked.is_none_or(|form| form.all(TOPIC).any(|chosen| chosen == slug));
    html.push_str(&fields::topics(texts, &settings.topics, is_chosen));
    html.push_str(&format!(
        "<p class=\"website\" aria-hidden=\"true\"><label for=\"website\">{}</label>\
         <input type=\"text\" id=\"website\" name=\"website\" tabindex=\"-1\" autocomplete=\"off\"></p>\n\
         <input type=\"hidden\" name=\"t\" value=\"{}\">\n\
         <input type=\"hidden\" name=\"language\" value=\"{}\">\n<p class=\"hint\">{}</p>\n",
        escape(&texts.website),
        visit.tokens.stamp("subscribe", (visit.clock)()),
        attribute(visit.language()),
        escape(&consent(visit))
    ));
    html.push_str(&fields::button(&texts.subscribe_button, None));
    let newsletter = [("newsletter", &*visit.look.newsletter)];
    let page = visit.page(&fill(&texts.subscribe_title, &newsletter));
    let page = if let Some(problem) = problem { page.problem(problem) } else { page };
    page.form(&html)
}
