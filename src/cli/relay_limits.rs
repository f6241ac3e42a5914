//! Limits that relays have shown, where earlier versions kept them: `.mimeo/relays.json`. They are in the ledger now.

use crate::{
    config::Config,
    dispatch::adopt_relay_limits,
    ledger::{Ledger, LedgerError},
};

/// Takes the file over into the ledger, once.
pub(super) async fn adopt(config: &Config, ledger: &Ledger) -> Result<(), LedgerError> {
    let path = config.root.join(".mimeo/relays.json");
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(()) };
    adopt_relay_limits(ledger, &text).await?;
    // It is only a matter of speed, so that a folder that cannot be written is no error.
    let _ = std::fs::remove_file(path);
    Ok(())
}
