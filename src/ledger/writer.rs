//! The queue in front of the database: takes what waits, commits it together, then answers.
//!
//! Nothing here knows SQL; it drives a [`Store`].

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    database::Store,
    error::LedgerError,
    queue::{Queue, Request, Taken},
    transition::{Transition, TransitionKind},
};

/// Transitions in one commit, at most.
const GROUP_MAX: usize = 1000;
/// Between attempts to write outcomes that the disk or another process refused.
const PAUSE: Duration = Duration::from_millis(250);
/// How long outcomes are kept and tried before they are given up.
const TIMEOUT: Duration = Duration::from_secs(300);

/// What keeps the database from being written, for those who do not wait for it.
#[derive(Default)]
pub(super) struct Health(Mutex<Option<LedgerError>>);

impl Health {
    /// While what is known of letters that are gone cannot be written, or only out of the reserve, no further one may leave.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }

    fn report(&self, failure: Option<&LedgerError>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failure.cloned();
    }
}

/// The thread that writes.
pub(super) struct Writer {
    store: Store,
    queue: Arc<Queue>,
    health: Arc<Health>,
    group: Vec<Transition>,
    settlers: Vec<oneshot::Sender<()>>,
    flushers: Vec<oneshot::Sender<Result<(), LedgerError>>>,
    /// When to try again what could not be written.
    again: Option<Instant>,
    /// Since when outcomes cannot be written, and why.
    failure: Option<(Instant, LedgerError)>,
    /// The reserve has been given back to the disk for this reason: what is left of it is for outcomes.
    no_reserve: Option<LedgerError>,
    /// Outcomes were given up for this reason.
    lost: Option<LedgerError>,
}

impl Writer {
    pub(super) fn new(store: Store, queue: Arc<Queue>, health: Arc<Health>) -> Self {
        Self {
            store,
            queue,
            health,
            group: Vec::new(),
            settlers: Vec::new(),
            flushers: Vec::new(),
            again: None,
            failure: None,
            no_reserve: None,
            lost: None,
        }
    }

    /// Works until every handle is gone.
    pub(super) fn run(mut self) {
        loop {
            let again = self.again.into_iter().chain(self.store.tend()).min();
            let Taken { requests, is_closed } = self.queue.take(again);
            for request in requests {
                match request {
                    Request::Transition(mark) => {
                        self.group.push(mark);
                        if self.group.len() >= GROUP_MAX {
                            self.commit();
                        }
                    }
                    Request::Settle(reply) => self.settlers.push(reply),
                    Request::Flush(reply) => self.flushers.push(reply),
                    Request::Job(job) => {
                        self.commit();
                        self.store.wait_for_database();
                        job(&mut self.store);
                    }
                }
            }
            self.commit();
            if is_closed {
                return;
            }
        }
    }

    /// Tries to make the group durable, and answers those who wait for it.
    fn commit(&mut self) {
        self.again = None;
        if !self.group.is_empty() {
            match self.apply() {
                Ok(()) => self.failure = None,
                Err(error) if error.is_passing() => self.endure(error),
                Err(_) => {
                    self.failure = None;
                    self.apply_singly();
                }
            }
        }
        let failure = self.failure.as_ref().map(|(_, error)| error);
        self.health.report(self.lost.as_ref().or(self.no_reserve.as_ref()).or(failure));
        for settler in self.settlers.drain(..) {
            let _ = settler.send(());
        }
        if self.group.is_empty() {
            let result = self.lost.clone().map_or(Ok(()), Err);
            for flusher in self.flushers.drain(..) {
                let _ = flusher.send(result.clone());
            }
        }
    }

    fn apply(&mut self) -> Result<(), LedgerError> {
        if let Some(error) = self.lost.as_ref().or(self.no_reserve.as_ref()) {
            // What is known of letters that are gone cannot be written, or soon not: no further one may leave.
            refuse_begins(&mut self.group, error);
        }
        let mut done = self.store.apply(&mut self.group).map_err(LedgerError::from);
        if let Err(error @ LedgerError::Full { .. }) = &done {
            // The reserve is for what is known of letters that are gone, not for further ones.
            refuse_begins(&mut self.group, error);
            if !self.group.is_empty() && self.store.release_reserve() {
                self.no_reserve = Some(error.clone());
                done = self.store.apply(&mut self.group).map_err(LedgerError::from);
            }
        }
        done?;
        let is_whole = self.lost.is_none();
        self.group.drain(..).for_each(|mark| acknowledge(mark, is_whole));
        Ok(())
    }

    /// Begins fail at once; what is known of letters that are gone is kept and tried again.
    fn endure(&mut self, error: LedgerError) {
        // A server that comes back soon is waited for; nothing is known to be wrong with what was asked for.
        if !(self.store.is_remote() && error.is_away()) {
            refuse_begins(&mut self.group, &error);
        }
        let since = self.failure.as_ref().map_or_else(Instant::now, |(since, _)| *since);
        self.failure = Some((since, error.clone()));
        if self.group.is_empty() {
            self.failure = None;
        } else if since.elapsed() >= TIMEOUT {
            refuse_begins(&mut self.group, &error);
            self.group.clear();
            self.failure = None;
            self.lost = Some(error);
        } else {
            self.again = Some(Instant::now() + PAUSE);
        }
    }

    /// One of the group cannot be written: finds it, and does the others.
    fn apply_singly(&mut self) {
        for mark in mem::take(&mut self.group) {
            let mut alone = [mark];
            let done = self.store.apply(&mut alone).map_err(LedgerError::from);
            let [mark] = alone;
            match done {
                Ok(()) => acknowledge(mark, self.lost.is_none()),
                Err(error) => match mark.kind {
                    TransitionKind::Begin { reply, .. } => {
                        let _ = reply.send(Err(error));
                    }
                    TransitionKind::Close { .. } => self.lost = Some(error),
                },
            }
        }
    }
}

/// However the thread ends, no one waits for it in vain.
impl Drop for Writer {
    fn drop(&mut self) {
        self.health.report(Some(&LedgerError::Closed));
        self.queue.close();
        drop(self.queue.take(None));
    }
}

/// The database has it, and everything before it if it `is_whole`: what it lacks stays in the log.
fn acknowledge(mark: Transition, is_whole: bool) {
    if let Some(logged) = mark.logged.filter(|_| is_whole) {
        logged.is_applied();
    }
    if let TransitionKind::Begin { answer, reply, .. } = mark.kind {
        let _ = reply.send(Ok(answer));
    }
}

fn refuse_begins(group: &mut Vec<Transition>, error: &LedgerError) {
    for mark in mem::take(group) {
        match mark.kind {
            TransitionKind::Begin { reply, .. } => {
                let _ = reply.send(Err(error.clone()));
            }
            TransitionKind::Close { .. } => group.push(mark),
        }
    }
}
