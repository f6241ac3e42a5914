//! Random scenarios: workers, crashes, late replies, deferrals, unsubscriptions in the middle, edits, clock jumps,
//! decisions.
//!
//! The property, once: no one is accepted twice without being asked for, no suppressed address is begun, every delivery
//! is in exactly one state, and the tally is the plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use mimeograph::{
    ledger::{Begun, Claim, Decision, DispatchId, Ledger, NewDispatch, Next, Opened, State, Wanted, Worker},
    transport::Outcome,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestError, TestRunner},
};
use tokio::runtime::Runtime;

use crate::support::ledgers::{
    Kind, Shelf, accepted, at, by_hand, deferred, issue, open, people, person, rejected, unconfirmed,
};

const PEOPLE: [&str; 6] = ["ada", "bob", "cid", "dan", "eve", "fay"];
const SLOTS: usize = 3;

/// One step of a scenario. Numbers name a worker's place, one of its claims, a person.
#[derive(Clone, Debug)]
enum Step {
    Hire(usize),
    /// So many; whether they are begun with the claim, where that can be.
    Claim(usize, usize, bool),
    Begin(usize, usize),
    End(usize, usize, Ending),
    Withdraw(usize, usize),
    Release(usize),
    /// The process ends; what it has begun was taken by the relay.
    Kill(usize),
    /// The process is taken for dead, and goes on all the same.
    Freeze(usize),
    Reap(usize),
    Suppress(usize, usize),
    Unsuppress(usize, usize),
    Extend(usize, usize),
    Decide(usize, Decision),
    MakeDue(usize),
    /// Someone opens the issue again, with another text.
    Edit(usize),
    /// The clock jumps, forward or backward.
    Jump(i64),
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Accepted,
    /// The relay took it, and its reply was lost.
    Unconfirmed,
    Deferred,
    Requeued,
    Rejected,
}

/// What is wrong with the ledger under test.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// What a dead worker had begun is tried again.
    RetriesExpiredLeases,
    /// The last look at suppressions is left out.
    BeginsSuppressed,
}

struct Place {
    worker: Option<Worker>,
    frozen: bool,
    claims: Vec<(Claim, bool)>,
}

struct World<'a> {
    /// Where the workers' locks are, for ledgers in files.
    locks: Option<PathBuf>,
    handles: [&'a Ledger; 2],
    fault: Fault,
    dispatch: DispatchId,
    clock: i64,
    places: Vec<Place>,
    planned: BTreeSet<String>,
    suppressed: BTreeSet<String>,
    /// How often the relay took the letter, as the relay knows it.
    taken: BTreeMap<String, u32>,
    /// How often the owner asked for a resend.
    asked: BTreeMap<String, u32>,
    /// Who was taken as accepted by the owner's word.
    vouched: BTreeSet<String>,
    /// Who may be unconfirmed though the relay took nothing.
    doubted: BTreeSet<String>,
}

fn name(claim: &Claim) -> String {
    claim.subscriber.address.expose().to_owned()
}

impl World<'_> {
    fn ledger(&self, place: usize) -> &Ledger {
        self.handles[place % 2]
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        self.clock += 1;
        let now = at(self.clock);
        match *step {
            Step::Hire(slot) if self.places[slot].worker.is_none() => {
                self.end_process(slot);
                let worker = self.ledger(slot).register_worker("relay", now).await.unwrap();
                self.places[slot] = Place { worker: Some(worker), frozen: false, claims: Vec::new() };
            }
            Step::Claim(slot, limit, ahead) => {
                let Some(worker) = self.places[slot].worker.clone() else { return Ok(()) };
                let ledger = self.ledger(slot).clone();
                let wanted = Wanted { pre_commit: ahead, ..Wanted::default() };
                let claims = ledger.claim(self.dispatch, &worker, limit, now, &wanted).await.unwrap();
                for claim in claims {
                    if self.suppressed.contains(&name(&claim)) {
                        return Err(format!("{} is suppressed and was claimed", name(&claim)));
                    }
                    self.places[slot].claims.push((claim, false));
                }
            }
            Step::Begin(slot, nth) => self.begin(slot, nth).await?,
            Step::End(slot, nth, ending) => self.end(slot, nth, ending)?,
            Step::Withdraw(slot, nth) => {
                if let Some(at) = pick(&self.places[slot].claims, nth) {
                    let (claim, begun) = self.places[slot].claims.remove(at);
                    if begun && self.places[slot].frozen {
                        // It may come after the reaper, whose doubt stays: never resent unasked is the safe side.
                        self.doubted.insert(name(&claim));
                    }
                    self.ledger(slot).withdraw(&claim);
                }
            }
            Step::Release(slot) => {
                if let Some(worker) = self.places[slot].worker.clone() {
                    self.ledger(slot).release(&worker, now).await.unwrap();
                    self.places[slot].claims.retain(|(_, begun)| *begun);
                }
            }
            Step::Kill(slot) => self.end_process(slot),
            Step::Freeze(slot) => {
                // The lock is gone (a folder on two machines, say), and the process does not know: it goes on, and may
                // even claim again.
                let place = &mut self.places[slot];
                match (&self.locks, &place.worker) {
                    (Some(locks), Some(worker)) => {
                        let number = serde_json::to_string(&worker.id()).unwrap();
                        let _ = std::fs::remove_file(locks.join(format!("{number}.lock")));
                    }
                    _ => drop(place.worker.take()),
                }
                place.frozen = true;
            }
            Step::Reap(slot) => self.reap(slot).await,
            Step::Suppress(slot, who) => {
                self.ledger(slot).suppress(by_hand(PEOPLE[who])).await.unwrap();
                self.suppressed.insert(person(PEOPLE[who]).address.expose().to_owned());
            }
            Step::Unsuppress(slot, who) => {
                let address = person(PEOPLE[who]).address;
                self.ledger(slot).unsuppress(&address).await.unwrap();
                self.suppressed.remove(address.expose());
            }
            Step::Extend(slot, who) => {
                let list = people(&[PEOPLE[who], PEOPLE[(who + 1) % PEOPLE.len()]]);
                self.ledger(slot).extend_dispatch(self.dispatch, list).await.unwrap();
                for who in [who, (who + 1) % PEOPLE.len()] {
                    self.planned.insert(person(PEOPLE[who]).address.expose().to_owned());
                }
            }
            Step::Decide(slot, decision) => self.decide(slot, decision).await,
            Step::MakeDue(slot) => {
                self.ledger(slot).make_due_now(self.dispatch).await.unwrap();
            }
            Step::Edit(slot) => {
                let mut edited = issue("one");
                edited.text.pieces.clear();
                let new = NewDispatch { rendered: &edited, opened_at: now };
                let again = self.ledger(slot).open_dispatch(&new, people(&PEOPLE)).await;
                let frozen = self.ledger(slot).rendered(self.dispatch).await.unwrap();
                if again.is_ok() || frozen.digest() != issue("one").digest() {
                    return Err(format!("an edited issue was let in: {again:?}"));
                }
            }
            Step::Jump(by) => self.clock += by,
            Step::Hire(_) => {}
        }
        self.look().await
    }

    fn end_process(&mut self, slot: usize) {
        let place = &mut self.places[slot];
        place.worker = None;
        for (claim, _) in place.claims.drain(..).filter(|(_, begun)| *begun) {
            *self.taken.entry(name(&claim)).or_default() += 1;
        }
    }

    async fn begin(&mut self, slot: usize, nth: usize) -> Result<(), String> {
        let now = at(self.clock);
        let Some(index) = pick(&self.places[slot].claims, nth) else { return Ok(()) };
        if self.places[slot].claims[index].1 {
            return Ok(());
        }
        let claim = self.places[slot].claims[index].0.clone();
        let ledger = self.ledger(slot).clone();
        let who = name(&claim);
        let is_suppressed = self.suppressed.contains(&who);
        let begun = if is_suppressed && self.fault == Fault::BeginsSuppressed {
            ledger.unsuppress(&claim.subscriber.address).await.unwrap();
            let begun = ledger.begin(&claim, now).await.unwrap();
            ledger.suppress(by_hand(&who)).await.unwrap();
            begun
        } else {
            ledger.begin(&claim, now).await.unwrap()
        };
        match begun {
            Begun::Begun if is_suppressed => return Err(format!("{who} is suppressed and was begun")),
            Begun::Begun => self.places[slot].claims[index].1 = true,
            Begun::Suppressed if !is_suppressed => {
                return Err(format!("{who} is not suppressed and was refused"));
            }
            Begun::Suppressed | Begun::Lost => {
                self.places[slot].claims.remove(index);
            }
        }
        Ok(())
    }

    fn end(&mut self, slot: usize, nth: usize, ending: Ending) -> Result<(), String> {
        let now = at(self.clock);
        let Some(index) = pick(&self.places[slot].claims, nth) else { return Ok(()) };
        let (claim, begun) = self.places[slot].claims[index].clone();
        let (outcome, next, taken): (Outcome, Next, bool) = match ending {
            Ending::Accepted => (accepted(), Next::Close, true),
            Ending::Unconfirmed => (unconfirmed(), Next::Close, true),
            Ending::Deferred => (deferred(), Next::RetryAt(at(self.clock + 30)), false),
            Ending::Requeued => (deferred(), Next::Requeue, false),
            Ending::Rejected => (rejected(), Next::Close, false),
        };
        if taken && !begun {
            return Ok(());
        }
        if taken {
            *self.taken.entry(name(&claim)).or_default() += 1;
        }
        self.places[slot].claims.remove(index);
        self.ledger(slot).end(&claim, &outcome, next, now);
        Ok(())
    }

    async fn reap(&mut self, slot: usize) {
        let now = at(self.clock);
        let ledger = self.ledger(slot).clone();
        let before = self.in_state(State::Unconfirmed).await;
        ledger.reap(now).await.unwrap();
        if self.fault == Fault::RetriesExpiredLeases {
            let after = self.in_state(State::Unconfirmed).await;
            let expired = after.difference(&before).map(|who| person(who).address).collect();
            ledger.decide(self.dispatch, Decision::Resend, Some(expired), now).await.unwrap();
        }
    }

    async fn decide(&mut self, slot: usize, decision: Decision) {
        let unconfirmed = self.in_state(State::Unconfirmed).await;
        self.ledger(slot).decide(self.dispatch, decision, None, at(self.clock)).await.unwrap();
        match decision {
            Decision::Accept => self.vouched.extend(unconfirmed),
            Decision::Resend => {
                for who in unconfirmed {
                    *self.asked.entry(who).or_default() += 1;
                }
            }
            Decision::Retry => {}
        }
    }

    async fn in_state(&self, state: State) -> BTreeSet<String> {
        self.settle().await;
        let rows = self.handles[0].deliveries(self.dispatch, Some(state)).collect().await.unwrap();
        rows.iter().map(|row| row.address.expose().to_owned()).collect()
    }

    /// What one handle still holds back is authored_markup into the ledger before the other one looks.
    async fn settle(&self) {
        for handle in self.handles {
            handle.flush().await.unwrap();
        }
    }

    /// The property, at any moment.
    async fn look(&self) -> Result<(), String> {
        for (who, &taken) in &self.taken {
            let asked = self.asked.get(who).copied().unwrap_or(0);
            if taken > 1 + asked {
                return Err(format!("{who} was accepted {taken} times and asked for {asked} resends"));
            }
        }
        self.settle().await;
        let tally = self.handles[0].tally(self.dispatch).await.unwrap();
        if tally.planned != self.planned.len() as u64 {
            return Err(format!("{} were planned, the tally has {tally:?}", self.planned.len()));
        }
        Ok(())
    }

    /// Everybody comes to an end: the living say what became of their letters, the dead are reaped, the rest is sent.
    async fn finish(&mut self) -> Result<(), String> {
        for slot in 0..SLOTS {
            self.step(&Step::Kill(slot)).await?;
        }
        self.reap(0).await;
        self.clock += 1_000_000_000;
        self.step(&Step::MakeDue(1)).await?;
        self.step(&Step::Hire(0)).await?;
        self.step(&Step::Claim(0, 100, true)).await?;
        while !self.places[0].claims.is_empty() {
            self.step(&Step::Begin(0, 0)).await?;
            self.step(&Step::End(0, 0, Ending::Accepted)).await?;
        }
        self.settle().await;
        let rows = self.handles[1].deliveries(self.dispatch, None).collect().await.unwrap();
        let listed: BTreeSet<String> = rows.iter().map(|row| row.address.expose().to_owned()).collect();
        if rows.len() != listed.len() || listed != self.planned {
            return Err(format!("the plan has {:?}, the ledger {listed:?}", self.planned));
        }
        for row in rows {
            let who = row.address.expose();
            let taken = self.taken.get(who).copied().unwrap_or(0);
            let truth = match row.state {
                State::Accepted => taken >= 1 || self.vouched.contains(who),
                State::Unconfirmed => taken >= 1 || self.doubted.contains(who),
                State::Failed => true,
                State::Suppressed => true,
                State::Queued | State::Deferred | State::Claimed | State::Begun => false,
            };
            if !truth {
                return Err(format!("{who} is {} in the end and was taken {taken} times", row.state));
            }
        }
        self.handles[0].check().await.map_err(|error| error.to_string())
    }
}

fn pick<T>(all: &[T], nth: usize) -> Option<usize> {
    (!all.is_empty()).then(|| nth % all.len())
}

async fn play(shelf: &Shelf, second: &Ledger, fault: Fault, steps: &[Step]) -> Result<(), String> {
    let first = &shelf.ledger;
    let Opened { dispatch, .. } = open(first, "one", &PEOPLE[..4]).await;
    assert_eq!(first.rendered(dispatch).await.unwrap().slug, issue("one").slug);
    let mut world = World {
        locks: shelf.locks(),
        handles: [first, second],
        fault,
        dispatch,
        clock: 1,
        places: (0..SLOTS).map(|_| Place { worker: None, frozen: false, claims: Vec::new() }).collect(),
        planned: PEOPLE[..4].iter().map(|who| person(who).address.expose().to_owned()).collect(),
        suppressed: BTreeSet::new(),
        taken: BTreeMap::new(),
        asked: BTreeMap::new(),
        vouched: BTreeSet::new(),
        doubted: BTreeSet::new(),
    };
    for step in steps {
        world.step(step).await?;
    }
    world.finish().await
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let slot = 0..SLOTS;
    let ending = prop_oneof![
        4 => Just(Ending::Accepted),
        1 => Just(Ending::Unconfirmed),
        2 => Just(Ending::Deferred),
        1 => Just(Ending::Requeued),
        1 => Just(Ending::Rejected),
    ];
    let decision = prop_oneof![Just(Decision::Accept), Just(Decision::Resend), Just(Decision::Retry)];
    let step = prop_oneof![
        4 => slot.clone().prop_map(Step::Hire),
        6 => (slot.clone(), 1..4_usize, any::<bool>())
            .prop_map(|(slot, limit, ahead)| Step::Claim(slot, limit, ahead)),
        10 => (slot.clone(), 0..4_usize).prop_map(|(slot, nth)| Step::Begin(slot, nth)),
        8 => (slot.clone(), 0..4_usize, ending).prop_map(|(slot, nth, ending)| Step::End(slot, nth, ending)),
        1 => (slot.clone(), 0..4_usize).prop_map(|(slot, nth)| Step::Withdraw(slot, nth)),
        1 => slot.clone().prop_map(Step::Release),
        2 => slot.clone().prop_map(Step::Kill),
        1 => slot.clone().prop_map(Step::Freeze),
        3 => slot.clone().prop_map(Step::Reap),
        2 => (slot.clone(), 0..PEOPLE.len()).prop_map(|(slot, who)| Step::Suppress(slot, who)),
        1 => (slot.clone(), 0..PEOPLE.len()).prop_map(|(slot, who)| Step::Unsuppress(slot, who)),
        1 => (slot.clone(), 0..PEOPLE.len()).prop_map(|(slot, who)| Step::Extend(slot, who)),
        1 => (slot.clone(), decision).prop_map(|(slot, decision)| Step::Decide(slot, decision)),
        1 => slot.clone().prop_map(Step::MakeDue),
        1 => slot.prop_map(Step::Edit),
        1 => (-100_000_000..100_000_000_i64).prop_map(Step::Jump),
    ];
    prop::collection::vec(step, 0..60)
}

/// Runs so many random scenarios. `Err` holds what was seen and the shortest scenario that shows it.
fn property(kind: Kind, fault: Fault, scenarios: u32) -> Result<(), String> {
    let runtime: Runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let config = Config { cases: scenarios, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let ran = runner.run(&steps(), |steps| {
        let shelf = Shelf::new(kind);
        let second = shelf.second().unwrap();
        runtime.block_on(play(&shelf, &second, fault, &steps)).map_err(TestCaseError::fail)
    });
    ran.map_err(|error| match error {
        TestError::Fail(reason, steps) => format!("{reason}: {steps:#?}"),
        TestError::Abort(reason) => format!("aborted: {reason}"),
    })
}

/// More with MIMEO_STORIES=20000, for an evening.
fn scenarios() -> u32 {
    std::env::var("MIMEO_STORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(2_000)
}

#[test]
fn no_one_is_accepted_twice_unasked_and_no_one_suppressed_is_begun_in_any_story() {
    property(Kind::Scratch, Fault::None, scenarios()).unwrap();
}

#[test]
fn the_same_holds_for_two_processes_on_one_file() {
    property(Kind::File, Fault::None, scenarios() / 40).unwrap();
}

#[test]
fn the_same_holds_for_two_processes_on_a_server() {
    if Kind::Postgres.is_here() {
        property(Kind::Postgres, Fault::None, scenarios() / 100).unwrap();
    }
}

#[test]
fn a_ledger_that_retries_expired_leases_is_found_out() {
    let seen = property(Kind::Scratch, Fault::RetriesExpiredLeases, 5000).unwrap_err();
    println!("{seen}");
    assert!(seen.contains("was accepted 2 times and asked for 0 resends"), "{seen}");
}

#[test]
fn a_ledger_that_does_not_look_at_suppressions_when_beginning_is_found_out() {
    let seen = property(Kind::Scratch, Fault::BeginsSuppressed, 5000).unwrap_err();
    println!("{seen}");
    assert!(seen.contains("is suppressed and was begun"), "{seen}");
}
