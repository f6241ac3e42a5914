//! What one sender may send of a shared budget at the moment. All functions take the time; none waits.

use std::{collections::VecDeque, time::Duration};

use super::budget::{Budget, Receipt, Taken};

/// While an answer of the ledger is on its way, connections look again after this.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Letters of a budget that were granted to this sender and have not left.
#[derive(Debug)]
pub(super) struct Allowance {
    budget: Budget,
    grants: VecDeque<Grant>,
    /// Where the letter that left last was counted.
    last: Option<Receipt>,
    /// No more letters before then.
    closed_until: Duration,
    /// Because the day's letters have left.
    is_day_over: bool,
    /// Someone wants letters.
    is_wanted: bool,
    /// The ledger was asked, and has not answered.
    is_asked: bool,
    /// Letters that did not leave, to be given back.
    unused: Vec<(Receipt, u32)>,
}

#[derive(Debug)]
struct Grant {
    letters: u32,
    receipt: Receipt,
    until: Duration,
}

/// What to ask the ledger for.
#[derive(Debug)]
pub(in crate::dispatch) struct Request {
    pub(in crate::dispatch) budget: Budget,
    /// So many letters; 0 to give back only.
    pub(in crate::dispatch) wanted: u32,
    pub(in crate::dispatch) unused: Vec<(Receipt, u32)>,
}

impl Allowance {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            budget,
            grants: VecDeque::new(),
            last: None,
            closed_until: Duration::ZERO,
            is_day_over: false,
            is_wanted: false,
            is_asked: false,
            unused: Vec::new(),
        }
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Goes on with another budget of the same name: the next day's.
    pub(super) fn replace(&mut self, budget: Budget) {
        let used = self.grants.drain(..).map(|grant| (grant.receipt, grant.letters));
        self.unused.extend(used);
        self.budget = budget;
        self.closed_until = Duration::ZERO;
        self.is_day_over = false;
    }

    /// What has waited too long to leave.
    fn lapse(&mut self, now: Duration) {
        while let Some(grant) = self.grants.pop_front_if(|grant| grant.until <= now) {
            if grant.letters > 0 {
                self.unused.push((grant.receipt, grant.letters));
                // What goes back can be had again.
                self.closed_until = Duration::ZERO;
            }
        }
    }

    fn letters(&self) -> u32 {
        self.grants.iter().map(|grant| grant.letters).sum()
    }

    /// When more may leave, if that is known and nothing may leave now.
    pub(super) fn closed_until(&mut self, now: Duration) -> Option<Duration> {
        self.lapse(now);
        (self.letters() == 0 && now < self.closed_until).then_some(self.closed_until)
    }

    /// `None` when a letter may leave now, otherwise when to look again.
    pub(super) fn look(&mut self, now: Duration) -> Option<Duration> {
        self.lapse(now);
        if self.letters() > 0 {
            return None;
        }
        self.is_wanted = true;
        Some(self.closed_until.max(now + LOOK_AGAIN))
    }

    /// A letter leaves. To be called when [`look`](Self::look) has allowed it.
    pub(super) fn spend(&mut self) {
        if let Some(grant) = self.grants.iter_mut().find(|grant| grant.letters > 0) {
            grant.letters -= 1;
            self.last = Some(grant.receipt.clone());
        }
        // Asked for before the last one has left, so that connections do not wait.
        self.is_wanted |= self.letters() <= self.budget.lot() / 2;
    }

    /// A letter that was counted did not leave.
    pub(super) fn take_back(&mut self, now: Duration) {
        match self.grants.iter_mut().find(|grant| now < grant.until) {
            Some(grant) => grant.letters += 1,
            None => {
                self.unused.extend(self.last.clone().map(|receipt| (receipt, 1)));
                self.closed_until = Duration::ZERO;
            }
        }
    }

    /// Whether the ledger is to be asked something.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        let wants = self.is_wanted && self.closed_until <= now;
        !self.is_asked && (wants || !self.unused.is_empty())
    }

    /// When it is to be asked next, unless someone wants letters before.
    pub(super) fn due_at(&self) -> Option<Duration> {
        let lapses = self.grants.front().map(|grant| grant.until);
        let opens = self.is_wanted.then_some(self.closed_until);
        lapses.into_iter().chain(opens).min()
    }

    /// Whether letters wait for an answer of the ledger.
    pub(super) fn is_missed(&mut self, now: Duration) -> bool {
        self.lapse(now);
        self.letters() == 0 && self.is_wanted && self.is_due(now)
    }

    /// What to ask the ledger for, when so many letters wait. What would lapse before the answer, after `ahead`, is asked for
    /// again.
    pub(super) fn request(&mut self, now: Duration, ahead: Duration, waiting: u32) -> Option<Request> {
        self.lapse(now);
        let had_letters = self.letters() > 0;
        self.lapse(now + ahead);
        self.is_wanted |= had_letters && self.letters() == 0;
        if !self.is_due(now) {
            return None;
        }
        let wanted =
            if self.is_wanted && self.closed_until <= now { waiting.min(self.budget.lot()) } else { 0 };
        self.is_wanted = false;
        if wanted == 0 && self.unused.is_empty() {
            return None;
        }
        self.is_asked = true;
        Some(Request { budget: self.budget.clone(), wanted, unused: std::mem::take(&mut self.unused) })
    }

    /// The ledger's answer, at `now`, to a request that was sent at `sent`.
    pub(super) fn answered(&mut self, sent: Duration, now: Duration, taken: Option<Taken>) {
        self.is_asked = false;
        match taken {
            None => {}
            Some(Taken::Letters(letters, receipt)) => {
                // However slow the ledger is, there is time for letters to leave. Limits may be exceeded a little then.
                let hold = self.budget.hold();
                let until = (sent + hold).max(now + hold / 2);
                self.closed_until = Duration::ZERO;
                self.is_day_over = false;
                self.grants.push_back(Grant { letters, receipt, until });
            }
            Some(Taken::Wait(wait)) => {
                self.closed_until = sent + wait;
                // Asked for again as soon as there is more, and not only when a connection looks.
                self.is_wanted = true;
            }
            Some(Taken::DayIsOver) => {
                // Others may give letters back.
                self.closed_until = sent + Duration::from_secs(60);
                self.is_day_over = true;
            }
        }
    }

    /// Whether the day's letters have left.
    pub(super) fn is_day_over(&self) -> bool {
        self.is_day_over && self.letters() == 0
    }

    /// Everything that did not leave; nothing is given out afterwards.
    pub(super) fn close(&mut self) -> Option<Request> {
        self.lapse(Duration::MAX);
        self.closed_until = Duration::MAX;
        let unused = std::mem::take(&mut self.unused);
        (!unused.is_empty()).then(|| Request { budget: self.budget.clone(), wanted: 0, unused })
    }
}
