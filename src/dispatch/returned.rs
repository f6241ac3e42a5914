//! What came back meets the ledger: which delivery it is about, and what follows for the person.
//!
//! Only proof lowers a person: the token of the envelope sender, or the `Message-ID` of a letter to this address. Both are made
//! with the newsletter's key, so that who has seen neither cannot forge a report.

#[cfg(feature = "cli")]
pub(super) mod events;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};

use crate::{
    address::EmailAddress,
    bounce::{
        Class, Finding, Kind, Returned,
        policy::{self, Consequence, Policy, Proof},
    },
    ledger::{
        DispatchRecord, Effect, FoundDelivery, HistoryEvent, Ledger, LedgerError, NewBounce, Reason, Recorded,
    },
    message::{TEST_TOKEN, Tokens},
    transport::Outcome,
};

/// Hard bounces are compared within this time.
const SPIKE_SPAN: SignedDuration = SignedDuration::from_hours(1);

/// Processes what came back, message by message.
pub struct Returns {
    ledger: Ledger,
    tokens: Tokens,
    list_id: String,
    policy: Policy,
    /// Those that are known so far.
    dispatches: Mutex<Arc<[DispatchRecord]>>,
    dry_run: bool,
}

/// Whether a message is from whom it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The domain of its one `From` signed it (DKIM).
    Proved,
    /// Anybody could have written it.
    Unproved,
}

/// What a message meant for one person.
#[derive(Clone, Debug)]
pub struct Settled {
    /// Who; `None` when the message names no one, and its token is not ours.
    pub address: Option<EmailAddress>,
    /// What the message says of the person.
    pub finding: Option<Finding>,
    /// The letter that it is about.
    pub delivery: Option<FoundDelivery>,
    /// What follows.
    pub effect: Effect,
    /// What was changed.
    pub recorded: Recorded,
    /// So many suppressions of one provider were lifted, because so many hard bounces at once are its fault.
    pub lifted: Option<u64>,
    /// How sure it is that this is about a letter of ours.
    pub proof: Proof,
}

impl Returns {
    /// The ledger that it settles in.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Reads which issues were sent. Without `record`, what would follow is said and nothing is changed.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn new(
        ledger: Ledger,
        key: &[u8; 32],
        list_id: &str,
        policy: Policy,
        dry_run: bool,
    ) -> Result<Self, LedgerError> {
        let dispatches = ledger.dispatches().await?;
        Ok(Self {
            ledger,
            tokens: Tokens::new(key),
            list_id: list_id.to_owned(),
            policy,
            dispatches: Mutex::new(dispatches.into()),
            dry_run,
        })
    }

    /// Finds out what a message is about, records it, and does what follows. The same bytes again change nothing.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub async fn settle(
        &self,
        bytes: &[u8],
        returned: &Returned,
        sender: Sender,
        now: Timestamp,
    ) -> Result<Vec<Settled>, LedgerError> {
        let message = content_digest(bytes);
        let named = self.by_token(returned).await?;
        let mut people: Vec<Option<Finding>> = returned.recipients.iter().cloned().map(Some).collect();
        if people.is_empty() && (named.is_some() || returned.kind != Kind::AutoReply) {
            people.push(None);
        }
        let alone = people.len() == 1;
        let mut settled = Vec::new();
        for finding in people {
            let delivery = match &named {
                // The token names the person, whatever address a forwarding reports.
                Some(named)
                    if alone
                        || finding.as_ref().is_some_and(|one| one.address.key() == named.address.key()) =>
                {
                    Some(named.clone())
                }
                _ => self.by_message_id(returned, finding.as_ref()).await?,
            };
            let reported = finding.as_ref().map(|finding| &finding.address);
            let address = delivery.as_ref().map(|found| &found.address).or(reported);
            let proof = self.proof(returned, address, delivery.as_ref(), sender);
            settled.push(self.settle_one(message, returned, finding, delivery, proof, now).await?);
        }
        Ok(settled)
    }

    async fn settle_one(
        &self,
        message: [u8; 32],
        returned: &Returned,
        finding: Option<Finding>,
        delivery: Option<FoundDelivery>,
        proof: Proof,
        now: Timestamp,
    ) -> Result<Settled, LedgerError> {
        let reported = finding.as_ref().map(|finding| finding.address.clone());
        let address = delivery.as_ref().map(|found| found.address.clone()).or(reported);
        let class = match returned.kind {
            Kind::Bounce => Some(finding.as_ref().and_then(|finding| finding.class).unwrap_or(Class::Soft)),
            _ => finding.as_ref().and_then(|finding| finding.class),
        };
        // Clocks of others may be wrong, and nothing happens after it was read.
        let at = returned.at.filter(|at| *at <= now).unwrap_or(now);
        let mut new = NewBounce {
            message,
            address: address.clone(),
            delivery: delivery.clone(),
            kind: returned.kind,
            class,
            status: finding.as_ref().and_then(|finding| finding.status).map(|status| status.to_string()),
            reply: finding.as_ref().and_then(|finding| finding.reply.clone()).unwrap_or_default(),
            at,
            effect: Effect::Nothing,
            suppress: None,
        };
        let is_known = self.ledger.knows_message(&message, address.as_ref()).await?;
        let mut lifted = None;
        (new.effect, new.suppress) = match policy::consequence(returned.kind, class, proof) {
            Consequence::SuppressBounced if self.is_spike(&new, is_known).await? => {
                if !self.dry_run && !is_known {
                    lifted = Some(self.hold(&new, now).await?);
                }
                (Effect::Held, None)
            }
            Consequence::SuppressBounced => {
                (Effect::Suppressed, Some((Reason::HardBounce, note(&new.status, &new.reply))))
            }
            Consequence::CountSoft => self.soft(&new).await?,
            Consequence::SuppressComplained => {
                let word = returned.complaint.clone().unwrap_or_else(|| "complaint".to_owned());
                (Effect::Suppressed, Some((Reason::Complaint, word)))
            }
            Consequence::Unsubscribe => {
                (Effect::Suppressed, Some((Reason::Unsubscribed, "by mail".to_owned())))
            }
            Consequence::ShowToOwner => (Effect::Shown, None),
            Consequence::Nothing => (Effect::Nothing, None),
        };
        let recorded = if self.dry_run || proof == Proof::Test {
            Recorded { is_new: !is_known, ..Recorded::default() }
        } else {
            self.ledger.record_bounce(new.clone(), now).await?
        };
        Ok(Settled { address, finding, delivery, effect: new.effect, recorded, lifted, proof })
    }

    /// Which delivery the token in the envelope sender names.
    async fn by_token(&self, returned: &Returned) -> Result<Option<FoundDelivery>, LedgerError> {
        let Some(token) = &returned.token else { return Ok(None) };
        let Some(number) = Tokens::delivery_in(token) else { return Ok(None) };
        let Some(found) = self.ledger.delivery(number).await? else { return Ok(None) };
        let dispatch = &found.dispatch;
        let is_ours = self.tokens.is_delivery(token, &dispatch.slug, dispatch.number, number, &found.address);
        Ok(is_ours.then_some(found))
    }

    /// Which delivery to this person has the `Message-ID` that came back.
    async fn by_message_id(
        &self,
        returned: &Returned,
        finding: Option<&Finding>,
    ) -> Result<Option<FoundDelivery>, LedgerError> {
        let (Some(id), Some(finding)) = (&returned.message_id, finding) else { return Ok(None) };
        let is_its = |dispatch: &&DispatchRecord| {
            self.tokens.is_message_id(id, &dispatch.slug, dispatch.number, &finding.address)
        };
        let known = Arc::clone(&self.known());
        if let Some(dispatch) = known.iter().find(is_its) {
            return self.ledger.delivery_to(dispatch.id, &finding.address).await;
        }
        // One that was opened since then may have it.
        if Tokens::is_identifier(id) {
            let all: Arc<[DispatchRecord]> = self.ledger.dispatches().await?.into();
            *self.known() = Arc::clone(&all);
            if let Some(dispatch) = all.iter().find(is_its) {
                return self.ledger.delivery_to(dispatch.id, &finding.address).await;
            }
        }
        Ok(None)
    }

    fn known(&self) -> MutexGuard<'_, Arc<[DispatchRecord]>> {
        self.dispatches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn proof(
        &self,
        returned: &Returned,
        address: Option<&EmailAddress>,
        delivery: Option<&FoundDelivery>,
        sender: Sender,
    ) -> Proof {
        let token = returned.token.as_deref().unwrap_or_default();
        if delivery.is_some() {
            Proof::Ours
        } else if token.eq_ignore_ascii_case(TEST_TOKEN) || self.is_of_a_test(returned) {
            Proof::Test
        } else if returned.kind == Kind::Unsubscribe
            && address.is_some_and(|address| {
                sender == Sender::Proved && token.is_empty()
                    || self.tokens.may_unsubscribe(token, &self.list_id, address)
            })
        {
            Proof::Ours
        } else {
            Proof::None
        }
    }

    /// Whether the letter that came back was one of `mimeo test`.
    fn is_of_a_test(&self, returned: &Returned) -> bool {
        returned.message_id.as_deref().is_some_and(|id| self.tokens.is_test_message_id(id))
    }

    /// Whether so many letters to one provider bounced within an hour that it is the provider's fault.
    async fn is_spike(&self, new: &NewBounce, is_known: bool) -> Result<bool, LedgerError> {
        let Some(found) = &new.delivery else { return Ok(false) };
        let (hard, all) =
            self.ledger.hard_bounces(found.dispatch.id, found.address.domain(), new.at - SPIKE_SPAN).await?;
        Ok(policy::is_spike(hard + u64::from(!is_known), all))
    }

    async fn hold(&self, new: &NewBounce, now: Timestamp) -> Result<u64, LedgerError> {
        let Some(found) = &new.delivery else { return Ok(0) };
        let domain = found.address.domain();
        let why =
            format!("too many letters to {domain} bounced hard within an hour: the provider is at fault");
        self.ledger.stop_run(found.dispatch.id, &why, now).await?;
        self.ledger.hold_bounces(found.dispatch.id, found.address.domain(), new.at - SPIKE_SPAN).await
    }

    /// Whether this soft bounce is one too many.
    async fn soft(&self, new: &NewBounce) -> Result<(Effect, Option<(Reason, String)>), LedgerError> {
        let (Some(address), Some(found)) = (&new.address, &new.delivery) else {
            return Ok((Effect::Counted, None));
        };
        // The latest letter first. One that was accepted and did not come back ends the count; one that is still on its
        // way, and later than this one, says nothing.
        let (mut letters, mut first, mut last) = (1, new.at, new.at);
        for history in self.ledger.history(address).await? {
            if history.delivery.delivery == found.delivery {
                continue;
            }
            let soft = history.events.iter().find_map(|event| match event {
                HistoryEvent::Returned(one) if one.kind == Kind::Bounce && one.class == Some(Class::Soft) => {
                    Some(one.at)
                }
                _ => None,
            });
            let accepted = history.events.iter().any(|event| {
                matches!(event, HistoryEvent::Attempt { outcome: Outcome::Accepted { .. }, .. })
            });
            let is_earlier = history.dispatch.opened_at <= found.dispatch.opened_at;
            match soft {
                Some(at) => {
                    letters += 1;
                    (first, last) = (first.min(at), last.max(at));
                }
                None if accepted && is_earlier => break,
                None => {}
            }
        }
        if !self.policy.is_enough(letters, first, last) {
            return Ok((Effect::Counted, None));
        }
        let days = last.duration_since(first).as_hours() / 24;
        let note = format!(
            "{letters} letters came back within {days} days; the last: {}",
            note(&new.status, &new.reply)
        );
        Ok((Effect::Suppressed, Some((Reason::SoftBounce, note))))
    }
}

fn note(status: &Option<String>, reply: &str) -> String {
    let status = status.as_deref().filter(|status| !reply.contains(*status)).unwrap_or_default();
    let text: String = format!("{status} {reply}").trim().chars().take(200).collect();
    if text.is_empty() { "bounced".to_owned() } else { text }
}

/// SHA-256 of a message, whatever its line ends are and whichever mailbox file it was in.
fn content_digest(bytes: &[u8]) -> [u8; 32] {
    let mut content: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'\r').collect();
    if content.starts_with(b"From ") {
        let line = memchr::memchr(b'\n', &content).map_or(content.len(), |at| at + 1);
        content.drain(..line);
    }
    while content.last() == Some(&b'\n') {
        content.pop();
    }
    let whole = digest(&SHA256, &content);
    std::array::from_fn(|at| whole.as_ref()[at])
}
