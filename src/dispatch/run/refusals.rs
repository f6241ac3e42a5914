//! Refusals of all senders of a dispatch together: each adds its own to a value in the ledger, and the brake judges the sum.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::runner::Runner;
use crate::{
    dispatch::brake::{Answers, Pulled},
    ledger::{DispatchId, Ledger, LedgerError},
};

/// A refusal waits this long for others, so that the ledger is not asked for each.
pub(super) const GATHER: Duration = Duration::from_millis(200);

fn name_of(dispatch: DispatchId) -> String {
    format!("brake: {}", dispatch.number())
}

fn read(value: Option<&str>) -> Answers {
    value.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

impl Runner {
    /// Tells the other senders what was answered here; whether all answers together are too many refusals.
    pub(super) async fn share_refusals(&self, ledger: &Ledger) -> Result<Option<Pulled>, LedgerError> {
        let Some(later) = self.queue.take_unshared() else { return Ok(None) };
        let add = move |value: Option<&str>, _: Timestamp| {
            let mut all = read(value);
            all.add(later);
            (serde_json::to_string(&all).ok(), all)
        };
        match ledger.revise(&name_of(self.dispatch), add).await {
            Ok(all) => Ok(self.settings.brake.judge(all)),
            Err(error) => {
                self.queue.put_back_unshared(later);
                Err(error)
            }
        }
    }

    /// When the ledger is to be looked at next.
    pub(super) fn look_next(&self) -> Instant {
        if self.queue.has_refusals() { self.look_at.min(Instant::now() + GATHER) } else { self.look_at }
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
