//! The newsletter as git remembers it, as far as one letter depends on it, in a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use percent_encoding::percent_decode_str;
use tempfile::TempDir;

use crate::{
    assets::vendor_folder,
    cli::{
        context::Context,
        failure::Failure,
        flags,
        git::{Entry, Git, below, slashes},
        issues::{self, IssueFile},
    },
    config::{Config, Overrides, Trust},
    report::changes::likeness,
    source::{Diagnostic, Diagnostics, Place},
};

/// The newsletter at a revision.
pub(super) struct Revision {
    pub(super) context: Context,
    pub(super) config: Config,
    /// The issue as it was named then.
    pub(super) file: IssueFile,
    /// Its path then, from the newsletter's folder on.
    pub(super) path: String,
    /// The commit, short.
    pub(super) commit: String,
    /// When it was made: `2023-01-06`.
    pub(super) date: String,
    revision: String,
    // Gone with this value.
    folder: TempDir,
}

/// An issue with another name counts as the same from this likeness on, as in git.
const SAME: f32 = 0.5;
/// No file of a letter is larger, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// What is there now, by its path from the newsletter's folder on.
struct Now<'a> {
    file: &'a IssueFile,
    issue: String,
    settings: String,
}

impl Revision {
    /// Takes what an issue's letter depends on out of a revision: settings, templates, the issue, what earlier issues say,
    /// and the files that these name. Everything but the list, which is not part of a letter.
    pub(super) fn at(
        context: &Context,
        config: &Config,
        file: &IssueFile,
        revision: &str,
    ) -> Result<Self, Failure> {
        let git = Git::at(&context.directory)?;
        let commit = git.commit(revision)?;
        let below = |path: &Path, what: &str| {
            below(&context.directory, path).ok_or_else(|| {
                Failure::input(format!("{what} `{}` is not in the newsletter's folder", path.display()))
                    .hint("only what is in the newsletter's folder has an earlier state")
            })
        };
        let now = Now {
            file,
            issue: below(&file.path, "the issue")?,
            settings: below(&config.file, "the settings file")?,
        };
        let entries = git.files(&commit)?;
        let folder = tempfile::Builder::new().prefix("mimeo-diff-").tempdir().map_err(Failure::outside)?;
        let root = folder.path();
        let take = |wanted: &dyn Fn(&Entry) -> bool| take(&git, &entries, root, wanted);
        let is_issue = |path: &str| issues::is_markdown(Path::new(path)) && path.starts_with("issues/");
        take(&|entry| {
            let path = entry.path.as_str();
            path == now.settings || path == now.issue || path.starts_with("templates/") || is_issue(path)
        })?;
        if !root.join(&now.settings).exists() {
            let message = format!("`{}` was not there at `{revision}`", now.settings);
            return Err(Failure::input(message).hint("compare with a later revision"));
        }
        let there = context.elsewhere(root.to_owned(), &root.join(&now.settings));
        let then_file = find(context, &there, &now)?.ok_or_else(|| absent(&git, &now.issue, revision))?;
        let path = below_root(root, &then_file.path);
        let vendored = below_root(root, &vendor_folder(&then_file.path));
        let words = words(root, &[&now.settings, &path])?;
        take(&|entry| {
            let name = entry.path.rsplit('/').next().unwrap_or_default();
            let is_vendored = entry.path.strip_prefix(&vendored).is_some_and(|rest| rest.starts_with('/'));
            !is_issue(&entry.path) && (is_vendored || words.contains(name))
        })?;
        let file = config.list.file().map(|file| file.path.clone());
        let list = flags::List { list: file }.say(Overrides::default());
        let output = |failure: Failure| named(failure, root, revision);
        let (mut then, _) = there.config_quietly(list).map_err(|found| output(Failure::found(found)))?;
        // The people of today read both.
        then.list = config.list.clone();
        // No program of another revision runs, whatever is trusted now.
        (then.math, then.trust) = (None, Trust::Withheld);
        Ok(Self {
            config: then,
            file: then_file,
            path,
            commit: commit.get(..10).unwrap_or(&commit).to_owned(),
            date: git.ask(["show", "--no-patch", "--format=%cs", &commit])?.trim().to_owned(),
            revision: revision.to_owned(),
            context: there,
            folder,
        })
    }

    /// Lends the pictures of formulas that are stored now and were not then: the same formula has the same picture.
    pub(super) fn lend_formulas(&self, now: &IssueFile) -> Result<(), Failure> {
        let (from, to) = (vendor_folder(&now.path), vendor_folder(&self.file.path));
        for entry in fs::read_dir(&from).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_formula =
                name.starts_with("formula-") && entry.file_type().is_ok_and(|kind| kind.is_file());
            if is_formula && !to.join(&name).exists() {
                fs::create_dir_all(&to).map_err(|error| Failure::file("make the folder", &to, error))?;
                fs::copy(entry.path(), to.join(&name))
                    .map_err(|error| Failure::file("copy", &entry.path(), error))?;
            }
        }
        Ok(())
    }

    /// A failure about files of then, with their names as git would write them.
    pub(super) fn named(&self, failure: Failure) -> Failure {
        named(failure, self.folder.path(), &self.revision)
    }

    /// Findings with the names that git would write.
    pub(super) fn rename(&self, found: Diagnostics) -> Diagnostics {
        rename(found, self.folder.path(), &self.revision)
    }
}

fn named(failure: Failure, root: &Path, revision: &str) -> Failure {
    match failure.into_diagnostics() {
        Ok(found) => Failure::found(rename(found, root, revision))
            .hint(format!("at `{revision}` the issue was no letter: compare with another revision")),
        Err(failure) => failure,
    }
}

fn rename(found: Diagnostics, root: &Path, revision: &str) -> Diagnostics {
    let (long, short) = (format!("{}/", root.display()), format!("{revision}:"));
    let path = |path: PathBuf| PathBuf::from(path.to_string_lossy().replace(&long, &short));
    let place = |place| match place {
        Place::File { path: file } => Place::File { path: path(file) },
        Place::Text { path: file, start, end, excerpt } => {
            Place::Text { path: path(file), start, end, excerpt }
        }
        Place::Row { path: file, line, column } => Place::Row { path: path(file), line, column },
    };
    let one = |one: Diagnostic| Diagnostic {
        message: one.message.replace(&long, &short),
        help: one.help.map(|help| help.replace(&long, &short)),
        place: place(one.place),
        ..one
    };
    found.into_iter().map(one).collect()
}

fn below_root(root: &Path, path: &Path) -> String {
    slashes(path.strip_prefix(root).unwrap_or(path))
}

/// Writes files of a revision below a folder.
fn take(git: &Git, entries: &[Entry], root: &Path, wanted: &dyn Fn(&Entry) -> bool) -> Result<(), Failure> {
    let chosen: Vec<(&Entry, &Entry)> = entries
        .iter()
        .filter(|entry| wanted(entry) && entry.bytes <= LARGEST && !root.join(&entry.path).exists())
        .map(|entry| (entry, entry))
        .collect();
    let sources: Vec<&Entry> = chosen.iter().map(|(_, source)| *source).collect();
    for ((entry, _), bytes) in chosen.iter().zip(git.contents(&sources)?) {
        let bytes = if entry.is_link {
            // One step is followed, and never out of the folder.
            let Some(target) = target(entries, entry, &bytes) else { continue };
            git.contents(&[target])?.pop().unwrap_or_default()
        } else {
            bytes
        };
        let path = root.join(&entry.path);
        let folder = path.parent().unwrap_or(root);
        fs::create_dir_all(folder).map_err(|error| Failure::file("make the folder", folder, error))?;
        fs::write(&path, bytes).map_err(|error| Failure::file("write", &path, error))?;
    }
    Ok(())
}

/// The file that a link leads to.
fn target<'a>(entries: &'a [Entry], link: &Entry, bytes: &[u8]) -> Option<&'a Entry> {
    let mut parts: Vec<&str> = link.path.split('/').collect();
    parts.pop();
    for part in std::str::from_utf8(bytes).ok()?.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    entries.iter().find(|entry| entry.path == path && !entry.is_link)
}

/// The issue as it was: under its path, under its name, or under the name of an issue that is gone and is much like it.
fn find(context: &Context, there: &Context, now: &Now<'_>) -> Result<Option<IssueFile>, Failure> {
    if let Some(file) = IssueFile::inside(&there.directory, &there.directory.join(&now.issue)) {
        return Ok(Some(file));
    }
    let then = issues::all(there)?;
    if let Some(file) = then.iter().find(|file| file.slug == now.file.slug) {
        return Ok(Some(file.clone()));
    }
    let kept = issues::all(context)?;
    let source = now.file.source()?;
    let text = source.text();
    let mut best = (SAME, None);
    for file in then.iter().filter(|file| kept.iter().all(|kept| kept.slug != file.slug)) {
        let like = likeness(&read(&file.path)?, text);
        if best.0 <= like {
            best = (like, Some(file.clone()));
        }
    }
    Ok(best.1)
}

fn absent(git: &Git, path: &str, revision: &str) -> Failure {
    let failure = Failure::input(format!("`{path}` was not there at `{revision}`"));
    let came = git.ask(["log", "--diff-filter=A", "--format=%h", "--", path]).unwrap_or_default();
    match came.lines().last() {
        Some(commit) => {
            failure.hint(format!("it came with {commit}: compare with that, or with a later one"))
        }
        None => failure.hint("git has never seen it: commit it, and there is something to compare with"),
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::file("read", path, error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Everything that may name a file: the settings, the issue, the templates; as it is written, and with `%20` read.
fn words(root: &Path, files: &[&str]) -> Result<String, Failure> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, out);
            } else {
                out.push(path);
            }
        }
    }
    let mut paths: Vec<PathBuf> = files.iter().map(|file| root.join(file)).collect();
    walk(&root.join("templates"), &mut paths);
    let mut words = String::new();
    for path in paths {
        words.push_str(&read(&path)?);
        words.push('\n');
    }
    let decoded = percent_decode_str(&words).decode_utf8_lossy().into_owned();
    words.push_str(&decoded);
    Ok(words)
}
