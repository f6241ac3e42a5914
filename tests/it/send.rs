//! What `mimeo send` asks, refuses and says before a letter leaves: first dispatches, lost keys, renamed and edited issues,
//! names that are not exact, interrupts before the greeting.

use std::process::{Command, Stdio};

use crate::{
    crash::{counts, project},
    support::{
        ports::free_port,
        project::Project,
        relay::{At, Do, Relay, Script, When},
        until,
    },
};

fn through(relay: &Relay, people: usize) -> Project {
    project(people, &format!("[relay]\nurl = \"{}\"\n", relay.url()))
}

#[test]
fn a_ledger_that_never_sent_through_a_relay_is_confirmed_once() {
    let relay = Relay::start(Script::new());
    let project = through(&relay, 2);
    project
        .run(["send", "one", "--yes"])
        .code(2)
        .stderr_has("has never sent through a relay")
        .stderr_has("--first");
    project
        .run(["send", "one"])
        .code(2)
        .stderr_has("has never sent through a relay")
        .stderr_has("2 people get it");
    assert_eq!(relay.recipients().len(), 0);
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("2 accepted");
    project.run(["send", "one", "--yes"]).code(0).stderr_has("nothing to send");
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("nothing to send");
    assert_eq!(relay.recipients().len(), 2);
}

#[test]
fn letters_in_the_outbox_do_not_count_when_a_relay_is_set_later() {
    let project = project(3, "");
    project.run(["send", "one", "--yes"]).code(0).stderr_has("3 accepted").stderr_has("no mail was sent");
    let without = project.read("mimeo.toml");
    let relay = Relay::start(Script::new());
    project.write("mimeo.toml", format!("{without}\n[relay]\nurl = \"{}\"\n", relay.url()));
    project.run(["send", "one", "--dry-run"]).code(0).stderr_has("dry run: 3 letters");
    project
        .run(["send", "one", "--yes", "--first"])
        .code(0)
        .stderr_has("3 letters of this issue only went into the outbox")
        .stderr_has("3 accepted");
    assert_eq!(relay.recipients().len(), 3);
    project.run(["send", "one", "--yes"]).code(0).stderr_has("nothing to send");
    // And a dispatch through a relay does not end in a folder.
    project.write("mimeo.toml", without);
    project.run(["send", "one", "--yes"]).code(3).stderr_has("no `[relay]` is set now");
}

#[test]
fn a_connection_that_was_refused_does_not_freeze_the_issue() {
    let port = free_port();
    let project = project(3, "");
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n[relay]\nurl = \"smtp://127.0.0.1:{port}?tls=none\"\n"));
    project
        .run(["send", "one", "--yes", "--first"])
        .code(5)
        .stderr_has("the relay cannot be used (connecting)");
    let text = project.read("issues/one.md");
    project.write("issues/one.md", text.replace("this is a letter", "this is a better letter"));
    let relay = Relay::start(Script::new());
    project.write("mimeo.toml", format!("{settings}\n[relay]\nurl = \"{}\"\n", relay.url()));
    project.run(["send", "one", "--dry-run"]).code(0).stderr_has("no letter has left yet");
    project
        .run(["send", "one", "--yes"])
        .code(0)
        .stderr_has("no letter has left yet, so the edited issue is sent")
        .stderr_has("3 accepted");
    let letters = relay.accepted();
    assert_eq!(letters.len(), 3);
    assert!(letters.iter().all(|letter| String::from_utf8_lossy(&letter.bytes).contains("better letter")));
    // Now someone has it.
    project.write("issues/one.md", text);
    project.run(["send", "one", "--yes"]).code(3).stderr_has("has been edited");
}

#[test]
fn an_issue_that_was_renamed_in_the_middle_of_its_dispatch_is_refused() {
    let project = project(5, "");
    project.run(["send", "one", "--yes", "--limit", "2"]).code(0);
    let text = project.read("issues/one.md");
    std::fs::remove_file(project.path("issues/one.md")).unwrap();
    project.write("issues/uno.md", text.as_str());
    project
        .run(["send", "uno", "--yes"])
        .code(3)
        .stderr_has("looks like the issue that was opened as `one`")
        .stderr_has("rename the file back to `one`");
    project.run(["send", "uno", "--dry-run"]).code(3).stderr_has("opened as `one`");
    // Edited as well, it is still number 1 with that title.
    project.write("issues/uno.md", text.replace("this is a letter", "this is a better letter"));
    project.run(["send", "uno", "--yes"]).code(3).stderr_has("opened as `one`");
    // Another issue is another issue.
    project
        .write("issues/uno.md", text.replace("number: 1", "number: 2").replace("title: One", "title: Two"));
    project.run(["send", "uno", "--yes", "--limit", "1"]).code(0);
    std::fs::remove_file(project.path("issues/uno.md")).unwrap();
    project.write("issues/one.md", text.as_str());
    project.run(["send", "one", "--yes"]).code(0).stderr_has("5 accepted");
    // A year later, the first number with that title has another text.
    project.write("issues/next-year.md", text.replace("this is a letter", "this is the next year's letter"));
    project.run(["send", "next-year", "--yes", "--limit", "1"]).code(0);
}

#[test]
fn digits_are_a_number_and_words_are_whole_words_of_the_name() {
    let project = Project::gradient_ascent();
    for name in ["12", "30", "2022", "yea", "2022-12"] {
        project.run(["send", name, "--yes"]).code(3).stderr_has(&format!("no issue matches `{name}`"));
    }
    project.run(["status", "ada@example.com"]).code(3).stderr_has("mimeo status --address ada@example.com");
    project
        .run(["send", "review", "--yes"])
        .code(2)
        .stderr_has("`review` is only a part of the name `2022-12-30-a-year-in-review`")
        .stderr_has("mimeo send a-year-in-review --yes");
    project.run(["send", "review", "--dry-run"]).code(0).stderr_has("`review` is a part of its name");
}

#[test]
fn a_key_that_is_gone_is_not_made_again_in_silence() {
    let project = project(3, "");
    project.run(["send", "one", "--yes", "--limit", "1"]).code(0);
    let key = project.read(".mimeo/key");
    std::fs::remove_file(project.path(".mimeo/key")).unwrap();
    for arguments in [
        &["send", "one", "--yes"][..],
        &["send", "one", "--dry-run"],
        &["test", "one", "--to", "a@example.com"],
    ] {
        project.run(arguments).code(3).stderr_has("is missing, and issues were sent with it");
        assert!(!project.path(".mimeo/key").exists(), "{arguments:?}");
    }
    project.write(".mimeo/key", key);
    {
        use std::os::unix::fs::PermissionsExt;
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(project.path(".mimeo/key"), private).unwrap();
    }
    project.run(["send", "one", "--yes"]).code(0).stderr_has("3 accepted");
}

#[test]
fn another_key_in_the_middle_of_a_dispatch_is_refused_until_the_owner_says_so() {
    let project = project(4, "");
    project.run(["send", "one", "--yes", "--limit", "1"]).code(0);
    let key = project.read(".mimeo/key");
    let change = |key: &str| {
        std::fs::write(project.path(".mimeo/key"), key).unwrap();
    };
    change(&"ab".repeat(32));
    project
        .run(["send", "one", "--yes", "--limit", "1"])
        .code(3)
        .stderr_has("the keys have changed since letters of this issue left")
        .stderr_has("--new-signature");
    change(&key);
    project.run(["send", "one", "--yes", "--limit", "1"]).code(0);
    change(&"ab".repeat(32));
    project.run(["send", "one", "--yes", "--new-signature"]).code(0).stderr_has("4 accepted");
}

#[test]
fn who_was_suppressed_after_the_opening_is_not_counted_in_the_plan() {
    let project = project(4, "");
    project.run(["send", "one", "--yes", "--limit", "1"]).code(0);
    project.run(["suppress", "reader000002@example2.com"]).code(0);
    project.run(["send", "one"]).code(2).stderr_has("2 people get it (1 suppressed)");
    project.run(["send", "one", "--yes"]).code(0).stderr_has("3 accepted, 1 suppressed");
}

/// The relay has not even greeted: there is nothing to finish.
#[test]
fn an_interrupt_before_the_greeting_ends_the_run_at_once_and_nothing_leaves() {
    let relay = Relay::start(Script::new().rule(At::Greeting, When::Always, Do::Hang));
    let project = through(&relay, 3);
    let mut command: Command = project.mimeo(["send", "one", "--yes", "--first"]).into_command();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("a connection", || relay.counters().connections > 0);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert_eq!((counts(&project)["queued"], relay.recipients().len()), (3, 0));
}

#[test]
fn a_number_of_no_one_and_a_time_of_nothing_are_refused() {
    let project = project(3, "");
    for (arguments, what) in [
        (&["send", "one", "--yes", "--limit", "0"][..], "write a whole number from 1 up"),
        (&["send", "one", "--yes", "--sample", "0"], "write a whole number from 1 up"),
        (&["send", "one", "--yes", "--limit", "99999999999999999999"], "write a whole number from 1 up"),
        (&["send", "one", "--yes", "--limit", "many"], "write a whole number from 1 up"),
        (&["send", "one", "--yes", "--deadline", "0s"], "invalid time `0s`"),
        (&["work", "--for", "0s"], "invalid time `0s`"),
        (&["status", "--watch", "--every", "0s"], "write how often, as in 2s or 1m"),
    ] {
        project.run(arguments).code(2).stderr_has(what);
    }
    assert!(!project.path(".mimeo/ledger.db").exists(), "nothing was opened");
}
