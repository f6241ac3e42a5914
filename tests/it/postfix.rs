//! Letters through a real Postfix, read by someone else's parser.

use std::{collections::BTreeSet, process::Stdio};

use mail_parser::{MessageParser, MimeHeaders};

use crate::{
    crash,
    support::{
        postfix::{LOGIN, PASSWORD, Postfix},
        project::Project,
    },
};

/// The twelve of `subscribers.example.csv` who want letters.
const READERS: usize = 12;

fn relay(scheme: &str, port: u16, postfix: &Postfix) -> String {
    let ca_file = postfix.ca_file();
    format!("\n[relay]\nurl = \"{scheme}://{LOGIN}@127.0.0.1:{port}\"\nca_file = \"{}\"\n", ca_file.display())
}

fn gradient_ascent(relay: &str) -> Project {
    let project = Project::gradient_ascent();
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n{relay}"));
    project
}

#[test]
fn everybody_gets_the_newsletter_through_starttls_and_a_login() {
    let Some(postfix) = Postfix::start() else { return };
    let project = gradient_ascent(&relay("smtp", postfix.submission, &postfix));
    let send = || {
        project
            .mimeo(["send", "a-year-in-review", "--yes", "--first"])
            .env("MIMEO_RELAY_PASSWORD", PASSWORD)
            .run()
    };
    send().code(0).stderr_has("12 accepted");
    postfix.wait_for(READERS);
    let list = project.read("subscribers.example.csv");
    let output = project.run(["status", "a-year-in-review", "--state", "accepted", "--json"]).code(0);
    let output: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let rows = output["deliveries"].as_array().unwrap();
    assert_eq!(rows.len(), READERS);
    let mut identifiers = BTreeSet::new();
    for row in rows {
        let address = row["address"].as_str().unwrap();
        assert!(
            list.to_lowercase().contains(&address.to_lowercase()) || address.contains("xn--"),
            "{address}"
        );
        let letters = postfix.mailbox(address);
        assert_eq!(letters.len(), 1, "letters for {address}");
        let letter = MessageParser::new().parse(&letters[0]).unwrap();
        let to = letter.to().unwrap().first().unwrap();
        assert_eq!(to.address().unwrap().to_lowercase(), address.to_lowercase());
        assert_eq!(letter.from().unwrap().first().unwrap().name(), Some("Ada Quill"));
        assert!(letter.subject().unwrap().starts_with("A year in review"));
        assert!(identifiers.insert(letter.message_id().unwrap().to_owned()), "one identifier, two letters");
        let text = letter.body_text(0).unwrap();
        let html = letter.body_html(0).unwrap();
        for part in [&text, &html] {
            assert!(part.contains("leave@gradient-ascent.example.org"), "{address}: no way to leave");
            assert!(!part.contains("{{"), "{address}: an open placeholder");
        }
        assert_eq!(letter.text_body_count(), 1);
        assert_eq!(letter.html_body_count(), 1);
        let pictures: Vec<_> = letter.attachments().collect();
        assert!(!pictures.is_empty(), "pictures travel inside");
        for picture in pictures {
            let cid = picture.content_id().unwrap();
            assert!(html.contains(&format!("cid:{cid}")), "{cid} is used");
        }
        assert!(letter.header("List-Unsubscribe").is_some() && letter.header("List-Id").is_some());
    }
    send().code(0).stderr_has("nothing to send: 12 accepted");
}

#[test]
fn everybody_gets_it_through_tls_from_the_first_byte() {
    let Some(postfix) = Postfix::start() else { return };
    let project = gradient_ascent(&relay("smtps", postfix.implicit, &postfix));
    project
        .mimeo(["send", "the-quiet-week", "--yes", "--first"])
        .env("MIMEO_RELAY_PASSWORD", PASSWORD)
        .run()
        .code(0)
        .stderr_has("12 accepted");
    postfix.wait_for(READERS);
}

#[test]
fn a_wrong_password_stops_the_run_and_sends_nothing() {
    let Some(postfix) = Postfix::start() else { return };
    let project = gradient_ascent(&relay("smtp", postfix.submission, &postfix));
    let ran = project
        .mimeo(["send", "the-quiet-week", "--yes", "--first"])
        .env("MIMEO_RELAY_PASSWORD", "wrong")
        .run()
        .code(5);
    assert!(ran.stderr.contains("stopped: the relay cannot be used (login): it said"), "{ran}");
    assert!(ran.stderr.contains("535"), "{ran}");
    assert!(!ran.stderr.contains("wrong\n") && !ran.stderr.contains("d3Jvbmc"), "the password shows: {ran}");
}

#[test]
fn a_certificate_of_no_one_we_know_stops_the_run() {
    let Some(postfix) = Postfix::start() else { return };
    let url = format!("\n[relay]\nurl = \"smtp://{LOGIN}@127.0.0.1:{}\"\n", postfix.submission);
    let project = gradient_ascent(&url);
    let ran = project
        .mimeo(["send", "the-quiet-week", "--yes", "--first"])
        .env("MIMEO_RELAY_PASSWORD", PASSWORD)
        .run()
        .code(5);
    assert!(ran.stderr.contains("the relay cannot be used (TLS)"), "{ran}");
}

#[test]
fn killed_in_front_of_a_postfix_no_one_gets_it_twice_and_no_one_is_skipped() {
    const PEOPLE: usize = 150;
    const CONNECTIONS: usize = 4;
    const KILLS: usize = 8;
    let Some(postfix) = Postfix::start() else { return };
    let relay = format!(
        "[relay]\nurl = \"smtp://127.0.0.1:{}?tls=none\"\nconnections = {CONNECTIONS}\n",
        postfix.plain
    );
    let project = crash::project(PEOPLE, &relay);
    for kill in 1..=KILLS {
        let mut command = project.mimeo(["-q", "send", "one", "--yes", "--first"]).into_command();
        let mut sender =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Once some more have been accepted, whatever is under way is cut off.
        while sender.try_wait().unwrap().is_none()
            && crash::counts_if_any(&project, "accepted") < kill * PEOPLE / 10
        {}
        let _ = sender.kill();
        sender.wait().unwrap();
    }
    project.run(["-q", "send", "one", "--yes", "--first"]);
    let counts = crash::counts(&project);
    assert_eq!(counts["accepted"] + counts["unconfirmed"], PEOPLE, "{counts:?}");
    postfix.wait_for(counts["accepted"]);
    let unconfirmed = crash::addresses(&project, "unconfirmed");
    for address in crash::addresses(&project, "accepted") {
        assert_eq!(postfix.mailbox(&address).len(), 1, "{address}");
    }
    assert!(unconfirmed.len() <= KILLS * CONNECTIONS, "more than were under way: {unconfirmed:?}");
    for address in unconfirmed {
        assert!(postfix.mailbox(&address).len() <= 1, "{address}");
    }
}
