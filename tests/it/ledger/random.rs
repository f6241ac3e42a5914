//! Random stories: workers come, crash and come back, letters are deferred, refused and lost, people leave in the middle,
//! the clock jumps. The property is written once; two planted faults show that it notices.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use mimeograph::{
    ledger::{Begun, Claim, Decision, Ledger, NewDispatch, Next, Reason, State, Suppression, Wanted, Worker},
    subscriber::{EmailAddress, Subscriber},
    transport::{Outcome, Reply, Stage},
};
use proptest::prelude::*;

use crate::support::ledgers::issue;

const PEOPLE: usize = 7;
const WORKERS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Claim {
        worker: usize,
        limit: usize,
    },
    Begin {
        worker: usize,
    },
    /// What the relay does with the body that is under way.
    Answer {
        worker: usize,
        answer: u8,
    },
    /// The connection breaks before anything was begun.
    Withdraw {
        worker: usize,
    },
    Crash {
        worker: usize,
    },
    Reap,
    Suppress {
        person: usize,
    },
    Jump {
        seconds: i64,
    },
}

/// A mistake that the property must notice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// What a dead worker had begun is tried again by itself.
    RetriesTheDead,
    /// The last look at suppressions is not taken seriously.
    IgnoresSuppressions,
}

fn step() -> impl Strategy<Value = Step> {
    let worker = 0..WORKERS;
    prop_oneof![
        4 => (worker.clone(), 1..4_usize).prop_map(|(worker, limit)| Step::Claim { worker, limit }),
        6 => worker.clone().prop_map(|worker| Step::Begin { worker }),
        5 => (worker.clone(), 0..6_u8).prop_map(|(worker, answer)| Step::Answer { worker, answer }),
        1 => worker.clone().prop_map(|worker| Step::Withdraw { worker }),
        2 => worker.prop_map(|worker| Step::Crash { worker }),
        2 => Just(Step::Reap),
        1 => (0..PEOPLE).prop_map(|person| Step::Suppress { person }),
        1 => (-500..5_000_i64).prop_map(|seconds| Step::Jump { seconds }),
    ]
}

fn address(person: usize) -> EmailAddress {
    EmailAddress::parse(&format!("reader{person}@example.com")).unwrap()
}

fn reply(code: u16) -> Reply {
    Reply { code, enhanced: None, text: "so it is".into() }
}

#[derive(Default)]
struct Desk {
    worker: Option<Worker>,
    claimed: Vec<Claim>,
    begun: Vec<Claim>,
}

/// Tells a story; `Err` says what the property found.
async fn tell(steps: &[Step], fault: Fault) -> Result<(), String> {
    let ledger = Ledger::scratch().unwrap();
    let mut now = Timestamp::from_second(1_700_000_000).unwrap();
    let frozen = issue("one");
    let people: Vec<_> = (0..PEOPLE)
        .map(|person| Ok(Subscriber { address: address(person), name: None, fields: BTreeMap::new() }))
        .collect();
    let new = NewDispatch { rendered: &frozen, opened_at: now };
    let dispatch = ledger.open_dispatch(&new, people).await.unwrap().dispatch;
    let mut desks: Vec<Desk> = (0..WORKERS).map(|_| Desk::default()).collect();
    // What the relay knows, which the ledger cannot see.
    let mut taken: Vec<String> = Vec::new();
    let mut suppressed: BTreeSet<String> = BTreeSet::new();
    for step in steps {
        match step {
            Step::Claim { worker, limit } => {
                let desk = &mut desks[*worker];
                if desk.worker.is_none() {
                    desk.worker = Some(ledger.hire("relay", now).await.unwrap());
                }
                let worker = desk.worker.as_ref().unwrap();
                desk.claimed
                    .extend(ledger.claim(dispatch, worker, *limit, now, &Wanted::default()).await.unwrap());
            }
            Step::Begin { worker } => {
                let desk = &mut desks[*worker];
                let Some(claim) = desk.claimed.pop() else { continue };
                let answer = ledger.begin(&claim, now).await.unwrap();
                let goes = answer == Begun::Begun
                    || (fault == Fault::IgnoresSuppressions && answer == Begun::Suppressed);
                if goes {
                    let whose = claim.subscriber.address.key();
                    if suppressed.contains(&whose) {
                        return Err(format!("a letter left for {whose}, who is suppressed"));
                    }
                    desk.begun.push(claim);
                }
            }
            Step::Answer { worker, answer } => {
                let Some(claim) = desks[*worker].begun.pop() else { continue };
                let whose = claim.subscriber.address.key();
                let later = now.checked_add(SignedDuration::from_secs(60)).unwrap();
                let (outcome, next) = match answer {
                    0..=2 => (Outcome::Accepted { reply: reply(250) }, Next::Close),
                    3 => (Outcome::Deferred { stage: Stage::Body, reply: reply(451) }, Next::RetryAt(later)),
                    4 => (Outcome::Rejected { stage: Stage::Body, reply: reply(554) }, Next::Close),
                    _ => (Outcome::Unconfirmed { why: "closed".into() }, Next::Close),
                };
                // An answer that is lost may have been an acceptance.
                if *answer <= 2 || *answer == 5 {
                    taken.push(whose);
                }
                ledger.end(&claim, &outcome, next, now);
            }
            Step::Withdraw { worker } => {
                if let Some(claim) = desks[*worker].claimed.pop() {
                    ledger.withdraw(&claim);
                }
            }
            Step::Crash { worker } => {
                // The relay takes every other letter whose bytes had left.
                let dead = std::mem::take(&mut desks[*worker]);
                taken.extend(dead.begun.iter().step_by(2).map(|claim| claim.subscriber.address.key()));
            }
            Step::Reap => {
                ledger.reap(now).await.unwrap();
                if fault == Fault::RetriesTheDead {
                    ledger.decide(dispatch, Decision::Resend, None, now).await.unwrap();
                }
            }
            Step::Suppress { person } => {
                let address = address(*person);
                suppressed.insert(address.key());
                let one = Suppression { address, reason: Reason::Unsubscribed, note: None, at: now };
                ledger.suppress(one).await.unwrap();
            }
            Step::Jump { seconds } => now = now.checked_add(SignedDuration::from_secs(*seconds)).unwrap(),
        }
        judge(&ledger, dispatch, &taken).await?;
    }
    // Everybody goes home; what they leave behind is told apart.
    desks.clear();
    ledger.reap(now).await.unwrap();
    judge(&ledger, dispatch, &taken).await?;
    let tally = ledger.tally(dispatch).await.unwrap();
    if tally.in_flight() != 0 {
        return Err(format!("somebody is held by nobody: {tally:?}"));
    }
    Ok(())
}

/// The property: nobody is accepted twice, every delivery is in one state, the tally is the plan, and what the relay took
/// is never believed to be still owed.
async fn judge(
    ledger: &Ledger,
    dispatch: mimeograph::ledger::DispatchId,
    taken: &[String],
) -> Result<(), String> {
    let once: BTreeSet<&String> = taken.iter().collect();
    if once.len() != taken.len() {
        return Err(format!("somebody got it twice: {taken:?}"));
    }
    ledger.flush().await.map_err(|error| error.to_string())?;
    let tally = ledger.tally(dispatch).await.unwrap();
    let sum: u64 = State::ALL.into_iter().map(|state| tally.of(state)).sum();
    if (tally.planned, sum) != (PEOPLE as u64, PEOPLE as u64) {
        return Err(format!("the tally is not the plan: {tally:?}"));
    }
    let mut rows = ledger.deliveries(dispatch, None);
    while let Some(row) = rows.next().await.unwrap() {
        let owed = matches!(row.state, State::Queued | State::Deferred | State::Claimed);
        if owed && once.contains(&row.address.key()) {
            return Err(format!("the relay took a letter that is {} in the ledger", row.state));
        }
    }
    Ok(())
}

fn run(steps: &[Step], fault: Fault) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(tell(steps, fault))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nobody_gets_it_twice_and_nobody_is_skipped(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        prop_assert_eq!(run(&steps, Fault::None), Ok(()));
    }
}

/// The same stories with a mistake in them: some of them must come out.
fn is_noticed(fault: Fault) -> String {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let stories = prop::collection::vec(step(), 20..60);
    (0..2_000)
        .find_map(|_| run(&stories.new_tree(&mut runner).unwrap().current(), fault).err())
        .expect("two thousand stories notice it")
}

#[test]
fn a_ledger_that_tries_the_dead_again_is_noticed() {
    assert!(
        is_noticed(Fault::RetriesTheDead).contains("twice")
            || is_noticed(Fault::RetriesTheDead).contains("took")
    );
}

#[test]
fn a_ledger_that_overlooks_suppressions_is_noticed() {
    assert!(is_noticed(Fault::IgnoresSuppressions).contains("who is suppressed"));
}
