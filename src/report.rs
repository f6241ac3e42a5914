//! Events, tallies and diagnostics, told to people and to programs.
//!
//! In: what happened. Out: words, bars, JSON.
//! Never: influences a run, or counts what the ledger counts.

pub mod diagnostics;
mod terminal;

pub use anstream::ColorChoice;
pub use terminal::Terminal;
