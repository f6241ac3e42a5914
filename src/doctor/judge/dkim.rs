use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    super::{
        dns::Answer,
        lookup::{DnsFacts, Expected, Signature},
        relays,
        tags::tag,
    },
    dns_line::{line, unanswered},
};
use crate::doctor::line::{Level, Line};

const CHECK: &str = "dkim";

pub(super) fn judge(facts: &DnsFacts, expected: &Expected) -> Vec<Line> {
    if expected.signatures.is_empty() {
        return vec![by_relay(facts, expected)];
    }
    expected.signatures.iter().zip(&facts.dkim).map(|(signature, answer)| one(signature, answer)).collect()
}

/// Without a key of the newsletter, the relay may sign.
fn by_relay(facts: &DnsFacts, expected: &Expected) -> Line {
    let relay = expected.relay.as_deref().and_then(relays::known).filter(|_| !facts.relay_dkim.is_empty());
    let Some(relay) = relay else {
        return line(CHECK, Level::Warning, "letters are not signed by mimeo (no `[dkim]` in mimeo.toml)").help(
            "create a key with `mimeo keygen`; if your relay signs for your own domain, send yourself a letter with `mimeo test` and \
             look for `dkim=pass` in its header",
        );
    };
    let (from, name) = (&expected.from, relay.name);
    let has_key = |answer: &Answer<String>| {
        answer.records().iter().any(|text| tag(text, "p").is_some_and(|key| !key.is_empty()))
    };
    if let Some((at, _)) = facts.relay_dkim.iter().find(|(_, answer)| has_key(answer)) {
        return line(CHECK, Level::Ok, format!("{name} signs for `{from}` (its key is at `{at}`)"));
    }
    if let Some((at, reason)) = facts.relay_dkim.iter().find_map(|(at, answer)| Some((at, answer.failure()?)))
    {
        return unanswered(CHECK, at, reason);
    }
    line(CHECK, Level::Warning, format!("{name} has no DKIM key for `{from}` at the usual names, and mimeo signs with none"))
        .help(format!(
            "add `{from}` to your domains at {name}, and create the records that it shows (usually at `{}`); or sign with a key of your \
             own: `mimeo keygen`",
            facts.relay_dkim[0].0
        ))
}

fn one(signature: &Signature, answer: &Answer<String>) -> Line {
    let name = signature.name();
    let public = match &signature.public {
        Ok(public) => public,
        Err(reason) => {
            return line(CHECK, Level::Error, format!("the DKIM key of `{name}` cannot be used: {reason}"))
                .help("look at `[dkim] key` in mimeo.toml; `mimeo keygen` makes a new key");
        }
    };
    if let Some(reason) = answer.failure() {
        return unanswered(CHECK, &name, reason);
    }
    let wanted = format!("v=DKIM1; k={}; p={public}", signature.kind);
    let error = |text: String| line(CHECK, Level::Error, text).record(&name, "TXT", &wanted);
    let records: Vec<&String> = answer.records().iter().filter(|text| tag(text, "p").is_some()).collect();
    let record = match records.as_slice() {
        [] if answer.records().is_empty() => {
            return error(format!("no DKIM record at `{name}`: receivers cannot verify your signatures"))
                .help("create this record");
        }
        [] => return error(format!("invalid DKIM record at `{name}`: it has no `p=`")).help("replace it"),
        [record] => record.as_str(),
        records => {
            return error(format!(
                "{} DKIM records at `{name}`: receivers may take the wrong one",
                records.len()
            ))
            .help("keep only this one");
        }
    };
    if tag(record, "v").is_some_and(|version| version != "DKIM1") {
        return error(format!("invalid DKIM record at `{name}`: `v=` must be DKIM1")).help("replace it");
    }
    let published = tag(record, "p").unwrap_or_default();
    if published.is_empty() {
        return error(format!("the DKIM key at `{name}` is revoked (its `p=` is empty)")).help(
            "put your key back, or make a new one with another selector: `mimeo keygen --selector mimeo3`",
        );
    }
    let published: String = published.split_ascii_whitespace().collect();
    if published != *public {
        return error(different(&published, public, &name))
            .help("replace it, or set `[dkim] selector` and `key` to the key that is published");
    }
    let kind = tag(record, "k").unwrap_or("rsa");
    if kind != signature.kind {
        return error(format!(
            "the DKIM record at `{name}` says `k={kind}`, and the key is {}",
            signature.kind
        ))
        .help("replace it");
    }
    if tag(record, "h").is_some_and(|hashes| !hashes.split(':').any(|hash| hash.trim() == "sha256")) {
        return error(format!(
            "the DKIM record at `{name}` does not allow sha256 (`h=`), which signatures use"
        ))
        .help("replace it");
    }
    if tag(record, "s")
        .is_some_and(|services| !services.split(':').any(|one| matches!(one.trim(), "*" | "email")))
    {
        return error(format!("the DKIM record at `{name}` is not for e-mail (`s=`)")).help("replace it");
    }
    if tag(record, "t").is_some_and(|flags| flags.split(':').any(|flag| flag.trim() == "y")) {
        return line(
            CHECK,
            Level::Warning,
            format!(
                "the DKIM record at `{name}` says that it is a test (`t=y`): receivers may ignore signatures"
            ),
        )
        .help("take `t=y` out once your signatures are verified")
        .record(&name, "TXT", wanted);
    }
    line(CHECK, Level::Ok, format!("the DKIM record at `{name}` has the key that letters are signed with"))
}

/// What is published is not our key: in which way.
fn different(published: &str, public: &str, name: &str) -> String {
    if STANDARD.decode(published).is_err() {
        return if public.starts_with(published) {
            format!(
                "the DKIM record at `{name}` is cut off: a string in the DNS holds at most 255 characters, and the form lost the rest"
            )
        } else {
            format!("invalid DKIM record at `{name}`: its key is not base64")
        };
    }
    if public.starts_with(published) {
        return format!(
            "the DKIM record at `{name}` is cut off: a string in the DNS holds at most 255 characters, and the form lost the rest"
        );
    }
    format!("the DKIM record at `{name}` has another key than the one that letters are signed with")
}
