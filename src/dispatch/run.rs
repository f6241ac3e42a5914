//! One run over an opened dispatch: keeps connections at work until nothing is left to do, or something says stop.

mod closing;
mod decision;
mod ended;
mod grants;
mod job;
mod limits;
mod peers;
mod refusals;
mod route;
mod runner;
mod several;

use std::sync::Arc;

use tokio::sync::watch;

pub use ended::{Ended, Interrupt};
pub use refusals::forget_refusals;
pub use route::Route;

use super::{clock::Clock, event::Event, routing::Terms, settings::Settings};
use crate::{
    ledger::{DispatchId, Ledger, LedgerError, SelectionId},
    message::Composer,
};
use job::Job;

/// One run over an open dispatch; [`Opened::run`](super::Opened::run) makes it.
#[must_use = "nothing is sent before `send`"]
pub struct Run {
    pub(super) ledger: Ledger,
    /// `None` when there is no one to send to.
    pub(super) dispatch: Option<DispatchId>,
    pub(super) selection: Option<SelectionId>,
    /// How often the dispatch had been stopped when it was decided to send it; `None` for now.
    pub(super) stops: Option<u64>,
    pub(super) composer: Arc<Composer>,
    /// Of the letter that is sent.
    pub(super) digest: Arc<str>,
    /// At least one.
    pub(super) routes: Vec<Route>,
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) interrupts: Option<watch::Receiver<Interrupt>>,
}

impl Run {
    /// Lets the run be stopped by what is sent here: as Ctrl-C does in the program.
    pub fn interrupted_by(self, interrupts: watch::Receiver<Interrupt>) -> Self {
        Self { interrupts: Some(interrupts), ..self }
    }

    /// Takes the time of day from another clock than the system's.
    pub fn by_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Sends the letters that are due, and calls `emit` for each event. It returns when nothing is left to do, when it was
    /// interrupted, or when something stops it: [`Ended`] says which. Whatever happens, letters that were not begun are back
    /// in the queue afterwards, and all outcomes are durable. What became of each letter is in the ledger.
    ///
    /// With several routes each sends its share. When one cannot be used the others take its letters, but never one that may have
    /// left; it is tried again after a while.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be used. A relay that cannot be used is no error: see [`Ended::RelayDown`].
    pub async fn send(self, emit: impl Fn(Event<'_>) + Send + Sync + 'static) -> Result<Ended, LedgerError> {
        let Self { ledger, mut routes, .. } = self;
        let Some(dispatch) = self.dispatch else { return Ok(Ended::Finished) };
        let (_never, silence) = watch::channel(Interrupt::None);
        let interrupts = self.interrupts.unwrap_or(silence);
        let stops = match self.stops {
            Some(stops) => stops,
            None => ledger.stops(dispatch).await?.count,
        };
        let terms = routes
            .iter()
            .map(|route| Terms { weight: route.weight, domains: route.domains.clone() })
            .collect();
        let relays = routes.iter().map(|route| route.transport.name()).collect();
        let job = Job {
            ledger,
            dispatch,
            selection: self.selection,
            composer: self.composer,
            digest: self.digest,
            settings: self.settings,
            clock: self.clock,
            emit: Arc::new(emit),
            stops,
            terms,
            relays,
        };
        if routes.len() == 1 {
            let (_always, up) = watch::channel(vec![true]);
            return job.through(0, routes.remove(0), up, interrupts).await;
        }
        several::send(job, routes, interrupts).await
    }
}
