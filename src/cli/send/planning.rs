//! Who gets the issue: the list is read, the plan shown and agreed to, and the sending opened.

use std::{ops::ControlFlow, sync::Arc};

use super::{Job, course::Totals};
use crate::{
    cli::{
        Exit, Failure,
        issues::Match,
        sending::{self, Destination},
    },
    dispatch::{self, Failed, Plan, Prediction, Survey},
    ledger::{Decision, DispatchId, DispatchRecord, Ledger, LedgerError, NewDispatch, Selection, Tally},
    message::Composer,
    render::RenderedIssue,
    report::words::{count, octets, plural, when},
    subscriber::List,
};

/// A sending that is open.
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) errand: Destination,
    pub(super) dispatch: DispatchId,
}

impl Job<'_> {
    /// Plans, asks, and opens what is new; breaks off when there is nothing to do and that has been said.
    pub(super) async fn planned(
        &self,
        ledger: &Ledger,
        opened: Option<&DispatchRecord>,
        rendered: &RenderedIssue,
        composer: &Arc<Composer>,
    ) -> Result<ControlFlow<Exit, Planned>, Failure> {
        if self.args.yes
            && opened.is_none()
            && self.choice.is_none()
            && let Some(planned) = self.opened_at_once(ledger, rendered, composer).await?
        {
            return Ok(ControlFlow::Continue(planned));
        }
        let survey = self.survey(Some(ledger), opened, composer).await?;
        let so_far = match opened {
            Some(record) => ledger.tally(record.id).await?,
            None => Tally::default(),
        };
        let plan = self.plan(rendered, opened, &survey, so_far);
        if self.is_idle(&plan) {
            return self.nothing_to_do(&plan, rendered).map(ControlFlow::Break);
        }
        let errand = Destination::of(self.config)?;
        self.show(&plan, composer, &errand)?;
        if !self.confirm(&plan)? {
            self.context.terminal.print("nothing was sent");
            return Ok(ControlFlow::Break(Exit::Interrupted));
        }
        if plan.retried > 0
            && let Some(record) = opened
        {
            let named = matches!(self.choice, Some(Selection::Only(_) | Selection::Where { .. }));
            let retried = named.then_some(survey.retried);
            ledger.decide(record.id, Decision::Retry, retried, self.context.now).await?;
        }
        let dispatch = self.open(ledger, opened, rendered, composer, &plan).await?;
        Ok(ControlFlow::Continue(Planned { plan, errand, dispatch }))
    }

    /// Where nobody is to be asked and everybody on the list wants letters, one reading of it is enough: the plan is what was
    /// opened. At the first row about which there is something to tell everything is undone; `None` then, and a survey
    /// tells it.
    async fn opened_at_once(
        &self,
        ledger: &Ledger,
        rendered: &RenderedIssue,
        composer: &Arc<Composer>,
    ) -> Result<Option<Planned>, Failure> {
        let list = List::open(&self.config.list)?;
        sending::check_columns(composer, &list)?;
        if list.has_consent_column() {
            return Ok(None);
        }
        // What is wrong with the list comes first.
        let Ok(errand) = Destination::of(self.config) else { return Ok(None) };
        let people = dispatch::people_without_fault(list, Arc::clone(composer));
        let new = NewDispatch { rendered, opened_at: self.context.now };
        let opened = match ledger.open_dispatch_of_distinct(&new, people).await {
            Err(LedgerError::People { .. } | LedgerError::Repeated) => return Ok(None),
            opened => opened?,
        };
        let survey = Survey {
            people: opened.owed + opened.suppressed,
            newcomers: opened.owed + opened.suppressed,
            newcomers_suppressed: opened.suppressed,
            ..Survey::default()
        };
        let plan = self.plan(rendered, None, &survey, Tally::default());
        self.show(&plan, composer, &errand)?;
        Ok(Some(Planned { plan, errand, dispatch: opened.dispatch }))
    }

    /// Reads the list beside the ledger, and tells what is wrong with it.
    pub(super) async fn survey(
        &self,
        ledger: Option<&Ledger>,
        opened: Option<&DispatchRecord>,
        composer: &Composer,
    ) -> Result<Survey, Failure> {
        let list = List::open(&self.config.list)?;
        sending::check_columns(composer, &list)?;
        self.args.check_field(self.choice.as_ref(), &list)?;
        let failed = if self.args.retry_failed { Failed::Again } else { Failed::Stay };
        let opened = opened.map(|record| record.id);
        let survey = dispatch::survey(list, ledger, opened, composer, self.choice.as_ref(), failed).await?;
        if let Some(first) = survey.unknown.first() {
            let more = match survey.unknown.len() - 1 {
                0 => String::new(),
                more => format!(" and {}", plural(more as u64, "other of `--only`", "others of `--only`")),
            };
            let list = self.config.list.path.display();
            return Err(Failure::input(format!("`{}`{more} is not in `{list}`", first.expose()))
                .hint("nothing was sent; a comma parts two addresses"));
        }
        if survey.unusable > 0 && !self.args.skip_bad_rows {
            let hint = format!(
                "nothing was sent; fix {}, or skip {} with --skip-bad-rows",
                if survey.unusable == 1 { "the row" } else { "the rows" },
                if survey.unusable == 1 { "it" } else { "them" }
            );
            return Err(Failure::found(survey.diagnostics).hint(hint));
        }
        self.context.terminal.show(&survey.diagnostics);
        Ok(survey)
    }

    pub(super) fn plan(
        &self,
        rendered: &RenderedIssue,
        opened: Option<&DispatchRecord>,
        survey: &Survey,
        so_far: Tally,
    ) -> Plan {
        let newcomers = survey.newcomers - survey.newcomers_suppressed;
        let retried = survey.retried.len() as u64;
        let owed =
            (so_far.queued + so_far.deferred).saturating_sub(survey.suppressed_since) + retried + newcomers;
        let letters = if self.choice.is_some() { survey.chosen.min(owed) } else { owed };
        Plan {
            issue: rendered.slug.clone(),
            title: rendered.title.clone(),
            digest: rendered.digest(),
            opened_at: opened.map(|record| record.opened_at),
            so_far,
            newcomers: survey.newcomers,
            newcomers_suppressed: survey.newcomers_suppressed,
            suppressed_since: survey.suppressed_since,
            inactive: survey.inactive,
            duplicates: survey.duplicates,
            skipped_rows: survey.unusable,
            retried,
            gone: survey.gone,
            left_for_later: owed - letters,
            letters,
            prediction: dispatch::predict(letters, &self.config.pace, self.context.now, 0),
        }
    }

    /// Whether there is no letter to send and no person to record.
    pub(super) fn is_idle(&self, plan: &Plan) -> bool {
        plan.letters == 0 && plan.suppressed_since == 0 && (plan.newcomers == 0 || self.choice.is_some())
    }

    pub(super) fn nothing_to_do(&self, plan: &Plan, rendered: &RenderedIssue) -> Result<Exit, Failure> {
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
            format!("nothing to send: {}", sending::sentence(&tally))
        } else {
            format!("nothing is left to send: {}", sending::sentence(&tally))
        };
        self.context.terminal.say(&format!("{}: {sentence}", rendered.title));
        self.json(plan, Some(tally), "finished", None, Totals::default())?;
        let open = tally.failed + tally.unconfirmed + tally.begun;
        Ok(if open == 0 { Exit::Done } else { Exit::Unfinished })
    }

    /// Shows the plan.
    pub(super) fn show(&self, plan: &Plan, composer: &Composer, errand: &Destination) -> Result<(), Failure> {
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
            lines.push(format!("  opened {}: {}", when(opened), sending::sentence(&plan.so_far)));
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
        lines.push(format!("  about {} a letter, {}", octets(size), errand.description));
        match plan.prediction {
            Prediction::AtOnce => {}
            Prediction::Until(at) => {
                lines.push(format!("  at this pace the last letter leaves about {}", when(at)))
            }
            Prediction::Never => lines.push("  at this pace it never ends: look at [pace]".to_owned()),
        }
        if plan.gone > 0 {
            lines.push(
                "  who left the list after its opening still gets it: `mimeo suppress ADDRESS` stops that"
                    .to_owned(),
            );
        }
        terminal.say(&lines.join("\n"));
        Ok(())
    }

    /// Asks whether to send. False: no.
    fn confirm(&self, plan: &Plan) -> Result<bool, Failure> {
        if self.args.yes || plan.letters == 0 {
            return Ok(true);
        }
        if !self.context.terminal.is_interactive() {
            return Err(Failure::input("cannot prompt: not a terminal; pass --yes")
                .hint("look at the plan above first")
                .exit(Exit::Usage));
        }
        let question = format!("Send {}?", plural(plan.letters, "letter", "letters"));
        self.context.terminal.ask(&question).map_err(Failure::outside)
    }

    /// A ledger that has never sent through a relay may be one that was lost: on another machine, in a fresh checkout. That
    /// nobody got the issue with another one is for the owner to say.
    pub(super) async fn acknowledge_first(&self, ledger: &Ledger) -> Result<(), Failure> {
        let is_first = ledger.relays().await?.iter().all(|relay| relay == sending::OUTBOX);
        if self.config.encryption().is_none() || self.args.first || !is_first {
            return Ok(());
        }
        let path = self.config.ledger.display();
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

    /// Freezes what is new: the whole dispatch, or the people who came since.
    async fn open(
        &self,
        ledger: &Ledger,
        opened: Option<&DispatchRecord>,
        rendered: &RenderedIssue,
        composer: &Arc<Composer>,
        plan: &Plan,
    ) -> Result<DispatchId, Failure> {
        let people = || {
            let list = List::open(&self.config.list)?;
            // The survey has looked for repeats, and the ledger has one delivery for an address whatever is read here.
            let list = if plan.duplicates == 0 { list.without_repeats() } else { list };
            Ok::<_, Failure>(dispatch::people(list, Arc::clone(composer)))
        };
        match opened {
            None => {
                let new = NewDispatch { rendered, opened_at: self.context.now };
                Ok(ledger.open_dispatch(&new, people()?).await?.dispatch)
            }
            Some(record) => {
                if plan.newcomers > 0 {
                    ledger.extend_dispatch(record.id, people()?).await?;
                }
                Ok(record.id)
            }
        }
    }
}
