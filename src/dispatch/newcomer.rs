//! The newest issue for someone who joined after it was sent.

use super::open::OpenError;
use crate::{
    ledger::{DispatchId, Ledger},
    message::{Composer, Secrets},
    subscriber::{Subscriber, wants_one_of},
};

/// Adds a person to the newest dispatch that is open to all workers and about something that they want, so that the next
/// worker sends it to them. Whoever has the issue, or waits for it, does not get it twice. `None` if there is no such issue, or
/// the person lacks a value that its letter needs.
///
/// # Errors
///
/// When the ledger cannot be used; nothing has changed then.
pub async fn add_newcomer(
    ledger: &Ledger,
    secrets: &Secrets,
    person: Subscriber,
) -> Result<Option<DispatchId>, OpenError> {
    for run in ledger.open_runs().await?.into_iter().rev() {
        let rendered = ledger.rendered(run.dispatch.id).await?;
        let is_wanted = wants_one_of(person.field("topics").unwrap_or_default(), &rendered.topics);
        if run.stopped.is_some() || !is_wanted {
            continue;
        }
        if !Composer::new(&rendered, secrets.clone())?.is_complete(&person) {
            return Ok(None);
        }
        ledger.extend_dispatch(run.dispatch.id, [Ok(person)]).await?;
        return Ok(Some(run.dispatch.id));
    }
    Ok(None)
}
