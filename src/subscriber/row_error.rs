//! What is wrong with a row of a list.

use std::borrow::Cow;

use super::{consent::ConsentColumn, hidden::Unclear};

/// What is wrong with a row.
pub(super) struct RowError {
    pub(super) code: &'static str,
    /// The column.
    pub(super) index: Option<usize>,
    pub(super) message: String,
    pub(super) help: Cow<'static, str>,
}

impl RowError {
    pub(super) fn new(
        code: &'static str,
        index: usize,
        message: impl Into<String>,
        help: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, index: Some(index), message: message.into(), help: help.into() }
    }

    pub(super) fn unknown_status(column: ConsentColumn, cell: &str) -> Self {
        let known = column.meaning.values();
        let cell: String = cell.chars().take(40).collect();
        Self::new(
            "M317",
            column.index,
            format!("unknown status \u{201c}{}\u{201d}", cell.escape_debug()),
            format!("write {known}, or say in [list.columns] of mimeo.toml what the column means"),
        )
    }

    /// Something about consent that is not understood, in a list that was not looked through for it.
    pub(super) fn unclear(index: usize, unclear: Unclear) -> Self {
        let Unclear { what, help, .. } = unclear;
        Self::new("M317", index, format!("holds {what}, which may say who wants no letters"), help)
    }

    pub(super) fn bad_date(index: usize) -> Self {
        Self::new("M318", index, "is not a date", "write it as 2022-12-30 or 2022-12-30T09:00:00Z")
    }
}
