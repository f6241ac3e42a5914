//! One connection on which letters are offered: where letters come from, and how it ends.

use std::{io::IoSlice, pin::pin, sync::atomic::Ordering::Relaxed};

use lettre::transport::smtp::commands::Quit;

use super::{
    error::{ErrorKind, RelayDown},
    handshake::{Offer, unasked},
    letter::LetterSource,
    letter_guard::Taken,
    relay::Timeouts,
    reply::Reply,
    session::{Kind, Suspicion},
    smtp::Smtp,
    stage::Stage,
    wire::Wire,
};

/// One connection on which letters can be offered.
#[derive(Debug)]
pub(super) struct Connection<'s> {
    pub(super) smtp: &'s Smtp,
    pub(super) wire: Wire,
    pub(super) offer: Offer,
    /// Letters offered on this connection.
    pub(super) letters: u32,
    /// Letters accepted on it.
    pub(super) accepted: u32,
    /// Refusals in a row that may be about the connection.
    pub(super) unclear: u32,
    /// Why the connection before this one was given up.
    pub(super) suspicion: Option<Suspicion>,
    /// Commands on their way out; kept, so that a letter allocates nothing here.
    pub(super) out: Vec<u8>,
}

/// How a connection ended without an error.
#[derive(Debug)]
pub(super) enum Ended<'d, D: LetterSource> {
    /// The source has nothing more.
    Done,
    /// The source may have more, or this letter was not offered yet. The connection may have carried as much as the relay
    /// allows.
    DialAgain(Option<Taken<'d, D>>, Option<Suspicion>),
}

/// What to do next.
pub(super) enum Next<'d, D: LetterSource> {
    Letter(Taken<'d, D>),
    End(Ended<'d, D>),
}

/// The connection is of no more use.
#[derive(Debug)]
pub(super) struct ConnectionError {
    pub(super) stage: Stage,
    pub(super) kind: ErrorKind,
    /// Whether not one reply to this letter's commands came.
    pub(super) heard_nothing: bool,
}

impl ConnectionError {
    pub(super) fn down(self) -> RelayDown {
        RelayDown { stage: self.stage, kind: self.kind, passing: true }
    }
}

impl<'s> Connection<'s> {
    pub(super) fn new(smtp: &'s Smtp, wire: Wire, mut offer: Offer, suspicion: Option<Suspicion>) -> Self {
        if smtp.learned().one_by_one.load(Relaxed) || smtp.learned().dislikes_ahead.load(Relaxed) {
            offer.pipelining = false;
        }
        let out = Vec::with_capacity(512);
        Self { smtp, wire, offer, letters: 0, accepted: 0, unclear: 0, suspicion, out }
    }

    pub(super) fn timeouts(&self) -> &'s Timeouts {
        &self.smtp.relay().timeouts
    }

    /// This connection may have carried enough when it had been offered so many letters.
    pub(super) fn suspect(&self, kind: Option<Kind>, offered: u32, said: bool) -> Suspicion {
        Suspicion { kind, offered, accepted: self.accepted, said }
    }

    /// The connection broke before this letter's body.
    pub(super) fn broke<'d, D: LetterSource>(
        &self,
        letter: Taken<'d, D>,
        fault: ConnectionError,
        was_out: bool,
    ) -> Result<Ended<'d, D>, RelayDown> {
        // One that has carried letters and is closed between two of them is no reason to complain: relays do so. If
        // it happens again to commands that were sent ahead, these may be what the relay does not like.
        let used = self.letters > 1;
        let learned = self.smtp.learned();
        match fault.kind {
            ErrorKind::Io(_) if used => {
                if was_out && fault.heard_nothing && learned.closed_ahead.fetch_add(1, Relaxed) >= 1 {
                    learned.dislikes_ahead.store(true, Relaxed);
                }
                // After one letter it may be the commands that came ahead, and not the number.
                let ahead = was_out && self.letters == 2;
                let suspicion = (!ahead).then(|| self.suspect(None, self.letters - 1, false));
                Ok(Ended::DialAgain(Some(letter), suspicion))
            }
            ErrorKind::Timeout { .. } if used && was_out && fault.heard_nothing => {
                learned.one_by_one.store(true, Relaxed);
                Ok(Ended::DialAgain(Some(letter), None))
            }
            _ => {
                letter.give_back();
                Err(fault.down())
            }
        }
    }

    /// The relay spoke unasked, or closed, before this letter was offered.
    pub(super) async fn spoke_unasked<'d, D: LetterSource>(
        &mut self,
        letter: Taken<'d, D>,
    ) -> Result<Ended<'d, D>, RelayDown> {
        if self.letters > 0 {
            let suspicion = self.suspect(None, self.letters, false);
            return Ok(Ended::DialAgain(Some(letter), Some(suspicion)));
        }
        letter.give_back();
        let said = unasked(&mut self.wire, self.smtp.relay()).await;
        Err(down_by(Stage::Mail, said))
    }

    /// The next letter for this connection; waits for it with an eye on the relay.
    pub(super) async fn next<'d, D: LetterSource>(
        &mut self,
        source: &'d D,
    ) -> Result<Next<'d, D>, RelayDown> {
        loop {
            if self.smtp.letters_per_connection() <= self.letters {
                self.quit().await;
                return Ok(Next::End(Ended::DialAgain(None, None)));
            }
            let idle = self.timeouts().idle;
            let mut coming = pin!(source.next());
            let came = tokio::select! {
                biased;
                letter = &mut coming => Some(letter),
                // It has hung up, or says that it is going to.
                () = self.wire.unsolicited_data() => None,
                () = tokio::time::sleep(idle) => {
                    self.quit().await;
                    None
                }
            };
            let letter = match came {
                Some(Some(letter)) => Taken::new(source, letter),
                Some(None) => {
                    self.quit().await;
                    return Ok(Next::End(Ended::Done));
                }
                None => {
                    self.wire.hang_up();
                    let letter = coming.await.map(|letter| Taken::new(source, letter));
                    return Ok(Next::End(
                        letter.map_or(Ended::Done, |letter| Ended::DialAgain(Some(letter), None)),
                    ));
                }
            };
            if let Some(letter) = self.validate(letter)? {
                return Ok(Next::Letter(letter));
            }
        }
    }

    /// A letter that can be offered at once.
    pub(super) fn next_now<'d, D: LetterSource>(
        &self,
        source: &'d D,
    ) -> Result<Option<Taken<'d, D>>, RelayDown> {
        if self.smtp.letters_per_connection() <= self.letters {
            return Ok(None);
        }
        while let Some(letter) = source.next_now() {
            if let Some(letter) = self.validate(Taken::new(source, letter))? {
                return Ok(Some(letter));
            }
        }
        Ok(None)
    }

    /// Hangs up politely. It does not matter whether the relay answers.
    pub(super) async fn quit(&mut self) {
        let within = self.timeouts().quit;
        if self.wire.write(&mut [IoSlice::new(Quit.to_string().as_bytes())], within).await.is_ok() {
            let _ = self.wire.reply(within).await;
        }
        self.wire.hang_up();
    }
}

pub(super) fn down_by(stage: Stage, said: Result<Reply, ErrorKind>) -> RelayDown {
    RelayDown { stage, kind: said.map_or_else(|kind| kind, ErrorKind::Said), passing: true }
}
