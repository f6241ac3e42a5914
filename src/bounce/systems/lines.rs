//! Systems that name recipients in lines of a fixed form: `Error-for: ann@example.com`, `Recipient: <ann@example.com>`,
//! `Failed addresses follow:`. The forms are data.

use super::{prose, said::Said};
use crate::bounce::{mail::Mail, ours::Ours, people};

/// Names in front of a colon, in lower case, with an address behind them.
const NAMES: &[&str] = &[
    "error-for",
    "failed recipient",
    "failed recipients",
    "failed address",
    "intended recipient",
    "original recipient",
    "invalid recipient",
    "invalid final delivery userid",
    "delivery userid",
    "unknown user",
    "user unknown",
    "no such user",
    "recipient",
    "recipients",
    "final-recipient",
    "original-recipient",
    "undeliverable address",
    "undeliverable to",
    "failed to deliver to",
    "user mailbox exceeds allowed size",
    "addressee",
    "unable to deliver mail to",
    "could not deliver to",
    "destinatario",
    "destinataire",
    "empf\u{e4}nger",
    "destinat\u{e1}rio",
    "ontvanger",
    "odbiorca",
    "mottagare",
    "modtager",
    "mottaker",
    "\u{43f}\u{43e}\u{43b}\u{443}\u{447}\u{430}\u{442}\u{435}\u{43b}\u{44c}",
    "\u{5b9b}\u{5148}",
    "\u{6536}\u{4ef6}\u{4eba}",
    "\u{53d7}\u{4fe1}\u{8005}",
];

/// Each line `name: address`, and the words around it.
pub(super) fn read(mail: &Mail, _: &Ours) -> Said {
    let mut said: Said = Vec::new();
    for line in mail.words.lines() {
        let line = line.trim_start_matches(|c: char| c.is_whitespace() || "-*>\u{2022}".contains(c));
        let Some((name, rest)) = line.split_once([':', '\u{ff1a}']) else { continue };
        let name = name.trim().trim_end_matches("(s)").to_lowercase();
        if NAMES.contains(&name.as_str()) {
            // Fields of a report have a type in front.
            let found = people::typed(rest.trim()).into_iter().chain(people::all(rest));
            said.extend(found.map(|address| (address.clone(), prose::behind(&mail.words, &address))));
        }
    }
    said
}
