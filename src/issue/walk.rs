//! Walks over a document in reading order.

use super::document::{Block, BlockKind, Button, Document, Figure, Image, Inline, Inlines};
use super::{Part, Phrase, html};

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
                links.push((url.to_string(), super::inline::plain(words).to_string()));
            }
        });
        links
    }

    /// Every heading: level, anchor, words.
    pub fn headings(&self) -> Vec<(u8, String, String)> {
        let mut headings = Vec::new();
        self.visit(&mut |shown| {
            if let VisibleNode::Heading { level, anchor, words } = shown {
                headings.push((level, anchor.to_owned(), super::inline::plain(words).to_string()));
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

fn line(words: &[Inline], show: &mut dyn FnMut(VisibleNode<'_>)) {
    self::words(words, show);
    show(VisibleNode::Break);
}

fn optional(words: Option<&Inlines>, show: &mut dyn FnMut(VisibleNode<'_>)) {
    if let Some(words) = words {
        line(words, show);
    }
}

fn text_line(text: Option<&String>, show: &mut dyn FnMut(VisibleNode<'_>)) {
    if let Some(text) = text {
        show(VisibleNode::Text(text));
        show(VisibleNode::Break);
    }
}

fn buttons(buttons: &[Button], show: &mut dyn FnMut(VisibleNode<'_>)) {
    for button in buttons {
        show(VisibleNode::Link { url: &button.url, words: &button.label });
        line(&button.label, show);
    }
}

fn figure(figure: &Figure, show: &mut dyn FnMut(VisibleNode<'_>)) {
    if let Some(url) = &figure.link {
        show(VisibleNode::Link { url, words: &[] });
    }
    show(VisibleNode::Image(&figure.image));
    show(VisibleNode::Break);
    optional(figure.caption.as_ref(), show);
    optional(figure.credit.as_ref(), show);
}

fn address(url: &str, show: &mut dyn FnMut(VisibleNode<'_>)) {
    show(VisibleNode::Link { url: &Phrase::plain(url), words: &[Inline::Text(url.to_owned())] });
}

fn block(block: &Block, show: &mut dyn FnMut(VisibleNode<'_>)) {
    match &block.kind {
        BlockKind::Heading { level, anchor, content } => {
            show(VisibleNode::Heading { level: *level, anchor, words: content });
            words(content, show);
        }
        BlockKind::Paragraph(content) => words(content, show),
        BlockKind::List { items, .. } => items.iter().for_each(|item| blocks(&item.blocks, show)),
        BlockKind::Quote(quote) | BlockKind::PullQuote(quote) => {
            blocks(&quote.blocks, show);
            optional(quote.by.as_ref(), show);
        }
        BlockKind::Alert { title, blocks, .. } => {
            optional(title.as_ref(), show);
            self::blocks(blocks, show);
        }
        BlockKind::Figure(inner) => figure(inner, show),
        BlockKind::Gallery(figures) => figures.iter().for_each(|inner| figure(inner, show)),
        BlockKind::Columns(columns) => columns.iter().for_each(|column| blocks(column, show)),
        BlockKind::Card(card) => {
            show(VisibleNode::Link { url: &card.url, words: &card.title });
            if let Some(image) = &card.image {
                show(VisibleNode::Image(image));
            }
            line(&card.title, show);
            blocks(&card.blocks, show);
        }
        BlockKind::Video(video) => {
            address(&video.url, show);
            if let Some(image) = &video.still {
                show(VisibleNode::Image(image));
            }
            match &video.title {
                Some(title) => show(VisibleNode::Text(title)),
                None => show(VisibleNode::Text(&video.url)),
            }
            show(VisibleNode::Break);
            optional(video.caption.as_ref(), show);
        }
        BlockKind::Post(post) => {
            address(&post.url, show);
            if post.blocks.is_empty() {
                show(VisibleNode::Text(&post.url));
                show(VisibleNode::Break);
            }
            text_line(post.author.as_ref(), show);
            text_line(post.handle.as_ref(), show);
            blocks(&post.blocks, show);
            if let Some(image) = &post.image {
                show(VisibleNode::Image(image));
            }
            text_line(post.date.as_ref(), show);
        }
        BlockKind::Resources(resources) => {
            for resource in resources {
                show(VisibleNode::Link { url: &resource.url, words: &resource.title });
                text_line(resource.kind.as_ref(), show);
                line(&resource.title, show);
                line(&resource.blurb, show);
            }
        }
        BlockKind::Table { head, rows, .. } => {
            head.iter().for_each(|cell| line(cell, show));
            rows.iter().flatten().for_each(|cell| line(cell, show));
        }
        BlockKind::Code { text, .. } | BlockKind::Math(text) => show(VisibleNode::Verbatim(text)),
        BlockKind::Definitions(definitions) => {
            for definition in definitions {
                line(&definition.term, show);
                definition.meanings.iter().for_each(|meaning| blocks(meaning, show));
            }
        }
        BlockKind::Divider | BlockKind::Mjml(_) => {}
        BlockKind::Buttons(row) => buttons(row, show),
        BlockKind::Sponsor { label, blocks } => {
            text_line(label.as_ref(), show);
            self::blocks(blocks, show);
        }
        BlockKind::Poll { question, answers } => {
            line(question, show);
            buttons(answers, show);
        }
        BlockKind::Share { blocks, links } => {
            self::blocks(blocks, show);
            buttons(links, show);
        }
        BlockKind::Contents { title, entries, .. } => {
            optional(title.as_ref(), show);
            entries.iter().for_each(|entry| line(&entry.content, show));
        }
        BlockKind::PostScript(inner) | BlockKind::Signature(inner) => blocks(inner, show),
        BlockKind::Author { name, picture, url, blocks } => {
            if let Some(url) = url {
                show(VisibleNode::Link { url, words: &[Inline::Text(name.clone())] });
            }
            if let Some(image) = picture {
                show(VisibleNode::Image(image));
            }
            show(VisibleNode::Text(name));
            show(VisibleNode::Break);
            self::blocks(blocks, show);
        }
        BlockKind::Html(phrase) => words(&html::plain(phrase), show),
    }
}

fn words(words: &[Inline], show: &mut dyn FnMut(VisibleNode<'_>)) {
    for word in words {
        match word {
            Inline::Text(text) => show(VisibleNode::Text(text)),
            Inline::Code(text) | Inline::Math(text) => show(VisibleNode::Verbatim(text)),
            Inline::Emphasis(inner) | Inline::Strong(inner) | Inline::Strikethrough(inner) => {
                self::words(inner, show)
            }
            Inline::Link { url, content, .. } => {
                show(VisibleNode::Link { url, words: content });
                self::words(content, show);
            }
            Inline::Image(image) => show(VisibleNode::Image(image)),
            Inline::LineBreak | Inline::SoftBreak => show(VisibleNode::Text("\n")),
            Inline::Footnote(number) => show(VisibleNode::Footnote(*number)),
            Inline::Html(_) | Inline::Placeholder(_) => {}
        }
    }
}

/// Every block, those within blocks too, in reading order.
pub(super) fn each_block_mut(blocks: &mut [Block], f: &mut dyn FnMut(&mut Block)) {
    for block in blocks {
        f(block);
        match &mut block.kind {
            BlockKind::List { items, .. } => {
                items.iter_mut().for_each(|item| each_block_mut(&mut item.blocks, f))
            }
            BlockKind::Quote(quote) | BlockKind::PullQuote(quote) => each_block_mut(&mut quote.blocks, f),
            BlockKind::Columns(columns) => columns.iter_mut().for_each(|column| each_block_mut(column, f)),
            BlockKind::Definitions(definitions) => {
                definitions.iter_mut().flat_map(|definition| &mut definition.meanings).for_each(|meaning| {
                    each_block_mut(meaning, f);
                });
            }
            BlockKind::Alert { blocks, .. }
            | BlockKind::Sponsor { blocks, .. }
            | BlockKind::Share { blocks, .. }
            | BlockKind::PostScript(blocks)
            | BlockKind::Signature(blocks)
            | BlockKind::Author { blocks, .. } => each_block_mut(blocks, f),
            BlockKind::Card(card) => each_block_mut(&mut card.blocks, f),
            BlockKind::Post(post) => each_block_mut(&mut post.blocks, f),
            BlockKind::Heading { .. }
            | BlockKind::Paragraph(_)
            | BlockKind::Figure(_)
            | BlockKind::Gallery(_)
            | BlockKind::Video(_)
            | BlockKind::Resources(_)
            | BlockKind::Table { .. }
            | BlockKind::Code { .. }
            | BlockKind::Math(_)
            | BlockKind::Divider
            | BlockKind::Buttons(_)
            | BlockKind::Poll { .. }
            | BlockKind::Contents { .. }
            | BlockKind::Html(_)
            | BlockKind::Mjml(_) => {}
        }
    }
}

/// Every run of words in a block, in reading order.
pub(super) fn each_words_mut(block: &mut Block, f: &mut dyn FnMut(&mut Inlines)) {
    let within = |blocks: &mut Vec<Block>, f: &mut dyn FnMut(&mut Inlines)| {
        blocks.iter_mut().for_each(|block| each_words_mut(block, f));
    };
    match &mut block.kind {
        BlockKind::Heading { content, .. } | BlockKind::Paragraph(content) => f(content),
        BlockKind::List { items, .. } => items.iter_mut().for_each(|item| within(&mut item.blocks, f)),
        BlockKind::Quote(quote) | BlockKind::PullQuote(quote) => {
            within(&mut quote.blocks, f);
            quote.by.iter_mut().for_each(f);
        }
        BlockKind::Alert { title, blocks, .. } => {
            title.iter_mut().for_each(&mut *f);
            within(blocks, f);
        }
        BlockKind::Figure(figure) => figure.caption.iter_mut().chain(&mut figure.credit).for_each(f),
        BlockKind::Gallery(figures) => {
            figures
                .iter_mut()
                .for_each(|figure| figure.caption.iter_mut().chain(&mut figure.credit).for_each(&mut *f));
        }
        BlockKind::Columns(columns) => columns.iter_mut().for_each(|column| within(column, f)),
        BlockKind::Card(card) => {
            f(&mut card.title);
            within(&mut card.blocks, f);
        }
        BlockKind::Video(video) => video.caption.iter_mut().for_each(f),
        BlockKind::Post(post) => within(&mut post.blocks, f),
        BlockKind::Resources(resources) => resources.iter_mut().for_each(|resource| {
            f(&mut resource.title);
            f(&mut resource.blurb);
        }),
        BlockKind::Table { head, rows, .. } => head.iter_mut().chain(rows.iter_mut().flatten()).for_each(f),
        BlockKind::Definitions(definitions) => definitions.iter_mut().for_each(|definition| {
            f(&mut definition.term);
            definition.meanings.iter_mut().for_each(|meaning| within(meaning, f));
        }),
        BlockKind::Buttons(buttons) => buttons.iter_mut().for_each(|button| f(&mut button.label)),
        BlockKind::Poll { question, answers } => {
            f(question);
            answers.iter_mut().for_each(|answer| f(&mut answer.label));
        }
        BlockKind::Share { blocks, links } => {
            within(blocks, f);
            links.iter_mut().for_each(|link| f(&mut link.label));
        }
        BlockKind::Contents { title, entries, .. } => {
            title.iter_mut().for_each(&mut *f);
            entries.iter_mut().for_each(|entry| f(&mut entry.content));
        }
        BlockKind::Sponsor { blocks, .. }
        | BlockKind::PostScript(blocks)
        | BlockKind::Signature(blocks)
        | BlockKind::Author { blocks, .. } => within(blocks, f),
        BlockKind::Code { .. }
        | BlockKind::Math(_)
        | BlockKind::Divider
        | BlockKind::Html(_)
        | BlockKind::Mjml(_) => {}
    }
}

/// Every inline, those within marks too.
pub(super) fn each_inline_mut(words: &mut Inlines, f: &mut dyn FnMut(&mut Inline)) {
    for word in words {
        f(word);
        match word {
            Inline::Emphasis(inner)
            | Inline::Strong(inner)
            | Inline::Strikethrough(inner)
            | Inline::Link { content: inner, .. } => each_inline_mut(inner, f),
            _ => {}
        }
    }
}

/// Whether a phrase has a placeholder.
pub(super) fn is_open(phrase: &Phrase) -> bool {
    phrase.0.iter().any(|part| matches!(part, Part::Open(_)))
}
