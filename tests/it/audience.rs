//! The managed list: imports, changes, tokens.

mod changes;
mod consent;
mod exports;
mod imports;
mod large;
mod moved;
mod requests;
mod tokens;
mod topics;

use crate::support::{
    postgres::Cluster,
    project::{LEAST, Project, repository},
};

/// A newsletter with a managed list and one issue.
fn managed() -> Project {
    Project::empty()
        .file("mimeo.toml", format!("{LEAST}\n[list]\nmanaged = true\n"))
        .file("issues/one.md", ISSUE)
}

/// Runs a scenario with lists in a file of SQLite, and with lists on a PostgreSQL server where there is one. The argument makes
/// a newsletter with an empty list.
fn on_each(scenario: impl Fn(&dyn Fn() -> Project)) {
    println!("on SQLite");
    scenario(&managed);
    let Some(cluster) = Cluster::shared() else { return };
    println!("on PostgreSQL");
    scenario(&|| {
        let project = managed();
        let ledger = format!("[ledger]\nurl = \"{}\"\n", cluster.url(&cluster.database()));
        project.write("mimeo.toml", format!("{}\n{ledger}", project.read("mimeo.toml")));
        project
    });
}

const ISSUE: &str = "---\ntitle: One two three\npreheader: A short letter about one thing.\nnumber: 1\n\
     date: 2026-01-02\n---\n\nHello to all of you.\n";

fn export(name: &str) -> String {
    repository().join("tests/fixtures/exports").join(name).display().to_string()
}

/// The token that unsubscribes someone.
fn token(project: &Project, address: &str) -> String {
    let list = project.run(["subscribers", "list", "--json"]).code(0).stdout;
    let line = list.lines().find(|line| line.contains(&format!("\"{address}\""))).unwrap();
    let person: serde_json::Value = serde_json::from_str(line).unwrap();
    person["token"].as_str().unwrap().to_owned()
}
