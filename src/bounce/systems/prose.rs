//! Prose in any language: addresses near words that speak of a failure, best those that the returned letter went to.

use super::said::Said;
use crate::{
    address::EmailAddress,
    bounce::{
        class,
        fields::{cut, squeezed},
        mail::Mail,
        ours::Ours,
        people, status,
    },
};

/// Lines that are looked at.
const LINES_MAX: usize = 200;
/// Without other signs, a notice with more addresses is not about them.
const UNSURE_MAX: usize = 2;

/// Names of fields whose addresses are not recipients that failed.
const OTHERS: &[&str] = &[
    "from:",
    "reply-to:",
    "sender:",
    "message-id:",
    "subject:",
    "cc:",
    "in-reply-to:",
    "x-",
    "received:",
    "date:",
    "return-path:",
    "references:",
];

/// Addresses of people who help.
const HELPERS: &[&str] = &[
    "postmaster",
    "abuse",
    "support",
    "helpdesk",
    "admin",
    "administrator",
    "hostmaster",
    "mailer-daemon",
    "webmaster",
    "security",
    "noc",
    "feedback",
    "unblock",
    "help",
    "info-spam",
    "delist",
];

/// The recipients that the text is most likely about.
pub(super) fn read(mail: &Mail, ours: &Ours) -> Said {
    let mut found: Vec<(EmailAddress, u8)> = Vec::new();
    let subject = std::iter::once(mail.subject.as_str());
    for line in subject.chain(mail.words.lines().take(LINES_MAX)) {
        let lower = squeezed(line);
        if OTHERS.iter().any(|name| lower.starts_with(name)) || lower.contains("://") && lower.contains('?') {
            continue;
        }
        for address in people::all(line) {
            let helps = HELPERS.contains(&address.local().to_ascii_lowercase().as_str());
            let rank = rank(&lower, &address);
            match found.iter_mut().find(|(known, _)| *known == address) {
                Some((_, known)) => *known = rank.max(*known),
                None if !helps => found.push((address, rank)),
                None => {}
            }
        }
    }
    let not_ours = super::said::not_ours(mail, ours);
    found.retain(|(address, _)| not_ours(address));
    let names = ["to", "x-original-to", "delivered-to"];
    let sent_to = names.into_iter().flat_map(|name| mail.returned.all(name)).flat_map(people::all);
    let sent_to: Vec<String> = sent_to.map(|address| address.key()).collect();
    let best = found.iter().map(|(_, rank)| *rank).max().unwrap_or_default();
    let few = found.len() <= UNSURE_MAX;
    let picked: Vec<EmailAddress> = if found.iter().any(|(address, _)| sent_to.contains(&address.key())) {
        found.into_iter().map(|(address, _)| address).filter(|one| sent_to.contains(&one.key())).collect()
    } else if best == ALONE {
        found.into_iter().filter(|(_, rank)| *rank == best).map(|(address, _)| address).collect()
    } else if best > 0 || few {
        // In a sentence, the first that is spoken of.
        found.into_iter().find(|(_, rank)| *rank == best).map(|(address, _)| address).into_iter().collect()
    } else {
        Vec::new()
    };
    let picked = if picked.is_empty() {
        crate::bounce::mail::of_the_letter(mail).into_iter().collect()
    } else {
        picked
    };
    picked.into_iter().map(|address| (address.clone(), behind(&mail.words, &address))).collect()
}

/// The rank of a line that has nothing but an address.
const ALONE: u8 = 2;

/// How sure it is that a line names a recipient that failed.
fn rank(lower: &str, address: &EmailAddress) -> u8 {
    let names_the_letter = lower.starts_with("to:");
    let rest = lower.replace(&address.expose().to_lowercase(), "");
    let begins =
        lower.trim_start_matches(['<', ' ', '*', '-', '\t']).starts_with(&address.expose().to_lowercase());
    let says_why = || status::reply_code(&rest).is_some() || class::by_words(&rest).is_some();
    if !names_the_letter && rest.chars().filter(|c| c.is_alphanumeric()).count() <= 4 {
        ALONE
    } else if begins && rest.contains(':') && says_why() {
        // `gone@example.com: 550 User unknown`, perhaps one such line for each.
        ALONE
    } else if names_the_letter {
        0
    } else {
        u8::from(
            class::by_words(lower).is_some() || status::reply_code(lower).is_some() || says_failure(lower),
        )
    }
}

fn says_failure(lower: &str) -> bool {
    const WORDS: &[&str] = &[
        "deliver",
        "recipient",
        "user",
        "mailbox",
        "undeliv",
        "failed",
        "could not",
        "unable",
        "account",
        "unknown",
        "reach",
        "sent to",
        "send to",
    ];
    WORDS.iter().any(|word| lower.contains(word))
}

/// The words that follow an address, up to the next empty line that ends them.
pub(super) fn behind(words: &str, address: &EmailAddress) -> String {
    let needle = address.expose().to_lowercase();
    let mut lines = words.lines().skip_while(|line| !line.to_lowercase().contains(&needle));
    let mut to = lines.next().unwrap_or_default().trim().to_owned();
    let mut quiet = 0;
    for line in lines.take(14) {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            quiet += 1;
            // One empty line may appear between an address and its reason.
            if quiet > 1 || class::by_words(&squeezed(&to)).is_some() {
                break;
            }
            continue;
        }
        if trimmed.starts_with("---") || trimmed.starts_with("===") {
            break;
        }
        if people::first(trimmed).is_some_and(|other| {
            other != *address && (trimmed.starts_with('<') || trimmed.starts_with(other.local()))
        }) {
            break;
        }
        to.push(' ');
        to.push_str(trimmed);
    }
    cut(&to, 2000).to_owned()
}

/// The lines of a notice that give its reason: those with codes, or with words of the table.
pub(in crate::bounce) fn reason(words: &str) -> String {
    let mut to = String::new();
    for line in words.lines().take(LINES_MAX) {
        let trimmed = line.trim();
        if trimmed.is_empty() || to.len() > 1000 {
            continue;
        }
        if status::reply_code(trimmed).is_some() || class::by_words(&squeezed(trimmed)).is_some() {
            if !to.is_empty() {
                to.push(' ');
            }
            to.push_str(cut(trimmed, 400));
        }
    }
    to
}
