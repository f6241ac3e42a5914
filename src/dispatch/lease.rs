//! One claim in one hand: by type, no two connections hold the same letter, and what the ledger has taken back lies in no
//! queue any more.

use jiff::Timestamp;

use crate::{
    ledger::{Begun, Claim, DeliveryId, Ledger, LedgerError, Next},
    subscriber::Subscriber,
    transport::Outcome,
};

/// A claimed letter that waits in the queue: not begun, and leased to this sender. Neither it nor the [`Ticket`] that it
/// becomes can be cloned.
#[derive(Debug)]
pub(super) struct Lease(Claim);

impl Lease {
    pub(super) fn new(claim: Claim) -> Self {
        Self(claim)
    }

    pub(super) fn delivery(&self) -> DeliveryId {
        self.0.delivery
    }

    pub(super) fn subscriber(&self) -> &Subscriber {
        &self.0.subscriber
    }

    pub(super) fn domain(&self) -> &str {
        self.0.subscriber.address.domain()
    }

    /// Gives it to a connection.
    pub(super) fn hand_out(self) -> Ticket {
        Ticket { claim: self.0, begun: Written::No }
    }
}

/// How much the ledger knows of a letter that a connection holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// It was not asked.
    No,
    /// The beginning is written down, or may be: someone who has asked and did not wait for the answer cannot know.
    Perhaps,
    /// It is, and the body may leave.
    Granted,
    /// The lease is over: suppressed meanwhile, lost, or the ledger has failed.
    Over,
}

/// A letter that a connection holds. It travels with the letter and comes back with it.
#[derive(Debug)]
pub(super) struct Ticket {
    claim: Claim,
    begun: Written,
}

impl Ticket {
    pub(super) fn claim(&self) -> &Claim {
        &self.claim
    }

    pub(super) fn domain(&self) -> &str {
        self.claim.subscriber.address.domain()
    }

    /// Writes the beginning down. When this is dropped before it has answered, the letter counts as begun.
    pub(super) async fn begin(&mut self, ledger: &Ledger, now: Timestamp) -> Result<Begun, LedgerError> {
        self.begun = Written::Perhaps;
        let answer = ledger.begin(&self.claim, now).await;
        if !matches!(answer, Ok(Begun::Begun)) {
            self.begun = Written::Over;
        }
        answer
    }

    /// The body may leave.
    pub(super) fn grant(&mut self) {
        self.begun = Written::Granted;
    }

    /// Whether the body may have left.
    pub(super) fn is_granted(&self) -> bool {
        self.begun == Written::Granted
    }

    /// Writes down what became of the letter.
    pub(super) fn end(self, ledger: &Ledger, outcome: &Outcome, next: Next, now: Timestamp) {
        ledger.end(&self.claim, outcome, next, now);
    }

    /// Nothing of the letter has left. Either it goes back to the queue as it was, or the ledger takes it back and gives
    /// it out again in its own time, with a lease of its own: never both.
    pub(super) fn give_back(self, ledger: &Ledger) -> Option<Lease> {
        match self.begun {
            Written::No => Some(Lease(self.claim)),
            Written::Perhaps | Written::Granted => {
                ledger.withdraw(&self.claim);
                None
            }
            Written::Over => None,
        }
    }
}
