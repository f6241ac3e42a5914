//! What the law and mailbox providers ask of a letter to many.

use super::{
    LetterContext,
    facts::{Facts, plain},
    reading::reading,
    rule,
    support::at,
};
use crate::{
    issue::document::BlockKind,
    render::{Pattern, Piece},
    source::{Diagnostic, Diagnostics, Place, Source, Span},
};

pub(super) fn check(case: &LetterContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    let (html, text) = (literal(&case.rendered.html), literal(&case.rendered.text));
    for (part, pattern, body) in
        [("HTML part", &case.rendered.html, &html), ("text part", &case.rendered.text, &text)]
    {
        if !pattern.placeholders().any(|placeholder| placeholder.path == ["link", "unsubscribe"]) {
            let message = format!("the {part} has no unsubscribe link");
            let help = "put `{{ link.unsubscribe }}` into the template's footer";
            found.push(case.find("M481", 0..0, message, help));
        }
        match case.newsletter.postal_address.as_deref() {
            None => {}
            Some(address) => {
                let lines: Vec<_> = address.lines().map(letters).filter(|line| !line.is_empty()).collect();
                let body = letters(body);
                if !lines.iter().all(|line| body.contains(line.as_str())) {
                    let message = format!("the {part} does not show the postal address");
                    let help = "put `{{ newsletter.postal_address }}` into the template's footer";
                    found.push(case.find("M482", 0..0, message, help));
                }
            }
        }
    }
    if case.newsletter.postal_address.is_none() {
        let help = "set `postal_address` in mimeo.toml: many countries ask for it in letters to a list";
        found.push(settings("M482", "the newsletter has no postal address", help));
    }
    signing(case, found);
    same_content(case, facts, &text, found);
    said_by_the_template(case, &html, &text, found);
}

/// Providers of mailboxes, for whose domains nobody else can sign.
const PROVIDERS: [&str; 18] = [
    "aol.com",
    "gmail.com",
    "gmx.at",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "web.de",
    "yahoo.com",
];

/// A finding about the settings file as a whole.
fn settings(code: &'static str, message: impl Into<String>, help: &str) -> Diagnostic {
    let severity = rule(code).expect("every code that is found has a rule").severity;
    Diagnostic::at(code, severity, Place::File { path: "mimeo.toml".into() }, message).help(help)
}

fn signing(case: &LetterContext<'_>, found: &mut Diagnostics) {
    let sender = case.rendered.from.address.domain();
    match case.dkim_domain {
        None => {
            let help = "make a key with `mimeo keygen`, unless your relay signs for you";
            found.push(settings("M483", "letters are not signed here (no DKIM key)", help));
        }
        Some(domain) if !aligned(sender, domain) => {
            let message = format!("letters from `{sender}` are signed for `{domain}`");
            let help = "sign for the sender's domain or the one above it, or DMARC fails";
            found.push(settings("M484", message, help));
        }
        Some(_) => {}
    }
    let envelope = case.newsletter.bounces.domain();
    if case.dkim_domain.is_none() && !aligned(sender, envelope) {
        let message = format!("letters from `{sender}` leave with the envelope of `{envelope}`, unsigned");
        let help = "sign them here or at the relay for the sender's domain, or take `bounces` at that domain";
        found.push(settings("M488", message, help));
    }
    if PROVIDERS.contains(&sender.to_ascii_lowercase().as_str()) {
        let message = format!("letters to a list come from `{sender}`, a mailbox provider");
        found.push(settings("M487", message, "write from an address at a domain of your own"));
    }
    if case.rendered.unsubscribe.https.is_none() {
        let help = "set `unsubscribe.https` once you have a page for it; Gmail and Yahoo ask for it from 5,000 letters a day";
        found.push(settings("M486", "readers cannot unsubscribe with one click", help));
    }
}

/// Relaxed alignment (RFC 9989): the same domain, or one inside the other.
fn aligned(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    a == b || a.ends_with(&format!(".{b}")) || b.ends_with(&format!(".{a}"))
}

/// Every link and heading of the document must be in the text part: filters and readers compare the two.
fn same_content(case: &LetterContext<'_>, facts: &Facts<'_>, text: &str, found: &mut Diagnostics) {
    let said = letters(text);
    for heading in &facts.headings {
        let words = letters(&heading.words);
        if !words.is_empty() && !heading.words.contains("{{") && !said.contains(&words) {
            let message = format!("the text part lacks the heading \u{201c}{}\u{201d}", heading.words.trim());
            found.push(case.find(
                "M485",
                heading.span.clone(),
                message,
                "please report this: it should not happen",
            ));
        }
    }
    for link in &facts.links {
        let address = link.url.to_string();
        let is_outside = address.contains("://") || address.starts_with("mailto:");
        if is_outside && !address.contains("{{") && !text.contains(address.as_str()) {
            let bare = address.trim_start_matches("mailto:");
            if !text.contains(bare) {
                let message = format!("the text part lacks the link to `{address}`");
                found.push(case.find(
                    "M485",
                    link.span.clone(),
                    message,
                    "please report this: it should not happen",
                ));
            }
        }
    }
    for block in &case.issue.document.blocks {
        if let BlockKind::Contents { title: Some(title), .. } = &block.kind {
            let words = letters(&plain(title));
            if !words.is_empty() && !said.contains(&words) {
                let message = "the text part lacks the title of the contents";
                found.push(case.find(
                    "M485",
                    block.span.clone(),
                    message,
                    "please report this: it should not happen",
                ));
            }
        }
    }
}

/// Links and headings that the template has by itself. What the issue says is in both parts (M485).
fn said_by_the_template(case: &LetterContext<'_>, html: &str, text: &str, found: &mut Diagnostics) {
    let own = |words: &str| -> Option<(&Source, Span)> {
        case.template.sources().iter().find_map(|source| {
            let at = source.text().find(words)?;
            Some((source, at..at + words.len()))
        })
    };
    let help = "say it in the issue as well when it matters to readers";
    let reading = reading(html);
    let mut seen = Vec::new();
    for link in &reading.links {
        let address = link.address.trim_start_matches("mailto:");
        let is_outside = link.address.contains("://") || link.address.starts_with("mailto:");
        if !is_outside || text.contains(address) || seen.contains(&address) {
            continue;
        }
        seen.push(address);
        // Where the file writes `&amp;`, the letter's address has `&`.
        if let Some((source, span)) = own(address).or_else(|| own(&address.replace('&', "&amp;"))) {
            let message = format!("the text part lacks the template's link to `{}`", link.address);
            found.push(at(source, "M489", span, message, help));
        }
    }
    let said = letters(text);
    for heading in reading.headings.iter().filter(|heading| !letters(heading).is_empty()) {
        if let (false, Some((source, span))) = (said.contains(&letters(heading)), own(heading)) {
            let message = format!("the text part lacks the template's heading \u{201c}{heading}\u{201d}");
            found.push(at(source, "M489", span, message, help));
        }
    }
}

fn literal(pattern: &Pattern) -> String {
    pattern
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => text.as_str(),
            Piece::Open { .. } => " ",
        })
        .collect()
}

/// Letters and digits in lower case: wrapping, quotes and marks do not count.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn a_parent_domain_is_aligned_and_a_neighbour_is_not() {
        assert!(aligned("letters.example.org", "example.org"));
        assert!(aligned("example.org", "Example.org"));
        assert!(!aligned("badexample.org", "example.org"));
        assert!(!aligned("a.example.org", "b.example.org"));
    }
}
