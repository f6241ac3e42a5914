//! What `[serve]` says.

use std::{fmt, net::SocketAddr, path::PathBuf};

use ipnet::IpNet;
use url::Url;

use crate::{audience::Admission, subscriber::Topic};

/// The settings of the service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where readers reach the service, ending in `/`: links in letters and pages begin with it.
    pub url: Url,
    /// Where it listens; a proxy in front of it speaks TLS.
    pub listen: Listen,
    /// Where it answers with metrics; nowhere if `None`.
    pub metrics: Option<Listen>,
    /// Whether the archive is shown.
    pub archive: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Limits of the machine.
    pub limits: Limits,
    /// How much of the network address of a sign-up is kept.
    pub request_address: RequestAddress,
    /// `[serve.form]`
    pub form: FormSettings,
    /// Limits of letters that anybody can cause.
    pub admission: Admission,
    /// Whether people get the newest issue when they have confirmed.
    pub newest_issue: bool,
}

/// How much of the network address of a sign-up is kept, as proof of consent. It is forgotten after 13 months.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestAddress {
    /// All of it.
    Whole,
    /// A /24 of IPv4, a /48 of IPv6.
    #[default]
    Truncated,
    /// No address is stored.
    Nothing,
}

/// The form with which people subscribe.
#[derive(Clone, Debug, Default)]
pub struct FormSettings {
    /// Whether it asks for a name.
    pub asks_name: bool,
    /// Fields that it asks for.
    pub fields: Vec<String>,
    /// What people agree to; none is a usual text.
    pub consent: Option<String>,
    /// Addresses that a form of the owner's own may lead to afterwards.
    pub next: Vec<String>,
    /// Origins whose scripts may send the form.
    pub origins: Vec<String>,
    /// Domains of addresses that are refused.
    pub disposable: Vec<String>,
    /// Topics that readers can choose.
    pub topics: Vec<Topic>,
}

impl FormSettings {
    /// Whether an address's domain, or one above it, is refused.
    pub fn is_disposable(&self, domain: &str) -> bool {
        self.disposable.iter().any(|refused| {
            domain.strip_suffix(refused.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }
}

/// How much the service takes at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections.
    pub connections: u32,
    /// Open connections of one client that is not a trusted proxy.
    pub connections_per_client: u32,
    /// Requests that are worked on at the same time.
    pub requests: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 1024, connections_per_client: 32, requests: 512 }
    }
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Listen {
    /// Reads `127.0.0.1:8025` or `unix:PATH`; `None` when it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("unix:") {
            Some("") => None,
            Some(path) => Some(Self::Unix(PathBuf::from(path))),
            None => text.parse().ok().map(Self::Tcp),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Settings {
    /// The settings of a service at this address, with defaults for the rest.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            listen: Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 8025))),
            metrics: None,
            archive: true,
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            request_address: RequestAddress::default(),
            form: FormSettings::default(),
            admission: Admission::default(),
            newest_issue: false,
        }
    }

    /// An address below the service's, for readers.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The address that unsubscribes, with the token's place open.
    pub fn unsubscribe_link(&self) -> String {
        self.link("unsubscribe/{token}")
    }

    /// The path that all routes begin with: `/`, or `/letters/`.
    pub fn base(&self) -> &str {
        self.url.path()
    }

    /// Whether a `Host` field names this service (RFC 9110, section 7.2).
    pub fn is_own_host(&self, host: &str) -> bool {
        let own = self.url.host_str().unwrap_or_default();
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (name, port.parse().ok())
            }
            _ => (host, None),
        };
        let usual = if self.url.scheme() == "https" { 443 } else { 80 };
        name.eq_ignore_ascii_case(own) && port.unwrap_or(usual) == self.url.port().unwrap_or(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_services_own_name_is_its_host() {
        for (url, host, expected) in [
            ("https://news.example.org/", "news.example.org", true),
            ("https://news.example.org/", "NEWS.example.org:443", true),
            ("https://news.example.org/", "news.example.org:80", false),
            ("https://news.example.org/", "evil.example.com", false),
            ("https://news.example.org/", "news.example.org.evil.example.com", false),
            ("https://news.example.org/", "", false),
            ("http://localhost:8025/", "localhost:8025", true),
            ("http://localhost:8025/", "localhost", false),
            ("http://[::1]:8025/", "[::1]:8025", true),
            ("http://[::1]/", "[::1]", true),
        ] {
            let settings = Settings::new(Url::parse(url).unwrap());
            assert_eq!(settings.is_own_host(host), expected, "{url} {host}");
        }
    }

    #[test]
    fn domains_below_a_refused_one_are_refused_too() {
        let form = FormSettings { disposable: vec!["trash.example.com".into()], ..FormSettings::default() };
        for (domain, expected) in [
            ("trash.example.com", true),
            ("a.trash.example.com", true),
            ("nottrash.example.com", false),
            ("example.com", false),
        ] {
            assert_eq!(form.is_disposable(domain), expected, "{domain}");
        }
    }

    #[test]
    fn an_address_to_listen_on_is_a_port_or_a_socket() {
        let tcp = |text: &str| Some(Listen::Tcp(text.parse().unwrap()));
        assert_eq!(Listen::parse("127.0.0.1:0"), tcp("127.0.0.1:0"));
        assert_eq!(Listen::parse("[::1]:80"), tcp("[::1]:80"));
        assert_eq!(Listen::parse("unix:/run/mimeo.sock"), Some(Listen::Unix("/run/mimeo.sock".into())));
        for text in ["", "unix:", "8025", "localhost:8025", "127.0.0.1"] {
            assert_eq!(Listen::parse(text), None, "{text}");
        }
    }
}
