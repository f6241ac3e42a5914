//! What a message is, from how it looks: a notice of a mail system, an answer that a program wrote, or a wish to unsubscribe.
//! The phrases are in `notices.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{
    Finding, Kind, Ours, Returned,
    mail::{Mail, squeezed},
};

/// Characters of a token that unsubscribes (`message::Tokens`).
const TOKEN: std::ops::RangeInclusive<usize> = 16..=64;

#[derive(Deserialize)]
pub(super) struct Phrases {
    systems: Vec<String>,
    names: Vec<String>,
    subjects: Vec<String>,
    failures: Vec<String>,
    delays: Vec<String>,
    given_up: Vec<String>,
    auto_replies: Vec<String>,
    returned: Vec<String>,
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    toml::from_str(include_str!("notices.toml")).expect("notices.toml is a table of phrases; a test reads it")
});

fn says(text: &str, phrases: &[String]) -> bool {
    phrases.iter().any(|phrase| memchr::memmem::find(text.as_bytes(), phrase.as_bytes()).is_some())
}

/// Whether a message is a notice of a mail system about a letter that failed or waits.
pub(super) fn is_failure(mail: &Mail) -> bool {
    let subject = squeezed(&mail.subject);
    let titled = says(&subject, &PHRASES.subjects) || says(&subject, &PHRASES.delays);
    let fails = says(&mail.lower, &PHRASES.failures) || says(&mail.lower, &PHRASES.delays);
    let by_system = from_system(mail) || mail.kind == "multipart/report";
    match (by_system, titled) {
        (true, true) => true,
        (true, false) | (false, true) => fails,
        (false, false) => false,
    }
}

/// Whether a mail system wrote it: an envelope without a sender, or one of the names that systems have.
fn from_system(mail: &Mail) -> bool {
    if mail.fields.get("return-path").is_some_and(|path| path.trim() == "<>") {
        return true;
    }
    let from = mail.fields.get("from").unwrap_or_default().to_lowercase();
    let local = mail.from().map(|address| address.local().to_ascii_lowercase()).unwrap_or_default();
    let local = local.split('+').next().unwrap_or_default();
    let is_system = |word: &str| PHRASES.systems.iter().any(|known| known == word);
    is_system(local)
        || is_system(from.trim_matches(|c| matches!(c, '<' | '>' | '"' | ' ')))
        || from.split(['<', '@', ' ']).any(|word| word == "mailer-daemon" || word == "postmaster")
        || says(&from, &PHRASES.names)
}

/// Whether the system goes on trying.
pub(super) fn is_delay(mail: &Mail) -> bool {
    let subject = squeezed(&mail.subject);
    (says(&subject, &PHRASES.delays) || says(&mail.lower, &PHRASES.delays))
        && !says(&mail.lower, &PHRASES.given_up)
}

/// The words in front of the returned letter, and what follows the line that announces it.
pub(super) fn before_the_returned_letter(words: &str) -> (&str, &str) {
    let mut at = 0;
    let mut has_words = false;
    for line in words.split_inclusive('\n') {
        let start = line.trim_start_matches(|c: char| c.is_whitespace() || "-=*_>+#|~.:\u{2014}".contains(c));
        let lower = start.get(..start.floor_char_boundary(60)).unwrap_or_default().to_lowercase();
        // A sentence of the notice may begin like that, and goes on.
        let announces = has_words && PHRASES.returned.iter().any(|phrase| lower.starts_with(phrase.as_str()));
        if announces && !lower.starts_with("the original message was received at") {
            let is_field = ["received:", "return-path:"].iter().any(|name| lower.starts_with(name));
            return (&words[..at], if is_field { &words[at..] } else { &words[at + line.len()..] });
        }
        has_words |= !start.trim().is_empty();
        at += line.len();
    }
    (words, "")
}

/// An answer that a program wrote in a person's name (RFC 3834), or a notice that a letter was displayed (RFC 8098).
pub(super) fn auto_reply(mail: &Mail) -> Option<Returned> {
    let field = |name: &str| mail.fields.get(name).unwrap_or_default().to_ascii_lowercase();
    let auto = field("auto-submitted");
    let subject = squeezed(&mail.subject);
    let titled = says(&subject, &PHRASES.auto_replies);
    let displayed =
        mail.part(&["message/disposition-notification", "message/global-disposition-notification"]).is_some();
    let marked = auto.starts_with("auto-replied")
        || field("precedence").contains("auto_reply")
        || [
            "x-autoreply",
            "x-autorespond",
            "x-auto-reply",
            "x-autoresponder",
            "x-autoreply-from",
            "x-mail-autoreply",
        ]
        .iter()
        .any(|name| mail.fields.get(name).is_some_and(|value| !value.eq_ignore_ascii_case("no")));
    let failed = is_failure(mail) && !titled;
    let is_auto = displayed || (marked && !failed) || (titled && !from_system(mail)) || (titled && marked);
    is_auto.then(|| Returned { from: mail.from(), ..Returned::new(Kind::AutoReply, "auto-reply") })
}

/// A wish to unsubscribe: a mail to the address for it, or one with its subject.
pub(super) fn unsubscribe(mail: &Mail, ours: &Ours) -> Option<Returned> {
    if from_system(mail) || mail.kind == "multipart/report" || auto_reply(mail).is_some() {
        return None;
    }
    let subject = mail.subject.trim();
    let mut words = subject.split_whitespace();
    let first = words.next().unwrap_or_default();
    let asked = first.eq_ignore_ascii_case("unsubscribe");
    let to = ["delivered-to", "x-original-to", "envelope-to", "to", "cc"];
    let to_it = ours.unsubscribe.as_ref().is_some_and(|address| {
        let mut all = to.into_iter().flat_map(|name| mail.fields.all(name)).flat_map(super::people::all);
        all.any(|one| one.key() == address.key())
    });
    let shared = ours.unsubscribe.as_ref() == ours.bounces.as_ref()
        || ours.unsubscribe.as_ref().is_some_and(|address| ours.senders.contains(address));
    // An address that takes other mail too takes nobody off the list without the word.
    let says_so = asked && words.clone().count() <= 1;
    if !says_so && (!to_it || shared || !subject.is_empty()) {
        return None;
    }
    let is_token = |word: &&str| {
        TOKEN.contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let from = mail.from();
    let finding = |address| Finding { address, class: None, status: None, reply: None, server: None };
    Some(Returned {
        token: words.next().filter(is_token).map(str::to_owned),
        recipients: from.clone().map(finding).into_iter().collect(),
        from,
        ..Returned::new(Kind::Unsubscribe, "unsubscribe")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_written_as_they_are_looked_for() {
        let Phrases { systems, names, subjects, failures, delays, given_up, auto_replies, returned } =
            &*PHRASES;
        for phrase in [systems, names, subjects, failures, delays, given_up, auto_replies, returned]
            .into_iter()
            .flatten()
        {
            assert_eq!(*phrase, squeezed(phrase), "in lower case, with single spaces");
        }
    }

    #[test]
    fn the_returned_letter_begins_after_the_line_that_announces_it() {
        let table = [
            ("Sorry.\n\n--- Original message follows.\nTo: a\n", "Sorry.\n\n"),
            ("Sorry.\nReceived: from x\nTo: a\n", "Sorry.\n"),
            ("Original message from a system\nSorry.\n", "Original message from a system\nSorry.\n"),
            ("Sorry.\n  ----- Unsent message follows -----\nTo: a", "Sorry.\n"),
        ];
        for (text, words) in table {
            assert_eq!(before_the_returned_letter(text).0, words, "{text}");
        }
    }
}
