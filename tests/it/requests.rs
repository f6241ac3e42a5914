//! Requests to unsubscribe that come by mail without a token: whose they are is proved by a signature, or decided by the owner.

use std::path::Path;

use crate::{
    returned::{newsletter, send, suppressed},
    support::{
        dns::{DnsServer, Zone},
        dovecot::{Dovecot, PASSWORD},
        project::{Project, Ran},
        relay::{Relay, Script},
        skip,
    },
};

/// A mail, signed by its sender's domain with dkimpy: an implementation that is not ours.
fn signed(mail: &str, domain: &str, form: &str, key: &Path) -> Option<String> {
    let program = "import sys, dkim\nmail = sys.stdin.buffer.read().replace(b'\\n', b'\\r\\n')\nform = tuple(sys.argv[3].encode().split(b'/'))\n\
                   key = open(sys.argv[2], 'rb').read()\n\
                   sys.stdout.buffer.write(dkim.sign(mail, b'm1', sys.argv[1].encode(), key, canonicalize=form) + mail)\n";
    let mut child = std::process::Command::new("python3")
        .args(["-c", program, domain])
        .arg(key)
        .arg(form)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .ok()?;
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), mail.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_mail_without_a_token_unsubscribes_only_if_its_senders_domain_signed_it() {
    let relay = Relay::start(Script::new());
    let project = newsletter(21, &relay);
    let letters = send(&project, &relay, "one");
    let made = project.run(["keygen"]);
    let key = project.path(".mimeo/dkim-rsa.pem");
    assert!(key.exists(), "{made}");
    let record = made.stdout.split("p=").nth(1).unwrap_or_else(|| panic!("{made}"));
    let record = record.lines().next().unwrap();
    let mut zone = Zone::default();
    zone.add("m1._domainkey.example0.com", "TXT", &format!("v=DKIM1; k=rsa; p={record}"));
    let server = DnsServer::start(zone);
    let readers: Vec<_> = letters.iter().filter(|letter| letter.to.ends_with("@example0.com")).collect();
    let other = letters.iter().find(|letter| letter.to.ends_with("@example1.com")).unwrap().to.clone();
    let mail = |from: &str| {
        format!(
            "From: A Reader <{from}>\nTo: leave@example.org\nSubject: unsubscribe\nDate: Mon, 01 Jan 2024 10:00:00 +0000\n\nPlease  stop.\n\n"
        )
    };
    let run = |name: &str| project.run(["bounces", "--dns", &server.address(), name]).code(0);
    let forms = ["relaxed/relaxed", "simple/simple", "relaxed/simple"];
    for (number, (form, reader)) in forms.into_iter().zip(readers).enumerate() {
        let reader = &reader.to;
        let Some(good) = signed(&mail(reader), "example0.com", form, &key) else {
            return skip("python3 has no dkimpy");
        };
        // Not signed; changed; signed by another domain than the sender's.
        project.write("unsigned.eml", mail(reader));
        project.write("changed.eml", good.replace("Please", "please"));
        project.write("foreign.eml", signed(&mail(&other), "example0.com", form, &key).unwrap());
        for name in ["unsigned.eml", "changed.eml", "foreign.eml"] {
            run(name).stderr_has("not proved");
            assert_eq!(suppressed(&project).len(), number, "{name}");
        }
        project.write("signed.eml", good);
        run("signed.eml").stderr_has("1 address is suppressed");
        let left = suppressed(&project);
        assert!(
            left.iter().any(|line| line.starts_with(&format!("{reader},unsubscribed"))),
            "{form}: {left:?}"
        );
    }
}

/// What a reader writes who has no token.
fn request(from: &str) -> String {
    format!(
        "From: A Reader <{from}>\nTo: leave@example.org\nSubject: unsubscribe\nDate: {}\n\nPlease  stop.\n\n",
        jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000")
    )
}

/// A newsletter whose letters were sent, the address of a reader, the key of the reader's domain and the zone with it.
fn reader_with_a_key(relay: &Relay) -> (Project, String, std::path::PathBuf, Zone) {
    let project = newsletter(2, relay);
    let reader = send(&project, relay, "one")[0].to.clone();
    let made = project.run(["keygen"]);
    let record = made.stdout.split("p=").nth(1).unwrap_or_else(|| panic!("{made}"));
    let mut zone = Zone::default();
    let domain = reader.split('@').nth(1).unwrap();
    zone.add(
        &format!("m1._domainkey.{domain}"),
        "TXT",
        &format!("v=DKIM1; k=rsa; p={}", record.lines().next().unwrap()),
    );
    let key = project.path(".mimeo/dkim-rsa.pem");
    (project, reader, key, zone)
}

/// The same names, each answered with SERVFAIL.
fn failing(zone: &Zone, reader: &str) -> Zone {
    let mut zone = zone.clone();
    zone.fail(&format!("m1._domainkey.{}", reader.split('@').nth(1).unwrap()));
    zone
}

#[test]
fn a_request_is_not_lost_when_the_dns_does_not_answer() {
    let relay = Relay::start(Script::new());
    let (project, reader, key, zone) = reader_with_a_key(&relay);
    let domain = reader.split('@').nth(1).unwrap();
    let Some(mail) = signed(&request(&reader), domain, "relaxed/relaxed", &key) else {
        return skip("python3 has no dkimpy");
    };
    project.write("signed.eml", mail);
    let broken = DnsServer::start(failing(&zone, &reader));
    // A mail server that pipes the message here keeps it.
    project
        .run(["bounces", "--dns", &broken.address(), "signed.eml"])
        .code(1)
        .stderr_has("1 request to unsubscribe could not be checked, because the DNS did not answer");
    assert!(suppressed(&project).is_empty());
    let server = DnsServer::start(zone);
    project
        .run(["bounces", "--dns", &server.address(), "signed.eml"])
        .code(0)
        .stderr_has("1 address is suppressed");
    assert!(suppressed(&project)[0].starts_with(&format!("{reader},unsubscribed")));
}

fn read(project: &Project, dovecot: &Dovecot, scheme: &str, dns: &DnsServer) -> Ran {
    let option = if scheme == "imaps" { "--imap" } else { "--pop3" };
    let arguments = ["bounces", option, &dovecot.url(scheme), "--dns", &dns.address()];
    project.mimeo(arguments).env("MIMEO_BOUNCES_PASSWORD", PASSWORD).run()
}

#[test]
fn a_request_that_cannot_be_checked_or_proved_stays_in_the_mailbox() {
    let Some(dovecot) = Dovecot::start() else { return };
    let relay = Relay::start(Script::new());
    for scheme in ["imaps", "pop3s"] {
        // Who fetches a message by POP3 has seen it.
        let there = || match dovecot.messages("") {
            (unseen, 0) => unseen,
            (unseen, seen) => {
                if scheme == "pop3s" {
                    unseen + seen
                } else {
                    0
                }
            }
        };
        let (project, reader, key, zone) = reader_with_a_key(&relay);
        let settings = project.read("mimeo.toml");
        let ca_file = dovecot.ca_file().display().to_string();
        project.write(
            "mimeo.toml",
            format!(
                "{settings}[bounces.mailbox]\nurl = \"{}\"\nca_file = \"{ca_file}\"\n",
                dovecot.url(scheme)
            ),
        );
        let Some(mail) =
            signed(&request(&reader), reader.split('@').nth(1).unwrap(), "relaxed/relaxed", &key)
        else {
            return skip("python3 has no dkimpy");
        };
        dovecot.deliver(&format!("{scheme}1"), &mail);
        let broken = DnsServer::start(failing(&zone, &reader));
        read(&project, &dovecot, scheme, &broken).code(1).stderr_has("1 request to unsubscribe could not");
        assert_eq!(there(), 1, "{scheme}");
        let server = DnsServer::start(zone);
        read(&project, &dovecot, scheme, &server).code(0).stderr_has("1 address is suppressed");
        dovecot.empty();

        // What anybody could have written is for the owner to read; so is what a program answers, which may have a person's words.
        dovecot.deliver(&format!("{scheme}2"), &request("other@example.com"));
        let answer = "From: bo@example.com\nTo: bounces@example.org\nSubject: Away\nAuto-Submitted: auto-replied\n\nTake me off.\n";
        dovecot.deliver(&format!("{scheme}3"), answer);
        let ran = read(&project, &dovecot, scheme, &server).code(0);
        assert!(ran.stderr.contains("1 unsubscribe, 1 auto-reply"), "{ran}");
        assert!(ran.stderr.contains("1 is a request to unsubscribe: read the mail"), "{ran}");
        assert_eq!(there(), 2, "{scheme}");
        project
            .run(["bounces", "--report"])
            .code(0)
            .stdout_has("Asked by mail for no more letters, not proved")
            .stdout_has("other@example.com");
        project.run(["suppress", "other@example.com", "--reason", "unsubscribed"]).code(0);
        let report = project.run(["bounces", "--report"]).code(0);
        assert!(!report.stdout.contains("other@example.com"), "{report}");
        dovecot.empty();
    }
}
