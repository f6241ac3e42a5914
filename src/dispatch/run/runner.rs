//! The loop of a run: it looks how things are, decides, acts, and waits for something to change.

use std::{num::NonZeroU16, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::Instant,
};

use super::{
    decision::{Absence, Action, Situation, WhenEmpty, decide, relay_wait, when_empty},
    ended::{Ended, Interrupt},
};
use crate::{
    dispatch::{
        brake::SharedRow,
        claim_size::ClaimSizer,
        clock::{Clock, between},
        connections::ConnectionCount,
        event::{Emit, Event},
        queue::{Outlook, SendQueue, Stop},
        routing::{Part, Terms, parts},
        settings::Settings,
        wait::Wait,
    },
    ledger::{DispatchId, Domains, Ledger, LedgerError, SelectionId, Wanted, Worker},
    transport::{Complaint, ErrorKind, Halt, HaltSwitch, RelayDown, RelayLimits, Stage, Transport},
};

/// Which letters are this runner's.
pub(super) struct Routing {
    /// What each route of the run is for.
    pub(super) terms: Arc<[Terms]>,
    /// Which one this is.
    pub(super) me: usize,
    /// Which of them can be used.
    pub(super) up: watch::Receiver<Vec<bool>>,
}

pub(super) struct Runner {
    pub(super) queue: Arc<SendQueue>,
    pub(super) dispatch: DispatchId,
    pub(super) worker: Worker,
    pub(super) selection: Option<SelectionId>,
    pub(super) digest: Arc<str>,
    pub(super) routing: Routing,
    pub(super) transport: Arc<Transport>,
    pub(super) settings: Settings,
    pub(super) claim_sizer: ClaimSizer,
    pub(super) clock: Clock,
    pub(super) emit: Emit,
    pub(super) interrupts: watch::Receiver<Interrupt>,
    pub(super) switch: HaltSwitch,
    pub(super) halt: Halt,
    pub(super) connections: JoinSet<Result<(), RelayDown>>,
    /// How many connections may be open.
    pub(super) count: ConnectionCount,
    /// Its time counts from here.
    pub(super) origin: Instant,
    /// Letters accepted when progress was last noted.
    pub(super) accepted: u64,
    /// Letters accepted when the relay last closed a connection over one letter.
    pub(super) closed_at: u64,
    /// The limit of connections that was last reported.
    pub(super) reported: Option<usize>,
    /// Times in a row that the relay went away without taking a letter in between.
    pub(super) away: u32,
    pub(super) away_since: Option<(Instant, u64)>,
    /// The last error of the relay, until it takes a letter again.
    pub(super) down: Option<RelayDown>,
    /// The relay is left alone until then.
    pub(super) relay_rests_until: Option<Instant>,
    /// How often the dispatch had been stopped when the run began.
    pub(super) stops: u64,
    /// When to ask again whether another process stopped the dispatch, and to tell the others what is new here.
    pub(super) look_at: Instant,
    /// What names the senders that share limits with this one.
    pub(super) peers: String,
    /// Refusals in a row over several senders.
    pub(super) shared_row: SharedRow,
    /// The relay's name in the ledger.
    pub(super) relay: String,
    /// What the ledger keeps of the relay's limits.
    pub(super) kept: RelayLimits,
}

/// So often the senders of a ledger tell each other what they have to know.
pub(super) const LOOK: Duration = Duration::from_secs(2);

/// What comes of an action.
enum Step {
    /// Look again.
    Again,
    /// Wait for something to change, at most until then.
    Sleep(Option<Instant>),
    End(Ended),
}

impl Runner {
    pub(super) async fn work(&mut self, ledger: &Ledger) -> Result<Ended, LedgerError> {
        let mut interrupts = self.interrupts.clone();
        loop {
            self.heed(*interrupts.borrow_and_update());
            self.heed_others(ledger).await?;
            self.refresh_day(ledger).await?;
            self.suppress(ledger).await?;
            let now = Instant::now();
            self.relay_rests_until = self.relay_rests_until.filter(|until| now < *until);
            let situation = Situation {
                outlook: self.queue.outlook(),
                runs_low: self.queue.runs_low(),
                connected: !self.connections.is_empty(),
                relay_rests: self.relay_rests_until.is_some(),
            };
            let action = decide(situation, &self.settings, (self.clock)());
            match self.act(ledger, action).await? {
                Step::Again => {}
                Step::Sleep(wake) => self.sleep(ledger, wake, &mut interrupts).await?,
                Step::End(ended) => return Ok(ended),
            }
        }
    }

    /// Tells the other senders what they have to know, and stops if one of them has stopped the dispatch, or a process that reads
    /// bounces.
    async fn heed_others(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        let now = Instant::now();
        self.look_at = self.look_next();
        if now < self.look_at {
            return Ok(());
        }
        self.look_at = now + LOOK;
        match self.consult_others(ledger).await {
            // Nothing begins while the ledger is away, and what others do not know yet they learn after the next look.
            Err(error) if error.is_away() => Ok(()),
            answer => answer,
        }
    }

    async fn consult_others(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        if let Some(pulled) = self.share_refusals(ledger).await? {
            self.queue.stop(Stop::Brake(pulled));
        }
        self.note_peers(ledger).await?;
        let stops = ledger.stops(self.dispatch).await?;
        if stops.count != self.stops {
            let why = stops.why.unwrap_or_else(|| "another process stopped it".to_owned());
            self.queue.stop(Stop::Elsewhere(why));
        }
        Ok(())
    }

    fn heed(&self, interrupt: Interrupt) {
        match interrupt {
            Interrupt::None => {}
            Interrupt::Finish => self.queue.stop(Stop::Asked),
            Interrupt::Now => {
                self.queue.stop(Stop::Asked);
                self.switch.pull();
            }
        }
        // Letters whose body is on its way are waited for; a greeting, a login or a refusal is not.
        if self.queue.has_finished() {
            self.switch.pull();
        }
    }

    async fn act(&mut self, ledger: &Ledger, action: Action) -> Result<Step, LedgerError> {
        Ok(match action {
            Action::End => Step::End(self.stopped()?),
            Action::Listen => Step::Sleep(None),
            Action::Refill => {
                self.refill(ledger).await?;
                Step::Again
            }
            Action::Connect { letters, runs_low } => {
                if runs_low {
                    self.refill(ledger).await?;
                }
                self.open_connections(letters);
                Step::Sleep(None)
            }
            Action::AwaitRelay { runs_low } => {
                if runs_low {
                    self.refill(ledger).await?;
                }
                Step::Sleep(self.relay_rests_until)
            }
            Action::Await { why, until } => Step::Sleep(Some(self.announce(why, until))),
            Action::Pause { why, until } => Step::End(Ended::Paused { why, until }),
            Action::AskWhenDue => self.ask_when_due(ledger).await?,
        })
    }

    async fn ask_when_due(&mut self, ledger: &Ledger) -> Result<Step, LedgerError> {
        ledger.flush().await?;
        let mut due: Option<Timestamp> = None;
        for wanted in self.wanted() {
            let next = ledger.next_due(self.dispatch, &wanted).await?;
            due = due.into_iter().chain(next).min();
        }
        Ok(match when_empty(due, &self.settings, (self.clock)()) {
            WhenEmpty::Finish => Step::End(Ended::Finished),
            WhenEmpty::ForgetWaits => {
                ledger.make_due_now(self.dispatch).await?;
                self.refill(ledger).await?;
                Step::Again
            }
            WhenEmpty::Claim => {
                self.refill(ledger).await?;
                // Due, but claimed by another sender.
                if self.queue.at_hand() == 0 { Step::End(Ended::Finished) } else { Step::Again }
            }
            WhenEmpty::Await(until) => {
                let wake = self.announce(Wait::Deferred, until);
                Step::Sleep(Some(wake + Duration::from_millis(1)))
            }
            WhenEmpty::Pause(until) => Step::End(Ended::Paused { why: Wait::Deferred, until }),
        })
    }

    /// Reports a wait, and returns when to look again.
    fn announce(&self, why: Wait, until: Timestamp) -> Instant {
        let wait = between((self.clock)(), until);
        (self.emit)(Event::Waiting { why, until, wait });
        Instant::now() + wait.min(Settings::NAP)
    }

    /// Waits until something has changed.
    async fn sleep(
        &mut self,
        ledger: &Ledger,
        wake: Option<Instant>,
        interrupts: &mut watch::Receiver<Interrupt>,
    ) -> Result<(), LedgerError> {
        let queue = Arc::clone(&self.queue);
        let sleep = async {
            match wake {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(ended) = self.connections.join_next(), if !self.connections.is_empty() => {
                self.connection_ended(ended);
            }
            () = queue.news.notified() => self.well(),
            // Another route's letters may be ours now.
            Ok(()) = self.routing.up.changed() => queue.look_again(),
            () = tokio::time::sleep(Duration::from_secs(1)), if self.count.may_grow() => self.well(),
            () = tokio::time::sleep_until(self.look_at) => {}
            () = sleep => {
                // Deferred letters may be due, and an empty answer of the ledger is out of date.
                if matches!(queue.outlook(), Outlook::Empty) {
                    self.refill(ledger).await?;
                }
            }
            Ok(()) = interrupts.changed(), if self.interrupts.has_changed().is_ok() => {}
        }
        Ok(())
    }

    fn connection_ended(&mut self, ended: Result<Result<(), RelayDown>, JoinError>) {
        (self.emit)(Event::Connections(self.connections.len()));
        match ended {
            Ok(Ok(())) => self.well(),
            Ok(Err(down)) => self.relay_away(down),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }

    /// After an error letters under way come to their end all the same: to hang up on them would leave them in doubt.
    pub(super) async fn finish(&mut self) {
        self.queue.stop(Stop::Asked);
        let mut interrupts = self.interrupts.clone();
        while !self.connections.is_empty() {
            if *interrupts.borrow_and_update() == Interrupt::Now || self.queue.has_finished() {
                self.switch.pull();
            }
            tokio::select! {
                _ = self.connections.join_next() => {}
                () = self.queue.news.notified() => {}
                Ok(()) = interrupts.changed(), if self.interrupts.has_changed().is_ok() => {}
            }
        }
    }

    fn stopped(&mut self) -> Result<Ended, LedgerError> {
        match self.queue.take_stop() {
            Some(Stop::Ledger(error)) => Err(error),
            Some(Stop::Brake(pulled)) => Ok(Ended::Brake(pulled)),
            Some(Stop::Elsewhere(why)) => Ok(Ended::Stopped(why)),
            Some(Stop::Asked) | None => Ok(self.down.take().map_or(Ended::Interrupted, Ended::RelayDown)),
        }
    }

    fn open_connections(&mut self, letters: usize) {
        // A connection is worth its handshake when it has a few letters to carry.
        let useful = letters.div_ceil(4).max(1);
        let wanted = useful.min(self.count.allowed()).max(usize::from(self.connections.is_empty()));
        let before = self.connections.len();
        while self.connections.len() < wanted {
            let (transport, queue, halt) =
                (Arc::clone(&self.transport), Arc::clone(&self.queue), self.halt.clone());
            self.connections.spawn(async move { transport.run(&*queue, halt).await });
        }
        if self.connections.len() != before {
            (self.emit)(Event::Connections(self.connections.len()));
        }
    }

    /// Called whenever something went on: a letter taken since the relay went away ends its absence.
    fn well(&mut self) {
        let accepted = self.queue.accepted();
        if self.away_since.is_some_and(|(_, before)| before < accepted) {
            self.away = 0;
            self.away_since = None;
            self.down = None;
        }
        if self.accepted < accepted {
            self.accepted = accepted;
            self.count.progressed(self.connections.len(), self.origin.elapsed());
            self.report_connections();
        }
    }

    /// Keeps in mind, and says once, how many connections the relay takes.
    fn report_connections(&mut self) {
        let learned = self.count.learned();
        if let Some(most) = learned
            && self.reported.is_none_or(|before| most < before)
        {
            self.reported = learned;
            (self.emit)(Event::FewerConnections(most));
        }
        // While one more is tried, what is known stays.
        if learned.is_none() && self.count.may_grow() {
            return;
        }
        let known = learned.and_then(|most| u16::try_from(most).ok()).and_then(NonZeroU16::new);
        self.transport.learn_connections(known);
    }

    /// The relay went away: it is tried again after a while, or the run stops.
    fn relay_away(&mut self, down: RelayDown) {
        self.well();
        // As long as letters pass in between, another connection takes its place at once.
        if down.is_about_one_letter() && self.accepted > self.closed_at {
            self.closed_at = self.accepted;
            return;
        }
        let others = self.connections.len();
        // What becomes of the others shows whether it was one too many.
        if others > 0 && down.may_be_one_connection_too_many() && !self.queue.is_stopped() {
            self.count.refused(others, down.stage >= Stage::Mail, self.origin.elapsed());
            self.relay_rests_until = Some(Instant::now() + ConnectionCount::REST);
            return;
        }
        if let (Some(Complaint::Rate), ErrorKind::Said(reply)) = (down.complaint(), &down.kind) {
            self.queue.throttled(reply);
            // It hung up only to be asked less often. The pace sees to that, and another connection takes its place.
            let (since, _) = *self.away_since.get_or_insert_with(|| (Instant::now(), self.accepted));
            if down.stage >= Stage::Mail
                && self.accepted > 0
                && since.elapsed() < Settings::RELAY_WAIT_MAX
                && !self.queue.is_stopped()
            {
                self.down = Some(down);
                return;
            }
        }
        if others == 0 {
            self.count.away();
        }
        let accepted = self.queue.accepted();
        let mut absence = Absence {
            is_passing: down.passing,
            is_stopped: self.queue.is_stopped(),
            connected: !self.connections.is_empty(),
            has_accepted: accepted > 0,
            has_others: self.routing.terms.len() > 1,
            times: self.away,
            since: Duration::ZERO,
        };
        if absence.is_passing && !absence.is_stopped {
            let (since, _) = *self.away_since.get_or_insert_with(|| (Instant::now(), accepted));
            self.away += 1;
            absence = Absence { times: self.away, since: since.elapsed(), ..absence };
        }
        match relay_wait(absence, &self.settings, (self.clock)()) {
            Some(wait) => {
                (self.emit)(Event::RelayAway { down: &down, wait });
                self.relay_rests_until = Some(Instant::now() + wait);
            }
            None => self.queue.stop(Stop::Asked),
        }
        self.down = Some(down);
    }

    async fn refill(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        let now = (self.clock)();
        let size = self.claim_sizer.next(Instant::now(), self.queue.answered());
        let mut claims = Vec::new();
        for wanted in self.wanted() {
            let left = size.letters - claims.len();
            if left == 0 {
                break;
            }
            let wanted = Wanted { pre_commit: size.pre_commit, ..wanted };
            claims.extend(ledger.claim(self.dispatch, &self.worker, left, now, &wanted).await?);
        }
        self.queue.put(claims, size.letters);
        Ok(())
    }

    /// The letters that are this route's at the moment.
    fn wanted(&self) -> Vec<Wanted> {
        let crowded = self.queue.crowded_domains(self.settings.batch);
        let Routing { terms, me, up } = &self.routing;
        let parts = parts(terms, &up.borrow(), *me);
        let wanted = parts.into_iter().map(|Part { domains, share }| {
            let domains = match domains {
                Domains::All if crowded.is_empty() => Domains::All,
                Domains::All => Domains::Except(crowded.clone()),
                Domains::Except(some) => Domains::Except([some, crowded.clone()].concat()),
                Domains::Only(mut some) => {
                    some.retain(|domain| !crowded.contains(domain));
                    Domains::Only(some)
                }
            };
            let digest = Some(Arc::clone(&self.digest));
            Wanted { domains, share, selection: self.selection, digest, ..Wanted::default() }
        });
        wanted.collect()
    }
}
