use crate::{
    issue::{
        Document, Part, Phrase, StandIns,
        document::{Block, BlockKind, BlockPart, Image, Inline, Post, Video, each_inline},
    },
    markup::{Token, tokens},
    source::Span,
};

/// How a formula is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MathStyle {
    /// Among words.
    Inline,
    /// On lines of its own.
    Display,
}

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
pub(super) fn pointers(document: &Document, visit: &mut dyn FnMut(Pointer<'_>, Span)) {
    let mut walk = Walk { visit };
    walk.blocks(&document.blocks);
    for note in &document.footnotes {
        walk.blocks(&note.blocks);
    }
}

struct Walk<'t> {
    visit: &'t mut dyn FnMut(Pointer<'_>, Span),
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
            BlockKind::Video(video) => (self.visit)(Pointer::Video(video), span.clone()),
            BlockKind::Post(post) => (self.visit)(Pointer::Post(post), span.clone()),
            _ => {}
        }
        let is_embed = matches!(block.kind, BlockKind::Video(_) | BlockKind::Post(_));
        block.parts(&mut |part| match part {
            BlockPart::Words(words) => self.inlines(words, span),
            BlockPart::Link(url, words) => {
                self.link(url, span);
                self.inlines(words, span);
            }
            // The picture of a video or post may be stored with it, and is looked up together with it.
            BlockPart::Image(..) if is_embed => {}
            BlockPart::Image(image, link) => {
                self.image(image);
                link.iter().for_each(|url| self.link(url, span));
            }
            BlockPart::Name(_, link) => link.iter().for_each(|url| self.link(url, span)),
            BlockPart::Html(markup) => {
                let (text, stand_ins) = StandIns::of(markup);
                self.markup(&text, &stand_ins, span);
            }
            BlockPart::Mjml(markup) => self.markup(markup, &StandIns::none(), span),
            BlockPart::Math(tex) => (self.visit)(Pointer::Formula(MathStyle::Display, tex), span.clone()),
            BlockPart::Blocks(blocks) => self.blocks(blocks),
            BlockPart::Repeated(_) | BlockPart::Text(_) | BlockPart::Embed(..) | BlockPart::Code(_) => {}
        });
    }

    fn inlines(&mut self, inlines: &[Inline], around: &Span) {
        each_inline(inlines, &mut |inline| match inline {
            Inline::Link { url, span, .. } => self.link(url, span),
            Inline::Image(image) => self.image(image),
            Inline::Html(markup) => self.markup(markup, &StandIns::none(), around),
            Inline::Math(tex) => (self.visit)(Pointer::Formula(MathStyle::Inline, tex), around.clone()),
            _ => {}
        });
    }

    /// Pictures and links of raw HTML and of MJML.
    fn markup(&mut self, markup: &str, stand_ins: &StandIns<'_>, span: &Span) {
        // A name that holds a placeholder cannot be looked up.
        let is_open = |value: &str| stand_ins.is_in(value) || value.contains("{{");
        for token in tokens(markup) {
            if let Some(source) = token.attribute("src")
                && !source.is_empty()
                && !is_open(source)
            {
                (self.visit)(Pointer::Picture(source), span.clone());
            }
            if let Some(url) = token.attribute("href")
                && !is_open(url)
                && !matches!(&token, Token::Open { name, .. } if name == "link")
            {
                (self.visit)(Pointer::Link(&Phrase(vec![Part::Text(url.to_owned())])), span.clone());
            }
        }
    }

    fn image(&mut self, image: &Image) {
        (self.visit)(Pointer::Picture(&image.source), image.span.clone());
    }

    fn link(&mut self, url: &Phrase, span: &Span) {
        (self.visit)(Pointer::Link(url), span.clone());
    }
}
