//! Resend: one event in a request, signed as Standard Webhooks (and Svix) are: HMAC-SHA256 over an identifier, a time and
//! the body.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    event::{Event, Failure},
    guard,
    json::{self, text},
    provider::{Keys, Needs, Provider, Surroundings, Verified},
    request::{Malformed, Refusal, Request},
};
use crate::bounce::{Class, Kind};

const NAME: &str = "resend";

pub(super) static PROVIDER: Provider = Provider { name: NAME, needs: Needs::Secret, verify, read };

fn verify<'a>(
    keys: &Keys,
    request: &Request<'a>,
    surroundings: &Surroundings<'_>,
) -> Result<Verified<'a>, Refusal> {
    let secret = guard::secret(keys)?.expose();
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret).trim());
    let key = key.map_err(|_| Refusal::Unauthorized("the hook's secret is not `whsec_` and base64"))?;
    let field = |name: &str| {
        request.field(&format!("svix-{name}")).or_else(|| request.field(&format!("webhook-{name}")))
    };
    let (Some(id), Some(time), Some(signatures)) = (field("id"), field("timestamp"), field("signature"))
    else {
        return Err(Refusal::Unauthorized("the signature is missing"));
    };
    let signed: [&[u8]; 5] = [id.as_bytes(), b".", time.as_bytes(), b".", request.body];
    // Several while a key is replaced; other versions are for other keys.
    let mut given = signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    if !given.any(|one| guard::is_hmac(&key, &signed, &one)) {
        return Err(Refusal::Unauthorized("the signature is wrong"));
    }
    if !guard::is_fresh(time, surroundings.now, guard::WINDOW) {
        return Err(Refusal::Unauthorized("the signature is too old, or this machine's clock is wrong"));
    }
    Ok(Verified::Events { json: request.body.into(), once: None })
}

fn read(body: &[u8]) -> Result<Vec<Event>, Malformed> {
    Ok(json::objects(json::parse(body)?)?.iter().filter_map(event).collect())
}

fn event(event: &Value) -> Option<Event> {
    let kind = text(event, "/type")?;
    let (kind, class) = match kind {
        "email.bounced" => (Kind::Bounce, Some(bounced(event))),
        "email.failed" => (Kind::Bounce, Some(Class::Ours)),
        "email.suppressed" => (Kind::Bounce, Some(Class::Hard)),
        "email.delivery_delayed" => (Kind::Delay, Some(Class::Soft)),
        "email.complained" => (Kind::Complaint, None),
        "email.delivered" | "email.opened" | "email.clicked" => (Kind::Delivered, None),
        _ => return None,
    };
    let reply = text(event, "/data/bounce/message")
        .or_else(|| text(event, "/data/failed/reason"))
        .or_else(|| text(event, "/data/suppressed/message"));
    // What it says is mostly its own sentence for the type, and no server's reply.
    let reply = reply.filter(|reply| reply.bytes().any(|byte| byte.is_ascii_digit()));
    let failure = Failure { declared: class, status: None, reply };
    let id = [text(event, "/data/email_id"), text(event, "/created_at")];
    let id = match id {
        [Some(letter), Some(at)] => format!("{letter} {at}"),
        _ => json::digest(event),
    };
    let mut made = Event::new(NAME, id, kind)
        .ours(
            text(event, "/data/tags/delivery")
                .or_else(|| json::header(event, "/data/headers", "X-Mimeo-Delivery")),
        )
        .theirs(text(event, "/data/email_id"))
        .at(json::time(event, "/created_at"));
    for to in json::list(event, "/data/to") {
        made = made.about(to.as_str(), Some(failure));
    }
    Some(made)
}

fn bounced(event: &Value) -> Class {
    let kind = text(event, "/data/bounce/type").unwrap_or_default();
    super::ses::class_of(kind, text(event, "/data/bounce/subType").unwrap_or_default())
}
