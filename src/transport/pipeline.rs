//! The conversation over one connection. With PIPELINING it is one letter ahead: the write that carries a letter's
//! body carries the next one's MAIL, RCPT and DATA as well (RFC 2920 section 3.1), so that a letter costs one round
//! trip. Without it, one command at a time.

use std::{io::IoSlice, sync::atomic::Ordering::Relaxed};

use super::{
    commands::Lead,
    complaint::{Complaint, complaint},
    connection::{Connection, ConnectionError, Ended, Next, down_by},
    error::{ErrorKind, RelayDown},
    handshake::unasked,
    letter::{LetterSource, Permit},
    letter_guard::Taken,
    outcome::Outcome,
    replies::{Heard, Refusal, apply_verdict},
    reply::Reply,
    session::Kind,
    stage::Stage,
    verdict::{Verdict, judge},
    wire_form,
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
        source: &'d D,
        first: Taken<'d, D>,
    ) -> Result<Ended<'d, D>, RelayDown> {
        let mut then = match self.validate(first)? {
            Some(letter) => Then::Turn(Turn { letter, lead: Lead::Nothing, is_out: false }),
            None => Then::Next(Lead::Nothing),
        };
        loop {
            let turn = match then {
                Then::Turn(turn) => turn,
                Then::Next(lead) => match self.next(source).await? {
                    Next::Letter(letter) => Turn { letter, lead, is_out: false },
                    Next::End(ended) => return Ok(ended),
                },
                Then::End(ended) => return Ok(ended),
            };
            then = self.offer_letter(source, turn).await?;
        }
    }

    /// The envelope of a letter, and its body when the relay wants it.
    async fn offer_letter<'d, D: LetterSource>(
        &mut self,
        source: &'d D,
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
                self.offer_body(source, letter).await
            }
            Ok(Heard::Refused(refusal)) => self.refused(letter, refusal).await,
            Ok(Heard::Confused) => {
                self.smtp.learned().one_by_one.store(true, Relaxed);
                Ok(Then::End(Ended::DialAgain(Some(letter), None)))
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
        let (kind, about) = (Kind::of(stage, &reply), complaint(stage, &reply));
        if self.has_carried_enough(stage, kind, about) {
            if broken.is_none() && lead != Lead::DotRset {
                self.quit().await;
            }
            let suspicion = self.suspect(Some(kind), self.letters - 1, about == Complaint::Session);
            return Ok(Then::End(Ended::DialAgain(Some(letter), Some(suspicion))));
        }
        if self.suspicion.take_if(|suspicion| suspicion.kind == Some(kind)).is_some() {
            self.smtp.learned().session.acquit(kind);
        }
        self.unclear += u32::from(about == Complaint::Unclear);
        if let Err(down) = apply_verdict(letter, stage, reply) {
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

    /// Whether a refusal may be about this connection, so that its letter is worth a try on a fresh one. Something has
    /// been settled on this one, so that there is progress whatever the relay says.
    fn has_carried_enough(&self, stage: Stage, kind: Kind, about: Complaint) -> bool {
        let tried = self.smtp.learned().session.is_about_letters(kind);
        self.letters > 1
            && match about {
                Complaint::Session => true,
                Complaint::Unclear => !tried || self.unclear >= 2,
                // MAIL was fine before: what the relay has against it now is not the sender.
                Complaint::Letter => stage == Stage::Mail && self.accepted > 0 && !tried,
                Complaint::Connections | Complaint::Rate => false,
            }
    }

    /// The relay waits for the body.
    async fn offer_body<'d, D: LetterSource>(
        &mut self,
        source: &'d D,
        mut letter: Taken<'d, D>,
    ) -> Result<Then<'d, D>, RelayDown> {
        if letter.begin().await == Permit::Stop {
            // After 354 there is no way to take the letter back but to hang up.
            letter.give_back();
            return Ok(Then::End(Ended::DialAgain(None, None)));
        }
        if self.wire.has_unsolicited_data() {
            let said = unasked(&mut self.wire, self.smtp.relay()).await;
            letter.give_back();
            return Err(down_by(Stage::Data, said));
        }
        let ahead = match self.offer.pipelining {
            true => self.next_now(source)?,
            false => None,
        };
        let reply = match self.hand_over(&mut letter, ahead.as_ref()).await {
            Ok(reply) => reply,
            Err(fault) => {
                letter.lost(|| format!("{} after the body had begun to leave", fault.kind));
                return Err(fault.down());
            }
        };
        match judge(Stage::Body, &reply) {
            Verdict::Good => {
                letter.end(Outcome::Accepted { reply });
                self.accepted += 1;
                self.unclear = 0;
                if let Some(suspicion) = self.suspicion.take()
                    && self.smtp.learned().session.confirm(suspicion)
                {
                    // So it closed because of the number of letters.
                    self.smtp.learned().dislikes_ahead.store(false, Relaxed);
                }
            }
            Verdict::OutOfStep => {
                let words = format!("it said \u{201c}{reply}\u{201d} to a body");
                letter.lost(|| words.clone());
                let kind = ErrorKind::Protocol(words);
                return Err(RelayDown { stage: Stage::Body, kind, passing: true });
            }
            _ => return self.refused_body(letter, reply, ahead).await,
        }
        Ok(match ahead {
            Some(letter) => Then::Turn(Turn { letter, lead: Lead::Nothing, is_out: true }),
            None => Then::Next(Lead::Nothing),
        })
    }

    /// A letter was refused after its body; the envelope of the next one may be out already.
    async fn refused_body<'d, D: LetterSource>(
        &mut self,
        letter: Taken<'d, D>,
        reply: Reply,
        ahead: Option<Taken<'d, D>>,
    ) -> Result<Then<'d, D>, RelayDown> {
        let before = self.letters - 1 - u32::from(ahead.is_some());
        let (kind, about) = (Kind::of(Stage::Body, &reply), complaint(Stage::Body, &reply));
        let closing = reply.code == 421;
        self.unclear += u32::from(about == Complaint::Unclear);
        if let Err(down) = apply_verdict(letter, Stage::Body, reply) {
            if closing && before > 0 && matches!(about, Complaint::Session | Complaint::Unclear) {
                let suspicion = self.suspect(Some(kind), before, about == Complaint::Session);
                return Ok(Then::End(Ended::DialAgain(ahead, Some(suspicion))));
            }
            if ahead.is_none() && !closing {
                self.quit().await;
            }
            return Err(down);
        }
        // One refusal may be about its letter; a second one in a row is more likely about the connection.
        let enough = match about {
            Complaint::Session => before > 0,
            Complaint::Unclear => before > 1 && self.unclear >= 2,
            _ => false,
        };
        if enough {
            let said = about == Complaint::Session;
            let suspicion = self.suspect(Some(kind), if said { before } else { before - 1 }, said);
            return Ok(Then::End(Ended::DialAgain(ahead, Some(suspicion))));
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
        let stuffed = wire_form::stuffed(current.message());
        let mut parts: Vec<_> = match &stuffed {
            None => current.message().slices().map(IoSlice::new).collect(),
            Some(body) => vec![IoSlice::new(body)],
        };
        parts.push(IoSlice::new(&self.out));
        let fault = |kind| ConnectionError { stage: Stage::Body, kind, heard_nothing: false };
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
                    _ => Err(fault(unwritten.kind)),
                }
            }
        }
    }
}
