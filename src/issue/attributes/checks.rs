//! Whether what the author wrote as classes and keys means anything, behind links and pictures and on containers.

use super::Attributes;
use crate::{
    issue::{context::Context, document::Image},
    source::{Span, nearest},
};

const PICTURE_KEYS: [&str; 3] = ["width", "credit", "alt"];
const LINK_CLASSES: [&str; 3] = ["button", "secondary", "primary"];

/// Takes the attributes of a picture; the words of `alt` and `credit` are left to the caller.
pub(in crate::issue) fn check_picture(context: &mut Context<'_>, image: &mut Image, attributes: &Attributes) {
    for key in &attributes.keys {
        match key.name.as_str() {
            "width" => image.width = width(context, key.value.clone()),
            "alt" | "credit" => {}
            name => unknown(context, name, "a picture", key.span.clone(), &PICTURE_KEYS),
        }
    }
    for (class, span) in &attributes.classes {
        unknown(context, &format!(".{class}"), "a picture", span.clone(), &PICTURE_KEYS);
    }
}

/// Reports what means nothing behind a link.
pub(in crate::issue) fn check_link(context: &mut Context<'_>, attributes: &Attributes) {
    for key in attributes.keys.iter().filter(|key| key.name != "kind") {
        unknown(context, &key.name, "a link", key.span.clone(), &["kind"]);
    }
    for (class, span) in
        attributes.classes.iter().filter(|(class, _)| !LINK_CLASSES.contains(&class.as_str()))
    {
        unknown(
            context,
            &format!(".{class}"),
            "a link",
            span.clone(),
            &[".button", ".secondary", ".primary"],
        );
    }
}

/// A width in CSS pixels.
pub(in crate::issue) fn width(context: &mut Context<'_>, span: Span) -> Option<u32> {
    let text = context.text(&span);
    let width =
        text.strip_suffix("px").unwrap_or(text).parse().ok().filter(|width| (1..=10_000).contains(width));
    if width.is_none() {
        context.error(
            "M134",
            span,
            format!("invalid width `{text}`"),
            "write a number of pixels, for example `width=300`",
        );
    }
    width
}

/// Reports a class or key that nothing is done with.
pub(in crate::issue) fn unknown(
    context: &mut Context<'_>,
    name: &str,
    owner: &str,
    span: Span,
    known: &[&str],
) {
    let help = match nearest(name, known.iter().copied()) {
        Some(known) => format!("did you mean `{known}`?"),
        None if known.is_empty() => "take it out".to_owned(),
        None => {
            let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            format!("{owner} knows {}", known.join(", "))
        }
    };
    context.warn("M135", span, format!("`{name}` means nothing on {owner}"), help);
}
