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

/// A letter's width in CSS pixels, of which percentages are.
const LETTER: f64 = 600.0;

/// A width in CSS pixels, or in the units of other programs that read `{width=…}`.
fn pixels(text: &str) -> Option<u32> {
    let text = text.trim();
    let units = [
        ("px", 1.0),
        ("%", LETTER / 100.0),
        ("in", 96.0),
        ("cm", 96.0 / 2.54),
        ("mm", 9.6 / 2.54),
        ("em", 16.0),
        ("", 1.0),
    ];
    let (number, unit) =
        units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?.trim_end(), unit)))?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let width = (number.parse::<f64>().ok().filter(|_| is_number)? * unit).round();
    // No picture is wider than what it is in.
    let width = if text.ends_with('%') { width.min(LETTER) } else { width };
    (1.0..=10_000.0).contains(&width).then_some(width as u32)
}

/// A width in CSS pixels.
pub(in crate::issue) fn width(context: &mut Context<'_>, span: Span) -> Option<u32> {
    let text = context.text(&span);
    let width = pixels(text);
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

#[cfg(test)]
mod tests {
    use super::pixels;

    #[test]
    fn a_width_is_in_pixels_or_in_a_unit_of_other_programs() {
        for (text, width) in [
            ("300", Some(300)),
            ("300px", Some(300)),
            ("80%", Some(480)),
            ("100%", Some(600)),
            ("150%", Some(600)),
            ("2in", Some(192)),
            ("5.08 cm", Some(192)),
            ("20em", Some(320)),
            ("0", None),
            ("-3", None),
            ("1e3", None),
            ("half", None),
            ("%", None),
            ("99999999999", None),
        ] {
            assert_eq!(pixels(text), width, "{text}");
        }
    }
}
