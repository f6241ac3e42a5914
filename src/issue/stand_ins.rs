//! Characters that stand for what a parser does not know: for placeholders and attributes in Markdown and in HTML, and
//! for characters that Markdown would misread. One scheme for all: a character that the text does not use.

use super::placeholder::{Part, Phrase, Placeholder};

/// Where stand-ins of four bytes begin: in the private-use planes, which hold fewer icons than the private-use area.
const FIRST: char = '\u{F0000}';

/// Characters of `bytes` bytes in UTF-8 that a text does not use, neither as themselves nor as character references;
/// ascending. There are some of one byte (control characters) and of three, and plenty of four.
pub(super) fn free_characters(text: &str, bytes: usize) -> impl Iterator<Item = char> {
    let (first, more) = match bytes {
        1 => ('\u{1}'..='\u{8}', '\u{e}'..='\u{1a}'),
        3 => ('\u{e7c0}'..='\u{efff}', '\u{f000}'..='\u{f8ff}'),
        4 => (FIRST..='\u{FFFFD}', '\u{100000}'..='\u{10FFFD}'),
        // None: what these ranges lack is not asked for.
        _ => ('\u{1}'..='\u{0}', '\u{1}'..='\u{0}'),
    };
    let is_candidate = {
        let (first, more) = (first.clone(), more.clone());
        move |c: &char| first.contains(c) || more.contains(c)
    };
    let mut used: Vec<char> = Vec::new();
    let can_be_used = bytes < 4 || memchr::memchr2(0xF3, 0xF4, text.as_bytes()).is_some();
    if can_be_used {
        used.extend(text.chars().filter(&is_candidate));
    }
    used.extend(references(text).filter(&is_candidate));
    used.sort_unstable();
    used.dedup();
    first.chain(more).filter(move |c| used.binary_search(c).is_err())
}

/// The characters that a text names by their numbers: `&#8212;`, `&#x2014;`.
fn references(text: &str) -> impl Iterator<Item = char> {
    memchr::memmem::find_iter(text.as_bytes(), b"&#").filter_map(|at| {
        let digits = &text[at + 2..];
        let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16),
            None => (digits, 10),
        };
        let digits = digits.trim_start_matches('0');
        let length = digits.bytes().take(8).take_while(|byte| char::from(*byte).is_digit(radix)).count();
        u32::from_str_radix(&digits[..length], radix).ok().and_then(char::from_u32)
    })
}

/// Whether a character can be a stand-in of four bytes at all: a quick look before a search.
pub(super) fn may_stand_in(c: char) -> bool {
    c >= FIRST
}

/// Stand-ins for the placeholders of a phrase: one character each, which the phrase does not have itself.
#[derive(Debug)]
pub(crate) struct StandIns<'a> {
    /// Ascending; each stands for the placeholder of the same index.
    characters: Vec<char>,
    open: Vec<&'a Placeholder>,
}

impl<'a> StandIns<'a> {
    /// For a text without placeholders.
    pub(crate) fn none() -> Self {
        Self { characters: Vec::new(), open: Vec::new() }
    }

    /// The phrase as one text, and what brings its placeholders back.
    pub(crate) fn of(phrase: &'a Phrase) -> (String, Self) {
        let mut open = Vec::new();
        let mut fixed = String::new();
        for part in &phrase.0 {
            match part {
                Part::Text(text) => fixed.push_str(text),
                Part::Open(placeholder) => open.push(placeholder),
            }
        }
        if open.is_empty() {
            return (fixed, Self::none());
        }
        let characters: Vec<char> = free_characters(&fixed, 4).take(open.len()).collect();
        let mut text = String::with_capacity(fixed.len() + 4 * open.len());
        let mut next = characters.iter();
        for part in &phrase.0 {
            match part {
                Part::Text(words) => text.push_str(words),
                Part::Open(_) => text.extend(next.next()),
            }
        }
        (text, Self { characters, open })
    }

    /// The placeholder that a character stands for.
    pub(crate) fn get(&self, c: char) -> Option<&'a Placeholder> {
        if !may_stand_in(c) {
            return None;
        }
        self.characters.binary_search(&c).ok().and_then(|index| self.open.get(index).copied())
    }

    /// Whether a text has a placeholder.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        !self.open.is_empty() && text.chars().any(|c| self.get(c).is_some())
    }

    /// A part of the text as a phrase again.
    pub(crate) fn phrase(&self, text: &str) -> Phrase {
        let mut parts = Vec::new();
        for c in text.chars() {
            match (self.get(c), parts.last_mut()) {
                (Some(placeholder), _) => parts.push(Part::Open(placeholder.clone())),
                (None, Some(Part::Text(text))) => text.push(c),
                (None, _) => parts.push(Part::Text(c.to_string())),
            }
        }
        Phrase(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_is_no_character_that_the_text_uses_or_names() {
        for (text, bytes, expected) in [
            ("a", 4, '\u{F0000}'),
            ("\u{F0000} &#xF0001; &#983042; &#x000F0003;", 4, '\u{F0004}'),
            ("\u{1} &#2;", 1, '\u{3}'),
            ("\u{e7c0}", 3, '\u{e7c1}'),
        ] {
            assert_eq!(free_characters(text, bytes).next(), Some(expected), "{text}");
        }
        assert_eq!(free_characters("a", 2).next(), None);
    }

    #[test]
    fn a_phrase_comes_back_as_it_was() {
        let name =
            Placeholder { path: vec!["issue".into(), "title".into()], filters: Vec::new(), span: 0..0 };
        let phrase = Phrase(vec![
            Part::Text("&#xF0000; ".into()),
            Part::Open(name.clone()),
            Part::Text("\u{F0001}".into()),
            Part::Open(name),
        ]);
        let (text, stand_ins) = StandIns::of(&phrase);
        assert_eq!(text, "&#xF0000; \u{F0002}\u{F0001}\u{F0003}");
        assert_eq!(stand_ins.phrase(&text), phrase);
    }
}
