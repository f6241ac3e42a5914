//! The settings file: found in the newsletter's folder, read whole, and parsed as TOML.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use toml::de::DeTable;

use super::raw::{self, Notes};
use crate::{
    assets::{Fence, Leads},
    source::{Diagnostic, Diagnostics, Place, Severity},
};

/// The settings file's name.
pub const FILE_NAME: &str = "mimeo.toml";

/// A stranger's newsletter could link to any file of this machine, and messages quote the settings.
pub(super) fn refuse_outside(root: &Path, file: &Path) -> Result<(), Diagnostics> {
    let leads = Fence::new(root).map_or(Leads::Nowhere, |fence| fence.leads(file));
    if leads != Leads::Outside {
        return Ok(());
    }
    let message = "the settings file is a link that leads out of the newsletter's folder, and is not read";
    let place = Place::File { path: file.to_owned() };
    let help = "name the file itself with `--config FILE`, or copy it into the folder";
    Err(vec![Diagnostic::at("M001", Severity::Error, place, message).help(help)])
}

/// No settings file is larger than this, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Reads the file.
pub(super) fn read(path: &Path) -> Result<String, Diagnostics> {
    let refuse = |message: String, help: &str| {
        vec![
            Diagnostic::at("M001", Severity::Error, Place::File { path: path.to_owned() }, message)
                .help(help),
        ]
    };
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        io::Result::Ok(bytes)
    };
    let bytes = read().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => refuse(
            "settings file not found".to_owned(),
            "start a newsletter with `mimeo init`, go to the folder of yours, name it with `-C DIR`, or name the file with `--config FILE`",
        ),
        _ => {
            refuse(format!("the settings file cannot be read: {error}"), "check the path and its permissions")
        }
    })?;
    if bytes.len() as u64 > LARGEST {
        return Err(refuse("the settings file is larger than 1 MiB".to_owned(), "name another file"));
    }
    String::from_utf8(bytes)
        .map_err(|_| refuse("the settings file is not UTF-8".to_owned(), "save it as UTF-8"))
}

/// The file as a tree; `None` when it is not TOML.
pub(super) fn tree(notes: &Notes) -> Option<DeTable<'_>> {
    let (tree, errors) = DeTable::parse_recoverable(notes.source.text());
    let mut lines = Vec::new();
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let line = notes.source.position(span.start).line;
        // After the first mistake in a line the parser only guesses.
        if !lines.contains(&line) {
            lines.push(line);
            let message = format!("this is not TOML: {}", error.message().trim().replace('\n', ", "));
            let mut diagnostic = Diagnostic::error("M002", &notes.source, span, message)
                .help("put text in quotes, and start sections with `[name]`");
            if raw::sounds_secret(notes.source.line(line)) {
                diagnostic = raw::without_excerpt(diagnostic);
            }
            notes.push(diagnostic);
        }
    }
    errors.is_empty().then(|| tree.into_inner())
}
