//! A mailbox that cannot be used.

/// A mailbox that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// No connection.
    #[error("cannot connect to `{host}`: {reason}")]
    Connect {
        /// The server.
        host: String,
        /// Why, in words.
        reason: String,
    },
    /// The login was refused.
    #[error("`{host}` refused the login: {reason}")]
    Login {
        /// The server.
        host: String,
        /// What it said.
        reason: String,
    },
    /// A command failed.
    #[error("`{host}` failed at {command}: {reason}")]
    Command {
        /// The server.
        host: String,
        /// The command.
        command: &'static str,
        /// What it said.
        reason: String,
    },
    /// The server said nothing for too long.
    #[error("`{host}` did not answer in time ({command})")]
    Silent {
        /// The server.
        host: String,
        /// The command that it did not answer.
        command: &'static str,
    },
}

impl MailboxError {
    /// Whether the same may succeed at another time.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::Login { .. })
    }
}
