//! What mail clients keep.

use super::token::decode;
use crate::{
    issue::{Part, Phrase, reader::Reader},
    source::Span,
};

/// What becomes of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Kept among words.
    Inline,
    /// Kept, but not among words.
    Block,
    /// Kept; it has no end.
    Void,
    /// Taken out with everything in it.
    Dropped,
    /// Taken out; what it holds stays.
    Unknown,
}

const INLINE: [&str; 21] = [
    "a", "abbr", "b", "big", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark", "q", "s",
    "samp", "small", "span", "strike", "strong", "sub",
];
const MORE_INLINE: [&str; 7] = ["sup", "tt", "u", "var", "bdi", "bdo", "dfn"];
const BLOCK: [&str; 27] = [
    "blockquote",
    "caption",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "li",
    "ol",
    "p",
    "pre",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
    "address",
    "colgroup",
];
const VOID: [&str; 3] = ["br", "hr", "img"];
const DROPPED: [&str; 11] = [
    "script", "style", "template", "textarea", "title", "svg", "math", "noscript", "head", "select", "object",
];

/// Names to compare a misspelt one with.
pub(super) const NAMES: [&str; 12] = [
    "span",
    "strong",
    "small",
    "table",
    "center",
    "blockquote",
    "code",
    "mark",
    "abbr",
    "font",
    "pre",
    "img",
];

pub(super) fn fate(name: &str) -> Fate {
    if INLINE.contains(&name) || MORE_INLINE.contains(&name) {
        Fate::Inline
    } else if BLOCK.contains(&name) {
        Fate::Block
    } else if VOID.contains(&name) {
        Fate::Void
    } else if DROPPED.contains(&name) {
        Fate::Dropped
    } else {
        Fate::Unknown
    }
}

fn keeps(name: &str, attribute: &str) -> bool {
    match attribute {
        "style" | "title" | "lang" | "dir" => true,
        "align" => fate(name) == Fate::Block || name == "img",
        "href" => name == "a",
        "src" | "alt" => name == "img",
        "width" | "height" => matches!(name, "img" | "table" | "td" | "th"),
        "colspan" | "rowspan" | "scope" | "valign" => matches!(name, "td" | "th"),
        "bgcolor" => matches!(name, "table" | "tr" | "td" | "th"),
        "border" | "cellpadding" | "cellspacing" | "role" => name == "table",
        "start" | "type" => name == "ol",
        "value" => name == "li",
        "color" | "face" | "size" => name == "font",
        _ => false,
    }
}

/// Attributes without which nothing is lost that a letter could show.
fn is_harmless(attribute: &str) -> bool {
    matches!(
        attribute,
        "class" | "id" | "target" | "rel" | "loading" | "decoding" | "srcset" | "sizes" | "name"
    ) || attribute.starts_with("data-")
        || attribute.starts_with("aria-")
}

/// Reports attributes that are taken out.
pub(super) fn complain(reader: &mut Reader<'_>, name: &str, attributes: &[(String, String)], span: &Span) {
    for (key, _) in attributes.iter().filter(|(key, _)| !keeps(name, key) && !is_harmless(key)) {
        let help = if key.starts_with("on") {
            "no mail client runs scripts; take it out"
        } else {
            "mail clients do not keep it; take it out"
        };
        reader.warn("M171", span.clone(), format!("`{key}` on `<{name}>` is not kept in letters"), help);
    }
}

/// The attributes that stay, values decoded.
pub(super) fn attributes(
    reader: &mut Reader<'_>,
    name: &str,
    attributes: &[(String, String)],
    span: &Span,
) -> Vec<(String, Phrase)> {
    complain(reader, name, attributes, span);
    attributes_quietly(reader, name, attributes, span)
}

/// The same, where the others were reported before.
pub(super) fn attributes_quietly(
    reader: &mut Reader<'_>,
    name: &str,
    attributes: &[(String, String)],
    span: &Span,
) -> Vec<(String, Phrase)> {
    let mut kept = Vec::new();
    for (key, value) in attributes.iter().filter(|(key, _)| keeps(name, key)) {
        let value = match key.as_str() {
            "href" => match href(reader, name, attributes, span) {
                Some(url) => url,
                None => continue,
            },
            "src" => {
                let source = decode(value).trim().to_owned();
                if !safe_picture(&source) {
                    unsafe_address(reader, name, &source, span);
                    continue;
                }
                Phrase::plain(source)
            }
            "alt" | "title" => phrase(reader, value, span),
            "style" => {
                let style = style(reader, name, &decode(value), span);
                if style.is_empty() {
                    continue;
                }
                Phrase::plain(style)
            }
            _ => Phrase::plain(decode(value)),
        };
        kept.push((key.clone(), value));
    }
    kept
}

/// A value that may hold placeholders.
pub(super) fn phrase(reader: &mut Reader<'_>, value: &str, span: &Span) -> Phrase {
    let value = decode(value);
    if !value.contains("{{") {
        return Phrase::plain(value);
    }
    reader.value_phrase(&value, span.clone())
}

/// The address of a link, if a letter can hold it.
pub(super) fn href(
    reader: &mut Reader<'_>,
    name: &str,
    attributes: &[(String, String)],
    span: &Span,
) -> Option<Phrase> {
    let (_, value) = attributes.iter().find(|(key, _)| key == "href")?;
    let url = phrase(reader, value.trim(), span);
    let first = match url.0.first() {
        Some(Part::Text(text)) => text.as_str(),
        Some(Part::Open(_)) => return Some(url),
        None => return None,
    };
    if is_safe(first) {
        return Some(url);
    }
    let shown = first.to_owned();
    unsafe_address(reader, name, &shown, span);
    None
}

fn unsafe_address(reader: &mut Reader<'_>, name: &str, address: &str, span: &Span) {
    let scheme: String = address.chars().take_while(|c| *c != ':').take(20).collect();
    reader.warn(
        "M173",
        span.clone(),
        format!("`{scheme}:` in `<{name}>` is not kept in letters"),
        "letters can link to https, http, mailto and tel addresses",
    );
}

/// Whether an address has no scheme, or one that letters can use. Control characters and spaces hide schemes.
pub(super) fn is_safe(address: &str) -> bool {
    let compact: String =
        address.chars().filter(|c| !c.is_control() && !c.is_whitespace()).take(200).collect();
    let scheme_end = compact.find([':', '/', '?', '#']);
    match scheme_end {
        Some(at) if compact.as_bytes()[at] == b':' => {
            let scheme = compact[..at].to_ascii_lowercase();
            matches!(scheme.as_str(), "http" | "https" | "mailto" | "tel" | "sms")
        }
        _ => !compact.split(['/', '?', '#']).next().unwrap_or_default().contains('&'),
    }
}

/// Pictures have fewer schemes than links.
pub(super) fn safe_picture(address: &str) -> bool {
    let lower = address.trim_start().to_ascii_lowercase();
    is_safe(address)
        && !lower.starts_with("mailto:")
        && !lower.starts_with("tel:")
        && !lower.starts_with("sms:")
}

const PROPERTIES: [&str; 20] = [
    "color",
    "background-color",
    "line-height",
    "letter-spacing",
    "width",
    "max-width",
    "height",
    "vertical-align",
    "white-space",
    "direction",
    "border",
    "border-radius",
    "border-collapse",
    "border-color",
    "border-style",
    "border-width",
    "word-break",
    "list-style-type",
    "text-align",
    "text-decoration",
];

fn style(reader: &mut Reader<'_>, name: &str, text: &str, span: &Span) -> String {
    let mut out = String::new();
    for declaration in text.split(';').map(str::trim).filter(|declaration| !declaration.is_empty()) {
        let kept = declaration.split_once(':').and_then(|(property, value)| {
            let property = property.trim().to_ascii_lowercase();
            let value = value.trim().trim_end_matches("!important").trim_end();
            let known = PROPERTIES.contains(&property.as_str())
                || [
                    "font",
                    "text-",
                    "padding",
                    "margin",
                    "border-top",
                    "border-right",
                    "border-bottom",
                    "border-left",
                ]
                .iter()
                .any(|start| property.starts_with(start));
            let plain = value.len() <= 200
                && property.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
                && !value.is_empty()
                && value.chars().all(|c| c.is_alphanumeric() || " #%,.-+'\"()".contains(c))
                && !value.to_ascii_lowercase().contains("url(")
                && !value.to_ascii_lowercase().contains("expression(");
            (known && plain).then(|| format!("{property}:{value}"))
        });
        match kept {
            Some(kept) => {
                if !out.is_empty() {
                    out.push(';');
                }
                out.push_str(&kept);
            }
            None => {
                let shown: String = declaration.chars().take(60).collect();
                reader.warn(
                    "M171",
                    span.clone(),
                    format!("the style `{shown}` on `<{name}>` is not kept in letters"),
                    "keep to colours, fonts, spacing, borders and alignment",
                );
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_run_something_are_refused() {
        for url in
            ["https://a.example", "/x", "#x", "a/b:c", "mailto:a@example.com", "tel:+1", "?x:y", "", "a.png"]
        {
            assert!(is_safe(url), "{url}");
        }
        for url in
            ["javascript:alert(1)", "JaVa\nScript:x", " data:text/html,x", "vbscript:x", "java&Tab;script:x"]
        {
            assert!(!is_safe(url), "{url}");
        }
    }

    #[test]
    fn every_list_is_in_the_lists() {
        for name in NAMES {
            assert!(!matches!(fate(name), Fate::Unknown | Fate::Dropped), "{name}");
        }
    }
}
