//! What `status` and `suppress` print about the ledger.

use serde_json::Value;

use crate::crash::project;

#[test]
fn suppressions_keep_their_notes_through_an_export_and_an_import() {
    let project = project(1, "");
    project
        .run(["suppress", "ann@example.com", "--reason", "hard-bounce", "--note", "asked by phone"])
        .code(0);
    project.run(["suppress", "bob@example.com"]).code(0);
    project.run(["suppress", "eve@example.com", "--reason", "soft_bounce"]).code(0);
    let exported = project.run(["suppress"]).code(0).stdout;
    project.write("exported.csv", &exported);
    std::fs::remove_dir_all(project.path(".mimeo")).unwrap();
    project.run(["suppress", "--from", "exported.csv"]).code(0);
    assert_eq!(project.run(["suppress"]).code(0).stdout, exported);
    assert!(
        exported.contains("ann@example.com,hard_bounce,")
            && exported.contains(",asked by phone\n")
            && exported.contains("eve@example.com,soft_bounce,"),
        "{exported}"
    );
    // Another program's reason is no word of ours: it is kept as a note.
    project.write("others.csv", "email,reason\ncy@example.com,too many letters\n");
    project.run(["suppress", "--from", "others.csv"]).code(0);
    let all = project.run(["suppress"]).code(0).stdout;
    assert!(
        all.lines()
            .any(|line| line.starts_with("cy@example.com,by_hand,") && line.ends_with(",too many letters")),
        "{all}"
    );
    let refused = project.run(["suppress", "dan@example.com", "--reason", "asked by phone"]);
    refused
        .code(2)
        .stderr_has("unknown reason `asked by phone`")
        .stderr_has("unsubscribed, hard_bounce, soft_bounce, complaint, by_hand");
}

#[test]
fn the_status_of_an_issue_that_was_never_sent_says_so() {
    let project = project(1, "");
    for opened in [false, true] {
        project.run(["status", "one"]).code(0).stderr_has("`one` has not been sent to anybody");
        let ran: Value =
            serde_json::from_str(&project.run(["status", "one", "--json"]).code(0).stdout).unwrap();
        assert_eq!(ran["issue"], "one");
        assert_eq!(ran["opened_at"], Value::Null);
        assert_eq!(ran["planned"], 0);
        assert_eq!(ran["accepted"], 0);
        let all = project.run(["status", "--json"]).code(0);
        assert_eq!(serde_json::from_str::<Value>(&all.stdout).unwrap(), serde_json::json!([]));
        if !opened {
            // The same with a ledger that knows nothing of the issue.
            project.run(["suppress", "ann@example.com"]).code(0);
        }
    }
}

#[test]
fn a_reply_that_turns_the_line_around_is_not_printed_as_it_is() {
    let project = project(1, "");
    project.run(["send", "one", "--yes", "--first"]).code(0);
    let ledger = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    ledger.execute("UPDATE attempts SET reply = 'ok \u{202e}gpj.exe\u{1b}[31m'", []).unwrap();
    let address = crate::crash::addresses(&project, "accepted").pop_first().unwrap();
    for arguments in [&["status", "one", "--state", "accepted"][..], &["status", "--address", &address]] {
        let ran = project.run(arguments).code(0).stdout;
        assert!(ran.contains("ok \u{fffd}gpj.exe\u{fffd}[31m"), "{ran:?}");
    }
}
