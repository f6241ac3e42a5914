//! The policy by which a domain asks other servers for TLS (MTA-STS, RFC 8461).

use std::net::IpAddr;

use super::dns::{Answer, Dns};

/// Fetches pages from hosts whose addresses are known.
pub trait Web: Sync {
    /// The text of a page, without following redirects, from a server with a valid certificate.
    ///
    /// # Errors
    ///
    /// Why it cannot be had, in words.
    fn get(&self, page: &str, addresses: &[IpAddr]) -> Result<String, String>;
}

/// What is published about it.
#[derive(Clone, Debug)]
pub(super) struct MtaSts {
    /// The texts at `_mta-sts`.
    pub(super) records: Answer<String>,
    /// The policy, if a record announces one; or why it cannot be used.
    pub(super) policy: Option<Result<Policy, String>>,
}

/// What servers that send to the domain have to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// Nothing is delivered where it is not met.
    pub(super) is_enforced: bool,
    /// Servers only report what they find.
    pub(super) is_tested: bool,
    /// Names of the domain's mail servers; `*.` stands for one label.
    pub(super) servers: Vec<String>,
    /// Seconds for which it is remembered.
    pub(super) max_age: u64,
}

/// Where the policy of a domain is.
pub(super) fn page(domain: &str) -> String {
    format!("https://mta-sts.{domain}/.well-known/mta-sts.txt")
}

/// Looks up the record, and the policy that it announces.
pub(super) async fn read(dns: &impl Dns, web: &impl Web, domain: &str) -> MtaSts {
    let records = dns.texts(&format!("_mta-sts.{domain}")).await;
    let is_announced = records.records().iter().any(|text| super::tags::tag(text, "v") == Some("STSv1"));
    let policy = match is_announced {
        true => Some(fetch(dns, web, domain).await),
        false => None,
    };
    MtaSts { records, policy }
}

async fn fetch(dns: &impl Dns, web: &impl Web, domain: &str) -> Result<Policy, String> {
    let host = format!("mta-sts.{domain}");
    let addresses = dns.addresses(&host).await;
    if let Some(reason) = addresses.failure() {
        return Err(reason.to_owned());
    }
    if addresses.records().is_empty() {
        return Err(format!("the host `{host}` has no address"));
    }
    Policy::parse(&web.get(&page(domain), addresses.records())?)
}

impl Policy {
    /// Reads it (RFC 8461 section 3.2).
    fn parse(text: &str) -> Result<Self, String> {
        let mut servers = Vec::new();
        let (mut version, mut mode, mut max_age) = (None, None, None);
        for line in text.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.trim() {
                "version" => version = Some(value),
                "mode" => mode = Some(value),
                "max_age" => max_age = value.parse().ok(),
                "mx" => servers.push(value.trim_end_matches('.').to_ascii_lowercase()),
                _ => {}
            }
        }
        if version != Some("STSv1") {
            return Err("it has no line `version: STSv1`".to_owned());
        }
        let mode = mode.filter(|mode| matches!(*mode, "enforce" | "testing" | "none"));
        let mode = mode.ok_or("its `mode` is not `enforce`, `testing` or `none`")?;
        let max_age = max_age.ok_or("it has no valid `max_age`")?;
        if servers.is_empty() && mode != "none" {
            return Err("it names no mail server (`mx`)".to_owned());
        }
        Ok(Self { is_enforced: mode == "enforce", is_tested: mode == "testing", servers, max_age })
    }

    /// Whether it names a mail server.
    pub(super) fn names(&self, server: &str) -> bool {
        self.servers.iter().any(|name| match name.strip_prefix("*.") {
            Some(domain) => {
                server.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == domain)
            }
            None => name == server,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_or_named_as_invalid() {
        let policy = Policy::parse("version: STSv1\r\nmode: enforce\r\nmx: mail.example.org\r\nmx: *.Mx.example.net.\r\nmax_age: 604800\r\n").unwrap();
        assert!(policy.is_enforced && !policy.is_tested && policy.max_age == 604_800);
        for (server, expected) in [
            ("mail.example.org", true),
            ("a.mx.example.net", true),
            ("mx.example.net", false),
            ("a.b.mx.example.net", false),
            ("mail.example.com", false),
        ] {
            assert_eq!(policy.names(server), expected, "{server}");
        }
        for (text, reason) in [
            ("", "version"),
            ("<html>not found</html>", "version"),
            ("version: STSv1\nmode: strict\nmax_age: 1\nmx: a.example", "mode"),
            ("version: STSv1\nmode: testing\nmx: a.example", "max_age"),
            ("version: STSv1\nmode: testing\nmax_age: week\nmx: a.example", "max_age"),
            ("version: STSv1\nmode: enforce\nmax_age: 1", "mail server"),
        ] {
            assert!(Policy::parse(text).unwrap_err().contains(reason), "{text}");
        }
        assert!(Policy::parse("version: STSv1\nmode: none\nmax_age: 1").is_ok());
    }

    /// A zone with one record, and the web with one page.
    struct Fake(&'static str);

    impl Dns for Fake {
        async fn texts(&self, name: &str) -> Answer<String> {
            if name == "_mta-sts.example.org" {
                Answer::Found(vec![self.0.to_owned()])
            } else {
                Answer::NoName
            }
        }
        async fn mail_servers(&self, _: &str) -> Answer<String> {
            Answer::NoName
        }
        async fn addresses(&self, name: &str) -> Answer<IpAddr> {
            assert_eq!(name, "mta-sts.example.org");
            Answer::Found(vec![[192, 0, 2, 1].into()])
        }
        async fn names(&self, _: IpAddr) -> Answer<String> {
            Answer::NoName
        }
    }

    impl Web for Fake {
        fn get(&self, page: &str, addresses: &[IpAddr]) -> Result<String, String> {
            assert_eq!(page, "https://mta-sts.example.org/.well-known/mta-sts.txt");
            assert_eq!(addresses.len(), 1);
            Ok("version: STSv1\nmode: enforce\nmx: mail.example.org\nmax_age: 604800\n".to_owned())
        }
    }

    #[tokio::test]
    async fn the_policy_is_fetched_where_a_record_announces_it() {
        for (record, expected) in [("v=STSv1; id=7", true), ("v=spf1 -all", false)] {
            let fake = Fake(record);
            let found = read(&fake, &fake, "example.org").await;
            assert_eq!(found.policy.is_some_and(|policy| policy.unwrap().is_enforced), expected, "{record}");
        }
    }
}
