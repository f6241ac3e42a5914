//! Asks the DNS for all that is judged.

use std::net::IpAddr;

use super::{
    dns::{Answer, Dns, is_within},
    mta_sts::{self, MtaSts, Web},
    relays,
    spf::{self, Spf},
    tags::tag,
};

/// What the settings lead to expect.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The domain that readers see.
    pub from: String,
    /// The domain of the envelope's sender.
    pub bounces: String,
    /// The domain that replies go to.
    pub replies: String,
    /// The relay's host name; `None` without a relay.
    pub relay: Option<String>,
    /// The keys that letters are signed with.
    pub signatures: Vec<Signature>,
}

/// A DKIM key of the settings.
#[derive(Clone, Debug)]
pub struct Signature {
    /// The `d=` of the signature.
    pub domain: String,
    /// The `s=` of the signature.
    pub selector: String,
    /// `rsa` or `ed25519`.
    pub kind: &'static str,
    /// The `p=` of its record; an error when the key cannot be read.
    pub public: Result<String, String>,
}

impl Signature {
    /// The name of its record.
    pub(super) fn name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }
}

/// What the DNS says about the newsletter's domains.
#[derive(Clone, Debug)]
pub struct DnsFacts {
    pub(super) from_mx: Answer<String>,
    pub(super) from_addresses: Answer<IpAddr>,
    pub(super) bounces_mx: Answer<String>,
    pub(super) replies_mx: Answer<String>,
    /// Addresses of hosts without a mail server, which then take the mail themselves (RFC 5321 section 5.1).
    pub(super) bounces_addresses: Answer<IpAddr>,
    pub(super) replies_addresses: Answer<IpAddr>,
    pub(super) spf: Spf,
    pub(super) dkim: Vec<Answer<String>>,
    /// Where no key is set and the relay is well known: the records with which it signs, by name.
    pub(super) relay_dkim: Vec<(String, Answer<String>)>,
    pub(super) dmarc: Dmarc,
    /// The organizational domains of the envelope's domain and of each signature, for alignment.
    pub(super) bounces_organization: String,
    pub(super) signature_organizations: Vec<String>,
    pub(super) mta_sts: MtaSts,
    pub(super) tls_rpt: Answer<String>,
    pub(super) relay: Option<RelayNames>,
}

/// The DMARC record of a domain, found by walking up (RFC 9989).
#[derive(Clone, Debug)]
pub(super) struct Dmarc {
    /// The domain whose record counts.
    pub(super) found_at: Option<String>,
    pub(super) records: Vec<String>,
    pub(super) failure: Option<String>,
    pub(super) organization: String,
    /// Whether each outside address for reports agrees to get them, by domain.
    pub(super) outside_reports: Vec<(String, bool)>,
}

/// Names and addresses of the relay.
#[derive(Clone, Debug)]
pub(super) struct RelayNames {
    pub(super) addresses: Answer<IpAddr>,
    /// For each address of a relay of one's own: its name, and whether that name leads back to it.
    pub(super) reverse: Vec<(IpAddr, Answer<String>, bool)>,
}

/// Labels that the walk for a DMARC record looks at, at most (RFC 9989).
const LABELS_MAX: usize = 8;

/// Asks all questions.
pub async fn look_up(dns: &impl Dns, web: &impl Web, expected: &Expected) -> DnsFacts {
    let dmarc = dmarc(dns, &expected.from).await;
    let relay = relay_names(dns, expected, &dmarc.organization).await;
    let addresses: Vec<IpAddr> =
        relay.iter().flat_map(|relay| relay.addresses.records()).map(IpAddr::to_canonical).collect();
    let mut dkim = Vec::new();
    let mut signature_organizations = Vec::new();
    for signature in &expected.signatures {
        dkim.push(dns.texts(&signature.name()).await);
        signature_organizations.push(organization(dns, &signature.domain).await);
    }
    DnsFacts {
        from_mx: dns.mail_servers(&expected.from).await,
        from_addresses: dns.addresses(&expected.from).await,
        bounces_mx: dns.mail_servers(&expected.bounces).await,
        replies_mx: dns.mail_servers(&expected.replies).await,
        bounces_addresses: dns.addresses(&expected.bounces).await,
        replies_addresses: dns.addresses(&expected.replies).await,
        spf: spf::read(dns, &expected.bounces, &addresses).await,
        dkim,
        relay_dkim: relay_dkim(dns, expected).await,
        bounces_organization: organization(dns, &expected.bounces).await,
        signature_organizations,
        mta_sts: mta_sts::read(dns, web, &expected.bounces).await,
        tls_rpt: dns.texts(&format!("_smtp._tls.{}", expected.bounces)).await,
        dmarc,
        relay,
    }
}

/// The records with which a well-known relay signs for the sender's domain.
async fn relay_dkim(dns: &impl Dns, expected: &Expected) -> Vec<(String, Answer<String>)> {
    let relay = expected.relay.as_deref().and_then(relays::known).filter(|_| expected.signatures.is_empty());
    let mut found = Vec::new();
    for selector in relay.map_or(&[][..], |relay| relay.selectors) {
        let name = format!("{selector}._domainkey.{}", expected.from);
        let answer = dns.texts(&name).await;
        found.push((name, answer));
    }
    found
}

/// A domain and its parents, without the top-level domain, at most eight labels long but for the domain itself.
fn walk(domain: &str) -> Vec<&str> {
    let mut names = vec![domain];
    let mut rest = domain;
    while let Some((_, parent)) = rest.split_once('.') {
        if !parent.contains('.') {
            break;
        }
        if parent.split('.').count() < LABELS_MAX {
            names.push(parent);
        }
        rest = parent;
    }
    names
}

fn is_dmarc(text: &str) -> bool {
    text.trim_start().get(..8).is_some_and(|start| start.eq_ignore_ascii_case("v=DMARC1"))
}

async fn dmarc_records(dns: &impl Dns, domain: &str) -> (Vec<String>, Option<String>) {
    let answer = dns.texts(&format!("_dmarc.{domain}")).await;
    let records = answer.records().iter().filter(|text| is_dmarc(text)).cloned().collect();
    (records, answer.failure().map(str::to_owned))
}

/// The organizational domain: the highest domain with a DMARC record, or below one that is a public suffix; without any
/// record the domain itself.
async fn organization(dns: &impl Dns, domain: &str) -> String {
    let mut found = None;
    let mut below = domain;
    for name in walk(domain) {
        let (records, _) = dmarc_records(dns, name).await;
        if let [record] = records.as_slice() {
            match tag(record, "psd") {
                Some("y") => return below.to_owned(),
                Some("n") => return name.to_owned(),
                _ => found = Some(name),
            }
        }
        below = name;
    }
    found.unwrap_or(domain).to_owned()
}

async fn dmarc(dns: &impl Dns, domain: &str) -> Dmarc {
    let organization = organization(dns, domain).await;
    let mut dmarc = Dmarc {
        found_at: None,
        records: Vec::new(),
        failure: None,
        organization,
        outside_reports: Vec::new(),
    };
    for name in walk(domain) {
        let (records, failure) = dmarc_records(dns, name).await;
        dmarc.failure = dmarc.failure.or(failure);
        if !records.is_empty() {
            dmarc.found_at = Some(name.to_owned());
            dmarc.records = records;
            break;
        }
    }
    if let (Some(at), [record]) = (&dmarc.found_at, dmarc.records.as_slice()) {
        for target in report_domains(record) {
            if is_within(&target, &dmarc.organization) {
                continue;
            }
            let consent = dns.texts(&format!("{at}._report._dmarc.{target}")).await;
            let agrees = consent.failure().is_some() || consent.records().iter().any(|text| is_dmarc(text));
            dmarc.outside_reports.push((target, agrees));
        }
    }
    dmarc
}

/// The domains of the addresses in `rua`.
fn report_domains(record: &str) -> Vec<String> {
    let addresses = tag(record, "rua").unwrap_or_default().split(',');
    let domains = addresses.filter_map(|address| address.trim().rsplit_once('@'));
    domains.map(|(_, domain)| domain.split('!').next().unwrap_or_default().to_ascii_lowercase()).collect()
}

async fn relay_names(dns: &impl Dns, expected: &Expected, organization: &str) -> Option<RelayNames> {
    let host = expected.relay.as_deref()?;
    let addresses = match host.parse::<IpAddr>() {
        Ok(address) => Answer::Found(vec![address]),
        Err(_) if host == "localhost" => return None,
        Err(_) => dns.addresses(host).await,
    };
    let mut reverse = Vec::new();
    // Of others' relays the one that we hand letters to is seldom the one that sends them on.
    if is_within(host, organization) {
        for &address in addresses.records() {
            let names = dns.names(address).await;
            let mut leads_back = false;
            for name in names.records() {
                leads_back |= dns.addresses(name).await.records().contains(&address);
            }
            reverse.push((address, names, leads_back));
        }
    }
    Some(RelayNames { addresses, reverse })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_goes_up_to_the_domain_below_the_top() {
        assert_eq!(walk("news.example.org"), ["news.example.org", "example.org"]);
        assert_eq!(walk("example.org"), ["example.org"]);
        let long = "a.b.c.d.e.f.g.h.i.example.org";
        assert_eq!(walk(long).len(), 7, "{:?}", walk(long));
        assert_eq!(walk(long)[1], "f.g.h.i.example.org".replacen("f.", "e.f.", 1));
    }

    #[test]
    fn report_addresses_have_domains() {
        let record = "v=DMARC1; p=none; rua=mailto:a@example.org,mailto:b@Reports.example.net!10m";
        assert_eq!(report_domains(record), ["example.org", "reports.example.net"]);
        assert!(is_within("a.example.org", "example.org") && !is_within("badexample.org", "example.org"));
    }
}
