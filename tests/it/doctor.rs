//! `mimeo doctor`: set-ups that are broken in one way each, and the advice for it.

mod parts;

use serde_json::Value;

use crate::support::{
    dns::{DnsServer, Zone},
    project::Project,
    schema::hold,
};

const SETTINGS: &str = r#"
[newsletter]
name = "The Slow Kettle"
[sender]
from = "Noor <noor@kettle.example>"
bounces = "bounces@kettle.example"
[relay]
url = "smtps://smtp.kettle.example"
[dkim]
domain = "kettle.example"
selector = "mimeo1"
key = { file = ".mimeo/dkim-rsa.pem" }
"#;

const DKIM: &str = "mimeo1._domainkey.kettle.example";
const DMARC: &str = "_dmarc.kettle.example";
const REVERSE: &str = "10.2.0.192.in-addr.arpa";

/// A newsletter with a key, and a zone in which everything is right.
fn healthy() -> (Project, Zone) {
    let project = Project::empty().file("mimeo.toml", SETTINGS);
    project.run(["keygen", "--domain", "kettle.example"]).code(0);
    let mut zone = Zone::default();
    zone.add("kettle.example", "MX", "10 mx.kettle.example")
        .add("kettle.example", "TXT", "v=spf1 a:smtp.kettle.example ~all")
        .add("kettle.example", "TXT", "site-verification=1")
        .add("smtp.kettle.example", "A", "192.0.2.10")
        .add("mx.kettle.example", "A", "192.0.2.11")
        .add(REVERSE, "PTR", "smtp.kettle.example")
        .add("spf.mtasv.net", "TXT", "v=spf1 ip4:198.51.100.0/24 ~all")
        .add(DMARC, "TXT", "v=DMARC1; p=none; rua=mailto:reports@kettle.example")
        .add("_smtp._tls.kettle.example", "TXT", "v=TLSRPTv1; rua=mailto:reports@kettle.example");
    let missing = doctor(&project, &zone);
    let key = find(&missing, "dkim")["record"]["value"].as_str().unwrap().to_owned();
    zone.add(DKIM, "TXT", &key);
    (project, zone)
}

fn report(project: &Project, arguments: &[&str]) -> Value {
    let ran = project.run([&["doctor", "--json"], arguments].concat());
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{ran}"));
    let code = if report["errors"] == 0 { 0 } else { 3 };
    assert_eq!(ran.code, Some(code), "{ran}");
    report
}

fn doctor(project: &Project, zone: &Zone) -> Value {
    let server = DnsServer::start(zone.clone());
    let skipped = ["relay", "bounces", "files", "unsubscribe"].map(|part| ["--skip", part]).concat();
    report(project, &[&["--dns", &server.address()], &skipped[..]].concat())
}

/// The worst line of a check.
fn find<'a>(report: &'a Value, check: &str) -> &'a Value {
    let lines = report["lines"].as_array().unwrap().iter().filter(|line| line["check"] == check);
    let rank =
        |line: &&Value| ["ok", "note", "warning", "error"].iter().position(|word| line["level"] == *word);
    lines.max_by_key(rank).unwrap_or_else(|| panic!("no line `{check}` in {report:#}"))
}

/// Levels of all lines that are not ok.
fn troubles(report: &Value) -> Vec<String> {
    let lines = report["lines"].as_array().unwrap().iter().filter(|line| line["level"] != "ok");
    let word = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    lines
        .map(|line| format!("{} {}: {}", word(line, "level"), word(line, "check"), word(line, "text")))
        .collect()
}

#[test]
fn a_set_up_in_which_everything_is_right_has_only_lines_that_are_ok() {
    let (project, zone) = healthy();
    let report = doctor(&project, &zone);
    let optional = "note mta-sts: no MTA-STS for `kettle.example`: optional; it makes other servers use TLS for mail to you (RFC 8461)";
    assert_eq!(troubles(&report), [optional]);
    let server = DnsServer::start(zone);
    let ran = project.run(["doctor", "--dns", &server.address(), "--skip", "relay", "--skip", "unsubscribe"]);
    ran.code(0).stdout_has("  ok       SPF of `kettle.example` names the relay (1 of 10 lookups)\n");
}

/// A change of the zone and the settings; the check, its level, and a part of its text, help or record.
type Case = (fn(&mut Zone, &mut String), &'static str, &'static str, &'static str);

fn settings(text: &mut String, from: &str, to: &str) {
    assert!(text.contains(from), "{from}");
    *text = text.replace(from, to);
}

const SPF: [Case; 15] = [
    (
        |zone, _| {
            zone.remove("kettle.example", "TXT");
        },
        "spf",
        "error",
        "v=spf1 a:smtp.kettle.example ~all",
    ),
    (
        |zone, _| {
            zone.add("kettle.example", "TXT", "v=spf1 mx -all");
        },
        "spf",
        "error",
        "v=spf1 a:smtp.kettle.example mx ~all",
    ),
    (|zone, _| spf(zone, "v=spf1 ip4:300.1.1.1 ~all"), "spf", "error", "`ip4:300.1.1.1`"),
    (|zone, _| spf(zone, "v=spf1 include ~all"), "spf", "error", "`include`"),
    (
        |zone, _| spf(zone, "v=spf1 include:gone.example ~all"),
        "spf",
        "error",
        "`gone.example`, which has no valid",
    ),
    (
        |zone, _| {
            spf(
                zone,
                "v=spf1 a:h1.kettle.example a:h2.kettle.example a:h3.kettle.example a:smtp.kettle.example ~all",
            );
        },
        "spf",
        "error",
        "3 names without a record",
    ),
    (
        |zone, _| {
            let hosts: Vec<_> = (0..11).map(|_| "a:smtp.kettle.example").collect();
            spf(zone, &format!("v=spf1 {} ~all", hosts.join(" ")));
        },
        "spf",
        "error",
        "more than 10 DNS lookups",
    ),
    (|zone, _| spf(zone, "v=spf1 include:kettle.example ~all"), "spf", "error", "more than 10 DNS lookups"),
    (
        |zone, _| {
            spf(zone, "v=spf1 include:many.example ~all");
            let hosts: Vec<_> = (0..10).map(|_| "a:smtp.kettle.example").collect();
            zone.add("many.example", "TXT", &format!("v=spf1 {} ~all", hosts.join(" ")));
        },
        "spf",
        "error",
        "more than 10 DNS lookups",
    ),
    (
        |zone, _| spf(zone, "v=spf1 a:smtp.kettle.example +all"),
        "spf",
        "error",
        "v=spf1 a:smtp.kettle.example ~all",
    ),
    (|zone, _| spf(zone, "v=spf1 a:smtp.kettle.example ?all"), "spf", "warning", "ends in `?all`"),
    (|zone, _| spf(zone, "v=spf1 a:smtp.kettle.example"), "spf", "warning", "has no `all`"),
    (|zone, _| spf(zone, "v=spf1 a:smtp.kettle.example ptr ~all"), "spf", "warning", "`ptr`"),
    (|zone, _| spf(zone, "v=spf1 mx -all"), "spf", "warning", "v=spf1 mx a:smtp.kettle.example -all"),
    (
        |_, text| settings(text, "smtps://smtp.kettle.example", "smtps://smtp.postmarkapp.com"),
        "spf",
        "error",
        "v=spf1 a:smtp.kettle.example include:spf.mtasv.net ~all",
    ),
];

fn spf(zone: &mut Zone, record: &str) {
    zone.set("kettle.example", "TXT", record);
}

/// Puts a changed DKIM record in place of the right one.
fn dkim(zone: &mut Zone, change: fn(&str) -> String) {
    let record = zone.text(DKIM);
    zone.set(DKIM, "TXT", &change(&record));
}

const OTHER_KEY: &str = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRPA";

const DKIM_CASES: [Case; 12] = [
    (
        |zone, _| {
            zone.remove(DKIM, "TXT");
        },
        "dkim",
        "error",
        "no DKIM record at",
    ),
    (
        |zone, _| {
            zone.set(DKIM, "TXT", "v=spf1 -all");
        },
        "dkim",
        "error",
        "it has no `p=`",
    ),
    (
        |zone, _| {
            zone.set(DKIM, "TXT", OTHER_KEY);
        },
        "dkim",
        "error",
        "another key",
    ),
    (
        |zone, _| {
            zone.add(DKIM, "TXT", OTHER_KEY);
        },
        "dkim",
        "error",
        "2 DKIM records",
    ),
    (|zone, _| dkim(zone, |record| record[..255].to_owned()), "dkim", "error", "is cut off"),
    (
        |zone, _| {
            zone.set(DKIM, "TXT", "v=DKIM1; k=rsa; p=");
        },
        "dkim",
        "error",
        "is revoked",
    ),
    (
        |zone, _| dkim(zone, |record| record.replace("k=rsa", "k=ed25519")),
        "dkim",
        "error",
        "says `k=ed25519`",
    ),
    (|zone, _| dkim(zone, |record| record.replace("DKIM1", "DKIM2")), "dkim", "error", "must be DKIM1"),
    (|zone, _| dkim(zone, |record| format!("{record}; h=sha1")), "dkim", "error", "does not allow sha256"),
    (|zone, _| dkim(zone, |record| format!("{record}; s=tlsrpt")), "dkim", "error", "not for e-mail"),
    (|zone, _| dkim(zone, |record| format!("{record}; t=y")), "dkim", "warning", "(`t=y`)"),
    (|_, text| settings(text, "dkim-rsa.pem", "lost.pem"), "dkim", "error", "cannot be used: failed to read"),
];

const DMARC_CASES: [Case; 11] = [
    (
        |zone, _| {
            zone.remove(DMARC, "TXT");
        },
        "dmarc",
        "error",
        "v=DMARC1; p=none",
    ),
    (
        |zone, _| {
            zone.add(DMARC, "TXT", "v=DMARC1; p=reject");
        },
        "dmarc",
        "error",
        "2 DMARC records",
    ),
    (
        |zone, _| {
            zone.set(DMARC, "TXT", "v=DMARC1; p=maybe");
        },
        "dmarc",
        "error",
        "`p=maybe`",
    ),
    (
        |zone, _| {
            zone.set(DMARC, "TXT", "v=DMARC1; rua=mailto:a@kettle.example");
        },
        "dmarc",
        "error",
        "no `p=`",
    ),
    (
        |zone, _| {
            zone.set(DMARC, "TXT", "v=DMARC1; p=none; pct=50");
        },
        "dmarc",
        "note",
        "ignore `pct` today",
    ),
    (
        |zone, _| {
            zone.set(DMARC, "TXT", "v=DMARC1; p=none; rua=mailto:a@reports.example");
        },
        "dmarc-reports",
        "warning",
        "kettle.example._report._dmarc.reports.example",
    ),
    (
        |_, text| settings(text, "domain = \"kettle.example\"", "domain = \"other.example\""),
        "alignment",
        "warning",
        "[dkim] domain = \"kettle.example\"",
    ),
    (
        |_, text| settings(text, "bounces@kettle.example", "bounces@other.example"),
        "alignment",
        "warning",
        "`[sender] bounces`",
    ),
    (
        |_, text| {
            settings(text, "bounces@kettle.example", "bounces@other.example");
            settings(text, "domain = \"kettle.example\"", "domain = \"other.example\"");
        },
        "alignment",
        "error",
        "letters fail DMARC",
    ),
    (
        |zone, text| {
            zone.set(DMARC, "TXT", "v=DMARC1; p=none; aspf=s");
            settings(text, "bounces@kettle.example", "bounces@mail.kettle.example");
        },
        "alignment",
        "warning",
        "the envelope's domain `mail.kettle.example`",
    ),
    (|_, text| text.truncate(text.find("[dkim]").unwrap()), "alignment", "note", "`mimeo keygen`"),
];

/// The relay is a well-known one, and no key is set.
fn by_sendgrid(text: &mut String) {
    settings(text, "smtps://smtp.kettle.example", "smtps://apikey@smtp.sendgrid.net");
    text.truncate(text.find("[dkim]").unwrap());
}

const RELAY_DKIM_CASES: [Case; 4] = [
    (|_, text| by_sendgrid(text), "dkim", "warning", "`s1._domainkey.kettle.example`"),
    (
        |zone, text| {
            by_sendgrid(text);
            zone.add("s2._domainkey.kettle.example", "TXT", "k=rsa; p=MIGfMA0GCSqGSIb3DQ");
        },
        "dkim",
        "ok",
        "SendGrid signs for `kettle.example`",
    ),
    (
        |zone, text| {
            by_sendgrid(text);
            zone.add("s1._domainkey.kettle.example", "TXT", "k=rsa; p=");
        },
        "dkim",
        "warning",
        "SendGrid has no DKIM key",
    ),
    (
        |zone, text| {
            by_sendgrid(text);
            zone.fail("s1._domainkey.kettle.example");
        },
        "dkim",
        "warning",
        "gave no answer",
    ),
];

const MAIL_CASES: [Case; 14] = [
    (
        |_, text| *text = text.replace("kettle.example", "nowhere.example"),
        "sender",
        "error",
        "does not exist",
    ),
    (
        |_, text| settings(text, "noor@kettle.example", "noor@gmail.com"),
        "sender",
        "error",
        "domain of your own",
    ),
    (
        |zone, _| {
            zone.remove("kettle.example", "MX");
        },
        "sender",
        "warning",
        "create an MX record",
    ),
    (
        |zone, _| {
            zone.remove("kettle.example", "MX");
        },
        "mx-bounces",
        "error",
        "returned letters are lost",
    ),
    (
        |zone, _| {
            zone.set("kettle.example", "MX", "0 .");
        },
        "mx-bounces",
        "error",
        "(null MX)",
    ),
    (
        |zone, _| {
            zone.remove("kettle.example", "MX").add("kettle.example", "A", "192.0.2.1");
        },
        "mx-bounces",
        "warning",
        "go to its address",
    ),
    (
        |_, text| settings(text, "[relay]", "reply_to = \"noor@silent.example\"\n[relay]"),
        "mx-replies",
        "error",
        "`[sender] reply_to`",
    ),
    (
        |zone, _| {
            zone.remove(REVERSE, "PTR");
        },
        "reverse",
        "error",
        "has no reverse name",
    ),
    (
        |zone, _| {
            zone.set(REVERSE, "PTR", "host10.provider.example");
        },
        "reverse",
        "error",
        "does not lead back",
    ),
    (
        |zone, _| {
            zone.fail("kettle.example");
        },
        "sender",
        "warning",
        "--dns ADDRESS",
    ),
    (
        |zone, _| {
            zone.fail(DKIM);
        },
        "dkim",
        "warning",
        "gave no answer",
    ),
    (
        |zone, _| {
            zone.add("_mta-sts.kettle.example", "TXT", "v=STSv1; id=1");
        },
        "mta-sts",
        "warning",
        "the host `mta-sts.kettle.example` has no address",
    ),
    (
        |zone, _| {
            zone.add("_mta-sts.kettle.example", "TXT", "v=STSv1; id=1");
            zone.add("mta-sts.kettle.example", "A", "127.0.0.1");
        },
        "mta-sts",
        "warning",
        "`127.0.0.1`, which is not a public address",
    ),
    (
        |zone, _| {
            zone.add("_mta-sts.kettle.example", "TXT", "v=STSv1; id=1");
            zone.add("_mta-sts.kettle.example", "TXT", "v=STSv1; id=2");
        },
        "mta-sts",
        "warning",
        "2 MTA-STS records",
    ),
];

fn assert_cases(cases: &[Case]) {
    let (project, zone) = healthy();
    for (change, check, level, part) in cases {
        let (mut zone, mut text) = (zone.clone(), SETTINGS.to_owned());
        change(&mut zone, &mut text);
        project.write("mimeo.toml", &text);
        let report = doctor(&project, &zone);
        let line = find(&report, check);
        assert_eq!(line["level"], *level, "{check}, {part}: {report:#}");
        let words = [&line["text"], &line["help"], &line["record"]["value"], &line["record"]["name"]];
        let has = words.iter().any(|words| words.as_str().is_some_and(|words| words.contains(part)));
        assert!(has, "{part:?} is not in {line:#}");
        assert!(matches!(*level, "ok" | "note") || line["help"].is_string(), "no help: {line:#}");
        follow(&project, zone, line);
    }
}

/// The record that a line advises makes the line better.
fn follow(project: &Project, mut zone: Zone, line: &Value) {
    let record = |key: &str| line["record"][key].as_str().unwrap_or_default();
    if record("kind") != "TXT" {
        return;
    }
    zone.set(record("name"), "TXT", record("value"));
    let after = doctor(project, &zone);
    let lines = after["lines"].as_array().unwrap().iter().filter(|other| other["check"] == line["check"]);
    for after in lines {
        assert!(["ok", "note"].contains(&after["level"].as_str().unwrap()), "{line:#}\n{after:#}");
    }
}

#[test]
fn broken_spf_records_are_found_and_the_advised_record_repairs_them() {
    assert_cases(&SPF);
}

#[test]
fn a_relay_on_this_machine_needs_its_public_address_in_spf() {
    let (project, mut zone) = healthy();
    for host in ["localhost", "127.0.0.1"] {
        let mut text = SETTINGS.to_owned();
        settings(&mut text, "smtp.kettle.example", host);
        project.write("mimeo.toml", &text);
        spf(&mut zone, "v=spf1 ip4:192.0.2.10 ~all");
        let report = doctor(&project, &zone);
        let line = find(&report, "spf");
        // Whether the address is that of this machine, no one can see from here.
        assert_eq!(line["level"], "note", "{line:#}");
        assert_eq!(line["record"]["value"], "v=spf1 ip4:192.0.2.10 ip4:PUBLIC-ADDRESS ~all");
        let mut bare = zone.clone();
        bare.remove("kettle.example", "TXT");
        let line = find(&doctor(&project, &bare), "spf").clone();
        assert_eq!(
            (&line["level"], &line["record"]["value"]),
            (&"error".into(), &"v=spf1 ip4:PUBLIC-ADDRESS ~all".into())
        );
        assert!(line["help"].as_str().unwrap().contains("replace `PUBLIC-ADDRESS`"), "{line:#}");
    }
}

#[test]
fn broken_dkim_records_are_found_and_the_advised_record_repairs_them() {
    assert_cases(&DKIM_CASES);
    assert_cases(&RELAY_DKIM_CASES);
}

#[test]
fn broken_dmarc_records_and_domains_that_do_not_align_are_found() {
    assert_cases(&DMARC_CASES);
}

#[test]
fn domains_that_take_no_mail_and_names_that_lead_nowhere_are_found() {
    assert_cases(&MAIL_CASES);
}

#[test]
fn json_output_keeps_to_its_schema() {
    let (project, mut zone) = healthy();
    zone.remove(DMARC, "TXT");
    let report = doctor(&project, &zone);
    hold("doctor", &report);
    assert_eq!(find(&report, "dmarc")["record"]["kind"], "TXT");
}
