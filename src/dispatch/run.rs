//! One run over an opened dispatch: keeps connections at work until nothing is left to do, or something says stop.

mod decision;
mod limits;
mod runner;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{
    BrakePolicy, Clock, Event, PacePolicy, Pulled, RetryPolicy, Wait, claim_size::ClaimSizer,
    connections::ConnectionCount, queue::SendQueue,
};
use crate::{
    ledger::{DispatchId, Ledger, LedgerError, SelectionId},
    message::Composer,
    transport::{RelayDown, Transport, halt},
};
use runner::Runner;

/// Where events go.
pub(super) type Emit = Arc<dyn Fn(Event<'_>) + Send + Sync>;

/// How a run works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Connections at once, at most.
    pub connections: usize,
    /// Limits on how fast letters leave.
    pub pace: PacePolicy,
    /// When deferred letters come back.
    pub retry: RetryPolicy,
    /// When refusals stop the run.
    pub brake: BrakePolicy,
    /// Whether "no such person" becomes a suppression.
    pub suppress_hard_bounces: bool,
    /// Letters claimed from the ledger at a time, at most.
    pub batch: usize,
    /// Keep trying until then; without it the run ends when it would have to wait longer than `linger`.
    pub until: Option<Timestamp>,
    /// Wait in the run for deferred letters that come back within this.
    pub linger: Duration,
}

impl Settings {
    /// A pace limit is waited for in the run when it is not longer than this.
    pub(super) const PACE_WAIT_MAX: Duration = Duration::from_secs(3600);
    /// A relay that went away in the middle of the run gets this long to come back.
    pub(super) const RELAY_WAIT_MAX: Duration = Duration::from_secs(120);
    /// A long wait is looked at again after this: the machine may have slept, or the clock may have been set.
    pub(super) const NAP: Duration = Duration::from_secs(20);
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 10,
            pace: PacePolicy { adaptive: true, ..PacePolicy::default() },
            retry: RetryPolicy::default(),
            brake: BrakePolicy::default(),
            suppress_hard_bounces: false,
            batch: 1000,
            until: None,
            linger: Duration::from_secs(150),
        }
    }
}

/// What the person at the terminal asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interrupt {
    /// Nobody asked for anything.
    #[default]
    None,
    /// Finish the letters whose body is on its way, and stop.
    Finish,
    /// Stop at once; what is under way is unconfirmed.
    Now,
}

/// Why a run ended. What has become of the letters is in the ledger.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ended {
    /// Nothing is left to do.
    Finished,
    /// Something is left, but not before then.
    Paused {
        /// What it waits for.
        why: Wait,
        /// Go on then.
        until: Timestamp,
    },
    /// Somebody asked for it.
    Interrupted,
    /// Too many refusals.
    Brake(Pulled),
    /// The relay cannot be used.
    RelayDown(RelayDown),
}

/// One run over an open dispatch; [`Opened::run`](super::Opened::run) makes it.
#[must_use = "nothing is sent before `send`"]
pub struct Run {
    pub(super) ledger: Ledger,
    /// `None` when there is nobody to send to.
    pub(super) dispatch: Option<DispatchId>,
    pub(super) selection: Option<SelectionId>,
    pub(super) composer: Arc<Composer>,
    pub(super) transport: Arc<Transport>,
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
    /// # Errors
    ///
    /// When the ledger cannot be used. A relay that cannot be used is no error: see [`Ended::RelayDown`].
    pub async fn send(self, emit: impl Fn(Event<'_>) + Send + Sync + 'static) -> Result<Ended, LedgerError> {
        let Self { ledger, dispatch, selection, composer, transport, settings, clock, interrupts } = self;
        let Some(dispatch) = dispatch else { return Ok(Ended::Finished) };
        let (_never, silence) = watch::channel(Interrupt::None);
        let interrupts = interrupts.unwrap_or(silence);
        let relay = transport.name();
        let worker = ledger.register_worker(&relay, clock()).await?;
        let emit: Emit = Arc::new(emit);
        let queue =
            SendQueue::new(ledger.clone(), composer, settings.clone(), Arc::clone(&clock), Arc::clone(&emit));
        let (switch, halt) = halt();
        // Where limits can hold letters back, they may lie here for long, however fast some of them left.
        let claim_sizer = ClaimSizer::new(settings.batch, settings.pace.is_free());
        let known = transport.learned().connections.map(|known| usize::from(known.get()));
        let count = ConnectionCount::new(settings.connections, known, Duration::ZERO);
        let mut runner = Runner {
            queue: Arc::new(queue),
            dispatch,
            worker,
            selection,
            relay,
            transport,
            settings,
            claim_sizer,
            clock,
            emit,
            interrupts,
            switch,
            halt,
            connections: JoinSet::new(),
            count,
            origin: Instant::now(),
            accepted: 0,
            closed_at: 0,
            reported: known,
            away: 0,
            away_since: None,
            down: None,
            relay_rests_until: None,
        };
        runner.seed_pace(&ledger).await?;
        let ended = runner.work(&ledger).await;
        if ended.is_err() {
            runner.finish().await;
        }
        runner.connections.shutdown().await;
        runner.queue.clear();
        let now = (runner.clock)();
        runner.suppress(&ledger).await?;
        ledger.flush().await?;
        ledger.release(&runner.worker, now).await?;
        ended
    }
}
