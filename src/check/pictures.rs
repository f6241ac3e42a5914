//! Alternative texts, types and weights of pictures.

use super::{
    clients::without,
    context::{IssueContext, PictureFacts},
    facts::Facts,
};
use crate::{issue::document::Image, source::Diagnostics};

const PICTURE_MAX: u64 = 1_000_000;
const PICTURES_MAX: u64 = 2_500_000;
const ALT_MAX: usize = 180;

pub(super) fn check(case: &IssueContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    for image in &facts.images {
        alternative_text(case, image, found);
        let known = case.pictures.iter().find(|picture| picture.source == image.source);
        kind(case, image, known, found);
        if let Some(picture) = known {
            weight(case, image, picture, found);
        }
    }
    let total: u64 = case.pictures.iter().filter_map(|picture| picture.bytes).sum();
    if total > PICTURES_MAX {
        let message = format!("the pictures are {:.1} MB in total", total as f64 / 1e6);
        found.push(case.find("M406", 0..0, message, "make them smaller; many people read on a phone"));
    }
}

fn alternative_text(case: &IssueContext<'_>, image: &Image, found: &mut Diagnostics) {
    let alt = image.alt.to_string();
    let alt = alt.trim();
    let file = image.source.rsplit('/').next().unwrap_or(&image.source);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    if alt.is_empty() {
        let help = "describe it in the square brackets; for decoration only, use raw HTML with `alt=\"\"`";
        found.push(case.find("M431", image.span.clone(), format!("`{file}` has no alternative text"), help));
    } else if alt.eq_ignore_ascii_case(file) || (alt.eq_ignore_ascii_case(stem) && looks_like_a_file(stem)) {
        let message = "the alternative text is the file name";
        found.push(case.find("M432", image.span.clone(), message, "say what the picture shows"));
    } else if says_nothing(alt) {
        let message = format!("\u{201c}{alt}\u{201d} does not say what the picture shows");
        found.push(case.find("M432", image.span.clone(), message, "say what the picture shows"));
    } else if alt.chars().count() > ALT_MAX {
        let message = format!("the alternative text is {} characters long", alt.chars().count());
        found.push(case.find(
            "M433",
            image.span.clone(),
            message,
            "put the rest in the text or in a caption",
        ));
    }
}

/// What every screen reader says on its own.
fn says_nothing(alt: &str) -> bool {
    let words = alt.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    [
        "image",
        "picture",
        "photo",
        "photograph",
        "img",
        "graphic",
        "bild",
        "foto",
        "untitled",
        "alt",
        "alt text",
    ]
    .contains(&words.as_str())
}

/// `IMG_1234`, `screenshot-2022`: no one would say that aloud.
fn looks_like_a_file(stem: &str) -> bool {
    stem.contains(['_', '-']) || stem.chars().any(|c| c.is_ascii_digit())
}

fn kind(case: &IssueContext<'_>, image: &Image, known: Option<&PictureFacts>, found: &mut Diagnostics) {
    let span = || image.span.clone();
    if image.source.starts_with("data:") {
        found.push(case.find(
            "M435",
            span(),
            "the picture is embedded in its address",
            "save it as a file next to the issue",
        ));
        return;
    }
    let path = image.source.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let media_type = known.and_then(|picture| picture.media_type.as_deref()).unwrap_or_default();
    let is = |name: &str| media_type == format!("image/{name}") || path.ends_with(&format!(".{name}"));
    if media_type == "image/svg+xml" || path.ends_with(".svg") {
        let message = format!(
            "{} and older Outlooks do not show SVG pictures",
            without("image-svg").unwrap_or("Gmail".into())
        );
        found.push(case.find("M434", span(), message, "convert it to a PNG of twice its displayed width"));
    } else if let Some(name) =
        ["avif", "webp", "heic", "tiff", "bmp", "jxl"].into_iter().find(|name| is(name))
    {
        let clients = without(&format!("image-{}", if name == "heic" { "heif" } else { name }));
        let message = match clients.filter(|_| matches!(name, "avif" | "webp" | "heic" | "tiff")) {
            Some(clients) if clients.contains(" and ") => {
                format!("{clients} do not show {} pictures", name.to_uppercase())
            }
            Some(clients) => format!("{clients} does not show {} pictures", name.to_uppercase()),
            None => format!("some mail clients do not show {} pictures", name.to_uppercase()),
        };
        found.push(case.find("M438", span(), message, "use PNG, JPEG, or GIF"));
    }
    let elsewhere = image.source.starts_with("https://") || image.source.starts_with("http://");
    if elsewhere && image.width.is_none() {
        let message = "the picture's size is unknown";
        let help =
            "add `{width=…}`; otherwise Outlook shows it at full size, and the text jumps when it loads";
        found.push(case.find("M436", span(), message, help));
    }
    if image.source.starts_with("http://") {
        found.push(case.find("M412", span(), "the picture's address is not encrypted", "use https"));
    }
}

fn weight(case: &IssueContext<'_>, image: &Image, picture: &PictureFacts, found: &mut Diagnostics) {
    if let Some(bytes) = picture.bytes
        && bytes > PICTURE_MAX
    {
        let message = format!("the picture is {:.1} MB", bytes as f64 / 1e6);
        found.push(case.find(
            "M405",
            image.span.clone(),
            message,
            "make it smaller: under 1 MB, or better under 200 KB",
        ));
    }
    if picture.seen.is_cut_off
        || (picture.width.is_none() && picture.media_type.as_deref() != Some("image/svg+xml"))
    {
        let message = "the picture file is incomplete";
        found.push(case.find("M408", image.span.clone(), message, "save or download it again"));
    }
    if picture.seen.moves {
        let help = "put what matters in the first frame, and let the animation stop after a few seconds";
        let message = "Outlook on Windows may show only the first frame of this animation";
        found.push(case.find("M439", image.span.clone(), message, help));
    }
    let shown = image.width.unwrap_or(600).min(600);
    if let Some(width) = picture.width
        && shown * 3 < width
    {
        let message = format!("the picture is {width} pixels wide and shown at {shown}");
        found.push(case.find(
            "M407",
            image.span.clone(),
            message,
            format!("{} pixels are enough for sharp screens", shown * 2),
        ));
    }
}
