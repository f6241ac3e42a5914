//! The words of one paragraph, heading or cell: marks, links, pictures, placeholders, inline HTML.

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};

use super::{
    attributes::{Attributes, braces},
    document::{Image, Inline, Inlines, each_inline},
    html, leftover,
    linkify::linkify,
    quotes::OpenQuotes,
    reader::{Extra, Reader},
    shield::{PieceKind, Shield},
};
use crate::{
    issue::{Part, Phrase},
    source::{Span, nearest},
};

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

/// A text event that waits for its neighbours, so that links are found across them.
struct Stretch {
    span: Span,
    shown: String,
    /// The author's spelling of what smart punctuation has changed.
    smart: Option<String>,
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
        push(&mut self.frames.last_mut().expect("the root frame stays").content, inline);
    }

    fn within_link(&self) -> bool {
        self.frames.iter().any(|frame| match &frame.kind {
            Kind::Link { .. } | Kind::Image { .. } => true,
            Kind::Html(tag) => tag.name == "a",
            _ => false,
        })
    }

    /// A mark begins.
    pub(super) fn start(&mut self, reader: &mut Reader<'_>, tag: &Tag<'_>, span: Span, shield: &Shield) {
        self.flush(reader, shield);
        self.end = self.end.max(span.end);
        let kind = match tag {
            Tag::Link { link_type, dest_url, title, .. } => {
                let url = reader.phrase(dest_url, shield);
                let url = match link_type {
                    LinkType::Email => prefixed("mailto:", url),
                    _ => url,
                };
                if dest_url.contains("{{") || dest_url.contains("{%") {
                    reader.report_loose(&span, shield);
                }
                Kind::Link { url, title: reader.phrase(title, shield) }
            }
            Tag::Image { dest_url, title, .. } => {
                let source = reader.fixed(dest_url, "the address of a picture", span.clone(), shield);
                let title = (!title.is_empty()).then(|| reader.phrase(title, shield));
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
    pub(super) fn end(&mut self, reader: &mut Reader<'_>, _tag: TagEnd, shield: &Shield) {
        self.flush(reader, shield);
        self.close_html(reader);
        if self.frames.len() > 1 {
            self.close_frame(reader);
        }
    }

    fn close_html(&mut self, reader: &mut Reader<'_>) {
        while matches!(self.frames.last(), Some(Frame { kind: Kind::Html(_), .. })) {
            if let Some(Frame { kind: Kind::Html(tag), span, .. }) = self.frames.last() {
                html::not_closed(reader, &tag.name, span.clone());
            }
            self.close_frame(reader);
        }
    }

    fn close_frame(&mut self, reader: &mut Reader<'_>) {
        let Some(Frame { kind, span, content }) = self.frames.pop() else { return };
        match kind {
            Kind::Root | Kind::Flat => content.into_iter().for_each(|inline| self.push(inline)),
            Kind::Emphasis => self.push(Inline::Emphasis(content)),
            Kind::Strong => self.push(Inline::Strong(content)),
            Kind::Strikethrough => self.push(Inline::Strikethrough(content)),
            Kind::Link { url, title } => self.push(Inline::Link { url, title, content, span }),
            Kind::Image { source, title } => {
                if title.is_some() {
                    reader.extras.entry(span.start).or_default().title = title;
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
    pub(super) fn event(&mut self, reader: &mut Reader<'_>, event: Event<'_>, span: Span, shield: &Shield) {
        self.end = self.end.max(span.end);
        if let Event::Text(text) = event {
            reader.report_loose(&span, shield);
            let shown = match shield.marker_in(&span) {
                Some(_) if text.len() == span.len() => reader.source.text()[span.clone()].to_owned(),
                _ => text.into_string(),
            };
            let written = shield.text.get(span.start - shield.base..span.end - shield.base);
            let is_smart = shown.chars().all(|c| "“”‘’–—…".contains(c));
            let written = written.map(|written| shield.swaps.text(written).into_owned());
            let smart = written.filter(|written| is_smart && *written != shown);
            self.text.push(Stretch { span, shown, smart });
            return;
        }
        self.flush(reader, shield);
        match event {
            Event::Code(code) => self.push(Inline::Code(shield.literal(&code, reader.source))),
            Event::InlineMath(tex) | Event::DisplayMath(tex) => {
                self.push(Inline::Math(shield.literal(&tex, reader.source)));
            }
            Event::SoftBreak => self.push(Inline::SoftBreak),
            Event::HardBreak => self.push(Inline::LineBreak),
            Event::FootnoteReference(label) => {
                let label = shield.literal(&label, reader.source);
                let index = *reader.label_places.entry(label.to_lowercase()).or_insert(reader.labels.len());
                if index == reader.labels.len() {
                    reader.labels.push(label);
                }
                self.push(Inline::Footnote(index));
            }
            Event::InlineHtml(tag) | Event::Html(tag) => {
                let tag = shield.literal(&tag, reader.source);
                self.html(reader, &tag, span);
            }
            _ => {}
        }
    }

    fn html(&mut self, reader: &mut Reader<'_>, text: &str, span: Span) {
        match html::inline(reader, text, &span) {
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
                                html::not_closed(reader, &tag.name, span.clone());
                            }
                            self.close_frame(reader);
                        }
                        self.close_frame(reader);
                    }
                    None => html::not_opened(reader, &name, span),
                }
            }
        }
    }

    /// Ends the words.
    pub(super) fn finish(mut self, reader: &mut Reader<'_>, shield: &Shield) -> Inlines {
        self.flush(reader, shield);
        while self.frames.len() > 1 {
            self.close_html(reader);
            if self.frames.len() > 1 {
                self.close_frame(reader);
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

    /// Quotation marks become those of the language.
    fn localize(&mut self, reader: &Reader<'_>, shield: &Shield, stretches: &mut [Stretch]) {
        for stretch in stretches.iter_mut().filter(|stretch| stretch.smart.is_some()) {
            let mut marks = stretch.shown.chars();
            let (Some(mark @ ('“' | '”' | '‘' | '’')), None) = (marks.next(), marks.next()) else {
                continue;
            };
            let (start, end) = (stretch.span.start - shield.base, stretch.span.end - shield.base);
            let before = shield.text.get(..start).and_then(|text| text.chars().next_back());
            let behind = shield.text.get(end..).and_then(|text| text.chars().next());
            // Marks of Markdown are no letters: a word may begin behind them.
            let behind = behind.filter(|c| !"*_~`[".contains(*c)).or(behind.map(|_| 'x'));
            stretch.shown = reader.quotes.shown(mark, (before, behind), &mut self.quotes).to_owned();
        }
    }

    /// The waiting text: bare addresses become links, sentinels what they stand for.
    fn flush(&mut self, reader: &mut Reader<'_>, shield: &Shield) {
        let mut stretches = std::mem::take(&mut self.text);
        self.localize(reader, shield, &mut stretches);
        let [first, ..] = stretches.as_slice() else { return };
        let whole = first.span.clone();
        // Addresses are looked for in the author's spelling: smart punctuation would have changed `--` in them.
        let mut raw = String::new();
        let mut pieces: Vec<(usize, &Stretch, bool)> = Vec::new();
        for stretch in &stretches {
            pieces.push((raw.len(), stretch, stretch.smart.is_some()));
            raw.push_str(stretch.smart.as_deref().unwrap_or(&stretch.shown));
        }
        if self.frames.iter().all(|frame| !matches!(frame.kind, Kind::Link { .. } | Kind::Image { .. })) {
            let place = |at: usize| {
                let piece = pieces.partition_point(|(start, ..)| *start <= at).saturating_sub(1);
                pieces.get(piece).map_or(whole.start, |(start, stretch, _)| stretch.span.start + (at - start))
            };
            missing_notes(reader, &raw, &place);
            leftover::look(reader, &raw, &place);
        }
        let links = if self.within_link() { Vec::new() } else { linkify(&raw) };
        let shown = |span: Span| -> String {
            let mut out = String::new();
            let first = pieces.partition_point(|(at, ..)| *at <= span.start).saturating_sub(1);
            for (index, (at, stretch, smart)) in pieces.iter().enumerate().skip(first) {
                if *at >= span.end {
                    break;
                }
                let end = pieces.get(index + 1).map_or(raw.len(), |(next, ..)| *next);
                if *smart {
                    if *at >= span.start {
                        out.push_str(&stretch.shown);
                    }
                } else {
                    out.push_str(&raw[span.start.max(*at)..span.end.min(end)]);
                }
            }
            out
        };
        let place = |at: usize| -> usize {
            let piece = pieces.partition_point(|(start, ..)| *start <= at).saturating_sub(1);
            pieces.get(piece).map_or(whole.start, |(start, stretch, _)| {
                (stretch.span.start + (at - start)).min(stretch.span.end)
            })
        };
        let mut done = 0;
        for link in links {
            let before = shown(done..link.span.start);
            self.words(reader, &before, shield);
            let text = &raw[link.span.clone()];
            let url = prefixed(link.prefix, reader.phrase(text, shield));
            // The same placeholder stands in the words and in the address: told once.
            let told = reader.diagnostics.len();
            let content = phrase_inlines(reader.phrase(text, shield));
            reader.diagnostics.truncate(told);
            let span = place(link.span.start)..place(link.span.end).max(place(link.span.start));
            self.push(Inline::Link { url, title: Phrase::default(), content, span });
            done = link.span.end;
        }
        let rest = shown(done..raw.len());
        self.words(reader, &rest, shield);
    }

    /// Text without links: placeholders, and attributes of the link or picture before it.
    fn words(&mut self, reader: &mut Reader<'_>, text: &str, shield: &Shield) {
        let mut rest = text;
        while let Some((at, piece)) = rest
            .char_indices()
            .filter(|(_, c)| *c as u32 >= 0xF0000)
            .find_map(|(at, c)| shield.piece(c).map(|piece| (at, piece.clone())))
        {
            if at > 0 {
                self.push(Inline::Text(rest[..at].to_owned()));
            }
            rest = rest.get(at + piece.span.len()..).unwrap_or_default();
            let literal = &reader.source.text()[piece.span.clone()];
            match piece.kind {
                PieceKind::Placeholder => match reader.placeholder(&piece) {
                    Some(placeholder) => self.push(Inline::Placeholder(placeholder)),
                    None => self.push(Inline::Text(literal.to_owned())),
                },
                PieceKind::Attributes => {
                    let last = self.frames.last_mut().and_then(|frame| frame.content.last_mut());
                    match (last, braces(literal, piece.span.start)) {
                        (Some(Inline::Image(image)), Some((attributes, _))) => {
                            picture(reader, image, attributes);
                        }
                        (Some(Inline::Link { span, .. }), Some((attributes, _))) => {
                            let place = span.start;
                            check_link(reader, &attributes);
                            reader.extras.entry(place).or_default().attributes = attributes;
                        }
                        _ => self.push(Inline::Text(literal.to_owned())),
                    }
                }
            }
        }
        if !rest.is_empty() {
            self.push(Inline::Text(rest.to_owned()));
        }
    }
}

/// Reports `[^label]` that refers to nothing: Markdown leaves it as text.
fn missing_notes(reader: &mut Reader<'_>, raw: &str, place: &dyn Fn(usize) -> usize) {
    for at in memchr::memmem::find_iter(raw.as_bytes(), b"[^") {
        let label = raw[at + 2..].split(']').next().unwrap_or_default();
        let closed = raw[at + 2 + label.len()..].starts_with(']');
        let start = place(at);
        let escaped = start > 0 && reader.source.text().as_bytes()[start - 1] == b'\\';
        if !closed || escaped || label.is_empty() || label.len() > 80 || label.contains(char::is_whitespace) {
            continue;
        }
        reader.error(
            "M150",
            start..start + label.len() + 3,
            format!("footnote `{label}` not found"),
            format!(
                "write `[^{label}]: …` in a paragraph of its own, or `\\[^{label}]` to show the characters"
            ),
        );
    }
}

/// Adds to words; neighbouring text becomes one.
pub(super) fn push(words: &mut Inlines, inline: Inline) {
    match (words.last_mut(), inline) {
        (Some(Inline::Text(before)), Inline::Text(text)) => before.push_str(&text),
        (_, Inline::Text(text)) if text.is_empty() => {}
        (_, inline) => words.push(inline),
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

/// A phrase as words.
pub(super) fn phrase_inlines(phrase: Phrase) -> Inlines {
    phrase
        .0
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => Inline::Text(text),
            Part::Open(placeholder) => Inline::Placeholder(placeholder),
        })
        .collect()
}

/// Words without their marks, for alternative texts.
pub(super) fn plain(words: &[Inline]) -> Phrase {
    let mut phrase = Phrase::default();
    let text = |text: &str, phrase: &mut Phrase| match phrase.0.last_mut() {
        Some(Part::Text(before)) => before.push_str(text),
        _ => phrase.0.push(Part::Text(text.to_owned())),
    };
    each_inline(words, &mut |word| match word {
        Inline::Text(words) | Inline::Code(words) | Inline::Math(words) => text(words, &mut phrase),
        Inline::Image(image) => {
            for part in &image.alt.0 {
                match part {
                    Part::Text(words) => text(words, &mut phrase),
                    Part::Open(_) => phrase.0.push(part.clone()),
                }
            }
        }
        Inline::LineBreak | Inline::SoftBreak => text(" ", &mut phrase),
        Inline::Placeholder(placeholder) => phrase.0.push(Part::Open(placeholder.clone())),
        _ => {}
    });
    phrase
}

const PICTURE_KEYS: [&str; 3] = ["width", "credit", "alt"];
const LINK_CLASSES: [&str; 3] = ["button", "secondary", "primary"];

fn picture(reader: &mut Reader<'_>, image: &mut Image, attributes: Attributes) {
    for key in &attributes.keys {
        match key.name.as_str() {
            "width" => image.width = width(reader, key.value.clone()),
            "alt" => {
                let words = reader.words(key.value.clone());
                image.alt = plain(&words);
            }
            "credit" => {}
            name => unknown(reader, name, "a picture", key.span.clone(), &PICTURE_KEYS),
        }
    }
    for (class, span) in &attributes.classes {
        unknown(reader, &format!(".{class}"), "a picture", span.clone(), &PICTURE_KEYS);
    }
    reader.extras.entry(image.span.start).or_default().attributes = attributes;
}

fn check_link(reader: &mut Reader<'_>, attributes: &Attributes) {
    for key in attributes.keys.iter().filter(|key| key.name != "kind") {
        unknown(reader, &key.name, "a link", key.span.clone(), &["kind"]);
    }
    for (class, span) in
        attributes.classes.iter().filter(|(class, _)| !LINK_CLASSES.contains(&class.as_str()))
    {
        unknown(reader, &format!(".{class}"), "a link", span.clone(), &[".button", ".secondary", ".primary"]);
    }
}

/// A width in CSS pixels.
pub(super) fn width(reader: &mut Reader<'_>, span: Span) -> Option<u32> {
    let text = &reader.source.text()[span.clone()];
    let width =
        text.strip_suffix("px").unwrap_or(text).parse().ok().filter(|width| (1..=10_000).contains(width));
    if width.is_none() {
        reader.error(
            "M134",
            span,
            format!("invalid width `{text}`"),
            "write a number of pixels, for example `width=300`",
        );
    }
    width
}

/// A class or key that nothing is done with.
pub(super) fn unknown(reader: &mut Reader<'_>, name: &str, owner: &str, span: Span, known: &[&str]) {
    let help = match nearest(name, known.iter().copied()) {
        Some(known) => format!("did you mean `{known}`?"),
        None if known.is_empty() => "take it out".to_owned(),
        None => {
            let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            format!("{owner} knows {}", known.join(", "))
        }
    };
    reader.warn("M135", span, format!("`{name}` means nothing on {owner}"), help);
}

impl Extra {
    /// Whether a link is to be a button, and a quieter one.
    pub(super) fn button(&self) -> Option<bool> {
        self.attributes.has_class("button").then(|| self.attributes.has_class("secondary"))
    }
}
