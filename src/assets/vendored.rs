use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// What is known about a video or a post, stored in a file beside the issue so that a build needs no network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Vendored {
    /// The address as the issue has it.
    pub url: String,
    /// The video's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The video's still: a file in the same folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub still: Option<String>,
    /// Who wrote the post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The author's handle, as in `@handle`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// When the post was written, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The post's words; an empty line parts paragraphs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The post's picture: a file in the same folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// What the post's picture shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_alt: Option<String>,
}

/// The folder of an issue's vendored data: `vendor` beside an `index.md`, `NAME.vendor` beside a `NAME.md`.
pub fn vendor_folder(issue: &Path) -> PathBuf {
    issue.with_file_name(folder_name(issue))
}

/// The name of that folder.
pub(super) fn folder_name(issue: &Path) -> String {
    match issue.file_stem().map(|stem| stem.to_string_lossy()) {
        Some(stem) if stem != "index" => format!("{stem}.vendor"),
        _ => "vendor".into(),
    }
}

/// The name, without extension, of the files that belong to an address.
pub fn vendor_name(url: &str) -> String {
    short_digest(&[url.as_bytes()])
}

/// The first 16 hexadecimal digits of a SHA-256.
pub(super) fn short_digest(parts: &[&[u8]]) -> String {
    digest(&SHA256, &parts.concat()).as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
