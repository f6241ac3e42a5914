use std::{fs, process::Stdio};

use proptest::prelude::*;
use serde_json::Value;

use super::{export, managed};
use crate::support::newsroom::Newsroom;

fn summary(room: &Newsroom, arguments: &[&str]) -> Value {
    let arguments = [&["subscribers", "import", "--json"], arguments].concat();
    serde_json::from_str(&room.run(arguments).code(0).stdout).unwrap()
}

/// Active, pending, paused, unsubscribed, bounced, complained.
#[track_caller]
fn check(names: &[&str], from: &str, expected: [u64; 6]) {
    let room = managed();
    let paths: Vec<String> = names.iter().map(|name| export(name)).collect();
    let mut arguments: Vec<&str> = paths.iter().map(String::as_str).collect();
    arguments.push("--yes");
    let done = summary(&room, &arguments);
    assert_eq!(done["from"], serde_json::json!([from]), "{names:?}");
    let words = ["active", "pending", "paused", "unsubscribed", "bounced", "complained"];
    let created = words.map(|word| done["created"][word].as_u64().unwrap());
    assert_eq!(created, expected, "{names:?}");
    // Each status is what the list says afterwards, and whoever said no is suppressed.
    for (word, count) in words.iter().zip(expected) {
        let lines = room.run(["subscribers", "list", "--status", word]).code(0).stdout.lines().count();
        assert_eq!(lines as u64, count, "{names:?} {word}");
    }
    let suppressed = room.run(["suppress"]).code(0).stdout.lines().count() as u64 - 1;
    assert_eq!(suppressed, expected[3] + expected[4] + expected[5], "{names:?}");
}

#[test]
fn every_export_comes_with_the_right_statuses() {
    check(&["mailchimp-subscribed.csv"], "mailchimp", [2, 0, 0, 0, 0, 0]);
    check(
        &["mailchimp-subscribed.csv", "mailchimp-unsubscribed.csv", "mailchimp-cleaned.csv"],
        "mailchimp",
        [2, 0, 0, 2, 1, 0],
    );
    check(&["mailchimp-joined.csv"], "csv", [1, 0, 0, 1, 1, 0]);
    check(&["substack.csv"], "substack", [2, 0, 0, 1, 0, 0]);
    check(&["ghost.csv"], "ghost", [1, 0, 0, 2, 0, 0]);
    check(&["kit.csv"], "kit", [2, 1, 0, 1, 1, 1]);
    check(&["kit-status.csv"], "kit", [1, 0, 0, 1, 0, 0]);
    check(&["buttondown.csv"], "buttondown", [2, 1, 0, 2, 1, 1]);
    check(&["buttondown-api.csv"], "buttondown", [1, 0, 1, 1, 1, 1]);
    check(&["beehiiv.csv"], "beehiiv", [1, 1, 0, 2, 1, 0]);
    check(&["listmonk.csv"], "listmonk", [1, 0, 1, 1, 0, 0]);
    check(&["keila.csv"], "keila", [1, 0, 0, 1, 1, 0]);
    check(&["two-rows-for-one-person.csv"], "csv", [1, 0, 0, 1, 0, 0]);
    check(&["unsubscribed-at.csv"], "csv", [1, 0, 0, 1, 0, 0]);
    check(&["opt-in-flag.csv"], "csv", [1, 1, 0, 1, 0, 0]);
}

#[test]
fn tags_fields_and_proof_of_consent_come_along() {
    let room = managed();
    summary(&room, &[&export("mailchimp-subscribed.csv"), "--yes"]);
    let shown = room.run(["subscribers", "show", "bob@example.com", "--json"]).code(0).stdout;
    assert!(!shown.contains("192.0.2.2"), "a whole network address is kept: {shown}");
    let bob: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(bob["person"]["tags"], serde_json::json!(["beta", "gold"]));
    assert_eq!(bob["person"]["joined_at"], "2024-02-03T11:05:00Z");
    assert_eq!(bob["consents"][0]["requested_from"], "192.0.2.0/24");
    assert_eq!(bob["consents"][0]["requested_at"], "2024-02-03T11:00:00Z");
    summary(&room, &[&export("listmonk.csv"), "--yes"]);
    room.run(["subscribers", "show", "cleo@example.com"]).code(0).stdout_has("city         Ulm");
}

#[test]
fn an_import_shows_what_it_would_do_and_does_nothing_unasked() {
    let room = managed();
    let file = export("kit.csv");
    room.run(["subscribers", "import", &file])
        .code(0)
        .stdout_has("new (2 active, 1 pending, 1 unsubscribed, 1 bounced, 1 complained)")
        .stderr_has("nothing was changed; pass --yes to import");
    assert_eq!(room.run(["subscribers", "export"]).code(0).stdout.lines().count(), 1);
    summary(&room, &[&file, "--yes"]);
    let before = room.run(["subscribers", "export"]).code(0).stdout;
    let again = summary(&room, &[&file, "--yes"]);
    assert_eq!((again["unchanged"].as_u64(), again["changed"].as_u64()), (Some(6), Some(0)));
    assert_eq!(room.run(["subscribers", "export"]).code(0).stdout, before);
}

#[test]
fn nobody_becomes_active_who_said_no_here() {
    let room = managed().file(
        "all.csv",
        "email,subscribed_at\nann@example.com,2030-01-01\nbob@example.com,2025-01-01\ncy@example.com,2025-01-01\n\
         di@example.com,2025-01-01\neve@example.com,2025-01-01\n",
    );
    room.run(["subscribers", "add", "ann@example.com"]).code(0);
    room.run(["subscribers", "unsubscribe", "ann@example.com"]).code(0);
    room.run(["suppress", "bob@example.com", "--reason", "complaint"]).code(0);
    room.run(["subscribers", "add", "cy@example.com"]).code(0);
    room.run(["subscribers", "erase", "cy@example.com", "--yes"]).code(0);
    room.run(["subscribers", "add", "di@example.com"]).code(0);
    room.run(["subscribers", "pause", "di@example.com"]).code(0);
    let done = summary(&room, &["all.csv", "--yes"]);
    assert_eq!(done["erased"], 1);
    assert_eq!(done["kept"]["unsubscribed"], 1);
    assert_eq!(done["kept"]["complained"], 1);
    assert_eq!(done["kept"]["paused"], 1);
    assert_eq!(room.run(["subscribers", "list"]).code(0).stdout, "eve@example.com\t\n");
    room.run(["send", "one", "--yes"]).code(0);
    assert_eq!(room.list("outbox"), ["eve@example.com.eml"]);
}

#[test]
fn an_import_lowers_people_and_their_addresses_are_suppressed() {
    let room = managed().file("no.csv", "email,unsubscribed_at\nann@example.com,2025-01-01\n");
    room.run(["subscribers", "add", "ann@example.com"]).code(0);
    let done = summary(&room, &["no.csv", "--yes"]);
    assert_eq!(done["lowered"]["unsubscribed"], 1);
    room.run(["suppress"]).code(0).stdout_has("ann@example.com,unsubscribed,2025-01-01T00:00:00Z,import 1");
    room.run(["subscribers", "import", "--undo", "1"]).code(0).stderr_has("1 as before");
    assert_eq!(room.run(["subscribers", "list"]).code(0).stdout, "ann@example.com\t\n");
    assert_eq!(room.run(["suppress"]).code(0).stdout.lines().count(), 1);
}

#[test]
fn an_import_is_undone_for_those_who_have_not_changed_since() {
    let room = managed();
    room.run(["subscribers", "add", "zoe@example.com", "--field", "city=Ulm"]).code(0);
    let before = room.run(["subscribers", "export"]).code(0).stdout;
    summary(&room, &[&export("buttondown.csv"), "--yes"]);
    room.run(["subscribers", "unsubscribe", "ann@example.com"]).code(0);
    // Somebody who was unsubscribed by the import asks again: that is theirs, and not the import's.
    room.run(["subscribers", "unsubscribe", "bob@example.com"]).code(0);
    room.run(["subscribers", "import", "--undo", "1"])
        .code(0)
        .stderr_has("5 removed, 0 as before; 2 changed since");
    for address in ["ann@example.com", "bob@example.com"] {
        room.run(["subscribers", "show", address]).code(0).stdout_has("unsubscribed");
    }
    assert_eq!(room.run(["suppress"]).code(0).stdout.lines().count(), 3);
    room.run(["subscribers", "import", "--undo", "1"]).code(3).stderr_has("import 1 was undone already");
    room.run(["subscribers", "import", "--undo", "7"]).code(3).stderr_has("import 7 not found");
    assert!(before.contains("zoe@example.com"));
    room.run(["subscribers", "show", "zoe@example.com"]).code(0).stdout_has("city         Ulm");
}

#[test]
fn bad_rows_stop_an_import_until_they_are_skipped() {
    let room = managed()
        .file("some.csv", "email,status\nann@example.com,active\nnobody,active\nbo@example.com,gold\n");
    room.run(["subscribers", "import", "some.csv", "--yes"])
        .code(3)
        .stderr_has("some.csv:3")
        .stderr_has("unknown status \u{201c}gold\u{201d}")
        .stderr_has("nothing was changed");
    assert_eq!(room.run(["subscribers", "list", "--status", "all"]).code(0).stdout, "");
    let done = summary(&room, &["some.csv", "--yes", "--skip-bad-rows"]);
    assert_eq!((done["bad"].as_u64(), done["created"]["active"].as_u64()), (Some(2), Some(1)));
}

#[test]
fn a_column_that_looks_like_consent_is_an_error_until_the_settings_say_what_it_means() {
    let room = managed();
    for name in ["federal-states.csv", "unclear-consent.csv"] {
        room.run(["subscribers", "import", &export(name), "--yes"])
            .code(3)
            .stderr_has("may say who wants no letters");
    }
    let settings = room.read("mimeo.toml");
    room.write("mimeo.toml", format!("{settings}\n[list.columns]\nstate = \"field\"\n"));
    summary(&room, &[&export("federal-states.csv"), "--yes"]);
    room.run(["subscribers", "show", "ann@example.com"]).code(0).stdout_has("state        CA");
}

#[test]
fn a_file_can_be_of_people_who_said_no() {
    let room = managed()
        .file("gone.csv", "email\nann@example.com\n")
        .file("unsubscribed_list.csv", "email,LEID\nbo@example.com,3\n");
    summary(&room, &["gone.csv", "--as", "unsubscribed", "--yes"]);
    // Mailchimp's files are told apart by their names where no column does.
    summary(&room, &["unsubscribed_list.csv", "--yes"]);
    assert_eq!(
        room.run(["subscribers", "list", "--status", "unsubscribed"]).code(0).stdout.lines().count(),
        2
    );
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
        let room = managed().file("all.csv", &csv);
        room.run(["subscribers", "add", "first@example.com"]).code(0);
        let mut command = room.mimeo(["subscribers", "import", "all.csv", "--yes", "-q"]).into_command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // The write-ahead log grows while the transaction is written.
        let grown = turn * 300_000;
        let size = || fs::metadata(room.path(".mimeo/ledger.db-wal")).map_or(0, |file| file.len());
        while size() <= grown && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        // Safe to fail: it may have ended meanwhile.
        let _ = child.kill();
        child.wait().unwrap();
        let people = room.run(["subscribers", "list", "--status", "all"]).code(0).stdout.lines().count();
        assert!(people == 1 || people == PEOPLE + 1, "turn {turn}: {people} people");
        let suppressed = room.run(["suppress"]).code(0).stdout.lines().count() - 1;
        assert_eq!(suppressed, if people == 1 { 0 } else { PEOPLE / 5 }, "turn {turn}");
        room.run(["ledger", "check"]).code(0);
        counts[usize::from(people > 1)] += 1;
        if people == 1 {
            room.run(["subscribers", "import", "all.csv", "--yes"]).code(0).stdout_has("6,000  new");
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
            prop::collection::vec("[a-z]{1,5}", 0..3),
        ), 1..12),
    ) {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(["email", "name", "status", "city", "tags", "joined_at"]).unwrap();
        for (at, (local, name, status, city, tags)) in people.iter().enumerate() {
            let email = format!("{local}{at}@example.com");
            let name = format!("N{name}N");
            table.write_record([&email, &name, *status, city, &tags.join(";"), "2024-05-06 07:08:09"]).unwrap();
        }
        let room = managed().file("first.csv", table.into_inner().unwrap());
        room.run(["subscribers", "import", "first.csv", "--yes"]).code(0);
        let exported = room.run(["subscribers", "export"]).code(0).stdout;
        prop_assert_eq!(exported.lines().count(), people.len() + 1);
        let other = managed().file("again.csv", &exported);
        other.run(["subscribers", "import", "again.csv", "--yes"]).code(0).stderr_has("an export of mimeo");
        prop_assert_eq!(other.run(["subscribers", "export"]).code(0).stdout, exported);
        let same: Value = serde_json::from_str(
            &room.file("again.csv", other.run(["subscribers", "export"]).stdout)
                .run(["subscribers", "import", "again.csv", "--json"]).code(0).stdout,
        ).unwrap();
        prop_assert_eq!(same["unchanged"].as_u64(), Some(people.len() as u64));
    }
}
