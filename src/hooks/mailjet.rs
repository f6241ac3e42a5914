//! Mailjet: one event, or a list of them, and no signature.

use serde_json::Value;

use super::{
    event::{Event, Failure},
    guard,
    json::{self, text},
    provider::{Needs, Provider},
    request::Malformed,
};
use crate::bounce::{Class, Kind};

const NAME: &str = "mailjet";

pub(super) static PROVIDER: Provider =
    Provider { name: NAME, needs: Needs::Secret, verify: guard::password, read };

fn read(body: &[u8]) -> Result<Vec<Event>, Malformed> {
    Ok(json::objects(json::parse(body)?)?.iter().filter_map(event).collect())
}

fn event(event: &Value) -> Option<Event> {
    let flag = |pointer: &str| match event.pointer(pointer) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "true" || text == "1",
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        _ => false,
    };
    let error = text(event, "/error").unwrap_or_default();
    let (kind, class) = match text(event, "/event")? {
        "bounce" => (Kind::Bounce, Some(bounced(error, flag("/hard_bounce")))),
        "blocked" => (Kind::Bounce, Some(blocked(error))),
        "spam" => (Kind::Complaint, None),
        "unsub" => (Kind::Unsubscribe, None),
        "sent" | "open" | "click" => (Kind::Delivered, None),
        _ => return None,
    };
    // It tries again by itself.
    let kind = if error == "greylisted" { Kind::Delay } else { kind };
    let comment = text(event, "/comment").unwrap_or_default();
    let reply = [error, comment].join(" ");
    let failure = Failure { declared: class, status: None, reply: Some(&reply) };
    // The words are the service's own, and say what they mean; only what a server said may say more.
    let failure = if comment.is_empty() { Failure::of(class.unwrap_or(Class::Soft), None) } else { failure };
    let mut made = Event::new(NAME, json::digest(event), kind)
        .about(text(event, "/email"), Some(failure))
        .ours(text(event, "/CustomID").or_else(|| text(event, "/Payload")))
        .theirs(json::word(event, "/MessageID").as_deref().or_else(|| text(event, "/Message_GUID")))
        .at(json::time(event, "/time"))
        .word(text(event, "/source"));
    for finding in &mut made.returned.recipients {
        if finding.class.is_some() && finding.reply.is_none() && !error.is_empty() {
            finding.reply = Some(error.to_owned());
        }
    }
    Some(made)
}

fn bounced(error: &str, is_hard: bool) -> Class {
    match error {
        "user unknown" | "mailbox inactive" | "invalid domain" | "no mail host" if is_hard => Class::Hard,
        "relay/access denied"
        | "sender blocked"
        | "content blocked"
        | "policy issue"
        | "spam"
        | "typofix"
        | "blacklisted"
        | "message too large" => Class::Ours,
        _ => Class::Soft,
    }
}

fn blocked(error: &str) -> Class {
    match error {
        "user unknown" | "mailbox inactive" | "invalid domain" | "no mail host" => Class::Hard,
        "quota exceeded" | "connection issue" | "system issue" | "protocol issue" => Class::Soft,
        _ => Class::Ours,
    }
}
