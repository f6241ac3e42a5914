//! What an issue is to the ledger: new, opened before, edited or renamed since; and what its letters went through.

use std::sync::Arc;

use super::error::OpenError;
use crate::{
    dispatch::options::{Destination, IfEdited, IfKeysChanged, Note, Options, Source},
    ledger::{DispatchId, DispatchRecord, Ledger, NewDispatch},
    message::Composer,
    render::RenderedIssue,
    subscriber::ListSource,
    transport::Transport,
};

/// A letter that may be sent, and what the ledger has of it.
pub(super) struct Frozen {
    pub(super) ledger: Ledger,
    pub(super) options: Options,
    pub(super) list: ListSource,
    pub(super) rendered: RenderedIssue,
    pub(super) record: Option<DispatchRecord>,
    pub(super) composer: Arc<Composer>,
    pub(super) fingerprint: String,
}

impl Frozen {
    /// Settles which letter goes out: the frozen one, when the dispatch was opened before and some subscriber may have it.
    pub(super) async fn new(source: Source, ledger: &Ledger, options: &Options) -> Result<Self, OpenError> {
        let Source { rendered, list, secrets } = source;
        let reaped = ledger.reap(options.now).await?;
        if reaped.unconfirmed > 0 {
            (options.notify)(&Note::Unconfirmed { letters: reaped.unconfirmed });
        }
        let (rendered, record) = frozen(rendered, ledger, options).await?;
        if let Some(record) = &record {
            check_destination(ledger, record, options.destination).await?;
        }
        let fingerprint = secrets.fingerprint();
        let composer = Arc::new(Composer::new(&rendered, secrets)?);
        let (ledger, options) = (ledger.clone(), options.clone());
        let frozen = Self { ledger, options, list, rendered, record, composer, fingerprint };
        if let Some(record) = &frozen.record {
            frozen.check_keys(record.id).await?;
        }
        Ok(frozen)
    }

    /// A letter that is tried again is the same letter, byte by byte: its keys are those of the first run.
    pub(super) async fn check_keys(&self, dispatch: DispatchId) -> Result<(), OpenError> {
        let now = &self.fingerprint;
        let uncounted = self.options.destination.uncounted();
        let frozen = self.ledger.freeze_signing(dispatch, now, uncounted).await?;
        if frozen == *now {
            return Ok(());
        }
        match self.options.keys_changed {
            IfKeysChanged::Accept => Ok(self.ledger.change_signing(dispatch, now).await?),
            IfKeysChanged::Refuse => Err(OpenError::KeysChanged { frozen, now: now.clone() }),
        }
    }
}

async fn frozen(
    rendered: RenderedIssue,
    ledger: &Ledger,
    options: &Options,
) -> Result<(RenderedIssue, Option<DispatchRecord>), OpenError> {
    let records = ledger.dispatches().await?;
    // Not the latest one of that name: a number may have been taken back.
    let is_it = |record: &&DispatchRecord| record.slug == rendered.slug && record.number == rendered.number;
    let Some(record) = records.iter().find(is_it).cloned() else {
        refuse_renamed(ledger, &records, &rendered).await?;
        return Ok((rendered, None));
    };
    if let Some(uncounted) = options.destination.uncounted() {
        requeue(ledger, &record, uncounted, options).await?;
    }
    let frozen = ledger.rendered(record.id).await?;
    if record.digest == rendered.digest() || options.edited == IfEdited::SendAsOpened {
        return Ok((frozen, Some(record)));
    }
    let (opened_at, uncounted) = (options.now, options.destination.uncounted());
    let new = NewDispatch { rendered: &rendered, opened_at };
    if !ledger.refreeze(record.id, &new, uncounted).await? {
        return Err(OpenError::Edited {
            opened_at: record.opened_at,
            frozen: Box::new(frozen),
            edited: Box::new(rendered),
        });
    }
    (options.notify)(&Note::Refrozen { slug: record.slug.clone(), opened_at: record.opened_at });
    let (title, digest) = (rendered.title.clone(), rendered.digest());
    Ok((rendered, Some(DispatchRecord { title, digest, opened_at, ..record })))
}

/// Letters that became files before there was a relay are not sent.
async fn requeue(
    ledger: &Ledger,
    record: &DispatchRecord,
    uncounted: &str,
    options: &Options,
) -> Result<(), OpenError> {
    if !ledger.relays().await?.iter().any(|relay| relay == uncounted) {
        return Ok(());
    }
    let letters = ledger.requeue(record.id, uncounted).await?;
    if letters > 0 {
        (options.notify)(&Note::Requeued { letters });
    }
    Ok(())
}

/// A dispatch that goes through a relay does not end in a folder because the settings lost the relay.
async fn check_destination(
    ledger: &Ledger,
    record: &DispatchRecord,
    destination: Destination,
) -> Result<(), OpenError> {
    if destination != Destination::Folder {
        return Ok(());
    }
    let letters = ledger.letters_by_relay(record.id).await?;
    match letters.into_iter().find(|(relay, _)| relay != Transport::OUTBOX) {
        Some((relay, _)) => Err(OpenError::RelayLost { slug: record.slug.clone(), relay }),
        None => Ok(()),
    }
}

/// An issue under another name is the same issue: who has it would get it again.
async fn refuse_renamed(
    ledger: &Ledger,
    records: &[DispatchRecord],
    rendered: &RenderedIssue,
) -> Result<(), OpenError> {
    for record in records {
        let same_number = rendered.number.is_some() && record.number == rendered.number;
        let same_title = record.title == rendered.title;
        if record.slug == rendered.slug || !(same_number || same_title) {
            continue;
        }
        let frozen = ledger.rendered(record.id).await?;
        let same_text = frozen.text == rendered.text && frozen.subject == rendered.subject;
        // A number and a title may come back one day with another text; not while people still wait for the first one.
        let is_renamed = match same_text {
            true => record.number == rendered.number,
            false => same_number && same_title && ledger.tally(record.id).await?.owed() > 0,
        };
        if is_renamed {
            return Err(OpenError::Renamed {
                slug: rendered.slug.clone(),
                opened_as: record.slug.clone(),
                opened_at: record.opened_at,
            });
        }
    }
    Ok(())
}
