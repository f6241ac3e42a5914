//! Tags of raw HTML among words.

use super::{attributes, escape, picture::image, problems::not_kept};
use crate::{
    issue::{
        context::Context,
        document::{Inline, Inlines},
        placeholder::{Phrase, placeholders},
    },
    markup::{
        self, Attribute, Token,
        allowed::{Fate, fate},
        pieces_around,
    },
    source::Span,
};

/// An inline tag that waits for its end.
pub(in crate::issue) struct Tag {
    /// In lower case.
    pub(in crate::issue) name: String,
    /// What its place is called, for links within the letter.
    pub(in crate::issue) anchor: Option<String>,
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
pub(in crate::issue) enum InlineTag {
    Nothing,
    Inline(Inline),
    Open(Tag),
    Close(String),
}

/// One tag (or comment) among words.
pub(in crate::issue) fn inline(context: &mut Context<'_>, text: &str, span: &Span) -> InlineTag {
    let Some((token, _)) = pieces_around(text, &placeholders(text)).into_iter().next() else {
        return InlineTag::Nothing;
    };
    match token {
        Token::Comment { .. } | Token::Hidden | Token::Text(_) => InlineTag::Nothing,
        Token::Close { name } => match fate(&name) {
            Fate::Dropped | Fate::Inline => InlineTag::Close(name),
            _ => InlineTag::Nothing,
        },
        Token::Open { name, attributes, .. } => open(context, name, &attributes, span),
    }
}

/// A tag that begins.
fn open(context: &mut Context<'_>, name: String, attributes: &[Attribute], span: &Span) -> InlineTag {
    match fate(&name) {
        Fate::Dropped => {
            not_kept(context, &name, span.clone());
            InlineTag::Open(Tag { name, anchor: None, kind: Kind::Dropped })
        }
        Fate::Unknown => {
            not_kept(context, &name, span.clone());
            InlineTag::Nothing
        }
        Fate::Block => {
            context.warn(
                "M172",
                span.clone(),
                format!("`<{name}>` is not allowed within text"),
                "put it at the beginning of a line, with an empty line above it",
            );
            InlineTag::Nothing
        }
        Fate::Void if name == "br" => InlineTag::Inline(Inline::LineBreak),
        Fate::Void if name == "img" => match image(context, attributes, span) {
            Some(image) => InlineTag::Inline(Inline::Image(image)),
            None => InlineTag::Nothing,
        },
        Fate::Void => InlineTag::Nothing,
        Fate::Inline => {
            let anchor = attributes::anchor(attributes);
            let kind = match name.as_str() {
                "a" => link(context, attributes, anchor.as_deref(), span),
                "b" | "strong" => Kind::Strong,
                "i" | "em" => Kind::Emphasis,
                "s" | "del" | "strike" => Kind::Strikethrough,
                _ => other(context, &name, attributes, span),
            };
            let anchor = anchor.filter(|_| !(name == "a" && matches!(kind, Kind::Other(_))));
            InlineTag::Open(Tag { name, anchor, kind })
        }
    }
}

/// `<a>`: a link, a place that links can lead to, or nothing.
fn link(context: &mut Context<'_>, attributes: &[Attribute], anchor: Option<&str>, span: &Span) -> Kind {
    attributes::complain(context, "a", attributes, span);
    let url = attributes::href(context, "a", attributes, span);
    let title = markup::find(attributes, "title")
        .map(|value| attributes::phrase(context, value, span))
        .unwrap_or_default();
    match (url, anchor) {
        (Some(url), _) => Kind::Link { url, title },
        (None, Some(anchor)) => Kind::Other(place(anchor)),
        (None, None) => Kind::Bare,
    }
}

/// A tag that is kept as it is, with the attributes that are.
fn other(context: &mut Context<'_>, name: &str, attributes: &[Attribute], span: &Span) -> Kind {
    let mut open = format!("<{name}");
    for (key, value) in attributes::kept(context, name, attributes, span) {
        let value = value.to_string();
        if value.contains("{{") {
            context.error(
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

/// The tag of a place that links can lead to.
fn place(anchor: &str) -> String {
    format!("<a name=\"{}\">", escape::attribute(anchor))
}

/// An inline tag with its content.
pub(in crate::issue) fn wrap(mut tag: Tag, content: Inlines, span: Span) -> Inlines {
    if let Some(anchor) = tag.anchor.take() {
        let mut out = vec![Inline::Html(place(&anchor)), Inline::Html("</a>".to_owned())];
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
