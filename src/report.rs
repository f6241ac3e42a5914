//! Events, tallies and diagnostics, told to people and to programs.
//!
//! In: what happened. Out: words, bars, JSON.
//! Never: influences a run, or counts what the ledger counts.

pub mod changes;
pub mod diagnostics;
mod page;
mod picture;
mod progress;
mod terminal;
pub mod words;

pub use anstream::ColorChoice;
pub use page::{RunPage, stretch};
pub use picture::{Waits, wait_word};
pub use progress::{Progress, Style};
pub use terminal::Terminal;
