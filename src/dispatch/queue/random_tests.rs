//! Random scenarios about the queue between ledger and connections: letters are taken, begun, given back at any moment,
//! answered late, and claimed again meanwhile.
//!
//! The property: whatever the connections do, the relay takes each letter at most once, and the ledger knows of it.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::Arc,
    task::{Context, Waker},
};

use jiff::Timestamp;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tempfile::TempDir;

use super::SendQueue;
use crate::{
    address::EmailAddress,
    dispatch::{
        event::Event,
        lease::Ticket,
        pace::{PacePolicy, Shares},
        settings::Settings,
    },
    ledger::{DispatchId, Ledger, NewDispatch, Reason, State, Suppression, Wanted, Worker},
    message::{Composer, Secrets},
    render::{Mailbox, Pattern, Piece, RenderedIssue},
    subscriber::Subscriber,
    transport::{Letter, LetterSource, Outcome, Permit, Reply, Stage},
};

const PEOPLE: usize = 5;

/// One step of a scenario. Numbers name one of the letters that connections hold at the moment, or a person.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The ledger is asked for so many more; whether they are begun with the claim.
    Refill(usize, bool),
    /// A connection takes a letter and offers it.
    Take,
    /// The relay has said 354.
    Begin(usize),
    /// The relay has said 354, and the connection is dropped while the ledger writes that down.
    BeginAndDrop(usize),
    /// The connection is lost before the body.
    GiveBack(usize),
    /// The relay answers.
    End(usize, Ending),
    Suppress(usize),
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Accepted,
    /// The relay took it, and its reply was lost.
    Unconfirmed,
    Deferred,
    Rejected,
}

struct Out {
    letter: Letter<Ticket>,
    is_begun: bool,
}

struct World {
    ledger: Ledger,
    dispatch: DispatchId,
    worker: Worker,
    queue: Arc<SendQueue>,
    out: Vec<Out>,
    /// How often the relay took the letter.
    taken: BTreeMap<String, u32>,
}

fn now() -> Timestamp {
    Timestamp::from_second(1_672_400_000).unwrap()
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn person(number: usize) -> Subscriber {
    Subscriber {
        address: address(&format!("reader{number}@example.com")),
        name: None,
        fields: Default::default(),
    }
}

fn issue() -> RenderedIssue {
    let text = |text: &str| Pattern { pieces: vec![Piece::Literal(text.to_owned())] };
    RenderedIssue {
        title: "One".to_owned(),
        subject: text("A subject"),
        html: text("<p>Hello</p>"),
        text: text("Hello\n"),
        date: now(),
        list_id: "letters.example.org".to_owned(),
        newsletter: "Letters".to_owned(),
        bounces: address("bounces@example.org"),
        ..RenderedIssue::new("one", Mailbox { name: None, address: address("editor@example.org") })
    }
}

impl World {
    async fn new(folder: Option<&TempDir>) -> Self {
        let ledger = match folder {
            Some(folder) => Ledger::open(&folder.path().join("ledger.db")).unwrap(),
            None => Ledger::scratch().unwrap(),
        };
        let issue = issue();
        let people: Vec<_> = (0..PEOPLE).map(|number| Ok(person(number))).collect();
        let new = NewDispatch { rendered: &issue, opened_at: now() };
        let dispatch = ledger.open_dispatch(&new, people).await.unwrap().dispatch;
        let worker = ledger.register_worker("relay", now()).await.unwrap();
        let composer = Composer::new(&issue, Secrets::new([7; 32])).unwrap();
        let settings = Settings { pace: PacePolicy::default(), ..Settings::default() };
        let queue = SendQueue::new(
            ledger.clone(),
            Arc::new(composer),
            settings,
            &Shares::default(),
            Arc::new(now),
            Arc::new(|_: Event<'_>| {}),
        );
        Self { ledger, dispatch, worker, queue: Arc::new(queue), out: Vec::new(), taken: BTreeMap::new() }
    }

    async fn step(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::Refill(letters, ahead) => {
                let wanted = Wanted { pre_commit: ahead, ..Wanted::default() };
                let claims =
                    self.ledger.claim(self.dispatch, &self.worker, letters, now(), &wanted).await.unwrap();
                self.queue.put(claims, letters);
            }
            Step::Take => {
                let taken = self.queue.next_now();
                self.out.extend(taken.map(|letter| Out { letter, is_begun: false }));
            }
            Step::Begin(nth) => {
                let Some(at) = self.pick(nth).filter(|at| !self.out[*at].is_begun) else { return Ok(()) };
                match self.queue.begin(&mut self.out[at].letter.ticket).await {
                    Permit::Go => self.out[at].is_begun = true,
                    Permit::Stop => self.queue.give_back(self.out.remove(at).letter),
                }
            }
            Step::BeginAndDrop(nth) => {
                let Some(at) = self.pick(nth).filter(|at| !self.out[*at].is_begun) else { return Ok(()) };
                let mut out = self.out.remove(at);
                {
                    let mut begin = std::pin::pin!(self.queue.begin(&mut out.letter.ticket));
                    let _ = begin.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                }
                self.queue.give_back(out.letter);
            }
            Step::GiveBack(nth) => {
                let Some(at) = self.pick(nth) else { return Ok(()) };
                self.queue.give_back(self.out.remove(at).letter);
            }
            Step::End(nth, ending) => {
                let Some(at) = self.pick(nth) else { return Ok(()) };
                self.end(at, ending);
            }
            Step::Suppress(who) => {
                let suppression = Suppression {
                    address: person(who).address,
                    reason: Reason::ByHand,
                    note: None,
                    at: now(),
                };
                self.ledger.suppress(suppression).await.unwrap();
            }
        }
        self.look()
    }

    fn pick(&self, nth: usize) -> Option<usize> {
        (!self.out.is_empty()).then(|| nth % self.out.len())
    }

    fn end(&mut self, at: usize, ending: Ending) {
        let reply = |code, text: &str| Reply { code, enhanced: None, text: text.to_owned() };
        let (outcome, is_taken) = match ending {
            Ending::Accepted => (Outcome::Accepted { reply: reply(250, "taken") }, true),
            Ending::Unconfirmed => (Outcome::Unconfirmed { why: "the connection broke".to_owned() }, true),
            Ending::Deferred => (Outcome::Deferred { stage: Stage::Rcpt, reply: reply(451, "later") }, false),
            Ending::Rejected => (Outcome::Rejected { stage: Stage::Rcpt, reply: reply(550, "no") }, false),
        };
        if is_taken && !self.out[at].is_begun {
            return;
        }
        let out = self.out.remove(at);
        if is_taken {
            *self.taken.entry(out.letter.message.to().expose().to_owned()).or_default() += 1;
        }
        self.queue.end(out.letter, outcome);
    }

    fn look(&self) -> Result<(), String> {
        match self.taken.iter().find(|(_, times)| **times > 1) {
            Some((who, times)) => Err(format!("{who} got it {times} times")),
            None => Ok(()),
        }
    }

    /// The run ends, another one sends what is left, and the ledger knows what the relay knows.
    async fn finish(&mut self) -> Result<(), String> {
        while !self.out.is_empty() {
            if self.out[0].is_begun {
                self.end(0, Ending::Accepted);
            } else {
                self.queue.give_back(self.out.remove(0).letter);
            }
            self.look()?;
        }
        self.queue.clear();
        self.ledger.flush().await.unwrap();
        self.ledger.release(&self.worker, now()).await.unwrap();
        self.ledger.make_due_now(self.dispatch).await.unwrap();
        loop {
            self.step(Step::Refill(100, false)).await?;
            self.step(Step::Take).await?;
            if self.out.is_empty() {
                break;
            }
            while !self.out.is_empty() {
                self.step(Step::Begin(0)).await?;
                self.step(Step::End(0, Ending::Accepted)).await?;
                self.step(Step::Take).await?;
            }
            self.ledger.flush().await.unwrap();
        }
        for row in self.ledger.deliveries(self.dispatch, None).collect().await.unwrap() {
            let who = row.address.expose();
            let times = self.taken.get(who).copied().unwrap_or(0);
            let is_true = match row.state {
                State::Accepted | State::Unconfirmed => times == 1,
                State::Failed | State::Suppressed => times == 0,
                State::Queued | State::Deferred | State::Claimed | State::Begun => false,
            };
            if !is_true {
                return Err(format!("{who} is {} in the end and got it {times} times", row.state));
            }
        }
        Ok(())
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let nth = 0..4_usize;
    let ending = prop_oneof![
        4 => Just(Ending::Accepted),
        1 => Just(Ending::Unconfirmed),
        1 => Just(Ending::Deferred),
        1 => Just(Ending::Rejected),
    ];
    let step = prop_oneof![
        4 => (1..4_usize, any::<bool>()).prop_map(|(letters, ahead)| Step::Refill(letters, ahead)),
        6 => Just(Step::Take),
        6 => nth.clone().prop_map(Step::Begin),
        1 => nth.clone().prop_map(Step::BeginAndDrop),
        3 => nth.clone().prop_map(Step::GiveBack),
        4 => (nth, ending).prop_map(|(nth, ending)| Step::End(nth, ending)),
        1 => (0..PEOPLE).prop_map(Step::Suppress),
    ];
    prop::collection::vec(step, 0..40)
}

fn property(is_in_a_file: bool, scenarios: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let config = Config { cases: scenarios, failure_persistence: None, ..Config::default() };
    let report = TestRunner::new(config).run(&steps(), |steps| {
        let folder = is_in_a_file.then(|| tempfile::tempdir().unwrap());
        runtime.block_on(play(folder.as_ref(), &steps)).map_err(TestCaseError::fail)
    });
    if let Err(error) = report {
        panic!("{error}");
    }
}

async fn play(folder: Option<&TempDir>, steps: &[Step]) -> Result<(), String> {
    let mut world = World::new(folder).await;
    for step in steps {
        world.step(*step).await?;
    }
    world.finish().await
}

#[test]
fn whatever_connections_give_back_no_one_gets_it_twice_and_the_ledger_knows() {
    property(false, 1_500);
}

#[test]
fn the_same_holds_where_claims_are_begun_as_a_whole() {
    property(true, 60);
}

/// As it was seen: 354, the connection is lost, and the letter is offered again while its recipient is slow.
#[tokio::test]
async fn a_begun_letter_that_comes_back_has_one_owner() {
    let steps = [
        Step::Refill(1, false),
        Step::Take,
        Step::Begin(0),
        Step::GiveBack(0),
        // What was claimed before is offered again, if it was put back; and the ledger is asked for more.
        Step::Take,
        Step::Refill(1, false),
        Step::Take,
        Step::Begin(0),
        Step::Begin(1),
        Step::End(0, Ending::Accepted),
    ];
    play(None, &steps).await.unwrap();
}
