//! Limits that relays have shown: the ledger keeps them from one run to the next, for all its senders.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::clock::between;
use crate::{
    ledger::{Ledger, LedgerError},
    transport::{RelayLimits, Transport},
};

/// A plan may have grown since: after this long the limits are found out again.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// What is known of one relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    limits: RelayLimits,
    /// When these limits were found out.
    learned: Option<Timestamp>,
}

impl Entry {
    fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The limits, unless they are old.
    fn fresh(self, now: Timestamp) -> Option<RelayLimits> {
        let learned = self.learned?;
        (between(learned, now) < KEPT_FOR && between(now, learned) < KEPT_FOR).then_some(self.limits)
    }
}

fn name_of(relay: &str) -> String {
    format!("relay: {relay}")
}

/// Tells the transport what an earlier run, or another sender, has found out about its relay.
pub(super) async fn recall(ledger: &Ledger, transport: &Transport) -> Result<(), LedgerError> {
    let read = |value: Option<&str>, now| (None, Entry::read(value).fresh(now));
    if let Some(limits) = ledger.revise(&name_of(&transport.name()), read).await? {
        transport.recall(limits);
    }
    Ok(())
}

/// Keeps what this run has found out.
pub(super) async fn keep(ledger: &Ledger, transport: &Transport) -> Result<(), LedgerError> {
    let limits = transport.learned();
    let write = move |value: Option<&str>, now| {
        let is_known = Entry::read(value).fresh(now).unwrap_or_default() == limits;
        (if is_known { None } else { text(Entry { limits, learned: Some(now) }) }, ())
    };
    ledger.revise(&name_of(&transport.name()), write).await
}

fn text(entry: Entry) -> Option<String> {
    serde_json::to_string(&entry).ok()
}

/// Takes over what earlier versions kept in a file, as JSON by the names of relays. What the ledger knows already stays.
///
/// # Errors
///
/// When the ledger cannot be written.
pub async fn adopt_relay_limits(ledger: &Ledger, json: &str) -> Result<(), LedgerError> {
    let known: BTreeMap<String, Entry> = serde_json::from_str(json).unwrap_or_default();
    for (relay, entry) in known {
        let write = move |value: Option<&str>, _: Timestamp| (text(entry).filter(|_| value.is_none()), ());
        ledger.revise(&name_of(&relay), write).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_found_out_again_after_a_month() {
        let now: Timestamp = "2026-11-29T09:00:00Z".parse().unwrap();
        let is_fresh = |learned| Entry { learned, ..Entry::default() }.fresh(now).is_some();
        let days_ago = |days: i64| Some(now - jiff::SignedDuration::from_hours(24 * days));
        assert!(is_fresh(days_ago(0)) && is_fresh(days_ago(29)));
        assert!(!is_fresh(days_ago(31)) && !is_fresh(None));
    }
}
