//! A picture that is written as HTML.

use super::attributes;
use crate::{
    issue::{context::Context, document::Image},
    markup::{self, Attribute, allowed::safe_picture},
    source::Span,
};

/// A picture written as HTML.
pub(super) fn image(context: &mut Context<'_>, attributes: &[Attribute], span: &Span) -> Option<Image> {
    let find = |name: &str| markup::find(attributes, name);
    attributes::complain(context, "img", attributes, span);
    let source = find("src").map(str::to_owned).filter(|source| !source.trim().is_empty());
    let Some(source) = source.filter(|source| !source.contains("{{") && safe_picture(source)) else {
        context.warn(
            "M173",
            span.clone(),
            "this `<img>` has no address that a letter can use",
            "write a path beside the issue or an https address into `src`",
        );
        return None;
    };
    let alt = find("alt").map(|value| attributes::phrase(context, value, span)).unwrap_or_default();
    let width = find("width").and_then(|width| width.trim_end_matches("px").trim().parse().ok());
    Some(Image {
        source: source.trim().to_owned(),
        alt,
        width: width.filter(|width| (1..=10_000).contains(width)),
        span: span.clone(),
    })
}
