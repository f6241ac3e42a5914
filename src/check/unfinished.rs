//! Text that was never meant for readers: notes of the author, the scaffold's filler, merge tags of other programs, nothing.

use std::collections::BTreeSet;

use super::{context::IssueContext, facts::Facts};
use crate::{
    markup::{Token, tokens},
    source::{Diagnostics, Span},
};

pub(super) fn check(case: &IssueContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    head(case, found);
    let mut seen = BTreeSet::new();
    for (text, span) in &facts.texts {
        for note in notes_in(text).filter(|note| seen.insert((span.start, *note))) {
            let place = find_in(case, span, note);
            found.push(case.find("M449", place, format!("unfinished text: `{note}`"), NOTE_HELP));
        }
        if !seen.insert((span.start, "")) {
            continue;
        }
        let source = case.issue.source.text().get(span.clone()).unwrap_or_default();
        if is_filler(source) {
            let help = "write the section, or remove it";
            let message = "the sample text of a new issue was not replaced";
            found.push(case.find("M455", span.clone(), message, help));
        }
        for tag in merge_tags(&without_code(source)) {
            let place = span.start + tag.start..span.start + tag.end;
            let message = format!("`{}` is a merge tag of another program", &source[tag]);
            found.push(case.find("M455", place, message, TAG_HELP));
        }
    }
    let is_empty = is_blank(&case.issue.document.visible_text())
        && facts.images.is_empty()
        && facts.fences.is_empty()
        && facts.raw.iter().all(|(kept, _)| shows_nothing(kept));
    if is_empty && !case.issue.diagnostics.iter().any(crate::source::Diagnostic::is_error) {
        let help =
            "write something below the front matter; a comment that is not closed hides all that follows";
        found.push(case.find("M454", 0..0, "the letter has no text and no picture", help));
    }
}

/// Whether there is nothing to see: spaces of any kind, and characters without a width.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || matches!(c, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    })
}

/// Whether raw HTML has neither words nor a picture.
fn shows_nothing(kept: &str) -> bool {
    tokens(kept).iter().all(|token| match token {
        Token::Text(text) => is_blank(text),
        Token::Open { name, .. } => name != "img",
        _ => true,
    })
}

const NOTE_HELP: &str = "finish it, or remove it";
const TAG_HELP: &str =
    "write `{{ subscriber.first_name }}` for a column of the list, and `{{ link.unsubscribe }}` for the link";

fn head(case: &IssueContext<'_>, found: &mut Diagnostics) {
    let head = &case.issue.head;
    for (field, text) in [
        ("title", head.title.clone()),
        ("subject", head.subject.to_string()),
        ("preheader", head.preheader.to_string()),
    ] {
        // A subject that is the title was said there.
        if field != "title" && !head.spans.contains_key(field) {
            continue;
        }
        if let Some(note) = notes_in(&text).next() {
            let message = format!("unfinished text in the {field}: `{note}`");
            found.push(case.find("M449", case.field(field), message, NOTE_HELP));
        }
        if let Some(tag) = merge_tags(&text).next() {
            let message = format!("`{}` in the {field} is a merge tag of another program", &text[tag]);
            found.push(case.find("M455", case.field(field), message, TAG_HELP));
        }
    }
}

/// The filler of `mimeo new`, and of those who copy it.
fn is_filler(paragraph: &str) -> bool {
    ["Write here.", "Write here", "Your text here.", "Your text here"].contains(&paragraph.trim())
}

/// What authors leave for themselves, where it is a note and not a word of the sentence.
fn notes_in(text: &str) -> impl Iterator<Item = &'static str> {
    ["TODO", "FIXME", "TK", "TKTK", "lorem ipsum dolor", "{%"].into_iter().filter(move |note| match *note {
        "lorem ipsum dolor" => text.to_lowercase().contains(note),
        "{%" => text.contains(note),
        _ => text.match_indices(note).any(|(at, _)| is_note(text, at, note)),
    })
}

fn is_note(text: &str, at: usize, note: &str) -> bool {
    let (before, after) = (&text[..at], &text[at + note.len()..]);
    let is_word = |c: char| {
        c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '&' | '@' | '#' | '\'' | '\u{2019}')
    };
    if before.ends_with(is_word)
        || after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '&' | '@'))
    {
        return false;
    }
    match note {
        // As in "numbers TK" and "TK chairs": no one writes it for anything else.
        "TK" | "TKTK" => true,
        // "A TODO list" is a list, "TODO: the list" is not.
        _ => before.trim().is_empty() || before.ends_with(['(', '[']) || after.starts_with([':', '(', '.']),
    }
}

/// Fields by which other programs name a person or a link, without anything but letters.
const FIELDS: [&str; 20] = [
    "email",
    "emailaddress",
    "firstname",
    "fname",
    "fullname",
    "lastname",
    "lname",
    "recipientemail",
    "recipientname",
    "subscriberemail",
    "subscriberfirstname",
    "subscribername",
    "unsub",
    "unsubscribe",
    "unsubscribelink",
    "unsubscribeurl",
    "viewinbrowser",
    "webversion",
    "weblink",
    "yourname",
];

/// Where merge tags are: `*|FNAME|*`, `%recipient.name%`, `[[first_name]]`, `{$name}`, `<%= email %>` and their kin. A pair
/// of marks alone says little, so that most of them need a known field inside.
fn merge_tags(text: &str) -> impl Iterator<Item = Span> {
    const MARKS: [(&str, &str); 8] = [
        ("*|", "|*"),
        ("[[", "]]"),
        ("<%", "%>"),
        ("${", "}"),
        ("{$", "}"),
        ("{", "}"),
        ("%%", "%%"),
        ("%", "%"),
    ];
    /// No tag is longer, in bytes.
    const LONGEST: usize = 60;
    let mut found: Vec<Span> = Vec::new();
    for (open, close) in MARKS {
        for (at, _) in text.match_indices(open) {
            let start = at + open.len();
            let rest = &text[start..];
            // No further than a tag can reach: a text may open a hundred thousand of them.
            let near = &rest[..rest.floor_char_boundary(LONGEST + close.len())];
            let Some(length) = near.find(close).filter(|length| (1..=LONGEST).contains(length)) else {
                continue;
            };
            let span = at..start + length + close.len();
            // Our own placeholders.
            if text[..at].ends_with('{') || rest.starts_with('{') {
                continue;
            }
            if is_field(&rest[..length], open)
                && found.iter().all(|known| known.end <= span.start || span.end <= known.start)
            {
                found.push(span);
            }
        }
    }
    found.sort_by_key(|span| span.start);
    found.into_iter()
}

fn is_field(inner: &str, open: &str) -> bool {
    let name = inner.trim().trim_start_matches(['=', '-', '$']).trim();
    let name = name.split(['|', ',']).next().unwrap_or_default().trim();
    if name.is_empty() || name.contains(['{', '}', '<', '>', '\n', '(', '"']) {
        return false;
    }
    let letters: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let is_known = FIELDS.contains(&letters.as_str());
    let of_person = ["recipient.", "subscriber.", "contact.", "user."];
    match open {
        "*|" => {
            name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | ':' | ' '))
        }
        "{$" => is_known || letters == "name",
        _ => is_known || of_person.iter().any(|start| name.to_lowercase().starts_with(start)),
    }
}

/// The same text with code made blank, so that every offset stays.
fn without_code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_code = false;
    for c in text.chars() {
        if c == '`' {
            in_code = !in_code;
        }
        if in_code && c != '`' { out.extend(std::iter::repeat_n(' ', c.len_utf8())) } else { out.push(c) }
    }
    // A backtick without a partner begins no code.
    if in_code { text.to_owned() } else { out }
}

/// The place of a word within a span, or the span.
pub(super) fn find_in(case: &IssueContext<'_>, span: &Span, word: &str) -> Span {
    let text = case.issue.source.text().get(span.clone()).unwrap_or_default();
    let found = text.find(word).or_else(|| text.to_ascii_lowercase().find(&word.to_ascii_lowercase()));
    found.map_or_else(|| span.clone(), |at| span.start + at..span.start + at + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_of_the_author_is_not_a_word_of_a_sentence() {
        for (text, expected) in [
            ("TODO write this", Some("TODO")),
            ("see below (TODO: link)", Some("TODO")),
            ("numbers TK.", Some("TK")),
            ("TKO in round three", None),
            ("MASTODON", None),
            ("Lorem Ipsum dolor sit", Some("lorem ipsum dolor")),
            ("the lorem ipsum of design", None),
            ("my TODO list is long", None),
            ("todo lists are fine", None),
            ("the XXXL size", None),
            ("The week was TODO.", Some("TODO")),
            ("from .tk and TK-421", None),
            ("{% if x %}", Some("{%")),
        ] {
            assert_eq!(notes_in(text).next(), expected, "{text}");
        }
    }

    #[test]
    fn merge_tags_of_other_programs_are_distinguished_from_ordinary_text() {
        for text in [
            "*|FNAME|*",
            "*|MC:SUBJECT|*",
            "%recipient.name%",
            "%unsubscribe_url%",
            "[[first_name]]",
            "{$name}",
            "{$unsubscribe}",
            "<%= first_name %>",
            "${firstName}",
            "{first_name}",
            "%%emailaddr%%".replace("addr", "_address").as_str(),
            "{FIRST_NAME|friend}",
        ] {
            let around = format!("Hello {text}, dear");
            let found: Vec<_> = merge_tags(&around).map(|span| &around[span]).collect();
            assert_eq!(found, [text]);
        }
        for text in [
            "5% of 10% of all",
            "{name} in a path",
            "[[a wiki page]]",
            "*|* is an operator",
            "a {b} c",
            "${HOME}",
            "100%_sure_%",
            "<% code %>",
            "[[likely]]",
            "{{ subscriber.first_name }}",
            "{}",
            "[email](https://e.org)",
        ] {
            assert_eq!(merge_tags(text).count(), 0, "{text}");
        }
    }

    #[test]
    fn code_is_left_out_and_offsets_stay() {
        assert_eq!(without_code("a `é` b"), "a `  ` b");
        assert_eq!(without_code("a ` b"), "a ` b");
    }
}
