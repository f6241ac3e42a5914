//! The settings file, the environment and the flags become the rooms' settings types.
//!
//! In: `mimeo.toml`, `MIMEO_…` variables, flags. Out: [`Config`], or every [`Diagnostic`] about the file at once.
//! Never: prints a secret, or reads one before it is needed.

mod command;
mod duration;
mod key;
mod mailbox;
mod newsletter;
mod overrides;
mod paths;
mod raw;
mod relay;
mod secret;
mod sending;
mod settings;

pub use command::{SettingCommand, Trust, Untrusted};
pub use duration::parse as parse_duration;
pub use key::KeyError;
pub use mailbox::parse as parse_sender;
pub use overrides::{Override, Overrides, RELAY_PASSWORD, Strength};
pub use secret::{SecretError, SecretRef};
pub use settings::{Check, Dkim, DkimEd25519, Transport};

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use toml::de::DeTable;

use crate::{
    assets::{Fence, Leads, MathCommand},
    audience::ManagedList,
    dispatch::{BrakePolicy, PacePolicy, RetryPolicy},
    render::{BuildContext, Newsletter},
    source::{Diagnostic, Diagnostics, Place, Severity, Source},
    subscriber::{self, ColumnMeanings, ListFile, ListSource, Meaning},
    transport::{Encryption, Relay},
};
use paths::under;
use raw::{Notes, Table};

/// All settings, with a comment each: what `mimeo settings` prints.
pub const REFERENCE: &str = include_str!("config/reference.toml");

/// The settings file's name.
pub const FILE_NAME: &str = "mimeo.toml";

/// Everything that `mimeo.toml`, the environment and the flags say.
#[derive(Clone, Debug)]
pub struct Config {
    /// The newsletter's folder, with `issues/` and `templates/` in it.
    pub root: PathBuf,
    /// The settings file, as the user would write it.
    pub file: PathBuf,
    /// What readers see.
    pub newsletter: Newsletter,
    /// `[list]`
    pub list: ListSource,
    /// `[list.columns]`
    pub list_columns: ColumnMeanings,
    /// Where letters go.
    pub transport: Transport,
    /// `[outbox] folder`: where a dry run puts letters, and a sending without a relay.
    pub outbox: PathBuf,
    /// `[ledger] path`
    pub ledger: PathBuf,
    /// `[pace]`
    pub pace: PacePolicy,
    /// `[pace] brake`
    pub brake: BrakePolicy,
    /// `[retry]`
    pub retry: RetryPolicy,
    /// `[suppress] hard_bounces`: whether "no such person" suppresses an address.
    pub suppress_hard_bounces: bool,
    /// `[bounces]`: what follows from letters that come back.
    pub bounces: crate::bounce::policy::Policy,
    /// `[suppress] file`: where suppressions are kept as keyed hashes, to be committed.
    pub suppression_file: Option<PathBuf>,
    /// `[dkim]`
    pub dkim: Option<Dkim>,
    /// `[math] command`: a program and its arguments; none when formulas stay TeX.
    pub math: Option<SettingCommand>,
    /// Whether the programs that these settings name may run: for the user to say, and never for the settings.
    pub trust: Trust,
    /// What it means that formulas stay TeX because of missing trust.
    pub undrawn: Severity,
    /// `[check]`
    pub check: Check,
    key: key::KeyPlace,
    earlier_keys: Option<SecretRef>,
}

impl Config {
    /// Reads the settings of the newsletter in the folder `root`. Beside the settings come warnings and notes; `Err`
    /// holds at least one error, and everything else that was noticed.
    ///
    /// Paths in the file are relative to the file's folder, those of flags and variables to the current directory.
    pub fn load(root: &Path, overrides: &Overrides) -> Result<(Self, Diagnostics), Diagnostics> {
        let file = overrides.config.as_ref().map_or_else(|| under(root, FILE_NAME), Override::path);
        if overrides.config.is_none() {
            refuse_outside(root, &file)?;
        }
        let text = read(&file)?;
        Self::parse(root, Source::new(file, text), overrides)
    }

    /// Reads settings as [`load`](Self::load) does, from a text that was read before.
    pub fn parse(
        root: &Path,
        source: Source,
        overrides: &Overrides,
    ) -> Result<(Self, Diagnostics), Diagnostics> {
        let notes = Notes::new(source.clone());
        let config = tree(&notes).and_then(|tree| from_tree(root, &Table::root(&notes, &tree), overrides));
        let mut diagnostics = notes.into_diagnostics();
        diagnostics.sort_by_key(|diagnostic| match &diagnostic.place {
            Place::Text { path, start, .. } if path == source.path() => Some(*start),
            _ => None,
        });
        match config {
            Some(config) if !diagnostics.iter().any(Diagnostic::is_error) => Ok((config, diagnostics)),
            _ => Err(diagnostics),
        }
    }

    /// The relay with its password, which is read now; `None` when letters go into the outbox.
    pub fn relay(&self) -> Result<Option<Relay>, SecretError> {
        let Transport::Relay { relay, password } = &self.transport else { return Ok(None) };
        let mut relay = Relay::clone(relay);
        relay.password = password.as_ref().map(|kept| kept.read(self.trust)).transpose()?;
        Ok(Some(relay))
    }

    /// How the relay is spoken to, when there is one.
    pub fn encryption(&self) -> Option<Encryption> {
        match &self.transport {
            Transport::Relay { relay, .. } => Some(relay.encryption),
            Transport::Outbox(_) => None,
        }
    }

    /// The file of the newsletter's own key, when it is to be made there and is not there.
    pub fn missing_key(&self) -> Option<&Path> {
        self.key.missing()
    }

    /// The newsletter's own key, made and kept in `.mimeo/key` when there is none: for Message-IDs and tokens.
    pub fn key(&self) -> Result<[u8; 32], KeyError> {
        self.key.read(self.trust)
    }

    /// `[newsletter] earlier_keys`: keys that were used before the newsletter's own one.
    pub fn earlier_keys(&self) -> Result<Vec<[u8; 32]>, KeyError> {
        self.earlier_keys.as_ref().map_or_else(|| Ok(Vec::new()), |kept| key::read_earlier(kept, self.trust))
    }

    /// The folder of the issues.
    pub fn issues(&self) -> PathBuf {
        under(&self.root, "issues")
    }

    /// What an issue of this newsletter is built with.
    pub fn build_context(&self, now: Timestamp) -> BuildContext<'_> {
        BuildContext {
            newsletter: &self.newsletter,
            root: &self.root,
            templates: self.templates(),
            settings: &self.file,
            math: self.math_command(),
            now,
        }
    }

    fn math_command(&self) -> MathCommand<'_> {
        let Some(command) = &self.math else { return MathCommand::None };
        match command.run(self.trust) {
            Ok(words) => MathCommand::Run(words),
            Err(_) => MathCommand::Untrusted { place: command.place(), severity: self.undrawn },
        }
    }

    /// Every program that the settings name.
    pub fn commands(&self) -> Vec<&SettingCommand> {
        let mut secrets = Vec::new();
        if let key::KeyPlace::Kept(kept) = &self.key {
            secrets.push(kept);
        }
        if let Transport::Relay { password: Some(kept), .. } = &self.transport {
            secrets.push(kept);
        }
        if let Some(dkim) = &self.dkim {
            secrets.push(&dkim.key);
            secrets.extend(dkim.ed25519.as_ref().map(|second| &second.key));
        }
        let secrets = secrets.into_iter().filter_map(|kept| match kept {
            SecretRef::Command(command) => Some(command.as_ref()),
            SecretRef::Env(_) | SecretRef::File(_) => None,
        });
        self.math.iter().chain(secrets).collect()
    }

    /// The folder of the owner's own templates.
    pub fn templates(&self) -> PathBuf {
        under(&self.root, "templates")
    }
}

/// A stranger's newsletter could link to any file of this machine, and messages quote the settings.
fn refuse_outside(root: &Path, file: &Path) -> Result<(), Diagnostics> {
    let leads = Fence::new(root).map_or(Leads::Nowhere, |fence| fence.leads(file));
    if leads != Leads::Outside {
        return Ok(());
    }
    let message = "the settings file is a link that leads out of the newsletter's folder, and is not read";
    let place = Place::File { path: file.to_owned() };
    let help = "name the file itself with `--config FILE`, or copy it into the folder";
    Err(vec![Diagnostic::at("M001", Severity::Error, place, message).help(help)])
}

/// No settings file is larger than this, in octets.
const LARGEST: u64 = 1024 * 1024;

fn read(path: &Path) -> Result<String, Diagnostics> {
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
            "go to the newsletter's folder, name it with `-C DIR`, or name the file with `--config FILE`",
        ),
        _ => {
            refuse(format!("the settings file cannot be read: {error}"), "check the path and its permissions")
        }
    })?;
    if LARGEST < bytes.len() as u64 {
        return Err(refuse("the settings file is larger than 1 MiB".to_owned(), "name another file"));
    }
    String::from_utf8(bytes)
        .map_err(|_| refuse("the settings file is not UTF-8".to_owned(), "save it as UTF-8"))
}

/// The file as a tree; `None` when it is not TOML.
fn tree(notes: &Notes) -> Option<DeTable<'_>> {
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

fn from_tree(root: &Path, tree: &Table<'_>, overrides: &Overrides) -> Option<Config> {
    let file = tree.notes().source.path().to_owned();
    let base = file.parent().unwrap_or(Path::new("")).to_owned();
    let section = tree.table("newsletter");
    let newsletter = newsletter::read(tree, &section);
    let key = match relay::secret(&section, "key", &base) {
        Some(kept) => key::KeyPlace::Kept(kept),
        None => key::KeyPlace::Own(under(root, ".mimeo/key")),
    };
    let earlier_keys = relay::secret(&section, "earlier_keys", &base);
    section.finish();
    let path = |section: &'static str, name: &'static str, said: &Option<Override>, usual: &str| {
        let table = tree.table(section);
        let found = table.text(name, usual).map(|path| under(&base, &path.value));
        table.finish();
        said.as_ref().map(Override::path).or(found).unwrap_or_else(|| under(root, usual))
    };
    let section = tree.table("list");
    let columns = list_columns(&section);
    let found = section.text("path", "subscribers.csv").map(|path| under(&base, &path.value));
    let managed = section.flag("managed").filter(|managed| managed.value);
    if let Some(managed) = &managed
        && found.is_some()
    {
        let message = "a list cannot be a file and managed";
        tree.notes().error("M013", managed.span.clone(), message, "remove `path`, or remove `managed`");
    }
    section.finish();
    let said = overrides.list.as_ref().map(Override::path);
    let outbox = path("outbox", "folder", &overrides.outbox, "outbox");
    let ledger = path("ledger", "path", &overrides.ledger, ".mimeo/ledger.db");
    let list_columns = columns.clone();
    let list = match (managed, said) {
        (Some(_), None) => ListSource::Stored(Arc::new(ManagedList::new(ledger.clone()))),
        (_, said) => {
            let path = said.or(found).unwrap_or_else(|| under(root, "subscribers.csv"));
            ListSource::File(ListFile { path, columns })
        }
    };
    let transport = relay::transport(tree, overrides, outbox.clone(), &base);
    let (pace, brake) = sending::pace(tree);
    let retry = sending::retry(tree);
    let suppress = tree.table("suppress");
    let suppress_hard_bounces = suppress.flag("hard_bounces").is_some_and(|flag| flag.value);
    let suppression_file = suppress.text("file", "suppressions.txt").map(|path| under(&base, &path.value));
    suppress.finish();
    let bounces = sending::bounces(tree);
    let dkim = relay::dkim(tree, &base);
    let math = newsletter::math(tree, root);
    let check = sending::check(tree);
    tree.unknown();
    Some(Config {
        root: root.to_owned(),
        newsletter: newsletter?,
        file,
        list,
        list_columns,
        transport,
        outbox,
        ledger,
        pace,
        brake,
        retry,
        suppress_hard_bounces,
        bounces,
        suppression_file,
        dkim,
        math,
        trust: Trust::Withheld,
        undrawn: Severity::Warning,
        check,
        key,
        earlier_keys,
    })
}

/// `[list.columns]`: what columns of the list mean.
fn list_columns(section: &Table<'_>) -> ColumnMeanings {
    let mut columns = ColumnMeanings::new();
    for (name, word) in section.named_texts("columns") {
        match Meaning::from_word(&word.value) {
            Some(meaning) => {
                columns.insert(subscriber::normalise(&name.value), meaning);
            }
            None => {
                let known: Vec<_> = Meaning::WORDS.iter().map(|(word, _)| *word).collect();
                let message = format!("`list.columns.{}` cannot be {:?}", name.value, word.value);
                section.notes().error(
                    "M005",
                    word.span,
                    message,
                    format!("write one of: {}", known.join(", ")),
                );
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests;
