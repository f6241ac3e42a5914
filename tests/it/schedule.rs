//! `mimeo send --at`: frozen now, sent then, by whoever sees first that it is due.

use std::process::Stdio;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    crash::{counts, project},
    support::{
        project::{Project, Ran},
        relay::{Relay, Script},
    },
};

fn through(relay: &Relay, people: usize) -> Project {
    project(people, &format!("[relay]\nurl = \"{}\"\n", relay.url()))
}

/// So many seconds from now, in UTC.
fn within(seconds: i64) -> String {
    let then = Timestamp::now() + SignedDuration::from_secs(seconds);
    then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// As if the schedule had been for so much earlier.
fn set_back(project: &Project, by: SignedDuration) {
    let ledger = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    let then = (Timestamp::now() - by).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let changed = ledger.execute("UPDATE schedules SET local_time = ?1, zone = 'UTC'", [then]).unwrap();
    assert_eq!(changed, 1);
}

fn detached(project: &Project, at: &str) -> Ran {
    project.run(["send", "one", "--yes", "--first", "--at", at, "--detach"])
}

fn status(project: &Project) -> Value {
    serde_json::from_str(&project.run(["status", "one", "--json"]).code(0).stdout).unwrap()
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[test]
fn the_plan_of_a_schedule_counts_from_its_time() {
    let relay = Relay::start(Script::new());
    let project = through(&relay, 3);
    project.write("mimeo.toml", format!("{}\n[pace]\nper_hour = 1\n", project.read("mimeo.toml")));
    detached(&project, "2999-12-04T09:00[UTC]")
        .code(0)
        .stderr_has("the last letter leaves about 2999-12-04 11:00 UTC")
        .stderr_has("scheduled for 2999-12-04 09:00 (UTC); the list is read again then");
    project.run(["status"]).code(0).stdout_has("One  scheduled for 2999-12-04 09:00 (UTC)\n");
}

#[test]
fn a_send_that_waits_sends_at_its_time_and_not_before() {
    let relay = Relay::start(Script::new());
    let project = through(&relay, 3);
    let at = within(8);
    project
        .run(["send", "one", "--yes", "--first", "--at", &at])
        .code(0)
        .stderr_has("the list is read again then")
        .stderr_has("`one` is sent in ")
        .stderr_has("3 accepted");
    let due: Timestamp = at.parse().unwrap();
    let ran = project.run(["status", "one", "--state", "accepted", "--json"]).code(0);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    for letter in report["deliveries"].as_array().unwrap() {
        let sent: Timestamp = letter["at"].as_str().unwrap().parse().unwrap();
        assert!(sent >= due, "{sent} is before {due}");
    }
    assert_eq!(relay.recipients().len(), 3);
}

#[test]
fn a_detached_schedule_is_shown_and_started_by_a_worker_with_the_list_as_it_is_then() {
    let relay = Relay::start(Script::new());
    let project = through(&relay, 3);
    detached(&project, "2999-12-04T09:00[Europe/Berlin]")
        .code(0)
        .stderr_has("scheduled for 2999-12-04 09:00 (Europe/Berlin): 2999-12-04 08:00 UTC")
        .stderr_has("`mimeo unschedule one` cancels it");
    project.run(["status"]).code(0).stdout_has("One  scheduled for 2999-12-04 09:00 (Europe/Berlin)");
    let report = status(&project);
    assert_eq!((report["opened_at"].clone(), report["planned"].as_u64()), (Value::Null, Some(0)));
    assert_eq!(report["schedule"]["state"], "waiting");
    assert_eq!(report["schedule"]["due_at"], "2999-12-04T08:00:00Z");
    project.run(["work"]).code(0).stderr("");
    assert_eq!(relay.recipients().len(), 0);
    let list = project.read("subscribers.csv");
    project.write("subscribers.csv", format!("{list}new@example.com,New\n"));
    set_back(&project, HOUR);
    project.run(["work"]).code(0).stderr_has("`one` starts, as scheduled for").stderr_has("4 accepted");
    assert_eq!(relay.recipients().len(), 4);
    assert_eq!(status(&project)["schedule"], Value::Null, "it is an ordinary dispatch now");
    project.run(["work"]).code(0).stderr("");
}

#[test]
fn several_workers_start_it_once() {
    let relay = Relay::start(Script::new());
    let project = through(&relay, 300);
    detached(&project, "2999-12-04T09:00").code(0);
    set_back(&project, HOUR);
    let start = || {
        let mut command = project.mimeo(["work"]).into_command();
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let workers: Vec<_> = (0..4).map(|_| start()).collect();
    let mut started = 0;
    for worker in workers {
        let output = worker.wait_with_output().unwrap();
        started += String::from_utf8(output.stderr).unwrap().matches("starts, as scheduled").count();
    }
    assert_eq!(started, 1);
    project.run(["work"]);
    assert_eq!((relay.recipients().len(), counts(&project)["accepted"]), (300, 300));
}

#[test]
fn an_edit_voids_a_schedule_and_scheduling_again_replaces_it() {
    let relay = Relay::start(Script::new());
    let project = through(&relay, 2);
    detached(&project, "2999-12-04T09:00").code(0);
    let issue = project.read("issues/one.md");
    project.write("issues/one.md", issue.replace("this is a letter", "this is a better letter"));
    set_back(&project, HOUR);
    project
        .run(["work"])
        .code(5)
        .stderr_has("`one` was edited after it was scheduled")
        .stderr_has("`mimeo send one --at TIME` schedules it as it is now");
    assert_eq!(relay.recipients().len(), 0);
    project
        .run(["status", "one"])
        .code(0)
        .stdout_has("not sent, the issue was edited after it was scheduled");
    detached(&project, "2999-12-05T09:00").code(0);
    let report = status(&project);
    assert_eq!(report["schedule"]["local_time"], "2999-12-05 09:00 (UTC)");
    // Sent by hand, it is not sent again at its time.
    project
        .run(["send", "one", "--yes", "--first"])
        .code(0)
        .stderr_has("is scheduled for 2999-12-05 09:00 (UTC); it is sent now instead")
        .stderr_has("2 accepted");
    project.run(["unschedule", "one"]).code(3).stderr_has("`one` is not scheduled");
}

#[test]
fn a_schedule_that_was_missed_by_more_than_the_owner_allows_is_held() {
    let relay = Relay::start(Script::new());
    let project = through(&relay, 2);
    detached(&project, "2999-12-04T09:00").code(0);
    set_back(&project, HOUR * 7);
    project
        .run(["work"])
        .code(5)
        .stderr_has("is held: nothing was running at its time, and 7 hours later is too late")
        .stderr_has("`mimeo send one` sends it now");
    project.run(["work"]).code(0).stderr("");
    assert_eq!(status(&project)["schedule"]["state"], "held");
    assert_eq!(relay.recipients().len(), 0);
    project.run(["unschedule", "one"]).code(0);
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n[schedule]\nlate = \"12h\"\n"));
    detached(&project, "2999-12-04T09:00").code(0);
    let ledger = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    ledger.execute("DELETE FROM schedules WHERE state = 'canceled'", []).unwrap();
    set_back(&project, HOUR * 7);
    project.run(["work"]).code(0).stderr_has("2 accepted");
}

#[test]
fn an_unscheduled_issue_is_not_sent() {
    let relay = Relay::start(Script::new());
    let project = through(&relay, 2);
    detached(&project, "2999-12-04T09:00").code(0);
    project
        .run(["unschedule", "one"])
        .code(0)
        .stderr_has("`one` is not sent at 2999-12-04 09:00 (UTC) any more");
    set_back(&project, HOUR);
    project.run(["work"]).code(0).stderr("");
    project.run(["unschedule", "one"]).code(3).stderr_has("is not scheduled");
    assert_eq!(relay.recipients().len(), 0);
}

#[test]
fn times_that_cannot_be_meant_are_refused() {
    let project = project(2, "");
    for (at, what) in [
        ("2020-12-04T09:00", "the time `2020-12-04T09:00` is in the past"),
        ("2999-12-04", "the time of the day is missing"),
        ("09:00", "invalid time `09:00`: the day is missing"),
        ("tomorrow", "invalid time `tomorrow`: it does not begin with a date"),
        ("2999-12-04T09:00[Europe/Nowhere]", "unknown time zone"),
    ] {
        detached(&project, at).code(2).stderr_has(what).stderr_has("2026-12-04T09:00[Europe/Berlin]");
    }
    project.run(["send", "one", "--detach"]).code(2);
    project.run(["send", "one", "--at", "2999-12-04T09:00", "--limit", "2"]).code(2);
    project.run(["send", "one", "--at", "2999-12-04T09:00"]).code(2).stderr_has("cannot prompt");
}

#[test]
fn what_is_wrong_with_the_list_at_its_time_holds_it() {
    let relay = Relay::start(Script::new());
    let project = through(&relay, 2);
    detached(&project, "2999-12-04T09:00").code(0);
    let list = project.read("subscribers.csv");
    project.write("subscribers.csv", format!("{list}not-an-address,New\n"));
    set_back(&project, HOUR);
    project.run(["work"]).code(5).stderr_has("is held: 1 rows of the subscriber list cannot be used");
    project.write("subscribers.csv", list);
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("2 accepted");
}
