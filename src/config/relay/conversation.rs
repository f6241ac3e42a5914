//! A relay's address, and how it is spoken to.

use std::{
    num::{NonZeroU16, NonZeroU32},
    path::Path,
};

use super::super::{
    overrides::RELAY_PASSWORD,
    paths::under,
    raw::{Notes, Table, is_word, without_excerpt},
    secret::SecretRef,
    secret_setting::secret,
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

/// How a relay is spoken to, and where its password is said to be. All is looked at even when there is no relay, because its
/// address is wrong: all problems come at once.
pub(super) fn conversation(
    section: &Table<'_>,
    relay: Option<Relay>,
    base: &Path,
) -> Option<(Relay, Option<SecretRef>)> {
    let notes = section.notes();
    let timeouts = timeouts(section);
    let password = secret(section, "password", base);
    let mechanisms = [("plain", Login::Plain), ("login", Login::Login), ("xoauth2", Login::Xoauth2)];
    let mechanism = section.choice("auth", &mechanisms);
    let ca_file = section.text("ca_file", "relay-ca.pem").map(|path| under(base, &path.value));
    let helo = section.text("helo", "news.example.org");
    let helo = helo.filter(|helo| is_word(notes, &section.name_of("helo"), helo));
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
    Some((relay, password))
}

/// An address with what is wrong with it.
pub(super) fn address(notes: &Notes, source: &Source, text: &str, span: Span) -> Option<Relay> {
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
        // A relay need not be waited for when it is left, nor kept for later.
        let may_be_nothing = matches!(name, "quit" | "idle");
        if let Some(said) = if may_be_nothing { table.duration(name) } else { table.wait(name) } {
            *wait = said.value;
        }
    }
    table.finish();
    timeouts
}
