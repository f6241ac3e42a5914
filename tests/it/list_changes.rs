//! Lists that change while an issue is being sent, and lists that can be read only once.

use crate::{
    crash::{addresses, counts, room},
    support::{
        newsroom::Newsroom,
        relay::{At, Do, Relay, Script, When},
    },
};

fn reader(number: usize) -> String {
    format!("reader{number:06}@example{}.com", number % 7)
}

/// Gives the list a column `status`: a word for some of the readers, `active` for the others.
fn statuses(room: &Newsroom, words: &[(usize, &str)]) {
    let list = room.read("subscribers.csv");
    let mut text = String::from("email,first name,status\n");
    for (number, line) in list.lines().skip(1).enumerate() {
        let word = words.iter().find(|(who, _)| *who == number).map_or("active", |(_, word)| word);
        text.push_str(&format!("{line},{word}\n"));
    }
    room.write("subscribers.csv", text);
}

#[test]
fn who_opts_out_in_the_list_while_an_issue_is_sent_gets_no_letter() {
    let room = room(8, "");
    room.run(["send", "one", "--yes", "--first", "--limit", "2"]).code(0);
    statuses(&room, &[(1, "unsubscribed"), (3, "unsubscribed"), (4, "paused"), (5, "complained")]);
    room.run(["send", "one", "--dry-run"])
        .code(0)
        .stderr_has("3 people get it (")
        .stderr_has("3 opted out in the list since")
        .stderr_has("dry run: 3 letters");
    assert_eq!(counts(&room)["suppressed"], 0, "a dry run changes nothing");
    room.run(["send", "one", "--yes"]).code(0).stderr_has("5 accepted, 3 suppressed");
    assert_eq!(addresses(&room, "suppressed"), [3, 4, 5].map(reader).into());
    room.run(["status", "one", "--state", "suppressed"])
        .code(0)
        .stdout_has("opted out in the list")
        .stdout_has("paused in the list")
        .stdout_has("complained in the list");
    assert!(
        room.run(["suppress"]).stdout.lines().count() == 1,
        "the list speaks, and the ledger repeats nothing"
    );
}

#[test]
fn a_no_counts_in_a_row_that_cannot_be_used_and_when_nobody_else_is_left() {
    let room = room(3, "");
    room.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    statuses(&room, &[(1, "unsubscribed"), (2, "bounced")]);
    let list = room
        .read("subscribers.csv")
        .replace("Reader 1", "\"Reader\n1\"")
        .replace("Reader 2,", "Reader 2,,,x,");
    room.write("subscribers.csv", list.replace("Reader 2,,,x,bounced", "Reader 2,bounced,x"));
    room.run(["send", "one", "--yes", "--skip-bad-rows", "--include-removed"])
        .code(0)
        .stderr_has("1 accepted, 2 suppressed");
    assert_eq!(room.list("outbox").len(), 1);
}

#[test]
fn who_failed_and_then_opted_out_in_the_list_is_not_tried_again() {
    let script = Script::new().rule(At::Rcpt, When::FirstForEach(1), Do::Say("550 5.1.1 unknown".into()));
    let relay = Relay::start(script);
    let room = room(4, &format!("[relay]\nurl = \"{}\"\n", relay.url()));
    room.run(["send", "one", "--yes", "--first"]).code(4).stderr_has("4 failed");
    statuses(&room, &[(2, "unsubscribed")]);
    room.run(["send", "one", "--yes", "--retry-failed"]).code(4).stderr_has("3 accepted, 1 failed");
    assert_eq!(addresses(&room, "failed"), [reader(2)].into());
}

#[test]
fn a_script_does_not_decide_about_people_who_were_removed_from_the_list() {
    let room = room(4, "");
    room.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    let list = room.read("subscribers.csv");
    room.write("subscribers.csv", list.lines().take(3).collect::<Vec<_>>().join("\n"));
    room.run(["send", "one", "--yes"])
        .code(2)
        .stderr_has("2 people are still to get this issue and are no longer on `subscribers.csv`")
        .stderr_has("--include-removed");
    assert_eq!(counts(&room)["accepted"], 1, "nothing was sent");
    room.run(["suppress", &reader(2)]).code(0);
    room.run(["send", "one", "--yes", "--include-removed"]).code(0).stderr_has("3 accepted, 1 suppressed");
}

#[test]
fn a_list_may_come_through_a_pipe_or_as_standard_input() {
    let room = room(3, "");
    statuses(&room, &[(1, "unsubscribed")]);
    let mimeo = env!("CARGO_BIN_EXE_mimeo");
    for list in
        ["--list <(cat subscribers.csv)", "--list - < subscribers.csv", "--list /dev/stdin < subscribers.csv"]
    {
        room.shell(&format!("'{mimeo}' subscribers check {list}"))
            .code(0)
            .stdout_has("2 people, 1 opted out");
    }
    room.shell(&format!("cat subscribers.csv | '{mimeo}' send one --dry-run --list -"))
        .code(0)
        .stderr_has("dry run: 2 letters");
    room.shell(&format!("'{mimeo}' send one --yes --first --list <(cat subscribers.csv)"))
        .code(0)
        .stderr_has("2 accepted");
    room.shell(&format!(
        "printf 'email,state\\na@example.com,gold\\n' | '{mimeo}' subscribers check --list -"
    ))
    .code(3)
    .stderr_has("-:2, column `state`");
}

#[test]
fn a_long_value_does_not_fill_a_header() {
    let room = room(1, "");
    let long = "x".repeat(125_000);
    room.write(
        "subscribers.csv",
        format!("email,name,town,first name\na@example.com,{long},Ulm,Al\nb@example.com,Bo,{long},Bo\n"),
    );
    room.run(["send", "one", "--yes", "--first"])
        .code(3)
        .stderr_has("M319")
        .stderr_has("subscribers.csv:2, column `name`")
        .stderr_has("has 125000 characters; a header field of a letter takes 250");
    room.run(["send", "one", "--yes", "--first", "--skip-bad-rows"]).code(0).stderr_has("1 accepted");
    let issue = room.read("issues/one.md").replacen(
        "title: ",
        "subject: News from {{ subscriber.town }}\ntitle: ",
        1,
    );
    room.write("issues/two.md", issue.replace("number: 1", "number: 2"));
    room.run(["send", "two", "--yes", "--first"])
        .code(3)
        .stderr_has("subscribers.csv:3, column `town`")
        .stderr_has("`subscriber.town` is too long for the subject");
    room.run(["test", "two", "--to", "me@example.com", "--as", "b@example.com"])
        .code(3)
        .stderr_has("is too long for the subject");
}
