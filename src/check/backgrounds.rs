//! Words and logos on the backgrounds of templates, in the light and in the dark.
//!
//! A background with a color of its own stays as it is in the dark; one with a role changes, and what has a color of its own
//! on it does not.

use std::collections::BTreeMap;

use super::{
    context::LetterContext,
    css::{self, Css, Tag},
    findings::at,
};
use crate::{
    assets,
    render::{self, AuthoredMarkup, Background, Color, Design, MarkupKind, Palette},
    source::{Diagnostics, Span},
};

/// Below this contrast a shape is hardly seen.
const SHAPE_CONTRAST_MIN: f64 = 2.0;

/// Below this contrast words are hard to read (WCAG 1.4.3).
const WORDS_CONTRAST_MIN: f64 = 4.5;

/// A background: its color for light and for dark.
#[derive(Clone, Copy)]
struct Colors {
    light: Color,
    dark: Color,
}

impl Colors {
    /// Whether it has a color of its own, so that it and the words on it are the same in the dark.
    fn is_fixed(self) -> bool {
        self.light == self.dark
    }
}

pub(super) fn check(case: &LetterContext<'_>, all: &[AuthoredMarkup], found: &mut Diagnostics) {
    let (design, _) = render::design(case.draft.issue, case.draft.newsletter, &case.built.template);
    let classes = classes(all);
    for one in all {
        let Some(background) = background(&one.backgrounds, &design, &classes) else { continue };
        match &one.kind {
            MarkupKind::Attributes(attributes) => match one.element.as_str() {
                "mj-text" => words(one, attributes, &design, background, found),
                "mj-image" => image(case, one, attributes, background, found),
                _ => {}
            },
            MarkupKind::Html if one.element == "mj-text" => html(one, background, found),
            _ => {}
        }
    }
}

/// The backgrounds that the template's own rules give to classes; none for one that is not known.
fn classes(all: &[AuthoredMarkup]) -> BTreeMap<String, Option<Color>> {
    let mut classes = BTreeMap::new();
    for one in all.iter().filter(|one| one.kind == MarkupKind::Css) {
        let text = one.source.text();
        let mut named: Vec<String> = Vec::new();
        for part in css::sheet(text, one.span.clone()) {
            match part {
                Css::Selector(span) => {
                    let first = |selector: &str| {
                        let name = selector.trim().strip_prefix('.')?;
                        name.split([' ', '>', ':', '.', '+']).next().map(str::to_owned)
                    };
                    named = text[span].split(',').filter_map(first).collect();
                }
                Css::Declaration { property, value, .. } if property.starts_with("background") => {
                    let color = Color::parse(value.trim_end_matches("!important").trim());
                    classes.extend(named.iter().map(|name| (name.clone(), color)));
                }
                _ => {}
            }
        }
    }
    classes
}

/// The innermost background; none if it is not known.
fn background(
    backgrounds: &[Background],
    design: &Design,
    classes: &BTreeMap<String, Option<Color>>,
) -> Option<Colors> {
    let fixed = |color: Color| Colors { light: color, dark: color };
    for background in backgrounds.iter().rev() {
        match background {
            Background::Color(color) => return Color::parse(color).map(fixed),
            Background::Role(role) => {
                let of = |palette: &Palette| match role.as_str() {
                    "paper" => palette.paper,
                    "panel" => palette.panel,
                    "button" => palette.accent,
                    _ => palette.background,
                };
                if role == "banner" {
                    return Some(Colors { light: design.light.accent, dark: design.dark.panel });
                }
                return Some(Colors { light: of(&design.light), dark: of(&design.dark) });
            }
            Background::Class(name) => {
                if let Some(color) = classes.get(name) {
                    return color.map(fixed);
                }
            }
            Background::Unknown => return None,
        }
    }
    Some(Colors { light: Color(0xff, 0xff, 0xff), dark: design.dark.background })
}

/// Words of an `mj-text` on a background of the template's own: in the dark they keep their color, as it does.
fn words(
    one: &AuthoredMarkup,
    attributes: &[(String, String, Span)],
    design: &Design,
    background: Colors,
    found: &mut Diagnostics,
) {
    let get = |name: &str| attributes.iter().find(|(known, ..)| known == name);
    if !background.is_fixed() || get("mj-class").is_some() {
        return;
    }
    let (color, span) = match get("color") {
        Some((_, value, span)) => (Color::parse(&value.trim().to_ascii_lowercase()), span.clone()),
        None => (Some(design.light.text), one.span.clone()),
    };
    let Some(color) = color else { return };
    let contrast = color.contrast(background.light);
    if contrast < WORDS_CONTRAST_MIN {
        let message = format!("{color} on {} has a contrast of {contrast:.1}", background.light);
        let help = "give the `mj-text` a `color` that can be read on this background";
        found.push(at(&one.source, "M473", span, message, help));
    }
}

/// Colors within the words. In the dark, the design's rules change the color of words, but not what a `style` says.
fn html(one: &AuthoredMarkup, background: Colors, found: &mut Diagnostics) {
    let (tags, _) = css::tags(one.source.text(), one.span.clone());
    let declared = |tag: &Tag| -> Vec<Css> {
        let style = tag.attributes.iter().find(|one| one.name == "style");
        style.map(|style| css::declarations(one.source.text(), style.span.clone())).unwrap_or_default()
    };
    let is_background = |declaration: &Css| matches!(declaration, Css::Declaration { property, .. } if property.starts_with("background"));
    // Backgrounds within the words are judged with the colors beside them.
    if tags.iter().any(|tag| tag.get("bgcolor").is_some() || declared(tag).iter().any(is_background)) {
        return;
    }
    for tag in &tags {
        for declaration in declared(tag) {
            let Css::Declaration { property, value, span } = declaration else { continue };
            let Some(color) = Color::parse(&value).filter(|_| property == "color") else { continue };
            // The design's dark rules are for these, whatever their style says.
            let changes = matches!(tag.name.as_str(), "a" | "div" | "td" | "th" | "h2" | "h3" | "h4");
            let (background, when) = if color.contrast(background.light) < WORDS_CONTRAST_MIN {
                (background.light, "")
            } else if !changes && color.contrast(background.dark) < WORDS_CONTRAST_MIN {
                (background.dark, " in the dark")
            } else {
                continue;
            };
            let contrast = color.contrast(background);
            let message = format!("{color} on {background} has a contrast of {contrast:.1}{when}");
            let help = "leave the color to the design, or give the words a `background-color` too";
            found.push(at(&one.source, "M473", span, message, help));
        }
    }
}

/// A picture with a transparent background that is seen on a light one only.
fn image(
    case: &LetterContext<'_>,
    one: &AuthoredMarkup,
    attributes: &[(String, String, Span)],
    background: Colors,
    found: &mut Diagnostics,
) {
    let Some((_, source, span)) = attributes.iter().find(|(name, ..)| name == "src") else { return };
    let Some((_, asset)) = case.built.assets.pictures().find(|(known, _)| known == source) else { return };
    let Some(pixels) = assets::opaque_pixels(&asset.bytes) else { return };
    if is_faint(&pixels, background.dark) {
        let message = format!("`{source}` is hard to see on the dark background {}", background.dark);
        let help = "give its section a `background-color`, which stays in the dark; use a picture with a background; \
                    or use `<!-- mimeo:logo -->`, which can have a version for dark mode";
        found.push(at(&one.source, "M430", span.clone(), message, help));
    }
}

/// Whether most of a picture is hard to tell from a background.
pub(super) fn is_faint(pixels: &[[u8; 3]], background: Color) -> bool {
    let faint =
        pixels.iter().filter(|[r, g, b]| Color(*r, *g, *b).contrast(background) < SHAPE_CONTRAST_MIN).count();
    faint * 4 >= pixels.len() * 3
}
