//! Limits that relays have shown, kept from one run to the next beside the ledger: `.mimeo/relays.json`.

use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    config::Config,
    files::{Readers, write_atomically},
    transport::RelayLimits,
};

/// By the relay's name in the ledger.
type Known = BTreeMap<String, RelayLimits>;

fn path(config: &Config) -> PathBuf {
    config.root.join(".mimeo/relays.json")
}

/// A file that cannot be read is forgotten: limits are learned again.
fn read(config: &Config) -> Known {
    let bytes = std::fs::read(path(config)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// What an earlier run has learned about a relay.
pub(super) fn known(config: &Config, relay: &str) -> RelayLimits {
    read(config).remove(relay).unwrap_or_default()
}

/// Keeps what this run has learned. It is only a matter of speed, so that a folder that cannot be written is no error.
pub(super) fn keep(config: &Config, relay: &str, limits: RelayLimits) {
    let mut all = read(config);
    let before = all.get(relay).copied().unwrap_or_default();
    if before == limits {
        return;
    }
    all.insert(relay.to_owned(), limits);
    if let Ok(text) = serde_json::to_vec_pretty(&all) {
        let _ = write_atomically(&path(config), &text, Readers::Owner);
    }
}
