//! A letter that was taken from its source goes back to it exactly once: by type, not by care.

use std::task::Poll;

use super::{
    letter::{Letter, LetterSource, Permit},
    outcome::Outcome,
    reply::Reply,
    stage::Stage,
};
use crate::message::Message;

/// A letter taken. Whatever happens to the connection (an error, a halt, the whole future dropped), dropping this
/// tells the source: unconfirmed when body bytes may have left, given back otherwise.
#[derive(Debug)]
pub(super) struct Taken<'d, D: LetterSource> {
    source: &'d D,
    letter: Option<Letter<D::Ticket>>,
    leaving: bool,
}

impl<'d, D: LetterSource> Taken<'d, D> {
    pub(super) fn new(source: &'d D, letter: Letter<D::Ticket>) -> Self {
        Self { source, letter: Some(letter), leaving: false }
    }

    pub(super) fn letter(&self) -> &Letter<D::Ticket> {
        self.letter.as_ref().expect("the letter is here until it is consumed")
    }

    pub(super) fn message(&self) -> &Message {
        &self.letter().message
    }

    /// Asks the source whether the body may leave.
    pub(super) async fn begin(&mut self) -> Permit {
        let letter = self.letter.as_mut().expect("the letter is here until it is consumed");
        self.source.begin(&mut letter.ticket).await
    }

    /// From now on no one can know, until a reply is read.
    pub(super) fn leaving(&mut self) {
        self.leaving = true;
    }

    /// It is certain that nothing of the body left after all.
    pub(super) fn stayed(&mut self) {
        self.leaving = false;
    }

    pub(super) fn end(mut self, outcome: Outcome) {
        if let Some(letter) = self.letter.take() {
            self.source.end(letter, outcome);
        }
    }

    pub(super) fn give_back(mut self) {
        if let Some(letter) = self.letter.take() {
            self.source.give_back(letter);
        }
    }

    pub(super) fn give_back_refused(mut self, stage: Stage, reply: Reply) {
        if let Some(letter) = self.letter.take() {
            self.source.give_back_refused(letter, stage, reply);
        }
    }

    /// The connection is gone without a word about the letter.
    pub(super) fn lost(self, why: impl FnOnce() -> String) {
        if self.leaving { self.end(Outcome::Unconfirmed { why: why() }) } else { self.give_back() }
    }
}

impl<D: LetterSource> Drop for Taken<'_, D> {
    fn drop(&mut self) {
        if let Some(letter) = self.letter.take() {
            if self.leaving {
                let why = "we hung up before the relay's reply to the letter".to_owned();
                self.source.end(letter, Outcome::Unconfirmed { why });
            } else {
                self.source.give_back(letter);
            }
        }
    }
}

/// Asks for several letters at once, so that a source that writes down in groups can do so.
pub(super) async fn begin_all<D: LetterSource>(letters: &mut [Taken<'_, D>]) -> Vec<Permit> {
    let mut answers = vec![Permit::Stop; letters.len()];
    let mut asking: Vec<_> = letters.iter_mut().map(|letter| Some(Box::pin(letter.begin()))).collect();
    std::future::poll_fn(|cx| {
        let mut waiting = false;
        for (question, answer) in asking.iter_mut().zip(&mut answers) {
            let Some(future) = question else { continue };
            match future.as_mut().poll(cx) {
                Poll::Ready(permit) => {
                    *answer = permit;
                    *question = None;
                }
                Poll::Pending => waiting = true,
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    answers
}
