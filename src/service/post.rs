//! Works off what was asked for: decides about each request, and hands the letters that follow to the relay.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::watch, time::timeout};

use super::state::{Post, Shared};
use crate::{
    audience::{AudienceError, Decision, LetterKind, ServiceLetter},
    message::PersonHash,
    transport::{Halt, Letter, LetterSource, Outcome, Permit},
};

/// Letters that are handed over together.
const GROUP: u32 = 20;
/// How long nothing is looked at, when no one wakes us.
const NAP: Duration = Duration::from_secs(5);
/// How long a letter may take to be handed over; afterwards it is tried again.
const HELD: Duration = Duration::from_secs(15 * 60);
/// The wait before the second try; later ones are twice as long, up to an hour.
const FIRST_WAIT: Duration = Duration::from_secs(60);
const WAIT_MAX: Duration = Duration::from_secs(3600);
/// A letter that is older is given up.
const GIVE_UP: Duration = Duration::from_secs(2 * 24 * 3600);
/// Tries of a letter of which the relay's answer is unknown.
const UNCONFIRMED_MAX: u32 = 2;

/// What is to be recorded of a letter that was taken: the wait before it is tried again, or that it is done with.
struct Settlement {
    letter: ServiceLetter,
    again_after: Option<Duration>,
}

impl Post {
    /// Works until `stop` is true; a letter under way is finished.
    pub(super) async fn run(self, shared: &Shared, mut stop: watch::Receiver<bool>) {
        // What the ledger could not record yet.
        let mut open = Vec::new();
        loop {
            if let Err(error) = self.work(shared, &mut open).await {
                shared.report("letters", &error);
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                _ = timeout(NAP, shared.bell.notified()) => {}
            }
        }
        settle_all(shared, &mut open).await;
    }

    async fn work(&self, shared: &Shared, open: &mut Vec<Settlement>) -> Result<(), AudienceError> {
        settle_all(shared, open).await;
        let limits = shared.settings.admission;
        let owner = &self.letters.newsletter.from.address;
        while !shared.is_draining() {
            let now = (shared.clock)();
            match shared.audience.settle_signup(limits, owner.clone(), now).await {
                Ok(Some(decision)) => shared.metrics.decided(match decision {
                    Decision::Send(kind) => kind.word(),
                    Decision::Activate => "activated",
                    Decision::Drop(why) => why,
                    Decision::Wait(_) => "waiting",
                }),
                Ok(None) => break,
                // One request that cannot be read does not hold up the others.
                Err(error @ AudienceError::Damaged { .. }) => shared.report("request", &error),
                Err(error) => return Err(error),
            }
        }
        while !shared.is_draining() {
            let now = (shared.clock)();
            let letters = shared.audience.take_letters(GROUP, now, after(now, HELD)).await?;
            if letters.is_empty() {
                break;
            }
            let mut whole = Vec::new();
            for letter in letters {
                match letter {
                    // What became of it is known; it only could not be recorded in all the time since.
                    Ok(letter) if open.iter().any(|one| one.letter.id == letter.id) => {}
                    Ok(letter) => whole.push(letter),
                    Err(error) => shared.report("letter", &error),
                }
            }
            self.hand_over(shared, whole, open).await;
            settle_all(shared, open).await;
        }
        shared.metrics.waiting(shared.audience.waiting_letters().await?);
        Ok(())
    }

    /// Hands letters over, and notes in `open` what became of each.
    async fn hand_over(&self, shared: &Shared, letters: Vec<ServiceLetter>, open: &mut Vec<Settlement>) {
        let tray = Tray::default();
        for letter in letters {
            let person = match self.reader(shared, &letter).await {
                Ok(Reader::Gone) => {
                    open.push(Settlement { letter, again_after: None });
                    continue;
                }
                Ok(Reader::Stranger) => None,
                Ok(Reader::Person(subscriber)) => Some(*subscriber),
                Err(error) => {
                    shared.report("reader", &error);
                    open.push(settlement(letter, true, (shared.clock)()));
                    continue;
                }
            };
            match self.letters.compose(&letter, person, &shared.settings, &shared.tokens) {
                Ok(message) => tray.lock().waiting.push(Letter { ticket: letter, message }),
                Err(error) => {
                    shared.report("compose", &error);
                    open.push(Settlement { letter, again_after: Some(WAIT_MAX) });
                }
            }
        }
        if let Err(down) = self.transport.run(&tray, Halt::never()).await {
            shared.report("relay", &down);
        }
        let (waiting, outcomes) = {
            let mut tray = tray.lock();
            let mut waiting = std::mem::take(&mut tray.waiting);
            waiting.append(&mut tray.returned);
            (waiting, std::mem::take(&mut tray.outcomes))
        };
        let waiting = waiting.into_iter().map(|Letter { ticket, .. }| (ticket, "deferred", true));
        let answered = outcomes.into_iter().map(|(letter, outcome)| {
            let (result, again) = match outcome {
                Outcome::Accepted { .. } => ("accepted", false),
                Outcome::Deferred { .. } => ("deferred", true),
                Outcome::Rejected { .. } => ("rejected", false),
                Outcome::Unconfirmed { .. } => ("unconfirmed", letter.attempts < UNCONFIRMED_MAX),
            };
            (letter, result, again)
        });
        for (letter, result, again) in waiting.chain(answered) {
            shared.metrics.posted(letter.kind.word(), result);
            open.push(settlement(letter, again, (shared.clock)()));
        }
    }

    /// Whom a letter is to. A person who has left since gets no letter that is not asked for.
    async fn reader(&self, shared: &Shared, letter: &ServiceLetter) -> Result<Reader, AudienceError> {
        if letter.kind != LetterKind::Welcome {
            return Ok(Reader::Stranger);
        }
        let Some(hash) = PersonHash::from_bytes(&letter.subject) else { return Ok(Reader::Gone) };
        Ok(match shared.audience.find_by_hash(hash).await? {
            Some(person) if person.status_now((shared.clock)()).inactive().is_none() => {
                Reader::Person(Box::new(person.into_subscriber()))
            }
            _ => Reader::Gone,
        })
    }
}

/// What follows for a letter that is to be tried again, or not.
fn settlement(letter: ServiceLetter, again: bool, now: Timestamp) -> Settlement {
    let wait = FIRST_WAIT.saturating_mul(1 << letter.attempts.saturating_sub(1).min(6)).min(WAIT_MAX);
    let again = again && after(letter.made_at, GIVE_UP) > now;
    Settlement { letter, again_after: again.then_some(wait) }
}

/// Records what became of letters. What cannot be recorded now stays, so that no letter goes again because of it.
async fn settle_all(shared: &Shared, open: &mut Vec<Settlement>) {
    if open.is_empty() {
        return;
    }
    let now = (shared.clock)();
    let again = |wait| after(now, wait);
    let letters = open.iter().map(|one| (one.letter.id, one.again_after.map(again))).collect();
    match shared.audience.settle_letters(letters).await {
        Ok(()) => open.clear(),
        Err(error) => shared.report("letters", &error),
    }
}

enum Reader {
    Person(Box<crate::subscriber::Subscriber>),
    Stranger,
    Gone,
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// A few letters, each handed over once.
#[derive(Default)]
struct Tray(Mutex<Held>);

#[derive(Default)]
struct Held {
    waiting: Vec<Letter<ServiceLetter>>,
    outcomes: Vec<(ServiceLetter, Outcome)>,
    /// Given back: the relay is not to see it again now.
    returned: Vec<Letter<ServiceLetter>>,
}

impl Tray {
    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LetterSource for Tray {
    type Ticket = ServiceLetter;

    async fn next(&self) -> Option<Letter<ServiceLetter>> {
        self.next_now()
    }

    fn next_now(&self) -> Option<Letter<ServiceLetter>> {
        self.lock().waiting.pop()
    }

    async fn begin(&self, _: &mut ServiceLetter) -> Permit {
        Permit::Go
    }

    fn end(&self, letter: Letter<ServiceLetter>, outcome: Outcome) {
        self.lock().outcomes.push((letter.ticket, outcome));
    }

    fn give_back(&self, letter: Letter<ServiceLetter>) {
        self.lock().returned.push(letter);
    }
}
