//! Decides about one request of someone on the web, and does what was decided: in the transaction that the caller has opened.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    activation::activate,
    admission::{self, Admission, Decision, Known, LetterKind, Sent, SignupKind, before, mailbox},
    error::AudienceError,
    refusals::barrier,
    signup_store::{self as tables, ServiceLetter, Signup, StoredSignup},
    store,
    values::Person,
};
use crate::{address::EmailAddress, message::ListTokens, storage::Connection};

/// What letters to one address are counted by: links that people ask for to their own page are no reason against others.
fn mailed(kind: SignupKind) -> &'static str {
    if kind == SignupKind::Preferences { "linked" } else { "mailed" }
}

/// What a decision needs.
pub(super) struct Settling<'a> {
    pub(super) db: &'a Connection,
    pub(super) tokens: &'a ListTokens,
    pub(super) limits: &'a Admission,
    pub(super) now: Timestamp,
}

impl Settling<'_> {
    /// Decides, and queues the letter that follows. A request with an earlier address of someone is one of their present address:
    /// they are one person, and letters go nowhere else.
    pub(super) fn settle(
        &self,
        mut stored: StoredSignup,
        owner: &EmailAddress,
    ) -> Result<Decision, AudienceError> {
        if stored.signup.kind != SignupKind::Address
            && let Some(present) = tables::present_address(self.db, self.tokens, &stored.signup.address)?
        {
            tables::readdress(self.db, &stored.signup.id, &present)?;
            stored.signup.address = present;
        }
        let stored = &stored;
        let signup = &stored.signup;
        let hours = tables::hours(self.db, self.tokens, self.now)?;
        let is_pressed = admission::is_under_pressure(&hours, self.limits);
        if is_pressed {
            self.warn(owner)?;
        }
        let (known, person) = self.known(signup)?;
        let decision = admission::decide(signup.kind, known, self.sent(signup)?, is_pressed, self.limits);
        match decision {
            Decision::Send(kind) => self.send(stored, kind, person)?,
            Decision::Activate => {
                activate(self.db, self.tokens, stored, "signed up", self.now)?;
                tables::set_state(self.db, &signup.id, "confirmed")?;
            }
            Decision::Drop(_) => tables::delete(self.db, &signup.id)?,
            Decision::Wait(wait) => {
                let until = self.now.checked_add(wait).unwrap_or(Timestamp::MAX);
                if until >= signup.expires_at {
                    tables::delete(self.db, &signup.id)?;
                } else {
                    tables::wait(self.db, &signup.id, until)?;
                }
            }
        }
        Ok(decision)
    }

    /// What is known of an address, and the person's status.
    fn known(&self, signup: &Signup) -> Result<(Known, Option<Person>), AudienceError> {
        let key = signup.address.key();
        let person = store::find(self.db, &key)?.map(|stored| stored.person);
        let barrier = barrier(self.db, self.tokens, &key)?.map(|(barrier, _)| barrier);
        let status = person.as_ref().map(|person| person.status);
        let is_taken = signup.kind == SignupKind::Address && person.is_some();
        Ok((Known { status, barrier, is_taken }, person))
    }

    fn sent(&self, signup: &Signup) -> Result<Sent, AudienceError> {
        let address = &signup.address;
        let key = address.key();
        let count =
            |what, whom: &str, since| tables::counted(self.db, &self.tokens.bucket(what, whom), since);
        let day = before(self.now, 24);
        let domain_hour = count("domain", address.domain(), before(self.now, 1))?;
        let is_full = domain_hour >= self.limits.per_domain;
        let minute = self.now.checked_sub(Duration::from_secs(60)).unwrap_or(self.now);
        Ok(Sent {
            day: count(mailed(signup.kind), &key, day)?,
            month: count(mailed(signup.kind), &key, before(self.now, 30 * 24))?,
            mailbox_day: count("mailbox", &mailbox(address), day)?,
            domain_hour,
            is_known_domain: is_full && tables::is_known_domain(self.db, address.domain())?,
            minute: count("letters", "", minute)?,
        })
    }

    fn send(
        &self,
        stored: &StoredSignup,
        kind: LetterKind,
        person: Option<Person>,
    ) -> Result<(), AudienceError> {
        let signup = &stored.signup;
        let (key, domain) = (signup.address.key(), signup.address.domain().to_owned());
        for (what, whom) in [
            (mailed(signup.kind), key.clone()),
            ("mailbox", mailbox(&signup.address)),
            ("domain", domain),
            ("letters", String::new()),
        ] {
            tables::count(self.db, &self.tokens.bucket(what, &whom), self.now)?;
        }
        let subject = match kind {
            LetterKind::Preferences => *self.tokens.person(&key).as_bytes(),
            _ => signup.id,
        };
        let letter = ServiceLetter {
            id: signup.id,
            kind,
            // As the list has it, where it does: that is where the person gets letters.
            address: person.as_ref().map_or_else(|| signup.address.clone(), |person| person.address.clone()),
            language: signup.language.clone().or(person.and_then(|person| person.language)),
            subject,
            made_at: self.now,
            attempts: 0,
        };
        tables::enqueue(self.db, &letter)?;
        if kind == LetterKind::Preferences {
            tables::delete(self.db, &signup.id)
        } else {
            tables::set_state(self.db, &signup.id, "mailed")
        }
    }

    /// Says to the owner, once in six hours, that the form is being misused.
    fn warn(&self, owner: &EmailAddress) -> Result<(), AudienceError> {
        let bucket = self.tokens.bucket("pressure", "");
        if tables::counted(self.db, &bucket, before(self.now, 6))? > 0 {
            return Ok(());
        }
        tables::count(self.db, &bucket, self.now)?;
        let id = self.tokens.bucket("pressure", &self.now.to_string());
        let letter = ServiceLetter {
            id,
            kind: LetterKind::Pressure,
            address: owner.clone(),
            language: None,
            subject: id,
            made_at: self.now,
            attempts: 0,
        };
        tables::enqueue(self.db, &letter)
    }
}
