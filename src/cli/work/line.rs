use jiff::Timestamp;
use serde::Serialize;

use crate::ledger::Tally;

/// What `--json` prints, a line each.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) struct Line<'a> {
    /// `joined`: the worker sends a dispatch; `left`: it has stopped; `skipped`: it leaves it alone; `waiting`: there is nothing to do
    pub(super) event: &'static str,
    /// The issue's name
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issue: Option<&'a str>,
    /// Where its letters go (`joined`)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) relay: Option<&'a str>,
    /// Letters that are left (`joined`), or attempts of this worker (`left`)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) letters: Option<u64>,
    /// How it ended: `finished`, `paused`, `interrupted`, `brake`, `stopped`, `relay_down` or `error` (`left`)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<&'static str>,
    /// Why it is left alone (`skipped`)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'a str>,
    /// When it goes on, as far as is known (`left`, `waiting`)
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) go_on_at: Option<Timestamp>,
    /// How long it took (`left`)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seconds: Option<f64>,
    /// The letters of the issue by state, of all workers (`left`)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tally: Option<Tally>,
}
