//! The loop that keeps connections at work until nothing is left to do, or something says stop.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{
    BrakePolicy, Event, PacePolicy, Pulled, RetryPolicy, Wait,
    desk::{DayCap, Outlook, SendQueue, Stop},
    tempo::Tempo,
};
use crate::{
    ledger::{DispatchId, Domains, Ledger, LedgerError, SelectionId, Wanted, Worker},
    message::Composer,
    transport::{Halt, HaltSwitch, RelayDown, Transport, halt},
};

/// The time of day, given from outside.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where events go.
pub(super) type Emit = Arc<dyn Fn(Event<'_>) + Send + Sync>;

/// The owner's wishes about a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Connections at once, at most.
    pub connections: usize,
    /// How fast.
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
    const PACE_WAIT_MAX: Duration = Duration::from_secs(3600);
    /// A relay that went away in the middle of the run gets this long to come back.
    const RELAY_WAIT_MAX: Duration = Duration::from_secs(120);
    /// A long wait is looked at again after this: the machine may have slept, or the clock may have been set.
    const NAP: Duration = Duration::from_secs(20);
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
    /// Nothing.
    #[default]
    None,
    /// Finish the letters under way, and stop.
    Finish,
    /// Stop at once; what is under way is unconfirmed.
    Now,
}

/// Why a run ended. What has become of the letters is in the ledger.
#[derive(Debug)]
pub enum Ended {
    /// Nothing is left to do.
    Finished,
    /// Something is left, but not before then.
    Paused {
        /// Why.
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

/// One run over an opened dispatch.
pub struct Run {
    /// The ledger, in which the dispatch is open.
    pub ledger: Ledger,
    /// Which.
    pub dispatch: DispatchId,
    /// Only these deliveries.
    pub choice: Option<SelectionId>,
    /// The relay's name in the ledger, for limits and histories.
    pub relay: String,
    /// Makes its letters.
    pub composer: Arc<Composer>,
    /// Takes them away.
    pub transport: Arc<Transport>,
    /// The owner's wishes.
    pub settings: Settings,
    /// The time of day.
    pub clock: Clock,
}

impl Run {
    /// Works until nothing is left, the owner interrupts, or something stops it. Whatever happens, letters that were
    /// not begun are back in the queue afterwards, and all outcomes are durable.
    pub async fn run(
        self,
        interrupts: watch::Receiver<Interrupt>,
        emit: impl Fn(Event<'_>) + Send + Sync + 'static,
    ) -> Result<Ended, LedgerError> {
        let Self { ledger, dispatch, choice, relay, composer, transport, settings, clock } = self;
        let worker = ledger.register_worker(&relay, clock()).await?;
        let emit: Emit = Arc::new(emit);
        let desk =
            SendQueue::new(ledger.clone(), composer, settings.clone(), Arc::clone(&clock), Arc::clone(&emit));
        let (switch, halt) = halt();
        // Where limits can hold letters back, they may lie here for long, however fast some of them left.
        let tempo = Tempo::new(settings.batch, settings.pace.is_free());
        let mut crew = Runner {
            desk: Arc::new(desk),
            dispatch,
            worker,
            choice,
            relay,
            transport,
            settings,
            tempo,
            clock,
            emit,
            interrupts,
            switch,
            halt,
            lanes: JoinSet::new(),
            allowed: 0,
            away: 0,
            away_since: None,
            down: None,
        };
        crew.seed_pace(&ledger).await?;
        let ended = crew.work(&ledger).await;
        if ended.is_err() {
            crew.finish().await;
        }
        crew.lanes.shutdown().await;
        crew.desk.clear();
        let now = (crew.clock)();
        crew.suppress(&ledger).await?;
        ledger.flush().await?;
        ledger.release(&crew.worker, now).await?;
        ended
    }
}

struct Runner {
    desk: Arc<SendQueue>,
    dispatch: DispatchId,
    worker: Worker,
    choice: Option<SelectionId>,
    relay: String,
    transport: Arc<Transport>,
    settings: Settings,
    tempo: Tempo,
    clock: Clock,
    emit: Emit,
    interrupts: watch::Receiver<Interrupt>,
    switch: HaltSwitch,
    halt: Halt,
    lanes: JoinSet<Result<(), RelayDown>>,
    /// Connections that may be open now; fewer than configured after the relay went away.
    allowed: usize,
    /// Times in a row that the relay went away without taking a letter in between.
    away: u32,
    away_since: Option<(Instant, u64)>,
    /// The relay's last trouble, until it takes a letter again.
    down: Option<RelayDown>,
}

impl Runner {
    async fn work(&mut self, ledger: &Ledger) -> Result<Ended, LedgerError> {
        self.allowed = self.settings.connections.max(1);
        let mut interrupts = self.interrupts.clone();
        let mut retry_relay_at: Option<Instant> = None;
        loop {
            match *interrupts.borrow_and_update() {
                Interrupt::None => {}
                Interrupt::Finish => self.desk.stop(Stop::Asked),
                Interrupt::Now => {
                    self.desk.stop(Stop::Asked);
                    self.switch.pull();
                }
            }
            self.refresh_day(ledger).await?;
            self.suppress(ledger).await?;
            let mut wake: Option<Instant> = None;
            match self.desk.outlook() {
                Outlook::Stopped if self.lanes.is_empty() => return self.stopped(),
                Outlook::Stopped | Outlook::UnderWay => {}
                Outlook::Refill => {
                    self.refill(ledger).await?;
                    continue;
                }
                Outlook::Ready(letters) => {
                    if self.desk.runs_low() {
                        self.refill(ledger).await?;
                    }
                    match retry_relay_at.filter(|at| Instant::now() < *at) {
                        Some(at) => wake = Some(at),
                        None => {
                            retry_relay_at = None;
                            self.open_connections(letters);
                        }
                    }
                }
                Outlook::Paced(why, until) => {
                    let wait = between((self.clock)(), until);
                    if !self.may_wait(why, until) && self.lanes.is_empty() {
                        return Ok(Ended::Paused { why, until });
                    }
                    (self.emit)(Event::Waiting { why, until, wait });
                    wake = Some(Instant::now() + wait.min(Settings::NAP));
                }
                Outlook::Empty => {
                    if self.lanes.is_empty() {
                        ledger.flush().await?;
                        let Some(due) = ledger.next_due(self.dispatch, &self.wanted()).await? else {
                            return Ok(Ended::Finished);
                        };
                        let now = (self.clock)();
                        if self.settings.retry.wait_max * 2 < between(now, due) {
                            // No wait is that long: the clock was ahead when the letter was put off.
                            ledger.make_due_now(self.dispatch).await?;
                            self.refill(ledger).await?;
                            continue;
                        } else if now < due {
                            if !self.may_wait(Wait::Deferred, due) {
                                return Ok(Ended::Paused { why: Wait::Deferred, until: due });
                            }
                            let wait = between(now, due);
                            (self.emit)(Event::Waiting { why: Wait::Deferred, until: due, wait });
                            wake = Some(Instant::now() + wait.min(Settings::NAP) + Duration::from_millis(1));
                        } else {
                            self.refill(ledger).await?;
                            if self.desk.at_hand() == 0 {
                                // Due, but claimed by another sender.
                                return Ok(Ended::Finished);
                            }
                            continue;
                        }
                    }
                }
            }
            let desk = Arc::clone(&self.desk);
            let sleep = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(ended) = self.lanes.join_next(), if !self.lanes.is_empty() => {
                    (self.emit)(Event::Connections(self.lanes.len()));
                    match ended {
                        Ok(Ok(())) => self.well(),
                        Ok(Err(down)) => match self.relay_away(down) {
                            Ok(at) => retry_relay_at = Some(at),
                            Err(down) => {
                                self.down = Some(down);
                                self.desk.stop(Stop::Asked);
                            }
                        },
                        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                        Err(_) => {}
                    }
                }
                () = desk.news.notified() => self.well(),
                () = tokio::time::sleep(Duration::from_secs(1)), if self.allowed < self.settings.connections => self.well(),
                () = sleep => {
                    // Deferred letters may be due, and an empty answer of the ledger is out of date.
                    if matches!(self.desk.outlook(), Outlook::Empty) {
                        self.refill(ledger).await?;
                    }
                }
                Ok(()) = interrupts.changed(), if self.interrupts.has_changed().is_ok() => {}
            }
        }
    }

    /// After an error letters under way come to their end all the same: to hang up on them would leave them in doubt.
    async fn finish(&mut self) {
        self.desk.stop(Stop::Asked);
        let mut interrupts = self.interrupts.clone();
        while !self.lanes.is_empty() {
            if *interrupts.borrow_and_update() == Interrupt::Now {
                self.switch.pull();
            }
            tokio::select! {
                _ = self.lanes.join_next() => {}
                Ok(()) = interrupts.changed(), if self.interrupts.has_changed().is_ok() => {}
            }
        }
    }

    fn stopped(&mut self) -> Result<Ended, LedgerError> {
        match self.desk.take_stop() {
            Some(Stop::Ledger(error)) => Err(error),
            Some(Stop::Brake(pulled)) => Ok(Ended::Brake(pulled)),
            Some(Stop::Asked) | None => Ok(self.down.take().map_or(Ended::Interrupted, Ended::RelayDown)),
        }
    }

    fn open_connections(&mut self, letters: usize) {
        // A connection is worth its handshake when it has a few letters to carry.
        let useful = letters.div_ceil(4).max(1);
        let wanted = useful.min(self.allowed).max(usize::from(self.lanes.is_empty()));
        let before = self.lanes.len();
        while self.lanes.len() < wanted {
            let (transport, desk, halt) =
                (Arc::clone(&self.transport), Arc::clone(&self.desk), self.halt.clone());
            self.lanes.spawn(async move { transport.run(&*desk, halt).await });
        }
        if self.lanes.len() != before {
            (self.emit)(Event::Connections(self.lanes.len()));
        }
    }

    /// Called whenever something went on: a letter taken since the relay went away ends its absence.
    fn well(&mut self) {
        if let Some((_, accepted)) = self.away_since
            && accepted < self.desk.accepted()
        {
            self.away = 0;
            self.away_since = None;
            self.down = None;
            self.allowed = (self.allowed + 1).min(self.settings.connections.max(1));
        }
    }

    /// Decides what a relay's absence means: when to try again, or that there is no point.
    fn relay_away(&mut self, down: RelayDown) -> Result<Instant, RelayDown> {
        self.well();
        if down.is_throttling() {
            self.desk.throttled();
        }
        self.allowed = self.lanes.len().max(1);
        if !down.passing || self.desk.is_stopped() {
            return Err(down);
        }
        let accepted = self.desk.accepted();
        let (since, _) = *self.away_since.get_or_insert_with(|| (Instant::now(), accepted));
        self.away += 1;
        let now = (self.clock)();
        let patient = match self.settings.until {
            Some(until) => now < until,
            // A relay that never took a letter in this run is most likely not set up.
            None if accepted == 0 => self.away <= 3,
            None => since.elapsed() < Settings::RELAY_WAIT_MAX || !self.lanes.is_empty(),
        };
        if !patient {
            return Err(down);
        }
        let wait = if self.lanes.is_empty() {
            Duration::from_millis(250).saturating_mul(1 << self.away.min(8)).min(Duration::from_secs(60))
        } else {
            Duration::from_millis(250)
        };
        (self.emit)(Event::RelayAway { down: &down, wait });
        self.down = Some(down);
        Ok(Instant::now() + wait)
    }

    fn may_wait(&self, why: Wait, until: Timestamp) -> bool {
        if let Some(last) = self.settings.until {
            return until <= last;
        }
        let wait = between((self.clock)(), until);
        match why {
            Wait::Pace | Wait::Throttled => wait <= Settings::PACE_WAIT_MAX,
            Wait::Deferred => wait <= self.settings.linger,
            Wait::Window | Wait::WarmUp => false,
        }
    }

    async fn refill(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        let now = (self.clock)();
        let helping = self.tempo.helping(Instant::now(), self.desk.answered());
        let wanted = Wanted { ahead: helping.ahead, ..self.wanted() };
        let claims = ledger.claim(self.dispatch, &self.worker, helping.letters, now, &wanted).await?;
        self.desk.put(claims, helping.letters);
        Ok(())
    }

    fn wanted(&self) -> Wanted {
        let crowded = self.desk.crowded_domains(self.settings.batch);
        let domains = if crowded.is_empty() { Domains::All } else { Domains::Except(crowded) };
        Wanted { domains, choice: self.choice, ..Wanted::default() }
    }

    async fn suppress(&self, ledger: &Ledger) -> Result<(), LedgerError> {
        let found = self.desk.take_suppressions();
        if !found.is_empty() {
            ledger.suppress_all(found.into_iter().map(Ok).collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    /// Letters of earlier runs count towards the limits: each limit's stretch is asked for in slices, and a slice's
    /// letters count as if they had left at its end.
    async fn seed_pace(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        const SLICES: u32 = 12;
        let policy = &self.settings.pace;
        let mut longest = BTreeMap::<Option<&str>, Duration>::new();
        let domains = policy.domains.iter().flat_map(|(domain, wishes)| {
            wishes.limits.iter().map(move |limit| (Some(domain.as_str()), limit.per))
        });
        for (domain, per) in policy.limits.iter().map(|limit| (None, limit.per)).chain(domains) {
            let entry = longest.entry(domain).or_default();
            *entry = per.max(*entry);
        }
        let now = (self.clock)();
        for (domain, per) in longest {
            let (slice, mut before) = (per / SLICES, None);
            // What is dated further ahead than that left when the clock was wrong, nobody knows when.
            let latest = until(now, per);
            for number in (0..SLICES).rev() {
                // Counted back from now; the difference of two counts is a slice.
                let since = now.checked_sub(slice * (number + 1)).unwrap_or(Timestamp::MIN);
                let offered = ledger.attempts_between(since, latest).await?;
                let letters: u64 = offered
                    .iter()
                    .filter(|offered| {
                        offered.relay == self.relay && domain.is_none_or(|d| d == offered.domain)
                    })
                    .map(|offered| offered.letters)
                    .sum();
                if let Some((ago, earlier)) = before.replace((slice * number, letters)) {
                    self.desk.seed(
                        domain,
                        ago + slice,
                        u32::try_from(earlier - letters.min(earlier)).unwrap_or(u32::MAX),
                    );
                }
            }
            if let Some((ago, letters)) = before {
                self.desk.seed(domain, ago, u32::try_from(letters).unwrap_or(u32::MAX));
            }
        }
        Ok(())
    }

    /// Works out how many letters the warm-up plan allows on this day.
    async fn refresh_day(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        let warm_up = &self.settings.pace.warm_up;
        if warm_up.is_empty() {
            return Ok(());
        }
        let now = (self.clock)();
        if self.desk.today().is_some_and(|today| now < today.ends) {
            return Ok(());
        }
        let zone =
            self.settings.pace.window.as_ref().map_or_else(jiff::tz::TimeZone::system, |w| w.zone.clone());
        let today = now.to_zoned_datetime(zone.clone()).date();
        let ends = today.tomorrow().and_then(|day| day.to_zoned_datetime(zone.clone())).map_or_else(
            |_| now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now),
            |day| day.timestamp(),
        );
        let mut days = BTreeMap::<jiff::civil::Date, u32>::new();
        for dispatch in ledger.dispatches().await? {
            for bucket in ledger.timeline(dispatch.id, 900).await? {
                let letters = bucket.accepted + bucket.deferred + bucket.rejected + bucket.unconfirmed;
                let day = days.entry(bucket.from.to_zoned_datetime(zone.clone()).date()).or_default();
                *day = day.saturating_add(u32::try_from(letters).unwrap_or(u32::MAX));
            }
        }
        let so_far = days.remove(&today).unwrap_or_default();
        let cap = warm_up.get(days.len()).map(|cap| DayCap { ends, left: cap.saturating_sub(so_far) });
        self.desk.set_today(cap);
        Ok(())
    }
}

/// The time from one moment to a later one; nothing if it is not later.
pub(super) fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

/// The moment after a wait.
pub(super) fn until(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
