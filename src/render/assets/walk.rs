use super::formula::MathStyle;
use crate::{
    issue::{
        Document, Part, Phrase,
        document::{Block, BlockKind, Button, Figure, Image, Inline, Inlines, Post, Quote, Video},
    },
    render::tags::{Token, tokens},
    source::Span,
};

/// Something in a document that points outside it.
pub(super) enum Pointer<'a> {
    /// A picture.
    Picture(&'a str),
    /// A link.
    Link(&'a Phrase),
    /// A video, with its still.
    Video(&'a Video),
    /// A post, with its picture.
    Post(&'a Post),
    /// A formula in TeX.
    Formula(MathStyle, &'a str),
}

/// Tells everything a document points at, in reading order, with its place.
pub(super) fn pointers(document: &Document, tell: &mut dyn FnMut(Pointer<'_>, Span)) {
    let mut walk = Walk { tell };
    walk.blocks(&document.blocks);
    for note in &document.footnotes {
        walk.blocks(&note.blocks);
    }
}

/// Stands for a placeholder; no file name has it.
const OPEN: &str = "\u{102000}";

struct Walk<'t> {
    tell: &'t mut dyn FnMut(Pointer<'_>, Span),
}

impl Walk<'_> {
    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        let span = &block.span;
        match &block.kind {
            BlockKind::Heading { content, .. } | BlockKind::Paragraph(content) => self.inlines(content, span),
            BlockKind::List { items, .. } => items.iter().for_each(|item| self.blocks(&item.blocks)),
            BlockKind::Quote(quote) | BlockKind::PullQuote(quote) => self.quote(quote, span),
            BlockKind::Alert { title, blocks, .. } => {
                self.optional(title.as_ref(), span);
                self.blocks(blocks);
            }
            BlockKind::Figure(figure) => self.figure(figure, span),
            BlockKind::Gallery(figures) => figures.iter().for_each(|figure| self.figure(figure, span)),
            BlockKind::Columns(columns) => columns.iter().for_each(|blocks| self.blocks(blocks)),
            BlockKind::Card(card) => {
                self.link(&card.url, span);
                card.image.iter().for_each(|image| self.image(image));
                self.inlines(&card.title, span);
                self.blocks(&card.blocks);
            }
            BlockKind::Video(video) => {
                (self.tell)(Pointer::Video(video), span.clone());
                self.optional(video.caption.as_ref(), span);
            }
            BlockKind::Post(post) => {
                (self.tell)(Pointer::Post(post), span.clone());
                self.blocks(&post.blocks);
            }
            BlockKind::Resources(resources) => {
                for resource in resources {
                    self.link(&resource.url, span);
                    self.inlines(&resource.title, span);
                    self.inlines(&resource.blurb, span);
                }
            }
            BlockKind::Table { head, rows, .. } => {
                head.iter().chain(rows.iter().flatten()).for_each(|cell| self.inlines(cell, span));
            }
            BlockKind::Definitions(definitions) => {
                for definition in definitions {
                    self.inlines(&definition.term, span);
                    definition.meanings.iter().for_each(|blocks| self.blocks(blocks));
                }
            }
            BlockKind::Buttons(buttons) => self.buttons(buttons, span),
            BlockKind::Poll { question, answers } => {
                self.inlines(question, span);
                self.buttons(answers, span);
            }
            BlockKind::Share { blocks, links } => {
                self.blocks(blocks);
                self.buttons(links, span);
            }
            BlockKind::Contents { title, entries, .. } => {
                self.optional(title.as_ref(), span);
                // Entries with an anchor repeat a heading that is told on its own.
                for entry in entries.iter().filter(|entry| entry.anchor.is_none()) {
                    self.inlines(&entry.content, span);
                }
            }
            BlockKind::Sponsor { blocks, .. }
            | BlockKind::PostScript(blocks)
            | BlockKind::Signature(blocks) => self.blocks(blocks),
            BlockKind::Author { picture, url, blocks, .. } => {
                picture.iter().for_each(|image| self.image(image));
                url.iter().for_each(|url| self.link(url, span));
                self.blocks(blocks);
            }
            BlockKind::Html(markup) => {
                // A name that holds a placeholder cannot be looked up; `OPEN` marks it.
                let text = markup.0.iter().map(|part| match part {
                    Part::Text(text) => text.as_str(),
                    Part::Open(_) => OPEN,
                });
                self.markup(&text.collect::<String>(), span);
            }
            BlockKind::Mjml(markup) => self.markup(markup, span),
            BlockKind::Math(tex) => (self.tell)(Pointer::Formula(MathStyle::Display, tex), span.clone()),
            BlockKind::Code { .. } | BlockKind::Divider => {}
        }
    }

    fn quote(&mut self, quote: &Quote, span: &Span) {
        self.blocks(&quote.blocks);
        self.optional(quote.by.as_ref(), span);
    }

    fn figure(&mut self, figure: &Figure, span: &Span) {
        self.image(&figure.image);
        figure.link.iter().for_each(|url| self.link(url, span));
        self.optional(figure.caption.as_ref(), span);
        self.optional(figure.credit.as_ref(), span);
    }

    fn buttons(&mut self, buttons: &[Button], span: &Span) {
        for button in buttons {
            self.link(&button.url, span);
            self.inlines(&button.label, span);
        }
    }

    fn optional(&mut self, inlines: Option<&Inlines>, span: &Span) {
        if let Some(inlines) = inlines {
            self.inlines(inlines, span);
        }
    }

    fn inlines(&mut self, inlines: &[Inline], around: &Span) {
        for inline in inlines {
            match inline {
                Inline::Emphasis(content) | Inline::Strong(content) | Inline::Strikethrough(content) => {
                    self.inlines(content, around);
                }
                Inline::Link { url, content, span, .. } => {
                    self.link(url, span);
                    self.inlines(content, around);
                }
                Inline::Image(image) => self.image(image),
                Inline::Html(markup) => self.markup(markup, around),
                Inline::Math(tex) => {
                    (self.tell)(Pointer::Formula(MathStyle::Inline, tex), around.clone());
                }
                Inline::Text(_)
                | Inline::Code(_)
                | Inline::LineBreak
                | Inline::SoftBreak
                | Inline::Footnote(_)
                | Inline::Placeholder(_) => {}
            }
        }
    }

    /// Pictures and links of raw HTML and of MJML.
    fn markup(&mut self, markup: &str, span: &Span) {
        for token in tokens(markup) {
            if let Some(source) = token.attribute("src")
                && !source.is_empty()
                && !source.contains(OPEN)
                && !source.contains("{{")
            {
                (self.tell)(Pointer::Picture(source), span.clone());
            }
            if let Some(url) = token.attribute("href")
                && !url.contains(OPEN)
                && !url.contains("{{")
                && !matches!(&token, Token::Open { name, .. } if name == "link")
            {
                (self.tell)(Pointer::Link(&Phrase(vec![Part::Text(url.to_owned())])), span.clone());
            }
        }
    }

    fn image(&mut self, image: &Image) {
        (self.tell)(Pointer::Picture(&image.source), image.span.clone());
    }

    fn link(&mut self, url: &Phrase, span: &Span) {
        (self.tell)(Pointer::Link(url), span.clone());
    }
}
