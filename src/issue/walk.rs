//! Walks over a document in reading order.

use super::document::{
    Block, BlockKind, BlockPart, BlockPartMut, Document, Image, Inline, Inlines, each_inline, plain,
};
use super::{
    html,
    placeholder::{Part, Phrase},
};

/// One thing that a reader sees, in reading order.
#[derive(Clone, Copy, Debug)]
pub enum VisibleNode<'a> {
    /// A heading begins; its words follow as [`VisibleNode::Text`] and the like.
    Heading {
        /// 1 to 6.
        level: u8,
        /// Its anchor.
        anchor: &'a str,
        /// Its words.
        words: &'a [Inline],
    },
    /// Words, with open placeholders left out.
    Text(&'a str),
    /// Code, math and other text that keeps its spaces.
    Verbatim(&'a str),
    /// A link and its words.
    Link {
        /// Where it leads.
        url: &'a Phrase,
        /// Its words; none for a picture that is a link.
        words: &'a [Inline],
    },
    /// A picture.
    Image(&'a Image),
    /// The number of a note.
    Footnote(usize),
    /// The end of a line, cell, item or block.
    Break,
}

impl Document {
    /// Shows everything that a reader sees, notes included, in reading order.
    pub fn visit(&self, show: &mut dyn FnMut(VisibleNode<'_>)) {
        blocks(&self.blocks, show);
        for note in &self.footnotes {
            blocks(&note.blocks, show);
        }
    }

    /// The words that a reader sees, one line for each block, cell or line; runs of spaces count as one outside
    /// code. Placeholders and alternative texts are left out.
    pub fn visible_text(&self) -> String {
        let mut text = String::new();
        self.visit(&mut |shown| match shown {
            VisibleNode::Text(words) => {
                for c in words.chars() {
                    let c = if c.is_whitespace() { ' ' } else { c };
                    if c != ' ' || !text.ends_with([' ', '\n']) {
                        text.push(c);
                    }
                }
            }
            VisibleNode::Verbatim(words) => text.push_str(words),
            VisibleNode::Break if !text.is_empty() && !text.ends_with('\n') => text.push('\n'),
            _ => {}
        });
        text
    }

    /// Every link: its address as the author wrote it, and its words.
    pub fn links(&self) -> Vec<(String, String)> {
        let mut links = Vec::new();
        self.visit(&mut |shown| {
            if let VisibleNode::Link { url, words } = shown {
                links.push((url.to_string(), plain(words).to_string()));
            }
        });
        links
    }

    /// Every heading: level, anchor, words.
    pub fn headings(&self) -> Vec<(u8, String, String)> {
        let mut headings = Vec::new();
        self.visit(&mut |shown| {
            if let VisibleNode::Heading { level, anchor, words } = shown {
                headings.push((level, anchor.to_owned(), plain(words).to_string()));
            }
        });
        headings
    }

    /// Every picture, in reading order.
    pub fn images(&self) -> Vec<Image> {
        let mut images = Vec::new();
        self.visit(&mut |shown| {
            if let VisibleNode::Image(image) = shown {
                images.push(image.clone());
            }
        });
        images
    }
}

fn blocks(blocks: &[Block], show: &mut dyn FnMut(VisibleNode<'_>)) {
    for block in blocks {
        self::block(block, show);
        show(VisibleNode::Break);
    }
}

fn block(block: &Block, show: &mut dyn FnMut(VisibleNode<'_>)) {
    if let BlockKind::Heading { level, anchor, content } = &block.kind {
        show(VisibleNode::Heading { level: *level, anchor, words: content });
    }
    block.parts(&mut |part| {
        match part {
            BlockPart::Blocks(inner) => return blocks(inner, show),
            BlockPart::Words(inner) | BlockPart::Repeated(inner) => words(inner, show),
            BlockPart::Link(url, label) => {
                show(VisibleNode::Link { url, words: label });
                words(label, show);
            }
            BlockPart::Image(image, link) => {
                if let Some(url) = link {
                    show(VisibleNode::Link { url, words: &[] });
                }
                show(VisibleNode::Image(image));
            }
            BlockPart::Name(name, link) => {
                if let Some(url) = link {
                    show(VisibleNode::Link { url, words: &[Inline::Text(name.clone())] });
                }
                show(VisibleNode::Text(name));
            }
            BlockPart::Text(text) => show(VisibleNode::Text(text)),
            BlockPart::Embed(url, is_shown) => {
                let words = [Inline::Text(url.clone())];
                show(VisibleNode::Link { url: &Phrase::plain(url.as_str()), words: &words });
                if is_shown {
                    show(VisibleNode::Text(url));
                }
            }
            BlockPart::Code(text) | BlockPart::Math(text) => show(VisibleNode::Verbatim(text)),
            BlockPart::Html(markup) => words(&html::plain(markup), show),
            BlockPart::Mjml(_) => {}
        }
        show(VisibleNode::Break);
    });
}

fn words(words: &[Inline], show: &mut dyn FnMut(VisibleNode<'_>)) {
    each_inline(words, &mut |word| match word {
        Inline::Text(text) => show(VisibleNode::Text(text)),
        Inline::Code(text) | Inline::Math(text) => show(VisibleNode::Verbatim(text)),
        Inline::Link { url, content, .. } => show(VisibleNode::Link { url, words: content }),
        Inline::Image(image) => show(VisibleNode::Image(image)),
        Inline::LineBreak | Inline::SoftBreak => show(VisibleNode::Text("\n")),
        Inline::Footnote(number) => show(VisibleNode::Footnote(*number)),
        Inline::Emphasis(_) | Inline::Strong(_) | Inline::Strikethrough(_) => {}
        Inline::Html(_) | Inline::Placeholder(_) => {}
    });
}

/// Every block, those within blocks too, in reading order.
pub(super) fn each_block_mut(blocks: &mut [Block], f: &mut dyn FnMut(&mut Block)) {
    for block in blocks {
        f(block);
        block.parts_mut(&mut |part| {
            if let BlockPartMut::Blocks(inner) = part {
                each_block_mut(inner, f);
            }
        });
    }
}

/// Every run of words in a block, in reading order.
pub(super) fn each_words_mut(block: &mut Block, f: &mut dyn FnMut(&mut Inlines)) {
    block.parts_mut(&mut |part| match part {
        BlockPartMut::Words(words) | BlockPartMut::Link(_, words) | BlockPartMut::Repeated(words) => f(words),
        BlockPartMut::Blocks(inner) => inner.iter_mut().for_each(|block| each_words_mut(block, f)),
        _ => {}
    });
}

/// Every inline, those within marks too.
pub(super) fn each_inline_mut(words: &mut Inlines, f: &mut dyn FnMut(&mut Inline)) {
    for word in words {
        f(word);
        if let Some(content) = word.content_mut() {
            each_inline_mut(content, f);
        }
    }
}

/// Whether a phrase has a placeholder.
pub(super) fn is_open(phrase: &Phrase) -> bool {
    phrase.0.iter().any(|part| matches!(part, Part::Open(_)))
}
