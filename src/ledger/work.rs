//! Working a dispatch off: a worker claims deliveries, begins them, and reports how they ended.

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{
    Ledger,
    claim::{Claim, InLog, Wanted},
    error::LedgerError,
    lease::{Begun, Close, Hold, Next},
    log::Start,
    queue::Request,
    records::Offered,
    transition::{Transition, TransitionKind},
    values::{DispatchId, Reaped},
    worker::Worker,
};
use crate::transport::Outcome;

impl Ledger {
    /// Signs on as a worker. `relay` names the relay for limits and histories.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn register_worker(&self, relay: &str, now: Timestamp) -> Result<Worker, LedgerError> {
        let relay = relay.to_owned();
        self.threads.write(move |store| store.register_worker(&relay, now)).await
    }

    /// Leases up to `limit` deliveries that are due: those that were put off or given back first, then the others in
    /// the order of the list. Suppressed ones are closed on the way. Empty: nothing is due now ([`Self::next_due`]).
    ///
    /// # Errors
    ///
    /// If an earlier outcome could not be recorded, or the database refuses; nothing is claimed then.
    pub async fn claim(
        &self,
        dispatch: DispatchId,
        worker: &Worker,
        limit: usize,
        now: Timestamp,
        wanted: &Wanted,
    ) -> Result<Vec<Claim>, LedgerError> {
        // A server that is away is waited for.
        self.threads.check().or_else(|error| if error.is_away() { Ok(()) } else { Err(error) })?;
        let (worker, log, wanted) = (worker.id(), worker.log().cloned(), wanted.clone());
        self.threads
            .write(move |store| store.claim(dispatch, worker, log.as_ref(), limit, now, &wanted))
            .await
    }

    /// When the next delivery that was put off is due; `None` when none waits.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn next_due(
        &self,
        dispatch: DispatchId,
        wanted: &Wanted,
    ) -> Result<Option<Timestamp>, LedgerError> {
        let wanted = wanted.clone();
        // Selections are known to the writing connection only.
        self.threads.write(move |store| store.next_due(dispatch, &wanted)).await
    }

    /// Makes everything that was put off due at once.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn make_due_now(&self, dispatch: DispatchId) -> Result<u64, LedgerError> {
        self.threads.write(move |store| store.make_due_now(dispatch)).await
    }

    /// Writes the attempt down; durable when it answers (see [`Wanted::pre_commit`]). To be asked when the relay has said
    /// 354, before the first byte of the body. It is the fence against late workers and the last look at suppressions. On
    /// an error nothing may leave.
    ///
    /// # Errors
    ///
    /// If the attempt cannot be recorded: nothing may leave then.
    pub async fn begin(&self, claim: &Claim, now: Timestamp) -> Result<Begun, LedgerError> {
        let (hold, at) = (claim.hold, now.as_millisecond());
        let Some(in_log @ InLog { log, fence: Some(fence), .. }) = &claim.in_log else {
            return self.ask(hold, at, false).await;
        };
        let health = self.threads.check();
        if health.as_ref().is_err_and(|error| !error.is_away()) {
            health.clone()?;
        }
        match log.start(hold, at, *fence)? {
            Start::Started if health.is_ok() && in_log.is_open() => return Ok(Begun::Begun),
            Start::NotHeld => return Ok(Begun::Lost),
            // A server that is away may come back.
            Start::Started | Start::Fenced => {}
        }
        let answer = self.ask(hold, at, true).await;
        match answer {
            Ok(Begun::Begun) => {}
            Ok(Begun::Suppressed) => log.forget(hold),
            // Nothing will leave, and the log says that it was started; whoever took it for dead may call it unconfirmed.
            Ok(Begun::Lost) | Err(_) => self.withdraw(claim),
        }
        answer
    }

    async fn ask(&self, hold: Hold, at: i64, is_pre_committed: bool) -> Result<Begun, LedgerError> {
        let (reply, answer) = oneshot::channel();
        let kind = TransitionKind::Begin { at, is_pre_committed, answer: Begun::Lost, reply };
        self.threads.send(Request::Transition(Transition { hold, kind, logged: None }))?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }

    /// Writes down what became of the letter; durable soon after, together with what else waits. Works for claims that
    /// were begun and, for replies before the body, for those that were not. A disk that is full or a ledger that is
    /// locked is tried again for minutes; what cannot be written in the end shows in [`Self::flush`] and stops further
    /// begins. An accepted letter is closed as accepted and an unconfirmed one as unconfirmed, whatever `next` says.
    pub fn end(&self, claim: &Claim, outcome: &Outcome, next: Next, now: Timestamp) {
        let (at, outcome) = (now.as_millisecond(), outcome.clone());
        self.close(claim, Close::Ended { at, outcome, next });
    }

    /// Takes a claim, begun or not, back to the queue, as if it had never been taken: not a byte of the body has left
    /// and no one refused it. Durable soon after.
    pub fn withdraw(&self, claim: &Claim) {
        self.close(claim, Close::Withdrawn);
    }

    fn close(&self, claim: &Claim, close: Close) {
        let hold = claim.hold;
        let send = |close, started_at, logged| {
            let kind = TransitionKind::Close { close, started_at };
            // A writer that is gone shows in `flush`.
            drop(self.threads.send(Request::Transition(Transition { hold, kind, logged })));
        };
        match &claim.in_log {
            Some(InLog { log, .. }) => log.close(hold, close, send),
            None => send(close, None, None),
        }
    }

    /// Waits until everything asked for before is durable; an error if something had to be given up.
    ///
    /// # Errors
    ///
    /// If something that was asked for before could not be recorded.
    pub async fn flush(&self) -> Result<(), LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.threads.send(Request::Flush(reply))?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }

    /// Gives back what the worker has claimed and not begun. Returns how many that were.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn release(&self, worker: &Worker, now: Timestamp) -> Result<u64, LedgerError> {
        let (worker, log) = (worker.id(), worker.log().cloned());
        self.threads.write(move |store| store.release(worker, log.as_deref(), now)).await
    }

    /// Looks for dead workers, by their locks and not by a clock: their claims go back to the queue, and what they had
    /// begun is unconfirmed.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn reap(&self, now: Timestamp) -> Result<Reaped, LedgerError> {
        self.threads.write(move |store| store.reap(now)).await
    }

    /// Letters offered (attempts begun or ended) between two moments, for limits that hold across restarts.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn attempts_between(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Offered>, LedgerError> {
        self.threads.read(move |store| store.attempts_between(since, until)).await
    }
}
