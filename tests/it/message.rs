//! The bytes of letters: read by someone else's parser, signed for someone else's verifier.

use std::{collections::BTreeMap, process::Command};

use jiff::Timestamp;
use mail_parser::{MessageParser, MimeHeaders};
use mimeograph::{
    address::EmailAddress,
    assets::Picture,
    issue::{Filter, Placeholder},
    message::{Composer, Secrets, TEST_TOKEN, Tokens},
    render::{Escape, Mailbox, Pattern, Piece, RenderedIssue, Unsubscribe},
    subscriber::Subscriber,
};
use proptest::prelude::*;

use crate::support::{
    project::{Project, repository},
    skip,
};

fn open(name: &str, escape: Escape, default: Option<&str>) -> Piece {
    let path = name.split('.').map(str::to_owned).collect();
    let filters = default.map(|value| Filter::Default(value.into())).into_iter().collect();
    Piece::Open { placeholder: Placeholder { path, filters, span: 0..0 }, escape }
}

fn text(text: &str) -> Piece {
    Piece::Literal(text.into())
}

fn rendered() -> RenderedIssue {
    let address = EmailAddress::parse("ada@letters.example.org").unwrap();
    RenderedIssue {
        title: "A year".into(),
        number: Some(52),
        subject: Pattern {
            pieces: vec![
                text("For "),
                open("subscriber.first_name", Escape::Header, Some("you")),
                text(": a year"),
            ],
        },
        html: Pattern {
            pieces: vec![
                text("<p>Hello "),
                open("subscriber.first_name", Escape::Html, Some("friend")),
                text(", héllo = wörld.</p>\n<a href=\""),
                open("link.unsubscribe", Escape::Url, None),
                text("\">Leave</a>\n"),
            ],
        },
        text: Pattern {
            pieces: vec![
                text("Hello "),
                open("subscriber.first_name", Escape::Text, Some("friend")),
                text(",\n.\nFrom here on: "),
                open("link.unsubscribe", Escape::Text, None),
                text("\n"),
            ],
        },
        date: Timestamp::from_second(1_672_394_400).unwrap(),
        list_id: "letters.example.org".into(),
        newsletter: "Gradient, Ascent".into(),
        unsubscribe: Unsubscribe {
            https: None,
            mailto: Some(EmailAddress::parse("leave@example.org").unwrap()),
        },
        archive: Some("https://example.org/archive/".into()),
        ..RenderedIssue::new("2022-12-30-a-year", Mailbox::new("Ada Quill", address))
    }
}

fn secrets() -> Secrets {
    Secrets::new([7; 32])
}

fn person(name: &str, first_name: &str) -> Subscriber {
    let fields = Some(("first_name", first_name)).filter(|_| !first_name.is_empty()).into_iter().collect();
    let name = (!name.is_empty()).then(|| name.to_owned());
    Subscriber { address: EmailAddress::parse("reader@example.com").unwrap(), name, fields }
}

fn letter(rendered: &RenderedIssue, person: &Subscriber) -> Vec<u8> {
    Composer::new(rendered, secrets()).unwrap().compose(person, Vec::new()).unwrap().into_bytes()
}

#[track_caller]
fn is_fit(bytes: &[u8]) {
    assert!(bytes.is_ascii(), "seven bits");
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            0 => panic!("a NUL at {at}"),
            b'\n' => assert_eq!(bytes[at - 1], b'\r', "a bare LF at {at}"),
            b'\r' => assert_eq!(bytes.get(at + 1), Some(&b'\n'), "a bare CR at {at}"),
            _ => {}
        }
    }
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    assert!(lines.iter().all(|line| line.len() <= 999), "no line over 998 bytes");
    assert!(!lines.iter().any(|line| line.starts_with(b".")), "no line that would have to be stuffed");
}

#[test]
fn a_letter_has_each_field_once_and_both_parts() {
    let bytes = letter(&rendered(), &person("Jörg Müller", "Jörg"));
    is_fit(&bytes);
    let parsed = MessageParser::new().parse(&bytes).unwrap();
    let raw = String::from_utf8_lossy(&bytes);
    let head = raw.split("\r\n\r\n").next().unwrap();
    for field in [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "MIME-Version",
        "List-Id",
        "List-Unsubscribe",
        "Content-Type",
    ] {
        assert_eq!(
            head.matches(&format!("\r\n{field}: ")).count() + usize::from(head.starts_with(field)),
            1,
            "{field}"
        );
    }
    assert_eq!(parsed.subject(), Some("For Jörg: a year"));
    assert_eq!(parsed.to().unwrap().first().unwrap().name(), Some("Jörg Müller"));
    assert_eq!(parsed.date().unwrap().to_timestamp(), 1_672_394_400);
    let (html, plain) = (parsed.body_html(0).unwrap(), parsed.body_text(0).unwrap().replace("\r\n", "\n"));
    assert!(html.contains("<p>Hello Jörg, héllo = wörld.</p>"), "{html}");
    assert!(
        plain.starts_with("Hello Jörg,\n.\nFrom here on: mailto:leave@example.org?subject=unsubscribe%20"),
        "{plain}"
    );
    assert!(!head.contains("List-Unsubscribe-Post"), "one click needs https");
}

#[test]
fn one_click_is_offered_when_there_is_an_https_address() {
    let https = Some("https://example.org/leave/{token}?list=1".to_owned());
    let rendered =
        RenderedIssue { unsubscribe: Unsubscribe { https, ..rendered().unsubscribe }, ..rendered() };
    let bytes = letter(&rendered, &person("", ""));
    let head = String::from_utf8_lossy(&bytes).replace("\r\n ", " ");
    assert!(head.contains("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), "{head}");
    assert!(head.contains("List-Unsubscribe: <https://example.org/leave/"), "{head}");
    assert!(head.contains(", <mailto:leave@example.org?subject=unsubscribe%20"), "{head}");
    let parsed = MessageParser::new().parse(&bytes).unwrap();
    assert!(parsed.body_html(0).unwrap().contains("?list=1\">Leave"));
    assert_eq!(parsed.to().unwrap().first().unwrap().name(), None);
}

#[test]
fn pictures_travel_with_the_html_and_are_named_by_it() {
    let picture = Picture {
        cid: "abc@letters.example.org".into(),
        name: "chart \"1\".png".into(),
        media_type: "image/png".into(),
        bytes: (0..=255).collect(),
    };
    let bytes = letter(&RenderedIssue { pictures: vec![picture], ..rendered() }, &person("", "Ann"));
    is_fit(&bytes);
    let parsed = MessageParser::new().parse(&bytes).unwrap();
    let attachment = parsed.attachments().next().unwrap();
    assert_eq!(attachment.content_id(), Some("abc@letters.example.org"));
    assert_eq!(attachment.contents(), (0..=255).collect::<Vec<u8>>());
    assert!(parsed.body_html(0).unwrap().contains("Hello Ann"));
}

#[test]
fn a_part_outside_ascii_travels_in_base64_and_a_long_value_breaks_nothing() {
    let long = "王".repeat(4_000);
    let html =
        Pattern { pieces: vec![text(&long), open("subscriber.first_name", Escape::Html, None), text(&long)] };
    let bytes = letter(&RenderedIssue { html, ..rendered() }, &person("王秀英", "秀 & \"英\""));
    is_fit(&bytes);
    assert!(String::from_utf8_lossy(&bytes).contains("Content-Transfer-Encoding: base64"));
    let parsed = MessageParser::new().parse(&bytes).unwrap();
    assert_eq!(parsed.body_html(0).unwrap(), format!("{long}秀 &amp; &quot;英&quot;{long}"));
}

#[test]
fn the_same_person_gets_the_same_bytes_and_the_identifier_is_theirs() {
    let (rendered, ann) = (rendered(), person("Ann", "Ann"));
    assert_eq!(letter(&rendered, &ann), letter(&rendered, &ann));
    let id = |bytes: &[u8]| MessageParser::new().parse(bytes).unwrap().message_id().unwrap().to_owned();
    let mut bob = ann.clone();
    bob.address = EmailAddress::parse("bob@example.com").unwrap();
    assert_ne!(id(&letter(&rendered, &ann)), id(&letter(&rendered, &bob)));
    let later = RenderedIssue { number: Some(53), ..rendered.clone() };
    assert_ne!(id(&letter(&rendered, &ann)), id(&letter(&later, &ann)));
}

#[test]
fn a_test_letter_differs_in_subject_token_and_identifier_only() {
    let (rendered, ann) = (rendered(), person("Ann", "Ann"));
    let test = Composer::for_test_letter(&rendered, secrets())
        .unwrap()
        .compose(&ann, Vec::new())
        .unwrap()
        .into_bytes();
    let test = String::from_utf8(test).unwrap();
    let real = String::from_utf8(letter(&rendered, &ann)).unwrap();
    let token = Tokens::new(&[7; 32]).unsubscribe(&rendered.list_id, &ann.address);
    let id = |text: &str| MessageParser::new().parse(text).unwrap().message_id().unwrap().to_owned();
    let plain = |text: &str| text.replace("=\r\n", "");
    let alike =
        plain(&test).replacen("[Test] ", "", 1).replace(TEST_TOKEN, &token).replace(&id(&test), &id(&real));
    assert_eq!(alike, plain(&real));
}

#[test]
fn a_test_letter_carries_a_token_that_is_no_ones() {
    let (rendered, person) = (rendered(), person("Ann", "Ann"));
    let to = EmailAddress::parse("me@example.org").unwrap();
    let composer = Composer::for_test_letter(&rendered, secrets()).unwrap();
    let message = composer.compose_test(&person, to.clone()).unwrap();
    assert_eq!(message.to(), &to);
    let bytes = String::from_utf8(message.into_bytes()).unwrap().replace("=\r\n", "");
    let real = Tokens::new(&[7; 32]).unsubscribe(&rendered.list_id, &person.address);
    assert!(!bytes.contains(&real), "{bytes}");
    assert!(bytes.contains(TEST_TOKEN), "{bytes}");
    assert!(String::from_utf8(letter(&rendered, &person)).unwrap().replace("=\r\n", "").contains(&real));
}

#[test]
fn a_preview_is_what_the_letter_says_before_it_is_encoded() {
    let (rendered, person) = (rendered(), person("Ann Lee", "Ann"));
    let filled = Composer::new(&rendered, secrets()).unwrap().preview(&person).unwrap();
    let bytes = letter(&rendered, &person);
    let read = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(read.subject(), Some(filled.subject.as_str()));
    assert_eq!(read.body_html(0).unwrap().replace("\r\n", "\n").trim_end(), filled.html.trim_end());
    assert_eq!(read.body_text(0).unwrap().replace("\r\n", "\n").trim_end(), filled.text.trim_end());
}

#[test]
fn header_fields_of_the_owners_own_cannot_harm() {
    let with = |name: &str, value: &str| {
        let headers = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        Composer::new(&RenderedIssue { headers, ..rendered() }, secrets())
            .map(drop)
            .map_err(|error| error.to_string())
    };
    assert_eq!(with("X-Campaign", "winter ❄"), Ok(()));
    for (name, value, reason) in [
        ("Bcc", "eve@example.org", "mimeo or a relay writes this field"),
        ("Resent-From", "eve@example.org", "mimeo or a relay writes this field"),
        ("X-A\r\nBcc", "x", "a name consists of letters, digits and hyphens"),
        ("X-A", "x\r\nBcc: eve@example.org", "its value contains a line break or another control character"),
    ] {
        let error = with(name, value).unwrap_err();
        assert!(error.ends_with(reason), "{error}");
    }
}

#[test]
fn a_long_address_in_a_field_of_the_owners_own_is_written_as_it_is() {
    let url = format!("<https://example.org/{}>", "a".repeat(120));
    let headers = BTreeMap::from([("X-Report".to_owned(), url.clone())]);
    let letter = letter(&RenderedIssue { headers, ..rendered() }, &person("Ann", "Ann"));
    assert!(String::from_utf8(letter).unwrap().contains(&format!("X-Report: {url}\r\n")));
}

#[test]
fn names_from_a_frozen_issue_cannot_break_out_of_their_fields() {
    let check = |change: fn(&mut RenderedIssue), expected: &str| {
        let mut issue = rendered();
        change(&mut issue);
        let error = Composer::new(&issue, secrets()).map(drop).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(|issue| issue.list_id = "a> x\r\nBcc: eve@example.org".into(), "`List-Id`");
    check(|issue| issue.archive = Some("https://example.org/>\r\nBcc: x".into()), "`List-Archive`");
    check(
        |issue| issue.unsubscribe.https = Some("https://example.org/\r\nBcc: x".into()),
        "`List-Unsubscribe`",
    );
}

#[test]
fn an_address_for_leaving_is_encoded_as_mailto_wants_it() {
    let mailto = Some(EmailAddress::parse("leave?now&then@example.org").unwrap());
    let unsubscribe = Unsubscribe { https: None, mailto };
    let letter = letter(&RenderedIssue { unsubscribe, ..rendered() }, &person("Ann", "Ann"));
    let letter = String::from_utf8(letter).unwrap();
    assert!(
        letter.contains("List-Unsubscribe: <mailto:leave%3Fnow%26then@example.org?subject=unsubscribe%20")
    );
}

#[test]
fn a_sender_outside_ascii_writes_letters_that_say_so() {
    let address = EmailAddress::parse("jörg@example.org").unwrap();
    let issue = RenderedIssue { from: Mailbox { name: None, address }, ..rendered() };
    let letter =
        Composer::new(&issue, secrets()).unwrap().compose(&person("Ann", "Ann"), Vec::new()).unwrap();
    assert!(letter.bytes().starts_with("From: jörg@example.org\r\n".as_bytes()));
}

#[test]
fn a_subject_without_a_value_is_missing_too() {
    let subject = Pattern { pieces: vec![open("subscriber.city", Escape::Header, None)] };
    let composer = Composer::new(&RenderedIssue { subject, ..rendered() }, secrets()).unwrap();
    let error = composer.compose(&person("Ann", "Ann"), Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "`subscriber.city` is empty for this person");
}

#[test]
fn someone_without_a_value_is_named_and_gets_no_letter_with_a_gap() {
    let html = Pattern { pieces: vec![open("subscriber.city", Escape::Html, None)] };
    let composer = Composer::new(&RenderedIssue { html, ..rendered() }, secrets()).unwrap();
    let ann = person("Ann", "Ann");
    let missing: Vec<_> = composer.missing(&ann).map(|placeholder| placeholder.path.join(".")).collect();
    assert_eq!(missing, ["subscriber.city"]);
    assert_eq!(
        composer.compose(&ann, Vec::new()).unwrap_err().to_string(),
        "`subscriber.city` is empty for this person"
    );
}

proptest! {
    #[test]
    fn whatever_a_list_holds_the_letter_stays_one_letter(
        name in "\\PC{0,60}|[\\x00-\\x7f]{0,80}|(=\\?utf-8\\?q\\?[a-z=]{0,9}\\?=){0,3}",
        first_name in "\\PC{1,200}|[\\x00-\\x7f]{1,200}|[.\r\n ]{1,9}",
        subject in "\\PC{0,300}|[a-z]{0,2000}",
    ) {
        let pieces = vec![text(&subject), open("subscriber.first_name", Escape::Header, Some("x"))];
        let rendered = RenderedIssue { subject: Pattern { pieces }, ..rendered() };
        let bytes = letter(&rendered, &person(&name, &first_name));
        // No list has a NUL in a cell.
        let first_name = first_name.replace('\0', " ");
        is_fit(&bytes);
        let parsed = MessageParser::new().parse(&bytes).unwrap();
        prop_assert_eq!(parsed.to().unwrap().as_list().map_or(1, <[_]>::len), 1);
        prop_assert!(parsed.bcc().is_none() && parsed.cc().is_none());
        let expected = Escape::Text.apply(if first_name.trim().is_empty() { "friend" } else { &first_name });
        let body = parsed.body_text(0).unwrap().replace("\r\n", "\n");
        let start = format!("Hello {expected},\n.\nFrom here on");
        prop_assert!(body.starts_with(&start), "{body:?} does not start with {start:?}");
        let escaped = Escape::Html.apply(if first_name.trim().is_empty() { "friend" } else { &first_name });
        let html = parsed.body_html(0).unwrap().replace("\r\n", "\n");
        prop_assert!(html.starts_with(&format!("<p>Hello {escaped}, ")), "{html:?}");
    }
}

#[test]
fn signatures_of_both_kinds_hold_for_someone_elses_verifier() {
    if !Command::new("python3")
        .args(["-c", "import dkim, nacl"])
        .output()
        .is_ok_and(|ran| ran.status.success())
    {
        return skip("dkimpy is not installed (pip install -r tests/tools/requirements.txt)");
    }
    let project = Project::gradient_ascent();
    let domain = "gradient-ascent.example.org";
    let rsa = project.run(["keygen"]).code(0).stdout;
    let ed25519 = project.run(["keygen", "--ed25519"]).code(0).stdout;
    let settings = project.read("mimeo.toml");
    project.write(
        "mimeo.toml",
        format!(
            "{settings}\n[dkim]\ndomain = \"{domain}\"\nselector = \"mimeo1\"\nkey = {{ file = \".mimeo/dkim-rsa.pem\" }}\n\
             ed25519 = {{ selector = \"mimeo2\", key = {{ file = \".mimeo/dkim-ed25519.pem\" }} }}\n"
        ),
    );
    project.run(["send", "a-year-in-review", "--dry-run"]).code(0);
    let letters = project.list("outbox");
    assert_eq!(letters.len(), 12);
    // A record is printed as it is in a zone: strings in quotes, to be joined.
    let record = |text: &str| text.split('"').skip(1).step_by(2).collect::<String>();
    for name in letters {
        let output = Command::new("python3")
            .arg(repository().join("tests/tools/dkim_verify.py"))
            .arg(project.path("outbox").join(&name))
            .arg(format!("mimeo1._domainkey.{domain}={}", record(&rsa)))
            .arg(format!("mimeo2._domainkey.{domain}={}", record(&ed25519)))
            .output()
            .unwrap();
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{name}: {report}{}", String::from_utf8_lossy(&output.stderr));
        assert!(report.contains("rsa-sha256") && report.contains("ed25519-sha256"), "{report}");
        for field in
            ["from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-id", "mime-version"]
        {
            assert!(report.lines().all(|line| line.contains(field)), "{field} is not signed: {report}");
        }
    }
}

#[test]
fn letters_share_what_they_have_in_common() {
    let mut rendered = rendered();
    rendered.html.pieces.push(text(&"<p>A line that everybody gets, word for word.</p>\n".repeat(200)));
    let composer = Composer::new(&rendered, secrets()).unwrap();
    let people = [person("Ann", "Ann"), person("Bo", "Bo \u{1f431}")];
    let letters = people.map(|person| composer.compose(&person, Vec::new()).unwrap());
    let places: [BTreeMap<*const u8, usize>; 2] = [0, 1]
        .map(|index: usize| letters[index].slices().map(|slice| (slice.as_ptr(), slice.len())).collect());
    let shared = places[0].iter().filter(|(place, len)| places[1].get(*place) == Some(len));
    let shared: usize = shared.map(|(_, len)| len).sum();
    assert!(letters[0].size() * 8 / 10 < shared, "{shared} of {}", letters[0].size());
    for letter in letters {
        let whole = letter.slices().collect::<Vec<_>>().concat();
        assert_eq!((letter.bytes().as_ref(), letter.size()), (whole.as_slice(), whole.len()));
        assert_eq!(letter.into_bytes(), whole);
    }
}
