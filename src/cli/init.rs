mod answers;
mod args;
mod files;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    context::Context,
    failure::{Exit, Failure},
};
use crate::{
    config::{self, Overrides},
    files::Readers,
};
use answers::Answers;
pub(crate) use args::Args;

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let root = match &args.dir {
        Some(dir) => context.path(dir),
        None => context.directory.clone(),
    };
    let settings = under(&root, config::FILE_NAME);
    let mut written = Written::default();
    let list = if fs::symlink_metadata(&settings).is_ok() {
        let list = existing_list(args, context, &root, &settings)?;
        written.kept.push(settings);
        list
    } else {
        let answers = Answers::collect(args, context)?;
        written.create(&settings, &files::settings(&answers), Readers::Everybody)?;
        (!answers.is_managed()).then(|| under(&root, &answers.list))
    };
    // A managed list is made with its ledger.
    if let Some(list) = &list {
        written.create(list, files::LIST, Readers::Owner)?;
    }
    let is_managed = list.is_none();
    let first = first_issue(context, &root, is_managed, &mut written)?;
    let list = list.as_deref().map(|list| list.strip_prefix(&root).ok().or_else(|| relative(&root, list)));
    let ignored = files::gitignore(list.flatten());
    written.create(&under(&root, ".gitignore"), &ignored, Readers::Everybody)?;
    if let Some(ci) = args.ci {
        let (path, text) = files::workflow(ci);
        written.create(&under(&root, path), &text, Readers::Everybody)?;
    }
    written.report(context, &ignored);
    context.terminal.say(&next_steps(&root, first, is_managed));
    Ok(Exit::Done)
}

/// The list of a newsletter that has settings already: they are not asked for again.
fn existing_list(
    args: &Args,
    context: &Context,
    root: &Path,
    settings: &Path,
) -> Result<Option<PathBuf>, Failure> {
    let given = [
        ("--name", args.name.is_some()),
        ("--from", args.from.is_some()),
        ("--relay", args.relay.is_some()),
        ("--list", args.list.is_some()),
        ("--postal-address", args.postal_address.is_some()),
    ];
    if let Some((flag, _)) = given.iter().find(|(_, is_given)| *is_given) {
        return Err(Failure::input(format!(
            "`{}` already exists, so `{flag}` has no effect",
            settings.display()
        ))
        .hint("change the setting there, or leave the option out")
        .exit(Exit::Usage));
    }
    let there = context.elsewhere(root.to_owned(), settings);
    Ok(there.config(Overrides::default())?.list.file().map(|file| file.path.clone()))
}

/// Writes the first issue, unless there are issues. True if it was written.
fn first_issue(
    context: &Context,
    root: &Path,
    is_managed: bool,
    written: &mut Written,
) -> Result<bool, Failure> {
    let folder = under(root, "issues");
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        written.kept.push(folder);
        return Ok(false);
    }
    let date = context.today();
    written.create(
        &folder.join(format!("{date}-hello.md")),
        &files::first_issue(&date.to_string(), is_managed),
        Readers::Everybody,
    )?;
    Ok(true)
}

/// What was written, and what was there before.
#[derive(Default)]
struct Written {
    created: Vec<PathBuf>,
    kept: Vec<PathBuf>,
}

impl Written {
    /// Writes a file that does not exist; one that does is kept.
    fn create(&mut self, path: &Path, text: &str, readers: Readers) -> Result<(), Failure> {
        match write_new(path, text, readers) {
            Ok(()) => self.created.push(path.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.kept.push(path.to_owned()),
            Err(error) => return Err(Failure::file("create", path, error)),
        }
        Ok(())
    }

    fn report(&self, context: &Context, ignored: &str) {
        for path in &self.created {
            context.terminal.say(&format!("created `{}`", path.display()));
        }
        for path in &self.kept {
            context.terminal.say(&format!("kept `{}`, which already exists", path.display()));
            if path.ends_with(".gitignore") {
                let lines = ignored.lines().filter(|line| !line.starts_with('#'));
                let lines = lines.map(|line| format!("`{line}`")).collect::<Vec<_>>().join(", ");
                context.terminal.say(&format!("  check that it has these lines: {lines}"));
            }
        }
    }
}

fn write_new(path: &Path, text: &str, readers: Readers) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mode = if readers == Readers::Owner { 0o600 } else { 0o644 };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = fs::File::options().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())
}

/// Three commands that a user can paste.
fn next_steps(root: &Path, has_first: bool, is_managed: bool) -> String {
    let mimeo = match root.to_string_lossy() {
        here if here == "." => "mimeo".to_owned(),
        there => format!("mimeo -C {}", quoted(&there)),
    };
    let issue = if has_first { "1" } else { "ISSUE" };
    let reader = [("subscribers add you@example.org".to_owned(), "someone who gets letters")];
    let steps = [
        ("preview".to_owned(), "the letter in your browser, updated whenever you save"),
        ("check".to_owned(), "what readers and mail clients would trip over"),
        (format!("send {issue} --dry-run"), "the plan, and every letter as a file in `outbox`"),
    ];
    let steps: Vec<_> = reader.iter().filter(|_| is_managed).chain(&steps).collect();
    let width = steps.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    let lines = steps.iter().map(|(command, what)| format!("\n  {mimeo} {command:<width$}   # {what}"));
    format!("\nNext:{}", lines.collect::<String>())
}

/// A word of a shell's command line.
fn quoted(word: &str) -> String {
    if word.chars().all(|c| c.is_alphanumeric() || "-_./".contains(c)) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A path below a folder, without a `./` before it.
fn under(folder: &Path, path: impl AsRef<Path>) -> PathBuf {
    if folder == Path::new(".") { path.as_ref().to_owned() } else { folder.join(path) }
}

/// The path itself, if the folder is the current one and the path is relative.
fn relative<'a>(root: &Path, path: &'a Path) -> Option<&'a Path> {
    (root == Path::new(".") && path.is_relative()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn paths_are_quoted_for_a_shell_only_where_needed() {
        for (path, expected) in [
            ("kettle", "kettle"),
            ("../über/a_b-c.d", "../über/a_b-c.d"),
            ("the kettle", "'the kettle'"),
            ("it's; rm", r"'it'\''s; rm'"),
        ] {
            assert_eq!(quoted(path), expected);
        }
    }
}
