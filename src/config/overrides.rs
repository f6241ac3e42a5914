//! What the command line and the environment say instead of the settings file.

use std::path::PathBuf;

/// A value that takes the place of the file's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The value; a path is relative to the current directory.
    pub value: String,
    /// `--relay`, or the name of an environment variable.
    pub origin: &'static str,
    /// A flag is stronger than the environment.
    pub strength: Strength,
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// `mimeo.toml`
    File,
    /// A `MIMEO_…` variable.
    Environment,
    /// A flag of this command.
    Flag,
}

/// Everything that can be said instead of the file's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--config FILE`, `MIMEO_CONFIG`
    pub config: Option<Override>,
    /// `--list FILE`, `MIMEO_LIST`
    pub list: Option<Override>,
    /// `--relay URL`, `MIMEO_RELAY`
    pub relay: Option<Override>,
    /// `--outbox DIR`, `MIMEO_OUTBOX`
    pub outbox: Option<Override>,
    /// `--ledger FILE`, `MIMEO_LEDGER`
    pub ledger: Option<Override>,
    /// Whether `MIMEO_LEDGER_PASSWORD` is there; it takes the place of `ledger.password`.
    pub ledger_password: bool,
    /// Whether `MIMEO_RELAY_PASSWORD` is there; it takes the place of `relay.password`.
    pub relay_password: bool,
    /// `--trust`, `MIMEO_TRUST=1`: the programs that the settings name may run.
    pub trust: bool,
}

/// The environment variable that holds the password of a ledger on a server, unless the settings name another place.
pub(super) const LEDGER_PASSWORD: &str = "MIMEO_LEDGER_PASSWORD";

/// The environment variable that holds the relay's password, unless the settings name another place.
pub const RELAY_PASSWORD: &str = "MIMEO_RELAY_PASSWORD";

/// The environment variable with the password of the mailbox for bounces, where the settings name no other place.
pub const BOUNCES_PASSWORD: &str = "MIMEO_BOUNCES_PASSWORD";

impl Override {
    /// What a flag says.
    pub fn flag(origin: &'static str, value: impl Into<String>) -> Self {
        Self { value: value.into(), origin, strength: Strength::Flag }
    }

    /// The value as a path.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(&self.value)
    }
}

impl Overrides {
    /// Fills what no flag said from environment variables. An empty variable says nothing.
    pub fn or_environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let fill = |place: &mut Option<Override>, origin: &'static str| {
            if place.is_none() {
                *place = variable(origin).filter(|value| !value.is_empty()).map(|value| Override {
                    value,
                    origin,
                    strength: Strength::Environment,
                });
            }
        };
        fill(&mut self.config, "MIMEO_CONFIG");
        fill(&mut self.list, "MIMEO_LIST");
        fill(&mut self.relay, "MIMEO_RELAY");
        fill(&mut self.outbox, "MIMEO_OUTBOX");
        fill(&mut self.ledger, "MIMEO_LEDGER");
        self.trust |= variable("MIMEO_TRUST").is_some_and(|value| value == "1");
        self.ledger_password |= variable(LEDGER_PASSWORD).is_some_and(|value| !value.is_empty());
        self.relay_password |= variable(RELAY_PASSWORD).is_some_and(|value| !value.is_empty());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_beats_the_environment() {
        let flags = Overrides { list: Some(Override::flag("--list", "a.csv")), ..Overrides::default() };
        let both = flags.or_environment(|name| match name {
            "MIMEO_LIST" => Some("b.csv".into()),
            "MIMEO_OUTBOX" => Some("out".into()),
            "MIMEO_LEDGER" => Some(String::new()),
            _ => None,
        });
        assert_eq!(both.list.unwrap().value, "a.csv");
        assert_eq!(both.outbox.unwrap().origin, "MIMEO_OUTBOX");
        assert_eq!(both.ledger, None);
    }
}
