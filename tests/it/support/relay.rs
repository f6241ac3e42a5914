//! An SMTP relay in this process, with a script of replies. It runs in a thread of its own, so plain tests can use it
//! too, and it is quick enough to be a counting sink for benchmarks.
//!
//! It writes down every letter it has taken responsibility for before it answers, as a relay does.

#![allow(dead_code, reason = "tests and benchmarks share it, and each uses a part")]

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
};
use tokio_rustls::TlsAcceptor;

/// A place in the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum At {
    Connect,
    Greeting,
    Ehlo,
    StartTls,
    Handshake,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The first bytes of a body have arrived.
    Body,
    /// All of the body has arrived.
    Dot,
    Rset,
    Quit,
}

/// When a rule applies; places are counted over the whole life of the relay, from 1.
#[derive(Clone, Debug)]
pub(crate) enum When {
    Always,
    /// The nth time that anybody gets there.
    Nth(u64),
    /// The first so many times.
    First(u64),
    /// Every nth time.
    Every(u64),
    /// The recipient (from RCPT on) holds this text.
    To(String),
    /// The nth time for a recipient that holds this text.
    ToNth(String, u64),
    /// The first so many times for each recipient (greylisting).
    FirstForEach(u64),
    /// More than so many connections were open when this one was opened.
    CrowdOver(u64),
    /// So many letters have been taken on this connection.
    AfterLetters(u64),
    /// More than so many a second get here; a quarter of a second's worth may come at once.
    FasterThan(f64),
    /// By chance, 0 to 1; the dice are the script's `seed`.
    Chance(f64),
}

/// What the relay does instead of the usual.
#[derive(Clone, Debug)]
pub(crate) enum Do {
    /// Says this (lines separated by `\n`) and goes on.
    Say(String),
    /// Says this and closes.
    SayAndClose(String),
    /// Does the usual, and says this as well in the same breath.
    Add(String),
    /// Closes.
    Close,
    /// Closes with a reset.
    Reset,
    /// Never answers again, and keeps the connection open.
    Hang,
    /// Does the usual, an byte at a time with this wait between.
    Drip(Duration),
    /// Does the usual after this wait (a slow recipient, a content filter).
    Wait(Duration),
    /// Does the usual, and closes its own direction only: it reads on, takes letters, and cannot say so any more.
    HalfClose,
    /// Says a line that does not end, until the other side has enough.
    EndlessLine,
    /// At [`At::Dot`]: takes the letter, and closes instead of saying so.
    TakeAndClose,
    /// At [`At::Dot`]: takes the letter, and resets the connection.
    TakeAndReset,
}

#[derive(Clone, Debug)]
struct Rule {
    at: At,
    when: When,
    action: Do,
}

/// The certificate that the relay shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// For 127.0.0.1, by the authority in [`Relay::ca_file`].
    Good,
    /// For another name.
    WrongName,
    /// For the year 2001.
    Expired,
    /// By an authority that no one knows.
    UnknownAuthority,
    /// Its own authority, for another name; it is the one in [`Relay::ca_file`].
    SelfSigned,
}

/// How the relay behaves.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pipelining: bool,
    smtputf8: bool,
    size: Option<u64>,
    starttls: Option<Certificate>,
    implicit: Option<Certificate>,
    auth: Option<(String, String, String)>,
    connections_max: Option<usize>,
    letters_per_connection: Option<u64>,
    offers_starttls_only_in_name: bool,
    keep_letters: bool,
    keep_bodies: bool,
    seed: u64,
    rules: Vec<Rule>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            pipelining: true,
            smtputf8: false,
            size: None,
            starttls: None,
            implicit: None,
            auth: None,
            connections_max: None,
            letters_per_connection: None,
            offers_starttls_only_in_name: false,
            keep_letters: true,
            keep_bodies: true,
            seed: 1,
            rules: Vec::new(),
        }
    }
}

impl Script {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn without_pipelining(mut self) -> Self {
        self.pipelining = false;
        self
    }

    pub(crate) fn with_smtputf8(mut self) -> Self {
        self.smtputf8 = true;
        self
    }

    pub(crate) fn with_size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// Offers STARTTLS, and takes MAIL only after it.
    pub(crate) fn with_starttls(mut self, certificate: Certificate) -> Self {
        self.starttls = Some(certificate);
        self
    }

    /// TLS from the first byte.
    pub(crate) fn with_implicit_tls(mut self, certificate: Certificate) -> Self {
        self.implicit = Some(certificate);
        self
    }

    /// Asks for a login: `mechanisms` as in EHLO, for example `PLAIN LOGIN`.
    pub(crate) fn with_login(mut self, mechanisms: &str, login: &str, password: &str) -> Self {
        self.auth = Some((mechanisms.to_owned(), login.to_owned(), password.to_owned()));
        self
    }

    /// More connections at the same time are turned away with 421.
    pub(crate) fn connections_max(mut self, count: usize) -> Self {
        self.connections_max = Some(count);
        self
    }

    /// More letters on a connection are turned away with 421.
    pub(crate) fn letters_per_connection(mut self, count: u64) -> Self {
        self.letters_per_connection = Some(count);
        self
    }

    /// Someone on the way has taken STARTTLS out of the EHLO reply.
    pub(crate) fn strip_starttls(mut self) -> Self {
        self.offers_starttls_only_in_name = true;
        self
    }

    /// Keeps who wrote to whom, but no bodies.
    pub(crate) fn without_bodies(mut self) -> Self {
        self.keep_bodies = false;
        self
    }

    /// Keeps nothing, only counts.
    pub(crate) fn counting_only(mut self) -> Self {
        self.keep_bodies = false;
        self.keep_letters = false;
        self
    }

    pub(crate) fn seed(mut self, seed: u64) -> Self {
        self.seed = seed.max(1);
        self
    }

    /// Adds a rule; the first that applies counts.
    pub(crate) fn rule(mut self, at: At, when: When, action: Do) -> Self {
        self.rules.push(Rule { at, when, action });
        self
    }

    /// Always says this there.
    pub(crate) fn say(self, at: At, reply: &str) -> Self {
        self.rule(at, When::Always, Do::Say(reply.to_owned()))
    }

    /// Says this the first time someone gets there.
    pub(crate) fn say_once(self, at: At, reply: &str) -> Self {
        self.rule(at, When::First(1), Do::Say(reply.to_owned()))
    }

    /// Says this to recipients that hold a text.
    pub(crate) fn say_to(self, at: At, recipient: &str, reply: &str) -> Self {
        self.rule(at, When::To(recipient.to_owned()), Do::Say(reply.to_owned()))
    }
}

/// A letter the relay has taken responsibility for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) from: String,
    pub(crate) to: String,
    /// Without dot-stuffing; empty when the script keeps no bodies.
    pub(crate) bytes: Vec<u8>,
    /// Which connection, from 1.
    pub(crate) connection: u64,
    /// When.
    pub(crate) at: SystemTime,
}

/// What the relay saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) connections: u64,
    /// At the same time.
    pub(crate) connections_peak: u64,
    /// By verb, in capitals.
    pub(crate) commands: BTreeMap<String, u64>,
    /// Reads that authored_markup something. A small write of the other side is one read here.
    pub(crate) reads: u64,
    /// Writes of our own.
    pub(crate) writes: u64,
    pub(crate) accepted: u64,
    /// Bytes of accepted bodies.
    pub(crate) bytes: u64,
    pub(crate) handshakes: u64,
    pub(crate) logins: u64,
    /// When the first letter was taken.
    pub(crate) first_accepted: Option<SystemTime>,
}

impl Counters {
    pub(crate) fn command(&self, verb: &str) -> u64 {
        self.commands.get(verb).copied().unwrap_or(0)
    }
}

#[derive(Debug)]
struct Shared {
    script: Script,
    acceptor: Option<TlsAcceptorDebug>,
    log: Mutex<Log>,
    is_down: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Log {
    accepted: Vec<Accepted>,
    counters: Counters,
    open: u64,
    hits: HashMap<At, u64>,
    hits_by_recipient: HashMap<(At, String), u64>,
    dice: u64,
    /// What is left of a rate, and when.
    tokens: Option<(f64, Instant)>,
}

struct TlsAcceptorDebug(TlsAcceptor);

impl std::fmt::Debug for TlsAcceptorDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsAcceptor")
    }
}

/// A running relay. It stops when dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    ca_file: Option<tempfile::NamedTempFile>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    pub(crate) fn start(script: Script) -> Self {
        Self::start_on("127.0.0.1:0", script)
    }

    /// At another address than the usual one, for a network of the benchmarks' own.
    pub(crate) fn start_on(address: &str, script: Script) -> Self {
        let (acceptor, ca_file) = match script.starttls.or(script.implicit) {
            Some(certificate) => {
                let (acceptor, ca_pem) = acceptor(certificate);
                let file = tempfile::NamedTempFile::new().unwrap();
                std::fs::write(file.path(), ca_pem).unwrap();
                (Some(TlsAcceptorDebug(acceptor)), Some(file))
            }
            None => (None, None),
        };
        let log = Mutex::new(Log { dice: script.seed, ..Log::default() });
        let shared = Arc::new(Shared { script, acceptor, log, is_down: watch::Sender::new(false) });
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("relay".to_owned())
            .spawn({
                let shared = shared.clone();
                move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(async move {
                        tokio::select! {
                            () = serve(listener, shared) => {}
                            _ = stopped => {}
                        }
                    });
                }
            })
            .unwrap();
        Self { address, shared, ca_file, stop: Some(stop), thread: Some(thread) }
    }

    /// Goes down, or comes back: while it is down all connections break, those that are there and those that are made.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.shared.is_down.send_replace(is_down);
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address with the scheme that fits the script, without a login.
    pub(crate) fn url(&self) -> String {
        self.url_with_login("")
    }

    /// The same with a login.
    pub(crate) fn url_with_login(&self, login: &str) -> String {
        let at = if login.is_empty() { "" } else { "@" };
        let login = login.replace('@', "%40");
        let script = &self.shared.script;
        let (scheme, tail) = match (script.implicit, script.starttls, script.offers_starttls_only_in_name) {
            (Some(_), ..) => ("smtps", ""),
            (None, None, false) => ("smtp", "?tls=none"),
            (None, ..) => ("smtp", ""),
        };
        format!("{scheme}://{login}{at}{}{tail}", self.address)
    }

    /// The authority behind the good certificate, as PEM.
    pub(crate) fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_ref().map(|file| file.path())
    }

    /// Every letter it has taken, in order.
    pub(crate) fn accepted(&self) -> Vec<Accepted> {
        self.shared.log().accepted.clone()
    }

    /// The recipients of these, in order.
    pub(crate) fn recipients(&self) -> Vec<String> {
        self.shared.log().accepted.iter().map(|letter| letter.to.clone()).collect()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.shared.log().counters.clone()
    }

    /// Forgets letters and counters.
    pub(crate) fn reset(&self) {
        let mut log = self.shared.log();
        log.accepted.clear();
        log.counters = Counters::default();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The rule that applies here, if any.
    fn rule(&self, at: At, recipient: &str, connection: (u64, u64)) -> Option<Do> {
        if self.script.rules.is_empty() {
            return None;
        }
        let mut log = self.log();
        let hits = log.hits.entry(at).or_default();
        *hits += 1;
        let hits = *hits;
        let by_recipient = log.hits_by_recipient.entry((at, recipient.to_owned())).or_default();
        *by_recipient += 1;
        let by_recipient = *by_recipient;
        let (crowd, letters) = connection;
        let applies = |rule: &&Rule| {
            rule.at == at
                && match &rule.when {
                    When::Always => true,
                    When::Nth(n) => hits == *n,
                    When::First(n) => hits <= *n,
                    When::Every(n) => hits.is_multiple_of(*n),
                    When::To(text) => recipient.contains(text.as_str()),
                    When::ToNth(text, n) => by_recipient == *n && recipient.contains(text.as_str()),
                    When::FirstForEach(n) => by_recipient <= *n,
                    When::CrowdOver(n) => crowd > *n,
                    When::AfterLetters(n) => letters >= *n,
                    When::FasterThan(rate) => {
                        let now = Instant::now();
                        let (tokens, at) = log.tokens.unwrap_or((rate / 4.0, now));
                        let tokens = (tokens + (now - at).as_secs_f64() * rate).min(rate / 4.0);
                        let enough = tokens >= 1.0;
                        log.tokens = Some((if enough { tokens - 1.0 } else { tokens }, now));
                        !enough
                    }
                    When::Chance(share) => {
                        // xorshift64
                        log.dice ^= log.dice << 13;
                        log.dice ^= log.dice >> 7;
                        log.dice ^= log.dice << 17;
                        (log.dice >> 11) as f64 / ((1u64 << 53) as f64) < *share
                    }
                }
        };
        self.script
            .rules
            .iter()
            .find({
                let mut applies = applies;
                move |rule| applies(rule)
            })
            .map(|rule| rule.action.clone())
    }
}

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let number = {
            let mut log = shared.log();
            log.counters.connections += 1;
            log.open += 1;
            log.counters.connections_peak = log.counters.connections_peak.max(log.open);
            log.counters.connections
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let mut is_down = shared.is_down.subscribe();
            let mut conversation = Conversation::new(&shared, stream, number);
            tokio::select! {
                biased;
                _ = is_down.wait_for(|is_down| *is_down) => {}
                _ = conversation.hold() => {}
            }
            shared.log().open -= 1;
        });
    }
}

/// The conversation is over.
struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

enum Pipe {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
    Gone,
}

struct Conversation<'a> {
    shared: &'a Shared,
    pipe: Pipe,
    number: u64,
    input: Vec<u8>,
    /// What of `input` is taken.
    start: usize,
    /// What of `input` is filled.
    end: usize,
    output: Vec<u8>,
    drip: Option<Duration>,
    /// Its own direction is closed: nothing is said any more.
    is_mute: bool,
    from: Option<String>,
    to: Option<String>,
    letters: u64,
    /// Connections that were open when this one was opened, with this one.
    crowd: u64,
    logged_in: bool,
}

impl<'a> Conversation<'a> {
    fn new(shared: &'a Shared, stream: TcpStream, number: u64) -> Self {
        Self {
            shared,
            pipe: Pipe::Plain(stream),
            number,
            input: vec![0; 128 * 1024],
            start: 0,
            end: 0,
            output: Vec::with_capacity(1024),
            drip: None,
            is_mute: false,
            from: None,
            to: None,
            letters: 0,
            crowd: 0,
            logged_in: false,
        }
    }

    fn script(&self) -> &'a Script {
        &self.shared.script
    }

    async fn hold(&mut self) -> Result<(), Over> {
        let open = self.shared.log().open;
        self.crowd = open;
        if self.script().connections_max.is_some_and(|max| (max as u64) < open) {
            self.say("421 4.7.0 too many connections from your host");
            self.flush().await?;
            return Err(Over);
        }
        if let Some(action) = self.shared.rule(At::Connect, "", (self.crowd, self.letters)) {
            self.act(action, "").await?;
        }
        if self.script().implicit.is_some() {
            self.shake_hands().await?;
        }
        self.answer(At::Greeting, "220 relay.example.net ESMTP").await?;
        loop {
            let line = self.line().await?;
            let text = String::from_utf8_lossy(&line).into_owned();
            let verb = text.split([' ', ':']).next().unwrap_or("").to_ascii_uppercase();
            *self.shared.log().counters.commands.entry(verb.clone()).or_default() += 1;
            match verb.as_str() {
                "EHLO" => {
                    (self.from, self.to) = (None, None);
                    let hello = self.hello();
                    self.answer(At::Ehlo, &hello).await?;
                }
                "HELO" => self.say("250 relay.example.net"),
                "STARTTLS" => self.start_tls().await?,
                "AUTH" => self.log_in(&text).await?,
                "MAIL" => self.mail(&text).await?,
                "RCPT" => self.rcpt(&text).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    (self.from, self.to) = (None, None);
                    self.answer(At::Rset, "250 2.0.0 reset").await?;
                }
                "QUIT" => {
                    self.answer(At::Quit, "221 2.0.0 bye").await?;
                    self.flush().await?;
                    return Ok(());
                }
                "NOOP" => self.say("250 2.0.0 ok"),
                _ => self.say("502 5.5.2 what"),
            }
        }
    }

    fn hello(&self) -> String {
        let script = self.script();
        let private = matches!(self.pipe, Pipe::Tls(_));
        let mut lines = vec!["relay.example.net".to_owned()];
        let mut offer = |wanted: bool, word: &str| {
            if wanted {
                lines.push(word.to_owned());
            }
        };
        offer(script.pipelining, "PIPELINING");
        offer(script.smtputf8, "SMTPUTF8");
        offer(true, "8BITMIME");
        offer(script.starttls.is_some() && !private && !script.offers_starttls_only_in_name, "STARTTLS");
        if let Some(size) = script.size {
            offer(true, &format!("SIZE {size}"));
        }
        if let Some((mechanisms, ..)) = &script.auth
            && (private || script.starttls.is_none())
        {
            offer(true, &format!("AUTH {mechanisms}"));
        }
        offer(true, "ENHANCEDSTATUSCODES");
        let last = lines.len() - 1;
        let lines = lines.iter().enumerate();
        lines
            .map(|(at, line)| format!("250{}{line}", if at == last { ' ' } else { '-' }))
            .collect::<Vec<_>>()
            .join("\n")
    }

    async fn start_tls(&mut self) -> Result<(), Over> {
        if self.shared.acceptor.is_none() {
            self.say("502 5.5.1 not here");
            return Ok(());
        }
        if !self.answer(At::StartTls, "220 2.0.0 go ahead").await? {
            return Ok(());
        }
        self.flush().await?;
        (self.start, self.end) = (0, 0);
        (self.from, self.to) = (None, None);
        self.shake_hands().await
    }

    async fn shake_hands(&mut self) -> Result<(), Over> {
        if let Some(action) = self.shared.rule(At::Handshake, "", (self.crowd, self.letters)) {
            self.act(action, "").await?;
            self.flush().await?;
            return Err(Over);
        }
        let Pipe::Plain(stream) = std::mem::replace(&mut self.pipe, Pipe::Gone) else { return Err(Over) };
        let acceptor = self.shared.acceptor.as_ref().ok_or(Over)?;
        self.pipe = Pipe::Tls(Box::new(acceptor.0.accept(stream).await?));
        self.shared.log().counters.handshakes += 1;
        Ok(())
    }

    async fn log_in(&mut self, text: &str) -> Result<(), Over> {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let Some((_, login, password)) = &self.script().auth else {
            self.say("502 5.5.1 not here");
            return Ok(());
        };
        self.shared.log().counters.logins += 1;
        if let Some(action) = self.shared.rule(At::Auth, "", (self.crowd, self.letters)) {
            self.act(action, "").await?;
            return Ok(());
        }
        let mut words = text.split(' ').skip(1);
        let right = match (words.next(), words.next()) {
            (Some("PLAIN"), Some(initial)) => {
                BASE64_STANDARD.decode(initial).ok() == Some(format!("\0{login}\0{password}").into_bytes())
            }
            (Some("LOGIN"), None) => {
                let mut given = Vec::new();
                for question in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                    self.say(question);
                    let line = self.line().await?;
                    given.push(BASE64_STANDARD.decode(line).unwrap_or_default());
                }
                given == [login.as_bytes(), password.as_bytes()]
            }
            (Some("XOAUTH2"), Some(initial)) => {
                let expected = format!("user={login}\u{1}auth=Bearer {password}\u{1}\u{1}").into_bytes();
                let right = BASE64_STANDARD.decode(initial).ok() == Some(expected);
                if !right {
                    self.say("334 eyJzdGF0dXMiOiI0MDAifQ==");
                    if !self.line().await?.is_empty() {
                        self.say("501 5.5.2 an empty line was expected");
                        return Ok(());
                    }
                }
                right
            }
            _ => {
                self.say("504 5.5.4 unknown mechanism");
                return Ok(());
            }
        };
        self.logged_in = right;
        self.say(if right { "235 2.7.0 welcome" } else { "535 5.7.8 authentication credentials invalid" });
        Ok(())
    }

    async fn mail(&mut self, text: &str) -> Result<(), Over> {
        let from = path(text);
        if self.from.is_some() {
            self.say("503 5.5.1 nested MAIL command");
            return Ok(());
        }
        let script = self.script();
        if script.starttls.is_some() && !matches!(self.pipe, Pipe::Tls(_)) {
            self.say("530 5.7.0 must issue a STARTTLS command first");
        } else if script.auth.is_some() && !self.logged_in {
            self.say("530 5.7.0 authentication required");
        } else if script.letters_per_connection.is_some_and(|max| max <= self.letters) {
            self.say("421 4.7.0 too many messages in this connection");
            self.flush().await?;
            return Err(Over);
        } else if self.answer(At::Mail, "250 2.1.0 ok").await? {
            self.from = Some(from);
        }
        Ok(())
    }

    async fn rcpt(&mut self, text: &str) -> Result<(), Over> {
        let to = path(text);
        if self.from.is_none() {
            self.say("503 5.5.1 need MAIL first");
        } else if self.answer_about(At::Rcpt, "250 2.1.5 ok", &to).await? {
            self.to = Some(to);
        }
        Ok(())
    }

    async fn data(&mut self) -> Result<(), Over> {
        let Some(to) = self.to.clone() else {
            self.say("554 5.5.1 no valid recipients");
            return Ok(());
        };
        if !self.answer_about(At::Data, "354 end with a dot", &to).await? {
            return Ok(());
        }
        self.flush().await?;
        self.begin_body(&to).await?;
        // The CRLF that ends the DATA command counts as the one before a first dot.
        let mut searched = self.start;
        let end = loop {
            let data = &self.input[self.start..self.end];
            if data.starts_with(b".\r\n") {
                break 0;
            }
            let from = searched.saturating_sub(4).max(self.start);
            if let Some(found) = memchr::memmem::find(&self.input[from..self.end], b"\r\n.\r\n") {
                break from + found + 2 - self.start;
            }
            let before = self.start;
            searched = self.end;
            self.read().await?;
            searched -= before - self.start;
        };
        let bytes = match self.script().keep_bodies {
            true => unstuffed(&self.input[self.start..self.start + end]),
            false => Vec::new(),
        };
        self.start += end + 3;
        self.end_of_body(to, bytes, end as u64).await
    }

    async fn begin_body(&mut self, to: &str) -> Result<(), Over> {
        if self.script().rules.iter().all(|rule| rule.at != At::Body) {
            return Ok(());
        }
        while self.start == self.end {
            self.read().await?;
        }
        match self.shared.rule(At::Body, to, (self.crowd, self.letters)) {
            Some(action) => self.act(action, "").await.map(drop),
            None => Ok(()),
        }
    }

    async fn end_of_body(&mut self, to: String, bytes: Vec<u8>, size: u64) -> Result<(), Over> {
        let from = self.from.take().unwrap_or_default();
        self.to = None;
        let letter = Accepted { from, to, bytes, connection: self.number, at: SystemTime::now() };
        match self.shared.rule(At::Dot, &letter.to, (self.crowd, self.letters)) {
            None => self.take(letter, size),
            Some(action @ (Do::Drip(_) | Do::Add(_) | Do::Wait(_) | Do::HalfClose)) => {
                self.take_silently(letter, size);
                self.act(action, "250 2.0.0 queued").await?;
            }
            Some(Do::TakeAndClose) => {
                self.take_silently(letter, size);
                self.flush().await?;
                return Err(Over);
            }
            Some(Do::TakeAndReset) => {
                self.take_silently(letter, size);
                self.act(Do::Reset, "").await?;
            }
            Some(action) => {
                // Saying 250 is taking responsibility, in whatever words.
                if matches!(&action, Do::Say(reply) | Do::SayAndClose(reply) if reply.starts_with("250")) {
                    self.take_silently(letter, size);
                }
                self.act(action, "").await?;
            }
        }
        Ok(())
    }

    fn take_silently(&mut self, letter: Accepted, size: u64) {
        self.letters += 1;
        let mut log = self.shared.log();
        log.counters.accepted += 1;
        log.counters.first_accepted.get_or_insert_with(SystemTime::now);
        log.counters.bytes += size;
        if self.shared.script.keep_letters {
            log.accepted.push(letter);
        }
    }

    fn take(&mut self, letter: Accepted, size: u64) {
        self.take_silently(letter, size);
        self.say("250 2.0.0 queued");
    }

    /// The usual answer, unless a rule has another one. Whether it was the usual one.
    async fn answer(&mut self, at: At, usual: &str) -> Result<bool, Over> {
        self.answer_about(at, usual, "").await
    }

    async fn answer_about(&mut self, at: At, usual: &str, recipient: &str) -> Result<bool, Over> {
        match self.shared.rule(at, recipient, (self.crowd, self.letters)) {
            None => {
                self.say(usual);
                Ok(true)
            }
            Some(action) => self.act(action, usual).await,
        }
    }

    async fn act(&mut self, action: Do, usual: &str) -> Result<bool, Over> {
        match action {
            Do::Say(reply) => {
                // A reply that grants what was asked for is as good as the usual one.
                let granted = !usual.is_empty() && reply.get(..1) == usual.get(..1);
                self.say(&reply);
                Ok(granted)
            }
            Do::SayAndClose(reply) => {
                self.say(&reply);
                self.flush().await?;
                Err(Over)
            }
            Do::Add(more) => {
                self.say(usual);
                self.output.extend_from_slice(more.as_bytes());
                Ok(true)
            }
            Do::Close | Do::TakeAndClose => {
                self.flush().await?;
                Err(Over)
            }
            Do::Reset | Do::TakeAndReset => {
                self.flush().await?;
                if let Pipe::Plain(stream) = &self.pipe {
                    let _ = stream.set_zero_linger();
                } else if let Pipe::Tls(stream) = &self.pipe {
                    let _ = stream.get_ref().0.set_zero_linger();
                }
                Err(Over)
            }
            Do::Hang => {
                self.flush().await?;
                loop {
                    (self.start, self.end) = (0, 0);
                    self.fill().await?;
                }
            }
            Do::Drip(wait) => {
                self.say(usual);
                self.drip = Some(wait);
                self.flush().await?;
                self.drip = None;
                Ok(true)
            }
            Do::Wait(wait) => {
                // What was said before is heard before.
                self.flush().await?;
                tokio::time::sleep(wait).await;
                self.say(usual);
                Ok(true)
            }
            Do::HalfClose => {
                self.say(usual);
                self.flush().await?;
                self.pipe.shutdown().await?;
                self.is_mute = true;
                Ok(true)
            }
            Do::EndlessLine => {
                self.output.extend_from_slice(b"250 ");
                loop {
                    self.output.extend_from_slice(&[b'x'; 4096]);
                    self.flush().await?;
                }
            }
        }
    }

    fn say(&mut self, reply: &str) {
        for line in reply.split('\n') {
            self.output.extend_from_slice(line.as_bytes());
            self.output.extend_from_slice(b"\r\n");
        }
    }

    async fn flush(&mut self) -> Result<(), Over> {
        if self.output.is_empty() {
            return Ok(());
        }
        if self.is_mute {
            self.output.clear();
            return Ok(());
        }
        let output = std::mem::take(&mut self.output);
        match self.drip {
            None => self.pipe.write_all(&output).await?,
            Some(wait) => {
                for byte in &output {
                    self.pipe.write_all(&[*byte]).await?;
                    self.pipe.flush().await?;
                    tokio::time::sleep(wait).await;
                }
            }
        }
        self.pipe.flush().await?;
        self.shared.log().counters.writes += 1;
        self.output = output;
        self.output.clear();
        Ok(())
    }

    /// The next command, without its line end. What is to be said is said only when there is none yet, as relays do.
    async fn line(&mut self) -> Result<Vec<u8>, Over> {
        loop {
            if let Some(length) = memchr::memchr(b'\n', &self.input[self.start..self.end]) {
                let line = self.input[self.start..self.start + length].trim_ascii_end().to_vec();
                self.start += length + 1;
                return Ok(line);
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), Over> {
        self.flush().await?;
        self.fill().await
    }

    async fn fill(&mut self) -> Result<(), Over> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.input.len() - self.end < 16 * 1024 {
            self.input.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            if self.input.len() - self.end < 16 * 1024 {
                self.input.resize(self.input.len() * 2, 0);
            }
        }
        let count = self.pipe.read(&mut self.input[self.end..]).await?;
        if count == 0 {
            return Err(Over);
        }
        self.end += count;
        self.shared.log().counters.reads += 1;
        Ok(())
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, into),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, from),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, from),
            Self::Gone => Poll::Ready(Err(std::io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

/// What is between `<` and `>`.
fn path(command: &str) -> String {
    let inner = command.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>')).map(|(path, _)| path);
    inner.unwrap_or("").to_owned()
}

fn unstuffed(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut from = usize::from(data.first() == Some(&b'.'));
    for at in memchr::memmem::find_iter(data, b"\r\n.") {
        if from <= at + 2 {
            out.extend_from_slice(&data[from..at + 2]);
            from = at + 3;
        }
    }
    out.extend_from_slice(&data[from..]);
    out
}

/// A certificate for 127.0.0.1, localhost and the benchmarks' far host by an authority made for this occasion, and the authority's own, as PEM.
pub(crate) fn certificate(kind: Certificate) -> (Vec<u8>, Vec<u8>, String) {
    let authority = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        (Issuer::new(params, key), pem)
    };
    let (known, ca_pem) = authority("Test authority");
    let (unknown, _) = authority("Someone else's authority");
    let names = match kind {
        Certificate::WrongName | Certificate::SelfSigned => vec!["mail.example.org".to_owned()],
        _ => vec!["127.0.0.1".to_owned(), "localhost".to_owned(), "10.99.0.2".to_owned()],
    };
    let mut params = CertificateParams::new(names).unwrap();
    if kind == Certificate::Expired {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2001, 12, 31);
    }
    let key = KeyPair::generate().unwrap();
    if kind == Certificate::SelfSigned {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        return (certificate.der().to_vec(), key.serialize_der(), certificate.pem());
    }
    let issuer = if kind == Certificate::UnknownAuthority { &unknown } else { &known };
    let certificate = params.signed_by(&key, issuer).unwrap();
    (certificate.der().to_vec(), key.serialize_der(), ca_pem)
}

fn acceptor(kind: Certificate) -> (TlsAcceptor, String) {
    let (certificate, key, ca_pem) = certificate(kind);
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key)))
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), ca_pem)
}
