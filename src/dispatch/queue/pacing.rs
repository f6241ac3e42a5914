//! Which letter may leave now: limits of domains and of the whole, the window, the day's share.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    SendQueue, State,
    take::{Purpose, Take},
};
use crate::{
    dispatch::{
        clock::between,
        event::Event,
        pace::{Answer, Ask, Budget, Day, Request, Scope},
        peers::Position,
        wait::Wait,
        window::Hours,
    },
    transport::Reply,
};

/// The pace's time does not begin at nothing, so that there is a time before it.
const TICK_BEFORE: Duration = Duration::from_secs(3600);

impl State {
    fn ask(&mut self, domain: &str, tick: Duration, purpose: Purpose) -> Ask {
        match purpose {
            Purpose::Send => self.pace.ask(domain, tick),
            Purpose::Look => self.pace.look(domain, tick),
        }
    }
}

impl SendQueue {
    /// The time as the pace counts it.
    pub(in crate::dispatch) fn tick(&self) -> Duration {
        TICK_BEFORE + self.origin.elapsed()
    }

    pub(in crate::dispatch) fn instant(&self, tick: Duration) -> Instant {
        self.origin + tick.saturating_sub(TICK_BEFORE)
    }

    /// The budgets that the pace is made of.
    pub(in crate::dispatch) fn budgets(&self) -> Vec<Budget> {
        self.state().pace.budgets()
    }

    /// So many letters to claim at a time, at most: where a limit holds them back, other senders need some to claim too.
    pub(in crate::dispatch) fn claims_max(&self) -> usize {
        let lots = self.state().pace.lot().map_or(u32::MAX, |lot| lot.saturating_mul(4).max(10));
        self.settings.batch.min(lots as usize)
    }

    /// What to ask the ledger for now, and when to look again if that is nothing.
    pub(in crate::dispatch) fn requests(&self) -> (Vec<(Scope, Request)>, Option<Duration>) {
        let now = self.tick();
        let mut state = self.state();
        let State { pace, limited, queue, .. } = &mut *state;
        let limited_letters: usize = limited.values().map(VecDeque::len).sum();
        let waiting = |domain: Option<&str>| {
            let letters = match domain {
                Some(domain) => limited.get(domain).map_or(0, VecDeque::len),
                None => queue.len() + limited_letters,
            };
            u32::try_from(letters).unwrap_or(u32::MAX)
        };
        let requests = pace.requests(now, waiting);
        (requests, pace.due_at())
    }

    /// What the ledger granted; wakes whoever waits for it.
    pub(in crate::dispatch) fn granted(&self, answers: Vec<Answer>) {
        self.state().pace.granted(answers, self.tick());
        self.changed.notify_waiters();
        self.news.notify_one();
    }

    /// What was granted and did not leave; nothing is given out afterwards.
    pub(in crate::dispatch) fn close_pace(&self) -> Vec<Request> {
        self.state().pace.close()
    }

    /// Wakes whoever asks the ledger, if there is something to ask.
    pub(super) fn see_to_grants(&self, state: &State) {
        if state.pace.is_due(self.tick()) {
            self.asks.notify_one();
        }
    }

    /// Sets how many letters may leave on the day that ends then.
    pub(in crate::dispatch) fn set_today(&self, ends: Timestamp, day: Option<Day>) -> Option<Budget> {
        let mut state = self.state();
        state.today = Some(ends);
        state.pace.set_day(day)
    }

    /// When the day ends for which the warm-up's limit is set.
    pub(in crate::dispatch) fn today_ends(&self) -> Option<Timestamp> {
        self.state().today
    }

    pub(super) fn why(&self, state: &mut State) -> Wait {
        match state.pace.day_over_until() {
            Some(_) => Wait::WarmUp,
            None => match self.settings.pace.window.as_ref().map(|window| window.at((self.clock)())) {
                Some(Hours::ClosedUntil(_)) => Wait::Window,
                _ if state.pace.is_patient(self.tick()) => Wait::Throttled,
                _ => Wait::Pace,
            },
        }
    }

    /// Takes a letter that may leave now, and counts it in the same breath: others are asking too.
    pub(super) fn take(&self) -> Take {
        let mut state = self.state();
        let take = self.find(&mut state, Purpose::Send);
        if matches!(take, Take::Lease(_)) {
            state.under_way += 1;
        }
        self.see_to_grants(&state);
        take
    }

    /// Finds a letter that may leave now.
    pub(super) fn find(&self, state: &mut State, purpose: Purpose) -> Take {
        if state.stop.is_some() {
            return Take::Nothing;
        }
        if state.queue.is_empty() && state.limited.values().all(VecDeque::is_empty) {
            return if state.drained { Take::Nothing } else { Take::Wait(None) };
        }
        if let Some(opens) = self.closed_until(state) {
            let wait = between((self.clock)(), opens).max(Duration::from_millis(1));
            return Take::Wait(Some(Instant::now() + wait));
        }
        let tick = self.tick();
        let mut earliest: Option<Duration> = None;
        let domains: Vec<String> = state
            .limited
            .iter()
            .filter(|(_, claims)| !claims.is_empty())
            .map(|(domain, _)| domain.clone())
            .collect();
        for domain in domains {
            match state.ask(&domain, tick, purpose) {
                Ask::Go => return Take::of(state.limited.get_mut(&domain), purpose),
                Ask::WaitUntil(at) => return Take::Wait(Some(self.instant(at))),
                Ask::DomainUntil(at) => earliest = earliest.into_iter().chain(at).min(),
            }
        }
        let Some(front) = state.queue.front() else {
            return Take::Wait(earliest.map(|at| self.instant(at)));
        };
        let domain = front.domain().to_owned();
        match state.ask(&domain, tick, purpose) {
            Ask::Go => Take::of(Some(&mut state.queue), purpose),
            Ask::WaitUntil(at) => Take::Wait(Some(self.instant(at))),
            Ask::DomainUntil(at) => Take::Wait(at.map(|at| self.instant(at))),
        }
    }

    /// When the day's cap or the sending window allows letters again, if they forbid them now.
    pub(super) fn closed_until(&self, state: &State) -> Option<Timestamp> {
        let cap = state.pace.day_over_until();
        if cap.is_none() && self.settings.pace.window.is_none() {
            return None;
        }
        let now = (self.clock)();
        let cap = cap.filter(|ends| now < *ends);
        let window = match self.settings.pace.window.as_ref().map(|window| window.at(now)) {
            Some(Hours::ClosedUntil(opens)) => Some(opens),
            _ => None,
        };
        cap.max(window)
    }

    /// The adaptive pace, in letters a second; `None` while the relay has not complained.
    pub(in crate::dispatch) fn rate(&self) -> Option<f64> {
        self.state().pace.rate()
    }

    /// Begins with this pace, as the relay has complained to other senders.
    pub(in crate::dispatch) fn slow_down_to(&self, rate: f64) {
        self.state().pace.slow_down_to(rate, self.tick());
    }

    /// Whether connections by domain are limited, which senders share.
    pub(in crate::dispatch) fn limits_connections(&self) -> bool {
        self.state().pace.limits_connections()
    }

    /// Takes this sender's share of connections by domain.
    pub(in crate::dispatch) fn set_position(&self, position: Position) {
        if self.state().pace.set_position(position) {
            self.look_again();
            self.changed.notify_waiters();
        }
    }

    /// The relay says that we are too fast.
    pub(in crate::dispatch) fn throttled(&self, why: &Reply) {
        let mut state = self.state();
        if let Some(letters_per_second) = state.pace.throttled(self.tick())
            && state.complaints.is_news(letters_per_second)
        {
            drop(state);
            (self.emit)(Event::Slower { letters_per_second, why });
        }
    }
}
