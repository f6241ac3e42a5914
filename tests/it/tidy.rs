//! The rules about our own source.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::support::newsroom::repository;

/// The line of rooms: each imports only those to its left.
const ROOMS: [&str; 15] = [
    "files",
    "source",
    "markup",
    "address",
    "subscriber",
    "issue",
    "assets",
    "render",
    "archive",
    "check",
    "message",
    "transport",
    "ledger",
    "dispatch",
    "report",
];

/// Doors stand outside: they import rooms, and no room imports them.
const DOORS: [&str; 3] = ["config", "web", "cli"];

/// Where each foreign crate may be used. An empty list means everywhere.
const FOREIGN: [(&str, &[&str]); 43] = [
    ("anstream", &["report", "cli"]),
    ("anstyle", &["report", "cli"]),
    ("aws_lc_rs", &["assets", "render", "message", "transport", "ledger", "config", "cli"]),
    ("axum", &["web"]),
    ("base64", &["assets", "message", "transport", "web", "cli"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("crc32fast", &["ledger"]),
    ("csv", &["subscriber", "report", "cli"]),
    ("html5gum", &["markup"]),
    ("idna", &["address"]),
    ("image", &["assets", "cli"]),
    ("imagesize", &["assets", "cli"]),
    ("indicatif", &["report"]),
    ("jiff", &[]),
    ("lettre", &["message", "transport"]),
    (
        "memchr",
        &[
            "source",
            "markup",
            "address",
            "issue",
            "subscriber",
            "assets",
            "render",
            "message",
            "transport",
            "ledger",
        ],
    ),
    ("mrml", &["render"]),
    ("notify", &["web"]),
    ("png", &["assets"]),
    ("percent_encoding", &["assets", "render", "archive", "transport", "check", "cli"]),
    ("pulldown_cmark", &["issue"]),
    ("rusqlite", &["ledger"]),
    ("rustix", &["ledger"]),
    ("rustls", &["transport", "cli"]),
    ("rustls_native_certs", &["transport", "cli"]),
    ("saphyr_parser", &["issue"]),
    ("serde", &[]),
    ("serde_json", &[]),
    ("similar", &["report"]),
    ("strsim", &["source"]),
    ("syntect", &["render"]),
    ("tempfile", &["dispatch", "files", "ledger", "config", "cli"]),
    ("thiserror", &[]),
    ("tokio", &["transport", "ledger", "dispatch", "web", "cli"]),
    ("tokio_rustls", &["transport"]),
    ("tokio_stream", &["web"]),
    ("toml", &["issue", "assets", "render", "config", "cli"]),
    ("unicode_normalization", &["address", "subscriber"]),
    ("unicode_width", &["render", "report"]),
    ("ureq", &["cli"]),
    ("url", &["config", "assets", "render", "transport", "check", "issue", "cli"]),
];

/// Files that may be longer than 600 lines, and why.
const LONG: [(&str, &str); 2] = [
    ("src/transport/lane.rs", "one conversation is one state machine, and it is read from top to bottom"),
    ("tests/it/support/relay.rs", "a whole relay with its script, which the benchmarks include as one file"),
];

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, ending, found);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&repository().join(folder), ending, &mut found);
    found.sort();
    found
}

/// Our files with their names from the repository's folder.
fn sources(folder: &str) -> Vec<(String, String)> {
    files(folder, ".rs")
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(repository()).unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The room or door that a file of `src/` belongs to.
fn room(name: &str) -> &str {
    let name = name.strip_prefix("src/").unwrap();
    name.split_once('/').map_or(name, |(room, _)| room).trim_end_matches(".rs")
}

/// The code without comments.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The first names behind each `crate::`, groups taken apart.
fn imports(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let part_of_a_name = code[..at].ends_with(|c: char| c == '_' || c == '$' || c.is_alphanumeric());
        if part_of_a_name {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut fresh = true;
        for (index, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                letter if fresh && letter.is_alphabetic() => {
                    names.insert(word(&group[index..]));
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

#[test]
fn imports_are_read_in_all_their_forms() {
    let code = "use crate::source::X; use crate::{\n  issue::{A, b::C},\n  render::D,\n}; crate::ledger::open(); my_crate::x";
    assert_eq!(Vec::from_iter(imports(code)), ["issue", "ledger", "render", "source"]);
}

#[test]
fn a_room_imports_only_rooms_to_its_left() {
    let mut wrong = Vec::new();
    for (name, text) in sources("src") {
        let here = room(&name);
        let Some(place) = ROOMS.iter().position(|room| *room == here) else { continue };
        for import in imports(&code(&text)) {
            let other = ROOMS.iter().position(|room| *room == import);
            if DOORS.contains(&import.as_str()) || other.is_some_and(|other| place < other) {
                wrong.push(format!("{name} imports {import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_layer_but_assets_and_files_opens_a_file_on_the_way_to_a_letter() {
    let pure = ["source", "issue", "render", "archive", "check", "message"];
    // `Source::read` is the one way in for a text.
    for (name, text) in sources("src").iter().filter(|(name, _)| name != "src/source.rs") {
        let code = code(text).split("#[cfg(test)]").next().unwrap_or_default().to_owned();
        for word in ["fs::", "File::", "std::env", "std::process", "std::net", "Timestamp::now"] {
            let used = pure.contains(&room(name)) && !name.ends_with("/tests.rs") && code.contains(word);
            assert!(!used, "{name} says {word}");
        }
    }
}

#[test]
fn every_file_belongs_to_a_room_or_a_door() {
    for (name, _) in sources("src") {
        let known = ["lib", "main"].iter().chain(&ROOMS).chain(&DOORS).any(|known| *known == room(&name));
        assert!(known, "{name}");
        assert!(!name.ends_with("/mod.rs"), "{name}: a room's file stands beside its folder");
    }
}

#[test]
fn a_foreign_crate_stays_in_its_room() {
    let rules = BTreeMap::from(FOREIGN);
    let mut wrong = Vec::new();
    for (name, text) in sources("src") {
        let (here, code) = (room(&name), code(&text));
        for (foreign, rooms) in &rules {
            let used = code.match_indices(&format!("{foreign}::")).any(|(at, _)| {
                !code[..at].ends_with(|c: char| c == '_' || c == ':' || c == '.' || c.is_alphanumeric())
            });
            if used && !rooms.is_empty() && !rooms.contains(&here) {
                wrong.push(format!("{name} uses {foreign}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_dependency_has_a_rule_and_a_reason() {
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let rules = BTreeMap::from(FOREIGN);
    let section = manifest.split("[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let mut names = BTreeSet::new();
    let mut reason = false;
    for line in section.lines().filter(|line| !line.is_empty()) {
        if line.starts_with('#') {
            reason = true;
            continue;
        }
        let name = line.split([' ', '=', '.']).next().unwrap().replace('-', "_");
        assert!(
            reason || names.contains("url") || names.contains("anstream"),
            "{name} has no reason above it"
        );
        assert!(rules.contains_key(name.as_str()), "{name} has no rule in tests/it/tidy.rs");
        names.insert(name);
        reason = false;
    }
    let stale: Vec<_> = rules.keys().filter(|rule| !names.contains(**rule)).collect();
    assert!(stale.is_empty(), "rules for crates that are not used: {stale:?}");
}

#[test]
fn a_room_has_its_doorplate() {
    for room in ROOMS.iter().chain(&DOORS) {
        let path = repository().join(format!("src/{room}.rs"));
        if *room == "web" && !path.exists() {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let plate: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        for word in ["In: ", "Out: ", "Never: "] {
            assert!(plate.iter().any(|line| line.contains(word)), "{room}: no `{word}` on the doorplate");
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    for (name, text) in sources("src").into_iter().chain(sources("tests")) {
        let lines = text.lines().count();
        let excused = LONG.iter().any(|(long, _)| *long == name);
        assert!(lines <= 600 || excused, "{name} has {lines} lines");
    }
}

#[test]
fn every_fixture_is_used() {
    let tests: String = sources("tests").into_iter().chain(sources("src")).map(|(_, text)| text).collect();
    let Ok(entries) = fs::read_dir(repository().join("tests/fixtures")) else { return };
    for entry in entries {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(tests.contains(&format!("fixtures/{name}")), "tests/fixtures/{name} is used by no test");
    }
}

#[test]
fn no_test_sleeps_and_no_code_is_left_to_be_written() {
    let banned = [
        concat!("thread::sl", "eep"),
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("dbg", "!("),
    ];
    for (name, text) in sources("src").into_iter().chain(sources("tests")) {
        for word in banned {
            assert!(!text.contains(word), "{name} says {word}");
        }
    }
}
