//! The adaptive pace: as fast as the relay takes letters, once it has said that we are too fast.

use std::time::Duration;

/// Falls to what the relay has lately taken, and climbs again while letters pass.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    /// Letters a second; `None` while no one complained.
    pub(super) rate: Option<f64>,
    /// The rate at the last complaint.
    too_fast: f64,
    /// The highest rate at which a complaint came: at twice that the limit is lifted.
    highest: f64,
    /// Earliest time of the next letter.
    next: Duration,
    /// When the rate was last lowered, and last raised.
    lowered: Duration,
    raised: Duration,
    /// Letters accepted lately.
    taken: Lately,
}

impl Throttle {
    /// How long without a complaint before the pace climbs.
    const QUIET: Duration = Duration::from_secs(1);
    /// Complaints closer together than this are one complaint (letters under way answer together).
    const TOGETHER: Duration = Duration::from_millis(200);
    /// The slowest pace, in letters a second: one in a quarter of a minute.
    const SLOWEST: f64 = 1.0 / 15.0;
    /// The pace when the relay complains before it has taken anything.
    const FIRST: f64 = 20.0;

    pub(super) fn wait_until(&mut self, now: Duration) -> Option<Duration> {
        let rate = self.rate?;
        if now >= self.lowered.max(self.raised) + Self::QUIET && self.taken.within(now, Self::QUIET) > 0 {
            self.raised = now;
            let faster = if rate < self.too_fast / 2.0 { rate * 2.0 } else { rate * 1.1 };
            self.rate = (faster < self.highest * 2.0).then_some(faster);
        }
        (now < self.next).then_some(self.next)
    }

    /// A letter leaves.
    pub(super) fn left(&mut self, now: Duration) {
        if let Some(rate) = self.rate {
            self.next = self.next.max(now) + Duration::from_secs_f64(1.0 / rate);
        }
    }

    /// A letter was accepted. When hardly anything passed before, that is news: the relay takes letters again.
    pub(super) fn accepted(&mut self, now: Duration) {
        self.taken.add(now);
        if let Some(rate) = self.rate
            && rate < self.too_fast / 2.0
            && now >= self.lowered.max(self.raised) + Self::TOGETHER
        {
            self.raised = now;
            let faster = (rate * 4.0).min(self.too_fast / 2.0);
            self.rate = Some(faster);
            self.next = self.next.min(now + Duration::from_secs_f64(1.0 / faster));
        }
    }

    /// Begins with a pace that others have found out.
    pub(super) fn slow_down_to(&mut self, rate: f64, now: Duration) {
        if self.rate.is_none() && rate.is_finite() && rate > 0.0 {
            let rate = rate.max(Self::SLOWEST);
            self.rate = Some(rate);
            self.too_fast = rate;
            self.highest = rate;
            self.lowered = now;
            self.next = now;
        }
    }

    /// The relay complains: the new pace is nine tenths of what it has lately taken, but not less than a quarter of the
    /// present one.
    pub(super) fn complain(&mut self, now: Duration) -> f64 {
        if let Some(rate) = self.rate
            && now < self.lowered + Self::TOGETHER
        {
            return rate;
        }
        let since = self.lowered.max(self.taken.first.unwrap_or(now));
        let taken = self.taken.rate(since, now);
        let slower = match self.rate {
            None if taken > 0.0 => taken * 0.9,
            None => Self::FIRST,
            Some(rate) if taken > 0.0 => (taken * 0.9).clamp(rate * 0.25, rate * 0.9),
            Some(rate) => rate * 0.5,
        };
        // While nothing passes, the rate at which letters passed last is where to climb to.
        if taken > 0.0 || self.too_fast == 0.0 {
            self.too_fast = self.rate.unwrap_or(taken.max(Self::FIRST));
        }
        self.highest = self.highest.max(self.too_fast);
        let slower = slower.max(Self::SLOWEST);
        self.rate = Some(slower);
        self.lowered = now;
        self.next = now + Duration::from_secs_f64(1.0 / slower);
        slower
    }
}

/// Counts over the last second, in slots of a twentieth.
#[derive(Debug, Default)]
struct Lately {
    counts: [u32; Lately::SLOTS],
    newest: u64,
    first: Option<Duration>,
}

impl Lately {
    const SLOTS: usize = 21;
    const SLOT_MS: u128 = 50;

    fn advance(&mut self, now: Duration) -> u64 {
        let number = (now.as_millis() / Self::SLOT_MS) as u64;
        if number > self.newest {
            for passed in (self.newest + 1)..=number.min(self.newest + Self::SLOTS as u64) {
                self.counts[(passed % Self::SLOTS as u64) as usize] = 0;
            }
            self.newest = number;
        }
        self.newest
    }

    fn add(&mut self, now: Duration) {
        self.first.get_or_insert(now);
        let slot = self.advance(now) % Self::SLOTS as u64;
        self.counts[slot as usize] += 1;
    }

    /// Letters a second since then, over the last second at most.
    fn rate(&mut self, since: Duration, now: Duration) -> f64 {
        let stretch = now.saturating_sub(since).clamp(Duration::from_millis(50), Duration::from_secs(1));
        let slots = stretch.as_millis().div_ceil(Self::SLOT_MS) as u32;
        let slot = Duration::from_millis(Self::SLOT_MS as u64);
        // The oldest slot counts as a whole, from its beginning or from `since`.
        let begin = (slot * self.advance(now) as u32).saturating_sub(slot * slots).max(since);
        let covered = now.saturating_sub(begin).max(slot);
        f64::from(self.within(now, slot * slots)) / covered.as_secs_f64()
    }

    /// Letters in this stretch before now, at most a second.
    fn within(&mut self, now: Duration, stretch: Duration) -> u32 {
        let newest = self.advance(now);
        let slots = (stretch.as_millis() / Self::SLOT_MS) as u64;
        let oldest = newest.saturating_sub(slots.min(Self::SLOTS as u64 - 1));
        (oldest..=newest).map(|number| self.counts[(number % Self::SLOTS as u64) as usize]).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A relay that takes so many a second with a reserve of so many, asked as fast as the throttle allows, at most
    /// 20,000 a second. Returns the letters it took.
    fn run(throttle: &mut Throttle, mut now: Duration, seconds: u64, rate: f64, reserve: f64) -> u32 {
        let end = now + Duration::from_secs(seconds);
        let (mut tokens, mut taken, mut refilled) = (reserve, 0, now);
        while now < end {
            if let Some(at) = throttle.wait_until(now) {
                now = at;
                continue;
            }
            throttle.left(now);
            tokens = (tokens + (now - refilled).as_secs_f64() * rate).min(reserve);
            refilled = now;
            now += Duration::from_micros(50);
            if tokens >= 1.0 {
                tokens -= 1.0;
                taken += 1;
                throttle.accepted(now);
            } else {
                throttle.complain(now);
            }
        }
        taken
    }

    #[test]
    fn a_relay_with_a_limit_gets_nearly_as_much_as_it_takes() {
        for (rate, reserve) in [(60.0, 10.0), (100.0, 100.0), (100.0, 500.0), (500.0, 50.0), (2_000.0, 100.0)]
        {
            let mut throttle = Throttle::default();
            let taken = run(&mut throttle, Duration::from_secs(5_000), 30, rate, reserve);
            assert!(f64::from(taken) > rate * 30.0 * 0.85, "{taken} of {} at {rate}", rate * 30.0);
        }
    }

    #[test]
    fn one_complaint_hardly_slows_anything() {
        let mut throttle = Throttle::default();
        let mut now = Duration::from_secs(5_000);
        for _ in 0..100 {
            throttle.left(now);
            now += Duration::from_millis(1);
            throttle.accepted(now);
        }
        assert!(throttle.complain(now) > 700.0, "{throttle:?}");
        run(&mut throttle, now, 10, 1e6, 1e6);
        assert_eq!(throttle.rate, None);
    }

    #[test]
    fn a_relay_that_takes_nothing_for_a_while_gets_all_again_within_seconds() {
        let mut throttle = Throttle::default();
        let mut now = Duration::from_secs(5_000);
        run(&mut throttle, now, 10, 100.0, 100.0);
        now += Duration::from_secs(10);
        // It refuses everything for a minute.
        run(&mut throttle, now, 60, 0.0, 0.0);
        assert!(throttle.rate.unwrap() < 0.5, "{throttle:?}");
        let again = now + Duration::from_secs(60);
        let from = again.max(throttle.next);
        let taken = run(&mut throttle, from, 20, 100.0, 100.0);
        assert!(taken > 1_000, "{taken} of 2,000");
    }

    #[test]
    fn complaints_that_come_together_are_one() {
        let mut throttle = Throttle::default();
        let now = Duration::from_secs(5_000);
        let slower = throttle.complain(now);
        assert_eq!(throttle.complain(now + Duration::from_millis(100)), slower);
        assert!(throttle.complain(now + Duration::from_millis(300)) < slower);
    }
}
