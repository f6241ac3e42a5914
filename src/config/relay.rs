//! `[relay]`, `relay = "…"`, `[dkim]` and how a secret is named.

use std::{
    num::{NonZeroU16, NonZeroU32},
    path::{Path, PathBuf},
};

use toml::de::DeValue;

use super::{
    command::SettingCommand,
    overrides::{Overrides, RELAY_PASSWORD, Strength},
    paths::under,
    raw::{Item, Notes, Table, without_excerpt},
    secret::SecretRef,
    settings::{Dkim, DkimEd25519, Transport},
};
use crate::{
    source::{Diagnostic, Source, Span},
    transport::{Login, Pipelining, Relay, RelayConfigError, Timeouts},
};

/// Code, message and help for an address that is none.
fn refusal(error: &RelayConfigError) -> (&'static str, String, String) {
    match error {
        RelayConfigError::Address { reason, .. } => (
            "M008",
            format!("no address of a relay: {reason}"),
            "write it like `smtps://login@smtp.example.com`, or with `smtp://` for STARTTLS".to_owned(),
        ),
        RelayConfigError::PasswordInAddress => (
            "M009",
            "the URL contains a password".to_owned(),
            format!(
                "take it out of the address, and set the environment variable {RELAY_PASSWORD} or say where the \
                 password is kept: `password = {{ file = \"…\" }}`"
            ),
        ),
        other => (
            "M008",
            other.to_string(),
            "use `smtps://` or `smtp://`; `?tls=none` is for a relay on this machine".to_owned(),
        ),
    }
}

/// Chooses between relay and outbox, and reads what belongs to them.
pub(super) fn transport(root: &Table<'_>, overrides: &Overrides, outbox: PathBuf, base: &Path) -> Transport {
    let notes = root.notes();
    // `relay = "…"` in one line says no more than the address.
    let line = root.any("relay").filter(|value| matches!(value.get_ref(), DeValue::String(_)));
    let line = line.and_then(|_| root.text("relay", "smtps://login@smtp.example.com"));
    let section = if line.is_some() { Table::absent(notes, "relay") } else { root.table("relay") };
    let relay = read_relay(&section, line, overrides, base);
    section.finish();
    let outbox_strength = overrides.outbox.as_ref().map(|outbox| outbox.strength);
    let relay_strength = overrides.relay.as_ref().map_or(Strength::File, |relay| relay.strength);
    match relay {
        // The stronger one wins: `--outbox` on the command line keeps letters from a relay that the file names.
        Some((relay, password)) if outbox_strength <= Some(relay_strength) => {
            Transport::Relay { relay: Box::new(relay), password }
        }
        _ => Transport::Outbox(outbox),
    }
}

fn read_relay(
    section: &Table<'_>,
    line: Option<Item<String>>,
    overrides: &Overrides,
    base: &Path,
) -> Option<(Relay, Option<SecretRef>)> {
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
    // The rest is looked at even when the address is wrong: all problems come at once.
    let timeouts = timeouts(section);
    let password = secret(section, "password", base);
    let mechanisms = [("plain", Login::Plain), ("login", Login::Login), ("xoauth2", Login::Xoauth2)];
    let mechanism = section.choice("auth", &mechanisms);
    let ca_file = section.text("ca_file", "relay-ca.pem").map(|path| under(base, &path.value));
    let helo = section.text("helo", "news.example.org").filter(|helo| is_word(notes, "relay.helo", helo));
    let connections =
        section.number("connections", 1..=1000).and_then(|number| u16::try_from(number.value).ok());
    let letters = section.number("messages_per_connection", 1..=u32::MAX);
    let pipelining = section.flag("pipelining").is_none_or(|flag| flag.value);
    let mut relay = relay?;
    relay.mechanism = mechanism.map_or(Login::Auto, |mechanism| mechanism.value);
    relay.helo = helo.map(|helo| helo.value);
    relay.ca_file = ca_file;
    relay.timeouts = timeouts;
    relay.connections = connections.and_then(NonZeroU16::new).unwrap_or(relay.connections);
    relay.letters_per_connection = letters.and_then(|number| NonZeroU32::new(number.value));
    relay.pipelining = if pipelining { Pipelining::Auto } else { Pipelining::Off };
    let from_environment = || SecretRef::Env(RELAY_PASSWORD.to_owned());
    let password = match &relay.login {
        Some(_) if overrides.relay_password => Some(from_environment()),
        Some(_) => password.or_else(|| Some(from_environment())),
        None => None,
    };
    Some((relay, password))
}

fn address(notes: &Notes, source: &Source, text: &str, span: Span) -> Option<Relay> {
    let error = match Relay::parse(text) {
        Ok(relay) => return Some(relay),
        Err(error) => error,
    };
    let (code, message, help) = refusal(&error);
    let mut diagnostic = Diagnostic::error(code, source, span, message).help(help);
    // What is before the host may be a password: it is not shown again.
    if text.contains('@') {
        diagnostic = without_excerpt(diagnostic);
    }
    notes.push(diagnostic);
    None
}

fn timeouts(section: &Table<'_>) -> Timeouts {
    let table = section.table("timeouts");
    let mut timeouts = Timeouts::default();
    for (name, wait) in [
        ("connect", &mut timeouts.connect),
        ("handshake", &mut timeouts.handshake),
        ("greeting", &mut timeouts.greeting),
        ("command", &mut timeouts.command),
        ("data", &mut timeouts.data),
        ("body", &mut timeouts.body),
        ("accept", &mut timeouts.accept),
        ("quit", &mut timeouts.quit),
        ("idle", &mut timeouts.idle),
    ] {
        if let Some(said) = table.duration(name) {
            *wait = said.value;
        }
    }
    table.finish();
    timeouts
}

/// A word that may appear in a command or a DNS name: no space, no control character.
fn is_word(notes: &Notes, name: &str, item: &Item<String>) -> bool {
    let fine = item.value.chars().all(|c| c.is_ascii_graphic());
    if !fine {
        let message = format!("`{name}` cannot be {:?}", item.value);
        notes.error("M005", item.span.clone(), message, "use letters, digits, dots and hyphens");
    }
    fine
}

pub(super) fn dkim(root: &Table<'_>, base: &Path) -> Option<Dkim> {
    let section = root.table("dkim");
    let notes = section.notes();
    let word = |table: &Table<'_>, name: &'static str, example: &str| {
        let item = table.text(name, example);
        if item.is_none() && table.is_there() && table.any(name).is_none() {
            let message = format!("`[{}]` has no `{name}`", table.path());
            table.missing(message, format!("add `{name} = {example:?}`"));
        }
        item.filter(|item| is_word(notes, &table.name_of(name), item)).map(|item| item.value)
    };
    let key = |table: &Table<'_>| {
        let key = secret(table, "key", base);
        if key.is_none() && table.is_there() && table.any("key").is_none() {
            let message = format!("`[{}]` has no `key`", table.path());
            let help = "make one with `mimeo keygen` and add `key = { file = \"…\" }`";
            table.missing(message, help);
        }
        key
    };
    let domain = word(&section, "domain", "example.org");
    let selector = word(&section, "selector", "mimeo1");
    let rsa = key(&section);
    let second = section.table("ed25519");
    let (second_selector, second_key) = (word(&second, "selector", "mimeo2"), key(&second));
    second.finish();
    section.finish();
    let ed25519 = second_selector.zip(second_key).map(|(selector, key)| DkimEd25519 { selector, key });
    Some(Dkim { domain: domain?, selector: selector?, key: rsa?, ed25519 })
}

/// `{ env = "NAME" }`, `{ file = "path" }` or `{ command = ["program", "argument"] }`.
pub(super) fn secret(table: &Table<'_>, name: &'static str, base: &Path) -> Option<SecretRef> {
    let value = table.any(name)?;
    let notes = table.notes();
    let full = table.name_of(name);
    let DeValue::Table(_) = value.get_ref() else {
        let diagnostic = Diagnostic::error(
            "M010",
            &notes.source,
            value.span(),
            format!("`{full}` must say where the secret is kept, and not what it is"),
        )
        .help(format!(
            "write `{name} = {{ env = \"NAME\" }}`, `{name} = {{ file = \"path\" }}` or `{name} = {{ command = [\"program\", \"argument\"] }}`"
        ));
        notes.push(without_excerpt(diagnostic));
        return None;
    };
    let inner = table.table(name);
    let found = [
        inner.text("env", "NAME").map(|name| SecretRef::Env(name.value)),
        inner.text("file", "path").map(|path| SecretRef::File(under(base, &path.value))),
        command(&inner, &full, &value.span(), base),
    ];
    let named = ["env", "file", "command"].into_iter().filter(|name| inner.any(name).is_some()).count();
    if named != 1 {
        let message = match named {
            0 => format!("`{full}` does not say where the secret is kept"),
            _ => format!("`{full}` names more than one place"),
        };
        notes.error("M010", value.span(), message, "name exactly one of `env`, `file` and `command`");
    }
    inner.finish();
    found.into_iter().flatten().next()
}

fn command(inner: &Table<'_>, setting: &str, span: &Span, base: &Path) -> Option<SecretRef> {
    let words = inner.texts("command", "[\"pass\", \"show\", \"mail/newsletter\"]")?;
    if words.is_empty() {
        let message = format!("`{}` is empty", inner.name_of("command"));
        inner.notes().error("M005", span.clone(), message, "name a program and its arguments");
        return None;
    }
    let words = words.into_iter().map(|word| word.value).collect();
    let place = inner.notes().source.place(span.clone());
    Some(SecretRef::Command(Box::new(SettingCommand::new(setting, place, words, base))))
}
