//! Letters under way, and the interface of the one who gives them.

use std::{fmt, future::Future};

use super::{outcome::Outcome, reply::Reply, stage::Stage};
use crate::message::Message;

/// A letter under way.
#[derive(Debug)]
pub struct Letter<T> {
    /// What the source knows of it: it comes back with the letter, so that a letter has one owner at any time.
    pub ticket: T,
    /// Envelope and bytes.
    pub message: Message,
}

/// The one who gives letters to a connection and writes down what becomes of them.
///
/// For each letter taken with `next` or `next_now` the connection calls exactly one of `end`, `give_back` and
/// `give_back_refused`, also when it is dropped in the middle.
pub trait LetterSource: Send + Sync + 'static {
    /// What the source wants to find again with a letter that comes back.
    type Ticket: fmt::Debug + Send + Sync + 'static;

    /// The next letter to offer; `None` when there is nothing more for this connection. May wait (for pace, for
    /// deferred letters).
    fn next(&self) -> impl Future<Output = Option<Letter<Self::Ticket>>> + Send;

    /// A letter that can be offered at once, for pipelining: never waits.
    fn next_now(&self) -> Option<Letter<Self::Ticket>>;

    /// Asked when the relay has said 354, before the first byte of the body leaves. Answers when
    /// the attempt is written down for good.
    fn begin(&self, ticket: &mut Self::Ticket) -> impl Future<Output = Permit> + Send;

    /// What became of the letter.
    fn end(&self, letter: Letter<Self::Ticket>, outcome: Outcome);

    /// Nothing of its body left and no one refused it: it is as if it had never been taken. It may come after a
    /// `begin` that was granted, or that was dropped before it answered: the attempt is to be withdrawn then.
    fn give_back(&self, letter: Letter<Self::Ticket>);

    /// The relay has refused it for our sake (login, signature, sender, reputation, quota): it is certain that the
    /// letter was not accepted, and the refusal says nothing about its recipient. The same reply comes back as
    /// [`RelayDown`](super::RelayDown). It may come after a `begin` that was granted.
    fn give_back_refused(&self, letter: Letter<Self::Ticket>, stage: Stage, reply: Reply) {
        let _ = (stage, reply);
        self.give_back(letter);
    }
}

/// The source's answer to `begin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// The attempt is written down: go.
    Go,
    /// Not any more (suppressed in the meantime, or the lease is lost): hang up before the body, `give_back`.
    Stop,
}
