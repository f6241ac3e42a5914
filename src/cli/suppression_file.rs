//! The file of suppressions that is committed, beside the ledger's.

use std::collections::BTreeSet;

use super::{Failure, sending};
use crate::{
    address::EmailAddress,
    config::Config,
    ledger::{DispatchId, Ledger, Reason, Suppression},
    subscriber::{Kept, List, Row, SuppressionFile, SuppressionFileError},
};

/// Reads it; `None` when `[suppress] file` names none.
pub(super) fn read(config: &Config) -> Result<Option<SuppressionFile>, Failure> {
    let Some(path) = &config.suppression_file else { return Ok(None) };
    if !path.exists() {
        return Err(failure(SuppressionFileError::Missing { path: path.clone() }));
    }
    let key = sending::newsletter_key(config)?;
    SuppressionFile::read(path, &key).map(Some).map_err(failure)
}

/// Changes it, if there is to be one. A new one begins with what the ledger knows.
pub(super) async fn update(
    config: &Config,
    ledger: &Ledger,
    change: impl FnOnce(&mut SuppressionFile) -> u64,
) -> Result<u64, Failure> {
    let Some(path) = &config.suppression_file else { return Ok(0) };
    let key = sending::newsletter_key(config)?;
    let mut known = Vec::new();
    if !path.exists() {
        let mut pages = ledger.suppressions();
        while let Some(one) = pages.next().await? {
            known.push(one);
        }
    }
    let changed = SuppressionFile::update(path, &key, |file| {
        add(file, &known);
        change(file)
    });
    changed.map_err(failure)
}

/// Adds suppressions of the ledger. How many are new.
pub(super) fn add(file: &mut SuppressionFile, suppressions: &[Suppression]) -> u64 {
    let mut new = 0;
    for one in suppressions {
        let kept = Kept { reason: one.reason.word().to_owned(), at: one.at };
        new += u64::from(file.add(&one.address, kept));
    }
    new
}

/// Adds what the ledger has suppressed since a moment: hard bounces of a run, what came back, who unsubscribed.
pub(super) async fn add_since(
    config: &Config,
    ledger: &Ledger,
    since: jiff::Timestamp,
) -> Result<(), Failure> {
    if config.suppression_file.is_none() {
        return Ok(());
    }
    let mut new = Vec::new();
    let mut pages = ledger.suppressions();
    while let Some(one) = pages.next().await? {
        // The ledger keeps milliseconds.
        if one.at.as_millisecond() >= since.as_millisecond() {
            new.push(one);
        }
    }
    if !new.is_empty() {
        update(config, ledger, |file| add(file, &new)).await?;
    }
    Ok(())
}

/// Removes hard bounces at these domains that the ledger has lifted, of people on the list.
pub(super) async fn remove_lifted(
    config: &Config,
    ledger: &Ledger,
    domains: &BTreeSet<&str>,
) -> Result<(), Failure> {
    let exists = config.suppression_file.as_ref().is_some_and(|path| path.exists());
    if domains.is_empty() || !exists {
        return Ok(());
    }
    let Some(file) = read(config)? else { return Ok(()) };
    let mut lifted = Vec::new();
    for one in known(config, &file, None).await? {
        let address = &one.address;
        if one.reason == Reason::HardBounce
            && domains.contains(address.domain())
            && ledger.suppression(address).await?.is_none()
        {
            lifted.push(one.address);
        }
    }
    update(config, ledger, |file| lifted.iter().map(|address| u64::from(file.remove(address))).sum()).await?;
    Ok(())
}

/// The suppressions of the file whose addresses are known: of people on the list, and of those who are owed an issue.
pub(super) async fn known(
    config: &Config,
    file: &SuppressionFile,
    owed: Option<(&Ledger, DispatchId)>,
) -> Result<Vec<Suppression>, Failure> {
    let mut known = Vec::new();
    if file.is_empty() {
        return Ok(known);
    }
    let mut look = |address: EmailAddress| {
        if let Some(kept) = file.get(&address) {
            let reason = Reason::from_word(&kept.reason).unwrap_or(Reason::ByHand);
            known.push(Suppression { address, reason, note: None, at: kept.at });
        }
    };
    if config.list.exists() {
        for row in List::open(&config.list)?.without_repeats() {
            match row? {
                Row::Person { subscriber, .. } => look(subscriber.address),
                Row::Inactive { address, .. } => look(address),
                Row::Repeat(_) | Row::Bad(_) => {}
            }
        }
    }
    if let Some((ledger, dispatch)) = owed {
        for mut pages in [ledger.owed(dispatch), ledger.failed(dispatch)] {
            while let Some(person) = pages.next().await? {
                look(person.address);
            }
        }
    }
    Ok(known)
}

/// Suppresses in a ledger whom the file suppresses, so that the ledger alone decides at the last moment.
pub(super) async fn join(
    config: &Config,
    file: Option<&SuppressionFile>,
    owed: Option<(&Ledger, DispatchId)>,
    ledger: &Ledger,
) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    let known = known(config, file, owed).await?;
    if !known.is_empty() {
        ledger.suppress_all(known.into_iter().map(Ok).collect::<Vec<_>>()).await?;
    }
    Ok(())
}

fn failure(error: SuppressionFileError) -> Failure {
    let hint = match &error {
        SuppressionFileError::Missing { path } => format!(
            "people who said no would get letters: bring `{}` here, or make it from the ledger with `mimeo suppress --write-file`",
            path.display()
        ),
        SuppressionFileError::Conflict { .. } => {
            "keep the lines of both sides, and remove the lines with <<<<<<<, ======= and >>>>>>>".to_owned()
        }
        SuppressionFileError::Invalid { .. } => {
            "a line is a hash, a reason and a time; restore the file with git, or remove the line".to_owned()
        }
        SuppressionFileError::OtherKey { .. } => {
            "put the newsletter's key back that it was made with (`[newsletter] key`, or `.mimeo/key`): with another one \
             nobody in it is known, and people who said no would get letters"
                .to_owned()
        }
        SuppressionFileError::Read { .. } | SuppressionFileError::Write { .. } => return Failure::outside(error),
    };
    Failure::input(error).hint(hint)
}
