//! A database that is full or gone, and links of another newsletter.

use std::{fs, thread, time::Duration};

use super::{letters, link, requests, served, served_with, status, token, until};
use crate::support::{
    disk::SmallDisk,
    project::Project,
    relay::{Relay, Script},
    service::{HOST, Service},
};

/// A form from a network of its own.
fn subscribe(service: &Service, index: usize) -> u16 {
    let fields = format!(
        "Content-Type: application/x-www-form-urlencoded\r\nX-Forwarded-For: 203.{}.{}.1\r\n",
        index / 250,
        index % 250
    );
    let answer =
        service.request("POST", "/subscribe", &fields, format!("email=r{index}@example.com").as_bytes());
    if answer.status == 503 {
        assert_eq!(answer.field("retry-after"), Some("30"), "{answer}");
        assert!(answer.body.contains("nothing was changed"), "{answer}");
    }
    answer.status
}

#[test]
fn a_full_disk_refuses_forms_and_keeps_what_was_answered() {
    let Some(disk) = SmallDisk::mount(8) else { return };
    let path = disk.path().join("mimeo/ledger.db");
    let project = served_with(&format!(
        "trusted_proxies = [\"127.0.0.1\"]\n\n[serve.limits]\nsign_ups_per_hour = 1000000\n\n[ledger]\npath = \"{}\"\n",
        path.display()
    ));
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    let leave = format!("/unsubscribe/{}", token(&project, "ann@example.com"));
    let service = Service::of(&project);
    assert_eq!(subscribe(&service, 0), 303);
    let full = disk.fill();
    // The ledger has some space of its own left: requests are answered until it is used up.
    let mut answered = vec![0];
    let mut index = 0;
    let refused = loop {
        index += 1;
        match subscribe(&service, index) {
            303 => answered.push(index),
            503 => break index,
            status => panic!("{status}"),
        }
        assert!(index < 5_000, "the disk is not full");
    };
    let left = service.post(&leave, "List-Unsubscribe=One-Click").status;
    assert!(matches!(left, 200 | 503), "{left}");
    service.get("/healthz").code(200);
    drop(full);
    until("space again", || subscribe(&service, refused) == 303);
    answered.push(refused);
    service.post(&leave, "List-Unsubscribe=One-Click").code(200);
    drop(service);
    assert_eq!(status(&project, "ann@example.com"), "unsubscribed");
    project.run(["ledger", "check"]).code(0);
    let db = rusqlite::Connection::open(&path).unwrap();
    let mut kept = db.prepare("SELECT address FROM signups ORDER BY address").unwrap();
    let kept: Vec<String> = kept.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut expected: Vec<_> = answered.iter().map(|index| format!("r{index}@example.com")).collect();
    expected.sort();
    assert_eq!(kept, expected, "what was answered is kept, and nothing else");
}

#[test]
fn a_database_that_is_gone_is_answered_with_503_and_not_replaced() {
    let project = served();
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    let leave = format!("/unsubscribe/{}", token(&project, "ann@example.com"));
    let service = Service::of(&project);
    // As a volume that was taken away.
    let gone = project.path("gone");
    fs::rename(project.path(".mimeo"), &gone).unwrap();
    let refused =
        [service.post("/subscribe", "email=bo@example.com").status, service.post(&leave, "").status];
    assert_eq!(refused, [503, 503]);
    let ready = service.raw(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(ready.status, 503, "{ready}");
    assert!(!project.path(".mimeo/ledger.db").exists());
    fs::rename(&gone, project.path(".mimeo")).unwrap();
    assert_eq!((requests(&project), status(&project, "ann@example.com")), (0, "active".to_owned()));
    until("the service to answer again", || service.post("/subscribe", "email=bo@example.com").status == 303);
    service.post(&leave, "").code(200);
    assert_eq!(status(&project, "ann@example.com"), "unsubscribed");
}

#[test]
fn links_of_another_newsletter_open_nothing() {
    let project = served();
    let other = served();
    let settings = other.read("mimeo.toml").replace("Small Steps", "Large Steps");
    other.write("mimeo.toml", settings);
    fs::create_dir_all(other.path(".mimeo")).unwrap();
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    // The same key and the same person.
    other.write(".mimeo/key", project.read(".mimeo/key"));
    std::process::Command::new("chmod").args(["-R", "go-rwx"]).arg(other.path(".mimeo")).status().unwrap();
    other.run(["subscribers", "add", "ann@example.com"]).code(0);
    let elsewhere = Service::of(&other);
    elsewhere.post("/subscribe", "email=bo@example.com").code(303);
    elsewhere.post("/preferences", "email=ann@example.com").code(303);
    let all = letters(&other, 2);
    let text = |address: &str| &all.iter().find(|(to, ..)| to == address).unwrap().2;
    let service = Service::of(&project);
    for path in [link(text("bo@example.com"), "confirm"), link(text("ann@example.com"), "preferences")] {
        service.get(&path).code(404).has("This link is not valid.");
        service.post(&path, "action=erase").code(404);
    }
    assert_eq!(status(&project, "ann@example.com"), "active");
    project.run(["subscribers", "show", "bo@example.com"]).code(3);
}

#[test]
fn a_slow_client_is_hung_up_on_and_no_one_else_waits() {
    let project: Project = served();
    let service = Service::of(&project);
    let place = service.place();
    let slow = thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let crate::support::service::Place::Tcp(address) = place else { unreachable!() };
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        write!(stream, "POST /subscribe HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100\r\n\r\nemail=")
            .unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    });
    service.get("/subscribe").code(200);
    let answer = slow.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(requests(&project), 0);
}

#[test]
fn what_cannot_be_read_holds_up_no_one_else() {
    let project = served();
    project.run(["subscribers", "add", "cut@example.com"]).code(0);
    let service = Service::of(&project);
    let db = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    db.busy_timeout(Duration::from_secs(30)).unwrap();
    // Of people whom the service looks at first.
    db.execute_batch(
        "UPDATE subscribers SET fields = 'cut'; \
         INSERT INTO signups (id, kind, key, address, fields, topics, form, wording, requested_at, state, due_at, expires_at) \
         VALUES (zeroblob(12), 'subscribe', 'a', 'a@example.com', 'cut', '', '', '', 1, 'new', 1, 9000000000000), \
         (randomblob(12), 'subscribe', 'cut@example.com', 'cut@example.com', '{}', '', '', '', 1, 'new', 2, 9000000000000); \
         INSERT INTO service_letters (id, kind, address, subject, made_at, due_at, attempts, is_held) \
         VALUES (zeroblob(12), 'confirm', 'cut', zeroblob(12), 1, 1, 0, 0)",
    )
    .unwrap();
    service.post("/subscribe", "email=ann@example.com").code(303);
    let (to, ..) = letters(&project, 1).remove(0);
    assert_eq!(to, "ann@example.com");
    let left: i64 =
        db.query_row("SELECT count(*) FROM signups WHERE state = 'new'", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 2, "nothing is lost");
}

#[test]
fn a_letter_that_left_does_not_go_again_because_the_ledger_did_not_record_it() {
    let relay = Relay::start(Script::new());
    let project = served();
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n[relay]\nurl = \"{}\"\n", relay.url()));
    let service = Service::of(&project);
    let db = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    db.busy_timeout(Duration::from_secs(30)).unwrap();
    db.execute_batch(
        "CREATE TRIGGER refused BEFORE DELETE ON service_letters BEGIN SELECT RAISE(ABORT, 'refused'); END",
    )
    .unwrap();
    for (index, address) in ["ann@example.com", "bo@example.com"].iter().enumerate() {
        service.post("/subscribe", &format!("email={address}")).code(303);
        // The second letter leaves after the first could not be recorded.
        until(address, || relay.recipients().len() > index);
    }
    db.execute_batch("DROP TRIGGER refused").unwrap();
    super::all_sent(&project);
    assert_eq!(relay.recipients(), ["ann@example.com", "bo@example.com"]);
}
