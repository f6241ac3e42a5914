//! Mailgun: one event in a request, signed with HMAC-SHA256 over a time and a token; the body is not covered, so each token
//! counts for one body only.

use serde_json::Value;

use super::{
    event::{Event, Failure},
    guard,
    json::{self, text, word},
    provider::{Keys, Needs, Provider, Surroundings, Verified},
    request::{Malformed, Refusal, Request},
};
use crate::bounce::{Class, Kind};

const NAME: &str = "mailgun";
/// Characters of a token.
const TOKEN_MIN: usize = 16;

pub(super) static PROVIDER: Provider = Provider { name: NAME, needs: Needs::Secret, verify, read };

fn verify<'a>(
    keys: &Keys,
    request: &Request<'a>,
    surroundings: &Surroundings<'_>,
) -> Result<Verified<'a>, Refusal> {
    let key = guard::secret(keys)?;
    let body = json::parse(request.body)?;
    let time = word(&body, "/signature/timestamp").unwrap_or_default();
    let token = text(&body, "/signature/token").unwrap_or_default();
    let signature = text(&body, "/signature/signature").and_then(guard::from_hex);
    let Some(signature) = signature.filter(|_| token.len() >= TOKEN_MIN) else {
        return Err(Refusal::Unauthorized("the signature is missing"));
    };
    if !guard::is_hmac(key.expose().as_bytes(), &[time.as_bytes(), token.as_bytes()], &signature) {
        return Err(Refusal::Unauthorized("the signature is wrong"));
    }
    if !guard::is_fresh(&time, surroundings.now, guard::WINDOW) {
        return Err(Refusal::Unauthorized("the signature is too old, or this machine's clock is wrong"));
    }
    Ok(Verified::Events { json: request.body.into(), once: Some(token.to_owned()) })
}

fn read(body: &[u8]) -> Result<Vec<Event>, Malformed> {
    let body = json::parse(body)?;
    let data = body.pointer("/event-data").unwrap_or(&body);
    if !data.is_object() {
        return Err(Malformed("there is no `event-data`".to_owned()));
    }
    Ok(event(data).into_iter().collect())
}

fn event(event: &Value) -> Option<Event> {
    let severity = text(event, "/severity").unwrap_or_default();
    let (kind, class) = match text(event, "/event")? {
        "failed" if severity == "temporary" => (Kind::Delay, Some(Class::Soft)),
        "failed" => failed(text(event, "/reason").unwrap_or_default()),
        "rejected" => (Kind::Bounce, Some(Class::Ours)),
        "complained" => (Kind::Complaint, None),
        "unsubscribed" => (Kind::Unsubscribe, None),
        "delivered" | "opened" | "clicked" => (Kind::Delivered, None),
        _ => return None,
    };
    let said = [text(event, "/delivery-status/message"), text(event, "/delivery-status/description")];
    let code = word(event, "/delivery-status/code").unwrap_or_default();
    let reply = said.into_iter().flatten().next().unwrap_or_default();
    let is_code = code.len() == 3 && !reply.starts_with(&code);
    let reply = if is_code { format!("{code} {reply}") } else { reply.to_owned() };
    // The service's own list says why by itself; its code is not a server's.
    let own = text(event, "/reason").is_some_and(|reason| reason.starts_with("suppress-"));
    let failure = Failure {
        declared: class,
        status: text(event, "/delivery-status/enhanced-code"),
        reply: Some(reply.as_str()).filter(|reply| !own && !reply.trim().is_empty()),
    };
    // Identifiers are unique within a day.
    let id = word(event, "/id").zip(word(event, "/timestamp")).map(|(id, at)| format!("{id} {at}"));
    Some(
        Event::new(NAME, id.unwrap_or_else(|| json::digest(event)), kind)
            .about(text(event, "/recipient"), Some(failure))
            .ours(
                text(event, "/user-variables/delivery")
                    .or_else(|| text(event, "/message/headers/message-id")),
            )
            .theirs(text(event, "/message/headers/message-id"))
            .at(json::time(event, "/timestamp")),
    )
}

fn failed(reason: &str) -> (Kind, Option<Class>) {
    match reason {
        "suppress-complaint" => (Kind::Complaint, None),
        "suppress-unsubscribe" => (Kind::Unsubscribe, None),
        "espblock" => (Kind::Bounce, Some(Class::Ours)),
        "old" | "generic" => (Kind::Bounce, Some(Class::Soft)),
        _ => (Kind::Bounce, Some(Class::Hard)),
    }
}
