//! The web, as `vendor` and `check --online` ask it: public addresses only, nothing big, nothing slow.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rustls::CertificateError;
use ureq::{
    Agent,
    config::Config,
    http::Uri,
    tls::{Certificate, RootCerts, TlsConfig},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};
use url::Url;

use crate::{doctor::Web, hooks::Fetch};

/// A bigger answer is refused, in bytes after decompression.
const ANSWER_MAX: u64 = 2 * 1024 * 1024;
/// For one request, from the name's lookup to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
const REDIRECTS_MAX: usize = 5;
/// Addresses of a host that are tried.
const ADDRESSES_MAX: usize = 8;

/// Fetches public pages, and asks whether they are there.
pub(super) struct Net {
    agent: Agent,
    /// Tests send every request here, as `ENDPOINT/HOST/PATH`.
    endpoint: Option<String>,
}

/// Why a page cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum NetError {
    #[error("`{0}` is not a public https address")]
    NotPublic(String),
    #[error("`{host}` answered {status}")]
    Status { host: String, status: u16 },
    #[error("`{0}` leads from page to page without an end")]
    Redirects(String),
    #[error("failed to fetch from `{host}`")]
    Failed {
        host: String,
        #[source]
        source: Box<ureq::Error>,
    },
    #[error("`{0}` says nothing that could be shown")]
    Nothing(String),
}

impl NetError {
    /// What is wrong with the certificate, when that is what it was.
    pub(super) fn certificate(&self) -> Option<String> {
        let Self::Failed { source, .. } = self else { return None };
        let rustls::Error::InvalidCertificate(problem) = (match source.as_ref() {
            ureq::Error::Rustls(error) => error,
            ureq::Error::Io(error) => error.get_ref()?.downcast_ref()?,
            _ => return None,
        }) else {
            return None;
        };
        Some(match problem {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".to_owned(),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "is for another name".to_owned()
            }
            CertificateError::UnknownIssuer => "was issued by an unknown authority".to_owned(),
            other => format!("is not valid: {other}"),
        })
    }
}

/// How a page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Without its body.
    Head,
    /// With it, though none of it is read.
    Get,
}

impl Net {
    /// The public web.
    pub(super) fn new() -> Self {
        Self { agent: agent(false), endpoint: None }
    }

    /// A server on this machine that stands for the web.
    #[cfg(test)]
    pub(super) fn at(endpoint: String) -> Self {
        Self { agent: agent(true), endpoint: Some(endpoint) }
    }

    /// One question about a page, with no redirect followed: the status, and where it points to. Nothing of the body is
    /// read. Unlike [`Net::get`] it asks unencrypted addresses too.
    pub(super) fn ask(
        &self,
        method: Method,
        url: &Url,
        busy_timeout: Duration,
    ) -> Result<(u16, Option<Url>), NetError> {
        if !can_be_asked(url) {
            return Err(NetError::NotPublic(url.as_str().chars().take(200).collect()));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let target = self.target(url, &host);
        let request = match method {
            Method::Head => self.agent.head(&target),
            Method::Get => self.agent.get(&target),
        };
        let busy_timeout = busy_timeout.min(TIMEOUT);
        let answer = request
            .config()
            .https_only(false)
            .timeout_global(Some(busy_timeout))
            .build()
            .call()
            .map_err(|source| NetError::Failed { host, source: Box::new(source) })?;
        let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
        Ok((answer.status().as_u16(), location.and_then(|location| url.join(location).ok())))
    }

    fn target(&self, url: &Url, host: &str) -> String {
        match &self.endpoint {
            Some(endpoint) => {
                let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
                format!("{endpoint}/{host}{}{query}", url.path())
            }
            None => {
                let mut url = url.clone();
                url.set_fragment(None);
                url.into()
            }
        }
    }

    /// The body of a page. Redirects are followed one by one, each checked like the first address.
    pub(super) fn get(&self, address: &str) -> Result<Vec<u8>, NetError> {
        let refuse = |address: &str| NetError::NotPublic(address.chars().take(200).collect());
        let mut url = Url::parse(address).map_err(|_| refuse(address))?;
        for _ in 0..=REDIRECTS_MAX {
            if !is_plain_https(&url) {
                return Err(refuse(url.as_str()));
            }
            let host = url.host_str().unwrap_or_default().to_owned();
            let failed =
                |source: ureq::Error| NetError::Failed { host: host.clone(), source: Box::new(source) };
            let target = self.target(&url, &host);
            let mut answer = self.agent.get(&target).call().map_err(failed)?;
            let status = answer.status();
            if status.is_redirection() {
                let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
                let next = location.and_then(|location| url.join(location).ok());
                url = next.ok_or(NetError::Status { host, status: status.as_u16() })?;
                continue;
            }
            if !status.is_success() {
                return Err(NetError::Status { host, status: status.as_u16() });
            }
            return answer.body_mut().with_config().limit(ANSWER_MAX).read_to_vec().map_err(failed);
        }
        Err(NetError::Redirects(address.to_owned()))
    }
}

impl Fetch for Net {
    fn get(&self, address: &Url) -> Result<Vec<u8>, String> {
        let fetch = || {
            if !is_plain_https(address) {
                return Err(NetError::NotPublic(address.as_str().chars().take(200).collect()));
            }
            let host = address.host_str().unwrap_or_default().to_owned();
            let failed =
                |source: ureq::Error| NetError::Failed { host: host.clone(), source: Box::new(source) };
            let mut answer = self.agent.get(self.target(address, &host)).call().map_err(failed)?;
            // A redirect is not followed: it leads away from the address that was checked.
            if answer.status().as_u16() != 200 {
                return Err(NetError::Status { host: host.clone(), status: answer.status().as_u16() });
            }
            answer.body_mut().with_config().limit(ANSWER_MAX).read_to_vec().map_err(failed)
        };
        fetch().map_err(|error| error.to_string())
    }
}

impl Web for Net {
    fn get(&self, page: &str, addresses: &[IpAddr]) -> Result<String, String> {
        if let Some(private) = addresses.iter().find(|address| !is_public(**address)) {
            return Err(format!("its host is at `{private}`, which is not a public address"));
        }
        let at = At(addresses.to_vec());
        let agent = Agent::with_parts(config(false), DefaultConnector::default(), at);
        let mut answer = agent.get(page).call().map_err(|error| error.to_string())?;
        if answer.status().as_u16() != 200 {
            return Err(format!("the page is answered {}", answer.status().as_u16()));
        }
        let body = answer.body_mut().with_config().limit(64 * 1024).read_to_string();
        body.map_err(|error| error.to_string())
    }
}

/// Connects to these addresses, whatever the name is.
#[derive(Debug)]
struct At(Vec<IpAddr>);

impl Resolver for At {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut found = self.empty();
        let port = uri.port_u16().unwrap_or(443);
        self.0.iter().take(ADDRESSES_MAX).for_each(|address| found.push(SocketAddr::new(*address, port)));
        Ok(found)
    }
}

fn is_plain_https(url: &Url) -> bool {
    url.scheme() == "https"
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.has_host()
}

/// Whether `check --online` asks it: a web page on its usual port, without a login.
pub(super) fn can_be_asked(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.has_host()
}

/// For addresses that the owner's settings name: any host, and only https.
pub(super) fn owners_agent() -> Agent {
    Agent::new_with_config(config(false))
}

fn agent(is_test: bool) -> Agent {
    Agent::with_parts(
        config(is_test),
        DefaultConnector::default(),
        PublicOnly { inner: DefaultResolver::default(), is_test },
    )
}

fn config(is_test: bool) -> Config {
    let native = rustls_native_certs::load_native_certs();
    let roots =
        native.certs.into_iter().map(|der| Certificate::from_der(&der).to_owned()).collect::<Vec<_>>();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(provider)
        .build();
    Config::builder()
        .https_only(!is_test)
        .http_status_as_error(false)
        .max_redirects(0)
        // A proxy would look the name up by itself, past our own look at the address.
        .proxy(None)
        .timeout_global(Some(TIMEOUT))
        .max_response_header_size(64 * 1024)
        .user_agent(concat!("mimeo/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build()
}

/// Looks names up once and refuses those that lead into a private network. The connection goes to the addresses that were
/// looked at.
#[derive(Debug)]
struct PublicOnly {
    inner: DefaultResolver,
    is_test: bool,
}

impl Resolver for PublicOnly {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let is_fit = |ip: IpAddr| if self.is_test { ip.is_loopback() } else { is_public(ip) };
        if found.iter().all(|address| is_fit(address.ip())) {
            return Ok(found);
        }
        let error = io::Error::new(io::ErrorKind::PermissionDenied, "the name leads into a private network");
        Err(ureq::Error::Io(error))
    }
}

/// Whether an address is one that anybody on the internet can reach (RFC 6890 and its registries).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    if let Some(ip) = ip.to_ipv4_mapped() {
        return is_public_v4(ip);
    }
    // 64:ff9b::/96 (RFC 6052) carries an address of the fourth version.
    if parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [.., a, b, c, d] = ip.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // Only 2000::/3 is given out at all; in it, 2001::/23, 2001:db8::/32, 2002::/16 and 3fff::/20 are not for hosts.
    (0x2000..0x4000).contains(&parts[0])
        && !(parts[0] == 0x2001 && (parts[1] < 0x200 || parts[1] == 0xdb8))
        && parts[0] != 0x2002
        && !(parts[0] == 0x3fff && parts[1] < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_open_internet_are_public() {
        for (ip, expected) in [
            ("93.184.216.34", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.31.0.1", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("198.18.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700::1111", true),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("ff02::1", false),
            ("::ffff:127.0.0.1", false),
            ("::127.0.0.1", false),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::5db8:d822", true),
            ("2002:7f00:1::", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), expected, "{ip}");
        }
    }

    #[test]
    fn private_names_and_other_schemes_are_refused_before_anything_is_sent() {
        let net = Net::new();
        for address in [
            "http://example.org/",
            "file:///etc/passwd",
            "https://user@example.org/",
            "https://example.org:8443/",
            "not an address",
        ] {
            assert!(matches!(net.get(address), Err(NetError::NotPublic(_))), "{address}");
        }
        for address in
            ["https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest", "https://2130706433/"]
        {
            let error = net.get(address).unwrap_err();
            assert!(format!("{error:?}").contains("private network"), "{address}: {error:?}");
        }
    }
}
