use std::{
    fmt, io,
    net::IpAddr,
    num::{NonZeroU16, NonZeroU32},
    path::PathBuf,
    time::Duration,
};

use percent_encoding::percent_decode_str;
use url::Url;

use super::secret::Secret;

/// How to reach a relay and how to behave there.
///
/// ```
/// assert_eq!(mimeograph::transport::Relay::parse("smtp://noor@smtp.example.org")?.port, 587);
/// # Ok::<(), mimeograph::transport::RelayConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Relay {
    /// What the owner calls it, where there are several.
    pub name: Option<String>,
    /// Its host name (or address): what we dial, and what its certificate must say.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// How the connection is made private.
    pub encryption: Encryption,
    /// The name we log in with; without one we do not log in.
    pub login: Option<String>,
    /// The password, or the OAuth 2 access token.
    pub password: Option<Secret>,
    /// How we log in.
    pub mechanism: Login,
    /// What we call ourselves in EHLO; without it, the address of our end of the connection (RFC 5321 section 4.1.4).
    pub helo: Option<String>,
    /// Certificates (PEM) to trust besides the machine's own store.
    pub ca_file: Option<PathBuf>,
    /// How long we wait for what.
    pub timeouts: Timeouts,
    /// Connections at the same time, at most. The caller runs that many.
    pub connections: NonZeroU16,
    /// Letters on one connection, at most; then we hang up and dial again.
    pub letters_per_connection: Option<NonZeroU32>,
    /// Whether commands are sent ahead (RFC 2920).
    pub pipelining: Pipelining,
}

/// How the connection to a relay is made private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// TLS from the first byte (`smtps://`, RFC 8314).
    Implicit,
    /// STARTTLS, required: without it nothing is sent (`smtp://`).
    StartTls,
    /// No encryption (`smtp://…?tls=none`).
    None,
}

/// How we log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Login {
    /// PLAIN when the relay offers it, otherwise LOGIN.
    #[default]
    Auto,
    /// PLAIN (RFC 4616).
    Plain,
    /// Two questions, two answers; some large providers know nothing else.
    Login,
    /// An OAuth 2 access token instead of a password.
    Xoauth2,
}

/// Whether commands are sent ahead of replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pipelining {
    /// When the relay offers it; given up when the relay then gets out of step.
    #[default]
    Auto,
    /// Never: each command waits for the reply to the one before.
    Off,
}

/// The longest we wait for each step as a whole, however the bytes trickle in (RFC 5321 section 4.5.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Name look-up and connecting.
    pub connect: Duration,
    /// The TLS handshake.
    pub handshake: Duration,
    /// Waiting for the relay's greeting.
    pub greeting: Duration,
    /// Every command but DATA.
    pub command: Duration,
    /// The reply to DATA.
    pub data: Duration,
    /// Writing a body.
    pub body: Duration,
    /// The reply to a body. Short waits here make unconfirmed letters (RFC 1047).
    pub accept: Duration,
    /// The reply to QUIT.
    pub quit: Duration,
    /// With nothing to send, the connection is kept open that long.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        Self {
            connect: MINUTE / 2,
            handshake: MINUTE,
            greeting: 5 * MINUTE,
            command: 5 * MINUTE,
            data: 2 * MINUTE,
            body: 10 * MINUTE,
            accept: 10 * MINUTE,
            quit: MINUTE / 12,
            idle: MINUTE,
        }
    }
}

impl Timeouts {
    /// Waits equally long in every step.
    pub fn all(wait: Duration) -> Self {
        Self {
            connect: wait,
            handshake: wait,
            greeting: wait,
            command: wait,
            data: wait,
            body: wait,
            accept: wait,
            quit: wait,
            idle: wait,
        }
    }
}

/// Settings of a relay that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayConfigError {
    /// Not of the form `smtp://` or `smtps://`.
    #[error("`{given}` is not the address of a relay: {reason}")]
    Address {
        /// What was given, without a password.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The URL holds a password.
    #[error("the address of the relay holds a password, and addresses end up in logs and shell histories")]
    PasswordInAddress,
    /// A login over a connection that everybody can read.
    #[error("logging in at `{host}` without TLS would show the password to everybody on the way")]
    LoginInTheClear {
        /// The relay's name.
        host: String,
    },
    /// There is a login but no password.
    #[error("no password for the login `{login}` at `{host}`")]
    NoPassword {
        /// The relay's name.
        host: String,
        /// The name to log in with.
        login: String,
    },
    /// The password cannot be sent.
    #[error(
        "the login or password for `{host}` holds a control character (a line break at its end, perhaps)"
    )]
    ControlCharacter {
        /// The relay's name.
        host: String,
    },
    /// The name for EHLO is none.
    #[error("`{helo}` is not a host name that can be said in EHLO")]
    Helo {
        /// What was given.
        helo: String,
    },
    /// The file with certificates cannot be read.
    #[error("failed to read the certificates in `{path}`")]
    CaFile {
        /// The file with certificates.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file with certificates holds none, or one that is broken.
    #[error("`{path}` holds no usable certificate: {reason}")]
    CaContent {
        /// The file with certificates.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The machine has no certificate store and no file was given.
    #[error("this machine has no certificate authorities to check the relay's certificate with: {reason}")]
    NoAuthorities {
        /// What the search said.
        reason: String,
    },
}

impl Relay {
    /// A relay from its address:
    /// `smtps://[login@]host[:465]` (TLS from the start), `smtp://[login@]host[:587]` (STARTTLS, required), or
    /// `smtp://host[:25]?tls=none` (no TLS; with a login only on this machine).
    ///
    /// The login is percent-decoded, so that both `me@example.com@smtp.example.com` and `me%40example.com@…` work.
    ///
    /// # Errors
    ///
    /// What is wrong with the address: for example a password in it.
    pub fn parse(address: &str) -> Result<Self, RelayConfigError> {
        let address = address.trim();
        let refuse = |reason: &str| {
            // What is before the host may be a password: not to be repeated.
            let given = match address.rsplit_once('@') {
                Some((_, host)) => format!("…@{host}"),
                None => address.to_owned(),
            };
            RelayConfigError::Address { given, reason: reason.to_owned() }
        };
        let url = Url::parse(address).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => {
                refuse("write smtps://login@smtp.example.com, or smtp://… for STARTTLS")
            }
            other => refuse(&other.to_string()),
        })?;
        if url.password().is_some() {
            return Err(RelayConfigError::PasswordInAddress);
        }
        let mut encryption = match url.scheme() {
            "smtps" => Encryption::Implicit,
            "smtp" => Encryption::StartTls,
            other => return Err(refuse(&format!("`{other}` is neither smtp nor smtps"))),
        };
        for (name, value) in url.query_pairs() {
            encryption = match (&*name, &*value, url.scheme()) {
                ("tls", "none", "smtp") => Encryption::None,
                ("tls", "required" | "starttls", "smtp") => Encryption::StartTls,
                ("tls", "implicit" | "required", "smtps") => Encryption::Implicit,
                ("tls", "none", _) => {
                    return Err(refuse("smtps is TLS; write smtp://…?tls=none to go without"));
                }
                ("tls", ..) => return Err(refuse("`tls` is `required` or `none`")),
                _ => return Err(refuse(&format!("`{name}` is unknown; only `tls` may follow the `?`"))),
            };
        }
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(refuse("nothing may follow the host and port but `?tls=…`"));
        }
        let host = match url.host_str() {
            None | Some("") => return Err(refuse("the host is missing")),
            Some(host) => host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase(),
        };
        if host.chars().any(|c| !(c.is_ascii_alphanumeric() || "-._:".contains(c))) {
            return Err(refuse("write the host in ASCII (an international domain in its xn-- form)"));
        }
        let login = match url.username() {
            "" => None,
            text => Some(
                percent_decode_str(text)
                    .decode_utf8()
                    .map_err(|_| refuse("the login is not UTF-8"))?
                    .into_owned(),
            ),
        };
        let default_port = match encryption {
            Encryption::Implicit => 465,
            Encryption::StartTls => 587,
            Encryption::None => 25,
        };
        let relay = Self {
            name: None,
            host,
            port: url.port().unwrap_or(default_port),
            encryption,
            login,
            password: None,
            mechanism: Login::Auto,
            helo: None,
            ca_file: None,
            timeouts: Timeouts::default(),
            connections: NonZeroU16::new(4).expect("four is not zero"),
            letters_per_connection: None,
            pipelining: Pipelining::Auto,
        };
        relay.refuse_login_in_the_clear()?;
        Ok(relay)
    }

    /// What can be said against these settings without dialling.
    pub(super) fn check(&self) -> Result<(), RelayConfigError> {
        self.refuse_login_in_the_clear()?;
        if let Some(login) = &self.login {
            let Some(password) = &self.password else {
                return Err(RelayConfigError::NoPassword { host: self.host.clone(), login: login.clone() });
            };
            if login.chars().chain(password.expose().chars()).any(char::is_control) {
                return Err(RelayConfigError::ControlCharacter { host: self.host.clone() });
            }
        }
        if let Some(helo) = &self.helo
            && (helo.is_empty()
                || helo.bytes().any(|b| !(b.is_ascii_alphanumeric() || b"-._[]:".contains(&b))))
        {
            return Err(RelayConfigError::Helo { helo: helo.clone() });
        }
        Ok(())
    }

    fn refuse_login_in_the_clear(&self) -> Result<(), RelayConfigError> {
        if self.encryption == Encryption::None && self.login.is_some() && !self.is_loopback() {
            return Err(RelayConfigError::LoginInTheClear { host: self.host.clone() });
        }
        Ok(())
    }

    /// Whether the relay is this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// Shows `smtps://smtp.example.com:465`, or `eu (smtps://smtp.example.com:465)` if it has a name: no login, no password.
impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = if self.name.is_some() { (" (", ")") } else { ("", "") };
        let name = self.name.as_deref().unwrap_or_default();
        let scheme = if self.encryption == Encryption::Implicit { "smtps" } else { "smtp" };
        if self.host.contains(':') {
            write!(f, "{name}{before}{scheme}://[{}]:{}{after}", self.host, self.port)
        } else {
            write!(f, "{name}{before}{scheme}://{}:{}{after}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn good(address: &str, expected: (&str, u16, Encryption, Option<&str>)) {
        let relay = Relay::parse(address).unwrap();
        assert_eq!(
            (&*relay.host, relay.port, relay.encryption, relay.login.as_deref()),
            expected,
            "{address}"
        );
    }

    #[track_caller]
    fn bad(address: &str, expected: &str) {
        assert_eq!(Relay::parse(address).unwrap_err().to_string(), expected);
    }

    #[test]
    fn an_address_says_how_to_reach_the_relay() {
        use Encryption::{Implicit, None as Plain, StartTls};
        good("smtps://smtp.example.com", ("smtp.example.com", 465, Implicit, None));
        good("smtps://ada@smtp.example.com", ("smtp.example.com", 465, Implicit, Some("ada")));
        good(
            "smtps://ada@example.com@smtp.example.com",
            ("smtp.example.com", 465, Implicit, Some("ada@example.com")),
        );
        good(
            "smtp://ada%40example.com@Mail.Example.com:2525/",
            ("mail.example.com", 2525, StartTls, Some("ada@example.com")),
        );
        good("smtp://smtp.example.com", ("smtp.example.com", 587, StartTls, None));
        good("smtp://smtp.example.com?tls=none", ("smtp.example.com", 25, Plain, None));
        good("smtp://bob@localhost:2525?tls=none", ("localhost", 2525, Plain, Some("bob")));
        good("smtp://bob@127.0.0.1:2525?tls=none", ("127.0.0.1", 2525, Plain, Some("bob")));
        good("smtp://bob@[::1]:2525?tls=none", ("::1", 2525, Plain, Some("bob")));
        good("smtp://smtp.example.com?tls=required", ("smtp.example.com", 587, StartTls, None));
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_with_the_reason() {
        bad(
            "smtp.example.com",
            "`smtp.example.com` is not the address of a relay: write smtps://login@smtp.example.com, or smtp://… for STARTTLS",
        );
        bad(
            "http://example.com",
            "`http://example.com` is not the address of a relay: `http` is neither smtp nor smtps",
        );
        bad(
            "smtps://ada:hunter2@smtp.example.com",
            "the address of the relay holds a password, and addresses end up in logs and shell histories",
        );
        bad(
            "smtp://ada@smtp.example.com?tls=none",
            "logging in at `smtp.example.com` without TLS would show the password to everybody on the way",
        );
        bad(
            "smtps://example.com?tls=none",
            "`smtps://example.com?tls=none` is not the address of a relay: smtps is TLS; write smtp://…?tls=none to go without",
        );
        bad(
            "smtp://example.com?tls=maybe",
            "`smtp://example.com?tls=maybe` is not the address of a relay: `tls` is `required` or `none`",
        );
        bad(
            "smtp://example.com?verify=off",
            "`smtp://example.com?verify=off` is not the address of a relay: `verify` is unknown; only `tls` may follow the `?`",
        );
        bad("smtp://", "`smtp://` is not the address of a relay: the host is missing");
        bad(
            "smtp://example.com/path",
            "`smtp://example.com/path` is not the address of a relay: nothing may follow the host and port but `?tls=…`",
        );
        bad(
            "smtp://bücher.example",
            "`smtp://bücher.example` is not the address of a relay: write the host in ASCII (an international domain in its xn-- form)",
        );
        bad("smtp://a:b:c@x:99999", "`…@x:99999` is not the address of a relay: invalid port number");
    }

    #[test]
    fn a_relay_prints_neither_login_nor_password() {
        let mut relay = Relay::parse("smtps://ada@smtp.example.com").unwrap();
        relay.password = Some(Secret::new("hunter2"));
        assert_eq!(relay.to_string(), "smtps://smtp.example.com:465");
        assert!(!format!("{relay:?}").contains("hunter2"));
    }

    #[test]
    fn a_login_needs_a_password_that_can_be_sent() {
        let mut relay = Relay::parse("smtps://ada@smtp.example.com").unwrap();
        assert_eq!(
            relay.check().unwrap_err().to_string(),
            "no password for the login `ada` at `smtp.example.com`"
        );
        relay.password = Some(Secret::new("hunter2\n"));
        assert!(matches!(relay.check(), Err(RelayConfigError::ControlCharacter { .. })));
        relay.password = Some(Secret::new("hunter2"));
        relay.check().unwrap();
        relay.helo = Some("my host".to_owned());
        assert!(matches!(relay.check(), Err(RelayConfigError::Helo { .. })));
    }
}
