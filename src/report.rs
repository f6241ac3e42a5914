//! Shows events, totals and diagnostics to people and to programs.
//!
//! In: what happened. Out: messages, progress, a report page, JSON.
//! Never: influences a run, or counts what the ledger counts.

pub mod changes;
pub mod diagnostics;
mod growth;
mod page;
mod picture;
mod progress;
mod terminal;
pub mod words;

pub use anstream::ColorChoice;
pub use growth::growth_page;
pub use page::{RunPage, stretch};
pub use picture::{Waits, wait_word};
pub use progress::{Progress, Style};
pub use terminal::Terminal;
