//! What connections ask for and report: letters are composed and given out, begun, answered and given back.

use std::time::Duration;

use tokio::time::Instant;

use super::{SendQueue, Stop, take::Take};
use crate::{
    dispatch::{
        event::Event,
        lease::{Lease, Ticket},
        retry::means_no_such_person,
    },
    ledger::{Begun, Claim, Next, Reason, Suppression},
    message::Message,
    transport::{Letter, LetterSource, Outcome, Permit, Reply, Stage},
};

/// A connection that has nothing to do for so long is closed rather than kept: relays hang up on idlers anyway.
const IDLE_MAX: Duration = Duration::from_secs(15);

impl LetterSource for SendQueue {
    type Ticket = Ticket;

    async fn next(&self) -> Option<Letter<Ticket>> {
        let give_up = Instant::now() + IDLE_MAX;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let take = self.take();
            match take {
                Take::Lease(lease) => {
                    let letter = self.give(lease);
                    self.ask_for_more();
                    if letter.is_some() {
                        return letter;
                    }
                }
                Take::Nothing | Take::Ready => return None,
                Take::Wait(at) => {
                    self.news.notify_one();
                    if at.is_some_and(|at| give_up < at) {
                        return None;
                    }
                    let at = at.unwrap_or(give_up).min(give_up);
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep_until(at) => {
                            if give_up <= Instant::now() {
                                return None;
                            }
                        }
                    }
                }
            }
        }
    }

    fn next_now(&self) -> Option<Letter<Ticket>> {
        let take = self.take();
        match take {
            Take::Lease(lease) => {
                let letter = self.give(lease);
                self.ask_for_more();
                letter
            }
            Take::Wait(_) | Take::Nothing | Take::Ready => None,
        }
    }

    async fn begin(&self, ticket: &mut Ticket) -> Permit {
        if self.is_stopped() {
            return Permit::Stop;
        }
        match ticket.begin(&self.ledger, (self.clock)()).await {
            Ok(Begun::Begun) => {
                let mut state = self.state();
                if state.stop.is_some() {
                    // It comes back, and the beginning is withdrawn.
                    return Permit::Stop;
                }
                state.granted += 1;
                ticket.grant();
                return Permit::Go;
            }
            Ok(Begun::Suppressed) => (self.emit)(Event::SuppressedLate),
            Ok(Begun::Lost) => {}
            Err(error) => self.stop(Stop::Ledger(error)),
        }
        // It is not ours any more; the ledger may even give it out again.
        self.state().leased.remove(&ticket.claim().delivery);
        Permit::Stop
    }

    fn end(&self, letter: Letter<Ticket>, outcome: Outcome) {
        let Letter { ticket, message } = letter;
        let bytes = message.size();
        let now = (self.clock)();
        let claim = ticket.claim();
        let (pulled, last) = {
            let mut state = self.state();
            state.under_way -= 1;
            state.granted -= usize::from(ticket.is_granted());
            state.leased.remove(&claim.delivery);
            state.answered += 1;
            state.pace.answered(ticket.domain());
            let pulled = match &outcome {
                Outcome::Accepted { .. } => {
                    state.accepted += 1;
                    state.complaints.accepted();
                    state.pace.accepted(self.tick());
                    state.brake.accepted();
                    None
                }
                Outcome::Rejected { .. } => state.brake.refused(),
                Outcome::Deferred { .. } | Outcome::Unconfirmed { .. } => None,
            };
            (pulled, state.under_way == 0 || state.stop.is_some() && state.granted == 0)
        };
        let first_tried = claim.first_tried.unwrap_or(now);
        let attempt = claim.attempt();
        let next = self.settings.retry.after(&outcome, attempt, first_tried, now, chance(claim));
        if let Outcome::Rejected { reply, .. } = &outcome
            && self.settings.suppress_hard_bounces
            && means_no_such_person(reply)
        {
            let address = claim.subscriber.address.clone();
            let note = Some(reply.to_string());
            self.state().suppress.push(Suppression { address, reason: Reason::HardBounce, note, at: now });
        }
        if let Next::RetryAt(at) = next {
            (self.emit)(Event::ComesBack { at });
        }
        ticket.end(&self.ledger, &outcome, next, now);
        if let Outcome::Deferred { stage, reply } = &outcome {
            let mut state = self.state();
            let rate = state.pace.rate();
            if state.complaints.slow_down(*stage, reply, attempt, rate) {
                drop(state);
                self.throttled(reply);
            }
        }
        (self.emit)(Event::Answered { outcome: &outcome, bytes });
        if let Some(pulled) = pulled {
            self.stop(Stop::Brake(pulled));
        }
        self.recycle(message);
        if !self.settings.pace.domains.is_empty() {
            self.changed.notify_waiters();
        }
        // A refusal is for the other senders to know, soon.
        if last || matches!(outcome, Outcome::Rejected { .. }) {
            self.news.notify_one();
        }
    }

    fn give_back(&self, letter: Letter<Ticket>) {
        let Letter { ticket, message } = letter;
        {
            let mut state = self.state();
            state.under_way -= 1;
            state.granted -= usize::from(ticket.is_granted());
            state.pace.taken_back(ticket.domain(), self.tick());
            let delivery = ticket.claim().delivery;
            match ticket.give_back(&self.ledger) {
                Some(lease) => match state.limited.get_mut(lease.domain()) {
                    Some(waiting) => waiting.push_front(lease),
                    None => state.queue.push_front(lease),
                },
                None => {
                    state.leased.remove(&delivery);
                }
            }
        }
        self.recycle(message);
        self.changed.notify_waiters();
        self.news.notify_one();
    }
}

impl SendQueue {
    /// Wakes the run loop while there is still something queued, so that connections never wait for the ledger.
    fn ask_for_more(&self) {
        if self.state().is_low() {
            self.news.notify_one();
        }
    }

    /// Composes a letter. Someone whose letter cannot be composed is refused on the spot.
    fn give(&self, lease: Lease) -> Option<Letter<Ticket>> {
        let buffer = self.state().buffers.pop().unwrap_or_default();
        match self.composer.compose_delivery(lease.subscriber(), lease.delivery().number(), buffer) {
            Ok(message) => Some(Letter { ticket: lease.hand_out(), message }),
            Err(error) => {
                let text = format!("not handed over: {error}");
                let reply = Reply { code: 554, enhanced: Some((5, 6, 0)), text };
                let outcome = Outcome::Rejected { stage: Stage::Mail, reply };
                {
                    let mut state = self.state();
                    state.pace.taken_back(lease.domain(), self.tick());
                    state.under_way -= 1;
                    state.leased.remove(&lease.delivery());
                }
                lease.hand_out().end(&self.ledger, &outcome, Next::Close, (self.clock)());
                (self.emit)(Event::Answered { outcome: &outcome, bytes: 0 });
                None
            }
        }
    }

    fn recycle(&self, message: Message) {
        let mut buffer = message.into_room();
        buffer.clear();
        let mut state = self.state();
        if state.buffers.len() < 256 {
            state.buffers.push(buffer);
        }
    }
}

/// A number from 0 to 1 that differs from letter to letter and from attempt to attempt, and needs no generator.
fn chance(claim: &Claim) -> f64 {
    let mut bits = claim.delivery.number() ^ (u64::from(claim.epoch()) << 32) ^ 0x9E37_79B9_7F4A_7C15;
    for factor in [0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB_u64] {
        bits = (bits ^ (bits >> 29)).wrapping_mul(factor);
    }
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}
