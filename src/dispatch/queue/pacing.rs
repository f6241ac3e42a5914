//! Which letter may leave now: limits of domains and of the whole, the window, the day's share.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{DayCap, SendQueue, State};
use crate::{
    dispatch::{Ask, Event, Hours, Wait, clock::between, lease::Lease},
    transport::Reply,
};

/// What a connection gets when it asks for a letter.
pub(super) enum Take {
    Lease(Lease),
    /// There is one, for those who only look.
    Ready,
    /// Ask again at this time, or when something has changed.
    Wait(Option<Instant>),
    Nothing,
}

/// Why somebody asks for a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To send it: it counts towards the limits.
    Send,
    /// To know what would happen.
    Look,
}

impl Take {
    /// The first letter of a queue.
    fn of(queue: Option<&mut VecDeque<Lease>>, purpose: Purpose) -> Self {
        match queue {
            Some(queue) if purpose == Purpose::Look && !queue.is_empty() => Self::Ready,
            Some(queue) => queue.pop_front().map_or(Self::Nothing, Self::Lease),
            None => Self::Nothing,
        }
    }
}

impl State {
    fn ask(&mut self, domain: &str, tick: Duration, purpose: Purpose) -> Ask {
        match purpose {
            Purpose::Send => self.pace.ask(domain, tick),
            Purpose::Look => self.pace.look(domain, tick),
        }
    }
}

impl SendQueue {
    pub(super) fn tick(&self) -> Duration {
        self.before + self.origin.elapsed()
    }

    fn instant(&self, tick: Duration) -> Instant {
        self.origin + tick.saturating_sub(self.before)
    }

    /// Counts letters of earlier runs towards the limits. `ago` is how long before now they left; oldest first.
    pub(in crate::dispatch) fn seed(&self, domain: Option<&str>, ago: Duration, letters: u32) {
        let then = self.tick().saturating_sub(ago);
        self.state().pace.seed(domain, then, letters);
    }

    pub(in crate::dispatch) fn set_today(&self, today: Option<DayCap>) {
        self.state().today = today;
    }

    pub(in crate::dispatch) fn today(&self) -> Option<DayCap> {
        self.state().today
    }

    pub(super) fn why(&self, state: &mut State) -> Wait {
        match state.today {
            Some(today) if today.left == 0 => Wait::WarmUp,
            _ => match self.settings.pace.window.as_ref().map(|window| window.at((self.clock)())) {
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
            if let Some(today) = &mut state.today {
                today.left = today.left.saturating_sub(1);
            }
        }
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
        if state.today.is_none() && self.settings.pace.window.is_none() {
            return None;
        }
        let now = (self.clock)();
        let cap = state.today.filter(|today| today.left == 0).map(|today| today.ends);
        let window = match self.settings.pace.window.as_ref().map(|window| window.at(now)) {
            Some(Hours::ClosedUntil(opens)) => Some(opens),
            _ => None,
        };
        cap.max(window)
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
