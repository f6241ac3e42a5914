//! The threads of a ledger, and how a call reaches its own: one writes, and one answers queries (a scratch ledger has only
//! the first, a ledger that is opened read-only the second).

use std::{
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;

use super::{
    database::{Store, StoreError},
    error::LedgerError,
    queue::{Job, Queue, Request},
    writer::{Health, Writer},
};

/// The threads of a ledger.
pub(super) struct Threads {
    // Closed first, so that the writer's connection is the last one: it tidies the write-ahead log away.
    reader: Option<Reader>,
    writer: Option<WriterHandle>,
}

/// The thread that writes, and what waits for it.
struct WriterHandle {
    queue: Arc<Queue>,
    health: Arc<Health>,
    thread: Option<JoinHandle<()>>,
}

/// The thread that answers queries, and the way to it.
struct Reader {
    /// `None` while it is being closed.
    inbox: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Threads {
    pub(super) fn start(writer: Option<Store>, reader: Option<Store>) -> Self {
        let writer = writer.map(|store| {
            let queue = Arc::new(Queue::new());
            let health = Arc::<Health>::default();
            let writer = Writer::new(store, Arc::clone(&queue), Arc::clone(&health));
            WriterHandle { queue, health, thread: Some(spawn("ledger-writer", move || writer.run())) }
        });
        let reader = reader.map(|mut store| {
            let (inbox, jobs) = mpsc::channel::<Job>();
            let thread = spawn("ledger-reader", move || {
                jobs.into_iter().for_each(|job| {
                    store.wait_for_database();
                    job(&mut store);
                })
            });
            Reader { inbox: Some(inbox), thread: Some(thread) }
        });
        Self { reader, writer }
    }

    /// After a long list the write-ahead log is long; the reading thread brings it into the database meanwhile.
    pub(super) fn tidy(&self) {
        if let Some(reader) = &self.reader {
            // Only to save time later, so that a failure is no reason to stop.
            let _ = reader.send(Box::new(|store| drop(store.checkpoint())));
        }
    }

    /// Whether what is asked for can be written, as far as is known.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        self.writer.as_ref().ok_or(LedgerError::ReadOnly)?.health.check()
    }

    /// Puts a request behind what the writing thread has to do.
    pub(super) fn send(&self, request: Request) -> Result<(), LedgerError> {
        let writer = self.writer.as_ref().ok_or(LedgerError::ReadOnly)?;
        writer.queue.send(request)
    }

    /// Has something done by the writing thread, in its turn.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (job, answer) = answering(job);
        self.send(Request::Job(job))?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }

    /// Asks something, when everything asked for before has been tried.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let Some(reader) = &self.reader else { return self.write(job).await };
        if self.writer.is_some() {
            let (reply, settled) = oneshot::channel();
            self.send(Request::Settle(reply))?;
            settled.await.map_err(|_| LedgerError::Closed)?;
        }
        let (job, answer) = answering(job);
        reader.send(job)?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }
}

type Answer<T> = oneshot::Receiver<Result<T, LedgerError>>;

fn answering<T: Send + 'static>(
    job: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
) -> (Job, Answer<T>) {
    let (reply, answer) = oneshot::channel();
    let job: Job = Box::new(move |store| {
        let _ = reply.send(job(store).map_err(LedgerError::from));
    });
    (job, answer)
}

impl Reader {
    fn send(&self, job: Job) -> Result<(), LedgerError> {
        self.inbox.as_ref().and_then(|inbox| inbox.send(job).ok()).ok_or(LedgerError::Closed)
    }
}

/// The last handle closes the ledger: what was asked for is tried once more, then the threads end.
impl Drop for Reader {
    fn drop(&mut self) {
        self.inbox = None;
        join(self.thread.take());
    }
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        self.queue.close();
        join(self.thread.take());
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.expect("a process that starts can start two more threads")
}

/// Waits for the end of a thread, unless it is the one that waits.
fn join(thread: Option<JoinHandle<()>>) {
    if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id()) {
        // A panic has been reported by the thread itself.
        let _ = thread.join();
    }
}
