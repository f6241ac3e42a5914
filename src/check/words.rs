//! Subject, preheader, number, date, headings, leftovers.

use std::collections::BTreeSet;

use super::{IssueContext, facts::Facts};
use crate::{
    issue::document::BlockKind,
    source::{Diagnostics, Span},
};

/// Inboxes on phones show about this many characters of a subject.
const SUBJECT_MAX: usize = 70;
const PREHEADER: std::ops::RangeInclusive<usize> = 30..=140;

pub(super) fn check(case: &IssueContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    subject(case, found);
    preheader(case, found);
    number_and_date(case, found);
    empty(case, found);
    leftovers(case, facts, found);
    headings(case, facts, found);
    contents(case, facts, found);
}

/// A letter of nothing but its title.
fn empty(case: &IssueContext<'_>, found: &mut Diagnostics) {
    let document = &case.issue.document;
    let has_mjml = document.blocks.iter().any(|block| matches!(block.kind, BlockKind::Mjml(_)));
    if document.visible_text().trim().is_empty() && document.images().is_empty() && !has_mjml {
        let help = "write below the front matter; text within `<!--` and `-->` is not shown";
        found.push(case.find("M454", case.field("title"), "the letter has no text and no picture", help));
    }
}

fn subject(case: &IssueContext<'_>, found: &mut Diagnostics) {
    let subject = case.issue.head.subject.to_string();
    let length = subject.chars().count();
    let span = if case.issue.head.spans.contains_key("subject") {
        case.field("subject")
    } else {
        case.field("title")
    };
    if SUBJECT_MAX < length {
        let message =
            format!("the subject has {length} characters, and phones show about {}", SUBJECT_MAX - 20);
        found.push(case.find("M443", span.clone(), message, "put what matters first, or make it shorter"));
    }
    if length < 4 {
        let message = format!("the subject has only {length} characters");
        found.push(case.find("M443", span.clone(), message, "say what the letter is about"));
    }
    let letters: Vec<char> = subject.chars().filter(|c| c.is_alphabetic()).collect();
    let capitals = letters.iter().filter(|c| c.is_uppercase()).count();
    let has_cases = letters.iter().any(|c| c.is_lowercase() || c.is_uppercase());
    if has_cases && 8 <= letters.len() && letters.len() * 9 <= capitals * 10 {
        found.push(case.find("M446", span.clone(), "the subject is in capitals", "write it as a sentence"));
    }
    if let Some(earlier) = case.earlier.iter().find(|earlier| same(&earlier.subject, &subject)) {
        let message = format!("`{}` has the same subject", earlier.slug);
        found.push(case.find(
            "M445",
            span,
            message,
            "give each issue a subject of its own, or inboxes will thread them",
        ));
    }
}

fn preheader(case: &IssueContext<'_>, found: &mut Diagnostics) {
    let preheader = case.issue.head.preheader.to_string();
    let span = case.field("preheader");
    if preheader.trim().is_empty() {
        let help = "add `preheader: …` to the front matter: a sentence that goes on where the subject ends";
        found.push(case.find("M441", span, "there is no preheader", help));
        return;
    }
    let length = preheader.chars().count();
    if !PREHEADER.contains(&length) {
        let wide = preheader.chars().any(|c| u32::from(c) >= 0x2E80);
        // A character of Chinese or Japanese says as much as a few letters.
        if !(wide && length * 3 >= *PREHEADER.start() && length * 2 <= *PREHEADER.end()) {
            let message = format!("the preheader has {length} characters");
            let help = format!("inboxes show between {} and {}", PREHEADER.start(), PREHEADER.end());
            found.push(case.find("M442", span.clone(), message, help));
        }
    }
    if same(&preheader, &case.issue.head.subject.to_string()) {
        found.push(case.find(
            "M444",
            span,
            "the preheader repeats the subject",
            "go on where the subject ends",
        ));
    } else if let Some(earlier) = case.earlier.iter().find(|earlier| same(&earlier.preheader, &preheader)) {
        let message = format!("`{}` has the same preheader", earlier.slug);
        found.push(case.find("M445", span, message, "write a new one"));
    }
}

fn same(a: &str, b: &str) -> bool {
    !a.trim().is_empty() && a.trim().to_lowercase() == b.trim().to_lowercase()
}

fn number_and_date(case: &IssueContext<'_>, found: &mut Diagnostics) {
    let head = &case.issue.head;
    let latest =
        case.earlier.iter().filter(|earlier| earlier.number.is_some()).max_by_key(|earlier| earlier.number);
    if let (Some(number), Some(latest)) = (head.number, latest)
        && latest.number >= Some(number)
    {
        let message = format!(
            "number {number} is not above {}, the number of `{}`",
            latest.number.unwrap_or(0),
            latest.slug
        );
        let help = format!("the next one is {}", latest.number.unwrap_or(0) + 1);
        found.push(case.find("M447", case.field("number"), message, help));
    }
    let Some(date) = head.date else {
        let help = "add `date:` with the day on which it appears, as in 2022-12-30";
        found.push(case.find("M448", case.field("date"), "there is no date", help));
        return;
    };
    if let Some(later) =
        case.earlier.iter().find(|earlier| earlier.date.is_some_and(|earlier| date < earlier))
    {
        let message = format!("{date} is before the date of the earlier issue `{}`", later.slug);
        found.push(case.find("M448", case.field("date"), message, "set the day on which this issue appears"));
    }
    let days_ahead = case.today.until(date).map(|span| span.get_days()).unwrap_or(0);
    if 60 < days_ahead {
        let message = format!("{date} is {days_ahead} days ahead");
        found.push(case.find("M448", case.field("date"), message, "set the day on which this issue appears"));
    }
}

/// Words that authors leave for themselves, with the text that must stand around them.
const LEFTOVERS: [&str; 8] = ["TODO", "TK", "TKTK", "FIXME", "XXX", "TBD", "lorem ipsum", "{%"];

fn leftovers(case: &IssueContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    let head = &case.issue.head;
    let heads = [
        ("title", head.title.clone()),
        ("subject", head.subject.to_string()),
        ("preheader", head.preheader.to_string()),
    ];
    for (field, text) in heads {
        if let Some(word) = leftover(&text) {
            found.push(case.find(
                "M449",
                case.field(field),
                format!("`{word}` was left in the {field}"),
                "finish it",
            ));
        }
    }
    let mut seen = BTreeSet::new();
    for (text, span) in &facts.texts {
        for word in leftovers_in(text).filter(|word| seen.insert((span.start, *word))) {
            let place = find_in(case, span, word);
            found.push(case.find("M449", place, format!("`{word}` was left in the text"), "finish it"));
        }
    }
}

fn leftover(text: &str) -> Option<&'static str> {
    leftovers_in(text).next()
}

fn leftovers_in(text: &str) -> impl Iterator<Item = &'static str> {
    LEFTOVERS.into_iter().filter(move |word| {
        if *word == "lorem ipsum" {
            return text.to_lowercase().contains(word);
        }
        text.match_indices(word).any(|(at, _)| {
            let boundary = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
            *word == "{%"
                || (boundary(text[..at].chars().next_back())
                    && boundary(text[at + word.len()..].chars().next()))
        })
    })
}

/// The place of a word within a span, or the span.
fn find_in(case: &IssueContext<'_>, span: &Span, word: &str) -> Span {
    let text = case.issue.source.text().get(span.clone()).unwrap_or_default();
    let found = text.find(word).or_else(|| text.to_ascii_lowercase().find(&word.to_ascii_lowercase()));
    found.map_or_else(|| span.clone(), |at| span.start + at..span.start + at + word.len())
}

fn headings(case: &IssueContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    // The title is the letter's first level. Many letters know one kind of heading only, of whatever level: where they
    // begin is theirs to choose.
    let mut above = facts.headings.first().map_or(1, |heading| heading.level.max(2) - 1);
    for heading in &facts.headings {
        let level = heading.level.max(2);
        if above + 1 < level {
            let message = format!("a heading of level {} follows one of level {above}", heading.level);
            let help = format!("make it level {}: screen readers announce the gap", above + 1);
            found.push(case.find("M450", heading.span.clone(), message, help));
        }
        above = level;
        if heading.is_empty {
            let message = format!("nothing stands under \u{201c}{}\u{201d}", heading.words.trim());
            found.push(case.find(
                "M451",
                heading.span.clone(),
                message,
                "write the section, or take the heading out",
            ));
        }
    }
    for (words, span) in &facts.bold_paragraphs {
        let long = words.chars().count();
        if long < 60 && !words.trim_end().ends_with(['.', '!', '?', ':', ',', ';', '…', '。']) && 1 < long
        {
            let message = format!("\u{201c}{}\u{201d} looks like a heading, but is bold text", words.trim());
            found.push(case.find("M453", span.clone(), message, "write `## …`, so that it can be jumped to"));
        }
    }
}

/// A table of contents that the author wrote by hand should name the headings that are there.
fn contents(case: &IssueContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    let letters = |text: &str| {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    let headings: BTreeSet<String> = facts.headings.iter().map(|heading| letters(&heading.words)).collect();
    for (block, by_hand) in &facts.contents {
        if let BlockKind::Contents { entries, .. } = &block.kind
            && entries.is_empty()
        {
            found.push(case.find(
                "M452",
                block.span.clone(),
                "the contents are empty",
                "give the sections headings",
            ));
        }
        if headings.is_empty() {
            continue;
        }
        for entry in by_hand.iter().filter(|entry| !headings.contains(&letters(entry))) {
            let message =
                format!("the contents name \u{201c}{}\u{201d}, and there is no such heading", entry.trim());
            let help = "leave the list out, and it is made from the headings";
            found.push(case.find("M452", find_in(case, &block.span, entry.trim()), message, help));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::leftover;

    #[test]
    fn leftovers_are_words_of_their_own() {
        for (text, expected) in [
            ("a TODO here", Some("TODO")),
            ("numbers TK.", Some("TK")),
            ("TKO in round three", None),
            ("MASTODON", None),
            ("Lorem Ipsum dolor", Some("lorem ipsum")),
            ("todo lists are fine", None),
            ("the XXXL size", None),
            ("{% if x %}", Some("{%")),
        ] {
            assert_eq!(leftover(text), expected, "{text}");
        }
    }
}
