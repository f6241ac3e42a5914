//! People who changed their address: whatever is said about the earlier one is said about them.

use super::{letters, link, preferences::ledgers, served_with, settled, status};
use crate::support::{project::Project, service::Service};

const PRESENT: &str = "ann.lee@example.net";

/// Someone who got a letter as `ann@example.com`, and changed that address to [`PRESENT`].
fn moved(more: &str) -> (Project, Service) {
    let project = served_with(more);
    let service = Service::of(&project);
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    project.run(["send", "one", "--yes"]).code(0).stderr_has("1 accepted");
    service.post("/preferences", "email=ann@example.com").code(303);
    let all = letters(&project, 2);
    let (.., text) = all.iter().find(|(_, subject, _)| subject == "Your subscription").unwrap();
    service.post(&link(text, "preferences"), &format!("action=address&email={PRESENT}")).code(200);
    let all = letters(&project, 3);
    let (.., text) = all.iter().find(|(to, ..)| to == PRESENT).unwrap();
    service.post(&link(text, "confirm"), "").code(200);
    assert_eq!(status(&project, PRESENT), "active");
    (project, service)
}

/// The header of the letter that went to the earlier address.
fn header(project: &Project) -> String {
    let letter = project.read("outbox/ann@example.com.eml").replace("\r\n", "\n");
    letter.split("\n\n").next().unwrap().to_owned()
}

fn report(kind: &str, part: &str, header: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example.com\nTo: editor@example.org\nSubject: A report\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type={kind}; boundary=cut\n\n--cut\nContent-Type: message/{kind}\n\n\
         {part}\n--cut\nContent-Type: message/rfc822\n\n{header}\n\n--cut--\n"
    )
}

#[test]
fn what_is_said_about_an_earlier_address_is_said_about_the_person() {
    for ledger in ledgers() {
        let (project, _service) = moved(&ledger);
        let header = header(&project);
        // What is known of a person has the letters to the earlier address.
        project.run(["subscribers", "show", PRESENT]).code(0).stdout_has("One two three: accepted");
        let gone = "Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; ann@example.com\nAction: failed\n\
                    Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user\n";
        project.write("gone.eml", report("delivery-status", gone, &header));
        project.write("spam.eml", report("feedback-report", "Feedback-Type: abuse\nVersion: 1\n", &header));
        project.write("old.csv", "email\nann@example.com\n");
        project.write("both.csv", format!("email,status\n{PRESENT},active\nann@example.com,unsubscribed\n"));
        let import = |more: &'static str| ["subscribers", "import", "old.csv", "--yes", "--as", more];
        for (said, expected) in [
            // A mailbox that is gone says nothing about the one that came after it.
            (&["bounces", "gone.eml"][..], "active"),
            (&["bounces", "spam.eml"], "complained"),
            (&import("bounced"), "active"),
            (&import("active"), "active"),
            (&import("paused"), "paused"),
            (&import("unsubscribed"), "unsubscribed"),
            (&import("complained"), "complained"),
            (&["subscribers", "import", "both.csv", "--yes"], "unsubscribed"),
            (&["suppress", "ann@example.com", "--reason", "hard_bounce"], "active"),
            (&["suppress", "ann@example.com"], "unsubscribed"),
            (&["suppress", "ann@example.com", "--reason", "complaint"], "complained"),
            (&["unsubscribe", "ann@example.com"], "unsubscribed"),
            (&["subscribers", "unsubscribe", "ann@example.com"], "unsubscribed"),
        ] {
            project.run(said).code(0);
            assert_eq!(status(&project, PRESENT), expected, "{said:?}");
            let is_suppressed = project.run(["suppress"]).code(0).stdout.contains(PRESENT);
            assert_eq!(is_suppressed, !matches!(expected, "active" | "paused"), "{said:?}");
            project.run(["subscribers", "resubscribe", PRESENT, "--reason", "wrote"]).code(0);
            assert_eq!(status(&project, PRESENT), "active", "{said:?}");
        }
        // What an import of an earlier address changed is undone as any other.
        project.run(import("complained")).code(0).stdout_has("1  changed");
        project.run(["subscribers", "import", "--undo", "7"]).code(0).stderr_has("1 as before");
        assert_eq!(status(&project, PRESENT), "active");
        for word in ["pause", "resubscribe"] {
            let more: &[&str] = if word == "pause" { &[] } else { &["--reason", "wrote"] };
            let ran = project.run([&["subscribers", word, "ann@example.com"], more].concat()).code(3);
            ran.stderr_has("is an earlier address of someone on the list: a…@example.net, who is active");
        }
        project
            .run(["subscribers", "erase", "ann@example.com", "--yes"])
            .code(0)
            .stderr_has("erased (1 letter)");
        project.run(["subscribers", "show", PRESENT]).code(3);
        for address in ["ann@example.com", PRESENT] {
            project.run(["subscribers", "add", address]).code(3);
        }
        if ledger.is_empty() {
            let held = super::dump(&project);
            assert!(!held.contains("ann@") && !held.contains("ann.lee"), "{held}");
        }
    }
}

#[test]
fn an_earlier_address_in_the_form_is_the_same_person() {
    for ledger in ledgers() {
        let (project, service) =
            moved(&format!("\n[serve.limits]\nletters_per_day = 9\nletters_per_month = 9\n{ledger}"));
        let asks = |subject: &str, number: usize| {
            service.post("/subscribe", "email=ann@example.com").code(303);
            let all = letters(&project, number);
            let sent = all.into_iter().filter(|(to, found, _)| to == PRESENT && found == subject);
            sent.map(|(.., text)| text).collect::<Vec<_>>()
        };
        // Whoever is on the list gets a link to their own page, where they are now.
        assert_eq!(asks("Your subscription", 4).len(), 1);
        project.run(["subscribers", "unsubscribe", PRESENT]).code(0);
        let sent = asks("Please confirm your subscription", 5);
        assert_eq!(status(&project, PRESENT), "unsubscribed");
        service.post(&link(&sent[0], "confirm"), "").code(200);
        assert_eq!(status(&project, PRESENT), "active");
        project.run(["subscribers", "show", "ann@example.com"]).code(0).stdout_has("not on the list");
        let all = project.run(["subscribers", "list", "--status", "all"]).code(0);
        assert_eq!(all.stdout, format!("{PRESENT}\t\n"));
        // Whoever complained gets no letter under the earlier address either.
        project.run(["suppress", PRESENT, "--reason", "complaint"]).code(0);
        service.post("/subscribe", "email=ann@example.com").code(303);
        settled(&service, "suppressed", 1);
    }
}
