use super::{
    super::{
        lookup::{Dmarc, DnsFacts, Expected},
        tags::{tag, tags},
    },
    dns_line::{line, unanswered},
};
use crate::doctor::line::{Level, Line};

const CHECK: &str = "dmarc";

/// Tags that RFC 9989 dropped.
const DROPPED: [&str; 3] = ["pct", "rf", "ri"];

pub(super) fn judge(dmarc: &Dmarc, expected: &Expected) -> Vec<Line> {
    let domain = &expected.from;
    if let (Some(reason), true) = (&dmarc.failure, dmarc.records.is_empty()) {
        return vec![unanswered(CHECK, &format!("_dmarc.{domain}"), reason)];
    }
    let name = format!("_dmarc.{}", dmarc.found_at.as_deref().unwrap_or(domain));
    let begin = "v=DMARC1; p=none";
    let error = |text: String| line(CHECK, Level::Error, text);
    let record = match dmarc.records.as_slice() {
        [] => {
            return vec![
                error(format!("no DMARC record for `{domain}`; Gmail, Yahoo and Outlook.com require one from 5,000 letters a day"))
                    .help("create this record; it asks receivers for nothing yet. Add `rua=mailto:ADDRESS` to get reports")
                    .record(name, "TXT", begin),
            ];
        }
        [record] => record,
        records => {
            return vec![
                error(format!("{} DMARC records at `{name}`: receivers take none of them", records.len()))
                    .help("keep only one")
                    .record(name, "TXT", records[0].clone()),
            ];
        }
    };
    let policy = tag(record, "p").unwrap_or_default().to_ascii_lowercase();
    let mut lines = Vec::new();
    if !["none", "quarantine", "reject"].contains(&policy.as_str()) {
        let what = if policy.is_empty() { "it has no `p=`".to_owned() } else { format!("`p={policy}`") };
        return vec![
            error(format!("invalid DMARC record at `{name}`: {what}"))
                .help("`p=` is `none`, `quarantine` or `reject`")
                .record(name, "TXT", begin),
        ];
    }
    for (target, agrees) in &dmarc.outside_reports {
        if !agrees {
            let at = dmarc.found_at.as_deref().unwrap_or(domain);
            lines.push(
                line(
                    "dmarc-reports",
                    Level::Warning,
                    format!("`{target}` does not agree to get DMARC reports about `{at}`, so none are sent"),
                )
                .help(format!(
                    "have this record created at `{target}`, or name an address of your own domain in `rua`"
                ))
                .record(format!("{at}._report._dmarc.{target}"), "TXT", "v=DMARC1"),
            );
        }
    }
    let dropped: Vec<_> =
        tags(record).filter(|(name, _)| DROPPED.contains(&name.as_str())).map(|(name, _)| name).collect();
    if dropped.is_empty() {
        lines.insert(0, line(CHECK, Level::Ok, format!("the DMARC record at `{name}` says `p={policy}`")));
    } else {
        lines.insert(
            0,
            line(
                CHECK,
                Level::Note,
                format!(
                    "the DMARC record at `{name}` says `p={policy}`; receivers ignore `{}` today (RFC 9989)",
                    dropped.join("`, `")
                ),
            )
            .help("take it out"),
        );
    }
    lines
}

/// Whether SPF or DKIM speaks for the domain that readers see.
pub(super) fn alignment(facts: &DnsFacts, expected: &Expected) -> Line {
    const CHECK: &str = "alignment";
    let record = facts.dmarc.records.first().map_or("", String::as_str);
    let is_aligned = |domain: &str, organization: &str, mode: &str| {
        if tag(record, mode).is_some_and(|mode| mode.eq_ignore_ascii_case("s")) {
            domain == expected.from
        } else {
            domain == expected.from || organization == facts.dmarc.organization
        }
    };
    let spf = is_aligned(&expected.bounces, &facts.bounces_organization, "aspf");
    let mut signatures = expected.signatures.iter().zip(&facts.signature_organizations);
    let dkim =
        signatures.any(|(signature, organization)| is_aligned(&signature.domain, organization, "adkim"));
    let from = &expected.from;
    match (spf, dkim, expected.signatures.is_empty()) {
        (true, true, _) => line(CHECK, Level::Ok, format!("the domains of SPF and DKIM belong to `{from}`, which readers see")),
        (true, false, true) => line(CHECK, Level::Note, format!("only SPF speaks for `{from}`: forwarded letters fail DMARC"))
            .help("sign with DKIM, too: `mimeo keygen`; Outlook.com requires both from 5,000 letters a day"),
        (true, false, false) => line(CHECK, Level::Warning, format!("the DKIM domain is not `{from}`, so that signatures do not count for DMARC"))
            .help(format!("set `[dkim] domain = \"{from}\"`, and create its record")),
        (false, true, _) => line(CHECK, Level::Warning, format!("the envelope's domain `{}` is not `{from}`, so that SPF does not count for DMARC", expected.bounces))
            .help(format!("set `[sender] bounces` to an address of `{from}`; Outlook.com requires both from 5,000 letters a day")),
        (false, false, _) => line(CHECK, Level::Error, format!("neither SPF nor DKIM speaks for `{from}`: letters fail DMARC"))
            .help(format!("set `[dkim] domain = \"{from}\"`, and `[sender] bounces` to an address of `{from}`")),
    }
}
