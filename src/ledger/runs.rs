//! How dispatches are worked off by several processes.

use super::values::DispatchRecord;

/// A dispatch that workers may join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRun {
    /// The dispatch.
    pub dispatch: DispatchRecord,
    /// The settings that the last sender stored.
    pub settings: String,
    /// Why no worker goes on until someone sends it again.
    pub stopped: Option<String>,
    /// How often it had been stopped, as in [`Stops::count`].
    pub stops: u64,
}

/// How often a dispatch was stopped by any process, and whether it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stops {
    /// Grows with each stop.
    pub count: u64,
    /// Why no worker goes on, if it is stopped.
    pub why: Option<String>,
}

/// Whether workers that were not started for a dispatch may send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joinable {
    /// They may: everybody in the dispatch is to get it.
    Yes,
    /// Only if they could before: this run is for some of the people.
    AsBefore,
}
