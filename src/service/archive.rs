//! The archive, wherever no other route leads.

use std::sync::Arc;

use axum::{
    extract::{Extension, Request},
    http::{Method, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};

use super::{answer, archive_files::Found, visit::Visit};

/// Shows a file of the archive, where no other route leads.
pub(super) async fn show(Extension(visit): Extension<Visit>, request: Request) -> Response {
    let files = Arc::clone(&visit.archive.borrow());
    let path = percent_encoding::percent_decode_str(request.uri().path()).decode_utf8_lossy();
    let Some(path) = path.strip_prefix(visit.settings.base()) else { return answer::not_found(&visit) };
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    match files.find(path) {
        Found::Nothing => answer::not_found(&visit),
        _ if !is_read => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response(),
        Found::Folder => Redirect::permanent(&format!("{}/", request.uri().path())).into_response(),
        Found::File(file) => file.answer(request.headers()),
    }
}
