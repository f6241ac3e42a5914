//! `mimeo bounces`: messages that came back, from files, folders and pipes.

mod input;
mod json;

use std::path::PathBuf;

use super::{Context, Exit, Failure};
use crate::{
    bounce::{self, Kind, Ours, Returned},
    config::{Config, Overrides},
    report::words::{plural, printable},
};
use input::{Input, Inputs};

/// Read letters that came back
///
/// Says of each message what it is (a bounce, a delay, a complaint, an answer of a program, …), whom it is about, and whether
/// the failure is hard, soft, or about us. An input is a message in a file, a mailbox file (mbox), a maildir or another folder
/// of messages, or `-` for the standard input. It changes nothing, and needs no newsletter.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo bounces returned.eml
  mimeo bounces ~/Maildir
  mimeo bounces --json /var/mail/bounces
  mimeo bounces - < returned.eml")]
pub(crate) struct Args {
    /// Messages: a file, a mailbox file, a maildir or a folder, or `-` for the standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Print JSON: one object per message, on a line of its own
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    // Messages can be read without a newsletter; a newsletter's settings say which addresses are its own.
    let ours =
        context.config_quietly(Overrides::default()).map(|(config, _)| ours(&config)).unwrap_or_default();
    let mut counts = [0_u64; Kind::ALL.len()];
    for input in Inputs::new(&args.inputs) {
        let Input { file, bytes } = input?;
        let returned = bounce::read(&bytes, &ours);
        counts[Kind::ALL.iter().position(|kind| *kind == returned.kind).unwrap_or_default()] += 1;
        let text = if args.json { json::line(&file, &returned) } else { lines(&file, &returned) };
        context.terminal.data(&text).map_err(Failure::output)?;
    }
    let found: Vec<String> = Kind::ALL
        .iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {}", kind.word()))
        .collect();
    let total = plural(counts.iter().sum(), "message", "messages");
    let found = if found.is_empty() { total } else { format!("{total}: {}", found.join(", ")) };
    context.terminal.say(&found);
    Ok(Exit::Done)
}

/// What is the newsletter's own in a message that came back.
fn ours(config: &Config) -> Ours {
    let newsletter = &config.newsletter;
    let reply_to = newsletter.reply_to.as_ref().map(|mailbox| mailbox.address.clone());
    Ours {
        bounces: Some(newsletter.bounces.clone()),
        unsubscribe: newsletter.unsubscribe.mailto.clone(),
        senders: std::iter::once(newsletter.from.address.clone()).chain(reply_to).collect(),
    }
}

/// One message for people: a line for what it is, and one for each recipient.
fn lines(file: &str, returned: &Returned) -> String {
    let what = match &returned.complaint {
        Some(word) => format!("{} ({word})", returned.kind.word()),
        None => returned.kind.word().to_owned(),
    };
    let by = returned.reporter.as_ref().map(|name| format!(", reported by {name}")).unwrap_or_default();
    let mut out = format!("{file}: {what}{by}\n");
    for finding in &returned.recipients {
        out.push_str("  ");
        if let Some(class) = finding.class {
            out.push_str(&format!("{:<5} ", class.word()));
        }
        out.push_str(finding.address.expose());
        if let Some(status) = finding.status {
            out.push_str(&format!("  {status}"));
        }
        if let Some(reply) = &finding.reply {
            out.push_str(&format!("  {reply}"));
        }
        out.push('\n');
    }
    printable(&out)
}
