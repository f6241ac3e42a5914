use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write as _},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use aws_lc_rs::rand;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Context, Exit, Failure, build, check, flags, issues, sending, trust};
use crate::{
    address::EmailAddress,
    config::Overrides,
    issue::{Issue, document::BlockKind},
    message::{Composer, Secrets},
    render,
    report::diagnostics::{Marked, sentence},
    source::{Diagnostic, Place},
    subscriber::{List, ListSource, Row, Subscriber},
    web::{self, Access, LetterView, PreviewBackend},
};

/// Show an issue in the browser as readers will see it
///
/// The page updates when you save the issue, a picture, the template, the settings or the list. It is served to this
/// machine only, and nothing is sent.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo preview
  mimeo preview a-year-in-review --as reader@example.org
  mimeo preview 95 --static preview.html")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name [default: the newest]
    issue: Option<String>,
    /// Serve on this port; 0 means any free port
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Do not open the browser
    #[arg(long)]
    no_open: bool,
    /// Whose letter to show first [default: the first person on the list; for --static, an invented person]
    #[arg(long = "as", value_name = "ADDRESS")]
    reader: Option<EmailAddress>,
    /// Write the preview as one HTML file and exit
    #[arg(long = "static", value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    list: flags::List,
    #[command(flatten)]
    trust: flags::Trust,
}

/// Whose letter a file shows when nobody is named: a file is passed on, and readers' addresses must not be.
pub(super) const INVENTED: &str = "reader@example.org";
/// Findings that name people of the list, which a file that is passed on must not.
const NAMES_PEOPLE: [&str; 4] = ["M492", "M494", "M495", "M496"];
/// So many people are offered at once.
const PEOPLE_MAX: usize = 20;

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let file = match &args.issue {
        Some(name) => issues::find(context, name)?,
        None => issues::all(context)?
            .pop()
            .ok_or_else(|| Failure::input("there is no issue yet").hint("begin one: mimeo new \"Title\""))?,
    };
    let source = PreviewSource {
        context: context.clone(),
        file,
        list: args.list.list.clone(),
        is_trusted: args.trust.trust,
        reader: args.reader.clone(),
    };
    // Asked before there is a page that could not ask. What is wrong with the settings is for the page to say.
    if let Ok((mut config, _)) = context.config_quietly(source.overrides()) {
        trust::ask(context, &mut config)?;
    }
    if let Some(path) = &args.file {
        return write(&source, args.reader.as_ref().map_or(INVENTED, EmailAddress::expose), path);
    }
    let source = Arc::new(source);
    sending::runtime()?.block_on(async {
        let listener =
            tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await.map_err(|error| {
                Failure::outside(error).hint(format!("port {} is taken: name another, or none", args.port))
            })?;
        let host = format!("http://{}", listener.local_addr().map_err(Failure::outside)?);
        let access = Access::new(secret()?, secret()?);
        let url = format!("{host}{}", access.path());
        let (changed, changes) = tokio::sync::watch::channel(0);
        let watched = Arc::clone(&source);
        let watch = web::watch(move || watched.folders(), changed).map_err(Failure::outside)?;
        let mut out = io::stdout().lock();
        writeln!(out, "{url}").and_then(|()| out.flush()).map_err(Failure::output)?;
        drop(out);
        context.terminal.say("Press Ctrl-C to stop");
        if !args.no_open {
            open(&format!("{host}{}", access.path_once().unwrap_or_default()));
        }
        tokio::select! {
            ended = web::serve(listener, source, access, changes) => ended.map_err(Failure::outside)?,
            _ = tokio::signal::ctrl_c() => {}
        }
        drop(watch);
        Ok(Exit::Done)
    })
}

fn write(source: &PreviewSource, reader: &str, path: &Path) -> Result<Exit, Failure> {
    let view = source.view(Some(reader));
    let mut findings = source.findings();
    if let Some(findings) = findings["findings"].as_array_mut() {
        findings.retain(|one| !NAMES_PEOPLE.iter().any(|code| one["code"] == **code));
    }
    let page = web::static_page(&view, &findings);
    fs::write(path, page).map_err(|error| Failure::file("write", path, error))?;
    source.context.terminal.say(&format!("{}", path.display()));
    Ok(if view.problems.is_empty() { Exit::Done } else { Exit::BadInput })
}

/// 128 random bits, in hexadecimal digits.
fn secret() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes)
        .map_err(|_| Failure::outside(io::Error::other("no random numbers from the system")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// An address that the page asks for.
fn parse(text: &str) -> Result<EmailAddress, Failure> {
    text.parse().map_err(|error| Failure::input(format!("invalid email address `{text}`: {error}")))
}

/// Asks the desktop for a browser; without one the address on the terminal is enough.
fn open(url: &str) {
    let (program, before): (&str, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        _ => ("xdg-open", &[]),
    };
    let mut command = Command::new(program);
    command.args(before).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // A desktop without that program is no trouble of ours.
    let _ = command.spawn();
}

/// Makes the letter anew from the files as they are.
struct PreviewSource {
    context: Context,
    file: issues::IssueFile,
    list: Option<PathBuf>,
    is_trusted: bool,
    reader: Option<EmailAddress>,
}

impl PreviewSource {
    fn overrides(&self) -> Overrides {
        let trust = flags::Trust { trust: self.is_trusted };
        flags::List { list: self.list.clone() }.say(trust.say(Overrides::default()))
    }

    fn config(&self) -> Result<crate::config::Config, Failure> {
        Ok(self.context.config_quietly(self.overrides())?.0)
    }

    /// Where files are that the letter depends on; `true` for those with all folders in them.
    fn folders(&self) -> Vec<(PathBuf, bool)> {
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

    fn make(&self, reader: Option<&str>) -> Result<LetterView, Failure> {
        let config = self.config()?;
        let built = self.file.build(&config, Timestamp::now())?;
        let rendered = &built.rendered;
        let mut person = self.person(&config.list, reader)?;
        // A signature is made when the letter is sent; a key may ask for a password.
        // A checkout without the key can be looked at; its identifiers and tokens are not the real ones.
        let without_key = config.missing_key().is_some() && config.suppression_file.is_some();
        let key = if without_key { [0; 32] } else { sending::newsletter_key(&config)? };
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
            file: self.short(&self.file.path.to_string_lossy()),
            sender: name.clone().unwrap_or_else(|| rendered.from.address.expose().to_owned()),
            subject: filled.subject,
            preheader: built.issue.head.preheader.to_string(),
            reader: person.address.expose().to_owned(),
            text: filled.text,
            headers: letter.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n", "\n"),
            problems: Vec::new(),
            stale: false,
            octets: bytes.len(),
            html: filled.html,
            pictures: rendered
                .pictures
                .iter()
                .map(|picture| (picture.cid.clone(), picture.media_type.clone(), picture.bytes.clone()))
                .collect(),
            raw: bytes,
        })
    }

    fn look(&self) -> Result<Value, Failure> {
        let config = self.config()?;
        let source = self.file.source()?;
        let (issue, report) =
            match render::build(source, &self.file.slug, &config.build_context(Timestamp::now())) {
                Ok(built) => {
                    let subject = check::Subject::LetterAndList;
                    let report = check::report(&self.context, &config, &self.file, &built, subject)?;
                    (built.issue, report)
                }
                Err(error) => {
                    let issue = Issue::clone(&error.issue);
                    (issue, check::report_draft(&self.context, &config, &self.file, error)?)
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
            "message": sentence(one),
            "help": one.help,
            "place": self.short(&one.place.to_string()),
            "excerpt": null,
            "marked": null,
            "heading": null,
        });
        if let Place::Text { start, end, excerpt, .. } = &one.place
            && !excerpt.is_empty()
        {
            let Marked { before, marked, after } = Marked::new(excerpt, *start, *end);
            value["line"] = start.line.into();
            // No line is shown at any length.
            value["excerpt"] = excerpt.chars().take(300).collect::<String>().into();
            value["marked"] = json!([before, marked, after]);
        }
        value
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

impl PreviewBackend for PreviewSource {
    fn view(&self, reader: Option<&str>) -> LetterView {
        self.make(reader).unwrap_or_else(|failure| LetterView {
            title: self.file.slug.clone(),
            file: self.short(&self.file.path.to_string_lossy()),
            problems: self.problems(failure),
            ..LetterView::default()
        })
    }

    fn findings(&self) -> Value {
        self.look().unwrap_or_else(|failure| json!({ "findings": self.problems(failure), "shares": [] }))
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
