//! Events of delivery services: who sent them, and what they say.

mod settled;

use std::{cell::RefCell, collections::BTreeMap, fs};

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use mimeograph::{
    bounce::{Class, Kind},
    hooks::{self, BODY_MAX, Event, Fetch, Hooks, Keys, Refusal, Request},
    transport::Secret,
};
use serde_json::{Value, json};
use url::Url;

use crate::support::project::repository;

const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:bounces";

fn now() -> Timestamp {
    "2026-11-29T02:01:00Z".parse().unwrap()
}

/// A web that has one page, and remembers what it was asked for.
struct Web {
    page: Result<Vec<u8>, String>,
    asked: RefCell<Vec<String>>,
}

impl Web {
    fn new(page: Result<Vec<u8>, String>) -> Self {
        Self { page, asked: RefCell::default() }
    }

    fn empty() -> Self {
        Self::new(Err("no such page".to_owned()))
    }
}

impl Fetch for Web {
    fn get(&self, address: &Url) -> Result<Vec<u8>, String> {
        self.asked.borrow_mut().push(address.to_string());
        self.page.clone()
    }
}

fn secret(text: &str) -> Keys {
    Keys::Secret(Secret::new(text))
}

fn hooks(provider: &str, keys: Keys) -> Hooks {
    Hooks::new([(provider.to_owned(), keys)])
}

fn header(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Address, class, status of each recipient.
fn people(event: &Event) -> Vec<(String, Option<Class>, Option<String>)> {
    let one = |one: &mimeograph::bounce::Finding| {
        (one.address.expose().to_owned(), one.class, one.status.map(|status| status.to_string()))
    };
    event.returned.recipients.iter().map(one).collect()
}

#[test]
fn a_service_without_signatures_needs_the_secret() {
    let body = br#"{"RecordType":"Bounce","Type":"HardBounce","ID":42,"Email":"gone@example.com"}"#;
    for provider in ["postmark", "brevo", "mailjet", "sparkpost"] {
        let hooks = hooks(provider, secret("open sesame"));
        let basic = |login: &str| format!("Basic {}", STANDARD.encode(login));
        let answer = |authorization: Option<String>| {
            let header = authorization.map(|value| ("Authorization".to_owned(), value));
            let header: Vec<_> = header.into_iter().collect();
            let result = hooks.receive(provider, &Request { header: &header, body }, &Web::empty(), now());
            result.map(|received| received.events.len()).map_err(|refusal| refusal.status())
        };
        let good = usize::from(provider == "postmark");
        assert_eq!(answer(Some(basic("mimeo:open sesame"))), Ok(good), "{provider}");
        assert_eq!(answer(Some(basic(":open sesame"))), Ok(good), "{provider}");
        assert_eq!(answer(Some("bearer open sesame".to_owned())), Ok(good), "{provider}");
        for wrong in [
            None,
            Some(String::new()),
            Some("Bearer".to_owned()),
            Some("Bearer open sesam".to_owned()),
            Some("Bearer open sesame!".to_owned()),
            Some("open sesame".to_owned()),
            Some(basic("open sesame:")),
            Some("Basic %%%".to_owned()),
        ] {
            assert_eq!(answer(wrong.clone()), Err(401), "{provider} {wrong:?}");
        }
    }
}

#[test]
fn a_hook_that_the_settings_do_not_name_is_not_there() {
    let hooks = hooks("postmark", secret("x"));
    let request = Request { header: &[], body: b"{}" };
    for provider in ["mailgun", "Postmark", "", "nothing"] {
        let refusal = hooks.receive(provider, &request, &Web::empty(), now()).unwrap_err();
        assert_eq!(refusal, Refusal::Unknown, "{provider}");
    }
    let empty = self::hooks("postmark", secret(""));
    let header = header(&[("Authorization", "Bearer ")]);
    let refusal = empty.receive("postmark", &Request { header: &header, body: b"{}" }, &Web::empty(), now());
    assert_eq!(refusal.unwrap_err().status(), 401, "an empty secret opens nothing");
}

#[test]
fn a_body_may_not_be_large_or_broken() {
    let hooks = hooks("postmark", secret("x"));
    let header = header(&[("authorization", "Bearer x")]);
    let status = |body: &[u8]| {
        let request = Request { header: &header, body };
        hooks
            .receive("postmark", &request, &Web::empty(), now())
            .map_or_else(|refusal| refusal.status(), |_| 200)
    };
    assert_eq!(status(&vec![b' '; BODY_MAX + 1]), 413);
    for body in ["", "{", "no", "[1]", "\"text\"", "[{},null]"] {
        assert_eq!(status(body.as_bytes()), 400, "{body}");
    }
    assert_eq!(status("[".repeat(100_000).as_bytes()), 400);
    // What it may mean one day is stored nowhere and refused nowhere: a refusal is sent again for days.
    for body in ["{}", "[]", r#"{"RecordType":"Parrot"}"#, r#"{"RecordType":7,"Email":["x"]}"#] {
        assert_eq!(status(body.as_bytes()), 200, "{body}");
    }
}

/// Mailgun's body, signed with a key at a time.
fn mailgun(key: &str, at: i64, token: &str, data: &Value) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let tag = hmac::sign(&key, format!("{at}{token}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = json!({"timestamp": at.to_string(), "token": token, "signature": hex});
    json!({"signature": signature, "event-data": data}).to_string().into_bytes()
}

#[test]
fn mailguns_signature_is_checked_and_its_token_counts_for_one_body() {
    let hooks = hooks("mailgun", secret("test-signing-key"));
    let token = "a".repeat(50);
    let data = json!({"event": "failed", "severity": "permanent", "reason": "bounce", "recipient": "gone@example.com",
        "id": "one", "timestamp": 1795917660.5, "delivery-status": {"code": 550, "message": "5.1.1 unknown"},
        "message": {"headers": {"message-id": "6om5m7fcqs3vuwdbcd7uajlarf@news.example.org"}}});
    let receive =
        |body: &[u8]| hooks.receive("mailgun", &Request { header: &[], body }, &Web::empty(), now());
    let at = now().as_second();
    let good = mailgun("test-signing-key", at, &token, &data);
    let received = receive(&good).unwrap();
    let event = &received.events[0];
    assert_eq!(people(event), [("gone@example.com".to_owned(), Some(Class::Hard), Some("5.1.1".to_owned()))]);
    assert_eq!(
        event.returned.message_id.as_deref(),
        Some("6om5m7fcqs3vuwdbcd7uajlarf@news.example.org"),
        "Mailgun keeps our Message-ID"
    );
    // The same token with another body has the same mark, and another body's digest.
    let other = json!({"event": "complained", "recipient": "victim@example.com"});
    let replayed = receive(&mailgun("test-signing-key", at, &token, &other)).unwrap();
    let ((mark, body), (mark_again, other_body)) = (received.once.unwrap(), replayed.once.unwrap());
    assert_eq!(mark, mark_again);
    assert_ne!(body, other_body);
    let status = |body: &[u8]| receive(body).map_or_else(|refusal| refusal.status(), |_| 200);
    assert_eq!(status(&mailgun("another-key", at, &token, &data)), 401);
    assert_eq!(status(&mailgun("test-signing-key", at - 301, &token, &data)), 401);
    assert_eq!(status(&mailgun("test-signing-key", at + 301, &token, &data)), 401);
    assert_eq!(status(&mailgun("test-signing-key", at, "", &data)), 401);
    assert_eq!(status(br#"{"event-data":{"event":"complained"}}"#), 401);
    let text = String::from_utf8(good).unwrap();
    assert_eq!(status(text.replace(&token, &"b".repeat(50)).as_bytes()), 401);
    // A value that was computed elsewhere.
    let fixed = json!({"signature": {"timestamp": "1700000000", "token": token,
        "signature": "fba02b5dc7e0ed59317d3f7fa9c5a1e7b6565a72c562a6f5b640507ae4d77fa5"}, "event-data": data});
    let then = Timestamp::from_second(1_700_000_100).unwrap();
    let request = fixed.to_string();
    let request = Request { header: &[], body: request.as_bytes() };
    assert_eq!(hooks.receive("mailgun", &request, &Web::empty(), then).unwrap().events.len(), 1);
}

#[test]
fn sendgrids_signature_is_over_the_bytes_of_the_body() {
    let pair = rcgen::KeyPair::generate().unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pair.serialize_der()).unwrap();
    let spki = rcgen::PublicKeyData::subject_public_key_info(&pair);
    let hooks = hooks("sendgrid", Keys::PublicKey(spki));
    let body = "[{\"email\":\"gone@example.com\",\"event\":\"bounce\",\"type\":\"bounce\",\"status\":\"5.1.1\",\
        \"reason\":\"550 5.1.1 unknown\",\"sg_event_id\":\"Ym91bmNlLTE\",\"sg_message_id\":\"LRzXlNHStOGhQ4kof.filter-9\"},\r\n\
        {\"email\":\"ann@example.com\",\"event\":\"processed\",\"sg_event_id\":\"x\"}]\r\n";
    let receive = |at: i64, signed: &str, sent: &str| {
        let signature = key.sign(&SystemRandom::new(), format!("{at}{signed}").as_bytes()).unwrap();
        let header = header(&[
            ("X-Twilio-Email-Event-Webhook-Signature", &STANDARD.encode(signature)),
            ("x-twilio-email-event-webhook-timestamp", &at.to_string()),
        ]);
        hooks.receive("sendgrid", &Request { header: &header, body: sent.as_bytes() }, &Web::empty(), now())
    };
    let at = now().as_second();
    let events = receive(at, body, body).unwrap().events;
    assert_eq!(events.len(), 1);
    assert_eq!(
        people(&events[0]),
        [("gone@example.com".to_owned(), Some(Class::Hard), Some("5.1.1".to_owned()))]
    );
    assert_eq!(events[0].letter.as_deref(), Some("LRzXlNHStOGhQ4kof"));
    // A batch is sent again for a day with its first signature.
    assert!(receive(at - 24 * 3600, body, body).is_ok());
    for (at, sent) in [
        (at, body.trim_end()),
        (at, &body.replace("\r\n", "\n")),
        (at - 26 * 3600, body),
        (at + 26 * 3600, body),
    ] {
        assert_eq!(receive(at, body, sent).unwrap_err().status(), 401);
    }
    let none =
        hooks.receive("sendgrid", &Request { header: &[], body: body.as_bytes() }, &Web::empty(), now());
    assert_eq!(none.unwrap_err().status(), 401);
}

#[test]
fn resends_signature_is_that_of_standard_webhooks() {
    let hooks = hooks("resend", secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    let receive = |fields: &[(&str, &str)], body: &str, at: i64| {
        let header = header(fields);
        let now = Timestamp::from_second(at).unwrap();
        hooks.receive("resend", &Request { header: &header, body: body.as_bytes() }, &Web::empty(), now)
    };
    // The example of the specification.
    let (at, body) = (1_614_265_330, r#"{"test": 2432232314}"#);
    let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let fields = |signature: &str| {
        let pairs = [
            ("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("svix-timestamp", "1614265330"),
            ("svix-signature", signature),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let status = |signature: &str, body: &str, at: i64| {
        let fields = fields(signature);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        receive(&fields, body, at).map_or_else(|refusal| refusal.status(), |_| 200)
    };
    assert_eq!(status(signature, body, at + 299), 200);
    assert_eq!(status(&format!("v1a,AAAA v1,AAAA {signature}"), body, at), 200, "any of several");
    assert_eq!(status(signature, body, at + 301), 401);
    assert_eq!(status(signature, body, at - 301), 401);
    assert_eq!(status(signature, r#"{"test": 2432232315}"#, at), 401);
    assert_eq!(status(&signature.replace("v1,", "v2,"), body, at), 401);
    assert_eq!(status("", body, at), 401);
    assert_eq!(receive(&[], body, at).unwrap_err().status(), 401);
    let standard = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", signature),
    ];
    assert!(receive(&standard, body, at).is_ok());
}

fn sns() -> BTreeMap<String, Value> {
    serde_json::from_slice(&fs::read(repository().join("tests/fixtures/hooks/sns.json")).unwrap()).unwrap()
}

fn certificate(name: &str) -> Web {
    Web::new(Ok(fs::read(repository().join(format!("tests/fixtures/hooks/{name}-cert.pem"))).unwrap()))
}

fn ses() -> Hooks {
    hooks("ses", Keys::Topics(vec![TOPIC.parse().unwrap()]))
}

fn of_sns(hooks: &Hooks, message: &Value, web: &Web) -> Result<hooks::Received, Refusal> {
    let body = message.to_string();
    let header = header(&[("content-type", "text/plain; charset=UTF-8")]);
    hooks.receive("ses", &Request { header: &header, body: body.as_bytes() }, web, soon())
}

/// The certificates of the fixtures were made before that.
fn soon() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().unwrap()
}

#[test]
fn sns_signatures_of_both_versions_are_checked_with_one_fetch_of_the_certificate() {
    let (hooks, web, messages) = (ses(), certificate("sns"), sns());
    for version in ["version-1", "version-2"] {
        let events = of_sns(&hooks, &messages[version], &web).unwrap().events;
        let expected = ("gone@example.com".to_owned(), Some(Class::Hard), Some("5.1.1".to_owned()));
        assert_eq!(people(&events[0]), [expected], "{version}");
        assert_eq!(events[0].letter.as_deref(), Some("0107019a1b2c3d4e-1"));
        assert_eq!(events[0].returned.message_id.as_deref(), Some("6om5m7fcqs3vuwdbcd7uajlarf"));
        assert_eq!(events[0].returned.reporter.as_deref(), Some("e.example.com"));
    }
    assert!(of_sns(&hooks, &messages["sentence"], &web).unwrap().events.is_empty());
    assert_eq!(web.asked.borrow().len(), 1, "{:?}", web.asked.borrow());
}

#[test]
fn no_part_of_a_signed_message_of_sns_can_be_changed() {
    let messages = sns();
    for version in ["version-1", "version-2"] {
        for name in ["Message", "MessageId", "Timestamp", "Subject"] {
            let mut message = messages[version].clone();
            let Some(text) = message.get(name).and_then(Value::as_str).map(str::to_owned) else { continue };
            message[name] = json!(text.replacen('1', "2", 1) + " ");
            assert_eq!(
                of_sns(&ses(), &message, &certificate("sns")).unwrap_err().status(),
                401,
                "{version} {name}"
            );
        }
        let mut message = messages[version].clone();
        message["SignatureVersion"] = json!(if version == "version-1" { "2" } else { "1" });
        assert_eq!(of_sns(&ses(), &message, &certificate("sns")).unwrap_err().status(), 401);
        message["SignatureVersion"] = json!("3");
        assert_eq!(of_sns(&ses(), &message, &certificate("sns")).unwrap_err().status(), 401);
    }
    assert_eq!(of_sns(&ses(), &messages["other-key"], &certificate("sns")).unwrap_err().status(), 401);
}

#[test]
fn a_certificate_has_to_be_one_of_sns_and_valid() {
    let message = &sns()["version-2"];
    let good = fs::read_to_string(repository().join("tests/fixtures/hooks/sns-cert.pem")).unwrap();
    for page in [
        format!("{good}{good}"),
        format!("junk\n{good}"),
        format!("{good}junk"),
        String::new(),
        good.replace("MI", "NI"),
    ] {
        let web = Web::new(Ok(page.into_bytes()));
        assert_eq!(of_sns(&ses(), message, &web).unwrap_err().status(), 401);
    }
    // Signed with a key of another name.
    assert_eq!(of_sns(&ses(), &sns()["other-key"], &certificate("other")).unwrap_err().status(), 401);
    // Not there: not remembered, and asked for again.
    let (hooks, none) = (ses(), Web::empty());
    assert_eq!(of_sns(&hooks, message, &none).unwrap_err().status(), 503);
    assert!(of_sns(&hooks, message, &certificate("sns")).is_ok());
    // Not valid yet.
    let body = message.to_string();
    let early = "2020-01-01T00:00:00Z".parse().unwrap();
    let refusal =
        ses().receive("ses", &Request { header: &[], body: body.as_bytes() }, &certificate("sns"), early);
    assert_eq!(refusal.unwrap_err().status(), 401);
}

#[test]
fn certificates_are_fetched_from_sns_only() {
    for address in [
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://127.0.0.1/SimpleNotificationService-0123456789abcdef.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    ] {
        let mut message = sns()["version-2"].clone();
        message["SigningCertURL"] = json!(address);
        let web = certificate("sns");
        assert_eq!(of_sns(&ses(), &message, &web).unwrap_err().status(), 401, "{address}");
        assert!(web.asked.borrow().is_empty(), "{address}");
    }
}

#[test]
fn a_subscription_is_confirmed_for_a_topic_of_the_settings_at_an_address_of_our_own() {
    let (messages, hooks, web) = (sns(), ses(), certificate("sns"));
    let received = of_sns(&hooks, &messages["confirm"], &web).unwrap();
    assert_eq!((received.events.len(), received.note), (0, Some("the subscription is confirmed")));
    let asked = web.asked.borrow().clone();
    assert_eq!(asked.len(), 2, "the certificate, and the confirmation");
    assert_eq!(
        asked[1],
        "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A\
         123456789012%3Abounces&Token=2336412f37fb687f5d51e6e2425"
    );
    // Whoever is not named is asked for nothing, and named to the owner.
    for name in ["other-topic", "other-topic-confirm"] {
        let web = certificate("sns");
        let refusal = of_sns(&ses(), &messages[name], &web).unwrap_err();
        assert_eq!(refusal.status(), 403);
        assert!(refusal.to_string().contains("arn:aws:sns:eu-central-1:999999999999:bounces"), "{refusal}");
        assert!(web.asked.borrow().is_empty());
    }
    // What the owner removed is not subscribed again.
    let web = certificate("sns");
    assert_eq!(of_sns(&ses(), &messages["unsubscribe"], &web).unwrap().note, Some("nothing to do"));
    assert_eq!(web.asked.borrow().len(), 1, "the certificate alone");
    // Without an envelope nothing is signed.
    let raw: Value = serde_json::from_str(messages["version-2"]["Message"].as_str().unwrap()).unwrap();
    assert_eq!(of_sns(&ses(), &raw, &certificate("sns")).unwrap_err().status(), 401);
}

/// Each service's documented events, and what they mean: kind, class of the recipient.
#[test]
fn events_mean_what_the_services_document() {
    let table: Vec<Value> =
        serde_json::from_slice(&fs::read(repository().join("tests/fixtures/hooks/events.json")).unwrap())
            .unwrap();
    assert!(table.len() >= 90, "{}", table.len());
    let mut wrong = Vec::new();
    let mut seen = BTreeMap::new();
    for row in &table {
        let provider = row["provider"].as_str().unwrap();
        let events = hooks::read(provider, row["body"].to_string().as_bytes()).unwrap();
        let found: Vec<_> = events
            .iter()
            .map(|event| {
                let class = event.returned.recipients.first().and_then(|one| one.class);
                let address =
                    event.returned.recipients.first().map_or("no address", |one| one.address.expose());
                assert_eq!(address, "gone@example.com", "{row}");
                let class = class.map(|class| format!(" {}", class.word())).unwrap_or_default();
                format!("{}{class}", event.returned.kind.word())
            })
            .collect();
        *seen.entry(provider.to_owned()).or_insert(0) += 1;
        if found.join(", ") != row["means"].as_str().unwrap() {
            wrong.push(format!("{row}\n  {}", found.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        seen.keys().map(String::as_str).collect::<Vec<_>>(),
        hooks::providers().map(|(name, _)| name).collect::<Vec<_>>()
    );
}

#[test]
fn an_event_is_known_by_its_identifier_or_its_content() {
    let table: Vec<Value> =
        serde_json::from_slice(&fs::read(repository().join("tests/fixtures/hooks/events.json")).unwrap())
            .unwrap();
    let mut digests = BTreeMap::new();
    for row in &table {
        let read =
            || hooks::read(row["provider"].as_str().unwrap(), row["body"].to_string().as_bytes()).unwrap();
        for (event, again) in read().iter().zip(read()) {
            assert_eq!(event.digest(), again.digest());
            assert_eq!(digests.insert(event.digest(), row.to_string()), None, "{row}");
            assert_ne!(event.returned.kind, Kind::Unknown);
        }
    }
}

#[test]
fn no_json_stops_a_reader() {
    let values = [
        json!(null),
        json!(1e300),
        json!(-1),
        json!("x".repeat(5000)),
        json!([[]]),
        json!({"a": {"b": []}}),
        json!("\u{0}"),
    ];
    let table: Vec<Value> =
        serde_json::from_slice(&fs::read(repository().join("tests/fixtures/hooks/events.json")).unwrap())
            .unwrap();
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            Value::Object(map) => {
                map.iter().for_each(|(name, inner)| places(inner, &format!("{at}/{name}"), found))
            }
            Value::Array(list) => list
                .iter()
                .enumerate()
                .for_each(|(index, inner)| places(inner, &format!("{at}/{index}"), found)),
            _ => {}
        }
    }
    let mut read = 0;
    for row in &table {
        let mut found = Vec::new();
        places(&row["body"], "", &mut found);
        for place in found {
            for value in &values {
                let mut body = row["body"].clone();
                *body.pointer_mut(&place).unwrap() = value.clone();
                // Whatever it says, there is an answer, and it names valid addresses only.
                let _ = hooks::read(row["provider"].as_str().unwrap(), body.to_string().as_bytes());
                read += 1;
            }
        }
    }
    assert!(read > 3000, "{read}");
}
