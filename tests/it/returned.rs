//! What follows from letters that came back: who is suppressed and who is not, what the ledger remembers, and a real Postfix
//! that bounces.

use crate::{
    crash::{counts, project},
    support::{
        postfix::Postfix,
        project::{LEAST, Project},
        relay::{Accepted, At, Do, Relay, Script, When},
    },
};

/// A newsletter with a relay and a token for each delivery.
pub(crate) fn newsletter(people: usize, relay: &Relay) -> Project {
    let project = project(people, &format!("[relay]\nurl = \"{}\"\n", relay.url()));
    let from = "from = \"Ada Example <ada@example.org>\"\n";
    let settings = project.read("mimeo.toml");
    assert!(settings.contains(from));
    project.write(
        "mimeo.toml",
        settings.replace(from, &format!("{from}bounces = \"bounces+{{token}}@example.org\"\n"))
            + "[unsubscribe]\nmailto = \"leave@example.org\"\n",
    );
    project
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

/// A complaint about a letter (RFC 5965).
fn complaint(letter: &Accepted) -> String {
    format!(
        "From: fbl@provider.example\nTo: abuse@example.org\nSubject: FW\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=cut\n\n\
         --cut\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n\
         --cut\nContent-Type: message/rfc822\n\n{}\n\n--cut--\n",
        header(letter)
    )
}

/// The token by which a letter's reader unsubscribes.
fn token(letter: &Accepted) -> String {
    let header = header(letter);
    header.split("unsubscribe%20").nth(1).unwrap().split('>').next().unwrap().to_owned()
}

/// What a mail client sends for a reader who unsubscribes.
fn unsubscribing(letter: &Accepted) -> String {
    format!("From: {}\nTo: leave@example.org\nSubject: unsubscribe {}\n\n", letter.to, token(letter))
}

pub(crate) fn hard(letter: &Accepted) -> String {
    report(letter, &letter.from, "5.1.1", "550 5.1.1 no such user", "Mon, 01 Jan 2024 10:00:00 +0000")
}

pub(crate) fn suppressed(project: &Project) -> Vec<String> {
    let ran = project.run(["suppress"]).code(0);
    ran.stdout.lines().skip(1).map(str::to_owned).collect()
}

pub(crate) fn send(project: &Project, relay: &Relay, issue: &str) -> Vec<Accepted> {
    let before = relay.accepted().len();
    project.run(["send", issue, "--yes", "--first"]).code(0);
    relay.accepted().split_off(before)
}

#[test]
fn an_address_that_does_not_exist_is_suppressed_once() {
    let relay = Relay::start(Script::new());
    let project = newsletter(3, &relay);
    let letters = send(&project, &relay, "one");
    let senders: std::collections::BTreeSet<_> = letters.iter().map(|letter| letter.from.clone()).collect();
    assert_eq!(senders.len(), 3, "each delivery has a token of its own");
    for sender in &senders {
        assert!(sender.starts_with("bounces+") && sender.ends_with("@example.org"), "{sender}");
        assert!(sender.len() <= 64 + "@example.org".len());
    }
    project.write("returned.eml", hard(&letters[0]));
    project
        .run(["bounces", "--dry-run", "returned.eml"])
        .code(0)
        .stdout_has("[one: suppressed]")
        .stderr_has("dry run: nothing was changed");
    assert!(suppressed(&project).is_empty());
    project.run(["bounces", "returned.eml"]).code(0).stderr_has("1 address is suppressed");
    assert_eq!(suppressed(&project).len(), 1);
    assert!(
        suppressed(&project)[0].starts_with(&format!("{},hard_bounce", letters[0].to)),
        "{:?}",
        suppressed(&project)
    );
    // The same message again, from another kind of file, changes nothing.
    project.write("mbox", format!("From x Mon Jan  1 10:00:00 2024\n{}", hard(&letters[0])));
    project.run(["bounces", "mbox"]).code(0).stderr_has("1 finding was recorded before");
    assert_eq!(suppressed(&project).len(), 1);
    project.run(["status", "one"]).code(0).stdout_has("bounced             1");
    project.run(["status"]).code(0).stdout_has("3 accepted, 1 bounced");
    project
        .run(["status", "--address", &letters[0].to])
        .code(0)
        .stdout_has("bounce (hard): 550 5.1.1 no such user; effect: suppressed");
}

#[test]
fn a_letter_is_known_by_its_message_id_where_the_token_was_lost() {
    let relay = Relay::start(Script::new());
    let project = newsletter(2, &relay);
    let letters = send(&project, &relay, "one");
    let date = "Mon, 01 Jan 2024 10:00:00 +0000";
    project.write("returned.eml", report(&letters[1], "ada@example.org", "5.1.1", "550 no such user", date));
    project.run(["bounces", "returned.eml"]).code(0).stderr_has("1 address is suppressed");
    assert_eq!(suppressed(&project).len(), 1);
}

#[test]
fn a_forged_report_removes_no_one() {
    let relay = Relay::start(Script::new());
    let project = newsletter(3, &relay);
    let letters = send(&project, &relay, "one");
    let victim =
        Accepted { bytes: b"Message-ID: <made@up.example>\r\nTo: x\r\n\r\n".to_vec(), ..letters[0].clone() };
    // Without a token; with another reader's token; with a token that was made up; with another reader's letter.
    let forged = [
        Accepted { from: "bounces@example.org".to_owned(), ..victim.clone() },
        Accepted { from: "bounces+baaaaaaaaaaaaaa@example.org".to_owned(), ..victim.clone() },
        Accepted { from: "ada@example.org".to_owned(), bytes: letters[1].bytes.clone(), ..victim.clone() },
    ];
    for (number, letter) in forged.iter().enumerate() {
        project.write("forged.eml", hard(letter));
        project
            .run(["bounces", "forged.eml"])
            .code(0)
            .stderr_has("not proved to be about a letter of this newsletter");
        assert!(suppressed(&project).is_empty(), "forged report {number}");
    }
    project.run(["bounces", "--report"]).code(0).stdout_has("Not proved to be about your letters");
    assert!(!project.run(["status", "one"]).code(0).stdout.contains("bounced"));
}

#[test]
fn soft_bounces_suppress_after_letters_and_days_unless_one_arrived() {
    let relay = Relay::start(Script::new());
    let project = newsletter(2, &relay);
    let text = project.read("issues/one.md");
    let dates = [
        "Mon, 01 Jan 2024 10:00:00 +0000",
        "Tue, 09 Jan 2024 10:00:00 +0000",
        "Wed, 17 Jan 2024 10:00:00 +0000",
    ];
    for (index, date) in dates.iter().enumerate() {
        let name = format!("number-{index}");
        let issue = text.replace("number: 1", &format!("number: {}", index + 1));
        project.write(
            &format!("issues/{name}.md"),
            issue.replace("title: One", &format!("title: Number {index}")),
        );
        let letters = send(&project, &relay, &name);
        let letter = letters.iter().find(|letter| letter.to.starts_with("reader000000")).unwrap();
        project.write("full.eml", report(letter, &letter.from, "5.2.2", "552 5.2.2 mailbox full", date));
        project.run(["bounces", "full.eml"]).code(0);
        assert_eq!(suppressed(&project).len(), usize::from(index == 2), "after {} letters", index + 1);
        if index != 1 {
            // The other reader's second letter arrives, so that the third is the first again.
            let other = letters.iter().find(|letter| letter.to.starts_with("reader000001")).unwrap();
            project.write("other.eml", report(other, &other.from, "5.2.2", "552 5.2.2 mailbox full", date));
            project.run(["bounces", "other.eml"]).code(0).stdout_has("counted");
        }
    }
    let people = suppressed(&project);
    assert!(
        people[0].contains(",soft_bounce,") && people[0].contains("3 letters came back within 16 days"),
        "{people:?}"
    );
    let person: serde_json::Value = serde_json::from_str(
        &project.run(["status", "--address", people[0].split(',').next().unwrap(), "--json"]).code(0).stdout,
    )
    .unwrap();
    assert_eq!(person["suppressed"]["reason"], "soft_bounce");
}

#[test]
fn complaints_and_mails_that_unsubscribe_suppress_with_proof_only() {
    let relay = Relay::start(Script::new());
    let project = newsletter(3, &relay);
    let letters = send(&project, &relay, "one");
    project.write("complaint.eml", complaint(&letters[0]));
    project.run(["bounces", "complaint.eml"]).code(0).stderr_has("1 address is suppressed");
    assert!(suppressed(&project)[0].contains(",complaint,"), "{:?}", suppressed(&project));
    project.run(["status", "one"]).code(0).stdout_has("complained          1");
    let token = token(&letters[1]);
    let mail = |from: &str, token: &str| {
        format!("From: {from}\nTo: leave@example.org\nSubject: unsubscribe {token}\n\n")
    };
    project.write("without.eml", mail(&letters[1].to, ""));
    project.write("anothers.eml", mail(&letters[2].to, &token));
    project.run(["bounces", "without.eml", "anothers.eml"]).code(0).stderr_has("2 findings are not proved");
    assert_eq!(suppressed(&project).len(), 1);
    project.write("leave.eml", mail(&letters[1].to, &token));
    project.run(["bounces", "leave.eml"]).code(0).stderr_has("1 address is suppressed");
    assert!(suppressed(&project)[1].contains(",unsubscribed,"), "{:?}", suppressed(&project));
}

#[test]
fn what_is_about_us_touches_no_one_and_has_advice() {
    let relay = Relay::start(Script::new());
    let project = newsletter(2, &relay);
    let letters = send(&project, &relay, "one");
    let reply = "550 5.7.515 Access denied, sending domain does not meet the required authentication level";
    let date = "Mon, 01 Jan 2024 10:00:00 +0000";
    project.write("ours.eml", report(&letters[0], &letters[0].from, "5.7.515", reply, date));
    project.run(["bounces", "ours.eml"]).code(0).stdout_has("ours").stdout_has("[one: shown]");
    assert!(suppressed(&project).is_empty());
    project
        .run(["bounces", "--report"])
        .code(0)
        .stdout_has("About you")
        .stdout_has("Outlook: SPF and DKIM must both pass");
}

#[test]
fn refusals_that_are_about_the_sender_have_advice_by_provider() {
    let relay = Relay::start(Script::new());
    let replies = [
        (
            "4.7.28",
            "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail",
            "Gmail: Send more slowly",
        ),
        (
            "5.7.26",
            "550-5.7.26 This mail has been blocked because the sender is unauthenticated",
            "Gmail: SPF and DKIM",
        ),
        ("5.7.515", "550 5.7.515 Access denied", "Outlook: SPF and DKIM must both pass"),
        (
            "5.7.1",
            "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent (S3150)",
            "Outlook: The relay's address",
        ),
        (
            "4.7.0",
            "421 4.7.0 [TSS04] Messages temporarily deferred due to user complaints",
            "Yahoo: Readers complain",
        ),
        ("5.7.9", "553 5.7.2 [TSS09] All messages permanently deferred", "Yahoo: Yahoo takes no mail"),
    ];
    let project = newsletter(replies.len(), &relay);
    let letters = send(&project, &relay, "one");
    for (letter, (status, reply, _)) in letters.iter().zip(replies) {
        let text = report(letter, &letter.from, status, reply, "Mon, 01 Jan 2024 10:00:00 +0000");
        project.write(&format!("returned/{status}.eml"), text);
    }
    project.run(["bounces", "returned"]).code(0).stderr_has("6 bounce");
    assert!(suppressed(&project).is_empty());
    let printed = project.run(["bounces", "--report"]).code(0);
    for (_, _, advice) in replies {
        assert!(printed.stdout.contains(advice), "{advice}\n{printed}");
    }
}

#[test]
fn people_of_a_managed_list_become_bounced_complained_or_unsubscribed() {
    let relay = Relay::start(Script::new());
    let settings = format!(
        "{LEAST}bounces = \"bounces+{{token}}@example.org\"\n[relay]\nurl = \"{}\"\n[list]\nmanaged = true\n\
         [unsubscribe]\nmailto = \"leave@example.org\"\n",
        relay.url()
    );
    let issue = "---\ntitle: One\nnumber: 1\n---\n\nHello to all of you.\n";
    let project = Project::empty().file("mimeo.toml", settings).file("issues/one.md", issue);
    for name in ["ann", "bo", "cy", "di"] {
        project.run(["subscribers", "add", &format!("{name}@example.com")]).code(0);
    }
    let letters = send(&project, &relay, "one");
    let of = |name: &str| letters.iter().find(|letter| letter.to.starts_with(name)).unwrap();
    project.write("returned/hard.eml", hard(of("ann")));
    project.write("returned/complaint.eml", complaint(of("bo")));
    project.write("returned/leave.eml", unsubscribing(of("cy")));
    project.run(["bounces", "returned"]).code(0).stderr_has("3 addresses are suppressed");
    for (name, status, cause) in [
        ("ann", "bounced", "hard_bounce: 550 5.1.1 no such user"),
        ("bo", "complained", "complaint: abuse"),
        ("cy", "unsubscribed", "unsubscribed: by mail"),
        ("di", "active", "by hand"),
    ] {
        let shown = project.run(["subscribers", "show", &format!("{name}@example.com"), "--json"]).code(0);
        let person: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
        assert_eq!(person["person"]["status"], status, "{shown}");
        let last = person["history"].as_array().unwrap().last().unwrap();
        assert!(name == "di" || last["cause"] == cause, "{cause}: {shown}");
    }
}

#[test]
fn many_hard_bounces_of_one_provider_at_once_suppress_no_one() {
    let relay = Relay::start(Script::new());
    let project = newsletter(7 * 25, &relay);
    let letters = send(&project, &relay, "one");
    for (index, letter) in letters.iter().filter(|letter| letter.to.ends_with("@example0.com")).enumerate() {
        project.write(&format!("returned/{index:02}.eml"), hard(letter));
    }
    project.write(
        "other.eml",
        hard(letters.iter().find(|letter| letter.to.ends_with("@example1.com")).unwrap()),
    );
    project
        .run(["bounces", "returned", "other.eml"])
        .code(0)
        .stderr_has("too many letters to example0.com bounced hard within an hour");
    let left = suppressed(&project);
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].contains("@example1.com"));
    project.run(["bounces", "returned"]).code(0);
    assert_eq!(suppressed(&project), left);
}

#[test]
fn the_file_of_suppressions_follows_what_came_back() {
    let relay = Relay::start(Script::new());
    let project = newsletter(7 * 25, &relay);
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n[suppress]\nfile = \"suppressions.txt\"\n"));
    project.run(["suppress", "--write-file"]).code(0);
    let letters = send(&project, &relay, "one");
    let in_file = || project.read("suppressions.txt").matches(" hard_bounce ").count();
    let at = |domain: &str| -> Vec<&Accepted> {
        letters.iter().filter(|letter| letter.to.ends_with(domain)).collect()
    };
    project.write("first.eml", hard(at("@example0.com")[0]));
    project.write("other.eml", hard(at("@example1.com")[0]));
    project.run(["bounces", "first.eml", "other.eml"]).code(0);
    assert_eq!(in_file(), 2);
    // So many at one provider are its fault: what was suppressed there is lifted, here too.
    for (index, letter) in at("@example0.com").into_iter().enumerate() {
        project.write(&format!("returned/{index:02}.eml"), hard(letter));
    }
    project.run(["bounces", "returned"]).code(0).stderr_has("too many letters to example0.com");
    assert_eq!(suppressed(&project).len(), 1);
    assert_eq!(in_file(), 1, "{}", project.read("suppressions.txt"));
    // What was recorded before something failed is in the file; and what a run that was killed has left out, after the next.
    let good = project.read("suppressions.txt");
    project.write("third.eml", hard(at("@example2.com")[0]));
    project.run(["bounces", "third.eml", "missing.eml"]).code(3);
    assert_eq!((suppressed(&project).len(), in_file()), (2, 2));
    project.write("suppressions.txt", good);
    project.run(["bounces", "third.eml"]).code(0).stderr_has("recorded before");
    assert_eq!(in_file(), 2, "{}", project.read("suppressions.txt"));
}

#[test]
fn an_unconfirmed_letter_that_comes_back_was_accepted() {
    let relay =
        Relay::start(Script::new().rule(At::Dot, When::To("reader000001".to_owned()), Do::TakeAndClose));
    let project = newsletter(3, &relay);
    project.run(["send", "one", "--yes", "--first"]);
    assert_eq!(counts(&project)["unconfirmed"], 1);
    let letters = relay.accepted();
    let letter = letters.iter().find(|letter| letter.to.starts_with("reader000001")).unwrap();
    project.write("returned.eml", hard(letter));
    project
        .run(["bounces", "returned.eml"])
        .code(0)
        .stderr_has("1 unconfirmed letter was accepted after all");
    assert_eq!((counts(&project)["unconfirmed"], counts(&project)["accepted"]), (0, 3));
    project
        .run(["status", "--address", &letter.to])
        .code(0)
        .stdout_has("so the relay had accepted the letter");
    project.run(["ledger", "check"]).code(0);
}

#[test]
fn test_letters_change_nothing_when_they_come_back() {
    let relay = Relay::start(Script::new());
    let project = newsletter(2, &relay);
    send(&project, &relay, "one");
    project.run(["test", "one", "--to", "reader000000@example0.com"]).code(0);
    let letter = relay.accepted().pop().unwrap();
    assert_eq!(letter.from, "bounces+test-letter--this-link-changes-nothing-@example.org");
    project.write("returned.eml", hard(&letter));
    project.run(["bounces", "returned.eml"]).code(0);
    assert!(suppressed(&project).is_empty());
    project.run(["bounces", "--report"]).code(0).stderr_has("nothing has come back yet");
    // Where the envelope sender has no token, the `Message-ID` says so; also of an issue that was never sent.
    let settings = project.read("mimeo.toml").replace("bounces = \"bounces+{token}@example.org\"\n", "");
    project.write("mimeo.toml", settings);
    project.write("issues/two.md", project.read("issues/one.md").replace("number: 1", "number: 2"));
    for issue in ["one", "two"] {
        project.run(["test", issue, "--to", "reader000000@example0.com"]).code(0);
        let letter = relay.accepted().pop().unwrap();
        assert_eq!(letter.from, "ada@example.org");
        project.write("returned.eml", hard(&letter));
        project.write("complaint.eml", complaint(&letter));
        let ran = project.run(["bounces", "returned.eml", "complaint.eml"]).code(0);
        assert!(!ran.stderr.contains("not proved"), "{ran}");
        assert!(suppressed(&project).is_empty());
        project.run(["bounces", "--report"]).code(0).stderr_has("nothing has come back yet");
    }
}

#[test]
fn the_token_needs_room_and_is_the_only_placeholder() {
    let project = Project::empty().file("issues/one.md", "---\ntitle: One\n---\n\nhello\n");
    for (bounces, message) in [
        ("bounces+{token}{token}@example.org", "its only placeholder is `{token}`, once"),
        ("bounces+{tokn}@example.org", "its only placeholder is `{token}`, once"),
        ("a-very-long-word-in-front-of-the-token-{token}@example.org", "longer than 64 bytes"),
    ] {
        project.write("mimeo.toml", format!("{LEAST}bounces = \"{bounces}\"\n"));
        project.run(["check"]).code(3).stderr_has(message);
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
    let project = Project::empty()
        .file("mimeo.toml", settings)
        .file("subscribers.csv", people)
        .file("issues/one.md", "---\ntitle: One\nnumber: 1\n---\n\nhello\n");
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("4 accepted");
    // One letter, and a report for each of the others.
    postfix.wait_for(4);
    let maildir = postfix.maildir();
    let ran = project.run(["bounces", maildir.to_str().unwrap()]).code(0);
    for line in [
        "hard  ann@gone.example.com  5.1.1",
        "soft  bo@full.example.com  5.2.2",
        "ours  cy@refused.example.com  5.7.1",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{ran}");
    }
    assert!(ran.stderr.contains("3 bounce") && ran.stderr.contains("1 address is suppressed"), "{ran}");
    project.run(["bounces", maildir.to_str().unwrap()]).code(0).stderr_has("3 findings were recorded before");
    assert_eq!(suppressed(&project).len(), 1);
    project.run(["status", "one"]).code(0).stdout_has("bounced             3");
}

#[test]
fn a_spike_of_hard_bounces_stops_the_send_that_is_running() {
    let relay = Relay::start(Script::new());
    let project = newsletter(7 * 60, &relay);
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}[pace]\nper_second = 40\n"));
    let mut command = project.mimeo(["send", "one", "--yes", "--first"]).into_command();
    let child = command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let at_one = || -> Vec<Accepted> {
        relay.accepted().into_iter().filter(|letter| letter.to.ends_with("@example0.com")).collect()
    };
    let began = std::time::Instant::now();
    while at_one().len() < 21 {
        assert!(began.elapsed().as_secs() < 60, "the send does not go on");
        std::thread::yield_now();
    }
    for (index, letter) in at_one().iter().enumerate() {
        project.write(&format!("returned/{index:02}.eml"), hard(letter));
    }
    project.run(["bounces", "returned"]).code(0).stderr_has("and the send is stopped");
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("stopped: too many letters to example0.com bounced hard within an hour"), "{said}");
    assert!(relay.accepted().len() < 7 * 60);
    assert!(suppressed(&project).is_empty());
    // Whoever sends again goes on.
    project.write("mimeo.toml", settings);
    project.run(["send", "one", "--yes"]).code(0);
    assert_eq!(relay.accepted().len(), 7 * 60);
    // Its report shows what came back, by cause and domain.
    let pages = project.list(".mimeo/reports");
    let page = project.read(&format!(".mimeo/reports/{}", pages.last().unwrap()));
    assert!(page.contains("<h2>What came back</h2>"), "{page}");
    assert!(page.contains("<td>no such mailbox</td><td>example0.com</td>"), "{page}");
}
