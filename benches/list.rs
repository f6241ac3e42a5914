//! How fast a list of a million rows is read: every row made a person, and repeats found; and how fast a condition of `--where`
//! is evaluated for each of them.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{io::Write, time::Instant};

use mimeograph::subscriber::{Condition, List, Row};

fn main() {
    let rows = 1_000_000;
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut text = String::from("email,first name,last name,city,member since\n");
    for n in 0..rows {
        text.push_str(&format!(
            "reader{n}@mail{}.example.com,Ann{},Lee,\"Ulm, Alb\",2019-03-0{}\n",
            n % 97,
            n,
            n % 9 + 1
        ));
    }
    file.write_all(text.as_bytes()).expect("project on the disk");
    for round in 1..=5 {
        let start = Instant::now();
        let list = List::open(file.path()).expect("a list");
        let people = list.filter(|row| matches!(row, Ok(Row::Person { .. }))).count();
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(people, rows);
        println!("round {round}: {:.0} rows/s, peak {}", rows as f64 / seconds, peak());
    }
    let people: Vec<_> = List::open(file.path())
        .expect("a list")
        .filter_map(|row| match row {
            Ok(Row::Person { subscriber, .. }) => Some(subscriber),
            _ => None,
        })
        .collect();
    for text in [
        "city=Berlin",
        "city == \"Ulm, Alb\" && first_name.endsWith(\"7\")",
        "date(member_since) > date(\"2019-03-05\")",
    ] {
        let condition = Condition::parse(text, jiff::Timestamp::UNIX_EPOCH).expect("a condition");
        let start = Instant::now();
        let meant = people.iter().filter(|person| condition.matches(person) == Ok(true)).count();
        println!("{text}: {meant} of {rows} people in {:.2} s", start.elapsed().as_secs_f64());
    }
}

/// The process's peak memory, where the system reports it.
fn peak() -> String {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| Some(text.lines().find(|line| line.starts_with("VmHWM"))?.to_owned()))
        .unwrap_or_else(|| "unknown".to_owned())
}
