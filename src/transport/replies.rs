//! The replies to an envelope, and what a refusal means for its letter.

use super::{
    commands::{Lead, Step, steps},
    complaint::{Complaint, complaint},
    connection::{Connection, ConnectionError},
    error::{ErrorKind, RelayDown},
    handshake::unasked,
    letter::LetterSource,
    letter_guard::Taken,
    outcome::Outcome,
    reply::Reply,
    stage::Stage,
    verdict::{Verdict, judge},
};

/// What came of MAIL, RCPT and DATA.
pub(super) enum Heard {
    /// 354: the relay waits for the body.
    Open,
    /// The relay refused the letter before its body.
    Refused(Refusal),
    /// The relay does not take commands in groups, whatever it says.
    Confused,
}

/// The first refusal of an envelope.
pub(super) struct Refusal {
    pub(super) stage: Stage,
    pub(super) reply: Reply,
    /// What it takes to go on.
    pub(super) lead: Lead,
    /// Whether the connection broke after it.
    pub(super) broken: Option<ConnectionError>,
}

/// What has been heard of an envelope so far.
#[derive(Default)]
struct Envelope {
    refusal: Option<(Stage, Reply)>,
    /// DATA was answered with 354.
    open: bool,
    /// The recipient was taken.
    addressed: bool,
}

impl Connection<'_> {
    /// Reads the replies to an envelope; without pipelining it sends the commands as well, one by one.
    pub(super) async fn hear<D: LetterSource>(
        &mut self,
        letter: &Taken<'_, D>,
        lead: Lead,
    ) -> Result<Heard, ConnectionError> {
        let grouped = self.offer.pipelining;
        let mut envelope = Envelope::default();
        for (index, &step) in steps(lead).iter().enumerate() {
            if !grouped {
                if envelope.refusal.is_some() {
                    break;
                }
                self.say_step(step, letter).await?;
            }
            let within = match step {
                Step::Data => self.timeouts().data,
                Step::Dot => self.timeouts().accept,
                _ => self.timeouts().command,
            };
            let last = match self.wire.reply(within).await {
                // Most replies are the hoped-for ones: no words are kept of them.
                Ok(frame) if is_plainly_good(step, frame.code) => {
                    envelope.addressed |= step == Step::Rcpt;
                    envelope.open |= step == Step::Data;
                    None
                }
                Ok(frame) => envelope.take(step, frame.reply(), grouped)?,
                Err(kind) => {
                    let heard_nothing = index == 0;
                    Some(envelope.broke(ConnectionError { stage: step.stage(), kind, heard_nothing })?)
                }
            };
            if let Some(heard) = last {
                return Ok(heard);
            }
        }
        Ok(envelope.heard())
    }

    /// One command, when commands go one by one.
    async fn say_step<D: LetterSource>(
        &mut self,
        step: Step,
        letter: &Taken<'_, D>,
    ) -> Result<(), ConnectionError> {
        let stage = step.stage();
        if self.wire.has_unsolicited_data() {
            let kind = match unasked(&mut self.wire, self.smtp.relay()).await {
                Ok(reply) => ErrorKind::Said(reply),
                Err(kind) => kind,
            };
            return Err(ConnectionError { stage, kind, heard_nothing: false });
        }
        self.out.clear();
        self.push_step(step, letter);
        self.write_out(stage).await
    }
}

impl Envelope {
    /// Takes in a reply that is not plainly the hoped-for one. `Some` is the last word on this envelope.
    fn take(&mut self, step: Step, reply: Reply, grouped: bool) -> Result<Option<Heard>, ConnectionError> {
        let stage = step.stage();
        let closing = reply.code == 421;
        self.addressed |= step == Step::Rcpt && reply.code / 100 == 2;
        let counts = closing || step != Step::Dot;
        if self.refusal.is_none() && counts {
            match judge(stage, &reply) {
                Verdict::Good => {}
                verdict if grouped && is_confusion(step, verdict, &reply) => {
                    return Ok(Some(Heard::Confused));
                }
                Verdict::OutOfStep => {
                    let kind = ErrorKind::Protocol(format!("it said \u{201c}{reply}\u{201d}"));
                    return Err(ConnectionError { stage, kind, heard_nothing: false });
                }
                _ => self.refusal = Some((stage, reply.clone())),
            }
        }
        if !closing {
            return Ok(None);
        }
        let kind = ErrorKind::Said(reply);
        self.broke(ConnectionError { stage, kind, heard_nothing: false }).map(Some)
    }

    /// The connection broke: an error, unless the letter was refused before.
    fn broke(&mut self, fault: ConnectionError) -> Result<Heard, ConnectionError> {
        match self.refusal.take() {
            None => Err(fault),
            Some((stage, reply)) => {
                Ok(Heard::Refused(Refusal { stage, reply, lead: Lead::Nothing, broken: Some(fault) }))
            }
        }
    }

    /// All replies are here.
    fn heard(self) -> Heard {
        let Some((stage, reply)) = self.refusal else { return Heard::Open };
        let (lead, broken) = match (self.open, self.addressed) {
            // Refused, and yet it waits for a body that would reach someone: there is no way back but to hang up.
            (true, true) => {
                let kind = ErrorKind::Protocol("it waits for a letter that it has refused".to_owned());
                let fault = ConnectionError { stage: Stage::Data, kind, heard_nothing: false };
                (Lead::Nothing, Some(fault))
            }
            (true, false) => (Lead::DotRset, None),
            (false, _) => (Lead::Rset, None),
        };
        Heard::Refused(Refusal { stage, reply, lead, broken })
    }
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

/// Applies a refusal to the letter that it is about; `Err` when it means more than that.
pub(super) fn apply_verdict<D: LetterSource>(
    letter: Taken<'_, D>,
    stage: Stage,
    reply: Reply,
) -> Result<(), RelayDown> {
    let verdict = match complaint(stage, &reply) {
        // It takes the letter, but not on so many connections.
        Complaint::Connections => Verdict::Closing,
        _ => judge(stage, &reply),
    };
    let down = |reply: Reply, passing| Err(RelayDown { stage, kind: ErrorKind::Said(reply), passing });
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
