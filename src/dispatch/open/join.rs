//! Joining a dispatch that another process has opened: its letter and its recipients are in the ledger.

use std::sync::Arc;

use super::{Opened, error::OpenError};
use crate::{
    dispatch::{
        options::{Note, Options},
        plan::Plan,
        survey::Survey,
    },
    ledger::{Ledger, OpenRun},
    message::{Composer, Secrets},
};

/// Joins a dispatch that is open in the ledger, without the newsletter's files: its letter was frozen, and the list was read,
/// by whoever opened it. A stop that came after `run` was read ends its runs at once. Of the options, `now`, `pace` and `notify` count.
///
/// # Errors
///
/// [`OpenError::KeysChanged`] if the keys are not those that its letters are signed with, and when the ledger cannot be used.
pub async fn join(
    ledger: &Ledger,
    run: &OpenRun,
    secrets: Secrets,
    options: &Options,
) -> Result<Opened, OpenError> {
    let record = &run.dispatch;
    let reaped = ledger.reap(options.now).await?;
    if reaped.unconfirmed > 0 {
        (options.notify)(&Note::Unconfirmed { letters: reaped.unconfirmed });
    }
    let (frozen, now) = (ledger.signing(record.id).await?, secrets.fingerprint());
    if frozen != now {
        return Err(OpenError::KeysChanged { frozen, now });
    }
    let rendered = ledger.rendered(record.id).await?;
    let composer = Arc::new(Composer::new(&rendered, secrets)?);
    let so_far = ledger.tally(record.id).await?;
    let plan = Plan::new(&rendered, Some(record), &Survey::default(), so_far, options);
    let ledger = ledger.clone();
    let (dispatch, stops) = (Some(record.id), Some(run.stops));
    Ok(Opened { plan, rendered, composer, dispatch, ledger, selection: None, stops })
}
