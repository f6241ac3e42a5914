//! The protocol as a model: what each transaction does to a delivery, as pure functions, in every order of steps of two
//! workers, a reaper and someone who unsubscribes. A worker may crash or sleep anywhere, and answers of the database may be lost.
//! A claim is pre-committed or not; if so, what a killed worker's log says may be brought in at any time, and after a loss of power
//! there is no log.
//!
//! The functions are held to the statements ([`statements`]): in each state of a delivery, each transaction does the same to the row
//! of a ledger. What an outcome makes of a delivery is the program's own function.

mod statements;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    rc::Rc,
};

use jiff::Timestamp;

use super::transitions::ended;
use crate::{
    ledger::{lease::Next, values::State},
    transport::{Outcome, Reply, Stage},
};

const LETTERS: usize = 3;
const WORKERS: usize = 2;
/// Claims of one letter, at most.
const EPOCHS: usize = 2;

/// A delivery, as its rows have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Row {
    state: State,
    epoch: u8,
    holder: Option<u8>,
    /// Of each epoch: whose attempt ended, and whether its outcome is known.
    attempts: [Option<(u8, bool)>; EPOCHS],
}

/// What a worker knows of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Job {
    None,
    /// Claimed with this epoch.
    Holds(u8),
    /// Asked to begin it; no answer came.
    InDoubt(u8),
    /// Pre-committed, and not started; whether it may be started without asking.
    Ahead(u8, bool),
    /// The worker was killed, and its log says that this was not started.
    Logged(u8),
    /// The body may leave.
    Granted(u8),
    /// The body has left, with this reply.
    Left(u8, Verdict),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Verdict {
    Accepted,
    Deferred,
    NoReply,
}

/// What is wrong with the program, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    ReaperQueuesBegun,
    NoFence,
    NoGuard,
    LateEndsReopen,
    /// Letters of a pre-committed claim are started however late it is.
    NoWindow,
    /// The log lacks starts.
    StartsUnlogged,
}

/// A letter: its delivery, what the workers know of it, and how often the relay has taken it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Letter {
    row: Row,
    jobs: [Job; WORKERS],
    taken: u8,
}

/// Everything that is not about one letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Around {
    is_alive: [bool; WORKERS],
    /// Whether the workers' sets of suppressions are up to date.
    knows: [bool; WORKERS],
    /// Someone unsubscribes: the recipient of the first letter.
    is_suppressed: bool,
    is_answered: bool,
    /// So long ago that every claim from before has to be asked about again.
    is_long_ago: bool,
    /// So many workers pre-commit claims.
    fast: u8,
    /// Crashes, reaps of the living and lost answers that may still happen.
    troubles: u8,
}

/// A step of one letter: what becomes of it and of the rest, and a promise that is broken by it.
type Step = (Letter, Around, Option<&'static str>);

fn claim(row: Row, worker: u8) -> Option<Row> {
    let is_free = matches!(row.state, State::Queued | State::Deferred) && usize::from(row.epoch) < EPOCHS;
    // What is known of earlier epochs changes nothing any more, so that the model forgets it.
    let attempts = [None; EPOCHS];
    is_free.then_some(Row { state: State::Claimed, epoch: row.epoch + 1, holder: Some(worker), attempts })
}

/// A claim that is pre-committed.
fn claim_ahead(row: Row, worker: u8) -> Option<Row> {
    claim(row, worker).map(|row| Row { state: State::Begun, ..row })
}

/// Whether a letter of a pre-committed claim is still the worker's.
fn is_still_begun(row: Row, worker: u8, epoch: u8) -> bool {
    row.state == State::Begun && row.holder == Some(worker) && row.epoch == epoch
}

fn suppress_ahead(row: Row, worker: u8, epoch: u8) -> Row {
    let is_held = is_still_begun(row, worker, epoch);
    if is_held { Row { state: State::Suppressed, holder: None, ..row } } else { row }
}

fn begin(row: Row, worker: u8, epoch: u8, is_in_doubt: bool, fault: Fault) -> Option<Row> {
    let is_open = row.state == State::Claimed || is_in_doubt && row.state == State::Begun;
    let is_held = row.holder == Some(worker) && row.epoch == epoch;
    let no_fence = fault == Fault::NoFence && matches!(row.state, State::Claimed | State::Begun);
    (is_open && is_held || no_fence).then_some(Row { state: State::Begun, ..row })
}

fn suppress(row: Row, worker: u8, epoch: u8) -> Row {
    let is_held = row.state == State::Claimed && row.holder == Some(worker) && row.epoch == epoch;
    if is_held { Row { state: State::Suppressed, holder: None, ..row } } else { row }
}

fn withdraw(row: Row, worker: u8, epoch: u8) -> Row {
    let is_held = matches!(row.state, State::Claimed | State::Begun)
        && row.holder == Some(worker)
        && row.epoch == epoch;
    let place = usize::from(epoch) - 1;
    if is_held {
        return Row { state: State::Queued, holder: None, ..row };
    }
    // The worker was taken for dead, and nothing has left.
    let is_doubted = row.state == State::Unconfirmed && row.epoch == epoch;
    if is_doubted && row.attempts[place] == Some((worker, false)) {
        let mut row = Row { state: State::Queued, ..row };
        row.attempts[place] = None;
        return row;
    }
    row
}

fn reap(row: Row, worker: u8, fault: Fault) -> Row {
    if row.holder != Some(worker) {
        return row;
    }
    let free = Row { holder: None, ..row };
    match row.state {
        State::Begun if fault == Fault::ReaperQueuesBegun => Row { state: State::Queued, ..free },
        State::Begun => {
            let mut attempts = row.attempts;
            attempts[usize::from(row.epoch) - 1] = Some((worker, false));
            Row { state: State::Unconfirmed, attempts, ..free }
        }
        _ => Row { state: State::Queued, ..free },
    }
}

fn end(row: Row, worker: u8, epoch: u8, verdict: Verdict, fault: Fault) -> Row {
    let (outcome, next) = verdict.outcome();
    let state = State::from_word(ended(&outcome, next).state).unwrap();
    let place = usize::from(epoch) - 1;
    let is_known = verdict != Verdict::NoReply;
    let mut row = row;
    let is_held = matches!(row.state, State::Claimed | State::Begun)
        && row.holder == Some(worker)
        && row.epoch == epoch;
    let may_replace = match row.attempts[place] {
        None => true,
        Some((by, was_known)) => !was_known && by == worker,
    };
    if is_held {
        row = Row { state, holder: None, ..row };
        row.attempts[place] = Some((worker, is_known));
    } else if may_replace {
        row.attempts[place] = Some((worker, is_known));
        let counts = row.state == State::Unconfirmed
            || state == State::Accepted && matches!(row.state, State::Queued | State::Deferred);
        if row.epoch == epoch && counts {
            row.state = if fault == Fault::LateEndsReopen { State::Deferred } else { state };
        }
    }
    row
}

impl Verdict {
    const ALL: [Self; 3] = [Self::Accepted, Self::Deferred, Self::NoReply];

    fn outcome(self) -> (Outcome, Next) {
        let reply = Reply { code: 250, enhanced: None, text: String::new() };
        match self {
            Self::Accepted => (Outcome::Accepted { reply }, Next::Close),
            Self::Deferred => {
                (Outcome::Deferred { stage: Stage::Body, reply }, Next::RetryAt(Timestamp::UNIX_EPOCH))
            }
            Self::NoReply => (Outcome::Unconfirmed { why: String::new() }, Next::Close),
        }
    }
}

impl Letter {
    /// With another delivery, and another job of one worker.
    fn with(mut self, worker: u8, row: Row, job: Job) -> Self {
        self.row = row;
        self.jobs[usize::from(worker)] = job;
        self
    }

    /// What the workers can do with it next.
    fn steps(self, is_first: bool, around: Around, fault: Fault) -> Vec<Step> {
        let mut steps = Vec::new();
        for worker in 0..WORKERS as u8 {
            if around.is_alive[usize::from(worker)] {
                self.steps_of(worker, is_first, around, fault, &mut steps);
            } else if let Job::Logged(epoch) = self.jobs[usize::from(worker)] {
                steps.push((self.with(worker, withdraw(self.row, worker, epoch), Job::None), around, None));
            }
        }
        steps
    }

    fn steps_of(self, worker: u8, is_first: bool, around: Around, fault: Fault, steps: &mut Vec<Step>) {
        let row = self.row;
        match self.jobs[usize::from(worker)] {
            Job::None => {
                let Some(claimed) = claim(row, worker) else { return };
                // A claim looks at all suppressions in its transaction.
                let mut around = around;
                around.knows[usize::from(worker)] = true;
                if is_first && around.is_suppressed && fault != Fault::NoGuard {
                    steps.push((
                        self.with(worker, Row { state: State::Suppressed, ..row }, Job::None),
                        around,
                        None,
                    ));
                } else {
                    steps.push((self.with(worker, claimed, Job::Holds(claimed.epoch)), around, None));
                    let Some(begun) = claim_ahead(row, worker).filter(|_| worker < around.fast) else {
                        return;
                    };
                    steps.push((self.with(worker, begun, Job::Ahead(begun.epoch, true)), around, None));
                }
            }
            Job::Ahead(epoch, is_open) => {
                if is_open {
                    let broken = (is_first && around.is_long_ago).then_some("begun long after the answer");
                    steps.push((self.with(worker, row, Job::Granted(epoch)), around, broken));
                }
                self.asks_again(worker, epoch, is_first, around, fault, steps);
                // It is released.
                steps.push((self.with(worker, withdraw(row, worker, epoch), Job::None), around, None));
            }
            Job::Logged(_) => {}
            Job::Holds(epoch) => self.begins(worker, epoch, false, is_first, around, fault, steps),
            Job::InDoubt(epoch) => self.begins(worker, epoch, true, is_first, around, fault, steps),
            Job::Granted(epoch) => {
                steps.push((self.with(worker, withdraw(row, worker, epoch), Job::None), around, None));
                // Without a reply the relay may have taken it or not.
                for (verdict, taken) in [
                    (Verdict::Accepted, 1),
                    (Verdict::Deferred, 0),
                    (Verdict::NoReply, 0),
                    (Verdict::NoReply, 1),
                ] {
                    let next = self.with(worker, row, Job::Left(epoch, verdict));
                    steps.push((Self { taken: self.taken + taken, ..next }, around, None));
                }
            }
            Job::Left(epoch, verdict) => {
                steps.push((
                    self.with(worker, end(row, worker, epoch, verdict, fault), Job::None),
                    around,
                    None,
                ));
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one step, with what it depends on")]
    fn begins(
        self,
        worker: u8,
        epoch: u8,
        is_in_doubt: bool,
        is_first: bool,
        around: Around,
        fault: Fault,
        steps: &mut Vec<Step>,
    ) {
        // The counters of suppressions are compared in the transaction; where they differ, the set is read first.
        let mut after = around;
        after.knows[usize::from(worker)] |= fault != Fault::NoGuard;
        let (row, job) = if is_first && around.is_suppressed && after.knows[usize::from(worker)] {
            (suppress(self.row, worker, epoch), Job::None)
        } else {
            match begin(self.row, worker, epoch, is_in_doubt, fault) {
                Some(row) => (row, Job::Granted(epoch)),
                None => (self.row, Job::None),
            }
        };
        let is_new = self.row.state != State::Begun && row.state == State::Begun;
        let broken =
            (is_first && around.is_answered && is_new).then_some("begun after the request was answered");
        steps.push((self.with(worker, row, job), after, broken));
        if around.troubles > 0 {
            // The answer is lost, or the request.
            let after = Around { troubles: around.troubles - 1, ..after };
            steps.push((self.with(worker, row, Job::InDoubt(epoch)), after, broken));
            steps.push((self.with(worker, self.row, Job::InDoubt(epoch)), after, None));
        }
    }

    /// The database is asked about a letter of a pre-committed claim.
    fn asks_again(
        self,
        worker: u8,
        epoch: u8,
        is_first: bool,
        around: Around,
        fault: Fault,
        steps: &mut Vec<Step>,
    ) {
        let mut after = around;
        after.knows[usize::from(worker)] |= fault != Fault::NoGuard;
        let (row, job) = if is_first && around.is_suppressed && after.knows[usize::from(worker)] {
            (suppress_ahead(self.row, worker, epoch), Job::None)
        } else if is_still_begun(self.row, worker, epoch) {
            (self.row, Job::Granted(epoch))
        } else {
            // Nothing has left, and the worker says so.
            (withdraw(self.row, worker, epoch), Job::None)
        };
        let is_granted = job == Job::Granted(epoch);
        let broken =
            (is_first && around.is_answered && is_granted).then_some("begun after the request was answered");
        steps.push((self.with(worker, row, job), after, broken));
        if around.troubles > 0 {
            let after = Around { troubles: around.troubles - 1, ..after };
            steps.push((self.with(worker, row, Job::Ahead(epoch, false)), after, None));
        }
    }

    /// The worker slept for longer than it may start letters without asking.
    fn closed(mut self, worker: u8, fault: Fault) -> Self {
        let job = &mut self.jobs[usize::from(worker)];
        if let Job::Ahead(epoch, _) = *job
            && fault != Fault::NoWindow
        {
            *job = Job::Ahead(epoch, false);
        }
        self
    }

    /// The worker was killed; its log says what it had not started, if there is one.
    fn killed(mut self, worker: u8, has_log: bool, fault: Fault) -> Self {
        let job = &mut self.jobs[usize::from(worker)];
        *job = match *job {
            Job::Ahead(epoch, _) if has_log => Job::Logged(epoch),
            Job::Granted(epoch) | Job::Left(epoch, _) if fault == Fault::StartsUnlogged => Job::Logged(epoch),
            _ => Job::None,
        };
        self
    }

    /// A promise that is broken.
    fn broken(&self, is_first: bool, around: Around) -> Option<&'static str> {
        let is_recorded = matches!(self.row.state, State::Begun | State::Accepted | State::Unconfirmed);
        if self.taken > 1 {
            Some("sent twice")
        } else if self.taken == 1 && !is_recorded {
            Some("taken, and to be sent again or not known")
        } else if self.row.state == State::Accepted && self.taken == 0 {
            Some("accepted, and the relay has none")
        } else if self.row.state == State::Suppressed && !(is_first && around.is_suppressed) {
            Some("suppressed, and never asked for")
        } else {
            None
        }
    }
}

/// Things that come again and again, by numbers.
struct Numbered<T>(Vec<T>, HashMap<T, u16>);

impl<T: Copy + Eq + std::hash::Hash> Numbered<T> {
    fn number(&mut self, thing: T) -> u16 {
        let next = self.0.len() as u16;
        *self.1.entry(thing).or_insert_with(|| {
            self.0.push(thing);
            next
        })
    }
}

/// The letters of a world and what is around them, by their numbers.
type World = ([u16; LETTERS], u16);

/// Steps of a letter by numbers: of the letter, of what is around it, and a promise that is broken.
type Steps = Rc<[(u16, u16, Option<&'static str>)]>;

/// Looks at every state that can be reached, with so many letters.
struct Explorer {
    letters: usize,
    fault: Fault,
    known: Numbered<Letter>,
    around: Numbered<Around>,
    /// The steps of a letter, by its number, whether it is the first, and what is around it.
    steps: HashMap<(u16, bool, u16), Steps>,
    seen: HashSet<World>,
    waiting: VecDeque<World>,
    broken: Option<&'static str>,
}

impl Explorer {
    /// Returns the number of states, and the first promise that is broken.
    fn explore(letters: usize, troubles: u8, fast: u8, fault: Fault) -> (usize, Option<&'static str>) {
        let row = Row { state: State::Queued, epoch: 0, holder: None, attempts: [None; EPOCHS] };
        let letter = Letter { row, jobs: [Job::None; WORKERS], taken: 0 };
        let around = Around {
            is_alive: [true; WORKERS],
            knows: [true; WORKERS],
            is_suppressed: false,
            is_answered: false,
            is_long_ago: false,
            fast,
            troubles,
        };
        let mut this = Self {
            letters,
            fault,
            known: Numbered(Vec::new(), HashMap::new()),
            around: Numbered(Vec::new(), HashMap::new()),
            steps: HashMap::new(),
            seen: HashSet::new(),
            waiting: VecDeque::new(),
            broken: None,
        };
        let first = ([this.known.number(letter); LETTERS], this.around.number(around));
        this.seen.insert(first);
        this.waiting.push_back(first);
        while let Some(world) = this.waiting.pop_front() {
            this.step(world);
            if this.broken.is_some() {
                break;
            }
        }
        (this.seen.len(), this.broken)
    }

    fn step(&mut self, (letters, around): World) {
        for index in 0..self.letters {
            for (letter, around, broken) in self.steps_of(letters[index], index == 0, around).iter() {
                let mut next = letters;
                next[index] = *letter;
                self.broken = self.broken.or(*broken);
                self.take((next, *around));
            }
        }
        let now = self.around.0[usize::from(around)];
        for worker in 0..WORKERS as u8 {
            let is_alive = now.is_alive[usize::from(worker)];
            if is_alive && now.troubles == 0 {
                continue;
            }
            // The lease of a living worker runs out while it sleeps; a dead one is taken for dead at some time.
            let mut after = Around { troubles: now.troubles - u8::from(is_alive), ..now };
            let reaped = letters.map(|letter| {
                let letter = self.known.0[usize::from(letter)].closed(worker, self.fault);
                self.known.number(Letter { row: reap(letter.row, worker, self.fault), ..letter })
            });
            if reaped != letters {
                let around = self.around.number(after);
                self.take((reaped, around));
            }
            if is_alive {
                after.is_alive[usize::from(worker)] = false;
                let around = self.around.number(after);
                for has_log in [true, false] {
                    let killed = letters.map(|letter| {
                        let letter = self.known.0[usize::from(letter)].killed(worker, has_log, self.fault);
                        self.known.number(letter)
                    });
                    self.take((killed, around));
                }
            }
        }
        if now.is_answered && !now.is_long_ago {
            let closed = letters.map(|letter| {
                let mut letter = self.known.0[usize::from(letter)];
                for worker in 0..WORKERS as u8 {
                    letter = letter.closed(worker, self.fault);
                }
                self.known.number(letter)
            });
            let around = self.around.number(Around { is_long_ago: true, ..now });
            self.take((closed, around));
        }
        if !now.is_answered {
            let after = if now.is_suppressed {
                Around { is_answered: true, ..now }
            } else {
                Around { is_suppressed: true, knows: [false; WORKERS], ..now }
            };
            let around = self.around.number(after);
            self.take((letters, around));
        }
    }

    fn steps_of(&mut self, letter: u16, is_first: bool, around: u16) -> Steps {
        let key = (letter, is_first, around);
        if let Some(known) = self.steps.get(&key) {
            return Rc::clone(known);
        }
        let (letter, now) = (self.known.0[usize::from(letter)], self.around.0[usize::from(around)]);
        let steps = letter.steps(is_first, now, self.fault).into_iter();
        let steps = steps.map(|(letter, around, broken)| {
            let broken = broken.or_else(|| letter.broken(is_first, around));
            (self.known.number(letter), self.around.number(around), broken)
        });
        let steps: Rc<[_]> = steps.collect::<Vec<_>>().into();
        self.steps.insert(key, Rc::clone(&steps));
        steps
    }

    /// The letters behind the first differ in nothing: their order does not matter.
    fn take(&mut self, (mut letters, around): World) {
        letters[1..self.letters].sort_unstable();
        let now = self.around.0[usize::from(around)];
        let broken =
            |(index, letter): (usize, &u16)| self.known.0[usize::from(*letter)].broken(index == 0, now);
        self.broken = self.broken.or_else(|| letters[..self.letters].iter().enumerate().find_map(broken));
        if self.seen.insert((letters, around)) {
            self.waiting.push_back((letters, around));
        }
    }
}

#[test]
fn no_order_of_steps_breaks_a_promise() {
    // With three letters one of the workers pre-commits: both would be six million states.
    for (letters, troubles, fast) in [(1, 4, 2), (2, 2, 2), (LETTERS, 1, 1)] {
        let (states, broken) = Explorer::explore(letters, troubles, fast, Fault::None);
        println!("{letters} letters, {troubles} troubles, {fast} fast: {states} states");
        assert_eq!(broken, None);
        assert!(states > 100, "{states}");
    }
}

#[test]
fn a_fault_in_the_protocol_is_found_in_the_model() {
    for (fault, expected) in [
        (Fault::ReaperQueuesBegun, "taken, and to be sent again or not known"),
        (Fault::NoFence, "sent twice"),
        (Fault::NoGuard, "begun after the request was answered"),
        (Fault::LateEndsReopen, "taken, and to be sent again or not known"),
        (Fault::NoWindow, "begun long after the answer"),
        (Fault::StartsUnlogged, "taken, and to be sent again or not known"),
    ] {
        let (_, broken) = Explorer::explore(1, 2, 2, fault);
        assert!(broken.is_some(), "{fault:?}: expected {expected}");
    }
}
