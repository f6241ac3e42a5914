//! `mimeo status --watch`: what is left, who works on it, how fast.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{
    crash::project,
    support::{
        project::Project,
        relay::{At, Do, Relay, Script, When},
        schema::hold,
    },
};

/// A newsletter with an open dispatch that no letter of has left.
fn opened(relay: &Relay, people: usize) -> Project {
    let project = project(people, &format!("[relay]\nurl = \"{}\"\nconnections = 1\n", relay.url()));
    project.run(["send", "one", "--yes", "--first"]).code(5);
    project
}

fn late(script: Script) -> Relay {
    Relay::start(script.rule(At::Greeting, When::First(1), Do::SayAndClose("554 5.3.2 not yet".into())))
}

#[test]
fn a_watch_shows_the_workers_and_ends_when_nothing_is_left() {
    let relay = late(Script::new().rule(At::Dot, When::Nth(5), Do::Wait(Duration::from_secs(2))));
    let project = opened(&relay, 12);
    let mut watch = project.mimeo(["status", "--watch", "--every", "50ms", "--json"]).into_command();
    let mut watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = || -> Option<Value> {
        let tick: Value = serde_json::from_str(&lines.next()?.unwrap()).unwrap();
        hold("status-watch", &tick);
        Some(tick["dispatches"][0].clone())
    };
    let first = next().unwrap();
    assert_eq!((first["issue"].as_str(), first["queued"].as_u64()), (Some("one"), Some(12)));
    assert!(first["letters_per_second"].is_null() && first["seconds_left"].is_null(), "{first}");
    let mut worker = project.mimeo(["-q", "work"]).into_command();
    let mut worker = worker.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (mut living, mut rate, mut last) = (0, 0.0_f64, first);
    while let Some(tick) = next() {
        let workers = tick["workers"].as_array().unwrap();
        living = living.max(workers.iter().filter(|one| one["is_living"] == true).count());
        rate = rate.max(tick["letters_per_second"].as_f64().unwrap());
        last = tick;
    }
    assert!(worker.wait().unwrap().success());
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    assert_eq!((living, last["accepted"].as_u64()), (1, Some(12)));
    assert!(rate > 0.0);
    // The sender that was turned away has ended no attempt.
    let shares = last["workers"].as_array().unwrap();
    let attempts: Vec<_> = shares.iter().filter_map(|one| one["attempts"].as_u64()).collect();
    assert!(attempts.contains(&12), "{last}");
}

#[test]
fn a_watch_without_a_terminal_prints_a_line_when_something_changes_and_stops_when_interrupted() {
    let relay = late(Script::new());
    let project = opened(&relay, 3);
    let mut watch = project.mimeo(["status", "one", "--watch", "--every", "20ms"]).into_command();
    let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    // The rate is known from the second look on.
    for expected in ["3 left, no worker", "3 left, 0 letters per minute, no worker"] {
        let line = lines.next().unwrap().unwrap();
        assert_eq!(line, format!("one: 0 of 3 accepted, {expected}"));
    }
    let pid = watch.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(watch.wait().unwrap().code(), Some(130));
}

#[test]
fn a_watch_redraws_its_lines_on_a_terminal() {
    let relay = late(Script::new().rule(At::Dot, When::Nth(2), Do::Wait(Duration::from_millis(500))));
    let project = opened(&relay, 4);
    let mut worker = None;
    let start = || {
        let mut command = project.mimeo(["-q", "work"]).into_command();
        worker = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    };
    let ran = project.at_terminal_while("status --watch --every 50ms one", start).code(0);
    assert!(worker.unwrap().wait().unwrap().success());
    ran.stdout_has("one: 4 of 4 accepted").stdout_has("\u{1b}[");
    project.at_terminal("status --watch", "").code(0).stdout_has("nothing is left to send");
    project
        .run(["status", "--watch", "--every", "soon"])
        .code(2)
        .stderr_has("write how often, as in 2s or 1m");
    project.run(["status", "--every", "2s"]).code(2).stderr_has("--watch");
}

#[test]
fn the_report_of_a_run_names_the_workers_where_there_were_several() {
    let relay = Relay::start(Script::new());
    let project = project(20, &format!("[relay]\nurl = \"{}\"\n", relay.url()));
    project.run(["send", "one", "--yes", "--first", "--limit", "8"]).code(0);
    let report = |project: &Project| {
        let pages = project.list(".mimeo/reports");
        pages.iter().map(|name| project.read(&format!(".mimeo/reports/{name}"))).collect::<Vec<_>>()
    };
    assert!(!report(&project)[0].contains("<h2>Workers</h2>"));
    project.run(["send", "one", "--yes"]).code(0);
    let pages = report(&project);
    let table = pages.iter().find_map(|page| page.split_once("<h2>Workers</h2>")).unwrap().1;
    let table = table.split("</table>").next().unwrap();
    assert!(table.contains("<td class=\"n\">8</td>") && table.contains("<td class=\"n\">12</td>"), "{table}");
    assert!(table.contains("smtp://127.0.0.1"), "{table}");
}
