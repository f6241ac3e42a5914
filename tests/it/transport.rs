//! Scripts of replies in, outcomes out.

mod faults;
mod outbox;
mod pace;
mod random;
mod relays;
mod source;
mod tls;

use std::time::Duration;

use mimeograph::transport::{ErrorKind, Halt, Relay as Settings, RelayDown, Smtp, Timeouts, Transport};

use self::source::TestSource;
use crate::support::relay::{Relay, Script};

/// How letters are handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    OneByOne,
    Ahead,
}

impl Mode {
    const ALL: [Self; 2] = [Self::OneByOne, Self::Ahead];

    fn script(self, script: Script) -> Script {
        match self {
            Self::OneByOne => script.without_pipelining(),
            Self::Ahead => script,
        }
    }
}

/// A relay, a source, and what came of them.
struct Session {
    relay: Relay,
    source: TestSource,
    result: Result<(), RelayDown>,
}

impl Session {
    fn settings(relay: &Relay, login: &str) -> Settings {
        let mut settings = Settings::parse(&relay.url_with_login(login)).unwrap();
        settings.timeouts =
            Timeouts { quit: Duration::from_secs(1), ..Timeouts::all(Duration::from_secs(20)) };
        settings.ca_file = relay.ca_file().map(Into::into);
        settings
    }

    /// One connection to a relay with this script, and so many letters to `r1@example.com`, `r2@…`.
    async fn of(script: Script, letters: usize) -> Self {
        Self::with(script, TestSource::new(letters), "", |_| {}).await
    }

    async fn with(
        script: Script,
        source: TestSource,
        login: &str,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let relay = Relay::start(script);
        let mut settings = Self::settings(&relay, login);
        change(&mut settings);
        let transport = Transport::Smtp(Smtp::new(settings).unwrap());
        let result = transport.run(&source, Halt::never()).await;
        Self { relay, source, result }
    }

    /// In a few words, one for each letter: `accepted`, `back`, `back refused body 550`, `deferred RCPT 450`,
    /// `rejected RCPT 550`, `unconfirmed`, `untouched`; then how the run ended.
    fn in_words(&self) -> String {
        let mut words = self.source.in_words();
        words.push(match &self.result {
            Ok(()) => "done".to_owned(),
            Err(RelayDown { stage, kind, passing }) => {
                let kind = match kind {
                    ErrorKind::Io(_) => "io".to_owned(),
                    ErrorKind::Timeout { .. } => "timeout".to_owned(),
                    ErrorKind::Tls(_) => "tls".to_owned(),
                    ErrorKind::Said(reply) => reply.code.to_string(),
                    ErrorKind::Protocol(_) => "protocol".to_owned(),
                    ErrorKind::Outbox(_) => "outbox".to_owned(),
                    _ => "?".to_owned(),
                };
                format!("{} at {stage}: {kind}", if *passing { "down" } else { "stop" })
            }
        });
        words.join(", ")
    }

    #[track_caller]
    fn expect(self, expected: &str) -> Self {
        assert_eq!(self.in_words(), expected, "{:?}", self.result);
        self.source.check_against(&self.relay.recipients());
        self
    }
}
