//! Delivery status notifications (RFC 3464, RFC 6533): fields for the message, then fields for each recipient.

use super::{
    class::classify,
    fields::{Fields, cut, next_line, squeezed},
    mail::{self, Mail, of_the_letter},
    people,
    returned::{Finding, Kind, Returned},
    status::{self, Status},
};
use crate::address::EmailAddress;

/// Recipients of one report. More are not kept.
const RECIPIENTS_MAX: usize = 200;
/// Bytes of a reply that are kept.
const REPLY_MAX: usize = 1000;

/// What a system did with a recipient (RFC 3464 section 2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Failed,
    Delayed,
    Delivered,
}

/// Reads the report of a system, or nothing when there is none, or none that names an outcome.
pub(super) fn read(mail: &Mail) -> Option<Returned> {
    if let Some(rejected) = rejected(mail) {
        return Some(rejected);
    }
    let part = mail.part(&["message/delivery-status", "message/global-delivery-status"]);
    // Broken messages have the report among their words.
    let text = match part {
        Some(part) => part.text.as_str(),
        None if has_report(&mail.words) => mail.words.as_str(),
        None => mail.parts.iter().map(|part| part.text.as_str()).find(|text| has_report(text))?,
    };
    let (message, blocks) = blocks(text);
    let actions: Vec<_> = blocks.iter().filter_map(|block| Some((action(block, mail)?, block))).collect();
    let acted = |wanted| actions.iter().any(|(action, _)| *action == wanted);
    let (kind, wanted) = if acted(Action::Failed) {
        (Kind::Bounce, Action::Failed)
    } else if acted(Action::Delayed) {
        (Kind::Delay, Action::Delayed)
    } else if acted(Action::Delivered) {
        (Kind::Delivered, Action::Delivered)
    } else {
        return None;
    };
    let mut returned = Returned::new(kind, "dsn");
    let chosen: Vec<_> =
        actions.iter().filter(|(action, _)| *action == wanted).map(|(_, block)| *block).collect();
    for block in &chosen {
        let address = address(block).or_else(|| if chosen.len() == 1 { of_the_letter(mail) } else { None });
        let Some(address) = address else { continue };
        if returned.recipients.len() < RECIPIENTS_MAX
            && !returned.recipients.iter().any(|known| known.address.key() == address.key())
        {
            returned.recipients.push(finding(address, block, kind, mail, chosen.len() == 1));
        }
    }
    returned.reporter = first_of(&message, &blocks, "reporting-mta").and_then(name);
    returned.message_id =
        mail.returned_id().or_else(|| first_of(&message, &blocks, "x-original-message-id").map(bare));
    returned.at = blocks.iter().find_map(|block| block.get("last-attempt-date")).and_then(mail::date);
    Some(returned)
}

/// A mailbox's filter that refuses a letter after its server took it says so in the form of a receipt (RFC 5429 section 2.1.2).
fn rejected(mail: &Mail) -> Option<Returned> {
    let part = mail.part(&["message/disposition-notification"])?;
    let fields = Fields::read(part.text.trim_start()).0;
    let refused = |text: &str| text.to_ascii_lowercase().contains("reject");
    let auto = mail.fields.get("auto-submitted").unwrap_or_default();
    if !refused(&mail.subject) && !refused(auto) {
        return None;
    }
    let address = ["original-recipient", "final-recipient"]
        .into_iter()
        .filter_map(|name| fields.get(name))
        .find_map(people::typed)?;
    let words = mail.words.split_whitespace().collect::<Vec<_>>().join(" ");
    let finding = Finding {
        address,
        class: Some(classify(None, &words)),
        status: Status::find(&words).filter(|status| status.class != 2),
        reply: (!words.is_empty()).then(|| cut(&words, REPLY_MAX).to_owned()),
        server: None,
    };
    Some(Returned {
        recipients: vec![finding],
        message_id: fields.get("original-message-id").map(bare),
        ..Returned::new(Kind::Bounce, "mdn")
    })
}

fn has_report(text: &str) -> bool {
    let lines = || text.lines().map(|line| line.trim_start().to_ascii_lowercase());
    lines().any(|line| line.starts_with("final-recipient:") || line.starts_with("original-recipient:"))
        && lines().any(|line| line.starts_with("action:") || line.starts_with("status:"))
}

/// The fields of the message, and those of each recipient. Systems forget the empty line in front of a recipient, or put one
/// into the middle.
fn blocks(text: &str) -> (Fields, Vec<Fields>) {
    let mut message = Fields::default();
    let mut blocks: Vec<Fields> = Vec::new();
    let mut current = String::new();
    let mut close = |current: &mut String| {
        let (fields, _) = Fields::read(current.trim_start_matches('\n'));
        current.clear();
        let of_recipient = ["final-recipient", "original-recipient", "action", "status", "diagnostic-code"];
        if of_recipient.iter().any(|name| fields.get(name).is_some()) {
            blocks.push(fields);
        } else if message.is_empty() {
            message = fields;
        }
    };
    let mut rest = text;
    while let Some((line, behind)) = next_line(rest) {
        rest = behind;
        let lower = line
            .trim_start()
            .get(..line.trim_start().floor_char_boundary(20))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let again = |name: &str| {
            lower.starts_with(name) && current.to_ascii_lowercase().contains(&format!("\n{name}"))
        };
        let is_new = again("final-recipient:") || again("action:");
        if line.trim().is_empty() || is_new {
            close(&mut current);
        }
        // The field may be indented among words, and nothing else may be a continuation then.
        let known = [
            "final-recipient:",
            "original-recipient:",
            "action:",
            "status:",
            "diagnostic-code:",
            "remote-mta:",
            "reporting-mta:",
        ];
        let indented = known.iter().any(|name| lower.starts_with(name));
        if current.is_empty() {
            current.push('\n');
        }
        current.push_str(if indented { line.trim_start() } else { line });
        current.push('\n');
        if current == "\n\n" {
            current.clear();
        }
    }
    close(&mut current);
    (message, joined(blocks))
}

/// A recipient and what became of it, written as two blocks, are one.
fn joined(blocks: Vec<Fields>) -> Vec<Fields> {
    let mut joined: Vec<Fields> = Vec::new();
    for block in blocks {
        let is_rest = block.get("final-recipient").is_none() && block.get("original-recipient").is_none();
        match joined.last_mut() {
            Some(last) if is_rest && last.get("action").is_none() => last.extend(block),
            _ => joined.push(block),
        }
    }
    joined
}

fn action(block: &Fields, mail: &Mail) -> Option<Action> {
    let word = block.get("action").unwrap_or_default().trim().to_ascii_lowercase();
    let word = word.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    match word {
        "failed" | "failure" | "fail" | "error" => Some(Action::Failed),
        "delayed" | "delay" => Some(Action::Delayed),
        "delivered" | "relayed" | "expanded" | "deliverable" => Some(Action::Delivered),
        _ => match status_of(block)?.class {
            2 => Some(Action::Delivered),
            _ if super::notice::is_delay(mail) => Some(Action::Delayed),
            _ => Some(Action::Failed),
        },
    }
}

fn status_of(block: &Fields) -> Option<Status> {
    let field = block.get("status")?;
    field.parse().ok().or_else(|| Status::find(field))
}

fn address(block: &Fields) -> Option<EmailAddress> {
    ["original-recipient", "final-recipient", "x-actual-recipient"]
        .into_iter()
        .filter_map(|name| block.get(name))
        .find_map(people::typed)
}

fn finding(address: EmailAddress, block: &Fields, kind: Kind, mail: &Mail, alone: bool) -> Finding {
    let diagnostic = block.get("diagnostic-code").map(without_type).filter(|text| !text.is_empty());
    let status = status_of(block);
    let said = diagnostic.and_then(Status::find);
    let status = match (status, said) {
        (Some(status), Some(said)) if status.is_vague() && said.class == status.class => Some(said),
        (None, said) => said,
        (status, _) => status,
    };
    let class = match kind {
        Kind::Delivered => None,
        _ => Some(class(status, diagnostic, mail, alone)),
    };
    Finding {
        address,
        class,
        status,
        reply: diagnostic.map(|text| cut(text, REPLY_MAX).trim().to_owned()),
        server: block.get("remote-mta").and_then(name),
    }
}

/// The report's own words first; when they say nothing, those of the text beside it, if it is about this one person.
fn class(status: Option<Status>, diagnostic: Option<&str>, mail: &Mail, alone: bool) -> super::class::Class {
    let text = diagnostic.unwrap_or_default();
    let says_something =
        super::class::by_words(&squeezed(text)).is_some() || status.is_some_and(|status| !status.is_vague());
    if says_something
        || !alone
        || status::reply_code(text).is_some() && Status::find(text).is_some_and(|status| !status.is_vague())
    {
        return classify(status, text);
    }
    let own = systems_words(mail);
    if own.is_empty() { classify(status, text) } else { classify(status, &format!("{text} {own}")) }
}

/// What the text beside a report says about its one recipient.
fn systems_words(mail: &Mail) -> String {
    super::systems::prose::reason(&mail.words)
}

/// The text behind `smtp;`.
fn without_type(text: &str) -> &str {
    match text.split_once(';') {
        Some((kind, rest)) if kind.len() <= 20 && !kind.trim().contains(' ') => rest.trim(),
        _ => text.trim(),
    }
}

/// The host behind `dns;`, without its address.
fn name(text: &str) -> Option<String> {
    let text = without_type(text);
    let host = text.split([' ', '(', '[', ',']).next().unwrap_or_default().trim();
    let host = if host.is_empty() { text } else { host };
    (!host.is_empty() && host.len() <= 255).then(|| host.to_owned())
}

fn bare(text: &str) -> String {
    text.trim_matches(|c: char| matches!(c, '<' | '>') || c.is_whitespace()).to_owned()
}

fn first_of<'a>(message: &'a Fields, blocks: &'a [Fields], name: &'a str) -> Option<&'a str> {
    message.get(name).or_else(|| blocks.iter().find_map(|block| block.get(name)))
}
