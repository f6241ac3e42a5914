//! Characters that Markdown would misread are swapped for ones that mean nothing to it, and put back in its events.
//!
//! Two kinds: the dollar signs of money, which would begin a formula, and punctuation beside `*` in Chinese, Japanese
//! and Korean, where no space says whether the mark begins or ends. Every stand-in is as long as its character.

use std::borrow::Cow;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Parser, Tag};

use super::{extensions::extensions, stand_ins::free_characters};

/// More rounds than this are no letter about money.
const ROUNDS_MAX: usize = 16;

/// What stands for what.
#[derive(Debug, Default)]
pub(super) struct Swaps {
    /// The stand-in and the character.
    pairs: Vec<(char, char)>,
}

impl Swaps {
    /// Swaps what has to be swapped in a text.
    pub(super) fn make(text: &mut String) -> Self {
        let mut swaps = Self::default();
        if !text.is_ascii() && text.contains(['*', '~']) {
            swaps.emphasis(text);
        }
        if text.bytes().filter(|byte| *byte == b'$').nth(1).is_some() {
            swaps.money(text);
        }
        swaps
    }

    /// A dollar sign with a letter or a digit right behind it begins something new; it does not end a formula. One behind a
    /// letter or a digit belongs to it (`5$`), and words between two amounts are no formula either.
    fn money(&mut self, text: &mut String) {
        for _ in 0..ROUNDS_MAX {
            let is_word =
                |at: usize| text.as_bytes().get(at).is_some_and(|byte| byte.is_ascii_alphanumeric());
            let found: Vec<usize> = Parser::new_ext(text, extensions())
                .into_offset_iter()
                .filter_map(|(event, span)| match event {
                    Event::InlineMath(tex) => {
                        let is_beside_word = is_word(span.end) || span.start > 0 && is_word(span.start - 1);
                        (is_beside_word || is_prose(&tex)).then_some((span, 1))
                    }
                    Event::DisplayMath(tex) => is_sentence(&tex).then_some((span, 2)),
                    _ => None,
                })
                .flat_map(|(span, marks)| (span.start..span.start + marks).chain(span.end - marks..span.end))
                .collect();
            if found.is_empty() {
                return;
            }
            self.swap(text, found.into_iter().map(|at| (at, '$')));
        }
    }

    /// Marks between a word without spaces and its punctuation: `**重要：**请`.
    fn emphasis(&mut self, text: &mut String) {
        let mut found = Vec::new();
        let mut end = 0;
        while let Some(start) = text[end..].find(['*', '~']).map(|at| end + at) {
            end = start + text[start..].bytes().take_while(|byte| matches!(byte, b'*' | b'~')).count();
            let (before, behind) = (text[..start].chars().next_back(), text[end..].chars().next());
            match (before, behind) {
                (Some(mark), Some(letter)) if is_mark(mark) && is_ideograph(letter) => {
                    found.push((start - mark.len_utf8(), mark));
                }
                (Some(letter), Some(mark)) if is_mark(mark) && is_ideograph(letter) => {
                    found.push((end, mark))
                }
                _ => {}
            }
        }
        self.swap(text, found.into_iter());
    }

    fn swap(&mut self, text: &mut String, places: impl Iterator<Item = (usize, char)>) {
        let mut bytes = text.as_bytes().to_vec();
        for (at, character) in places {
            let known = self.pairs.iter().find(|(_, known)| *known == character).map(|(free, _)| *free);
            let Some(free) = known.or_else(|| self.free(text, character)) else { continue };
            if known.is_none() {
                self.pairs.push((free, character));
            }
            free.encode_utf8(&mut bytes[at..at + character.len_utf8()]);
        }
        *text = String::from_utf8(bytes).expect("each character was replaced by one of its length");
    }

    /// A character as long as another one that the text does not have.
    fn free(&self, text: &str, character: char) -> Option<char> {
        free_characters(text, character.len_utf8()).find(|c| self.pairs.iter().all(|(taken, _)| taken != c))
    }

    /// The text as it was.
    pub(super) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.pairs.is_empty() || !text.contains(|c| self.original(c).is_some()) {
            return Cow::Borrowed(text);
        }
        Cow::Owned(text.chars().map(|c| self.original(c).unwrap_or(c)).collect())
    }

    fn original(&self, c: char) -> Option<char> {
        self.pairs.iter().find(|(stand_in, _)| *stand_in == c).map(|(_, character)| *character)
    }

    /// An event with the characters that the author wrote.
    pub(super) fn event<'t>(&self, event: Event<'t>) -> Event<'t> {
        if self.pairs.is_empty() {
            return event;
        }
        let back = |text: CowStr<'t>| match self.text(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(text) => CowStr::from(text),
        };
        match event {
            Event::Text(text) => Event::Text(back(text)),
            Event::Code(text) => Event::Code(back(text)),
            Event::InlineMath(text) => Event::InlineMath(back(text)),
            Event::DisplayMath(text) => Event::DisplayMath(back(text)),
            Event::Html(text) => Event::Html(back(text)),
            Event::InlineHtml(text) => Event::InlineHtml(back(text)),
            Event::FootnoteReference(text) => Event::FootnoteReference(back(text)),
            Event::Start(tag) => Event::Start(match tag {
                Tag::Link { link_type, dest_url, title, id } => {
                    Tag::Link { link_type, dest_url: back(dest_url), title: back(title), id }
                }
                Tag::Image { link_type, dest_url, title, id } => {
                    Tag::Image { link_type, dest_url: back(dest_url), title: back(title), id }
                }
                Tag::Heading { level, id, classes, attrs } => {
                    Tag::Heading { level, id: id.map(back), classes, attrs }
                }
                Tag::CodeBlock(CodeBlockKind::Fenced(info)) => {
                    Tag::CodeBlock(CodeBlockKind::Fenced(back(info)))
                }
                Tag::FootnoteDefinition(label) => Tag::FootnoteDefinition(back(label)),
                tag => tag,
            }),
            event => event,
        }
    }
}

/// Whether what is between two dollar signs is an amount and words: `$5 a week, or 10$`.
fn is_prose(tex: &str) -> bool {
    tex.starts_with(|c: char| c.is_ascii_digit()) && words(tex) > 0
}

/// Whether what is between two pairs of dollar signs is a part of a sentence.
fn is_sentence(tex: &str) -> bool {
    words(tex) > 1
}

/// The words of a text that has no sign of a formula.
fn words(tex: &str) -> usize {
    const FUNCTIONS: [&str; 12] =
        ["cos", "det", "dim", "exp", "gcd", "lim", "log", "max", "min", "mod", "sin", "tan"];
    if tex.contains(['\\', '^', '_', '=', '{', '<', '>']) {
        return 0;
    }
    let words = tex.split(|c: char| !c.is_alphabetic());
    words.filter(|word| word.chars().count() >= 3 && !FUNCTIONS.contains(word)).count()
}

/// A letter of a script that is written without spaces, or whose words take their endings without one.
pub(super) fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x11FF | 0x3005..=0x3007 | 0x3040..=0x30FF | 0x3105..=0x318F | 0x31F0..=0x31FF
        | 0x3400..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0xFF66..=0xFFDC | 0x20000..=0x3FFFF)
}

/// Punctuation that means nothing to Markdown.
fn is_mark(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '?' | '!' | '%')
        || matches!(u32::from(c),
            0x2010..=0x2027 | 0x2030..=0x205E | 0x3001..=0x3004 | 0x3008..=0x3030 | 0x303D
            | 0xFF01..=0xFF0F | 0xFF1A..=0xFF20 | 0xFF3B..=0xFF40 | 0xFF5B..=0xFF65)
}
