//! The desk between ledger and connections: gives letters out, and writes down what becomes of them.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::Notify, time::Instant};

use super::{
    Ask, Brake, Clock, Event, Pace, Pulled, Settings, Wait,
    lease::{Lease, Ticket},
    means_no_such_person,
    run::{Emit, between, until},
};
use crate::{
    ledger::{Begun, Claim, DeliveryId, Ledger, LedgerError, Next, Reason, Suppression},
    message::{Composer, Message},
    transport::{self, Letter, Outcome, Permit, Reply, Stage},
};

/// A connection that has nothing to do for so long is closed rather than kept: relays hang up on idlers anyway.
const IDLE_MAX: Duration = Duration::from_secs(15);

pub(super) struct SendQueue {
    pub(super) ledger: Ledger,
    composer: Arc<Composer>,
    settings: Settings,
    clock: Clock,
    emit: Emit,
    state: Mutex<State>,
    /// Something changed that waiting connections should look at.
    changed: Notify,
    /// Something changed that the run loop should look at.
    pub(super) news: Notify,
    /// Pace counts from here; `before` keeps earlier runs' letters on the positive side.
    origin: Instant,
    before: Duration,
}

struct State {
    queue: VecDeque<Lease>,
    /// Letters to domains with limits of their own.
    limited: BTreeMap<String, VecDeque<Lease>>,
    /// Everything that is leased to this sender: in a queue, or with a connection.
    leased: HashSet<DeliveryId>,
    /// Letters that are with connections.
    under_way: usize,
    pace: Pace,
    brake: Brake,
    /// The ledger had nothing more to claim when last asked.
    drained: bool,
    /// No more letters are given out.
    stop: Option<Stop>,
    /// Letters that may still leave today.
    today: Option<DayCap>,
    buffers: Vec<Vec<u8>>,
    /// Addresses that do not exist, to be suppressed by the run loop.
    suppress: Vec<Suppression>,
    accepted: u64,
    answered: u64,
    /// When so few letters lie here, it is time to claim more.
    low: usize,
}

/// How many letters may still leave before the day ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct DayCap {
    pub(super) ends: Timestamp,
    pub(super) left: u32,
}

/// Why no more letters are given out.
#[derive(Debug)]
pub(super) enum Stop {
    Asked,
    Brake(Pulled),
    Ledger(LedgerError),
}

/// What a connection gets when it asks for a letter.
enum Take {
    Lease(Lease),
    /// There is one, for those who only look.
    Ready,
    /// Ask again at this time, or when something has changed.
    Wait(Option<Instant>),
    Nothing,
}

impl Take {
    /// The first letter of a queue.
    fn of(queue: Option<&mut VecDeque<Lease>>, look: bool) -> Self {
        match queue {
            Some(queue) if look && !queue.is_empty() => Self::Ready,
            Some(queue) => queue.pop_front().map_or(Self::Nothing, Self::Lease),
            None => Self::Nothing,
        }
    }
}

impl State {
    fn is_low(&self) -> bool {
        !self.drained && self.queue.len() <= self.low
    }

    fn ask(&mut self, domain: &str, tick: Duration, look: bool) -> Ask {
        if look { self.pace.look(domain, tick) } else { self.pace.ask(domain, tick) }
    }
}

/// What the run loop should do next.
#[derive(Debug)]
pub(super) enum Outlook {
    /// So many letters can leave at once.
    Ready(usize),
    /// Letters are there, but none may leave before then.
    Paced(Wait, Timestamp),
    /// All letters at hand are out, and the ledger should be asked for more.
    Refill,
    /// Nothing at hand and nothing more to claim; letters under way.
    UnderWay,
    /// Nothing at hand, nothing under way.
    Empty,
    /// Stopped, and nothing under way.
    Stopped,
}

impl SendQueue {
    pub(super) fn new(
        ledger: Ledger,
        composer: Arc<Composer>,
        settings: Settings,
        clock: Clock,
        emit: Emit,
    ) -> Self {
        let pace = Pace::new(&settings.pace);
        let before = pace.memory() * 2 + Duration::from_secs(3600);
        let state = State {
            queue: VecDeque::new(),
            limited: BTreeMap::new(),
            leased: HashSet::new(),
            under_way: 0,
            brake: Brake::new(settings.brake.clone()),
            pace,
            drained: false,
            stop: None,
            today: None,
            buffers: Vec::new(),
            suppress: Vec::new(),
            accepted: 0,
            answered: 0,
            low: 0,
        };
        Self {
            ledger,
            composer,
            settings,
            clock,
            emit,
            state: Mutex::new(state),
            changed: Notify::new(),
            news: Notify::new(),
            origin: Instant::now(),
            before,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) -> Duration {
        self.before + self.origin.elapsed()
    }

    fn instant(&self, tick: Duration) -> Instant {
        self.origin + tick.saturating_sub(self.before)
    }

    /// Counts letters of earlier runs towards the limits. `ago` is how long before now they left; oldest first.
    pub(super) fn seed(&self, domain: Option<&str>, ago: Duration, letters: u32) {
        let then = self.tick().saturating_sub(ago);
        self.state().pace.seed(domain, then, letters);
    }

    pub(super) fn set_today(&self, today: Option<DayCap>) {
        self.state().today = today;
    }

    pub(super) fn today(&self) -> Option<DayCap> {
        self.state().today
    }

    /// Puts claimed letters on the desk, of so many that were asked for; none means that the ledger has no more at the
    /// moment.
    pub(super) fn put(&self, claims: Vec<Claim>, asked: usize) {
        let mut state = self.state();
        state.drained = claims.is_empty();
        state.low = asked / 2;
        for lease in claims.into_iter().map(Lease::new) {
            if !state.leased.insert(lease.delivery()) {
                // The ledger takes the later claim for ours; the earlier one may be under way. Nothing more is begun.
                state.stop.get_or_insert(Stop::Ledger(LedgerError::ClaimedTwice));
                continue;
            }
            let domain = lease.domain();
            if state.pace.limits_domain(domain) {
                let domain = domain.to_owned();
                state.limited.entry(domain).or_default().push_back(lease);
            } else {
                state.queue.push_back(lease);
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Limited domains of which enough letters lie here already.
    pub(super) fn crowded_domains(&self, most: usize) -> Vec<String> {
        let state = self.state();
        state
            .limited
            .iter()
            .filter(|(_, claims)| most <= claims.len())
            .map(|(domain, _)| domain.clone())
            .collect()
    }

    /// How many letters lie here.
    pub(super) fn at_hand(&self) -> usize {
        let state = self.state();
        state.queue.len() + state.limited.values().map(VecDeque::len).sum::<usize>()
    }

    /// Whether it is time to claim more, before connections have to wait for it.
    pub(super) fn runs_low(&self) -> bool {
        self.state().is_low()
    }

    /// Letters that have come to an answer, whichever.
    pub(super) fn answered(&self) -> u64 {
        self.state().answered
    }

    /// Addresses that turned out not to exist since the last call.
    pub(super) fn take_suppressions(&self) -> Vec<Suppression> {
        std::mem::take(&mut self.state().suppress)
    }

    pub(super) fn accepted(&self) -> u64 {
        self.state().accepted
    }

    /// Gives no more letters out. The first reason counts.
    pub(super) fn stop(&self, why: Stop) {
        let mut state = self.state();
        state.stop.get_or_insert(why);
        drop(state);
        self.changed.notify_waiters();
        self.news.notify_one();
    }

    pub(super) fn take_stop(&self) -> Option<Stop> {
        self.state().stop.take()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state().stop.is_some()
    }

    /// What can be done now.
    pub(super) fn outlook(&self) -> Outlook {
        let mut state = self.state();
        if state.stop.is_some() {
            return if state.under_way == 0 { Outlook::Stopped } else { Outlook::UnderWay };
        }
        let at_hand = state.queue.len() + state.limited.values().map(VecDeque::len).sum::<usize>();
        if at_hand == 0 {
            return match (state.drained, state.under_way == 0) {
                (false, _) => Outlook::Refill,
                (true, false) => Outlook::UnderWay,
                (true, true) => Outlook::Empty,
            };
        }
        match self.take_from(&mut state, true) {
            Take::Lease(_) | Take::Ready => Outlook::Ready(at_hand),
            Take::Wait(Some(at)) => {
                let wait = at.saturating_duration_since(Instant::now());
                // To the minute as the owner said it, where a clock's time was said.
                let opens = self.closed_until(&state).unwrap_or_else(|| until((self.clock)(), wait));
                Outlook::Paced(self.why(&mut state), opens)
            }
            Take::Wait(None) | Take::Nothing => Outlook::UnderWay,
        }
    }

    fn why(&self, state: &mut State) -> Wait {
        match state.today {
            Some(today) if today.left == 0 => Wait::WarmUp,
            _ => match self.settings.pace.window.as_ref().map(|window| window.at((self.clock)())) {
                Some(super::Hours::ClosedUntil(_)) => Wait::Window,
                _ if state.pace.is_patient(self.tick()) => Wait::Throttled,
                _ => Wait::Pace,
            },
        }
    }

    /// Takes a letter that may leave now, and counts it in the same breath: others are asking too.
    fn take(&self) -> Take {
        let mut state = self.state();
        let take = self.take_from(&mut state, false);
        if matches!(take, Take::Lease(_)) {
            state.under_way += 1;
            if let Some(today) = &mut state.today {
                today.left = today.left.saturating_sub(1);
            }
        }
        take
    }

    /// Finds a letter that may leave now. With `look` it only says what it would do.
    fn take_from(&self, state: &mut State, look: bool) -> Take {
        if state.stop.is_some() {
            return Take::Nothing;
        }
        if state.queue.is_empty() && state.limited.values().all(VecDeque::is_empty) {
            return if state.drained { Take::Nothing } else { Take::Wait(None) };
        }
        if let Some(opens) = self.closed_until(state) {
            let wait = between((self.clock)(), opens).max(Duration::from_millis(1));
            return Take::Wait(Some(Instant::now() + wait));
        }
        let tick = self.tick();
        let mut earliest: Option<Duration> = None;
        let domains: Vec<String> = state
            .limited
            .iter()
            .filter(|(_, claims)| !claims.is_empty())
            .map(|(domain, _)| domain.clone())
            .collect();
        for domain in domains {
            match state.ask(&domain, tick, look) {
                Ask::Go => return Take::of(state.limited.get_mut(&domain), look),
                Ask::WaitUntil(at) => return Take::Wait(Some(self.instant(at))),
                Ask::DomainUntil(at) => earliest = earliest.into_iter().chain(at).min(),
            }
        }
        let Some(front) = state.queue.front() else {
            return Take::Wait(earliest.map(|at| self.instant(at)));
        };
        let domain = front.domain().to_owned();
        match state.ask(&domain, tick, look) {
            Ask::Go => Take::of(Some(&mut state.queue), look),
            Ask::WaitUntil(at) => Take::Wait(Some(self.instant(at))),
            Ask::DomainUntil(at) => Take::Wait(at.map(|at| self.instant(at))),
        }
    }

    /// When the day's cap or the sending window allows letters again, if they forbid them now.
    fn closed_until(&self, state: &State) -> Option<Timestamp> {
        if state.today.is_none() && self.settings.pace.window.is_none() {
            return None;
        }
        let now = (self.clock)();
        let cap = state.today.filter(|today| today.left == 0).map(|today| today.ends);
        let window = match self.settings.pace.window.as_ref().map(|window| window.at(now)) {
            Some(super::Hours::ClosedUntil(opens)) => Some(opens),
            _ => None,
        };
        cap.max(window)
    }

    /// Takes a letter from the desk and composes it. Somebody whose letter cannot be composed is refused on the spot.
    fn give(&self, lease: Lease) -> Option<Letter<Ticket>> {
        let buffer = self.state().buffers.pop().unwrap_or_default();
        match self.composer.compose(lease.subscriber(), buffer) {
            Ok(message) => Some(Letter { ticket: lease.hand_out(), message }),
            Err(error) => {
                let text = format!("not handed over: {error}");
                let reply = Reply { code: 554, enhanced: Some((5, 6, 0)), text };
                let outcome = Outcome::Rejected { stage: Stage::Mail, reply };
                {
                    let mut state = self.state();
                    state.pace.taken_back(lease.domain());
                    state.under_way -= 1;
                    state.leased.remove(&lease.delivery());
                }
                lease.hand_out().end(&self.ledger, &outcome, Next::Close, (self.clock)());
                (self.emit)(Event::Answered { outcome: &outcome, octets: 0 });
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

    /// Returns what is not under way to the caller, to be released.
    pub(super) fn clear(&self) {
        let mut state = self.state();
        state.queue.clear();
        state.limited.clear();
        state.leased.clear();
        state.drained = true;
    }

    pub(super) fn throttled(&self) {
        let (before, slower) = {
            let mut state = self.state();
            (state.pace.rate(), state.pace.throttled(self.tick()))
        };
        // Complaints close together are one.
        if let Some(letters_per_second) = slower
            && before != slower
        {
            (self.emit)(Event::Slower { letters_per_second });
        }
    }
}

impl transport::LetterSource for SendQueue {
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
        let begun = ticket.begin(&self.ledger, (self.clock)()).await;
        match begun {
            Ok(Begun::Begun) => return Permit::Go,
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
        let octets = message.size();
        let now = (self.clock)();
        let claim = ticket.claim();
        let (pulled, last) = {
            let mut state = self.state();
            state.under_way -= 1;
            state.leased.remove(&claim.delivery);
            state.answered += 1;
            state.pace.answered(ticket.domain());
            let pulled = match &outcome {
                Outcome::Accepted { .. } => {
                    state.accepted += 1;
                    state.brake.accepted();
                    None
                }
                Outcome::Rejected { .. } => state.brake.refused(),
                Outcome::Deferred { .. } | Outcome::Unconfirmed { .. } => None,
            };
            (pulled, state.under_way == 0)
        };
        let first_tried = claim.first_tried.unwrap_or(now);
        let next = self.settings.retry.after(&outcome, claim.attempt(), first_tried, now, chance(claim));
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
        if let Outcome::Deferred { reply, .. } = &outcome
            && reply.is_throttling()
        {
            self.throttled();
        }
        (self.emit)(Event::Answered { outcome: &outcome, octets });
        if let Some(pulled) = pulled {
            self.stop(Stop::Brake(pulled));
        }
        self.recycle(message);
        if !self.settings.pace.domains.is_empty() {
            self.changed.notify_waiters();
        }
        if last {
            self.news.notify_one();
        }
    }

    fn give_back(&self, letter: Letter<Ticket>) {
        let Letter { ticket, message } = letter;
        {
            let mut state = self.state();
            state.under_way -= 1;
            state.pace.taken_back(ticket.domain());
            if let Some(today) = &mut state.today {
                today.left += 1;
            }
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
    /// Wakes the run loop while there is still work on the desk, so that connections never wait for the ledger.
    fn ask_for_more(&self) {
        if self.state().is_low() {
            self.news.notify_one();
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
