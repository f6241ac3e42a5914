//! How fast letters may leave. All functions take the time; none waits.

mod allowance;
mod budget;
mod limit;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::{peers::Position, throttle::Throttle, window::Window};
use allowance::Allowance;
pub(super) use allowance::Request;
pub(super) use budget::{Budget, Day, Taken, Used};
pub use limit::Limit;

/// The limits that the owner sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PacePolicy {
    /// All of them hold at once, over all connections and all senders of a ledger, and across restarts.
    pub limits: Vec<Limit>,
    /// Limits for recipients' domains, by domain in A-labels.
    pub domains: BTreeMap<String, DomainPolicy>,
    /// Whether a run slows down by itself for a relay that asks it to.
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

/// The owner's limits for one recipient domain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DomainPolicy {
    /// All of them hold at once.
    pub limits: Vec<Limit>,
    /// Letters to this domain under way at once, of all senders together, with at least one for each; `None` is no limit.
    pub connections: Option<u32>,
}

/// Lets letters go, or says when to ask again. Limits are budgets that all senders of a ledger share: what is granted of them
/// here comes from the ledger, and goes back there if it is not used.
#[derive(Debug)]
pub(super) struct Pace {
    /// What every letter needs.
    general: Vec<Allowance>,
    domains: BTreeMap<String, DomainPace>,
    throttle: Option<Throttle>,
    /// Which one of the senders that share the connections by domain this is.
    position: Position,
    /// How long the ledger took to answer last.
    answer_time: Duration,
}

#[derive(Debug)]
struct DomainPace {
    allowance: Option<Allowance>,
    connections: Option<u32>,
    under_way: u32,
}

/// An answer to [`Pace::ask`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// The letter may leave, and is counted.
    Go,
    /// Nothing may leave before then.
    WaitUntil(Duration),
    /// Nothing to this domain before then (or before a letter to it has come back).
    DomainUntil(Option<Duration>),
}

/// Which allowance of a pace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// One that every letter needs, by its place.
    General(usize),
    /// A domain's.
    Domain(String),
}

/// What the ledger granted to a request.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) scope: Scope,
    /// When the request was sent.
    pub(super) sent: Duration,
    /// `None` if nothing was wanted.
    pub(super) taken: Option<Taken>,
}

/// What earlier letters and other senders mean for one pace: the budgets that the policy makes of its limits.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares {
    /// The relay that letters leave through, by its name in the ledger.
    pub(super) relay: String,
    /// All relays of the run: the policy's limits are for all of them together.
    pub(super) relays: Vec<String>,
    /// Limits of this relay alone.
    pub(super) own: Vec<Limit>,
}

impl Shares {
    /// What those who share the policy's limits have in common.
    pub(super) fn name(&self) -> &str {
        if self.relays.len() > 1 { "all relays" } else { &self.relay }
    }
}

impl Pace {
    /// A pace to which nothing was granted yet.
    pub(super) fn new(policy: &PacePolicy, shares: &Shares) -> Self {
        let name = shares.name();
        let budget = |name: String, limits: &[Limit], relays: &[String], domain: Option<&String>| Budget {
            name,
            limits: limits.to_vec(),
            day: None,
            relays: relays.to_vec(),
            domain: domain.cloned(),
        };
        let own = std::slice::from_ref(&shares.relay);
        let mut general = vec![
            budget(format!("pace: {name}"), &policy.limits, &shares.relays, None),
            budget(format!("pace: only {}", shares.relay), &shares.own, own, None),
        ];
        general.retain(|budget| !budget.is_free());
        if !policy.warm_up.is_empty() {
            general.push(budget(WARM_UP.to_owned(), &[], &[], None));
        }
        let domains = policy.domains.iter().map(|(domain, policy)| {
            let limits =
                budget(format!("pace: {name}: {domain}"), &policy.limits, &shares.relays, Some(domain));
            let pace = DomainPace {
                allowance: (!limits.is_free()).then(|| Allowance::new(limits)),
                connections: policy.connections,
                under_way: 0,
            };
            (domain.clone(), pace)
        });
        Self {
            general: general.into_iter().map(Allowance::new).collect(),
            domains: domains.collect(),
            throttle: policy.adaptive.then(Throttle::default),
            position: Position::default(),
            answer_time: Duration::ZERO,
        }
    }

    /// The budgets that the letters of the last days count towards.
    pub(super) fn budgets(&self) -> Vec<Budget> {
        let domains = self.domains.values().filter_map(|domain| domain.allowance.as_ref());
        self.general.iter().chain(domains).map(|allowance| allowance.budget().clone()).collect()
    }

    /// How many letters are granted at a time; `None` without a limit for all letters.
    pub(super) fn lot(&self) -> Option<u32> {
        let limited = self.general.iter().map(Allowance::budget).filter(|budget| !budget.limits.is_empty());
        limited.map(Budget::lot).min()
    }

    /// So many letters to a domain are enough to have at hand, `most` at most: other senders need some too.
    pub(super) fn enough(&self, domain: &str, most: usize) -> usize {
        let allowance = self.domains.get(domain).and_then(|pace| pace.allowance.as_ref());
        allowance
            .map_or(most, |allowance| most.min(allowance.budget().lot().saturating_mul(4).max(10) as usize))
    }

    /// Whether anything is limited by recipient domain.
    pub(super) fn limits_domain(&self, domain: &str) -> bool {
        self.domains.contains_key(domain)
    }

    /// Whether connections by domain are limited.
    pub(super) fn limits_connections(&self) -> bool {
        self.domains.values().any(|domain| domain.connections.is_some())
    }

    /// Takes another share of connections by domain. False if it is the same.
    pub(super) fn set_position(&mut self, position: Position) -> bool {
        std::mem::replace(&mut self.position, position) != position
    }

    /// So many letters may leave on this day; `None` is no limit.
    pub(super) fn set_day(&mut self, day: Option<Day>) -> Option<Budget> {
        let warm_up = self.general.iter_mut().find(|allowance| allowance.budget().name == WARM_UP)?;
        let budget = Budget { day, ..warm_up.budget().clone() };
        warm_up.replace(budget.clone());
        Some(budget)
    }

    /// When the day ends whose letters have left.
    pub(super) fn day_over_until(&self) -> Option<Timestamp> {
        let over = self.general.iter().find(|allowance| allowance.is_day_over())?;
        over.budget().day.map(|day| day.ends)
    }

    /// May a letter to this domain leave now? `Go` counts it. `now` never runs backwards.
    pub(super) fn ask(&mut self, domain: &str, now: Duration) -> Ask {
        let answer = self.look(domain, now);
        if answer == Ask::Go {
            if let Some(pace) = self.domains.get_mut(domain) {
                pace.allowance.iter_mut().for_each(Allowance::spend);
                pace.under_way += 1;
            }
            self.limited().for_each(Allowance::spend);
            if let Some(throttle) = &mut self.throttle {
                throttle.left(now);
            }
        }
        answer
    }

    /// The general allowances that limit anything today.
    fn limited(&mut self) -> impl Iterator<Item = &mut Allowance> {
        self.general.iter_mut().filter(|allowance| !allowance.budget().is_free())
    }

    /// What [`Self::ask`] would say; nothing is counted.
    pub(super) fn look(&mut self, domain: &str, now: Duration) -> Ask {
        let closed = self.limited().filter_map(|allowance| allowance.closed_until(now)).max();
        let throttle = self.throttle.as_mut().and_then(|throttle| throttle.wait_until(now));
        if let Some(until) = closed.max(throttle) {
            return Ask::WaitUntil(until);
        }
        let position = self.position;
        if let Some(pace) = self.domains.get_mut(domain) {
            if pace.connections.is_some_and(|most| pace.under_way >= position.share(most)) {
                return Ask::DomainUntil(None);
            }
            if let Some(until) = pace.allowance.as_mut().and_then(|allowance| allowance.look(now)) {
                return Ask::DomainUntil(Some(until));
            }
        }
        // All are looked at, so that the ledger is asked for all of them at once.
        let waits: Vec<Duration> = self.limited().filter_map(|allowance| allowance.look(now)).collect();
        waits.into_iter().max().map_or(Ask::Go, Ask::WaitUntil)
    }

    /// Whether the relay, which asked us to slow down, holds the next letter, rather than a limit of the owner.
    pub(super) fn is_patient(&mut self, now: Duration) -> bool {
        let throttle = self.throttle.as_mut().and_then(|throttle| throttle.wait_until(now));
        throttle.is_some()
            && self.limited().filter_map(|allowance| allowance.closed_until(now)).max() < throttle
    }

    /// A letter has come back with an answer.
    pub(super) fn answered(&mut self, domain: &str) {
        if let Some(pace) = self.domains.get_mut(domain) {
            pace.under_way = pace.under_way.saturating_sub(1);
        }
    }

    /// A letter was taken back before it left.
    pub(super) fn taken_back(&mut self, domain: &str, now: Duration) {
        self.answered(domain);
        self.limited().for_each(|allowance| allowance.take_back(now));
        if let Some(allowance) = self.domains.get_mut(domain).and_then(|pace| pace.allowance.as_mut()) {
            allowance.take_back(now);
        }
    }

    /// Whether the ledger is to be asked something now.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        let domains = self.domains.values().filter_map(|domain| domain.allowance.as_ref());
        self.general.iter().chain(domains).any(|allowance| allowance.is_due(now))
    }

    /// What to ask the ledger for. `waiting` says how many letters wait, of a domain or in all.
    pub(super) fn requests(
        &mut self,
        now: Duration,
        waiting: impl Fn(Option<&str>) -> u32,
    ) -> Vec<(Scope, Request)> {
        // A letter needs all of them at once: with a slow ledger, some would lapse while others are asked for.
        let domains = self.domains.values_mut().filter_map(|domain| domain.allowance.as_mut());
        let is_missed = self.general.iter_mut().chain(domains).any(|allowance| allowance.is_missed(now));
        let ahead = if is_missed { self.answer_time } else { Duration::ZERO };
        let mut requests = Vec::new();
        for (domain, pace) in &mut self.domains {
            let Some(allowance) = &mut pace.allowance else { continue };
            let request = allowance.request(now, ahead, waiting(Some(domain)));
            requests.extend(request.map(|request| (Scope::Domain(domain.clone()), request)));
        }
        for (place, allowance) in self.general.iter_mut().enumerate() {
            let request = allowance.request(now, ahead, waiting(None));
            requests.extend(request.map(|request| (Scope::General(place), request)));
        }
        requests
    }

    /// When the ledger is to be asked next, unless a letter is wanted before.
    pub(super) fn due_at(&self) -> Option<Duration> {
        let domains = self.domains.values().filter_map(|domain| domain.allowance.as_ref());
        self.general.iter().chain(domains).filter_map(Allowance::due_at).min()
    }

    /// What the ledger granted, at `now`, to requests that were made together; each with when it was sent.
    pub(super) fn granted(&mut self, answers: Vec<Answer>, now: Duration) {
        let first = answers.iter().map(|answer| answer.sent).min();
        self.answer_time = first.map_or(Duration::ZERO, |first| now.saturating_sub(first));
        for Answer { scope, sent, taken } in answers {
            let allowance = match scope {
                Scope::General(place) => self.general.get_mut(place),
                Scope::Domain(domain) => {
                    self.domains.get_mut(&domain).and_then(|pace| pace.allowance.as_mut())
                }
            };
            if let Some(allowance) = allowance {
                allowance.answered(sent, now, taken);
            }
        }
    }

    /// What was granted and did not leave, at the end.
    pub(super) fn close(&mut self) -> Vec<Request> {
        let domains = self.domains.values_mut().filter_map(|domain| domain.allowance.as_mut());
        self.general.iter_mut().chain(domains).filter_map(Allowance::close).collect()
    }

    /// The relay says that we are too fast. Returns the new pace in letters a second, if it is adaptive.
    pub(super) fn throttled(&mut self, now: Duration) -> Option<f64> {
        self.throttle.as_mut().map(|throttle| throttle.complain(now))
    }

    /// A letter was accepted.
    pub(super) fn accepted(&mut self, now: Duration) {
        if let Some(throttle) = &mut self.throttle {
            throttle.accepted(now);
        }
    }

    /// Begins with this pace, if it is adaptive.
    pub(super) fn slow_down_to(&mut self, rate: f64, now: Duration) {
        if let Some(throttle) = &mut self.throttle {
            throttle.slow_down_to(rate, now);
        }
    }

    /// The adaptive pace, in letters a second; `None` while no one complained.
    pub(super) fn rate(&self) -> Option<f64> {
        self.throttle.as_ref().and_then(|throttle| throttle.rate)
    }
}

/// The budget of the warm-up: it counts all letters of a ledger, through whichever relay.
const WARM_UP: &str = "pace: warm-up";

#[cfg(test)]
mod tests;
