//! The queue in front of the database: gathers what waits, commits it together, then answers.
//!
//! Nothing here knows SQL; it drives a [`Store`].

use std::{
    mem,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    Begun, LedgerError,
    sqlite::Store,
    values::{Hold, Next},
};
use crate::transport::Outcome;

/// Marks in one commit, at most.
const GROUP_MAX: usize = 1000;
/// How long an outcome may wait for company before it is committed.
const GATHER: Duration = Duration::from_millis(20);
/// Between attempts to write outcomes that the disk or another process refused.
const PAUSE: Duration = Duration::from_millis(250);
/// How long outcomes are kept and tried before they are given up.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the writer's thread is asked for.
pub(super) enum Request {
    /// One delivery changes its state.
    Mark(Mark),
    /// Anything else, with a transaction of its own.
    Job(Job),
    /// Answered when everything asked for before has been tried.
    Settle(oneshot::Sender<()>),
    /// Answered when everything asked for before is durable, or given up.
    Flush(oneshot::Sender<Result<(), LedgerError>>),
}

/// Something done to the store, in order.
pub(super) type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// One change of one delivery.
pub(super) struct Mark {
    pub(super) hold: Hold,
    pub(super) kind: MarkKind,
}

pub(super) enum MarkKind {
    Begin { at: i64, answer: Begun, reply: oneshot::Sender<Result<Begun, LedgerError>> },
    End { at: i64, outcome: Outcome, next: Next },
    Withdraw,
}

impl MarkKind {
    fn is_urgent(&self) -> bool {
        matches!(self, Self::Begin { .. })
    }
}

/// The thread that writes.
pub(super) struct Writer {
    store: Store,
    inbox: Receiver<Request>,
    group: Vec<Mark>,
    settlers: Vec<oneshot::Sender<()>>,
    flushers: Vec<oneshot::Sender<Result<(), LedgerError>>>,
    /// When the group is to be committed, whoever else comes.
    due: Option<Instant>,
    /// Begins and other marks in the group.
    begins: usize,
    others: usize,
    /// How long a begin may wait for others.
    begins_wait: Duration,
    /// Since when outcomes cannot be written.
    trouble: Option<Instant>,
    /// Outcomes were given up for this reason.
    lost: Option<LedgerError>,
}

impl Writer {
    pub(super) fn new(store: Store, inbox: Receiver<Request>, begins_wait: Duration) -> Self {
        Self {
            store,
            inbox,
            group: Vec::new(),
            settlers: Vec::new(),
            flushers: Vec::new(),
            due: None,
            begins: 0,
            others: 0,
            begins_wait,
            trouble: None,
            lost: None,
        }
    }

    /// Works until every handle is gone.
    pub(super) fn run(mut self) {
        loop {
            let first = match self.due {
                None => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => self.inbox.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            match first {
                Ok(request) => {
                    self.take(request);
                    while self.group.len() < GROUP_MAX
                        && let Ok(request) = self.inbox.try_recv()
                    {
                        self.take(request);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.commit();
                    return;
                }
            }
            if self.group.len() >= GROUP_MAX || self.due.is_some_and(|due| due <= Instant::now()) {
                self.commit();
            }
        }
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Mark(mark) => {
                let now = Instant::now();
                let due = if mark.kind.is_urgent() {
                    self.begins += 1;
                    now + self.begins_wait
                } else {
                    self.others += 1;
                    now + GATHER
                };
                self.group.push(mark);
                // When few letters are still out, waiting longer would only hold the others up.
                let out = self.store.letters_out().saturating_sub(self.others);
                let due = if 0 < self.begins && 2 * out <= self.begins { now } else { due };
                self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
            }
            Request::Settle(reply) => {
                self.settlers.push(reply);
                self.due = Some(Instant::now());
            }
            Request::Flush(reply) => {
                self.flushers.push(reply);
                self.due = Some(Instant::now());
            }
            Request::Job(job) => {
                self.commit();
                job(&mut self.store);
            }
        }
    }

    /// Tries to make the group durable, and answers those who wait for it.
    fn commit(&mut self) {
        (self.due, self.begins, self.others) = (None, 0, 0);
        if !self.group.is_empty() {
            match self.apply() {
                Ok(()) => self.trouble = None,
                Err(error) if error.is_passing() => self.endure(error),
                Err(_) => self.apply_singly(),
            }
        }
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
        if let Some(lost) = &self.lost {
            // What is known of letters that are gone cannot be written: no further one may leave.
            refuse_begins(&mut self.group, lost);
        }
        let mut done = self.store.apply(&mut self.group);
        if let Err(error @ LedgerError::Full { .. }) = &done {
            // The ballast is for what is known of letters that are gone, not for further ones.
            refuse_begins(&mut self.group, error);
            if !self.group.is_empty() && self.store.drop_ballast() {
                done = self.store.apply(&mut self.group);
            }
        }
        done?;
        for mark in self.group.drain(..) {
            answer(mark);
        }
        Ok(())
    }

    /// Begins fail at once; what is known of letters that are gone is kept and tried again.
    fn endure(&mut self, error: LedgerError) {
        refuse_begins(&mut self.group, &error);
        let since = *self.trouble.get_or_insert_with(Instant::now);
        if self.group.is_empty() {
            self.trouble = None;
        } else if since.elapsed() >= PATIENCE {
            self.group.clear();
            self.trouble = None;
            self.lost = Some(error);
        } else {
            self.due = Some(Instant::now() + PAUSE);
        }
    }

    /// One of the group cannot be written: finds it, and does the others.
    fn apply_singly(&mut self) {
        for mark in mem::take(&mut self.group) {
            let mut alone = [mark];
            let done = self.store.apply(&mut alone);
            let [mark] = alone;
            match done {
                Ok(()) => answer(mark),
                Err(error) => match mark.kind {
                    MarkKind::Begin { reply, .. } => {
                        let _ = reply.send(Err(error));
                    }
                    MarkKind::End { .. } | MarkKind::Withdraw => self.lost = Some(error),
                },
            }
        }
    }
}

fn answer(mark: Mark) {
    if let MarkKind::Begin { answer, reply, .. } = mark.kind {
        let _ = reply.send(Ok(answer));
    }
}

fn refuse_begins(group: &mut Vec<Mark>, error: &LedgerError) {
    for mark in mem::take(group) {
        match mark.kind {
            MarkKind::Begin { reply, .. } => {
                let _ = reply.send(Err(error.clone()));
            }
            MarkKind::End { .. } | MarkKind::Withdraw => group.push(mark),
        }
    }
}
