//! The end of a run.

use super::{ended::Ended, grants, runner::Runner};
use crate::ledger::{Ledger, LedgerError};

impl Runner {
    /// Gives everything back that did not leave, and writes down what was learned. How it ended for all senders together: this one's
    /// last refusals may have been the ones too many.
    pub(super) async fn close(
        &mut self,
        ledger: &Ledger,
        ended: Result<Ended, LedgerError>,
    ) -> Result<Ended, LedgerError> {
        let now = (self.clock)();
        grants::give_back(&self.queue).await?;
        self.suppress(ledger).await?;
        ledger.flush().await?;
        ledger.release(&self.worker, now).await?;
        let shared = match &ended {
            Ok(Ended::Finished | Ended::Paused { .. }) => self.share_last_refusals(ledger).await?,
            _ => self.share_refusals(ledger).await?,
        };
        let ended = match (ended, &shared) {
            (Ok(Ended::Finished | Ended::Paused { .. }), Some(pulled)) => Ok(Ended::Brake(pulled.clone())),
            (ended, _) => ended,
        };
        let own = if let Ok(Ended::Brake(pulled)) = &ended { Some(pulled) } else { None };
        if let Some(pulled) = own.or(shared.as_ref()) {
            // Others would do the damage that the brake is there to prevent.
            ledger.stop_run(self.dispatch, &format!("stopped by the brake: {pulled}"), now).await?;
        }
        self.keep_limits(ledger).await?;
        self.leave_peers(ledger).await?;
        ended
    }

    pub(super) async fn suppress(&self, ledger: &Ledger) -> Result<(), LedgerError> {
        let found = self.queue.take_suppressions();
        if !found.is_empty() {
            ledger.suppress_all(found.into_iter().map(Ok).collect::<Vec<_>>()).await?;
        }
        Ok(())
    }
}
