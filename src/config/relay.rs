//! `[relay]`, `relay = "…"`, `[dkim]` and how a secret is named.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use toml::de::DeValue;
use url::{Host, Url};

use super::{
    overrides::{Overrides, RELAY_PASSWORD, Strength},
    raw::{Item, Notes, Table, without_excerpt},
    secret::SecretRef,
    settings::{AuthMechanism, Dkim, DkimEd25519, Relay, Security, Timeouts, Transport},
};
use crate::source::{Diagnostic, Source, nearest};

/// What an address of a relay says.
struct Address {
    host: String,
    port: u16,
    security: Security,
    login: Option<String>,
}

const SCHEMES: [(&str, Security, u16); 3] =
    [("smtps", Security::Tls, 465), ("smtp", Security::StartTls, 587), ("smtp+plain", Security::Plain, 25)];

const SHAPE: &str = "write it like `smtps://login@smtp.example.com`, or with `smtp://` for STARTTLS";

impl Address {
    /// Reads an address; `Err` is code, message and help.
    fn parse(text: &str) -> Result<Self, (&'static str, String, String)> {
        let bad =
            |why: String, help: &str| Err(("M008", format!("no address of a relay: {why}"), help.to_owned()));
        let url = match Url::parse(text) {
            Ok(url) => url,
            Err(_) if !text.contains("://") => {
                return bad("it has no scheme such as `smtps://`".into(), SHAPE);
            }
            Err(error) => return bad(error.to_string(), SHAPE),
        };
        let Some((_, security, port)) = SCHEMES.into_iter().find(|(scheme, ..)| *scheme == url.scheme())
        else {
            let known = SCHEMES.map(|(scheme, ..)| scheme);
            let help = match nearest(url.scheme(), known) {
                Some(near) => format!("did you mean `{near}://`?"),
                None => "use `smtps://` (TLS), `smtp://` (STARTTLS) or `smtp+plain://` (neither, for this machine)"
                    .to_owned(),
            };
            return bad(format!("`{}://` is not a way to a relay", url.scheme()), &help);
        };
        if url.password().is_some() {
            let help = format!(
                "take it out of the address, set the environment variable {RELAY_PASSWORD}, or say where it is kept: \
                 `password = {{ file = \"…\" }}`"
            );
            return Err(("M009", "the address holds a password".to_owned(), help));
        }
        let host = match url.host_str() {
            Some(host) if !host.is_empty() => host,
            _ => return bad("it names no host".into(), SHAPE),
        };
        // The scheme is none that `url` knows, so that it leaves the host as it was written.
        let host = match Host::parse(&percent_decode_str(host).decode_utf8_lossy()) {
            Ok(Host::Domain(name)) => name,
            Ok(Host::Ipv4(address)) => address.to_string(),
            Ok(Host::Ipv6(address)) => address.to_string(),
            Err(error) => return bad(error.to_string(), SHAPE),
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return bad("something stands behind the host".into(), SHAPE);
        }
        let login = percent_decode_str(url.username()).decode_utf8_lossy().into_owned();
        if login.chars().any(char::is_control) {
            return bad("the login holds a control character".into(), SHAPE);
        }
        let login = (!login.is_empty()).then_some(login);
        Ok(Self { host, port: url.port().unwrap_or(port), security, login })
    }
}

/// Chooses between relay and outbox, and reads what belongs to them.
pub(super) fn transport(root: &Table<'_>, overrides: &Overrides, outbox: PathBuf, base: &Path) -> Transport {
    let notes = root.notes();
    // `relay = "…"` in one line says no more than the address.
    let line = root.any("relay").filter(|value| matches!(value.get_ref(), DeValue::String(_)));
    let line = line.and_then(|_| root.text("relay", SHAPE));
    let section = if line.is_some() { Table::absent(notes, "relay") } else { root.table("relay") };
    let relay = read_relay(&section, line, overrides, base);
    section.finish();
    let outbox_strength = overrides.outbox.as_ref().map(|outbox| outbox.strength);
    let relay_strength = overrides.relay.as_ref().map_or(Strength::File, |relay| relay.strength);
    match relay {
        // The stronger one wins: `--outbox` on the command line keeps letters from a relay that the file names.
        Some(relay) if outbox_strength <= Some(relay_strength) => Transport::Relay(Box::new(relay)),
        _ => Transport::Outbox(outbox),
    }
}

fn read_relay(
    section: &Table<'_>,
    line: Option<Item<String>>,
    overrides: &Overrides,
    base: &Path,
) -> Option<Relay> {
    let notes = section.notes();
    let url = section.text("url", "smtps://login@smtp.example.com");
    if section.is_there() && url.is_none() && section.any("url").is_none() && overrides.relay.is_none() {
        let help = "add `url = \"smtps://login@smtp.example.com\"`, or take the section out";
        section.missing("`[relay]` has no `url`", help);
    }
    let address = match &overrides.relay {
        Some(said) => Address::parse(&said.value)
            .map_err(|(code, message, help)| {
                // A password that slipped into the address is not repeated on the screen.
                let shown = if code == "M009" { String::new() } else { said.value.clone() };
                let source = Source::new(said.origin, shown);
                let span = 0..source.text().len();
                notes.push(Diagnostic::error(code, &source, span, message).help(help));
            })
            .ok(),
        None => line.or(url).and_then(|url| {
            Address::parse(&url.value)
                .map_err(|(code, message, help)| {
                    let mut diagnostic = Diagnostic::error(code, &notes.source, url.span, message).help(help);
                    if code == "M009" {
                        diagnostic = without_excerpt(diagnostic);
                    }
                    notes.push(diagnostic);
                })
                .ok()
        }),
    };
    let timeouts = section.table("timeouts");
    let usual = Timeouts::default();
    let wait = |name, usual| timeouts.duration(name).map_or(usual, |wait| wait.value);
    let timeouts_read = Timeouts {
        connect: wait("connect", usual.connect),
        greeting: wait("greeting", usual.greeting),
        command: wait("command", usual.command),
        body: wait("body", usual.body),
    };
    timeouts.finish();
    let password = secret(section, "password", base);
    let auth = section.choice(
        "auth",
        &[
            ("plain", AuthMechanism::Plain),
            ("login", AuthMechanism::Login),
            ("xoauth2", AuthMechanism::XOAuth2),
        ],
    );
    let ca_file = section.text("ca_file", "relay-ca.pem").map(|path| super::under(base, &path.value));
    let helo = section.text("helo", "news.example.org").filter(|helo| is_word(notes, "relay.helo", helo));
    let connections = section.number("connections", 1..=1000);
    let messages_per_connection = section.number("messages_per_connection", 1..=u32::MAX);
    let pipelining = section.flag("pipelining");
    let chunking_window = section.number("chunking_window", 0..=64);
    let Address { host, port, security, login } = address?;
    let password = match login {
        Some(_) if overrides.relay_password => Some(SecretRef::Env(RELAY_PASSWORD.to_owned())),
        Some(_) => password.or_else(|| Some(SecretRef::Env(RELAY_PASSWORD.to_owned()))),
        None => None,
    };
    Some(Relay {
        host,
        port,
        security,
        login,
        password,
        auth: auth.map(|auth| auth.value),
        ca_file,
        helo: helo.map(|helo| helo.value),
        connections: connections.map_or(4, |number| number.value),
        messages_per_connection: messages_per_connection.map(|number| number.value),
        pipelining: pipelining.is_none_or(|flag| flag.value),
        chunking_window: chunking_window.map_or(0, |number| number.value),
        timeouts: timeouts_read,
    })
}

/// A word that may stand in a command or a DNS name: no space, no control character.
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
        inner.text("file", "path").map(|path| SecretRef::File(super::under(base, &path.value))),
        command(&inner, &value.span()),
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

fn command(inner: &Table<'_>, span: &std::ops::Range<usize>) -> Option<SecretRef> {
    let words = inner.texts("command", "[\"pass\", \"show\", \"mail/newsletter\"]")?;
    if words.is_empty() {
        let message = format!("`{}` is empty", inner.name_of("command"));
        inner.notes().error("M005", span.clone(), message, "name a program and its arguments");
        return None;
    }
    Some(SecretRef::Command(words.into_iter().map(|word| word.value).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match Address::parse(text) {
            Ok(Address { host, port, security, login }) => {
                format!("{host} {port} {security:?} {}", login.as_deref().unwrap_or("-"))
            }
            Err((code, message, _)) => format!("{code} {message}"),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn an_address_says_host_port_security_and_login() {
        check("smtps://login@smtp.example.com", "smtp.example.com 465 Tls login");
        check("smtp://smtp.example.com", "smtp.example.com 587 StartTls -");
        check("smtp+plain://127.0.0.1:2525", "127.0.0.1 2525 Plain -");
        check("smtp+plain://[::1]:2525/", "::1 2525 Plain -");
        check("smtps://me%40example.org@smtp.example.com:2465", "smtp.example.com 2465 Tls me@example.org");
        check("smtps://me@example.org@smtp.example.com", "smtp.example.com 465 Tls me@example.org");
        check("smtps://bücher.example", "xn--bcher-kva.example 465 Tls -");
    }

    #[test]
    fn what_is_no_address_says_why() {
        check("smtp.example.com", "M008 no address of a relay: it has no scheme such as `smtps://`");
        check("https://smtp.example.com", "M008 no address of a relay: `https://` is not a way to a relay");
        check("smtps://", "M008 no address of a relay: it names no host");
        check("smtps://h:99999", "M008 no address of a relay: invalid port number");
        check("smtps://h/path", "M008 no address of a relay: something stands behind the host");
        check("smtps://me:hunter2@h", "M009 the address holds a password");
        check("smtps://a%0d%0ab@h", "M008 no address of a relay: the login holds a control character");
    }
}
