//! The arguments of `mimeo send`.

use jiff::Timestamp;

use crate::{
    address::EmailAddress,
    cli::{
        check,
        context::Context,
        failure::{Exit, Failure},
        flags, issues,
    },
    config::{Config, Overrides},
    ledger::Selection,
    render::Built,
};

/// Send an issue to everybody on the list who does not have it yet
///
/// It shows who will get the issue, and asks. If anything interrupts it (a crash, a full disk, a lost relay), run the same
/// command again: it continues where it stopped, and no one gets the issue twice. Letters for which no answer came are
/// listed by `mimeo status`, and you decide about them with `mimeo resolve`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo send a-year-in-review --dry-run
  mimeo send a-year-in-review
  mimeo send 95 --sample 100
  mimeo send 95 --where 'city == \"Berlin\" && \"beta\" in tags' --yes
  mimeo send 95 --deadline 2h --yes
  mimeo send 95 --at 2026-12-04T09:00
  mimeo send 95 --at '2026-12-04T09:00[Europe/Berlin]' --detach")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name
    pub(super) issue: String,
    /// Send without asking
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Confirm that no one got an issue with another ledger; needed once with --yes, when a ledger sends through a relay
    /// for the first time
    #[arg(long)]
    pub(super) first: bool,
    /// Write the letters into the outbox instead of sending them, and leave the ledger unchanged
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Continue with the issue as it was at the first `send`, although it has been edited since
    #[arg(long)]
    pub(super) as_opened: bool,
    /// Continue although `[dkim]` or a key has changed since the first letter left
    #[arg(long)]
    pub(super) new_signature: bool,
    /// Also try failed letters again: all of them, or those chosen by --only or --where
    #[arg(long)]
    pub(super) retry_failed: bool,
    /// Send to these people only
    #[arg(long, value_name = "ADDRESS,…", value_delimiter = ',', group = "choice")]
    pub(super) only: Vec<EmailAddress>,
    /// Send only to people who meet this condition
    #[arg(long = "where", value_name = "CONDITION", group = "choice")]
    pub(super) condition: Option<String>,
    /// Send to the first N people on the list who don't have it yet
    #[arg(long, value_name = "N", group = "choice", value_parser = flags::at_least_one)]
    pub(super) limit: Option<u64>,
    /// Send to N random people who don't have it yet
    #[arg(long, value_name = "N", group = "choice", value_parser = flags::at_least_one)]
    pub(super) sample: Option<u64>,
    /// Send at this time, as in 2026-12-04T09:00 or 2026-12-04T09:00[Europe/Berlin]; waits for it
    #[arg(long, value_name = "TIME", conflicts_with_all = ["dry_run", "choice", "retry_failed"])]
    pub(super) at: Option<String>,
    /// With --at, leave the waiting to `mimeo work --watch` or `mimeo serve --work`
    #[arg(long, requires = "at")]
    pub(super) detach: bool,
    /// Keep trying deferred letters for this long (2h), or until this time (2022-12-30T18:00:00+01:00)
    #[arg(long, alias = "until", value_name = "TIME")]
    pub(super) deadline: Option<String>,
    /// Also send to people who were removed from the list since the issue was first sent; without --yes you are asked
    #[arg(long)]
    pub(super) include_removed: bool,
    /// Skip rows of the list that cannot be used
    #[arg(long)]
    pub(super) skip_bad_rows: bool,
    /// Continue with a ledger restored from a backup: people who got a letter since then may get it again
    #[arg(long)]
    pub(super) restored: bool,
    /// Send although `mimeo check` finds this error (as in M491)
    #[arg(long, value_name = "CODE")]
    pub(super) allow: Vec<String>,
    /// Print the plan and the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) list: flags::List,
    #[command(flatten)]
    pub(super) send: flags::SendOptions,
}

impl Args {
    /// Without a question, an issue is sent only if it was named exactly.
    pub(super) fn check_name(&self, file: &issues::IssueFile, named: issues::Match) -> Result<(), Failure> {
        if named == issues::Match::Exact || !self.yes || self.dry_run {
            return Ok(());
        }
        Err(Failure::input(format!("`{}` is only a part of the name `{}`", self.issue, file.slug))
            .hint(format!("with --yes, name the issue exactly: `mimeo send {} --yes`", file.short_name()))
            .exit(Exit::Usage))
    }

    /// Nothing leaves that the check finds an error in.
    pub(super) fn check(
        &self,
        context: &Context,
        config: &Config,
        file: &issues::IssueFile,
        built: &Built,
    ) -> Result<(), Failure> {
        let found = check::letter_errors(context, config, file, built, &self.allow)?;
        let Some(code) = found.first().map(|one| one.code) else { return Ok(()) };
        Err(Failure::found(found)
            .hint(format!("nothing was sent; fix it, or send anyway with --allow {code}")))
    }

    pub(super) fn choice(&self, context: &Context, config: &Config) -> Result<Option<Selection>, Failure> {
        if !self.only.is_empty() {
            return Ok(Some(Selection::Only(self.only.clone())));
        }
        if let Some(text) = &self.condition {
            return Ok(Some(Selection::Where(context.condition(text, config)?)));
        }
        let seed =
            u64::from_ne_bytes(context.now.as_nanosecond().to_ne_bytes()[..8].try_into().unwrap_or_default());
        Ok(self.limit.map(Selection::First).or(self.sample.map(|count| Selection::Sample { count, seed })))
    }

    /// What this run's flags say.
    pub(super) fn overrides(&self, overrides: Overrides) -> Overrides {
        self.list.say(self.send.say(overrides))
    }

    pub(super) fn deadline(&self, context: &Context) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = &self.deadline else { return Ok(None) };
        let moment = flags::duration(text)
            .and_then(|wait| context.now.checked_add(wait).ok())
            .or_else(|| text.parse().ok());
        let Some(moment) = moment else {
            return Err(Failure::input(format!("invalid time `{text}`"))
                .hint("write how long, as in 2h or 30m, or when, as in 2022-12-30T18:00:00+01:00")
                .exit(Exit::Usage));
        };
        if moment < context.now {
            return Err(Failure::input(format!("the time `{text}` is in the past")).exit(Exit::Usage));
        }
        Ok(Some(moment))
    }
}
