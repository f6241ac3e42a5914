//! What follows from letters that came back: who is suppressed and who is not, what the ledger remembers, and a real Postfix
//! that bounces.

use crate::{
    crash::{counts, room},
    support::{
        newsroom::{LEAST, Newsroom},
        postfix::Postfix,
        relay::{Accepted, At, Do, Relay, Script, When},
    },
};

/// A newsletter with a relay and a token for each delivery.
fn newsletter(people: usize, relay: &Relay) -> Newsroom {
    let room = room(people, &format!("[relay]\nurl = \"{}\"\n", relay.url()));
    let from = "from = \"Ada Example <ada@example.org>\"\n";
    let settings = room.read("mimeo.toml");
    assert!(settings.contains(from));
    room.write(
        "mimeo.toml",
        settings.replace(from, &format!("{from}bounces = \"bounces+{{token}}@example.org\"\n"))
            + "[unsubscribe]\nmailto = \"leave@example.org\"\n",
    );
    room
}

fn header(letter: &Accepted) -> String {
    let text = String::from_utf8_lossy(&letter.bytes).replace("\r\n", "\n");
    text.split("\n\n").next().unwrap().to_owned()
}

/// A report about a letter, sent to its envelope's sender.
fn report(letter: &Accepted, to: &str, status: &str, reply: &str, date: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example.net\nTo: {to}\nSubject: Undelivered Mail Returned to Sender\nDate: {date}\n\
         MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=cut\n\n\
         --cut\nContent-Type: text/plain\n\nSorry.\n\
         --cut\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n\
         Final-Recipient: rfc822; {}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; {reply}\n\
         --cut\nContent-Type: message/rfc822\n\n{}\n\n--cut--\n",
        letter.to,
        header(letter)
    )
}

fn hard(letter: &Accepted) -> String {
    report(letter, &letter.from, "5.1.1", "550 5.1.1 no such user", "Mon, 01 Jan 2024 10:00:00 +0000")
}

fn suppressed(room: &Newsroom) -> Vec<String> {
    let ran = room.run(["suppress"]).code(0);
    ran.stdout.lines().skip(1).map(str::to_owned).collect()
}

fn send(room: &Newsroom, relay: &Relay, issue: &str) -> Vec<Accepted> {
    let before = relay.accepted().len();
    room.run(["send", issue, "--yes", "--first"]).code(0);
    relay.accepted().split_off(before)
}

#[test]
fn an_address_that_does_not_exist_is_suppressed_once() {
    let relay = Relay::start(Script::new());
    let room = newsletter(3, &relay);
    let letters = send(&room, &relay, "one");
    let senders: std::collections::BTreeSet<_> = letters.iter().map(|letter| letter.from.clone()).collect();
    assert_eq!(senders.len(), 3, "each delivery has a token of its own");
    for sender in &senders {
        assert!(sender.starts_with("bounces+") && sender.ends_with("@example.org"), "{sender}");
        assert!(sender.len() <= 64 + "@example.org".len());
    }
    room.write("returned.eml", hard(&letters[0]));
    room.run(["bounces", "--dry-run", "returned.eml"])
        .code(0)
        .stdout_has("[one: suppressed]")
        .stderr_has("dry run: nothing was changed");
    assert!(suppressed(&room).is_empty());
    room.run(["bounces", "returned.eml"]).code(0).stderr_has("1 address is suppressed");
    assert_eq!(suppressed(&room).len(), 1);
    assert!(
        suppressed(&room)[0].starts_with(&format!("{},hard_bounce", letters[0].to)),
        "{:?}",
        suppressed(&room)
    );
    // The same message again, from another kind of file, changes nothing.
    room.write("mbox", format!("From x Mon Jan  1 10:00:00 2024\n{}", hard(&letters[0])));
    room.run(["bounces", "mbox"]).code(0).stderr_has("1 finding was recorded before");
    assert_eq!(suppressed(&room).len(), 1);
    room.run(["status", "one"]).code(0).stdout_has("bounced             1");
    room.run(["status"]).code(0).stdout_has("3 accepted, 1 bounced");
    room.run(["status", "--address", &letters[0].to])
        .code(0)
        .stdout_has("bounce (hard): 550 5.1.1 no such user; effect: suppressed");
}

#[test]
fn a_letter_is_known_by_its_message_id_where_the_token_was_lost() {
    let relay = Relay::start(Script::new());
    let room = newsletter(2, &relay);
    let letters = send(&room, &relay, "one");
    let date = "Mon, 01 Jan 2024 10:00:00 +0000";
    room.write("returned.eml", report(&letters[1], "ada@example.org", "5.1.1", "550 no such user", date));
    room.run(["bounces", "returned.eml"]).code(0).stderr_has("1 address is suppressed");
    assert_eq!(suppressed(&room).len(), 1);
}

#[test]
fn a_forged_report_removes_nobody() {
    let relay = Relay::start(Script::new());
    let room = newsletter(3, &relay);
    let letters = send(&room, &relay, "one");
    let victim =
        Accepted { bytes: b"Message-ID: <made@up.example>\r\nTo: x\r\n\r\n".to_vec(), ..letters[0].clone() };
    // Without a token; with another reader's token; with a token that was made up; with another reader's letter.
    let forged = [
        Accepted { from: "bounces@example.org".to_owned(), ..victim.clone() },
        Accepted { from: "bounces+baaaaaaaaaaaaaa@example.org".to_owned(), ..victim.clone() },
        Accepted { from: "ada@example.org".to_owned(), bytes: letters[1].bytes.clone(), ..victim.clone() },
    ];
    for (number, letter) in forged.iter().enumerate() {
        room.write("forged.eml", hard(letter));
        room.run(["bounces", "forged.eml"])
            .code(0)
            .stderr_has("not proved to be about a letter of this newsletter");
        assert!(suppressed(&room).is_empty(), "forged report {number}");
    }
    room.run(["bounces", "--report"]).code(0).stdout_has("Not proved to be about your letters");
    assert!(!room.run(["status", "one"]).code(0).stdout.contains("bounced"));
}

#[test]
fn soft_bounces_suppress_after_letters_and_days_unless_one_arrived() {
    let relay = Relay::start(Script::new());
    let room = newsletter(2, &relay);
    let text = room.read("issues/one.md");
    let dates = [
        "Mon, 01 Jan 2024 10:00:00 +0000",
        "Tue, 09 Jan 2024 10:00:00 +0000",
        "Wed, 17 Jan 2024 10:00:00 +0000",
    ];
    for (index, date) in dates.iter().enumerate() {
        let name = format!("number-{index}");
        let issue = text.replace("number: 1", &format!("number: {}", index + 1));
        room.write(
            &format!("issues/{name}.md"),
            issue.replace("title: One", &format!("title: Number {index}")),
        );
        let letters = send(&room, &relay, &name);
        let letter = letters.iter().find(|letter| letter.to.starts_with("reader000000")).unwrap();
        room.write("full.eml", report(letter, &letter.from, "5.2.2", "552 5.2.2 mailbox full", date));
        room.run(["bounces", "full.eml"]).code(0);
        assert_eq!(suppressed(&room).len(), usize::from(index == 2), "after {} letters", index + 1);
        if index != 1 {
            // The other reader's second letter arrives, so that the third is the first again.
            let other = letters.iter().find(|letter| letter.to.starts_with("reader000001")).unwrap();
            room.write("other.eml", report(other, &other.from, "5.2.2", "552 5.2.2 mailbox full", date));
            room.run(["bounces", "other.eml"]).code(0).stdout_has("counted");
        }
    }
    assert!(suppressed(&room)[0].contains("3 letters came back within 16 days"), "{:?}", suppressed(&room));
}

#[test]
fn complaints_and_mails_that_unsubscribe_suppress_with_proof_only() {
    let relay = Relay::start(Script::new());
    let room = newsletter(3, &relay);
    let letters = send(&room, &relay, "one");
    let complaint = format!(
        "From: fbl@provider.example\nTo: abuse@example.org\nSubject: FW\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=cut\n\n\
         --cut\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n\
         --cut\nContent-Type: message/rfc822\n\n{}\n\n--cut--\n",
        header(&letters[0])
    );
    room.write("complaint.eml", &complaint);
    room.run(["bounces", "complaint.eml"]).code(0).stderr_has("1 address is suppressed");
    assert!(suppressed(&room)[0].contains(",complaint,"), "{:?}", suppressed(&room));
    room.run(["status", "one"]).code(0).stdout_has("complained          1");
    let leave = header(&letters[1]);
    let token = leave.split("unsubscribe%20").nth(1).unwrap().split('>').next().unwrap();
    let mail = |from: &str, token: &str| {
        format!("From: {from}\nTo: leave@example.org\nSubject: unsubscribe {token}\n\n")
    };
    room.write("without.eml", mail(&letters[1].to, ""));
    room.write("anothers.eml", mail(&letters[2].to, token));
    room.run(["bounces", "without.eml", "anothers.eml"]).code(0).stderr_has("2 findings are not proved");
    assert_eq!(suppressed(&room).len(), 1);
    room.write("leave.eml", mail(&letters[1].to, token));
    room.run(["bounces", "leave.eml"]).code(0).stderr_has("1 address is suppressed");
    assert!(suppressed(&room)[1].contains(",unsubscribed,"), "{:?}", suppressed(&room));
}

#[test]
fn what_is_about_us_touches_nobody_and_has_advice() {
    let relay = Relay::start(Script::new());
    let room = newsletter(2, &relay);
    let letters = send(&room, &relay, "one");
    let reply = "550 5.7.515 Access denied, sending domain does not meet the required authentication level";
    let date = "Mon, 01 Jan 2024 10:00:00 +0000";
    room.write("ours.eml", report(&letters[0], &letters[0].from, "5.7.515", reply, date));
    room.run(["bounces", "ours.eml"]).code(0).stdout_has("ours").stdout_has("[one: shown]");
    assert!(suppressed(&room).is_empty());
    room.run(["bounces", "--report"])
        .code(0)
        .stdout_has("About you")
        .stdout_has("Outlook: SPF and DKIM must both pass");
}

#[test]
fn many_hard_bounces_of_one_provider_at_once_suppress_nobody() {
    let relay = Relay::start(Script::new());
    let room = newsletter(7 * 25, &relay);
    let letters = send(&room, &relay, "one");
    for (index, letter) in letters.iter().filter(|letter| letter.to.ends_with("@example0.com")).enumerate() {
        room.write(&format!("returned/{index:02}.eml"), hard(letter));
    }
    room.write(
        "other.eml",
        hard(letters.iter().find(|letter| letter.to.ends_with("@example1.com")).unwrap()),
    );
    room.run(["bounces", "returned", "other.eml"])
        .code(0)
        .stderr_has("too many letters to example0.com bounced hard within an hour");
    let left = suppressed(&room);
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].contains("@example1.com"));
    room.run(["bounces", "returned"]).code(0);
    assert_eq!(suppressed(&room), left);
}

#[test]
fn the_file_of_suppressions_follows_what_came_back() {
    let relay = Relay::start(Script::new());
    let room = newsletter(7 * 25, &relay);
    let settings = room.read("mimeo.toml");
    room.write("mimeo.toml", format!("{settings}\n[suppress]\nfile = \"suppressions.txt\"\n"));
    room.run(["suppress", "--write-file"]).code(0);
    let letters = send(&room, &relay, "one");
    let in_file = || room.read("suppressions.txt").matches(" hard_bounce ").count();
    let at = |domain: &str| -> Vec<&Accepted> {
        letters.iter().filter(|letter| letter.to.ends_with(domain)).collect()
    };
    room.write("first.eml", hard(at("@example0.com")[0]));
    room.write("other.eml", hard(at("@example1.com")[0]));
    room.run(["bounces", "first.eml", "other.eml"]).code(0);
    assert_eq!(in_file(), 2);
    // So many at one provider are its fault: what was suppressed there is lifted, here too.
    for (index, letter) in at("@example0.com").into_iter().enumerate() {
        room.write(&format!("returned/{index:02}.eml"), hard(letter));
    }
    room.run(["bounces", "returned"]).code(0).stderr_has("too many letters to example0.com");
    assert_eq!(suppressed(&room).len(), 1);
    assert_eq!(in_file(), 1, "{}", room.read("suppressions.txt"));
}

#[test]
fn an_unconfirmed_letter_that_comes_back_was_accepted() {
    let relay =
        Relay::start(Script::new().rule(At::Dot, When::To("reader000001".to_owned()), Do::TakeAndClose));
    let room = newsletter(3, &relay);
    room.run(["send", "one", "--yes", "--first"]);
    assert_eq!(counts(&room)["unconfirmed"], 1);
    let letters = relay.accepted();
    let letter = letters.iter().find(|letter| letter.to.starts_with("reader000001")).unwrap();
    room.write("returned.eml", hard(letter));
    room.run(["bounces", "returned.eml"]).code(0).stderr_has("1 unconfirmed letter was accepted after all");
    assert_eq!((counts(&room)["unconfirmed"], counts(&room)["accepted"]), (0, 3));
    room.run(["status", "--address", &letter.to]).code(0).stdout_has("so the relay had accepted the letter");
    room.run(["ledger", "check"]).code(0);
}

#[test]
fn test_letters_change_nothing_when_they_come_back() {
    let relay = Relay::start(Script::new());
    let room = newsletter(2, &relay);
    send(&room, &relay, "one");
    room.run(["test", "one", "--to", "reader000000@example0.com"]).code(0);
    let letter = relay.accepted().pop().unwrap();
    assert_eq!(letter.from, "bounces+test-letter--this-link-changes-nothing-@example.org");
    room.write("returned.eml", hard(&letter));
    room.run(["bounces", "returned.eml"]).code(0);
    assert!(suppressed(&room).is_empty());
    room.run(["bounces", "--report"]).code(0).stderr_has("nothing has come back yet");
}

#[test]
fn the_token_needs_room_and_is_the_only_placeholder() {
    let room = Newsroom::empty().file("issues/one.md", "---\ntitle: One\n---\n\nhello\n");
    for (bounces, message) in [
        ("bounces+{token}{token}@example.org", "its only placeholder is `{token}`, once"),
        ("bounces+{tokn}@example.org", "its only placeholder is `{token}`, once"),
        ("a-very-long-word-in-front-of-the-token-{token}@example.org", "longer than 64 bytes"),
    ] {
        room.write("mimeo.toml", format!("{LEAST}bounces = \"{bounces}\"\n"));
        room.run(["check"]).code(3).stderr_has(message);
    }
}

#[test]
fn a_real_postfix_bounces_into_a_maildir() {
    let Some(postfix) = Postfix::start() else { return };
    let settings = format!(
        "{LEAST}bounces = \"bounces+{{token}}@example.org\"\n[relay]\nurl = \"smtp://127.0.0.1:{}?tls=none\"\n",
        postfix.plain
    );
    let people = "email\nann@gone.example.com\nbo@full.example.com\ncy@refused.example.com\ndi@example.com\n";
    let room = Newsroom::empty()
        .file("mimeo.toml", settings)
        .file("subscribers.csv", people)
        .file("issues/one.md", "---\ntitle: One\nnumber: 1\n---\n\nhello\n");
    room.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("4 accepted");
    // One letter, and a report for each of the others.
    postfix.wait_for(4);
    let maildir = postfix.maildir();
    let ran = room.run(["bounces", maildir.to_str().unwrap()]).code(0);
    for line in [
        "hard  ann@gone.example.com  5.1.1",
        "soft  bo@full.example.com  5.2.2",
        "ours  cy@refused.example.com  5.7.1",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{ran}");
    }
    assert!(ran.stderr.contains("3 bounce") && ran.stderr.contains("1 address is suppressed"), "{ran}");
    room.run(["bounces", maildir.to_str().unwrap()]).code(0).stderr_has("3 findings were recorded before");
    assert_eq!(suppressed(&room).len(), 1);
    room.run(["status", "one"]).code(0).stdout_has("bounced             3");
}
