//! Amazon SES: identity notifications and event publishing, both through SNS.

use serde_json::Value;

use super::{
    event::{Event, Failure},
    json::{self, list, text},
    provider::{Needs, Provider},
    request::Malformed,
    sns,
};
use crate::bounce::{Class, Kind};

const NAME: &str = "ses";

pub(super) static PROVIDER: Provider =
    Provider { name: NAME, needs: Needs::Topics, verify: sns::verify, read };

fn read(message: &[u8]) -> Result<Vec<Event>, Malformed> {
    let Ok(message) = json::parse(message) else {
        // `Successfully validated SNS topic for Amazon SES event publishing.`
        let is_sentence =
            std::str::from_utf8(message).is_ok_and(|text| !text.trim_start().starts_with(['{', '[']));
        return if is_sentence {
            Ok(Vec::new())
        } else {
            Err(Malformed("the message is not JSON".to_owned()))
        };
    };
    // The whole message of SNS, from an endpoint of the owner's own that has verified it.
    match text(&message, "/Message").filter(|_| message.get("Type").is_some()) {
        Some(inner) => Ok(event(&json::parse(inner.as_bytes())?).into_iter().collect()),
        None => Ok(event(&message).into_iter().collect()),
    }
}

fn event(event: &Value) -> Option<Event> {
    let kind = text(event, "/eventType").or_else(|| text(event, "/notificationType"))?;
    let made = match kind {
        "Bounce" => bounce(event),
        "Complaint" => complaint(event)?,
        "DeliveryDelay" => {
            let reply = |one: &'_ Value| text(one, "/diagnosticCode").map(str::to_owned);
            let mut made = new(event, "/deliveryDelay/timestamp", kind, Kind::Delay);
            for one in list(event, "/deliveryDelay/delayedRecipients") {
                let reply = reply(one);
                let failure = Failure {
                    declared: Some(Class::Soft),
                    status: text(one, "/status"),
                    reply: reply.as_deref(),
                };
                made = made.about(text(one, "/emailAddress"), Some(failure));
            }
            made
        }
        "Delivery" => {
            let made = new(event, "/delivery/timestamp", kind, Kind::Delivered);
            list(event, "/delivery/recipients").fold(made, |made, to| made.about(to.as_str(), None))
        }
        "Open" | "Click" => to_all(event, new(event, "/open/timestamp", kind, Kind::Delivered), None),
        "Reject" | "Rendering Failure" => {
            let reply = text(event, "/reject/reason").or_else(|| text(event, "/failure/errorMessage"));
            let made = new(event, "/mail/timestamp", kind, Kind::Bounce);
            to_all(event, made, Some(Failure::of(Class::Ours, reply)))
        }
        "Subscription" if wants_nothing(event) => {
            to_all(event, new(event, "/subscription/timestamp", kind, Kind::Unsubscribe), None)
        }
        _ => return None,
    };
    Some(made)
}

fn bounce(event: &Value) -> Event {
    let sub = text(event, "/bounce/bounceSubType").unwrap_or_default();
    let declared = class_of(text(event, "/bounce/bounceType").unwrap_or_default(), sub);
    let mut made = new(event, "/bounce/timestamp", "Bounce", Kind::Bounce);
    if let Some(id) = text(event, "/bounce/feedbackId") {
        made.id = id.to_owned();
    }
    made.returned.reporter =
        text(event, "/bounce/reportingMTA").map(|name| name.replace("dns;", "").trim().to_owned());
    for one in list(event, "/bounce/bouncedRecipients") {
        let reply = text(one, "/diagnosticCode");
        let failure = Failure { declared: Some(declared), status: text(one, "/status"), reply };
        made = made.about(text(one, "/emailAddress"), Some(failure));
    }
    made
}

/// What a bounce of SES is called, and Resend's, which sends through SES.
pub(super) fn class_of(kind: &str, sub: &str) -> Class {
    match (kind, sub) {
        (_, "MessageTooLarge" | "ContentRejected" | "AttachmentRejected") => Class::Ours,
        ("Permanent", _) => Class::Hard,
        _ => Class::Soft,
    }
}

fn complaint(event: &Value) -> Option<Event> {
    let word = text(event, "/complaint/complaintFeedbackType");
    // It takes a complaint back.
    if word == Some("not-spam") {
        return None;
    }
    let mut made = new(event, "/complaint/timestamp", "Complaint", Kind::Complaint);
    if let Some(id) = text(event, "/complaint/feedbackId") {
        made.id = id.to_owned();
    }
    let named = list(event, "/complaint/complainedRecipients");
    Some(named.fold(made, |made, one| made.about(text(one, "/emailAddress"), None)).word(word))
}

fn new(event: &Value, at: &str, word: &str, kind: Kind) -> Event {
    let letter = text(event, "/mail/messageId");
    let ours = event.pointer("/mail/tags/delivery/0").and_then(Value::as_str);
    let ours = ours.or_else(|| json::header(event, "/mail/headers", "X-Mimeo-Delivery"));
    let id = match (letter, text(event, at)) {
        (Some(letter), Some(at)) => format!("{word} {letter} {at}"),
        _ => json::digest(event),
    };
    let time = json::time(event, at).or_else(|| json::time(event, "/mail/timestamp"));
    Event::new(NAME, id, kind).ours(ours).theirs(letter).at(time)
}

fn to_all<'a>(event: &'a Value, made: Event, failure: Option<Failure<'a>>) -> Event {
    list(event, "/mail/destination").fold(made, |made, to| made.about(to.as_str(), failure))
}

fn wants_nothing(event: &Value) -> bool {
    event.pointer("/subscription/newTopicPreferences/unsubscribeAll").and_then(Value::as_bool) == Some(true)
}
