use std::time::Duration;

use jiff::Timestamp;

use crate::{
    ledger::Next,
    transport::{Complaint, Outcome, Reply, complaint},
};

/// When a deferred letter comes back, and when it is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all; the last deferral fails the letter.
    pub attempts_max: u32,
    /// The wait before the second attempt.
    pub first_wait: Duration,
    /// No wait is longer than this.
    pub wait_max: Duration,
    /// So long after its first try a letter is given up. (Not after the opening of the dispatch: a warm-up, a later plan
    /// or the owner's word may bring its first try weeks later.)
    pub give_up_after: Duration,
}

impl Default for RetryPolicy {
    /// One quick try after a minute, then half an hour and more apart, for two days: RFC 5321 section 4.5.4.1 asks
    /// for 30 minutes and allows four to five days, but news that is a week old is no news.
    fn default() -> Self {
        let hour = Duration::from_secs(3600);
        Self {
            attempts_max: 12,
            first_wait: Duration::from_secs(60),
            wait_max: 4 * hour,
            give_up_after: 48 * hour,
        }
    }
}

/// The wait when a refusal was not about the letter.
const QUICK: Duration = Duration::from_secs(1);
/// The wait when it was about the connection: another one is open, or will be in a moment.
const ON_ANOTHER_CONNECTION: Duration = Duration::from_millis(50);

impl RetryPolicy {
    /// Decides what follows an attempt; reads no clock and touches no ledger.
    ///
    /// `attempt` counts from 1; `chance` is drawn by the caller, from 0 to 1, and stretches the wait by up to a
    /// quarter so that letters deferred together do not come back together. `first_tried` is when an attempt ended first.
    pub fn after(
        &self,
        outcome: &Outcome,
        attempt: u32,
        first_tried: Timestamp,
        now: Timestamp,
        chance: f64,
    ) -> Next {
        match outcome {
            Outcome::Accepted { .. } => Next::Close,
            Outcome::Rejected { .. } => Next::Close,
            Outcome::Unconfirmed { .. } => Next::Close,
            Outcome::Deferred { stage, reply } => {
                let wait = self
                    .wait_after(complaint(*stage, reply), attempt)
                    .mul_f64(1.0 + chance.clamp(0.0, 1.0) / 4.0);
                let at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
                let last = first_tried.checked_add(self.give_up_after).unwrap_or(Timestamp::MAX);
                if self.attempts_max <= attempt || last < at { Next::Close } else { Next::RetryAt(at) }
            }
        }
    }

    /// A person who cannot get the letter now is waited for. When it was not about the person, the letter comes back
    /// soon: after a second, four times that, sixteen times, and then as usual. If it was about the connection it comes back after
    /// 50 and 100 ms, while it is found out how many connections there may be, then after 1.6 s and four times as long each time.
    fn wait_after(&self, complaint: Complaint, attempt: u32) -> Duration {
        let longer = |than: Duration| {
            than.saturating_mul(4_u32.saturating_pow(attempt.saturating_sub(1))).min(self.wait(attempt))
        };
        match complaint {
            Complaint::Connections | Complaint::Session if attempt <= 2 => {
                (ON_ANOTHER_CONNECTION * attempt).min(self.wait(attempt))
            }
            Complaint::Connections | Complaint::Session => longer(ON_ANOTHER_CONNECTION * 2),
            Complaint::Rate => longer(QUICK),
            // It may have been the connection, then the pace.
            Complaint::Unclear if attempt <= 1 => ON_ANOTHER_CONNECTION.min(self.wait(attempt)),
            Complaint::Unclear if attempt == 2 => QUICK.min(self.wait(attempt)),
            Complaint::Unclear => self.wait(attempt - 2),
            Complaint::Letter => self.wait(attempt),
        }
    }

    /// The wait after the given attempt (from 1): the first is quick, the second thirty times that, then doubling.
    fn wait(&self, attempt: u32) -> Duration {
        let factor = match attempt {
            0 | 1 => 1,
            later => 30_u32.saturating_mul(1 << (later - 2).min(10)),
        };
        self.first_wait.saturating_mul(factor).min(self.wait_max)
    }
}

/// Whether a refusal says that there is no such person, so that writing again would only do harm.
///
/// Unknown mailbox (RFC 3463 X.1.1, X.1.2, X.1.3, X.1.6, and X.1.10 of RFC 7505), or a 550/553 to RCPT that names no
/// enhanced code but says so in words. A full mailbox (X.2.2), a policy (X.7.x) and everything about content never
/// count.
pub(super) fn means_no_such_person(reply: &Reply) -> bool {
    match reply.enhanced {
        Some((5, 1, detail)) => matches!(detail, 0 | 1 | 2 | 3 | 6 | 10),
        Some(_) => false,
        None if matches!(reply.code, 550 | 551 | 553) => {
            let text = reply.text.to_lowercase();
            [
                "unknown user",
                "user unknown",
                "no such user",
                "does not exist",
                "no mailbox",
                "unknown recipient",
            ]
            .iter()
            .any(|words| text.contains(words))
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Stage;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn reply(text: &str) -> Reply {
        let mut words = text.splitn(3, ' ');
        let code = words.next().unwrap().parse().unwrap();
        let second = words.next().unwrap_or_default();
        let numbers: Vec<u16> = second.split('.').filter_map(|n| n.parse().ok()).collect();
        let enhanced = (numbers.len() == 3).then(|| (numbers[0] as u8, numbers[1], numbers[2]));
        Reply { code, enhanced, text: text.to_owned() }
    }

    #[track_caller]
    fn check(outcome: Outcome, attempt: u32, expected: Next) {
        let policy = RetryPolicy {
            attempts_max: 4,
            first_wait: MINUTE,
            wait_max: 60 * MINUTE,
            ..RetryPolicy::default()
        };
        assert_eq!(policy.after(&outcome, attempt, at(0), at(0), 0.0), expected);
    }

    fn deferred() -> Outcome {
        Outcome::Deferred { stage: Stage::Rcpt, reply: reply("451 4.3.0 later") }
    }

    #[test]
    fn a_deferred_letter_waits_longer_each_time_and_then_fails() {
        check(deferred(), 1, Next::RetryAt(at(60)));
        check(deferred(), 2, Next::RetryAt(at(1800)));
        check(deferred(), 3, Next::RetryAt(at(3600)));
        check(deferred(), 4, Next::Close);
    }

    #[test]
    fn a_refusal_that_may_be_about_the_connection_is_tried_again_at_once() {
        let policy = RetryPolicy::default();
        let unclear = Outcome::Deferred { stage: Stage::Body, reply: reply("451 4.7.0 Too many messages") };
        let waits = [(1, 50), (2, 1_000), (3, 60_000), (4, 1_800_000)];
        for (attempt, milliseconds) in waits {
            let then = Timestamp::from_millisecond(milliseconds).unwrap();
            assert_eq!(policy.after(&unclear, attempt, at(0), at(0), 0.0), Next::RetryAt(then), "{attempt}");
        }
    }

    #[test]
    fn a_letter_that_met_too_many_connections_comes_back_soon_and_is_not_given_up_for_hours() {
        let policy = RetryPolicy::default();
        let crowded =
            Outcome::Deferred { stage: Stage::Mail, reply: reply("421 4.4.5 Too many connections") };
        let wait = |attempt| match policy.after(&crowded, attempt, at(0), at(0), 0.0) {
            Next::RetryAt(then) => then.as_millisecond(),
            other => panic!("{other:?} at attempt {attempt}"),
        };
        assert_eq!([1, 2, 3, 4].map(wait), [50, 100, 1_600, 6_400]);
        assert!((1..policy.attempts_max).map(wait).sum::<i64>() > 4 * 3_600_000);
    }

    #[test]
    fn other_outcomes_close_the_delivery() {
        check(Outcome::Accepted { reply: reply("250 2.0.0 ok") }, 1, Next::Close);
        check(Outcome::Rejected { stage: Stage::Rcpt, reply: reply("550 5.1.1 no") }, 1, Next::Close);
        check(Outcome::Unconfirmed { why: "closed".into() }, 1, Next::Close);
    }

    #[test]
    fn a_letter_is_given_up_when_it_is_old() {
        let policy = RetryPolicy { give_up_after: 10 * MINUTE, ..RetryPolicy::default() };
        assert_eq!(policy.after(&deferred(), 1, at(0), at(500), 0.0), Next::RetryAt(at(560)));
        assert_eq!(policy.after(&deferred(), 1, at(0), at(560), 0.0), Next::Close);
    }

    #[test]
    fn only_a_missing_person_is_a_missing_person() {
        for (text, expected) in [
            ("550 5.1.1 <x@y> unknown", true),
            ("550 5.1.10 null mx", true),
            ("550 5.1.2 no such domain", true),
            ("550 No such user here", true),
            ("550 5.1.8 bad sender", false),
            ("550 5.7.1 blocked", false),
            ("552 5.2.2 mailbox full", false),
            ("550 Blocked by policy", false),
            ("554 5.6.0 content", false),
        ] {
            assert_eq!(means_no_such_person(&reply(text)), expected, "{text}");
        }
    }
}
