//! Events of delivery services meet the ledger. Their sender was verified, so that they need no token of ours.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Returns, Settled};
use crate::{
    address::EmailAddress,
    bounce::{Finding, Kind, policy::Proof},
    hooks::{Event, Fetch, Hooks, Refusal, Request},
    ledger::{Effect, FoundDelivery, HistoryEvent, LedgerError, Recorded, State},
    message::Tokens,
    transport::Outcome,
};

/// What a hook answers, and what came of it.
#[derive(Debug)]
pub struct Answer {
    /// The status code of HTTP.
    pub status: u16,
    /// A line of text for the service.
    pub text: String,
    /// What the events meant for people.
    pub settled: Vec<Settled>,
}

impl Answer {
    fn refused(refusal: &Refusal) -> Self {
        Self { status: refusal.status(), text: refusal.to_string(), settled: Vec::new() }
    }

    fn said(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), settled: Vec::new() }
    }
}

impl Returns {
    /// Answers a request to the hook of a service: verifies it, and settles its events. When the answer is 200, all of them are
    /// recorded durably; with any other, the service sends them again.
    pub async fn receive(
        &self,
        hooks: &Arc<Hooks>,
        provider: &str,
        header: Vec<(String, String)>,
        body: Vec<u8>,
        fetch: Arc<dyn Fetch + Send + Sync>,
        now: Timestamp,
    ) -> Answer {
        let (hooks, name) = (Arc::clone(hooks), provider.to_owned());
        let verify = move || {
            let request = Request { header: &header, body: &body };
            hooks.receive(&name, &request, fetch.as_ref(), now)
        };
        // A certificate may have to be fetched.
        let received = match tokio::task::spawn_blocking(verify).await {
            Ok(Ok(received)) => received,
            Ok(Err(refusal)) => return Answer::refused(&refusal),
            Err(_) => return Answer::said(500, "the request cannot be read"),
        };
        if let Some(note) = received.note {
            return Answer::said(200, note);
        }
        match self.settle_events(&received.events, received.once, now).await {
            Ok(Some(settled)) => {
                let events = received.events.len();
                Answer { status: 200, text: format!("events: {events}"), settled }
            }
            Ok(None) => Answer::said(401, "unauthorized: the token was used before, for something else"),
            Err(_) => Answer::said(503, "try again later: the ledger cannot be written"),
        }
    }

    /// Settles events; `None` if they came with a token that was used for another body.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub async fn settle_events(
        &self,
        events: &[Event],
        once: Option<([u8; 32], [u8; 32])>,
        now: Timestamp,
    ) -> Result<Option<Vec<Settled>>, LedgerError> {
        if let Some((mark, body)) = once
            && !self.dry_run
            && !self.ledger.use_once(mark, body, now).await?
        {
            return Ok(None);
        }
        let mut settled = Vec::new();
        for event in events {
            settled.extend(self.settle_event(event, now).await?);
        }
        Ok(Some(settled))
    }

    /// Finds out which deliveries an event is about, records it, and does what follows. The same event again changes nothing.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub async fn settle_event(&self, event: &Event, now: Timestamp) -> Result<Vec<Settled>, LedgerError> {
        let returned = &event.returned;
        let mut settled = Vec::new();
        for finding in &returned.recipients {
            let delivery = self.of_event(event, finding).await?;
            let is_news = delivery.as_ref().is_some_and(|found| found.state == State::Unconfirmed);
            if returned.kind == Kind::Delivered && !is_news {
                // Most letters arrive: that is not worth a row each.
                settled.push(unrecorded(finding, delivery));
                continue;
            }
            let proof = match delivery {
                Some(_) => Proof::Ours,
                None if self.is_of_a_test(returned) => Proof::Test,
                None => Proof::Service,
            };
            settled.push(
                self.settle_one(event.digest(), returned, Some(finding.clone()), delivery, proof, now)
                    .await?,
            );
        }
        Ok(settled)
    }

    /// The delivery with our identifier; or to this address, the one that the relay's reply named with the service's identifier, or
    /// else the latest that was handed over.
    async fn of_event(&self, event: &Event, finding: &Finding) -> Result<Option<FoundDelivery>, LedgerError> {
        if let Some(found) = self.by_message_id(&event.returned, Some(finding)).await? {
            return Ok(Some(found));
        }
        // An identifier of ours that no delivery to this person has is that of a test letter.
        if event.returned.message_id.as_deref().is_some_and(Tokens::is_identifier) {
            return Ok(None);
        }
        self.latest_of(&finding.address, event.letter.as_deref()).await
    }

    async fn latest_of(
        &self,
        address: &EmailAddress,
        letter: Option<&str>,
    ) -> Result<Option<FoundDelivery>, LedgerError> {
        let mut latest = None;
        for history in self.ledger.history(address).await? {
            if !matches!(history.delivery.state, State::Accepted | State::Unconfirmed) {
                continue;
            }
            let named = letter.is_some_and(|letter| {
                history.events.iter().any(|event| match event {
                    HistoryEvent::Attempt { outcome: Outcome::Accepted { reply }, .. } => {
                        reply.text.contains(letter)
                    }
                    _ => false,
                })
            });
            let found = FoundDelivery {
                delivery: history.delivery.delivery,
                dispatch: history.dispatch,
                address: history.delivery.address,
                state: history.delivery.state,
            };
            if named {
                return Ok(Some(found));
            }
            latest.get_or_insert(found);
        }
        Ok(latest)
    }
}

fn unrecorded(finding: &Finding, delivery: Option<FoundDelivery>) -> Settled {
    Settled {
        address: Some(finding.address.clone()),
        finding: Some(finding.clone()),
        delivery,
        effect: Effect::Nothing,
        recorded: Recorded::default(),
        lifted: None,
        proof: Proof::Service,
    }
}
