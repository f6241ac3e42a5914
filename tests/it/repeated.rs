//! Returned mail that is read again, and programs that are killed while they read it: each message counts once, whatever way it
//! comes in. Mailboxes with kills are in `mailbox.rs`.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    thread,
};

use serde_json::json;

use crate::{
    returned::{hard, newsletter, send, suppressed},
    support::{
        dovecot::{Dovecot, PASSWORD},
        postfix::Postfix,
        project::Project,
        relay::{Relay, Script},
        service::{HOST, Service},
    },
};

/// Everything that returned mail may change: what came back, who is suppressed, and what became of each delivery.
fn changed(project: &Project) -> Vec<String> {
    let db = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    let sql = "SELECT 'bounce ' || key || ' ' || coalesce(delivery, '-') || ' ' || effect || ' ' || resolved FROM bounces \
         UNION ALL SELECT 'suppression ' || key || ' ' || reason || ' ' || at FROM suppressions \
         UNION ALL SELECT 'delivery ' || id || ' ' || state FROM deliveries";
    let mut rows = db.prepare(sql).unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn count(project: &Project, what: &str) -> usize {
    changed(project).iter().filter(|line| line.starts_with(what)).count()
}

#[test]
fn the_same_message_counts_once_whatever_way_it_comes_in() {
    let relay = Relay::start(Script::new());
    let project = newsletter(3, &relay);
    let letters = send(&project, &relay, "one");
    let message = hard(&letters[0]);
    project.write("one.eml", &message);
    project.write("crlf.eml", message.replace('\n', "\r\n"));
    project.write(
        "mbox",
        format!("From x Mon Jan  1 10:00:00 2024\n{message}\nFrom x Mon Jan  1 10:00:00 2024\n{message}"),
    );
    project.write("folder/a", &message);
    for part in ["new", "cur", "tmp"] {
        project.write(&format!("Maildir/{part}/1"), &message);
    }
    project.run(["bounces", "one.eml"]).code(0).stderr_has("1 address is suppressed");
    let first = changed(&project);
    assert_eq!((count(&project, "bounce "), count(&project, "suppression ")), (1, 1), "{first:?}");
    for input in ["one.eml", "crlf.eml", "mbox", "folder", "Maildir"] {
        project.run(["bounces", input]).code(0).stderr_has("recorded before");
        assert_eq!(changed(&project), first, "{input}");
    }
    let mimeo = env!("CARGO_BIN_EXE_mimeo");
    project.shell(&format!("{mimeo} bounces - < one.eml")).code(0).stderr_has("recorded before");
    assert_eq!(changed(&project), first);
    // Whoever sends again tries no one again.
    project.run(["send", "one", "--yes"]).code(0);
    assert_eq!(relay.accepted().len(), 3);
    let Some(dovecot) = Dovecot::start() else { return };
    for scheme in ["imaps", "pop3s"] {
        let before = project.read("mimeo.toml");
        let (url, ca_file) = (dovecot.url(scheme), dovecot.ca_file().display().to_string());
        project.write(
            "mimeo.toml",
            format!("{before}[bounces.mailbox]\nurl = \"{url}\"\nca_file = \"{ca_file}\"\n"),
        );
        for round in 0..2 {
            dovecot.deliver(&format!("{scheme}{round}"), &message);
            let ran = project.mimeo(["bounces"]).env("MIMEO_BOUNCES_PASSWORD", PASSWORD).run();
            ran.code(0).stderr_has("recorded before");
            assert_eq!(changed(&project), first, "{scheme}");
        }
        project.write("mimeo.toml", before);
    }
}

#[test]
fn killed_while_it_reads_a_maildir_nothing_is_lost_and_nothing_counts_twice() {
    let relay = Relay::start(Script::new());
    let project = newsletter(60, &relay);
    let letters = send(&project, &relay, "one");
    for (index, letter) in letters.iter().enumerate() {
        project.write(&format!("Maildir/{}/{index:02}", ["new", "cur"][index % 2]), hard(letter));
    }
    for round in 1..5 {
        let mut command = project.mimeo(["bounces", "Maildir"]).into_command();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        lines.take(13 * round).for_each(|line| drop(line.unwrap()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(count(&project, "suppression ") >= 13 * round / 2, "what was said was recorded");
        assert_eq!(count(&project, "suppression "), count(&project, "bounce "));
    }
    project.run(["bounces", "Maildir"]).code(0);
    assert_eq!((count(&project, "bounce "), suppressed(&project).len()), (60, 60));
    project.run(["status", "one"]).code(0).stdout_has("bounced            60");
    project.run(["ledger", "check"]).code(0);
}

#[test]
fn killed_while_a_hook_takes_events_nothing_that_was_answered_is_lost_and_nothing_counts_twice() {
    let relay = Relay::start(Script::new());
    let project = newsletter(60, &relay);
    let letters = send(&project, &relay, "one");
    let settings = project.read("mimeo.toml");
    let hooks = "[hooks.postmark]\nsecret = { env = \"POSTMARK\" }\n";
    project.write("mimeo.toml", format!("{settings}[serve]\nurl = \"https://{HOST}/\"\n{hooks}"));
    let start = || {
        let command = project.mimeo(["-q", "serve", "--listen", "127.0.0.1:0"]);
        Service::started(command.env("POSTMARK", "open sesame"))
    };
    let requests: Vec<String> = letters
        .iter()
        .enumerate()
        .map(|(index, letter)| {
            let event = json!({"RecordType": "Bounce", "Type": "HardBounce", "Email": letter.to, "ID": index, "BouncedAt": "2024-01-01T10:00:00Z"}).to_string();
            format!(
                "POST /hooks/postmark HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\
                 Authorization: Bearer open sesame\r\nContent-Length: {}\r\n\r\n{event}",
                event.len()
            )
        })
        .collect();
    // A service of this kind sends an event again until it is answered.
    let mut answered = 0;
    for round in 0..6 {
        let mut service = start();
        let place = service.place();
        let waiting = &requests[answered..(answered + 9).min(requests.len())];
        answered += thread::scope(|scope| {
            let sending = scope.spawn(|| {
                let taken = |request: &&String| {
                    place.raw(request.as_bytes()).is_ok_and(|answer| answer.status == 200)
                };
                waiting.iter().take_while(taken).count()
            });
            // At another moment in each round.
            for _ in 0..round * 2 {
                let _ = place.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            }
            service.kill();
            sending.join().unwrap()
        });
        let kept = suppressed(&project);
        for letter in &letters[..answered] {
            assert!(
                kept.iter().any(|line| line.starts_with(&letter.to)),
                "{} was answered and is not known",
                letter.to
            );
        }
    }
    let service = start();
    for request in &requests {
        assert_eq!(service.place().raw(request.as_bytes()).unwrap().status, 200);
    }
    assert_eq!((count(&project, "bounce "), suppressed(&project).len()), (60, 60));
    drop(service);
    project.run(["ledger", "check"]).code(0);
}

#[test]
fn a_real_postfix_pipes_reports_into_the_program_and_keeps_what_cannot_be_processed() {
    let Some(postfix) = Postfix::start() else { return };
    let relay = Relay::start(Script::new());
    let project = newsletter(3, &relay);
    let letters = send(&project, &relay, "one");
    // The user of the pipe reads and writes the newsletter's folder.
    let folder = project.path("").display().to_string();
    assert!(std::process::Command::new("chown").args(["-R", "daemon", &folder]).status().unwrap().success());
    let program = postfix.program();
    postfix.pipe("bounces@example.org", &format!("{program} -C {folder} bounces - || exit 75"));
    postfix.report(&letters[0].from, &hard(&letters[0]));
    postfix.wait_for_log("status=sent (delivered via mimeo service");
    assert_eq!(count(&project, "suppression "), 1);
    // What goes wrong here is no reason to lose the report: Postfix tries again.
    std::fs::rename(project.path("mimeo.toml"), project.path("away.toml")).unwrap();
    project.write("mimeo.toml", "[newsletter\n");
    postfix.report(&letters[1].from, &hard(&letters[1]));
    postfix.wait_for_log("status=deferred");
    std::fs::rename(project.path("away.toml"), project.path("mimeo.toml")).unwrap();
    postfix.flush();
    let began = std::time::Instant::now();
    while count(&project, "suppression ") < 2 {
        assert!(began.elapsed().as_secs() < 60, "{:?}", changed(&project));
        postfix.flush();
    }
    assert_eq!(count(&project, "bounce "), 2);
}
