/// Why a run waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Wait {
    /// A limit of the pace.
    Pace,
    /// The relay asked us to slow down.
    Throttled,
    /// The sending window is closed.
    Window,
    /// Today's share of the warm-up is out.
    WarmUp,
    /// Deferred letters come back then.
    Deferred,
}
