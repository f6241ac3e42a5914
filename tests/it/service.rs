//! `mimeo serve`: what readers and their mail providers meet.

mod archive;
mod beside;
mod connections;
mod documented;
mod failures;
mod killed;
mod languages;
mod looks;
mod moved;
mod preferences;
mod scanners;
mod subscribing;
mod topics;
mod unsubscribing;
mod walk;

use mail_parser::MessageParser;

use crate::support::{
    project::{LEAST, Project},
    service::{HOST, Service},
    until,
};

const ISSUE: &str = "---\ntitle: One two three\npreheader: A short letter about one thing.\nnumber: 1\n\
     date: 2026-01-02\n---\n\nHello to all of you.\n";

/// A newsletter with a managed list, a service and one issue.
fn served() -> Project {
    served_with("")
}

/// The same with more settings in `[serve]` and behind it.
fn served_with(more: &str) -> Project {
    let settings = format!("{LEAST}\n[list]\nmanaged = true\n\n[serve]\nurl = \"https://{HOST}/\"\n{more}");
    Project::empty().file("mimeo.toml", settings).file("issues/one.md", ISSUE)
}

/// The token that unsubscribes a person of the list.
fn token(project: &Project, address: &str) -> String {
    let list = project.run(["subscribers", "list", "--json"]).code(0).stdout;
    let line = list.lines().find(|line| line.contains(&format!("\"{address}\""))).unwrap();
    let person: serde_json::Value = serde_json::from_str(line).unwrap();
    person["token"].as_str().unwrap().to_owned()
}

/// What the list says of a person.
fn status(project: &Project, address: &str) -> String {
    let shown = project.run(["subscribers", "show", address, "--json"]).code(0).stdout;
    let record: serde_json::Value = serde_json::from_str(&shown).unwrap();
    record["person"]["status"].as_str().unwrap_or("none").to_owned()
}

/// The letters in the outbox, each once it is there: their recipients, subjects and texts.
#[track_caller]
fn letters(project: &Project, number: usize) -> Vec<(String, String, String)> {
    let whole =
        || project.list("outbox").into_iter().filter(|name| name.ends_with(".eml")).collect::<Vec<_>>();
    until(&format!("{number} letters"), || whole().len() >= number);
    let read = |name: String| {
        let bytes = std::fs::read(project.path(&format!("outbox/{name}"))).unwrap();
        let letter = MessageParser::new().parse(&bytes).unwrap();
        let to = letter.to().unwrap().first().unwrap().address().unwrap().to_owned();
        (to, letter.subject().unwrap().to_owned(), letter.body_text(0).unwrap().into_owned())
    };
    whole().into_iter().map(read).collect()
}

/// The path of a link of the service in a letter.
#[track_caller]
fn link(text: &str, kind: &str) -> String {
    let start = format!("https://{HOST}");
    let at = text.find(&format!("{start}/{kind}/")).unwrap_or_else(|| panic!("no {kind} link in {text}"));
    text[at + start.len()..]
        .split(|c: char| c.is_whitespace() || c == '>' || c == ')')
        .next()
        .unwrap()
        .to_owned()
}

/// Everybody has asked, and what follows is done.
#[track_caller]
fn settled(service: &Service, result: &str, number: usize) {
    let line = format!("mimeo_requests_for_letters_total{{result=\"{result}\"}} {number}");
    until(&line, || service.metrics().lines().any(|known| known == line));
}

/// All that the ledger's database holds, as text.
fn dump(project: &Project) -> String {
    let db = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    let mut tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut text = String::new();
    for name in names {
        let mut rows = db.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<_> = (0..columns)
                .map(|at| format!("{:?}", row.get::<_, rusqlite::types::Value>(at).unwrap()))
                .collect();
            text.push_str(&format!("{name}: {}\n", values.join(", ")));
        }
    }
    text
}

/// Waits until no letter waits for the relay.
#[track_caller]
fn all_sent(project: &Project) {
    let db = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    let waiting =
        || db.query_row("SELECT count(*) FROM service_letters", [], |row| row.get::<_, i64>(0)).unwrap();
    until("the queue to be empty", || waiting() == 0);
}

/// Whom the service keeps requests of, whatever became of them.
fn requests(project: &Project) -> i64 {
    let db = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    db.query_row("SELECT count(*) FROM signups", [], |row| row.get(0)).unwrap()
}
