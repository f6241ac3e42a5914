//! The answer to one question about the set-up.

use serde::Serialize;

/// How good or bad a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Nothing is wrong; something could be better, or cannot be seen from here.
    Note,
    /// Some letters may be refused or filtered, or something may be lost.
    Warning,
    /// Letters will be refused, or cannot be sent.
    Error,
}

/// A part of the set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The server that takes letters from us.
    Relay,
    /// The records of the sender's domains.
    Dns,
    /// The address for one-click unsubscribing.
    Unsubscribe,
    /// The mailbox in which letters come back.
    Bounces,
    /// Ledger, list, keys and disk.
    Files,
    /// What the large mailbox providers demand.
    Providers,
}

/// A DNS record to create, as forms of DNS providers ask for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Record {
    /// The full name, without a dot at its end.
    pub name: String,
    /// `TXT`, `MX` and so on.
    pub kind: &'static str,
    /// The value, without quotes.
    pub value: String,
}

/// The answer to one question about the set-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Line {
    /// What it is about.
    pub part: Part,
    /// The question, by a word that does not change: `spf`, `certificate`.
    pub check: &'static str,
    /// How good or bad it is.
    pub level: Level,
    /// What is.
    pub text: String,
    /// What to do.
    pub help: Option<String>,
    /// What to put into the DNS.
    pub record: Option<Record>,
}

impl Line {
    pub(super) fn new(part: Part, check: &'static str, level: Level, text: impl Into<String>) -> Self {
        Self { part, check, level, text: text.into(), help: None, record: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn record(
        mut self,
        name: impl Into<String>,
        kind: &'static str,
        value: impl Into<String>,
    ) -> Self {
        self.record = Some(Record { name: name.into(), kind, value: value.into() });
        self
    }
}
