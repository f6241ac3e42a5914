//! The integration tests; each module is a room or a border of the program.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test that cannot go on has failed, and one that is skipped says so"
)]

mod assets;
mod audience;
mod backgrounds;
mod bounces;
mod browse;
mod bytes;
mod check;
mod circles;
mod cli;
mod compose;
mod corpus;
mod crash;
mod diagnostics;
mod diff;
mod dispatch;
mod doctor;
mod documentation;
mod faulty;
mod findings;
mod foreign;
mod hostile;
mod hours;
mod init;
mod issue;
mod kinds;
mod ledger;
mod list_changes;
mod math;
mod message;
mod odd;
mod opening;
mod parity;
mod pictures;
mod postfix;
mod preview;
mod project;
mod returned;
mod send;
mod subscriber;
mod support;
mod suppression_file;
mod templates;
mod text;
mod tidy;
mod transport;
mod trouble;
mod trust;
