//! What readers with a screen reader, with weak eyes or in the sun trip over, beside alternative texts and headings.

use super::{
    context::LetterContext,
    css::{self, Css, Tag},
    facts::Facts,
    findings::at,
};
use crate::{
    markup::Attribute,
    render::{AuthoredMarkup, Color, MarkupKind, Piece, is_right_to_left},
    source::{Diagnostics, Source, Span},
};

/// Text below this many CSS pixels is too small on a phone.
const SIZE_MIN: f64 = 12.0;

/// So many letters tell in which script a letter is written.
const LETTERS_MIN: usize = 60;

pub(super) fn check(case: &LetterContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    language(case, facts, found);
    let literal = case.built.rendered.html.pieces.iter();
    let titles: usize = literal
        .map(|piece| match piece {
            Piece::Literal(text) => text.matches("<h1").count(),
            Piece::Open { .. } => 0,
        })
        .sum();
    if titles > 1 {
        let own = facts.raw.iter().find(|(kept, _)| kept.contains("<h1")).map(|(_, span)| span.clone());
        let message = format!("the letter has {titles} level 1 headings");
        let help = "the title is the level 1 heading: write `<h2>`";
        found.push(case.draft.find("M474", own.unwrap_or(0..0), message, help));
    }
    for span in &facts.headless {
        let help = "name the columns in the first row; screen readers say the names with each cell";
        found.push(case.draft.find("M471", span.clone(), "the table's header row is empty", help));
    }
}

/// Tables that say neither that they are for layout nor what their columns are.
pub(super) fn tables(source: &Source, tags: &[Tag], whole: &Span, found: &mut Diagnostics) {
    let text = source.text().get(whole.clone()).unwrap_or_default();
    let ends: Vec<usize> = text.match_indices("</table").map(|(at, _)| whole.start + at).collect();
    let heads: Vec<usize> = tags.iter().filter(|tag| tag.name == "th").map(|tag| tag.span.start).collect();
    for table in tags.iter().filter(|tag| tag.name == "table") {
        if matches!(table.get("role"), Some("presentation" | "none")) {
            continue;
        }
        let start = table.span.end;
        let end = ends.get(ends.partition_point(|end| *end < start)).map_or(whole.end, |end| *end);
        if heads.get(heads.partition_point(|head| *head < start)).is_none_or(|head| end <= *head) {
            let help = "add `role=\"presentation\"` to a layout table, or `<th>` cells to a data table";
            let message = "this table has no header cells, and screen readers announce it as data";
            found.push(at(source, "M471", table.span.clone(), message, help));
        }
    }
}

/// The rows of an `mj-table`, which is always data.
pub(super) fn rows(source: &Source, tags: &[Tag], whole: &Span, found: &mut Diagnostics) {
    let first = tags.iter().find(|tag| tag.name == "tr");
    if let Some(first) = first
        && !tags.iter().any(|tag| tag.name == "th")
        && !whole.is_empty()
    {
        let message = "this table has no header cells, and screen readers announce it as data";
        found.push(at(source, "M471", first.span.clone(), message, "use `<th>` cells in its first row"));
    }
}

/// Sizes and pairs of colors in one `style`, one rule or one MJML element.
pub(super) fn declarations(source: &Source, written: &[Css], found: &mut Diagnostics) {
    let mut colors: [Option<(Color, Span)>; 2] = [None, None];
    for one in written {
        let Css::Declaration { property, value, span } = one else { continue };
        match property.as_str() {
            "font-size" => {
                if let Some(size) = pixels(value)
                    && size > 2.0
                    && size < SIZE_MIN
                {
                    let message = format!("the font size is {size:.0}px");
                    let help = "use at least 12px, and 14px for body text";
                    found.push(at(source, "M470", span.clone(), message, help));
                }
            }
            "color" => colors[0] = Color::parse(value).map(|color| (color, span.clone())),
            "background-color" | "background" => {
                colors[1] = Color::parse(value).map(|color| (color, span.clone()));
            }
            _ => {}
        }
    }
    if let [Some((words, span)), Some((background, _))] = colors {
        let contrast = words.contrast(background);
        if contrast < 4.5 {
            let message = format!("{words} on {background} has a contrast of {contrast:.1}");
            let help =
                "many people cannot read text with a contrast below 4.5; choose a darker or lighter color";
            found.push(at(source, "M473", span, message, help));
        }
    }
}

/// A size in CSS pixels.
fn pixels(value: &str) -> Option<f64> {
    let number = |unit: &str| value.strip_suffix(unit).and_then(|number| number.trim().parse::<f64>().ok());
    number("px").or_else(|| number("pt").map(|points| points * 4.0 / 3.0))
}

/// A link without a line, background, frame or weight of its own is known by its color only.
pub(super) fn link(source: &Source, written: &[Css], found: &mut Diagnostics) {
    let mut bare = None;
    for one in written {
        let Css::Declaration { property, value, span } = one else { continue };
        match property.as_str() {
            "text-decoration" | "text-decoration-line" if value.starts_with("none") => {
                bare = Some(span.clone())
            }
            name if name.starts_with("background") || name.starts_with("border") || name == "font-weight" => {
                return;
            }
            // A line as high as a button.
            "display" | "padding" => return,
            _ => {}
        }
    }
    if let Some(span) = bare {
        let help = "keep the underline: not everyone can tell colors apart (WCAG 1.4.1)";
        found.push(at(source, "M475", span, "the link is recognizable only by its color", help));
    }
}

/// What is seen in another order than the one it is in, which is the one that is read.
pub(super) fn order(case: &LetterContext<'_>, all: &[AuthoredMarkup], found: &mut Diagnostics) {
    let right_to_left = is_right_to_left(&case.built.rendered.language);
    let turns = |value: &str| value.trim().eq_ignore_ascii_case(if right_to_left { "ltr" } else { "rtl" });
    for one in all {
        let (source, text) = (&one.source, one.source.text());
        let mut say = |span: Span, shown: &str| {
            let message = format!("`{shown}` makes the visual order differ from the reading order");
            let help = "put things into the file in reading order";
            found.push(at(source, "M476", span, message, help));
        };
        let mut written = Vec::new();
        match &one.kind {
            MarkupKind::Attributes(attributes) => {
                for (name, value, span) in attributes.iter().filter(|(_, value, _)| turns(value)) {
                    if name == "direction" {
                        say(span.clone(), &format!("{name}=\"{value}\""));
                    }
                }
            }
            MarkupKind::Css => written = css::sheet(text, one.span.clone()),
            MarkupKind::Html | MarkupKind::Rows => {
                let (tags, sheets) = css::tags(text, one.span.clone());
                for (tag, Attribute { name, value, span }) in
                    tags.iter().flat_map(|tag| tag.attributes.iter().map(move |one| (tag, one)))
                {
                    let is_turned = match name.as_str() {
                        // Words of another language have their own direction; a table of cells has not.
                        "dir" => tag.name == "table" && turns(value),
                        "tabindex" => value.trim().parse::<u32>().is_ok_and(|index| index > 0),
                        _ => false,
                    };
                    if is_turned {
                        say(span.clone(), &format!("{name}=\"{value}\""));
                    }
                    if name == "style" {
                        written.extend(css::declarations(text, span.clone()));
                    }
                }
                written.extend(sheets.into_iter().flat_map(|span| css::sheet(text, span)));
            }
        }
        for one in &written {
            let Css::Declaration { property, value, span } = one else { continue };
            let is_turned = match property.as_str() {
                "order" => value != "0",
                "flex-direction" | "flex-flow" | "flex-wrap" => value.contains("reverse"),
                "position" => matches!(value.as_str(), "absolute" | "fixed"),
                _ => false,
            };
            if is_turned {
                say(span.clone(), &format!("{property}: {value}"));
            }
        }
    }
}

/// The scripts that a language is written in, as far as one is distinguished from another here.
fn scripts(language: &str) -> Option<&'static [&'static str]> {
    const LATIN: &[&str] = &[
        "ca", "cs", "da", "de", "en", "es", "et", "fi", "fr", "ga", "hr", "hu", "id", "is", "it", "lt", "lv",
        "ms", "nb", "nl", "no", "pl", "pt", "ro", "sk", "sl", "sv", "sw", "tr", "vi",
    ];
    Some(match language {
        "ru" | "uk" | "bg" | "be" | "mk" => &["Cyrillic"],
        "el" => &["Greek"],
        "he" | "yi" => &["Hebrew"],
        "ar" | "fa" | "ur" => &["Arabic"],
        "zh" | "ja" => &["Chinese or Japanese"],
        "ko" => &["Korean", "Chinese or Japanese"],
        "hi" | "mr" | "ne" => &["Devanagari"],
        "th" => &["Thai"],
        _ if LATIN.contains(&language) => &["Latin"],
        _ => return None,
    })
}

fn script(letter: char) -> Option<&'static str> {
    Some(match u32::from(letter) {
        0x41..=0x24F | 0x1E00..=0x1EFF => "Latin",
        0x370..=0x3FF | 0x1F00..=0x1FFF => "Greek",
        0x400..=0x52F => "Cyrillic",
        0x590..=0x5FF => "Hebrew",
        0x600..=0x77F | 0xFB50..=0xFEFC => "Arabic",
        0x900..=0x97F => "Devanagari",
        0xE00..=0xE7F => "Thai",
        0xAC00..=0xD7A3 | 0x1100..=0x11FF => "Korean",
        0x3040..=0x30FF | 0x3400..=0x9FFF => "Chinese or Japanese",
        _ => return None,
    })
}

/// A screen reader reads with the voice of the language that the letter says.
fn language(case: &LetterContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    let tag = &case.built.rendered.language;
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default().to_ascii_lowercase();
    // A script of its own, as in `sr-Latn`, is the author's word.
    if parts.any(|part| part.len() == 4) {
        return;
    }
    let Some(expected) = scripts(&primary) else { return };
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    let letters = facts.texts.iter().flat_map(|(text, _)| text.chars()).filter(|c| c.is_alphabetic());
    for name in letters.filter_map(script) {
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    let all: usize = counts.iter().map(|(_, count)| count).sum();
    let Some((most, count)) = counts.into_iter().max_by_key(|(_, count)| *count) else { return };
    if all >= LETTERS_MIN && all * 7 <= count * 10 && !expected.contains(&most) {
        let message = format!("the language is set to `{tag}`, but the text is in {most} script");
        let help = "set `language` in the front matter; it determines the voice, hyphenation, and direction";
        found.push(case.draft.find("M472", case.draft.field("language"), message, help));
    }
}
