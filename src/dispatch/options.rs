//! What is to be sent, and how a dispatch is opened.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

use super::{pace::PacePolicy, survey::Failed};
use crate::{
    ledger::Selection, message::Secrets, render::RenderedIssue, source::Diagnostics, subscriber::ListSource,
    transport::Transport,
};

/// What is to be sent, and to whom.
pub struct Source {
    /// The letter, as [`render::build`](crate::render::build) made it.
    pub rendered: RenderedIssue,
    /// The subscriber list.
    pub list: ListSource,
    /// The newsletter's keys.
    pub secrets: Secrets,
}

impl Source {
    /// A letter for the people of a list.
    pub fn new(rendered: RenderedIssue, list: impl Into<ListSource>, secrets: Secrets) -> Self {
        Self { rendered, list: list.into(), secrets }
    }
}

/// Where letters go, as far as it decides which earlier ones count as sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// Through a relay. Letters that so far only became files in a folder do not count: they are sent.
    #[default]
    Relay,
    /// Into a folder, for a newsletter without a relay: a file counts as sent. A dispatch that has begun to go through a
    /// relay is refused.
    Folder,
    /// Into a folder, to see what a send through the relay would do. For a [copy](crate::ledger::Ledger::scratch_copy) of the ledger.
    DryRunOfRelay,
    /// Into a folder, to see what a send of a newsletter without a relay would do. For a copy of the ledger.
    DryRunOfFolder,
}

impl Destination {
    /// The relay's name, in the ledger, whose letters do not count.
    pub(super) fn uncounted(self) -> Option<&'static str> {
        match self {
            Self::Relay | Self::DryRunOfRelay => Some(Transport::OUTBOX),
            Self::Folder | Self::DryRunOfFolder => None,
        }
    }
}

/// What to do with an issue that was edited after some subscribers got it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfEdited {
    /// Refuse it ([`OpenError::Edited`](super::OpenError::Edited)): all readers get the same letter.
    #[default]
    Refuse,
    /// Continue with the letter as it was frozen.
    SendAsOpened,
}

/// What to do when the keys are not those that earlier letters of the dispatch were signed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfKeysChanged {
    /// Refuse to continue ([`OpenError::KeysChanged`](super::OpenError::KeysChanged)): a letter that is tried again is the same, byte by byte.
    #[default]
    Refuse,
    /// Continue with the new keys.
    Accept,
}

/// What to do with rows of the list that cannot be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadRows {
    /// Refuse the list ([`OpenError::BadRows`](super::OpenError::BadRows)).
    #[default]
    Refuse,
    /// Skip them; the plan counts them.
    Skip,
}

/// Something that was noticed or put in order on the way.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Note {
    /// An earlier run died while letters were under way. They are unconfirmed now.
    Unconfirmed {
        /// How many letters.
        letters: u64,
    },
    /// Letters had only become files before there was a relay. They are queued again.
    Requeued {
        /// How many letters.
        letters: u64,
    },
    /// The issue was edited before any letter had left. The edited one was frozen in its place.
    Refrozen {
        /// The issue's slug.
        slug: String,
        /// When the dispatch was first opened.
        opened_at: Timestamp,
    },
    /// The first of the rows that cannot be used or that repeat an address.
    Rows(Diagnostics),
}

/// How a dispatch is opened. [`Options::new`] has the usual choices; set the fields that differ.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// The time of day.
    pub now: Timestamp,
    /// Where letters go.
    pub destination: Destination,
    /// Which of the people who need the issue get it now; all of them without one.
    pub selection: Option<Selection>,
    /// What to do with an issue that was edited after some subscribers got it.
    pub edited: IfEdited,
    /// What to do when the keys have changed.
    pub keys_changed: IfKeysChanged,
    /// Whether letters that failed are tried again.
    pub failed: Failed,
    /// What to do with rows that cannot be used.
    pub bad_rows: BadRows,
    /// The pace that the plan's prediction is made for.
    pub pace: PacePolicy,
    /// When letters begin to leave, for the prediction: [`now`](Self::now), or the time that they are scheduled for.
    pub begins: Timestamp,
    /// Called for each [`Note`].
    pub notify: Arc<dyn Fn(&Note) + Send + Sync>,
}

impl Options {
    /// A send to everybody who needs the issue, through a relay, which refuses whatever looks like a mistake.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            destination: Destination::default(),
            selection: None,
            edited: IfEdited::default(),
            keys_changed: IfKeysChanged::default(),
            failed: Failed::Stay,
            bad_rows: BadRows::default(),
            pace: PacePolicy::default(),
            begins: now,
            notify: Arc::new(|_| ()),
        }
    }

    /// These options, for letters that go [into a folder](Destination::Folder).
    #[must_use]
    pub fn into_folder(self) -> Self {
        Self { destination: Destination::Folder, ..self }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("now", &self.now)
            .field("destination", &self.destination)
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}
