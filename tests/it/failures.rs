//! Failures on our side of a dispatch: signals, a full disk, a locked ledger, unsubscriptions in the middle, clocks.

use std::{
    collections::BTreeSet,
    fs,
    process::{Child, Command, Output, Stdio},
};

use crate::{
    crash::{addresses, counts, project},
    support::{
        disk::SmallDisk,
        project::Project,
        relay::{At, Do, Relay, Script, When},
        until,
    },
};

fn start(project: &Project, more: &[&str]) -> Child {
    let arguments: Vec<&str> = ["send", "one", "--yes", "--first"].iter().chain(more).copied().collect();
    let mut command: Command = project.mimeo(arguments).into_command();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn report(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn reader(number: usize) -> String {
    format!("reader{number:06}@example{}.com", number % 7)
}

#[test]
fn sigterm_and_a_closed_terminal_end_a_run_as_an_interrupt_does() {
    for name in ["INT", "TERM", "HUP"] {
        let relay = Relay::start(Script::new());
        let project =
            project(3_000, &format!("[pace]\nper_second = 200\n[relay]\nurl = \"{}\"\n", relay.url()));
        let child = start(&project, &[]);
        until("letters", || relay.counters().accepted >= 20);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let said = report(&output);
        assert_eq!(output.status.code(), Some(130), "{name}: {said}");
        assert!(said.contains("interrupted; run `mimeo send one` again to go on"), "{name}: {said}");
        let counts = counts(&project);
        assert_eq!((counts["unconfirmed"], counts["accepted"]), (0, relay.recipients().len()), "{name}");
        assert_eq!(counts["accepted"] + counts["queued"], 3_000, "{name}");
    }
}

#[test]
fn a_second_interrupt_stops_at_once_and_names_what_is_unconfirmed() {
    // The relay takes the bodies and says nothing: the letters under way would wait for ten minutes.
    let relay = Relay::start(Script::new().rule(At::Dot, When::Always, Do::Hang));
    let project = project(20, &format!("[relay]\nurl = \"{}\"\nconnections = 3\n", relay.url()));
    let mut child = start(&project, &[]);
    until("unconfirmed letters", || crate::crash::counts_if_any(&project, "unconfirmed") == 3);
    signal(&child, "INT");
    let mut said = String::new();
    let mut lines = std::io::BufReader::new(child.stderr.take().unwrap());
    until("what it shows", || {
        std::io::BufRead::read_line(&mut lines, &mut said).unwrap();
        said.contains("press Ctrl-C again to stop at once")
    });
    assert_eq!(child.try_wait().unwrap(), None, "it waits for the letters under way");
    // At once after the first it may be the same wish; so ask until it is heard.
    let mut ended = None;
    until("what it shows", || {
        ended = child.try_wait().unwrap();
        if ended.is_none() {
            signal(&child, "INT");
        }
        ended.is_some()
    });
    std::io::Read::read_to_string(&mut lines, &mut said).unwrap();
    assert_eq!(ended.unwrap().code(), Some(130), "{said}");
    assert!(said.contains("3 unconfirmed: `mimeo status one --state unconfirmed` names them"), "{said}");
    assert_eq!(addresses(&project, "unconfirmed").len(), 3);
    assert_eq!(counts(&project)["queued"], 17);
}

/// Presses Ctrl-C again and again, and says how long after the first one the program stopped at once.
fn pressed_until_it_stops() -> std::time::Duration {
    use std::{
        io::{BufRead as _, BufReader},
        sync::mpsc::{self, RecvTimeoutError},
        time::{Duration, Instant},
    };
    let relay = Relay::start(Script::new().rule(At::Dot, When::Always, Do::Hang));
    let project = project(20, &format!("[relay]\nurl = \"{}\"\nconnections = 3\n", relay.url()));
    let mut child = start(&project, &[]);
    until("unconfirmed letters", || crate::crash::counts_if_any(&project, "unconfirmed") == 3);
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (sender, said) = mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).all(|line| sender.send(line).is_ok()));
    signal(&child, "INT");
    while !said.recv().unwrap().contains("press Ctrl-C again") {}
    let first = Instant::now();
    loop {
        let pressed = first.elapsed();
        signal(&child, "INT");
        match said.recv_timeout(Duration::from_millis(10)) {
            Ok(line) if line.contains("stopping at once") => {
                assert_eq!(child.wait().unwrap().code(), Some(130));
                assert_eq!(addresses(&project, "unconfirmed").len(), 3);
                return pressed;
            }
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("it ended without a word"),
        }
    }
}

#[test]
fn two_presses_of_ctrl_c_within_300_milliseconds_are_two() {
    // On a busy machine a press may be late; what counts is that one within the time is heard.
    let soon = std::time::Duration::from_millis(300);
    assert!((0..5).any(|_| pressed_until_it_stops() < soon), "only a late press was heard");
}

#[test]
fn an_interrupt_before_the_greeting_ends_at_once_and_nothing_leaves() {
    let relay = Relay::start(Script::new().rule(At::Connect, When::Always, Do::Hang));
    let project = project(20, &format!("[relay]\nurl = \"{}\"\nconnections = 3\n", relay.url()));
    let mut child = start(&project, &[]);
    until("connections", || relay.counters().connections == 3);
    signal(&child, "INT");
    let mut ended = None;
    until("what it shows", || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().code(), Some(130));
    assert_eq!(counts(&project)["queued"], 20);
}

#[test]
fn who_unsubscribes_in_the_middle_gets_nothing() {
    let relay = Relay::start(Script::new());
    let project = project(400, &format!("[pace]\nper_second = 100\n[relay]\nurl = \"{}\"\n", relay.url()));
    let child = start(&project, &[]);
    until("letters", || relay.counters().accepted >= 5);
    let late = reader(399);
    project.run(["suppress", &late, "--reason", "unsubscribed"]).code(0);
    assert!(!relay.recipients().contains(&late), "the test is too slow to say anything");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", report(&output));
    assert!(!relay.recipients().contains(&late));
    assert_eq!(addresses(&project, "suppressed"), BTreeSet::from([late]));
    assert_eq!(counts(&project)["accepted"], 399);
}

#[test]
fn a_locked_ledger_is_reported_and_loses_nothing() {
    let project = project(5, "");
    project.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    let other = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    project
        .run(["send", "one", "--yes", "--first"])
        .code(1)
        .stderr_has("the ledger is locked by another process")
        .stderr_has("run again when it is done");
    other.execute_batch("ROLLBACK").unwrap();
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("5 accepted");
}

#[test]
fn a_disk_that_fills_in_the_middle_stops_the_run_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount(16) else { return };
    let relay = Relay::start(Script::new());
    let ledger = disk.path().join("mimeo/ledger.db");
    let project = project(
        4_000,
        &format!(
            "[ledger]\npath = \"{}\"\n[pace]\nper_second = 400\n[relay]\nurl = \"{}\"\nconnections = 4\n",
            ledger.display(),
            relay.url()
        ),
    );
    let child = start(&project, &[]);
    until("letters", || relay.counters().accepted >= 20);
    let full = disk.fill();
    let output = child.wait_with_output().unwrap();
    let said = report(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no space is left for the ledger"), "{said}");
    assert!(said.contains("free some disk space and run again"), "{said}");
    drop(full);
    let before = counts(&project);
    assert!(before["queued"] > 0, "{before:?}");
    assert!(before["unconfirmed"] <= 4, "no more than letters under way: {before:?}");
    let ran = project.run(["send", "one", "--yes", "--first"]);
    let after = counts(&project);
    assert_eq!(after["accepted"] + after["unconfirmed"], 4_000, "{after:?}\n{ran}");
    let taken = relay.recipients();
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), taken.len(), "someone got it twice");
    assert!(addresses(&project, "accepted").iter().all(|who| taken.contains(who)));
}

#[test]
fn a_ledger_on_a_disk_that_cannot_be_written_is_reported_and_can_still_be_asked() {
    let Some(disk) = SmallDisk::mount(8) else { return };
    let path = disk.path().join("a ledger? #1.db");
    let project = project(3, &format!("[ledger]\npath = \"{}\"\n", path.display()));
    project.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    let remount = Command::new("mount").args(["-o", "remount,ro"]).arg(disk.path()).status().unwrap();
    assert!(remount.success());
    project
        .run(["send", "one", "--yes", "--first"])
        .code(1)
        .stderr_has("the ledger can only be read")
        .stderr_has("look at its permissions");
    assert_eq!((counts(&project)["accepted"], project.list("outbox").len()), (1, 1));
}

#[test]
fn a_clock_that_was_ahead_holds_no_letter_back() {
    let relay = Relay::start(Script::new().rule(At::Rcpt, When::First(2), Do::Say("450 4.2.0 later".into())));
    let project = project(4, &format!("[relay]\nurl = \"{}\"\n", relay.url()));
    project.run(["send", "one", "--yes", "--first", "--limit", "1"]);
    // As if the first try had been made in the year 2100.
    let ledger = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    ledger
        .execute("UPDATE deliveries SET state = 'deferred', due_at = 4102444800000, epoch = epoch + 1 WHERE id = 4", [])
        .unwrap();
    drop(ledger);
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("4 accepted");
    assert_eq!(relay.recipients().len(), 4);
}

#[test]
fn a_sender_that_was_asleep_holds_what_it_holds_and_goes_on_when_it_wakes() {
    let relay = Relay::start(Script::new());
    // A sender claims a thousand at a time, so that something is left for another one.
    let project = project(1_200, &format!("[pace]\nper_second = 400\n[relay]\nurl = \"{}\"\n", relay.url()));
    let child = start(&project, &[]);
    let mut seen = 20;
    let second = loop {
        until("letters", || relay.counters().accepted >= seen);
        signal(&child, "STOP");
        let second = project.run(["send", "one", "--yes", "--first"]);
        signal(&child, "CONT");
        // Whoever falls asleep in the middle of a commit keeps the ledger locked: that is reported, and tested elsewhere.
        if !second.stderr.contains("the ledger is locked") {
            break second;
        }
        seen = relay.counters().accepted + 5;
        assert!(seen < 1_000, "it always falls asleep in the middle of a commit");
    };
    // Its lock says that it lives, however long it sleeps: no one takes its letters from it.
    second.code(4).stderr_has("another sender is at work on");
    let output = child.wait_with_output().unwrap();
    let said = report(&output);
    assert!(matches!(output.status.code(), Some(0 | 4)), "{said}");
    project.run(["send", "one", "--yes", "--first"]);
    let counts = counts(&project);
    assert_eq!((counts["accepted"], counts["unconfirmed"]), (1_200, 0), "{counts:?} {said}");
    let taken = relay.recipients();
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (1_200, 1_200));
}

#[test]
fn two_senders_at_once_share_the_work() {
    let relay = Relay::start(Script::new());
    // A sender claims a thousand at a time.
    let project = project(1_600, &format!("[pace]\nper_second = 400\n[relay]\nurl = \"{}\"\n", relay.url()));
    project.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    let (first, second) = (start(&project, &[]), start(&project, &[]));
    for child in [first, second] {
        let output = child.wait_with_output().unwrap();
        let said = report(&output);
        match output.status.code() {
            Some(0) => {}
            Some(4) => assert!(said.contains("another sender is at work on"), "{said}"),
            other => panic!("{other:?}: {said}"),
        }
        assert!(!said.contains("unconfirmed"), "{said}");
    }
    let taken = relay.recipients();
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (1_600, 1_600));
    assert_eq!(counts(&project)["accepted"], 1_600);
}

#[test]
fn a_ledger_from_a_backup_is_refused_until_the_owner_says_so() {
    let project = project(6, "");
    project.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    let backup = fs::read(project.path(".mimeo/ledger.db")).unwrap();
    project.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    project.write(".mimeo/ledger.db", backup);
    project
        .run(["send", "one", "--yes", "--first"])
        .code(1)
        .stderr_has("is older than the last one used here")
        .stderr_has("--restored");
    project.run(["send", "one", "--yes", "--first", "--restored"]).code(0).stderr_has("6 accepted");
    project.run(["send", "one", "--yes", "--first"]).code(0);
}
