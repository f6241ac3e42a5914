//! The file of suppressions that is committed, beside the ledger's.

use std::collections::{BTreeMap, BTreeSet};

use super::{common, failure::Failure};
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
    let key = common::newsletter_key(config)?;
    SuppressionFile::read(path, &key).map(Some).map_err(failure)
}

/// Changes it, if there is to be one. A new one begins with what the ledger knows.
pub(super) async fn update(
    config: &Config,
    ledger: &Ledger,
    change: impl FnOnce(&mut SuppressionFile) -> u64,
) -> Result<u64, Failure> {
    let Some(path) = &config.suppression_file else { return Ok(0) };
    let key = common::newsletter_key(config)?;
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

/// Adds whom the ledger suppresses: hard bounces of a run, what came back, who unsubscribed; also what a process that was killed
/// or failed has left out. A file that is missing was lost, unless someone was suppressed since a moment: it is not made before
/// that.
pub(super) async fn add_missing(
    config: &Config,
    ledger: &Ledger,
    since: jiff::Timestamp,
) -> Result<(), Failure> {
    let Some(path) = &config.suppression_file else { return Ok(()) };
    let file = if path.exists() { read(config)? } else { None };
    let mut new = Vec::new();
    let mut pages = ledger.suppressions();
    while let Some(one) = pages.next().await? {
        let is_missing = match &file {
            Some(file) => file.get(&one.address).is_none(),
            // The ledger keeps milliseconds.
            None => one.at.as_millisecond() >= since.as_millisecond(),
        };
        if is_missing {
            new.push(one);
        }
    }
    if !new.is_empty() {
        update(config, ledger, |file| add(file, &new)).await?;
    }
    Ok(())
}

/// Keeps the file like the ledger while a process runs: whoever is suppressed is added, and whoever is not any more removed.
pub(super) struct Follower<'a> {
    config: &'a Config,
    ledger: &'a Ledger,
    /// What the ledger said of its changes when the file was brought up to date.
    changes: Option<u64>,
    /// What the file has of the ledger, by the keys of the addresses.
    kept: BTreeMap<String, Suppression>,
}

impl<'a> Follower<'a> {
    /// From now on; `None` when `[suppress] file` names none. What a process that was killed has left out is added at the first
    /// look.
    pub(super) async fn new(config: &'a Config, ledger: &'a Ledger) -> Result<Option<Self>, Failure> {
        let Some(path) = &config.suppression_file else { return Ok(None) };
        let mut kept = by_key(ledger).await?;
        // A file that is missing was lost: it is not made from less than it had.
        if path.exists()
            && let Some(file) = read(config)?
        {
            kept.retain(|_, one| file.get(&one.address).is_some());
        }
        Ok(Some(Self { config, ledger, changes: None, kept }))
    }

    /// Brings the file up to date, if the ledger has changed since. It is replaced as a whole, or not at all.
    pub(super) async fn follow(&mut self) -> Result<(), Failure> {
        let changes = Some(self.ledger.suppression_changes().await?);
        if changes == self.changes {
            return Ok(());
        }
        let now = by_key(self.ledger).await?;
        // A person who was erased is suppressed by a keyed hash alone, and stays in the file.
        let hashes = self.ledger.suppressed_hashes().await?;
        let is_new = |(key, _): &(&String, &Suppression)| !self.kept.contains_key(*key);
        let is_lifted = |(key, _): &(&String, &Suppression)| !now.contains_key(*key) && !hashes.has(key);
        let new: Vec<_> = now.iter().filter(is_new).map(|(_, one)| one.clone()).collect();
        let lifted: Vec<_> = self.kept.iter().filter(is_lifted).map(|(_, one)| &one.address).collect();
        if !(new.is_empty() && lifted.is_empty()) {
            let change = |file: &mut SuppressionFile| {
                let removed: u64 = lifted.iter().map(|address| u64::from(file.remove(address))).sum();
                removed + add(file, &new)
            };
            update(self.config, self.ledger, change).await?;
        }
        (self.changes, self.kept) = (changes, now);
        Ok(())
    }
}

/// The suppressions of the ledger, by the keys of their addresses.
async fn by_key(ledger: &Ledger) -> Result<BTreeMap<String, Suppression>, Failure> {
    let mut all = BTreeMap::new();
    let mut pages = ledger.suppressions();
    while let Some(one) = pages.next().await? {
        all.insert(one.address.key(), one);
    }
    Ok(all)
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
             no one in it is known, and people who said no would get letters"
                .to_owned()
        }
        SuppressionFileError::Read { .. } | SuppressionFileError::Write { .. } => return Failure::outside(error),
    };
    Failure::input(error).hint(hint)
}
