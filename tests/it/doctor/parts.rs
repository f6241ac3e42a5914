//! The parts of `mimeo doctor` beside the DNS: relay, login, ledger, files, mailbox.

use serde_json::Value;

use super::{doctor, find, healthy, report};
use crate::support::{
    dns::DnsServer,
    postgres::Cluster,
    project::Project,
    relay::{At, Certificate, Relay, Script},
    schema::hold,
};

/// A relay with its settings; the check, its level, and a part of its text or help.
fn relay_line(project: &Project, relay: &Relay, more: &str) -> Value {
    let ca = relay.ca_file().map(|path| format!("ca_file = {path:?}\n")).unwrap_or_default();
    let settings = "[newsletter]\nname = \"A\"\n[sender]\nfrom = \"a@kettle.example\"\n";
    project.write("mimeo.toml", format!("{settings}[relay]\nurl = {:?}\n{ca}{more}", relay.url()));
    report(project, &["--skip", "dns", "--skip", "files", "--skip", "unsubscribe"])
}

/// The greeting of a relay whose clock is so many seconds ahead of ours.
fn greeting(ahead: i64) -> String {
    let theirs = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead);
    format!("220 relay.example ESMTP Exim 4.96 {}", theirs.strftime("%a, %d %b %Y %H:%M:%S +0000"))
}

#[test]
fn relays_are_looked_at() {
    let project = Project::empty();
    let good = || Script::new().with_implicit_tls(Certificate::Good);
    let cases: [(Script, &str, &str, &str); 13] = [
        (good(), "certificate", "ok", "more days"),
        (good(), "tls", "ok", "TLS 1.3"),
        (good().with_size(30_000_000), "limits", "ok", "up to 30 MB, and offers PIPELINING"),
        (good().with_size(50_000), "limits", "warning", "at most 50000 bytes"),
        (good().without_pipelining(), "limits", "ok", "offers"),
        (Script::new().with_implicit_tls(Certificate::WrongName), "relay", "error", "for mail.example.org"),
        (Script::new().with_implicit_tls(Certificate::Expired), "relay", "error", "has expired"),
        (Script::new().with_implicit_tls(Certificate::UnknownAuthority), "relay", "error", "`ca_file`"),
        (Script::new().with_starttls(Certificate::Good).strip_starttls(), "relay", "error", "STARTTLS"),
        (good().say(At::Greeting, "554 5.7.1 go away"), "relay", "error", "go away"),
        (good().say(At::Greeting, &greeting(0)), "clock", "ok", "agrees with that of the relay"),
        (good().say(At::Greeting, &greeting(3600)), "clock", "warning", "seconds behind that of the relay"),
        (good().say(At::Greeting, &greeting(-90)), "clock", "warning", "timedatectl set-ntp true"),
    ];
    for (script, check, level, part) in cases {
        let relay = Relay::start(script);
        let report = relay_line(&project, &relay, "");
        let line = find(&report, check);
        assert_eq!(line["level"], level, "{part}: {report:#}");
        assert!(line.to_string().contains(part), "{part:?} is not in {line:#}");
        assert!(relay.accepted().is_empty(), "a letter was sent");
    }
    let relay = Relay::start(Script::new());
    let url = relay.url();
    drop(relay);
    let settings = "[newsletter]\nname = \"A\"\n[sender]\nfrom = \"a@kettle.example\"\n";
    project.write("mimeo.toml", format!("{settings}[relay]\nurl = {url:?}\n"));
    let report = report(&project, &["--skip", "dns", "--skip", "files", "--skip", "unsubscribe"]);
    assert_eq!(find(&report, "relay")["level"], "error", "{report:#}");
}

#[test]
fn a_wrong_password_is_an_error_and_is_not_printed() {
    let relay =
        Relay::start(Script::new().with_implicit_tls(Certificate::Good).with_login("PLAIN", "noor", "right"));
    let ca = relay.ca_file().unwrap();
    let settings = "[newsletter]\nname = \"A\"\n[sender]\nfrom = \"a@kettle.example\"\n";
    let project = Project::empty().file(
        "mimeo.toml",
        format!("{settings}[relay]\nurl = {:?}\nca_file = {ca:?}\n", relay.url_with_login("noor")),
    );
    for (password, level) in [("right", "ok"), ("hunter22", "error")] {
        let ran = project
            .mimeo(["doctor", "--json", "--skip", "dns", "--skip", "files"])
            .env("MIMEO_RELAY_PASSWORD", password)
            .run();
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(find(&report, "login")["level"], level, "{ran}");
        assert!(!ran.stdout.contains("hunter22") && !ran.stderr.contains("hunter22"), "{ran}");
    }
}

#[test]
fn files_that_may_be_lost_or_are_in_git_are_found() {
    crate::support::within_one_day();
    let project = Project::new().file("issues/one.md", "---\ntitle: One\nnumber: 1\n---\n\nHello.\n");
    let look = || report(&project, &["--skip", "dns", "--skip", "relay", "--skip", "unsubscribe"]);
    assert_eq!(find(&look(), "ledger")["level"], "note");
    project.run(["send", "1", "--yes"]).code(0);
    assert_eq!(find(&look(), "ledger")["level"], "ok");
    assert_eq!(find(&look(), "backup")["level"], "warning");
    project.run(["ledger", "backup", "copy.db"]).code(0);
    assert_eq!(find(&look(), "backup")["text"], "the ledger was backed up today");
    assert_eq!(find(&look(), "git")["level"], "ok");
    project.shell("git init -q . && git add subscribers.csv").code(0);
    let after = look();
    assert_eq!(find(&after, "git")["text"], "the subscriber list is tracked by git (`subscribers.csv`)");
    project.write(".mimeo/ledger.db", "not a database, and longer than its header of 16 bytes");
    assert_eq!(find(&look(), "ledger")["level"], "error");
}

#[test]
fn a_ledger_on_a_server_is_reached_and_its_version_is_named() {
    let Some(cluster) = Cluster::shared() else { return };
    let url = cluster.url(&cluster.database());
    let project = Project::new().file("issues/one.md", "---\ntitle: One\nnumber: 1\n---\n\nHello.\n");
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n[ledger]\nurl = {url:?}\n"));
    project.run(["send", "1", "--yes"]).code(0);
    let look = || {
        report(&project, &["--skip", "dns", "--skip", "relay", "--skip", "unsubscribe", "--skip", "bounces"])
    };
    let found = look();
    assert_eq!(find(&found, "ledger")["level"], "ok", "{found:#}");
    let server = find(&found, "ledger-server");
    assert!(server["text"].as_str().unwrap().starts_with("the ledger's server is PostgreSQL 1"), "{server}");
    assert_eq!(server["level"], "ok");
    // A server that is not there.
    project
        .write("mimeo.toml", format!("{settings}\n[ledger]\nurl = \"postgres://nobody@/x?host=/nowhere\"\n"));
    let found = look();
    assert_eq!(find(&found, "ledger")["level"], "error", "{found:#}");
    let text = find(&found, "ledger")["text"].as_str().unwrap();
    assert!(text.contains("the ledger's database cannot be reached"), "{found:#}");
}

#[test]
fn a_bounce_mailbox_and_a_file_of_suppressions_that_cannot_be_read_are_errors() {
    let port = crate::support::ports::free_port();
    let settings = "[newsletter]\nname = \"A\"\n[sender]\nfrom = \"a@kettle.example\"\n";
    let project = Project::new().file(
        "mimeo.toml",
        format!(
            "{settings}[suppress]\nfile = \"suppressions.txt\"\n[bounces.mailbox]\nurl = \"imaps://noor@127.0.0.1:{port}/INBOX\"\n\
             password = {{ file = \"password\" }}\n"
        ),
    );
    project.write("password", "secret");
    project.shell("chmod 600 password").code(0);
    let look = || report(&project, &["--skip", "dns", "--skip", "relay", "--skip", "unsubscribe"]);
    let found = look();
    assert_eq!(find(&found, "bounce-mailbox")["level"], "error", "{found:#}");
    assert_eq!(find(&found, "suppressions")["level"], "error", "{found:#}");
    hold("doctor", &found);
    project.run(["suppress", "bob@example.com"]).code(0);
    assert_eq!(
        find(&look(), "suppressions")["text"],
        "the file of suppressions can be read; entries in it: 1"
    );
    project.write("mimeo.toml", settings);
    assert_eq!(find(&look(), "bounce-mailbox")["level"], "note");
}

#[test]
fn a_name_server_that_does_not_answer_is_one_line_for_people() {
    let (project, mut zone) = healthy();
    zone.fail("kettle.example");
    let server = DnsServer::start(zone.clone());
    let skipped = ["relay", "bounces", "files", "unsubscribe"].map(|part| ["--skip", part]).concat();
    let ran = project.run([&["doctor", "--dns", &server.address()], &skipped[..]].concat());
    let news = "gave no answer about `kettle.example`";
    assert_eq!(ran.stdout.matches(news).count(), 1, "{ran}");
    let warnings = ran.stdout.lines().filter(|line| line.starts_with("  warning")).count();
    assert!(ran.stdout.contains(&format!(" {warnings} warning")), "{ran}");
    assert!(doctor(&project, &zone).to_string().matches(news).count() > 1, "each check has its line in JSON");
}
