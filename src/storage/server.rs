//! Which database server, as a URL says it.

use std::{
    error::Error as StdError,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use url::Url;

/// Reads the password where it is kept, when it is needed.
type ReadPassword = Box<dyn Fn() -> Result<String, Box<dyn StdError + Send + Sync>> + Send + Sync>;

/// A database on a PostgreSQL server: `postgres://user@host:5432/database?sslmode=verify-full`.
///
/// The host may be a folder with a socket: `postgres:///database?host=/run/postgresql`.
#[derive(Clone)]
pub struct Server {
    /// As it was given, without what could be a secret.
    shown: String,
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) user: Option<String>,
    pub(super) database: String,
    pub(super) tls: TlsMode,
    /// Certificates of authorities that are trusted too.
    pub(super) authorities: Option<PathBuf>,
    /// How long a worker keeps its letters without being heard from.
    lease: Option<Duration>,
    /// Shared by all copies, so that it may be attached when the settings are read.
    password: Arc<OnceLock<ReadPassword>>,
    known_password: Arc<OnceLock<String>>,
}

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Name(String),
    /// The folder of its socket.
    Socket(PathBuf),
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsMode {
    /// Not at all: for a socket, and for this machine.
    Disable,
    /// Encrypted, to whoever answers.
    Require,
    /// Encrypted, to the server whose name is in the certificate of a trusted authority.
    VerifyFull,
}

/// What is wrong with the URL of a database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// It is not the URL of a PostgreSQL database.
    #[error("not a complete URL of a PostgreSQL database: {0}")]
    Invalid(&'static str),
    /// There is a secret in it.
    #[error("the URL contains a password")]
    Password,
    /// A parameter that is not known, or not with this value.
    #[error("unknown parameter `{0}`")]
    Parameter(String),
}

impl Server {
    /// Reads a URL. Without `sslmode` a server on another machine needs a certificate that is valid for its name.
    ///
    /// # Errors
    ///
    /// When it is not complete, holds a password, or has a parameter that is not known.
    pub fn parse(text: &str) -> Result<Self, ServerError> {
        // Behind a user the parser of URLs wants a host, also where the folder of a socket follows.
        let without_host = text.split_once("://").is_some_and(|(_, rest)| {
            rest.split('/').next().is_some_and(|authority| authority.ends_with('@'))
        });
        let complete = if without_host { text.replacen("@/", "@-/", 1) } else { text.to_owned() };
        let url =
            Url::parse(&complete).map_err(|_| ServerError::Invalid("it should start with postgres://"))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(ServerError::Invalid("it should start with postgres://"));
        }
        if url.password().is_some() {
            return Err(ServerError::Password);
        }
        let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let database = plain(url.path().trim_start_matches('/'));
        if database.is_empty() || database.contains('/') {
            return Err(ServerError::Invalid("the name of the database is missing behind the host"));
        }
        let named = url.host_str().filter(|host| !host.is_empty() && !without_host);
        let mut host = named.map(|host| Host::named(&plain(host)));
        let (mut tls, mut authorities, mut lease) = (None, None, None);
        for (name, value) in url.query_pairs() {
            match (&*name, &*value) {
                ("sslmode", "disable") => tls = Some(TlsMode::Disable),
                ("sslmode", "require") => tls = Some(TlsMode::Require),
                ("sslmode", "verify-full") => tls = Some(TlsMode::VerifyFull),
                ("sslrootcert", path) => authorities = Some(PathBuf::from(path)),
                ("host", given) => host = Some(Host::named(given)),
                ("lease", given) => {
                    let is_wrong = || ServerError::Parameter(format!("lease={given}"));
                    lease = Some(seconds(given).ok_or_else(is_wrong)?);
                }
                ("sslmode", other) => return Err(ServerError::Parameter(format!("sslmode={other}"))),
                (other, _) => return Err(ServerError::Parameter(other.to_owned())),
            }
        }
        let host = host.ok_or(ServerError::Invalid("there is no host in it"))?;
        let tls = tls.unwrap_or(if host.is_here() { TlsMode::Disable } else { TlsMode::VerifyFull });
        Ok(Self {
            shown: text.to_owned(),
            host,
            port: url.port().unwrap_or(5432),
            user: Some(plain(url.username())).filter(|user| !user.is_empty()),
            database,
            tls,
            authorities,
            lease,
            password: Arc::default(),
            known_password: Arc::default(),
        })
    }

    /// How long a worker keeps its letters without being heard from, where the URL says so.
    pub(crate) fn lease(&self) -> Option<Duration> {
        self.lease
    }

    /// A way to read the password, for this server and its copies. It is called when a connection is made for the first
    /// time. The first way counts.
    pub fn attach_password(
        &self,
        read: impl Fn() -> Result<String, Box<dyn StdError + Send + Sync>> + Send + Sync + 'static,
    ) {
        let _ = self.password.set(Box::new(read));
    }

    /// The password, if the server has one.
    pub(super) fn password(&self) -> Result<Option<&str>, Box<dyn StdError + Send + Sync>> {
        let Some(read) = self.password.get() else { return Ok(None) };
        if self.known_password.get().is_none() {
            let _ = self.known_password.set(read()?);
        }
        Ok(self.known_password.get().map(String::as_str))
    }
}

/// A time of 0.1 to 3600 seconds, as `lease` says it.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s').unwrap_or(text).parse().ok()?;
    (0.1..=3600.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

impl Host {
    fn named(text: &str) -> Self {
        if text.starts_with('/') { Self::Socket(PathBuf::from(text)) } else { Self::Name(text.to_owned()) }
    }

    fn is_here(&self) -> bool {
        match self {
            Self::Socket(_) => true,
            Self::Name(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1" | "[::1]"),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.shown).finish()
    }
}

impl PartialEq for Server {
    fn eq(&self, other: &Self) -> bool {
        self.shown == other.shown
    }
}

impl Eq for Server {}

/// Where a ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// SQLite in a file.
    File(PathBuf),
    /// PostgreSQL.
    Server(Server),
}

impl Location {
    /// Reads `sqlite:FILE` (or `sqlite://FILE`) or `postgres://…`; anything else that is no URL is a file's path.
    ///
    /// # Errors
    ///
    /// When it is the URL of another database, or the URL of a server and not complete.
    pub fn parse(text: &str) -> Result<Self, ServerError> {
        if let Some(path) = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")) {
            return Ok(Self::File(PathBuf::from(path)));
        }
        if text.starts_with("postgres:") || text.starts_with("postgresql:") || text.contains("://") {
            return Server::parse(text).map(Self::Server);
        }
        Ok(Self::File(PathBuf::from(text)))
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) => None,
        }
    }

    /// How long a worker keeps its letters without being heard from, where the URL of a server says so.
    pub fn lease(&self) -> Option<Duration> {
        match self {
            Self::File(_) => None,
            Self::Server(server) => server.lease(),
        }
    }

    /// Whether something is there. Of a server this is known only when it is asked.
    pub fn exists(&self) -> bool {
        self.file().is_none_or(Path::exists)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(server) => server.fmt(f),
        }
    }
}

impl From<&Self> for Location {
    fn from(location: &Self) -> Self {
        location.clone()
    }
}

impl From<&PathBuf> for Location {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parsed(text: &str) -> Server {
        Server::parse(text).unwrap()
    }

    #[test]
    fn a_server_on_another_machine_has_to_prove_its_name() {
        assert_eq!(parsed("postgres://ada@db.example.org/news").tls, TlsMode::VerifyFull);
        assert_eq!(parsed("postgres://ada@localhost/news").tls, TlsMode::Disable);
        assert_eq!(parsed("postgres:///news?host=/run/postgresql").tls, TlsMode::Disable);
        assert_eq!(parsed("postgres://db.example.org/news?sslmode=require").tls, TlsMode::Require);
    }

    #[test]
    fn a_url_names_user_host_port_and_database() {
        let server = parsed("postgresql://ada%40home@db.example.org:6432/the%20news");
        assert_eq!(server.user.as_deref(), Some("ada@home"));
        assert_eq!((server.port, server.database.as_str()), (6432, "the news"));
        let socket = parsed("postgres://ada@%2Frun%2Fpostgresql/news");
        assert_eq!(socket.host, Host::Socket(PathBuf::from("/run/postgresql")));
        assert_eq!(parsed("postgres://ada@/news?host=/run/postgresql").host, socket.host);
        let lease = |text: &str| Location::parse(text).unwrap().lease();
        assert_eq!(lease("postgres://h/d?lease=1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(lease("postgres://h/d"), None);
    }

    #[test]
    fn what_is_missing_or_unknown_is_refused() {
        let wrong = |text: &str| Server::parse(text).unwrap_err().to_string();
        assert_eq!(wrong("postgres://ada:secret@db.example.org/news"), "the URL contains a password");
        assert_eq!(wrong("postgres://h/d?sslmode=prefer"), "unknown parameter `sslmode=prefer`");
        for lease in ["soon", "0", "-1", "1e9", "NaN"] {
            assert_eq!(
                wrong(&format!("postgres://h/d?lease={lease}")),
                format!("unknown parameter `lease={lease}`")
            );
        }
        assert_eq!(wrong("postgres://h/d?timeout=3"), "unknown parameter `timeout`");
        assert!(wrong("postgres://h/").contains("name of the database"));
        assert!(wrong("postgres:///d").contains("no host"));
    }

    #[test]
    fn everything_else_is_a_file() {
        assert_eq!(Location::parse("a.db").unwrap(), Location::File("a.db".into()));
        assert_eq!(Location::parse("sqlite:a.db").unwrap(), Location::File("a.db".into()));
        assert!(matches!(Location::parse("postgres://h/d").unwrap(), Location::Server(_)));
    }
}
