//! Reading JSON that a service sent: by JSON pointers (RFC 6901), never failing on what is missing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::Value;

use super::{digest::sha256, request::Malformed};

/// A body as JSON.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Malformed> {
    serde_json::from_slice(bytes).map_err(|error| Malformed(format!("not JSON: {error}")))
}

/// The events of a body that is one object, or a list of objects.
pub(super) fn objects(value: Value) -> Result<Vec<Value>, Malformed> {
    let list = match value {
        Value::Array(list) => list,
        one => vec![one],
    };
    if list.iter().all(Value::is_object) {
        return Ok(list);
    }
    Err(Malformed("an event is not an object".to_owned()))
}

/// A text that is not empty.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
}

/// A text, or a number as a text.
pub(super) fn word(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The members of a list; none where there is no list.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// A moment: RFC 3339, or seconds since 1970 as a number or a text.
pub(super) fn time(value: &Value, pointer: &str) -> Option<Timestamp> {
    match value.pointer(pointer)? {
        Value::Number(number) => seconds(number.as_f64()?),
        Value::String(text) => text.parse().ok().or_else(|| seconds(text.parse().ok()?)),
        _ => None,
    }
}

/// A moment in milliseconds since 1970.
pub(super) fn milliseconds(value: &Value, pointer: &str) -> Option<Timestamp> {
    seconds(value.pointer(pointer)?.as_f64()? / 1000.0)
}

fn seconds(number: f64) -> Option<Timestamp> {
    // Far beyond what a clock shows; the conversion saturates there.
    number.is_finite().then(|| Timestamp::from_millisecond((number * 1000.0) as i64).ok()).flatten()
}

/// What an event is known by when the service gives it no identifier.
pub(super) fn digest(event: &Value) -> String {
    URL_SAFE_NO_PAD.encode(sha256(&[event.to_string().as_bytes()]))
}

/// A member by its name in any case: JSON objects with names of header fields.
pub(super) fn named<'a>(value: &'a Value, pointer: &str, name: &str) -> Option<&'a str> {
    let members = value.pointer(pointer)?.as_object()?;
    members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1.as_str()
}

/// The value of a header field in a list of objects with `name` and `value`.
pub(super) fn header<'a>(value: &'a Value, pointer: &str, name: &str) -> Option<&'a str> {
    let is_it = |field: &&Value| text(field, "/name").is_some_and(|known| known.eq_ignore_ascii_case(name));
    text(list(value, pointer).find(is_it)?, "/value")
}
