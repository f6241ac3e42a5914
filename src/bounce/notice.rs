//! What a message is, from how it looks: a notice of a mail system, an answer that a program wrote, or a wish to unsubscribe.
//! The phrases are in `notices.toml`.

use super::{
    fields::squeezed,
    mail::Mail,
    ours::Ours,
    phrases::{PHRASES, says},
    returned::{Finding, Kind, Returned},
};

/// Characters of a token that unsubscribes (`message::Tokens`).
const TOKEN: std::ops::RangeInclusive<usize> = 16..=64;

/// Whether a message is a notice of a mail system about a letter that failed or waits.
pub(super) fn is_failure(mail: &Mail) -> bool {
    let subject = squeezed(&mail.subject);
    let titled = says(&subject, &PHRASES.subjects) || says(&subject, &PHRASES.delays);
    let fails = says(&mail.lower, &PHRASES.failures) || says(&mail.lower, &PHRASES.delays);
    let by_system = from_system(mail) || mail.kind == "multipart/report";
    // What people send on, and what lists send out, may speak of failures too.
    if !by_system && (is_sent_on(&subject) || is_of_a_list(mail)) {
        return false;
    }
    match (by_system, titled) {
        (true, true) => true,
        (true, false) | (false, true) => fails,
        (false, false) => false,
    }
}

/// Whether a person sends on another's message: `Fwd: …`, in several languages.
fn is_sent_on(subject: &str) -> bool {
    const MARKS: [&str; 7] = ["fwd:", "fw:", "wg:", "tr:", "rv:", "enc:", "doorst:"];
    MARKS.iter().any(|mark| subject.starts_with(mark))
        || ["转发", "轉寄", "転送"].iter().any(|mark| subject.starts_with(mark))
}

/// Whether a list or a newsletter sent it out.
fn is_of_a_list(mail: &Mail) -> bool {
    let precedence = mail.fields.get("precedence").unwrap_or_default().trim().to_ascii_lowercase();
    mail.fields.get("list-unsubscribe").is_some()
        || (mail.fields.get("list-id").is_some() && precedence == "list")
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
    // An address that takes other mail too takes no one off the list without the word.
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
