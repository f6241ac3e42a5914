//! Mailboxes in which returned letters wait: IMAP and POP3 of a real Dovecot.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use crate::{
    returned::{hard, newsletter, send, suppressed},
    support::{
        dovecot::{Dovecot, PASSWORD},
        pop3::{Pop3, Wrong},
        postfix::Postfix,
        project::{LEAST, Project, Ran},
        relay::{Accepted, Relay, Script},
        service::{HOST, Service},
        until,
    },
};

const FROM_A_PERSON: &str = "From: Bo <bo@example.net>\nTo: bounces@example.org\nSubject: A question\n\nWhen does the next letter come?\n";

/// A newsletter that was sent to so many people, and its letters.
fn sent(people: usize, relay: &Relay) -> (Project, Vec<Accepted>) {
    let project = newsletter(people, relay);
    let letters = send(&project, relay, "one");
    (project, letters)
}

/// Adds `[bounces.mailbox]`.
fn with_mailbox(project: &Project, dovecot: &Dovecot, url: &str, more: &str) {
    let settings = project.read("mimeo.toml");
    let ca_file = dovecot.ca_file().display().to_string();
    project.write(
        "mimeo.toml",
        format!("{settings}[bounces.mailbox]\nurl = \"{url}\"\nca_file = \"{ca_file}\"\n{more}"),
    );
}

fn read(project: &Project, arguments: &[&str]) -> Ran {
    project.mimeo([&["bounces"], arguments].concat()).env("MIMEO_BOUNCES_PASSWORD", PASSWORD).run()
}

#[test]
fn returned_letters_in_a_mailbox_are_processed_once_and_mail_of_people_stays() {
    let Some(dovecot) = Dovecot::start() else { return };
    for scheme in ["imaps", "imap", "pop3s", "pop3"] {
        let relay = Relay::start(Script::new());
        let (project, letters) = sent(3, &relay);
        let more = if scheme.starts_with("pop3") { "keep = false\n" } else { "" };
        with_mailbox(&project, &dovecot, &dovecot.url(scheme), more);
        dovecot.deliver(&format!("{scheme}1"), &hard(&letters[0]));
        dovecot.deliver(&format!("{scheme}2"), FROM_A_PERSON);
        read(&project, &["--dry-run"]).code(0).stdout_has("[one: suppressed]");
        assert!(suppressed(&project).is_empty(), "{scheme}");
        read(&project, &[]).code(0).stdout_has("[one: suppressed]").stderr_has("1 address is suppressed");
        assert_eq!(suppressed(&project).len(), 1, "{scheme}");
        let again = read(&project, &[]).code(0);
        assert!(!again.stdout.contains("suppressed"), "{scheme}: {again}");
        if scheme.starts_with("imap") {
            // IMAP remembers which messages it has looked at.
            again.stderr_has("0 messages");
        }
        let (unseen, seen) = dovecot.messages("");
        // POP3 deletes what was processed where the settings say so; IMAP marks it; neither touches what a person wrote.
        if scheme.starts_with("imap") {
            assert_eq!((unseen, seen), (1, 1), "{scheme}");
        } else {
            assert_eq!(unseen + seen, 1, "{scheme}");
        }
        dovecot.empty();
    }
}

#[test]
fn processed_messages_are_moved_where_the_settings_say_or_kept() {
    let Some(dovecot) = Dovecot::start() else { return };
    let relay = Relay::start(Script::new());
    let (project, letters) = sent(45, &relay);
    with_mailbox(&project, &dovecot, &dovecot.url("imaps"), "move_to = \"Processed\"\n");
    for (index, letter) in letters.iter().enumerate() {
        dovecot.deliver(&format!("{index}"), &hard(letter));
    }
    // Without arguments: the mailbox of the settings. There is no such folder yet.
    read(&project, &[]).code(0).stderr_has("45 messages: 45 bounce; 45 addresses are suppressed");
    assert_eq!(dovecot.messages(""), (0, 0));
    let (unseen, seen) = dovecot.messages("Processed");
    assert_eq!(unseen + seen, 45);
    // From the folder that they were moved into, nothing new follows.
    let url = format!("{}/Processed", dovecot.url("imaps"));
    read(&project, &["--imap", &url]).code(0).stderr_has("45 findings were recorded before");
    assert_eq!(suppressed(&project).len(), 45);
    // POP3 keeps.
    dovecot.deliver("kept", &hard(&letters[0]));
    read(&project, &["--pop3", &dovecot.url("pop3s")]).code(0).stderr_has("1 message: 1 bounce");
    let (unseen, seen) = dovecot.messages("");
    assert_eq!(unseen + seen, 1);
}

#[test]
fn a_mailbox_without_trust_or_login_changes_nothing() {
    let Some(dovecot) = Dovecot::start() else { return };
    let relay = Relay::start(Script::new());
    let (project, letters) = sent(2, &relay);
    dovecot.deliver("1", &hard(&letters[0]));
    // No certificate that this machine knows: the password is not sent.
    for scheme in ["imaps", "imap", "pop3s", "pop3"] {
        let option = if scheme.starts_with("imap") { "--imap" } else { "--pop3" };
        read(&project, &[option, &dovecot.url(scheme)]).code(1).stderr_has("cannot connect to `127.0.0.1`");
    }
    assert!(!dovecot.log().contains("user=<ada>"), "{}", dovecot.log());
    with_mailbox(&project, &dovecot, &dovecot.url("imaps"), "");
    for option in ["--imap", "--pop3"] {
        let url = dovecot.url(if option == "--imap" { "imaps" } else { "pop3s" });
        let ran = project.mimeo(["bounces", option, &url]).env("MIMEO_BOUNCES_PASSWORD", "wrong").run();
        ran.code(1).stderr_has("refused the login");
        project.run(["bounces", option, &url]).code(3).stderr_has("MIMEO_BOUNCES_PASSWORD");
    }
    let url = dovecot.url("imaps").replace("ada@", "ada:secret@");
    let ran = read(&project, &["--imap", &url]).code(3).stderr_has("has a password in it");
    assert!(!ran.stderr.contains("secret"), "{ran}");
    read(&project, &["--imap", &dovecot.url("pop3s")]).code(3).stderr_has("another protocol");
    read(&project, &["--imap", &format!("{}/Nowhere", dovecot.url("imaps"))])
        .code(1)
        .stderr_has("failed at SELECT");
    assert_eq!(dovecot.messages(""), (1, 0));
    assert!(suppressed(&project).is_empty());
}

#[test]
fn a_watched_mailbox_is_read_as_messages_come() {
    let Some(dovecot) = Dovecot::start() else { return };
    let relay = Relay::start(Script::new());
    let (project, letters) = sent(4, &relay);
    with_mailbox(&project, &dovecot, &dovecot.url("imaps"), "");
    dovecot.deliver("1", &hard(&letters[0]));
    let mut command =
        project.mimeo(["bounces", "--watch"]).env("MIMEO_BOUNCES_PASSWORD", PASSWORD).into_command();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the first", || suppressed(&project).len() == 1);
    for (index, letter) in letters[1..3].iter().enumerate() {
        dovecot.deliver(&format!("more{index}"), &hard(letter));
        until("the next", || suppressed(&project).len() == index + 2);
    }
    let status = std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(status.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_service_reads_the_mailbox_while_it_runs() {
    let Some(dovecot) = Dovecot::start() else { return };
    let relay = Relay::start(Script::new());
    let (project, letters) = sent(3, &relay);
    with_mailbox(&project, &dovecot, &dovecot.url("imaps"), "");
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}[serve]\nurl = \"https://{HOST}/\"\n"));
    dovecot.deliver("1", &hard(&letters[0]));
    let command = project.mimeo(["-q", "serve", "--listen", "127.0.0.1:0"]);
    let service = Service::started(command.env("MIMEO_BOUNCES_PASSWORD", PASSWORD));
    until("the first", || suppressed(&project).len() == 1);
    dovecot.deliver("2", &hard(&letters[1]));
    until("the next", || suppressed(&project).len() == 2);
    service.get("/healthz").code(200);
}

/// The settings of a mailbox by POP3 whose messages may be deleted.
fn with_pop3(project: &Project, pop3: &Pop3, more: &str) {
    let settings = project.read("mimeo.toml");
    let mailbox = format!("[bounces.mailbox]\nurl = \"{}\"\nkeep = false\n", pop3.url());
    project.write("mimeo.toml", format!("{settings}{mailbox}{more}"));
}

#[test]
fn the_service_goes_on_reading_after_a_login_was_refused() {
    let relay = Relay::start(Script::new());
    let (project, letters) = sent(2, &relay);
    let pop3 = Pop3::start(vec![hard(&letters[0])], vec![Wrong::Refuses("[AUTH] wrong password")]);
    with_pop3(&project, &pop3, &format!("[serve]\nurl = \"https://{HOST}/\"\n"));
    let command = project.mimeo(["-q", "serve", "--listen", "127.0.0.1:0"]);
    let _service = Service::started(command.env("MIMEO_BOUNCES_PASSWORD", PASSWORD));
    until("the second look", || suppressed(&project).len() == 1);
    until("the deletion", || pop3.left() == 0);
}

#[test]
fn the_file_of_suppressions_has_people_from_before_a_connection_broke() {
    let relay = Relay::start(Script::new());
    let (project, letters) = sent(3, &relay);
    let pop3 = Pop3::start(letters.iter().map(hard).collect(), vec![Wrong::HangsUpAt(3)]);
    with_pop3(&project, &pop3, "[suppress]\nfile = \"suppressions.txt\"\n");
    let command = project.mimeo(["bounces", "--watch"]).env("MIMEO_BOUNCES_PASSWORD", PASSWORD);
    let mut command = command.into_command();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the end", || pop3.left() == 0);
    assert_eq!(project.read("suppressions.txt").matches(" hard_bounce ").count(), 3);
    let status = std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(status.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn killed_in_the_middle_nothing_is_lost_and_nothing_counts_twice() {
    let Some(dovecot) = Dovecot::start() else { return };
    for scheme in ["imaps", "pop3s"] {
        let relay = Relay::start(Script::new());
        let (project, letters) = sent(60, &relay);
        let more = if scheme == "imaps" { "move_to = \"Processed\"\n" } else { "keep = false\n" };
        with_mailbox(&project, &dovecot, &dovecot.url(scheme), more);
        for (index, letter) in letters.iter().enumerate() {
            dovecot.deliver(&format!("{scheme}{index}"), &hard(letter));
        }
        for round in 1..4 {
            let mut command =
                project.mimeo(["bounces"]).env("MIMEO_BOUNCES_PASSWORD", PASSWORD).into_command();
            let mut child =
                command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            lines.take(17 * round).for_each(|line| drop(line.unwrap()));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        read(&project, &[]).code(0);
        let people = suppressed(&project);
        assert_eq!(people.len(), 60, "{scheme}");
        project.run(["status", "one"]).code(0).stdout_has("bounced            60");
        assert_eq!(dovecot.messages(""), (0, 0), "{scheme}");
        project.run(["ledger", "check"]).code(0);
    }
    let (unseen, seen) = dovecot.messages("Processed");
    assert_eq!(unseen + seen, 60);
}

#[test]
fn a_real_postfix_bounces_into_a_real_dovecot() {
    let Some(postfix) = Postfix::start() else { return };
    let settings = format!(
        "{LEAST}bounces = \"bounces+{{token}}@example.org\"\n[relay]\nurl = \"smtp://127.0.0.1:{}?tls=none\"\n",
        postfix.plain
    );
    let people = "email\nann@gone.example.com\nbo@full.example.com\ncy@refused.example.com\ndi@example.com\n";
    let project = Project::empty()
        .file("mimeo.toml", settings)
        .file("subscribers.csv", people)
        .file("issues/one.md", "---\ntitle: One\nnumber: 1\n---\n\nhello\n");
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("4 accepted");
    postfix.wait_for(4);
    let Some(dovecot) = Dovecot::over(Some(postfix.maildir())) else { return };
    with_mailbox(&project, &dovecot, &dovecot.url("imaps"), "move_to = \"Processed\"\n");
    let ran = read(&project, &[]).code(0).stderr_has("3 bounce").stderr_has("1 address is suppressed");
    for line in [
        "hard  ann@gone.example.com  5.1.1",
        "soft  bo@full.example.com  5.2.2",
        "ours  cy@refused.example.com  5.7.1",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{ran}");
    }
    assert!(ran.stdout.contains("imaps://127.0.0.1:"), "{ran}");
    // The letter to di is not a report, and stays.
    assert_eq!(dovecot.messages(""), (1, 0));
    let (unseen, seen) = dovecot.messages("Processed");
    assert_eq!(unseen + seen, 3);
}
