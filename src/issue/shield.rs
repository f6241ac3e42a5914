//! What Markdown does not know is hidden from its parser, byte for byte, so that every offset stays true.
//!
//! A placeholder or an attribute block becomes one private-use character and letters; a container's line becomes a
//! thematic break of underscores, which Markdown recognises exactly where a container may stand (not in code, not in
//! raw HTML, but in lists and quotes).

use pulldown_cmark::Options;

use super::{
    attributes,
    placeholder::{Found, find},
    swap::Swaps,
};
use crate::source::{Diagnostic, Diagnostics, Source, Span};

/// More quote and list marks on one line are a mistake or an attack.
const MARKS_MAX: usize = 50;
/// An item that is indented further is a mistake or an attack.
const INDENT_MAX: usize = 400;
/// A private-use character is this long in UTF-8 (planes 15 and 16).
const SENTINEL: usize = 4;
/// There are more private-use characters than this, even when the text uses some.
const PIECES_MAX: usize = 100_000;

/// A text with its foreign parts hidden.
#[derive(Debug)]
pub(super) struct Shield {
    /// As long as the original.
    pub(super) text: String,
    /// What Markdown would misread.
    pub(super) swaps: Swaps,
    /// Where the text begins in the file.
    pub(super) base: usize,
    /// Hidden placeholders and attribute blocks, in order; each stands for the sentinel of the same index.
    pieces: Vec<Piece>,
    sentinels: Vec<char>,
    /// Container lines, in order.
    pub(super) markers: Vec<Marker>,
    /// `{{` without end and `{%`, in order: a mistake when they turn out to be text.
    loose: Vec<(usize, Loose)>,
}

/// A hidden stretch; its span counts in the file.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) span: Span,
    pub(super) kind: PieceKind,
}

/// What is hidden.
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

impl Shield {
    /// Hides what is foreign in a stretch of the file. `markers` says whether containers can begin in it.
    pub(super) fn new(
        source: &Source,
        span: Span,
        markers: bool,
        options: Options,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let base = span.start;
        let original = &source.text()[span];
        let mut text = original.as_bytes().to_vec();
        let mut shield = Self {
            text: String::new(),
            swaps: Swaps::default(),
            base,
            pieces: Vec::new(),
            sentinels: Vec::new(),
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
        if markers {
            shield.lines(original, &mut text, source, diagnostics);
        }
        shield.find_pieces(original, source, diagnostics);
        shield.sentinels = free_sentinels(original, shield.pieces.len());
        for (piece, sentinel) in shield.pieces.iter().zip(&shield.sentinels) {
            let hidden = &mut text[piece.span.start - base..piece.span.end - base];
            hidden.fill(b'x');
            sentinel.encode_utf8(&mut hidden[..SENTINEL]);
        }
        shield.text = String::from_utf8(text).expect("only whole characters were replaced");
        shield.swaps = Swaps::make(&mut shield.text, options);
        shield
    }

    /// Container lines, and lines that are nested too deeply.
    fn lines(&mut self, original: &str, text: &mut [u8], source: &Source, diagnostics: &mut Diagnostics) {
        let bytes = original.as_bytes();
        let mut start = 0;
        let mut told = false;
        while start < bytes.len() {
            let end = memchr::memchr2(b'\n', b'\r', &bytes[start..]).map_or(bytes.len(), |at| start + at);
            let line = &bytes[start..end];
            let prefix = prefix(line);
            if prefix.excess < prefix.content {
                if !told {
                    told = true;
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

    fn find_pieces(&mut self, original: &str, source: &Source, diagnostics: &mut Diagnostics) {
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
            if length < SENTINEL || in_heading {
                continue;
            }
            attribute_end = at + length;
            self.pieces.push(Piece { span: base + at..base + at + length, kind: PieceKind::Attributes });
        }
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

    /// What a sentinel stands for.
    pub(super) fn piece(&self, sentinel: char) -> Option<&Piece> {
        if (sentinel as u32) < 0xF0000 {
            return None;
        }
        self.sentinels.binary_search(&sentinel).ok().and_then(|index| self.pieces.get(index))
    }

    /// Whether something in the span was hidden.
    pub(super) fn hides(&self, span: &Span) -> bool {
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

    /// A text as the author wrote it, with its sentinels resolved to what they hide.
    pub(super) fn literal(&self, text: &str, source: &Source) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(|c| self.piece(c).is_some()) {
            out.push_str(&rest[..at]);
            let sentinel = rest[at..].chars().next().expect("a character was found here");
            let piece = self.piece(sentinel).expect("it was found as a sentinel");
            out.push_str(&source.text()[piece.span.clone()]);
            rest = rest.get(at + piece.span.len()..).unwrap_or_default();
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

/// Private-use characters that the text does not use, neither as themselves nor as entities; ascending.
fn free_sentinels(text: &str, count: usize) -> Vec<char> {
    if count == 0 {
        return Vec::new();
    }
    let mut used: Vec<char> = Vec::new();
    if memchr::memchr2(0xF3, 0xF4, text.as_bytes()).is_some() {
        used.extend(text.chars().filter(|c| *c as u32 >= 0xF0000));
    }
    for at in memchr::memmem::find_iter(text.as_bytes(), b"&#") {
        let digits = &text[at + 2..];
        let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16),
            None => (digits, 10),
        };
        let length = digits.bytes().take(8).take_while(u8::is_ascii_hexdigit).count();
        used.extend(u32::from_str_radix(&digits[..length], radix).ok().and_then(char::from_u32));
    }
    used.sort_unstable();
    ('\u{F0000}'..='\u{FFFFD}')
        .chain('\u{100000}'..='\u{10FFFD}')
        .filter(|c| used.binary_search(c).is_err())
        .take(count)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shield(text: &str) -> (Shield, Diagnostics) {
        let mut diagnostics = Vec::new();
        let shield =
            Shield::new(&Source::new("a.md", text), 0..text.len(), true, Options::empty(), &mut diagnostics);
        (shield, diagnostics)
    }

    #[test]
    fn the_hidden_text_is_as_long_as_the_original() {
        let text = "Hi {{ subscriber.first_name }}, [a](b){.button}\n::: card \"x\"\n> :::\n`{{`\n";
        let (shield, diagnostics) = shield(text);
        assert_eq!(shield.text.len(), text.len());
        assert_eq!(diagnostics, []);
        assert_eq!(
            shield.literal(shield.text.lines().next().unwrap(), &Source::new("a.md", text)),
            text.lines().next().unwrap()
        );
        assert_eq!(shield.markers.len(), 2);
        assert!(shield.markers[1].closes);
    }

    #[test]
    fn the_users_own_private_characters_are_left_alone() {
        let text = "\u{F0000} &#xF0001; {{ issue.title }}";
        let (shield, _) = shield(text);
        assert_eq!(shield.sentinels, ['\u{F0002}']);
        assert!(shield.piece('\u{F0000}').is_none());
    }

    #[test]
    fn a_tower_of_quotes_is_told_once_and_levelled() {
        let text = format!("{}x\n{}y\n- - - - - -\n", ">".repeat(5_000), "- ".repeat(200));
        let (shield, diagnostics) = shield(&text);
        assert_eq!(diagnostics.len(), 1);
        assert_eq!(diagnostics[0].code, "M121");
        assert_eq!(shield.text.bytes().filter(|&byte| byte == b'>').count(), MARKS_MAX);
        let long_rule = format!("{}\n", "- ".repeat(200));
        assert_eq!(self::shield(&long_rule).1, []);
    }
}
