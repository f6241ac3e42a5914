use std::{fs, process::Stdio};

use proptest::prelude::*;
use serde_json::Value;

use super::{export, managed, on_each};
use crate::support::project::Project;

pub(super) fn summary(project: &Project, arguments: &[&str]) -> Value {
    let arguments = [&["subscribers", "import", "--json"], arguments].concat();
    serde_json::from_str(&project.run(arguments).code(0).stdout).unwrap()
}

/// Active, pending, paused, unsubscribed, bounced, complained: by `--from` as by the columns.
#[track_caller]
fn check(names: &[&str], from: &str, expected: [u64; 6]) {
    for by in [from, "auto"] {
        let project = managed();
        let paths: Vec<String> = names.iter().map(|name| export(name)).collect();
        let mut arguments: Vec<&str> = paths.iter().map(String::as_str).collect();
        arguments.extend(["--from", by, "--yes"]);
        let done = summary(&project, &arguments);
        assert_eq!(done["from"], serde_json::json!([from]), "{names:?}");
        let words = ["active", "pending", "paused", "unsubscribed", "bounced", "complained"];
        let created = words.map(|word| done["created"][word].as_u64().unwrap());
        assert_eq!(created, expected, "{names:?} --from {by}");
        // Each status is what the list says afterwards, and whoever said no is suppressed.
        for (word, count) in words.iter().zip(expected) {
            let lines = project.run(["subscribers", "list", "--status", word]).code(0).stdout.lines().count();
            assert_eq!(lines as u64, count, "{names:?} {word}");
        }
        let suppressed = project.run(["suppress"]).code(0).stdout.lines().count() as u64 - 1;
        assert_eq!(suppressed, expected[3] + expected[4] + expected[5], "{names:?}");
    }
}

#[test]
fn every_export_comes_with_the_right_statuses() {
    check(&["mailchimp-subscribed.csv"], "mailchimp", [2, 0, 0, 0, 0, 0]);
    check(
        &[
            "mailchimp-subscribed.csv",
            "mailchimp-unsubscribed.csv",
            "mailchimp-cleaned.csv",
            "nonsubscribed-mailchimp.csv",
        ],
        "mailchimp",
        [2, 2, 0, 2, 1, 0],
    );
    check(&["mailchimp-joined.csv"], "csv", [1, 0, 0, 1, 1, 0]);
    check(&["substack.csv"], "substack", [2, 0, 0, 1, 0, 0]);
    check(&["substack-older.csv"], "substack", [2, 0, 0, 1, 0, 0]);
    check(&["substack-subscribers.csv"], "substack", [3, 0, 0, 0, 0, 0]);
    check(&["ghost.csv"], "ghost", [2, 1, 0, 2, 0, 0]);
    check(&["ghost-older.csv"], "ghost", [1, 0, 0, 2, 0, 0]);
    check(&["kit.csv"], "kit", [2, 1, 0, 1, 1, 1]);
    check(&["kit-status.csv"], "kit", [2, 1, 0, 1, 1, 1]);
    check(&["buttondown.csv"], "buttondown", [3, 1, 1, 3, 1, 1]);
    check(&["buttondown-api.csv"], "buttondown", [1, 1, 1, 1, 1, 1]);
    check(&["beehiiv.csv"], "beehiiv", [1, 3, 0, 2, 1, 0]);
    check(&["listmonk.csv"], "listmonk", [1, 0, 1, 1, 0, 0]);
    check(&["keila.csv"], "keila", [1, 0, 0, 1, 1, 0]);
    check(&["keila-excel.csv"], "keila", [1, 0, 0, 1, 1, 0]);
    check(&["mimeo.csv"], "mimeo", [1, 1, 1, 1, 1, 1]);
    check(&["two-rows-for-one-person.csv"], "csv", [1, 0, 0, 1, 0, 0]);
    check(&["unsubscribed-at.csv"], "csv", [1, 0, 0, 1, 0, 0]);
    check(&["salesforce.csv"], "csv", [1, 0, 0, 1, 1, 0]);
    check(&["mailjet.csv"], "csv", [1, 0, 0, 1, 0, 1]);
    check(&["cleverreach.csv"], "csv", [1, 1, 0, 1, 0, 0]);
    check(&["mailerlite.csv"], "csv", [1, 0, 0, 1, 0, 0]);
    check(&["wix.csv"], "csv", [1, 1, 0, 1, 0, 0]);
    check(&["civicrm.csv"], "csv", [1, 0, 1, 1, 0, 0]);
    check(&["statut.csv"], "csv", [1, 0, 0, 1, 0, 0]);
    check(&["opt-in-flag.csv"], "csv", [1, 1, 0, 1, 0, 0]);
}

#[test]
fn every_export_is_imported() {
    let source = include_str!("imports.rs");
    for entry in fs::read_dir(export("")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(source.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[test]
fn tags_fields_and_proof_of_consent_come_along() {
    let project = managed();
    summary(&project, &[&export("mailchimp-subscribed.csv"), "--yes"]);
    let shown = project.run(["subscribers", "show", "bob@example.com", "--json"]).code(0).stdout;
    assert!(!shown.contains("192.0.2.2"), "a whole network address is kept: {shown}");
    let bob: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(bob["person"]["tags"], serde_json::json!(["beta", "gold"]));
    assert_eq!(bob["person"]["joined_at"], "2024-02-03T11:05:00Z");
    assert_eq!(bob["consents"][0]["requested_from"], "192.0.2.0/24");
    assert_eq!(bob["consents"][0]["requested_at"], "2024-02-03T11:00:00Z");
    summary(&project, &[&export("listmonk.csv"), "--yes"]);
    project.run(["subscribers", "show", "cleo@example.com"]).code(0).stdout_has("city         Ulm");
    let known = |address: &str| {
        let shown = project.run(["subscribers", "show", address, "--json"]).code(0).stdout;
        serde_json::from_str::<Value>(&shown).unwrap()["person"].clone()
    };
    // What is in a column with fields inside, in each service's way.
    let other = managed();
    for (name, address) in [("keila-excel.csv", "ann@example.com"), ("beehiiv.csv", "ann@example.com")] {
        summary(&other, &[&export(name), "--yes"]);
        let shown = other.run(["subscribers", "show", address, "--json"]).code(0).stdout;
        let person = serde_json::from_str::<Value>(&shown).unwrap()["person"].clone();
        assert_eq!(person["tags"], serde_json::json!(["beta", "gold"]), "{name}");
        assert_eq!(person["fields"]["city"], "Ulm", "{name}");
    }
    assert_eq!(known("ann@example.com")["tags"], serde_json::json!(["beta", "gold"]));
    summary(&project, &[&export("buttondown.csv"), "--yes"]);
    assert_eq!(known("jan@example.com")["name"], "Jan O'Dea");
    let kit = managed();
    summary(&kit, &[&export("kit.csv"), "--yes"]);
    kit.run(["subscribers", "list", "--where", "\"cold\" in tags"]).code(0).stdout("fay@example.com\tFay\n");
    let substack = managed();
    summary(&substack, &[&export("substack-subscribers.csv"), "--yes"]);
    substack
        .run(["subscribers", "list", "--where", "type == \"paid\" && joined_at < date(\"2026-04-02\")"])
        .code(0)
        .stdout("bob@example.com\tBob Ray\n");
}

#[test]
fn an_import_shows_what_it_would_do_and_does_nothing_unasked() {
    on_each(|managed| {
        let project = managed();
        let file = export("kit.csv");
        project
            .run(["subscribers", "import", &file])
            .code(0)
            .stdout_has("new (2 active, 1 pending, 1 unsubscribed, 1 bounced, 1 complained)")
            .stderr_has("nothing was changed; pass --yes to import");
        assert_eq!(project.run(["subscribers", "export"]).code(0).stdout.lines().count(), 1);
        summary(&project, &[&file, "--yes"]);
        let before = project.run(["subscribers", "export"]).code(0).stdout;
        let again = summary(&project, &[&file, "--yes"]);
        assert_eq!((again["unchanged"].as_u64(), again["changed"].as_u64()), (Some(6), Some(0)));
        assert_eq!(project.run(["subscribers", "export"]).code(0).stdout, before);
    });
}

#[test]
fn no_one_becomes_active_who_said_no_here() {
    on_each(|managed| {
        let project = managed().file(
        "all.csv",
        "email,subscribed_at\nann@example.com,2030-01-01\nbob@example.com,2025-01-01\ncy@example.com,2025-01-01\n\
         di@example.com,2025-01-01\neve@example.com,2025-01-01\n",
    );
        project.run(["subscribers", "add", "ann@example.com"]).code(0);
        project.run(["subscribers", "unsubscribe", "ann@example.com"]).code(0);
        project.run(["suppress", "bob@example.com", "--reason", "complaint"]).code(0);
        project.run(["subscribers", "add", "cy@example.com"]).code(0);
        project.run(["subscribers", "erase", "cy@example.com", "--yes"]).code(0);
        project.run(["subscribers", "add", "di@example.com"]).code(0);
        project.run(["subscribers", "pause", "di@example.com"]).code(0);
        let done = summary(&project, &["all.csv", "--yes"]);
        assert_eq!(done["erased"], 1);
        assert_eq!(done["kept"]["unsubscribed"], 1);
        assert_eq!(done["kept"]["complained"], 1);
        assert_eq!(done["kept"]["paused"], 1);
        assert_eq!(project.run(["subscribers", "list"]).code(0).stdout, "eve@example.com\t\n");
        project.run(["send", "one", "--yes"]).code(0);
        assert_eq!(project.list("outbox"), ["eve@example.com.eml"]);
    });
}

#[test]
fn an_import_lowers_people_and_their_addresses_are_suppressed() {
    on_each(|managed| {
        let project = managed().file("no.csv", "email,unsubscribed_at\nann@example.com,2025-01-01\n");
        project.run(["subscribers", "add", "ann@example.com"]).code(0);
        let done = summary(&project, &["no.csv", "--yes"]);
        assert_eq!(done["lowered"]["unsubscribed"], 1);
        project
            .run(["suppress"])
            .code(0)
            .stdout_has("ann@example.com,unsubscribed,2025-01-01T00:00:00Z,import 1");
        project.run(["subscribers", "import", "--undo", "1"]).code(0).stderr_has("1 as before");
        assert_eq!(project.run(["subscribers", "list"]).code(0).stdout, "ann@example.com\t\n");
        assert_eq!(project.run(["suppress"]).code(0).stdout.lines().count(), 1);
    });
}

#[test]
fn an_import_is_undone_for_those_who_have_not_changed_since() {
    on_each(|managed| {
        let project = managed();
        project.run(["subscribers", "add", "zoe@example.com", "--field", "city=Ulm"]).code(0);
        let before = project.run(["subscribers", "export"]).code(0).stdout;
        summary(&project, &[&export("buttondown.csv"), "--yes"]);
        project.run(["subscribers", "unsubscribe", "ann@example.com"]).code(0);
        // Someone who was unsubscribed by the import asks again: that is theirs, and not the import's.
        project.run(["subscribers", "unsubscribe", "bob@example.com"]).code(0);
        project
            .run(["subscribers", "import", "--undo", "1"])
            .code(0)
            .stderr_has("8 removed, 0 as before; 2 changed since");
        for address in ["ann@example.com", "bob@example.com"] {
            project.run(["subscribers", "show", address]).code(0).stdout_has("unsubscribed");
        }
        assert_eq!(project.run(["suppress"]).code(0).stdout.lines().count(), 3);
        project
            .run(["subscribers", "import", "--undo", "1"])
            .code(3)
            .stderr_has("import 1 was undone already");
        project.run(["subscribers", "import", "--undo", "7"]).code(3).stderr_has("import 7 not found");
        assert!(before.contains("zoe@example.com"));
        project.run(["subscribers", "show", "zoe@example.com"]).code(0).stdout_has("city         Ulm");
    });
}

#[test]
fn bad_rows_stop_an_import_until_they_are_skipped() {
    on_each(|managed| {
        let project = managed()
            .file("some.csv", "email,status\nann@example.com,active\nnobody,active\nbo@example.com,gold\n");
        project
            .run(["subscribers", "import", "some.csv", "--yes"])
            .code(3)
            .stderr_has("some.csv:3")
            .stderr_has("unknown status \u{201c}gold\u{201d}")
            .stderr_has("nothing was changed");
        assert_eq!(project.run(["subscribers", "list", "--status", "all"]).code(0).stdout, "");
        let done = summary(&project, &["some.csv", "--yes", "--skip-bad-rows"]);
        assert_eq!((done["bad"].as_u64(), done["created"]["active"].as_u64()), (Some(2), Some(1)));
    });
}

#[test]
fn a_no_in_a_row_that_cannot_be_used_wins_over_the_persons_other_rows() {
    on_each(|managed| {
        let project = managed().file(
            "some.csv",
            "email,name,status\nann@example.com,Ann,active\nbo@example.com,Bo,active\ncy@example.com,Cy,active\n\
             di@example.com,Di,active\neve@example.com,Eve,active\nfay@example.com,Fay,active\n\
             bo@example.com,Bo,gold\ncy@example.com,Cy\ndi@example.com,Lee, Di,unsubscribed\n\
             eve@example.com,Eve,complained,\"x\"\ngil@example.com,Gil,bounced,y\nhal@example.com,Hal,retired\n\
             fay@example.com,Fay,active\n",
        );
        project.run(["subscribers", "add", "gil@example.com"]).code(0);
        project.run(["subscribers", "import", "some.csv", "--yes"]).code(3).stderr_has("nothing was changed");
        let done = summary(&project, &["some.csv", "--yes", "--skip-bad-rows"]);
        let created = ["active", "pending", "complained"].map(|word| done["created"][word].as_u64());
        assert_eq!(created, [Some(2), Some(3), Some(1)], "{done}");
        assert_eq!((done["lowered"]["bounced"].as_u64(), done["bad"].as_u64()), (Some(1), Some(6)), "{done}");
        assert_eq!(
            project.run(["subscribers", "list"]).code(0).stdout,
            "ann@example.com\tAnn\nfay@example.com\tFay\n"
        );
        project.run(["subscribers", "show", "hal@example.com"]).code(3);
        // The same file as a list that is used directly.
        let settings = project.read("mimeo.toml").replace("managed = true", "path = \"some.csv\"");
        project.write("mimeo.toml", settings);
        project.run(["send", "one", "--yes", "--skip-bad-rows", "--first"]).stderr_has("2 accepted");
    });
}

#[test]
fn a_false_about_mail_is_asked_about() {
    for (rows, message, settings) in [
        (
            "email,attributes,tags\nann@example.com,\"{\"\"city\"\": \"\"Ulm\"\"}\",\nbo@example.com,\"{\"\"settings\"\": \
             {\"\"marketing_emails\"\": false}}\",\n",
            "the column `attributes` holds `marketing_emails` with the value \u{201c}false\u{201d}",
            "marketing_emails = \"consent\"",
        ),
        (
            "email,Newsletter\nann@example.com,Weekly\nbo@example.com,No\n",
            "the column `Newsletter` holds the value \u{201c}No\u{201d}",
            "newsletter = \"field\"",
        ),
        // Not a column that objects are in usually: the list was not looked through.
        (
            "email,stuff\nann@example.com,\nbo@example.com,\nann@example.com,\"{\"\"email\"\": {\"\"weekly\"\": false}}\"\n",
            "holds `weekly` with the value \u{201c}false\u{201d}",
            "weekly = \"opted_out\"",
        ),
    ] {
        let project = managed().file("some.csv", rows);
        let import = || project.run(["subscribers", "import", "some.csv", "--yes", "--skip-bad-rows"]);
        import().code(3).stderr_has(message).stderr_has("which may say who wants no letters");
        assert_eq!(project.run(["subscribers", "list", "--status", "all"]).code(0).stdout, "");
        let before = project.read("mimeo.toml");
        let as_list = before.replace("managed = true", "path = \"some.csv\"");
        project.write("mimeo.toml", as_list);
        project.run(["subscribers", "check"]).code(3).stderr_has(message);
        project.run(["send", "one", "--yes", "--skip-bad-rows", "--first"]).code(3).stderr_has(message);
        assert!(project.list("outbox").is_empty());
        project.write("mimeo.toml", format!("{before}\n[list.columns]\n{settings}\n"));
        import().code(0);
    }
}

#[test]
fn a_column_that_looks_like_consent_is_an_error_until_the_settings_say_what_it_means() {
    let project = managed();
    for name in ["federal-states.csv", "unclear-consent.csv"] {
        project
            .run(["subscribers", "import", &export(name), "--yes"])
            .code(3)
            .stderr_has("may say who wants no letters");
    }
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n[list.columns]\nstate = \"field\"\n"));
    summary(&project, &[&export("federal-states.csv"), "--yes"]);
    project.run(["subscribers", "show", "ann@example.com"]).code(0).stdout_has("state        CA");
}

#[test]
fn a_no_in_an_object_or_among_tags_counts_or_is_asked_about() {
    on_each(|managed| {
        let project = managed().file(
            "export.csv",
            "email,name,attributes,status,created_at\n\
             ann@example.com,Ann,\"{\"\"city\"\": \"\"Ulm\"\"}\",enabled,2024-01-02\n\
             bob@example.com,Bob,\"{\"\"mail\"\": {\"\"opt_out\"\": true}}\",enabled,2024-01-02\n\
             cy@example.com,Cy,\"{\"\"bounced_at\"\": \"\"2024-05-06\"\"}\",enabled,2024-01-02\n\
             dan@example.com,Dan,\"{\"\"unsubscribed_at\"\": null}\",enabled,2024-01-02\n",
        );
        let done = summary(&project, &["export.csv", "--from", "listmonk", "--yes"]);
        let created = ["active", "unsubscribed", "bounced"].map(|word| done["created"][word].as_u64());
        assert_eq!(created, [Some(2), Some(1), Some(1)]);
        let row = |more: &str| format!("email,name,attributes,tags\neve@example.com,Eve,{more}\n");
        for (more, message, help, settings) in [
            (
                "\"{\"\"sms_disabled\"\": 1}\",",
                "the column `attributes` holds `sms_disabled`, which may say who wants no letters",
                "under [list.columns], `sms_disabled = \"field\"`",
                "sms_disabled = \"field\"",
            ),
            (
                ",\"beta, Opted out\"",
                "the column `tags` holds the word \u{201c}Opted out\u{201d}",
                "write `tags = \"field\"` under [list.columns]",
                "tags = \"field\"",
            ),
        ] {
            let project = managed().file("odd.csv", row(more));
            let asked = project.run(["subscribers", "import", "odd.csv", "--yes"]).code(3);
            asked.stderr_has(message).stderr_has(help).stderr_has("odd.csv:2, column `");
            assert_eq!(project.run(["subscribers", "list", "--status", "all"]).code(0).stdout, "");
            // The same file as a list that is used directly.
            project.run(["subscribers", "check", "--list", "odd.csv"]).code(3).stderr_has(message);
            let before = project.read("mimeo.toml");
            project.write("mimeo.toml", format!("{before}\n[list.columns]\n{settings}\n"));
            assert_eq!(summary(&project, &["odd.csv", "--yes"])["created"]["active"], 1);
        }
    });
}

#[test]
fn an_empty_cell_of_a_column_that_asks_who_is_active_is_asked_about() {
    let project = managed().file("some.csv", "email,active\nann@example.com,yes\nbo@example.com,\n");
    project
        .run(["subscribers", "import", "some.csv", "--yes"])
        .code(3)
        .stderr_has("the column `active` is empty here, which may be a yes or a no")
        .stderr_has(
            "`active = \"active\"` if an empty cell means yes, `active = \"consent\"` if it means no",
        );
    let settings = project.read("mimeo.toml");
    for (word, active) in [("active", 2), ("consent", 1)] {
        project.write("mimeo.toml", format!("{settings}\n[list.columns]\nactive = \"{word}\"\n"));
        assert_eq!(summary(&project, &["some.csv"])["created"]["active"], active, "{word}");
    }
}

#[test]
fn pages_of_people_are_changed_and_undone_as_one_person_is() {
    on_each(|managed| {
        const PEOPLE: usize = 2_300;
        let csv = |more: &str, of: &dyn Fn(usize) -> &'static str| -> String {
            let row = |n: usize| format!("reader{n}@example{}.com,Reader {n},{}\n", n % 9, of(n));
            format!("email,name,{more}\n{}", (0..PEOPLE).map(row).collect::<String>())
        };
        let status = |n: usize| if n.is_multiple_of(5) { "unsubscribed" } else { "active" };
        let project = managed()
            .file("first.csv", csv("status", &status))
            .file("second.csv", csv("status", &|n| if n.is_multiple_of(7) { "bounced" } else { "active" }))
            .file("third.csv", csv("city", &|_| "Ulm"));
        project.run(["suppress", "reader1@example1.com", "--note", "by hand"]).code(0);
        let first = summary(&project, &["first.csv", "--yes"]);
        assert_eq!(
            (first["created"]["active"].as_u64(), first["kept"]["unsubscribed"].as_u64()),
            (Some(1_839), Some(1))
        );
        let before = project.run(["subscribers", "export"]).code(0).stdout;
        let suppressed = project.run(["suppress"]).code(0).stdout;
        let second = summary(&project, &["second.csv", "--yes"]);
        // Every seventh, also those who had unsubscribed.
        assert_eq!(
            (second["lowered"]["bounced"].as_u64(), second["changed"].as_u64()),
            (Some(329), Some(329))
        );
        assert_eq!(second["kept"]["unsubscribed"].as_u64(), Some(395));
        let third = summary(&project, &["third.csv", "--yes"]);
        assert_eq!(third["changed"].as_u64(), Some(PEOPLE as u64));
        project.run(["subscribers", "list", "--status", "all", "--where", "city=Ulm"]).code(0);
        for (import, restored) in [("3", PEOPLE as u64), ("2", 329)] {
            let undone = project.run(["subscribers", "import", "--undo", import, "--json"]).code(0).stdout;
            let undone: Value = serde_json::from_str(&undone).unwrap();
            // Whoever was changed by the later one has another version since.
            let expected = if import == "3" { restored } else { 0 };
            assert_eq!(undone["restored"].as_u64(), Some(expected), "{undone:#}");
        }
        let after = project.run(["subscribers", "export"]).code(0).stdout;
        assert_eq!(after.lines().count(), before.lines().count());
        assert!(suppressed.lines().count() > 400);
    });
}

#[test]
fn a_file_can_be_of_people_who_said_no() {
    on_each(|managed| {
        let project = managed()
            .file("gone.csv", "email\nann@example.com\n")
            .file("unsubscribed_list.csv", "email,LEID\nbo@example.com,3\n");
        summary(&project, &["gone.csv", "--as", "unsubscribed", "--yes"]);
        // The file says no as a whole: what its cells may say besides is not asked about.
        project.write(
            "tagged.csv",
            "email,tags,attributes\ncy@example.com,opted out,\"{\"\"sms_disabled\"\": 1}\"\n",
        );
        project.run(["subscribers", "import", "tagged.csv", "--as", "active", "--yes"]).code(3);
        summary(&project, &["tagged.csv", "--as", "unsubscribed", "--yes"]);
        // Mailchimp's files are distinguished by their names where no column does.
        summary(&project, &["unsubscribed_list.csv", "--yes"]);
        assert_eq!(
            project.run(["subscribers", "list", "--status", "unsubscribed"]).code(0).stdout.lines().count(),
            3
        );
    });
}

#[test]
fn an_import_that_is_killed_has_happened_whole_or_not_at_all() {
    const PEOPLE: usize = 6_000;
    let mut csv = String::from("email,name,status\n");
    for number in 0..PEOPLE {
        let status = if number % 5 == 0 { "unsubscribed" } else { "active" };
        csv.push_str(&format!("reader{number}@example{}.com,Reader {number},{status}\n", number % 9));
    }
    let mut counts = [0; 2];
    for turn in 0_u64..10 {
        let project = managed().file("all.csv", &csv);
        project.run(["subscribers", "add", "first@example.com"]).code(0);
        let mut command = project.mimeo(["subscribers", "import", "all.csv", "--yes", "-q"]).into_command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // The write-ahead log grows while the transaction is written.
        let grown = turn * 300_000;
        let size = || fs::metadata(project.path(".mimeo/ledger.db-wal")).map_or(0, |file| file.len());
        while size() <= grown && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        // Safe to fail: it may have ended meanwhile.
        let _ = child.kill();
        child.wait().unwrap();
        let people = project.run(["subscribers", "list", "--status", "all"]).code(0).stdout.lines().count();
        assert!(people == 1 || people == PEOPLE + 1, "turn {turn}: {people} people");
        let suppressed = project.run(["suppress"]).code(0).stdout.lines().count() - 1;
        assert_eq!(suppressed, if people == 1 { 0 } else { PEOPLE / 5 }, "turn {turn}");
        project.run(["ledger", "check"]).code(0);
        counts[usize::from(people > 1)] += 1;
        if people == 1 {
            project.run(["subscribers", "import", "all.csv", "--yes"]).code(0).stdout_has("6,000  new");
        }
    }
    assert!(counts[0] > 0, "no import was killed in the middle: {counts:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn what_is_exported_can_be_imported_and_is_the_same(
        people in prop::collection::vec((
            "[a-z]{1,8}",
            "[A-Za-z =+@'\",;é-]{0,12}",
            prop::sample::select(vec!["active", "pending", "paused", "unsubscribed", "bounced", "complained"]),
            "[=+@'a-z \",é]{0,8}",
            prop::collection::vec("[a-m]{1,5}", 0..3),
        ), 1..12),
    ) {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(["email", "name", "status", "city", "tags", "joined_at"]).unwrap();
        for (at, (local, name, status, city, tags)) in people.iter().enumerate() {
            let email = format!("{local}{at}@example.com");
            let name = format!("N{name}N");
            table.write_record([&email, &name, *status, city, &tags.join(";"), "2024-05-06 07:08:09"]).unwrap();
        }
        let project = managed().file("first.csv", table.into_inner().unwrap());
        project.run(["subscribers", "import", "first.csv", "--yes"]).code(0);
        let exported = project.run(["subscribers", "export"]).code(0).stdout;
        prop_assert_eq!(exported.lines().count(), people.len() + 1);
        let other = managed().file("again.csv", &exported);
        other.run(["subscribers", "import", "again.csv", "--yes"]).code(0).stderr_has("an export of mimeo");
        prop_assert_eq!(other.run(["subscribers", "export"]).code(0).stdout, exported);
        let same: Value = serde_json::from_str(
            &project.file("again.csv", other.run(["subscribers", "export"]).stdout)
                .run(["subscribers", "import", "again.csv", "--json"]).code(0).stdout,
        ).unwrap();
        prop_assert_eq!(same["unchanged"].as_u64(), Some(people.len() as u64));
    }
}

#[test]
fn settings_about_a_column_of_ones_own_do_not_silence_a_service() {
    for from in ["kit", "auto"] {
        let project = managed();
        let settings = project.read("mimeo.toml");
        project.write(
            "mimeo.toml",
            format!("{settings}\n[list.columns]\nstate = \"field\"\ntype = \"field\"\n"),
        );
        let done = summary(&project, &[&export("kit.csv"), "--from", from, "--yes"]);
        assert_eq!(done["created"]["active"], 2, "{from}");
        assert_eq!(done["created"]["unsubscribed"], 1, "{from}");
        let from = if from == "kit" { "buttondown" } else { from };
        let done = summary(&project, &[&export("buttondown-api.csv"), "--from", from]);
        assert_eq!(done["from"], serde_json::json!(["buttondown"]));
        assert_eq!(done["kept"]["complained"], 0);
    }
    // Also through a pipe, which can be read only once.
    let project = managed();
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n[list.columns]\nstate = \"field\"\n"));
    let program = env!("CARGO_BIN_EXE_mimeo");
    let piped = format!("cat '{}' | '{program}' subscribers import - --yes", export("kit.csv"));
    project
        .shell(&piped)
        .code(0)
        .stdout_has("new (2 active, 1 pending, 1 unsubscribed, 1 bounced, 1 complained)");
    // A table of one's own that looks like it: the settings count.
    let project =
        managed().file("own.csv", "email,first_name,created_at,state\nann@example.com,Ann,2024-01-02,CA\n");
    project
        .run(["subscribers", "import", "own.csv"])
        .code(3)
        .stderr_has("`state` may say who wants no letters");
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n[list.columns]\nstate = \"field\"\n"));
    let done = summary(&project, &["own.csv", "--yes"]);
    assert_eq!(
        (&done["from"], &done["created"]["active"]),
        (&serde_json::json!(["csv"]), &serde_json::json!(1))
    );
    project.run(["subscribers", "show", "ann@example.com"]).code(0).stdout_has("state        CA");
}
