//! What the tests share.

pub(crate) mod browser;
pub(crate) mod cutting_proxy;
pub(crate) mod digest;
pub(crate) mod disk;
pub(crate) mod dns;
pub(crate) mod dovecot;
pub(crate) mod ledgers;
pub(crate) mod letters;
pub(crate) mod newsletter;
pub(crate) mod nginx;
pub(crate) mod pop3;
pub(crate) mod ports;
pub(crate) mod postfix;
pub(crate) mod postgres;
pub(crate) mod preview;
pub(crate) mod project;
pub(crate) mod relay;
pub(crate) mod relays;
pub(crate) mod schema;
pub(crate) mod service;
pub(crate) mod tab;
pub(crate) mod terminal;

use std::time::{Duration, Instant, SystemTime};

/// Says that a test is skipped; where everything must be there, that is a failure.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("MIMEO_REQUIRE_ALL").is_none(), "MIMEO_REQUIRE_ALL is set, and {why}");
    eprintln!("SKIPPED: {why}");
}

/// Waits until something holds that another process or thread brings about. The limit is for faults alone: no machine is so slow.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(120), "waited in vain for {what}");
        std::thread::yield_now();
    }
}

/// Waits until midnight (UTC) has passed where it is near: for tests in which the day must not change.
pub(crate) fn within_one_day() {
    const NEAR: u64 = 90;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let left = 86_400 - now % 86_400;
    if left < NEAR {
        std::thread::sleep(Duration::from_secs(left));
    }
}

/// Whether expected outputs are to be written instead of compared, to be read by a person before they are committed.
pub(crate) fn blesses() -> bool {
    std::env::var_os("MIMEO_BLESS").is_some()
}
