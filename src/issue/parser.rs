//! Markdown's events become blocks. Everything that is masked for Markdown comes back here.

mod frame;

use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};

use super::{
    container,
    context::Context,
    convention,
    document::{Block, BlockKind, Definition},
    html,
    inline::{Run, add_credits},
    leftover,
    masking::MaskedText,
    node::Node,
    reference,
};
use crate::source::Span;
use frame::{Frame, FrameKind};

/// Reads a stretch of the file as blocks.
pub(super) fn blocks(context: &mut Context<'_>, span: Span) -> Vec<Block> {
    let masked = context.mask(span.clone(), true);
    let mut broken = Vec::new();
    let mut parser = Parser {
        context: &mut *context,
        masked: &masked,
        frames: vec![Frame::new(FrameKind::Root, span)],
        run: None,
        leaf: Leaf::None,
    };
    for (event, range) in reference::parser(&masked.text, &mut broken).into_offset_iter() {
        let span = masked.base + range.start..masked.base + range.end;
        parser.event(masked.swaps.event(event), span);
    }
    parser.finish_run();
    let nodes = parser.frames.pop().map(|frame| frame.nodes).unwrap_or_default();
    reference::report(context, broken, masked.base);
    container::resolve(context, nodes, &masked).into_iter().map(|(block, _)| block).collect()
}

/// Reads one text's events.
struct Parser<'p, 'a> {
    context: &'p mut Context<'a>,
    masked: &'p MaskedText,
    frames: Vec<Frame>,
    /// The words that are being read.
    run: Option<Run>,
    leaf: Leaf,
}

/// A block that holds no other, while it is read.
enum Leaf {
    None,
    Heading {
        anchor: String,
    },
    Code {
        language: Option<String>,
        fenced: bool,
        text: String,
    },
    Html {
        text: String,
        /// Where the lines of the text are in the file.
        places: Vec<(usize, usize)>,
    },
}

impl Parser<'_, '_> {
    fn event(&mut self, event: Event<'_>, span: Span) {
        match event {
            Event::Start(tag) => self.start(tag, span),
            Event::End(tag) => self.end(tag, span),
            Event::Rule => {
                self.finish_run();
                let node = match self.masked.marker_in(&span) {
                    Some(marker) => Node::Marker(marker),
                    None => Node::Block(Block { span, kind: BlockKind::Divider }, 0),
                };
                self.push(node);
            }
            Event::Html(text) => self.leaf_text(&text, &span),
            Event::Text(text) if matches!(self.leaf, Leaf::Code { .. } | Leaf::Html { .. }) => {
                self.leaf_text(&text, &span);
            }
            Event::TaskListMarker(is_done) => {
                let items = self.frames.iter_mut().rev().map(|frame| &mut frame.kind);
                let done = items
                    .filter_map(|kind| if let FrameKind::Item { done } = kind { Some(done) } else { None });
                if let Some(done) = done.into_iter().next() {
                    *done = Some(is_done);
                }
            }
            event => {
                // Words outside a paragraph (in a tight item) begin one.
                let run = self.run.get_or_insert_with(|| Run::new(span.clone(), true));
                run.event(self.context, event, span, self.masked);
            }
        }
    }

    /// Code and raw HTML: nothing is replaced in them.
    fn leaf_text(&mut self, text: &str, span: &Span) {
        let original = self.original(text, span);
        match &mut self.leaf {
            Leaf::Code { text: out, .. } => out.push_str(&original),
            Leaf::Html { text: out, places } => {
                places.push((out.len(), span.start));
                out.push_str(&original);
            }
            Leaf::None | Leaf::Heading { .. } => {}
        }
    }

    /// The author's own spelling of text in which nothing is replaced.
    fn original(&self, text: &str, span: &Span) -> String {
        if !self.masked.masks(span) {
            text.to_owned()
        } else if text.len() == span.len() {
            self.context.text(span).to_owned()
        } else {
            self.literal(text)
        }
    }

    fn literal(&self, text: &str) -> String {
        self.masked.literal(text, self.context.source)
    }

    fn start(&mut self, tag: Tag<'_>, span: Span) {
        if is_mark(&tag) {
            let run = self.run.get_or_insert_with(|| Run::new(span.clone(), true));
            return run.start(self.context, &tag, span, self.masked);
        }
        if matches!(tag, Tag::TableHead | Tag::TableRow | Tag::MetadataBlock(_)) {
            return;
        }
        self.finish_run();
        match tag {
            Tag::Paragraph => {
                if let [.., list, item] = self.frames.as_mut_slice()
                    && let (FrameKind::List { tight, .. }, FrameKind::Item { .. }) =
                        (&mut list.kind, &item.kind)
                {
                    *tight = false;
                }
                self.run = Some(Run::new(span, false));
            }
            Tag::Heading { id, .. } => {
                let anchor = id.map(|id| self.literal(&id)).unwrap_or_default();
                self.leaf = Leaf::Heading { anchor };
                self.run = Some(Run::new(span, false));
            }
            Tag::TableCell | Tag::DefinitionListTitle => self.run = Some(Run::new(span, false)),
            Tag::CodeBlock(kind) => {
                let (language, fenced) = match kind {
                    CodeBlockKind::Indented => (None, false),
                    CodeBlockKind::Fenced(info) => {
                        let info = self.literal(&info);
                        let word = info.split([' ', '\t', ',', '{']).next().filter(|word| !word.is_empty());
                        (word.map(str::to_owned), true)
                    }
                };
                self.leaf = Leaf::Code { language, fenced, text: String::new() };
            }
            Tag::HtmlBlock => self.leaf = Leaf::Html { text: String::new(), places: Vec::new() },
            tag => {
                if let Some(kind) = FrameKind::of(tag) {
                    self.frames.push(Frame::new(kind, span));
                }
            }
        }
    }

    fn end(&mut self, tag: TagEnd, span: Span) {
        match tag {
            TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link
            | TagEnd::Image => {
                if let Some(run) = &mut self.run {
                    run.end(self.context, self.masked);
                }
            }
            TagEnd::Paragraph => self.finish_run(),
            TagEnd::TableCell => {
                let Some(run) = self.run.take() else { return };
                let cell = run.finish(self.context, self.masked);
                if let FrameKind::Table { row, .. } = &mut self.top().kind {
                    row.push(cell);
                }
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                if let FrameKind::Table { head, rows, row, .. } = &mut self.top().kind {
                    let row = std::mem::take(row);
                    if tag == TagEnd::TableHead { *head = row } else { rows.push(row) }
                }
            }
            TagEnd::DefinitionListTitle => {
                let Some(run) = self.run.take() else { return };
                let term = run.finish(self.context, self.masked);
                if let FrameKind::Definitions { definitions, .. } = &mut self.top().kind {
                    definitions.push(Definition { term, meanings: Vec::new() });
                }
            }
            TagEnd::Heading(level) => self.end_leaf(Some(level as u8), span),
            TagEnd::CodeBlock | TagEnd::HtmlBlock => self.end_leaf(None, span),
            TagEnd::MetadataBlock(_) => {}
            _ => self.end_frame(),
        }
    }

    /// A heading, a block of code or one of raw HTML ends.
    fn end_leaf(&mut self, level: Option<u8>, span: Span) {
        let kind = match std::mem::replace(&mut self.leaf, Leaf::None) {
            Leaf::None => return,
            Leaf::Heading { anchor } => {
                let (Some(run), Some(level)) = (self.run.take(), level) else { return };
                let content = run.finish(self.context, self.masked);
                BlockKind::Heading { level, anchor, content }
            }
            Leaf::Code { language, fenced, text } => {
                if fenced {
                    leftover::fence(self.context, &span);
                }
                match language.as_deref() {
                    Some("mjml") if fenced => BlockKind::Mjml(text),
                    Some("math") if fenced => BlockKind::Math(text),
                    _ => BlockKind::Code { language, text },
                }
            }
            Leaf::Html { text, places } => match html::block(self.context, &text, &places, &span) {
                Some(kind) => kind,
                None => return,
            },
        };
        self.push(Node::Block(Block { span, kind }, 0));
    }

    fn end_frame(&mut self) {
        self.finish_run();
        let Some(Frame { kind, span, nodes }) = self.frames.pop() else { return };
        let blocks = container::resolve(self.context, nodes, self.masked);
        let parent = self.frames.last_mut().expect(ROOT);
        parent.close(self.context, kind, span, blocks);
    }

    /// Ends the words that are being read; words in a tight item are a paragraph too.
    fn finish_run(&mut self) {
        let Some(run) = self.run.take() else { return };
        let (span, implicit) = (run.span(), run.implicit);
        let words = run.finish(self.context, self.masked);
        if words.is_empty() {
            return;
        }
        leftover::paragraph(self.context, &span);
        let mut kind = match implicit {
            true => BlockKind::Paragraph(words),
            false => convention::paragraph(self.context, words, &span),
        };
        add_credits(self.context, &mut kind);
        let height = usize::from(matches!(kind, BlockKind::PostScript(_)));
        self.push(Node::Block(Block { span, kind }, height));
    }

    fn top(&mut self) -> &mut Frame {
        self.frames.last_mut().expect(ROOT)
    }

    fn push(&mut self, node: Node) {
        self.top().push(node);
    }
}

const ROOT: &str = "the root frame is popped only behind the last event";

/// Whether a tag is a mark among words.
fn is_mark(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::Link { .. }
            | Tag::Image { .. }
    )
}
