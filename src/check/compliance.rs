//! What the law and mailbox providers ask of a letter to many.

use url::Url;

use super::{
    context::LetterContext,
    facts::Facts,
    findings::{at, rule},
    reading::reading,
};
use crate::{
    issue::document::{BlockKind, Inline, each_inline},
    render::{Pattern, Piece},
    source::{Diagnostic, Diagnostics, Place, Source, Span},
};

pub(super) fn check(case: &LetterContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    let (html, text) = (literal(&case.built.rendered.html), literal(&case.built.rendered.text));
    for (part, pattern, body) in
        [("HTML part", &case.built.rendered.html, &html), ("text part", &case.built.rendered.text, &text)]
    {
        if !pattern.placeholders().any(|placeholder| placeholder.path == ["link", "unsubscribe"]) {
            let message = format!("no unsubscribe link in the {part}");
            let help = "add `{{ link.unsubscribe }}` to the template's footer";
            found.push(case.draft.find("M481", 0..0, message, help));
        }
        match case.draft.newsletter.postal_address.as_deref() {
            None => {}
            Some(address) => {
                let lines: Vec<_> = address.lines().map(letters).filter(|line| !line.is_empty()).collect();
                let body = letters(body);
                if !lines.iter().all(|line| body.contains(line.as_str())) {
                    let message = format!("the {part} does not show the postal address");
                    let help = "add `{{ newsletter.postal_address }}` to the template's footer";
                    found.push(case.draft.find("M482", 0..0, message, help));
                }
            }
        }
    }
    if case.draft.newsletter.postal_address.is_none() {
        let help = "set `postal_address` in mimeo.toml; many countries require it in letters to a list";
        found.push(settings(case, "M482", "no postal address", help));
    }
    signing(case, found);
    same_content(case, facts, &text, found);
    said_by_the_template(case, &html, &text, found);
}

/// Providers of mailboxes, for whose domains no one else can sign.
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
fn settings(
    case: &LetterContext<'_>,
    code: &'static str,
    message: impl Into<String>,
    help: &str,
) -> Diagnostic {
    let severity = rule(code).expect("every code that is found has a rule").severity;
    Diagnostic::at(code, severity, Place::File { path: case.settings.to_owned() }, message).help(help)
}

fn signing(case: &LetterContext<'_>, found: &mut Diagnostics) {
    let sender = case.built.rendered.from.address.domain();
    match case.dkim_domain {
        None => {
            let help = "create a key with `mimeo keygen`, unless your relay signs messages";
            found.push(settings(case, "M483", "messages are not DKIM-signed (no key configured)", help));
        }
        Some(domain) if !aligned(sender, domain) => {
            let message = format!("messages from `{sender}` are signed for `{domain}`");
            let help = "sign for the sender's domain or its parent domain, or DMARC fails";
            found.push(settings(case, "M484", message, help));
        }
        Some(_) => {}
    }
    let envelope = case.draft.newsletter.bounces.domain();
    if case.dkim_domain.is_none() && !aligned(sender, envelope) {
        let message =
            format!("messages from `{sender}` have an envelope sender at `{envelope}` and are not signed");
        let help = "sign them here or at the relay for the sender's domain, or set `bounces` to an address at that domain";
        found.push(settings(case, "M488", message, help));
    }
    if PROVIDERS.contains(&sender.to_ascii_lowercase().as_str()) {
        let message = format!("the sender's address is at `{sender}`, a mailbox provider");
        found.push(settings(case, "M487", message, "use an address at a domain of your own"));
    }
    if case.built.rendered.unsubscribe.https.is_none() {
        let help = "set `unsubscribe.https` once you have a page for it; Gmail and Yahoo require it from 5,000 messages a day";
        found.push(settings(case, "M486", "no one-click unsubscribe", help));
    }
}

/// Relaxed alignment (RFC 9989): the same domain, or one inside the other.
fn aligned(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    a == b || a.ends_with(&format!(".{b}")) || b.ends_with(&format!(".{a}"))
}

/// Every link and heading of the document must be in the text part: filters and readers compare the two. Only letters and
/// digits are compared, as the text part writes numbers and addresses between the words of a heading.
fn same_content(case: &LetterContext<'_>, facts: &Facts<'_>, text: &str, found: &mut Diagnostics) {
    let said = letters(text);
    let help = "please report this: it is a bug in mimeo";
    let mut lacks = |span: Span, what: String| {
        found.push(case.draft.find("M485", span, format!("the text part lacks {what}"), help));
    };
    let has = |words: &str| said.contains(&letters(words));
    for heading in &facts.headings {
        if !runs(heading.content).iter().all(|run| has(run)) {
            lacks(heading.span.clone(), format!("the heading \u{201c}{}\u{201d}", heading.words.trim()));
        }
    }
    for link in &facts.links {
        let address = link.url.to_string();
        let is_outside = address.contains("://") || address.starts_with("mailto:");
        let is_there = has(address.trim_start_matches("mailto:"))
            // Written as links have to be: `%20` for a space.
            || Url::parse(address.trim()).is_ok_and(|url| has(url.as_str()));
        if is_outside && !address.contains("{{") && !is_there {
            lacks(link.span.clone(), format!("the link to `{address}`"));
        }
    }
    for block in &case.draft.issue.document.blocks {
        if let BlockKind::Contents { title: Some(title), .. } = &block.kind
            && !runs(title).iter().all(|run| has(run))
        {
            lacks(block.span.clone(), "the title of the table of contents".to_owned());
        }
    }
}

/// The stretches of words and code between which the text part may write something else.
fn runs(content: &[Inline]) -> Vec<&str> {
    let mut runs = Vec::new();
    each_inline(content, &mut |inline| {
        if let Inline::Text(words) | Inline::Code(words) = inline {
            runs.push(words.as_ref());
        }
    });
    runs
}

/// Links and headings that the template has on its own. What the issue says is in both parts (M485).
fn said_by_the_template(case: &LetterContext<'_>, html: &str, text: &str, found: &mut Diagnostics) {
    let own = |words: &str| -> Option<(&Source, Span)> {
        case.built.template.sources().iter().find_map(|source| {
            let at = source.text().find(words)?;
            Some((source, at..at + words.len()))
        })
    };
    let help = "if it matters to readers, say it in the issue as well";
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
    fn a_parent_domain_is_aligned_and_a_neighbor_is_not() {
        assert!(aligned("letters.example.org", "example.org"));
        assert!(aligned("example.org", "Example.org"));
        assert!(!aligned("badexample.org", "example.org"));
        assert!(!aligned("a.example.org", "b.example.org"));
    }
}
