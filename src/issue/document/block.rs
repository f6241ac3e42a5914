//! The kinds of blocks, and what each is made of.

use super::{
    inline::{Image, Inlines},
    items::{AlertKind, Alignment, Button, ContentsEntry, Figure, Resource, Video},
};
use crate::{issue::placeholder::Phrase, source::Span};

/// A block and where it is in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// From its first to its last byte.
    pub span: Span,
    /// What it is.
    pub kind: BlockKind,
}

/// The kinds of blocks.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BlockKind {
    /// `## Heading {#anchor}`
    Heading {
        /// 1 to 6.
        level: u8,
        /// Unique in the document; from the text when not given.
        anchor: String,
        /// The words.
        content: Inlines,
    },
    /// A paragraph.
    Paragraph(Inlines),
    /// A bulleted or numbered list.
    List {
        /// The first number, for a numbered list.
        start: Option<u64>,
        /// Items without space between them.
        tight: bool,
        /// The items.
        items: Vec<Item>,
    },
    /// `> quoted`
    Quote(Quote),
    /// `::: pullquote`: words of the letter itself, set large.
    PullQuote(Quote),
    /// `> [!NOTE]` and `::: callout`
    Alert {
        /// Its color and its label.
        kind: AlertKind,
        /// The author's own title.
        title: Option<Inlines>,
        /// The text.
        blocks: Vec<Block>,
    },
    /// An image alone in its paragraph, or `::: figure`.
    Figure(Figure),
    /// `::: gallery`: pictures side by side, stacked on a phone.
    Gallery(Vec<Figure>),
    /// `::: columns`, each `::: column`: side by side, stacked on a phone.
    Columns(Vec<Vec<Block>>),
    /// `::: card`: a link with picture, title and blurb.
    Card(Card),
    /// A bare video URL alone in its paragraph, or `::: video`.
    Video(Video),
    /// A bare post URL alone in its paragraph, or `::: post`.
    Post(Post),
    /// `::: resources` around a list of links: link, blurb, kind.
    Resources(Vec<Resource>),
    /// A table.
    Table {
        /// One entry a column.
        alignments: Vec<Alignment>,
        /// The header row.
        head: Vec<Inlines>,
        /// The other rows.
        rows: Vec<Vec<Inlines>>,
    },
    /// A code block. Never filled.
    Code {
        /// The first word behind the fence.
        language: Option<String>,
        /// The lines, each with its `\n`.
        text: String,
    },
    /// `$$ … $$`, or a `math` fence: TeX.
    Math(String),
    /// Term and explanations.
    Definitions(Vec<Definition>),
    /// `---`
    Divider,
    /// A link with the title "button" (or the class `.button`) alone in its paragraph, or several; `::: buttons`.
    Buttons(Vec<Button>),
    /// `::: sponsor "Acme"`: a paid slot that says so.
    Sponsor {
        /// The label's own words; the design has words for none.
        label: Option<String>,
        /// The text.
        blocks: Vec<Block>,
    },
    /// `::: poll`: a question and links as answers.
    Poll {
        /// What is asked.
        question: Inlines,
        /// The answers, each a link.
        answers: Vec<Button>,
    },
    /// `::: share`: a call to pass the letter on.
    Share {
        /// The call's own words.
        blocks: Vec<Block>,
        /// Links, each to a place where it can be shared.
        links: Vec<Button>,
    },
    /// `::: toc`: the contents, made from the headings.
    Contents {
        /// For example "This week on Gradient Ascent".
        title: Option<Inlines>,
        /// Headings deeper than this are left out.
        depth: u8,
        /// The entries, in reading order.
        entries: Vec<ContentsEntry>,
    },
    /// `::: ps`, or a paragraph that begins with "P.S.".
    PostScript(Vec<Block>),
    /// `::: signature`: the sign-off.
    Signature(Vec<Block>),
    /// `::: author`: who wrote this.
    Author {
        /// The name.
        name: String,
        /// A portrait.
        picture: Option<Image>,
        /// Where to find more.
        url: Option<Phrase>,
        /// A few words.
        blocks: Vec<Block>,
    },
    /// Raw HTML, already through the allow-list: well-formed, attributes in double quotes. Placeholders are
    /// between tags or inside the value of `href`, `src`, `alt` or `title`.
    Html(Phrase),
    /// A `mjml` fence.
    Mjml(String),
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// `[x]` or `[ ]`, for a task.
    pub done: Option<bool>,
    /// What it holds.
    pub blocks: Vec<Block>,
}

/// Quoted words.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    /// The words.
    pub blocks: Vec<Block>,
    /// Whose (a last paragraph that begins with a dash).
    pub by: Option<Inlines>,
}

/// A link set as a card.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Where a click leads.
    pub url: Phrase,
    /// The headline.
    pub title: Inlines,
    /// Its picture.
    pub image: Option<Image>,
    /// The blurb.
    pub blocks: Vec<Block>,
}

/// A post on a social network, shown as a card that links to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// Its address.
    pub url: String,
    /// Who wrote it; may come from the file stored beside the issue.
    pub author: Option<String>,
    /// `@handle`
    pub handle: Option<String>,
    /// When, in words.
    pub date: Option<String>,
    /// The words.
    pub blocks: Vec<Block>,
    /// A picture in it.
    pub image: Option<Image>,
}

/// A term and what it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The term.
    pub term: Inlines,
    /// Its explanations.
    pub meanings: Vec<Vec<Block>>,
}

/// What blocks are made of is written down once, here, for readers and for writers of the tree: `$mut` is empty or
/// `mut`, and match ergonomics do the rest. A new kind of block is added to this match, and every walk knows it.
macro_rules! block_parts {
    ($(#[$docs:meta])* $part:ident, $parts:ident, $option:ident $(, $mut:tt)?) => {
        $(#[$docs])*
        #[derive(Debug)]
        pub enum $part<'a> {
            /// Words with marks.
            Words(&'a $($mut)? Inlines),
            /// Words that are a link as a whole: of a button, a card, a resource.
            Link(&'a $($mut)? Phrase, &'a $($mut)? Inlines),
            /// Words that are elsewhere in the document already: entries of generated contents.
            Repeated(&'a $($mut)? Inlines),
            /// A picture, and where a click on it leads.
            Image(&'a $($mut)? Image, Option<&'a $($mut)? Phrase>),
            /// A name, and where a click on it leads.
            Name(&'a $($mut)? String, Option<&'a $($mut)? Phrase>),
            /// Other text without marks.
            Text(&'a $($mut)? String),
            /// The address of a video or a post, and whether readers see the address itself.
            Embed(&'a $($mut)? String, bool),
            /// The text of a block of code.
            Code(&'a $($mut)? String),
            /// TeX.
            Math(&'a $($mut)? String),
            /// Raw HTML.
            Html(&'a $($mut)? Phrase),
            /// MJML.
            Mjml(&'a $($mut)? String),
            /// Blocks within the block.
            Blocks(&'a $($mut)? Vec<Block>),
        }

        impl Block {
            /// Calls `f` with each part of the block in reading order; blocks within it are one part, not entered.
            pub fn $parts<'a>(&'a $($mut)? self, f: &mut dyn FnMut($part<'a>)) {
                match &$($mut)? self.kind {
                    BlockKind::Heading { content, .. } | BlockKind::Paragraph(content) => f($part::Words(content)),
                    BlockKind::List { items, .. } => {
                        for Item { blocks, .. } in items { f($part::Blocks(blocks)) }
                    }
                    BlockKind::Quote(quote) | BlockKind::PullQuote(quote) => quote.$parts(f),
                    BlockKind::Alert { title, blocks, .. } => {
                        if let Some(title) = title { f($part::Words(title)) }
                        f($part::Blocks(blocks));
                    }
                    BlockKind::Figure(figure) => figure.$parts(f),
                    BlockKind::Gallery(figures) => {
                        for figure in figures { figure.$parts(f) }
                    }
                    BlockKind::Columns(columns) => {
                        for blocks in columns { f($part::Blocks(blocks)) }
                    }
                    BlockKind::Card(card) => card.$parts(f),
                    BlockKind::Video(video) => video.$parts(f),
                    BlockKind::Post(post) => post.$parts(f),
                    BlockKind::Resources(resources) => {
                        for resource in resources { resource.$parts(f) }
                    }
                    BlockKind::Table { head, rows, .. } => {
                        for cell in head { f($part::Words(cell)) }
                        for row in rows {
                            for cell in row { f($part::Words(cell)) }
                        }
                    }
                    BlockKind::Code { text, .. } => f($part::Code(text)),
                    BlockKind::Math(tex) => f($part::Math(tex)),
                    BlockKind::Definitions(definitions) => {
                        for definition in definitions { definition.$parts(f) }
                    }
                    BlockKind::Divider => {}
                    BlockKind::Sponsor { label, blocks } => {
                        if let Some(label) = label { f($part::Text(label)) }
                        f($part::Blocks(blocks));
                    }
                    BlockKind::Buttons(buttons) => {
                        for button in buttons { button.$parts(f) }
                    }
                    BlockKind::Poll { question, answers } => {
                        f($part::Words(question));
                        for answer in answers { answer.$parts(f) }
                    }
                    BlockKind::Share { blocks, links } => {
                        f($part::Blocks(blocks));
                        for link in links { link.$parts(f) }
                    }
                    BlockKind::Contents { title, entries, .. } => {
                        if let Some(title) = title { f($part::Words(title)) }
                        for entry in entries { entry.$parts(f) }
                    }
                    BlockKind::PostScript(blocks) | BlockKind::Signature(blocks) => f($part::Blocks(blocks)),
                    BlockKind::Author { name, picture, url, blocks } => {
                        if let Some(picture) = picture { f($part::Image(picture, None)) }
                        f($part::Name(name, url.$option()));
                        f($part::Blocks(blocks));
                    }
                    BlockKind::Html(markup) => f($part::Html(markup)),
                    BlockKind::Mjml(markup) => f($part::Mjml(markup)),
                }
            }
        }

        impl Quote {
            fn $parts<'a>(&'a $($mut)? self, f: &mut dyn FnMut($part<'a>)) {
                let Self { blocks, by } = self;
                f($part::Blocks(blocks));
                if let Some(by) = by { f($part::Words(by)) }
            }
        }

        impl Figure {
            fn $parts<'a>(&'a $($mut)? self, f: &mut dyn FnMut($part<'a>)) {
                let Self { image, caption, credit, link } = self;
                f($part::Image(image, link.$option()));
                for words in [caption, credit] {
                    if let Some(words) = words { f($part::Words(words)) }
                }
            }
        }

        impl Card {
            fn $parts<'a>(&'a $($mut)? self, f: &mut dyn FnMut($part<'a>)) {
                let Self { url, title, image, blocks } = self;
                if let Some(image) = image { f($part::Image(image, None)) }
                f($part::Link(url, title));
                f($part::Blocks(blocks));
            }
        }

        impl Video {
            fn $parts<'a>(&'a $($mut)? self, f: &mut dyn FnMut($part<'a>)) {
                let Self { url, title, still, caption } = self;
                f($part::Embed(url, title.is_none()));
                if let Some(still) = still { f($part::Image(still, None)) }
                if let Some(title) = title { f($part::Text(title)) }
                if let Some(caption) = caption { f($part::Words(caption)) }
            }
        }

        impl Post {
            fn $parts<'a>(&'a $($mut)? self, f: &mut dyn FnMut($part<'a>)) {
                let Self { url, author, handle, date, blocks, image } = self;
                f($part::Embed(url, blocks.is_empty()));
                for text in [author, handle] {
                    if let Some(text) = text { f($part::Text(text)) }
                }
                f($part::Blocks(blocks));
                if let Some(image) = image { f($part::Image(image, None)) }
                if let Some(date) = date { f($part::Text(date)) }
            }
        }

        impl Resource {
            fn $parts<'a>(&'a $($mut)? self, f: &mut dyn FnMut($part<'a>)) {
                let Self { url, title, kind, blurb } = self;
                if let Some(kind) = kind { f($part::Text(kind)) }
                f($part::Link(url, title));
                f($part::Words(blurb));
            }
        }

        impl Button {
            fn $parts<'a>(&'a $($mut)? self, f: &mut dyn FnMut($part<'a>)) {
                let Self { url, label, .. } = self;
                f($part::Link(url, label));
            }
        }

        impl Definition {
            fn $parts<'a>(&'a $($mut)? self, f: &mut dyn FnMut($part<'a>)) {
                let Self { term, meanings } = self;
                f($part::Words(term));
                for blocks in meanings { f($part::Blocks(blocks)) }
            }
        }

        impl ContentsEntry {
            fn $parts<'a>(&'a $($mut)? self, f: &mut dyn FnMut($part<'a>)) {
                let Self { anchor, content, .. } = self;
                f(match anchor {
                    Some(_) => $part::Repeated(content),
                    None => $part::Words(content),
                });
            }
        }
    };
}

block_parts!(
    /// One of the things that a block is made of; see [`Block::parts`].
    BlockPart, parts, as_ref
);
block_parts!(
    /// One of the things that a block is made of, to change it; see [`Block::parts_mut`].
    BlockPartMut, parts_mut, as_mut, mut
);
