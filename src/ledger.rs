//! What is owed, tried and done; suppressions.
//!
//! In: a frozen issue and the people who are owed it, then begins and ends of attempts. Out: claims, tallies, histories.
//! Never: sends, composes, or keeps a transaction open while the network is in use. Only it and `audience` have SQL.
//!
//! A delivery goes `queued` → `claimed` → `begun` → `accepted`, `failed`, `unconfirmed`, or back as `deferred`. Claims
//! are leases: each has an epoch, and a mark with an old epoch is refused. What a dead worker had begun is unconfirmed
//! and never tried again unasked. In a fast dispatch a claim is pre-committed, and the worker's log says what of it was
//! started.
//!
//! Files import only what is above them in this order, so that there are no circles (a test holds that): `error`, `values`,
//! `bounces`, `records`, `runs`, `schedules`, `suppressed_hashes`, `lease`, `system`, `files`, `options`, `log`, `worker`, `claim`, `transition`, `database`, `queue`,
//! `writer`, `threads`, `pages`; then this file, and the calls by concern in `work`, `running`, `scheduling`, `shared`, `decisions`, `hashes`, `returned` and `queries`.

mod bounces;
mod claim;
mod database;
mod decisions;
mod error;
mod files;
mod hashes;
mod identity_hasher;
mod lease;
mod log;
mod options;
mod pages;
mod queries;
mod queue;
mod records;
mod returned;
mod running;
mod runs;
mod schedules;
mod scheduling;
mod shared;
mod suppressed_hashes;
mod system;
mod threads;
mod transition;
mod values;
mod work;
mod worker;
mod writer;

pub use crate::storage::{Location, Server, ServerError};
pub use bounces::{BounceEvent, BounceGroup, Effect, FoundDelivery, NewBounce, Recorded, ReturnedTally};
pub use claim::{Claim, Domains, Selected, Selection, Share, Wanted};
pub(crate) use database::{database_error, suppressed_hashes};
pub use error::{BoxError, Cause, LedgerError};
pub use lease::{Begun, Next};
pub use options::{OpenOptions, Restored};
pub use pages::Pages;
pub use records::{
    Bucket, DeliveryHistory, DeliveryRow, HistoryEvent, Offered, OutcomeKind, ReplyGroup, WorkerShare,
};
pub use runs::{Joinable, OpenRun, Stops};
pub use schedules::{InvalidLocalTime, LocalTime, NewSchedule, Schedule, ScheduleId, ScheduleState};
pub use suppressed_hashes::{Erased, SuppressedHashes};
pub use values::{
    Decision, DeliveryId, DispatchId, DispatchRecord, Moved, NewDispatch, Opened, Reaped, Reason,
    SelectionId, State, Suppression, Tally, WorkerId,
};
pub use worker::Worker;

use std::{fmt, sync::Arc};

use crate::{render::RenderedIssue, subscriber::Subscriber};
use database::{Duplicates, Frozen, Store};
use threads::Threads;

/// A handle to the ledger; cheap to clone and to use from many tasks.
///
/// Whatever waits is committed together, so callers should not wait for each other. Reads see everything
/// that was asked for before through any clone of the handle.
///
/// ```
/// use mimeograph::{
///     address::EmailAddress,
///     ledger::{Ledger, Reason, Suppression},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // One that is kept: `Ledger::open(Path::new("ledger.db"))`.
/// let ledger = Ledger::scratch()?;
/// let suppression = Suppression {
///     address: EmailAddress::parse("ada@example.com")?,
///     reason: Reason::Unsubscribed,
///     note: None,
///     at: jiff::Timestamp::now(),
/// };
/// assert!(ledger.suppress(suppression.clone()).await?);
/// assert!(!ledger.suppress(suppression).await?, "it is suppressed already");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Ledger {
    threads: Arc<Threads>,
}

impl Ledger {
    /// Opens the ledger in a file (0600), or makes it and its folder (0700); or opens the one on a server.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Open`] if the file cannot be made or opened, [`LedgerError::Corrupt`] if it is damaged or no ledger, and
    /// [`LedgerError::Restored`] if it is older than the last one that was used here. Of a server
    /// [`LedgerError::Unreachable`], [`LedgerError::Pooler`] and [`LedgerError::Replaced`].
    pub fn open(location: impl Into<Location>) -> Result<Self, LedgerError> {
        Self::open_with(location, &OpenOptions::default())
    }

    /// Opens or makes a ledger as [`open`](Self::open) does, with other options than the usual ones.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_with(location: impl Into<Location>, options: &OpenOptions) -> Result<Self, LedgerError> {
        let location = location.into();
        let writer = Store::open(&location, options)?;
        let reader = Store::beside(&location, options)?;
        Ok(Self { threads: Arc::new(Threads::start(Some(writer), Some(reader))) })
    }

    /// Opens a ledger for questions only; it must be there. Where a sender has died and left a log, what it says is taken over first,
    /// if the ledger can be written.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Missing`] if there is no such file; otherwise as for [`open`](Self::open).
    pub fn open_read_only(location: impl Into<Location>) -> Result<Self, LedgerError> {
        let reader = Store::open_read_only(&location.into(), &OpenOptions::default())?;
        Ok(Self { threads: Arc::new(Threads::start(None, Some(reader))) })
    }

    /// Copies a ledger that no one uses into a place where there is none, compares the two, and retires the first: it is opened
    /// for writing only with [`Restored::Accept`] from then on. Either all of it is there afterwards or nothing; what was
    /// interrupted is completed by the same call again.
    ///
    /// # Errors
    ///
    /// [`LedgerError::InUse`] while another process has it open or a sender may live, [`LedgerError::NotEmpty`] if something is
    /// in the new place; otherwise as for [`open`](Self::open).
    pub fn move_to(from: &Location, to: &Location, options: &OpenOptions) -> Result<Moved, LedgerError> {
        Ok(Store::move_ledger(from, to, options)?)
    }

    /// A ledger that no one else sees and that is gone with its last handle: for dry runs and tests.
    ///
    /// # Errors
    ///
    /// If the system has no place for temporary files.
    pub fn scratch() -> Result<Self, LedgerError> {
        Ok(Self { threads: Arc::new(Threads::start(Some(Store::scratch()?), None)) })
    }

    /// A scratch ledger that begins as a copy of another: for a dry run of what would be done with that one, which
    /// stays as it is. Senders that are at work there hold their letters in the copy too.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Missing`] if there is no such file, and whatever keeps it from being read.
    pub fn scratch_copy(location: impl Into<Location>) -> Result<Self, LedgerError> {
        let real = Store::open_read_only(&location.into(), &OpenOptions::default())?;
        Ok(Self { threads: Arc::new(Threads::start(Some(Store::scratch_copy(&real)?), None)) })
    }

    /// Freezes an issue and one delivery for each address, in one transaction; the people are streamed. Suppressed
    /// people get a delivery too, which is closed as such, so that the tally is the plan. An `Err` of the list undoes
    /// everything.
    ///
    /// # Errors
    ///
    /// [`LedgerError::AlreadyOpen`] if the issue has a dispatch, [`LedgerError::People`] if the list broke off, or another error of the
    /// disk or the database. Nothing is recorded then.
    pub async fn open_dispatch<P>(&self, new: &NewDispatch<'_>, people: P) -> Result<Opened, LedgerError>
    where
        P: IntoIterator<Item = Result<Subscriber, BoxError>> + Send + 'static,
    {
        self.open_with_people(new, people, Duplicates::Skip).await
    }

    /// Freezes an issue as [`open_dispatch`](Self::open_dispatch) does, for people who are all different: an address that comes twice
    /// undoes everything ([`LedgerError::Repeated`]). Faster, for it looks for no delivery that is there already.
    ///
    /// # Errors
    ///
    /// As for [`open_dispatch`](Self::open_dispatch), and [`LedgerError::Repeated`].
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

    /// Freezes the issue of a dispatch again, as long as no one has it: no letter has begun to leave, except through the
    /// relay that does not count, and no worker holds one. False when it is too late.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
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
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
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
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub async fn change_signing(&self, dispatch: DispatchId, signing: &str) -> Result<(), LedgerError> {
        let signing = signing.to_owned();
        self.threads.write(move |store| store.change_signing(dispatch, &signing)).await
    }

    /// Queues again what went through this relay and no other, as if it had never been offered. Returns how many letters
    /// that are.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub async fn requeue(&self, dispatch: DispatchId, relay: &str) -> Result<u64, LedgerError> {
        let relay = relay.to_owned();
        self.threads.write(move |store| store.requeue(dispatch, &relay)).await
    }

    /// The relays of all workers that ever registered.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub async fn relays(&self) -> Result<Vec<String>, LedgerError> {
        self.threads.read(|store| store.relays()).await
    }

    /// How many letters of a dispatch have begun to leave through which relay.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub async fn letters_by_relay(&self, dispatch: DispatchId) -> Result<Vec<(String, u64)>, LedgerError> {
        self.threads.read(move |store| store.letters_by_relay(dispatch)).await
    }

    /// A further, explicit plan: people who are not in the dispatch are owed the frozen issue too. Nothing changes for
    /// those who are in.
    ///
    /// # Errors
    ///
    /// [`LedgerError::People`] if the list broke off. Nothing is recorded then.
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
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub async fn find_dispatch(&self, slug: &str) -> Result<Option<DispatchRecord>, LedgerError> {
        let slug = slug.to_owned();
        self.threads.read(move |store| store.find_dispatch(&slug)).await
    }

    /// All dispatches, the latest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub async fn dispatches(&self) -> Result<Vec<DispatchRecord>, LedgerError> {
        self.threads.read(|store| store.dispatches()).await
    }

    /// The issue as it was frozen.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Frozen`] if it was written by a later version, or is damaged.
    pub async fn rendered(&self, dispatch: DispatchId) -> Result<RenderedIssue, LedgerError> {
        let bytes = self.threads.read(move |store| store.rendered(dispatch)).await?;
        RenderedIssue::from_stored(&bytes).map_err(|source| LedgerError::Frozen { source: Arc::new(source) })
    }

    /// Notes which deliveries a run is about, to be claimed by [`Wanted::selection`]. Known to this handle and its clones.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub async fn select(&self, dispatch: DispatchId, selection: Selection) -> Result<Selected, LedgerError> {
        self.threads.write(move |store| store.select(dispatch, &selection)).await
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
        opened_at: database::opened_at(new.opened_at),
        topics: new.rendered.topics.join(","),
    }
}
