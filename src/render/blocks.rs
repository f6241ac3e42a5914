//! The document becomes sections of MJML: consecutive text shares one `mj-text`, and a section opens only for
//! columns and galleries, which stack on a phone.
//!
//! In: a `Document`. Out: elements for the template's content slot. Never: knows the template.

mod boxes;
mod cards;
mod code;
mod extent;
mod footer;
mod headings;
mod inline;
mod link_kinds;
mod lists;
mod pictures;
mod raw;
pub(super) mod tables;

pub(crate) use extent::extent;

use std::ops::Range;

use super::{
    design::{Cards, Design, Headings, Lists, MARGIN},
    fill::Filler,
    hoist::hoist,
    i18n::Words,
    mjml::{Content, Element},
};
use crate::{
    assets::Assets,
    issue::{
        Issue,
        document::{Block, BlockKind, Card, Document, Figure, Inline, each_inline},
    },
    source::{Source, Span},
};

/// Sets the blocks of one issue.
pub(crate) struct MjmlWriter<'a> {
    /// The issue.
    pub(crate) issue: &'a Issue,
    /// How it looks.
    pub(crate) design: &'a Design,
    /// Its pictures and stored data.
    pub(crate) assets: &'a Assets,
    /// Names and links.
    pub(crate) filler: Filler<'a>,
    /// The words that we say ourselves.
    pub(crate) words: &'static Words,
    /// Whether the language runs from right to left.
    pub(crate) right_to_left: bool,
    /// Bytes that colors in code may still cost.
    pub(crate) code_budget: usize,
    /// Rules for the head: what moved out of the text of a long letter.
    pub(crate) hoisted: String,
    /// Whether what is written now is in a row of links, where links are known by their place and color.
    pub(crate) is_row: bool,
    /// What is said behind the next link: the kind of page that it leads to.
    pub(crate) due_kind: Option<&'static str>,
    /// Whether some words run from right to left: code must then say that it does not.
    pub(crate) mixes_directions: bool,
    /// How elements of a `mjml` fence are made; needs the template's machinery.
    pub(crate) fence: fn(&mut Self, Span) -> Vec<Element>,
}

/// A letter, after which code is set plain: half of what Gmail shows is for words.
pub(crate) const CODE_BUDGET: usize = 20_000;

/// Text being set: sections that are finished, and the run that is open.
#[derive(Default)]
struct Run {
    sections: Vec<Element>,
    /// Which sections the author wrote as MJML.
    fenced: Vec<Range<usize>>,
    html: String,
    /// Space above the next one, in CSS pixels.
    above: u32,
}

impl Run {
    /// Closes the open run as a section of its own.
    fn close(&mut self) {
        let padding = match std::mem::take(&mut self.above) {
            0 => format!("0px {MARGIN}px"),
            above => format!("{above}px {MARGIN}px 0px"),
        };
        if !self.html.is_empty() {
            let text = Element::raw("mj-text", std::mem::take(&mut self.html)).with("padding", padding);
            self.sections.push(section("0px").child(Element::new("mj-column").child(text)));
        }
    }
}

fn section(padding: &str) -> Element {
    Element::new("mj-section").with("padding", padding)
}

impl MjmlWriter<'_> {
    /// The whole document.
    pub(crate) fn document(&mut self) -> Vec<Element> {
        let document = &self.issue.document;
        let mut run = Run::default();
        let column = self.design.column();
        let mut rest = document.blocks.iter().enumerate();
        while let Some((index, block)) = rest.next() {
            if index == 0 && self.is_title(block) {
                continue;
            }
            let mark = self.filler.tokens.mark(block.span.clone());
            match &block.kind {
                BlockKind::Columns(columns) if (2..=4).contains(&columns.len()) => {
                    run.close();
                    let section = self.columns(columns, mark);
                    run.sections.push(section);
                }
                BlockKind::Gallery(figures) if figures.len() > 1 => {
                    run.close();
                    self.gallery(figures, mark, &mut run.sections);
                }
                BlockKind::Card(card) if self.beside(document, index).is_some() => {
                    run.close();
                    let cards = [Some(card), self.beside(document, index)];
                    let section = self.pair(cards.into_iter().flatten(), mark);
                    run.sections.push(section);
                    rest.next();
                }
                BlockKind::Figure(figure) if self.is_wide(figure) => {
                    run.close();
                    let section = self.wide_figure(figure, mark);
                    run.sections.push(section);
                }
                BlockKind::Heading { level, anchor, content } => {
                    run.html.push_str(&mark);
                    let links =
                        if self.design.looks.counts { extent::links_below(document, index) } else { 0 };
                    self.heading(&mut run.html, *level, anchor, content, links);
                }
                // The heading brings a line of its own.
                BlockKind::Divider if self.is_ruled(document.blocks.get(index + 1)) => {}
                BlockKind::Mjml(_) => {
                    run.close();
                    let mut elements = (self.fence)(self, inside_fence(&self.issue.source, &block.span));
                    mark_first(&mut elements, &mark);
                    run.fenced.push(run.sections.len()..run.sections.len() + elements.len());
                    run.sections.append(&mut elements);
                    // A background of the author's own must not touch the words below it.
                    run.above = self.gap();
                }
                _ => {
                    run.html.push_str(&mark);
                    self.block(&mut run.html, block, column);
                }
            }
        }
        if !document.footnotes.is_empty() {
            let span =
                document.footnotes.first().and_then(|note| note.blocks.first()).map(|b| b.span.clone());
            run.html.push_str(&self.filler.tokens.mark(span.unwrap_or_default()));
            self.footnotes(&mut run.html, column);
        }
        run.close();
        let fenced = run.fenced;
        let is_ours = |at: &usize| fenced.iter().all(|range| !range.contains(at));
        let ours = run.sections.iter_mut().enumerate().filter(|(at, _)| is_ours(at));
        self.hoisted = hoist(ours.flat_map(|(_, section)| texts(section)));
        run.sections
    }

    /// Whether a block is a heading that has a line above it.
    fn is_ruled(&self, block: Option<&Block>) -> bool {
        let Some(BlockKind::Heading { level, .. }) = block.map(|block| &block.kind) else { return false };
        match self.design.looks.headings {
            Headings::Ruled => *level <= 3,
            Headings::Colored => *level <= 2,
            Headings::Large | Headings::Small => false,
        }
    }

    /// Whether a block says the title again, which the template shows.
    fn is_title(&self, block: &Block) -> bool {
        match &block.kind {
            BlockKind::Heading { level: 1, content, .. } => {
                plain(content).trim() == self.issue.head.title.trim()
            }
            _ => false,
        }
    }

    /// Blocks one after the other.
    pub(super) fn blocks(&mut self, out: &mut String, blocks: &[Block], width: u32) {
        for block in blocks {
            self.block(out, block, width);
        }
    }

    /// One block as HTML, at most `width` CSS pixels wide.
    pub(super) fn block(&mut self, out: &mut String, block: &Block, width: u32) {
        match &block.kind {
            BlockKind::Heading { level, anchor, content } => self.heading(out, *level, anchor, content, 0),
            BlockKind::Paragraph(content) => self.paragraph(out, content),
            BlockKind::List { start, tight, items } => self.list(out, *start, *tight, items, width),
            BlockKind::Quote(quote) => self.quote(out, quote, width),
            BlockKind::PullQuote(quote) => self.pull_quote(out, quote, width),
            BlockKind::Alert { kind, title, blocks } => {
                self.alert(out, *kind, title.as_ref(), blocks, width);
            }
            BlockKind::Figure(figure) => self.figure(out, figure, width),
            BlockKind::Gallery(figures) => figures.iter().for_each(|figure| self.figure(out, figure, width)),
            BlockKind::Columns(columns) => columns.iter().for_each(|blocks| self.blocks(out, blocks, width)),
            BlockKind::Card(card) => self.card(out, card, width),
            BlockKind::Video(video) => self.video(out, video, width),
            BlockKind::Post(post) => self.post(out, post, width),
            BlockKind::Resources(resources) => self.resources(out, resources),
            BlockKind::Table { alignments, head, rows } => self.table(out, alignments, head, rows, width),
            BlockKind::Code { language, text } => self.code(out, language.as_deref(), text),
            BlockKind::Math(tex) => self.math_block(out, tex),
            BlockKind::Definitions(definitions) => self.definitions(out, definitions, width),
            BlockKind::Divider => self.divider(out),
            BlockKind::Buttons(buttons) => self.buttons(out, buttons),
            BlockKind::Sponsor { label, blocks } => self.sponsor(out, label.as_deref(), blocks, width),
            BlockKind::Poll { question, answers } => self.poll(out, question, answers),
            BlockKind::Share { blocks, links } => self.share(out, blocks, links, width),
            BlockKind::Contents { title, depth, entries } => {
                self.contents(out, title.as_ref(), *depth, entries);
            }
            BlockKind::PostScript(blocks) => self.post_script(out, blocks, width),
            BlockKind::Signature(blocks) => self.signature(out, blocks, width),
            BlockKind::Author { name, picture, url, blocks } => {
                self.author(out, name, picture.as_ref(), url.as_ref(), blocks, (&block.span, width));
            }
            BlockKind::Html(phrase) => self.raw_html(out, phrase),
            BlockKind::Mjml(_) => {
                let problem = crate::source::Diagnostic::error(
                    "M214",
                    &self.issue.source,
                    block.span.clone(),
                    "a `mjml` fence is not allowed inside another block",
                );
                self.filler.diagnostics.push(problem.help("move it out of the container or list"));
            }
        }
    }

    fn columns(&mut self, columns: &[Vec<Block>], mark: String) -> Element {
        let gutter = MARGIN / 2;
        let width = (self.design.width - MARGIN) / columns.len() as u32 - MARGIN;
        let mut section = section(&format!("0px {gutter}px"));
        let mut mark = Some(mark);
        for blocks in columns {
            let mut html = mark.take().unwrap_or_default();
            let start = html.len();
            self.blocks(&mut html, blocks, width);
            let first = blocks.first().map(|block| &block.kind);
            if let Some(BlockKind::Heading { level, .. }) = first {
                // What is above keeps its distance already.
                let above = format!("margin:{}px 0 ", self.space_above(*level));
                if let Some(at) = html[start..].find(&above) {
                    html.replace_range(start + at..start + at + above.len(), "margin:0 0 ");
                }
            }
            let text = Element::raw("mj-text", html).with("padding", format!("0px {gutter}px"));
            section = section.child(Element::new("mj-column").child(text));
        }
        section
    }

    /// The card that belongs beside the one at `index`.
    fn beside<'d>(&self, document: &'d Document, index: usize) -> Option<&'d Card> {
        match document.blocks.get(index + 1).map(|block| &block.kind) {
            Some(BlockKind::Card(card)) if self.design.looks.cards == Cards::Pairs => Some(card),
            _ => None,
        }
    }

    /// Two cards beside each other, where there is room.
    fn pair<'d>(&mut self, cards: impl Iterator<Item = &'d Card>, mark: String) -> Element {
        let gutter = MARGIN / 2;
        let width = (self.design.width - MARGIN) / 2 - MARGIN;
        let mut section = section(&format!("0px {gutter}px"));
        let mut mark = Some(mark);
        for card in cards {
            let mut html = mark.take().unwrap_or_default();
            self.card(&mut html, card, width);
            let text = Element::raw("mj-text", html).with("padding", format!("0px {gutter}px"));
            section = section.child(Element::new("mj-column").child(text));
        }
        section
    }

    fn gallery(&mut self, figures: &[Figure], mark: String, sections: &mut Vec<Element>) {
        let gutter = MARGIN / 2;
        let in_a_row = if figures.len() == 4 { 2 } else { 3 };
        let mut mark = Some(mark);
        for row in figures.chunks(in_a_row) {
            let width = (self.design.width - MARGIN) / row.len().max(2) as u32 - MARGIN;
            let mut section = section(&format!("0px {gutter}px"));
            for figure in row {
                let mut html = mark.take().unwrap_or_default();
                self.tile(&mut html, figure, width);
                let text = Element::raw("mj-text", html).with("padding", format!("0px {gutter}px"));
                section = section.child(Element::new("mj-column").child(text));
            }
            sections.push(section);
        }
    }

    /// The space below a block, in CSS pixels.
    pub(super) fn gap(&self) -> u32 {
        self.design.size
    }

    fn paragraph(&mut self, out: &mut String, content: &[Inline]) {
        let (dir, align) = self.direction(content);
        out.push_str(&format!("<p{dir} style=\"margin:0 0 {}px{align}\">", self.gap()));
        self.inlines(out, content);
        out.push_str("</p>");
    }

    /// For words that run against the letter's direction: the attribute, and the rule that moves them to their side.
    pub(super) fn direction(&self, content: &[Inline]) -> (&'static str, &'static str) {
        match first_strong(&plain(content)) {
            Some(true) if !self.right_to_left => (" dir=\"rtl\"", ";text-align:right"),
            Some(false) if self.right_to_left => (" dir=\"ltr\"", ";text-align:left"),
            _ => ("", ""),
        }
    }

    /// Rounds the corners of boxes.
    pub(super) fn round(&self) -> String {
        match self.design.looks.radius {
            0 => String::new(),
            radius => format!(";border-radius:{radius}px"),
        }
    }

    fn divider(&mut self, out: &mut String) {
        let rule = self.design.light.rule;
        let gap = self.design.size * 2;
        out.push_str(&format!(
            "<hr class=\"r\" size=\"1\" color=\"{rule}\" style=\"border:0;border-top:1px solid {rule};margin:{gap}px 0\">"
        ));
    }

    fn footnotes(&mut self, out: &mut String, width: u32) {
        let issue = self.issue;
        self.divider(out);
        let small = self.small();
        out.push_str(&format!("<div style=\"{small}\">"));
        for (index, note) in issue.document.footnotes.iter().enumerate() {
            let number = index + 1;
            let link = self.link_style();
            let label = format!("<a name=\"fn{number}\"></a><a href=\"#fr{number}\"{link}>{number}.</a> ");
            let mut inner = String::new();
            self.blocks(&mut inner, &note.blocks, width);
            // The number is in the first line of the note.
            let first_line = inner.starts_with("<p ").then(|| inner.find('>')).flatten();
            inner.insert_str(first_line.map_or(0, |end| end + 1), &label);
            out.push_str(&inner);
        }
        out.push_str("</div>");
    }

    /// `margin` side on which a line begins.
    pub(super) fn start_side(&self) -> &'static str {
        if self.right_to_left { "right" } else { "left" }
    }

    /// The style of small print that keeps the text's color.
    pub(super) fn small(&self) -> String {
        format!("font-size:{}px;line-height:1.5", small_size(self.design))
    }

    /// The style of captions and the like; goes with class `m`.
    pub(super) fn muted(&self) -> String {
        format!("font-size:{}px;line-height:1.5;color:{}", small_size(self.design), self.design.light.muted)
    }

    /// The `style` attribute of a link where everybody expects one: not underlined.
    pub(super) fn quiet_link_style(&self) -> String {
        format!(" style=\"color:{};text-decoration:none\"", self.design.light.accent)
    }

    /// The `style` attribute of a link, with the space before it.
    pub(super) fn link_style(&self) -> String {
        let accent = self.design.light.accent;
        match self.design.looks.lists {
            Lists::Marks => format!(" style=\"color:{accent}\""),
            // Both are said, so that either can be the rule of a long letter.
            Lists::Rows if self.is_row => format!(" style=\"color:{accent};text-decoration:none\""),
            Lists::Rows => format!(" style=\"color:{accent};text-decoration:underline\""),
        }
    }
}

/// Size of small print.
pub(crate) fn small_size(design: &Design) -> u32 {
    (design.size * 5 / 6).max(13)
}

/// The lines of a fenced block without its first and last one.
fn inside_fence(source: &Source, span: &Span) -> Span {
    let text = source.text().get(span.clone()).unwrap_or_default();
    let start = text.find('\n').map_or(text.len(), |end| end + 1);
    let body = text[start..].trim_end();
    let last = body.rfind('\n').map_or(0, |end| end + 1);
    let is_closed = body[last..].trim_start().starts_with(['`', '~']);
    span.start + start..span.start + start + if is_closed { last } else { body.len() }
}

/// The texts of a section, which has one in each column.
fn texts(section: &mut Element) -> impl Iterator<Item = &mut Element> {
    section.children_mut().iter_mut().flat_map(|column| column.children_mut().iter_mut())
}

/// Puts a mark at the beginning of the first text in some elements.
fn mark_first(elements: &mut [Element], mark: &str) -> bool {
    elements.iter_mut().any(|element| match &mut element.content {
        Content::Raw(html) if element.name == "mj-text" => {
            html.insert_str(0, mark);
            true
        }
        Content::Raw(_) => false,
        Content::Elements(children) => mark_first(children, mark),
    })
}

/// Whether the first letter with a direction runs from right to left (Unicode Standard Annex 9, rule P2).
fn first_strong(text: &str) -> Option<bool> {
    text.chars().find(|c| c.is_alphabetic()).map(runs_leftward)
}

/// Whether a letter belongs to a script that is written from right to left.
pub(crate) fn runs_leftward(letter: char) -> bool {
    matches!(u32::from(letter), 0x590..=0x8FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFF | 0x1_0800..=0x1_0FFF | 0x1_E800..=0x1_EFFF)
}

/// The words of a run of text, without marks and placeholders.
pub(crate) fn plain(content: &[Inline]) -> String {
    let mut out = String::new();
    each_inline(content, &mut |inline| match inline {
        Inline::Text(text) | Inline::Code(text) | Inline::Math(text) => out.push_str(text),
        Inline::LineBreak | Inline::SoftBreak => out.push(' '),
        _ => {}
    });
    out
}
