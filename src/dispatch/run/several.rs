//! A run through several relays: each has a run of its own over its part of the letters. When one cannot be used the others take its
//! letters; it is tried again after a while.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{
    ended::{Ended, Interrupt},
    job::Job,
    route::Route,
};
use crate::{
    dispatch::{
        clock::between,
        event::{Emit, Event},
        routing::is_covered,
        settings::Settings,
        wait::Wait,
    },
    ledger::LedgerError,
    transport::{Outcome, RelayDown},
};

/// A relay that went away is tried again after this, and after twice as long each time.
const AGAIN_FIRST: Duration = Duration::from_secs(5);
const AGAIN_MAX: Duration = Duration::from_secs(60);

/// How one route is.
enum State {
    /// It is to be started.
    Due,
    Running,
    /// Nothing is left for it, or nothing before then.
    Idle(Option<Timestamp>),
    /// A limit of its own, or of all of them, holds its letters until then.
    Held(Wait, Timestamp, Instant),
    /// Its relay cannot be used; tried again then, if that may help.
    Away(RelayDown, Option<Instant>),
}

struct Several {
    job: Job,
    routes: Vec<Route>,
    states: Vec<State>,
    /// Whether any of them has taken a letter.
    has_accepted: bool,
    /// How often each went away without having taken a letter in between.
    away: Vec<u32>,
    /// Which were handed letters while they ran: they may have decided to end before they knew.
    handed: Vec<bool>,
    /// Since when no relay can be used.
    all_away_since: Option<Instant>,
    up: watch::Sender<Vec<bool>>,
    /// What makes the routes stop.
    stop: watch::Sender<Interrupt>,
    tasks: JoinSet<(usize, Result<Ended, LedgerError>)>,
    counts: Arc<Counts>,
    /// Why all of them stop.
    ended: Option<Result<Ended, LedgerError>>,
}

/// What the routes report, together.
struct Counts {
    emit: Emit,
    connections: Mutex<Vec<usize>>,
    /// Whether a route has had a letter accepted since it was last started.
    accepted: Vec<AtomicBool>,
}

impl Counts {
    fn report(&self, route: usize, event: Event<'_>) {
        match event {
            Event::Connections(open) => {
                let mut all = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
                all[route] = open;
                let sum = all.iter().sum();
                drop(all);
                (self.emit)(Event::Connections(sum));
            }
            event => {
                if let Event::Answered { outcome: Outcome::Accepted { .. }, .. } = &event {
                    self.accepted[route].store(true, Relaxed);
                }
                (self.emit)(event);
            }
        }
    }
}

/// Sends through all routes.
pub(super) async fn send(
    job: Job,
    routes: Vec<Route>,
    mut interrupts: watch::Receiver<Interrupt>,
) -> Result<Ended, LedgerError> {
    let number = routes.len();
    let counts = Counts {
        emit: Arc::clone(&job.emit),
        connections: Mutex::new(vec![0; number]),
        accepted: (0..number).map(|_| AtomicBool::new(false)).collect(),
    };
    let mut several = Several {
        job,
        states: routes.iter().map(|_| State::Due).collect(),
        has_accepted: false,
        away: vec![0; number],
        handed: vec![false; number],
        all_away_since: None,
        routes,
        up: watch::Sender::new(vec![true; number]),
        stop: watch::Sender::new(*interrupts.borrow_and_update()),
        tasks: JoinSet::new(),
        counts: Arc::new(counts),
        ended: None,
    };
    loop {
        several.start();
        if several.tasks.is_empty()
            && let Some(ended) = several.end()
        {
            return ended;
        }
        let again = several.again();
        let retry = async {
            match again {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(done) = several.tasks.join_next(), if !several.tasks.is_empty() => match done {
                Ok((route, ended)) => several.route_ended(route, ended),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => {}
            },
            Ok(()) = interrupts.changed(), if interrupts.has_changed().is_ok() => {
                let wish = *interrupts.borrow_and_update();
                several.ended.get_or_insert(Ok(Ended::Interrupted));
                several.stop.send_replace(wish);
            }
            () = retry => {}
        }
    }
}

impl Several {
    /// Starts what is due.
    fn start(&mut self) {
        if self.ended.is_some() {
            return;
        }
        let now = Instant::now();
        for route in 0..self.routes.len() {
            match &self.states[route] {
                State::Due => {}
                State::Away(_, Some(again)) | State::Held(_, _, again) if *again <= now => {}
                _ => continue,
            }
            self.states[route] = State::Running;
            self.handed[route] = false;
            self.counts.accepted[route].store(false, Relaxed);
            self.set_up(route, true);
            let counts = Arc::clone(&self.counts);
            let emit: Emit = Arc::new(move |event: Event<'_>| counts.report(route, event));
            let run = Job { emit, ..self.job.clone() }.through(
                route,
                self.routes[route].clone(),
                self.up.subscribe(),
                self.stop.subscribe(),
            );
            self.tasks.spawn(async move { (route, run.await) });
        }
    }

    fn set_up(&self, route: usize, is_up: bool) {
        self.up.send_if_modified(|up| std::mem::replace(&mut up[route], is_up) != is_up);
    }

    fn route_ended(&mut self, route: usize, ended: Result<Ended, LedgerError>) {
        self.counts.report(route, Event::Connections(0));
        if self.counts.accepted[route].load(Relaxed) {
            self.has_accepted = true;
            self.away[route] = 0;
            self.all_away_since = None;
        }
        self.states[route] = match ended {
            Ok(Ended::Finished | Ended::Paused { why: Wait::Deferred, .. })
                if self.handed[route] && self.ended.is_none() =>
            {
                State::Due
            }
            Ok(Ended::Finished) => State::Idle(None),
            Ok(Ended::Paused { why: Wait::Deferred, until }) => State::Idle(Some(until)),
            Ok(Ended::Paused { why, until }) => {
                self.hand_over(route);
                let wait = between((self.job.clock)(), until);
                State::Held(why, until, Instant::now() + wait)
            }
            Ok(Ended::RelayDown(down)) => {
                self.hand_over(route);
                self.went_away(route, down)
            }
            other => {
                self.ended.get_or_insert(other);
                self.stop.send_if_modified(|wish| {
                    let is_new = *wish == Interrupt::None;
                    *wish = (*wish).max(Interrupt::Finish);
                    is_new
                });
                State::Idle(None)
            }
        };
    }

    /// The others take its letters: also those that had nothing left to do.
    fn hand_over(&mut self, route: usize) {
        self.set_up(route, false);
        for (state, handed) in self.states.iter_mut().zip(&mut self.handed) {
            match state {
                State::Idle(_) => *state = State::Due,
                State::Running => *handed = true,
                _ => {}
            }
        }
    }

    fn went_away(&mut self, route: usize, down: RelayDown) -> State {
        let wait = AGAIN_FIRST.saturating_mul(1 << self.away[route].min(6)).min(AGAIN_MAX);
        self.away[route] += 1;
        if !down.passing {
            return State::Away(down, None);
        }
        (self.job.emit)(Event::RelayAway { down: &down, wait });
        State::Away(down, Some(Instant::now() + wait))
    }

    /// When a route is tried again.
    fn again(&self) -> Option<Instant> {
        let again = |state: &State| match state {
            State::Away(_, again) => *again,
            State::Held(_, _, again) => Some(*again),
            _ => None,
        };
        self.states.iter().filter_map(again).min()
    }

    /// How it ended, when nothing runs; `None` to wait for a relay.
    fn end(&mut self) -> Option<Result<Ended, LedgerError>> {
        if let Some(ended) = self.ended.take() {
            return Some(ended);
        }
        if is_covered(&self.job.terms, &self.up.borrow()) {
            // Whoever could be used has taken all that was left.
            let deferred = self.states.iter().filter_map(|state| match state {
                State::Idle(until) => *until,
                _ => None,
            });
            return Some(Ok(match deferred.min() {
                Some(until) => Ended::Paused { why: Wait::Deferred, until },
                None => Ended::Finished,
            }));
        }
        let since = *self.all_away_since.get_or_insert_with(Instant::now);
        let is_patient = match self.job.settings.until {
            Some(until) => (self.job.clock)() < until,
            None => self.has_accepted && since.elapsed() < Settings::RELAY_WAIT_MAX,
        };
        let can_come_back = self.states.iter().any(|state| matches!(state, State::Away(_, Some(_))));
        if is_patient && can_come_back {
            return None;
        }
        let held = self.states.iter().find_map(|state| match state {
            State::Held(why, until, _) => Some(Ended::Paused { why: *why, until: *until }),
            _ => None,
        });
        let away =
            self.states.iter_mut().find_map(|state| match std::mem::replace(state, State::Idle(None)) {
                State::Away(down, _) => Some(Ended::RelayDown(down)),
                _ => None,
            });
        Some(Ok(held.or(away).unwrap_or(Ended::Finished)))
    }
}
