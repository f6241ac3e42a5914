use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::{Name, RData, RecordType},
};

/// What the DNS says to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// At least one record.
    Found(Vec<T>),
    /// The name exists and has no such record.
    Nothing,
    /// The name does not exist.
    NoName,
    /// No answer, or one that cannot be used: the reason. Nothing can be said about the record.
    Failed(String),
}

impl<T> Answer<T> {
    /// The records; none when the question failed.
    pub fn records(&self) -> &[T] {
        match self {
            Self::Found(records) => records,
            _ => &[],
        }
    }

    /// Why the question failed.
    pub fn failure(&self) -> Option<&str> {
        match self {
            Self::Failed(reason) => Some(reason),
            _ => None,
        }
    }
}

/// The questions that are asked of the DNS. Names have no dot at their end.
pub trait Dns: Sync {
    /// The texts of a name, each with its strings joined.
    fn texts(&self, name: &str) -> impl Future<Output = Answer<String>> + Send;
    /// The mail servers of a domain, by preference; a lone empty name means that it takes no mail (RFC 7505).
    fn mail_servers(&self, name: &str) -> impl Future<Output = Answer<String>> + Send;
    /// The addresses of a host.
    fn addresses(&self, name: &str) -> impl Future<Output = Answer<IpAddr>> + Send;
    /// The names of an address.
    fn names(&self, address: IpAddr) -> impl Future<Output = Answer<String>> + Send;
}

/// The DNS as this machine or one name server sees it.
pub struct SystemDns {
    resolver: TokioResolver,
    /// Questions in a row to which no server said anything.
    unheard: AtomicUsize,
}

/// One try at one name server.
const TIMEOUT: Duration = Duration::from_secs(3);
/// After so many questions without any answer the rest is not asked: each would be waited for.
const UNHEARD_MAX: usize = 2;

impl SystemDns {
    /// Asks the machine's name servers, or only the one at an address.
    ///
    /// # Errors
    ///
    /// When the machine's name servers are not known.
    pub fn new(server: Option<SocketAddr>) -> Result<Self, NetError> {
        let provider = TokioRuntimeProvider::default();
        let mut builder = match server {
            None => Resolver::builder(provider)?,
            Some(server) => {
                let mut name_server = NameServerConfig::udp_and_tcp(server.ip());
                name_server.connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()]
                    .map(|mut connection| {
                        connection.port = server.port();
                        connection
                    })
                    .into();
                Resolver::builder_with_config(ResolverConfig::from_name_servers(vec![name_server]), provider)
            }
        };
        let options = builder.options_mut();
        options.timeout = TIMEOUT;
        options.attempts = 1;
        // Long keys fit into one datagram then.
        options.edns0 = true;
        // A file of hosts on this machine says nothing about what others see.
        options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
        Ok(Self { resolver: builder.build()?, unheard: AtomicUsize::new(0) })
    }

    async fn ask<T>(&self, name: Name, kind: RecordType, read: impl Fn(&RData) -> Option<T>) -> Answer<T> {
        if self.unheard.load(Relaxed) >= UNHEARD_MAX {
            return Answer::Failed("no DNS server answers".to_owned());
        }
        let answer = self.resolver.lookup(name, kind).await;
        if matches!(answer, Ok(_) | Err(NetError::Dns(_))) {
            self.unheard.store(0, Relaxed);
        } else {
            self.unheard.fetch_add(1, Relaxed);
        }
        match answer {
            Ok(found) => {
                let records: Vec<T> =
                    found.answers().iter().filter_map(|record| read(&record.data)).collect();
                if records.is_empty() { Answer::Nothing } else { Answer::Found(records) }
            }
            Err(error) if error.is_nx_domain() => Answer::NoName,
            Err(error) if error.is_no_records_found() => Answer::Nothing,
            Err(error) => Answer::Failed(error.to_string()),
        }
    }
}

/// Whether a name is a domain or below it.
pub(super) fn is_within(name: &str, domain: &str) -> bool {
    name == domain || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// A name from the root; `None` when it cannot be one.
fn absolute(name: &str) -> Option<Name> {
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}

fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

impl Dns for SystemDns {
    async fn texts(&self, name: &str) -> Answer<String> {
        let Some(name) = absolute(name) else { return Answer::NoName };
        let read = |data: &RData| match data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        };
        self.ask(name, RecordType::TXT, read).await
    }

    async fn mail_servers(&self, name: &str) -> Answer<String> {
        let Some(name) = absolute(name) else { return Answer::NoName };
        let read = |data: &RData| match data {
            RData::MX(server) => Some((server.preference, plain(&server.exchange))),
            _ => None,
        };
        match self.ask(name, RecordType::MX, read).await {
            Answer::Found(mut servers) => {
                servers.sort();
                Answer::Found(servers.into_iter().map(|(_, name)| name).collect())
            }
            Answer::Nothing => Answer::Nothing,
            Answer::NoName => Answer::NoName,
            Answer::Failed(reason) => Answer::Failed(reason),
        }
    }

    async fn addresses(&self, name: &str) -> Answer<IpAddr> {
        let Some(name) = absolute(name) else { return Answer::NoName };
        let read = |data: &RData| match data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            _ => None,
        };
        let four = self.ask(name.clone(), RecordType::A, read).await;
        let six = self.ask(name, RecordType::AAAA, read).await;
        match (four, six) {
            (Answer::Found(mut four), Answer::Found(six)) => {
                four.extend(six);
                Answer::Found(four)
            }
            (Answer::Found(found), _) | (_, Answer::Found(found)) => Answer::Found(found),
            (Answer::Failed(reason), _) | (_, Answer::Failed(reason)) => Answer::Failed(reason),
            (Answer::Nothing, _) | (_, Answer::Nothing) => Answer::Nothing,
            (Answer::NoName, Answer::NoName) => Answer::NoName,
        }
    }

    async fn names(&self, address: IpAddr) -> Answer<String> {
        let read = |data: &RData| match data {
            RData::PTR(name) => Some(plain(&name.0)),
            _ => None,
        };
        self.ask(Name::from(address), RecordType::PTR, read).await
    }
}
