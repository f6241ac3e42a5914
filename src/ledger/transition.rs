//! One change of one delivery, on its way to the database.

use tokio::sync::oneshot;

use super::{
    error::LedgerError,
    lease::{Begun, Close, Hold},
    log::Logged,
};

/// One change of one delivery.
pub(super) struct Transition {
    pub(super) hold: Hold,
    pub(super) kind: TransitionKind,
    /// Its entry in the worker's log.
    pub(super) logged: Option<Logged>,
}

pub(super) enum TransitionKind {
    /// `is_pre_committed`: the database calls it begun since its claim, and the question is whether that still holds.
    Begin {
        at: i64,
        is_pre_committed: bool,
        answer: Begun,
        reply: oneshot::Sender<Result<Begun, LedgerError>>,
    },
    /// `started_at` where the worker's log knows it.
    Close { close: Close, started_at: Option<i64> },
}

impl TransitionKind {
    pub(super) fn is_begin(&self) -> bool {
        matches!(self, Self::Begin { .. })
    }
}
