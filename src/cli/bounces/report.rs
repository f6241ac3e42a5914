//! `mimeo bounces --report`: what came back so far, by cause and domain, and what to do about it.

use crate::{
    bounce::{Class, Kind, advice::advice},
    cli::{
        context::Context,
        failure::{Exit, Failure},
    },
    ledger::{BounceGroup, Ledger, LedgerError, Location},
    report::format::{count, printable},
};

/// Prints the report of a ledger.
pub(super) async fn print(context: &Context, location: &Location) -> Result<Exit, Failure> {
    let (groups, requests) = match Ledger::open_read_only(location) {
        Ok(ledger) => (ledger.bounce_groups().await?, ledger.unproved_requests().await?),
        Err(LedgerError::Missing { .. }) => Default::default(),
        Err(error) => return Err(error.into()),
    };
    if groups.is_empty() {
        context.terminal.say("nothing has come back yet");
        return Ok(Exit::Done);
    }
    let mut out = String::new();
    if !requests.is_empty() {
        out.push_str(
            "Asked by mail for no more letters, not proved: read the mail, and `mimeo suppress` whoever means it\n",
        );
        for address in &requests {
            out.push_str(&format!("          {address}\n"));
        }
    }
    let bounces = |class| {
        let is_it = move |group: &&BounceGroup| {
            group.kind == Kind::Bounce && group.class == Some(class) && group.is_ours
        };
        groups.iter().filter(is_it)
    };
    section(&mut out, "About you: no one is suppressed for these", bounces(Class::Ours), true);
    section(&mut out, "No such mailbox: suppressed", bounces(Class::Hard), false);
    section(&mut out, "Failed for now: counted", bounces(Class::Soft), false);
    let complaints = groups.iter().filter(|group| group.kind == Kind::Complaint && group.is_ours);
    section(&mut out, "Complaints: suppressed", complaints, false);
    let unproved =
        groups.iter().filter(|group| !group.is_ours && matches!(group.kind, Kind::Bounce | Kind::Complaint));
    section(&mut out, "Not proved to be about your letters: no one is suppressed for these", unproved, false);
    if out.is_empty() {
        context.terminal.say("nothing that came back needs anything");
        return Ok(Exit::Done);
    }
    context.terminal.data(&printable(&out)).map_err(Failure::output)?;
    Ok(Exit::Done)
}

fn section<'a>(
    out: &mut String,
    title: &str,
    groups: impl Iterator<Item = &'a BounceGroup>,
    with_advice: bool,
) {
    let groups: Vec<_> = groups.collect();
    if groups.is_empty() {
        return;
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(&format!("{title}\n"));
    for group in groups {
        let status = group.status.as_deref().map(|status| format!("  {status}")).unwrap_or_default();
        out.push_str(&format!("{:>8}  {}{status}  {}\n", count(group.count), group.domain, group.example));
        if let Some(advice) = advice(group.status.as_deref(), &group.example).filter(|_| with_advice) {
            out.push_str(&format!("          {}: {}\n", advice.who, advice.text));
        }
    }
}
