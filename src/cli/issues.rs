//! Which file is meant by a name on the command line.

use std::{
    fmt::Write as _,
    fs, io,
    io::Read,
    path::{Component, Path, PathBuf},
};

use jiff::Timestamp;

use super::{context::Context, failure::Failure};
use crate::{
    address::EmailAddress,
    assets::{Fence, Leads},
    config::Config,
    issue,
    ledger::{DispatchRecord, Ledger},
    render::{self, Built},
    source::{Diagnostic, Diagnostics, Place, ReadError, Severity, Source, nearest},
};

/// A file in `issues/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssueFile {
    /// The Markdown file: `issues/NAME.md` or `issues/NAME/index.md`.
    pub(crate) path: PathBuf,
    /// The file's or the folder's name without its extension.
    pub(crate) slug: String,
    /// It is a link, or behind one, that leads out of the newsletter's folder: it is not read.
    pub(crate) leads_out: bool,
}

/// What a Markdown file may end in.
const EXTENSIONS: [&str; 4] = ["md", "markdown", "mdown", "mkd"];

impl IssueFile {
    /// Builds the issue's letter. Warnings and notes are in it.
    pub(crate) fn build(&self, config: &Config, now: Timestamp) -> Result<Built, Failure> {
        render::build(self.source()?, &self.slug, &config.build_context(now))
            .map_err(|error| Failure::found(error.diagnostics))
    }

    /// Reads the file.
    pub(crate) fn source(&self) -> Result<Source, Failure> {
        if self.leads_out {
            let place = Place::File { path: self.path.clone() };
            let message = "the issue is a link that leads out of the newsletter's folder, and is not read";
            let help = "copy the file into the folder of issues";
            return Err(Failure::found(vec![
                Diagnostic::at("M123", Severity::Error, place, message).help(help),
            ]));
        }
        source(&self.path)
    }

    /// The issue behind a path in the newsletter's folder: a Markdown file, or a folder with an `index.md`.
    pub(super) fn inside(root: &Path, path: &Path) -> Option<Self> {
        let issue = Self::at(path)?;
        let fence = Fence::new(root).ok();
        let leads_out = fence.is_none_or(|fence| fence.leads(&issue.path) == Leads::Outside);
        Some(Self { leads_out, ..issue })
    }

    /// The issue behind a path from the command line, which may be elsewhere: then the user says so, and not a link.
    fn named(root: &Path, path: &Path) -> Option<Self> {
        let plain = |path: &Path| {
            let mut plain = PathBuf::new();
            for part in std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components() {
                match part {
                    Component::ParentDir => drop(plain.pop()),
                    part => plain.push(part),
                }
            }
            plain
        };
        let named = plain(path);
        let real = fs::canonicalize(if root.as_os_str().is_empty() { Path::new(".") } else { root });
        let is_inside = named.starts_with(plain(root)) || real.is_ok_and(|real| named.starts_with(real));
        if is_inside { Self::inside(root, path) } else { Self::at(path) }
    }

    /// The issue behind a path.
    fn at(path: &Path) -> Option<Self> {
        let name = |path: &Path| Some(path.file_stem()?.to_string_lossy().into_owned());
        if path.is_dir() {
            let index = EXTENSIONS.iter().map(|extension| path.join(format!("index.{extension}")));
            let index = index.into_iter().find(|index| index.is_file())?;
            // The folder's whole name: a dot in it begins no extension.
            let folder = fs::canonicalize(path).ok()?;
            let slug = folder.file_name()?.to_string_lossy().into_owned();
            return Some(Self { slug, path: index, leads_out: false });
        }
        if !path.is_file() || !is_markdown(path) {
            return None;
        }
        match name(path)?.as_str() {
            "index" => {
                let folder = path.parent()?;
                let is_here = folder.as_os_str().is_empty();
                let issue = Self::at(if is_here { Path::new(".") } else { folder })?;
                Some(if is_here { Self { path: path.to_owned(), ..issue } } else { issue })
            }
            slug => Some(Self { path: path.to_owned(), slug: slug.to_owned(), leads_out: false }),
        }
    }

    /// The name without its date: `a-year-in-review`.
    pub(crate) fn short_name(&self) -> &str {
        let date = self.slug.get(..11).filter(|date| {
            date.bytes().enumerate().all(|(index, byte)| match index {
                4 | 7 | 10 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
        });
        &self.slug[date.map_or(0, str::len)..]
    }

    /// The edition's number, as far as it can be seen without reading the whole file: a broken issue keeps its number.
    pub(crate) fn number(&self) -> Option<u32> {
        if self.leads_out {
            return None;
        }
        let mut bytes = Vec::new();
        fs::File::open(&self.path).ok()?.take(64 * 1024).read_to_end(&mut bytes).ok()?;
        number(&String::from_utf8_lossy(&bytes))
    }
}

impl Context {
    /// Builds an issue's letter, and prints its warnings.
    pub(crate) fn build(&self, config: &Config, file: &IssueFile) -> Result<Built, Failure> {
        let built = file.build(config, self.now)?;
        let warnings: Diagnostics =
            built.diagnostics.iter().filter(|one| one.severity >= Severity::Warning).cloned().collect();
        self.terminal.show(&warnings);
        Ok(built)
    }
}

fn source(path: &Path) -> Result<Source, Failure> {
    let refused = |code, message: String, help: &str| {
        let place = Place::File { path: path.to_owned() };
        Failure::found(vec![Diagnostic::at(code, Severity::Error, place, message).help(help)])
    };
    Source::read(path, issue::BYTES_MAX).map_err(|error| match error {
        ReadError::Io(error) => Failure::file("read", path, error),
        ReadError::TooLarge { bytes } => refused("M122", issue::too_large(bytes), issue::TOO_LARGE_HELP),
        ReadError::NotUtf8 { line } => {
            refused("M101", format!("line {line} is not UTF-8"), "save the file as UTF-8")
        }
    })
}

/// `number` in a front matter, fenced or bare.
fn number(text: &str) -> Option<u32> {
    let is_fence = |line: &str| {
        let line = line.trim_end();
        3 <= line.len() && (line.bytes().all(|byte| byte == b'-') || line.bytes().all(|byte| byte == b'+'))
    };
    let mut lines = text.trim_start_matches('\u{feff}').lines().peekable();
    let fenced = lines.next_if(|line| is_fence(line)).is_some();
    lines
        .take_while(|line| if fenced { !is_fence(line) } else { !line.trim().is_empty() })
        .filter_map(|line| line.strip_prefix("number").or_else(|| line.strip_prefix("Number")))
        .filter_map(|rest| rest.trim_start().strip_prefix([':', '=']))
        .find_map(|number| number.split('#').next()?.trim().trim_matches(['"', '\'']).parse().ok())
}

pub(super) fn is_markdown(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// All issues of the newsletter, by name, which is by date.
pub(crate) fn all(context: &Context) -> Result<Vec<IssueFile>, Failure> {
    let folder = context.path("issues");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::file("read the folder", &folder, error)),
    };
    let mut issues = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Failure::file("read the folder", &folder, error))?;
        let hidden = entry.file_name().to_string_lossy().starts_with(['.', '_']);
        issues.extend(IssueFile::inside(&context.directory, &entry.path()).filter(|_| !hidden));
    }
    issues.sort_by(|a, b| (&a.slug, &a.path).cmp(&(&b.slug, &b.path)));
    Ok(issues)
}

/// How well a name on the command line says which issue is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// It is the issue's path, its name with or without the date, or its number.
    Exact,
    /// It is a part of the name.
    Part,
}

/// The dispatch that a name means: an issue's file, or the name of a dispatch whose file is gone.
pub(super) async fn dispatch(
    context: &Context,
    ledger: &Ledger,
    name: &str,
) -> Result<Option<DispatchRecord>, Failure> {
    match find(context, name) {
        Ok(file) => Ok(ledger.find_dispatch(&file.slug).await?),
        Err(failure) => match ledger.find_dispatch(name).await? {
            Some(record) => Ok(Some(record)),
            None => Err(failure),
        },
    }
}

/// The issue with that path, name or number, or with these words in its name.
pub(crate) fn find(context: &Context, name: &str) -> Result<IssueFile, Failure> {
    search(context, name).map(|(issue, _)| issue)
}

/// The issue with that path, name or number, or with these words in its name, and whether it was named exactly.
pub(crate) fn search(context: &Context, name: &str) -> Result<(IssueFile, Match), Failure> {
    let name = name.trim();
    // A path, from where the user is or from the newsletter's folder.
    for path in [PathBuf::from(name), context.path(name)] {
        let is_path = name.contains('/') || is_markdown(&path);
        if let Some(issue) =
            Some(path).filter(|_| is_path).and_then(|path| IssueFile::named(&context.directory, &path))
        {
            return Ok((issue, Match::Exact));
        }
    }
    let issues = all(context)?;
    let wanted = name.to_lowercase();
    let wanted = EXTENSIONS.iter().find_map(|end| wanted.strip_suffix(&format!(".{end}"))).unwrap_or(&wanted);
    let number: Option<u32> = wanted.trim_start_matches('#').parse().ok();
    type Step<'a> = (Match, &'a dyn Fn(&IssueFile) -> bool);
    let steps: [Step<'_>; 4] = [
        (Match::Exact, &|issue| issue.slug.to_lowercase() == wanted),
        (Match::Exact, &|issue| issue.short_name().to_lowercase() == wanted),
        (Match::Exact, &|issue| number.is_some() && issue.number() == number),
        // Digits are a number and nothing else: a wrong guess would send another issue.
        (Match::Part, &|issue| number.is_none() && has_words(&issue.short_name().to_lowercase(), wanted)),
    ];
    for (exactness, step) in steps {
        let mut found: Vec<&IssueFile> = issues.iter().filter(|issue| step(issue)).collect();
        match found.len() {
            0 => {}
            1 => return Ok((found.remove(0).clone(), exactness)),
            many => return Err(ambiguous(name, many, &found)),
        }
    }
    Err(nothing(context, name, wanted, &issues))
}

/// Whether all of these words are together in a name.
fn has_words(name: &str, wanted: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let (name, wanted) = (words(name), words(wanted));
    !wanted.is_empty() && name.windows(wanted.len()).any(|window| window == wanted)
}

fn ambiguous(name: &str, many: usize, found: &[&IssueFile]) -> Failure {
    let mut text = format!("{many} issues match `{name}`:");
    for issue in found {
        let _ = write!(text, "\n  {}", issue.path.display()); // writing to a String cannot fail
    }
    Failure::input(text).hint("name one of them by its whole name or its path")
}

fn nothing(context: &Context, name: &str, wanted: &str, issues: &[IssueFile]) -> Failure {
    let failure = Failure::input(format!("no issue matches `{name}`"));
    if name.parse::<EmailAddress>().is_ok() {
        return failure.hint(format!("everything about one person: mimeo status --address {name}"));
    }
    let folder = context.path("issues");
    if issues.is_empty() {
        return failure.hint(format!("there is no issue in `{}` yet: mimeo new \"Title\"", folder.display()));
    }
    let names = issues.iter().flat_map(|issue| [issue.slug.as_str(), issue.short_name()]);
    match nearest(wanted, names) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => {
            let last: Vec<&str> = issues.iter().rev().take(5).map(|issue| issue.slug.as_str()).collect();
            failure.hint(format!("the newest issues are: {}", last.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_in_any_kind_of_head() {
        for (text, expected) in [
            ("---\ntitle: x\n# number: 3\nnumber: 7 # seven\n---\nnumber: 9\n", Some(7)),
            ("+++\nnumber = 12\n+++\n", Some(12)),
            ("-----\nnumber: \"5\"\n-----\n", Some(5)),
            ("\u{feff}---\r\nnumber: 4\r\n---\r\n", Some(4)),
            ("Title: x\nNumber: 8\n\nnumber: 9\n", Some(8)),
            ("---\ntitle: x\n---\nnumber: 9\n", None),
            ("---\nnumbers: 9\n---\n", None),
            ("", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn words_of_a_name_are_whole_words_that_stand_together() {
        for (name, wanted, expected) in [
            ("a-year-in-review", "year", true),
            ("a-year-in-review", "year in", true),
            ("a-year-in-review", "a review", false),
            ("a-year-in-review", "yea", false),
            ("the-first-cup", "first-cup", true),
            ("the-first-cup", "", false),
            ("the-first-cup", "--", false),
        ] {
            assert_eq!(has_words(name, wanted), expected, "{wanted} in {name}");
        }
    }

    #[test]
    fn a_short_name_has_no_date() {
        let short = |slug: &str| {
            IssueFile { path: PathBuf::new(), slug: slug.into(), leads_out: false }.short_name().to_owned()
        };
        assert_eq!(short("2022-12-30-a-year-in-review"), "a-year-in-review");
        assert_eq!(short("a-year-in-review"), "a-year-in-review");
        assert_eq!(short("周报周报周报周报"), "周报周报周报周报");
    }
}
