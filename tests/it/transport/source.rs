use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::Mutex,
};

use mimeograph::{
    address::EmailAddress,
    message::Message,
    transport::{self, LetterSource, Outcome, Permit, Reply, Stage},
};

/// Names a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

pub type Letter = transport::Letter<Ticket>;

/// A source that writes everything down and watches that each letter comes back exactly once.
#[derive(Debug, Default)]
pub struct TestSource {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Letter>,
    out: HashSet<Ticket>,
    begun: Vec<Ticket>,
    fates: BTreeMap<Ticket, Fate>,
    names: BTreeMap<Ticket, String>,
    stop: HashSet<Ticket>,
    again: bool,
    most_begun_at_once: usize,
    begun_now: HashSet<Ticket>,
}

/// How a letter came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Ended(Outcome),
    Back,
    BackRefused(Stage, Reply),
}

/// A short letter.
pub fn letter(ticket: u64, to: &str, body: &str) -> Letter {
    let bytes = format!(
        "From: News <news@example.org>\r\nTo: <{to}>\r\nMessage-ID: <{ticket}@example.org>\r\nSubject: No. 1\r\n\r\n{body}\r\n"
    );
    let address = |text| EmailAddress::parse(text).unwrap();
    let message = Message::new(address("news@example.org"), address(to), bytes.into_bytes()).unwrap();
    Letter { ticket: Ticket(ticket), message }
}

impl TestSource {
    /// Letters to `r1@example.com`, `r2@example.com`, …
    pub fn new(count: usize) -> Self {
        Self::of((1..=count as u64).map(|n| letter(n, &format!("r{n}@example.com"), "Hello.")).collect())
    }

    pub fn of(letters: Vec<Letter>) -> Self {
        let names =
            letters.iter().map(|letter| (letter.ticket, letter.message.to().expose().to_owned())).collect();
        let state = State { waiting: letters.into(), names, ..State::default() };
        Self { state: Mutex::new(state) }
    }

    /// Says `Stop` when asked about this letter.
    pub fn stopping(self, ticket: u64) -> Self {
        self.state.lock().unwrap().stop.insert(Ticket(ticket));
        self
    }

    /// Puts what comes back, and what is deferred, at the end of the queue.
    pub fn trying_again(self) -> Self {
        self.state.lock().unwrap().again = true;
        self
    }

    pub fn fates(&self) -> BTreeMap<Ticket, Fate> {
        self.state.lock().unwrap().fates.clone()
    }

    pub fn most_begun_at_once(&self) -> usize {
        self.state.lock().unwrap().most_begun_at_once
    }

    pub fn in_words(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let word = |ticket: &Ticket| match state.fates.get(ticket) {
            None => "untouched".to_owned(),
            Some(Fate::Back) => "back".to_owned(),
            Some(Fate::BackRefused(stage, reply)) => format!("back refused {stage} {}", reply.code),
            Some(Fate::Ended(Outcome::Accepted { .. })) => "accepted".to_owned(),
            Some(Fate::Ended(Outcome::Deferred { stage, reply })) => {
                format!("deferred {stage} {}", reply.code)
            }
            Some(Fate::Ended(Outcome::Rejected { stage, reply })) => {
                format!("rejected {stage} {}", reply.code)
            }
            Some(Fate::Ended(Outcome::Unconfirmed { .. })) => "unconfirmed".to_owned(),
        };
        state.names.keys().map(word).collect()
    }

    /// Nothing is out any more, and what the relay took agrees with what was written down.
    #[track_caller]
    pub fn check_against(&self, taken: &[String]) {
        let state = self.state.lock().unwrap();
        assert!(state.out.is_empty(), "letters that never came back: {:?}", state.out);
        for (ticket, name) in &state.names {
            let times = taken.iter().filter(|to| *to == name).count();
            let fate = state.fates.get(ticket);
            match fate {
                Some(Fate::Ended(Outcome::Accepted { .. })) => assert_eq!(times, 1, "{name} is accepted"),
                Some(Fate::Ended(Outcome::Unconfirmed { .. })) => {
                    assert!(times <= 1, "{name} is unconfirmed")
                }
                _ => assert_eq!(times, 0, "{name} is {fate:?}"),
            }
            if times == 1 {
                assert!(state.begun.contains(ticket), "the body of {name} left before it was begun");
            }
        }
    }

    fn back(&self, letter: Letter, fate: Fate) {
        let mut state = self.state.lock().unwrap();
        let ticket = letter.ticket;
        assert!(state.out.remove(&ticket), "{ticket:?} came back twice");
        state.begun_now.remove(&ticket);
        let for_good = matches!(
            fate,
            Fate::Ended(Outcome::Accepted { .. } | Outcome::Rejected { .. } | Outcome::Unconfirmed { .. })
        );
        state.fates.insert(ticket, fate);
        if state.again && !for_good {
            state.waiting.push_back(letter);
        }
    }

    fn take(&self) -> Option<Letter> {
        let mut state = self.state.lock().unwrap();
        let letter = state.waiting.pop_front()?;
        assert!(state.out.insert(letter.ticket));
        Some(letter)
    }
}

impl LetterSource for TestSource {
    type Ticket = Ticket;

    async fn next(&self) -> Option<Letter> {
        self.take()
    }

    fn next_now(&self) -> Option<Letter> {
        self.take()
    }

    async fn begin(&self, ticket: &mut Ticket) -> Permit {
        let ticket = *ticket;
        tokio::task::yield_now().await;
        let mut state = self.state.lock().unwrap();
        assert!(state.out.contains(&ticket), "{ticket:?} was begun without having been taken");
        if state.stop.contains(&ticket) {
            return Permit::Stop;
        }
        state.begun.push(ticket);
        assert!(state.begun_now.insert(ticket), "{ticket:?} was begun twice");
        state.most_begun_at_once = state.most_begun_at_once.max(state.begun_now.len());
        Permit::Go
    }

    fn end(&self, letter: Letter, outcome: Outcome) {
        if !matches!(outcome, Outcome::Deferred { .. } | Outcome::Rejected { .. }) {
            assert!(
                self.state.lock().unwrap().begun.contains(&letter.ticket),
                "ended without having been begun"
            );
        }
        self.back(letter, Fate::Ended(outcome));
    }

    fn give_back(&self, letter: Letter) {
        self.back(letter, Fate::Back);
    }

    fn give_back_refused(&self, letter: Letter, stage: Stage, reply: Reply) {
        self.back(letter, Fate::BackRefused(stage, reply));
    }
}
