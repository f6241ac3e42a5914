//! `mimeo bounces`: messages that came back, from files, folders and pipes, and what follows from them.

mod hook;
mod input;
mod json;
mod mailbox;
mod process;
mod report;

#[cfg(test)]
pub(super) use json::Message;

use std::{convert::Infallible, net::SocketAddr, path::PathBuf};

use super::{
    common,
    context::Context,
    failure::{Exit, Failure},
    flags,
};
use crate::{
    config::{Config, Overrides},
    ledger::Ledger,
    mailbox::Account,
};
use input::{Input, Inputs};
use process::{Options, Process};

/// Read letters that came back
///
/// Says of each message what it is (a bounce, a delay, a complaint, an answer of a program, …), whom it is about, and whether
/// the failure is hard, soft, or about us. In a newsletter's folder, what is proved to be about a letter of the newsletter is
/// recorded, and addresses that do not exist, complaints and requests to unsubscribe are suppressed. The same message again
/// changes nothing. An input is a message in a file, a mailbox file (mbox), a maildir or another folder of messages, or `-` for
/// the standard input.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo bounces ~/Maildir
  mimeo bounces --dry-run returned.eml
  mimeo bounces --json /var/mail/bounces
  mimeo bounces - < returned.eml
  mimeo bounces --imap imaps://bounces@mail.example.org/INBOX --watch
  mimeo bounces --hook postmark event.json
  mimeo bounces --report")]
pub(crate) struct Args {
    /// Messages: a file, a mailbox file, a maildir or a folder, or `-` for the standard input
    ///
    /// Without any, and without --imap and --pop3, the mailbox of `[bounces.mailbox]` is read.
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Read this mailbox by IMAP; processed messages are marked as read, or moved into `[bounces.mailbox] move_to`
    #[arg(long, value_name = "URL", conflicts_with_all = ["inputs", "report", "hook"])]
    imap: Option<String>,
    /// Read this mailbox by POP3; processed messages stay, unless `[bounces.mailbox]` is the same one and has `keep = false`
    #[arg(long, value_name = "URL", conflicts_with_all = ["inputs", "report", "hook", "imap"])]
    pop3: Option<String>,
    /// Go on reading the mailbox as messages come, until you interrupt it
    #[arg(long, conflicts_with_all = ["inputs", "report", "hook"])]
    watch: bool,
    /// Read events of a delivery service, as its webhook sent them and your own endpoint verified them: one body per file
    #[arg(long, value_name = "PROVIDER", conflicts_with = "report", requires = "inputs", value_parser = hook::providers())]
    hook: Option<String>,
    /// Ask this DNS server for the keys of people who unsubscribe by mail without a token, as in 9.9.9.9 or 192.0.2.1:53
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["report", "hook"], value_parser = super::doctor::server)]
    dns: Option<SocketAddr>,
    /// Print JSON: one object per message, on a line of its own
    #[arg(long, conflicts_with = "report")]
    json: bool,
    /// Say what would follow, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print what came back so far, by cause and domain, and what to do about it
    #[arg(long, conflicts_with_all = ["inputs", "dry_run"])]
    report: bool,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = config(args, context)?;
    common::runtime()?.block_on(async {
        if args.report {
            let needed = || Failure::input("a report needs a newsletter, and there is no `mimeo.toml` here");
            return report::print(context, &config.ok_or_else(needed)?.ledger).await;
        }
        let account = match args.inputs.is_empty() {
            true => Some(mailbox::account(config.as_ref(), args.imap.as_deref(), args.pop3.as_deref())?),
            false => None,
        };
        let options = Options { json: args.json, dry_run: args.dry_run, quiet: false, dns: args.dns };
        let mut process = Process::new(context, config, options).await?;
        let read = read(args, account.as_ref(), &mut process, context).await;
        // What was recorded before something failed is followed, too.
        let ended = process.end().await;
        read?;
        // A mail server that pipes messages here tries again later.
        Ok(if ended? { Exit::Done } else { Exit::Failed })
    })
}

/// Reads all inputs.
async fn read(
    args: &Args,
    account: Option<&Account>,
    process: &mut Process<'_>,
    context: &Context,
) -> Result<(), Failure> {
    match (&args.hook, account) {
        (Some(provider), _) => hook::read(process, provider, &args.inputs).await,
        (None, Some(account)) if args.watch => {
            let mut wait = mailbox::WAIT_FIRST;
            mailbox::watch(process, account, context, &mut wait).await
        }
        (None, Some(account)) => mailbox::once(process, account).await,
        (None, None) => {
            for input in Inputs::new(&args.inputs) {
                let Input { file, bytes } = input?;
                process.message(&file, &bytes, context.now).await?;
            }
            Ok(())
        }
    }
}

/// Reads the mailbox of the settings as messages come, for a service. It never returns: whatever fails is tried again, and a
/// password that was wrong is read again.
pub(super) async fn watch_mailbox(context: &Context, config: &Config, ledger: Ledger) -> Infallible {
    let mut process = None;
    let mut wait = mailbox::WAIT_FIRST;
    loop {
        let watch = async {
            let Some(account) = config.bounce_mailbox()? else { return Ok(()) };
            let process = match &mut process {
                Some(process) => process,
                none => none.insert(Process::quietly(context, config.clone(), ledger.clone()).await?),
            };
            mailbox::watch(process, &account, context, &mut wait).await
        };
        let watched: Result<(), Failure> = watch.await;
        let Err(failure) = watched else { break };
        let (text, _) = failure.plain();
        let seconds = wait.as_secs();
        context
            .terminal
            .say(&format!("the mailbox for bounces is not read: {text}; trying again in {seconds} seconds"));
        tokio::time::sleep(wait).await;
        wait = mailbox::longer(wait);
    }
    // There is none, or a signal ends the service.
    std::future::pending().await
}

/// The newsletter's settings; none where there is no newsletter.
fn config(args: &Args, context: &Context) -> Result<Option<Config>, Failure> {
    let is_newsletter = context.path("mimeo.toml").exists() || std::env::var_os("MIMEO_CONFIG").is_some();
    match context.config_quietly(args.ledger.say(Overrides::default())) {
        Ok((config, _)) => Ok(Some(config)),
        Err(_) if !is_newsletter && !args.report => Ok(None),
        Err(found) => Err(Failure::found(found)),
    }
}
