//! Postmark: one event in a request, and no signature. The types are those of its bounce API.

use serde_json::Value;

use super::{
    event::{Event, Failure},
    guard,
    json::{self, text, word},
    provider::{Needs, Provider},
    request::Malformed,
};
use crate::bounce::{Class, Kind};

const NAME: &str = "postmark";

pub(super) static PROVIDER: Provider =
    Provider { name: NAME, needs: Needs::Secret, verify: guard::password, read };

fn read(body: &[u8]) -> Result<Vec<Event>, Malformed> {
    Ok(json::objects(json::parse(body)?)?.iter().filter_map(event).collect())
}

fn event(event: &Value) -> Option<Event> {
    let record = text(event, "/RecordType")?;
    let (kind, class) = match record {
        "Bounce" => bounce(text(event, "/Type").unwrap_or_default())?,
        "SpamComplaint" => (Kind::Complaint, None),
        "SubscriptionChange" => subscription(event)?,
        "Delivery" | "Open" | "Click" => (Kind::Delivered, None),
        _ => return None,
    };
    let address = text(event, "/Email").or_else(|| text(event, "/Recipient"));
    let reply = text(event, "/Details").or_else(|| text(event, "/Description"));
    let at = ["/BouncedAt", "/DeliveredAt", "/ChangedAt", "/ReceivedAt"];
    let id = word(event, "/ID").map(|id| format!("{record} {id}")).unwrap_or_else(|| json::digest(event));
    let failure = Failure { declared: class, status: None, reply };
    Some(
        Event::new(NAME, id, kind)
            .about(address, Some(failure))
            .ours(json::named(event, "/Metadata", "delivery"))
            .theirs(text(event, "/MessageID"))
            .at(at.iter().find_map(|pointer| json::time(event, pointer))),
    )
}

fn bounce(kind: &str) -> Option<(Kind, Option<Class>)> {
    Some(match kind {
        "HardBounce" | "BadEmailAddress" => (Kind::Bounce, Some(Class::Hard)),
        "SoftBounce" | "DnsError" | "Undeliverable" | "Unknown" => (Kind::Bounce, Some(Class::Soft)),
        "SpamNotification"
        | "Blocked"
        | "DMARCPolicy"
        | "VirusNotification"
        | "SMTPApiError"
        | "InboundError"
        | "TemplateRenderingFailed" => (Kind::Bounce, Some(Class::Ours)),
        "Transient" => (Kind::Delay, Some(Class::Soft)),
        "SpamComplaint" => (Kind::Complaint, None),
        "Unsubscribe" => (Kind::Unsubscribe, None),
        // Answers of programs, challenges, tests, and addresses that the owner deactivated.
        _ => return None,
    })
}

fn subscription(event: &Value) -> Option<(Kind, Option<Class>)> {
    if event.pointer("/SuppressSending").and_then(Value::as_bool) != Some(true) {
        return None;
    }
    Some(match text(event, "/SuppressionReason")? {
        "HardBounce" => (Kind::Bounce, Some(Class::Hard)),
        "SpamComplaint" => (Kind::Complaint, None),
        "ManualSuppression" if text(event, "/Origin") == Some("Recipient") => (Kind::Unsubscribe, None),
        _ => return None,
    })
}
