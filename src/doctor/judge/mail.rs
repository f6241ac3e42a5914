use std::net::IpAddr;

use super::{
    super::{
        dns::{Answer, is_within},
        lookup::{DnsFacts, Expected},
        tags::tag,
    },
    dns_line::{line, unanswered},
};
use crate::doctor::line::{Level, Line};

/// Mailbox providers whose domains refuse letters that others send in their name.
const FREE_MAIL: [&str; 14] = [
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "ymail.com",
    "aol.com",
    "hotmail.com",
    "outlook.com",
    "live.com",
    "msn.com",
    "icloud.com",
    "me.com",
    "gmx.net",
    "gmx.de",
    "web.de",
];

/// The domain that readers see.
pub(super) fn sender(facts: &DnsFacts, expected: &Expected) -> Line {
    const CHECK: &str = "sender";
    let domain = &expected.from;
    if FREE_MAIL.contains(&domain.as_str())
        && !expected.relay.as_deref().is_some_and(|relay| is_within(relay, domain))
    {
        return line(CHECK, Level::Error, format!("`{domain}` does not let others send in its name"))
            .help("use an address of a domain of your own as `[sender] from`");
    }
    if let (Some(reason), true) = (facts.from_mx.failure(), facts.from_addresses.records().is_empty()) {
        return unanswered(CHECK, domain, reason);
    }
    if matches!((&facts.from_mx, &facts.from_addresses), (Answer::NoName, Answer::NoName)) {
        return line(CHECK, Level::Error, format!("the domain `{domain}` does not exist"))
            .help("correct `[sender] from`, or register the domain");
    }
    if facts.from_mx.records().is_empty() && facts.from_addresses.records().is_empty() {
        return line(
            CHECK,
            Level::Warning,
            format!(
                "`{domain}` has neither a mail server nor an address; some receivers refuse such senders"
            ),
        )
        .help("create an MX record with the server that receives your mail")
        .record(domain, "MX", "10 MAIL-SERVER");
    }
    line(CHECK, Level::Ok, format!("the domain `{domain}` exists"))
}

/// Domains that have to take mail: returned letters and replies.
pub(super) fn receiving(facts: &DnsFacts, expected: &Expected) -> Vec<Line> {
    let of =
        |check, domain: &str, mx: &Answer<String>, addresses: &Answer<IpAddr>, what: &str, setting: &str| {
            if let Some(reason) = mx.failure() {
                return unanswered(check, domain, reason);
            }
            let error = |text: String| {
                line(check, Level::Error, text)
                    .help(format!(
                        "create an MX record with the server that receives your mail, or change `{setting}`"
                    ))
                    .record(domain, "MX", "10 MAIL-SERVER")
            };
            match mx {
                Answer::Found(servers) if servers.iter().all(String::is_empty) => {
                    error(format!("`{domain}` takes no mail (null MX), so that {what} are lost"))
                }
                Answer::Found(servers) => {
                    line(check, Level::Ok, format!("`{}` takes {what} for `{domain}`", servers[0]))
                }
                _ if !addresses.records().is_empty() => line(
                    check,
                    Level::Warning,
                    format!(
                        "`{domain}` has no mail server; {what} go to its address, if a server listens there"
                    ),
                )
                .help(format!("create an MX record, or change `{setting}`"))
                .record(domain, "MX", "10 MAIL-SERVER"),
                _ => error(format!("`{domain}` has no mail server, so that {what} are lost")),
            }
        };
    let mut lines = vec![of(
        "mx-bounces",
        &expected.bounces,
        &facts.bounces_mx,
        &facts.bounces_addresses,
        "returned letters",
        "[sender] bounces",
    )];
    if expected.replies != expected.bounces {
        lines.push(of(
            "mx-replies",
            &expected.replies,
            &facts.replies_mx,
            &facts.replies_addresses,
            "replies",
            "[sender] reply_to",
        ));
    }
    lines
}

/// Whether a receiving domain asks for reports about TLS.
pub(super) fn tls_reports(facts: &DnsFacts, expected: &Expected) -> Option<Line> {
    let domain = &expected.bounces;
    if facts.tls_rpt.failure().is_some() {
        return None;
    }
    let is_set = facts.tls_rpt.records().iter().any(|text| tag(text, "v") == Some("TLSRPTv1"));
    let text = if is_set {
        format!("`{domain}` asks for reports about TLS")
    } else {
        format!("no TLS reports for `{domain}`: optional (RFC 8460)")
    };
    Some(line("tls-rpt", if is_set { Level::Ok } else { Level::Note }, text))
}

/// Names of a relay of one's own.
pub(super) fn reverse(facts: &DnsFacts) -> Vec<Line> {
    const CHECK: &str = "reverse";
    let Some(relay) = &facts.relay else { return Vec::new() };
    let judge = |(address, names, leads_back): &(IpAddr, Answer<String>, bool)| {
        let help = "the owner of the address (your hosting provider) sets its reverse name; it must be a name that leads back to the \
                    address. Gmail refuses letters from addresses without";
        match (names, leads_back) {
            (Answer::Failed(reason), _) => unanswered(CHECK, &address.to_string(), reason),
            (Answer::Found(names), true) => {
                line(CHECK, Level::Ok, format!("`{address}` and its name `{}` lead to each other", names[0]))
            }
            (Answer::Found(names), false) => line(
                CHECK,
                Level::Error,
                format!(
                    "the reverse name `{}` of the relay's address `{address}` does not lead back to it",
                    names[0]
                ),
            )
            .help(help)
            .record(
                names[0].clone(),
                if address.is_ipv4() { "A" } else { "AAAA" },
                address.to_string(),
            ),
            _ => line(
                CHECK,
                Level::Error,
                format!("the relay's address `{address}` has no reverse name (PTR)"),
            )
            .help(help),
        }
    };
    relay.reverse.iter().map(judge).collect()
}
