//! What came back, as the ledger knows it.

use jiff::Timestamp;

use super::values::{DeliveryId, DispatchRecord, Reason, State};
use crate::{
    address::EmailAddress,
    bounce::{Class, Kind},
};

/// What followed for a person from a message that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The address is suppressed.
    Suppressed,
    /// Counted; enough soft bounces suppress.
    Counted,
    /// Held back, because so many of one provider at once are its fault.
    Held,
    /// Shown to the owner.
    Shown,
    /// Recorded, with no effect.
    Nothing,
}

impl Effect {
    /// All effects.
    pub const ALL: [Self; 5] = [Self::Suppressed, Self::Counted, Self::Held, Self::Shown, Self::Nothing];

    /// The word in the ledger, in JSON and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Suppressed => "suppressed",
            Self::Counted => "counted",
            Self::Held => "held",
            Self::Shown => "shown",
            Self::Nothing => "nothing",
        }
    }

    /// The effect behind a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.word() == word)
    }
}

/// One person in one message that came back, to be recorded.
#[derive(Clone, Debug)]
pub struct NewBounce {
    /// SHA-256 of the message.
    pub message: [u8; 32],
    /// Whom it is about; `None` when it names no one.
    pub address: Option<EmailAddress>,
    /// The letter that it is about, if it is proved to be ours.
    pub delivery: Option<FoundDelivery>,
    /// What it is.
    pub kind: Kind,
    /// Of a bounce or delay.
    pub class: Option<Class>,
    /// The enhanced status code.
    pub status: Option<String>,
    /// What the server said.
    pub reply: String,
    /// When it happened.
    pub at: Timestamp,
    /// What follows.
    pub effect: Effect,
    /// With what note the address is suppressed, if it is.
    pub suppress: Option<(Reason, String)>,
}

/// What recording one changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The message was not known for this person.
    pub is_new: bool,
    /// The address was not suppressed before.
    pub suppressed: bool,
    /// The letter was unconfirmed, and is now known to have been accepted.
    pub resolved: bool,
}

/// A delivery that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundDelivery {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Of which dispatch.
    pub dispatch: DispatchRecord,
    /// To whom.
    pub address: EmailAddress,
    /// Its state.
    pub state: State,
}

/// How many letters of a dispatch came back, each once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReturnedTally {
    /// Letters that bounced.
    pub bounced: u64,
    /// Letters whose readers complained.
    pub complained: u64,
}

/// Bounces that are alike, for a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BounceGroup {
    /// Recipient domain.
    pub domain: String,
    /// What it was.
    pub kind: Kind,
    /// Of which class.
    pub class: Option<Class>,
    /// The enhanced status code.
    pub status: Option<String>,
    /// Whether they are proved to be about letters of ours, or suppressed someone because a service that was verified said so.
    pub is_ours: bool,
    /// One of the replies.
    pub example: String,
    /// How many.
    pub count: u64,
}

/// A bounce in the history of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BounceEvent {
    /// When it happened.
    pub at: Timestamp,
    /// What it was.
    pub kind: Kind,
    /// Of which class.
    pub class: Option<Class>,
    /// What the server said.
    pub reply: String,
    /// What followed.
    pub effect: Effect,
    /// The letter had been unconfirmed: this proves that it was accepted.
    pub resolved: bool,
}
