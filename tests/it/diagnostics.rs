//! Every folder in `fixtures/diagnostics`: something is wrong in it, and the exact answer is written down.
//!
//! A case is a project (two people and the least settings, unless its own files say otherwise), a `command`, and in
//! `expected.txt` the exit code and what is printed. `MIMEO_BLESS=1 cargo test --test it diagnostics` writes the answers
//! down again, to be read before they are kept.

use std::{fs, path::Path};

use crate::support::project::{Project, repository};

const HIDDEN: [&str; 2] = ["command", "expected.txt"];

#[test]
fn bad_input_gets_a_clear_answer() {
    let folder = repository().join("tests/fixtures/diagnostics");
    let mut cases: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 10, "the cases are there: {}", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let answer = answer(&case);
        let expected = case.join("expected.txt");
        if crate::support::blesses() {
            fs::write(&expected, &answer).unwrap();
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        if answer != wanted {
            wrong.push(format!("## {}\n\nexpected:\n{wanted}\nfound:\n{answer}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn answer(case: &Path) -> String {
    let project = Project::new();
    lay_out(case, &project, "");
    let command = fs::read_to_string(case.join("command"))
        .unwrap_or_else(|error| panic!("{}: {error}", case.display()));
    let words: Vec<&str> = command.split_whitespace().collect();
    let ran = project.run(&words);
    // Nothing is sent, whatever is wrong.
    assert!(project.list("outbox").is_empty(), "{}: {ran}", case.display());
    let mut answer = format!("exit code {}\n", ran.code.unwrap());
    for (name, text) in [("standard output", &ran.stdout), ("standard error", &ran.stderr)] {
        if !text.is_empty() {
            answer += &format!("--- {name}\n{text}");
        }
    }
    answer
}

fn lay_out(from: &Path, project: &Project, below: &str) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if entry.path().is_dir() {
            lay_out(&entry.path(), project, &path);
        } else if !(below.is_empty() && HIDDEN.contains(&name.as_str())) {
            project.write(&path, fs::read(entry.path()).unwrap());
        }
    }
}
