//! All settings, as the other layers take them.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    command::{SettingCommand, Trust},
    hooks::{self, Hook, HookKeys},
    key::{self, KeyError, KeyPlace},
    paths::under,
    returned::BounceMailbox,
    secret::{SecretError, SecretRef},
    settings::{Check, Dkim, RelaySettings, Transport},
    shared::SharedSettings,
};
use crate::{
    address::EmailAddress,
    assets::MathCommand,
    bounce,
    dispatch::{ApprovalPolicy, BrakePolicy, PacePolicy, RetryPolicy},
    hooks::Hooks,
    ledger::Location,
    mailbox,
    render::{BuildContext, Newsletter},
    service,
    source::Severity,
    subscriber::{ColumnMeanings, ListSource},
    transport::{Encryption, Relay},
};

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
    /// `[outbox] folder`: where a dry run puts letters, and a dispatch without a relay.
    pub outbox: PathBuf,
    /// `[ledger] path` or `url`
    pub ledger: Location,
    /// `[ledger] password`
    pub ledger_password: Option<SecretRef>,
    /// `[pace]`
    pub pace: PacePolicy,
    /// `[pace] brake`
    pub brake: BrakePolicy,
    /// `[approval]`: whether a send needs someone's approval.
    pub approval: ApprovalPolicy,
    /// `[retry]`
    pub retry: RetryPolicy,
    /// `[schedule] late`: how late a scheduled send may still start.
    pub late: Duration,
    /// `[suppress] hard_bounces`: whether "no such person" suppresses an address.
    pub suppress_hard_bounces: bool,
    /// `[bounces]`: what follows from letters that come back.
    pub bounces: bounce::policy::Policy,
    /// `[bounces.mailbox]`: where letters that come back wait.
    pub bounce_mailbox: Option<BounceMailbox>,
    /// `[hooks]`: the services that may report bounces and complaints.
    pub hooks: Vec<Hook>,
    /// `[suppress] file`: where suppressions are kept as keyed hashes, to be committed.
    pub suppression_file: Option<PathBuf>,
    /// `[dkim]`
    pub dkim: Option<Dkim>,
    /// `[math] command`: a program and its arguments.
    pub math: Option<SettingCommand>,
    /// `[math] pictures`: whether formulas are drawn where no program is named.
    pub draws_formulas: bool,
    /// Whether the programs that these settings name may run: for the user to say, and never for the settings.
    pub trust: Trust,
    /// What it means that formulas stay TeX because of missing trust.
    pub undrawn: Severity,
    /// `[preview] test_to`: where test letters may go from the page of the preview.
    pub preview_test_to: Vec<EmailAddress>,
    /// `[check]`
    pub check: Check,
    /// What workers elsewhere need of these settings.
    pub shared: SharedSettings,
    /// `[serve]`; `None` without `url`.
    pub serve: Option<service::Settings>,
    /// Where the newsletter's own key is kept.
    pub(super) key: KeyPlace,
    /// `[newsletter] earlier_keys`
    pub(super) earlier_keys: Option<SecretRef>,
}

impl Config {
    /// The relay for letters to anybody, with its password, which is read now; `None` when letters go into the outbox.
    pub fn relay(&self) -> Result<Option<Relay>, SecretError> {
        self.transport.main_relay().map(|one| self.with_password(one)).transpose()
    }

    /// A relay with its password, which is read now.
    pub fn with_password(&self, settings: &RelaySettings) -> Result<Relay, SecretError> {
        let mut relay = settings.relay.clone();
        relay.password = settings.password.as_ref().map(|kept| kept.read(self.trust)).transpose()?;
        Ok(relay)
    }

    /// The mailbox of letters that come back, with its password, which is read now.
    pub fn bounce_mailbox(&self) -> Result<Option<mailbox::Account>, SecretError> {
        let Some(BounceMailbox { account, password }) = &self.bounce_mailbox else { return Ok(None) };
        Ok(Some(mailbox::Account { password: Some(password.read(self.trust)?), ..account.clone() }))
    }

    /// The hooks with their secrets, which are read now.
    pub fn hooks(&self) -> Result<Hooks, SecretError> {
        hooks::load(&self.hooks, self.trust)
    }

    /// How the relay is spoken to, when there is one; of several, the one that costs the most.
    pub fn encryption(&self) -> Option<Encryption> {
        let mut kinds = self.transport.relays().iter().map(|one| one.relay.encryption);
        let first = kinds.next()?;
        Some(
            kinds
                .find(|kind| *kind != Encryption::None)
                .filter(|_| first == Encryption::None)
                .unwrap_or(first),
        )
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
            template: None,
            now,
        }
    }

    fn math_command(&self) -> MathCommand<'_> {
        let Some(command) = &self.math else {
            let is_drawn = self.draws_formulas && cfg!(feature = "math");
            return if is_drawn { MathCommand::BuiltIn } else { MathCommand::None };
        };
        match command.run(self.trust) {
            Ok(words) => MathCommand::Run(words),
            Err(_) => MathCommand::Untrusted { place: command.place(), severity: self.undrawn },
        }
    }

    /// The ledger's file; where it is on a server, the place that the file would have.
    pub fn ledger_file(&self) -> PathBuf {
        self.ledger.file().map_or_else(|| under(&self.root, ".mimeo/ledger.db"), Path::to_owned)
    }

    /// From now on the ledger can be opened: its password is read when it is needed.
    pub(crate) fn attach_ledger_password(&self) {
        if let (Location::Server(server), Some(kept)) = (&self.ledger, self.ledger_password.clone()) {
            let trust = self.trust;
            server.attach_password(move || Ok(kept.read(trust)?.expose().to_owned()));
        }
    }

    /// Every program that the settings name.
    pub fn commands(&self) -> Vec<&SettingCommand> {
        let mut secrets = Vec::new();
        if let KeyPlace::Kept(kept) = &self.key {
            secrets.push(kept);
        }
        secrets.extend(self.transport.relays().iter().filter_map(|one| one.password.as_ref()));
        if let Some(dkim) = &self.dkim {
            secrets.push(&dkim.key);
            secrets.extend(dkim.ed25519.as_ref().map(|second| &second.key));
        }
        secrets.extend(&self.ledger_password);
        secrets.extend(self.bounce_mailbox.as_ref().map(|mailbox| &mailbox.password));
        secrets.extend(self.hooks.iter().filter_map(|hook| match &hook.keys {
            HookKeys::Secret(kept) => Some(kept),
            HookKeys::PublicKey(_) | HookKeys::Topics(_) => None,
        }));
        let secrets = secrets.into_iter().filter_map(|kept| match kept {
            SecretRef::Command(command) => Some(command.as_ref()),
            SecretRef::Env(_) | SecretRef::File(_) => None,
        });
        self.math.iter().chain(secrets).collect()
    }

    /// Reads secrets that are kept in files from this folder, where it has a file of that name.
    pub fn secrets_from(&mut self, folder: &Path) {
        let there = |kept: &SecretRef| match kept {
            SecretRef::File(path) => {
                let path = folder.join(path.file_name()?);
                path.exists().then_some(SecretRef::File(path))
            }
            SecretRef::Env(_) | SecretRef::Command(_) => None,
        };
        let take = |kept: &mut SecretRef| *kept = there(kept).unwrap_or_else(|| kept.clone());
        let key = match &self.key {
            KeyPlace::Kept(kept) => there(kept),
            KeyPlace::Own(path) => there(&SecretRef::File(path.clone())),
        };
        if let Some(key) = key {
            self.key = KeyPlace::Kept(key);
        }
        self.earlier_keys.iter_mut().for_each(take);
        if let Transport::Relays(relays) = &mut self.transport {
            relays.iter_mut().filter_map(|one| one.password.as_mut()).for_each(take);
        }
        if let Some(dkim) = &mut self.dkim {
            take(&mut dkim.key);
            dkim.ed25519.iter_mut().for_each(|second| take(&mut second.key));
        }
    }

    /// The folder of the owner's own templates.
    pub fn templates(&self) -> PathBuf {
        under(&self.root, "templates")
    }
}
