//! Who works deliveries off, and how the others know that it lives.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use super::{files::LockFile, log::Log, values::WorkerId};

/// A process that works deliveries off. It lives for as long as a clone of this is kept: what it has claimed is taken
/// from it only when it is proved dead.
#[derive(Clone, Debug)]
pub struct Worker {
    id: WorkerId,
    life: Arc<Life>,
    log: Option<Arc<Log>>,
}

impl Worker {
    pub(super) fn new(id: i64, life: Life, log: Option<Log>) -> Self {
        Self { id: WorkerId(id), life: Arc::new(life), log: log.map(Arc::new) }
    }

    /// Its log, where it can have one.
    pub(super) fn log(&self) -> Option<&Arc<Log>> {
        self.log.as_ref()
    }

    /// Whether each begin has a way to a server and back.
    pub(crate) fn is_on_server(&self) -> bool {
        self.log.is_some() && matches!(*self.life, Life::Listed(..))
    }

    /// Its name in the ledger.
    pub fn id(&self) -> WorkerId {
        self.id
    }
}

/// The proof that a worker lives.
#[derive(Debug)]
pub(super) enum Life {
    /// The lock of a file: the kernel lets go of it when the process ends, however it ends.
    Lock(#[expect(dead_code, reason = "it is held, not read")] LockFile),
    /// An entry in the list of the workers that this connection knows to live: of a ledger that no other process can see, or
    /// whose leases it renews. On a server the lock of a file proves the end sooner, where there is one.
    Listed(Living, i64, #[expect(dead_code, reason = "it is held, not read")] Option<LockFile>),
}

/// The living workers of a scratch ledger.
#[derive(Clone, Debug, Default)]
pub(super) struct Living(Arc<Mutex<HashSet<i64>>>);

impl Living {
    pub(super) fn enter(&self, worker: i64) -> Life {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(worker);
        Life::Listed(self.clone(), worker, None)
    }

    /// Lists a worker with the lock of a file.
    pub(super) fn enter_locked(&self, worker: i64, lock: Option<LockFile>) -> Life {
        self.keep(worker);
        Life::Listed(self.clone(), worker, lock)
    }

    /// All that are listed.
    pub(super) fn all(&self) -> Vec<i64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// Lists the worker for as long as the ledger is there.
    pub(super) fn keep(&self, worker: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(worker);
    }

    pub(super) fn has(&self, worker: i64) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&worker)
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if let Self::Listed(living, worker, _) = self {
            living.0.lock().unwrap_or_else(PoisonError::into_inner).remove(worker);
        }
    }
}
