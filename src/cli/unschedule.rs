use super::{
    common,
    context::Context,
    failure::{Exit, Failure},
    flags, issues, scheduled,
};
use crate::{
    config::Overrides,
    ledger::{Restored, ScheduleState},
};

/// Cancel a scheduled send
///
/// Nothing has been sent of a scheduled issue before its time. Once its letters leave, `mimeo status` shows them.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo send 95 --at 2026-12-04T09:00 --detach
  mimeo unschedule 95")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name
    issue: String,
    #[command(flatten)]
    ledger: flags::Ledger,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.ledger.say(Overrides::default()))?;
    common::runtime()?.block_on(async {
        let ledger = context.ledger(&config.ledger, Restored::Refuse)?;
        // The file may be gone, and the name may be all that is left.
        let slug = issues::find(context, &args.issue).map_or_else(|_| args.issue.clone(), |file| file.slug);
        let open = scheduled::of_issue(&ledger, &slug, None).await?;
        let Some(schedule) = open else {
            return Err(Failure::input(format!("`{slug}` is not scheduled"))
                .hint("`mimeo status` lists what is scheduled"));
        };
        let (id, at) = (schedule.id, &schedule.at);
        if !ledger.end_schedule(id, None, ScheduleState::Canceled, "unscheduled", context.now).await? {
            return Err(Failure::input(format!("`{slug}` is being started at this moment"))
                .hint(format!("`mimeo status {slug}` shows what leaves")));
        }
        context.terminal.say(&format!("`{slug}` is not sent at {at} any more"));
        Ok(Exit::Done)
    })
}
