//! Forms as they arrive: urlencoded, multipart or JSON, in UTF-8.

use std::borrow::Cow;

use axum::{
    extract::{FromRequest as _, Multipart, Request},
    http::{HeaderMap, StatusCode, header},
};

/// The fields of a form, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    fields: Vec<(String, String)>,
    /// Whether a script sent it, which wants JSON back.
    pub(super) wants_json: bool,
}

/// Fields that may come several times.
const REPEATABLE: &str = "topic";
/// Fields of a form, at most.
const FIELDS_MAX: usize = 64;

impl Form {
    /// Reads a form. The status says what is wrong with it.
    pub(super) async fn read(request: Request) -> Result<Self, StatusCode> {
        let kind = request.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        let mut parameters = kind.split(';').map(str::trim);
        let media_type = parameters.next().unwrap_or_default().to_owned();
        let charset = parameters.find_map(|parameter| parameter.strip_prefix("charset="));
        if charset.is_some_and(|charset| !matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"))
        {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let wants_json = media_type == "application/json" || wants_json(request.headers());
        let fields = match &*media_type {
            "application/x-www-form-urlencoded" => urlencoded(&body(request).await?)?,
            "multipart/form-data" => multipart(request).await?,
            "application/json" => json(&body(request).await?)?,
            _ => return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        };
        let is_repeated = |(index, (name, _)): (usize, &(String, String))| {
            name != REPEATABLE && fields[..index].iter().any(|(other, _)| other == name)
        };
        if fields.len() > FIELDS_MAX || fields.iter().enumerate().any(is_repeated) {
            return Err(StatusCode::BAD_REQUEST);
        }
        Ok(Self { fields, wants_json })
    }

    /// A field's text without spaces around it; empty when it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// The texts of a field that may come several times.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// Whether there is such a field, empty or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == name)
    }
}

/// Whether JSON is asked for, and nothing else.
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|kinds| kinds.as_bytes() == b"application/json")
}

#[cfg(test)]
impl Form {
    /// From fields.
    pub(super) fn of(fields: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { fields: fields.iter().map(owned).collect(), wants_json: false }
    }
}

async fn body(request: Request) -> Result<axum::body::Bytes, StatusCode> {
    axum::body::Bytes::from_request(request, &()).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)
}

fn urlencoded(body: &[u8]) -> Result<Vec<(String, String)>, StatusCode> {
    let decoded = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        let bytes = Cow::from(percent_encoding::percent_decode(&spaced)).into_owned();
        String::from_utf8(bytes).map_err(|_| StatusCode::BAD_REQUEST)
    };
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            Ok((decoded(&pair[..at])?, decoded(pair.get(at + 1..).unwrap_or_default())?))
        })
        .collect()
}

async fn multipart(request: Request) -> Result<Vec<(String, String)>, StatusCode> {
    let bad = |_| StatusCode::BAD_REQUEST;
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| StatusCode::BAD_REQUEST)?;
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(bad)? {
        let Some(name) = part.name().map(str::to_owned) else { return Err(StatusCode::BAD_REQUEST) };
        let bytes = part.bytes().await.map_err(bad)?;
        fields.push((name, String::from_utf8(bytes.to_vec()).map_err(|_| StatusCode::BAD_REQUEST)?));
    }
    Ok(fields)
}

/// An object of texts and lists of texts. A name that comes twice is found because pairs are kept.
fn json(body: &[u8]) -> Result<Vec<(String, String)>, StatusCode> {
    struct Pairs(Vec<(String, serde_json::Value)>);
    impl<'de> serde::Deserialize<'de> for Pairs {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Pairs;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                    let mut pairs = Vec::new();
                    while let Some(pair) = map.next_entry()? {
                        pairs.push(pair);
                    }
                    Ok(Pairs(pairs))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }
    let Pairs(pairs) = serde_json::from_slice(body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let mut fields = Vec::new();
    for (name, value) in pairs {
        match value {
            serde_json::Value::String(text) => fields.push((name, text)),
            serde_json::Value::Array(values) => {
                for value in values {
                    let serde_json::Value::String(text) = value else { return Err(StatusCode::BAD_REQUEST) };
                    fields.push((name.clone(), text));
                }
            }
            _ => return Err(StatusCode::BAD_REQUEST),
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn read(kind: &str, body: impl Into<Body>) -> Result<Form, StatusCode> {
        let request = Request::builder().header("content-type", kind).body(body.into()).unwrap();
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(Form::read(request))
    }

    #[test]
    fn a_form_is_read_in_each_of_its_kinds() {
        let multipart = "--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\nann@example.com\r\n\
             --b\r\nContent-Disposition: form-data; name=\"topic\"\r\n\r\na\r\n\
             --b\r\nContent-Disposition: form-data; name=\"topic\"\r\n\r\nb\r\n--b--\r\n";
        for (kind, body) in [
            ("application/x-www-form-urlencoded", "email=+ann%40example.com&topic=a&topic=b"),
            ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "email=ann@example.com&topic=a&topic=b&"),
            ("multipart/form-data; boundary=b", multipart),
            ("application/json", "{\"email\": \"ann@example.com\", \"topic\": [\"a\", \"b\"]}"),
        ] {
            let form = read(kind, body).unwrap();
            assert_eq!(form.get("email"), "ann@example.com", "{kind}");
            assert_eq!(form.all("topic").collect::<Vec<_>>(), ["a", "b"], "{kind}");
            assert_eq!((form.get("name"), form.has("name")), ("", false));
            assert_eq!(form.wants_json, kind == "application/json");
        }
    }

    #[test]
    fn what_is_not_a_form_is_refused() {
        let many = "a=b&".repeat(65);
        for (kind, body, status) in [
            ("", "email=a", 415),
            ("text/plain", "email=a", 415),
            ("application/x-www-form-urlencoded; charset=iso-8859-1", "email=a", 415),
            ("application/x-www-form-urlencoded", "email=a&email=b", 400),
            ("application/x-www-form-urlencoded", "name=%E4", 400),
            ("application/x-www-form-urlencoded", &many, 400),
            ("multipart/form-data", "x", 400),
            (
                "multipart/form-data; boundary=b",
                "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
                400,
            ),
            ("application/json", "[]", 400),
            ("application/json", "{\"email\": 7}", 400),
            ("application/json", "{\"email\": \"a\", \"email\": \"b\"}", 400),
            ("application/json", "{", 400),
        ] {
            assert_eq!(
                read(kind, body.to_owned()).map_err(|status| status.as_u16()),
                Err(status),
                "{kind} {body}"
            );
        }
    }
}
