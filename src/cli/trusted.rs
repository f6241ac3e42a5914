//! Which newsletters may run the programs that their settings name: asked once, and kept outside of their folders.

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::{failure::Failure, state_folder::state_folder};
use crate::{
    config::{Config, SettingCommand, Trust},
    files::{Readers, write_atomically},
    report::Terminal,
};

/// What is kept about a newsletter.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) folder: PathBuf,
    settings: PathBuf,
    /// Of the programs' words, and of the files in the folder that they name.
    digest: String,
    /// For people.
    pub(super) programs: Vec<String>,
}

/// Whether the user has trusted these settings as they are.
pub(super) fn recorded(config: &Config) -> Trust {
    let is_kept = || -> Option<bool> {
        let (path, _) = place(config)?;
        let kept: Kept = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        Some(kept.digest == digest_of(config).ok()?)
    };
    match is_kept() {
        Some(true) => Trust::Given,
        _ => Trust::Withheld,
    }
}

/// Asks for trust, if there is a program that has none and someone to answer. A no is not kept.
pub(super) fn ask(terminal: &Terminal, config: &mut Config) -> Result<(), Failure> {
    if config.trust == Trust::Given || config.commands().is_empty() || !terminal.is_interactive() {
        return Ok(());
    }
    terminal.print(&format!(
        "The settings of this newsletter name programs, which run with your rights:\n{}",
        programs(config)
    ));
    let question = format!("Trust `{}` to run them?", shown(&config.root));
    if terminal.ask(&question).map_err(Failure::outside)? {
        keep(config)?;
        config.trust = Trust::Given;
    }
    Ok(())
}

/// Keeps that the user trusts these settings as they are.
pub(super) fn keep(config: &Config) -> Result<(), Failure> {
    let Some((path, (folder, settings))) = place(config) else {
        return Err(Failure::outside("no place to remember trust: neither XDG_STATE_HOME nor HOME is set")
            .hint("set one of them, or use --trust or MIMEO_TRUST=1 for each run"));
    };
    let failed = |error| Failure::file("read the programs of", &config.file, error);
    let kept = Kept {
        folder,
        settings,
        digest: digest_of(config).map_err(failed)?,
        programs: config.commands().iter().map(|one| format!("{}: {one}", one.setting())).collect(),
    };
    let text = serde_json::to_string_pretty(&kept).map_err(Failure::outside)?;
    write_atomically(&path, text.as_bytes(), Readers::Owner)
        .map_err(|error| Failure::file("write", &path, error))
}

/// The folder of all that is kept.
fn store() -> Option<PathBuf> {
    Some(state_folder()?.join("trust"))
}

/// The file for these settings, and their folder and file as they really are.
fn place(config: &Config) -> Option<(PathBuf, (PathBuf, PathBuf))> {
    let root = if config.root.as_os_str().is_empty() { Path::new(".") } else { &config.root };
    let (folder, settings) = (fs::canonicalize(root).ok()?, fs::canonicalize(&config.file).ok()?);
    let mut name = digest::Context::new(&digest::SHA256);
    add(&mut name, folder.as_os_str().as_encoded_bytes());
    add(&mut name, settings.as_os_str().as_encoded_bytes());
    Some((store()?.join(format!("{}.json", hexadecimal(name))), (folder, settings)))
}

/// No script is larger, in bytes.
const SCRIPT_MAX: u64 = 16 * 1024 * 1024;

/// Changes when a program's words change, or a file that they name in the folder that it runs in.
fn digest_of(config: &Config) -> io::Result<String> {
    let mut all = digest::Context::new(&digest::SHA256);
    for command in config.commands() {
        add(&mut all, command.setting().as_bytes());
        for word in command.words() {
            add(&mut all, word.as_bytes());
            // What is elsewhere on this machine is the user's own, and changes with updates.
            let path = fs::canonicalize(command.folder().join(word)).ok();
            if let Some(path) = path.filter(|path| path.is_file() && path.starts_with(command.folder())) {
                let mut bytes = Vec::new();
                fs::File::open(path)?.take(SCRIPT_MAX).read_to_end(&mut bytes)?;
                add(&mut all, &bytes);
            }
        }
    }
    Ok(hexadecimal(all))
}

/// With its length, so that two parts cannot be taken for two others.
fn add(to: &mut digest::Context, bytes: &[u8]) {
    to.update(&(bytes.len() as u64).to_le_bytes());
    to.update(bytes);
}

fn hexadecimal(context: digest::Context) -> String {
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The programs that settings name, a line each.
pub(super) fn programs(config: &Config) -> String {
    let line = |one: &&SettingCommand| format!("  {} ({}): {one}", one.setting(), one.place());
    config.commands().iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A folder as it really is, for people.
pub(super) fn shown(folder: &Path) -> String {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned()).display().to_string()
}

/// All that is kept, with the files it is kept in.
pub(super) fn all() -> Result<Vec<(PathBuf, Kept)>, Failure> {
    let Some(store) = store() else { return Ok(Vec::new()) };
    let entries = match fs::read_dir(&store) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::file("read the folder", &store, error)),
    };
    let mut all: Vec<(PathBuf, Kept)> = entries
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let kept = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            Some((path, kept))
        })
        .collect();
    all.sort_by(|(_, a), (_, b)| (&a.folder, &a.settings).cmp(&(&b.folder, &b.settings)));
    Ok(all)
}
