//! The conversation over one connection. With PIPELINING it is one letter ahead: the write that carries a letter's
//! body carries the next one's MAIL, RCPT and DATA as well (RFC 2920 section 3.1), so that a letter costs one round
//! trip. Without it, one command at a time.

use std::{
    io::{IoSlice, Write},
    pin::pin,
    sync::atomic::Ordering::Relaxed,
};

use lettre::transport::smtp::{
    commands::{Data, Quit, Rset},
    extension::{MailBodyParameter, MailParameter},
};

use super::{
    ErrorKind, LetterSource, Outcome, Permit, RelayDown, Reply, Smtp, Stage, Timeouts, Verdict, gate,
    hello::{Offer, unasked},
    judge,
    taken::Taken,
    wire::{Stir, Wire},
};

/// One connection on which letters can be offered.
#[derive(Debug)]
pub(super) struct Connection<'s> {
    pub(super) smtp: &'s Smtp,
    pub(super) wire: Wire,
    pub(super) offer: Offer,
    /// Letters offered on this connection.
    pub(super) letters: u32,
    /// Commands on their way out; kept, so that a letter allocates nothing here.
    pub(super) out: Vec<u8>,
}

/// How a connection ended without trouble.
#[derive(Debug)]
pub(super) enum Ended<'d, D: LetterSource> {
    /// The desk has nothing more.
    Done,
    /// The desk may have more, or this letter was not offered yet.
    DialAgain(Option<Taken<'d, D>>),
}

/// What to do next.
pub(super) enum Next<'d, D: LetterSource> {
    Letter(Taken<'d, D>),
    End(Ended<'d, D>),
}

/// What has to be said first in the next group, to bring the relay back to the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    Nothing,
    /// The transaction was refused and is still open.
    Rset,
    /// DATA was answered with 354 though the recipient was refused: an empty letter to nobody (RFC 2920 section 3.1).
    DotRset,
}

/// What came of MAIL, RCPT and DATA.
enum Heard {
    /// 354: the relay waits for the body.
    Open,
    /// The first refusal, what it takes to go on, and whether the connection broke after it.
    Refused { stage: Stage, reply: Reply, lead: Lead, broken: Option<ConnectionError> },
    /// The relay does not take commands in groups, whatever it says.
    Confused,
}

/// The connection is of no more use.
#[derive(Debug)]
pub(super) struct ConnectionError {
    pub(super) stage: Stage,
    pub(super) trouble: ErrorKind,
    /// Whether not one reply to this letter's commands came.
    pub(super) heard_nothing: bool,
}

impl ConnectionError {
    pub(super) fn down(self) -> RelayDown {
        RelayDown { stage: self.stage, trouble: self.trouble, passing: true }
    }
}

/// The steps before a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Dot,
    Rset,
    Mail,
    Rcpt,
    Data,
}

impl Step {
    fn stage(self) -> Stage {
        match self {
            Self::Dot | Self::Rset | Self::Mail => Stage::Mail,
            Self::Rcpt => Stage::Rcpt,
            Self::Data => Stage::Data,
        }
    }
}

fn steps(lead: Lead) -> &'static [Step] {
    const ALL: [Step; 5] = [Step::Dot, Step::Rset, Step::Mail, Step::Rcpt, Step::Data];
    match lead {
        Lead::DotRset => &ALL,
        Lead::Rset => &ALL[1..],
        Lead::Nothing => &ALL[2..],
    }
}

impl<'s> Connection<'s> {
    pub(super) fn new(smtp: &'s Smtp, wire: Wire, mut offer: Offer) -> Self {
        if smtp.learned().one_by_one.load(Relaxed) {
            offer.pipelining = false;
        }
        Self { smtp, wire, offer, letters: 0, out: Vec::with_capacity(512) }
    }

    pub(super) fn timeouts(&self) -> &'s Timeouts {
        &self.smtp.relay().timeouts
    }

    /// Works off the desk over this connection.
    pub(super) async fn work<'d, D: LetterSource>(
        mut self,
        desk: &'d D,
        first: Taken<'d, D>,
    ) -> Result<Ended<'d, D>, RelayDown> {
        let mut current = match self.vet(first)? {
            Some(letter) => letter,
            None => match self.next(desk).await? {
                Next::Letter(letter) => letter,
                Next::End(ended) => return Ok(ended),
            },
        };
        let mut lead = Lead::Nothing;
        let mut is_out = false;
        loop {
            if !is_out {
                if self.wire.stir() == Stir::Stirred {
                    return self.stirred(current, self.letters).await;
                }
                self.letters += 1;
                if self.offer.pipelining {
                    self.out.clear();
                    self.push_envelope(lead, &current);
                    if let Err(fault) = self.write_out(Stage::Mail).await {
                        return self.broke(current, fault, is_out);
                    }
                }
            }
            match self.hear(&current, lead).await {
                Ok(Heard::Open) => lead = Lead::Nothing,
                Ok(Heard::Refused { stage, reply, broken, .. })
                    if stage == Stage::Mail && 1 < self.letters && reply.is_enough_for_this_connection() =>
                {
                    self.smtp.learn_letters_per_connection(self.letters - 1);
                    if broken.is_none() {
                        self.quit().await;
                    }
                    return Ok(Ended::DialAgain(Some(current)));
                }
                Ok(Heard::Refused { stage, reply, lead: next_lead, broken }) => {
                    if let Err(down) = settle(current, stage, reply) {
                        if broken.is_none() && next_lead != Lead::DotRset {
                            self.quit().await;
                        }
                        return Err(down);
                    }
                    if let Some(fault) = broken {
                        return Err(fault.down());
                    }
                    lead = next_lead;
                    is_out = false;
                    current = match self.next(desk).await? {
                        Next::Letter(letter) => letter,
                        Next::End(ended) => return Ok(ended),
                    };
                    continue;
                }
                Ok(Heard::Confused) => {
                    self.smtp.learned().one_by_one.store(true, Relaxed);
                    return Ok(Ended::DialAgain(Some(current)));
                }
                Err(fault) => return self.broke(current, fault, is_out),
            }
            if is_out {
                self.smtp.learned().closed_ahead.store(0, Relaxed);
            }
            if current.begin().await == Permit::Stop {
                // After 354 there is no way to take the letter back but to hang up.
                current.give_back();
                return Ok(Ended::DialAgain(None));
            }
            if self.wire.stir() == Stir::Stirred {
                let said = unasked(&mut self.wire, self.smtp.relay()).await;
                current.give_back();
                return Err(down_by(Stage::Data, said));
            }
            let ahead = match self.offer.pipelining {
                true => self.next_now(desk)?,
                false => None,
            };
            let reply = match self.hand_over(&mut current, ahead.as_ref()).await {
                Ok(reply) => reply,
                Err(fault) => {
                    current.lost(|| format!("{} after the body had begun to leave", fault.trouble));
                    return Err(fault.down());
                }
            };
            match judge(Stage::Body, &reply) {
                Verdict::Good => current.end(Outcome::Accepted { reply }),
                Verdict::OutOfStep => {
                    let words = format!("it said \u{201c}{reply}\u{201d} to a body");
                    current.lost(|| words.clone());
                    let trouble = ErrorKind::Protocol(words);
                    return Err(RelayDown { stage: Stage::Body, trouble, passing: true });
                }
                verdict => {
                    if let Err(down) = settle(current, Stage::Body, reply) {
                        if ahead.is_none() && verdict != Verdict::Closing {
                            self.quit().await;
                        }
                        return Err(down);
                    }
                }
            }
            is_out = ahead.is_some();
            current = match ahead {
                Some(letter) => letter,
                None => match self.next(desk).await? {
                    Next::Letter(letter) => letter,
                    Next::End(ended) => return Ok(ended),
                },
            };
        }
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

    /// Reads the replies to an envelope; without pipelining it sends the commands as well, one by one.
    async fn hear<D: LetterSource>(
        &mut self,
        letter: &Taken<'_, D>,
        lead: Lead,
    ) -> Result<Heard, ConnectionError> {
        let grouped = self.offer.pipelining;
        let mut refusal: Option<(Stage, Reply)> = None;
        let mut open = false;
        let mut addressed = false;
        for (index, &step) in steps(lead).iter().enumerate() {
            let stage = step.stage();
            if !grouped {
                if refusal.is_some() {
                    break;
                }
                if self.wire.stir() == Stir::Stirred {
                    let trouble = match unasked(&mut self.wire, self.smtp.relay()).await {
                        Ok(reply) => ErrorKind::Said(reply),
                        Err(trouble) => trouble,
                    };
                    return Err(ConnectionError { stage, trouble, heard_nothing: false });
                }
                self.out.clear();
                self.push_step(step, letter);
                self.write_out(stage).await?;
            }
            let within = match step {
                Step::Data => self.timeouts().data,
                Step::Dot => self.timeouts().accept,
                _ => self.timeouts().command,
            };
            let answer = match self.wire.reply(within).await {
                // Most replies are the hoped-for ones: no words are kept of them.
                Ok(frame) if is_plainly_good(step, frame.code) => None,
                Ok(frame) => Some(frame.reply()),
                Err(trouble) => {
                    let fault = ConnectionError { stage, trouble, heard_nothing: index == 0 };
                    let Some((stage, reply)) = refusal else { return Err(fault) };
                    return Ok(Heard::Refused { stage, reply, lead: Lead::Nothing, broken: Some(fault) });
                }
            };
            let Some(reply) = answer else {
                addressed |= step == Step::Rcpt;
                open |= step == Step::Data;
                continue;
            };
            addressed |= step == Step::Rcpt && reply.code / 100 == 2;
            let closing = reply.code == 421;
            match (step, &refusal, judge(stage, &reply)) {
                (Step::Dot, ..) | (_, Some(_), _) if !closing => {}
                (_, None, Verdict::Good) => {}
                (_, None, verdict) => {
                    if grouped && is_confusion(step, verdict, &reply) {
                        return Ok(Heard::Confused);
                    }
                    if verdict == Verdict::OutOfStep {
                        let trouble = ErrorKind::Protocol(format!("it said \u{201c}{reply}\u{201d}"));
                        return Err(ConnectionError { stage, trouble, heard_nothing: false });
                    }
                    refusal = Some((stage, reply));
                }
                _ => {}
            }
            if closing && let Some((stage, reply)) = refusal {
                let trouble = ErrorKind::Said(reply.clone());
                let broken = Some(ConnectionError { stage, trouble, heard_nothing: false });
                return Ok(Heard::Refused { stage, reply, lead: Lead::Nothing, broken });
            }
        }
        Ok(match refusal {
            None => Heard::Open,
            // Refused, and yet it waits for a body that would reach somebody: there is no way back but to hang up.
            Some((stage, reply)) if open && addressed => {
                let words = "it waits for a letter that it has refused".to_owned();
                let fault = ConnectionError {
                    stage: Stage::Data,
                    trouble: ErrorKind::Protocol(words),
                    heard_nothing: false,
                };
                Heard::Refused { stage, reply, lead: Lead::Nothing, broken: Some(fault) }
            }
            Some((stage, reply)) => {
                let lead = if open { Lead::DotRset } else { Lead::Rset };
                Heard::Refused { stage, reply, lead, broken: None }
            }
        })
    }

    /// The connection broke before this letter's body.
    fn broke<'d, D: LetterSource>(
        &self,
        letter: Taken<'d, D>,
        fault: ConnectionError,
        was_out: bool,
    ) -> Result<Ended<'d, D>, RelayDown> {
        // One that has carried letters and is closed between two of them is no reason to complain: relays do so. If
        // it happens again to commands that were sent ahead, these may be what the relay does not like.
        let used = 1 < self.letters && fault.heard_nothing;
        let learned = self.smtp.learned();
        match fault.trouble {
            ErrorKind::Io(_) if used => {
                if was_out && 1 <= learned.closed_ahead.fetch_add(1, Relaxed) {
                    learned.one_by_one.store(true, Relaxed);
                }
                Ok(Ended::DialAgain(Some(letter)))
            }
            ErrorKind::Timeout { .. } if used && was_out => {
                learned.one_by_one.store(true, Relaxed);
                Ok(Ended::DialAgain(Some(letter)))
            }
            _ => {
                letter.give_back();
                Err(fault.down())
            }
        }
    }

    /// The relay spoke unasked, or closed, before this letter was offered.
    pub(super) async fn stirred<'d, D: LetterSource>(
        &mut self,
        letter: Taken<'d, D>,
        offered_before: u32,
    ) -> Result<Ended<'d, D>, RelayDown> {
        if offered_before > 0 {
            return Ok(Ended::DialAgain(Some(letter)));
        }
        letter.give_back();
        let said = unasked(&mut self.wire, self.smtp.relay()).await;
        Err(down_by(Stage::Mail, said))
    }

    /// The next letter for this connection; waits for it with an eye on the relay.
    pub(super) async fn next<'d, D: LetterSource>(&mut self, desk: &'d D) -> Result<Next<'d, D>, RelayDown> {
        loop {
            if self.smtp.letters_per_connection() <= self.letters {
                self.quit().await;
                return Ok(Next::End(Ended::DialAgain(None)));
            }
            let idle = self.timeouts().idle;
            let mut coming = pin!(desk.next());
            let came = tokio::select! {
                biased;
                letter = &mut coming => Some(letter),
                // It has hung up, or says that it is going to.
                () = self.wire.stirred() => None,
                () = tokio::time::sleep(idle) => {
                    self.quit().await;
                    None
                }
            };
            let letter = match came {
                Some(Some(letter)) => Taken::new(desk, letter),
                Some(None) => {
                    self.quit().await;
                    return Ok(Next::End(Ended::Done));
                }
                None => {
                    self.wire.hang_up();
                    let letter = coming.await.map(|letter| Taken::new(desk, letter));
                    return Ok(Next::End(
                        letter.map_or(Ended::Done, |letter| Ended::DialAgain(Some(letter))),
                    ));
                }
            };
            if let Some(letter) = self.vet(letter)? {
                return Ok(Next::Letter(letter));
            }
        }
    }

    /// A letter that can be offered at once.
    pub(super) fn next_now<'d, D: LetterSource>(
        &self,
        desk: &'d D,
    ) -> Result<Option<Taken<'d, D>>, RelayDown> {
        if self.smtp.letters_per_connection() <= self.letters {
            return Ok(None);
        }
        while let Some(letter) = desk.next_now() {
            if let Some(letter) = self.vet(Taken::new(desk, letter))? {
                return Ok(Some(letter));
            }
        }
        Ok(None)
    }

    /// The last gate. A letter that this relay cannot take is refused here, without bothering it.
    pub(super) fn vet<'d, D: LetterSource>(
        &self,
        letter: Taken<'d, D>,
    ) -> Result<Option<Taken<'d, D>>, RelayDown> {
        let message = letter.message();
        let refusal = |stage, code, enhanced, text: String| Some((stage, Reply::local(code, enhanced, text)));
        let international = !message.to().expose().is_ascii();
        let refused = if !gate::fits_a_path(message.to()) {
            refusal(
                Stage::Rcpt,
                553,
                (5, 1, 3),
                "not offered: the address cannot be written in SMTP".to_owned(),
            )
        } else if international && !self.offer.smtputf8 {
            let text = "not offered: the relay does not take addresses with letters outside ASCII (SMTPUTF8)";
            refusal(Stage::Rcpt, 550, (5, 6, 7), text.to_owned())
        } else if !gate::fits_a_path(message.from())
            || !message.from().expose().is_ascii() && !self.offer.smtputf8
        {
            let text = "not offered: the sender's address needs SMTPUTF8, which the relay does not offer";
            let trouble = ErrorKind::Said(Reply::local(550, (5, 6, 7), text));
            return Err(RelayDown { stage: Stage::Mail, trouble, passing: false });
        } else {
            match self.offer.size {
                _ if message.shape().eight_bit && !needs_smtputf8(&letter) => refusal(
                    Stage::Body,
                    554,
                    (5, 6, 1),
                    "not offered: the letter is not written in 7 bits".to_owned(),
                ),
                Some(limit) if limit > 0 && limit < message.size() as u64 => {
                    let text = format!(
                        "not offered: the letter has {} octets, and the relay takes {limit} at most",
                        message.size()
                    );
                    refusal(Stage::Mail, 552, (5, 3, 4), text)
                }
                _ => None,
            }
        };
        if let Some((stage, reply)) = refused {
            letter.end(Outcome::Rejected { stage, reply });
            return Ok(None);
        }
        Ok(Some(letter))
    }

    fn push_envelope<D: LetterSource>(&mut self, lead: Lead, letter: &Taken<'_, D>) {
        for &step in steps(lead) {
            self.push_step(step, letter);
        }
    }

    fn push_step<D: LetterSource>(&mut self, step: Step, letter: &Taken<'_, D>) {
        let written = match step {
            Step::Dot => self.out.write_all(b".\r\n"),
            Step::Rset => write!(self.out, "{Rset}"),
            Step::Mail => {
                self.push_mail(letter);
                Ok(())
            }
            Step::Rcpt => {
                self.push_rcpt(letter);
                Ok(())
            }
            Step::Data => write!(self.out, "{Data}"),
        };
        written.expect("writing into memory does not fail");
    }

    /// MAIL. The addresses were checked at the door and at the gate, so they are copied: lettre's `Mail` wants them
    /// parsed again.
    pub(super) fn push_mail<D: LetterSource>(&mut self, letter: &Taken<'_, D>) {
        let message = letter.message();
        self.out.extend_from_slice(b"MAIL FROM:<");
        self.out.extend_from_slice(message.from().expose().as_bytes());
        self.out.push(b'>');
        let mut parameter = |parameter: MailParameter| {
            write!(self.out, " {parameter}").expect("writing into memory does not fail");
        };
        if self.offer.size.is_some() {
            parameter(MailParameter::Size(message.size()));
        }
        if needs_smtputf8(letter) {
            parameter(MailParameter::Body(MailBodyParameter::EightBitMime));
            parameter(MailParameter::SmtpUtfEight);
        }
        self.out.extend_from_slice(b"\r\n");
    }

    /// RCPT.
    pub(super) fn push_rcpt<D: LetterSource>(&mut self, letter: &Taken<'_, D>) {
        self.out.extend_from_slice(b"RCPT TO:<");
        self.out.extend_from_slice(letter.letter().message.to().expose().as_bytes());
        self.out.extend_from_slice(b">\r\n");
    }

    async fn write_out(&mut self, stage: Stage) -> Result<(), ConnectionError> {
        let within = self.timeouts().command;
        let written = self.wire.write(&mut [IoSlice::new(&self.out)], within).await;
        written.map_err(|unwritten| ConnectionError {
            stage,
            trouble: unwritten.trouble,
            heard_nothing: true,
        })
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

fn needs_smtputf8<D: LetterSource>(letter: &Taken<'_, D>) -> bool {
    let message = letter.message();
    !message.to().expose().is_ascii() || !message.from().expose().is_ascii()
}

fn is_plainly_good(step: Step, code: u16) -> bool {
    match step {
        Step::Dot => false,
        Step::Rset | Step::Mail | Step::Rcpt => code == 250,
        Step::Data => code == 354,
    }
}

/// Whether a refusal is about the commands' having come together.
fn is_confusion(step: Step, verdict: Verdict, reply: &Reply) -> bool {
    verdict == Verdict::OutOfStep
        || reply.says_one_of(&["pipelin", "synchroni", "improper command"])
        || matches!(step, Step::Rcpt | Step::Data) && matches!(reply.code, 500 | 502 | 503)
        || step == Step::Data
            && reply.code == 554
            && reply.enhanced.is_none_or(|code| code == (5, 5, 1))
            && reply.says_one_of(&["no valid", "no recipient", "sequence", "rcpt"])
}

/// Tells the desk what a refusal means for its letter; `Err` when it means more than that.
pub(super) fn settle<D: LetterSource>(
    letter: Taken<'_, D>,
    stage: Stage,
    reply: Reply,
) -> Result<(), RelayDown> {
    let verdict = judge(stage, &reply);
    let down = |reply: Reply, passing| Err(RelayDown { stage, trouble: ErrorKind::Said(reply), passing });
    match verdict {
        Verdict::LetterNever => {
            letter.end(Outcome::Rejected { stage, reply });
            Ok(())
        }
        Verdict::LetterLater => {
            letter.end(Outcome::Deferred { stage, reply });
            Ok(())
        }
        Verdict::Closing => {
            if stage == Stage::Mail {
                letter.give_back();
            } else {
                letter.end(Outcome::Deferred { stage, reply: reply.clone() });
            }
            down(reply, true)
        }
        Verdict::Good | Verdict::OutOfStep | Verdict::RelayLater | Verdict::RelayStop => {
            if stage == Stage::Mail {
                letter.give_back();
            } else {
                letter.give_back_refused(stage, reply.clone());
            }
            down(reply, verdict != Verdict::RelayStop)
        }
    }
}

fn down_by(stage: Stage, said: Result<Reply, ErrorKind>) -> RelayDown {
    RelayDown { stage, trouble: said.map_or_else(|trouble| trouble, ErrorKind::Said), passing: true }
}
