//! What waits for the writer, and when it is worth waking it: to wake a thread for each mark would cost as much as the
//! mark.

use std::{
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{database::Store, error::LedgerError, transition::Transition};

/// How long an outcome may wait for company before it is committed.
const COLLECT: Duration = Duration::from_millis(20);

/// What the writer's thread is asked for.
pub(super) enum Request {
    /// One delivery changes its state.
    Transition(Transition),
    /// Anything else, with a transaction of its own.
    Job(Job),
    /// Answered when everything asked for before has been tried.
    Settle(oneshot::Sender<()>),
    /// Answered when everything asked for before is durable, or given up.
    Flush(oneshot::Sender<Result<(), LedgerError>>),
}

/// Something done to the store, in order.
pub(super) type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// Requests in their order, between those who ask and the writer.
pub(super) struct Queue {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    /// When the requests are to be taken, whoever else comes.
    due: Option<Instant>,
    /// They are to be taken now.
    is_urgent: bool,
    /// Until when the writer sleeps at most; `None` while it works.
    asleep: Option<Instant>,
    is_closed: bool,
}

/// What the writer finds when it wakes.
pub(super) struct Taken {
    pub(super) requests: Vec<Request>,
    /// No one will ask for anything more.
    pub(super) is_closed: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), bell: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a request behind the others.
    pub(super) fn send(&self, request: Request) -> Result<(), LedgerError> {
        let mut state = self.state();
        if state.is_closed {
            return Err(LedgerError::Closed);
        }
        let now = Instant::now();
        match &request {
            Request::Transition(mark) if !mark.kind.is_begin() => {
                state.due.get_or_insert(now + COLLECT);
            }
            // Someone waits for it.
            _ => state.is_urgent = true,
        }
        state.requests.push(request);
        let due = state.due.filter(|_| !state.is_urgent).unwrap_or(now);
        if state.asleep.is_some_and(|until| due < until) {
            // No one needs to wake it a second time.
            state.asleep = None;
            self.bell.notify_one();
        }
        Ok(())
    }

    /// Nothing more can be asked for; what was is still done.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.asleep = None;
        self.bell.notify_one();
    }

    /// Waits until it is time to work: something is urgent or due, or it is `again` (the writer's own reason).
    pub(super) fn take(&self, again: Option<Instant>) -> Taken {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let due = state.due.into_iter().chain(again).min();
            if state.is_urgent || state.is_closed || due.is_some_and(|due| due <= now) {
                state.asleep = None;
                state.is_urgent = false;
                state.due = None;
                return Taken { requests: mem::take(&mut state.requests), is_closed: state.is_closed };
            }
            let until = due.unwrap_or(now + Duration::from_secs(3600));
            state.asleep = Some(until);
            let sleep = until.saturating_duration_since(now);
            state = self.bell.wait_timeout(state, sleep).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc, thread};

    use super::*;
    use crate::ledger::{
        lease::{Close, Hold},
        transition::TransitionKind,
    };

    fn mark(delivery: i64, worker: i64) -> Request {
        let hold = Hold { delivery, worker, epoch: 1, fingerprint: 0, hash_changes: 0 };
        let kind = TransitionKind::Close { close: Close::Withdrawn, started_at: None };
        Request::Transition(Transition { hold, kind, logged: None })
    }

    #[test]
    fn nothing_is_lost_and_everybodys_requests_stay_in_order() {
        const EACH: i64 = 3_000;
        let queue = Arc::new(Queue::new());
        let senders: Vec<_> = (0..4)
            .map(|worker| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    for number in 0..EACH {
                        queue.send(mark(number, worker)).unwrap();
                        if number % 7 == 0 {
                            let (reply, _) = oneshot::channel();
                            queue.send(Request::Settle(reply)).unwrap();
                        }
                    }
                })
            })
            .collect();
        let closer = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                senders.into_iter().for_each(|sender| sender.join().unwrap());
                queue.close();
            })
        };
        let mut next: HashMap<i64, i64> = HashMap::new();
        loop {
            let taken = queue.take(None);
            for request in taken.requests {
                if let Request::Transition(mark) = request {
                    let expected = next.entry(mark.hold.worker).or_default();
                    assert_eq!(mark.hold.delivery, *expected);
                    *expected += 1;
                }
            }
            if taken.is_closed {
                break;
            }
        }
        closer.join().unwrap();
        assert_eq!(next.into_values().collect::<Vec<_>>(), [EACH; 4]);
    }

    #[test]
    fn no_one_asks_a_writer_that_is_gone() {
        let queue = Queue::new();
        queue.close();
        assert!(matches!(queue.send(mark(1, 1)), Err(LedgerError::Closed)));
        assert!(queue.take(None).is_closed);
    }
}
