//! The owner's wishes about time, with a clock that the test holds: hours, warm-up, limits by domain, waits that grow.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{Timestamp, civil::time, tz::TimeZone};
use mimeograph::{
    dispatch::{
        self, DomainPolicy, Ended, Event, Limit, Opened, Options, PacePolicy, RetryPolicy, Settings, Source,
        Wait, Window,
    },
    ledger::{Ledger, Tally},
    message::Secrets,
    transport::{Relay as Place, Smtp, Transport},
};

use crate::support::{
    ledgers::{at, issue, person},
    relay::{At, Do, Relay, Script, When},
};

/// A dispatch whose clock is still unless the test moves it.
struct Stage {
    opened: Opened,
    relay: Relay,
    clock: Arc<AtomicI64>,
    /// So many seconds pass whenever a letter is put off.
    ticks: Arc<AtomicI64>,
    comes_back: Arc<Mutex<Vec<Timestamp>>>,
}

impl Stage {
    async fn new(script: Script, people: &[&str]) -> Self {
        let ledger = Ledger::scratch().unwrap();
        let list = tempfile::NamedTempFile::new().unwrap();
        let addresses = people.iter().map(|name| format!("{}\n", person(name).address.expose()));
        std::fs::write(&list, addresses.fold("email\n".to_owned(), |list, line| list + &line)).unwrap();
        let source = Source::new(issue("one"), list.path(), Secrets::new([7; 32]));
        let opened = dispatch::open(source, &ledger, &Options::new(at(0))).await.unwrap();
        let clock = Arc::new(AtomicI64::new(0));
        Self { opened, relay: Relay::start(script), clock, ticks: Arc::default(), comes_back: Arc::default() }
    }

    /// Runs until it ends, so many seconds after the opening.
    async fn run(&self, seconds: i64, settings: &Settings) -> (Ended, Tally) {
        self.clock.store(seconds, Ordering::SeqCst);
        let clock = Arc::clone(&self.clock);
        let place = Place::parse(&self.relay.url()).unwrap();
        let transport = Arc::new(Transport::Smtp(Smtp::new(place).unwrap()));
        let settings = Settings { connections: 4, linger: Duration::ZERO, ..settings.clone() };
        let run = self.opened.run(&transport, settings);
        let (comes_back, ticks) = (Arc::clone(&self.comes_back), Arc::clone(&self.ticks));
        let ticking = Arc::clone(&self.clock);
        let ended = run
            .by_clock(Arc::new(move || at(clock.load(Ordering::SeqCst))))
            .send(move |event| {
                if let Event::ComesBack { at } = event {
                    comes_back.lock().unwrap().push(at);
                    ticking.fetch_add(ticks.load(Ordering::SeqCst), Ordering::SeqCst);
                }
            })
            .await
            .unwrap();
        (ended, self.opened.tally().await.unwrap())
    }
}

#[tokio::test]
async fn a_closed_window_sends_nothing_and_says_when_it_opens() {
    let stage = Stage::new(Script::new(), &["ada", "bob"]).await;
    // The fixed moment is 11:33 in UTC.
    let window = Window { days: vec![], from: time(12, 0, 0, 0), to: time(13, 0, 0, 0), zone: TimeZone::UTC };
    let pace = PacePolicy { window: Some(window), ..PacePolicy::default() };
    let settings = Settings { pace, ..Settings::default() };
    let (ended, tally) = stage.run(0, &settings).await;
    let opens = "2022-12-30T12:00:00Z".parse::<Timestamp>().unwrap();
    assert!(matches!(ended, Ended::Paused { why: Wait::Window, until } if until == opens), "{ended:?}");
    assert_eq!((tally.accepted, tally.queued, stage.relay.counters().connections), (0, 2, 0));
    let (ended, tally) = stage.run(3_600, &settings).await;
    assert!(matches!(ended, Ended::Finished), "{ended:?}");
    assert_eq!(tally.accepted, 2);
}

#[tokio::test]
async fn a_warm_up_sends_each_days_share() {
    let stage = Stage::new(Script::new(), &["a", "b", "c", "d", "e", "f", "g", "h"]).await;
    let pace = PacePolicy { warm_up: vec![1, 3], ..PacePolicy::default() };
    let settings = Settings { pace, ..Settings::default() };
    let day = 86_400;
    for (seconds, accepted) in [(0, 1), (60, 1), (day, 4), (day + 60, 4), (2 * day, 8)] {
        let (ended, tally) = stage.run(seconds, &settings).await;
        assert_eq!(tally.accepted, accepted, "after {seconds} s: {ended:?}");
        let done = accepted == 8;
        assert_eq!(matches!(ended, Ended::Finished), done, "{ended:?}");
        assert_eq!(matches!(ended, Ended::Paused { why: Wait::WarmUp, .. }), !done, "{ended:?}");
    }
}

#[tokio::test]
async fn a_slow_domain_holds_up_no_one_else() {
    let people = ["a@slow.example", "b@slow.example", "c@slow.example", "ada", "bob", "cid"];
    let stage = Stage::new(Script::new(), &people).await;
    let slow = DomainPolicy {
        limits: vec![Limit { letters: 1, per: Duration::from_secs(86_400) }],
        connections: Some(1),
    };
    let pace = PacePolicy { domains: [("slow.example".to_owned(), slow)].into(), ..PacePolicy::default() };
    let settings = Settings { pace, ..Settings::default() };
    for _ in 0..2 {
        let (ended, tally) = stage.run(0, &settings).await;
        assert!(matches!(ended, Ended::Paused { why: Wait::Pace, .. }), "{ended:?}");
        assert_eq!((tally.accepted, tally.queued), (4, 2), "also in a second run");
    }
}

#[tokio::test]
async fn a_deferred_letter_waits_longer_each_time_in_later_runs_until_it_is_given_up() {
    let script = Script::new().rule(At::Rcpt, When::Always, Do::Say("450 4.2.0 later".into()));
    let stage = Stage::new(script, &["ada"]).await;
    let retry = RetryPolicy { attempts_max: 4, ..RetryPolicy::default() };
    let settings = Settings { retry, ..Settings::default() };
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 1..4 {
        let (ended, tally) = stage.run(now, &settings).await;
        let Ended::Paused { why: Wait::Deferred, until } = ended else { panic!("{ended:?}") };
        assert_eq!(tally.deferred, 1);
        let said = *stage.comes_back.lock().unwrap().last().unwrap();
        assert!(until.duration_since(said).abs().as_millis() <= 1, "{said} and {until}");
        let due = until.as_second() - at(0).as_second() + 1;
        waits.push(due - now);
        now = due;
    }
    // A minute, half an hour, an hour; each stretched by up to a quarter.
    for (wait, least) in waits.iter().zip([60, 1_800, 3_600]) {
        assert!((least..=least * 5 / 4 + 1).contains(wait), "{waits:?}");
    }
    let (ended, tally) = stage.run(now, &settings).await;
    assert!(matches!(ended, Ended::Finished), "{ended:?}");
    assert_eq!(tally.failed, 1);
}

#[tokio::test]
async fn a_letter_of_a_long_warm_up_is_not_given_up_at_its_first_try() {
    let script = Script::new().rule(At::Rcpt, When::FirstForEach(1), Do::Say("450 4.2.0 greylisted".into()));
    let stage = Stage::new(script, &["ada", "bob"]).await;
    let pace = PacePolicy { warm_up: vec![1, 1, 9], ..PacePolicy::default() };
    let settings = Settings { pace, ..Settings::default() };
    let day = 86_400;
    // Each is put off once: she on the first day, and he ten days later.
    for (seconds, accepted) in [(0, 0), (10 * day, 0), (40 * day, 2)] {
        let (ended, tally) = stage.run(seconds, &settings).await;
        assert_eq!((tally.accepted, tally.failed), (accepted, 0), "after {seconds} s: {ended:?}");
    }
}

#[tokio::test]
async fn a_run_whose_clock_jumps_back_sends_no_more_than_the_limit() {
    let stage = Stage::new(Script::new(), &["ada", "bob", "cid"]).await;
    let limits = vec![Limit { letters: 1, per: Duration::from_secs(86_400) }];
    let pace = PacePolicy { limits, ..PacePolicy::default() };
    let settings = Settings { pace, ..Settings::default() };
    let year = 365 * 86_400;
    // What a limit has left is counted by the ledger's clock, whatever time the run believes that it is.
    for (seconds, accepted) in [(year, 1), (0, 1), (3_600, 1)] {
        let (ended, tally) = stage.run(seconds, &settings).await;
        assert_eq!(tally.accepted, accepted, "at {seconds}: {ended:?}");
    }
}

#[tokio::test]
async fn with_until_a_run_does_not_wait_beyond_it() {
    let script = Script::new().rule(At::Rcpt, When::FirstForEach(1), Do::Say("450 4.2.0 later".into()));
    let stage = Stage::new(script, &["ada"]).await;
    let retry = RetryPolicy { first_wait: Duration::from_millis(20), ..RetryPolicy::default() };
    // The letter comes back within the run, although the run would not linger for it.
    let settings = Settings { retry, until: Some(at(7_200)), ..Settings::default() };
    stage.ticks.store(1, Ordering::SeqCst);
    let (ended, tally) = stage.run(0, &settings).await;
    assert!(matches!(ended, Ended::Finished), "{ended:?}");
    assert_eq!(tally.accepted, 1);
}
