//! What a connection gets when it asks for a letter.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::dispatch::lease::Lease;

/// What a connection gets when it asks for a letter.
pub(super) enum Take {
    Lease(Lease),
    /// There is one, for those who only look.
    Ready,
    /// Ask again at this time, or when something has changed.
    Wait(Option<Instant>),
    Nothing,
}

/// Why someone asks for a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To send it: it counts towards the limits.
    Send,
    /// To know what would happen.
    Look,
}

impl Take {
    /// The first letter of a queue.
    pub(super) fn of(queue: Option<&mut VecDeque<Lease>>, purpose: Purpose) -> Self {
        match queue {
            Some(queue) if purpose == Purpose::Look && !queue.is_empty() => Self::Ready,
            Some(queue) => queue.pop_front().map_or(Self::Nothing, Self::Lease),
            None => Self::Nothing,
        }
    }
}
