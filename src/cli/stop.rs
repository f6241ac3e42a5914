use super::{
    common,
    context::Context,
    failure::{Exit, Failure},
    flags, issues,
};
use crate::{
    config::Overrides,
    dispatch::forget_refusals,
    ledger::{DispatchRecord, Ledger, Restored},
};

/// Stop sending an issue, on all machines
///
/// Every `mimeo send` and `mimeo work` on this ledger finishes the letters that are on their way and begins no more of this issue,
/// within about two seconds. `mimeo resume` lets workers go on; `mimeo send` goes on here and lets them join.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo stop 95
  mimeo stop 95 --reason \"wrong link in the second story\"
  mimeo resume 95")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name
    issue: String,
    /// Why, for whoever looks at it elsewhere
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    ledger: flags::Ledger,
}

/// Let workers go on with an issue that was stopped
///
/// It takes back `mimeo stop`, and also a stop by the brake or because of bounces and complaints. Nothing is sent by this command.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo resume 95
  mimeo work")]
pub(crate) struct ResumeArgs {
    /// The issue: its number, its path, or a part of its name
    issue: String,
    #[command(flatten)]
    ledger: flags::Ledger,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let reason = match args.reason.as_deref().map(str::trim) {
        None => "stopped by hand".to_owned(),
        Some(reason) if reason.is_empty() || reason.chars().any(char::is_control) => {
            let text = "invalid value for --reason: it is empty, or contains a control character";
            return Err(Failure::input(text).exit(Exit::Usage));
        }
        Some(reason) => format!("stopped by hand: {reason}"),
    };
    common::runtime()?.block_on(async {
        let (ledger, record) = open(context, &args.ledger, &args.issue).await?;
        ledger.stop_run(record.id, &reason, context.now).await?;
        let slug = &record.slug;
        context.terminal.say(&format!(
            "`{slug}` is stopped on all machines; `mimeo resume {slug}` lets workers go on, and `mimeo send {slug}` goes on here"
        ));
        Ok(Exit::Done)
    })
}

pub(crate) fn resume(args: &ResumeArgs, context: &Context) -> Result<Exit, Failure> {
    common::runtime()?.block_on(async {
        let (ledger, record) = open(context, &args.ledger, &args.issue).await?;
        let slug = &record.slug;
        let Some(why) = ledger.stops(record.id).await?.why else {
            return Err(Failure::input(format!("`{slug}` is not stopped"))
                .hint(format!("`mimeo send {slug}` sends what is left")));
        };
        forget_refusals(&ledger, record.id).await?;
        ledger.resume_run(record.id, context.now).await?;
        context.terminal.say(&format!("workers may go on with `{slug}`, which was {why}"));
        Ok(Exit::Done)
    })
}

/// The ledger, and the dispatch that a name means.
async fn open(
    context: &Context,
    flag: &flags::Ledger,
    issue: &str,
) -> Result<(Ledger, DispatchRecord), Failure> {
    let config = context.config(flag.say(Overrides::default()))?;
    let ledger = context.ledger(&config.ledger, Restored::Refuse)?;
    // The file may be gone, and the name may be all that is left.
    let slug = issues::find(context, issue).map_or_else(|_| issue.to_owned(), |file| file.slug);
    match ledger.find_dispatch(&slug).await? {
        Some(record) => Ok((ledger, record)),
        None => Err(Failure::input(format!("`{slug}` has not been sent"))
            .hint("`mimeo status` lists what was sent, and `mimeo unschedule` cancels what is scheduled")),
    }
}
