//! Feedback reports (ARF, RFC 5965), by which mailbox providers report complaints; and Outlook's, which have no report in them.

use super::{
    fields::Fields,
    mail::{self, Mail},
    people,
    returned::{Finding, Kind, Returned},
};

/// Reads the feedback of a provider, or nothing when there is none.
pub(super) fn read(mail: &Mail) -> Option<Returned> {
    let Some(part) = mail.part(&["message/feedback-report"]) else { return of_outlook(mail) };
    let fields = Fields::read(part.text.trim_start()).0;
    let word = fields.get("feedback-type").unwrap_or("abuse").trim().to_ascii_lowercase();
    // `not-spam` takes a complaint back; reports about authentication (RFC 6591) are about no one.
    let kind = match word.as_str() {
        "abuse" | "fraud" | "virus" | "other" | "miscategorized" => Kind::Complaint,
        "opt-out" | "opt-out-list" | "unsubscribe" => Kind::Complaint,
        _ => Kind::Unknown,
    };
    let named = ["original-rcpt-to", "removal-recipient", "x-original-rcpt-to"]
        .into_iter()
        .flat_map(|name| fields.all(name))
        .find_map(people::typed);
    let address = named.or_else(|| mail::of_the_letter(mail));
    Some(Returned {
        recipients: address.map(about).into_iter().collect(),
        complaint: Some(word),
        reporter: fields.get("reporting-mta").or_else(|| fields.get("user-agent")).map(str::to_owned),
        at: fields.get("received-date").or_else(|| fields.get("arrival-date")).and_then(mail::date),
        ..Returned::new(kind, "arf")
    })
}

/// Outlook's junk mail reporting sends the letter itself, with the reader's address in a field of its own.
fn of_outlook(mail: &Mail) -> Option<Returned> {
    let from = mail.from()?;
    let outlook = ["hotmail.com", "outlook.com", "microsoft.com"].contains(&from.domain());
    let complains = mail.subject.to_ascii_lowercase().starts_with("complaint about message from");
    if !(outlook && complains) {
        return None;
    }
    let named = mail.returned.get("x-hmxmroriginalrecipient").and_then(people::first);
    Some(Returned {
        recipients: named.or_else(|| mail::of_the_letter(mail)).map(about).into_iter().collect(),
        complaint: Some("abuse".to_owned()),
        reporter: Some(from.domain().to_owned()),
        ..Returned::new(Kind::Complaint, "outlook-jmrp")
    })
}

fn about(address: crate::address::EmailAddress) -> Finding {
    Finding { address, class: None, status: None, reply: None, server: None }
}
