//! The managed list, as its commands open it.

use tokio::runtime::Runtime;

use crate::{
    audience::{Audience, ManagedList},
    cli::{common, context::Context, failure::Failure, flags},
    config::{Config, Overrides},
    ledger::Restored,
};

/// The settings, where the list is managed.
pub(super) fn managed(flag: &flags::KeyedLedger, context: &Context) -> Result<Config, Failure> {
    let config = context.config(flag.say(Overrides::default()))?;
    match config.list.file() {
        None => Ok(config),
        Some(file) => Err(Failure::input(format!("the list is a file: `{}`", file.path.display())).hint(
            "edit the file, or write `managed = true` instead of `path` under [list] in mimeo.toml and import it",
        )),
    }
}

/// The managed list, to be read without anything else.
pub(super) fn reading(config: &Config) -> ManagedList {
    ManagedList::new(&config.ledger)
}

/// The managed list, open for changes.
pub(super) fn open(config: &Config, context: &Context) -> Result<(Runtime, Audience), Failure> {
    let runtime = common::runtime()?;
    let tokens = common::list_tokens(config)?;
    let ledger = context.ledger(&config.ledger, Restored::Refuse)?;
    let audience = runtime.block_on(Audience::open(ledger, tokens, context.now))?;
    Ok((runtime, audience))
}
