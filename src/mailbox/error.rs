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
    /// Whether the same may succeed at another time without a change to the settings. A refused login does not, unless the server
    /// says that it has a problem of its own (RFC 5530, RFC 2449, RFC 3206).
    pub fn may_pass(&self) -> bool {
        const PASSING: [&str; 7] =
            ["[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[IN-USE]", "[LOGIN-DELAY]", "[SYS/TEMP]"];
        match self {
            Self::Login { reason, .. } => {
                let reason = reason.to_ascii_uppercase();
                PASSING.iter().any(|code| reason.contains(code))
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MailboxError;

    #[test]
    fn a_refused_login_passes_only_where_the_server_is_at_fault() {
        for (reason, passes) in [
            ("code: None, info: Some(\"[UNAVAILABLE] Temporary authentication failure.\")", true),
            ("[IN-USE] mailbox is locked", true),
            ("[sys/temp] try later", true),
            ("code: None, info: Some(\"[AUTHENTICATIONFAILED] Authentication failed.\")", false),
            ("[AUTH] unavailable user", false),
        ] {
            let error = MailboxError::Login { host: "h".to_owned(), reason: reason.to_owned() };
            assert_eq!(error.may_pass(), passes, "{reason}");
        }
    }
}
