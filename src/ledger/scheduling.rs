//! Scheduling an issue, and starting it once.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Ledger,
    database::FrozenSchedule,
    error::LedgerError,
    frozen,
    schedules::{NewSchedule, Schedule, ScheduleId, ScheduleState},
    values::{DispatchId, NewDispatch},
};
use crate::render::RenderedIssue;

impl Ledger {
    /// Schedules an issue, in place of an earlier schedule of it. `None` while that one is being started.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn schedule(&self, new: &NewSchedule<'_>) -> Result<Option<ScheduleId>, LedgerError> {
        let now = new.now;
        let schedule = FrozenSchedule {
            issue: frozen(&NewDispatch { rendered: new.rendered, opened_at: now }),
            at: new.at.clone(),
            late: new.late,
            skip_bad_rows: new.skip_bad_rows,
            signing: new.signing.clone(),
            settings: new.settings.clone(),
        };
        self.threads.write(move |store| store.schedule(&schedule, now)).await
    }

    /// All schedules that were not canceled, the earliest made first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, LedgerError> {
        self.threads.read(|store| store.schedules()).await
    }

    /// One schedule, whatever has become of it.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn schedule_by_id(&self, id: ScheduleId) -> Result<Schedule, LedgerError> {
        self.threads.read(move |store| store.schedule_by_id(id)).await
    }

    /// The letter of a schedule, as it was frozen.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Frozen`] if it was written by a later version, or is damaged.
    pub async fn scheduled(&self, id: ScheduleId) -> Result<RenderedIssue, LedgerError> {
        let bytes = self.threads.read(move |store| store.scheduled(id)).await?;
        RenderedIssue::from_stored(&bytes).map_err(|source| LedgerError::Frozen { source: Arc::new(source) })
    }

    /// Reserves the start of a waiting schedule for a while. False when someone else has reserved it, or it waits no more.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn reserve_start(
        &self,
        id: ScheduleId,
        starter: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, LedgerError> {
        let starter = starter.to_owned();
        self.threads.write(move |store| store.reserve_start(id, &starter, now, until)).await
    }

    /// Notes that a schedule has started, and opens its dispatch to workers, in one step. False when the start is not this
    /// starter's any more.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn start_schedule(
        &self,
        id: ScheduleId,
        starter: &str,
        dispatch: Option<DispatchId>,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let starter = starter.to_owned();
        self.threads.write(move |store| store.start_schedule(id, &starter, dispatch, now)).await
    }

    /// Ends a schedule that has not started, for whoever reserved its start, or while no one has. False when it is too late.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn end_schedule(
        &self,
        id: ScheduleId,
        starter: Option<&str>,
        state: ScheduleState,
        why: &str,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let (starter, why) = (starter.map(str::to_owned), why.to_owned());
        self.threads.write(move |store| store.end_schedule(id, starter.as_deref(), state, &why, now)).await
    }

    /// Gives the reserved start of a schedule back: someone else tries again.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn release_start(&self, id: ScheduleId, starter: &str) -> Result<(), LedgerError> {
        let starter = starter.to_owned();
        self.threads.write(move |store| store.release_start(id, &starter)).await
    }
}
