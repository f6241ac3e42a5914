//! The words of one paragraph, heading or cell: marks, links, pictures, placeholders, inline HTML.

mod stretches;

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};

use super::{
    attributes::{
        Attributes, braces,
        checks::{check_link, check_picture},
    },
    context::Context,
    convention,
    document::{BlockKind, Image, Inline, Inlines, phrase_inlines, plain, push_inline},
    html, leftover,
    linkify::linkify,
    masking::{MaskedText, PieceKind},
    placeholder::{Part, Phrase},
    quotes::OpenQuotes,
    reference,
};
use crate::source::Span;
use stretches::{JoinedText, Stretch, localize};

/// Marks within marks beyond this add nothing that a reader could see.
const MARKS_MAX: usize = 20;

/// Words being read.
pub(super) struct Run {
    frames: Vec<Frame>,
    text: Vec<Stretch>,
    end: usize,
    quotes: OpenQuotes,
    /// Not in a paragraph of its own: the words of a tight item.
    pub(super) implicit: bool,
}

struct Frame {
    kind: Kind,
    span: Span,
    content: Inlines,
}

enum Kind {
    Root,
    Emphasis,
    Strong,
    Strikethrough,
    Link {
        url: Phrase,
        title: Phrase,
    },
    Image {
        source: String,
        title: Option<Phrase>,
    },
    /// A tag of inline HTML that waits for its end.
    Html(html::Tag),
    /// One mark too many: its words go to the mark around it.
    Flat,
}

impl Run {
    pub(super) fn new(span: Span, implicit: bool) -> Self {
        let end = span.end;
        let root = Frame { kind: Kind::Root, span, content: Inlines::new() };
        Self { frames: vec![root], text: Vec::new(), end, quotes: OpenQuotes::default(), implicit }
    }

    /// From the first to the last byte so far.
    pub(super) fn span(&self) -> Span {
        self.frames[0].span.start..self.end
    }

    fn push(&mut self, inline: Inline) {
        push_inline(&mut self.frames.last_mut().expect("the root frame stays").content, inline);
    }

    fn within_link(&self) -> bool {
        self.frames.iter().any(|frame| match &frame.kind {
            Kind::Link { .. } | Kind::Image { .. } => true,
            Kind::Html(tag) => tag.name == "a",
            _ => false,
        })
    }

    /// A mark begins.
    pub(super) fn start(
        &mut self,
        context: &mut Context<'_>,
        tag: &Tag<'_>,
        span: Span,
        masked: &MaskedText,
    ) {
        self.flush(context, masked);
        self.end = self.end.max(span.end);
        let kind = match tag {
            Tag::Link { link_type, dest_url, title, .. } => {
                let url = context.phrase(dest_url, masked);
                let url = match link_type {
                    LinkType::Email => prefixed("mailto:", url),
                    _ => url,
                };
                if dest_url.contains("{{") || dest_url.contains("{%") {
                    context.report_loose(&span, masked);
                }
                Kind::Link { url, title: context.phrase(title, masked) }
            }
            Tag::Image { dest_url, title, .. } => {
                let source = context.fixed(dest_url, "the address of a picture", span.clone(), masked);
                let title = (!title.is_empty()).then(|| context.phrase(title, masked));
                Kind::Image { source, title }
            }
            _ if self.frames.len() > MARKS_MAX => Kind::Flat,
            Tag::Emphasis => Kind::Emphasis,
            Tag::Strong => Kind::Strong,
            Tag::Strikethrough => Kind::Strikethrough,
            _ => Kind::Flat,
        };
        self.frames.push(Frame { kind, span, content: Inlines::new() });
    }

    /// A mark ends; HTML tags that are still open in it end with it.
    pub(super) fn end(&mut self, context: &mut Context<'_>, masked: &MaskedText) {
        self.flush(context, masked);
        self.close_html(context);
        if self.frames.len() > 1 {
            self.close_frame(context);
        }
    }

    fn close_html(&mut self, context: &mut Context<'_>) {
        while matches!(self.frames.last(), Some(Frame { kind: Kind::Html(_), .. })) {
            if let Some(Frame { kind: Kind::Html(tag), span, .. }) = self.frames.last() {
                html::not_closed(context, &tag.name, span.clone());
            }
            self.close_frame(context);
        }
    }

    fn close_frame(&mut self, context: &mut Context<'_>) {
        let Some(Frame { kind, span, content }) = self.frames.pop() else { return };
        match kind {
            Kind::Root | Kind::Flat => content.into_iter().for_each(|inline| self.push(inline)),
            Kind::Emphasis => self.push(Inline::Emphasis(content)),
            Kind::Strong => self.push(Inline::Strong(content)),
            Kind::Strikethrough => self.push(Inline::Strikethrough(content)),
            Kind::Link { url, title } => self.push(Inline::Link { url, title, content, span }),
            Kind::Image { source, title } => {
                if title.is_some() {
                    context.extras.entry(span.start).or_default().title = title;
                }
                let alt = plain(&content);
                self.push(Inline::Image(Image { source, alt, width: None, span }));
            }
            Kind::Html(tag) => {
                html::wrap(tag, content, span).into_iter().for_each(|inline| self.push(inline));
            }
        }
    }

    /// Anything but a beginning or an end.
    pub(super) fn event(
        &mut self,
        context: &mut Context<'_>,
        event: Event<'_>,
        span: Span,
        masked: &MaskedText,
    ) {
        self.end = self.end.max(span.end);
        if let Event::Text(text) = event {
            context.report_loose(&span, masked);
            let shown = match masked.marker_in(&span) {
                Some(_) if text.len() == span.len() => context.text(&span).to_owned(),
                _ => text.into_string(),
            };
            let written = masked.text.get(span.start - masked.base..span.end - masked.base);
            let is_smart = shown.chars().all(|c| "“”‘’–—…".contains(c));
            let written = written.map(|written| masked.swaps.text(written).into_owned());
            let smart = written.filter(|written| is_smart && *written != shown);
            self.text.push(Stretch { span, shown, smart });
            return;
        }
        self.flush(context, masked);
        match event {
            Event::Code(code) => self.push(Inline::Code(masked.literal(&code, context.source))),
            Event::InlineMath(tex) | Event::DisplayMath(tex) => {
                self.push(Inline::Math(masked.literal(&tex, context.source)));
            }
            Event::SoftBreak => self.push(Inline::SoftBreak),
            Event::HardBreak => self.push(Inline::LineBreak),
            Event::FootnoteReference(label) => {
                let label = masked.literal(&label, context.source);
                self.push(Inline::Footnote(context.notes.mention(label)));
            }
            Event::InlineHtml(tag) | Event::Html(tag) => {
                let tag = masked.literal(&tag, context.source);
                self.html(context, &tag, span);
            }
            _ => {}
        }
    }

    fn html(&mut self, context: &mut Context<'_>, text: &str, span: Span) {
        match html::inline(context, text, &span) {
            html::InlineTag::Nothing => {}
            html::InlineTag::Inline(inline) => self.push(inline),
            html::InlineTag::Open(mut tag) => {
                let nested = tag.name == "a" && self.within_link();
                tag.anchor = tag.anchor.filter(|_| !self.within_link());
                if !nested && self.frames.len() <= MARKS_MAX {
                    self.frames.push(Frame { kind: Kind::Html(tag), span, content: Inlines::new() });
                }
            }
            html::InlineTag::Close(name) => {
                let open = self.frames.iter().rev().take_while(|frame| matches!(frame.kind, Kind::Html(_)));
                let depth = open
                    .zip(1..)
                    .find(|(frame, _)| matches!(&frame.kind, Kind::Html(tag) if tag.name == name));
                match depth.map(|(_, depth)| depth) {
                    Some(depth) => {
                        for _ in 1..depth {
                            if let Some(Frame { kind: Kind::Html(tag), span, .. }) = self.frames.last() {
                                html::not_closed(context, &tag.name, span.clone());
                            }
                            self.close_frame(context);
                        }
                        self.close_frame(context);
                    }
                    None => html::not_opened(context, &name, span),
                }
            }
        }
    }

    /// Ends the words.
    pub(super) fn finish(mut self, context: &mut Context<'_>, masked: &MaskedText) -> Inlines {
        self.flush(context, masked);
        while self.frames.len() > 1 {
            self.close_html(context);
            if self.frames.len() > 1 {
                self.close_frame(context);
            }
        }
        let mut words = self.frames.pop().map(|frame| frame.content).unwrap_or_default();
        loop {
            match words.last_mut() {
                Some(Inline::SoftBreak | Inline::LineBreak) => {}
                Some(Inline::Text(text)) => {
                    text.truncate(text.trim_end_matches([' ', '\t', '\n']).len());
                    if !text.is_empty() {
                        return words;
                    }
                }
                _ => return words,
            }
            words.pop();
        }
    }

    /// The waiting text: bare addresses become links, stand-ins what they stand for.
    fn flush(&mut self, context: &mut Context<'_>, masked: &MaskedText) {
        let mut stretches = std::mem::take(&mut self.text);
        if stretches.is_empty() {
            return;
        }
        localize(&mut stretches, context.quotes, &mut self.quotes, masked);
        let text = JoinedText::new(stretches);
        if self.frames.iter().all(|frame| !matches!(frame.kind, Kind::Link { .. } | Kind::Image { .. })) {
            leftover::look(context, &text.raw, &|at| text.place(at));
        }
        let links = if self.within_link() { Vec::new() } else { linkify(&text.raw) };
        let mut done = 0;
        for link in links {
            self.words(context, &text.shown(done..link.span.start), masked);
            let address = &text.raw[link.span.clone()];
            let url = prefixed(link.prefix, context.phrase(address, masked));
            // The same placeholder is in the words and in the address.
            let content = phrase_inlines(context.phrase_again(address, masked));
            let start = text.place_within(link.span.start);
            let span = start..text.place_within(link.span.end).max(start);
            self.push(Inline::Link { url, title: Phrase::default(), content, span });
            done = link.span.end;
        }
        self.words(context, &text.shown(done..text.raw.len()), masked);
    }

    /// Text without links: placeholders, and attributes of the link or picture before it.
    fn words(&mut self, context: &mut Context<'_>, text: &str, masked: &MaskedText) {
        let mut rest = text;
        while let Some((at, piece)) = masked.first_piece(rest) {
            if at > 0 {
                self.push(Inline::Text(rest[..at].to_owned()));
            }
            rest = rest.get(at + piece.span.len()..).unwrap_or_default();
            let literal = context.text(&piece.span);
            let is_taken = match piece.kind {
                PieceKind::Placeholder => match context.placeholder(&piece) {
                    Some(placeholder) => {
                        self.push(Inline::Placeholder(placeholder));
                        true
                    }
                    None => false,
                },
                PieceKind::Attributes => braces(literal, piece.span.start)
                    .is_some_and(|(attributes, _)| self.take_attributes(context, attributes)),
            };
            if !is_taken {
                self.push(Inline::Text(literal.to_owned()));
            }
        }
        if !rest.is_empty() {
            self.push(Inline::Text(rest.to_owned()));
        }
    }

    /// Attributes belong to the link or picture that they follow, if they follow one.
    fn take_attributes(&mut self, context: &mut Context<'_>, attributes: Attributes) -> bool {
        let last = self.frames.last_mut().and_then(|frame| frame.content.last_mut());
        let place = match last {
            Some(Inline::Image(image)) => {
                check_picture(context, image, &attributes);
                if let Some(alt) = attributes.key("alt") {
                    image.alt = plain(&words(context, alt));
                }
                image.span.start
            }
            Some(Inline::Link { span, .. }) => {
                check_link(context, &attributes);
                span.start
            }
            _ => return false,
        };
        context.extras.entry(place).or_default().attributes = attributes;
        true
    }
}

fn prefixed(prefix: &str, mut phrase: Phrase) -> Phrase {
    if prefix.is_empty() {
        return phrase;
    }
    match phrase.0.first_mut() {
        Some(Part::Text(text)) => text.insert_str(0, prefix),
        _ => phrase.0.insert(0, Part::Text(prefix.to_owned())),
    }
    phrase
}

/// Reads a short text on one line, such as a title in quotes, as words with marks. What Markdown or a convention takes
/// for more than a paragraph (a text that begins like a list, the address of a video) stays as it is written.
pub(super) fn words(context: &mut Context<'_>, span: Span) -> Inlines {
    let masked = context.mask(span, false);
    match paragraph(context, &masked) {
        Some(words) => words,
        None => {
            let phrase = context.phrase(&masked.swaps.text(&masked.text), &masked);
            phrase_inlines(phrase)
        }
    }
}

/// The words of a line that is a paragraph and nothing else; a line without anything to see has none.
fn paragraph(context: &mut Context<'_>, masked: &MaskedText) -> Option<Inlines> {
    let mut broken = Vec::new();
    let mut run: Option<Run> = None;
    for (event, range) in reference::parser(&masked.text, &mut broken).into_offset_iter() {
        let span = masked.base + range.start..masked.base + range.end;
        match (masked.swaps.event(event), &mut run) {
            (Event::Start(Tag::Paragraph), None) => run = Some(Run::new(span, false)),
            (Event::End(TagEnd::Paragraph), _) => {}
            (Event::Start(Tag::HtmlBlock), None) => {
                let text = context.text(&span);
                let kind = html::block(context, text, &[(0, span.start)], &span);
                return kind.is_none().then(Inlines::new);
            }
            (_, None) => return None,
            (Event::Start(tag), Some(run)) => run.start(context, &tag, span, masked),
            (Event::End(_), Some(run)) => run.end(context, masked),
            (event, Some(run)) => run.event(context, event, span, masked),
        }
    }
    reference::report(context, broken, masked.base);
    let Some(run) = run else { return Some(Inlines::new()) };
    let span = run.span();
    let words = run.finish(context, masked);
    if words.is_empty() {
        return Some(words);
    }
    leftover::paragraph(context, &span);
    match convention::paragraph(context, words, &span) {
        BlockKind::Paragraph(words) => Some(words),
        _ => None,
    }
}

/// The credit that was written behind a picture.
pub(super) fn credit(context: &mut Context<'_>, image: &Image) -> Option<Inlines> {
    let span = context.extras.get(&image.span.start)?.attributes.key("credit")?;
    Some(words(context, span)).filter(|words| !words.is_empty())
}

/// Fills the credits of figures in a paragraph's kind.
pub(super) fn add_credits(context: &mut Context<'_>, kind: &mut BlockKind) {
    let figures = match kind {
        BlockKind::Figure(figure) => std::slice::from_mut(figure),
        BlockKind::Gallery(figures) => figures,
        _ => return,
    };
    for figure in figures {
        figure.credit = credit(context, &figure.image);
    }
}
