//! Refusals of all senders of a dispatch together: each adds its own to a value in the ledger, and the brake judges the sum.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::runner::{LOOK, Runner};
use crate::{
    dispatch::brake::{Answers, Pulled},
    ledger::{DispatchId, Ledger, LedgerError},
};

/// A refusal waits this long for others, so that the ledger is not asked for each.
pub(super) const COLLECT: Duration = Duration::from_millis(200);

/// Every sender tells the others within this time what was accepted.
const ALL_KNOWN: Duration = LOOK.saturating_add(COLLECT);

fn name_of(dispatch: DispatchId) -> String {
    format!("brake: {}", dispatch.number())
}

fn read(value: Option<&str>) -> Answers {
    value.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

impl Runner {
    /// Tells the other senders what was answered here; whether all answers together are too many refusals.
    pub(super) async fn share_refusals(&mut self, ledger: &Ledger) -> Result<Option<Pulled>, LedgerError> {
        let later = self.queue.take_unshared();
        if later.is_none() && !self.shared_row.is_open() {
            return Ok(None);
        }
        let add = move |value: Option<&str>, _: Timestamp| {
            let mut all = read(value);
            let Some(later) = later else { return (None, all) };
            all.add(later);
            (serde_json::to_string(&all).ok(), all)
        };
        match ledger.revise(&name_of(self.dispatch), add).await {
            Ok(all) => Ok(self.shared_row.judge(&self.settings.brake, all, Instant::now(), ALL_KNOWN)),
            Err(error) => {
                if let Some(later) = later {
                    self.queue.put_back_unshared(later);
                }
                Err(error)
            }
        }
    }

    /// The last time for this sender: waits for what the others have not said yet, where that decides.
    pub(super) async fn share_last_refusals(
        &mut self,
        ledger: &Ledger,
    ) -> Result<Option<Pulled>, LedgerError> {
        let pulled = self.share_refusals(ledger).await?;
        if pulled.is_some() || !self.shared_row.is_open() {
            return Ok(pulled);
        }
        tokio::time::sleep(ALL_KNOWN).await;
        self.share_refusals(ledger).await
    }

    /// When the ledger is to be looked at next.
    pub(super) fn look_next(&self) -> Instant {
        if self.queue.has_refusals() { self.look_at.min(Instant::now() + COLLECT) } else { self.look_at }
    }
}

/// Begins to count refusals of a dispatch again: the owner has decided that it goes on.
///
/// # Errors
///
/// When the ledger cannot be written.
pub async fn forget_refusals(ledger: &Ledger, dispatch: DispatchId) -> Result<(), LedgerError> {
    let forget = |value: Option<&str>, _: Timestamp| {
        let none = serde_json::to_string(&Answers::default()).ok();
        (none.filter(|_| value.is_some()), ())
    };
    ledger.revise(&name_of(dispatch), forget).await
}
