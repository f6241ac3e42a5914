//! ErrorKind on our side of a sending: signals, a full disk, a locked ledger, unsubscriptions in the middle, clocks.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    process::{Child, Command, Output, Stdio},
};

use crate::{
    crash::{addresses, counts, room},
    support::{
        newsroom::Newsroom,
        relay::{At, Do, Relay, Script, When},
        skip,
    },
};

fn start(room: &Newsroom, more: &[&str]) -> Child {
    let arguments: Vec<&str> = ["send", "one", "--yes", "--first"].iter().chain(more).copied().collect();
    let mut command: Command = room.mimeo(arguments).into_command();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn wait_until(mut done: impl FnMut() -> bool) {
    while !done() {
        std::thread::yield_now();
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn reader(number: usize) -> String {
    format!("reader{number:06}@example{}.com", number % 7)
}

#[test]
fn sigterm_and_a_closed_terminal_end_a_run_as_an_interrupt_does() {
    for name in ["INT", "TERM", "HUP"] {
        let relay = Relay::start(Script::new());
        let room = room(3_000, &format!("[pace]\nper_second = 200\n[relay]\nurl = \"{}\"\n", relay.url()));
        let child = start(&room, &[]);
        wait_until(|| 20 <= relay.counters().accepted);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let said = told(&output);
        assert_eq!(output.status.code(), Some(130), "{name}: {said}");
        assert!(said.contains("interrupted; run `mimeo send one` again to go on"), "{name}: {said}");
        let counts = counts(&room);
        assert_eq!((counts["unconfirmed"], counts["accepted"]), (0, relay.recipients().len()), "{name}");
        assert_eq!(counts["accepted"] + counts["queued"], 3_000, "{name}");
    }
}

#[test]
fn a_second_interrupt_stops_at_once_and_names_what_is_unconfirmed() {
    // The relay takes the bodies and says nothing: the letters under way would wait for ten minutes.
    let relay = Relay::start(Script::new().rule(At::Dot, When::Always, Do::Hang));
    let room = room(20, &format!("[relay]\nurl = \"{}\"\nconnections = 3\n", relay.url()));
    let mut child = start(&room, &[]);
    wait_until(|| crate::crash::counts_if_any(&room, "unconfirmed") == 3);
    signal(&child, "INT");
    let mut said = String::new();
    let mut lines = std::io::BufReader::new(child.stderr.take().unwrap());
    wait_until(|| {
        std::io::BufRead::read_line(&mut lines, &mut said).unwrap();
        said.contains("press Ctrl-C again to stop at once")
    });
    assert_eq!(child.try_wait().unwrap(), None, "it waits for the letters under way");
    // At once after the first it may be the same wish; so ask until it is heard.
    let mut ended = None;
    wait_until(|| {
        ended = child.try_wait().unwrap();
        if ended.is_none() {
            signal(&child, "INT");
        }
        ended.is_some()
    });
    std::io::Read::read_to_string(&mut lines, &mut said).unwrap();
    assert_eq!(ended.unwrap().code(), Some(130), "{said}");
    assert!(said.contains("3 unconfirmed: `mimeo status one --state unconfirmed` names them"), "{said}");
    assert_eq!(addresses(&room, "unconfirmed").len(), 3);
    assert_eq!(counts(&room)["queued"], 17);
}

/// Presses Ctrl-C again and again, and says how long after the first one the program stopped at once.
fn pressed_until_it_stops() -> std::time::Duration {
    use std::{
        io::{BufRead as _, BufReader},
        sync::mpsc::{self, RecvTimeoutError},
        time::{Duration, Instant},
    };
    let relay = Relay::start(Script::new().rule(At::Dot, When::Always, Do::Hang));
    let room = room(20, &format!("[relay]\nurl = \"{}\"\nconnections = 3\n", relay.url()));
    let mut child = start(&room, &[]);
    wait_until(|| crate::crash::counts_if_any(&room, "unconfirmed") == 3);
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
                assert_eq!(addresses(&room, "unconfirmed").len(), 3);
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
    let room = room(20, &format!("[relay]\nurl = \"{}\"\nconnections = 3\n", relay.url()));
    let mut child = start(&room, &[]);
    wait_until(|| relay.counters().connections == 3);
    signal(&child, "INT");
    let mut ended = None;
    wait_until(|| {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().code(), Some(130));
    assert_eq!(counts(&room)["queued"], 20);
}

#[test]
fn who_unsubscribes_in_the_middle_gets_nothing() {
    let relay = Relay::start(Script::new());
    let room = room(400, &format!("[pace]\nper_second = 100\n[relay]\nurl = \"{}\"\n", relay.url()));
    let child = start(&room, &[]);
    wait_until(|| 5 <= relay.counters().accepted);
    let late = reader(399);
    room.run(["suppress", &late, "--reason", "unsubscribed"]).code(0);
    assert!(!relay.recipients().contains(&late), "the test is too slow to say anything");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(!relay.recipients().contains(&late));
    assert_eq!(addresses(&room, "suppressed"), BTreeSet::from([late]));
    assert_eq!(counts(&room)["accepted"], 399);
}

#[test]
fn a_locked_ledger_is_told_and_loses_nothing() {
    let room = room(5, "");
    room.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    let other = rusqlite::Connection::open(room.path(".mimeo/ledger.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    room.run(["send", "one", "--yes", "--first"])
        .code(1)
        .stderr_has("the ledger is locked by another process")
        .stderr_has("run again when it is done");
    other.execute_batch("ROLLBACK").unwrap();
    room.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("5 accepted");
}

/// A disk of some megabytes that may be filled up; unmounted with the value.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        if mounted.is_ok_and(|ran| ran.status.success()) {
            return Some(Self(folder));
        }
        skip("a small disk cannot be mounted here (needs root)");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_disk_that_fills_in_the_middle_stops_the_run_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount(16) else { return };
    let relay = Relay::start(Script::new());
    let ledger = disk.0.path().join("mimeo/ledger.db");
    let room = room(
        4_000,
        &format!(
            "[ledger]\npath = \"{}\"\n[pace]\nper_second = 400\n[relay]\nurl = \"{}\"\nconnections = 4\n",
            ledger.display(),
            relay.url()
        ),
    );
    let child = start(&room, &[]);
    wait_until(|| 20 <= relay.counters().accepted);
    let mut filler = fs::File::create(disk.0.path().join("filler")).unwrap();
    for size in [1 << 16, 1 << 12, 1] {
        while filler.write_all(&vec![1; size]).is_ok() {}
    }
    let output = child.wait_with_output().unwrap();
    let said = told(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no space is left for the ledger"), "{said}");
    assert!(said.contains("free some disk space and run again"), "{said}");
    drop(filler);
    fs::remove_file(disk.0.path().join("filler")).unwrap();
    let before = counts(&room);
    assert!(0 < before["queued"], "{before:?}");
    assert!(before["unconfirmed"] <= 4, "no more than letters under way: {before:?}");
    let ran = room.run(["send", "one", "--yes", "--first"]);
    let after = counts(&room);
    assert_eq!(after["accepted"] + after["unconfirmed"], 4_000, "{after:?}\n{ran}");
    let taken = relay.recipients();
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), taken.len(), "somebody got it twice");
    assert!(addresses(&room, "accepted").iter().all(|who| taken.contains(who)));
}

#[test]
fn a_ledger_on_a_disk_that_cannot_be_written_is_told_and_can_still_be_asked() {
    let Some(disk) = SmallDisk::mount(8) else { return };
    let path = disk.0.path().join("a ledger? #1.db");
    let room = room(3, &format!("[ledger]\npath = \"{}\"\n", path.display()));
    room.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    let remount = Command::new("mount").args(["-o", "remount,ro"]).arg(disk.0.path()).status().unwrap();
    assert!(remount.success());
    room.run(["send", "one", "--yes", "--first"])
        .code(1)
        .stderr_has("the ledger can only be read")
        .stderr_has("look at its permissions");
    assert_eq!((counts(&room)["accepted"], room.list("outbox").len()), (1, 1));
}

#[test]
fn a_clock_that_was_ahead_holds_no_letter_back() {
    let relay = Relay::start(Script::new().rule(At::Rcpt, When::First(2), Do::Say("450 4.2.0 later".into())));
    let room = room(4, &format!("[relay]\nurl = \"{}\"\n", relay.url()));
    room.run(["send", "one", "--yes", "--first", "--limit", "1"]);
    // As if the first try had been made in the year 2100.
    let ledger = rusqlite::Connection::open(room.path(".mimeo/ledger.db")).unwrap();
    ledger
        .execute("UPDATE deliveries SET state = 'deferred', due_at = 4102444800000, epoch = epoch + 1 WHERE id = 4", [])
        .unwrap();
    drop(ledger);
    room.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("4 accepted");
    assert_eq!(relay.recipients().len(), 4);
}

#[test]
fn a_sender_that_was_asleep_holds_what_it_holds_and_goes_on_when_it_wakes() {
    let relay = Relay::start(Script::new());
    // A sender claims a thousand at a time, so that something is left for another one.
    let room = room(1_200, &format!("[pace]\nper_second = 400\n[relay]\nurl = \"{}\"\n", relay.url()));
    let child = start(&room, &[]);
    let mut seen = 20;
    let second = loop {
        wait_until(|| seen <= relay.counters().accepted);
        signal(&child, "STOP");
        let second = room.run(["send", "one", "--yes", "--first"]);
        signal(&child, "CONT");
        // Whoever falls asleep in the middle of a commit keeps the ledger locked: that is reported, and tested elsewhere.
        if !second.stderr.contains("the ledger is locked") {
            break second;
        }
        seen = relay.counters().accepted + 5;
        assert!(seen < 1_000, "it always falls asleep in the middle of a commit");
    };
    // Its lock says that it lives, however long it sleeps: nobody takes its letters from it.
    second.code(4).stderr_has("another sender is at work on");
    let output = child.wait_with_output().unwrap();
    let said = told(&output);
    assert!(matches!(output.status.code(), Some(0 | 4)), "{said}");
    room.run(["send", "one", "--yes", "--first"]);
    let counts = counts(&room);
    assert_eq!((counts["accepted"], counts["unconfirmed"]), (1_200, 0), "{counts:?} {said}");
    let taken = relay.recipients();
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (1_200, 1_200));
}

#[test]
fn two_senders_at_once_share_the_work() {
    let relay = Relay::start(Script::new());
    // A sender claims a thousand at a time.
    let room = room(1_600, &format!("[pace]\nper_second = 400\n[relay]\nurl = \"{}\"\n", relay.url()));
    room.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    let (first, second) = (start(&room, &[]), start(&room, &[]));
    for child in [first, second] {
        let output = child.wait_with_output().unwrap();
        let said = told(&output);
        match output.status.code() {
            Some(0) => {}
            Some(4) => assert!(said.contains("another sender is at work on"), "{said}"),
            other => panic!("{other:?}: {said}"),
        }
        assert!(!said.contains("unconfirmed"), "{said}");
    }
    let taken = relay.recipients();
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (1_600, 1_600));
    assert_eq!(counts(&room)["accepted"], 1_600);
}

#[test]
fn a_ledger_from_a_backup_is_refused_until_the_owner_says_so() {
    let room = room(6, "");
    room.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    let backup = fs::read(room.path(".mimeo/ledger.db")).unwrap();
    room.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    room.write(".mimeo/ledger.db", backup);
    room.run(["send", "one", "--yes", "--first"])
        .code(1)
        .stderr_has("is older than the last one used here")
        .stderr_has("--restored");
    room.run(["send", "one", "--yes", "--first", "--restored"]).code(0).stderr_has("6 accepted");
    room.run(["send", "one", "--yes", "--first"]).code(0);
}
