//! Opening a dispatch: what may be sent is settled, the list is read, and the letter and its recipients are frozen.

mod error;
mod freeze;
pub(super) mod join;

pub(crate) use error::check_columns;
pub use error::{ColumnsError, OpenError};

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    options::{BadRows, Note, Options, Source},
    plan::Plan,
    run::{Route, Run},
    settings::Settings,
    survey::{Survey, people, people_without_fault, survey},
};
use freeze::Frozen;

use crate::{
    ledger::{
        Decision, DispatchId, Joinable, Ledger, LedgerError, NewDispatch, Selection, SelectionId, Tally,
    },
    message::Composer,
    render::RenderedIssue,
    subscriber::List,
    transport::Transport,
};

/// A dispatch that could be opened: the plan can be shown, and no one has been recorded yet.
pub struct Prepared {
    plan: Plan,
    survey: Survey,
    dispatch: Frozen,
}

/// An open dispatch: its letter and recipients are recorded, and letters may leave.
///
/// ```
/// # use std::path::Path;
/// # use mimeograph::{address::EmailAddress, render::{self, BuildContext, Mailbox, Newsletter}};
/// use std::sync::Arc;
///
/// use mimeograph::{
///     dispatch::{self, Options, Settings},
///     ledger::Ledger,
///     message::Secrets,
///     source::Source,
///     transport::{Outbox, Transport},
/// };
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let (list, outbox) = (folder.path().join("list.csv"), folder.path().join("outbox"));
/// # std::fs::write(&list, "email\nada@example.com\n")?;
/// # let newsletter = Newsletter::new("Tea", Mailbox::new("Noor", EmailAddress::parse("noor@kettle.example.org")?));
/// # let text = Source::new("one.md", "---\ntitle: The first cup\n---\n\nHello.\n");
/// # let built = render::build(text, "one", &BuildContext::new(&newsletter, Path::new("."), jiff::Timestamp::now()))?;
/// let ledger = Ledger::scratch()?;
/// let source = dispatch::Source::new(built.rendered, list, Secrets::new([7; 32]));
/// let options = Options::new(jiff::Timestamp::now()).into_folder();
/// let opened = dispatch::open(source, &ledger, &options).await?;
/// assert_eq!(opened.plan.letters, 1);
///
/// let transport = Arc::new(Transport::Outbox(Outbox::new(outbox)));
/// opened.run(&transport, Settings::default()).send(|_event| {}).await?;
/// assert_eq!(opened.tally().await?.accepted, 1);
/// # Ok(())
/// # }
/// ```
#[non_exhaustive]
pub struct Opened {
    /// Who gets the letter, who does not, and why.
    pub plan: Plan,
    /// The letter that is sent: the frozen one, if the dispatch was open before.
    pub rendered: RenderedIssue,
    /// Makes its messages.
    pub composer: Arc<Composer>,
    /// The dispatch in the ledger; `None` if there was no one to open it for.
    pub dispatch: Option<DispatchId>,
    ledger: Ledger,
    selection: Option<SelectionId>,
    /// How often the dispatch had been stopped when it was decided to send it; `None` when a run begins.
    stops: Option<u64>,
}

/// Finds out what a send would do, for a caller who asks someone before [opening](Prepared::open) the dispatch.
///
/// It puts the ledger in order on the way (letters of a run that died, an edited issue that no one has), but records no
/// recipient.
///
/// # Errors
///
/// Whatever speaks against the send: see [`OpenError`].
pub async fn prepare(source: Source, ledger: &Ledger, options: &Options) -> Result<Prepared, OpenError> {
    Frozen::new(source, ledger, options).await?.prepare().await
}

/// Opens the dispatch of an issue, or continues with one: checks that it may be sent, reads the list, and records the letter
/// and its recipients, each address once. Then [`Opened::run`] sends it.
///
/// # Errors
///
/// Whatever speaks against the send, with nothing recorded: see [`OpenError`].
pub async fn open(source: Source, ledger: &Ledger, options: &Options) -> Result<Opened, OpenError> {
    let frozen = Frozen::new(source, ledger, options).await?;
    if frozen.record.is_none()
        && options.selection.is_none()
        && let Some((plan, dispatch)) = frozen.open_in_one_reading().await?
    {
        return frozen.opened(plan, Some(dispatch)).await;
    }
    frozen.prepare().await?.open().await
}

impl Prepared {
    /// What the send would do.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Makes the letters.
    pub fn composer(&self) -> &Composer {
        &self.dispatch.composer
    }

    /// Records the letter and its recipients, or the people who came since. Nothing is recorded if the plan
    /// [is idle](Plan::is_idle).
    ///
    /// # Errors
    ///
    /// When the list or the ledger cannot be used any more, with nothing recorded.
    pub async fn open(self) -> Result<Opened, OpenError> {
        let Self { plan, survey, dispatch } = self;
        if plan.is_idle() {
            let id = dispatch.record.as_ref().map(|record| record.id);
            return dispatch.opened(plan, id).await;
        }
        if plan.retried > 0
            && let Some(record) = &dispatch.record
        {
            let named = matches!(dispatch.options.selection, Some(Selection::Only(_) | Selection::Where(_)));
            let retried = (named || survey.failed_stay).then_some(survey.retried);
            dispatch.ledger.decide(record.id, Decision::Retry, retried, dispatch.options.now).await?;
        }
        let id = dispatch.record_people(&plan).await?;
        dispatch.ledger.close_opted_out(id, survey.opted_out).await?;
        dispatch.opened(plan, Some(id)).await
    }
}

impl Opened {
    /// One run over the dispatch: [`Run::send`] sends the letters that are due.
    pub fn run(&self, transport: &Arc<Transport>, settings: Settings) -> Run {
        let route = Route::new(Arc::clone(transport), settings.connections);
        self.run_through(vec![route], settings)
    }

    /// One run over the dispatch through several relays. There has to be one at least.
    pub fn run_through(&self, routes: Vec<Route>, settings: Settings) -> Run {
        Run {
            ledger: self.ledger.clone(),
            dispatch: self.dispatch,
            selection: self.selection,
            stops: self.stops,
            composer: Arc::clone(&self.composer),
            digest: self.plan.digest.as_str().into(),
            routes,
            settings,
            clock: Arc::new(Timestamp::now),
            interrupts: None,
        }
    }

    /// Stores with which settings the dispatch is sent, and whether other processes may join: see [`Ledger::store_run`]. Its
    /// runs heed each stop after that.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn share(
        &mut self,
        settings: &str,
        joinable: Joinable,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        if let Some(dispatch) = self.dispatch {
            self.stops = Some(self.ledger.store_run(dispatch, settings, joinable, now).await?);
        }
        Ok(())
    }

    /// How many letters are in which state.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be used.
    pub async fn tally(&self) -> Result<Tally, LedgerError> {
        match self.dispatch {
            Some(dispatch) => self.ledger.tally(dispatch).await,
            None => Ok(Tally::default()),
        }
    }
}

impl Frozen {
    /// Reads the list beside the ledger, and plans.
    async fn prepare(self) -> Result<Prepared, OpenError> {
        let survey = self.survey().await?;
        let so_far = match &self.record {
            Some(record) => self.ledger.tally(record.id).await?,
            None => Tally::default(),
        };
        let plan = Plan::new(&self.rendered, self.record.as_ref(), &survey, so_far, &self.options);
        Ok(Prepared { plan, survey, dispatch: self })
    }

    async fn survey(&self) -> Result<Survey, OpenError> {
        let list = List::open_about(&self.list, &self.rendered.topics)?;
        check_columns(&self.composer, &list)?;
        error::check_topics(&self.rendered.topics, &list)?;
        error::check_condition(self.options.selection.as_ref(), &list)?;
        let dispatch = self.record.as_ref().map(|record| record.id);
        let selection = self.options.selection.as_ref();
        let survey =
            survey(list, &self.ledger, dispatch, &self.composer, selection, self.options.failed).await?;
        if !survey.unknown.is_empty() {
            return Err(OpenError::NotOnList {
                list: self.list.path().to_owned(),
                addresses: survey.unknown,
            });
        }
        if survey.unusable > 0 && self.options.bad_rows == BadRows::Refuse {
            return Err(OpenError::BadRows { rows: survey.unusable, diagnostics: survey.diagnostics });
        }
        (self.options.notify)(&Note::Rows(survey.diagnostics.clone()));
        Ok(survey)
    }

    /// Where everybody on the list wants letters, one reading of it is enough: the plan is what was opened. At the first row
    /// about which there is something to say everything is undone; `None` then, and a survey says it.
    async fn open_in_one_reading(&self) -> Result<Option<(Plan, DispatchId)>, OpenError> {
        let list = List::open_about(&self.list, &self.rendered.topics)?;
        check_columns(&self.composer, &list)?;
        error::check_topics(&self.rendered.topics, &list)?;
        if list.has_consent_column() {
            return Ok(None);
        }
        let people = people_without_fault(list, Arc::clone(&self.composer));
        let new = NewDispatch { rendered: &self.rendered, opened_at: self.options.now };
        let opened = match self.ledger.open_dispatch_of_distinct(&new, people).await {
            Err(LedgerError::People { .. } | LedgerError::Repeated) => return Ok(None),
            opened => opened?,
        };
        let survey = Survey {
            people: opened.owed + opened.suppressed,
            newcomers: opened.owed + opened.suppressed,
            newcomers_suppressed: opened.suppressed,
            ..Survey::default()
        };
        let plan = Plan::new(&self.rendered, None, &survey, Tally::default(), &self.options);
        Ok(Some((plan, opened.dispatch)))
    }

    /// Freezes what is new: the whole dispatch, or the people who came since.
    async fn record_people(&self, plan: &Plan) -> Result<DispatchId, OpenError> {
        let people = || {
            let list = List::open_about(&self.list, &self.rendered.topics)?;
            // The survey has looked for repeats, and the ledger has one delivery for an address whatever is read here.
            let list = if plan.duplicates == 0 { list.without_repeats() } else { list };
            Ok::<_, OpenError>(people(list, Arc::clone(&self.composer)))
        };
        match &self.record {
            None => {
                let new = NewDispatch { rendered: &self.rendered, opened_at: self.options.now };
                Ok(self.ledger.open_dispatch(&new, people()?).await?.dispatch)
            }
            Some(record) => {
                if plan.newcomers > 0 {
                    self.ledger.extend_dispatch(record.id, people()?).await?;
                }
                Ok(record.id)
            }
        }
    }

    async fn opened(self, plan: Plan, dispatch: Option<DispatchId>) -> Result<Opened, OpenError> {
        let mut selection = None;
        if let Some(dispatch) = dispatch.filter(|_| !plan.is_idle()) {
            self.check_keys(dispatch).await?;
            if let Some(selected) = self.options.selection.clone() {
                selection = Some(self.ledger.select(dispatch, selected).await?.id);
            }
        }
        let Self { ledger, rendered, composer, .. } = self;
        Ok(Opened { plan, rendered, composer, dispatch, ledger, selection, stops: None })
    }
}
