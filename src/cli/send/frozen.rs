//! What an issue is to the ledger: new, opened before, edited or renamed since; and what its letters went through.

use super::{Job, edited};
use crate::{
    cli::{Failure, sending::OUTBOX},
    ledger::{DispatchId, DispatchRecord, Ledger, NewDispatch},
    render::RenderedIssue,
    report::words::{plural, when},
};

/// Whether the ledger may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changes {
    Write,
    /// A dry run only says what would be done.
    None,
}

impl Job<'_> {
    /// The rendered issue that goes out: the frozen one, when the dispatch was opened before and somebody may have it.
    pub(super) async fn frozen(
        &self,
        ledger: &Ledger,
        rendered: RenderedIssue,
        changes: Changes,
    ) -> Result<(RenderedIssue, Option<DispatchRecord>), Failure> {
        let records = ledger.dispatches().await?;
        // Not the latest one of that name: a number may have been taken back.
        let is_it =
            |record: &&DispatchRecord| record.slug == rendered.slug && record.number == rendered.number;
        let Some(record) = records.iter().find(is_it).cloned() else {
            refuse_renamed(ledger, &records, &rendered).await?;
            return Ok((rendered, None));
        };
        if self.through_relay() && changes == Changes::Write {
            self.requeue_outbox(ledger, &record).await?;
        }
        let frozen = ledger.rendered(record.id).await?;
        if record.digest == rendered.digest() || self.args.as_opened {
            return Ok((frozen, Some(record)));
        }
        if let Some(record) = self.opened_again(ledger, &record, &rendered, changes).await? {
            return Ok((rendered, Some(record)));
        }
        let differences = edited::differences(&frozen, &rendered);
        Err(Failure::input(format!(
            "`{}` has been edited since its sending was opened ({}): {differences}",
            rendered.slug,
            when(record.opened_at)
        ))
        .hint(
            "so that all readers get the same letter: --as-opened goes on with the letter as it was; \
             a new `number` in the front matter makes a new issue of the edited one",
        ))
    }

    fn through_relay(&self) -> bool {
        self.config.encryption().is_some()
    }

    /// The name of what does not count as sent: files, when there is a relay.
    fn uncounted(&self) -> Option<&'static str> {
        self.through_relay().then_some(OUTBOX)
    }

    /// Freezes the edited issue in place of the one that nobody got; `None` when somebody may have it.
    async fn opened_again(
        &self,
        ledger: &Ledger,
        record: &DispatchRecord,
        rendered: &RenderedIssue,
        changes: Changes,
    ) -> Result<Option<DispatchRecord>, Failure> {
        let opened_at = self.context.now;
        let is_unsent = match changes {
            Changes::Write => {
                ledger.refreeze(record.id, &NewDispatch { rendered, opened_at }, self.uncounted()).await?
            }
            Changes::None => {
                let letters = ledger.letters_by_relay(record.id).await?;
                letters.iter().all(|(relay, _)| Some(relay.as_str()) == self.uncounted())
            }
        };
        if !is_unsent {
            return Ok(None);
        }
        self.context.terminal.say(&format!(
            "`{}` was edited after its dispatch was opened ({}); no letter has left yet, so the edited issue is sent",
            record.slug,
            when(record.opened_at)
        ));
        let (title, digest) = (rendered.title.clone(), rendered.digest());
        Ok(Some(DispatchRecord { title, digest, opened_at, ..record.clone() }))
    }

    /// Letters that became files before there was a relay are not sent.
    async fn requeue_outbox(&self, ledger: &Ledger, record: &DispatchRecord) -> Result<(), Failure> {
        if !ledger.relays().await?.iter().any(|relay| relay == OUTBOX) {
            return Ok(());
        }
        let letters = ledger.requeue(record.id, OUTBOX).await?;
        if letters > 0 {
            self.context.terminal.say(&format!(
                "{} of this issue only went into the outbox, when no relay was set: they are sent now",
                plural(letters, "letter", "letters")
            ));
        }
        Ok(())
    }

    /// A letter that is tried again is the same letter, byte by byte: its keys are those of the first run.
    pub(super) async fn check_signing(
        &self,
        ledger: &Ledger,
        dispatch: DispatchId,
        signing: &str,
    ) -> Result<(), Failure> {
        let frozen = ledger.freeze_signing(dispatch, signing, self.uncounted()).await?;
        if frozen == signing {
            return Ok(());
        }
        if self.args.new_signature {
            return Ok(ledger.change_signing(dispatch, signing).await?);
        }
        Err(Failure::input(format!(
            "the keys have changed since letters of this issue left: they were signed with {frozen}, and would be with \
             {signing} now"
        ))
        .hint(
            "put `[dkim]` and the keys back until everybody has the issue; if that cannot be, --new-signature goes on with \
             the new ones, and a letter that is tried again differs from its first attempt",
        ))
    }

    /// A dispatch that goes through a relay does not end in a folder because the settings lost the relay.
    pub(super) async fn check_destination(
        &self,
        ledger: &Ledger,
        opened: Option<&DispatchRecord>,
    ) -> Result<(), Failure> {
        let Some(record) = opened.filter(|_| !self.through_relay()) else { return Ok(()) };
        let letters = ledger.letters_by_relay(record.id).await?;
        let Some((relay, _)) = letters.into_iter().find(|(relay, _)| relay != OUTBOX) else {
            return Ok(());
        };
        Err(Failure::input(format!(
            "`{}` is being sent through {relay}, and no `[relay]` is set now",
            record.slug
        ))
        .hint("set the relay again (`[relay] url` or --relay); --dry-run writes letters into the outbox"))
    }
}

/// An issue under another name is the same issue: who has it would get it again.
async fn refuse_renamed(
    ledger: &Ledger,
    records: &[DispatchRecord],
    rendered: &RenderedIssue,
) -> Result<(), Failure> {
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
            return Err(Failure::input(format!(
                "`{}` looks like the issue that was opened as `{}` ({})",
                rendered.slug,
                record.slug,
                when(record.opened_at)
            ))
            .hint(format!(
                "its readers would get it again: rename the file back to `{}` to go on with it; another `number` or \
                 title makes it a new issue",
                record.slug
            )));
        }
    }
    Ok(())
}
