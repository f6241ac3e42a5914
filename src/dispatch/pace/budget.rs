//! How much of a limit is used by all senders of a ledger together.
//!
//! In: what the ledger holds of a budget, and the time by its clock. Out: letters that may leave within a short time, or when to
//! ask again. Pure: whoever asks puts the value back, by comparing and setting it.
//!
//! Letters are counted when they are granted, and leave within [`hold`]. Each limit looks back over its own stretch and that
//! time, so that however late a letter leaves, no stretch has more than the limit says; but with a ledger that takes longer than
//! half of [`hold`] to answer, letters leave later, and a stretch may have more by as much as it is longer.

use std::{collections::BTreeMap, time::Duration};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::limit::Limit;

/// Slots in a stretch.
const SLOTS: u64 = 60;

/// What several limits allow together. All of them hold at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::dispatch) struct Budget {
    /// What it is called in the ledger.
    pub(in crate::dispatch) name: String,
    pub(in crate::dispatch) limits: Vec<Limit>,
    pub(in crate::dispatch) day: Option<Day>,
    /// Whose letters count, by the names of relays in the ledger.
    pub(in crate::dispatch) relays: Vec<String>,
    /// Only letters to this domain count.
    pub(in crate::dispatch) domain: Option<String>,
}

/// So many letters on one day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dispatch) struct Day {
    pub(in crate::dispatch) date: Date,
    pub(in crate::dispatch) ends: Timestamp,
    pub(in crate::dispatch) letters: u32,
}

/// What is used of a budget, as the ledger holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::dispatch) struct Used {
    /// By the length of the limit's stretch, in milliseconds.
    stretches: BTreeMap<u64, Stretch>,
    day: Option<(Date, u32)>,
}

/// Letters over a sliding stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch {
    /// `counts[n % SLOTS]` belongs to slot number `n`, for the slots up to `newest`.
    newest: u64,
    counts: Vec<u32>,
}

/// Where letters were counted, for those that are given back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::dispatch) struct Receipt {
    slots: Vec<u64>,
    date: Option<Date>,
}

/// An answer to [`Budget::take`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dispatch) enum Taken {
    /// So many letters may leave within the budget's [`hold`](Budget::hold).
    Letters(u32, Receipt),
    /// None may leave before this time has passed.
    Wait(Duration),
    /// The day's letters have left; none may leave before it has ended.
    DayIsOver,
}

/// How long letters of a limit may wait after they were granted.
fn hold(per: Duration) -> Duration {
    (per / 16).min(Duration::from_secs(10))
}

fn slot_micros(per: Duration) -> u64 {
    // One slot fewer than there are, so that the stretch is always covered in full.
    (((per + hold(per)).as_micros() / u128::from(SLOTS - 1)) as u64).max(1)
}

fn micros(now: Timestamp) -> u64 {
    now.as_microsecond().max(0).cast_unsigned()
}

impl Stretch {
    /// Forgets what has left the stretch.
    fn advance(&mut self, number: u64) {
        self.counts.resize(SLOTS as usize, 0);
        if number + SLOTS < self.newest {
            // The clock was ahead, and no one knows when these letters left.
            let total = self.total().min(u64::from(u32::MAX)) as u32;
            self.counts.fill(0);
            self.counts[(number % SLOTS) as usize] = total;
            self.newest = number;
        }
        if number <= self.newest {
            return;
        }
        for passed in (self.newest.saturating_add(1).max(number.saturating_sub(SLOTS - 1)))..=number {
            self.counts[(passed % SLOTS) as usize] = 0;
        }
        self.newest = number;
    }

    fn total(&self) -> u64 {
        self.counts.iter().copied().map(u64::from).sum()
    }

    fn oldest(&self) -> u64 {
        (self.newest + 1).saturating_sub(SLOTS)
    }

    fn add(&mut self, number: u64, letters: u32) {
        if (self.oldest()..=self.newest).contains(&number) {
            let count = &mut self.counts[(number % SLOTS) as usize];
            *count = count.saturating_add(letters);
        }
    }

    /// Takes letters out of a slot, as far as it is still there.
    fn remove(&mut self, number: u64, letters: u32) {
        if (self.oldest()..=self.newest).contains(&number) {
            let count = &mut self.counts[(number % SLOTS) as usize];
            *count = count.saturating_sub(letters);
        }
    }

    /// The number of the slot at whose beginning letters leave the stretch next.
    fn frees(&self) -> u64 {
        let full = (self.oldest()..=self.newest).find(|number| self.counts[(number % SLOTS) as usize] > 0);
        full.map_or(self.newest + 1, |number| number + SLOTS)
    }
}

impl Used {
    /// What the ledger holds. What cannot be read is forgotten: the attempts of the last days are looked through at each start.
    pub(in crate::dispatch) fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// For the ledger.
    pub(in crate::dispatch) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn stretch(&mut self, per: Duration, now: Timestamp) -> &mut Stretch {
        let stretch = self.stretches.entry(per.as_millis() as u64).or_default();
        stretch.advance(micros(now) / slot_micros(per));
        stretch
    }
}

impl Budget {
    /// Whether it limits anything.
    pub(in crate::dispatch) fn is_free(&self) -> bool {
        self.limits.is_empty() && self.day.is_none()
    }

    /// How long granted letters may wait before they leave.
    pub(in crate::dispatch) fn hold(&self) -> Duration {
        self.limits.iter().map(|limit| hold(limit.per)).min().unwrap_or(Duration::from_secs(10))
    }

    /// So many letters are granted at a time, at most: enough that the ledger is not asked for each, and few enough that other
    /// senders get their share, and that little is lost with a sender that dies.
    pub(in crate::dispatch) fn lot(&self) -> u32 {
        let share = |letters: u32, parts: u32| (letters / parts).clamp(1, 500);
        let parts = |limit: &Limit| if limit.per <= Duration::from_secs(60) { 8 } else { 100 };
        let lots = self.limits.iter().map(|limit| share(limit.letters, parts(limit)));
        lots.chain(self.day.map(|day| share(day.letters, 100))).min().unwrap_or(500)
    }

    /// Counts up to `wanted` letters, if the limits allow any.
    pub(in crate::dispatch) fn take(&self, used: &mut Used, now: Timestamp, wanted: u32) -> Taken {
        let mut letters = wanted.min(self.lot());
        let mut wait = Duration::ZERO;
        for limit in &self.limits {
            let stretch = used.stretch(limit.per, now);
            let left = u64::from(limit.letters).saturating_sub(stretch.total());
            letters = letters.min(u32::try_from(left).unwrap_or(u32::MAX));
            if left == 0 {
                let frees = stretch.frees().saturating_mul(slot_micros(limit.per));
                wait = wait.max(Duration::from_micros(frees.saturating_sub(micros(now))));
            }
        }
        if let Some(day) = self.day {
            let left = day.letters.saturating_sub(used.of_day(day.date));
            if left == 0 {
                return Taken::DayIsOver;
            }
            letters = letters.min(left);
        }
        if letters == 0 {
            return Taken::Wait(wait.max(Duration::from_millis(1)));
        }
        let mut receipt = Receipt { slots: Vec::new(), date: self.day.map(|day| day.date) };
        for limit in &self.limits {
            let stretch = used.stretch(limit.per, now);
            stretch.add(stretch.newest, letters);
            receipt.slots.push(stretch.newest);
        }
        if let Some((_, count)) = &mut used.day
            && self.day.is_some()
        {
            *count = count.saturating_add(letters);
        }
        Taken::Letters(letters, receipt)
    }

    /// Takes back letters that did not leave.
    pub(in crate::dispatch) fn give_back(
        &self,
        used: &mut Used,
        now: Timestamp,
        receipt: &Receipt,
        letters: u32,
    ) {
        for (limit, slot) in self.limits.iter().zip(&receipt.slots) {
            used.stretch(limit.per, now).remove(*slot, letters);
        }
        if let Some((date, count)) = &mut used.day
            && Some(*date) == receipt.date
        {
            *count = count.saturating_sub(letters);
        }
    }

    /// Counts letters that left before, if more of them are known than were granted: some leave without a limit. Each is how long
    /// ago so many left.
    pub(in crate::dispatch) fn note_earlier(
        &self,
        used: &mut Used,
        now: Timestamp,
        earlier: &[(Duration, u32)],
    ) {
        for limit in &self.limits {
            let slot = slot_micros(limit.per);
            let mut found = Stretch::default();
            found.advance(micros(now) / slot);
            for (ago, letters) in earlier {
                let then = micros(now).saturating_sub(ago.as_micros() as u64);
                found.add(then / slot, *letters);
            }
            let stretch = used.stretch(limit.per, now);
            if found.total() > stretch.total() {
                *stretch = found;
            }
        }
    }

    /// Counts letters of the day that are known to have left.
    pub(in crate::dispatch) fn note_today(&self, used: &mut Used, letters: u32) {
        if let Some(day) = self.day {
            let known = used.of_day(day.date).max(letters);
            used.day = Some((day.date, known));
        }
    }
}

impl Used {
    /// Letters of a day, which becomes the one that is counted.
    fn of_day(&mut self, date: Date) -> u32 {
        match self.day {
            Some((counted, letters)) if counted == date => letters,
            _ => {
                self.day = Some((date, 0));
                0
            }
        }
    }
}
