//! The integration tests; each module is a part or an interface of the program.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test that cannot go on has failed, and one that is skipped says so"
)]

mod approval;
mod archive;
mod archive_audit;
mod assets;
mod audience;
mod backgrounds;
mod bounces;
mod browse;
mod bytes;
mod check;
mod circles;
mod cli;
mod completion;
mod compose;
mod corpus;
mod crash;
mod cut_off;
mod designs;
mod diagnostics;
mod diff;
mod dispatch;
mod doctor;
mod documentation;
mod documentation_book;
mod exim;
mod failures;
mod faulty;
mod findings;
mod foreign;
mod hooks;
mod hostile;
mod hours;
mod init;
mod issue;
mod killed_routes;
mod kinds;
mod ledger;
mod list_changes;
mod mailbox;
mod malformed;
mod many_workers;
mod math;
mod message;
mod moving;
mod odd;
mod opening;
mod opensmtpd;
mod pace;
mod parity;
mod phone;
mod pictures;
mod postfix;
mod preview;
mod project;
mod repeated;
mod requests;
mod returned;
mod routes;
mod schedule;
mod schemas;
mod send;
mod service;
mod stop;
mod subscriber;
mod support;
mod suppression_file;
mod templates;
mod text;
mod tidy;
mod transport;
mod trust;
mod watch;
mod work;
