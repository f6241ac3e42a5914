//! What Markdown does not know is masked for its parser, byte for byte, so that every offset stays true.
//!
//! A placeholder or an attribute block becomes a stand-in (see `stand_ins.rs`) and letters; a container's line becomes a
//! thematic break of underscores, which Markdown recognizes exactly where a container is allowed (not in code, not in
//! raw HTML, but in lists and quotes).

use super::{
    attributes,
    placeholder::{Found, find},
    stand_ins::{free_characters, may_stand_in},
    swap::Swaps,
};
use crate::source::{Diagnostic, Diagnostics, Source, Span};

/// More quote and list marks on one line are a mistake or an attack.
const MARKS_MAX: usize = 50;
/// An item that is indented further is a mistake or an attack.
const INDENT_MAX: usize = 400;
/// The length of a stand-in for a piece, in UTF-8.
const STAND_IN: usize = 4;
/// There are more stand-ins than this, even when the text uses some of the characters.
const PIECES_MAX: usize = 100_000;

/// A text with its foreign parts masked.
#[derive(Debug)]
pub(super) struct MaskedText {
    /// As long as the original.
    pub(super) text: String,
    /// What Markdown would misread.
    pub(super) swaps: Swaps,
    /// Where the text begins in the file.
    pub(super) base: usize,
    /// Masked placeholders and attribute blocks, in order.
    pieces: Vec<Piece>,
    /// Ascending; each stands for the piece of the same index.
    stand_ins: Vec<char>,
    /// Container lines, in order.
    pub(super) markers: Vec<Marker>,
    /// `{{` without end and `{%`, in order: a mistake when they turn out to be text.
    loose: Vec<(usize, Loose)>,
}

/// A masked stretch; its span counts in the file.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) span: Span,
    pub(super) kind: PieceKind,
}

/// What is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceKind {
    Placeholder,
    Attributes,
}

/// What looks like a template language and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loose {
    Unclosed,
    Statement,
}

/// `::: name …` or `:::`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    /// From the first colon to the end of the words, in the file.
    pub(super) span: Span,
    /// How many colons.
    pub(super) colons: usize,
    /// Nothing but colons.
    pub(super) closes: bool,
}

impl MaskedText {
    /// Masks what is foreign in a stretch of the file. `has_containers` says whether containers can begin in it.
    pub(super) fn new(
        source: &Source,
        span: Span,
        has_containers: bool,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let base = span.start;
        let original = &source.text()[span];
        let mut text = original.as_bytes().to_vec();
        let mut masked = Self {
            text: String::new(),
            swaps: Swaps::default(),
            base,
            pieces: Vec::new(),
            stand_ins: Vec::new(),
            markers: Vec::new(),
            loose: Vec::new(),
        };
        if let Some(at) = memchr::memchr(0, &text) {
            diagnostics.push(
                Diagnostic::error("M120", source, base + at..base + at + 1, "the file contains a NUL byte")
                    .help("save the issue as plain text in UTF-8"),
            );
            text.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
        }
        if has_containers {
            masked.lines(original, &mut text, source, diagnostics);
        }
        masked.find_attributes(original);
        masked.find_placeholders(original, source, diagnostics);
        masked.stand_ins = free_characters(original, STAND_IN).take(masked.pieces.len()).collect();
        for (piece, stand_in) in masked.pieces.iter().zip(&masked.stand_ins) {
            let hidden = &mut text[piece.span.start - base..piece.span.end - base];
            hidden.fill(b'x');
            stand_in.encode_utf8(&mut hidden[..STAND_IN]);
        }
        masked.text = String::from_utf8(text).expect("only whole characters were replaced");
        masked.swaps = Swaps::make(&mut masked.text);
        masked
    }

    /// Container lines, and lines that are nested too deeply.
    fn lines(&mut self, original: &str, text: &mut [u8], source: &Source, diagnostics: &mut Diagnostics) {
        let bytes = original.as_bytes();
        let mut start = 0;
        let mut is_reported = false;
        while start < bytes.len() {
            let end = memchr::memchr2(b'\n', b'\r', &bytes[start..]).map_or(bytes.len(), |at| start + at);
            let line = &bytes[start..end];
            let prefix = prefix(line);
            if prefix.excess < prefix.content {
                if !is_reported {
                    is_reported = true;
                    let place = self.base + start + prefix.excess..self.base + start + prefix.content;
                    diagnostics.push(too_deep(source, place));
                }
                text[start + prefix.excess..start + prefix.content].fill(b' ');
            } else if line[prefix.content..].starts_with(b":::") {
                let words = original[start + prefix.content..end].trim_end();
                let colons = words.bytes().take_while(|&byte| byte == b':').count();
                let from = start + prefix.content;
                self.markers.push(Marker {
                    span: self.base + from..self.base + from + words.len(),
                    colons,
                    closes: colons == words.len(),
                });
                text[from..from + 3].fill(b'_');
                text[from + 3..end].fill(b' ');
            }
            start = end + 1;
        }
    }

    /// Attribute blocks behind links and pictures.
    fn find_attributes(&mut self, original: &str) {
        let bytes = original.as_bytes();
        let base = self.base;
        let mut attribute_end = 0;
        for at in memchr::memchr_iter(b'{', bytes) {
            if at < attribute_end || at == 0 || !matches!(bytes[at - 1], b')' | b']') {
                continue;
            }
            let mut window = original.len().min(at + 1_200);
            while !original.is_char_boundary(window) {
                window -= 1;
            }
            let Some((_, length)) = attributes::braces(&original[at..window], base + at) else { continue };
            let heading_start = memchr::memrchr2(b'\n', b'\r', &bytes[at.saturating_sub(1_000)..at])
                .map_or(at.saturating_sub(1_000), |line| at.saturating_sub(1_000) + line + 1);
            let in_heading = bytes[heading_start..].iter().find(|byte| !b" >".contains(byte)) == Some(&b'#');
            // `{#name}` at the end of a heading is the heading's.
            if length < STAND_IN || in_heading && original[at..].starts_with("{#") {
                continue;
            }
            attribute_end = at + length;
            self.pieces.push(Piece { span: base + at..base + at + length, kind: PieceKind::Attributes });
        }
    }

    /// Placeholders, apart from those within an attribute block or a container's line.
    fn find_placeholders(&mut self, original: &str, source: &Source, diagnostics: &mut Diagnostics) {
        let base = self.base;
        let attributes = self.pieces.len();
        let mut within = 0;
        for found in find(original, false) {
            let (Found::Placeholder(span)
            | Found::Unclosed(span)
            | Found::Statement(span)
            | Found::Escape(span)) = found.clone();
            while within < attributes && self.pieces[within].span.end <= base + span.start {
                within += 1;
            }
            let hidden = within < attributes && self.pieces[within].span.start < base + span.end;
            if hidden || self.in_marker(base + span.start) {
                continue;
            }
            match found {
                Found::Placeholder(span) if self.pieces.len() < PIECES_MAX => {
                    let span = base + span.start..base + span.end;
                    self.pieces.push(Piece { span, kind: PieceKind::Placeholder });
                }
                Found::Placeholder(span) => {
                    let place = base + span.start..base + span.end;
                    diagnostics.push(
                        Diagnostic::error(
                            "M209",
                            source,
                            place,
                            "more than 100,000 placeholders in one issue",
                        )
                        .help("take some out; no letter needs so many"),
                    );
                    break;
                }
                Found::Unclosed(span) => self.loose.push((base + span.start, Loose::Unclosed)),
                Found::Statement(span) => self.loose.push((base + span.start, Loose::Statement)),
                Found::Escape(_) => {}
            }
        }
        self.pieces.sort_by_key(|piece| piece.span.start);
        self.pieces.truncate(PIECES_MAX);
    }

    fn in_marker(&self, at: usize) -> bool {
        let next = self.markers.partition_point(|marker| marker.span.end <= at);
        self.markers.get(next).is_some_and(|marker| marker.span.start <= at)
    }

    /// The container line that begins in a span.
    pub(super) fn marker_in(&self, span: &Span) -> Option<usize> {
        let next = self.markers.partition_point(|marker| marker.span.start < span.start);
        self.markers.get(next).filter(|marker| marker.span.start < span.end).map(|_| next)
    }

    /// What a stand-in stands for.
    fn piece(&self, stand_in: char) -> Option<&Piece> {
        if !may_stand_in(stand_in) {
            return None;
        }
        self.stand_ins.binary_search(&stand_in).ok().and_then(|index| self.pieces.get(index))
    }

    /// The first masked piece in a text, and where its stand-in is. In the text it is as long as in the file.
    pub(super) fn first_piece(&self, text: &str) -> Option<(usize, Piece)> {
        let found = text.char_indices().find_map(|(at, c)| self.piece(c).map(|piece| (at, piece)));
        found.map(|(at, piece)| (at, piece.clone()))
    }

    /// Whether something in the span was masked.
    pub(super) fn masks(&self, span: &Span) -> bool {
        let next = self.pieces.partition_point(|piece| piece.span.end <= span.start);
        self.pieces.get(next).is_some_and(|piece| piece.span.start < span.end)
            || self.marker_in(span).is_some()
    }

    /// What looks like a template language within a span.
    pub(super) fn loose_in(&self, span: &Span) -> impl Iterator<Item = (usize, Loose)> + '_ {
        let from = self.loose.partition_point(|(at, _)| *at < span.start);
        let end = span.end;
        self.loose[from..].iter().copied().take_while(move |(at, _)| *at < end)
    }

    /// A text as the author wrote it, with its stand-ins resolved to what they mask.
    pub(super) fn literal(&self, text: &str, source: &Source) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((at, piece)) = self.first_piece(rest) {
            out.push_str(&rest[..at]);
            rest = rest.get(at + piece.span.len()..).unwrap_or_default();
            out.push_str(&source.text()[piece.span]);
        }
        out.push_str(rest);
        out
    }
}

/// The one diagnostic for everything that is nested without end.
pub(super) fn too_deep(source: &Source, span: Span) -> Diagnostic {
    Diagnostic::error("M121", source, span, "quotes, lists or containers are nested too deeply")
        .help("readers cannot follow more than a few levels; make it flatter")
}

/// The quote and list marks in front of a line's words.
struct Prefix {
    /// Where the words begin.
    content: usize,
    /// Where the marks become too many; `content` when they do not.
    excess: usize,
}

fn prefix(line: &[u8]) -> Prefix {
    let mut at = 0;
    let mut marks = 0;
    let mut excess = None;
    loop {
        let before = at;
        while at < line.len() && (line[at] == b' ' || line[at] == b'\t') {
            at += 1;
        }
        let space_behind = |at: usize| line.get(at).is_none_or(|byte| matches!(byte, b' ' | b'\t'));
        let length = match line.get(at) {
            Some(b'>') => 1,
            Some(b'-' | b'+' | b'*') if space_behind(at + 1) => 1,
            Some(b'0'..=b'9') => {
                let digits = line[at..].iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
                match line.get(at + digits) {
                    Some(b'.' | b')') if digits < 10 && space_behind(at + digits + 1) => digits + 1,
                    _ => 0,
                }
            }
            _ => 0,
        };
        if length == 0 {
            // Indentation alone nests nothing; a divider of many marks does not either.
            let divider = marks > 2 && at == line.len() && one_mark(line);
            let excess = excess.filter(|_| !divider).unwrap_or(at);
            return Prefix { content: at, excess };
        }
        marks += 1;
        if (marks > MARKS_MAX || at - before > INDENT_MAX) && excess.is_none() {
            excess = Some(at);
        }
        at += length;
    }
}

/// `- - - - -`, `***…`: the same mark all along.
fn one_mark(line: &[u8]) -> bool {
    let mut marks = line.iter().filter(|byte| !matches!(byte, b' ' | b'\t'));
    match marks.next() {
        Some(first @ (b'-' | b'*')) => marks.all(|mark| mark == first),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(text: &str) -> (MaskedText, Diagnostics) {
        let mut diagnostics = Vec::new();
        let masked = MaskedText::new(&Source::new("a.md", text), 0..text.len(), true, &mut diagnostics);
        (masked, diagnostics)
    }

    #[test]
    fn the_masked_text_is_as_long_as_the_original() {
        let text = "Hi {{ subscriber.first_name }}, [a](b){.button}\n::: card \"x\"\n> :::\n`{{`\n";
        let (masked, diagnostics) = mask(text);
        assert_eq!(masked.text.len(), text.len());
        assert_eq!(diagnostics, []);
        assert_eq!(
            masked.literal(masked.text.lines().next().unwrap(), &Source::new("a.md", text)),
            text.lines().next().unwrap()
        );
        assert_eq!(masked.markers.len(), 2);
        assert!(masked.markers[1].closes);
    }

    #[test]
    fn the_users_own_private_characters_are_left_alone() {
        let text = "\u{F0000} &#xF0001; {{ issue.title }}";
        let (masked, _) = mask(text);
        assert_eq!(masked.stand_ins, ['\u{F0002}']);
        assert!(masked.piece('\u{F0000}').is_none());
    }

    #[test]
    fn a_tower_of_quotes_is_reported_once_and_leveled() {
        let text = format!("{}x\n{}y\n- - - - - -\n", ">".repeat(5_000), "- ".repeat(200));
        let (masked, diagnostics) = mask(&text);
        assert_eq!(diagnostics.len(), 1);
        assert_eq!(diagnostics[0].code, "M121");
        assert_eq!(masked.text.bytes().filter(|&byte| byte == b'>').count(), MARKS_MAX);
        let long_rule = format!("{}\n", "- ".repeat(200));
        assert_eq!(mask(&long_rule).1, []);
    }
}
