//! Shows events, totals and diagnostics to people and to programs.
//!
//! In: what happened. Out: messages, progress, a report page, JSON.
//! Never: influences a run, or counts what the ledger counts.

pub mod changes;
mod countdown;
pub mod diagnostics;
pub mod format;
mod growth;
mod page;
mod picture;
mod progress;
mod terminal;
mod watch;

pub use anstream::ColorChoice;
pub use countdown::Countdown;
pub use growth::growth_page;
pub use page::{FAILED_MAX, RunPage, stretch};
pub use picture::{Waits, wait_word};
pub use progress::{Progress, Style};
pub use terminal::Terminal;
pub use watch::{LiveLines, Rates, WatchedDispatch};
