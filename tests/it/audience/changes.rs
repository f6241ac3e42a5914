use std::fs;

use serde_json::Value;

use super::managed;
use crate::support::newsroom::{LEAST, Newsroom};

#[test]
fn a_list_is_a_file_or_managed() {
    let room = managed();
    room.write("mimeo.toml", format!("{LEAST}\n[list]\nmanaged = true\npath = \"subscribers.csv\"\n"));
    room.run(["subscribers", "check"])
        .code(3)
        .stderr_has("mimeo.toml:8:11")
        .stderr_has("cannot be a file and managed");
    let room = managed();
    room.run(["init"]).code(0);
    assert!(!room.path(".mimeo/ledger.db").exists() && !room.path("subscribers.csv").exists());
    let room = Newsroom::new();
    for command in [
        &["subscribers", "add", "ann@example.com"][..],
        &["subscribers", "import", "x.csv"],
        &["subscribers", "export"],
        &["subscribers", "stats"],
        &["subscribers", "show", "bob@example.com"],
    ] {
        room.run(command)
            .code(3)
            .stderr_has("the list is a file: `subscribers.csv`")
            .stderr_has("managed = true");
    }
}

#[test]
fn letters_go_to_active_people_and_have_their_fields() {
    let room = managed();
    room.write(
        "issues/one.md",
        super::ISSUE.replace(
            "Hello to all of you.",
            "Hello {{ subscriber.name }} in {{ subscriber.city | default(\"town\") }}.",
        ),
    );
    room.run(["subscribers", "add", "ann@example.com", "--name", "Ann", "--field", "city=Ulm"]).code(0);
    room.run(["subscribers", "add", "bo@example.com", "--name", "Bo"]).code(0);
    room.run(["subscribers", "add", "cy@example.com", "--name", "Cy"]).code(0);
    room.run(["subscribers", "pause", "bo@example.com", "--until", "2999-01-01"]).code(0);
    room.run(["subscribers", "unsubscribe", "cy@example.com"]).code(0);
    room.run(["check", "one"]).code(0);
    room.run(["send", "one", "--dry-run"]).code(0).stderr_has("1 person gets it (1 opted out, 1 paused)");
    room.run(["send", "one", "--yes"]).code(0);
    assert_eq!(room.list("outbox"), ["ann@example.com.eml"]);
    let letter = room.read("outbox/ann@example.com.eml").replace("=\r\n", "").replace("=20", " ");
    assert!(letter.contains("Hello Ann in Ulm"), "{letter}");
    room.run(["test", "one", "--to", "me@example.org", "--as", "ann@example.com"]).code(0);
    room.run(["build", "one", "--as", "ann@example.com"]).code(0);
    room.write(
        "issues/one.md",
        super::ISSUE.replace("Hello", "{{ subscriber.town }}").replace("number: 1", "number: 2"),
    );
    room.run(["send", "one", "--yes"]).code(3).stderr_has("subscriber.town");
}

#[test]
fn a_pause_ends_by_itself() {
    let room = managed().file(
        "all.csv",
        "email,status,status_at,paused_until,joined_at\nann@example.com,paused,2020-01-01,2020-02-01,2020-01-01\n\
         bo@example.com,paused,2020-01-01,2999-02-01,2020-01-01\n",
    );
    room.run(["subscribers", "import", "all.csv", "--yes"]).code(0);
    assert_eq!(room.run(["subscribers", "list"]).code(0).stdout, "ann@example.com\t\n");
    room.run(["send", "one", "--dry-run"]).code(0).stderr_has("1 person gets it (1 paused)");
}

#[test]
fn a_person_has_a_history_with_causes() {
    let room = managed();
    room.run(["subscribers", "add", "ann@example.com", "--tag", "friend", "--reason", "asked at the fair"])
        .code(0);
    room.run(["subscribers", "tag", "ann@example.com", "--add", "beta", "--remove", "friend"])
        .code(0)
        .stderr_has("1 person changed");
    room.run(["subscribers", "tag", "ann@example.com", "--add", "beta"])
        .code(0)
        .stderr_has("0 people changed");
    room.run(["subscribers", "tag", "no@example.com", "--add", "beta"])
        .code(3)
        .stderr_has("is not on the list");
    room.run(["subscribers", "unsubscribe", "ann@example.com", "--reason", "asked by phone"]).code(0);
    room.run(["subscribers", "resubscribe", "ann@example.com"]).code(2).stderr_has("--reason");
    room.run(["subscribers", "resubscribe", "ann@example.com", "--reason", "changed her mind"]).code(0);
    room.run(["suppress", "ann@example.com", "--reason", "hard_bounce", "--note", "550 5.1.1"]).code(0);
    let shown = room.run(["subscribers", "show", "ann@example.com", "--json"]).code(0).stdout;
    let ann: Value = serde_json::from_str(&shown).unwrap();
    let history: Vec<String> = ann["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            format!("{}|{}|{}", text("change"), text("cause"), text("actor"))
        })
        .collect();
    assert_eq!(
        history,
        [
            "added as active|asked at the fair|owner",
            "tags +beta -friend|tagged|owner",
            "active -> unsubscribed|asked by phone|owner",
            "unsubscribed -> active|changed her mind|owner",
            "active -> bounced|hard_bounce: 550 5.1.1|suppression",
        ]
    );
    assert_eq!(ann["suppression"]["reason"], "hard_bounce");
    assert_eq!(ann["person"]["status"], "bounced");
    room.run(["subscribers", "add", "ann@example.com"])
        .code(3)
        .stderr_has("already exists: the person is bounced");
}

#[test]
fn an_erased_person_leaves_no_trace_and_gets_no_letter() {
    let room = managed();
    room.run(["subscribers", "add", "ann.unique@example.com", "--name", "Ann"]).code(0);
    room.run(["subscribers", "add", "bo@example.com"]).code(0);
    room.run(["send", "one", "--yes"]).code(0);
    room.run(["subscribers", "erase", "ann.unique@example.com"]).code(2).stderr_has("cannot prompt");
    room.run(["subscribers", "erase", "ann.unique@example.com", "--yes"])
        .code(0)
        .stderr_has("erased (1 letter)");
    for arguments in [
        &["subscribers", "export"][..],
        &["suppress"],
        &["status", "one", "--list", "accepted"],
        &["status", "one", "--list", "accepted", "--json"],
    ] {
        assert!(!room.run(arguments).code(0).stdout.contains("ann.unique"), "{arguments:?}");
    }
    room.run(["subscribers", "show", "ann.unique@example.com"]).code(3).stderr_has("nothing is known");
    room.run(["status", "one"]).code(0).stdout_has("2");
    room.run(["ledger", "check"]).code(0);
    // The address comes back by a file: it is not written to.
    room.write("back.csv", "email\nann.unique@example.com\n");
    room.run(["subscribers", "import", "back.csv", "--yes"]).code(0).stdout_has("1  erased here");
    room.run(["subscribers", "add", "ann.unique@example.com"]).code(3);
    fs::remove_dir_all(room.path("outbox")).unwrap();
    room.write("issues/one.md", super::ISSUE.replace("number: 1", "number: 2").replace("One two", "Two"));
    room.run(["send", "one", "--yes", "--list", "back.csv"]).code(0).stderr_has("1 suppressed");
    assert!(room.list("outbox").is_empty());
}

#[test]
fn an_erased_person_of_an_open_dispatch_gets_no_letter() {
    let room = managed();
    for name in ["ann", "bo", "cy"] {
        room.run(["subscribers", "add", &format!("{name}@example.com")]).code(0);
    }
    room.run(["send", "one", "--limit", "1", "--yes"]).code(0);
    room.run(["subscribers", "erase", "cy@example.com", "--yes"]).code(0).stderr_has("erased (1 letter)");
    room.run(["send", "one", "--yes"]).code(0).stderr_has("2 accepted, 1 suppressed");
    assert_eq!(room.list("outbox"), ["ann@example.com.eml", "bo@example.com.eml"]);
}

#[test]
fn stats_show_who_came_and_who_went() {
    let room = managed().file(
        "all.csv",
        "email,joined,tags,subscribed_at,unsubscribed_at\nann@example.com,,beta,2024-01-02,\nbo@example.com,,,2024-01-03,2024-03-04\n\
         cy@example.com,,,2024-03-03,\n",
    );
    room.run(["subscribers", "import", "all.csv", "--yes"]).code(0);
    room.run(["subscribers", "stats"])
        .code(0)
        .stdout_has("2  active")
        .stdout_has("3  from csv")
        .stdout_has("1  tag beta")
        .stdout_has("2024-03         1         1         2");
    let stats: Value =
        serde_json::from_str(&room.run(["subscribers", "stats", "--json"]).code(0).stdout).unwrap();
    assert_eq!(
        stats["months"]["2024-03"],
        serde_json::json!({"joined":1,"unsubscribed":1,"bounced":0,"complained":0})
    );
    room.run(["subscribers", "stats", "--html", "list.html"]).code(0);
    let page = room.read("list.html");
    assert!(
        page.contains("<title>2024-03: 1 joined, 1 unsubscribed, 0 bounced, 0 complained; 2 in all</title>")
    );
    assert!(!page.contains("<script") && !page.contains("example.com"), "{page}");
}
