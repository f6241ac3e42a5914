//! `mimeo work`: processes without the newsletter's folder that join what is open.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{
    crash::{counts, project},
    pace::{ledgers, times},
    support::{
        self,
        project::{Project, Ran},
        relay::{At, Do, Relay, Script, When},
        schema::hold,
    },
};

/// A relay that turns the first sender away, so that its dispatch is open and nothing has left.
fn late_relay(script: Script) -> Relay {
    Relay::start(script.rule(At::Greeting, When::First(1), Do::SayAndClose("554 5.3.2 not yet".into())))
}

/// A newsletter whose dispatch is open with so many people, and no letter has left.
fn opened(relay: &Relay, people: usize, more: &str) -> Project {
    let project = project(people, &format!("{more}\n[relay]\nurl = \"{}\"\nconnections = 1\n", relay.url()));
    project.run(["send", "one", "--yes", "--first"]).code(5);
    assert_eq!(counts(&project)["queued"], people);
    project
}

fn arguments<'a>(ledger: &'a str, secrets: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["work", "--ledger", ledger, "--secrets", secrets], more].concat()
}

/// A worker in another folder, with the ledger and the secrets of the newsletter.
fn worker(elsewhere: &Project, project: &Project, more: &[&str]) -> Command {
    let (ledger, secrets) = (project.path(".mimeo/ledger.db"), project.path(".mimeo"));
    let more = arguments(ledger.to_str().unwrap(), secrets.to_str().unwrap(), more);
    elsewhere.mimeo(more).into_command()
}

fn run(elsewhere: &Project, project: &Project, more: &[&str]) -> Ran {
    Ran::of(worker(elsewhere, project, more))
}

#[test]
fn a_worker_without_the_newsletter_s_folder_sends_what_is_open() {
    let relay = late_relay(Script::new());
    let project = opened(&relay, 30, "");
    let elsewhere = Project::empty();
    run(&elsewhere, &project, &[])
        .code(0)
        .stderr_has("`one`: 30 letters are left, through smtp://")
        .stderr_has("`one`: 30 accepted (this worker: 30 attempts in ");
    assert_eq!(relay.recipients().len(), 30);
    assert!(String::from_utf8_lossy(&relay.accepted()[0].bytes).contains("this is a letter"));
    assert_eq!(elsewhere.list("."), Vec::<String>::new(), "a worker leaves nothing behind");
    run(&elsewhere, &project, &[]).code(0).stderr("");
    project.run(["send", "one", "--yes"]).code(0).stderr_has("nothing to send: 30 accepted");
}

#[test]
fn workers_at_the_same_time_share_the_letters() {
    let relay = late_relay(Script::new());
    let project = opened(&relay, 3_000, "[pace]\nadaptive = false\n");
    let elsewhere = Project::empty();
    let start = || worker(&elsewhere, &project, &["--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let workers = [start(), start(), start()];
    let mut letters = 0;
    for child in workers {
        let output = child.wait_with_output().unwrap();
        // One that finds the rest in the hands of others says so.
        assert!(matches!(output.status.code(), Some(0 | 4)), "{output:?}");
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            hold("work", &line);
            letters += line["letters"].as_u64().filter(|_| line["event"] == "left").unwrap_or_default();
        }
    }
    assert_eq!((letters, relay.recipients().len()), (3_000, 3_000));
    assert_eq!(counts(&project)["accepted"], 3_000);
}

#[test]
fn what_was_opened_for_some_people_is_left_alone() {
    let relay = Relay::start(Script::new());
    let project = project(10, &format!("[relay]\nurl = \"{}\"\n", relay.url()));
    let elsewhere = Project::empty();
    project.run(["send", "one", "--yes", "--first", "--limit", "2"]).code(0);
    run(&elsewhere, &project, &[]).code(0).stdout("");
    assert_eq!(relay.recipients().len(), 2);
    // Whoever sends it to everybody opens it for workers; a trial afterwards does not close it.
    project.run(["send", "one", "--yes"]).code(0);
    project.run(["resolve", "one", "--accept"]).code(0);
    let people = project.read("subscribers.csv");
    project.write("subscribers.csv", format!("{people}new@example.com,New\nnewer@example.com,Newer\n"));
    project.run(["send", "one", "--yes", "--only", "new@example.com"]).code(0);
    run(&elsewhere, &project, &[]).code(0).stderr_has("`one`: 1 letter is left");
    assert_eq!(relay.recipients().len(), 12);
}

#[test]
fn a_worker_with_another_key_sends_nothing() {
    let relay = late_relay(Script::new());
    let project = opened(&relay, 3, "");
    let elsewhere = Project::empty().file("secrets/key", "ab".repeat(32));
    elsewhere.shell("chmod 600 secrets/key").code(0);
    let ledger = project.path(".mimeo/ledger.db");
    elsewhere
        .run(arguments(ledger.to_str().unwrap(), "secrets", &[]))
        .code(5)
        .stderr_has("the keys have changed since letters of this issue left");
    // And one without a key does not make one.
    elsewhere
        .run(arguments(ledger.to_str().unwrap(), "nowhere", &[]))
        .code(5)
        .stderr_has("the newsletter's key `")
        .stderr_has("is missing, and issues were sent with it");
    assert_eq!(relay.recipients().len(), 0);
}

#[test]
fn a_dispatch_that_the_brake_stopped_waits_for_the_owner() {
    let script = Script::new().rule(At::Rcpt, When::First(3), Do::Say("550 5.1.1 unknown".into()));
    let relay = Relay::start(script);
    let settings =
        format!("[pace.brake]\nrefusals_in_a_row = 3\n[relay]\nurl = \"{}\"\nconnections = 1\n", relay.url());
    let project = project(20, &settings);
    project.run(["send", "one", "--yes", "--first"]).code(5).stderr_has("stopped by the brake");
    let elsewhere = Project::empty();
    run(&elsewhere, &project, &[])
        .code(5)
        .stderr_has("`one`: left alone: stopped by the brake: 3 refused in a row")
        .stderr_has("`mimeo send one` goes on with it");
    assert_eq!(relay.recipients().len(), 0);
    project.run(["send", "one", "--yes"]).code(4).stderr_has("17 accepted, 3 failed");
}

#[test]
fn a_worker_needs_a_ledger_and_says_so() {
    Project::empty()
        .run(["work"])
        .code(2)
        .stderr_has("no ledger is named, and there is no mimeo.toml")
        .stderr_has("--ledger");
    Project::new().run(["work", "--for", "soon"]).code(2).stderr_has("invalid time `soon`");
}

/// Reads what a worker prints until it says that something happened.
fn until(child: &mut BufReader<ChildStdout>, event: &str) -> Value {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(child.read_line(&mut line).unwrap() > 0, "it ended before {event}");
        let said: Value = serde_json::from_str(&line).unwrap();
        hold("work", &said);
        if said["event"] == event {
            return said;
        }
    }
}

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

#[test]
fn a_watching_worker_joins_what_is_opened_later_and_stops_when_it_is_interrupted() {
    let relay = Relay::start(Script::new());
    let project = project(5, &format!("[relay]\nurl = \"{}\"\n", relay.url()));
    project.run(["send", "one", "--yes", "--first"]).code(0);
    let elsewhere = Project::empty();
    let mut watching = worker(&elsewhere, &project, &["--watch", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap());
    until(&mut lines, "waiting");
    // Failed letters are queued again by a run for one person; the others are the worker's.
    let issue =
        project.read("issues/one.md").replace("number: 1", "number: 2").replace("title: One", "title: Two");
    project.write("issues/two.md", issue);
    let dead = "smtp://127.0.0.1:1?tls=none";
    project.run(["send", "two", "--yes", "--relay", dead]).code(5);
    let skipped = until(&mut lines, "left");
    assert_eq!((skipped["issue"].as_str(), skipped["ended"].as_str()), (Some("two"), Some("relay_down")));
    interrupt(&watching);
    assert_eq!(watching.wait().unwrap().code(), Some(130));
    // A flag of the worker's own is stronger than what was stored.
    run(&elsewhere, &project, &["--relay", &relay.url(), "--for", "2s"])
        .code(0)
        .stderr_has("`two`: 5 accepted");
    assert_eq!(relay.recipients().len(), 10);
}

#[test]
fn workers_that_are_killed_and_stopped_skip_no_one_and_send_nothing_twice() {
    let relay = late_relay(Script::new().without_bodies());
    let people = 2_000;
    let project = opened(&relay, people, "[pace]\nadaptive = false\n");
    let elsewhere = Project::empty();
    let start = || {
        let mut command = worker(&elsewhere, &project, &["-q"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut kills = 0;
    for round in 1..=8_u64 {
        let mut workers: Vec<Child> = (0..3).map(|_| start()).collect();
        let enough = relay.counters().accepted + 60 + 37 * (round % 3);
        while relay.counters().accepted < enough
            && workers.iter_mut().any(|one| one.try_wait().unwrap().is_none())
        {
            std::thread::yield_now();
        }
        // One is killed, and one sleeps while the others go on.
        let sleeper = workers[1].id().to_string();
        let signal =
            |name: &str| drop(Command::new("kill").args([name, &sleeper]).stderr(Stdio::null()).status());
        signal("-STOP");
        kills += usize::from(workers[0].try_wait().unwrap().is_none());
        drop(workers[0].kill());
        workers[0].wait().unwrap();
        workers[2].kill().unwrap();
        workers[2].wait().unwrap();
        signal("-CONT");
        workers[1].kill().unwrap();
        workers[1].wait().unwrap();
    }
    assert!(kills > 0, "every worker had ended before it was killed");
    for _ in 0..10 {
        let ran = run(&elsewhere, &project, &["-q"]);
        if ran.code == Some(0) || counts(&project)["queued"] == 0 {
            break;
        }
    }
    let mut taken = relay.recipients();
    let letters = taken.len();
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), letters, "a letter was sent twice");
    let counts = counts(&project);
    assert_eq!((counts["planned"], counts["queued"], counts["deferred"]), (people, 0, 0), "{counts:?}");
    assert_eq!(counts["accepted"] + counts["unconfirmed"], people, "{counts:?}");
    let known = |state| crate::crash::addresses(&project, state);
    let (accepted, unconfirmed) = (known("accepted"), known("unconfirmed"));
    assert!(accepted.iter().all(|one| taken.binary_search(one).is_ok()), "accepted, and the relay has none");
    assert!(
        taken.iter().all(|one| accepted.contains(one) || unconfirmed.contains(one)),
        "sent and not recorded"
    );
    // Each worker has one connection: no more can be in doubt than were under way.
    assert!(unconfirmed.len() <= 8 * 3, "{counts:?}");
}

#[test]
fn refusals_of_several_senders_pull_the_brake_together() {
    for ledger in ledgers() {
        let gone = Do::SayAndClose("554 5.3.2 not yet".into());
        let refuse = || Do::Say("550 5.1.1 unknown".into());
        // The first worker sees four refusals and then no relay; the second one four more, and then slow acceptances.
        let script = Script::new()
            .rule(At::Greeting, When::Nth(1), gone.clone())
            .rule(At::Greeting, When::Nth(3), gone)
            .rule(At::Rcpt, When::First(4), refuse())
            .rule(At::Rcpt, When::Nth(5), Do::SayAndClose("421 4.3.2 shutting down".into()))
            .rule(At::Rcpt, When::First(9), refuse())
            .rule(At::Dot, When::Always, Do::Wait(Duration::from_millis(400)));
        let relay = Relay::start(script.without_pipelining());
        let brake = "[pace.brake]\nrefusals_in_a_row = 0\nshare = 0.5\nsample = 8\n";
        let settings = format!("{ledger}{brake}[relay]\nurl = \"{}\"\nconnections = 1\n", relay.url());
        let project = project(40, &settings);
        project.run(["send", "one", "--yes", "--first"]).code(5);
        let first = project.run(["work"]).code(5);
        assert_eq!(counts(&project)["failed"], 4, "{first}");
        project.run(["work"]).code(5).stderr_has("stopped by the brake");
        let (failed, accepted) = (counts(&project)["failed"], counts(&project)["accepted"]);
        assert_eq!(failed, 8);
        assert!(accepted <= 8, "{accepted} letters left until the brake was pulled");
        project.run(["work"]).code(5).stderr_has("left alone: stopped by the brake: ");
        // The owner lets them go on: what was counted before counts no more.
        project.run(["resume", "one"]).code(0);
        project.run(["work"]).code(4).stderr_has("32 accepted, 8 failed");
    }
}

#[test]
fn connections_to_one_domain_are_shared_by_all_senders() {
    for ledger in ledgers() {
        let slow = Do::Wait(Duration::from_millis(150));
        let script = Script::new().rule(At::Dot, When::To("@example1.com".to_owned()), slow);
        let relay = late_relay(script.without_bodies());
        let pace = "[pace]\nadaptive = false\nper_second = 120\n[pace.per_domain]\n\"example1.com\" = { connections = 2 }\n";
        let settings = format!("{ledger}{pace}[relay]\nurl = \"{}\"\nconnections = 1\n", relay.url());
        let project = project(420, &settings);
        project.run(["send", "one", "--yes", "--first"]).code(5);
        project.write(
            "mimeo.toml",
            project.read("mimeo.toml").replace("connections = 1\n", "connections = 4\n"),
        );
        let start = || {
            let mut command = project.mimeo(["work", "-q"]).into_command();
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let mut first = start();
        support::until("letters", || relay.counters().accepted >= 20);
        let mut second = start();
        for worker in [&mut first, &mut second] {
            worker.wait().unwrap();
        }
        project.run(["work", "-q"]);
        assert_eq!(counts(&project)["accepted"], 420);
        // Each has one of the two; only until the first knows of the second it has both. Two senders that know nothing of each other
        // have four letters under way at once.
        let times = times(&relay, "@example1.com");
        let shortest = times.windows(4).map(|four| four[3] - four[0]).fold(f64::MAX, f64::min);
        assert_eq!(times.len(), 60);
        assert!(shortest >= 0.149, "four letters were under way at once: within {shortest} s");
    }
}
