//! The files that `mimeo build --web` writes, kept in memory, and how they are answered with.
//!
//! In: files by their paths. Out: answers that caches may keep.
//! Never: reads a folder, so that no path leads out of it.

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

/// Archive pages have their style inside, show pictures from anywhere, and run nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline' 'self'; img-src 'self' https: data:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";
/// How long caches may show a file without asking, and for how long while they ask.
const FRESH: &str = "public, max-age=300, stale-while-revalidate=86400";

/// The files of the archive.
#[derive(Debug, Default)]
pub struct ArchiveFiles(BTreeMap<String, File>);

#[derive(Debug)]
pub(super) struct File {
    bytes: Bytes,
    kind: &'static str,
    tag: HeaderValue,
}

impl ArchiveFiles {
    /// From files by their paths, without a `/` in front.
    pub fn new(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let file = |(path, bytes): (String, Vec<u8>)| {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
            let tag: String = digest.as_ref()[..12].iter().map(|byte| format!("{byte:02x}")).collect();
            let tag = HeaderValue::try_from(format!("\"{tag}\"")).expect("digits are a field's value");
            let kind = kind(&path);
            (path, File { bytes: bytes.into(), kind, tag })
        };
        Self(files.into_iter().map(file).collect())
    }

    /// What is at a path below the service's, or the folder that it should end in.
    pub(super) fn find(&self, path: &str) -> Found<'_> {
        let page = if path.is_empty() || path.ends_with('/') {
            format!("{path}index.html")
        } else {
            path.to_owned()
        };
        match self.0.get(&page) {
            Some(file) => Found::File(file),
            None if self.0.contains_key(&format!("{path}/index.html")) => Found::Folder,
            None => Found::Nothing,
        }
    }
}

/// What is at a path.
#[derive(Debug)]
pub(super) enum Found<'a> {
    File(&'a File),
    /// The path lacks its last `/`.
    Folder,
    Nothing,
}

/// The type of a file, by its name.
fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("xml") if path.ends_with("feed.xml") => "application/atom+xml; charset=utf-8",
        Some("xml") => "application/xml; charset=utf-8",
        Some("json") => "application/feed+json; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("svg") => "image/svg+xml",
        Some("webp") => "image/webp",
        _ => "application/octet-stream",
    }
}

impl File {
    /// The file, or that the reader's cache has it.
    pub(super) fn answer(&self, asked: &HeaderMap) -> Response {
        let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let tag = self.tag.to_str().unwrap_or_default();
        let is_known = known
            .flat_map(|value| value.split(','))
            .any(|known| matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == tag);
        let fields = [
            (header::ETAG, self.tag.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static(FRESH)),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
            // These pages are for everyone, unlike those with tokens.
            (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("all")),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                HeaderValue::from_static("cross-origin"),
            ),
        ];
        if is_known {
            return (StatusCode::NOT_MODIFIED, fields).into_response();
        }
        (fields, [(header::CONTENT_TYPE, self.kind)], self.bytes.clone()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_a_file_a_folder_or_nothing() {
        let files = ArchiveFiles::new(
            ["index.html", "one/index.html", "one/pot.png"].map(|path| (path.to_owned(), path.into())),
        );
        for (path, expected) in [
            ("", "index.html"),
            ("index.html", "index.html"),
            ("one/", "one/index.html"),
            ("one/pot.png", "one/pot.png"),
            ("one", "folder"),
            ("two", "nothing"),
            ("two/", "nothing"),
            ("one/../index.html", "nothing"),
            ("/", "nothing"),
        ] {
            let found = match files.find(path) {
                Found::File(file) => String::from_utf8_lossy(&file.bytes).into_owned(),
                Found::Folder => "folder".to_owned(),
                Found::Nothing => "nothing".to_owned(),
            };
            assert_eq!(found, expected, "{path:?}");
        }
    }
}
