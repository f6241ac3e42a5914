//! The senders that share limits at this moment, and each one's share of what cannot be granted letter by letter. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A sender that was not heard of for so long is gone, in milliseconds.
const GONE: i64 = 7_000;

/// Who sends, as the ledger holds it: by the number of each worker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Peers(BTreeMap<u64, Peer>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Peer {
    /// When it was last heard of, in milliseconds.
    seen: i64,
    /// Letters a second that its relay takes from it, if the relay has complained.
    rate: Option<f64>,
    /// Which relay that is: senders through several relays are listed together.
    #[serde(default)]
    relay: String,
}

/// Which one of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    index: u32,
    of: u32,
}

impl Default for Position {
    fn default() -> Self {
        Self { index: 0, of: 1 }
    }
}

impl Position {
    /// This one's part of a limit. At least one: a sender without a share would have to leave letters to others that may have
    /// no part in them, and no one would send them.
    pub(super) fn share(self, limit: u32) -> u32 {
        (limit / self.of + u32::from(self.index < limit % self.of)).max(1)
    }
}

impl Peers {
    pub(super) fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    pub(super) fn write(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// Notes that a sender is at work; which one it is. Who came first stays first.
    pub(super) fn note(&mut self, worker: u64, relay: &str, rate: Option<f64>, now: Timestamp) -> Position {
        let now = now.as_millisecond();
        self.0.retain(|_, peer| (now - peer.seen).abs() < GONE);
        self.0.insert(worker, Peer { seen: now, rate, relay: relay.to_owned() });
        let index = self.0.keys().take_while(|other| **other < worker).count();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Position { index: number(index), of: number(self.0.len()) }
    }

    /// A sender has ended.
    pub(super) fn leave(&mut self, worker: u64) {
        self.0.remove(&worker);
    }

    /// What this relay takes from each of the others that use it at the moment, on average; `None` while it has complained to none
    /// of them.
    pub(super) fn rate_of_others(&self, worker: u64, relay: &str, now: Timestamp) -> Option<f64> {
        let now = now.as_millisecond();
        let others = self.0.iter().filter(|(other, peer)| {
            **other != worker && peer.relay == relay && (now - peer.seen).abs() < GONE
        });
        let rates: Vec<f64> = others.filter_map(|(_, peer)| peer.rate).collect();
        (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / rates.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_all_senders_are_the_limit_and_no_one_has_none() {
        for limit in 1..20 {
            for of in 1..12 {
                let shares = (0..of).map(|index| Position { index, of }.share(limit));
                assert_eq!(shares.sum::<u32>(), limit.max(of), "{limit} of {of}");
            }
        }
    }

    #[test]
    fn who_is_not_heard_of_gives_its_share_back_and_who_came_first_stays_first() {
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        let mut peers = Peers::default();
        assert_eq!(peers.note(4, "a", None, at(0)), Position { index: 0, of: 1 });
        assert_eq!(peers.note(9, "a", Some(2.0), at(1)), Position { index: 1, of: 2 });
        assert_eq!(peers.note(6, "a", Some(4.0), at(2)), Position { index: 1, of: 3 });
        assert_eq!(peers.rate_of_others(4, "a", at(2)), Some(3.0));
        assert_eq!(peers.rate_of_others(9, "a", at(2)), Some(4.0));
        assert_eq!(peers.rate_of_others(4, "a", at(20)), None, "they are long gone");
        assert_eq!(Peers::read(peers.write().as_deref()), peers);
        peers.leave(6);
        assert_eq!(peers.note(9, "a", None, at(3)), Position { index: 1, of: 2 });
        assert_eq!(peers.note(9, "a", None, at(8)), Position { index: 0, of: 1 });
        assert_eq!(peers.rate_of_others(9, "a", at(8)), None);
    }

    #[test]
    fn what_one_relay_takes_says_nothing_about_another() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut peers = Peers::default();
        peers.note(1, "slow", Some(2.0), now);
        peers.note(2, "quick", Some(200.0), now);
        peers.note(3, "quick", Some(400.0), now);
        peers.note(4, "new", None, now);
        for (relay, expected) in [("slow", Some(2.0)), ("quick", Some(300.0)), ("new", None), ("other", None)]
        {
            assert_eq!(peers.rate_of_others(9, relay, now), expected, "{relay}");
        }
    }
}
