//! `[[relays]]`: several relays that share the letters.

use std::path::Path;

use super::{
    super::{overrides::RELAY_PASSWORD, policies, raw::Table, secret::SecretRef, settings::RelaySettings},
    conversation::{address, conversation},
};
use crate::{address::EmailAddress, transport::Transport};

/// Reads all of them.
pub(super) fn read(root: &Table<'_>, base: &Path) -> Vec<RelaySettings> {
    let notes = root.notes();
    let tables = root.tables("relays");
    let first = tables.first().map(Table::span);
    let mut relays: Vec<RelaySettings> = Vec::new();
    let mut is_whole = true;
    for table in tables {
        let span = table.span();
        match read_one(&table, base) {
            Some(one) if named(&relays, one.relay.name.as_deref().unwrap_or_default()).is_some() => {
                let message = format!("two relays are called `{}`", one.relay.name.unwrap_or_default());
                notes.error("M013", span, message, "give each relay a `name` of its own");
            }
            Some(one) => relays.push(one),
            None => is_whole = false,
        }
        table.finish();
    }
    if let Some(span) = first
        && is_whole
        && !relays.is_empty()
        && relays.iter().all(|one| !one.domains.is_empty())
    {
        let help = "leave `domains` out of one of them: it takes the letters to all other domains";
        notes.error("M013", span, "no relay is for other recipient domains than those that are listed", help);
    }
    relays
}

/// The one with a name.
pub(super) fn named(relays: &[RelaySettings], name: &str) -> Option<RelaySettings> {
    relays.iter().find(|one| one.relay.name.as_deref() == Some(name)).cloned()
}

fn read_one(table: &Table<'_>, base: &Path) -> Option<RelaySettings> {
    let notes = table.notes();
    let name = table.text("name", "eu");
    let url = table.text("url", "smtps://login@smtp.example.com");
    for (setting, example) in [("name", "eu"), ("url", "smtps://login@smtp.example.com")] {
        if table.any(setting).is_none() {
            table.missing(
                format!("a relay of `[[relays]]` has no `{setting}`"),
                format!("add `{setting} = {example:?}`"),
            );
        }
    }
    let name = name.filter(|name| {
        let is_fine = name.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            && name.value != Transport::OUTBOX;
        if !is_fine {
            let message = format!("`relays.name` cannot be {:?}", name.value);
            notes.error("M005", name.span.clone(), message, "use letters, digits, `-` and `_`, as in \"eu\"");
        }
        is_fine
    });
    let relay = url.and_then(|url| address(notes, &notes.source, &url.value, url.span));
    let found = conversation(table, relay, base);
    let weight = table.number("weight", 0..=1000).map_or(1, |weight| weight.value);
    let domains = domains(table);
    let limits = policies::limits(table);
    let (mut relay, password) = found?;
    let name = name?.value;
    let variable = format!("{}_{}", RELAY_PASSWORD, name.to_ascii_uppercase().replace('-', "_"));
    let password = match &relay.login {
        Some(_) => password.or(Some(SecretRef::Env(variable))),
        None => None,
    };
    relay.name = Some(name);
    Some(RelaySettings { relay, password, weight, domains: domains?, limits })
}

/// The recipient domains, as the domain of an address is written; `None` when one is wrong.
fn domains(table: &Table<'_>) -> Option<Vec<String>> {
    let Some(texts) = table.texts("domains", "[\"gmail.com\"]") else {
        return table.any("domains").is_none().then(Vec::new);
    };
    if texts.is_empty() {
        let help =
            "list recipient domains, or leave `domains` out: the relay then takes letters to all of them";
        table.notes().error("M005", table.span(), "`relays.domains` is empty", help);
        return None;
    }
    let mut domains = Vec::new();
    let mut is_whole = true;
    for text in texts {
        match EmailAddress::parse(&format!("someone@{}", text.value)) {
            Ok(address) => domains.push(address.domain().to_owned()),
            Err(_) => {
                let message = format!("invalid domain {:?}", text.value);
                table.notes().error("M005", text.span, message, "write it like \"gmail.com\"");
                is_whole = false;
            }
        }
    }
    domains.sort();
    domains.dedup();
    is_whole.then_some(domains)
}
