use std::net::IpAddr;

use super::{
    super::{
        lookup::Expected,
        relays,
        spf::{LOOKUPS_MAX, Spf, VOID_MAX},
    },
    dns_line::{line, unanswered},
};
use crate::doctor::line::{Level, Line};

const CHECK: &str = "spf";

/// The domain that a relay wants to be included.
fn include_of(relay: &str) -> Option<&'static str> {
    relays::known(relay).map(|relay| relay.include)
}

/// A placeholder for an address that cannot be seen from here.
const PUBLIC: &str = "PUBLIC-ADDRESS";

/// What is to be in the place of it.
const PUBLIC_HELP: &str = "the relay is on this machine: replace `PUBLIC-ADDRESS` by the public address that its letters leave \
                           from; if it hands them on to another server, use the part of that server instead";

/// Whether a relay is on this machine, so that its name and address mean nothing to others.
fn is_this_machine(relay: &str) -> bool {
    let address = relay.trim_matches(['[', ']']).parse::<IpAddr>();
    relay.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// A record to begin with.
fn proposal(expected: &Expected) -> String {
    match expected.relay.as_deref() {
        Some(relay) => match include_of(relay) {
            Some(include) => format!("v=spf1 include:{include} ~all"),
            None if is_this_machine(relay) => format!("v=spf1 ip4:{PUBLIC} ~all"),
            None => format!("v=spf1 a:{relay} ~all"),
        },
        None => "v=spf1 mx ~all".to_owned(),
    }
}

pub(super) fn judge(spf: &Spf, expected: &Expected) -> Line {
    let domain = &expected.bounces;
    if let Some(reason) = &spf.failure {
        return unanswered(CHECK, domain, reason);
    }
    let error = |text: String| line(CHECK, Level::Error, text);
    let record = match spf.records.as_slice() {
        [] => {
            let is_here = expected.relay.as_deref().is_some_and(is_this_machine);
            return error(format!("no SPF record at `{domain}`, the domain of the envelope's sender"))
                .help(if is_here {
                    format!("create this record; {PUBLIC_HELP}")
                } else {
                    "create this record; your relay's documentation has the part for its servers".to_owned()
                })
                .record(domain, "TXT", proposal(expected));
        }
        [record] => record,
        records => {
            return error(format!(
                "{} SPF records at `{domain}`: receivers take none of them",
                records.len()
            ))
            .help("merge them into one")
            .record(domain, "TXT", merged(records));
        }
    };
    if !spf.invalid.is_empty() {
        return error(format!("invalid SPF record at `{domain}`: `{}`", spf.invalid.join("`, `")))
            .help("receivers ignore the whole record because of this; correct or remove that part");
    }
    if !spf.broken_includes.is_empty() {
        return error(format!(
            "SPF of `{domain}` includes `{}`, which has no valid SPF record",
            spf.broken_includes.join("`, `")
        ))
        .help("receivers ignore the whole record because of this; remove or correct that `include`");
    }
    if spf.lookups > LOOKUPS_MAX {
        return error(format!("SPF of `{domain}` needs more than {LOOKUPS_MAX} DNS lookups, where receivers stop"))
            .help("remove `include`s of services that you no longer use, or send from a subdomain with a record of its own");
    }
    if spf.void > VOID_MAX {
        return error(format!(
            "SPF of `{domain}` asks for {} names without a record, and receivers stop after {VOID_MAX}",
            spf.void
        ))
        .help("remove the `a`, `mx` and `include` parts whose names no longer exist");
    }
    match spf.all {
        Some('+') => {
            return error(format!("SPF of `{domain}` ends in `+all`: everyone may send in its name"))
                .help("end the record in `~all`")
                .record(domain, "TXT", ending_in_softfail(record));
        }
        Some('?') | None => {
            let what = if spf.all.is_some() { "ends in `?all`" } else { "has no `all` at its end" };
            return line(
                CHECK,
                Level::Warning,
                format!("SPF of `{domain}` {what}: it says nothing about other servers"),
            )
            .help("end the record in `~all`")
            .record(domain, "TXT", ending_in_softfail(record));
        }
        _ => {}
    }
    if spf.uses_ptr {
        return line(
            CHECK,
            Level::Warning,
            format!("SPF of `{domain}` uses `ptr`, which many receivers ignore"),
        )
        .help("name your servers with `ip4:`, `ip6:`, `a:` or `include:` instead (RFC 7208 section 5.5)");
    }
    names_the_relay(spf, expected, record)
}

/// The record is valid; whether the relay is in it.
fn names_the_relay(spf: &Spf, expected: &Expected, record: &str) -> Line {
    let domain = &expected.bounces;
    let lookups = spf.lookups;
    let fine = |text: String| line(CHECK, Level::Ok, format!("{text} ({lookups} of {LOOKUPS_MAX} lookups)"));
    let Some(relay) = expected.relay.as_deref() else {
        return fine(format!("SPF of `{domain}` is valid"));
    };
    let include = include_of(relay);
    if spf.passes || include.is_some_and(|include| spf.includes.contains(include)) {
        return fine(format!("SPF of `{domain}` names the relay"));
    }
    match include {
        Some(include) => {
            line(CHECK, Level::Error, format!("SPF of `{domain}` does not include `{include}`, which `{relay}` sends from"))
                .help(format!("add `include:{include}`; if the relay puts its own domain into the envelope, leave it as it is"))
                .record(domain, "TXT", with_term(record, &format!("include:{include}")))
        }
        None if is_this_machine(relay) => line(
            CHECK,
            Level::Note,
            format!("SPF of `{domain}` is valid; whether it names this machine's public address cannot be seen from here"),
        )
        .help(format!("if it does not, change the record; {PUBLIC_HELP}"))
        .record(domain, "TXT", with_term(record, &format!("ip4:{PUBLIC}"))),
        None => line(CHECK, Level::Warning, format!("SPF of `{domain}` does not name `{relay}`"))
            .help(format!("look up in the relay's documentation what it wants in SPF; if it sends from its own address, add `a:{relay}`"))
            .record(domain, "TXT", with_term(record, &format!("a:{relay}"))),
    }
}

/// The record with a term before its `all`.
fn with_term(record: &str, term: &str) -> String {
    let mut terms: Vec<&str> = record.split_ascii_whitespace().collect();
    let at =
        terms.iter().position(|term| is_all(term) || term.starts_with("redirect=")).unwrap_or(terms.len());
    terms.insert(at, term);
    terms.join(" ")
}

fn is_all(term: &str) -> bool {
    term.trim_start_matches(['+', '-', '~', '?']).eq_ignore_ascii_case("all")
}

fn ending_in_softfail(record: &str) -> String {
    let terms = record.split_ascii_whitespace().filter(|term| !is_all(term));
    terms.chain(["~all"]).collect::<Vec<_>>().join(" ")
}

/// One record with the terms of all.
fn merged(records: &[String]) -> String {
    let mut terms: Vec<&str> = vec!["v=spf1"];
    for term in records.iter().flat_map(|record| record.split_ascii_whitespace().skip(1)) {
        if !is_all(term) && !terms.contains(&term) {
            terms.push(term);
        }
    }
    terms.push("~all");
    terms.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_on_this_machine_has_no_name_that_others_could_look_up() {
        for relay in ["localhost", "LOCALHOST", "127.0.0.1", "::1", "[::1]"] {
            assert!(is_this_machine(relay), "{relay}");
        }
        for relay in ["localhost.example.org", "192.0.2.25", "mail.example.org"] {
            assert!(!is_this_machine(relay), "{relay}");
        }
    }

    #[test]
    fn records_are_changed_without_losing_what_they_say() {
        assert_eq!(with_term("v=spf1 mx -all", "a:x.example"), "v=spf1 mx a:x.example -all");
        assert_eq!(with_term("v=spf1 mx", "a:x.example"), "v=spf1 mx a:x.example");
        assert_eq!(ending_in_softfail("v=spf1 mx +all"), "v=spf1 mx ~all");
        let records = ["v=spf1 mx -all".to_owned(), "v=spf1 mx include:a.example ~all".to_owned()];
        assert_eq!(merged(&records), "v=spf1 mx include:a.example ~all");
    }
}
