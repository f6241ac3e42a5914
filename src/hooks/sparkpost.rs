//! SparkPost (Bird): a list of events, each within `msys` and the name of its class; no signature.

use serde_json::Value;

use super::{
    event::{Event, Failure},
    guard,
    json::{self, text, word},
    provider::{Needs, Provider},
    request::Malformed,
};
use crate::bounce::{Class, Kind};

const NAME: &str = "sparkpost";

pub(super) static PROVIDER: Provider =
    Provider { name: NAME, needs: Needs::Secret, verify: guard::password, read };

fn read(body: &[u8]) -> Result<Vec<Event>, Malformed> {
    let list = json::objects(json::parse(body)?)?;
    // An empty object is a test of the address.
    let inner = |one: &Value| {
        one.pointer("/msys").and_then(Value::as_object).and_then(|msys| msys.values().next().cloned())
    };
    Ok(list.iter().filter_map(inner).filter_map(|one| event(&one)).collect())
}

fn event(event: &Value) -> Option<Event> {
    let (kind, class) = match text(event, "/type")? {
        "bounce" | "out_of_band" => bounce(word(event, "/bounce_class").as_deref().unwrap_or_default())?,
        "policy_rejection" | "generation_rejection" | "generation_failure" => {
            (Kind::Bounce, Some(Class::Ours))
        }
        "delay" => (Kind::Delay, Some(Class::Soft)),
        "spam_complaint" => (Kind::Complaint, None),
        "list_unsubscribe" | "link_unsubscribe" => (Kind::Unsubscribe, None),
        "delivery" | "open" | "initial_open" | "click" => (Kind::Delivered, None),
        _ => return None,
    };
    let address = text(event, "/raw_rcpt_to").or_else(|| text(event, "/rcpt_to"));
    let id = word(event, "/event_id").unwrap_or_else(|| json::digest(event));
    let reply = text(event, "/raw_reason").or_else(|| text(event, "/reason"));
    Some(
        Event::new(NAME, id, kind)
            .about(address, Some(Failure { declared: class, status: None, reply }))
            .ours(text(event, "/rcpt_meta/delivery"))
            .theirs(text(event, "/transmission_id").or_else(|| text(event, "/message_id")))
            .at(json::time(event, "/timestamp"))
            .word(text(event, "/fbtype")),
    )
}

/// The service's classes of bounces.
fn bounce(class: &str) -> Option<(Kind, Option<Class>)> {
    Some(match class {
        "10" | "30" => (Kind::Bounce, Some(Class::Hard)),
        "23" | "25" | "50" | "51" | "52" | "53" | "54" => (Kind::Bounce, Some(Class::Ours)),
        "90" => (Kind::Unsubscribe, None),
        // Answers of programs, challenges, and requests to subscribe.
        "60" | "80" | "100" => return None,
        _ => (Kind::Bounce, Some(Class::Soft)),
    })
}
