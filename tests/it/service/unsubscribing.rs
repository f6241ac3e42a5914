//! Links that unsubscribe.

use mimeograph::message::TEST_TOKEN;

use super::{ISSUE, served, status, token};
use crate::support::{
    project::{LEAST, Project},
    service::{HOST, Service},
};

/// Forms in which mail providers and browsers send it: header fields and body.
const POSTS: [(&str, &str); 6] = [
    ("Content-Type: application/x-www-form-urlencoded\r\n", "List-Unsubscribe=One-Click"),
    (
        "Content-Type: multipart/form-data; boundary=b\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n",
    ),
    ("", ""),
    ("Content-Type: application/json\r\n", "{}"),
    ("Content-Type: text/plain; charset=utf-16\r\nOrigin: https://mail.example.com\r\n", "\u{feff}x"),
    ("User-Agent: Java/1.8 bot curl\r\nCookie: a=b\r\nReferer: https://mail.example.com/\r\n", ""),
];

#[test]
fn one_click_works_in_every_form_and_at_once() {
    let project = served();
    let service = Service::of(&project);
    for (index, (fields, body)) in POSTS.iter().enumerate() {
        let address = format!("reader{index}@example.com");
        project.run(["subscribers", "add", &address]).code(0);
        let path = format!("/unsubscribe/{}", token(&project, &address));
        // A provider may send it twice.
        for _ in 0..2 {
            let answer = service.request("POST", &path, fields, body.as_bytes()).code(200);
            assert_eq!((answer.field("location"), answer.field("set-cookie")), (None, None), "{answer}");
            answer.has("You will get no more letters from Small Steps.");
        }
        assert_eq!(status(&project, &address), "unsubscribed", "{fields}");
    }
    project
        .run(["subscribers", "show", "reader0@example.com"])
        .code(0)
        .stdout_has("a link in a letter")
        .stdout_has("reader");
    let metrics = service.metrics();
    assert!(metrics.contains("mimeo_unsubscribes_total{result=\"person\"} 6"), "{metrics}");
    assert!(metrics.contains("mimeo_unsubscribes_total{result=\"already\"} 6"), "{metrics}");
}

#[test]
fn only_a_post_with_a_valid_token_changes_something() {
    let project = served();
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    let service = Service::of(&project);
    let valid = token(&project, "ann@example.com");
    let forged = format!("{}{}", &valid[..20], valid[20..].chars().rev().collect::<String>());
    // The same key, and another list.
    let other = Project::empty().file("mimeo.toml", project.read("mimeo.toml").replace("Small", "Large"));
    other.write(".mimeo/key", project.read(".mimeo/key"));
    std::process::Command::new("chmod").args(["-R", "go-rwx"]).arg(other.path(".mimeo")).status().unwrap();
    other.run(["subscribers", "add", "ann@example.com"]).code(0);
    let other = token(&other, "ann@example.com");
    assert_ne!(other, valid);
    for (kind, token) in [
        ("valid", &*valid),
        ("forged", &forged),
        ("other list", &other),
        ("test", TEST_TOKEN),
        ("short", "abc"),
    ] {
        let path = format!("/unsubscribe/{token}");
        let is_link = matches!(kind, "valid" | "test");
        for (method, expected) in [
            ("GET", if is_link { 200 } else { 404 }),
            ("HEAD", if is_link { 200 } else { 404 }),
            ("OPTIONS", 204),
            ("PUT", 405),
            ("DELETE", 405),
            ("PATCH", 405),
            ("TRACE", 405),
            ("BREW", 405),
        ] {
            for path in [path.clone(), format!("{path}?confirm=1&List-Unsubscribe=One-Click")] {
                let answer = service.request(method, &path, "Purpose: prefetch\r\n", b"").code(expected);
                assert!(method != "HEAD" || answer.body.is_empty(), "{answer}");
                if matches!(expected, 204 | 405) {
                    assert_eq!(answer.field("allow"), Some("GET,HEAD,POST"), "{answer}");
                }
            }
        }
        if kind != "valid" {
            service.post(&path, "List-Unsubscribe=One-Click").code(if is_link { 200 } else { 404 });
        }
        assert_eq!(status(&project, "ann@example.com"), "active", "{kind}");
    }
    service
        .get(&format!("/unsubscribe/{valid}"))
        .code(200)
        .has("<button class=\"button\" type=\"submit\">Unsubscribe");
    service.get(&format!("/unsubscribe/{TEST_TOKEN}")).code(200).has("changes nothing");
    service.post(&format!("/unsubscribe/{valid}"), "").code(200);
    assert_eq!(status(&project, "ann@example.com"), "unsubscribed");
}

#[test]
fn who_tries_many_tokens_waits() {
    let project = served();
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    let service = Service::of(&project);
    let valid = token(&project, "ann@example.com");
    for _ in 0..20 {
        service.get("/unsubscribe/abc").code(404);
    }
    let answer = service.get("/unsubscribe/abc").code(429);
    assert!(answer.field("retry-after").is_some(), "{answer}");
    service.post(&format!("/unsubscribe/{valid}"), "").code(200);
}

#[test]
fn a_list_in_a_file_and_a_send_that_is_open_follow() {
    let settings = format!("{LEAST}\n[serve]\nurl = \"https://{HOST}/letters\"\n");
    let project = Project::new().file("mimeo.toml", settings).file("issues/one.md", ISSUE);
    let carol = token(&project, "carol@example.net");
    project.run(["send", "one", "--limit", "1", "--yes"]).code(0);
    let letter = project.read("outbox/bob@example.com.eml");
    assert!(letter.contains(&format!("List-Unsubscribe: <https://{HOST}/letters/unsubscribe/")), "{letter}");
    assert!(letter.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{letter}");
    let service = Service::of(&project);
    service.post(&format!("/letters/unsubscribe/{carol}"), "").code(200);
    service.post(&format!("/unsubscribe/{carol}"), "").code(404);
    project.run(["send", "one", "--yes"]).code(0).stderr_has("1 accepted, 1 suppressed");
    assert_eq!(project.list("outbox"), ["bob@example.com.eml"]);
}

#[test]
fn a_database_that_is_locked_is_answered_with_503_and_nothing_is_done() {
    let project = served();
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    let service = Service::of(&project);
    let path = format!("/unsubscribe/{}", token(&project, "ann@example.com"));
    let db = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = service.post(&path, "").code(503).has("nothing was changed");
    assert_eq!(answer.field("retry-after"), Some("30"), "{answer}");
    db.execute_batch("ROLLBACK").unwrap();
    assert_eq!(status(&project, "ann@example.com"), "active");
    service.post(&path, "").code(200);
    assert_eq!(status(&project, "ann@example.com"), "unsubscribed");
}
