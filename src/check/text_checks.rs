//! Subject, preheader, number, date, headings, leftovers.

use std::collections::BTreeSet;

use super::{context::IssueContext, facts::Facts, unfinished::find_in};
use crate::{issue::document::BlockKind, source::Diagnostics};

/// Inboxes on phones show about this many characters of a subject.
const SUBJECT_MAX: usize = 70;
const PREHEADER: std::ops::RangeInclusive<usize> = 30..=140;

pub(super) fn check(case: &IssueContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    if case.issue.has_readable_head() {
        subject(case, found);
        preheader(case, found);
        number_and_date(case, found);
    }
    headings(case, facts, found);
    contents(case, facts, found);
}

fn characters(length: usize) -> String {
    format!("{length} character{}", if length == 1 { "" } else { "s" })
}

fn subject(case: &IssueContext<'_>, found: &mut Diagnostics) {
    let subject = case.issue.head.subject.to_string();
    let length = subject.chars().count();
    let span = if case.issue.head.spans.contains_key("subject") {
        case.field("subject")
    } else {
        case.field("title")
    };
    if length > SUBJECT_MAX {
        let message =
            format!("the subject is {length} characters long; phones show about {}", SUBJECT_MAX - 20);
        found.push(case.find("M443", span.clone(), message, "put what matters first, or make it shorter"));
    }
    if length < 4 {
        let message = format!("the subject is only {} long", characters(length));
        found.push(case.find("M443", span.clone(), message, "say what the letter is about"));
    }
    let letters: Vec<char> = subject.chars().filter(|c| c.is_alphabetic()).collect();
    let capitals = letters.iter().filter(|c| c.is_uppercase()).count();
    let has_cases = letters.iter().any(|c| c.is_lowercase() || c.is_uppercase());
    if has_cases && letters.len() >= 8 && letters.len() * 9 <= capitals * 10 {
        found.push(case.find(
            "M446",
            span.clone(),
            "the subject is in capitals",
            "write it in sentence case",
        ));
    }
    if let Some(earlier) = case.earlier.iter().find(|earlier| same(&earlier.subject, &subject)) {
        let message = format!("`{}` has the same subject", earlier.slug);
        found.push(case.find(
            "M445",
            span,
            message,
            "give each issue its own subject; inboxes group messages with equal subjects",
        ));
    }
}

fn preheader(case: &IssueContext<'_>, found: &mut Diagnostics) {
    let preheader = case.issue.head.preheader.to_string();
    let span = case.field("preheader");
    if preheader.trim().is_empty() {
        let help = "add `preheader: …` to the front matter: a sentence that continues where the subject ends";
        found.push(case.find("M441", span, "no preheader", help));
        return;
    }
    let length = preheader.chars().count();
    if !PREHEADER.contains(&length) {
        let wide = preheader.chars().any(|c| u32::from(c) >= 0x2E80);
        // A character of Chinese or Japanese says as much as a few letters.
        if !(wide && length * 3 >= *PREHEADER.start() && length * 2 <= *PREHEADER.end()) {
            let message = format!("the preheader is {} long", characters(length));
            let help = format!("inboxes show between {} and {}", PREHEADER.start(), PREHEADER.end());
            found.push(case.find("M442", span.clone(), message, help));
        }
    }
    if same(&preheader, &case.issue.head.subject.to_string()) {
        found.push(case.find(
            "M444",
            span,
            "the preheader repeats the subject",
            "continue where the subject ends",
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
            "number {number} is not higher than {}, the number of `{}`",
            latest.number.unwrap_or(0),
            latest.slug
        );
        let help = format!("the next number is {}", latest.number.unwrap_or(0) + 1);
        found.push(case.find("M447", case.field("number"), message, help));
    }
    let Some(date) = head.date else {
        // One that is there and cannot be read was reported.
        let written = head.spans.get("date").map_or("", |span| &case.issue.source.text()[span.clone()]);
        if matches!(written.trim().to_ascii_lowercase().as_str(), "" | "date" | "~" | "null") {
            let help = "add `date:` with the publication date, as in 2022-12-30";
            found.push(case.find("M448", case.field("date"), "no date", help));
        }
        return;
    };
    if let Some(later) =
        case.earlier.iter().find(|earlier| earlier.date.is_some_and(|earlier| date < earlier))
    {
        let message = format!("{date} is before the date of the earlier issue `{}`", later.slug);
        found.push(case.find("M448", case.field("date"), message, "set the publication date of this issue"));
    }
    let days_ahead = case.today.until(date).map(|span| span.get_days()).unwrap_or(0);
    if days_ahead > 60 {
        let message = format!("{date} is {days_ahead} days in the future");
        found.push(case.find("M448", case.field("date"), message, "set the publication date of this issue"));
    }
}

fn headings(case: &IssueContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    // The title is the letter's first level. Many letters know one kind of heading only, of whatever level: where they
    // begin is theirs to choose.
    let mut above = facts.headings.first().map_or(1, |heading| heading.level.max(2) - 1);
    for heading in &facts.headings {
        let level = heading.level.max(2);
        if above + 1 < level {
            let message = format!("a level {} heading follows a level {above} heading", heading.level);
            let help = format!("make it level {}; screen readers announce the gap", above + 1);
            found.push(case.find("M450", heading.span.clone(), message, help));
        }
        above = level;
        if heading.is_empty {
            let message = format!("no text under \u{201c}{}\u{201d}", heading.words.trim());
            found.push(case.find(
                "M451",
                heading.span.clone(),
                message,
                "write the section, or remove the heading",
            ));
        }
    }
    for (words, span) in &facts.bold_paragraphs {
        let long = words.chars().count();
        if long < 60 && !words.trim_end().ends_with(['.', '!', '?', ':', ',', ';', '…', '。']) && long > 1
        {
            let message = format!("\u{201c}{}\u{201d} looks like a heading but is bold text", words.trim());
            found.push(case.find(
                "M453",
                span.clone(),
                message,
                "write `## …` to make it a heading that readers can jump to",
            ));
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
                "the table of contents is empty",
                "add headings to the sections",
            ));
        }
        if headings.is_empty() {
            continue;
        }
        for entry in by_hand.iter().filter(|entry| !headings.contains(&letters(entry))) {
            let message = format!(
                "the table of contents names \u{201c}{}\u{201d}, but there is no such heading",
                entry.trim()
            );
            let help = "remove the list; it is generated from the headings";
            found.push(case.find("M452", find_in(case, &block.span, entry.trim()), message, help));
        }
    }
}
