//! Topics of Amazon SNS, and the certificates of their region.

use std::{
    collections::VecDeque,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use url::Url;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

use super::request::Refusal;

/// Bytes of a certificate's file.
pub(super) const CERTIFICATE_MAX: usize = 16 * 1024;

/// Certificates that are kept.
pub(super) const KEPT_MAX: usize = 4;

/// The name that a certificate of SNS is for.
pub(super) const NAME: &str = "sns.amazonaws.com";

/// Gets pages of the web.
pub trait Fetch {
    /// The body of a page, without following redirects.
    ///
    /// # Errors
    ///
    /// Why it cannot be had, in words.
    fn get(&self, address: &Url) -> Result<Vec<u8>, String>;
}

/// A topic of Amazon SNS: `arn:aws:sns:eu-central-1:123456789012:bounces`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub(super) arn: String,
    region: String,
    /// `amazonaws.com`, or `amazonaws.com.cn`.
    domain: &'static str,
}

impl FromStr for Topic {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split(':').collect();
        let [arn, partition, service, region, account, name] = parts[..] else {
            return Err("it has six parts, as in `arn:aws:sns:eu-central-1:123456789012:bounces`");
        };
        let domain = match partition {
            "aws" | "aws-us-gov" => "amazonaws.com",
            "aws-cn" => "amazonaws.com.cn",
            _ => return Err("its second part is `aws`, `aws-us-gov` or `aws-cn`"),
        };
        let is_word = |text: &str, more: &str| {
            !text.is_empty()
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(c))
        };
        if arn != "arn" || service != "sns" {
            return Err("it begins with `arn:aws:sns:`");
        }
        if !is_word(region, "-") || !account.bytes().all(|byte| byte.is_ascii_digit()) || account.is_empty() {
            return Err("its fourth part is a region, and its fifth the number of an account");
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 256 || !name.chars().all(is_name) {
            return Err("its last part is the name of a topic");
        }
        Ok(Self { arn: text.to_owned(), region: region.to_owned(), domain })
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

impl Topic {
    /// The host of SNS in the topic's region.
    pub(super) fn host(&self) -> String {
        format!("sns.{}.{}", self.region, self.domain)
    }

    /// The address of a certificate, if it is one of SNS in the topic's region.
    pub(super) fn certificate_at(&self, address: &str) -> Option<Url> {
        let url = Url::parse(address).ok()?;
        let name = url.path().strip_prefix("/SimpleNotificationService-")?.strip_suffix(".pem")?;
        let is_plain = url.scheme() == "https"
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.host_str() == Some(&self.host())
            && (1..=128).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        // What was parsed is what was written: no tabs, dots or backslashes that a parser takes out.
        (is_plain && url.as_str() == address).then_some(url)
    }

    /// The call that confirms a subscription: made here, and not taken from the message.
    pub(super) fn confirmation(&self, token: &str) -> Result<Url, url::ParseError> {
        let query = [("Action", "ConfirmSubscription"), ("TopicArn", &self.arn), ("Token", token)];
        Url::parse_with_params(&format!("https://{}/", self.host()), query)
    }
}

/// Public keys of certificates that were looked at, the latest last.
#[derive(Debug, Default)]
pub(super) struct Certificates(Mutex<VecDeque<(Url, Arc<Certificate>)>>);

#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) public_key: Vec<u8>,
}

impl Certificates {
    pub(super) fn get(&self, url: &Url, fetch: &dyn Fetch) -> Result<Arc<Certificate>, Refusal> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = known().iter().find(|(known, _)| known == url) {
            return Ok(Arc::clone(found));
        }
        let pem = fetch.get(url).map_err(|error| {
            Refusal::Unavailable(format!("cannot fetch the certificate of the signature: {error}"))
        })?;
        let found =
            certificate(&pem).ok_or(Refusal::Unauthorized("the certificate of the signature is wrong"))?;
        let found = Arc::new(found);
        let mut kept = known();
        kept.push_back((url.clone(), Arc::clone(&found)));
        if kept.len() > KEPT_MAX {
            kept.pop_front();
        }
        Ok(found)
    }
}

/// The one certificate of a file, if it is for SNS.
pub(super) fn certificate(pem: &[u8]) -> Option<Certificate> {
    let text = std::str::from_utf8(pem).ok().filter(|text| text.len() <= CERTIFICATE_MAX)?;
    let inner =
        text.trim().strip_prefix("-----BEGIN CERTIFICATE-----")?.strip_suffix("-----END CERTIFICATE-----")?;
    let der = STANDARD.decode(inner.split_whitespace().collect::<String>()).ok()?;
    let (rest, certificate) = X509Certificate::from_der(&der).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let is_for_sns = names
        .value
        .general_names
        .iter()
        .any(|name| matches!(name, GeneralName::DNSName(name) if *name == NAME));
    let validity = certificate.validity();
    (rest.is_empty() && is_for_sns).then(|| Certificate {
        from: validity.not_before.timestamp(),
        until: validity.not_after.timestamp(),
        public_key: certificate.public_key().raw.to_vec(),
    })
}
