//! The form, the letter, the button.

use serde_json::Value;

use super::{letters, link, requests, served, served_with, settled, status, token, until};
use crate::support::service::{HOST, Service};

#[test]
fn a_reader_subscribes_confirms_reads_and_leaves() {
    let project = served_with("\n[serve.form]\nname = true\nfields = [\"city\"]\n");
    let service = Service::of(&project);
    let page =
        service.get("/subscribe").code(200).has("Subscribe to Small Steps").has("<label for=\"city\">");
    assert!(page.body.contains("I want to get the letters of Small Steps by email."), "{page}");
    let answer =
        service.post("/subscribe", "email=Ann%40example.com&name=Ann&city=Ulm&form=footer").code(303);
    assert_eq!(answer.field("location"), Some("/subscribe/sent"));
    service.get("/subscribe/sent").code(200).has("Please look into your mailbox");
    project.run(["subscribers", "show", "ann@example.com"]).code(3);
    let (to, subject, text) = letters(&project, 1).remove(0);
    assert_eq!((&*to, &*subject), ("Ann@example.com", "Please confirm your subscription"));
    assert!(!text.contains("Ulm"), "nothing of the form is in the letter: {text}");
    let head = project.read(&format!("outbox/{}", project.list("outbox")[0]));
    assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
    let confirm = link(&text, "confirm");
    for method in ["GET", "HEAD", "OPTIONS", "PUT"] {
        service.request(method, &confirm, "Sec-Purpose: prefetch\r\n", b"");
    }
    project.run(["subscribers", "show", "ann@example.com"]).code(3);
    service.get(&confirm).code(200).has("Yes, send me the letters");
    service.request("POST", &confirm, "Sec-Fetch-Site: cross-site\r\n", b"").code(403);
    service.request("POST", &confirm, "Origin: https://evil.example.com\r\n", b"").code(403);
    for _ in 0..2 {
        service
            .request("POST", &confirm, "Origin: null\r\n", b"")
            .code(200)
            .has("You are subscribed to Small Steps.");
    }
    let shown = project.run(["subscribers", "show", "ann@example.com", "--json"]).code(0).stdout;
    let record: Value = serde_json::from_str(&shown).unwrap();
    let (person, consent) = (&record["person"], &record["consents"][0]);
    assert_eq!(
        (&person["status"], &person["name"], &person["source"]),
        (&"active".into(), &"Ann".into(), &"form footer".into())
    );
    assert_eq!(person["fields"]["city"], "Ulm");
    assert_eq!(consent["form"], "footer");
    assert!(consent["wording"].as_str().unwrap().starts_with("I want to get the letters of Small Steps"));
    assert_eq!(consent["requested_from"], "127.0.0.0/24");
    assert!(consent["requested_at"].is_string() && consent["confirmed_at"].is_string());
    project.run(["send", "one", "--yes"]).code(0).stderr_has("1 accepted");
    service.post(&format!("/unsubscribe/{}", token(&project, "Ann@example.com")), "").code(200);
    assert_eq!(status(&project, "ann@example.com"), "unsubscribed");
    // A link that was used once brings no one back.
    service.post(&confirm, "").code(410).has("you have unsubscribed since");
    assert_eq!(status(&project, "ann@example.com"), "unsubscribed");
}

#[test]
fn the_answer_says_nothing_about_an_address() {
    let project = served_with("trusted_proxies = [\"127.0.0.1\"]\n");
    for address in ["active@example.com", "gone@example.com", "paused@example.com"] {
        project.run(["subscribers", "add", address]).code(0);
    }
    project.run(["subscribers", "unsubscribe", "gone@example.com"]).code(0);
    project.run(["subscribers", "pause", "paused@example.com"]).code(0);
    project.run(["suppress", "byhand@example.com"]).code(0);
    let service = Service::of(&project);
    let mut answers = Vec::new();
    for (index, address) in ["new", "active", "gone", "paused", "byhand", "new"].iter().enumerate() {
        let form = format!("email={address}@example.com");
        let fields = format!(
            "Content-Type: application/x-www-form-urlencoded\r\nX-Forwarded-For: 198.51.{index}.1\r\n"
        );
        let answer = service.request("POST", "/subscribe", &fields, form.as_bytes()).code(303);
        let head: Vec<_> =
            answer.head.lines().filter(|line| !line.starts_with("date:")).map(str::to_owned).collect();
        answers.push((head, answer.body));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    settled(&service, "suppressed", 1);
    settled(&service, "limited", 1);
    let mut found: Vec<_> = letters(&project, 4).into_iter().map(|(to, subject, _)| (to, subject)).collect();
    found.sort();
    let confirm = "Please confirm your subscription".to_owned();
    let known = "Your subscription".to_owned();
    assert_eq!(
        found,
        [
            ("active@example.com".to_owned(), known.clone()),
            ("gone@example.com".to_owned(), confirm.clone()),
            ("new@example.com".to_owned(), confirm),
            ("paused@example.com".to_owned(), known),
        ]
    );
}

#[test]
fn who_unsubscribed_comes_back_by_confirming_and_not_before() {
    let project = served();
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    project.run(["subscribers", "unsubscribe", "ann@example.com"]).code(0);
    let service = Service::of(&project);
    service.post("/subscribe", "email=ann@example.com").code(303);
    let (_, _, text) = letters(&project, 1).remove(0);
    assert_eq!(status(&project, "ann@example.com"), "unsubscribed");
    service.post(&link(&text, "confirm"), "").code(200);
    assert_eq!(status(&project, "ann@example.com"), "active");
    project.run(["send", "one", "--yes"]).code(0).stderr_has("1 accepted");
}

#[test]
fn this_was_not_me_withdraws_the_request_and_ends_such_letters() {
    let project = served_with("trusted_proxies = [\"127.0.0.1\"]\n");
    let service = Service::of(&project);
    service.post("/subscribe", "email=victim@example.com").code(303);
    let (_, _, text) = letters(&project, 1).remove(0);
    service.post(&link(&text, "unsubscribe"), "").code(200);
    service.post(&link(&text, "confirm"), "").code(410);
    project.run(["subscribers", "show", "victim@example.com"]).code(3);
    service.post("/subscribe", "email=victim@example.com").code(303);
    settled(&service, "suppressed", 1);
    assert_eq!(letters(&project, 1).len(), 1);
}

#[test]
fn bad_forms_have_exact_answers() {
    let project = served_with(
        "trusted_proxies = [\"127.0.0.1\"]\n[serve.form]\ndisposable = [\"trash.example.com\"]\nnext = [\"https://example.org/thanks\"]\n",
    );
    let service = Service::of(&project);
    let form = "application/x-www-form-urlencoded";
    let json = "application/json";
    let large = format!("email=a@example.com&x={}", "x".repeat(20_000));
    let cases: [(&str, &str, &str, u16, &str); 15] = [
        ("no address", form, "", 422, "not a valid email address"),
        ("an empty one", form, "email=", 422, "not a valid email address"),
        ("a bad one", form, "email=%3Cscript%3E", 422, "value=\"&lt;script&gt;\""),
        (
            "a line break",
            form,
            "email=a%40example.com%0D%0ABcc%3A+b%40example.com",
            422,
            "not a valid email address",
        ),
        ("twice the same field", form, "email=a@example.com&email=b@example.com", 400, "could not be read"),
        (
            "another charset",
            "application/x-www-form-urlencoded; charset=iso-8859-1",
            "email=a",
            415,
            "could not be read",
        ),
        ("bytes that are not UTF-8", form, "email=%E4@example.com", 400, "could not be read"),
        ("no form", "text/plain", "email=a@example.com", 415, "could not be read"),
        ("too large", form, &large, 413, "more than this page takes"),
        ("disposable", form, "email=a@b.trash.example.com", 422, "Please use another one"),
        ("JSON without an address", json, "{}", 422, "{\"error\":\"This is not a valid email address."),
        ("JSON that is not an object", json, "[]", 400, "could not be read"),
        (
            "JSON",
            json,
            "{\"email\": \"json@example.com\"}",
            202,
            "{\"message\":\"If this address can be used",
        ),
        ("a page of the owner's", form, "email=next@example.com&next=https://example.org/thanks", 303, ""),
        ("another person's page", form, "email=other@example.com&next=https://example.org/thanks2", 303, ""),
    ];
    for (index, (name, kind, body, expected, words)) in cases.into_iter().enumerate() {
        let fields = format!("Content-Type: {kind}\r\nX-Forwarded-For: 198.51.{index}.1\r\n");
        let answer = service.request("POST", "/subscribe", &fields, body.as_bytes());
        assert_eq!(answer.status, expected, "{name}: {answer}");
        assert!(answer.body.contains(words), "{name}: {answer}");
        match name {
            "a page of the owner's" => {
                assert_eq!(answer.field("location"), Some("https://example.org/thanks"))
            }
            "another person's page" => assert_eq!(answer.field("location"), Some("/subscribe/sent")),
            _ => {}
        }
    }
    letters(&project, 3);
    for method in ["PUT", "DELETE"] {
        service.request(method, "/subscribe", "", b"").code(405);
    }
    // Forged, of another purpose, and too old.
    let unsubscribe = link(&letters(&project, 3)[0].2, "unsubscribe").replace("/unsubscribe/", "/confirm/");
    for path in ["/confirm/abc", &*unsubscribe, "/preferences/abc"] {
        service.get(path).code(404);
        service.post(path, "").code(404);
    }
}

#[test]
fn a_link_that_was_never_used_expires() {
    let project = served();
    let service = Service::of(&project);
    service.post("/subscribe", "email=ann@example.com").code(303);
    let path = link(&letters(&project, 1)[0].2, "confirm");
    service.get(&path).code(200);
    let db = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    db.execute("UPDATE signups SET expires_at = 1", []).unwrap();
    service.get(&path).code(410).has("too old");
    service.post(&path, "").code(410).has("too old");
    project.run(["subscribers", "show", "ann@example.com"]).code(3);
}

#[test]
fn scripts_of_listed_origins_may_send_the_form() {
    let project = served_with("\n[serve.form]\norigins = [\"https://example.org\"]\n");
    let service = Service::of(&project);
    let ask = |origin: &str| {
        service.request("OPTIONS", "/subscribe", &format!("Origin: {origin}\r\n"), b"").code(204)
    };
    assert_eq!(ask("https://example.org").field("access-control-allow-origin"), Some("https://example.org"));
    assert_eq!(ask("https://evil.example.com").field("access-control-allow-origin"), None);
    let snippet = project.run(["serve", "--snippet"]).code(0).stdout;
    assert!(
        snippet.contains(&format!("<form action=\"https://{HOST}/subscribe\" method=\"post\"")),
        "{snippet}"
    );
    assert!(!snippet.contains("<script"), "{snippet}");
}

#[test]
fn bombing_a_person_with_the_form_sends_one_letter() {
    bomb(400);
}

#[test]
#[ignore = "takes a minute"]
fn ten_thousand_sign_ups_for_one_victim_send_one_letter() {
    bomb(10_000);
}

fn bomb(requests: usize) {
    let project = served_with("trusted_proxies = [\"127.0.0.1\"]\n");
    let service = Service::of(&project);
    for index in 0..requests {
        // Many networks, and many spellings of one mailbox.
        let spelling =
            ["v.ictim@gmail.com", "Victim@GMAIL.com", "vic.tim@googlemail.com", "victim@gmail.com"]
                [index % 4];
        let tag = if index % 8 < 4 { String::new() } else { format!("%2B{}", index % 40) };
        let (local, domain) = spelling.split_once('@').unwrap();
        let body = format!("email={local}{tag}@{domain}");
        let fields = format!(
            "Content-Type: application/x-www-form-urlencoded\r\nX-Forwarded-For: 203.{}.{}.7\r\n",
            index / 250 % 250,
            index % 250
        );
        service.request("POST", "/subscribe", &fields, body.as_bytes()).code(303);
    }
    until("all requests are decided", || super::requests(&project) <= 3 + WAITING);
    let to_victim =
        || letters(&project, 0).iter().filter(|(to, ..)| to.to_lowercase().contains("mail.com")).count();
    until("a letter to the victim", || to_victim() > 0);
    super::all_sent(&project);
    assert!(to_victim() <= 3, "{:#?}", letters(&project, 0));
    let warned = |letters: &[(String, String, String)]| {
        letters.iter().filter(|(to, ..)| to == "ada@example.org").count()
    };
    until("the owner is warned", || warned(&letters(&project, 1)) == 1);
    service.get("/subscribe").code(200);
    // One household is stopped sooner.
    let mut last = 0;
    for index in 0..6 {
        let fields = "Content-Type: application/x-www-form-urlencoded\r\nX-Forwarded-For: 192.0.2.1\r\n";
        last = service
            .request("POST", "/subscribe", fields, format!("email=s{index}@example.com").as_bytes())
            .status;
    }
    assert_eq!(last, 429);
}

/// Requests that wait until the pressure is over.
const WAITING: i64 = 100;

#[test]
fn programs_that_fill_in_forms_get_the_usual_answer_and_no_letter() {
    let project = served();
    let service = Service::of(&project);
    let answer = service.post("/subscribe", "email=bot@example.com&website=x").code(303);
    assert_eq!(answer.field("location"), Some("/subscribe/sent"));
    settled(&service, "trapped", 1);
    assert_eq!(requests(&project), 0);
    // A form of our own page that comes back at once waits some minutes.
    let page = service.get("/subscribe").code(200).body;
    let stamp = page.split("name=\"t\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    service.post("/subscribe", &format!("email=fast@example.com&t={stamp}")).code(303);
    service.post("/subscribe", "email=forged@example.com&t=abc").code(303);
    service.post("/subscribe", "email=embedded@example.com").code(303);
    let found = letters(&project, 1);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "embedded@example.com");
    assert_eq!(requests(&project), 3);
}

#[test]
fn a_confirmation_waits_for_a_relay_that_is_down() {
    let project = served();
    let mut service = Service::started(project.mimeo([
        "-q",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
        "--relay",
        "smtp://127.0.0.1:1?tls=none",
    ]));
    service.post("/subscribe", "email=ann@example.com").code(303);
    until("the letter waits", || {
        let metrics = service.metrics();
        metrics.contains("result=\"deferred\"} 1") && metrics.contains("mimeo_letters_waiting 1")
    });
    assert_eq!(service.end(), Some(0));
    let _service = Service::of(&project);
    let (to, ..) = letters(&project, 1).remove(0);
    assert_eq!(to, "ann@example.com");
}

#[test]
fn a_locked_database_refuses_a_form_and_nothing_is_half_done() {
    let project = served();
    let service = Service::of(&project);
    let db = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = service.post("/subscribe", "email=ann@example.com").code(503);
    assert_eq!(answer.field("retry-after"), Some("30"), "{answer}");
    db.execute_batch("ROLLBACK").unwrap();
    assert_eq!(requests(&project), 0);
    service.post("/subscribe", "email=ann@example.com").code(303);
    letters(&project, 1);
}

#[test]
fn letters_are_the_owners_files_in_the_readers_language() {
    let project = served();
    project.write(
        "templates/mail/confirm.md",
        "---\ntitle: Hello there\n---\n\n[Yes]({{ subscriber.link }} \"button\")\n",
    );
    project.write(
        "templates/mail/confirm.de.md",
        "---\ntitle: Guten Tag\n---\n\n[Ja]({{ subscriber.link }} \"button\")\n",
    );
    project.write("templates/mail/welcome.md", "---\ntitle: Welcome to us\n---\n\nThank you.\n");
    let service = Service::of(&project);
    service.post("/subscribe", "email=en@example.com").code(303);
    service.post("/subscribe", "email=de@example.com&language=de-AT").code(303);
    let mut found = letters(&project, 2);
    found.sort();
    assert_eq!((&*found[0].1, &*found[1].1), ("Guten Tag", "Hello there"));
    service.post(&link(&found[0].2, "confirm"), "").code(200);
    let is_welcome =
        |(to, subject, _): &(String, String, String)| to == "de@example.com" && subject == "Welcome to us";
    // The outbox keeps every letter to an address.
    assert!(letters(&project, 3).iter().any(is_welcome));
    assert!(project.list("outbox").contains(&"de@example.com-2.eml".to_owned()));
    drop(service);
    project.write("templates/mail/confirm.md", "---\ntitle: Hi\n---\n\n{{ subscriber.first_name }}\n");
    project.run(["serve"]).code(3).stderr_has("subscriber.first_name");
}

#[test]
fn without_double_opt_in_only_those_who_said_no_confirm() {
    let project = served_with("\n[serve.form]\ndouble_opt_in = false\n");
    project.run(["subscribers", "add", "gone@example.com"]).code(0);
    project.run(["subscribers", "unsubscribe", "gone@example.com"]).code(0);
    let service = Service::of(&project);
    service.post("/subscribe", "email=new@example.com").code(303);
    service.post("/subscribe", "email=gone@example.com").code(303);
    settled(&service, "activated", 1);
    assert_eq!(status(&project, "new@example.com"), "active");
    assert_eq!(letters(&project, 1)[0].0, "gone@example.com");
    assert_eq!(status(&project, "gone@example.com"), "unsubscribed");
}
