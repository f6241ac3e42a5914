//! What a sender tells the others on the ledger, and learns from them: its share of connections by domain, and what relays take.

use super::runner::Runner;
use crate::{
    dispatch::{learned, peers::Peers},
    ledger::{Ledger, LedgerError},
};

impl Runner {
    fn peers_name(&self) -> String {
        format!("senders: {}", self.peers)
    }

    /// Begins with the pace that the relay has taught the others: who comes later need not be too fast first.
    pub(super) async fn meet_peers(&self, ledger: &Ledger) -> Result<(), LedgerError> {
        let worker = self.worker.id().number();
        let relay = self.relay.clone();
        let read =
            move |value: Option<&str>, now| (None, Peers::read(value).rate_of_others(worker, &relay, now));
        if let Some(rate) = ledger.revise(&self.peers_name(), read).await? {
            self.queue.slow_down_to(rate);
        }
        Ok(())
    }

    /// Says that this sender is at work, where that matters to others, and what it has learned about its relay.
    pub(super) async fn note_peers(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        self.keep_limits(ledger).await?;
        let rate = self.queue.rate();
        if rate.is_none() && !self.queue.limits_connections() {
            return Ok(());
        }
        let (worker, relay) = (self.worker.id().number(), self.relay.clone());
        let position = ledger
            .revise(&self.peers_name(), move |value, now| {
                let mut peers = Peers::read(value);
                let position = peers.note(worker, &relay, rate, now);
                (peers.write(), position)
            })
            .await?;
        self.queue.set_position(position);
        Ok(())
    }

    /// Keeps the relay's limits where this sender has learned something: who has not must not forget what others know.
    pub(super) async fn keep_limits(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        let limits = self.transport.learned();
        if self.kept != limits {
            learned::keep(ledger, &self.transport).await?;
            self.kept = limits;
        }
        Ok(())
    }

    /// Leaves its share to the others.
    pub(super) async fn leave_peers(&self, ledger: &Ledger) -> Result<(), LedgerError> {
        let worker = self.worker.id().number();
        let leave = move |value: Option<&str>, _| {
            let before = Peers::read(value);
            let mut peers = before.clone();
            peers.leave(worker);
            (peers.write().filter(|_| peers != before), ())
        };
        ledger.revise(&self.peers_name(), leave).await
    }
}
