//! How many connections the relay takes at the same time: learned from what it does. All functions take the time.

use std::time::Duration;

/// The number of connections that may be open.
#[derive(Debug)]
pub(super) struct ConnectionCount {
    configured: usize,
    /// The relay took no more; `configured` while nothing speaks against it.
    ceiling: usize,
    /// Connections that have carried letters side by side.
    proven: usize,
    /// After the relay was away fewer are opened at first, and twice as many each time that letters pass.
    ramp: usize,
    /// Whether a connection was turned away that had been proven to be possible.
    struck: bool,
    /// So many more are tried at the next probe.
    step: usize,
    probe_wait: Duration,
    probe_at: Duration,
    refused_at: Option<Duration>,
    /// Connections that were open when the relay began to turn away, one after the other, those that it had let in.
    crowd: usize,
    /// So many were turned away together: the ceiling below is a guess, and the limit is looked for between the two.
    too_many: Option<usize>,
    guessed_at: Duration,
    progressed_at: Duration,
}

impl ConnectionCount {
    /// The first probe for one more comes after twice this.
    const PROBE_FIRST: Duration = Duration::from_secs(1);
    const PROBE_MAX: Duration = Duration::from_secs(300);
    /// Refusals within this are one: connections are opened together.
    const TOGETHER: Duration = Duration::from_secs(1);
    /// A guess is tried for so long before the next one.
    const GUESS: Duration = Duration::from_millis(150);
    /// After a refusal no connection is opened for so long.
    pub(super) const REST: Duration = Duration::from_millis(50);

    /// `known` is what an earlier run has learned.
    pub(super) fn new(configured: usize, known: Option<usize>, now: Duration) -> Self {
        let configured = configured.max(1);
        let ceiling = known.map_or(configured, |known| known.clamp(1, configured));
        Self {
            configured,
            ceiling,
            proven: known.unwrap_or(0).min(ceiling),
            ramp: configured,
            struck: false,
            step: 1,
            probe_wait: Self::PROBE_FIRST,
            probe_at: now + Self::PROBE_FIRST * 8,
            refused_at: None,
            crowd: 0,
            too_many: None,
            guessed_at: now,
            progressed_at: now,
        }
    }

    /// So many may be open.
    pub(super) fn allowed(&self) -> usize {
        self.ceiling.min(self.ramp).max(1)
    }

    /// Fewer than configured: the relay takes no more.
    pub(super) fn learned(&self) -> Option<usize> {
        (self.ceiling < self.configured && self.proven >= self.ceiling).then_some(self.ceiling)
    }

    /// Whether more may become allowed as time goes by.
    pub(super) fn may_grow(&self) -> bool {
        self.allowed() < self.configured
    }

    /// A connection was turned away while so many others worked. One that `was_let_in` is turned away with others that were
    /// let in as well: how many are left after them says little, so that half of them are tried, and then more.
    pub(super) fn refused(&mut self, others: usize, was_let_in: bool, now: Duration) {
        if self.refused_at.is_none_or(|before| before + Self::REST <= now) {
            self.crowd = others + 1;
        }
        // All but those that have worked side by side, in a crowd that was larger than they are.
        let is_of_a_crowd = was_let_in && self.crowd > self.proven;
        // The relay may still count one that we have just closed.
        if others < self.proven && !is_of_a_crowd && !self.struck {
            self.struck = true;
            return;
        }
        let first = self.refused_at.is_none_or(|before| before + Self::TOGETHER <= now);
        self.refused_at = Some(now);
        let possible = if is_of_a_crowd && self.proven > 0 { self.proven } else { self.crowd / 2 };
        let left = if was_let_in { others.max(possible) } else { others };
        self.ceiling = self.ceiling.min(left.max(1));
        self.proven = self.proven.min(self.ceiling);
        self.too_many = was_let_in.then_some(self.crowd);
        self.guessed_at = now;
        self.step = 1;
        if first {
            self.probe_wait = (self.probe_wait * 2).min(Self::PROBE_MAX);
        }
        self.probe_at = now + self.probe_wait;
    }

    /// The last connection is gone.
    pub(super) fn away(&mut self) {
        self.ramp = 1;
    }

    /// Letters have passed, with so many connections open. Call it as often as you like.
    pub(super) fn progressed(&mut self, open: usize, now: Duration) {
        self.look_for_more(open, now);
        if now < self.progressed_at + Self::TOGETHER {
            return;
        }
        self.progressed_at = now;
        self.struck = false;
        self.ramp = (self.ramp * 2).min(self.configured);
        if self.refused_at.is_some_and(|at| now < at + Self::TOGETHER) {
            return;
        }
        self.proven = self.proven.max(open.min(self.configured));
        if self.ceiling < self.configured && self.probe_at <= now {
            self.ceiling = (self.ceiling + self.step).min(self.configured);
            self.step *= 2;
            self.probe_at = now + Self::TOGETHER;
        }
    }

    /// Letters have passed for a while with as many connections as were guessed: the next guess is in the middle of what is left.
    fn look_for_more(&mut self, open: usize, now: Duration) {
        let Some(too_many) = self.too_many else { return };
        if open < self.ceiling || now < self.guessed_at + Self::GUESS {
            return;
        }
        self.proven = self.proven.max(self.ceiling);
        if self.ceiling + 1 < too_many && self.ramp >= self.configured {
            self.ceiling = usize::midpoint(self.ceiling, too_many);
            self.guessed_at = now;
        } else {
            self.too_many = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A relay that takes so many at once, for so many seconds. Returns the connections open at each second.
    fn run(count: &mut ConnectionCount, takes: usize, seconds: u32) -> Vec<usize> {
        let mut open = 0;
        (1..=seconds)
            .map(|second| {
                let now = SECOND * second;
                while open < count.allowed() {
                    if open == takes {
                        count.refused(open, false, now);
                        if open < count.allowed() {
                            count.refused(open, false, now);
                        }
                    } else {
                        open += 1;
                    }
                }
                count.progressed(open, now + SECOND / 2);
                open
            })
            .collect()
    }

    #[test]
    fn a_relay_that_takes_two_connections_gets_two_at_once_and_is_seldom_asked_for_more() {
        let mut count = ConnectionCount::new(10, None, Duration::ZERO);
        assert!(run(&mut count, 2, 60).iter().all(|&open| open == 2));
        assert_eq!(count.learned(), Some(2));
        let next = ConnectionCount::new(10, count.learned(), Duration::ZERO);
        assert_eq!(next.allowed(), 2);
    }

    #[test]
    fn one_refusal_at_the_start_costs_one_connection_for_seconds() {
        let mut count = ConnectionCount::new(10, None, Duration::ZERO);
        count.refused(9, false, Duration::ZERO);
        assert_eq!(count.allowed(), 9);
        assert_eq!(run(&mut count, 10, 20).last(), Some(&10));
        assert_eq!(count.learned(), None);
    }

    #[test]
    fn a_relay_that_restarted_has_all_connections_again_within_seconds() {
        let mut count = ConnectionCount::new(10, None, Duration::ZERO);
        run(&mut count, 10, 5);
        for others in (0..10).rev() {
            if others > 0 {
                count.refused(others, false, SECOND * 6);
            } else {
                count.away();
            }
        }
        assert_eq!(count.allowed(), 1);
        let mut open = 1;
        for second in 7..30 {
            open = count.allowed().max(open);
            count.progressed(open, SECOND * second);
        }
        assert_eq!(open, 10);
    }

    /// A relay that takes so many, and with more refuses whoever sends next: all of them, or all that came too late.
    /// Returns the seconds until that many are open, and how many refusals there were in a minute.
    fn search(takes: usize, refuses_all: bool) -> (f64, usize) {
        let mut count = ConnectionCount::new(10, None, Duration::ZERO);
        let (mut found, mut refusals, mut rests_until) = (f64::INFINITY, 0, Duration::ZERO);
        for step in 0..3_000_u32 {
            let now = Duration::from_millis(20) * step;
            if now < rests_until {
                continue;
            }
            let open = count.allowed();
            if open <= takes {
                count.progressed(open, now);
                if open == takes {
                    found = found.min(now.as_secs_f64());
                }
                continue;
            }
            let kept = if refuses_all { 1 } else { takes };
            for others in (kept..open).rev() {
                count.refused(others, true, now);
                refusals += 1;
            }
            rests_until = now + ConnectionCount::REST;
        }
        (found, refusals)
    }

    #[test]
    fn a_relay_that_turns_away_those_it_has_let_in_gets_as_many_as_it_takes_within_a_second() {
        for refuses_all in [true, false] {
            for takes in 1..10 {
                let (found, refusals) = search(takes, refuses_all);
                assert!(found < 1.0, "{takes}: after {found} s");
                assert!(refusals < 60, "{takes}: {refusals} refusals");
            }
        }
    }

    #[test]
    fn what_has_worked_is_kept_when_one_more_was_too_many() {
        let mut count = ConnectionCount::new(10, Some(3), Duration::ZERO);
        count.progressed(3, SECOND);
        count.progressed(3, SECOND * 9);
        assert_eq!(count.allowed(), 4);
        for others in [3, 2, 1] {
            count.refused(others, true, SECOND * 10);
        }
        assert_eq!(count.allowed(), 3);
        assert_eq!(count.learned(), Some(3));
    }
}
