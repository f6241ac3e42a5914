//! A DNS server in this process, on a port of its own, with a zone that a test can break.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    thread::JoinHandle,
};

use hickory_resolver::proto::{
    op::{Message, MessageType, Query, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, MX, PTR, TXT},
    },
};

/// Records by name and type. Values are as in a zone file, texts without quotes.
#[derive(Clone, Default)]
pub(crate) struct Zone {
    records: BTreeMap<(String, &'static str), Vec<String>>,
    /// Names that are answered with SERVFAIL.
    failing: BTreeSet<String>,
}

impl Zone {
    /// Adds a record.
    pub(crate) fn add(&mut self, name: &str, kind: &'static str, value: &str) -> &mut Self {
        self.records.entry((name.to_owned(), kind)).or_default().push(value.to_owned());
        self
    }

    /// Puts one record in place of all of its name and type.
    pub(crate) fn set(&mut self, name: &str, kind: &'static str, value: &str) -> &mut Self {
        self.remove(name, kind).add(name, kind, value)
    }

    pub(crate) fn remove(&mut self, name: &str, kind: &'static str) -> &mut Self {
        self.records.remove(&(name.to_owned(), kind));
        self
    }

    /// The only text of a name.
    pub(crate) fn text(&self, name: &str) -> String {
        let texts = &self.records[&(name.to_owned(), "TXT")];
        assert_eq!(texts.len(), 1, "{texts:?}");
        texts[0].clone()
    }

    pub(crate) fn fail(&mut self, name: &str) -> &mut Self {
        self.failing.insert(name.to_owned());
        self
    }

    fn answer(&self, query: &Query, response: &mut Message) {
        let name = query.name().to_ascii().trim_end_matches('.').to_ascii_lowercase();
        if self.failing.contains(&name) {
            response.metadata.response_code = ResponseCode::ServFail;
            return;
        }
        let kind = query.query_type().to_string();
        let found = self.records.iter().filter(|((at, of), _)| *at == name && *of == kind);
        for value in found.flat_map(|(_, values)| values) {
            response.add_answer(Record::from_rdata(
                query.name().clone(),
                60,
                data(query.query_type(), value),
            ));
        }
        let exists = |at: &str| at == name || at.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.'));
        if !self.records.keys().any(|(at, _)| exists(at)) {
            response.metadata.response_code = ResponseCode::NXDomain;
        }
    }
}

fn data(kind: RecordType, value: &str) -> RData {
    let name = |text: &str| Name::from_ascii(format!("{}.", text.trim_end_matches('.'))).unwrap();
    match kind {
        // A string holds at most 255 bytes.
        RecordType::TXT => {
            let strings = value.as_bytes().chunks(255);
            RData::TXT(TXT::new(strings.map(|part| String::from_utf8(part.to_vec()).unwrap()).collect()))
        }
        RecordType::MX => {
            let (preference, server) = value.split_once(' ').unwrap();
            let server = if server == "." { Name::root() } else { name(server) };
            RData::MX(MX::new(preference.parse().unwrap(), server))
        }
        RecordType::A => RData::A(A(value.parse::<Ipv4Addr>().unwrap())),
        RecordType::PTR => RData::PTR(PTR(name(value))),
        other => panic!("no test needs {other}"),
    }
}

/// The server; it ends when it is dropped.
pub(crate) struct DnsServer {
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl DnsServer {
    pub(crate) fn start(zone: Zone) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).unwrap();
                // An empty datagram is the end.
                if length == 0 {
                    break;
                }
                let Ok(question) = Message::from_vec(&buffer[..length]) else { continue };
                let mut response =
                    Message::new(question.metadata.id, MessageType::Response, question.metadata.op_code);
                response.metadata.recursion_desired = true;
                response.metadata.recursion_available = true;
                for query in &question.queries {
                    response.queries.push(query.clone());
                    zone.answer(query, &mut response);
                }
                socket.send_to(&response.to_vec().unwrap(), from).unwrap();
            }
        });
        Self { address, thread: Some(thread) }
    }

    /// For `--dns`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        if let Ok(socket) = UdpSocket::bind("127.0.0.1:0") {
            let _ = socket.send_to(&[], self.address);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
