//! Systems that announce a list of recipients with a sentence ("did not reach the following recipients:") and put each on a line
//! of its own: sendmail, Exchange, GroupWise, Netscape, iPlanet, Domino, AOL, Yahoo and their like, in many languages.

use super::said::Said;
use crate::bounce::{mail::Mail, ours::Ours, people};

/// Ends of sentences that a list follows; in lower case.
const ANNOUNCE: &[&str] = &[
    "recipient",
    "recipient:",
    "recipients",
    "recipients:",
    "recipients.",
    "recipient(s):",
    "recipient(s).",
    "recipients failed:",
    "recipients failed.",
    "addresses:",
    "address:",
    "address(es):",
    "addresses failed:",
    "address(es) failed:",
    "address(es).",
    "addresses.",
    "address.",
    "permanent fatal errors -----",
    "fatal errors -----",
    "transient non-fatal errors -----",
    "delivered to:",
    "delivered to the following:",
    "delivery failed:",
    "failed permanently:",
    "failed:",
    "failed permanently",
    "following reason:",
    "to deliver to:",
    "users:",
    "user(s):",
    "could not be delivered to",
    "be delivered to:",
    "bounced:",
    "rejected:",
    "undeliverable to",
    "deliver to the following",
    "empf\u{e4}nger:",
    "empf\u{e4}ngern:",
    "empf\u{e4}ngern nicht zugestellt werden:",
    "adresse:",
    "adressen:",
    "destinataires:",
    "destinataires :",
    "destinataire :",
    "destinataires suivants :",
    "destinatarios:",
    "destinatari:",
    "destinat\u{e1}rios:",
    "ontvangers:",
    "geadresseerden:",
    "odbiorc\u{f3}w:",
    "mottagare:",
    "modtagere:",
    "mottakere:",
    "vastaanottajille:",
    "\u{43f}\u{43e}\u{43b}\u{443}\u{447}\u{430}\u{442}\u{435}\u{43b}\u{44f}\u{43c}:",
    "\u{430}\u{434}\u{440}\u{435}\u{441}\u{430}\u{442}\u{430}\u{43c}:",
];

/// The addresses under an announcement, each with the words up to the next.
pub(super) fn read(mail: &Mail, _: &Ours) -> Said {
    let mut said: Said = Vec::new();
    let mut listing = false;
    for line in mail.words.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            continue;
        }
        let lower = trimmed.trim_end_matches(['-', ' ']).to_lowercase();
        let announces = ANNOUNCE.iter().any(|end| lower.ends_with(end.trim_end_matches(['-', ' '])));
        if announces && people::first(trimmed).is_none() {
            listing = true;
        } else if listing && let Some(address) = at_start(trimmed) {
            said.push((address, after_address(trimmed).to_owned()));
        } else if said.is_empty() && listing && !is_part_of_a_list(trimmed) {
            // Something else follows the sentence.
            listing = false;
        } else if let Some(address) = expanded_from(trimmed) {
            let words = said.last().map(|(_, words)| words.clone()).unwrap_or_default();
            said.push((address, words));
        } else if let Some((_, words)) = said.last_mut() {
            if is_end(&lower) {
                listing = false;
            }
            if words.len() < 2000 {
                words.push(' ');
                words.push_str(trimmed);
            }
        }
    }
    said
}

/// The address that a line begins with, after signs and the name of a way to it.
fn at_start(line: &str) -> Option<crate::address::EmailAddress> {
    let address = people::first(line)?;
    let at = line.to_ascii_lowercase().find(&address.expose().to_ascii_lowercase())?;
    let before = line.get(..at)?;
    let is_sign = |c: char| c.is_whitespace() || "<\"'*-(:;[\u{2022}\u{b7}=>".contains(c);
    let words: Vec<&str> = before.split(is_sign).filter(|word| !word.is_empty()).collect();
    words
        .iter()
        .all(|word| ["smtp", "rfc822", "mailto", "to", "user"].contains(&word.to_lowercase().as_str()))
        .then_some(address)
}

/// The address that a forwarding put another in the place of.
fn expanded_from(line: &str) -> Option<crate::address::EmailAddress> {
    let lower = line.to_ascii_lowercase();
    (lower.starts_with("(expanded from")).then(|| people::first(line)).flatten()
}

fn after_address(line: &str) -> &str {
    line.find('@')
        .and_then(|at| line[at..].find([' ', '>', ':', ',', ';']).map(|end| &line[at + end + 1..]))
        .unwrap_or_default()
}

/// Lines between the sentence and the list that are not about the letter's end: names of people, the subject.
fn is_part_of_a_list(line: &str) -> bool {
    line.ends_with(':') || line.starts_with(['-', '=', '*', '_']) || line.contains('@')
}

/// A transcript of the session has addresses of its own.
fn is_end(lower: &str) -> bool {
    [
        "transcript of session",
        "for further assistance",
        "if you need",
        "please contact",
        "diagnostic information for administrators",
    ]
    .iter()
    .any(|words| lower.contains(words))
}
