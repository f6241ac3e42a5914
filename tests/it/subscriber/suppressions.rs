use std::io::Cursor;

use mimeograph::address::EmailAddress;
use mimeograph::subscriber::{Suppression, Suppressions};

#[test]
fn suppressions_survive_the_way_through_a_table() {
    let rows = vec![
        Suppression {
            address: EmailAddress::parse("+ann@example.com").unwrap(),
            reason: Some("=unsubscribed, \"for good\"".into()),
            date: Some("2022-12-30T09:00:00Z".parse().unwrap()),
            note: Some("asked by phone, twice".into()),
        },
        Suppression {
            address: EmailAddress::parse("jörg@example.org").unwrap(),
            reason: None,
            date: None,
            note: None,
        },
    ];
    let text = Suppressions::write(Vec::new(), rows.clone()).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&text),
        "address,reason,date,note\n\
         '+ann@example.com,\"'=unsubscribed, \"\"for good\"\"\",2022-12-30T09:00:00Z,\"asked by phone, twice\"\n\
         jörg@example.org,,,\n"
    );
    let back: Vec<_> =
        Suppressions::read("s.csv", Cursor::new(text)).unwrap().map(|r| r.unwrap().unwrap()).collect();
    assert_eq!(back, rows);
}

#[test]
fn a_table_with_addresses_alone_will_do_and_bad_rows_are_named() {
    let text = "E-Mail;Date\nann@example.com;\nnobody;\nbo@example.com;2022-12-30\ncy@example.com;30.12.22\n";
    let rows: Vec<_> = Suppressions::read("s.csv", Cursor::new(text))
        .unwrap()
        .map(|row| match row.unwrap() {
            Ok(row) => format!("{} {:?}", row.address.expose(), row.date.map(|date| date.to_string())),
            Err(diagnostic) => diagnostic.to_string(),
        })
        .collect();
    assert_eq!(
        rows,
        [
            "ann@example.com None",
            "s.csv:3, column `E-Mail`: invalid email address: it has no @",
            "bo@example.com Some(\"2022-12-30T00:00:00Z\")",
            "s.csv:5, column `Date`: is not a date",
        ]
    );
}

#[test]
fn a_file_of_people_who_left_another_service_says_why() {
    for (text, reason) in [
        (
            "Email Address,First Name,UNSUB_TIME\nann@example.com,Ann,2024-01-02 10:00:00\n",
            Some("unsubscribed"),
        ),
        (
            "Email Address,First Name,CLEAN_TIME\nann@example.com,Ann,2024-01-02 10:00:00\n",
            Some("hard_bounce"),
        ),
        ("Email Address,reason,UNSUB_TIME\nann@example.com,asked by phone,\n", Some("asked by phone")),
        ("Email Address,First Name\nann@example.com,Ann\n", None),
    ] {
        let mut rows = Suppressions::read("s.csv", Cursor::new(text)).unwrap();
        assert_eq!(rows.next().unwrap().unwrap().unwrap().reason.as_deref(), reason, "{text}");
    }
}
