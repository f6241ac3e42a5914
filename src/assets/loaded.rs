//! The assets of one issue, and what the layout asks them.

use std::collections::BTreeMap;

use url::Url;

use super::{
    formula,
    picture::{Asset, Picture, PicturePlace},
    vendored::Vendored,
    walk::MathStyle,
};
use crate::issue::{
    Part, Phrase,
    document::{Block, BlockKind, Image, Inline, Post, Video},
};

/// The pictures and the stored data that an issue and its template use.
#[derive(Clone, Debug)]
pub struct Assets {
    pub(super) place: PicturePlace,
    /// The address of the newsletter's folder, with `/` at the end.
    pub(super) site: Option<Url>,
    /// The address of the issue's folder, with `/` at the end.
    pub(super) base: Option<Url>,
    /// The domain of `Content-ID`s.
    pub(super) list_id: String,
    /// The name of the folder with stored data, in the issue's folder.
    pub(super) vendor: String,
    /// Each file once, in the order of its first use.
    pub(super) assets: Vec<Asset>,
    /// A picture's name in the issue or the template, and its place in `assets`.
    pub(super) sources: BTreeMap<String, usize>,
    /// Stored data of videos and posts, by address.
    pub(super) vendored: BTreeMap<String, Vendored>,
    /// A still's name and the name of the same still with a play mark.
    pub(super) played: BTreeMap<String, String>,
}

impl Assets {
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
            (Some(asset), PicturePlace::Site) if asset.is_drawn => format!("cid:{}", asset.cid),
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
        let site = self.site.as_ref().filter(|_| !asset.is_drawn)?;
        Some(format!("{site}{}", asset.encoded_path()))
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

    /// The picture of a formula; none for one that no one drew.
    pub fn formula(&self, style: MathStyle, tex: &str) -> Option<Image> {
        let source = format!("{}/{}", self.vendor, formula::file_name(style, tex));
        let width = self.picture(&source)?.width?;
        let alt = tex.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(Image { width: Some(width.div_ceil(2)), ..stored(&source, &alt) })
    }

    /// The same formula for dark backgrounds; none where it was drawn for one background only.
    pub fn formula_in_the_dark(&self, style: MathStyle, tex: &str) -> Option<Image> {
        let light = self.formula(style, tex)?;
        let source = formula::dark_name(&light.source);
        self.picture(&source)?;
        Some(Image { source, ..light })
    }

    /// Every picture that is a file, by the name that the issue or the template gives it.
    pub fn pictures(&self) -> impl Iterator<Item = (&str, &Asset)> {
        self.sources.iter().map(|(name, at)| (name.as_str(), &self.assets[*at]))
    }

    /// The pictures that travel inside a letter, each once, in the order of their first use; only those that were drawn
    /// when the others are at the site.
    pub fn into_pictures(self) -> Vec<Picture> {
        let mut pictures: Vec<Picture> = Vec::new();
        let at_site = self.place == PicturePlace::Site;
        for asset in self.assets.into_iter().filter(|asset| asset.is_drawn || !at_site) {
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

/// Whether a link needs the site to be whole.
pub(super) fn is_relative(url: &str) -> bool {
    let has_scheme = url.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    });
    !url.is_empty() && !url.starts_with('#') && !has_scheme
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
