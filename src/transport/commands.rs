//! The commands that offer a letter, and the last check before them.

use std::io::{IoSlice, Write};

use lettre::transport::smtp::{
    commands::{Data, Rset},
    extension::{MailBodyParameter, MailParameter},
};

use super::{
    connection::{Connection, ConnectionError},
    error::{ErrorKind, RelayDown},
    letter::LetterSource,
    letter_guard::Taken,
    outcome::Outcome,
    reply::Reply,
    stage::Stage,
    wire_form,
};

/// What has to be said first in the next group, to bring the relay back to the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    Nothing,
    /// The transaction was refused and is still open.
    Rset,
    /// DATA was answered with 354 though the recipient was refused: an empty letter to no one (RFC 2920 section 3.1).
    DotRset,
}

/// The steps before a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Dot,
    Rset,
    Mail,
    Rcpt,
    Data,
}

impl Step {
    pub(super) fn stage(self) -> Stage {
        match self {
            Self::Dot | Self::Rset | Self::Mail => Stage::Mail,
            Self::Rcpt => Stage::Rcpt,
            Self::Data => Stage::Data,
        }
    }
}

pub(super) fn steps(lead: Lead) -> &'static [Step] {
    const ALL: [Step; 5] = [Step::Dot, Step::Rset, Step::Mail, Step::Rcpt, Step::Data];
    match lead {
        Lead::DotRset => &ALL,
        Lead::Rset => &ALL[1..],
        Lead::Nothing => &ALL[2..],
    }
}

impl Connection<'_> {
    /// The last check. A letter that this relay cannot take is refused here, without bothering it.
    pub(super) fn validate<'d, D: LetterSource>(
        &self,
        letter: Taken<'d, D>,
    ) -> Result<Option<Taken<'d, D>>, RelayDown> {
        let message = letter.message();
        let refusal = |stage, code, enhanced, text: String| Some((stage, Reply::local(code, enhanced, text)));
        let international = !message.to().expose().is_ascii();
        let refused = if !wire_form::fits_a_path(message.to()) {
            refusal(
                Stage::Rcpt,
                553,
                (5, 1, 3),
                "not offered: the address cannot be written in SMTP".to_owned(),
            )
        } else if international && !self.offer.smtputf8 {
            let text = "not offered: the relay does not take addresses with letters outside ASCII (SMTPUTF8)";
            refusal(Stage::Rcpt, 550, (5, 6, 7), text.to_owned())
        } else if !wire_form::fits_a_path(message.from())
            || !message.from().expose().is_ascii() && !self.offer.smtputf8
        {
            let text = "not offered: the sender's address needs SMTPUTF8, which the relay does not offer";
            let kind = ErrorKind::Said(Reply::local(550, (5, 6, 7), text));
            return Err(RelayDown { stage: Stage::Mail, kind, passing: false });
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
                        "not offered: the letter has {} bytes, and the relay accepts at most {limit}",
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

    pub(super) fn push_envelope<D: LetterSource>(&mut self, lead: Lead, letter: &Taken<'_, D>) {
        for &step in steps(lead) {
            self.push_step(step, letter);
        }
    }

    pub(super) fn push_step<D: LetterSource>(&mut self, step: Step, letter: &Taken<'_, D>) {
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

    /// MAIL. The addresses were checked when they were read and again before, so they are copied: lettre's `Mail` wants them
    /// parsed again.
    fn push_mail<D: LetterSource>(&mut self, letter: &Taken<'_, D>) {
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
    fn push_rcpt<D: LetterSource>(&mut self, letter: &Taken<'_, D>) {
        self.out.extend_from_slice(b"RCPT TO:<");
        self.out.extend_from_slice(letter.letter().message.to().expose().as_bytes());
        self.out.extend_from_slice(b">\r\n");
    }

    pub(super) async fn write_out(&mut self, stage: Stage) -> Result<(), ConnectionError> {
        let within = self.timeouts().command;
        let written = self.wire.write(&mut [IoSlice::new(&self.out)], within).await;
        written.map_err(|unwritten| ConnectionError { stage, kind: unwritten.kind, heard_nothing: true })
    }
}

fn needs_smtputf8<D: LetterSource>(letter: &Taken<'_, D>) -> bool {
    let message = letter.message();
    !message.to().expose().is_ascii() || !message.from().expose().is_ascii()
}
