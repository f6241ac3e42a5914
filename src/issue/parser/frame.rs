//! Blocks that hold other blocks, while they are open: quotes, lists, notes, definitions, tables.

use pulldown_cmark::{Alignment as Aligned, BlockQuoteKind, Tag};

use crate::{
    issue::{
        context::Context,
        convention,
        document::{AlertKind, Alignment, Block, BlockKind, Definition, Footnote, Inlines, Item},
        node::Node,
    },
    source::Span,
};

/// A block whose end has not been found yet.
pub(super) struct Frame {
    pub(super) kind: FrameKind,
    pub(super) span: Span,
    pub(super) nodes: Vec<Node>,
}

pub(super) enum FrameKind {
    Root,
    Quote(Option<AlertKind>),
    List { start: Option<u64>, tight: bool, items: Vec<Item>, height: usize },
    Item { done: Option<bool> },
    Note(String),
    Definitions { definitions: Vec<Definition>, height: usize },
    Meaning,
    Table { alignments: Vec<Alignment>, head: Vec<Inlines>, rows: Vec<Vec<Inlines>>, row: Vec<Inlines> },
}

impl FrameKind {
    /// What a tag opens, if that holds other blocks (or rows).
    pub(super) fn of(tag: Tag<'_>) -> Option<Self> {
        Some(match tag {
            Tag::BlockQuote(kind) => Self::Quote(kind.map(|kind| match kind {
                BlockQuoteKind::Note => AlertKind::Note,
                BlockQuoteKind::Tip => AlertKind::Tip,
                BlockQuoteKind::Important => AlertKind::Important,
                BlockQuoteKind::Warning => AlertKind::Warning,
                BlockQuoteKind::Caution => AlertKind::Caution,
            })),
            Tag::List(start) => Self::List { start, tight: true, items: Vec::new(), height: 0 },
            Tag::Item => Self::Item { done: None },
            Tag::FootnoteDefinition(label) => Self::Note(label.to_string()),
            Tag::DefinitionList => Self::Definitions { definitions: Vec::new(), height: 0 },
            Tag::DefinitionListDefinition => Self::Meaning,
            Tag::Table(alignments) => Self::Table {
                alignments: alignments
                    .into_iter()
                    .map(|alignment| match alignment {
                        Aligned::None => Alignment::Start,
                        Aligned::Left => Alignment::Left,
                        Aligned::Center => Alignment::Center,
                        Aligned::Right => Alignment::Right,
                    })
                    .collect(),
                head: Vec::new(),
                rows: Vec::new(),
                row: Vec::new(),
            },
            _ => return None,
        })
    }
}

impl Frame {
    pub(super) fn new(kind: FrameKind, span: Span) -> Self {
        Self { kind, span, nodes: Vec::new() }
    }

    pub(super) fn push(&mut self, node: Node) {
        self.nodes.push(node);
    }

    fn push_block(&mut self, block: Block, height: usize) {
        self.push(Node::Block(block, height));
    }

    /// A frame of a kind that has ended becomes a block of this one, or blocks when it is nested too deeply. `blocks` is
    /// what it holds, each with its height.
    pub(super) fn close(
        &mut self,
        context: &mut Context<'_>,
        kind: FrameKind,
        span: Span,
        blocks: Vec<(Block, usize)>,
    ) {
        let inner = blocks.iter().map(|(_, height)| *height + 1).max().unwrap_or(0);
        let (kind, height) = match kind {
            FrameKind::Root => return,
            FrameKind::Quote(_) if !context.allows_height(inner, &span) => {
                blocks.into_iter().for_each(|(block, height)| self.push_block(block, height));
                return;
            }
            FrameKind::Quote(None) => (convention::quote(context, plain(blocks)), inner),
            FrameKind::Quote(Some(kind)) => {
                (BlockKind::Alert { kind, title: None, blocks: plain(blocks) }, inner)
            }
            FrameKind::List { height, items, .. } if !context.allows_height(height, &span) => {
                let blocks = items.into_iter().flat_map(|item| item.blocks);
                blocks.for_each(|block| self.push_block(block, height - 1));
                return;
            }
            FrameKind::List { start, tight, items, height } => {
                (BlockKind::List { start, tight, items }, height)
            }
            FrameKind::Definitions { definitions, height } if !context.allows_height(height, &span) => {
                return self.flatten(definitions, height, &span);
            }
            FrameKind::Definitions { definitions, height } => (BlockKind::Definitions(definitions), height),
            FrameKind::Table { alignments, head, rows, .. } => {
                (BlockKind::Table { alignments, head, rows }, 0)
            }
            FrameKind::Note(label) => {
                context.allows_height(inner, &span);
                context.notes.written.push((Footnote { label, blocks: plain(blocks) }, span));
                return;
            }
            FrameKind::Item { done } => return self.add_item(Item { done, blocks: plain(blocks) }, inner),
            FrameKind::Meaning => return self.add_meaning(plain(blocks), inner),
        };
        self.push_block(Block { span, kind }, height);
    }

    fn add_item(&mut self, item: Item, inner: usize) {
        if let FrameKind::List { items, height, .. } = &mut self.kind {
            items.push(item);
            *height = inner.max(*height);
        }
    }

    fn add_meaning(&mut self, blocks: Vec<Block>, inner: usize) {
        if let FrameKind::Definitions { definitions, height } = &mut self.kind {
            *height = inner.max(*height);
            if let Some(definition) = definitions.last_mut() {
                definition.meanings.push(blocks);
            }
        }
    }

    /// Definitions that are nested too deeply become paragraphs.
    fn flatten(&mut self, definitions: Vec<Definition>, height: usize, span: &Span) {
        for definition in definitions {
            let kind = BlockKind::Paragraph(definition.term);
            self.push_block(Block { span: span.clone(), kind }, 0);
            let meanings = definition.meanings.into_iter().flatten();
            meanings.for_each(|block| self.push_block(block, height - 1));
        }
    }
}

fn plain(blocks: Vec<(Block, usize)>) -> Vec<Block> {
    blocks.into_iter().map(|(block, _)| block).collect()
}
