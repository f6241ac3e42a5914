//! What was answered is never lost.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::served_with;
use crate::support::service::Service;

#[test]
fn nothing_that_was_answered_is_lost_when_the_service_is_killed() {
    kill(6);
}

#[test]
#[ignore = "takes minutes: `just kill-service`"]
fn nothing_that_was_answered_is_lost_in_500_kills() {
    kill(500);
}

/// Kills the service again and again while people sign up and unsubscribe.
fn kill(times: usize) {
    const PEOPLE: usize = 20;
    let project =
        served_with("trusted_proxies = [\"127.0.0.1\"]\n[serve.limits]\nsign_ups_per_hour = 1000000\n");
    let mut rows = String::from("email\n");
    for index in 0..times * PEOPLE {
        rows.push_str(&format!("reader{index}@example.com\n"));
    }
    project.write("list.csv", rows);
    project.run(["subscribers", "import", "list.csv", "--yes"]).code(0);
    let list = project.run(["subscribers", "list", "--json"]).code(0).stdout;
    let tokens: Vec<String> = list
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["token"].as_str().unwrap().to_owned()
        })
        .collect();
    let mut signed_up = Vec::new();
    let mut left = Vec::new();
    for round in 0..times {
        let mut service = Service::of(&project);
        let place = service.place();
        let mine = &tokens[round * PEOPLE..(round + 1) * PEOPLE];
        let answers = AtomicUsize::new(0);
        let count = |is_answered: bool| {
            answers.fetch_add(usize::from(is_answered), Ordering::Relaxed);
            is_answered
        };
        let (up, gone) = thread::scope(|scope| {
            let leaving = scope.spawn(|| {
                let answered = |token: &&String| {
                    let request = request(&format!("/unsubscribe/{token}"), "", round);
                    count(place.raw(request.as_bytes()).is_ok_and(|answer| answer.status == 200))
                };
                mine.iter().take_while(answered).cloned().collect::<Vec<_>>()
            });
            let coming = scope.spawn(|| {
                let names = (0..PEOPLE).map(|index| format!("new{round}-{index}@example.com"));
                let answered = |name: &String| {
                    let request = request("/subscribe", &format!("email={name}"), number(name));
                    count(place.raw(request.as_bytes()).is_ok_and(|answer| answer.status == 303))
                };
                names.take_while(answered).collect::<Vec<_>>()
            });
            // At another moment in each round: before the first answer, or after some, while the next are made.
            while answers.load(Ordering::Relaxed) < round * 11 % PEOPLE
                && !(leaving.is_finished() && coming.is_finished())
            {
                let _ = place.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            }
            service.kill();
            (coming.join().unwrap(), leaving.join().unwrap())
        });
        signed_up.extend(up);
        left.extend(gone);
    }
    let list = project.run(["subscribers", "list", "--json"]).code(0).stdout;
    for token in &left {
        assert!(!list.contains(token.as_str()), "a person who left still gets letters");
    }
    let db = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    for address in &signed_up {
        let kept: i64 = db
            .query_row("SELECT count(*) FROM signups WHERE address = ?1", [address], |row| row.get(0))
            .unwrap();
        assert_eq!(kept, 1, "{address} was answered and is not known");
    }
    project.run(["ledger", "check"]).code(0);
    let rest = tokens.len() - left.len();
    eprintln!("{times} kills: {} signed up, {} left, {rest} stay", signed_up.len(), left.len());
    // The letters of all of them go out in the end.
    let _service = Service::of(&project);
    super::until("all letters", || project.list("outbox").len() >= signed_up.len());
}

/// A network of its own for each name.
fn number(name: &str) -> usize {
    name.bytes().fold(7, |sum: usize, byte| (sum * 31 + usize::from(byte)) % 39_999)
}

fn request(path: &str, body: &str, network: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: news.example.org\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         X-Forwarded-For: 203.{}.{}.1\r\n\r\n{body}",
        body.len(),
        network / 200 % 200,
        network % 200
    )
}
