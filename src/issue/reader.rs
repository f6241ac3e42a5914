//! Markdown's events become blocks. Everything that is hidden from Markdown comes back here.

use std::collections::{HashMap, HashSet};

use pulldown_cmark::{Alignment as Aligned, BlockQuoteKind, CodeBlockKind, Event, Options, Tag, TagEnd};

use super::{
    attributes::Attributes,
    container, convention,
    document::{AlertKind, Alignment, Block, BlockKind, Definition, Footnote, Inlines, Item},
    html,
    inline::Run,
    leftover,
    quotes::Quotes,
    reference,
    shield::{Loose, Piece, PieceKind, Shield, too_deep},
};
use crate::{
    issue::{Part, Phrase, Placeholder, placeholder},
    source::{Diagnostics, Source, Span},
};

/// No block has more blocks around it. Every later step recurses over the tree, so this guards its stack too.
const HEIGHT_MAX: usize = 40;

/// More problems than this are not told: nobody mends so many in one go, and each holds a line of the file.
pub(super) const TOLD_MAX: usize = 200;

/// Reads one issue's text; carries what its steps share.
pub(super) struct Reader<'a> {
    pub(super) source: &'a Source,
    pub(super) diagnostics: &'a mut Diagnostics,
    /// What was written around links and pictures, by the place where they begin.
    pub(super) extras: HashMap<usize, Extra>,
    /// The labels of notes, in order of their first mention; an [`super::document::Inline::Footnote`] holds its
    /// place here until the notes are numbered.
    pub(super) labels: Vec<String>,
    /// The place of each label among them, by its name in lower case.
    pub(super) label_places: HashMap<String, usize>,
    pub(super) notes: Vec<(Footnote, Span)>,
    /// Anchors that the author gave, by the place of their heading.
    pub(super) ids: HashMap<usize, String>,
    /// The quotation marks of the issue's language.
    pub(super) quotes: Quotes,
    told_depth: bool,
    told_loose: HashSet<usize>,
}

/// What the tree has no place for.
#[derive(Clone, Debug, Default)]
pub(super) struct Extra {
    pub(super) attributes: Attributes,
    /// A picture's title.
    pub(super) title: Option<Phrase>,
}

/// A finished block, or a container's line. The height is the number of blocks within blocks.
pub(super) enum Node {
    Block(Block, usize),
    Column(Span, Vec<Block>, usize),
    Marker(usize),
}

struct Frame {
    kind: FrameKind,
    span: Span,
    nodes: Vec<Node>,
}

enum FrameKind {
    Root,
    Quote(Option<AlertKind>),
    List { start: Option<u64>, tight: bool, items: Vec<Item>, height: usize },
    Item { done: Option<bool> },
    Note(String),
    Definitions { definitions: Vec<Definition>, height: usize },
    Meaning,
    Table { alignments: Vec<Alignment>, head: Vec<Inlines>, rows: Vec<Vec<Inlines>>, row: Vec<Inlines> },
}

/// A block that holds no other.
enum Leaf {
    None,
    Code { language: Option<String>, fenced: bool, text: String },
    Html { text: String, places: Vec<(usize, usize)> },
}

/// A walk over one text's events.
struct Walk {
    frames: Vec<Frame>,
    run: Option<Run>,
    leaf: Leaf,
}

/// The extensions, one by one: `Options::all` would choose an older footnote syntax.
fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_SMART_PUNCTUATION
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST
        | Options::ENABLE_MATH
        | Options::ENABLE_GFM
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source, diagnostics: &'a mut Diagnostics) -> Self {
        Self {
            source,
            diagnostics,
            extras: HashMap::new(),
            labels: Vec::new(),
            label_places: HashMap::new(),
            notes: Vec::new(),
            ids: HashMap::new(),
            quotes: Quotes::of("en"),
            told_depth: false,
            told_loose: HashSet::new(),
        }
    }

    /// Reads a stretch of the file as blocks.
    pub(super) fn blocks(&mut self, span: Span) -> Vec<Block> {
        let shield = Shield::new(self.source, span.clone(), true, options(), self.diagnostics);
        let nodes = self.walk(&shield, span);
        self.resolve(nodes, &shield).into_iter().map(|(block, _)| block).collect()
    }

    /// Reads a short text, such as a title in quotes, as words with marks.
    pub(super) fn words(&mut self, span: Span) -> Inlines {
        let shield = Shield::new(self.source, span.clone(), false, options(), self.diagnostics);
        let mut nodes = self.walk(&shield, span.clone());
        match (nodes.pop(), nodes.is_empty()) {
            (Some(Node::Block(Block { kind: BlockKind::Paragraph(words), .. }, _)), true) => words,
            (None, _) => Inlines::new(),
            // Words that happen to begin like a heading or a list.
            _ => self.phrase_words(&shield.swaps.text(&shield.text), &shield),
        }
    }

    fn phrase_words(&mut self, text: &str, shield: &Shield) -> Inlines {
        let phrase = self.phrase(text, shield);
        super::inline::phrase_inlines(phrase)
    }

    /// Sentinels in a text become placeholders; anything else that is hidden becomes its own words again.
    pub(super) fn phrase(&mut self, text: &str, shield: &Shield) -> Phrase {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((at, piece)) =
            rest.char_indices().find_map(|(at, c)| shield.piece(c).map(|piece| (at, piece.clone())))
        {
            literal.push_str(&rest[..at]);
            rest = rest.get(at + piece.span.len()..).unwrap_or_default();
            match self.placeholder(&piece) {
                Some(placeholder) => {
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Open(placeholder));
                }
                None => literal.push_str(&self.source.text()[piece.span]),
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Phrase(parts)
    }

    /// A hidden placeholder; `None` (and a diagnostic) when it cannot be read.
    pub(super) fn placeholder(&mut self, piece: &Piece) -> Option<Placeholder> {
        if piece.kind != PieceKind::Placeholder {
            return None;
        }
        let text = &self.source.text()[piece.span.clone()];
        let placeholder = Placeholder::parse(text, self.source, piece.span.clone(), self.diagnostics);
        self.diagnostics.truncate(TOLD_MAX);
        placeholder
    }

    /// A text that is no part of the hidden one: a stretch of raw HTML, whose places `at` knows.
    pub(super) fn text_phrase(&mut self, text: &str, at: &dyn Fn(Span) -> Span) -> Phrase {
        if !text.contains("{{") && !text.contains("{%") {
            return Phrase::plain(text);
        }
        let phrase = placeholder::phrase(text, self.source, at, self.diagnostics);
        self.diagnostics.truncate(TOLD_MAX);
        phrase
    }

    /// The value of an attribute of raw HTML.
    pub(super) fn value_phrase(&mut self, value: &str, span: Span) -> Phrase {
        Phrase::parse_value(value, self.source, span, self.diagnostics)
    }

    /// A text that cannot hold placeholders.
    pub(super) fn fixed(&mut self, text: &str, what: &str, span: Span, shield: &Shield) -> String {
        let literal = shield.literal(text, self.source);
        if literal.contains("{{") && literal != text {
            self.error(
                "M208",
                span,
                format!("a placeholder is not allowed in {what}"),
                "it is needed when the issue is built, before there is a reader; write it out",
            );
        }
        literal
    }

    /// Reports `{{` and `{%` in a stretch that turned out to be text.
    pub(super) fn report_loose(&mut self, span: &Span, shield: &Shield) {
        for (at, loose) in shield.loose_in(span) {
            if self.diagnostics.len() < TOLD_MAX && self.told_loose.insert(at) {
                self.diagnostics.push(match loose {
                    Loose::Unclosed => placeholder::unclosed(self.source, at..at + 2),
                    Loose::Statement => placeholder::statement(self.source, at..at + 2),
                });
            }
        }
    }

    fn tell_depth(&mut self, span: &Span) {
        let told = self.diagnostics.iter().any(|told| told.code == "M121");
        if !std::mem::replace(&mut self.told_depth, true) && !told {
            self.diagnostics.push(too_deep(self.source, span.start..span.start));
        }
    }

    fn walk(&mut self, shield: &Shield, span: Span) -> Vec<Node> {
        let mut walk = Walk {
            frames: vec![Frame { kind: FrameKind::Root, span, nodes: Vec::new() }],
            run: None,
            leaf: Leaf::None,
        };
        let base = shield.base;
        let mut broken = Vec::new();
        for (event, range) in reference::parser(&shield.text, options(), &mut broken).into_offset_iter() {
            let span = base + range.start..base + range.end;
            match shield.swaps.event(event) {
                Event::Start(tag) => self.start(&mut walk, tag, span, shield),
                Event::End(tag) => self.end(&mut walk, tag, span, shield),
                Event::Rule => {
                    self.finish_run(&mut walk, shield);
                    let node = match shield.marker_in(&span) {
                        Some(marker) => Node::Marker(marker),
                        None => Node::Block(Block { span, kind: BlockKind::Divider }, 0),
                    };
                    walk.push(node);
                }
                Event::Html(text) => {
                    if let Leaf::Html { text: out, places } = &mut walk.leaf {
                        places.push((out.len(), span.start));
                        out.push_str(&self.original(&text, &span, shield));
                    }
                }
                Event::Text(text) if !matches!(walk.leaf, Leaf::None) => {
                    let original = self.original(&text, &span, shield);
                    match &mut walk.leaf {
                        Leaf::Code { text: out, .. } => out.push_str(&original),
                        Leaf::Html { text: out, places } => {
                            places.push((out.len(), span.start));
                            out.push_str(&original);
                        }
                        Leaf::None => {}
                    }
                }
                Event::TaskListMarker(is_done) => {
                    if let Some(Frame { kind: FrameKind::Item { done }, .. }) = walk
                        .frames
                        .iter_mut()
                        .rev()
                        .find(|frame| matches!(frame.kind, FrameKind::Item { .. }))
                    {
                        *done = Some(is_done);
                    }
                }
                event => walk.run(&span).event(self, event, span, shield),
            }
        }
        self.finish_run(&mut walk, shield);
        reference::tell(self, broken, base);
        walk.frames.pop().map(|frame| frame.nodes).unwrap_or_default()
    }

    /// The author's own spelling of text in which nothing is replaced: code and raw HTML.
    fn original(&self, text: &str, span: &Span, shield: &Shield) -> String {
        if !shield.hides(span) {
            text.to_owned()
        } else if text.len() == span.len() {
            self.source.text()[span.clone()].to_owned()
        } else {
            shield.literal(text, self.source)
        }
    }

    fn start(&mut self, walk: &mut Walk, tag: Tag<'_>, span: Span, shield: &Shield) {
        let kind = match tag {
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Superscript | Tag::Subscript => {
                return walk.run(&span).start(self, &tag, span, shield);
            }
            Tag::Link { .. } | Tag::Image { .. } => return walk.run(&span).start(self, &tag, span, shield),
            Tag::Paragraph => {
                self.finish_run(walk, shield);
                let [.., list, item] = walk.frames.as_mut_slice() else {
                    walk.run = Some(Run::new(span, false));
                    return;
                };
                if let (FrameKind::List { tight, .. }, FrameKind::Item { .. }) = (&mut list.kind, &item.kind)
                {
                    *tight = false;
                }
                walk.run = Some(Run::new(span, false));
                return;
            }
            Tag::Heading { id, .. } => {
                self.finish_run(walk, shield);
                if let Some(id) = id.filter(|id| !id.is_empty()) {
                    let id = shield.literal(&id, self.source);
                    self.ids.insert(span.start, id);
                }
                walk.run = Some(Run::new(span, false));
                return;
            }
            Tag::TableHead | Tag::TableRow => return,
            Tag::TableCell | Tag::DefinitionListTitle => {
                self.finish_run(walk, shield);
                walk.run = Some(Run::new(span, false));
                return;
            }
            Tag::CodeBlock(kind) => {
                self.finish_run(walk, shield);
                let (language, fenced) = match kind {
                    CodeBlockKind::Indented => (None, false),
                    CodeBlockKind::Fenced(info) => {
                        let info = shield.literal(&info, self.source);
                        let word = info.split([' ', '\t', ',', '{']).next().filter(|word| !word.is_empty());
                        (word.map(str::to_owned), true)
                    }
                };
                walk.leaf = Leaf::Code { language, fenced, text: String::new() };
                return;
            }
            Tag::HtmlBlock => {
                self.finish_run(walk, shield);
                walk.leaf = Leaf::Html { text: String::new(), places: Vec::new() };
                return;
            }
            Tag::MetadataBlock(_) => return,
            Tag::BlockQuote(kind) => FrameKind::Quote(kind.map(|kind| match kind {
                BlockQuoteKind::Note => AlertKind::Note,
                BlockQuoteKind::Tip => AlertKind::Tip,
                BlockQuoteKind::Important => AlertKind::Important,
                BlockQuoteKind::Warning => AlertKind::Warning,
                BlockQuoteKind::Caution => AlertKind::Caution,
            })),
            Tag::List(start) => FrameKind::List { start, tight: true, items: Vec::new(), height: 0 },
            Tag::Item => FrameKind::Item { done: None },
            Tag::FootnoteDefinition(label) => FrameKind::Note(label.to_string()),
            Tag::DefinitionList => FrameKind::Definitions { definitions: Vec::new(), height: 0 },
            Tag::DefinitionListDefinition => FrameKind::Meaning,
            Tag::Table(alignments) => FrameKind::Table {
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
        };
        self.finish_run(walk, shield);
        walk.frames.push(Frame { kind, span, nodes: Vec::new() });
    }

    fn end(&mut self, walk: &mut Walk, tag: TagEnd, span: Span, shield: &Shield) {
        match tag {
            TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link
            | TagEnd::Image => {
                if let Some(run) = &mut walk.run {
                    run.end(self, tag, shield);
                }
            }
            TagEnd::Paragraph => self.finish_run(walk, shield),
            TagEnd::Heading(level) => {
                let Some(run) = walk.run.take() else { return };
                let content = run.finish(self, shield);
                let anchor = self.ids.get(&span.start).cloned().unwrap_or_default();
                walk.push(Node::Block(
                    Block { span, kind: BlockKind::Heading { level: level as u8, anchor, content } },
                    0,
                ));
            }
            TagEnd::TableCell => {
                let Some(run) = walk.run.take() else { return };
                let cell = run.finish(self, shield);
                if let FrameKind::Table { row, .. } = &mut walk.top().kind {
                    row.push(cell);
                }
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                if let FrameKind::Table { head, rows, row, .. } = &mut walk.top().kind {
                    let row = std::mem::take(row);
                    if tag == TagEnd::TableHead { *head = row } else { rows.push(row) }
                }
            }
            TagEnd::DefinitionListTitle => {
                let Some(run) = walk.run.take() else { return };
                let term = run.finish(self, shield);
                if let FrameKind::Definitions { definitions, .. } = &mut walk.top().kind {
                    definitions.push(Definition { term, meanings: Vec::new() });
                }
            }
            TagEnd::CodeBlock => {
                if let Leaf::Code { language, fenced, text } = std::mem::replace(&mut walk.leaf, Leaf::None) {
                    if fenced {
                        leftover::fence(self, &span);
                    }
                    let kind = match language.as_deref() {
                        Some("mjml") if fenced => BlockKind::Mjml(text),
                        Some("math") if fenced => BlockKind::Math(text),
                        _ => BlockKind::Code { language, text },
                    };
                    walk.push(Node::Block(Block { span, kind }, 0));
                }
            }
            TagEnd::HtmlBlock => {
                if let Leaf::Html { text, places } = std::mem::replace(&mut walk.leaf, Leaf::None)
                    && let Some(kind) = html::block(self, &text, &places, &span)
                {
                    walk.push(Node::Block(Block { span, kind }, 0));
                }
            }
            TagEnd::MetadataBlock(_) => {}
            _ => {
                self.finish_run(walk, shield);
                if let Some(frame) = walk.frames.pop() {
                    self.close(walk, frame, shield);
                }
            }
        }
    }

    /// Ends the words that are being read; words in a tight item are a paragraph too.
    fn finish_run(&mut self, walk: &mut Walk, shield: &Shield) {
        let Some(run) = walk.run.take() else { return };
        let (span, implicit) = (run.span(), run.implicit);
        let words = run.finish(self, shield);
        if words.is_empty() {
            return;
        }
        leftover::paragraph(self, &span);
        let mut kind =
            if implicit { BlockKind::Paragraph(words) } else { convention::paragraph(self, words, &span) };
        convention::add_credits(self, &mut kind);
        let height = usize::from(matches!(kind, BlockKind::PostScript(_)));
        walk.push(Node::Block(Block { span, kind }, height));
    }

    /// A frame becomes a block of its parent, or blocks when it is nested too deeply.
    fn close(&mut self, walk: &mut Walk, frame: Frame, shield: &Shield) {
        let Frame { kind, span, nodes } = frame;
        let blocks = self.resolve(nodes, shield);
        let inner = blocks.iter().map(|(_, height)| *height + 1).max().unwrap_or(0);
        let plain =
            |blocks: Vec<(Block, usize)>| blocks.into_iter().map(|(block, _)| block).collect::<Vec<_>>();
        let (kind, height) = match kind {
            FrameKind::Root => return,
            FrameKind::Quote(_) if inner > HEIGHT_MAX => {
                self.tell_depth(&span);
                blocks.into_iter().for_each(|(block, height)| walk.push(Node::Block(block, height)));
                return;
            }
            FrameKind::Quote(None) => (convention::quote(self, plain(blocks)), inner),
            FrameKind::Quote(Some(kind)) => {
                (BlockKind::Alert { kind, title: None, blocks: plain(blocks) }, inner)
            }
            FrameKind::Item { done } => {
                if let FrameKind::List { items, height, .. } = &mut walk.top().kind {
                    items.push(Item { done, blocks: plain(blocks) });
                    *height = inner.max(*height);
                }
                return;
            }
            FrameKind::List { start, tight, items, height } => {
                if height > HEIGHT_MAX {
                    self.tell_depth(&span);
                    let blocks = items.into_iter().flat_map(|item| item.blocks);
                    blocks.for_each(|block| walk.push(Node::Block(block, height - 1)));
                    return;
                }
                (BlockKind::List { start, tight, items }, height)
            }
            FrameKind::Note(label) => {
                if inner > HEIGHT_MAX {
                    self.tell_depth(&span);
                }
                self.notes.push((Footnote { label, blocks: plain(blocks) }, span));
                return;
            }
            FrameKind::Meaning => {
                if let FrameKind::Definitions { definitions, height } = &mut walk.top().kind {
                    *height = inner.max(*height);
                    if let Some(definition) = definitions.last_mut() {
                        definition.meanings.push(plain(blocks));
                    }
                }
                return;
            }
            FrameKind::Definitions { definitions, height } => {
                if height > HEIGHT_MAX {
                    self.tell_depth(&span);
                    for definition in definitions {
                        let kind = BlockKind::Paragraph(definition.term);
                        walk.push(Node::Block(Block { span: span.clone(), kind }, 0));
                        let meanings = definition.meanings.into_iter().flatten();
                        meanings.for_each(|block| walk.push(Node::Block(block, height - 1)));
                    }
                    return;
                }
                (BlockKind::Definitions(definitions), height)
            }
            FrameKind::Table { alignments, head, rows, .. } => {
                (BlockKind::Table { alignments, head, rows }, 0)
            }
        };
        walk.push(Node::Block(Block { span, kind }, height));
    }

    /// Container lines among siblings become containers.
    fn resolve(&mut self, nodes: Vec<Node>, shield: &Shield) -> Vec<(Block, usize)> {
        container::resolve(self, nodes, shield)
            .into_iter()
            .flat_map(|node| match node {
                Node::Block(block, height) => vec![(block, height)],
                Node::Column(span, blocks, height) => {
                    container::column_outside(self, span);
                    blocks.into_iter().map(|block| (block, height.saturating_sub(1))).collect()
                }
                Node::Marker(_) => Vec::new(),
            })
            .collect()
    }

    /// Whether a block of this height can stand in another one; reports it when not.
    pub(super) fn fits(&mut self, height: usize, span: &Span) -> bool {
        if height > HEIGHT_MAX {
            self.tell_depth(span);
        }
        height <= HEIGHT_MAX
    }
}

impl Walk {
    fn top(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the root frame is popped only behind the last event")
    }

    fn push(&mut self, node: Node) {
        self.top().nodes.push(node);
    }

    /// The words that are being read; words outside a paragraph (in a tight item) begin one.
    fn run(&mut self, span: &Span) -> &mut Run {
        self.run.get_or_insert_with(|| Run::new(span.clone(), true))
    }
}
