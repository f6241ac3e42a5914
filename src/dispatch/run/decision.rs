//! What the run loop does next: pure functions of what it knows.

use std::time::Duration;

use jiff::Timestamp;

use crate::dispatch::{clock::between, queue::Outlook, settings::Settings, wait::Wait};

/// What is known when the loop decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) outlook: Outlook,
    /// The queue should be filled before connections have to wait for it.
    pub(super) runs_low: bool,
    /// Whether a connection is open.
    pub(super) connected: bool,
    /// Whether the relay is left alone for a while, because it cannot be used.
    pub(super) relay_rests: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Stopped, and everything has come to an end.
    End,
    /// Ask the ledger for more, and look again.
    Refill,
    /// See to connections for so many letters, after asking the ledger for more if the queue `runs_low`.
    Connect { letters: usize, runs_low: bool },
    /// Until the relay is tried again; before, ask the ledger for more if the queue `runs_low`.
    AwaitRelay { runs_low: bool },
    /// Nothing may leave until then, and it is worth waiting for.
    Await { why: Wait, until: Timestamp },
    /// Nothing may leave until then: another run goes on.
    Pause { why: Wait, until: Timestamp },
    /// Nothing is at hand and nothing under way: ask the ledger when something is due.
    AskWhenDue,
    /// Something under way will change how things are.
    Listen,
}

/// What to do, as things are.
pub(super) fn decide(situation: Situation, settings: &Settings, now: Timestamp) -> Action {
    let Situation { outlook, runs_low, connected, relay_rests } = situation;
    match outlook {
        Outlook::Stopped if !connected => Action::End,
        Outlook::Stopped | Outlook::UnderWay => Action::Listen,
        Outlook::Refill => Action::Refill,
        Outlook::Ready(_) if relay_rests => Action::AwaitRelay { runs_low },
        Outlook::Ready(letters) => Action::Connect { letters, runs_low },
        Outlook::Paced(why, until) if connected || may_wait(settings, now, why, until) => {
            Action::Await { why, until }
        }
        Outlook::Paced(why, until) => Action::Pause { why, until },
        Outlook::Empty if connected => Action::Listen,
        Outlook::Empty => Action::AskWhenDue,
    }
}

/// What to do when nothing is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenEmpty {
    /// Nothing is left.
    Finish,
    /// It is due.
    Claim,
    /// No wait is that long: the clock was ahead when the letter was put off.
    ForgetWaits,
    /// Wait for it in this run.
    Await(Timestamp),
    /// Another run goes on.
    Pause(Timestamp),
}

/// What to do when the next letter is due then, if one is.
pub(super) fn when_empty(due: Option<Timestamp>, settings: &Settings, now: Timestamp) -> WhenEmpty {
    let Some(due) = due else { return WhenEmpty::Finish };
    if between(now, due) > settings.retry.wait_max * 2 {
        WhenEmpty::ForgetWaits
    } else if due <= now {
        WhenEmpty::Claim
    } else if may_wait(settings, now, Wait::Deferred, due) {
        WhenEmpty::Await(due)
    } else {
        WhenEmpty::Pause(due)
    }
}

/// Whether a run waits so long for this reason.
fn may_wait(settings: &Settings, now: Timestamp, why: Wait, until: Timestamp) -> bool {
    if let Some(last) = settings.until {
        return until <= last;
    }
    let wait = between(now, until);
    match why {
        Wait::Pace | Wait::Throttled => wait <= Settings::PACE_WAIT_MAX,
        Wait::Deferred => wait <= settings.linger,
        Wait::Window | Wait::WarmUp => false,
    }
}

/// The relay went away; what is known of that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Absence {
    /// Waiting may help.
    pub(super) is_passing: bool,
    /// No more letters are given out.
    pub(super) is_stopped: bool,
    /// Whether other connections are open.
    pub(super) connected: bool,
    /// Whether it has taken a letter in this run.
    pub(super) has_accepted: bool,
    /// Whether the run has other relays, which take its letters meanwhile.
    pub(super) has_others: bool,
    /// How many times in a row, and for how long.
    pub(super) times: u32,
    pub(super) since: Duration,
}

/// How long to leave the relay alone; `None` when there is no point in trying again.
pub(super) fn relay_wait(absence: Absence, settings: &Settings, now: Timestamp) -> Option<Duration> {
    const STEP: Duration = Duration::from_millis(250);
    let Absence { is_passing, is_stopped, connected, has_accepted, has_others, times, since } = absence;
    if !is_passing || is_stopped {
        return None;
    }
    let is_patient = match settings.until {
        _ if has_others => times <= 2 || connected,
        Some(until) => now < until,
        // A relay that never took a letter in this run is most likely not set up.
        None if !has_accepted => times <= 3,
        None => since < Settings::RELAY_WAIT_MAX || connected,
    };
    is_patient.then(|| {
        if connected { STEP } else { STEP.saturating_mul(1 << times.min(8)).min(Duration::from_secs(60)) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_672_400_000).unwrap()
    }

    fn later(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_672_400_000 + seconds).unwrap()
    }

    #[track_caller]
    fn check(outlook: Outlook, connected: bool, expected: Action) {
        let situation = Situation { outlook, runs_low: false, connected, relay_rests: false };
        assert_eq!(decide(situation, &Settings::default(), now()), expected, "{outlook:?}, {connected}");
    }

    #[test]
    fn a_stopped_run_ends_when_its_connections_have_ended() {
        check(Outlook::Stopped, true, Action::Listen);
        check(Outlook::Stopped, false, Action::End);
    }

    #[test]
    fn an_empty_queue_is_nothing_to_ask_about_while_a_connection_is_open() {
        check(Outlook::Empty, true, Action::Listen);
        check(Outlook::Empty, false, Action::AskWhenDue);
        check(Outlook::UnderWay, true, Action::Listen);
        check(Outlook::Refill, true, Action::Refill);
    }

    #[test]
    fn a_short_limit_is_waited_for_and_a_closed_window_is_not() {
        let until = later(60);
        check(Outlook::Paced(Wait::Pace, until), false, Action::Await { why: Wait::Pace, until });
        check(Outlook::Paced(Wait::Window, until), false, Action::Pause { why: Wait::Window, until });
        check(Outlook::Paced(Wait::Window, until), true, Action::Await { why: Wait::Window, until });
        let until = later(3_601);
        check(Outlook::Paced(Wait::Throttled, until), false, Action::Pause { why: Wait::Throttled, until });
    }

    #[test]
    fn a_relay_that_rests_gets_no_connections_and_the_queue_is_filled_all_the_same() {
        let situation =
            Situation { outlook: Outlook::Ready(9), runs_low: true, connected: true, relay_rests: true };
        let settings = Settings::default();
        assert_eq!(decide(situation, &settings, now()), Action::AwaitRelay { runs_low: true });
        let situation = Situation { relay_rests: false, ..situation };
        assert_eq!(decide(situation, &settings, now()), Action::Connect { letters: 9, runs_low: true });
    }

    #[test]
    fn a_deferred_letter_is_waited_for_claimed_or_left_to_another_run() {
        let settings = Settings::default();
        let linger = settings.linger.as_secs() as i64;
        let longest = settings.retry.wait_max.as_secs() as i64 * 2;
        for (due, expected) in [
            (None, WhenEmpty::Finish),
            (Some(now()), WhenEmpty::Claim),
            (Some(later(linger)), WhenEmpty::Await(later(linger))),
            (Some(later(linger + 1)), WhenEmpty::Pause(later(linger + 1))),
            (Some(later(longest + 1)), WhenEmpty::ForgetWaits),
        ] {
            assert_eq!(when_empty(due, &settings, now()), expected, "{due:?}");
        }
    }

    #[test]
    fn a_relay_that_never_took_a_letter_is_tried_three_times_more() {
        let absence = Absence {
            is_passing: true,
            is_stopped: false,
            connected: false,
            has_accepted: false,
            has_others: false,
            times: 1,
            since: Duration::ZERO,
        };
        let wait = |absence| relay_wait(absence, &Settings::default(), now());
        assert_eq!(wait(absence), Some(Duration::from_millis(500)));
        assert_eq!(wait(Absence { times: 3, ..absence }), Some(Duration::from_secs(2)));
        assert_eq!(wait(Absence { times: 4, ..absence }), None);
        let accepted = Absence { has_accepted: true, times: 20, ..absence };
        assert_eq!(wait(accepted), Some(Duration::from_secs(60)));
        assert_eq!(wait(Absence { since: Settings::RELAY_WAIT_MAX, ..accepted }), None);
        assert_eq!(wait(Absence { is_passing: false, ..absence }), None);
        assert_eq!(wait(Absence { has_others: true, times: 3, ..accepted }), None);
        assert_eq!(wait(Absence { is_stopped: true, ..absence }), None);
    }
}
