//! One walk over the document collects what the checks look at.

use std::borrow::Cow;

use crate::{
    issue::{
        Document, Phrase,
        document::{Block, BlockKind, BlockPart, Image, Inline, each_inline},
    },
    markup::{Token, tokens},
    source::Span,
};

#[derive(Debug, Default)]
pub(super) struct Facts<'a> {
    pub(super) links: Vec<Link<'a>>,
    pub(super) images: Vec<&'a Image>,
    pub(super) headings: Vec<Heading<'a>>,
    pub(super) texts: Vec<(String, Span)>,
    pub(super) contents: Vec<(&'a Block, Vec<String>)>,
    /// A paragraph that is nothing but bold words.
    pub(super) bold_paragraphs: Vec<(String, Span)>,
    /// Raw HTML as it was kept, and where it, or the words around it, are.
    pub(super) raw: Vec<(String, Span)>,
    /// `mjml` fences.
    pub(super) fences: Vec<Span>,
    /// Tables whose head has no words.
    pub(super) headless: Vec<Span>,
}

#[derive(Debug)]
pub(super) struct Link<'a> {
    pub(super) url: Cow<'a, Phrase>,
    pub(super) words: String,
    /// A picture is part of the link's words.
    pub(super) has_image: bool,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) struct Heading<'a> {
    pub(super) level: u8,
    pub(super) anchor: &'a str,
    pub(super) content: &'a [Inline],
    pub(super) words: String,
    pub(super) span: Span,
    /// Nothing is between it and the next heading of its level or above.
    pub(super) is_empty: bool,
}

pub(super) fn find(document: &Document) -> Facts<'_> {
    let mut facts = Facts::default();
    facts.blocks(&document.blocks);
    for note in &document.footnotes {
        facts.blocks(&note.blocks);
    }
    facts
}

impl<'a> Facts<'a> {
    fn blocks(&mut self, blocks: &'a [Block]) {
        for (index, block) in blocks.iter().enumerate() {
            if let BlockKind::Heading { level, anchor, content } = &block.kind {
                let is_empty = match blocks.get(index + 1).map(|next| &next.kind) {
                    None => true,
                    Some(BlockKind::Heading { level: next, .. }) => next <= level,
                    Some(_) => false,
                };
                let words = plain(content);
                self.headings.push(Heading {
                    level: *level,
                    anchor,
                    content,
                    words,
                    span: block.span.clone(),
                    is_empty,
                });
            }
            self.block(block);
        }
    }

    fn block(&mut self, block: &'a Block) {
        let span = &block.span;
        match &block.kind {
            BlockKind::Paragraph(content) => {
                if let [Inline::Strong(words)] = content.as_slice() {
                    self.bold_paragraphs.push((plain(words), span.clone()));
                }
            }
            BlockKind::Table { head, .. } if head.iter().all(|cell| plain(cell).trim().is_empty()) => {
                self.headless.push(span.clone());
            }
            BlockKind::Contents { entries, .. } => {
                let by_hand = entries.iter().filter(|entry| entry.anchor.is_none());
                self.contents.push((block, by_hand.map(|entry| plain(&entry.content)).collect()));
            }
            _ => {}
        }
        block.parts(&mut |part| match part {
            BlockPart::Words(words) => self.inlines(words, span),
            BlockPart::Link(url, words) => {
                self.link(url, plain(words), false, span);
                self.inlines(words, span);
            }
            BlockPart::Image(image, link) => {
                self.images.push(image);
                if let Some(url) = link {
                    self.link(url, image.alt.to_string(), true, span);
                }
            }
            BlockPart::Name(name, Some(url)) => self.link(url, name.clone(), false, span),
            BlockPart::Html(markup) => self.html(&markup.to_string(), span),
            BlockPart::Mjml(_) => self.fences.push(span.clone()),
            BlockPart::Blocks(blocks) => self.blocks(blocks),
            BlockPart::Name(_, None)
            | BlockPart::Repeated(_)
            | BlockPart::Text(_)
            | BlockPart::Embed(..)
            | BlockPart::Code(_)
            | BlockPart::Math(_) => {}
        });
    }

    /// Links and words of raw HTML.
    fn html(&mut self, html: &str, span: &Span) {
        self.raw.push((html.to_owned(), span.clone()));
        let mut text = String::new();
        // The address of an open link, where its words begin, and whether a picture is among them.
        let mut open: Option<(String, usize, bool)> = None;
        for token in tokens(html) {
            match &token {
                Token::Text(words) => text.push_str(words),
                Token::Open { name, .. } if name == "a" => {
                    let address = token.attribute("href").unwrap_or_default();
                    open = Some((address.to_owned(), text.len(), false));
                }
                Token::Open { name, .. } if name == "img" => {
                    open.iter_mut().for_each(|(_, _, has_image)| *has_image = true);
                }
                Token::Close { name } if name == "a" => {
                    let Some((address, start, has_image)) = open.take() else { continue };
                    // An address with a placeholder is known to no one yet.
                    if !address.is_empty() && !address.contains("{{") {
                        let url = Cow::Owned(Phrase::plain(address));
                        let words = text[start..].to_owned();
                        self.links.push(Link { url, words, has_image, span: span.clone() });
                    }
                }
                _ => {}
            }
        }
        if !text.trim().is_empty() {
            self.texts.push((text, span.clone()));
        }
    }

    fn link(&mut self, url: &'a Phrase, words: String, has_image: bool, span: &Span) {
        self.links.push(Link { url: Cow::Borrowed(url), words, has_image, span: span.clone() });
    }

    fn text(&mut self, inlines: &[Inline], span: &Span) {
        let text = plain(inlines);
        if !text.trim().is_empty() {
            self.texts.push((text, span.clone()));
        }
    }

    fn inlines(&mut self, inlines: &'a [Inline], span: &Span) {
        self.text(inlines, span);
        let tags: String = inlines
            .iter()
            .filter_map(|inline| match inline {
                Inline::Html(tag) => Some(tag.as_str()),
                _ => None,
            })
            .collect();
        match self.raw.last_mut() {
            _ if tags.is_empty() => {}
            // The cells of a table are at the table's place.
            Some((known, last)) if last == span => known.push_str(&tags),
            _ => self.raw.push((tags, span.clone())),
        }
        self.marks(inlines);
    }

    fn marks(&mut self, inlines: &'a [Inline]) {
        each_inline(inlines, &mut |inline| match inline {
            Inline::Link { url, content, span, .. } => {
                let has_image = content.iter().any(|inline| matches!(inline, Inline::Image(_)));
                self.link(url, plain(content), has_image, span);
            }
            Inline::Image(image) => self.images.push(image),
            _ => {}
        });
    }
}

/// The words that a reader sees; code is left out, as nothing in it is a slip.
pub(super) fn plain(inlines: &[Inline]) -> String {
    let mut out = String::new();
    each_inline(inlines, &mut |inline| match inline {
        Inline::Text(text) => out.push_str(text),
        Inline::Image(image) => out.push_str(&image.alt.to_string()),
        Inline::LineBreak | Inline::SoftBreak => out.push(' '),
        Inline::Placeholder(placeholder) => out.push_str(&placeholder.to_string()),
        Inline::Code(_) => out.push('…'),
        _ => {}
    });
    out
}
