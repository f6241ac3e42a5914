use std::fs;

use serde_json::Value;

use super::{managed, on_each};
use crate::support::project::{LEAST, Project};

#[test]
fn a_list_is_a_file_or_managed() {
    let project = managed();
    project.write("mimeo.toml", format!("{LEAST}\n[list]\nmanaged = true\npath = \"subscribers.csv\"\n"));
    project
        .run(["subscribers", "check"])
        .code(3)
        .stderr_has("mimeo.toml:8:11")
        .stderr_has("cannot be a file and managed");
    let project = managed();
    project.run(["init"]).code(0);
    assert!(!project.path(".mimeo/ledger.db").exists() && !project.path("subscribers.csv").exists());
    let project = Project::new();
    for command in [
        &["subscribers", "add", "ann@example.com"][..],
        &["subscribers", "import", "x.csv"],
        &["subscribers", "export"],
        &["subscribers", "stats"],
        &["subscribers", "show", "bob@example.com"],
    ] {
        project
            .run(command)
            .code(3)
            .stderr_has("the list is a file: `subscribers.csv`")
            .stderr_has("managed = true");
    }
}

#[test]
fn letters_go_to_active_people_and_have_their_fields() {
    on_each(|managed| {
        let project = managed();
        project.write(
            "issues/one.md",
            super::ISSUE.replace(
                "Hello to all of you.",
                "Hello {{ subscriber.name }} in {{ subscriber.city | default(\"town\") }}.",
            ),
        );
        project
            .run(["subscribers", "add", "ann@example.com", "--name", "Ann", "--field", "city=Ulm"])
            .code(0);
        project.run(["subscribers", "add", "bo@example.com", "--name", "Bo"]).code(0);
        project.run(["subscribers", "add", "cy@example.com", "--name", "Cy"]).code(0);
        project.run(["subscribers", "pause", "bo@example.com", "--until", "2999-01-01"]).code(0);
        project.run(["subscribers", "unsubscribe", "cy@example.com"]).code(0);
        project.run(["check", "one"]).code(0);
        project
            .run(["send", "one", "--dry-run"])
            .code(0)
            .stderr_has("1 person gets it (1 opted out, 1 paused)");
        project.run(["send", "one", "--yes"]).code(0);
        assert_eq!(project.list("outbox"), ["ann@example.com.eml"]);
        let letter = project.read("outbox/ann@example.com.eml").replace("=\r\n", "").replace("=20", " ");
        assert!(letter.contains("Hello Ann in Ulm"), "{letter}");
        project.run(["test", "one", "--to", "me@example.org", "--as", "ann@example.com"]).code(0);
        project.run(["build", "one", "--as", "ann@example.com"]).code(0);
        project.write(
            "issues/one.md",
            super::ISSUE.replace("Hello", "{{ subscriber.town }}").replace("number: 1", "number: 2"),
        );
        project.run(["send", "one", "--yes"]).code(3).stderr_has("subscriber.town");
    });
}

#[test]
fn a_condition_chooses_people_of_a_managed_list() {
    on_each(|managed| {
        let project = managed();
        project
            .run(["subscribers", "add", "ann@example.com", "--tag", "beta", "--field", "city=Berlin"])
            .code(0);
        project.run(["subscribers", "add", "bo@example.com", "--tag", "beta", "--language", "de"]).code(0);
        project.run(["subscribers", "add", "cy@example.com", "--topic", "tea"]).code(0);
        project.run(["subscribers", "unsubscribe", "cy@example.com"]).code(0);
        let list = |arguments: &[&str]| {
            let all: Vec<&str> =
                ["subscribers", "list", "--where"].iter().chain(arguments).copied().collect();
            project.run(&all).code(0).stdout.replace("@example.com\t\n", " ")
        };
        assert_eq!(list(&["city == \"Berlin\" && \"beta\" in tags"]), "ann ");
        assert_eq!(list(&["language=de"]), "bo ");
        assert_eq!(list(&["now - joined_at < duration(\"1h\")"]), "ann bo ");
        assert_eq!(list(&["status == \"unsubscribed\" && \"tea\" in topics", "--status", "all"]), "cy ");
        assert_eq!(list(&["source == \"by hand\"", "--status", "unsubscribed"]), "cy ");
        let table = project.run(["subscribers", "export", "--where", "city=Berlin"]).code(0).stdout;
        assert_eq!(table.lines().count(), 2, "{table}");
        project
            .run(["subscribers", "export", "--where", "citty=Berlin"])
            .code(3)
            .stderr_has("did you mean `city`?");
        project
            .run(["send", "one", "--yes", "--where", "\"beta\" in tags && city == \"\""])
            .code(0)
            .stderr_has("1 person gets it");
        assert_eq!(project.list("outbox"), ["bo@example.com.eml"]);
    });
}

#[test]
fn a_pause_ends_by_itself() {
    on_each(|managed| {
        let project = managed().file(
        "all.csv",
        "email,status,status_at,paused_until,joined_at\nann@example.com,paused,2020-01-01,2020-02-01,2020-01-01\n\
         bo@example.com,paused,2020-01-01,2999-02-01,2020-01-01\n",
    );
        project.run(["subscribers", "import", "all.csv", "--yes"]).code(0);
        assert_eq!(project.run(["subscribers", "list"]).code(0).stdout, "ann@example.com\t\n");
        project.run(["send", "one", "--dry-run"]).code(0).stderr_has("1 person gets it (1 paused)");
    });
}

#[test]
fn a_person_has_a_history_with_causes() {
    on_each(|managed| {
        let project = managed();
        project
            .run([
                "subscribers",
                "add",
                "ann@example.com",
                "--tag",
                "friend",
                "--reason",
                "asked at the fair",
            ])
            .code(0);
        project
            .run(["subscribers", "tag", "ann@example.com", "--add", "beta", "--remove", "friend"])
            .code(0)
            .stderr_has("1 person changed");
        project
            .run(["subscribers", "tag", "ann@example.com", "--add", "beta"])
            .code(0)
            .stderr_has("0 people changed");
        project
            .run(["subscribers", "tag", "no@example.com", "--add", "beta"])
            .code(3)
            .stderr_has("is not on the list");
        project.run(["subscribers", "unsubscribe", "ann@example.com", "--reason", "asked by phone"]).code(0);
        project.run(["subscribers", "resubscribe", "ann@example.com"]).code(2).stderr_has("--reason");
        project
            .run(["subscribers", "resubscribe", "ann@example.com", "--reason", "changed her mind"])
            .code(0);
        project
            .run(["suppress", "ann@example.com", "--reason", "hard_bounce", "--note", "550 5.1.1"])
            .code(0);
        let shown = project.run(["subscribers", "show", "ann@example.com", "--json"]).code(0).stdout;
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
        project
            .run(["subscribers", "add", "ann@example.com"])
            .code(3)
            .stderr_has("already exists: the person is bounced");
    });
}

#[test]
fn an_erased_person_leaves_no_trace_and_gets_no_letter() {
    on_each(|managed| {
        let project = managed();
        project.run(["subscribers", "add", "ann.unique@example.com", "--name", "Ann"]).code(0);
        project.run(["subscribers", "add", "bo@example.com"]).code(0);
        project.run(["send", "one", "--yes"]).code(0);
        project.run(["subscribers", "erase", "ann.unique@example.com"]).code(2).stderr_has("cannot prompt");
        project
            .run(["subscribers", "erase", "ann.unique@example.com", "--yes"])
            .code(0)
            .stderr_has("erased (1 letter)");
        for arguments in [
            &["subscribers", "export"][..],
            &["suppress"],
            &["status", "one", "--state", "accepted"],
            &["status", "one", "--state", "accepted", "--json"],
        ] {
            assert!(!project.run(arguments).code(0).stdout.contains("ann.unique"), "{arguments:?}");
        }
        project.run(["subscribers", "show", "ann.unique@example.com"]).code(3).stderr_has("nothing is known");
        project.run(["status", "one"]).code(0).stdout_has("2");
        project.run(["ledger", "check"]).code(0);
        // The address comes back by a file: it is not written to.
        project.write("back.csv", "email\nann.unique@example.com\n");
        project.run(["subscribers", "import", "back.csv", "--yes"]).code(0).stdout_has("1  erased here");
        project.run(["subscribers", "add", "ann.unique@example.com"]).code(3);
        fs::remove_dir_all(project.path("outbox")).unwrap();
        project
            .write("issues/one.md", super::ISSUE.replace("number: 1", "number: 2").replace("One two", "Two"));
        project.run(["send", "one", "--yes", "--list", "back.csv"]).code(0).stderr_has("1 suppressed");
        assert!(project.list("outbox").is_empty());
    });
}

#[test]
fn an_erased_person_of_an_open_dispatch_gets_no_letter() {
    on_each(|managed| {
        let project = managed();
        for name in ["ann", "bo", "cy"] {
            project.run(["subscribers", "add", &format!("{name}@example.com")]).code(0);
        }
        project.run(["send", "one", "--limit", "1", "--yes"]).code(0);
        project
            .run(["subscribers", "erase", "cy@example.com", "--yes"])
            .code(0)
            .stderr_has("erased (1 letter)");
        project.run(["send", "one", "--yes"]).code(0).stderr_has("2 accepted, 1 suppressed");
        assert_eq!(project.list("outbox"), ["ann@example.com.eml", "bo@example.com.eml"]);
    });
}

#[test]
fn stats_show_who_came_and_who_went() {
    on_each(|managed| {
        let project = managed()
            .file(
                "all.csv",
                "email,tags,subscribed_at\nann@example.com,beta,2024-01-02\nbo@example.com,,2024-01-03\n\
             cy@example.com,,2024-03-03\ndi@example.com,,2024-03-04\n",
            )
            .file("left.csv", "email,unsubscribed_at\nbo@example.com,2024-03-04\n")
            .file("bounced.csv", "email,bounced_at\ndi@example.com,2024-03-05\n");
        for file in ["all.csv", "left.csv", "bounced.csv"] {
            project.run(["subscribers", "import", file, "--yes"]).code(0);
        }
        project
            .run(["subscribers", "stats"])
            .code(0)
            .stdout_has("2  active")
            .stdout_has("4  from csv")
            .stdout_has("1  tag beta")
            .stdout_has("2024-01         2         0         2")
            .stdout_has("2024-03         2         2         2");
        let stats: Value =
            serde_json::from_str(&project.run(["subscribers", "stats", "--json"]).code(0).stdout).unwrap();
        assert_eq!(
            stats["months"]["2024-03"],
            serde_json::json!({"joined":2,"joined_from":{"csv":2},"unsubscribed":1,"bounced":1,"complained":0})
        );
        project.run(["subscribers", "stats", "--html", "list.html"]).code(0);
        let page = project.read("list.html");
        assert!(
            page.contains(
                "<title>2024-03: 2 joined, 1 unsubscribed, 1 bounced, 0 complained; 2 in all</title>"
            )
        );
        assert!(page.contains("<h1>2 people get letters</h1>") && page.contains("prefers-color-scheme:dark"));
        assert!(!page.contains("<script") && !page.contains("example.com"), "{page}");
    });
}

#[test]
fn people_who_never_got_letters_here_neither_joined_nor_left() {
    on_each(|managed| {
        let project = managed().file(
            "all.csv",
            "email,status,subscribed_at,unsubscribed_at\nann@example.com,active,2024-01-02,\n\
         bo@example.com,unsubscribed,2024-01-03,2024-02-04\ncy@example.com,bounced,2024-01-03,\n\
         di@example.com,pending,2024-01-03,\neve@example.com,unsubscribed,2024-01-05,2024-02-05\n",
        );
        project.run(["subscribers", "import", "all.csv", "--yes"]).code(0);
        let months = || {
            let stats = project.run(["subscribers", "stats", "--json"]).code(0).stdout;
            let stats: Value = serde_json::from_str(&stats).unwrap();
            let of = |month: &str, what: &str| stats["months"][month][what].as_u64().unwrap_or(0);
            (
                of("2024-01", "joined"),
                of("2024-02", "unsubscribed"),
                stats["by_status"]["unsubscribed"].as_u64().unwrap(),
            )
        };
        assert_eq!(months(), (1, 0, 2));
        // Who comes back has joined, also when they leave again.
        project.run(["subscribers", "resubscribe", "eve@example.com", "--reason", "asked"]).code(0);
        assert_eq!(months(), (2, 0, 1));
        project.run(["subscribers", "unsubscribe", "eve@example.com"]).code(0);
        assert_eq!(months(), (2, 0, 2));
    });
}

#[test]
fn lifting_a_suppression_says_what_the_list_still_says() {
    on_each(|managed| {
        let project = managed();
        for name in ["ann", "bo", "cy"] {
            project.run(["subscribers", "add", &format!("{name}@example.com")]).code(0);
        }
        project.run(["subscribers", "unsubscribe", "ann@example.com", "bo@example.com"]).code(0);
        let status = |address: &str| {
            let shown = project.run(["subscribers", "show", address, "--json"]).code(0).stdout;
            serde_json::from_str::<Value>(&shown).unwrap()["person"]["status"].as_str().unwrap().to_owned()
        };
        project
            .run(["unsuppress", "ann@example.com"])
            .code(0)
            .stderr_has("is unsubscribed on the list, and still gets no letters")
            .stderr_has("mimeo subscribers resubscribe ann@example.com --reason");
        assert_eq!(status("ann@example.com"), "unsubscribed");
        project.run(["send", "one", "--yes"]).code(0);
        assert_eq!(project.list("outbox"), ["cy@example.com.eml"]);
        // Someone who is not suppressed at all, but is off the list.
        project
            .run(["unsuppress", "ann@example.com"])
            .code(3)
            .stderr_has("1 address was not suppressed")
            .stderr_has("mimeo subscribers resubscribe ann@example.com --reason");
        project.run(["unsuppress", "cy@example.com"]).code(3).stderr("error: 1 address was not suppressed\n");
        project
            .run(["subscribers", "resubscribe", "ann@example.com", "--reason", "asked at the fair"])
            .code(0);
        assert_eq!(status("ann@example.com"), "active");
        project.run(["send", "one", "--yes"]).code(0);
        assert_eq!(project.list("outbox"), ["ann@example.com.eml", "cy@example.com.eml"]);
        // A stranger, and someone who was erased: nothing else keeps letters from them.
        project.run(["suppress", "stranger@example.com"]).code(0);
        project
            .run(["unsuppress", "stranger@example.com"])
            .code(0)
            .stderr_has("gets letters again (suppressed");
        project.run(["subscribers", "erase", "bo@example.com", "--yes"]).code(0);
        project.run(["unsuppress", "bo@example.com"]).code(0).stderr_has("gets letters again\n");
        project.run(["subscribers", "add", "bo@example.com"]).code(0);
    });
}
