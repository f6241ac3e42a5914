//! Which newsletters may run the programs that their settings name: asked once, and kept outside of their folders.

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::{Context, Exit, Failure, context::state_folder, flags::Trust as Flag};
use crate::{
    config::{Config, Overrides, Trust},
    files::{Readers, write_atomically},
};

/// Allow a newsletter to run the programs that its settings name
///
/// Settings can name programs: `[math] command`, and the commands that print a key or a password. They run with your rights,
/// so they run only in newsletters that you trust. The other commands ask when they need one; this command says yes without a
/// question. If a program's words change, or a file in the newsletter's folder that they name, mimeo asks again. For one run,
/// for example in CI, use --trust or MIMEO_TRUST=1.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo trust
  mimeo trust ../kettle
  mimeo trust --revoke
  mimeo trust --show")]
pub(crate) struct Args {
    /// The newsletter's folder [default: the one of this command]
    #[arg(value_name = "DIR", conflicts_with = "show")]
    folder: Option<PathBuf>,
    /// Do not trust it any more
    #[arg(long, conflicts_with = "show")]
    revoke: bool,
    /// Print the trusted newsletters and their programs
    #[arg(long)]
    show: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    if args.show {
        return show(context);
    }
    let context = match &args.folder {
        Some(folder) => context.in_folder(folder),
        None => context.clone(),
    };
    if args.revoke {
        return revoke(&context);
    }
    let config = context.config(Overrides::default())?;
    let folder = shown(&config.root);
    if config.commands().is_empty() {
        context
            .terminal
            .say(&format!("the settings of `{folder}` name no program: there is nothing to trust"));
        return Ok(Exit::Done);
    }
    keep(&config)?;
    context.terminal.say(&format!("trusted: `{folder}` may run\n{}", programs(&config)));
    Ok(Exit::Done)
}

/// What is kept about a newsletter.
#[derive(Serialize, Deserialize)]
struct Kept {
    folder: PathBuf,
    settings: PathBuf,
    /// Of the programs' words, and of the files in the folder that they name.
    digest: String,
    /// For people.
    programs: Vec<String>,
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

/// Asks for trust, if there is a program that has none and somebody to answer. A no is not kept.
pub(super) fn ask(context: &Context, config: &mut Config) -> Result<(), Failure> {
    if config.trust == Trust::Given || config.commands().is_empty() || !context.terminal.is_interactive() {
        return Ok(());
    }
    context.terminal.print(&format!(
        "The settings of this newsletter name programs, which run with your rights:\n{}",
        programs(config)
    ));
    let question = format!("Trust `{}` to run them?", shown(&config.root));
    if context.terminal.ask(&question).map_err(Failure::outside)? {
        keep(config)?;
        config.trust = Trust::Given;
    }
    Ok(())
}

impl Flag {
    pub(super) fn say(&self, overrides: Overrides) -> Overrides {
        Overrides { trust: self.trust, ..overrides }
    }
}

fn keep(config: &Config) -> Result<(), Failure> {
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

fn programs(config: &Config) -> String {
    let line = |one: &&crate::config::SettingCommand| format!("  {} ({}): {one}", one.setting(), one.place());
    config.commands().iter().map(line).collect::<Vec<_>>().join("\n")
}

fn shown(folder: &Path) -> String {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned()).display().to_string()
}

/// All that is kept, with the files it is kept in.
fn all() -> Result<Vec<(PathBuf, Kept)>, Failure> {
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

fn show(context: &Context) -> Result<Exit, Failure> {
    let mut text = String::new();
    for (_, kept) in all()? {
        text.push_str(&format!("{}\n", kept.folder.display()));
        for program in kept.programs {
            text.push_str(&format!("  {program}\n"));
        }
    }
    if text.is_empty() {
        context.terminal.say("no newsletter is trusted to run programs");
    }
    context.terminal.data(&text).map_err(Failure::output)?;
    Ok(Exit::Done)
}

/// Also for a folder whose settings cannot be read any more, or that is gone.
fn revoke(context: &Context) -> Result<Exit, Failure> {
    let folder = PathBuf::from(shown(&context.directory));
    let mut revoked = false;
    for (path, _) in all()?.iter().filter(|(_, kept)| kept.folder == folder) {
        fs::remove_file(path).map_err(|error| Failure::file("remove", path, error))?;
        revoked = true;
    }
    let what = if revoked { "is not trusted any more" } else { "was not trusted" };
    context.terminal.say(&format!("`{}` {what}", folder.display()));
    Ok(Exit::Done)
}
