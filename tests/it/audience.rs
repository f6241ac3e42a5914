//! The managed list: imports, changes, tokens.

mod changes;
mod imports;
mod tokens;

use crate::support::newsroom::{LEAST, Newsroom, repository};

/// A newsletter with a managed list and one issue.
fn managed() -> Newsroom {
    Newsroom::empty()
        .file("mimeo.toml", format!("{LEAST}\n[list]\nmanaged = true\n"))
        .file("issues/one.md", ISSUE)
}

const ISSUE: &str = "---\ntitle: One two three\npreheader: A short letter about one thing.\nnumber: 1\n\
     date: 2026-01-02\n---\n\nHello to all of you.\n";

fn export(name: &str) -> String {
    repository().join("tests/fixtures/exports").join(name).display().to_string()
}

/// The token that unsubscribes somebody.
fn token(room: &Newsroom, address: &str) -> String {
    let list = room.run(["subscribers", "list", "--json"]).code(0).stdout;
    let line = list.lines().find(|line| line.contains(&format!("\"{address}\""))).unwrap();
    let person: serde_json::Value = serde_json::from_str(line).unwrap();
    person["token"].as_str().unwrap().to_owned()
}
