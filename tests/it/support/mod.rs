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

/// Says that a test is skipped; where everything must be there, that is a failure.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("MIMEO_REQUIRE_ALL").is_none(), "MIMEO_REQUIRE_ALL is set, and {why}");
    eprintln!("SKIPPED: {why}");
}

/// Whether expected outputs are to be written instead of compared, to be read by a person before they are committed.
pub(crate) fn blesses() -> bool {
    std::env::var_os("MIMEO_BLESS").is_some()
}
