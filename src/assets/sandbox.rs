use std::{
    fs, io,
    path::{Path, PathBuf},
};

use percent_encoding::percent_decode_str;

use crate::source::nearest;

/// A folder that nothing is read outside of: links may lead around in it, and not out of it.
pub(crate) struct Fence {
    /// The folder, as a canonical path.
    root: PathBuf,
}

/// Where a path leads, with all links followed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Leads {
    /// To this file or folder, which is inside.
    Inside(PathBuf),
    /// Out of the folder.
    Outside,
    /// There is nothing, or a link to nothing.
    Nowhere,
}

impl Fence {
    /// The folder has to exist.
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        Ok(Self { root: fs::canonicalize(root)? })
    }

    /// Follows a path, from the current folder on unless it is absolute.
    pub(crate) fn leads(&self, path: &Path) -> Leads {
        match fs::canonicalize(path) {
            Ok(real) if real.starts_with(&self.root) => Leads::Inside(real),
            Ok(_) => Leads::Outside,
            Err(_) => Leads::Nowhere,
        }
    }
}

/// Finds files by the names that authors write, and nothing outside the newsletter's folder.
pub(super) struct PathSandbox {
    /// No file outside is ever read.
    fence: Fence,
    /// The issue's folder, canonical and inside the root.
    folder: PathBuf,
}

/// What a picture's name leads to.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// A file inside the newsletter's folder.
    File {
        /// The canonical path of the file.
        path: PathBuf,
        /// From the newsletter's folder, with `/`.
        relative: String,
    },
    /// An address on the web.
    Remote,
}

/// Why a name leads to no file.
#[derive(Debug, PartialEq)]
pub(super) struct Refused {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: String,
}

impl PathSandbox {
    /// `issue` is the issue file's path, from the current folder or from the newsletter's folder.
    pub(super) fn new(root: &Path, issue: &Path) -> io::Result<Self> {
        let here = Path::new(".");
        let fence = Fence::new(root)?;
        let parent = issue.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(here);
        let folders: Vec<PathBuf> = [parent.to_owned(), fence.root.join(parent)]
            .iter()
            .filter_map(|folder| match fence.leads(folder) {
                Leads::Inside(folder) if folder.is_dir() => Some(folder),
                _ => None,
            })
            .collect();
        let has_issue = |folder: &&PathBuf| issue.file_name().is_some_and(|name| folder.join(name).is_file());
        let folder = folders.iter().find(has_issue).or(folders.last()).unwrap_or(&fence.root).clone();
        Ok(Self { fence, folder })
    }

    /// The issue's folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The newsletter's folder.
    pub(super) fn root(&self) -> &Path {
        &self.fence.root
    }

    /// Follows a path.
    pub(super) fn leads(&self, path: &Path) -> Leads {
        self.fence.leads(path)
    }

    /// Looks for a picture beside the issue, then in the newsletter's folder, then in `beside`. A name that begins with `/`
    /// is looked up in the newsletter's folder only; what is not there is at the newsletter's site, when it has one.
    pub(super) fn find(&self, source: &str, beside: Option<&Path>, has_site: bool) -> Result<Found, Refused> {
        let (name, from_root) = match written(source)? {
            Written::Remote => return Ok(Found::Remote),
            Written::Name(name) => (name, false),
            Written::FromRoot(name) => (name, true),
        };
        let names = spellings(&name);
        let beside = beside.map(|folder| self.root().join(folder));
        let folders = match from_root {
            true => [Some(self.root()), None, None],
            false => [Some(self.folder()), Some(self.root()), beside.as_deref()],
        };
        for folder in folders.into_iter().flatten() {
            for name in &names {
                match self.leads(&folder.join(name)) {
                    Leads::Inside(path) => return self.admit(source, path),
                    Leads::Outside => return Err(outside(source)),
                    Leads::Nowhere => {}
                }
            }
        }
        if from_root && has_site {
            return Ok(Found::Remote);
        }
        let mut refused = self.missing(source, &names);
        if from_root {
            refused.help = format!(
                "it is looked for in the newsletter's folder as `{}`; or set `site` in mimeo.toml",
                tame(&name)
            );
        }
        Err(refused)
    }

    /// Admits a path inside the newsletter's folder when it is a file.
    fn admit(&self, source: &str, path: PathBuf) -> Result<Found, Refused> {
        let Ok(inner) = path.strip_prefix(self.root()) else { return Err(outside(source)) };
        if !path.is_file() {
            return Err(Refused {
                code: "M233",
                message: format!("`{}` is not a file", tame(source)),
                help: "name a picture file".into(),
            });
        }
        let relative = inner.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        Ok(Found::File { path, relative })
    }

    fn missing(&self, source: &str, names: &[String]) -> Refused {
        let message = format!("the picture `{}` does not exist", tame(source));
        let wanted = self.folder.join(&names[0]);
        let folder = wanted.parent().unwrap_or(&self.folder);
        let inside = match self.leads(folder) {
            Leads::Inside(folder) => Some(folder),
            _ => None,
        };
        let present: Vec<String> = inside
            .and_then(|folder| fs::read_dir(folder).ok())
            .into_iter()
            .flatten()
            .take(10_000)
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        let last = wanted.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let help = nearest(&last, present.iter().map(String::as_str)).map_or_else(
            || "paths are looked up beside the issue, then in the newsletter's folder".to_owned(),
            |near| {
                let folder =
                    names[0].rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
                format!("did you mean `{folder}{near}`?")
            },
        );
        Refused { code: "M230", message, help }
    }
}

fn outside(source: &str) -> Refused {
    Refused {
        code: "M232",
        message: format!("the picture `{}` lies outside the newsletter's folder", tame(source)),
        help: "copy it into the newsletter's folder, beside the issue".into(),
    }
}

/// A picture's name as an author writes it.
enum Written {
    Remote,
    Name(String),
    /// `/pictures/hill.jpg`, without the `/`.
    FromRoot(String),
}

/// Refuses names that can never be a file of the newsletter.
fn written(source: &str) -> Result<Written, Refused> {
    let refuse = |message: String, help: &str| Err(Refused { code: "M231", message, help: help.into() });
    let shown = tame(source);
    if source.trim().is_empty() {
        return refuse("a picture has no file name".into(), "name a file beside the issue");
    }
    if source.chars().any(char::is_control) {
        return refuse(format!("the picture's name `{shown}` has a control character"), "rename the file");
    }
    let colon = source.find(':').filter(|&at| !source[..at].contains(['/', '?', '#']));
    if let Some(at) = colon {
        let scheme = source[..at].to_ascii_lowercase();
        return match scheme.as_str() {
            "http" | "https" if source[at..].starts_with("://") => Ok(Written::Remote),
            _ => refuse(
                format!("a picture cannot come from `{shown}`"),
                "name a file beside the issue, or an https address",
            ),
        };
    }
    // As on a web site: from the root of the newsletter's folder.
    if let Some(path) = source.strip_prefix('/')
        && !path.starts_with(['/', '\\'])
        && !path.contains('\\')
        && !path.is_empty()
    {
        return match written(path)? {
            Written::Name(name) => Ok(Written::FromRoot(name)),
            _ => refuse(format!("a picture cannot come from `{shown}`"), "name a file beside the issue"),
        };
    }
    if source.starts_with(['/', '\\', '~']) || source.contains('\\') {
        return refuse(
            format!("`{shown}` is not a path from the issue's folder"),
            "write the path from the issue's folder or from the newsletter's folder, with `/`",
        );
    }
    let lower = source.to_ascii_lowercase();
    if ["%2f", "%5c", "%2e", "%00", "%25"].iter().any(|code| lower.contains(code)) {
        return refuse(format!("`{shown}` hides a path behind percent codes"), "write the path as it is");
    }
    Ok(Written::Name(source.to_owned()))
}

/// The file names that a source may mean: as written, decoded, and without `?query` and `#fragment`.
fn spellings(name: &str) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    let bare = name.split(['?', '#']).next().unwrap_or(name);
    for candidate in [name, bare] {
        let decoded = percent_decode_str(candidate).decode_utf8().map(std::borrow::Cow::into_owned);
        for spelling in [Some(candidate.to_owned()), decoded.ok()].into_iter().flatten() {
            let fit = !spelling.is_empty() && !spelling.chars().any(char::is_control);
            if fit && !names.contains(&spelling) {
                names.push(spelling);
            }
        }
    }
    names
}

/// A name as it may appear in a message: short, and without control characters.
fn tame(source: &str) -> String {
    let short: String =
        source.chars().take(120).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if short.len() < source.len() && source.chars().count() > 120 { format!("{short}…") } else { short }
}
