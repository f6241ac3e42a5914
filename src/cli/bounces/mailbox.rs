//! `mimeo bounces` from a mailbox: once, or as long as it runs.

use std::time::Duration;

use jiff::Timestamp;

use super::process::{Process, Processed};
use crate::{
    cli::{common, context::Context, failure::Failure},
    config::{BOUNCES_PASSWORD, Config, SecretRef},
    mailbox::{Account, Disposal, Mailbox, MailboxError, Protocol},
};

/// Between two looks into a mailbox of POP3, or of IMAP without IDLE.
const LOOK_AGAIN: Duration = Duration::from_secs(5 * 60);
/// Before a connection that broke is made again; twice as long after each failure.
pub(super) const WAIT_FIRST: Duration = Duration::from_secs(5);
const WAIT_MAX: Duration = Duration::from_secs(10 * 60);

/// The mailbox that the command line or the settings name.
pub(super) fn account(
    config: Option<&Config>,
    imap: Option<&str>,
    pop3: Option<&str>,
) -> Result<Account, Failure> {
    let Some(address) = imap.or(pop3) else {
        let none = || {
            Failure::input("no input").hint(
                "name a file, a maildir or `-`, or set `[bounces.mailbox] url` to the mailbox in which letters come back",
            )
        };
        return config.ok_or_else(none)?.bounce_mailbox()?.ok_or_else(none);
    };
    let mut account = Account::parse(address).map_err(Failure::input)?;
    let protocol = if imap.is_some() { Protocol::Imap } else { Protocol::Pop3 };
    if account.protocol != protocol {
        return Err(Failure::input("the address is one of another protocol")
            .hint("use --imap for imaps://, --pop3 for pop3s://"));
    }
    let settings = config.and_then(|config| Some((config, config.bounce_mailbox.as_ref()?)));
    let from_environment = SecretRef::Env(BOUNCES_PASSWORD.to_owned());
    let (kept, trust) = match settings {
        Some((config, mailbox)) => {
            account.ca_file.clone_from(&mailbox.account.ca_file);
            account.move_to.clone_from(&mailbox.account.move_to);
            // A password is for the server that the settings name, and for no other; so is the permission to delete.
            let is_same = mailbox.account.host == account.host && mailbox.account.login == account.login;
            account.keep = mailbox.account.keep || !is_same;
            (if is_same { mailbox.password.clone() } else { from_environment }, config.trust)
        }
        None => (from_environment, crate::config::Trust::Withheld),
    };
    account.password = Some(kept.read(trust)?);
    Ok(account)
}

/// Reads what is there.
pub(super) async fn once(process: &mut Process<'_>, account: &Account) -> Result<(), Failure> {
    let mut mailbox = Mailbox::open(account).await?;
    all(process, &mut mailbox).await?;
    Ok(mailbox.close().await?)
}

/// Reads what is there, and what comes, until a signal ends it. `wait` is the time before the next try after a failure.
pub(super) async fn watch(
    process: &mut Process<'_>,
    account: &Account,
    context: &Context,
    wait: &mut Duration,
) -> Result<(), Failure> {
    let mut interrupted = std::pin::pin!(common::interrupted());
    loop {
        let failed = tokio::select! {
            biased;
            // What was recorded is recorded; a message that was not disposed of is known the next time.
            () = &mut interrupted => return Ok(()),
            failed = session(process, account, wait) => failed,
        };
        match failed {
            WatchError::Mailbox(error) if error.may_pass() => {
                context.terminal.say(&format!("{error}; trying again in {} seconds", wait.as_secs()));
            }
            WatchError::Mailbox(error) => return Err(error.into()),
            WatchError::Other(failure) => return Err(failure),
        }
        tokio::select! {
            () = &mut interrupted => return Ok(()),
            () = tokio::time::sleep(*wait) => *wait = longer(*wait),
        }
    }
}

/// The wait after one that was not enough.
pub(super) fn longer(wait: Duration) -> Duration {
    (2 * wait).min(WAIT_MAX)
}

/// Why a session ended.
enum WatchError {
    Mailbox(MailboxError),
    Other(Failure),
}

impl From<MailboxError> for WatchError {
    fn from(error: MailboxError) -> Self {
        Self::Mailbox(error)
    }
}

impl From<Failure> for WatchError {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

async fn session(process: &mut Process<'_>, account: &Account, wait: &mut Duration) -> WatchError {
    let run = async {
        let mut mailbox = Mailbox::open(account).await?;
        loop {
            all(process, &mut mailbox).await?;
            // What was recorded before a connection broke is still to be followed, too.
            if process.has_news() {
                process.end().await?;
            }
            *wait = WAIT_FIRST;
            mailbox = mailbox.wait(account, LOOK_AGAIN).await?;
        }
    };
    let ended: Result<std::convert::Infallible, WatchError> = run.await;
    match ended {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

/// Processes all messages that are there now.
async fn all(process: &mut Process<'_>, mailbox: &mut Mailbox) -> Result<(), WatchError> {
    while let Some(mail) = mailbox.next().await? {
        let processed = process.message(&mail.name, &mail.bytes, Timestamp::now()).await?;
        // The record is committed. What is for people to read stays where they find it.
        let disposal = match processed {
            Processed::Done => Some(Disposal::Done),
            Processed::ForPeople => Some(Disposal::Leave),
            Processed::Later => None,
        };
        if let Some(disposal) = disposal.filter(|_| !process.is_dry_run()) {
            mailbox.dispose(&mail, disposal).await?;
        }
    }
    Ok(())
}

impl From<WatchError> for Failure {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::Mailbox(error) => error.into(),
            WatchError::Other(failure) => failure,
        }
    }
}
