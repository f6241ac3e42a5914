//! `/confirm/TOKEN`: a page with one button, and the `POST` that confirms once.

use std::time::Duration;

use axum::{
    extract::{Extension, Path},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};

use super::{answer, texts::fill, visit::Visit};
use crate::{
    audience::{Confirmed, SignupKind},
    message::{Purpose, ServiceToken},
};

/// How long a link confirms.
const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Reads a token; the answer for one that is not valid.
fn read(visit: &Visit, token: &str) -> Result<ServiceToken, Box<Response>> {
    let token = visit.tokens.read_service(Purpose::Confirm, token);
    let token = token.map_err(|_| Box::new(answer::wrong_token(visit)))?;
    if token.is_older(LIFE, (visit.clock)()) {
        return Err(Box::new(answer::problem(visit, StatusCode::GONE, &visit.texts().expired)));
    }
    Ok(token)
}

/// Shows the button. Nothing changes, whoever follows the link.
pub(super) async fn show(Extension(visit): Extension<Visit>, Path(token): Path<String>) -> Response {
    let token = match read(&visit, &token) {
        Ok(token) => token,
        Err(refused) => return *refused,
    };
    let texts = visit.texts();
    match visit.audience.is_confirmable(token.subject, (visit.clock)()).await {
        Ok(true) => {
            let question = fill(&texts.confirm_question, &[("newsletter", &visit.look.newsletter)]);
            let page = visit.page(&texts.confirm_title).paragraph(&question);
            answer::page(&visit, StatusCode::OK, &page.button(&texts.confirm_button, &[]))
        }
        Ok(false) => answer::problem(&visit, StatusCode::GONE, &texts.expired),
        Err(error) => {
            visit.report("confirm", &error);
            answer::unavailable(&visit)
        }
    }
}

/// Confirms a request with the token of its letter.
pub(super) async fn act(
    Extension(visit): Extension<Visit>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    if is_of_another_site(&visit, &headers) {
        return answer::problem(&visit, StatusCode::FORBIDDEN, &visit.texts().bad_form);
    }
    let token = match read(&visit, &token) {
        Ok(token) => token,
        Err(refused) => return *refused,
    };
    let texts = visit.texts();
    let now = (visit.clock)();
    match visit.audience.confirm(token.subject, visit.has_welcome, now).await {
        Ok(Confirmed::Done(kind, person) | Confirmed::Before(kind, person)) => {
            visit.bell.notify_one();
            if kind != SignupKind::Address {
                // Also the second time: it changes nothing for someone who has the issue.
                visit.send_newest(person).await;
            }
            let newsletter = [("newsletter", &*visit.look.newsletter)];
            let text = match kind {
                SignupKind::Address => texts.preferences_done.clone(),
                _ => fill(&texts.confirm_done, &newsletter),
            };
            let page = visit.page(&texts.confirm_done_title).paragraph(&text);
            answer::page(&visit, StatusCode::OK, &page)
        }
        Ok(Confirmed::Withdrawn) => answer::problem(&visit, StatusCode::GONE, &texts.confirm_withdrawn),
        Ok(Confirmed::Expired) => answer::problem(&visit, StatusCode::GONE, &texts.expired),
        Err(error) => {
            visit.report("confirm", &error);
            answer::unavailable(&visit)
        }
    }
}

/// Whether a browser says that a page of another site sent the form. Our pages send no referrer, so that their origin is
/// `null`.
pub(super) fn is_of_another_site(visit: &Visit, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let own = visit.settings.url.origin().ascii_serialization();
    text(header::ORIGIN.as_str()).is_some_and(|origin| origin != "null" && origin != own)
}
