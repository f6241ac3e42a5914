//! `[bounces]`: what follows from letters that come back, and the mailbox in which they wait.

use std::path::Path;

use super::{
    overrides::BOUNCES_PASSWORD,
    paths::under,
    raw::{Table, without_excerpt},
    secret::SecretRef,
    secret_setting::secret,
};
use crate::{bounce::policy::Policy, mailbox::Account, source::Diagnostic};

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
    account.move_to = move_to.map(|folder| folder.value);
    account.keep = keep.is_some_and(|keep| keep.value);
    account.ca_file = ca_file.map(|path| under(base, &path.value));
    let password = password.unwrap_or_else(|| SecretRef::Env(BOUNCES_PASSWORD.to_owned()));
    Some(BounceMailbox { account, password })
}
