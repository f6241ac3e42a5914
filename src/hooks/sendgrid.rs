//! SendGrid: a list of events, signed with ECDSA over a time and the body, byte by byte.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::SignedDuration;
use serde_json::Value;

use super::{
    event::{Event, Failure},
    guard,
    json::{self, text},
    provider::{Keys, Needs, Provider, Surroundings, Verified},
    request::{Malformed, Refusal, Request},
};
use crate::bounce::{Class, Kind};

const NAME: &str = "sendgrid";
/// A batch is sent again for a day, with its first signature.
const WINDOW: SignedDuration = SignedDuration::from_hours(25);

pub(super) static PROVIDER: Provider = Provider { name: NAME, needs: Needs::PublicKey, verify, read };

fn verify<'a>(
    keys: &Keys,
    request: &Request<'a>,
    surroundings: &Surroundings<'_>,
) -> Result<Verified<'a>, Refusal> {
    let Keys::PublicKey(key) = keys else { return Err(Refusal::Unauthorized("this hook has no key")) };
    let field = |name: &str| request.field(&format!("X-Twilio-Email-Event-Webhook-{name}"));
    let signature = field("Signature").and_then(|text| STANDARD.decode(text.trim()).ok());
    let (Some(signature), Some(time)) = (signature, field("Timestamp")) else {
        return Err(Refusal::Unauthorized("the signature is missing"));
    };
    if !guard::is_ecdsa(key, &[time.as_bytes(), request.body], &signature) {
        return Err(Refusal::Unauthorized("the signature is wrong"));
    }
    if !guard::is_fresh(time, surroundings.now, WINDOW) {
        return Err(Refusal::Unauthorized("the signature is too old, or this machine's clock is wrong"));
    }
    Ok(Verified::Events { json: request.body.into(), once: None })
}

fn read(body: &[u8]) -> Result<Vec<Event>, Malformed> {
    Ok(json::objects(json::parse(body)?)?.iter().filter_map(event).collect())
}

fn event(event: &Value) -> Option<Event> {
    let reason = text(event, "/reason").or_else(|| text(event, "/response"));
    let (kind, failure) = match text(event, "/event")? {
        "bounce" => (Kind::Bounce, Some(bounce(event, reason))),
        "blocked" => (Kind::Bounce, Some(Failure::of(Class::Ours, reason))),
        "dropped" => dropped(reason.unwrap_or_default())?,
        "deferred" => (Kind::Delay, Some(Failure::of(Class::Soft, reason))),
        "spamreport" => (Kind::Complaint, None),
        "unsubscribe" | "group_unsubscribe" => (Kind::Unsubscribe, None),
        "delivered" | "open" | "click" => (Kind::Delivered, None),
        _ => return None,
    };
    let id = text(event, "/sg_event_id").map_or_else(|| json::digest(event), str::to_owned);
    // The reply to a letter has the first part of the identifier.
    let letter = text(event, "/sg_message_id").map(|id| id.split('.').next().unwrap_or(id));
    Some(
        Event::new(NAME, id, kind)
            .about(text(event, "/email"), failure)
            .ours(text(event, "/delivery").or_else(|| text(event, "/smtp-id")))
            .theirs(letter)
            .at(json::time(event, "/timestamp")),
    )
}

fn bounce<'a>(event: &'a Value, reply: Option<&'a str>) -> Failure<'a> {
    let declared = match (text(event, "/type"), text(event, "/bounce_classification")) {
        (
            Some("blocked"),
            Some("Mailbox Unavailable" | "Unclassified" | "Technical Failure" | "Technical"),
        ) => Class::Soft,
        (Some("blocked"), _) => Class::Ours,
        (_, Some("Invalid Address")) => Class::Hard,
        (_, Some("Content" | "Reputation" | "Frequency or Volume Too High" | "Frequency/Volume")) => {
            Class::Ours
        }
        (_, Some(_)) => Class::Soft,
        (_, None) => Class::Hard,
    };
    Failure { declared: Some(declared), status: text(event, "/status"), reply }
}

/// The service did not send the letter, for reasons of its own lists.
fn dropped(reason: &str) -> Option<(Kind, Option<Failure<'static>>)> {
    Some(match reason.to_ascii_lowercase().as_str() {
        "bounced address" | "invalid" | "invalid address" => {
            (Kind::Bounce, Some(Failure::of(Class::Hard, Some("dropped: Bounced Address"))))
        }
        "spam reporting address" => (Kind::Complaint, None),
        "unsubscribed address" => (Kind::Unsubscribe, None),
        "spam content (if spam checker app enabled)" | "spam content" => {
            (Kind::Bounce, Some(Failure::of(Class::Ours, Some("dropped: spam content"))))
        }
        _ => return None,
    })
}
