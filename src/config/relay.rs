//! `[relay]`, `relay = "…"` and `[[relays]]`: where letters go.

mod conversation;
mod relays;

use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::{
    overrides::{Overrides, RELAY_PASSWORD, Strength},
    raw::{Item, Table},
    secret::SecretRef,
    settings::{RelaySettings, Transport},
};
use crate::source::{Diagnostic, Source};
use conversation::{address, conversation};

/// Chooses between relays and outbox, and reads what belongs to them.
pub(super) fn transport(root: &Table<'_>, overrides: &Overrides, outbox: PathBuf, base: &Path) -> Transport {
    let notes = root.notes();
    let several = relays::read(root, base);
    // `relay = "…"` in one line says no more than the address.
    let line = root.any("relay").filter(|value| matches!(value.get_ref(), DeValue::String(_)));
    let line = line.and_then(|_| root.text("relay", "smtps://login@smtp.example.com"));
    let section = if line.is_some() { Table::absent(notes, "relay") } else { root.table("relay") };
    let named = overrides.relay.as_ref().and_then(|said| relays::named(&several, &said.value));
    if let Some(line) =
        line.as_ref().map(|line| line.span.clone()).or(section.is_there().then(|| section.span()))
        && !several.is_empty()
    {
        let help = "make the one in `[relay]` another one of `[[relays]]`";
        notes.error("M013", line, "`[relay]` and `[[relays]]` cannot both say where letters go", help);
    }
    if let Some(said) = overrides.relay.as_ref().filter(|said| named.is_none() && !said.value.contains("://"))
        && !several.is_empty()
    {
        let source = Source::new(said.origin, said.value.clone());
        let names: Vec<&str> = several.iter().filter_map(|one| one.relay.name.as_deref()).collect();
        let message = format!("unknown relay `{}`", said.value);
        let help = format!(
            "name one of `[[relays]]` ({}), or write smtps://login@smtp.example.com",
            names.join(", ")
        );
        notes.push(Diagnostic::error("M008", &source, 0..said.value.len(), message).help(help));
        section.finish();
        return Transport::Outbox(outbox);
    }
    let single = if named.is_none() { read_relay(&section, line, overrides, base) } else { None };
    let relays = match named {
        Some(one) => vec![one],
        None if overrides.relay.is_none() && !several.is_empty() => several,
        None => single.into_iter().collect(),
    };
    section.finish();
    let outbox_strength = overrides.outbox.as_ref().map(|outbox| outbox.strength);
    let relay_strength = overrides.relay.as_ref().map_or(Strength::File, |relay| relay.strength);
    // The stronger one wins: `--outbox` on the command line keeps letters from a relay that the file names.
    if relays.is_empty() || outbox_strength > Some(relay_strength) {
        Transport::Outbox(outbox)
    } else {
        Transport::Relays(relays)
    }
}

fn read_relay(
    section: &Table<'_>,
    line: Option<Item<String>>,
    overrides: &Overrides,
    base: &Path,
) -> Option<RelaySettings> {
    let notes = section.notes();
    let url = section.text("url", "smtps://login@smtp.example.com");
    if section.is_there() && section.any("url").is_none() && overrides.relay.is_none() {
        let help = "add `url = \"smtps://login@smtp.example.com\"`, or take the section out";
        section.missing("`[relay]` has no `url`", help);
    }
    let relay = match &overrides.relay {
        Some(said) => {
            let source = Source::new(said.origin, said.value.clone());
            address(notes, &source, &said.value, 0..said.value.len())
        }
        None => line.or(url).and_then(|url| address(notes, &notes.source, &url.value, url.span)),
    };
    let (relay, password) = conversation(section, relay, base)?;
    let from_environment = || SecretRef::Env(RELAY_PASSWORD.to_owned());
    let password = match &relay.login {
        Some(_) if overrides.relay_password => Some(from_environment()),
        Some(_) => password.or_else(|| Some(from_environment())),
        None => None,
    };
    Some(RelaySettings { relay, password, weight: 1, domains: Vec::new(), limits: Vec::new() })
}
