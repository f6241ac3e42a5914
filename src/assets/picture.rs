//! A picture that an issue shows, and where pictures are.

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// Where pictures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PicturePlace {
    /// Inside each letter (`multipart/related`, `cid:`).
    Inside,
    /// At the newsletter's `site`.
    Site,
}

/// What a newsletter says about its pictures.
#[derive(Clone, Copy, Debug)]
pub struct PictureSettings<'a> {
    /// `pictures`, for issues that do not say their own.
    pub place: PicturePlace,
    /// `site`: the address that the newsletter's folder is published at.
    pub site: Option<&'a str>,
    /// The domain of `Content-ID`s; may be empty.
    pub domain: &'a str,
}

/// A picture inside a letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// `Content-ID` without angle brackets: the HTML says `cid:` and this.
    pub cid: String,
    /// The name a mail client would save it under.
    pub name: String,
    /// For example `image/png`.
    pub media_type: String,
    /// The picture's file, as it was read.
    #[serde(with = "base64_bytes")]
    pub bytes: Vec<u8>,
}

/// Bytes as base64 in JSON.
mod base64_bytes {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// A picture that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Asset {
    /// From the newsletter's folder, with `/`.
    pub path: String,
    /// In pixels of the file; none for SVG and for files whose head is broken.
    pub width: Option<u32>,
    /// In pixels of the file.
    pub height: Option<u32>,
    /// For example `image/png`, from the bytes, not from the name.
    pub media_type: &'static str,
    /// The picture's file, as it was read.
    pub bytes: Arc<[u8]>,
    /// Drawn when the letter was made: there is no such file.
    pub is_drawn: bool,
    /// `Content-ID` without angle brackets: the same bytes on the same list have the same.
    pub cid: String,
}

impl Asset {
    /// The path as part of a URL.
    pub fn encoded_path(&self) -> String {
        encode_path(&self.path)
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// A path as part of a URL (RFC 3986 section 3.3).
pub(super) fn encode_path(path: &str) -> String {
    const SEGMENT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    utf8_percent_encode(path, SEGMENT).to_string()
}
