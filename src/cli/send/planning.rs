//! What is asked and shown before a letter leaves.

use std::sync::Arc;

use super::job::Job;
use crate::{
    cli::{
        approve,
        common::{self, Destination},
        course::Totals,
        failure::{Exit, Failure},
        issues::Match,
    },
    dispatch::{self, BadRows, Failed, IfEdited, IfKeysChanged, Note, Opened, Plan, Prediction, prepare},
    ledger::{Ledger, Selection},
    message::Composer,
    report::format::{count, human_bytes, plural, when},
    transport::{Outbox, Transport},
};

/// A dispatch that is open, and where its letters go.
pub(super) struct Agreed {
    pub(super) opened: Opened,
    pub(super) destination: Destination,
}

impl Job<'_> {
    /// Plans, asks, and opens. `Err` with the exit code when there is nothing to do, or the answer was no.
    pub(super) async fn agreed(
        &self,
        source: dispatch::Source,
        ledger: &Ledger,
    ) -> Result<Result<Agreed, Exit>, Failure> {
        let options = self.options();
        // Where no one is asked, a first opening may read the list once only; unless the relay's settings are wrong, for
        // what is wrong with the list is said first.
        if (self.args.yes || self.is_confirmed)
            && !self.args.dry_run
            && !self.config.approval.required
            && self.choice.is_none()
            && ledger.find_dispatch(&source.rendered.slug).await?.is_none()
            && let Ok(destination) = self.destination()
        {
            let opened = dispatch::open(source, ledger, &options).await?;
            if opened.plan.is_idle() {
                return self.nothing_to_do(&opened.plan).map(Err);
            }
            self.show(&opened.plan, &opened.composer, &destination)?;
            return Ok(Ok(Agreed { opened, destination }));
        }
        let prepared = prepare(source, ledger, &options).await?;
        if prepared.plan().is_idle() {
            return self.nothing_to_do(prepared.plan()).map(Err);
        }
        let destination = self.destination()?;
        self.show(prepared.plan(), prepared.composer(), &destination)?;
        if self.args.dry_run {
            self.say_unapproved(prepared.plan());
        } else {
            approve::require(self.config, prepared.plan())?;
        }
        if !self.args.dry_run && !self.confirm(prepared.plan())? {
            return Err(Failure::declined("nothing was sent"));
        }
        let opened = prepared.open().await?;
        Ok(Ok(Agreed { opened, destination }))
    }

    /// A dry run needs no approval, and says what the real one would lack.
    fn say_unapproved(&self, plan: &Plan) {
        if let Err(failure) = approve::require(self.config, plan) {
            self.context.terminal.say(&format!("note: {}", failure.plain().0));
        }
    }

    /// The relay, or a folder.
    pub(super) fn destination(&self) -> Result<Destination, Failure> {
        if self.args.dry_run {
            return Ok(Destination::outbox(Outbox::new(self.config.outbox.clone())));
        }
        Destination::of(self.config)
    }

    /// What the arguments and settings choose.
    pub(super) fn options(&self) -> dispatch::Options {
        let mut options = dispatch::Options::new(self.context.now);
        options.destination = match (self.config.encryption().is_some(), self.args.dry_run) {
            (true, false) => dispatch::Destination::Relay,
            (true, true) => dispatch::Destination::DryRunOfRelay,
            (false, false) => dispatch::Destination::Folder,
            (false, true) => dispatch::Destination::DryRunOfFolder,
        };
        options.selection = self.choice.clone();
        options.edited = if self.args.as_opened { IfEdited::SendAsOpened } else { IfEdited::Refuse };
        options.keys_changed =
            if self.args.new_signature { IfKeysChanged::Accept } else { IfKeysChanged::Refuse };
        options.failed = if self.args.retry_failed { Failed::Again } else { Failed::Stay };
        options.bad_rows = if self.args.skip_bad_rows { BadRows::Skip } else { BadRows::Refuse };
        options.pace = self.config.pace.clone();
        let (terminal, issue, dry_run) = (self.context.terminal, self.args.issue.clone(), self.args.dry_run);
        options.notify = Arc::new(move |note| {
            match note {
            Note::Unconfirmed { letters } => {
                let died = format!("an earlier run died with {} under way", plural(*letters, "letter", "letters"));
                // The ledger does not have them yet as unconfirmed: only the copy has.
                let look = format!(": see `mimeo status {issue} --state unconfirmed`");
                terminal.say(&if dry_run { died } else { died + &look });
            }
            Note::Requeued { letters } => terminal.say(&format!(
                "{} of this issue only went into the outbox, when no relay was set: they are sent now",
                plural(*letters, "letter", "letters")
            )),
            Note::Refrozen { slug, opened_at } => terminal.say(&format!(
                "`{slug}` was edited after its dispatch was opened ({}); no letter has left yet, so the edited issue is sent",
                when(*opened_at)
            )),
            Note::Rows(found) => terminal.show(found),
        }
        });
        options
    }

    pub(super) fn nothing_to_do(&self, plan: &Plan) -> Result<Exit, Failure> {
        let tally = plan.so_far;
        let sentence = if plan.left_for_later > 0 {
            let (who, need) = if plan.left_for_later == 1 { ("person", "does") } else { ("people", "do") };
            format!(
                "no subscriber in your selection still needs this issue; {} other {who} {need}",
                count(plan.left_for_later)
            )
        } else if tally.planned == 0 {
            "nothing to send: no subscriber on the list wants letters".to_owned()
        } else if tally.accepted + tally.suppressed == tally.planned {
            format!("nothing to send: {}", common::sentence(&tally))
        } else {
            format!("nothing is left to send: {}", common::sentence(&tally))
        };
        self.context.terminal.say(&format!("{}: {sentence}", plan.title));
        self.json(plan, Some(tally), ("finished", None), Totals::default(), None)?;
        let open = tally.failed + tally.unconfirmed + tally.begun;
        Ok(if open == 0 { Exit::Done } else { Exit::Unfinished })
    }

    /// Shows the plan.
    pub(super) fn show(
        &self,
        plan: &Plan,
        composer: &Composer,
        destination: &Destination,
    ) -> Result<(), Failure> {
        let terminal = &self.context.terminal;
        let mut lines = vec![plan.title.clone()];
        if self.named == Match::Part {
            lines.push(format!(
                "  `{}` is a part of its name: {}",
                self.args.issue,
                self.file.path.display()
            ));
        }
        if let Some(opened) = plan.opened_at {
            lines.push(format!("  opened {}: {}", when(opened), common::sentence(&plan.so_far)));
        }
        let mut why = Vec::new();
        if plan.opened_at.is_some() && plan.newcomers > 0 {
            why.push(format!("{} new on the list", count(plan.newcomers)));
        }
        why.extend(
            plan.inactive
                .iter()
                .filter(|(_, number)| *number > 0)
                .map(|(why, number)| format!("{} {}", count(number), why.word())),
        );
        for (number, what) in [
            (plan.so_far.deferred, "deferred before"),
            (plan.retried, "failed before"),
            (plan.opted_out_since, "opted out in the list since"),
            (plan.gone, "no longer on the list"),
            (plan.duplicates, "on the list twice"),
            (plan.newcomers_suppressed + plan.suppressed_since, "suppressed"),
            (plan.skipped_rows, "in rows that cannot be used"),
            (plan.left_for_later, "left for later"),
        ] {
            if number > 0 {
                why.push(format!("{} {what}", count(number)));
            }
        }
        let who = plural(plan.letters, "person gets it", "people get it");
        lines.push(if why.is_empty() { format!("  {who}") } else { format!("  {who} ({})", why.join(", ")) });
        let size = composer.size_hint() as u64;
        lines.push(format!("  about {} a letter, {}", human_bytes(size), destination.description));
        match plan.prediction {
            Prediction::AtOnce => {}
            Prediction::Until(at) => {
                lines.push(format!("  at this pace the last letter leaves about {}", when(at)))
            }
            Prediction::Never => lines.push("  at this pace it never ends: look at [pace]".to_owned()),
        }
        if plan.gone > 0 {
            lines.push(
                "  people removed from the list since then are still in the plan: `mimeo suppress ADDRESS` stops a letter"
                    .to_owned(),
            );
        }
        terminal.say(&lines.join("\n"));
        Ok(())
    }

    /// Asks whether to send. False: no.
    fn confirm(&self, plan: &Plan) -> Result<bool, Failure> {
        self.confirm_question(plan, &format!("Send {}?", plural(plan.letters, "letter", "letters")))
    }

    /// Asks a question about the plan. False: no.
    pub(super) fn confirm_question(&self, plan: &Plan, question: &str) -> Result<bool, Failure> {
        self.check_removed(plan)?;
        if self.args.yes || self.is_confirmed || plan.letters == 0 {
            return Ok(true);
        }
        if !self.context.terminal.is_interactive() {
            return Err(Failure::input("cannot prompt: not a terminal; pass --yes")
                .hint("look at the plan above first")
                .exit(Exit::Usage));
        }
        self.context.terminal.ask(question).map_err(Failure::outside)
    }

    /// Whoever was removed from the list may have asked for it. Whether they get the issue is for a person to say, not for a
    /// script.
    fn check_removed(&self, plan: &Plan) -> Result<(), Failure> {
        let is_named = matches!(self.choice, Some(Selection::Only(_)));
        if plan.gone == 0 || is_named || !self.args.yes || self.args.include_removed {
            return Ok(());
        }
        let who = plural(
            plan.gone,
            "person is still to get this issue and is",
            "people are still to get this issue and are",
        );
        Err(Failure::input(format!("{who} no longer on `{}`", self.config.list.path().display()))
            .hint(
                "if they asked to be removed, `mimeo suppress ADDRESS` stops their letters; otherwise put them back on the \
                 list, or send to them too with --include-removed",
            )
            .exit(Exit::Usage))
    }

    /// A ledger that has never sent through a relay may be one that was lost: on another machine, in a fresh checkout. That
    /// no one got the issue with another one is for the owner to say.
    pub(super) async fn acknowledge_first(&self, ledger: &Ledger) -> Result<(), Failure> {
        let is_first = ledger.relays().await?.iter().all(|relay| relay == Transport::OUTBOX);
        if self.config.encryption().is_none() || self.args.first || !is_first {
            return Ok(());
        }
        let path = &self.config.ledger;
        let text = format!("the ledger `{path}` has never sent through a relay");
        if self.args.yes {
            return Err(Failure::input(text)
                .hint(
                    "whoever got an issue with another ledger (on another machine, in another checkout) would get it \
                     again: bring that ledger here, or confirm with --first that there is none",
                )
                .exit(Exit::Usage));
        }
        self.context.terminal.say(&format!(
            "{text}: if issues were sent with another one, bring it here first, or their readers get them again"
        ));
        Ok(())
    }
}
