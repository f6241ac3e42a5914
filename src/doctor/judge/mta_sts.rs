use super::{
    super::{
        dns::Answer,
        mta_sts::{MtaSts, Policy, page},
        tags::tag,
    },
    dns_line::line,
};
use crate::doctor::line::{Level, Line};

const CHECK: &str = "mta-sts";
/// A policy that is remembered for less than a day protects little, in seconds.
const AGE_MIN: u64 = 24 * 3600;

/// Whether other servers are asked for TLS, and whether those that obey still reach the domain.
pub(super) fn judge(found: &MtaSts, servers: &Answer<String>, domain: &str) -> Option<Line> {
    if found.records.failure().is_some() {
        return None;
    }
    let records: Vec<&String> =
        found.records.records().iter().filter(|text| tag(text, "v") == Some("STSv1")).collect();
    let warning = |text: String| line(CHECK, Level::Warning, text);
    let policy = match (&records[..], &found.policy) {
        ([_], Some(Ok(policy))) => policy,
        ([record], Some(Err(reason))) => {
            let is_named = tag(record, "id").is_some_and(|id| !id.is_empty());
            let id = if is_named { "" } else { "; its record has no `id=` either" };
            return Some(
                warning(format!("`{domain}` announces MTA-STS, and its policy cannot be used: {reason}{id}"))
                    .help(format!("put the policy at `{}`, with a valid certificate and no redirect, or remove the record", page(domain))),
            );
        }
        ([], _) => {
            let text = format!(
                "no MTA-STS for `{domain}`: optional; it makes other servers use TLS for mail to you (RFC 8461)"
            );
            return Some(line(CHECK, Level::Note, text));
        }
        _ => {
            let text = format!(
                "{} MTA-STS records at `_mta-sts.{domain}`: servers take none of them",
                records.len()
            );
            return Some(warning(text).help("keep only one"));
        }
    };
    Some(met(policy, servers, domain))
}

/// Whether the domain's own mail servers meet the policy.
fn met(policy: &Policy, servers: &Answer<String>, domain: &str) -> Line {
    let named = |server: &&String| policy.names(server);
    let missing: Vec<&str> =
        servers.records().iter().filter(|server| !named(server)).map(String::as_str).collect();
    if !policy.is_enforced && !policy.is_tested {
        return line(
            CHECK,
            Level::Note,
            format!("the MTA-STS policy of `{domain}` is turned off (`mode: none`)"),
        );
    }
    if !missing.is_empty() {
        let servers = missing.join("`, `");
        let text = format!("the MTA-STS policy of `{domain}` does not name its mail server `{servers}`");
        let (level, then) = match policy.is_enforced {
            true => (Level::Error, "servers that obey the policy deliver no returned letters and no replies"),
            false => (Level::Warning, "once it is enforced, returned letters and replies are lost"),
        };
        return line(CHECK, level, text).help(format!(
            "add a line `mx: {}` to `{}`, and change the `id=` of the record: {then}",
            missing[0],
            page(domain)
        ));
    }
    if policy.max_age < AGE_MIN {
        return line(
            CHECK,
            Level::Note,
            format!("the MTA-STS policy of `{domain}` is remembered for less than a day"),
        )
        .help("set `max_age` to a week or more (604800)");
    }
    let mode = if policy.is_enforced { "enforced" } else { "tested" };
    line(CHECK, Level::Ok, format!("MTA-STS is {mode} for the mail servers of `{domain}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_has_to_name_the_mail_servers_of_its_domain() {
        let policy = |mode: &str, servers: &str, max_age: u64| {
            let servers: Vec<String> = servers.split(' ').map(str::to_owned).collect();
            Some(Ok(Policy {
                is_enforced: mode == "enforce",
                is_tested: mode == "testing",
                servers,
                max_age,
            }))
        };
        let week = 604_800;
        let one = || Answer::Found(vec!["v=STSv1; id=1".to_owned()]);
        let two = Answer::Found(vec!["v=STSv1; id=1".to_owned(), "v=STSv1; id=2".to_owned()]);
        let mx = Answer::Found(vec!["mx1.example.org".to_owned(), "mx2.example.net".to_owned()]);
        for (records, policy, level, part) in [
            (Answer::NoName, None, Level::Note, "RFC 8461"),
            (one(), policy("enforce", "mx1.example.org mx2.example.net", week), Level::Ok, "is enforced"),
            (one(), policy("testing", "*.example.org *.example.net", week), Level::Ok, "is tested"),
            (one(), policy("none", "", week), Level::Note, "turned off"),
            (
                one(),
                policy("enforce", "mx1.example.org", week),
                Level::Error,
                "add a line `mx: mx2.example.net`",
            ),
            (one(), policy("testing", "mx1.example.org", week), Level::Warning, "once it is enforced"),
            (one(), policy("enforce", "*.example.org *.example.net", 60), Level::Note, "less than a day"),
            (one(), Some(Err("the page is answered 404".to_owned())), Level::Warning, "answered 404"),
            (two, policy("enforce", "mx1.example.org", week), Level::Warning, "2 MTA-STS records"),
        ] {
            let line = judge(&MtaSts { records, policy }, &mx, "example.org").unwrap();
            let words = format!("{} {}", line.text, line.help.as_deref().unwrap_or_default());
            assert!(line.level == level && words.contains(part), "{part}: {line:?}");
        }
        let failed = MtaSts { records: Answer::Failed("timeout".to_owned()), policy: None };
        assert_eq!(judge(&failed, &mx, "example.org"), None);
    }
}
