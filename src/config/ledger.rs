//! `[ledger]`: a file, or a database on a server.

use std::path::Path;

use super::{
    overrides::{LEDGER_PASSWORD, Override, Overrides},
    paths::under,
    raw::{Table, without_excerpt},
    secret::SecretRef,
    secret_setting::secret,
};
use crate::{
    ledger::{Location, ServerError},
    source::{Diagnostic, Source, Span},
};

/// Where the ledger is, and its password where it has one.
pub(super) fn ledger(
    tree: &Table<'_>,
    overrides: &Overrides,
    root: &Path,
    base: &Path,
) -> (Location, Option<SecretRef>) {
    let section = tree.table("ledger");
    let notes = section.notes();
    let path = section.text("path", ".mimeo/ledger.db");
    let url = section.text("url", "postgres://mimeo@db.example.org/news");
    let password = secret(&section, "password", base);
    if let Some(path) = path.as_ref().filter(|path| path.value.contains("://")) {
        // A folder of that name would be made otherwise, and the ledger that is meant stays empty.
        notes.error(
            "M005",
            path.span.clone(),
            "`path` is a file, and this is a URL",
            "call it `url` if the ledger is on a PostgreSQL server",
        );
    }
    if let (Some(_), Some(url)) = (&path, &url) {
        notes.error(
            "M013",
            url.span.clone(),
            "a ledger cannot be in two places",
            "remove `path`, or remove `url`",
        );
    }
    let location = match (&overrides.ledger, url, path) {
        (Some(said), ..) => {
            let source = Source::new(said.origin, said.value.clone());
            let span = 0..said.value.len();
            parse(&said.value, &source, span).unwrap_or_else(|diagnostic| {
                notes.push(*diagnostic);
                Location::File(said.path())
            })
        }
        (None, Some(url), _) => match parse(&url.value, &notes.source, url.span) {
            Ok(Location::File(path)) => Location::File(under(base, path)),
            Ok(server) => server,
            Err(diagnostic) => {
                notes.push(*diagnostic);
                Location::File(under(root, ".mimeo/ledger.db"))
            }
        },
        (None, None, Some(path)) => Location::File(under(base, &path.value)),
        (None, None, None) => Location::File(under(root, ".mimeo/ledger.db")),
    };
    section.finish();
    let from_environment = || SecretRef::Env(LEDGER_PASSWORD.to_owned());
    let password = match &location {
        Location::Server(_) if overrides.ledger_password => Some(from_environment()),
        Location::Server(_) => password,
        Location::File(_) => None,
    };
    (location, password)
}

/// Where the ledger is that a flag or a variable names, where there are no settings.
///
/// # Errors
///
/// When it is the URL of a server and not complete.
pub fn ledger_location(said: &Override) -> Result<Location, ServerError> {
    let location = Location::parse(&said.value)?;
    if let Location::Server(server) = &location
        && let Some(password) = std::env::var(LEDGER_PASSWORD).ok().filter(|password| !password.is_empty())
    {
        server.attach_password(move || Ok(password.clone()));
    }
    Ok(location)
}

fn parse(text: &str, source: &Source, span: Span) -> Result<Location, Box<Diagnostic>> {
    let error = match Location::parse(text) {
        Ok(location) => return Ok(location),
        Err(error) => error,
    };
    let help = match error {
        ServerError::Password => format!(
            "take it out of the address, and set the environment variable {LEDGER_PASSWORD} or say where the \
             password is kept: `password = {{ file = \"…\" }}`"
        ),
        ServerError::Parameter(_) => {
            "parameters are `sslmode` (disable, require, verify-full), `sslrootcert`, `host` and `lease` (seconds, from \
             0.1 to 3600)"
                .to_owned()
        }
        _ => "write it like `postgres://user@host/database`".to_owned(),
    };
    let code = if error == ServerError::Password { "M009" } else { "M008" };
    let diagnostic = Diagnostic::error(code, source, span, error.to_string()).help(help);
    // What is before the host may be a password: it is not shown again.
    Err(Box::new(if text.contains('@') { without_excerpt(diagnostic) } else { diagnostic }))
}
