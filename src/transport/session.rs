//! How many letters the relay takes on one connection: learned from what happens, whatever it says.
//!
//! A refusal that may be about the connection sends its letter to a fresh one. If letters pass there, the old connection
//! had carried enough; if the same refusal comes again, it is about the letter.

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use super::{reply::Reply, stage::Stage};

/// A refusal without its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind(Stage, u16, Option<(u8, u16, u16)>);

impl Kind {
    pub(super) fn of(stage: Stage, reply: &Reply) -> Self {
        Self(stage, reply.code, reply.enhanced)
    }
}

/// A connection may have carried as much as the relay allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspicion {
    /// What the relay said; `None` when it closed without a word.
    pub(super) kind: Option<Kind>,
    /// Letters offered on the connection before.
    pub(super) offered: u32,
    /// Letters accepted on it.
    pub(super) accepted: u32,
    /// Whether the relay said so.
    pub(super) said: bool,
}

/// What is known about connections to one relay.
#[derive(Debug, Default)]
pub(super) struct SessionLimit {
    /// Letters on one connection, at most; 0 while unknown.
    letters: AtomicU32,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The last suspicion that was confirmed: letters offered and accepted.
    last: Option<(u32, u32)>,
    /// Refusals that came again on a fresh connection.
    of_letters: HashSet<Kind>,
}

impl SessionLimit {
    /// Goes on with what an earlier run has learned.
    pub(super) fn recall(&self, letters: Option<u32>) {
        self.letters.store(letters.unwrap_or(0), Relaxed);
    }

    /// Letters on one connection, at most.
    pub(super) fn letters(&self) -> Option<u32> {
        Some(self.letters.load(Relaxed)).filter(|&letters| letters > 0)
    }

    /// A fresh connection took a letter: the one before had carried enough. The same number twice, or the relay's own
    /// word, makes a limit of it, which is returned as `true`.
    pub(super) fn confirm(&self, suspicion: Suspicion) -> bool {
        let Suspicion { offered, accepted, said, .. } = suspicion;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let learned = match seen.last {
            _ if said => Some(offered),
            Some((before, _)) if before == offered => Some(offered),
            Some((_, before)) if before == accepted => Some(accepted),
            _ => None,
        };
        if let Some(letters) = learned {
            self.letters.store(letters.max(1), Relaxed);
        }
        seen.last = Some((offered, accepted));
        learned.is_some()
    }

    /// The same refusal met the first letter on a fresh connection: it is about letters.
    pub(super) fn acquit(&self, kind: Kind) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).of_letters.insert(kind);
    }

    /// Whether a refusal has been found to be about letters.
    pub(super) fn is_about_letters(&self, kind: Kind) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).of_letters.contains(&kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspicion(offered: u32, accepted: u32, said: bool) -> Suspicion {
        Suspicion { kind: None, offered, accepted, said }
    }

    #[test]
    fn a_limit_is_what_is_said_or_seen_twice() {
        let limit = SessionLimit::default();
        assert!(!limit.confirm(suspicion(40, 40, false)));
        assert!(!limit.confirm(suspicion(10, 10, false)));
        assert_eq!(limit.letters(), None);
        assert!(limit.confirm(suspicion(10, 9, false)));
        assert_eq!(limit.letters(), Some(10));
        limit.confirm(suspicion(5, 5, true));
        assert_eq!(limit.letters(), Some(5));
    }

    #[test]
    fn a_limit_that_counts_accepted_letters_is_found_among_refused_recipients() {
        let limit = SessionLimit::default();
        limit.confirm(suspicion(13, 10, false));
        limit.confirm(suspicion(11, 10, false));
        assert_eq!(limit.letters(), Some(10));
    }
}
