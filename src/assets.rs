//! Everything an issue shows beside its words: pictures, stills with play marks, formulas, data of videos and posts.
//!
//! In: an `Issue` and the newsletter's folder. Out: [`Assets`], texts of templates, and diagnostics.
//! Never: lays anything out, opens a connection, reads a file outside the newsletter's folder, or writes one except what it
//! draws (stills with a play mark, formulas), beside the issue. All file access of a build is here.

mod formula;
mod gather;
mod math;
mod picture_files;
mod play;
mod sandbox;
mod sniff;
mod text_folder;
mod vendored;
mod walk;

#[doc(hidden)]
pub use formula::{Formula, formulas, on_white};
pub(crate) use gather::write_inside;
pub use math::MathCommand;
#[doc(hidden)]
pub use math::draw_formulas;
#[doc(hidden)]
pub use picture_files::{Seen, opaque_pixels, seen};
pub(crate) use sandbox::{Fence, Leads};
pub(crate) use text_folder::TextFolder;
#[doc(hidden)]
pub use vendored::{Vendored, vendor_folder, vendor_name};
pub use walk::MathStyle;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    issue::{
        Issue, Part, Phrase,
        document::{Block, BlockKind, Image, Inline, Post, Video},
    },
    source::{Diagnostics, Place},
};

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

/// The pictures and the stored data that an issue and its template use.
#[derive(Clone, Debug)]
pub struct Assets {
    place: PicturePlace,
    /// The address of the newsletter's folder, with `/` at the end.
    site: Option<Url>,
    /// The address of the issue's folder, with `/` at the end.
    base: Option<Url>,
    /// The domain of `Content-ID`s.
    list_id: String,
    /// The name of the folder with stored data, in the issue's folder.
    vendor: String,
    /// Each file once, in the order of its first use.
    assets: Vec<Asset>,
    /// A picture's name in the issue or the template, and its place in `assets`.
    sources: BTreeMap<String, usize>,
    /// Stored data of videos and posts, by address.
    vendored: BTreeMap<String, Vendored>,
    /// A still's name and the name of the same still with a play mark.
    played: BTreeMap<String, String>,
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

impl Assets {
    /// Reads every picture that the issue names, and those that the template names (`extra_pictures`), and draws the
    /// play marks. Names are looked up beside the issue, then in `root`, the newsletter's folder, then beside the file
    /// that names them; nothing outside `root` is read.
    pub fn load(
        issue: &Issue,
        settings: &PictureSettings<'_>,
        extra_pictures: &[(String, Place)],
        root: &Path,
    ) -> (Self, Diagnostics) {
        gather::gather(issue, settings, extra_pictures, root)
    }

    /// Where pictures are, for this issue.
    pub fn place(&self) -> PicturePlace {
        self.place
    }

    /// The picture of a name; none for pictures on the web and for missing ones.
    pub fn picture(&self, source: &str) -> Option<&Asset> {
        self.sources.get(source).map(|&index| &self.assets[index])
    }

    /// What `src` says: `cid:…`, an address below the newsletter's `site`, or the name itself when it is an address
    /// on the web. Not escaped for an attribute.
    pub fn address(&self, source: &str) -> String {
        match (self.picture(source), self.place) {
            (Some(asset), PicturePlace::Inside) => format!("cid:{}", asset.cid),
            (Some(asset), PicturePlace::Site) => {
                self.site_address(asset).unwrap_or_else(|| asset.encoded_path())
            }
            // From the root of the site, as a browser would read it.
            (None, _) if source.starts_with('/') && !source.starts_with("//") => {
                let site = self.site.as_ref().and_then(|site| site.join(source).ok());
                site.map_or_else(|| source.to_owned(), String::from)
            }
            (None, _) => source.to_owned(),
        }
    }

    /// The address of a picture at the newsletter's `site`, when there is one.
    pub fn site_address(&self, asset: &Asset) -> Option<String> {
        self.site.as_ref().map(|site| format!("{site}{}", asset.encoded_path()))
    }

    /// A link as a letter needs it: relative ones made absolute against the newsletter's `site` and the issue's folder.
    pub fn link(&self, url: &Phrase) -> Phrase {
        let mut parts = url.0.clone();
        if let Some(Part::Text(first)) = parts.first_mut() {
            *first = self.href(first);
        }
        Phrase(parts)
    }

    /// A link as [`link`](Self::link) makes it, from a text without placeholders. `#anchors` stay as they are.
    pub fn href(&self, url: &str) -> String {
        match (&self.base, is_relative(url)) {
            (Some(base), true) => base.join(url).map_or_else(|_| url.to_owned(), String::from),
            _ => url.to_owned(),
        }
    }

    /// A video with what is stored about it; its still is the one with the play mark.
    pub fn video(&self, video: &Video) -> Video {
        let mut video = video.clone();
        if let Some(data) = self.vendored.get(&video.url) {
            video.title = video.title.or_else(|| data.title.clone());
            video.still = video.still.or_else(|| data.still.as_deref().map(|source| stored(source, "")));
        }
        if let Some(still) = &mut video.still
            && let Some(played) = self.played.get(&still.source)
        {
            still.source.clone_from(played);
        }
        video
    }

    /// A post with what is stored about it.
    pub fn post(&self, post: &Post) -> Post {
        let mut post = post.clone();
        let Some(data) = self.vendored.get(&post.url) else { return post };
        post.author = post.author.or_else(|| data.author.clone());
        post.handle = post.handle.or_else(|| data.handle.clone());
        post.date = post.date.or_else(|| data.date.clone());
        if post.blocks.is_empty() {
            post.blocks = paragraphs(data.text.as_deref().unwrap_or_default());
        }
        let alt = data.picture_alt.as_deref().unwrap_or_default();
        post.image = post.image.or_else(|| data.picture.as_deref().map(|source| stored(source, alt)));
        post
    }

    /// The picture of a formula; none for one that nobody drew.
    pub fn formula(&self, style: MathStyle, tex: &str) -> Option<Image> {
        let source = format!("{}/{}", self.vendor, formula::file_name(style, tex));
        let width = self.picture(&source)?.width?;
        let alt = tex.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(Image { width: Some(width.div_ceil(2)), ..stored(&source, &alt) })
    }

    /// Every picture that is a file, by the name that the issue or the template gives it.
    pub fn pictures(&self) -> impl Iterator<Item = (&str, &Asset)> {
        self.sources.iter().map(|(name, at)| (name.as_str(), &self.assets[*at]))
    }

    /// The pictures that travel inside a letter, each once, in the order of their first use; none when they are at the
    /// site.
    pub fn into_pictures(self) -> Vec<Picture> {
        if self.place == PicturePlace::Site {
            return Vec::new();
        }
        let mut pictures: Vec<Picture> = Vec::new();
        for asset in self.assets {
            if pictures.iter().all(|known| known.cid != asset.cid) {
                pictures.push(Picture {
                    name: asset.name().to_owned(),
                    cid: asset.cid,
                    media_type: asset.media_type.to_owned(),
                    bytes: asset.bytes.to_vec(),
                });
            }
        }
        pictures
    }
}

/// A video or a post in an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Embed {
    /// Which of the two.
    pub kind: EmbedKind,
    /// The address of the video or post.
    pub url: String,
    /// The issue itself does not say what it shows.
    pub is_bare: bool,
}

/// What an embed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmbedKind {
    /// A video, shown as a still picture with a link.
    Video,
    /// A post on a social network.
    Post,
}

/// The videos and posts of an issue, in reading order.
pub fn embeds(issue: &Issue) -> Vec<Embed> {
    let mut found = Vec::new();
    walk::pointers(&issue.document, &mut |pointer, _| match pointer {
        walk::Pointer::Video(Video { url, still, .. }) => {
            found.push(Embed { kind: EmbedKind::Video, url: url.clone(), is_bare: still.is_none() });
        }
        walk::Pointer::Post(Post { url, blocks, .. }) => {
            found.push(Embed { kind: EmbedKind::Post, url: url.clone(), is_bare: blocks.is_empty() });
        }
        _ => {}
    });
    found
}

/// Whether a link needs the site to be whole.
fn is_relative(url: &str) -> bool {
    let has_scheme = url.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    });
    !url.is_empty() && !url.starts_with('#') && !has_scheme
}

/// A path as part of a URL (RFC 3986 section 3.3).
fn encode_path(path: &str) -> String {
    const SEGMENT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    utf8_percent_encode(path, SEGMENT).to_string()
}

/// A picture that a file of ours names.
fn stored(source: &str, alt: &str) -> Image {
    Image { source: source.to_owned(), alt: Phrase::plain(alt), width: None, span: 0..0 }
}

/// Plain text as blocks.
fn paragraphs(text: &str) -> Vec<Block> {
    let text = text.replace("\r\n", "\n");
    text.split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| {
            let mut content = Vec::new();
            for line in paragraph.lines() {
                if !content.is_empty() {
                    content.push(Inline::LineBreak);
                }
                content.push(Inline::Text(line.trim().to_owned()));
            }
            Block { span: 0..0, kind: BlockKind::Paragraph(content) }
        })
        .collect()
}
