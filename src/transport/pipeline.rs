//! The conversation over one connection. With PIPELINING it is one letter ahead: the write that carries a letter's
//! body carries the next one's MAIL, RCPT and DATA as well (RFC 2920 section 3.1), so that a letter costs one round
//! trip. Without it, one command at a time.

use std::{io::IoSlice, sync::atomic::Ordering::Relaxed};

use super::{
    ErrorKind, LetterSource, Outcome, Permit, RelayDown, Reply, Stage, Verdict,
    commands::Lead,
    connection::{Connection, ConnectionError, Ended, Next, down_by},
    gate,
    handshake::unasked,
    judge,
    letter_guard::Taken,
    replies::{Heard, Refusal, settle},
};

/// A letter whose turn it is.
struct Turn<'d, D: LetterSource> {
    letter: Taken<'d, D>,
    lead: Lead,
    /// Its envelope has left with the letter before.
    is_out: bool,
}

/// What follows a letter.
enum Then<'d, D: LetterSource> {
    Turn(Turn<'d, D>),
    /// The next letter that the source has.
    Next(Lead),
    End(Ended<'d, D>),
}

impl Connection<'_> {
    /// Works off the source over this connection.
    pub(super) async fn work<'d, D: LetterSource>(
        mut self,
        desk: &'d D,
        first: Taken<'d, D>,
    ) -> Result<Ended<'d, D>, RelayDown> {
        let mut then = match self.vet(first)? {
            Some(letter) => Then::Turn(Turn { letter, lead: Lead::Nothing, is_out: false }),
            None => Then::Next(Lead::Nothing),
        };
        loop {
            let turn = match then {
                Then::Turn(turn) => turn,
                Then::Next(lead) => match self.next(desk).await? {
                    Next::Letter(letter) => Turn { letter, lead, is_out: false },
                    Next::End(ended) => return Ok(ended),
                },
                Then::End(ended) => return Ok(ended),
            };
            then = self.offer_letter(desk, turn).await?;
        }
    }

    /// The envelope of a letter, and its body when the relay wants it.
    async fn offer_letter<'d, D: LetterSource>(
        &mut self,
        desk: &'d D,
        turn: Turn<'d, D>,
    ) -> Result<Then<'d, D>, RelayDown> {
        let Turn { letter, lead, is_out } = turn;
        if !is_out {
            if self.wire.has_unsolicited_data() {
                return self.spoke_unasked(letter).await.map(Then::End);
            }
            self.letters += 1;
            if self.offer.pipelining {
                self.out.clear();
                self.push_envelope(lead, &letter);
                if let Err(fault) = self.write_out(Stage::Mail).await {
                    return self.broke(letter, fault, is_out).map(Then::End);
                }
            }
        }
        match self.hear(&letter, lead).await {
            Ok(Heard::Open) => {
                if is_out {
                    self.smtp.learned().closed_ahead.store(0, Relaxed);
                }
                self.offer_body(desk, letter).await
            }
            Ok(Heard::Refused(refusal)) => self.refused(letter, refusal).await,
            Ok(Heard::Confused) => {
                self.smtp.learned().one_by_one.store(true, Relaxed);
                Ok(Then::End(Ended::DialAgain(Some(letter))))
            }
            Err(fault) => self.broke(letter, fault, is_out).map(Then::End),
        }
    }

    /// A letter was refused before its body.
    async fn refused<'d, D: LetterSource>(
        &mut self,
        letter: Taken<'d, D>,
        refusal: Refusal,
    ) -> Result<Then<'d, D>, RelayDown> {
        let Refusal { stage, reply, lead, broken } = refusal;
        if stage == Stage::Mail && self.letters > 1 && reply.is_enough_for_this_connection() {
            self.smtp.learn_letters_per_connection(self.letters - 1);
            if broken.is_none() {
                self.quit().await;
            }
            return Ok(Then::End(Ended::DialAgain(Some(letter))));
        }
        if let Err(down) = settle(letter, stage, reply) {
            if broken.is_none() && lead != Lead::DotRset {
                self.quit().await;
            }
            return Err(down);
        }
        match broken {
            Some(fault) => Err(fault.down()),
            None => Ok(Then::Next(lead)),
        }
    }

    /// The relay waits for the body.
    async fn offer_body<'d, D: LetterSource>(
        &mut self,
        desk: &'d D,
        mut letter: Taken<'d, D>,
    ) -> Result<Then<'d, D>, RelayDown> {
        if letter.begin().await == Permit::Stop {
            // After 354 there is no way to take the letter back but to hang up.
            letter.give_back();
            return Ok(Then::End(Ended::DialAgain(None)));
        }
        if self.wire.has_unsolicited_data() {
            let said = unasked(&mut self.wire, self.smtp.relay()).await;
            letter.give_back();
            return Err(down_by(Stage::Data, said));
        }
        let ahead = match self.offer.pipelining {
            true => self.next_now(desk)?,
            false => None,
        };
        let reply = match self.hand_over(&mut letter, ahead.as_ref()).await {
            Ok(reply) => reply,
            Err(fault) => {
                letter.lost(|| format!("{} after the body had begun to leave", fault.trouble));
                return Err(fault.down());
            }
        };
        match judge(Stage::Body, &reply) {
            Verdict::Good => letter.end(Outcome::Accepted { reply }),
            Verdict::OutOfStep => {
                let words = format!("it said \u{201c}{reply}\u{201d} to a body");
                letter.lost(|| words.clone());
                let trouble = ErrorKind::Protocol(words);
                return Err(RelayDown { stage: Stage::Body, trouble, passing: true });
            }
            verdict => {
                if let Err(down) = settle(letter, Stage::Body, reply) {
                    if ahead.is_none() && verdict != Verdict::Closing {
                        self.quit().await;
                    }
                    return Err(down);
                }
            }
        }
        Ok(match ahead {
            Some(letter) => Then::Turn(Turn { letter, lead: Lead::Nothing, is_out: true }),
            None => Then::Next(Lead::Nothing),
        })
    }

    /// Body, dot and the next envelope in one write, and the reply to the dot.
    async fn hand_over<D: LetterSource>(
        &mut self,
        current: &mut Taken<'_, D>,
        ahead: Option<&Taken<'_, D>>,
    ) -> Result<Reply, ConnectionError> {
        let timeouts = self.timeouts();
        self.out.clear();
        self.out.extend_from_slice(if current.message().shape().ended { b".\r\n" } else { b"\r\n.\r\n" });
        if let Some(next) = ahead {
            self.letters += 1;
            self.push_envelope(Lead::Nothing, next);
        }
        current.leaving();
        let stuffed = gate::stuffed(current.message());
        let mut parts: Vec<_> = match &stuffed {
            None => current.message().slices().map(IoSlice::new).collect(),
            Some(body) => vec![IoSlice::new(body)],
        };
        parts.push(IoSlice::new(&self.out));
        let fault = |trouble| ConnectionError { stage: Stage::Body, trouble, heard_nothing: false };
        let written = self.wire.write(&mut parts, timeouts.body).await;
        drop(parts);
        match written {
            Ok(()) => self.wire.reply(timeouts.accept).await.map(|frame| frame.reply()).map_err(fault),
            Err(unwritten) => {
                if unwritten.nothing_left {
                    current.stayed();
                }
                // The relay may have said why before it closed. Without the dot it cannot have accepted.
                match self.wire.reply(timeouts.quit).await.map(|frame| frame.reply()) {
                    Ok(reply) if matches!(reply.code / 100, 4 | 5) => Ok(reply),
                    _ => Err(fault(unwritten.trouble)),
                }
            }
        }
    }
}
