//! Files that hold addresses or secrets and that git tracks: everyone with the repository has them.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use crate::{
    check::rule,
    cli::git::Git,
    config::{Config, Transport},
    source::{Diagnostic, Diagnostics, Place},
};

/// No header of an export is longer, in bytes.
const HEADER_MAX: u64 = 64 * 1024;

/// A finding for each kind of private file that git tracks, at the first one of its kind. Outside a repository there are none.
pub(in crate::cli) fn tracked(config: &Config) -> Diagnostics {
    let Ok(files) = Git::at(&config.root).and_then(|git| git.ask(["ls-files", "-z"])) else {
        return Vec::new();
    };
    let files: Vec<PathBuf> =
        files.split('\0').filter(|path| !path.is_empty()).map(|path| config.root.join(path)).collect();
    let mut found = Vec::new();
    for kind in KINDS {
        let mut of_kind = files.iter().filter(|path| self::kind(config, path) == Some(kind));
        let Some(first) = of_kind.next() else { continue };
        let rule = rule("M493").expect("the rule is there");
        let more = of_kind.count();
        let more = if more == 0 { String::new() } else { format!(", and {more} more like it") };
        let message = format!("{kind} is tracked by git{more}");
        let help = "remove it with `git rm --cached`, and add it to .gitignore";
        let place = Place::File { path: plain(first) };
        found.push(Diagnostic::at(rule.code, rule.severity, place, message).help(help));
    }
    found
}

const LIST: &str = "the subscriber list";
const LEDGER: &str = "the ledger";
const KEY: &str = "a private key";
const LETTER: &str = "a letter in the outbox";
const EXPORT: &str = "an export of subscribers";
const KINDS: [&str; 5] = [LIST, LEDGER, KEY, LETTER, EXPORT];

/// What a tracked file is, if it is private.
fn kind(config: &Config, path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    if name.contains("example") || name.contains("sample") {
        return None;
    }
    let is = |other: &Path| plain(path) == plain(other);
    let starts_with = |other: &Path| plain(path).starts_with(plain(other));
    if is(config.list.path()) {
        return Some(LIST);
    }
    let ledger = plain(&config.ledger_file()).display().to_string();
    if plain(path).display().to_string().starts_with(&ledger) {
        return Some(LEDGER);
    }
    let own = config.root.join(".mimeo");
    if is(&own.join("key")) || has_private_key(path, &name) {
        return Some(KEY);
    }
    let outbox = match &config.transport {
        Transport::Outbox(folder) => folder,
        Transport::Relays(_) => &config.outbox,
    };
    if name.ends_with(".eml") && (starts_with(outbox) || starts_with(&config.outbox)) {
        return Some(LETTER);
    }
    let is_beside = path.parent().is_some_and(|folder| plain(folder) == plain(&config.root));
    (is_beside && name.ends_with(".csv") && has_addresses(path)).then_some(EXPORT)
}

/// Without `./` in front, so that two ways to write a path are one.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != std::path::Component::CurDir).collect()
}

fn has_private_key(path: &Path, name: &str) -> bool {
    [".pem", ".key"].iter().any(|end| name.ends_with(end))
        && first_lines(path).is_some_and(|text| text.contains("PRIVATE KEY"))
}

/// Whether the header of a table names a column of addresses.
fn has_addresses(path: &Path) -> bool {
    first_lines(path).is_some_and(|text| {
        let header = text.lines().next().unwrap_or_default().to_lowercase();
        header.contains("email") || header.contains("e-mail")
    })
}

fn first_lines(path: &Path) -> Option<String> {
    let mut text = Vec::new();
    BufReader::new(File::open(path).ok()?.take(HEADER_MAX)).read_until(b'\n', &mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}
