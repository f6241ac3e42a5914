//! Messages of Amazon SNS: their signature, the certificate that it is made with, and the topics that they may come from.
//!
//! The address of the certificate is in the message, and so is not believed: it must be that of SNS in the topic's own region.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use x509_parser::time::ASN1Time;

use super::{
    certificates::Topic,
    json::{self, text},
    provider::{Keys, Surroundings, Verified},
    request::{Refusal, Request},
};

/// Whether a message is of a topic that the owner named and signed by SNS; then what it says.
pub(super) fn verify<'a>(
    keys: &Keys,
    request: &Request<'a>,
    surroundings: &Surroundings<'_>,
) -> Result<Verified<'a>, Refusal> {
    let Keys::Topics(topics) = keys else { return Err(Refusal::Unauthorized("this hook has no topics")) };
    let message = json::parse(request.body)?;
    let kind = text(&message, "/Type");
    // Without an envelope there is no signature: raw message delivery.
    let kind = kind.ok_or(Refusal::Unauthorized("there is no signature; turn off raw message delivery"))?;
    let arn = text(&message, "/TopicArn").unwrap_or_default();
    let topic = topics.iter().find(|topic| topic.arn == arn).ok_or_else(|| {
        let arn: String = arn.chars().filter(|c| c.is_ascii_graphic()).take(300).collect();
        Refusal::Forbidden(format!("the settings do not name the topic `{arn}`"))
    })?;
    check_signature(&message, kind, topic, surroundings)?;
    match kind {
        "Notification" => {
            let json = text(&message, "/Message").unwrap_or_default().as_bytes().to_vec();
            Ok(Verified::Events { json: json.into(), once: None })
        }
        "SubscriptionConfirmation" => {
            let token = text(&message, "/Token").unwrap_or_default();
            let url = topic.confirmation(token).map_err(|error| Refusal::Unavailable(error.to_string()))?;
            let failed = |error| Refusal::Unavailable(format!("cannot confirm the subscription: {error}"));
            surroundings.fetch.get(&url).map_err(failed)?;
            Ok(Verified::Done("the subscription is confirmed"))
        }
        // To visit its address would subscribe again what the owner removed.
        _ => Ok(Verified::Done("nothing to do")),
    }
}

fn check_signature(
    message: &Value,
    kind: &str,
    topic: &Topic,
    surroundings: &Surroundings<'_>,
) -> Result<(), Refusal> {
    let fields: &[&str] = match kind {
        "Notification" => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        _ => &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    };
    let mut signed = String::new();
    for name in fields {
        if let Some(value) = message.get(name).and_then(Value::as_str) {
            signed.push_str(&format!("{name}\n{value}\n"));
        }
    }
    let algorithm = match text(message, "/SignatureVersion") {
        Some("1") => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        Some("2") => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(Refusal::Unauthorized("the version of the signature is unknown")),
    };
    let signature = text(message, "/Signature").and_then(|text| STANDARD.decode(text).ok());
    let signature = signature.ok_or(Refusal::Unauthorized("the signature is missing"))?;
    let address = text(message, "/SigningCertURL").and_then(|text| topic.certificate_at(text));
    let address =
        address.ok_or(Refusal::Unauthorized("the address of the certificate is not one of Amazon SNS"))?;
    let certificate = surroundings.certificates.get(&address, surroundings.fetch)?;
    let now = ASN1Time::from_timestamp(surroundings.now.as_second()).map_or(0, |time| time.timestamp());
    if !(certificate.from..=certificate.until).contains(&now) {
        return Err(Refusal::Unauthorized("the certificate of the signature is not valid now"));
    }
    UnparsedPublicKey::new(algorithm, &certificate.public_key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| Refusal::Unauthorized("the signature is wrong"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_sns_in_the_topics_region_are_asked_for_certificates() {
        let topic: Topic = "arn:aws:sns:eu-central-1:123456789012:bounces".parse().unwrap();
        let good = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abcdef.pem";
        assert!(topic.certificate_at(good).is_some());
        for bad in [
            "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abcdef.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123abcdef.pem",
            "https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-0123abcdef.pem",
            "https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-0123abcdef.pem",
            "https://evil.example/SimpleNotificationService-0123abcdef.pem",
            "https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-0123abcdef.pem",
            "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abcdef.pem?x=1",
            "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abcdef.pem#x",
            "https://sns.eu-central-1.amazonaws.com/bucket/SimpleNotificationService-0123abcdef.pem",
            "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-..%2fx.pem",
            "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-.pem",
            "https://sns.eu-central-1.amazonaws.com/x/../SimpleNotificationService-0123abcdef.pem",
            "https://user@sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abcdef.pem",
            "https://127.0.0.1/SimpleNotificationService-0123abcdef.pem",
            "file:///SimpleNotificationService-0123abcdef.pem",
            "",
        ] {
            assert!(topic.certificate_at(bad).is_none(), "{bad}");
        }
        let china: Topic = "arn:aws-cn:sns:cn-north-1:123456789012:bounces".parse().unwrap();
        assert_eq!(china.host(), "sns.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn a_topic_is_a_whole_arn() {
        for bad in [
            "bounces",
            "arn:aws:sqs:eu-central-1:123456789012:bounces",
            "arn:aws:sns:eu-central-1.evil.example/:123456789012:bounces",
            "arn:aws:sns::123456789012:bounces",
            "arn:aws:sns:eu-central-1:123456789012:",
            "arn:other:sns:eu-central-1:123456789012:bounces",
            "arn:aws:sns:eu-central-1:123456789012:bounces:5a8c",
        ] {
            assert!(bad.parse::<Topic>().is_err(), "{bad}");
        }
    }
}
