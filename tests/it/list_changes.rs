//! Lists that change while an issue is being sent, and lists that can be read only once.

use std::process::Stdio;

use crate::{
    crash::{addresses, counts, project},
    support::{
        project::Project,
        relay::{At, Do, Relay, Script, When},
        until,
    },
};

fn reader(number: usize) -> String {
    format!("reader{number:06}@example{}.com", number % 7)
}

/// Gives the list a column `status`: a word for some of the readers, `active` for the others.
fn statuses(project: &Project, words: &[(usize, &str)]) {
    let list = project.read("subscribers.csv");
    let mut text = String::from("email,first name,status\n");
    for (number, line) in list.lines().skip(1).enumerate() {
        let word = words.iter().find(|(who, _)| *who == number).map_or("active", |(_, word)| word);
        text.push_str(&format!("{line},{word}\n"));
    }
    project.write("subscribers.csv", text);
}

#[test]
fn who_opts_out_in_the_list_while_an_issue_is_sent_gets_no_letter() {
    let project = project(8, "");
    project.run(["send", "one", "--yes", "--first", "--limit", "2"]).code(0);
    statuses(&project, &[(1, "unsubscribed"), (3, "unsubscribed"), (4, "paused"), (5, "complained")]);
    project
        .run(["send", "one", "--dry-run"])
        .code(0)
        .stderr_has("3 people get it (")
        .stderr_has("3 opted out in the list since")
        .stderr_has("dry run: 3 letters");
    assert_eq!(counts(&project)["suppressed"], 0, "a dry run changes nothing");
    project.run(["send", "one", "--yes"]).code(0).stderr_has("5 accepted, 3 suppressed");
    assert_eq!(addresses(&project, "suppressed"), [3, 4, 5].map(reader).into());
    project
        .run(["status", "one", "--state", "suppressed"])
        .code(0)
        .stdout_has("opted out in the list")
        .stdout_has("paused in the list")
        .stdout_has("complained in the list");
    assert!(
        project.run(["suppress"]).stdout.lines().count() == 1,
        "the list speaks, and the ledger repeats nothing"
    );
}

#[test]
fn a_no_counts_in_a_row_that_cannot_be_used_and_when_no_one_else_is_left() {
    let project = project(3, "");
    project.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    statuses(&project, &[(1, "unsubscribed"), (2, "bounced")]);
    let list = project
        .read("subscribers.csv")
        .replace("Reader 1", "\"Reader\n1\"")
        .replace("Reader 2,", "Reader 2,,,x,");
    project.write("subscribers.csv", list.replace("Reader 2,,,x,bounced", "Reader 2,bounced,x"));
    project
        .run(["send", "one", "--yes", "--skip-bad-rows", "--include-removed"])
        .code(0)
        .stderr_has("1 accepted, 2 suppressed");
    assert_eq!(project.list("outbox").len(), 1);
}

#[test]
fn who_failed_and_then_opted_out_in_the_list_is_not_tried_again() {
    let script = Script::new().rule(At::Rcpt, When::FirstForEach(1), Do::Say("550 5.1.1 unknown".into()));
    let relay = Relay::start(script);
    let project = project(4, &format!("[relay]\nurl = \"{}\"\n", relay.url()));
    project.run(["send", "one", "--yes", "--first"]).code(4).stderr_has("4 failed");
    statuses(&project, &[(2, "unsubscribed")]);
    project.run(["send", "one", "--yes", "--retry-failed"]).code(4).stderr_has("3 accepted, 1 failed");
    assert_eq!(addresses(&project, "failed"), [reader(2)].into());
}

#[test]
fn a_script_does_not_decide_about_people_who_were_removed_from_the_list() {
    let project = project(4, "");
    project.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0);
    let list = project.read("subscribers.csv");
    project.write("subscribers.csv", list.lines().take(3).collect::<Vec<_>>().join("\n"));
    project
        .run(["send", "one", "--yes"])
        .code(2)
        .stderr_has("2 people are still to get this issue and are no longer on `subscribers.csv`")
        .stderr_has("--include-removed");
    assert_eq!(counts(&project)["accepted"], 1, "nothing was sent");
    project.run(["suppress", &reader(2)]).code(0);
    project.run(["send", "one", "--yes", "--include-removed"]).code(0).stderr_has("3 accepted, 1 suppressed");
}

#[test]
fn a_list_may_come_through_a_pipe_or_as_standard_input() {
    let project = project(3, "");
    statuses(&project, &[(1, "unsubscribed")]);
    let mimeo = env!("CARGO_BIN_EXE_mimeo");
    for list in
        ["--list <(cat subscribers.csv)", "--list - < subscribers.csv", "--list /dev/stdin < subscribers.csv"]
    {
        project
            .shell(&format!("'{mimeo}' subscribers check {list}"))
            .code(0)
            .stdout_has("2 people, 1 opted out");
    }
    project
        .shell(&format!("cat subscribers.csv | '{mimeo}' send one --dry-run --list -"))
        .code(0)
        .stderr_has("dry run: 2 letters");
    project
        .shell(&format!("'{mimeo}' send one --yes --first --list <(cat subscribers.csv)"))
        .code(0)
        .stderr_has("2 accepted");
    project
        .shell(&format!(
            "printf 'email,state\\na@example.com,gold\\n' | '{mimeo}' subscribers check --list -"
        ))
        .code(3)
        .stderr_has("-:2, column `state`");
}

#[test]
fn a_long_value_does_not_fill_a_header() {
    let project = project(1, "");
    let long = "x".repeat(125_000);
    project.write(
        "subscribers.csv",
        format!("email,name,town,first name\na@example.com,{long},Ulm,Al\nb@example.com,Bo,{long},Bo\n"),
    );
    project
        .run(["send", "one", "--yes", "--first"])
        .code(3)
        .stderr_has("M319")
        .stderr_has("subscribers.csv:2, column `name`")
        .stderr_has("has 125000 characters; a header field of a letter takes 250");
    project.run(["send", "one", "--yes", "--first", "--skip-bad-rows"]).code(0).stderr_has("1 accepted");
    let issue = project.read("issues/one.md").replacen(
        "title: ",
        "subject: News from {{ subscriber.town }}\ntitle: ",
        1,
    );
    project.write("issues/two.md", issue.replace("number: 1", "number: 2"));
    project
        .run(["send", "two", "--yes", "--first"])
        .code(3)
        .stderr_has("subscribers.csv:3, column `town`")
        .stderr_has("`subscriber.town` is too long for the subject");
    project
        .run(["test", "two", "--to", "me@example.com", "--as", "b@example.com"])
        .code(3)
        .stderr_has("is too long for the subject");
}

#[test]
fn who_leaves_a_managed_list_while_letters_leave_gets_no_letter() {
    let relay = Relay::start(Script::new());
    let settings = format!("[pace]\nper_second = 30\n[relay]\nurl = \"{}\"\n", relay.url());
    let project = project(400, &settings);
    let settings = project.read("mimeo.toml").replace("path = \"subscribers.csv\"", "managed = true");
    project.write("mimeo.toml", settings);
    project.run(["subscribers", "import", "subscribers.csv", "--yes"]).code(0);
    let late = [395, 396, 397, 398, 399].map(reader);
    let token = project.run(["subscribers", "list", "--json"]).code(0);
    let token = token.stdout.lines().find(|line| line.contains(&late[1])).unwrap();
    let token =
        serde_json::from_str::<serde_json::Value>(token).unwrap()["token"].as_str().unwrap().to_owned();
    project.write("gone.csv", format!("email,status\n{},unsubscribed\n", late[4]));
    let mut command = project.mimeo(["send", "one", "--yes", "--first"]).into_command();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("letters", || relay.counters().accepted >= 5);
    project.run(["subscribers", "unsubscribe", &late[0]]).code(0);
    project.run(["unsubscribe", &token]).code(0);
    project.run(["subscribers", "pause", &late[2]]).code(0);
    project.run(["subscribers", "erase", &late[3], "--yes"]).code(0);
    project.run(["subscribers", "import", "gone.csv", "--yes"]).code(0);
    assert!(relay.counters().accepted < 395, "the test is too slow to say anything");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let recipients = relay.recipients();
    assert!(late.iter().all(|late| !recipients.contains(late)));
    assert_eq!((counts(&project)["accepted"], recipients.len()), (395, 395));
    assert_eq!(counts(&project)["suppressed"], 5);
}
