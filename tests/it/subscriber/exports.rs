//! Exports of newsletter services: whoever said no there is not written to here.

use std::fs;

use mimeograph::subscriber::{ColumnMeanings, Inactive, List, ListError, ListFile, Meaning, Row};

use crate::support::newsroom::{Newsroom, repository};

fn list(name: &str, columns: ColumnMeanings) -> Result<List, ListError> {
    List::open(ListFile { path: repository().join("tests/fixtures/exports").join(name), columns })
}

/// Who is written to, and how many are not: opted out, bounced, complained, paused, unconfirmed.
#[track_caller]
fn check(name: &str, active: &[&str], inactive: [u64; 5]) {
    let read = || list(name, ColumnMeanings::new()).unwrap();
    let people: Vec<String> = read()
        .filter_map(|row| match row.unwrap() {
            Row::Person { subscriber, .. } => Some(subscriber.address.expose().to_owned()),
            _ => None,
        })
        .collect();
    let names: Vec<String> = active.iter().map(|name| format!("{name}@example.com")).collect();
    assert_eq!(people, names, "{name}");
    let scan = read().scan(10).unwrap();
    let counts: Vec<u64> = scan.inactive.iter().map(|(_, count)| count).collect();
    assert_eq!(counts, inactive, "{name}");
    assert_eq!(scan.bad, 0, "{name}: {:?}", scan.diagnostics);
}

#[test]
fn an_export_with_opt_outs_is_not_taken_for_a_list_of_active_people() {
    check("mailchimp-subscribed.csv", &["ann", "bob"], [0; 5]);
    check("mailchimp-unsubscribed.csv", &[], [2, 0, 0, 0, 0]);
    check("mailchimp-cleaned.csv", &[], [0, 1, 0, 0, 0]);
    check("mailchimp-joined.csv", &["ann"], [1, 1, 0, 0, 0]);
    check("substack.csv", &["ann", "bob"], [1, 0, 0, 0, 0]);
    check("ghost.csv", &["ann"], [2, 0, 0, 0, 0]);
    check("kit.csv", &["ann", "fay"], [1, 1, 1, 1, 0]);
    check("kit-status.csv", &["ann"], [1, 0, 0, 0, 0]);
    check("buttondown.csv", &["ann", "fay"], [2, 1, 1, 0, 1]);
    check("buttondown-api.csv", &["ann"], [1, 1, 1, 1, 0]);
    check("beehiiv.csv", &["ann"], [1, 1, 0, 1, 1]);
    check("listmonk.csv", &["ann"], [1, 0, 0, 1, 0]);
    check("keila.csv", &["ann"], [1, 1, 0, 0, 0]);
    check("unsubscribed-at.csv", &["ann"], [1, 0, 0, 0, 0]);
    check("opt-in-flag.csv", &["ann"], [1, 0, 0, 0, 1]);
}

#[test]
fn of_two_rows_for_one_person_the_no_wins() {
    check("two-rows-for-one-person.csv", &["bob"], [1, 0, 0, 0, 0]);
}

#[test]
fn a_column_that_looks_like_consent_is_an_error_until_the_settings_say_what_it_means() {
    for (name, column, said) in [
        ("federal-states.csv", "state", "its value “CA” is unknown"),
        ("unclear-consent.csv", "sms_disabled", "may say who wants no letters"),
    ] {
        let Err(ListError::Unusable { diagnostics, .. }) = list(name, ColumnMeanings::new()) else {
            panic!("{name} is used")
        };
        let first = &diagnostics[0];
        assert!(first.code == "M317" && first.message.contains(said), "{first}");
        let help = first.help.as_deref().unwrap();
        assert!(
            help.contains("[list.columns]") && help.contains(&format!("`{column} = \"field\"`")),
            "{help}"
        );
    }
    let field = ColumnMeanings::from([("state".to_owned(), Meaning::Field)]);
    assert_eq!(list("federal-states.csv", field).unwrap().scan(1).unwrap().people, 2);
    let columns = ColumnMeanings::from([
        ("sms_disabled".to_owned(), Meaning::Field),
        ("opt_newsletter".to_owned(), Meaning::Cause(Inactive::OptedOut)),
    ]);
    assert_eq!(list("unclear-consent.csv", columns).unwrap().scan(1).unwrap().people, 0);
}

#[test]
fn every_export_is_tried() {
    let source = include_str!("exports.rs");
    for entry in fs::read_dir(repository().join("tests/fixtures/exports")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(source.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[test]
fn a_send_names_those_who_opted_out_and_writes_to_nobody_of_them() {
    let kit = fs::read_to_string(repository().join("tests/fixtures/exports/kit.csv")).unwrap();
    let room = Newsroom::new().file("subscribers.csv", kit).file(
        "issues/2026-01-02-one.md",
        "---\ntitle: One two three\npreheader: A short letter about one thing.\nnumber: 1\ndate: 2026-01-02\n---\n\nHello to all of you.\n",
    );
    room.run(["send", "one", "--dry-run"])
        .code(0)
        .stderr_has("2 people get it (1 opted out, 1 bounced, 1 complained, 1 paused)");
    assert_eq!(room.list("outbox"), ["ann@example.com.eml", "fay@example.com.eml"]);
    room.run(["subscribers", "check"])
        .code(0)
        .stdout_has("2 people, 1 opted out, 1 bounced, 1 complained, 1 paused");

    room.write("subscribers.csv", "email,state\nann@example.com,CA\n");
    room.run(["send", "one", "--dry-run"])
        .code(3)
        .stderr_has("the column `state` may say who wants no letters");
    let settings = room.read("mimeo.toml");
    room.write("mimeo.toml", format!("{settings}\n[list.columns]\nstate = \"field\"\n"));
    room.run(["send", "one", "--dry-run"]).code(0).stderr_has("1 person gets it");
    room.write("mimeo.toml", format!("{settings}\n[list.columns]\nstate = \"feild\"\n"));
    room.run(["send", "one", "--dry-run"]).code(3).stderr_has("`list.columns.state` cannot be \"feild\"");
}
