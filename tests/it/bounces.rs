//! Messages that came back: what they are, for whom, and of which class; from files, folders and pipes.

use std::{fs, path::PathBuf, time::Instant};

use mimeograph::{
    address::EmailAddress,
    bounce::{self, Kind, Ours, Returned},
};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{
    project::{Project, repository},
    schema::hold,
};

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// The newsletter that the fixtures' letters are of.
fn ours() -> Ours {
    Ours {
        bounces: Some(address("bounces@news.example.org")),
        unsubscribe: Some(address("leave@news.example.org")),
        senders: vec![address("ada@news.example.org")],
    }
}

fn folder() -> PathBuf {
    repository().join("tests/fixtures/bounces")
}

struct Expected {
    name: String,
    kind: String,
    /// A report that a program wrote, or prose.
    has_report: bool,
    /// Address and class.
    recipients: Vec<(String, String)>,
    bytes: Vec<u8>,
}

fn corpus() -> Vec<Expected> {
    let table = fs::read_to_string(folder().join("expected.csv")).unwrap();
    table
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let pair =
                |text: &str| text.rsplit_once('=').map(|(who, class)| (who.to_owned(), class.to_owned()));
            Expected {
                name: cells[0].to_owned(),
                kind: cells[1].to_owned(),
                has_report: cells[2] == "dsn",
                recipients: cells[3].split_whitespace().map(|text| pair(text).unwrap()).collect(),
                bytes: fs::read(folder().join(format!("{}.eml", cells[0]))).unwrap(),
            }
        })
        .collect()
}

fn found(returned: &Returned) -> Vec<(String, String)> {
    let class = |class: Option<bounce::Class>| class.map_or("-", |class| class.word()).to_owned();
    returned.recipients.iter().map(|one| (one.address.expose().to_owned(), class(one.class))).collect()
}

#[test]
fn every_system_of_the_corpus_is_read() {
    let mut wrong = Vec::new();
    let corpus = corpus();
    for one in &corpus {
        let returned = bounce::read(&one.bytes, &ours());
        if returned.kind.word() != one.kind || found(&returned) != one.recipients {
            wrong.push(format!(
                "{}: {} {:?} by {}",
                one.name,
                returned.kind.word(),
                found(&returned),
                returned.reader
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let systems = corpus.iter().filter(|one| matches!(one.kind.as_str(), "bounce" | "delay")).count();
    assert!(systems >= 130, "{systems}");
    assert!(corpus.iter().filter(|one| one.has_report).count() >= 55);
    let files = fs::read_dir(folder()).unwrap().count();
    assert_eq!(files, corpus.len() + 1, "every file is in expected.csv");
}

#[test]
fn line_ends_make_no_difference() {
    for one in corpus() {
        let text = String::from_utf8(one.bytes.clone()).unwrap();
        let expected = bounce::read(&one.bytes, &ours());
        for end in ["\r\n", "\r"] {
            let other = bounce::read(text.replace('\n', end).as_bytes(), &ours());
            assert_eq!(other, expected, "{} with {end:?}", one.name);
        }
    }
}

#[test]
fn a_returned_letter_is_known_by_its_message_id() {
    let without = ["postfix-success"];
    let quoted =
        |one: &&Expected| String::from_utf8_lossy(&one.bytes).contains("6om5m7fcqs3vuwdbcd7uajlarf@");
    let corpus = corpus();
    let with: Vec<_> =
        corpus.iter().filter(quoted).filter(|one| !without.contains(&one.name.as_str())).collect();
    assert!(with.len() > 40, "{}", with.len());
    for one in with {
        let returned = bounce::read(&one.bytes, &ours());
        let expected = "6om5m7fcqs3vuwdbcd7uajlarf@news.example.org";
        assert_eq!(returned.message_id.as_deref(), Some(expected), "{}", one.name);
    }
}

#[test]
fn the_token_in_the_address_is_found() {
    let mut ours = ours();
    ours.bounces = Some(address("bounces+{token}@news.example.org"));
    let message = "From: MAILER-DAEMON@mx.example.com\nTo: <bounces+b4q7k1m2@News.example.org>\nSubject: failure\n\nno\n";
    assert_eq!(bounce::read(message.as_bytes(), &ours).token.as_deref(), Some("b4q7k1m2"));
    let other = message.replace("news.example.org", "x.example").replace("News.example.org", "x.example");
    assert_eq!(bounce::read(other.as_bytes(), &ours).token, None);
}

/// Mail that other people collected; see `tests/tools/flufl.sh`.
#[test]
fn recipients_are_right_in_a_collection_of_others() {
    let tests = repository().join("target/flufl");
    let Ok(table) = fs::read_to_string(tests.join("expected.csv")) else {
        let why = "target/flufl is missing; run tests/tools/flufl.sh";
        assert!(std::env::var_os("MIMEO_REQUIRE_ALL").is_none(), "{why}");
        return eprintln!("SKIPPED: {why}");
    };
    let (mut right, mut wrong) = (0, Vec::new());
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let bytes = fs::read(tests.join("tests/data").join(cells[0])).unwrap();
        let returned = bounce::read(&bytes, &Ours::default());
        let mut people: Vec<String> = returned.recipients.iter().map(|one| one.address.key()).collect();
        people.sort();
        let people = people.join(" ");
        // Without recipients, the collection says only that its reader for that system finds none.
        if people == cells[2] && (returned.kind.word() == cells[1] || cells[1].is_empty()) {
            right += 1;
        } else {
            wrong.push(format!(
                "{}: {} {people}, expected {} {}",
                cells[0],
                returned.kind.word(),
                cells[1],
                cells[2]
            ));
        }
    }
    let share = f64::from(right) / f64::from(right + wrong.len() as u32);
    println!("{right} right, {:.1} %\n{}", 100.0 * share, wrong.join("\n"));
    assert!(share >= 0.97, "{:.1} %\n{}", 100.0 * share, wrong.join("\n"));
}

#[test]
fn mail_that_did_not_come_back_is_about_no_one() {
    let quiet = ["auto-reply", "unknown"];
    for one in corpus().iter().filter(|one| quiet.contains(&one.kind.as_str())) {
        assert!(bounce::read(&one.bytes, &ours()).recipients.is_empty(), "{}", one.name);
    }
    // The newsletter's own letters, which readers send on, are not reports either.
    let project = Project::gradient_ascent();
    project.run(["build", "a-year-in-review", "--as", "ada.reader@example.com"]);
    for folder in ["build", "outbox"] {
        for name in project.list(folder).iter().filter(|name| name.ends_with(".eml")) {
            let bytes = fs::read(project.path(&format!("{folder}/{name}"))).unwrap();
            assert_eq!(bounce::read(&bytes, &ours()).kind, Kind::Unknown, "{name}");
        }
    }
}

#[test]
fn hostile_messages_are_read_in_no_time() {
    let nested = |kind: &str, times: usize| format!("Content-Type: {kind}\n\n").repeat(times);
    let mut hostile = vec![
        nested("message/rfc822", 20_000),
        nested("multipart/report; boundary=b\n\n--b\nX: y", 20_000),
        format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\n".repeat(50_000)),
        format!("Subject: {}\n\n", "=?utf-8?q?=".repeat(20_000)),
        format!("From: mailer-daemon@x.example\nSubject: undeliverable\n\n{}", "a@b.example ".repeat(20_000)),
        format!("From: mailer-daemon@x.example\nSubject: undeliverable\n\n{}", "@".repeat(200_000)),
        format!(
            "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n{}",
            "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n".repeat(4_000)
        ),
        format!(
            "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n{}",
            "Action: failed\n\n".repeat(10_000)
        ),
        format!("Content-Type: text/html\n\n{}", "<div>".repeat(50_000)),
        "\r".repeat(300_000),
        "From \n".repeat(50_000),
        format!("{}: x\n\n", "X".repeat(250_000)),
        String::new(),
        ":\n:\n\n".to_owned(),
    ];
    hostile.push(format!(
        "{}\nContent-Transfer-Encoding: base64\nContent-Type: message/rfc822\n\n{}",
        hostile[0],
        "QUFB\n".repeat(40_000)
    ));
    for (index, message) in hostile.iter().enumerate() {
        let start = Instant::now();
        let returned = bounce::read(message.as_bytes(), &ours());
        assert!(start.elapsed().as_secs() < 5, "message {index} took {:?}", start.elapsed());
        assert!(returned.recipients.len() <= 200);
    }
}

/// What is changed in a message, at a place given in thousandths.
#[derive(Clone, Debug)]
enum Change {
    Byte(usize, u8),
    Cut(usize),
    Drop(usize, usize),
    Repeat(usize, usize),
    Insert(usize, &'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let pieces = [
        "\n\n",
        "--cut-here",
        "\u{feff}",
        "=?utf-8?b?",
        "Final-Recipient: rfc822;",
        "<@>",
        "\0",
        "\r",
        "Content-Type: message/rfc822\n\n",
        "boundary=\"\"",
        "\u{1b}$B",
        "=\n",
        ";",
        "\u{e9}",
    ];
    let at = 0..1000_usize;
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        at.clone().prop_map(Change::Cut),
        (at.clone(), 1..200_usize).prop_map(|(at, len)| Change::Drop(at, len)),
        (at.clone(), 1..200_usize).prop_map(|(at, len)| Change::Repeat(at, len)),
        (at, prop::sample::select(pieces.to_vec())).prop_map(|(at, piece)| Change::Insert(at, piece)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let (place, len) = match change {
        Change::Byte(at, _) | Change::Cut(at) | Change::Insert(at, _) => (*at, 0),
        Change::Drop(at, len) | Change::Repeat(at, len) => (*at, *len),
    };
    let at = bytes.len() * place / 1000;
    let end = (at + len).min(bytes.len());
    match change {
        Change::Byte(_, byte) => {
            if let Some(old) = bytes.get_mut(at) {
                *old = *byte;
            }
        }
        Change::Cut(_) => bytes.truncate(at),
        Change::Drop(..) => drop(bytes.drain(at..end)),
        Change::Repeat(..) => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        Change::Insert(_, piece) => drop(bytes.splice(at..at, piece.bytes())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_to_a_message_stops_the_reader(which in 0..1000_usize, changes in prop::collection::vec(change(), 1..12)) {
        thread_local! { static CORPUS: Vec<Expected> = corpus(); }
        let mut bytes = CORPUS.with(|corpus| corpus[which % corpus.len()].bytes.clone());
        for change in &changes {
            apply(&mut bytes, change);
        }
        let returned = bounce::read(&bytes, &ours());
        // What is found is a valid address, and is there once.
        for (index, one) in returned.recipients.iter().enumerate() {
            prop_assert!(EmailAddress::parse(one.address.expose()).is_ok());
            prop_assert!(returned.recipients[..index].iter().all(|other| other.address.key() != one.address.key()));
        }
        prop_assert!(returned.kind == Kind::Bounce || returned.kind == Kind::Delay || returned.recipients.iter().all(|one| one.class.is_none()));
    }
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_command_prints_one_object_for_each_message() {
    let project = Project::empty();
    let files = ["postfix-unknown-user", "arf-abuse", "vacation-rfc3834"];
    for name in files {
        project.write(&format!("{name}.eml"), fs::read(folder().join(format!("{name}.eml"))).unwrap());
    }
    let names = files.map(|name| format!("{name}.eml"));
    let arguments: Vec<&str> =
        ["bounces", "--json"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let ran = project.run(&arguments).code(0).stderr_has("3 messages: 1 bounce, 1 complaint, 1 auto-reply");
    let objects = objects(&ran.stdout);
    assert_eq!(objects.len(), 3);
    let bounce = &objects[0];
    assert_eq!(bounce["file"], "postfix-unknown-user.eml");
    assert_eq!(bounce["kind"], "bounce");
    let recipient = &bounce["recipients"][0];
    assert_eq!(recipient["address"], "gone@example.com");
    assert_eq!((&recipient["class"], &recipient["status"]), (&"hard".into(), &"5.1.1".into()));
    assert!(recipient["reply"].as_str().unwrap().starts_with("550 5.1.1"));
    assert!(recipient.as_object().unwrap().contains_key("delivery"));
    assert_eq!(bounce["message_id"], "6om5m7fcqs3vuwdbcd7uajlarf@news.example.org");
    assert_eq!((&objects[1]["kind"], &objects[1]["complaint"]), (&"complaint".into(), &"abuse".into()));
    assert_eq!(objects[1]["recipients"][0]["class"], Value::Null);
    assert_eq!(objects[2]["recipients"].as_array().unwrap().len(), 0);
    for object in &objects {
        hold("bounces", object);
    }
}

#[test]
fn maildirs_mailbox_files_folders_and_pipes_are_read() {
    let project = Project::empty();
    let message = |name: &str| fs::read_to_string(folder().join(format!("{name}.eml"))).unwrap();
    project.write("Maildir/new/1.eml", message("qmail"));
    project.write("Maildir/cur/2.eml:2,S", message("gmail-full"));
    project.write("Maildir/tmp/3.eml", message("exim-old"));
    project.write("folder/a", message("qmail"));
    project.write("folder/.hidden", message("qmail"));
    let separator = "From MAILER-DAEMON Sat Nov 29 01:05:34 2026\n";
    project.write("mbox", format!("{separator}{}\n{separator}{}", message("qmail"), message("exim-old")));
    let kinds = |arguments: &[&str]| -> Vec<String> {
        let ran = project.run([&["bounces", "--json"], arguments].concat()).code(0);
        objects(&ran.stdout)
            .iter()
            .map(|one| one["recipients"][0]["class"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(kinds(&["Maildir"]), ["hard", "soft"]);
    assert_eq!(kinds(&["mbox"]), ["hard", "ours"]);
    assert_eq!(kinds(&["folder", "mbox"]), ["hard", "hard", "ours"]);
    let piped = project.shell(&format!("{} bounces - < folder/a", env!("CARGO_BIN_EXE_mimeo"))).code(0);
    assert_eq!(
        piped.stdout,
        "-: bounce, reported by mx.example.com\n  hard  gone@example.com  5.1.1  Sorry, no mailbox here by that name. (#5.1.1)\n"
    );
    project.run(["bounces", "missing.eml"]).code(3).stderr_has("cannot read `missing.eml`");
    // A maildir is only read.
    assert_eq!(project.list("Maildir/new"), ["1.eml"]);
}
