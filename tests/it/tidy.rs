//! The rules about our own source.

mod clocks;
mod words;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::support::project::repository;

/// The layers: each module imports only modules to its left.
const MODULES: &[&str] = &[
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
    "bounce",
    "hooks",
    "mailbox",
    "doctor",
    "storage",
    "ledger",
    "audience",
    "dispatch",
    "report",
];

/// Entry points may import every module, and no module imports them.
const ENTRY_POINTS: [&str; 4] = ["config", "service", "web", "cli"];

/// Dependencies that may be used everywhere. All others name in `Cargo.toml` the modules that use them.
const EVERYWHERE: [&str; 11] = [
    "aws_lc_rs",
    "base64",
    "jiff",
    "memchr",
    "percent_encoding",
    "serde",
    "serde_json",
    "thiserror",
    "tokio",
    "toml",
    "url",
];

/// The longest file that can be read in one sitting; a file of tests is read test by test.
const FILE_MAX: usize = 450;
const TEST_FILE_MAX: usize = 600;

/// Files that are longer, and why.
const LONG: [(&str, &str); 1] = [(
    "tests/it/support/relay.rs",
    "a whole relay with its script, which the benchmarks include as one file",
)];

/// Functions that may be longer, and why.
const LONG_FUNCTIONS: [(&str, &str); 0] = [];

/// The longest function that can be read at a glance.
const FUNCTION_MAX: usize = 80;

/// Waits by the clock, and why there is no other way.
const WAITS: [(&str, &str, &str); 9] = [
    (
        "src/storage/sqlite.rs",
        concat!("thread::sl", "eep"),
        "between attempts to get a lock that others take",
    ),
    (
        "src/storage/postgres.rs",
        concat!("thread::sl", "eep"),
        "between attempts to reach a server that is away",
    ),
    ("benches/relays.rs", concat!("thread::sl", "eep"), "the time that a relay takes is what is measured"),
    (
        "benches/service.rs",
        concat!("thread::sl", "eep"),
        "requests come at their times, whether or not others are answered",
    ),
    (
        "tests/it/crash.rs",
        concat!("spin_", "loop"),
        "a process is killed at a random microsecond, finer than a timer",
    ),
    (
        "tests/it/cut_off.rs",
        concat!("thread::sl", "eep"),
        "looks at the ledger again and again, while the processes that it waits for want the processor",
    ),
    (
        "tests/it/many_workers.rs",
        concat!("thread::sl", "eep"),
        "processes are stopped for a part of their lease, by the clock",
    ),
    (
        "tests/it/support/mod.rs",
        concat!("thread::sl", "eep"),
        "a test that must see one day waits for the next where midnight is near",
    ),
    ("tests/it/support/relay.rs", concat!("time::sl", "eep"), "a script makes the relay slow on purpose"),
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

/// All our Rust.
fn ours() -> Vec<(String, String)> {
    ["src", "tests", "benches", "examples", "fuzz/targets"].into_iter().flat_map(sources).collect()
}

/// The module that a file of `src/` belongs to.
fn module_of(name: &str) -> &str {
    let name = name.strip_prefix("src/").unwrap();
    name.split_once('/').map_or(name, |(module, _)| module).trim_end_matches(".rs")
}

/// The code without comments and unit tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
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
fn a_module_imports_only_modules_to_its_left() {
    let mut wrong = Vec::new();
    for (name, text) in sources("src") {
        let here = module_of(&name);
        let Some(place) = MODULES.iter().position(|module| *module == here) else { continue };
        for import in imports(&code(&text)) {
            let other = MODULES.iter().position(|module| *module == import);
            if ENTRY_POINTS.contains(&import.as_str()) || other.is_some_and(|other| place < other) {
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
    for (name, text) in sources("src").iter().filter(|(name, _)| name != "src/source/text.rs") {
        let code = code(text).split("#[cfg(test)]").next().unwrap_or_default().to_owned();
        for word in ["fs::", "File::", "std::env", "std::process", "std::net", "Timestamp::now"] {
            let used = pure.contains(&module_of(name)) && !name.ends_with("/tests.rs") && code.contains(word);
            assert!(!used, "{name} says {word}");
        }
    }
}

#[test]
fn every_file_belongs_to_a_layer_or_an_entry_point() {
    for (name, _) in sources("src") {
        let known = ["lib", "main"].iter().chain(MODULES).chain(&ENTRY_POINTS);
        assert!(known.into_iter().any(|known| *known == module_of(&name)), "{name}");
        assert!(!name.ends_with("/mod.rs"), "{name}: a module's file is beside its folder");
    }
}

/// Files that are compiled for tests only: `#[cfg(test)] mod tests;` names one.
fn test_modules(sources: &[(String, String)]) -> BTreeSet<String> {
    let named = |(name, text): &(String, String)| -> Vec<String> {
        let folder = name.trim_end_matches(".rs").to_owned();
        let parts = text.split("#[cfg(test)]\nmod ").skip(1);
        let names = parts.filter_map(|part| part.split_once(';')).map(|(name, _)| name.to_owned());
        names.filter(|name| *name == word(name)).map(|name| format!("{folder}/{name}.rs")).collect()
    };
    sources.iter().flat_map(named).collect()
}

/// The modules that use a crate.
fn users(dependency: &str, sources: &[(String, String)]) -> BTreeSet<String> {
    let is_used = |code: &str| {
        code.match_indices(&format!("{dependency}::")).any(|(at, _)| {
            !code[..at].ends_with(|c: char| c == '_' || c == ':' || c == '.' || c.is_alphanumeric())
        })
    };
    let tests = test_modules(sources);
    let users = sources.iter().filter(|(name, text)| !tests.contains(name) && is_used(&code(text)));
    users.map(|(name, _)| module_of(name).to_owned()).collect()
}

/// The modules that a reason names at its end: `(\`issue\`, \`render\`)`.
fn named_modules(reason: &str) -> BTreeSet<String> {
    let Some((_, names)) = reason.trim_end_matches(')').rsplit_once('(') else { return BTreeSet::new() };
    names.split(", ").map(|name| name.trim_matches('`').to_owned()).collect()
}

/// What is wrong with the dependencies of a manifest: no reason above one, or other modules in it than those that use it.
fn wrong_reasons(manifest: &str, sources: &[(String, String)]) -> Vec<String> {
    let section = manifest.split("[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let mut wrong = Vec::new();
    let mut reason = String::new();
    let mut is_above = false;
    for line in section.lines() {
        if let Some(text) = line.strip_prefix('#') {
            if !is_above {
                reason.clear();
            }
            is_above = true;
            reason.push_str(text);
            continue;
        }
        let Some(name) = line.split([' ', '=', '.']).next().filter(|name| !name.is_empty()) else {
            reason.clear();
            continue;
        };
        let name = name.replace('-', "_");
        let users = users(&name, sources);
        if !is_above {
            wrong.push(format!("{name} has no reason above it"));
        } else if EVERYWHERE.contains(&name.as_str()) {
            if !reason.ends_with("(everywhere)") || users.is_empty() {
                wrong.push(format!("{name}: the reason should end with (everywhere), and {users:?} use it"));
            }
        } else if named_modules(&reason) != users {
            wrong.push(format!(
                "{name}: its reason ends with {:?}, and {users:?} use it",
                named_modules(&reason)
            ));
        }
        is_above = false;
    }
    wrong
}

#[test]
fn every_dependency_has_a_reason_that_names_the_modules_that_use_it() {
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let wrong = wrong_reasons(&manifest, &sources("src"));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_dependency_without_a_reason_is_found_wherever_it_is() {
    let sources =
        [("src/web.rs".to_owned(), "use url::Url;\nuse axum::Router;\nuse notify::Watcher;\n".to_owned())];
    let manifest = "[dependencies]\n# Links (everywhere)\nurl = \"2\"\naxum = \"0.8\"\n# Saves (`cli`)\nnotify = \"8\"\n\n[x]\n";
    let wrong = wrong_reasons(manifest, &sources);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].starts_with("axum has no reason") && wrong[1].starts_with("notify: "), "{wrong:?}");
}

#[test]
fn a_module_says_what_comes_in_what_goes_out_and_what_it_never_does() {
    for module in MODULES.iter().chain(&ENTRY_POINTS) {
        let text = fs::read_to_string(repository().join(format!("src/{module}.rs"))).unwrap();
        let docs: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        for word in ["In: ", "Out: ", "Never: "] {
            assert!(
                docs.iter().any(|line| line.contains(word)),
                "{module}: no `{word}` in its documentation"
            );
        }
    }
}

/// The names that `use` lines make of types of dependencies, also those of a group.
fn foreign_names(dependencies: &[String], code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("use ") {
        if !code[..at].is_empty() && !code[..at].ends_with(['\n', ' ']) {
            continue;
        }
        let Some((path, _)) = code[at + "use ".len()..].split_once(';') else { continue };
        let is_foreign =
            |path: &str| dependencies.iter().any(|dependency| path.starts_with(&format!("{dependency}::")));
        if !is_foreign(path.trim_start()) {
            continue;
        }
        for part in path.split(['{', '}', ',']) {
            // `a::B as C` is known as `C`.
            let name = part.rsplit_once(" as ").map_or(part, |(_, name)| name).trim();
            names.insert(name.rsplit("::").next().unwrap_or_default().to_owned());
        }
    }
    names.retain(|name| name.starts_with(char::is_uppercase));
    names
}

/// Public error types that name a type of a dependency, or are made from one: callers would depend on its version too.
fn foreign_errors(dependencies: &[String], sources: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut public = BTreeSet::new();
    let names_one = |text: &str, imported: &BTreeSet<String>| {
        text.split(|c: char| c != '_' && c != ':' && !c.is_alphanumeric()).any(|path| {
            dependencies.iter().any(|dependency| path.starts_with(&format!("{dependency}::")))
                || imported.contains(path)
        })
    };
    let codes: Vec<(&str, String)> = sources.iter().map(|(name, text)| (name.as_str(), code(text))).collect();
    for (file, code) in &codes {
        let imported = foreign_names(dependencies, code);
        for (at, _) in code.match_indices("thiserror::Error") {
            let item = code[at..].split("\n}").next().unwrap_or_default();
            let Some((_, item)) = item.split_once("\npub enum ").or_else(|| item.split_once("\npub struct "))
            else {
                continue;
            };
            let name = word(item);
            let mut lines = item.lines().filter(|line| !line.trim_start().starts_with('#'));
            if lines.any(|line| names_one(line, &imported)) {
                found.push(format!("{file}: {name}"));
            }
            public.insert(name);
        }
    }
    for (file, code) in &codes {
        let imported = foreign_names(dependencies, code);
        for (at, _) in code.match_indices("impl From<") {
            let head = code[at..].lines().next().unwrap_or_default();
            let Some((from, to)) = head.split_once("> for ") else { continue };
            if names_one(&from["impl From<".len()..], &imported) && public.contains(&word(to)) {
                found.push(format!("{file}: {} from {from}", word(to)));
            }
        }
    }
    found
}

#[test]
fn public_errors_hold_no_types_of_dependencies() {
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let dependencies = manifest["dependencies"].as_table().unwrap().keys().map(|name| name.replace('-', "_"));
    // Times are jiff's everywhere in the interface, so callers depend on its version in any case.
    let dependencies: Vec<String> = dependencies.filter(|name| name != "jiff").collect();
    assert_eq!(foreign_errors(&dependencies, &sources("src")), [""; 0]);

    let derive = "#[derive(Debug, thiserror::Error)]\n";
    for (body, is_bad) in [
        (format!("{derive}pub enum E {{\n    A(#[source] std::io::Error),\n}}"), false),
        (format!("{derive}pub enum E {{\n    A(#[from] rusqlite::Error),\n}}"), true),
        (format!("{derive}pub struct E {{\n    source: Box<rusqlite::Error>,\n}}"), true),
        (format!("{derive}enum E {{\n    A(rusqlite::Error),\n}}\npub enum F {{\n}}"), false),
        (format!("{derive}pub enum E {{\n}}\nimpl From<rusqlite::Error> for E {{\n}}"), true),
        ("impl From<rusqlite::Error> for Private {\n}".to_owned(), false),
        (format!("use rusqlite::Row;\n{derive}pub enum E {{\n    A(#[source] Row),\n}}"), true),
        (format!("use rusqlite::{{Row as R, types::Value}};\n{derive}pub enum E {{\n    A(R),\n}}"), true),
        (
            format!("use rusqlite::{{Row, types::Value}};\n{derive}pub enum E {{\n    A(Vec<Value>),\n}}"),
            true,
        ),
        (format!("use rusqlite::Row;\n{derive}pub enum E {{\n    A(Raw),\n}}"), false),
    ] {
        let found = foreign_errors(&["rusqlite".to_owned()], &[("src/e.rs".to_owned(), body.clone())]);
        assert_eq!(!found.is_empty(), is_bad, "{body}: {found:?}");
    }
}

/// The files of `src` that hold tests alone.
fn test_files() -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for (name, text) in sources("src") {
        let declared = text.split("#[cfg(test)]\nmod ").skip(1).filter_map(|rest| rest.split_once(';'));
        let folder = name.trim_end_matches(".rs");
        files.extend(declared.map(|(module, _)| format!("{folder}/{module}.rs")));
    }
    assert!(files.len() > 10, "{files:?}");
    files
}

#[test]
fn no_file_is_too_long_to_read() {
    let test_files = test_files();
    for (name, text) in ours() {
        let lines = text.lines().count();
        let excused = LONG.iter().any(|(long, _)| *long == name);
        let is_code = name.starts_with("src/") && !test_files.contains(&name);
        let most = if is_code { FILE_MAX } else { TEST_FILE_MAX };
        assert_eq!(lines > most, excused, "{name} has {lines} lines");
    }
}

#[test]
fn the_files_that_newcomers_are_sent_to_exist() {
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(repository().join(page)).unwrap();
        let quoted = text.split('`').skip(1).step_by(2);
        let paths: Vec<&str> = quoted
            .filter(|word| ["src/", "tests/", "docs/"].iter().any(|start| word.starts_with(start)))
            .collect();
        assert!(paths.len() > 10, "{page}: {paths:?}");
        for path in paths {
            // `CODE` stands for one of many names.
            let path = path.replace("CODE.md", "M401.md");
            assert!(repository().join(&path).exists(), "{page} names `{path}`, and there is no such file");
        }
    }
}

#[test]
fn every_fixture_is_used() {
    let tests: String = sources("tests").into_iter().chain(sources("src")).map(|(_, text)| text).collect();
    for entry in fs::read_dir(repository().join("tests/fixtures")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(tests.contains(&format!("fixtures/{name}")), "tests/fixtures/{name} is used by no test");
    }
}

/// Functions with their length in lines. The source is formatted, so a function ends at the brace below its first letter.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let start = line.trim_start();
        let name = start.split_once("fn ").filter(|(before, _)| {
            before
                .split(' ')
                .all(|word| ["", "pub", "pub(super)", "pub(crate)", "async", "const"].contains(&word))
        });
        let Some((_, rest)) = name else { continue };
        let end = format!("{}}}", " ".repeat(line.len() - start.len()));
        let length = lines[at..].iter().position(|line| *line == end).map_or(1, |lines| lines + 1);
        found.push((word(rest), length));
    }
    found
}

#[test]
fn no_function_is_too_long_to_read() {
    let mut wrong = Vec::new();
    for (name, text) in sources("src") {
        for (function, lines) in functions(&text) {
            let place = format!("{name}:{function}");
            if lines > FUNCTION_MAX && !LONG_FUNCTIONS.iter().any(|(long, _)| *long == place) {
                wrong.push(format!("{place} has {lines} lines"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_test_waits_by_the_clock_and_no_code_is_left_to_be_written() {
    let banned = [
        concat!("thread::sl", "eep"),
        concat!("time::sl", "eep"),
        concat!("spin_", "loop"),
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("dbg", "!("),
    ];
    let mut wrong = Vec::new();
    for (name, text) in ours() {
        let is_program = name.starts_with("src/");
        for word in banned {
            let excused = WAITS.iter().any(|(place, wait, _)| *place == name && *wait == word);
            // The program itself has to wait now and then: a pace is a wait by the clock.
            let excused = excused || is_program && word.starts_with("time::");
            if text.contains(word) && !excused {
                wrong.push(format!("{name} says {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_documentation_of_the_library_has_each_feature() {
    let manifest: toml::Table = fs::read_to_string(repository().join("Cargo.toml")).unwrap().parse().unwrap();
    let features = manifest["features"].as_table().unwrap();
    let documentation = fs::read_to_string(repository().join("src/lib.rs")).unwrap();
    let rows = documentation.lines().filter_map(|line| line.strip_prefix("//! | `"));
    let rows: BTreeSet<&str> = rows.filter_map(|row| row.split_once('`')).map(|(name, _)| name).collect();
    let names: BTreeSet<&str> =
        features.keys().map(String::as_str).filter(|name| *name != "default").collect();
    assert_eq!(rows, names);
}

/// The names in quotes behind some words of a file.
fn quoted(path: &str, start: &str, end: &str) -> Vec<String> {
    let text = fs::read_to_string(repository().join(path)).unwrap().replace("//!", "");
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("{path} has no {start:?}"));
    let list = rest.split_once(end).unwrap_or_else(|| panic!("{path} has no {end:?}")).0;
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_order_of_the_layers_is_the_same_wherever_it_is_documented() {
    let order = quoted("src/lib.rs", "A module imports only those before it: ", ". The entry points");
    assert_eq!(order, MODULES);
    let text = fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let (_, diagram) = text.split_once(" - - -\n files ").unwrap();
    let (diagram, _) = diagram.split_once("\n\n").unwrap();
    assert_eq!(Vec::from_iter(format!("files {diagram}").split_whitespace()), MODULES, "ARCHITECTURE.md");
    let table = text.split_once("| What it never does |").unwrap().1.split_once("\n\n").unwrap().0;
    let rows: Vec<&str> =
        table.lines().filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    let modules: Vec<&str> = MODULES.iter().chain(&ENTRY_POINTS).copied().collect();
    assert_eq!(rows[..MODULES.len()], *MODULES, "ARCHITECTURE.md has a row for each module, in their order");
    assert_eq!(BTreeSet::from_iter(rows), BTreeSet::from_iter(modules));
}
