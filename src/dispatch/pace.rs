//! How fast letters may leave. All functions take the time; none waits.

use std::{collections::BTreeMap, time::Duration};

use super::{Window, throttle::Throttle};

/// So many letters in any stretch of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// At most this many.
    pub letters: u32,
    /// In any stretch of this length.
    pub per: Duration,
}

/// The owner's wishes about speed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PacePolicy {
    /// All of them hold at once, over all connections and across restarts.
    pub limits: Vec<Limit>,
    /// Limits for recipients' domains, by domain in A-labels.
    pub domains: BTreeMap<String, DomainPolicy>,
    /// Whether a relay that asks for patience gets it on its own.
    pub adaptive: bool,
    /// The hours in which letters may leave.
    pub window: Option<Window>,
    /// So many letters on the first day of sending, on the second, and so on; no such limit afterwards.
    pub warm_up: Vec<u32>,
}

impl PacePolicy {
    /// Whether letters leave as fast as the relay takes them: only it can hold them back.
    pub fn is_free(&self) -> bool {
        self.limits.is_empty() && self.domains.is_empty() && self.window.is_none() && self.warm_up.is_empty()
    }
}

/// The owner's wishes about one recipient domain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DomainPolicy {
    /// All of them hold at once.
    pub limits: Vec<Limit>,
    /// Letters to this domain under way at once; `None` is no limit.
    pub connections: Option<u32>,
}

/// Slots in a meter: the stretch is checked to a sixtieth of its length, on the careful side.
const SLOTS: u64 = 60;

/// Counts letters over a sliding stretch of time.
#[derive(Debug)]
struct Meter {
    limit: Limit,
    slot: Duration,
    /// `counts[n % SLOTS]` belongs to slot number `n`, for the slots up to `newest`.
    counts: [u32; SLOTS as usize],
    newest: u64,
    total: u64,
}

impl Meter {
    fn new(limit: Limit) -> Self {
        // One slot fewer than the ring holds, so that the stretch is always covered in full.
        let slot = (limit.per / (SLOTS as u32 - 1)).max(Duration::from_nanos(1));
        Self { limit, slot, counts: [0; SLOTS as usize], newest: 0, total: 0 }
    }

    fn number(&self, now: Duration) -> u64 {
        (now.as_nanos() / self.slot.as_nanos()) as u64
    }

    /// Forgets what has left the stretch. Time never runs backwards here.
    fn advance(&mut self, now: Duration) {
        let number = self.number(now);
        if number <= self.newest {
            return;
        }
        for passed in (self.newest + 1)..=number.min(self.newest + SLOTS) {
            let index = (passed % SLOTS) as usize;
            self.total -= u64::from(self.counts[index]);
            self.counts[index] = 0;
        }
        self.newest = number;
    }

    /// Writes down letters that left at `then`.
    fn add(&mut self, then: Duration, letters: u32) {
        self.advance(then);
        let number = self.number(then);
        if self.newest < number + SLOTS {
            self.counts[(number % SLOTS) as usize] += letters;
            self.total += u64::from(letters);
        }
    }

    /// Takes back a letter that did not leave after all.
    fn remove_one(&mut self) {
        for back in 0..SLOTS.min(self.newest + 1) {
            let index = ((self.newest - back) % SLOTS) as usize;
            if 0 < self.counts[index] {
                self.counts[index] -= 1;
                self.total -= 1;
                return;
            }
        }
    }

    /// `None` when a letter may leave, otherwise when to ask again.
    fn wait_until(&mut self, now: Duration) -> Option<Duration> {
        self.advance(now);
        if self.total < u64::from(self.limit.letters) {
            return None;
        }
        let oldest = (self.newest + 1).saturating_sub(SLOTS);
        let full = (oldest..=self.newest).find(|number| 0 < self.counts[(number % SLOTS) as usize]);
        let frees = full.map_or(self.newest + 1, |number| number + SLOTS);
        Some(
            self.slot
                .saturating_mul(u32::try_from(frees).unwrap_or(u32::MAX))
                .max(now + Duration::from_micros(1)),
        )
    }
}

/// Lets letters go, or says when to ask again.
#[derive(Debug)]
pub struct Pace {
    relay: Vec<Meter>,
    domains: BTreeMap<String, DomainPace>,
    throttle: Option<Throttle>,
}

#[derive(Debug)]
struct DomainPace {
    meters: Vec<Meter>,
    connections: Option<u32>,
    under_way: u32,
}

/// An answer to [`Pace::ask`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The letter may leave, and is counted.
    Go,
    /// Nothing may leave before then.
    WaitUntil(Duration),
    /// Nothing to this domain before then (or before a letter to it has come back).
    DomainUntil(Option<Duration>),
}

impl Pace {
    /// A pace that has seen nothing yet.
    pub fn new(policy: &PacePolicy) -> Self {
        let meters = |limits: &[Limit]| limits.iter().copied().map(Meter::new).collect::<Vec<_>>();
        Self {
            relay: meters(&policy.limits),
            domains: policy
                .domains
                .iter()
                .map(|(domain, wishes)| {
                    let pace = DomainPace {
                        meters: meters(&wishes.limits),
                        connections: wishes.connections,
                        under_way: 0,
                    };
                    (domain.clone(), pace)
                })
                .collect(),
            throttle: policy.adaptive.then(Throttle::default),
        }
    }

    /// The longest stretch that any limit looks back over.
    pub fn memory(&self) -> Duration {
        let domains = self.domains.values().flat_map(|domain| &domain.meters);
        self.relay.iter().chain(domains).map(|meter| meter.limit.per).max().unwrap_or_default()
    }

    /// Whether anything is limited by recipient domain.
    pub fn limits_domain(&self, domain: &str) -> bool {
        self.domains.contains_key(domain)
    }

    /// Writes down letters of an earlier run. Give them oldest first, before the first `ask`.
    pub fn seed(&mut self, domain: Option<&str>, then: Duration, letters: u32) {
        match domain {
            None => self.relay.iter_mut().for_each(|meter| meter.add(then, letters)),
            Some(domain) => {
                if let Some(pace) = self.domains.get_mut(domain) {
                    pace.meters.iter_mut().for_each(|meter| meter.add(then, letters));
                }
            }
        }
    }

    /// May a letter to this domain leave now? `Go` counts it. `now` never runs backwards.
    pub fn ask(&mut self, domain: &str, now: Duration) -> Ask {
        let answer = self.look(domain, now);
        if answer == Ask::Go {
            if let Some(pace) = self.domains.get_mut(domain) {
                pace.meters.iter_mut().for_each(|meter| meter.add(now, 1));
                pace.under_way += 1;
            }
            self.relay.iter_mut().for_each(|meter| meter.add(now, 1));
            if let Some(throttle) = &mut self.throttle {
                throttle.left(now);
            }
        }
        answer
    }

    /// What [`Self::ask`] would say; nothing is counted.
    pub fn look(&mut self, domain: &str, now: Duration) -> Ask {
        let relay = self.relay.iter_mut().filter_map(|meter| meter.wait_until(now)).max();
        let throttle = self.throttle.as_mut().and_then(|throttle| throttle.wait_until(now));
        if let Some(until) = relay.max(throttle) {
            return Ask::WaitUntil(until);
        }
        if let Some(pace) = self.domains.get_mut(domain) {
            if pace.connections.is_some_and(|most| most <= pace.under_way) {
                return Ask::DomainUntil(None);
            }
            if let Some(until) = pace.meters.iter_mut().filter_map(|meter| meter.wait_until(now)).max() {
                return Ask::DomainUntil(Some(until));
            }
        }
        Ask::Go
    }

    /// Whether the relay's wish for patience, rather than a limit of the owner, holds the next letter.
    pub fn is_patient(&mut self, now: Duration) -> bool {
        let throttle = self.throttle.as_mut().and_then(|throttle| throttle.wait_until(now));
        throttle.is_some() && self.relay.iter_mut().filter_map(|meter| meter.wait_until(now)).max() < throttle
    }

    /// A letter has come back with an answer.
    pub fn answered(&mut self, domain: &str) {
        if let Some(pace) = self.domains.get_mut(domain) {
            pace.under_way = pace.under_way.saturating_sub(1);
        }
    }

    /// A letter was taken back before it left.
    pub fn taken_back(&mut self, domain: &str) {
        self.answered(domain);
        self.relay.iter_mut().for_each(Meter::remove_one);
        if let Some(pace) = self.domains.get_mut(domain) {
            pace.meters.iter_mut().for_each(Meter::remove_one);
        }
    }

    /// The relay says that we are too fast. Returns the new pace in letters a second, if it is adaptive.
    pub fn throttled(&mut self, now: Duration) -> Option<f64> {
        self.throttle.as_mut().map(|throttle| throttle.complain(now))
    }

    /// A letter was accepted.
    pub fn accepted(&mut self, now: Duration) {
        if let Some(throttle) = &mut self.throttle {
            throttle.accepted(now);
        }
    }

    /// The adaptive pace, in letters a second; `None` while nobody complained.
    pub fn rate(&self) -> Option<f64> {
        self.throttle.as_ref().and_then(|throttle| throttle.rate)
    }
}

#[cfg(test)]
mod tests;
