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
    progressed_at: Duration,
}

impl ConnectionCount {
    /// The first probe for one more comes after twice this.
    const PROBE_FIRST: Duration = Duration::from_secs(1);
    const PROBE_MAX: Duration = Duration::from_secs(300);
    /// Refusals within this are one: connections are opened together.
    const TOGETHER: Duration = Duration::from_secs(1);
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
    /// let in as well: how many are left after them says little, so that half of them are tried.
    pub(super) fn refused(&mut self, others: usize, was_let_in: bool, now: Duration) {
        // The relay may still count one that we have just closed.
        if others < self.proven && !self.struck {
            self.struck = true;
            return;
        }
        let first = self.refused_at.is_none_or(|before| before + Self::TOGETHER <= now);
        if self.refused_at.is_none_or(|before| before + Self::REST <= now) {
            self.crowd = others + 1;
        }
        self.refused_at = Some(now);
        let left = if was_let_in { others.max(self.crowd / 2) } else { others };
        self.ceiling = self.ceiling.min(left.max(1));
        self.proven = self.proven.min(self.ceiling);
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

    #[test]
    fn a_relay_that_turns_away_all_when_there_are_too_many_is_asked_with_half_of_them() {
        let mut count = ConnectionCount::new(10, None, Duration::ZERO);
        let mut now = Duration::ZERO;
        // It takes three, and with more it refuses whoever sends next.
        while count.allowed() > 3 {
            for others in (0..count.allowed()).rev().filter(|&others| others > 0) {
                count.refused(others, true, now);
            }
            now += ConnectionCount::REST;
        }
        assert_eq!(count.allowed(), 2);
    }
}
