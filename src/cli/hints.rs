//! What a person can do about the errors of the modules. The modules do not know the command line; this file does.

use super::{
    edited::differences,
    failure::{Exit, Failure},
};
use crate::{
    audience::{AudienceError, Status},
    dispatch::{ColumnsError, OpenError},
    ledger::LedgerError,
    mailbox::MailboxError,
    message::ComposeError,
    report::format::{plural, when},
    subscriber::ListError,
    transport::{ErrorKind, RelayConfigError, RelayDown, Stage},
};

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let hint = match &error {
            LedgerError::Missing { .. } => {
                Some("nothing has been sent with it yet; look at `[ledger] path` and --ledger")
            }
            LedgerError::Locked { .. } => Some(
                "another mimeo, a backup or a database browser is using it; nothing is lost: run again when it is done",
            ),
            LedgerError::Full { .. } => Some(
                "free some disk space and run again; letters whose outcome could not be recorded are unconfirmed, and none is lost",
            ),
            LedgerError::Corrupt { .. } => {
                Some("put it back from a backup, and look at it with `sqlite3 FILE .recover`")
            }
            LedgerError::ReadOnly => {
                Some("the file or its folder is not yours to write: look at its permissions")
            }
            LedgerError::Newer { .. } => Some("use the mimeo that wrote it, or a later one"),
            LedgerError::Restored { .. } => Some(
                "letters that left after the backup would leave again; if you know that, `mimeo send --restored` goes on: see \"A ledger from a backup\" in docs/guide.md",
            ),
            LedgerError::AlreadyOpen { .. } => Some(
                "another sender opened it at the same moment; nothing was sent: run again to go on with it",
            ),
            LedgerError::ClaimedTwice => Some(
                "the sender stopped before anybody could get it twice; either its lock beside the ledger was removed, or \
                 this is a fault of mimeo: please report it. Run again to go on",
            ),
            LedgerError::Refrozen => {
                Some("nothing more was sent by this process; run again to go on with the edited issue")
            }
            LedgerError::Unreachable { .. } => Some(
                "look at `[ledger] url` or --ledger, and whether the server runs; nothing is lost: run again when it is back",
            ),
            LedgerError::Pooler { .. } => Some(
                "connect to PostgreSQL itself: locks, prepared statements and settings of a session do not go through a pooler",
            ),
            LedgerError::Replaced { .. } => Some(
                "letters that left after the copy was made would leave again; if you know that, `mimeo send --restored` goes on: see docs/many-machines.md",
            ),
            LedgerError::Moved { .. } => Some(
                "name the new place in `[ledger]`; letters that left from there would leave again from here: if you know that \
                 none did, `mimeo send --restored` uses this one again",
            ),
            LedgerError::InUse { .. } => Some(
                "stop `mimeo serve`, `mimeo work` and every other program that uses it, wait until letters under way are \
                 settled, and run again",
            ),
            LedgerError::NotEmpty { .. } => {
                Some("a ledger is moved to a file that does not exist yet, or into an empty database")
            }
            LedgerError::Open { .. } => Some("check the path and its permissions"),
            _ => None,
        };
        with(Self::outside(error), hint)
    }
}

impl From<ListError> for Failure {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Unusable { diagnostics, .. } => {
                Self::found(diagnostics).hint("nothing was sent; compare it with subscribers.example.csv")
            }
            ListError::Read { .. } => {
                Self::input(error).hint("say where the list is: `[list] path` in mimeo.toml, or --list FILE")
            }
            ListError::Stored { .. } => Self::outside(error),
        }
    }
}

impl From<AudienceError> for Failure {
    fn from(error: AudienceError) -> Self {
        let hint = match &error {
            AudienceError::NotFound { .. } => {
                "`mimeo subscribers list` prints the list; `mimeo subscribers add` adds someone"
            }
            AudienceError::Exists { status: Status::Active, .. } => {
                "`mimeo subscribers show ADDRESS` prints what is known of them"
            }
            AudienceError::Exists { .. } => {
                "`mimeo subscribers resubscribe ADDRESS --reason TEXT` makes them active again"
            }
            AudienceError::Moved { .. } => {
                "letters go to the present address; readers change it with `/preferences`"
            }
            AudienceError::NoImport { .. } | AudienceError::UndoneAlready { .. } => {
                "`mimeo subscribers import` printed the import's number"
            }
            _ => "",
        };
        let failure = match error {
            AudienceError::Ledger(error) => return error.into(),
            AudienceError::List(error) => match error {
                ListError::Unusable { diagnostics, .. } => {
                    return Self::found(diagnostics).hint("nothing was changed");
                }
                error => return Self::input(error),
            },
            error @ (AudienceError::Damaged { .. } | AudienceError::Write(_)) => Self::outside(error),
            error => Self::input(error),
        };
        if hint.is_empty() { failure } else { failure.hint(hint) }
    }
}

impl From<ColumnsError> for Failure {
    fn from(error: ColumnsError) -> Self {
        let hint = format!("its columns are: {}; nothing was sent", error.columns.join(", "));
        Self::input(error).hint(hint)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Columns(error) => error.into(),
            OpenError::List(error) => error.into(),
            OpenError::Compose(error) => error.into(),
            OpenError::Ledger(error) => error.into(),
            OpenError::Renamed { ref opened_as, opened_at, .. } => {
                let hint = format!(
                    "its readers would get it again: rename the file back to `{opened_as}` to go on with it; another \
                     `number` or title makes it a new issue"
                );
                Self::input(format!("{error} ({})", when(opened_at))).hint(hint)
            }
            OpenError::Edited { opened_at, ref frozen, ref edited } => {
                Self::input(format!("{error} ({}): {}", when(opened_at), differences(frozen, edited))).hint(
                    "so that all readers get the same letter: --as-opened goes on with the letter as it was; \
                     a new `number` in the front matter makes a new issue of the edited one",
                )
            }
            OpenError::RelayLost { slug, relay } => {
                Self::input(format!("`{slug}` is being sent through {relay}, and no `[relay]` is set now"))
                    .hint("set the relay again (`[relay] url` or --relay); --dry-run writes letters into the outbox")
            }
            OpenError::KeysChanged { .. } => Self::input(error).hint(
                "put `[dkim]` and the keys back until everybody has the issue; if that cannot be, --new-signature goes \
                 on with the new ones, and a letter that is tried again differs from its first attempt",
            ),
            OpenError::NotOnList { list, addresses } => {
                let more = match addresses.len() - 1 {
                    0 => String::new(),
                    more => format!(" and {}", plural(more as u64, "other of `--only`", "others of `--only`")),
                };
                Self::input(format!("`{}`{more} is not in `{}`", addresses[0].expose(), list.display()))
                    .hint("nothing was sent; separate addresses with commas")
            }
            OpenError::Condition { diagnostics, .. } => Self::found(diagnostics).hint("nothing was sent"),
            OpenError::BadRows { rows, diagnostics } => Self::found(diagnostics).hint(format!(
                "nothing was sent; fix {}, or skip {} with --skip-bad-rows",
                if rows == 1 { "the row" } else { "the rows" },
                if rows == 1 { "it" } else { "them" }
            )),
        }
    }
}

impl From<ComposeError> for Failure {
    fn from(error: ComposeError) -> Self {
        Self::input(error)
    }
}

impl From<MailboxError> for Failure {
    fn from(error: MailboxError) -> Self {
        let hint = match &error {
            MailboxError::Login { .. } => {
                "check the login and the password; some providers want a password made for programs"
            }
            MailboxError::Connect { .. } | MailboxError::Silent { .. } => {
                "check the address in `[bounces.mailbox] url`; if the certificate is your own, name it in `ca_file`"
            }
            MailboxError::Command { .. } => "check the folders in `[bounces.mailbox]`",
        };
        Self::outside(error).hint(hint)
    }
}

impl From<RelayConfigError> for Failure {
    fn from(error: RelayConfigError) -> Self {
        let hint = match &error {
            RelayConfigError::PasswordInAddress => Some(
                "take it out of the address: set MIMEO_RELAY_PASSWORD, or `password = { file = \"…\" }` in mimeo.toml",
            ),
            RelayConfigError::NoPassword { .. } => Some(
                "set MIMEO_RELAY_PASSWORD, or `password = { file = \"…\" }` or `{ command = […] }` in mimeo.toml",
            ),
            RelayConfigError::LoginInTheClear { .. } => Some("use smtps://, or smtp:// for STARTTLS"),
            RelayConfigError::Address { .. } => Some("write it like smtps://login@smtp.example.com"),
            _ => None,
        };
        with(Self::input(error), hint)
    }
}

impl From<RelayDown> for Failure {
    fn from(error: RelayDown) -> Self {
        let hint = way_out(&error).unwrap_or("run again to go on");
        with(Self::outside(error).exit(Exit::Stopped), Some(hint))
    }
}

/// What to look at before another try.
pub(super) fn way_out(down: &RelayDown) -> Option<&'static str> {
    match (down.stage, &down.kind) {
        (_, ErrorKind::Outbox(_)) => Some("check the outbox's folder and the free space on its disk"),
        (Stage::Connect, _) => Some("check the relay's name and port, and that this machine may reach it"),
        (Stage::Tls, _) => {
            Some("check the relay's name, its certificate and `ca_file`; nothing was sent without TLS")
        }
        (Stage::Auth, ErrorKind::Said(reply)) if matches!(reply.code, 500..=504) => {
            Some("the relay does not take this way of logging in: set `auth` in [relay] to another one")
        }
        (Stage::Auth, ErrorKind::Said(reply)) if matches!(reply.code, 534 | 538) => {
            Some("the relay wants another way of logging in: an app password, or `auth = \"xoauth2\"`")
        }
        (Stage::Auth, ErrorKind::Said(_)) => {
            Some("check the login in `url` and the password, and whether the relay wants another `auth`")
        }
        (Stage::Auth, _) => Some("check the login in `url`, the password and `auth` in [relay]"),
        (Stage::Greeting, ErrorKind::Tls(_)) => {
            Some("`smtps://` is TLS from the start, `smtp://` is STARTTLS")
        }
        (Stage::Greeting, ErrorKind::Timeout { .. }) => {
            Some("check the relay's port: smtps:// is for port 465, smtp:// for 587")
        }
        (Stage::Ehlo, ErrorKind::Said(_)) if !down.passing => Some(
            "the relay may not like the name that we say: set `helo` in [relay] to a name of this machine",
        ),
        (Stage::Mail, _) if !down.passing => Some("ask the relay's owner why it does not take this sender"),
        _ => None,
    }
}

fn with(failure: Failure, hint: Option<&str>) -> Failure {
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
