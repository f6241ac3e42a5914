//! Limits that relays have shown, kept from one run to the next beside the ledger: `.mimeo/relays.json`.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    config::Config,
    files::{Readers, write_atomically},
    transport::RelayLimits,
};

/// A plan may have grown since: after this long the limits are found out again.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// What is known of one relay.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    limits: RelayLimits,
    /// When these limits were found out.
    learned: Option<Timestamp>,
}

/// By the relay's name in the ledger.
type Known = BTreeMap<String, Entry>;

fn path(config: &Config) -> PathBuf {
    config.root.join(".mimeo/relays.json")
}

/// A file that cannot be read is forgotten, and so are old limits: they are learned again.
fn read(config: &Config, now: Timestamp) -> Known {
    let bytes = std::fs::read(path(config)).unwrap_or_default();
    let mut known: Known = serde_json::from_slice(&bytes).unwrap_or_default();
    known.retain(|_, entry| is_fresh(entry.learned, now));
    known
}

fn is_fresh(learned: Option<Timestamp>, now: Timestamp) -> bool {
    learned.is_some_and(|learned| now.duration_since(learned).unsigned_abs() < KEPT_FOR)
}

/// What an earlier run has learned about a relay.
pub(super) fn known(config: &Config, relay: &str, now: Timestamp) -> RelayLimits {
    read(config, now).remove(relay).map(|entry| entry.limits).unwrap_or_default()
}

/// Keeps what this run has learned. It is only a matter of speed, so that a folder that cannot be written is no error.
pub(super) fn keep(config: &Config, relay: &str, limits: RelayLimits, now: Timestamp) {
    let mut all = read(config, now);
    if all.get(relay).map(|entry| entry.limits).unwrap_or_default() == limits {
        return;
    }
    all.insert(relay.to_owned(), Entry { limits, learned: Some(now) });
    if let Ok(text) = serde_json::to_vec_pretty(&all) {
        let _ = write_atomically(&path(config), &text, Readers::Owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_found_out_again_after_a_month() {
        let now: Timestamp = "2026-11-29T09:00:00Z".parse().unwrap();
        let days_ago = |days: i64| Some(now - jiff::SignedDuration::from_hours(24 * days));
        assert!(is_fresh(days_ago(0), now) && is_fresh(days_ago(29), now));
        assert!(!is_fresh(days_ago(31), now) && !is_fresh(None, now));
    }
}
