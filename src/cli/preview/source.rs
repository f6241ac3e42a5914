//! Makes what the page shows: the letter, its findings, its readers.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::editor::{EditorProgram, FilePlace};
use crate::{
    address::EmailAddress,
    cli::{build, check, common, context::Context, failure::Failure, flags, issues},
    config::Overrides,
    issue::{Issue, document::BlockKind},
    message::{Composer, Secrets},
    render,
    report::diagnostics::{Marked, sentence},
    source::{Diagnostic, Place},
    subscriber::{List, ListSource, Row, Subscriber},
    web::{LetterView, PreviewBackend},
};

/// Whose letter a file shows when no one is named: a file is passed on, and readers' addresses must not be.
pub(in crate::cli) const INVENTED: &str = "reader@example.org";
/// So many people are offered at once.
const PEOPLE_MAX: usize = 20;

/// Makes the letter again from the files as they are.
pub(super) struct PreviewSource {
    pub(super) context: Context,
    pub(super) file: issues::IssueFile,
    pub(super) list: Option<PathBuf>,
    pub(super) is_trusted: bool,
    pub(super) reader: Option<EmailAddress>,
    pub(super) editor: OpensPlaces,
}

/// How the page opens the place of a finding.
pub(super) enum OpensPlaces {
    /// By an address of this scheme.
    ByAddress(String),
    /// By a program of the user's.
    ByProgram {
        program: EditorProgram,
        /// The places that findings were shown at: no other is opened.
        places: Mutex<BTreeSet<FilePlace>>,
    },
}

/// No more places are kept.
const PLACES_MAX: usize = 10_000;

/// What a path may not have in an address.
const PATH: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl PreviewSource {
    pub(super) fn overrides(&self) -> Overrides {
        let trust = flags::Trust { trust: self.is_trusted };
        flags::List { list: self.list.clone() }.say(trust.say(Overrides::default()))
    }

    fn config(&self) -> Result<crate::config::Config, Failure> {
        Ok(self.context.config_quietly(self.overrides())?.0)
    }

    /// Where files are that the letter depends on; `true` for those with all folders in them.
    pub(super) fn folders(&self) -> Vec<(PathBuf, bool)> {
        let parent = |path: &Path| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            folder.unwrap_or(Path::new(".")).to_owned()
        };
        let root = self.context.directory.clone();
        let mut shallow = BTreeSet::from([root.clone(), parent(&self.file.path)]);
        if let Ok(config) = self.config() {
            shallow.insert(parent(&config.file));
            shallow.extend(config.list.file().map(|list| parent(&list.path)));
        }
        let mut folders: Vec<(PathBuf, bool)> = shallow.into_iter().map(|folder| (folder, false)).collect();
        for entry in fs::read_dir(&root).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let not_ours = ["target", "outbox", "build", "node_modules"].contains(&name.as_str());
            if !name.starts_with('.') && !not_ours && entry.path().is_dir() {
                folders.push((entry.path(), true));
            }
        }
        folders
    }

    fn person(&self, list: &ListSource, wanted: Option<&str>) -> Result<Subscriber, Failure> {
        let wanted = wanted.map(parse).transpose()?;
        if let Some(address) = wanted.as_ref().or(self.reader.as_ref()) {
            return build::subscriber(list, address);
        }
        if list.exists() {
            for row in List::open(list)? {
                if let Row::Person { subscriber, .. } = row? {
                    return Ok(subscriber);
                }
            }
        }
        build::subscriber(list, &parse(INVENTED)?)
    }

    /// The file of an issue; without a name that of the issue that the preview was started with.
    fn file(&self, issue: Option<&str>) -> Result<issues::IssueFile, Failure> {
        let Some(name) = issue.filter(|name| *name != self.file.slug) else { return Ok(self.file.clone()) };
        let all = issues::all(&self.context)?;
        all.into_iter()
            .find(|file| file.slug == name)
            .ok_or_else(|| Failure::input(format!("there is no issue `{name}`")))
    }

    fn make(&self, issue: Option<&str>, reader: Option<&str>) -> Result<LetterView, Failure> {
        let file = self.file(issue)?;
        let config = self.config()?;
        let built = file.build(&config, Timestamp::now())?;
        let rendered = &built.rendered;
        let mut person = self.person(&config.list, reader)?;
        // A signature is made when the letter is sent; a key may ask for a password.
        // A checkout without the key can be looked at; its identifiers and tokens are not the real ones.
        let without_key = config.missing_key().is_some() && config.suppression_file.is_some();
        let key = if without_key { [0; 32] } else { common::newsletter_key(&config)? };
        let composer = Composer::new(rendered, Secrets::new(key))?;
        if config.list.exists() {
            crate::dispatch::check_columns(&composer, &List::open(&config.list)?)?;
        }
        if build::on_the_list(&config.list, &person.address)?.is_none() {
            build::fill_gaps(&mut person, &composer);
        }
        if let Some(gap) = composer.missing(&person).next() {
            let name = gap.path.join(".");
            return Err(Failure::input(format!(
                "`{name}` is empty for this person, who would get no letter"
            ))
            .hint(format!("choose another reader, or write `{{{{ {name} | default(\"…\") }}}}`")));
        }
        let bytes = composer.compose(&person, Vec::new())?.into_bytes();
        let letter = String::from_utf8_lossy(&bytes);
        let filled = composer.preview(&person)?;
        let name = &rendered.from.name;
        Ok(LetterView {
            title: rendered.title.to_string(),
            name: file.slug.clone(),
            file: self.short(&file.path.to_string_lossy()),
            sender: name.clone().unwrap_or_else(|| rendered.from.address.expose().to_owned()),
            subject: filled.subject,
            preheader: built.issue.head.preheader.to_string(),
            reader: person.address.expose().to_owned(),
            text: filled.text,
            headers: letter.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n", "\n"),
            problems: Vec::new(),
            stale: false,
            bytes: bytes.len(),
            html: filled.html,
            pictures: rendered
                .pictures
                .iter()
                .map(|picture| (picture.cid.clone(), picture.media_type.clone(), picture.bytes.clone()))
                .collect(),
            raw: bytes,
        })
    }

    fn look(&self, issue: Option<&str>) -> Result<Value, Failure> {
        let config = self.config()?;
        let file = self.file(issue)?;
        let source = file.source()?;
        let (issue, report) = match render::build(source, &file.slug, &config.build_context(Timestamp::now()))
        {
            Ok(built) => {
                let subject = check::Subject::LetterAndList;
                let report = check::report(&self.context, &config, &file, &built, subject)?;
                (built.issue, report)
            }
            Err(error) => {
                let issue = Issue::clone(&error.issue);
                (issue, check::report_draft(&self.context, &config, &file, error)?)
            }
        };
        let (mut found, shares) = (report.diagnostics, report.shares);
        found.sort_by_key(|one| std::cmp::Reverse(one.severity));
        // With their words: an anchor that nothing links to is not in the letter.
        let headings: Vec<(u32, Value)> = issue
            .document
            .blocks
            .iter()
            .filter_map(|block| match &block.kind {
                BlockKind::Heading { anchor, content, .. } => {
                    let line = issue.source.position(block.span.start).line;
                    Some((line, json!({ "anchor": anchor, "words": render::plain(content).trim() })))
                }
                _ => None,
            })
            .collect();
        let findings: Vec<Value> = found
            .iter()
            .map(|one| {
                let mut value = self.json(one);
                if let Place::Text { path, start, .. } = &one.place
                    && path == issue.source.path()
                {
                    let above = headings.iter().rfind(|(line, _)| *line <= start.line);
                    value["heading"] = above.map(|(_, heading)| heading.clone()).into();
                }
                value
            })
            .collect();
        let shares: Vec<Value> = shares
            .iter()
            .map(|share| {
                let mut value = json!(share);
                let heading = headings.iter().find(|(line, _)| *line == share.line);
                value["heading"] = heading.map(|(_, heading)| heading.clone()).into();
                value
            })
            .collect();
        Ok(json!({ "findings": findings, "shares": shares }))
    }

    /// A path from the newsletter's folder on: the page is about one newsletter, and a file of it may be passed on.
    fn short(&self, path: &str) -> String {
        let root = format!("{}/", self.context.directory.display());
        path.strip_prefix(&root).unwrap_or(path).to_owned()
    }

    /// A diagnostic for the page.
    fn json(&self, one: &Diagnostic) -> Value {
        let mut value = json!({
            "code": one.code,
            "severity": one.severity,
            "explanation": crate::check::rule(one.code).map(|rule| rule.explanation),
            "editor": null,
            "opens": null,
            "message": sentence(one),
            "help": one.help,
            "place": self.short(&one.place.to_string()),
            "excerpt": null,
            "marked": null,
            "heading": null,
        });
        if let Place::Text { path, start, end, excerpt, .. } = &one.place
            && !excerpt.is_empty()
        {
            let Marked { before, marked, after } = Marked::new(excerpt, *start, *end);
            value["line"] = start.line.into();
            match &self.editor {
                OpensPlaces::ByAddress(scheme) => {
                    value["editor"] = editor_address(scheme, path, start.line, start.column).into();
                }
                OpensPlaces::ByProgram { places, .. } => {
                    value["opens"] = self.offered(places, path, start.line, start.column).into();
                }
            }
            // No line is shown at any length.
            value["excerpt"] = excerpt.chars().take(300).collect::<String>().into();
            value["marked"] = json!([before, marked, after]);
        }
        value
    }

    /// Offers the place of a finding in a file of the newsletter, by the words with which the page asks for it.
    fn offered(
        &self,
        places: &Mutex<BTreeSet<FilePlace>>,
        path: &Path,
        line: u32,
        column: u32,
    ) -> Option<String> {
        let root = fs::canonicalize(&self.context.directory).ok()?;
        let path = fs::canonicalize(path).ok().filter(|path| path.starts_with(&root))?;
        let short = path.strip_prefix(&root).ok()?.to_str()?.to_owned();
        let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES_MAX {
            places.clear();
        }
        places.insert(FilePlace { path, line, column });
        Some(format!("{short}:{line}:{column}"))
    }

    /// The place behind these words, if it was offered and its file is still in the newsletter's folder.
    fn offered_place(&self, places: &Mutex<BTreeSet<FilePlace>>, words: &str) -> Option<FilePlace> {
        let (rest, column) = words.rsplit_once(':')?;
        let (short, line) = rest.rsplit_once(':')?;
        let root = fs::canonicalize(&self.context.directory).ok()?;
        let path = fs::canonicalize(root.join(short)).ok().filter(|path| path.starts_with(&root))?;
        let place = FilePlace { path, line: line.parse().ok()?, column: column.parse().ok()? };
        places.lock().unwrap_or_else(PoisonError::into_inner).contains(&place).then_some(place)
    }

    /// Sends a test letter with another run of this program, as `mimeo test` does.
    fn test(&self, issue: Option<&str>, reader: Option<&str>, to: &str) -> Result<String, Failure> {
        let file = self.file(issue)?;
        let program = std::env::current_exe().map_err(Failure::outside)?;
        let mut command = Command::new(program);
        command.arg("-C").arg(&self.context.directory).arg("test").arg(&file.slug).args(["--to", to]);
        if let Some(reader) = reader {
            command.args(["--as", reader]);
        }
        if self.is_trusted {
            command.arg("--trust");
        }
        let ran = command.stdin(Stdio::null()).output().map_err(Failure::outside)?;
        let said = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
        Ok(said.join("\n").trim().to_owned())
    }

    fn problems(&self, failure: Failure) -> Vec<Value> {
        match failure.into_diagnostics() {
            Ok(found) => found.iter().map(|one| self.json(one)).collect(),
            Err(failure) => {
                let (message, help) = failure.plain();
                vec![
                    json!({ "code": "", "severity": "error", "message": message, "help": help, "place": "" }),
                ]
            }
        }
    }
}

/// The address by which an editor opens a place; for a page that stays on this machine.
fn editor_address(scheme: &str, path: &Path, line: u32, column: u32) -> Option<String> {
    let path = fs::canonicalize(path).ok()?;
    let path = percent_encoding::utf8_percent_encode(path.to_str()?, PATH).to_string();
    Some(format!("{scheme}://file{path}:{line}:{column}"))
}

impl PreviewBackend for PreviewSource {
    fn view(&self, issue: Option<&str>, reader: Option<&str>) -> LetterView {
        let file = self.file(issue).unwrap_or_else(|_| self.file.clone());
        self.make(issue, reader).unwrap_or_else(|failure| LetterView {
            title: file.slug.clone(),
            name: file.slug.clone(),
            file: self.short(&file.path.to_string_lossy()),
            problems: self.problems(failure),
            ..LetterView::default()
        })
    }

    fn issues(&self) -> Vec<String> {
        issues::all(&self.context).unwrap_or_default().into_iter().map(|file| file.slug).collect()
    }

    fn web_page(&self, issue: Option<&str>) -> Option<String> {
        let config = self.config().ok()?;
        let file = self.file(issue).ok()?;
        let built = file.build(&config, Timestamp::now()).ok()?;
        Some(build::page_in_one(&config, &file.slug, &built))
    }

    fn test_addresses(&self) -> Vec<String> {
        let Ok(config) = self.config() else { return Vec::new() };
        config.preview_test_to.iter().map(|address| address.expose().to_owned()).collect()
    }

    fn send_test(&self, issue: Option<&str>, reader: Option<&str>, to: &str) -> String {
        self.test(issue, reader, to).unwrap_or_else(|failure| failure.plain().0)
    }

    fn open_in_editor(&self, place: &str) -> Result<bool, String> {
        let OpensPlaces::ByProgram { program, places } = &self.editor else { return Ok(false) };
        let Some(place) = self.offered_place(places, place) else { return Ok(false) };
        program.open(&place).map(|()| true).map_err(|error| format!("the editor cannot be started: {error}"))
    }

    fn findings(&self, issue: Option<&str>) -> Value {
        self.look(issue).unwrap_or_else(|failure| json!({ "findings": self.problems(failure), "shares": [] }))
    }

    fn people(&self, search: &str) -> Value {
        let search = search.to_lowercase();
        let Ok(config) = self.config() else { return json!({ "people": [] }) };
        let mut found = Vec::new();
        // The list is read until there are enough, and never held.
        for row in List::open(&config.list).into_iter().flatten() {
            let Ok(Row::Person { subscriber, .. }) = row else { continue };
            let name = subscriber.name.unwrap_or_default();
            let address = subscriber.address.expose();
            if address.to_lowercase().contains(&search) || name.to_lowercase().contains(&search) {
                found.push(json!({ "address": address, "name": name }));
            }
            if found.len() == PEOPLE_MAX {
                break;
            }
        }
        json!({ "people": found })
    }
}

/// An address that the page asks for.
fn parse(text: &str) -> Result<EmailAddress, Failure> {
    text.parse().map_err(|error| Failure::input(format!("invalid email address `{text}`: {error}")))
}
