//! Issues of other kinds than those of `corpus.rs`, written one by one: changelogs, recipes, job boards, match reports, a parish
//! letter, minutes, a poem. Nothing in them is a mistake, so `mimeo check` must have no error and no warning.

use std::fs;

use crate::support::project::{Project, repository};

const SETTINGS: &str = "[newsletter]\nname = \"Small Steps\"\npostal_address = \"Small Steps, 1 Example Street\"\n\
    site = \"https://letters.example.org/\"\n\n[sender]\nfrom = \"Ada Example <ada@example.org>\"\n\n\
    [unsubscribe]\nmailto = \"leave@example.org\"\n";

#[test]
fn ordinary_issues_of_many_kinds_have_no_error_and_no_warning() {
    let mut project = Project::empty()
        .file("mimeo.toml", SETTINGS)
        .file("subscribers.csv", "email,first name\nbob@example.com,Bob\n");
    let mut issues = 0;
    for entry in fs::read_dir(repository().join("tests/fixtures/kinds")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        issues += usize::from(name.ends_with(".md"));
        project = project.file(&format!("issues/{name}"), fs::read(entry.path()).unwrap());
    }
    assert!(issues > 20, "{issues}");
    let ran = project.run(["check", "--all"]).code(0);
    let alarms: Vec<&str> =
        ran.stderr.lines().filter(|line| line.starts_with("error") || line.starts_with("warning")).collect();
    assert!(alarms.is_empty(), "{alarms:#?}\n{ran}");
}
