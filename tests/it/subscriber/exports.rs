//! Exports of newsletter services: whoever said no there is not written to here.

use std::fs;

use mimeograph::subscriber::{ColumnMeanings, Inactive, List, ListError, ListFile, Meaning, Row};

use crate::support::project::{Project, repository};

fn list(name: &str, columns: ColumnMeanings) -> Result<List, ListError> {
    List::open(ListFile { path: repository().join("tests/fixtures/exports").join(name), columns })
}

/// Who is written to, and how many are not: opted out, bounced, complained, paused, unconfirmed.
#[track_caller]
fn check(name: &str, active: &[&str], inactive: [u64; 6]) {
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
    check("mailchimp-subscribed.csv", &["ann", "bob"], [0; 6]);
    check("mailchimp-unsubscribed.csv", &[], [2, 0, 0, 0, 0, 0]);
    check("mailchimp-cleaned.csv", &[], [0, 1, 0, 0, 0, 0]);
    // No column says it: the name of the file does.
    check("nonsubscribed-mailchimp.csv", &[], [0, 0, 0, 0, 2, 0]);
    check("mailchimp-joined.csv", &["ann"], [1, 1, 0, 0, 0, 0]);
    check("substack.csv", &["ann", "bob"], [1, 0, 0, 0, 0, 0]);
    check("substack-older.csv", &["ann", "bob"], [1, 0, 0, 0, 0, 0]);
    check("substack-subscribers.csv", &["ann", "bob", "cleo"], [0; 6]);
    check("ghost.csv", &["ann", "dan"], [2, 0, 0, 0, 1, 0]);
    check("ghost-older.csv", &["ann"], [2, 0, 0, 0, 0, 0]);
    check("kit.csv", &["ann", "fay"], [1, 1, 1, 1, 0, 0]);
    check("kit-status.csv", &["ann", "dan"], [1, 1, 1, 0, 1, 0]);
    check("buttondown.csv", &["ann", "fay", "jan"], [3, 1, 1, 1, 1, 0]);
    check("buttondown-api.csv", &["ann"], [1, 1, 1, 1, 1, 0]);
    check("beehiiv.csv", &["ann"], [1, 1, 0, 1, 3, 0]);
    check("listmonk.csv", &["ann"], [1, 0, 0, 1, 0, 0]);
    check("keila.csv", &["ann"], [1, 1, 0, 0, 0, 0]);
    check("keila-excel.csv", &["ann"], [1, 1, 0, 0, 0, 0]);
    check("mimeo.csv", &["ann"], [1, 1, 1, 1, 1, 0]);
    check("unsubscribed-at.csv", &["ann"], [1, 0, 0, 0, 0, 0]);
    check("salesforce.csv", &["ann"], [1, 1, 0, 0, 0, 0]);
    check("mailjet.csv", &["ann"], [1, 0, 1, 0, 0, 0]);
    check("cleverreach.csv", &["ann"], [1, 0, 0, 0, 1, 0]);
    check("mailerlite.csv", &["ann"], [1, 0, 0, 0, 0, 0]);
    check("wix.csv", &["ann"], [1, 0, 0, 0, 1, 0]);
    check("civicrm.csv", &["ann"], [1, 0, 0, 1, 0, 0]);
    check("statut.csv", &["ann"], [1, 0, 0, 0, 0, 0]);
    check("opt-in-flag.csv", &["ann"], [1, 0, 0, 0, 1, 0]);
}

#[test]
fn of_two_rows_for_one_person_the_no_wins() {
    check("two-rows-for-one-person.csv", &["bob"], [1, 0, 0, 0, 0, 0]);
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
    for (cells, said) in [
        ("email,remark\nann@example.com,Unsubscribed\n", "the column `remark` holds the word"),
        ("email,Einwilligung\nann@example.com,\n", "is empty here, which may be a yes or a no"),
        ("email,Einwilligung\nann@example.com,per Post\n", "its value \u{201c}per Post\u{201d} is unknown"),
        (
            "email,attributes\nann@example.com,\"{\"\"hasBounced\"\": true}\"\n",
            "the column `attributes` holds `hasbounced`",
        ),
    ] {
        let Err(ListError::Unusable { diagnostics, .. }) = List::read("list.csv", cells.as_bytes()) else {
            let list = List::read("list.csv", cells.as_bytes()).unwrap();
            let rows: Vec<Row> = list.map(Result::unwrap).collect();
            let [Row::Bad(diagnostic)] = &rows[..] else { panic!("{cells}: {rows:?}") };
            assert_eq!(diagnostic.code, "M317", "{cells}");
            continue;
        };
        assert!(diagnostics[0].code == "M317" && diagnostics[0].message.contains(said), "{}", diagnostics[0]);
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
fn a_send_names_those_who_opted_out_and_writes_to_no_one_of_them() {
    let kit = fs::read_to_string(repository().join("tests/fixtures/exports/kit.csv")).unwrap();
    let project = Project::new().file("subscribers.csv", kit).file(
        "issues/2026-01-02-one.md",
        "---\ntitle: One two three\npreheader: A short letter about one thing.\nnumber: 1\ndate: 2026-01-02\n---\n\nHello to all of you.\n",
    );
    project
        .run(["send", "one", "--dry-run"])
        .code(0)
        .stderr_has("2 people get it (1 opted out, 1 bounced, 1 complained, 1 paused)");
    assert_eq!(project.list("outbox"), ["ann@example.com.eml", "fay@example.com.eml"]);
    project
        .run(["subscribers", "check"])
        .code(0)
        .stdout_has("2 people, 1 opted out, 1 bounced, 1 complained, 1 paused");

    project.write("subscribers.csv", "email,state\nann@example.com,CA\n");
    project
        .run(["send", "one", "--dry-run"])
        .code(3)
        .stderr_has("the column `state` may say who wants no letters");
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n[list.columns]\nstate = \"field\"\n"));
    project.run(["send", "one", "--dry-run"]).code(0).stderr_has("1 person gets it");
    project.write("mimeo.toml", format!("{settings}\n[list.columns]\nstate = \"feild\"\n"));
    project.run(["send", "one", "--dry-run"]).code(3).stderr_has("`list.columns.state` cannot be \"feild\"");
}

#[test]
fn a_no_that_hides_below_the_persons_first_row_stops_a_send() {
    let project = Project::new()
        .file(
            "subscribers.csv",
            "email,notes\nann@example.com,\nANN@example.com,\"{\"\"unsubscribed\"\": true}\"\n",
        )
        .file("issues/one.md", "---\ntitle: One\nnumber: 1\ndate: 2026-01-02\n---\n\nHello.\n");
    for options in [&[][..], &["--skip-bad-rows"]] {
        project
            .run([&["send", "one", "--dry-run"], options].concat())
            .code(3)
            .stderr_has("this row says \u{201c}opted out\u{201d}, and line 2 has the same address")
            .stderr_has("subscribers.csv:3, column `email`")
            .stderr_has("remove line 2")
            .stderr_has("M317");
        assert!(project.list("outbox").is_empty());
    }
    project.write("subscribers.csv", "email,notes\nANN@example.com,\"{\"\"unsubscribed\"\": true}\"\n");
    project.run(["subscribers", "check"]).code(0).stdout_has("1 opted out");
}
