//! Brevo: one event in a request, or a list of them, and no signature. `ts_epoch` is the only time in UTC.

use serde_json::Value;

use super::{
    event::{Event, Failure},
    guard,
    json::{self, text},
    provider::{Needs, Provider},
    request::Malformed,
};
use crate::bounce::{Class, Kind};

const NAME: &str = "brevo";

pub(super) static PROVIDER: Provider =
    Provider { name: NAME, needs: Needs::Secret, verify: guard::password, read };

fn read(body: &[u8]) -> Result<Vec<Event>, Malformed> {
    Ok(json::objects(json::parse(body)?)?.iter().filter_map(event).collect())
}

fn event(event: &Value) -> Option<Event> {
    let (kind, class) = match text(event, "/event")? {
        "hard_bounce" | "hardBounce" | "invalid_email" | "invalid" => (Kind::Bounce, Some(Class::Hard)),
        "soft_bounce" | "softBounce" => (Kind::Bounce, Some(Class::Soft)),
        // On the service's own list, for reasons that it does not say.
        "blocked" | "error" => (Kind::Bounce, Some(Class::Ours)),
        "deferred" => (Kind::Delay, Some(Class::Soft)),
        "spam" | "complaint" => (Kind::Complaint, None),
        "unsubscribe" | "unsubscribed" => (Kind::Unsubscribe, None),
        "delivered" | "opened" | "unique_opened" | "uniqueOpened" | "click" => (Kind::Delivered, None),
        _ => return None,
    };
    let failure = Failure { declared: class, status: None, reply: text(event, "/reason") };
    Some(
        Event::new(NAME, json::digest(event), kind)
            .about(text(event, "/email"), Some(failure))
            .ours(text(event, "/X-Mailin-custom").or_else(|| text(event, "/message-id")))
            .theirs(text(event, "/message-id"))
            .at(json::milliseconds(event, "/ts_epoch")),
    )
}
