//! The SPF record of a domain with all that it includes (RFC 7208).

use std::{collections::BTreeSet, net::IpAddr};

use super::dns::{Answer, Dns};

/// Terms that ask the DNS, at most (RFC 7208 section 4.6.4).
pub(super) const LOOKUPS_MAX: usize = 10;
/// Questions without a record, at most (section 4.6.4).
pub(super) const VOID_MAX: usize = 2;
/// The walk gives up after so many lookups, as in a record that includes itself.
const LOOKUPS_READ: usize = 40;

/// What the record and the records that it includes say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spf {
    /// The records of the domain itself that begin with `v=spf1`.
    pub(super) records: Vec<String>,
    /// Why the domain could not be asked.
    pub(super) failure: Option<String>,
    /// Terms that ask the DNS, over all records.
    pub(super) lookups: usize,
    /// Questions that found no record.
    pub(super) void: usize,
    /// Domains of `include` and `redirect`, from all records.
    pub(super) includes: BTreeSet<String>,
    /// Included domains without an SPF record, which make the whole record invalid.
    pub(super) broken_includes: Vec<String>,
    /// Terms that RFC 7208 does not know or that are not complete.
    pub(super) invalid: Vec<String>,
    /// The qualifier of `all` that counts: `-`, `~`, `?` or `+`.
    pub(super) all: Option<char>,
    /// Whether `ptr` is used, which receivers ignore (section 5.5).
    pub(super) uses_ptr: bool,
    /// Whether one of the addresses that were asked for passes.
    pub(super) passes: bool,
}

/// One record to be read, and how the domain before it was left.
struct Step {
    domain: String,
    /// `all` of an included record says nothing about the including one.
    is_include: bool,
}

/// Reads the record of `domain` and what it includes, and tries `addresses` on them.
pub(super) async fn read(dns: &impl Dns, domain: &str, addresses: &[IpAddr]) -> Spf {
    let mut spf = Spf::default();
    let mut waiting = vec![Step { domain: domain.to_owned(), is_include: false }];
    let mut is_first = true;
    while let Some(step) = waiting.pop() {
        if spf.lookups > LOOKUPS_READ {
            break;
        }
        let answer = dns.texts(&step.domain).await;
        let records: Vec<String> = answer.records().iter().filter(|text| is_spf(text)).cloned().collect();
        if std::mem::take(&mut is_first) {
            spf.failure = answer.failure().map(str::to_owned);
            spf.records.clone_from(&records);
        } else if records.len() != 1 && answer.failure().is_none() {
            spf.broken_includes.push(step.domain.clone());
            if matches!(answer, Answer::Nothing | Answer::NoName) {
                spf.void += 1;
            }
        }
        let [record] = records.as_slice() else { continue };
        let mut redirect = None;
        let mut has_all = false;
        for term in record.split_ascii_whitespace().skip(1) {
            read_term(dns, &mut spf, &step, term, addresses, &mut waiting, &mut redirect, &mut has_all).await;
        }
        // `redirect` counts only without `all` (section 6.1).
        if let Some(target) = redirect.filter(|_| !has_all) {
            spf.lookups += 1;
            spf.includes.insert(target.clone());
            waiting.push(Step { domain: target, is_include: step.is_include });
        }
    }
    spf
}

fn is_spf(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower == "v=spf1" || lower.starts_with("v=spf1 ")
}

#[expect(clippy::too_many_arguments, reason = "the state of the walk is what a term changes")]
async fn read_term(
    dns: &impl Dns,
    spf: &mut Spf,
    step: &Step,
    term: &str,
    addresses: &[IpAddr],
    waiting: &mut Vec<Step>,
    redirect: &mut Option<String>,
    has_all: &mut bool,
) {
    let (qualifier, body) = match term.chars().next() {
        Some(sign @ ('+' | '-' | '~' | '?')) => (sign, &term[1..]),
        _ => ('+', term),
    };
    let lower = body.to_ascii_lowercase();
    let (name, value) = match lower.split_once([':', '=']) {
        Some((name, value)) => (name, Some(value)),
        None => (lower.split('/').next().unwrap_or_default(), None),
    };
    // A host with macros depends on the letter: it counts as a lookup, and cannot be asked.
    let host = value.unwrap_or_default().split('/').next().unwrap_or_default();
    let host = if host.is_empty() { step.domain.as_str() } else { host };
    match (name, value) {
        ("all", None) => {
            *has_all = true;
            if !step.is_include {
                spf.all = Some(qualifier);
            }
        }
        ("include", Some(target)) => {
            spf.lookups += 1;
            spf.includes.insert(target.to_owned());
            if !target.contains('%') {
                waiting.push(Step { domain: target.to_owned(), is_include: true });
            }
        }
        ("redirect", Some(target)) => *redirect = Some(target.to_owned()),
        ("a" | "mx", _) => {
            spf.lookups += 1;
            if host.contains('%') {
                return;
            }
            let found = hosts(dns, name, host).await;
            if matches!(found, Answer::Nothing | Answer::NoName) {
                spf.void += 1;
            }
            let passes = found.records().iter().any(|found| addresses.contains(&found.to_canonical()));
            spf.passes |= qualifier == '+' && passes;
        }
        ("ptr", _) => {
            spf.lookups += 1;
            spf.uses_ptr = true;
        }
        ("exists", Some(_)) => spf.lookups += 1,
        ("ip4" | "ip6", Some(network)) => match Network::parse(network, name == "ip6") {
            Some(network) => {
                let passes = addresses.iter().any(|address| network.contains(*address));
                spf.passes |= qualifier == '+' && passes;
            }
            None => spf.invalid.push(term.to_owned()),
        },
        ("exp", Some(_)) => {}
        // Modifiers that are not known are ignored (section 6); mechanisms are not.
        _ if lower.contains('=') && !lower.contains(':') => {}
        _ => spf.invalid.push(term.to_owned()),
    }
}

/// The addresses of a host, or of the mail servers of a domain.
async fn hosts(dns: &impl Dns, kind: &str, host: &str) -> Answer<IpAddr> {
    if kind == "a" {
        return dns.addresses(host).await;
    }
    let servers = match dns.mail_servers(host).await {
        Answer::Found(servers) => servers,
        Answer::Nothing => return Answer::Nothing,
        Answer::NoName => return Answer::NoName,
        Answer::Failed(reason) => return Answer::Failed(reason),
    };
    let mut found = Vec::new();
    for server in servers.iter().take(10) {
        found.extend_from_slice(dns.addresses(server).await.records());
    }
    Answer::Found(found)
}

/// `192.0.2.0/24` or `2001:db8::/32`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    bits: u128,
    width: u32,
    prefix: u32,
}

impl Network {
    fn parse(text: &str, is_six: bool) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let (bits, width) = bits(address.parse().ok()?);
        let prefix = prefix.unwrap_or(width);
        ((width == 128) == is_six && prefix <= width).then_some(Self { bits, width, prefix })
    }

    fn contains(self, address: IpAddr) -> bool {
        let (bits, width) = bits(address);
        let shift = self.width - self.prefix;
        width == self.width && (shift >= 128 || bits >> shift == self.bits >> shift)
    }
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_compared_by_their_prefix() {
        for (network, is_six, address, expected) in [
            ("192.0.2.0/24", false, "192.0.2.77", Some(true)),
            ("192.0.2.0/24", false, "192.0.3.1", Some(false)),
            ("192.0.2.1", false, "192.0.2.1", Some(true)),
            ("0.0.0.0/0", false, "203.0.113.9", Some(true)),
            ("::/0", true, "2001:db8::1", Some(true)),
            ("2001:db8::/32", true, "2001:db8:1::1", Some(true)),
            ("2001:db8::/32", true, "192.0.2.1", Some(false)),
            ("192.0.2.0/33", false, "192.0.2.1", None),
            ("192.0.2", false, "192.0.2.1", None),
            ("2001:db8::/32", false, "2001:db8::1", None),
        ] {
            let found = Network::parse(network, is_six).map(|found| found.contains(address.parse().unwrap()));
            assert_eq!(found, expected, "{network} {address}");
        }
    }
}
