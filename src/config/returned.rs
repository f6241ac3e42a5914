//! `[bounces]`: what follows from letters that come back, and the mailbox in which they wait.

use std::path::Path;

use super::{
    overrides::BOUNCES_PASSWORD,
    paths::under,
    raw::{Table, without_excerpt},
    secret::SecretRef,
    secret_setting::secret,
};
use crate::{
    bounce::policy::Policy,
    mailbox::{Account, Protocol},
    source::{Diagnostic, Span},
};

/// `[bounces.mailbox]`
#[derive(Clone, Debug)]
pub struct BounceMailbox {
    /// Its settings, still without the password.
    pub account: Account,
    /// Where the password is.
    pub password: SecretRef,
}

pub(super) fn bounces(root: &Table<'_>, base: &Path) -> (Policy, Option<BounceMailbox>) {
    let section = root.table("bounces");
    let usual = Policy::default();
    let letters = section.number("soft_letters", 1..=100);
    let span = section.duration("soft_span");
    let mailbox = mailbox(&section.table("mailbox"), base);
    section.finish();
    let policy = Policy {
        soft_letters: letters.map_or(usual.soft_letters, |letters| letters.value),
        soft_span: span.and_then(|span| span.value.try_into().ok()).unwrap_or(usual.soft_span),
    };
    (policy, mailbox)
}

fn mailbox(table: &Table<'_>, base: &Path) -> Option<BounceMailbox> {
    const EXAMPLE: &str = "imaps://bounces@mail.example.org/INBOX";
    let url = table.text("url", EXAMPLE);
    if table.is_there() && table.any("url").is_none() {
        table.missing("`[bounces.mailbox]` has no `url`", format!("add `url = {EXAMPLE:?}`"));
    }
    let password = secret(table, "password", base);
    let move_to = table.text("move_to", "Processed");
    let keep = table.flag("keep");
    let ca_file = table.text("ca_file", "mail-ca.pem");
    table.unknown();
    let url = url?;
    let mut account = match Account::parse(&url.value) {
        Ok(account) => account,
        Err(error) => {
            let notes = table.notes();
            let diagnostic = Diagnostic::error("M008", &notes.source, url.span, error.to_string())
                .help(format!("write it like {EXAMPLE:?}"));
            // It may have a password in it.
            notes.push(without_excerpt(diagnostic));
            return None;
        }
    };
    // A setting that the protocol cannot follow would be believed; by IMAP nothing is deleted in any case.
    match account.protocol {
        Protocol::Pop3 => only_for("IMAP", "move_to", move_to.as_ref().map(|folder| &folder.span), table),
        Protocol::Imap => {
            let deletes = keep.as_ref().filter(|keep| !keep.value);
            only_for("POP3", "keep", deletes.map(|keep| &keep.span), table);
        }
    }
    account.move_to = move_to.map(|folder| folder.value);
    account.keep = keep.is_none_or(|keep| keep.value);
    account.ca_file = ca_file.map(|path| under(base, &path.value));
    let password = password.unwrap_or_else(|| SecretRef::Env(BOUNCES_PASSWORD.to_owned()));
    Some(BounceMailbox { account, password })
}

fn only_for(protocol: &str, name: &str, span: Option<&Span>, table: &Table<'_>) {
    let Some(span) = span else { return };
    let message = format!("`{}` is for a mailbox of {protocol}", table.name_of(name));
    table.notes().error("M013", span.clone(), message, "take the line out, or change `url`");
}
