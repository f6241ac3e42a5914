//! `mimeo serve`.

mod beside;

use std::{convert::Infallible, fs::File, path::Path, sync::Arc};

use jiff::Timestamp;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use super::{
    bounces, build, common,
    context::Context,
    failure::{Exit, Failure},
    flags,
    net::Net,
    work,
};
use crate::{
    config::{Config, Overrides},
    dispatch::{Interrupt, Returns},
    issue::Issue,
    ledger::{Ledger, Location, OpenOptions, Restored},
    render::{Template, design},
    service::{
        self, ArchiveFiles, HookReceiver, LetterError, Letters, Listen, Listener, Parts, Service, Settings,
        SnippetScript,
    },
    source::Source,
    transport::{Outbox, Transport},
};
use beside::Beside;

/// How long a request waits for another process that is writing into the ledger.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(3);

/// Answer your readers: they subscribe, confirm, unsubscribe and change what they get
///
/// Runs until it is interrupted. `[serve]` in mimeo.toml says where it listens and at which address a proxy such as Caddy or
/// nginx shows it to readers; see docs/service.md. Each request is a line of JSON on standard error, without addresses.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo serve
  mimeo serve --work
  mimeo serve --snippet > form.html
  mimeo serve --listen unix:/run/mimeo/serve.sock")]
pub(crate) struct Args {
    /// Listen here instead of where mimeo.toml says: an IP address with a port, or unix:PATH
    #[arg(long, value_name = "ADDRESS", value_parser = listen)]
    listen: Option<Listen>,
    /// Answer with metrics here
    #[arg(long, value_name = "ADDRESS", value_parser = listen)]
    metrics: Option<Listen>,
    /// Send too what is scheduled or open, as `mimeo work --watch` does
    #[arg(long)]
    work: bool,
    /// Print a form for a page of yours, and end; `script` adds a line that keeps readers on that page
    #[arg(long, value_name = "KIND", num_args = 0..=1, default_missing_value = "plain")]
    snippet: Option<Snippet>,
    #[command(flatten)]
    send: flags::SendOptions,
}

/// A form for a page of the owner's own.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Snippet {
    /// HTML alone
    Plain,
    /// HTML and a line of script
    Script,
}

fn listen(text: &str) -> Result<Listen, &'static str> {
    Listen::parse(text).ok_or("write an IP address with a port, as in 127.0.0.1:8025, or unix:PATH")
}

impl Args {
    fn overrides(&self) -> Overrides {
        let said = self.send.say(Overrides::default());
        said.or_environment(|name| std::env::var(name).ok())
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config_to_run(args.overrides())?;
    let settings = config.serve.clone().ok_or_else(|| {
        Failure::input("`[serve]` has no `url`").hint(
            "write where readers reach the service: `[serve]`, then `url = \"https://news.example.org/\"`",
        )
    })?;
    if let Some(kind) = args.snippet {
        let script = match kind {
            Snippet::Plain => SnippetScript::Without,
            Snippet::Script => SnippetScript::With,
        };
        let newsletter = &config.newsletter;
        let form = service::snippet(&settings, &newsletter.language, &newsletter.texts, script);
        context.terminal.data(&form).map_err(Failure::output)?;
        return Ok(Exit::Done);
    }
    common::runtime()?.block_on(serve(args, context, &config, settings))
}

async fn serve(
    args: &Args,
    context: &Context,
    config: &Config,
    mut settings: Settings,
) -> Result<Exit, Failure> {
    if let Some(listen) = &args.listen {
        settings.listen = listen.clone();
    }
    settings.metrics = args.metrics.clone().or(settings.metrics);
    let (listen, metrics) = (settings.listen.clone(), settings.metrics.clone());
    let ledger = open(context, &config.ledger)?;
    let tokens = common::list_tokens(config)?;
    let newsletter = config.newsletter.clone();
    let secrets = common::secrets(config)?;
    let letters = Letters::new(newsletter, config.root.clone(), config.templates(), secrets);
    letters.check(&settings, &tokens, context.now)?;
    let lock = lock(&config.ledger)?;
    let context_terminal = context.terminal;
    let (shown, archive) = watch::channel(Arc::default());
    if settings.archive {
        show_archive(context, config, &shown);
    }
    let has_archive = settings.archive;
    let parts = Parts {
        archive,
        is_managed: config.list.file().is_none(),
        is_alone: lock.is_some(),
        letters,
        transport: match config.transport.main_relay() {
            // One person may get several letters of the service; in a folder none of them replaces another.
            None => Arc::new(Transport::Outbox(Outbox::new(config.outbox.clone()).keeping_all())),
            Some(_) => common::Destination::of(config)?.into_main().0,
        },
        random: Arc::new(random),
        stylesheet: stylesheet(config)?,
        ledger: ledger.clone(),
        tokens,
        hooks: hooks(config, &ledger).await?,
        clock: Arc::new(Timestamp::now),
        log: Arc::new(move |line| context_terminal.say(line)),
        settings,
    };
    let service = Service::open(parts).await?;
    let listener = bind(&listen).await?;
    let metrics = match &metrics {
        Some(listen) => Some(bind(listen).await?),
        None => None,
    };
    // Before anything is printed: the signal would end a process that does not wait for it.
    let renewals = signal(SignalKind::user_defined1())
        .map_err(|error| Failure::outside(format!("failed to wait for signals: {error}")))?;
    // For programs that start this one with port 0.
    let mut lines = format!("listening on {}\n", listener.place());
    if let Some(metrics) = &metrics {
        lines.push_str(&format!("metrics on {}\n", metrics.place()));
    }
    context.terminal.data(&lines).map_err(Failure::output)?;
    let renews = renew_archive(context, config, has_archive, renewals, &shown);
    let overrides = work::at_ledger(args.overrides(), &config.ledger);
    let beside = Beside { context, config, ledger, overrides };
    run_to_the_end(args, &beside, |stop| service.run(listener, metrics, stop), renews).await?;
    Ok(Exit::Done)
}

/// Answers until a signal comes, with everything else that happens meanwhile.
async fn run_to_the_end<A: Future<Output = ()> + Send + 'static>(
    args: &Args,
    beside: &Beside<'_>,
    answer: impl FnOnce(watch::Receiver<bool>) -> A,
    renews: impl Future<Output = Infallible>,
) -> Result<(), Failure> {
    let (stop, stopped) = watch::channel(false);
    let (interrupt, interrupts) = watch::channel(Interrupt::None);
    let terminal = beside.context.terminal;
    let signals = tokio::spawn(async move {
        common::interrupted().await;
        terminal.say("finishing the requests under way");
        interrupt.send_replace(Interrupt::Finish);
        stop.send_replace(true);
        // A second signal ends the wait for slow clients.
        common::interrupted().await;
        std::process::abort();
    });
    // In a task of their own: nothing that runs beside them makes a reader wait.
    let mut answers = tokio::spawn(answer(stopped.clone()));
    let aside = async {
        tokio::select! {
            never = renews => match never {},
            never = bounces::watch_mailbox(beside.context, beside.config, beside.ledger.clone()) => match never {},
            never = beside.start_schedules(), if !args.work => match never {},
            result = &mut answers => result,
        }
    };
    let sends = async {
        if args.work {
            beside.send(interrupts).await;
        }
    };
    let (answered, (), followed) = tokio::join!(aside, sends, beside.follow_suppressions(stopped));
    signals.abort();
    if let Err(error) = answered
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
    followed
}

/// Makes the archive's pages from the issues as they are now. With a mistake in one, the pages of before stay.
fn show_archive(context: &Context, config: &Config, shown: &watch::Sender<Arc<ArchiveFiles>>) {
    let mut config = config.clone();
    if let Some(serve) = &config.serve {
        // It is at the service's address, unless the settings give it another one.
        config.newsletter.archive.get_or_insert_with(|| serve.url.to_string());
    }
    match build::archive::build_all(context, &config) {
        Ok(all) => {
            let files = build::archive::site(&config, &all, true, true);
            shown.send_replace(Arc::new(ArchiveFiles::new(files)));
        }
        Err(failure) => {
            let why = failure.plain().0;
            context.terminal.say(&format!("the archive is not shown as it is now: {why}; see `mimeo check`"));
        }
    }
}

/// Makes the archive again at each SIGUSR1.
async fn renew_archive(
    context: &Context,
    config: &Config,
    has_archive: bool,
    mut renewals: Signal,
    shown: &watch::Sender<Arc<ArchiveFiles>>,
) -> Infallible {
    loop {
        renewals.recv().await;
        if has_archive {
            show_archive(context, config, shown);
        }
    }
}

/// What takes the reports of delivery services.
async fn hooks(config: &Config, ledger: &Ledger) -> Result<Option<HookReceiver>, Failure> {
    if config.hooks.is_empty() {
        return Ok(None);
    }
    let key = common::newsletter_key(config)?;
    let list_id = &config.newsletter.list_id;
    let returns = Returns::new(ledger.clone(), &key, list_id, config.bounces, false).await?;
    Ok(Some(HookReceiver { hooks: Arc::new(config.hooks()?), returns, fetch: Arc::new(Net::new()) }))
}

/// No one else works off the letters of this ledger for as long as it is kept; `None` when a person does.
/// Of a ledger on a server no process knows that.
fn lock(ledger: &Location) -> Result<Option<File>, Failure> {
    let Some(ledger) = ledger.file() else { return Ok(None) };
    let mut path = ledger.as_os_str().to_owned();
    path.push(".serve");
    let path = Path::new(&path);
    let open = File::options().create(true).append(true).open(path);
    let file = open.map_err(|error| Failure::file("open", path, error))?;
    Ok(file.try_lock().is_ok().then_some(file))
}

fn random() -> [u8; 12] {
    let mut bytes = [0; 12];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system has random numbers");
    bytes
}

impl From<LetterError> for Failure {
    fn from(error: LetterError) -> Self {
        match error {
            LetterError::Found { found, .. } => Self::found(found),
            error @ LetterError::Read { .. } => Self::outside(error),
            error => Self::input(error)
                .hint("a letter in templates/mail/ can use {{ newsletter.name }} and {{ subscriber.link }}"),
        }
    }
}

fn open(context: &Context, path: &Location) -> Result<Ledger, Failure> {
    let options = OpenOptions { busy_timeout: TIMEOUT, ..context.ledger_options(Restored::Refuse) };
    Ok(Ledger::open_with(path, &options)?)
}

async fn bind(listen: &Listen) -> Result<Listener, Failure> {
    Listener::bind(listen).await.map_err(|error| {
        Failure::outside(format!("failed to listen on {listen}: {error}"))
            .hint("another program may be using it: set `[serve] listen`, or pass --listen")
    })
}

/// Pages look like letters: in the colors and fonts of the newsletter's own template.
fn stylesheet(config: &Config) -> Result<String, Failure> {
    let template = Template::load(&config.templates(), &config.newsletter.template)?;
    let source = Source::new("page", "---\ntitle: Page\n---\n");
    let issue = Issue::read(source, &config.newsletter.language);
    let (design, found) = design(&issue, &config.newsletter, &template);
    if found.iter().any(crate::source::Diagnostic::is_error) {
        return Err(found.into());
    }
    Ok(service::stylesheet(&design))
}
