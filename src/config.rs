//! The settings file, the environment and the flags become the settings types of the layers.
//!
//! In: `mimeo.toml`, `MIMEO_…` variables, flags. Out: [`Config`], or every [`Diagnostic`](crate::source::Diagnostic) about the file at once.
//! Never: prints a secret, or reads one before it is needed.

mod command;
mod dkim;
mod duration;
mod file;
mod hooks;
mod key;
mod ledger;
mod list;
mod load;
mod mailbox;
mod newsletter;
mod overrides;
mod paths;
mod policies;
mod raw;
mod reference;
mod relay;
mod resolved;
mod returned;
mod secret;
mod secret_setting;
mod serve;
mod settings;
mod shared;
mod texts;
mod topics;

pub use command::{SettingCommand, Trust, Untrusted};
pub use duration::parse as parse_duration;
pub use file::FILE_NAME;
pub use hooks::{Hook, HookKeys};
pub use key::KeyError;
pub use ledger::ledger_location;
pub use mailbox::parse as parse_sender;
pub use overrides::{BOUNCES_PASSWORD, Override, Overrides, RELAY_PASSWORD, Strength};
pub use reference::REFERENCE;
pub use resolved::Config;
pub use returned::BounceMailbox;
pub use secret::{SecretError, SecretRef};
pub use settings::{Check, Dkim, DkimEd25519, RelaySettings, Transport};
pub use shared::SharedSettings;

#[cfg(test)]
mod tests;
