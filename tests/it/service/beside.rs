//! What the service does beside its answers: schedules, the newest issue, the suppression file.

use jiff::{SignedDuration, Timestamp};

use super::{letters, link, served_with, token, until};
use crate::support::{project::Project, service::Service};

fn working(project: &Project) -> Service {
    Service::started(project.mimeo(["-q", "serve", "--work", "--listen", "127.0.0.1:0"]))
}

fn subjects(project: &Project, address: &str) -> Vec<String> {
    let mine = letters(project, 0).into_iter().filter(|(to, ..)| to == address);
    mine.map(|(_, subject, _)| subject).collect()
}

/// Schedules the issue, as if it had been for a moment ago.
fn schedule(project: &Project) {
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    project.run(["send", "one", "--yes", "--at", "2999-01-02T03:04:05Z", "--detach"]).code(0);
    let then = (Timestamp::now() - SignedDuration::from_secs(5)).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let db = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    db.execute("UPDATE schedules SET local_time = ?1, zone = 'UTC'", [then]).unwrap();
}

#[test]
fn the_service_starts_what_is_scheduled_and_a_worker_sends_it() {
    let project = served_with("");
    schedule(&project);
    let mut service = Service::of(&project);
    let report = || -> serde_json::Value {
        serde_json::from_str(&project.run(["status", "one", "--json"]).code(0).stdout).unwrap()
    };
    until("the start", || report()["opened_at"].is_string());
    assert_eq!(service.end(), Some(0));
    assert_eq!(letters(&project, 0).len(), 0, "it answers readers, and sends no issue");
    project.run(["work"]).code(0);
    assert_eq!(subjects(&project, "ann@example.com"), ["One two three"]);
}

#[test]
fn with_work_the_service_sends_what_is_scheduled_itself() {
    let project = served_with("");
    schedule(&project);
    let mut service = working(&project);
    letters(&project, 1);
    assert_eq!(subjects(&project, "ann@example.com"), ["One two three"]);
    assert_eq!(service.end(), Some(0));
    project.run(["send", "one", "--yes"]).code(0).stderr_has("nothing to send: 1 accepted");
}

#[test]
fn who_confirms_gets_the_newest_issue_once() {
    let project = served_with("newest_issue = true\n\n[topics]\ntea = \"Tea\"\n").file(
        "issues/tea.md",
        "---\ntitle: About tea\nnumber: 2\ndate: 2026-02-02\ntopics: [tea]\n---\n\nTea.\n",
    );
    project.run(["subscribers", "add", "ann@example.com", "--topic", "tea"]).code(0);
    for issue in ["one", "tea"] {
        project.run(["send", issue, "--yes"]).code(0).stderr_has("1 accepted");
    }
    let service = working(&project);
    // The newest that is about something they want.
    for (address, topics, expected) in [
        ("tea@example.com", "&topic=tea", "About tea"),
        ("none@example.com", "&topics=chosen", "One two three"),
    ] {
        service.post("/subscribe", &format!("email={address}{topics}")).code(303);
        until("the letter", || !subjects(&project, address).is_empty());
        let all = letters(&project, 1);
        let confirm = link(&all.iter().find(|(to, ..)| to == address).unwrap().2, "confirm");
        for _ in 0..2 {
            service.post(&confirm, "").code(200);
        }
        // The outbox keeps the last letter to each address.
        until("the newest issue", || subjects(&project, address) == [expected]);
    }
    project.run(["send", "tea", "--yes"]).code(0).stderr_has("nothing to send: 2 accepted");
    project.run(["send", "one", "--yes"]).code(0).stderr_has("1 new on the list");
    assert_eq!(subjects(&project, "tea@example.com"), ["One two three"]);
}

#[test]
fn the_suppression_file_follows_while_the_service_runs() {
    let project = served_with("\n[suppress]\nfile = \"suppressions.txt\"\n");
    for address in ["ann@example.com", "bo@example.com", "cy@example.com"] {
        project.run(["subscribers", "add", address]).code(0);
    }
    project.run(["suppress", "--write-file"]).code(0);
    let entries =
        || project.read("suppressions.txt").lines().filter(|line| line.contains(" unsubscribed ")).count();
    let mut service = Service::of(&project);
    service.post(&format!("/unsubscribe/{}", token(&project, "ann@example.com")), "").code(200);
    until("a line", || entries() == 1);
    // What another process does is seen too.
    project.run(["subscribers", "unsubscribe", "bo@example.com"]).code(0);
    until("two lines", || entries() == 2);
    // Who comes back by confirming is taken out: otherwise the next send would suppress them again.
    service.post("/subscribe", "email=ann@example.com").code(303);
    service.post(&link(&letters(&project, 1)[0].2, "confirm"), "").code(200);
    until("one line", || entries() == 1);
    // Who is erased stays in it, without an address.
    service.post("/preferences", "email=bo@example.com").code(303);
    until("a link", || letters(&project, 1).iter().any(|(to, ..)| to == "bo@example.com"));
    let all = letters(&project, 2);
    let path = link(&all.iter().find(|(to, ..)| to == "bo@example.com").unwrap().2, "preferences");
    service.post(&path, "action=erase").code(200);
    // Killed before it could write: the next one catches up.
    service.post(&format!("/unsubscribe/{}", token(&project, "cy@example.com")), "").code(200);
    service.kill();
    let mut service = Service::of(&project);
    until("cy", || entries() == 2);
    // And at the end.
    service.post(&format!("/unsubscribe/{}", token(&project, "ann@example.com")), "").code(200);
    assert_eq!(service.end(), Some(0));
    assert_eq!(entries(), 3);
    project.run(["send", "one", "--dry-run"]).code(0).stderr_has("nothing to send");
}
