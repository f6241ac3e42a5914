//! Dispatches from the first plan to the last letter, with the real program and a scripted relay.

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Stdio},
};

use mimeograph::ledger::{Ledger, Wanted};
use serde_json::Value;

use crate::{
    crash::{addresses, counts, project},
    support::{
        ports::free_port,
        project::Project,
        relay::{At, Do, Relay, Script, When},
        until, within_one_day,
    },
};

fn through(relay: &Relay, people: usize, more: &str) -> Project {
    project(people, &format!("{more}\n[relay]\nurl = \"{}\"\nconnections = 2\n", relay.url()))
}

fn reader(number: usize) -> String {
    format!("reader{number:06}@example{}.com", number % 7)
}

#[test]
fn a_dry_run_makes_the_very_letters_and_leaves_no_trace() {
    let project = Project::gradient_ascent();
    project
        .run(["send", "a-year-in-review", "--dry-run"])
        .code(0)
        .stderr_has("dry run: 12 letters in `outbox`");
    let dry: Vec<(String, String)> = project
        .list("outbox")
        .into_iter()
        .map(|name| (name.clone(), project.read(&format!("outbox/{name}"))))
        .collect();
    assert_eq!(dry.len(), 12);
    assert!(!project.path(".mimeo/ledger.db").exists(), "nothing is written down");
    fs::remove_dir_all(project.path("outbox")).unwrap();
    project.run(["send", "a-year-in-review", "--yes", "--first"]).code(0).stderr_has("12 accepted");
    let undated =
        |text: &str| -> String { text.lines().filter(|line| !line.starts_with("Date: ")).collect() };
    for (name, letter) in dry {
        assert_eq!(undated(&project.read(&format!("outbox/{name}"))), undated(&letter), "{name}");
    }
    project
        .run(["send", "a-year-in-review", "--yes", "--first"])
        .code(0)
        .stderr_has("nothing to send: 12 accepted");
}

#[test]
fn a_draft_is_refused_and_a_list_with_bad_rows_too() {
    let project = project(2, "");
    let text = project.read("issues/one.md");
    project.write("issues/one.md", text.replace("number: 1", "number: 1\ndraft: true"));
    project.run(["send", "one", "--yes", "--first"]).code(3).stderr_has("`issues/one.md` is a draft");
    project.write("issues/one.md", text);
    project.write("subscribers.csv", "email,first name\nann@example.com,Ann\nnobody,Bob\n");
    project
        .run(["send", "one", "--yes", "--first"])
        .code(3)
        .stderr_has("subscribers.csv:3")
        .stderr_has("--skip-bad-rows");
    assert_eq!(project.list("outbox"), Vec::<String>::new());
    project.run(["send", "one", "--yes", "--first", "--skip-bad-rows"]).code(0).stderr_has("1 accepted");
}

#[test]
fn without_yes_and_without_a_person_nothing_is_sent() {
    let project = project(2, "");
    project
        .run(["send", "one"])
        .code(2)
        .stderr_has("cannot prompt: not a terminal; pass --yes")
        .stderr_has("2 people get it");
    assert_eq!(project.list("outbox"), Vec::<String>::new());
}

#[test]
fn an_edited_issue_is_refused_and_goes_on_as_it_was_opened() {
    let project = project(5, "");
    project
        .run(["send", "one", "--yes", "--first", "--limit", "2"])
        .code(0)
        .stderr_has("2 people get it (3 left for later)");
    assert_eq!(counts(&project)["queued"], 3);
    let text = project.read("issues/one.md");
    project.write("issues/one.md", text.replace("this is a letter", "this is another letter"));
    project
        .run(["send", "one", "--yes", "--first"])
        .code(3)
        .stderr_has("`one` has been edited since its dispatch was opened")
        .stderr_has("the text differs")
        .stderr_has("- Hello {{ subscriber.first_name | default(\"friend\") }}, this is a letter.")
        .stderr_has("+ Hello {{ subscriber.first_name | default(\"friend\") }}, this is another letter.")
        .stderr_has("--as-opened");
    project.run(["send", "one", "--yes", "--first", "--as-opened"]).code(0).stderr_has("5 accepted");
    for name in project.list("outbox") {
        assert!(project.read(&format!("outbox/{name}")).contains("this is a letter"), "{name}");
    }
    // A new number makes a new issue, for everybody.
    project.write("issues/one.md", text.replace("number: 1", "number: 2"));
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("5 people get it");
    // The old number is the old issue again.
    project.write("issues/one.md", text);
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("nothing to send: 5 accepted");
}

#[test]
fn people_who_come_later_get_the_same_issue_by_a_further_plan() {
    let project = project(3, "");
    project.run(["send", "one", "--yes", "--first"]).code(0);
    let list = project.read("subscribers.csv");
    project.write("subscribers.csv", format!("{list}late@example.com,Late\n"));
    project
        .run(["send", "one", "--yes", "--first"])
        .code(0)
        .stderr_has("1 person gets it (1 new on the list)");
    assert_eq!(counts(&project)["accepted"], 4);
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("nothing to send: 4 accepted");
}

#[test]
fn the_suppressed_get_nothing_and_are_counted() {
    let project = project(3, "");
    project
        .run(["suppress", &reader(1), "--reason", "unsubscribed"])
        .code(0)
        .stderr_has("1 address is suppressed");
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("2 people get it (1 suppressed)");
    assert_eq!(addresses(&project, "suppressed"), BTreeSet::from([reader(1)]));
    let exported = project.run(["suppress"]).code(0).stdout;
    assert!(exported.contains("unsubscribed"), "{exported}");
    project.run(["unsuppress", &reader(1)]).code(0);
    project.run(["unsuppress", &reader(1)]).code(3);
    project.write("old.csv", exported);
    project.run(["suppress", "--from", "old.csv"]).code(0).stderr_has("1 address is suppressed");
}

#[test]
fn a_deferred_letter_comes_back_and_a_refused_one_is_reported_with_its_reply() {
    let script = Script::new()
        .rule(At::Rcpt, When::FirstForEach(1), Do::Say("450 4.2.0 greylisted".into()))
        .say_to(At::Dot, "reader000002", "554 5.6.0 not like this");
    let relay = Relay::start(script);
    let project = through(&relay, 6, "");
    project.run(["send", "one", "--yes", "--first"]).code(4).stderr_has("5 accepted, 1 failed");
    assert_eq!(relay.recipients().len(), 5);
    let found: Value =
        serde_json::from_str(&project.run(["status", "one", "--state", "failed", "--json"]).code(0).stdout)
            .unwrap();
    let row = &found["deliveries"][0];
    assert_eq!((row["address"].as_str(), row["attempts"].as_u64()), (Some(reader(2).as_str()), Some(2)));
    assert!(row["reply"].as_str().unwrap().starts_with("554 5.6.0"), "{row}");
    project
        .run(["status", "--address", &reader(2)])
        .code(0)
        .stdout_has("deferred by")
        .stdout_has("refused by")
        .stdout_has("450 4.2.0");
    let csv = project.run(["status", "one", "--state", "failed", "--csv"]).code(0).stdout;
    assert!(csv.starts_with("address,state,attempts,reply,at\n"), "{csv}");
    // The owner may try those again that failed; the relay has not changed its mind.
    project.run(["send", "one", "--yes", "--first", "--retry-failed"]).code(4).stderr_has("1 person gets it");
    assert_eq!(counts(&project)["failed"], 1);
}

#[test]
fn no_such_person_is_suppressed_when_the_owner_wants_it_and_a_full_mailbox_never() {
    let script = Script::new().say_to(At::Rcpt, "reader000001", "550 5.1.1 no such person").say_to(
        At::Rcpt,
        "reader000002",
        "552 5.2.2 mailbox full",
    );
    let relay = Relay::start(script);
    let project = through(&relay, 4, "[suppress]\nhard_bounces = true\n");
    project.run(["send", "one", "--yes", "--first"]).code(4);
    let list = project.run(["suppress"]).code(0).stdout;
    assert!(list.contains(&reader(1)) && list.contains("hard_bounce"), "{list}");
    assert!(!list.contains(&reader(2)), "{list}");
}

#[test]
fn the_brake_stops_a_run_that_is_refused_again_and_again() {
    let relay = Relay::start(Script::new().say(At::Rcpt, "550 5.1.1 no such person"));
    let project = project(60, &format!("[relay]\nurl = \"{}\"\nconnections = 1\n", relay.url()));
    project
        .run(["send", "one", "--yes", "--first"])
        .code(5)
        .stderr_has("stopped by the brake: 10 refused in a row");
    let counts = counts(&project);
    assert!(counts["failed"] < 20 && counts["queued"] >= 40, "{counts:?}");
}

#[test]
fn an_unconfirmed_letter_is_named_and_waits_for_a_decision() {
    let relay = Relay::start(Script::new().rule(At::Dot, When::Nth(2), Do::TakeAndClose));
    let project = through(&relay, 5, "");
    project.run(["send", "one", "--yes", "--first"]).code(4).stderr_has("4 accepted, 1 unconfirmed");
    assert_eq!(relay.recipients().len(), 5);
    project.run(["send", "one", "--yes", "--first"]).code(4);
    assert_eq!(relay.recipients().len(), 5, "nothing is resent by itself");
    let named = addresses(&project, "unconfirmed");
    assert_eq!(named.len(), 1);
    let name = named.first().unwrap();
    project.run(["resolve", "one", "--accept", "somebody@example.com"]).code(3);
    project
        .run(["resolve", "one", "--resend", name])
        .code(0)
        .stderr_has("1 unconfirmed letter back in the queue");
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("5 accepted");
    let twice: Vec<_> = relay.accepted().into_iter().filter(|letter| letter.to == *name).collect();
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[0].bytes, twice[1].bytes, "the same letter, to the byte");
}

#[test]
fn a_relay_that_is_not_there_stops_the_run_and_loses_nothing() {
    let port = free_port();
    let project = project(3, &format!("[relay]\nurl = \"smtp://127.0.0.1:{port}?tls=none\"\n"));
    project.run(["send", "one", "--yes", "--first"])
        .code(5)
        .stderr_has("stopped: the relay cannot be used (connecting)")
        .stderr_has("hint: check the relay's name and port, and that this machine may reach it; then run `mimeo send one` again");
    assert_eq!(counts(&project)["queued"], 3);
}

#[test]
fn a_relay_that_closes_now_and_then_gets_everything_in_the_end() {
    let script = Script::new()
        .rule(At::Mail, When::Every(7), Do::SayAndClose("421 4.3.2 closing".into()))
        .letters_per_connection(5);
    let relay = Relay::start(script);
    // Without timeout of its own for each 421: that would make a long test.
    let project = through(&relay, 60, "[pace]\nadaptive = false\n");
    let ran = project.run(["send", "one", "--yes", "--first"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let recipients: BTreeSet<String> = relay.recipients().into_iter().collect();
    assert_eq!((recipients.len(), relay.recipients().len()), (60, 60));
}

#[test]
fn a_sender_the_relay_does_not_want_stops_the_run_with_everybody_still_queued() {
    let relay = Relay::start(Script::new().say(At::Mail, "550 5.7.1 sender not allowed"));
    let project = through(&relay, 5, "");
    project.run(["send", "one", "--yes", "--first"]).code(5).stderr_has("sender not allowed");
    assert_eq!(counts(&project)["queued"], 5);
}

#[test]
fn only_where_and_limit_choose_who_gets_it_now() {
    let project = project(10, "");
    project
        .run(["send", "one", "--yes", "--first", "--only", &format!("{},{}", reader(3), reader(4))])
        .code(0);
    assert_eq!(addresses(&project, "accepted"), BTreeSet::from([reader(3), reader(4)]));
    project
        .run(["send", "one", "--yes", "--first", "--where", "first_name=Reader 7"])
        .code(0)
        .stderr_has("1 person gets it");
    assert!(addresses(&project, "accepted").contains(&reader(7)));
    project.run(["send", "one", "--yes", "--first", "--sample", "3"]).code(0).stderr_has("3 people get it");
    assert_eq!(counts(&project)["accepted"], 6);
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("10 accepted");
}

#[test]
fn a_choice_that_finds_no_one_says_why() {
    let project = project(4, "");
    project
        .run(["send", "one", "--yes", "--first", "--only", &format!("{},nobody@example.com", reader(1))])
        .code(3)
        .stderr_has("`nobody@example.com` is not in `subscribers.csv`");
    project
        .run(["send", "one", "--yes", "--first", "--where", "frist_name=Reader 1"])
        .code(3)
        .stderr_has("--where:1:1")
        .stderr_has("unknown field `frist_name`")
        .stderr_has("did you mean `first_name`?");
    project
        .run(["send", "one", "--yes", "--first", "--where", "first_name == 1"])
        .code(2)
        .stderr_has("--where:1:12")
        .stderr_has("text is never a number");
    project
        .run(["send", "one", "--yes", "--first", "--where", "int(first_name) == 1"])
        .code(3)
        .stderr_has("subscribers.csv:2, column `first_name`")
        .stderr_has("`int` cannot read the value");
    assert!(!project.path(".mimeo/reports").exists(), "nothing was opened");
    project.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0).stderr_has("1 person gets it");
    project
        .run(["send", "one", "--yes", "--first", "--where", "first_name=Noname"])
        .code(0)
        .stderr_has("no subscriber in your selection still needs this issue; 3 other people do");
    project
        .run(["send", "one", "--yes", "--first", "--until", "2020-01-01T00:00:00Z"])
        .code(2)
        .stderr_has("is in the past");
    project.run(["resolve", "one"]).code(2).stderr_has("--accept|--resend");
    assert_eq!((counts(&project)["accepted"], project.list(".mimeo/reports").len()), (1, 1));
}

#[test]
fn who_left_the_list_after_the_opening_is_reported_and_gets_it_unless_suppressed() {
    let project = project(5, "");
    project.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    let list = project.read("subscribers.csv");
    let left = |number: usize| list.lines().filter(move |line| !line.contains(&reader(number)));
    project.write(
        "subscribers.csv",
        left(2).filter(|line| !line.contains(&reader(3))).collect::<Vec<_>>().join("\n"),
    );
    project.run(["send", "one", "--dry-run"]).code(0).stderr_has("4 people get it (2 no longer on the list)");
    project.run(["suppress", &reader(3)]).code(0);
    project
        .run(["send", "one", "--yes", "--first", "--only", &reader(2)])
        .code(0)
        .stderr_has("1 person gets it (1 no longer on the list, ")
        .stderr_has("`mimeo suppress ADDRESS` stops a letter");
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("4 accepted, 1 suppressed");
    assert_eq!(addresses(&project, "suppressed"), BTreeSet::from([reader(3)]));
}

#[test]
fn what_failed_is_tried_again_after_a_yes_and_for_those_chosen_only() {
    let script = Script::new().rule(At::Rcpt, When::FirstForEach(1), Do::Say("550 5.1.1 unknown".into()));
    let relay = Relay::start(script);
    let project = through(&relay, 4, "");
    project.run(["send", "one", "--yes", "--first"]).code(4).stderr_has("4 failed");
    project.run(["send", "one", "--retry-failed"]).code(2).stderr_has("4 people get it (4 failed before)");
    project.run(["send", "one", "--retry-failed", "--dry-run"]).code(0).stderr_has("dry run: 4 letters");
    assert_eq!(counts(&project)["failed"], 4, "no one said yes");
    project.run(["send", "one", "--yes", "--first", "--retry-failed", "--only", &reader(1)]).code(4);
    project
        .run(["send", "one", "--yes", "--first", "--retry-failed", "--where", "first_name=Reader 2"])
        .code(4);
    assert_eq!(addresses(&project, "accepted"), BTreeSet::from([reader(1), reader(2)]));
    assert_eq!(counts(&project)["failed"], 2);
    project.run(["send", "one", "--yes", "--first", "--retry-failed"]).code(0).stderr_has("4 accepted");
}

#[test]
fn a_limit_per_day_ends_the_run_and_says_when_to_go_on() {
    let project = project(10, "[pace]\nper_day = 4\n");
    project
        .run(["send", "one", "--yes", "--first"])
        .code(5)
        .stderr_has("paused: the pace until")
        .stderr_has("4 accepted, 6 queued");
    project.run(["send", "one", "--yes", "--first"]).code(5);
    assert_eq!(counts(&project)["accepted"], 4, "the limit holds across runs");
}

#[test]
fn a_warm_up_sends_the_days_share() {
    within_one_day();
    let project = project(10, "[pace]\nwarm_up = [3, 5]\n");
    project.run(["send", "one", "--yes", "--first"]).code(5).stderr_has("paused: the warm-up until");
    assert_eq!(counts(&project)["accepted"], 3);
    project.run(["send", "one", "--yes", "--first"]).code(5);
    assert_eq!(counts(&project)["accepted"], 3);
}

#[test]
fn an_interrupt_finishes_what_is_under_way_and_says_how_to_go_on() {
    let relay = Relay::start(Script::new());
    let project = through(&relay, 3_000, "[pace]\nper_second = 200\n");
    let mut command: Command = project.mimeo(["send", "one", "--yes", "--first"]).into_command();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("letters", || relay.counters().accepted >= 20);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted; run `mimeo send one` again to go on"), "{said}");
    let counts = counts(&project);
    assert_eq!(counts["unconfirmed"], 0, "{counts:?}");
    assert_eq!(counts["accepted"], relay.recipients().len());
    assert_eq!(counts["accepted"] + counts["queued"], 3_000);
}

#[test]
fn a_test_letter_goes_to_one_address_and_leaves_no_trace() {
    let relay = Relay::start(Script::new());
    let project = through(&relay, 3, "");
    project
        .run(["test", "one", "--to", "me@example.com", "--as", &reader(2)])
        .code(0)
        .stderr_has("accepted: 250");
    let letters = relay.accepted();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].to, "me@example.com");
    let bytes = String::from_utf8_lossy(&letters[0].bytes).into_owned();
    assert!(bytes.contains("Subject: [Test] One") && bytes.contains("Reader 2"), "{bytes}");
    assert!(!project.path(".mimeo/ledger.db").exists());
}

#[test]
fn a_report_is_written_beside_the_ledger_and_json_tells_programs() {
    let project = project(4, "");
    let found: Value =
        serde_json::from_str(&project.run(["send", "one", "--yes", "--first", "--json"]).code(0).stdout)
            .unwrap();
    assert_eq!((found["ended"].as_str(), found["tally"]["accepted"].as_u64()), (Some("finished"), Some(4)));
    let reports = project.list(".mimeo/reports");
    assert_eq!(reports.len(), 1);
    let page = project.read(&format!(".mimeo/reports/{}", reports[0]));
    // One sentence and one picture before everything else.
    let (first, rest) = page.split_once("<h2>").unwrap();
    let lead = "<p class=\"lead\">4 of 4 letters accepted by the relay.</p>";
    assert!(first.contains(lead) && first.contains("<span style=\"width:100.00%;"), "{page}");
    assert!(rest.contains("<svg") && !rest.contains("Failed letters"), "{page}");
    let status: Value =
        serde_json::from_str(&project.run(["status", "one", "--json"]).code(0).stdout).unwrap();
    for (key, number) in
        [("planned", 4), ("accepted", 4), ("queued", 0), ("unconfirmed", 0), ("suppressed", 0)]
    {
        assert_eq!(status[key].as_u64(), Some(number), "{key}");
    }
    assert_eq!(status["issue"], "one");
    assert_eq!(status["digest"].as_str().unwrap().len(), 64);
}

#[test]
fn the_report_shows_letters_over_time_and_the_refusals() {
    let script = Script::new()
        .say_to(At::Rcpt, "reader000002", "550 5.1.1 <b> Reader000002@example2.com unknown")
        .rule(At::Rcpt, When::FirstForEach(1), Do::Say("450 4.2.0 greylisted".into()));
    let relay = Relay::start(script);
    let project = through(&relay, 4, "");
    project.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    let ledger = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    // As if the first run had been yesterday.
    ledger.execute("UPDATE attempts SET ended_at = ended_at - 86400000, begun_at = NULL", []).unwrap();
    drop(ledger);
    project.run(["send", "one", "--yes", "--first"]).code(4);
    let reports = project.list(".mimeo/reports");
    assert_eq!(reports.len(), 2, "{reports:?}");
    let read = |name: &String| project.read(&format!(".mimeo/reports/{name}"));
    let page = reports.iter().map(read).find(|page| page.contains("whole dispatch")).unwrap();
    for what in [
        "This run over time",
        "accepted 2</span>",
        "accepted 3</span>",
        "<td class=\"code\">550 5.1.1</td><td class=\"reply\">&lt;b&gt; R…@example2.com unknown</td>",
        "--state failed</code> lists the failed ones",
        "<td class=\"reply\">r…@example2.com</td><td class=\"reply\">550 5.1.1 &lt;b&gt; R…@example2.com unknown</td>\
         <td>There is no such mailbox",
    ] {
        assert!(page.contains(what), "no {what:?} in {page}");
    }
}

#[test]
fn the_ledger_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let project = project(1, "");
    project.run(["send", "one", "--yes", "--first"]).code(0);
    let mode = |path: &str| fs::metadata(project.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(".mimeo/ledger.db"), 0o600);
    assert_eq!(mode(".mimeo"), 0o700);
}

#[test]
fn an_outbox_that_cannot_be_written_stops_the_run() {
    let project = project(2, "");
    project.write("outbox", "a file where a folder should be");
    project.run(["send", "one", "--yes", "--first"]).code(5).stderr_has("the outbox cannot be written");
    assert_eq!(counts(&project)["queued"], 2);
}

#[tokio::test]
async fn status_tells_letters_that_a_living_sender_has_begun_from_those_in_doubt() {
    let project = project(3, "");
    project.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    let ledger = Ledger::open(&project.path(".mimeo/ledger.db")).unwrap();
    let dispatch = ledger.find_dispatch("one").await.unwrap().unwrap().id;
    let now = jiff::Timestamp::now();
    let worker = ledger.register_worker("relay", now).await.unwrap();
    let wanted = Wanted { pre_commit: true, ..Wanted::default() };
    // The first one opens the worker's log.
    ledger.claim(dispatch, &worker, 0, now, &wanted).await.unwrap();
    let claims = ledger.claim(dispatch, &worker, 2, now, &wanted).await.unwrap();
    ledger.begin(&claims[0], now).await.unwrap();
    let found = project.run(["status", "one"]).code(0).stdout;
    assert!(found.contains("  unconfirmed         2  (2 begun, no outcome recorded yet)\n"), "{found}");
    // It ends without a word: what was not begun indeed is queued again, for whoever asks.
    drop(worker);
    let found = project.run(["status", "one"]).code(0).stdout;
    assert!(
        found.contains("  queued              1\n") && found.contains("  unconfirmed         1\n"),
        "{found}"
    );
}

/// With `--yes` a list is read once where there is nothing to report about it. What there is to report is reported all the same.
#[test]
fn what_is_odd_about_a_list_is_reported_however_late_it_comes() {
    let clean: String =
        (0..700).map(|number| format!("reader{number}@example.com,Reader {number}\n")).collect();
    let with_list = |list: &str| {
        let project = project(0, "");
        project.write("subscribers.csv", list);
        project
    };
    let project = |rows: &str| with_list(&format!("email,first name\n{clean}{rows}"));
    project("")
        .run(["send", "one", "--yes", "--first"])
        .code(0)
        .stderr_has("700 people get it")
        .stderr_has("700 accepted");
    project("READER3@example.com,Another\n")
        .run(["send", "one", "--yes", "--first"])
        .code(0)
        .stderr_has("M320")
        .stderr_has("700 people get it (1 on the list twice)")
        .stderr_has("700 accepted");
    let bad = project("nobody\n");
    bad.run(["send", "one", "--yes", "--first"]).code(3).stderr_has("subscribers.csv:702");
    bad.run(["status", "one"]).code(0).stderr_has("has not been sent to anybody");
    bad.run(["send", "one", "--yes", "--first", "--skip-bad-rows"]).code(0).stderr_has("700 accepted");
    with_list("email,first name\n")
        .run(["send", "one", "--yes", "--first"])
        .code(0)
        .stderr_has("no subscriber on the list wants letters");
}

#[test]
fn who_rests_in_an_earlier_row_gets_nothing_for_a_later_one() {
    let project = project(0, "");
    project.write(
        "subscribers.csv",
        "email,first name,status\nann@example.com,Ann,paused\nbob@example.com,Bob,active\nAnn@example.com,Ann,active\n\
         bob@example.com,Bobby,active\n",
    );
    project
        .run(["send", "one", "--yes", "--first"])
        .code(0)
        .stderr_has("2 on the list twice")
        .stderr_has("1 accepted");
    assert_eq!(project.list("outbox"), ["bob@example.com.eml"]);
    assert_eq!(counts(&project)["accepted"], 1);
}

#[test]
fn a_dry_run_of_a_long_sending_goes_on_where_the_real_one_is() {
    let project = crate::crash::project(1_300, "");
    project.run(["send", "one", "--yes", "--first", "--limit", "20"]).code(0);
    project.run(["send", "one", "--dry-run"]).code(0).stderr_has("dry run: 1,280 letters");
}

#[test]
fn a_relay_that_closes_over_one_letter_is_not_taken_for_gone() {
    let refusal = "421 4.7.26 This mail has not been authenticated";
    let script = Script::new().rule(At::Dot, When::Every(5), Do::SayAndClose(refusal.into()));
    let relay = Relay::start(script);
    let project = through(&relay, 40, "");
    let sent = project.run(["send", "one", "--yes", "--first"]).code(0);
    assert!(!sent.stderr.contains("trying again"), "{}", sent.stderr);
    assert_eq!(relay.accepted().len(), 40);
}
