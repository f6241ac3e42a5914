//! The queue between ledger and connections: what is claimed, in which order it leaves, and what the run loop can expect.

mod outcomes;
mod pacing;
#[cfg(test)]
mod random_tests;
mod take;

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tokio::{sync::Notify, time::Instant};

use super::{
    brake::{Answers, Brake, Pulled},
    clock::{Clock, until},
    complaints::Complaints,
    event::Emit,
    lease::Lease,
    pace::{Pace, Shares},
    settings::Settings,
    wait::Wait,
};
use take::{Purpose, Take};

use crate::{
    ledger::{Claim, DeliveryId, Ledger, LedgerError, Suppression},
    message::Composer,
};

/// Claimed letters, and what connections make of them.
pub(super) struct SendQueue {
    pub(super) ledger: Ledger,
    composer: Arc<Composer>,
    settings: Settings,
    clock: Clock,
    emit: Emit,
    state: Mutex<State>,
    /// Something changed that waiting connections should look at.
    changed: Notify,
    /// Something changed that the run loop should look at.
    pub(super) news: Notify,
    /// The ledger is to be asked for a part of a limit.
    pub(super) asks: Notify,
    /// Pace counts from here.
    origin: Instant,
}

struct State {
    queue: VecDeque<Lease>,
    /// Letters to domains with limits of their own.
    limited: BTreeMap<String, VecDeque<Lease>>,
    /// Everything that is leased to this sender: in a queue, or with a connection.
    leased: HashSet<DeliveryId>,
    /// Letters that are with connections.
    under_way: usize,
    /// Those of them whose body may have left.
    granted: usize,
    pace: Pace,
    complaints: Complaints,
    brake: Brake,
    /// The ledger had nothing more to claim when last asked.
    drained: bool,
    /// No more letters are given out.
    stop: Option<Stop>,
    /// Which day the warm-up's limit is set for, and when it ends.
    today: Option<Timestamp>,
    buffers: Vec<Vec<u8>>,
    /// Addresses that do not exist, to be suppressed by the run loop.
    suppress: Vec<Suppression>,
    accepted: u64,
    answered: u64,
    /// When so few letters lie here, it is time to claim more.
    low: usize,
}

/// Why no more letters are given out.
#[derive(Debug)]
pub(super) enum Stop {
    Asked,
    Brake(Pulled),
    /// Another process stopped the dispatch, and said why.
    Elsewhere(String),
    Ledger(LedgerError),
}

/// How things are, for the run loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// So many letters can leave at once.
    Ready(usize),
    /// Letters are there, but none may leave before then.
    Paced(Wait, Timestamp),
    /// All letters at hand are out, and the ledger should be asked for more.
    Refill,
    /// Nothing at hand and nothing more to claim; letters under way.
    UnderWay,
    /// Nothing at hand, nothing under way.
    Empty,
    /// Stopped, and nothing under way.
    Stopped,
}

impl State {
    fn is_low(&self) -> bool {
        !self.drained && self.queue.len() <= self.low
    }

    fn at_hand(&self) -> usize {
        self.queue.len() + self.limited.values().map(VecDeque::len).sum::<usize>()
    }
}

impl SendQueue {
    pub(super) fn new(
        ledger: Ledger,
        composer: Arc<Composer>,
        settings: Settings,
        shares: &Shares,
        clock: Clock,
        emit: Emit,
    ) -> Self {
        let pace = Pace::new(&settings.pace, shares);
        let state = State {
            queue: VecDeque::new(),
            limited: BTreeMap::new(),
            leased: HashSet::new(),
            under_way: 0,
            granted: 0,
            brake: Brake::new(settings.brake.clone()),
            pace,
            complaints: Complaints::default(),
            drained: false,
            stop: None,
            today: None,
            buffers: Vec::new(),
            suppress: Vec::new(),
            accepted: 0,
            answered: 0,
            low: 0,
        };
        Self {
            ledger,
            composer,
            settings,
            clock,
            emit,
            state: Mutex::new(state),
            changed: Notify::new(),
            news: Notify::new(),
            asks: Notify::new(),
            origin: Instant::now(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues claimed letters, of so many that were asked for; none means that the ledger has no more at the
    /// moment.
    pub(super) fn put(&self, claims: Vec<Claim>, asked: usize) {
        let mut state = self.state();
        state.drained = claims.is_empty();
        state.low = asked / 2;
        for lease in claims.into_iter().map(Lease::new) {
            if !state.leased.insert(lease.delivery()) {
                // The ledger takes the later claim for ours; the earlier one may be under way. Nothing more is begun.
                state.stop.get_or_insert(Stop::Ledger(LedgerError::ClaimedTwice));
                continue;
            }
            let domain = lease.domain();
            if state.pace.limits_domain(domain) {
                let domain = domain.to_owned();
                state.limited.entry(domain).or_default().push_back(lease);
            } else {
                state.queue.push_back(lease);
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Limited domains of which enough letters lie here already.
    pub(super) fn crowded_domains(&self, most: usize) -> Vec<String> {
        let state = self.state();
        state
            .limited
            .iter()
            .filter(|(domain, claims)| claims.len() >= state.pace.enough(domain, most))
            .map(|(domain, _)| domain.clone())
            .collect()
    }

    /// The ledger may have letters that it had not when it was last asked.
    pub(super) fn look_again(&self) {
        self.state().drained = false;
        self.news.notify_one();
    }

    /// How many letters lie here.
    pub(super) fn at_hand(&self) -> usize {
        self.state().at_hand()
    }

    /// Whether it is time to claim more, before connections have to wait for it.
    pub(super) fn runs_low(&self) -> bool {
        self.state().is_low()
    }

    /// Letters that have come to an answer, whichever.
    pub(super) fn answered(&self) -> u64 {
        self.state().answered
    }

    /// Addresses that turned out not to exist since the last call.
    pub(super) fn take_suppressions(&self) -> Vec<Suppression> {
        std::mem::take(&mut self.state().suppress)
    }

    /// What was answered since the last call, for the other senders.
    pub(super) fn take_unshared(&self) -> Option<Answers> {
        self.state().brake.take_unshared()
    }

    /// The other senders could not learn them: the next call returns them again, before what comes later.
    pub(super) fn put_back_unshared(&self, answers: Answers) {
        self.state().brake.put_back_unshared(answers);
    }

    /// Whether there are refusals that the other senders do not know.
    pub(super) fn has_refusals(&self) -> bool {
        self.state().brake.has_news()
    }

    pub(super) fn accepted(&self) -> u64 {
        self.state().accepted
    }

    /// Gives no more letters out, and begins none that are out. The first reason counts.
    pub(super) fn stop(&self, why: Stop) {
        let mut state = self.state();
        state.stop.get_or_insert(why);
        drop(state);
        self.changed.notify_waiters();
        self.news.notify_one();
    }

    pub(super) fn take_stop(&self) -> Option<Stop> {
        self.state().stop.take()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state().stop.is_some()
    }

    /// Stopped, and no body is on its way: connections have nothing to finish.
    pub(super) fn has_finished(&self) -> bool {
        let state = self.state();
        state.stop.is_some() && state.granted == 0
    }

    /// What can be done now.
    pub(super) fn outlook(&self) -> Outlook {
        let mut state = self.state();
        if state.stop.is_some() {
            return if state.under_way == 0 { Outlook::Stopped } else { Outlook::UnderWay };
        }
        let at_hand = state.at_hand();
        if at_hand == 0 {
            return match (state.drained, state.under_way == 0) {
                (false, _) => Outlook::Refill,
                (true, false) => Outlook::UnderWay,
                (true, true) => Outlook::Empty,
            };
        }
        let found = self.find(&mut state, Purpose::Look);
        self.see_to_grants(&state);
        match found {
            Take::Lease(_) | Take::Ready => Outlook::Ready(at_hand),
            Take::Wait(Some(at)) => {
                let wait = at.saturating_duration_since(Instant::now());
                // To the minute as the owner said it, where a clock's time was said.
                let opens = self.closed_until(&state).unwrap_or_else(|| until((self.clock)(), wait));
                Outlook::Paced(self.why(&mut state), opens)
            }
            Take::Wait(None) | Take::Nothing => Outlook::UnderWay,
        }
    }

    /// Forgets what is not under way; the caller releases it.
    pub(super) fn clear(&self) {
        let mut state = self.state();
        state.queue.clear();
        state.limited.clear();
        state.leased.clear();
        state.drained = true;
    }
}
