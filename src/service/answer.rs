//! Answers: pages, and errors as pages.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{client, page::Page, visit::Visit};

/// After how many seconds it is worth trying again, when the database is locked or its disk full.
const RETRY_SECONDS: u32 = 30;

/// A page.
pub(super) fn page(visit: &Visit, status: StatusCode, page: &Page) -> Response {
    let fields = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, fields, page.render(&visit.look)).into_response()
}

/// A page that says why something did not work.
pub(super) fn problem(visit: &Visit, status: StatusCode, text: &str) -> Response {
    page(visit, status, &visit.page(&visit.texts().error_title).paragraph(text))
}

/// A link that is not one of this newsletter; who tries many gets no answer for a while.
pub(super) fn wrong_token(visit: &Visit) -> Response {
    match visit.client.map(|client| visit.rates.wrong_tokens.count(client::single(client))) {
        Some(Err(wait)) => too_many(visit, wait),
        _ => problem(visit, StatusCode::NOT_FOUND, &visit.texts().invalid_link),
    }
}

/// There is no such page.
pub(super) fn not_found(visit: &Visit) -> Response {
    problem(visit, StatusCode::NOT_FOUND, &visit.texts().not_found)
}

/// Too many requests of one network.
pub(super) fn too_many(visit: &Visit, wait: std::time::Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    retry_after(problem(visit, StatusCode::TOO_MANY_REQUESTS, &visit.texts().too_many), seconds)
}

/// The database is locked, full or gone; nothing was changed.
pub(super) fn unavailable(visit: &Visit) -> Response {
    let answer = problem(visit, StatusCode::SERVICE_UNAVAILABLE, &visit.texts().try_later);
    retry_after(answer, RETRY_SECONDS.into())
}

fn retry_after(mut answer: Response, seconds: u64) -> Response {
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    answer
}
