//! Raw HTML goes through an allow-list of what mail clients keep, and comes out well-formed.
//!
//! Tags with a meaning that the document knows (links, pictures, bold, line breaks) become that; of the others the
//! allowed ones stay. Comments never reach a reader.

mod attributes;
mod block;
mod escape;

pub(super) use block::block;
pub use block::plain;

use super::{
    document::{Image, Inline, Inlines},
    reader::Reader,
};
use crate::{
    issue::{
        Phrase,
        placeholder::{Found, find},
    },
    markup::{
        self, Attribute, Token,
        allowed::{self, Fate, fate},
        pieces_around, tokens,
    },
    source::{Span, nearest},
};

/// An inline tag that waits for its end.
pub(super) struct Tag {
    /// In lower case.
    pub(super) name: String,
    /// What its place is called, for links within the letter.
    pub(super) anchor: Option<String>,
    kind: Kind,
}

enum Kind {
    /// Its content is dropped with it.
    Dropped,
    /// Its content stays without it.
    Bare,
    Link {
        url: Phrase,
        title: Phrase,
    },
    Emphasis,
    Strong,
    Strikethrough,
    /// Its opening tag, as it is written into the letter.
    Other(String),
}

/// What a tag among words is.
pub(super) enum InlineTag {
    Nothing,
    Inline(Inline),
    Open(Tag),
    Close(String),
}

/// One tag (or comment) among words.
pub(super) fn inline(reader: &mut Reader<'_>, text: &str, span: &Span) -> InlineTag {
    let Some((token, _)) = pieces_around(text, &placeholders(text)).into_iter().next() else {
        return InlineTag::Nothing;
    };
    match token {
        Token::Comment { .. } | Token::Hidden | Token::Text(_) => InlineTag::Nothing,
        Token::Close { name } => match fate(&name) {
            Fate::Dropped => InlineTag::Close(name),
            Fate::Inline => InlineTag::Close(name),
            _ => InlineTag::Nothing,
        },
        Token::Open { name, attributes, .. } => match fate(&name) {
            Fate::Dropped => {
                not_kept(reader, &name, span.clone());
                InlineTag::Open(Tag { name, anchor: None, kind: Kind::Dropped })
            }
            Fate::Unknown => {
                not_kept(reader, &name, span.clone());
                InlineTag::Nothing
            }
            Fate::Block => {
                reader.warn(
                    "M172",
                    span.clone(),
                    format!("`<{name}>` is not allowed within text"),
                    "put it at the beginning of a line, with an empty line above it",
                );
                InlineTag::Nothing
            }
            Fate::Void if name == "br" => InlineTag::Inline(Inline::LineBreak),
            Fate::Void if name == "img" => match image(reader, &attributes, span) {
                Some(image) => InlineTag::Inline(Inline::Image(image)),
                None => InlineTag::Nothing,
            },
            Fate::Void => InlineTag::Nothing,
            Fate::Inline => {
                let anchor = attributes::anchor(&attributes);
                let kind = match name.as_str() {
                    "a" => {
                        attributes::complain(reader, &name, &attributes, span);
                        let url = attributes::href(reader, &name, &attributes, span);
                        let title = markup::find(&attributes, "title")
                            .map(|value| attributes::phrase(reader, value, span))
                            .unwrap_or_default();
                        match url {
                            Some(url) => Kind::Link { url, title },
                            None => match &anchor {
                                Some(anchor) => Kind::Other(opening(anchor)),
                                None => Kind::Bare,
                            },
                        }
                    }
                    "b" | "strong" => Kind::Strong,
                    "i" | "em" => Kind::Emphasis,
                    "s" | "del" | "strike" => Kind::Strikethrough,
                    _ => {
                        let kept = attributes::kept(reader, &name, &attributes, span);
                        let mut open = format!("<{name}");
                        for (key, value) in kept {
                            let value = value.to_string();
                            if value.contains("{{") {
                                reader.error(
                                    "M208",
                                    span.clone(),
                                    format!("a placeholder is not allowed in `<{name}>`"),
                                    "placeholders are allowed between tags, and in links and pictures",
                                );
                            }
                            open.push_str(&format!(" {key}=\"{}\"", escape::attribute(&value)));
                        }
                        open.push('>');
                        Kind::Other(open)
                    }
                };
                let anchor = anchor.filter(|_| !(name == "a" && matches!(kind, Kind::Other(_))));
                InlineTag::Open(Tag { name, anchor, kind })
            }
        },
    }
}

/// The tag of a place that links can lead to.
fn opening(anchor: &str) -> String {
    format!("<a name=\"{}\">", escape::attribute(anchor))
}

/// An inline tag with its content.
pub(super) fn wrap(mut tag: Tag, content: Inlines, span: Span) -> Inlines {
    if let Some(anchor) = tag.anchor.take() {
        let mut out = vec![Inline::Html(opening(&anchor)), Inline::Html("</a>".to_owned())];
        out.extend(wrap(tag, content, span));
        return out;
    }
    match tag.kind {
        Kind::Dropped => Inlines::new(),
        Kind::Bare => content,
        Kind::Link { url, title } => vec![Inline::Link { url, title, content, span }],
        Kind::Emphasis => vec![Inline::Emphasis(content)],
        Kind::Strong => vec![Inline::Strong(content)],
        Kind::Strikethrough => vec![Inline::Strikethrough(content)],
        Kind::Other(open) => {
            let close = format!("</{}>", tag.name);
            let mut out = Inlines::with_capacity(content.len() + 2);
            out.push(Inline::Html(open));
            out.extend(content);
            out.push(Inline::Html(close));
            out
        }
    }
}

/// A picture written as HTML.
fn image(reader: &mut Reader<'_>, attributes: &[Attribute], span: &Span) -> Option<Image> {
    let find = |name: &str| markup::find(attributes, name);
    attributes::complain(reader, "img", attributes, span);
    let source = find("src").map(str::to_owned).filter(|source| !source.trim().is_empty());
    let Some(source) = source.filter(|source| !source.contains("{{") && allowed::safe_picture(source)) else {
        reader.warn(
            "M173",
            span.clone(),
            "this `<img>` has no address that a letter can use",
            "write a path beside the issue or an https address into `src`",
        );
        return None;
    };
    let alt = find("alt").map(|value| attributes::phrase(reader, value, span)).unwrap_or_default();
    let width = find("width").and_then(|width| width.trim_end_matches("px").trim().parse().ok());
    Some(Image {
        source: source.trim().to_owned(),
        alt,
        width: width.filter(|width| (1..=10_000).contains(width)),
        span: span.clone(),
    })
}

fn not_kept(reader: &mut Reader<'_>, name: &str, span: Span) {
    let help = match name {
        "script" | "form" | "input" | "button" | "select" | "textarea" => {
            "mail clients remove it; link to a web page instead".to_owned()
        }
        "iframe" | "video" | "audio" | "object" | "embed" => {
            "mail clients remove it; write the address of the video on a line of its own".to_owned()
        }
        "style" | "link" => {
            "mail clients change or remove it; the design belongs into the template".to_owned()
        }
        "svg" => "many mail clients show nothing; save it as a PNG picture".to_owned(),
        "details" | "summary" => "mail clients show it open anyway; write a heading".to_owned(),
        _ => match nearest(name, allowed::NAMES.iter().copied()) {
            Some(known) => format!("did you mean `<{known}>`? Write `\\<` to show the character"),
            None => {
                "mail clients do not keep it; write it in Markdown, or `\\<` to show the character".to_owned()
            }
        },
    };
    reader.warn("M170", span, format!("`<{name}>` is not kept in letters"), help);
}

/// A tag without its end.
pub(super) fn not_closed(reader: &mut Reader<'_>, name: &str, span: Span) {
    reader.warn(
        "M172",
        span,
        format!("`<{name}>` is not closed where it should be"),
        format!("write `</{name}>` in the same paragraph, inside the same marks"),
    );
}

/// An end without its tag.
pub(super) fn not_opened(reader: &mut Reader<'_>, name: &str, span: Span) {
    reader.warn("M172", span, format!("`</{name}>` closes nothing here"), "take it out");
}

/// The placeholders in a stretch of markup; a `<` within the default of one is no tag.
fn placeholders(text: &str) -> Vec<Span> {
    let found = find(text, true).into_iter();
    found.filter_map(|found| if let Found::Placeholder(span) = found { Some(span) } else { None }).collect()
}

/// The places that kept HTML gives a name to.
pub(crate) fn anchors(html: &str) -> Vec<String> {
    if !html.contains("name=") {
        return Vec::new();
    }
    let tokens = tokens(html);
    let links = tokens.iter().filter(|token| matches!(token, Token::Open { name, .. } if name == "a"));
    links.filter_map(|token| token.attribute("name")).map(str::to_owned).collect()
}
