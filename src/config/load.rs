//! Reads all sections of the settings file, and collects every problem.

use std::path::{Path, PathBuf};

use super::{
    command::Trust,
    dkim,
    file::{self, FILE_NAME},
    hooks,
    key::KeyPlace,
    ledger, list, newsletter,
    overrides::{Override, Overrides},
    paths::under,
    policies,
    raw::{Notes, Table},
    relay,
    resolved::Config,
    returned,
    secret_setting::secret,
    serve,
    settings::Transport,
    shared::SharedSettings,
    texts,
};
use crate::source::{Diagnostic, Diagnostics, Place, Severity, Source};

impl Config {
    /// Reads the settings of the newsletter in the folder `root`. Beside the settings come warnings and notes; `Err`
    /// holds at least one error, and everything else that was noticed.
    ///
    /// Paths in the file are relative to the file's folder, those of flags and variables to the current directory.
    pub fn load(root: &Path, overrides: &Overrides) -> Result<(Self, Diagnostics), Diagnostics> {
        let file = overrides.config.as_ref().map_or_else(|| under(root, FILE_NAME), Override::path);
        if overrides.config.is_none() {
            file::refuse_outside(root, &file)?;
        }
        let text = file::read(&file)?;
        Self::parse(root, Source::new(file, text), overrides)
    }

    /// Reads settings as [`load`](Self::load) does, from a text that was read before.
    pub fn parse(
        root: &Path,
        source: Source,
        overrides: &Overrides,
    ) -> Result<(Self, Diagnostics), Diagnostics> {
        let notes = Notes::new(source.clone());
        let config =
            file::tree(&notes).and_then(|tree| from_tree(root, &Table::root(&notes, &tree), overrides));
        let mut diagnostics = notes.into_diagnostics();
        let config = config.map(|mut config| {
            config.newsletter.texts = texts::read(&config.templates(), &mut diagnostics);
            config
        });
        diagnostics.sort_by_key(|diagnostic| match &diagnostic.place {
            Place::Text { path, start, .. } if path == source.path() => Some(*start),
            _ => None,
        });
        match config {
            Some(config) if !diagnostics.iter().any(Diagnostic::is_error) => Ok((config, diagnostics)),
            _ => Err(diagnostics),
        }
    }
}

impl SharedSettings {
    /// The settings for a worker whose secrets are in the folder `root`. What the worker's own flags say is stronger.
    ///
    /// # Errors
    ///
    /// All problems of the settings: another version of the program may have written them.
    pub fn load(&self, root: &Path, overrides: Overrides) -> Result<Config, Diagnostics> {
        let source = Source::new(under(root, FILE_NAME), self.settings());
        let (config, _) = Config::parse(root, source, &self.with_relay(overrides))?;
        Ok(config)
    }
}

/// All sections; `None` where something that every setting needs is missing.
pub(super) fn from_tree(root: &Path, tree: &Table<'_>, overrides: &Overrides) -> Option<Config> {
    let file = tree.notes().source.path().to_owned();
    let base = file.parent().unwrap_or(Path::new("")).to_owned();
    let section = tree.table("newsletter");
    let mut serve = serve::read(tree, &base);
    let mut newsletter = newsletter::read(tree, &section, serve.as_ref());
    let kept = secret(&section, "key", &base).map(KeyPlace::Kept);
    let key = kept.unwrap_or_else(|| KeyPlace::Own(under(root, ".mimeo/key")));
    let earlier_keys = secret(&section, "earlier_keys", &base);
    section.finish();
    if let (Some(serve), Some(newsletter)) = (&mut serve, &newsletter) {
        let topics = newsletter.topics.iter().filter(|topic| topic.public);
        serve.form.topics = topics.cloned().collect();
    }
    let path = |section: &'static str, name: &'static str, said: &Option<Override>, usual: &str| {
        let table = tree.table(section);
        let found = table.text(name, usual).map(|path| under(&base, &path.value));
        table.finish();
        said.as_ref().map(Override::path).or(found).unwrap_or_else(|| under(root, usual))
    };
    let outbox = path("outbox", "folder", &overrides.outbox, "outbox");
    let (ledger, ledger_password) = ledger::ledger(tree, overrides, root, &base);
    let (list, list_columns) = list::list(tree, root, &base, overrides, &ledger);
    if let (Some(newsletter), Some(serve), None) = (&mut newsletter, &serve, list.file()) {
        let footer = &mut newsletter.footer;
        footer.subscribe.get_or_insert_with(|| serve.link("subscribe"));
        footer.preferences.get_or_insert_with(|| serve.link("preferences/{token}"));
    }
    let transport = relay::transport(tree, overrides, outbox.clone(), &base);
    let is_outbox = matches!(transport, Transport::Outbox(_));
    let shared = SharedSettings::new(tree.notes().source.text(), overrides, is_outbox);
    let (pace, brake) = policies::pace(tree);
    let approval = policies::approval(tree);
    let retry = policies::retry(tree);
    let late = policies::late(tree);
    let (suppress_hard_bounces, suppression_file) = suppress(tree, &base);
    let (bounces, bounce_mailbox) = returned::bounces(tree, &base);
    let hooks = hooks::hooks(tree, &base);
    let dkim = dkim::dkim(tree, &base);
    let (math, draws_formulas) = newsletter::math(tree, root);
    let preview_test_to = newsletter::preview(tree);
    let check = policies::check(tree);
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
        ledger_password,
        pace,
        brake,
        approval,
        retry,
        late,
        suppress_hard_bounces,
        bounces,
        bounce_mailbox,
        hooks,
        suppression_file,
        dkim,
        math,
        draws_formulas,
        preview_test_to,
        trust: Trust::Withheld,
        undrawn: Severity::Warning,
        check,
        shared,
        serve,
        key,
        earlier_keys,
    })
}

/// `[suppress]`.
fn suppress(tree: &Table<'_>, base: &Path) -> (bool, Option<PathBuf>) {
    let section = tree.table("suppress");
    let hard_bounces = section.flag("hard_bounces").is_some_and(|flag| flag.value);
    let file = section.text("file", "suppressions.txt").map(|path| under(base, &path.value));
    section.finish();
    (hard_bounces, file)
}
