//! What is owed, tried and done; suppressions.
//!
//! In: a frozen issue and the people who are owed it, then begins and ends of attempts. Out: claims, tallies, histories.
//! Never: sends, composes, or keeps a transaction open while the network is in use. It is the only room with SQL.
//!
//! A delivery goes `queued` → `claimed` → `begun` → `accepted`, `failed`, `unconfirmed`, or back as `deferred`. Claims
//! are leases: each has an epoch, and a mark with an old epoch is refused. What a dead worker had begun is unconfirmed
//! and never tried again unasked. In a fast dispatch a claim is pre-committed, and the worker's log says what of it was
//! started.

mod claim;
mod error;
mod files;
mod identity_hasher;
mod lease;
mod log;
mod pages;
mod queue;
mod sqlite;
mod threads;
mod transition;
mod values;
mod worker;
mod writer;

pub use claim::{Claim, Domains, Selected, Selection, Wanted};
pub use error::{Cause, LedgerError};
pub use lease::{Begun, Next};
pub use pages::Pages;
pub use values::{
    Bucket, Decision, DeliveryHistory, DeliveryId, DeliveryRow, DispatchId, DispatchRecord, HistoryEvent,
    NewDispatch, Offered, OpenOptions, Opened, OutcomeKind, Reaped, Reason, ReplyGroup, Restored,
    SelectionId, State, Suppression, Tally, WorkerId,
};
pub use worker::Worker;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::{address::EmailAddress, render::RenderedIssue, subscriber::Subscriber, transport::Outcome};
use claim::InLog;
use lease::{Close, Hold};
use log::Start;
use pages::PAGE;
use sqlite::{Duplicates, Frozen, Store};
use threads::Threads;
use transition::{Transition, TransitionKind};
use writer::Request;

/// The cause of a list of people that broke off.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A handle to the ledger; cheap to clone and to use from many tasks.
///
/// Whatever waits is gathered and committed together, so callers should not wait for each other. Reads see everything
/// that was asked for before through any clone of the handle.
#[derive(Clone)]
pub struct Ledger {
    threads: Arc<Threads>,
}

impl Ledger {
    /// Opens the ledger in a file (0600), or makes it and its folder (0700).
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::open_with(path, &OpenOptions::default())
    }

    /// The same, with everything said.
    pub fn open_with(path: &Path, options: &OpenOptions) -> Result<Self, LedgerError> {
        let writer = Store::open(path, options)?;
        let reader = Store::beside(path, options)?;
        Ok(Self { threads: Arc::new(Threads::start(Some(writer), Some(reader))) })
    }

    /// Opens a ledger for questions only; it must be there. Where a sender has died and left a log, what it says is taken over first,
    /// if the ledger can be written.
    pub fn open_read_only(path: &Path) -> Result<Self, LedgerError> {
        let reader = Store::open_read_only(path, &OpenOptions::default())?;
        Ok(Self { threads: Arc::new(Threads::start(None, Some(reader))) })
    }

    /// A ledger that nobody else sees and that is gone with its last handle: for dry runs and tests.
    pub fn scratch() -> Result<Self, LedgerError> {
        Ok(Self { threads: Arc::new(Threads::start(Some(Store::scratch()?), None)) })
    }

    /// A scratch ledger that begins as a copy of a ledger's file: for a dry run of what would be done with that one, which
    /// stays as it is. Senders that are at work there hold their letters in the copy too.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Missing`] if there is no such file, and whatever keeps it from being read.
    pub fn scratch_copy(path: &Path) -> Result<Self, LedgerError> {
        Ok(Self { threads: Arc::new(Threads::start(Some(Store::scratch_copy(path)?), None)) })
    }

    // A sending is opened.

    /// Freezes an issue and one delivery for each address, in one transaction; the people are streamed. Suppressed
    /// people get a delivery too, which is closed as such, so that the tally is the plan. An `Err` of the list undoes
    /// everything.
    pub async fn open_dispatch<P>(&self, new: &NewDispatch<'_>, people: P) -> Result<Opened, LedgerError>
    where
        P: IntoIterator<Item = Result<Subscriber, BoxError>> + Send + 'static,
    {
        self.open_with_people(new, people, Duplicates::Skip).await
    }

    /// The same for people who are all different: who comes twice undoes everything ([`LedgerError::Repeated`]).
    pub async fn open_dispatch_of_distinct<P>(
        &self,
        new: &NewDispatch<'_>,
        people: P,
    ) -> Result<Opened, LedgerError>
    where
        P: IntoIterator<Item = Result<Subscriber, BoxError>> + Send + 'static,
    {
        self.open_with_people(new, people, Duplicates::Refuse).await
    }

    async fn open_with_people<P>(
        &self,
        new: &NewDispatch<'_>,
        people: P,
        duplicates: Duplicates,
    ) -> Result<Opened, LedgerError>
    where
        P: IntoIterator<Item = Result<Subscriber, BoxError>> + Send + 'static,
    {
        let frozen = frozen(new);
        let opened = self
            .threads
            .write(move |store| store.open_dispatch(&frozen, people.into_iter(), duplicates))
            .await?;
        self.threads.tidy();
        Ok(opened)
    }

    /// Freezes the issue of a dispatch again, as long as nobody has it: no letter has begun to leave, except through the
    /// relay that does not count, and no worker holds one. False when it is too late.
    pub async fn refreeze(
        &self,
        dispatch: DispatchId,
        new: &NewDispatch<'_>,
        uncounted: Option<&str>,
    ) -> Result<bool, LedgerError> {
        let (frozen, uncounted) = (frozen(new), uncounted.map(str::to_owned));
        self.threads.write(move |store| store.refreeze(dispatch, &frozen, uncounted.as_deref())).await
    }

    /// What letters of a dispatch are signed with: this text, if it is the first, or as long as no letter has begun to leave
    /// (except through the relay that does not count); otherwise what was frozen then.
    pub async fn freeze_signing(
        &self,
        dispatch: DispatchId,
        signing: &str,
        uncounted: Option<&str>,
    ) -> Result<String, LedgerError> {
        let (signing, uncounted) = (signing.to_owned(), uncounted.map(str::to_owned));
        self.threads.write(move |store| store.freeze_signing(dispatch, &signing, uncounted.as_deref())).await
    }

    /// Notes that letters of a dispatch are signed otherwise from now on, because the owner said so.
    pub async fn change_signing(&self, dispatch: DispatchId, signing: &str) -> Result<(), LedgerError> {
        let signing = signing.to_owned();
        self.threads.write(move |store| store.change_signing(dispatch, &signing)).await
    }

    /// Queues again what went through this relay and no other, as if it had never been offered. Returns how many letters
    /// that are.
    pub async fn requeue(&self, dispatch: DispatchId, relay: &str) -> Result<u64, LedgerError> {
        let relay = relay.to_owned();
        self.threads.write(move |store| store.requeue(dispatch, &relay)).await
    }

    /// The relays of all workers that ever registered.
    pub async fn relays(&self) -> Result<Vec<String>, LedgerError> {
        self.threads.read(|store| store.relays()).await
    }

    /// How many letters of a dispatch have begun to leave through which relay.
    pub async fn letters_by_relay(&self, dispatch: DispatchId) -> Result<Vec<(String, u64)>, LedgerError> {
        self.threads.read(move |store| store.letters_by_relay(dispatch)).await
    }

    /// A further, explicit plan: people who are not in the dispatch are owed the frozen issue too. Nothing changes for
    /// those who are in.
    pub async fn extend_dispatch<P>(&self, dispatch: DispatchId, people: P) -> Result<Opened, LedgerError>
    where
        P: IntoIterator<Item = Result<Subscriber, BoxError>> + Send + 'static,
    {
        let opened =
            self.threads.write(move |store| store.extend_dispatch(dispatch, people.into_iter())).await?;
        self.threads.tidy();
        Ok(opened)
    }

    /// The latest dispatch of an issue.
    pub async fn find_dispatch(&self, slug: &str) -> Result<Option<DispatchRecord>, LedgerError> {
        let slug = slug.to_owned();
        self.threads.read(move |store| store.find_dispatch(&slug)).await
    }

    /// All dispatches, the latest first.
    pub async fn dispatches(&self) -> Result<Vec<DispatchRecord>, LedgerError> {
        self.threads.read(|store| store.dispatches()).await
    }

    /// The issue as it was frozen.
    pub async fn rendered(&self, dispatch: DispatchId) -> Result<RenderedIssue, LedgerError> {
        let bytes = self.threads.read(move |store| store.rendered(dispatch)).await?;
        RenderedIssue::from_stored(&bytes).map_err(|source| LedgerError::Frozen { source: Arc::new(source) })
    }

    /// Notes which deliveries a run is about, to be claimed by [`Wanted::selection`]. Known to this handle and its clones.
    pub async fn select(&self, dispatch: DispatchId, selection: Selection) -> Result<Selected, LedgerError> {
        self.threads.write(move |store| store.select(dispatch, &selection)).await
    }

    // It is worked off.

    /// Signs on as a worker. `relay` names the relay for limits and histories.
    pub async fn register_worker(&self, relay: &str, now: Timestamp) -> Result<Worker, LedgerError> {
        let relay = relay.to_owned();
        self.threads.write(move |store| store.register_worker(&relay, now)).await
    }

    /// Leases up to `limit` deliveries that are due: those that were put off or given back first, then the others in
    /// the order of the list. Suppressed ones are closed on the way. Empty: nothing is due now ([`Self::next_due`]).
    pub async fn claim(
        &self,
        dispatch: DispatchId,
        worker: &Worker,
        limit: usize,
        now: Timestamp,
        wanted: &Wanted,
    ) -> Result<Vec<Claim>, LedgerError> {
        self.threads.check()?;
        let (worker, log, wanted) = (worker.id(), worker.log().cloned(), wanted.clone());
        self.threads
            .write(move |store| store.claim(dispatch, worker, log.as_ref(), limit, now, &wanted))
            .await
    }

    /// When the next delivery that was put off is due; `None` when none waits.
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
    pub async fn make_due_now(&self, dispatch: DispatchId) -> Result<u64, LedgerError> {
        self.threads.write(move |store| store.make_due_now(dispatch)).await
    }

    /// Writes the attempt down; durable when it answers (see [`Wanted::pre_commit`]). To be asked when the relay has said
    /// 354, before the first byte of the body. It is the fence against late workers and the last look at suppressions. On
    /// an error nothing may leave.
    pub async fn begin(&self, claim: &Claim, now: Timestamp) -> Result<Begun, LedgerError> {
        let (hold, at) = (claim.hold, now.as_millisecond());
        let Some(InLog { log, fence: Some(fence) }) = &claim.in_log else {
            return self.ask(hold, at, false).await;
        };
        self.threads.check()?;
        match log.start(hold, at, *fence)? {
            Start::Started => return Ok(Begun::Begun),
            Start::NotHeld => return Ok(Begun::Lost),
            Start::Fenced => {}
        }
        let answer = self.ask(hold, at, true).await;
        match answer {
            Ok(Begun::Begun) => {}
            Ok(Begun::Suppressed | Begun::Lost) => log.forget(hold),
            // Nothing will leave, and the log says that it was started.
            Err(_) => self.withdraw(claim),
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
    /// and nobody refused it. Durable soon after.
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
    pub async fn flush(&self) -> Result<(), LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.threads.send(Request::Flush(reply))?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }

    /// Gives back what the worker has claimed and not begun. Returns how many that were.
    pub async fn release(&self, worker: &Worker, now: Timestamp) -> Result<u64, LedgerError> {
        let (worker, log) = (worker.id(), worker.log().cloned());
        self.threads.write(move |store| store.release(worker, log.as_deref(), now)).await
    }

    /// Looks for dead workers, by their locks and not by a clock: their claims go back to the queue, and what they had
    /// begun is unconfirmed.
    pub async fn reap(&self, now: Timestamp) -> Result<Reaped, LedgerError> {
        self.threads.write(move |store| store.reap(now)).await
    }

    /// Letters offered (attempts begun or ended) between two moments, for limits that hold across restarts.
    pub async fn attempts_between(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Offered>, LedgerError> {
        self.threads.read(move |store| store.attempts_between(since, until)).await
    }

    // The owner decides.

    /// Decides about unconfirmed deliveries ([`Decision::Accept`], [`Decision::Resend`]) or failed ones
    /// ([`Decision::Retry`]): all of the dispatch, or those of some addresses. Returns how many were changed.
    pub async fn decide(
        &self,
        dispatch: DispatchId,
        decision: Decision,
        addresses: Option<Vec<EmailAddress>>,
        now: Timestamp,
    ) -> Result<u64, LedgerError> {
        self.threads.write(move |store| store.decide(dispatch, decision, addresses.as_deref(), now)).await
    }

    /// Suppresses an address from now on: no body is begun for it after this has answered. False when it was
    /// suppressed already; its first reason stays.
    pub async fn suppress(&self, suppression: Suppression) -> Result<bool, LedgerError> {
        Ok(self.suppress_all([Ok(suppression)]).await? == 1)
    }

    /// Suppresses many addresses, in one transaction. Returns how many are new.
    pub async fn suppress_all<S>(&self, suppressions: S) -> Result<u64, LedgerError>
    where
        S: IntoIterator<Item = Result<Suppression, BoxError>> + Send + 'static,
    {
        self.threads.write(move |store| store.suppress(suppressions.into_iter())).await
    }

    /// Lifts a suppression; false when there was none. Deliveries that were closed for it stay closed.
    pub async fn unsuppress(&self, address: &EmailAddress) -> Result<bool, LedgerError> {
        let address = address.clone();
        self.threads.write(move |store| store.unsuppress(&address)).await
    }

    // The owner asks.

    /// The suppression of an address, if there is one.
    pub async fn suppression(&self, address: &EmailAddress) -> Result<Option<Suppression>, LedgerError> {
        let address = address.clone();
        self.threads.read(move |store| store.suppression(&address)).await
    }

    /// The suppression list, in the order it grew.
    pub fn suppressions(&self) -> Pages<Suppression> {
        Pages::new(Arc::clone(&self.threads), |store, after| store.suppressions(after, PAGE))
    }

    /// How many deliveries are in which state.
    pub async fn tally(&self, dispatch: DispatchId) -> Result<Tally, LedgerError> {
        self.threads.read(move |store| store.tally(dispatch)).await
    }

    /// The deliveries of a dispatch, in the order of the list: all, or those in one state.
    pub fn deliveries(&self, dispatch: DispatchId, only: Option<State>) -> Pages<DeliveryRow> {
        Pages::new(Arc::clone(&self.threads), move |store, after| {
            let page = store.deliveries(dispatch, only, after, PAGE)?;
            Ok(page.into_iter().map(|row| (row.delivery.0, row)).collect())
        })
    }

    /// The people who are still owed the issue, as they were frozen, in the order of the list.
    pub fn owed(&self, dispatch: DispatchId) -> Pages<Subscriber> {
        let states = [State::Queued, State::Deferred];
        Pages::new(Arc::clone(&self.threads), move |store, after| store.people(dispatch, states, after, PAGE))
    }

    /// The people who were refused for good, as they were frozen, in the order of the list.
    pub fn failed(&self, dispatch: DispatchId) -> Pages<Subscriber> {
        let states = [State::Failed, State::Failed];
        Pages::new(Arc::clone(&self.threads), move |store, after| store.people(dispatch, states, after, PAGE))
    }

    /// The state of one address; `None` when it is not in the dispatch.
    pub async fn state_of(
        &self,
        dispatch: DispatchId,
        address: &EmailAddress,
    ) -> Result<Option<State>, LedgerError> {
        let address = address.clone();
        self.threads.read(move |store| store.state_of(dispatch, &address)).await
    }

    /// Everything that ever happened for an address, the latest dispatch first.
    pub async fn history(&self, address: &EmailAddress) -> Result<Vec<DeliveryHistory>, LedgerError> {
        let address = address.clone();
        self.threads.read(move |store| store.history(&address)).await
    }

    /// The attempts of a dispatch, grouped by how they ended, the most frequent first.
    pub async fn replies(&self, dispatch: DispatchId) -> Result<Vec<ReplyGroup>, LedgerError> {
        self.threads.read(move |store| store.replies(dispatch)).await
    }

    /// The course of a dispatch in stretches of so many seconds; stretches without an ended attempt are left out.
    pub async fn timeline(&self, dispatch: DispatchId, seconds: u32) -> Result<Vec<Bucket>, LedgerError> {
        self.threads.read(move |store| store.timeline(dispatch, seconds)).await
    }

    /// Writes a copy of this moment to a new file, also while letters are being sent.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Backup`] if the file exists or cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<(), LedgerError> {
        let to = to.to_owned();
        self.threads.read(move |store| store.backup(&to)).await
    }

    /// The file outside of the ledger's folder that notices when the whole folder is put back from a backup
    /// ([`OpenOptions::marks`]); `None` when there is none.
    pub async fn mark(&self) -> Result<Option<PathBuf>, LedgerError> {
        self.threads.write(|store| Ok(store.mark())).await
    }

    /// Looks through the whole ledger for damage.
    pub async fn check(&self) -> Result<(), LedgerError> {
        self.threads.read(|store| store.check()).await
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

fn frozen(new: &NewDispatch<'_>) -> Frozen {
    Frozen {
        slug: new.rendered.slug.clone(),
        number: new.rendered.number,
        title: new.rendered.title.clone(),
        digest: new.rendered.digest(),
        rendered: new.rendered.to_stored(),
        opened_at: sqlite::opened_at(new.opened_at),
    }
}
