//! From dialling to the first letter: greeting, EHLO, TLS, EHLO again, login.

use std::{io::IoSlice, pin::pin, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use lettre::transport::smtp::{
    authentication::{Credentials, Mechanism},
    commands::{Auth, Ehlo, Starttls},
    extension::ClientId,
};
use tokio::{net::TcpStream, time::timeout};

use super::{
    error::{ErrorKind, RelayDown},
    relay::{Encryption, Login, Pipelining, Relay},
    reply::{Frame, Reply},
    stage::Stage,
    tls::Tls,
    verdict::{Verdict, judge},
    wire::Wire,
};

/// What the relay offers on this connection, after TLS and login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) pipelining: bool,
    pub(super) smtputf8: bool,
    pub(super) chunking: bool,
    pub(super) eight_bit_mime: bool,
    pub(super) dsn: bool,
    /// `Some(0)` is an offer without a limit (RFC 1870 section 4).
    pub(super) size: Option<u64>,
    starttls: bool,
    /// Ways to log in; `None` when there is no AUTH.
    pub(super) auth: Option<Vec<String>>,
    /// What the relay said first.
    pub(super) greeting: Option<String>,
}

impl Offer {
    fn has(&self, mechanism: &str) -> bool {
        self.auth.iter().flatten().any(|offered| offered == mechanism)
    }
}

/// Dials, and goes on until letters can be offered.
pub(super) async fn open(relay: &Relay, tls: Option<&Tls>) -> Result<(Wire, Offer), RelayDown> {
    let mut hello = Hello::Extended;
    match open_once(relay, tls, &mut hello).await {
        // It refused EHLO and closed the connection.
        Err(RelayDown { stage: Stage::Ehlo, kind: ErrorKind::Io(_), .. }) if hello == Hello::Plain => {
            open_once(relay, tls, &mut hello).await
        }
        opened => opened,
    }
}

/// How we introduce ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hello {
    /// EHLO.
    Extended,
    /// HELO, to a relay that does not know EHLO.
    Plain,
}

async fn open_once(relay: &Relay, tls: Option<&Tls>, hello: &mut Hello) -> Result<(Wire, Offer), RelayDown> {
    let mut wire = dial(relay).await?;
    if relay.encryption == Encryption::Implicit {
        shake_hands(&mut wire, relay, tls).await?;
    }
    let greeting = greet(&mut wire, relay, tls).await?;

    let mut offer = say_hello(&mut wire, relay, hello).await?;
    if relay.encryption == Encryption::StartTls {
        if !offer.starttls {
            let words = "the relay does not offer STARTTLS, and without it nothing is sent".to_owned();
            return Err(RelayDown { stage: Stage::Tls, kind: ErrorKind::Tls(words), passing: false });
        }
        let reply = say(&mut wire, Stage::Tls, &Starttls.to_string(), relay).await;
        expect(Stage::Tls, reply)?;
        shake_hands(&mut wire, relay, tls).await?;
        offer = say_hello(&mut wire, relay, hello).await?;
    }
    offer.greeting = Some(greeting);
    if relay.login.is_some() {
        log_in(&mut wire, relay, &offer).await?;
    }
    if relay.pipelining == Pipelining::Off {
        offer.pipelining = false;
    }
    Ok((wire, offer))
}

/// How long a relay may say nothing before we look whether it waits for TLS, or for none.
const SILENCE: Duration = Duration::from_secs(3);

/// The greeting. A relay that says nothing on a plain connection may be waiting for a handshake; a second connection
/// shows it.
async fn greet(wire: &mut Wire, relay: &Relay, tls: Option<&Tls>) -> Result<String, RelayDown> {
    let within = relay.timeouts.greeting;
    let plain = relay.encryption != Encryption::Implicit;
    let silent = plain && within > SILENCE && wire.is_silent_for(SILENCE).await;
    if silent && speaks_tls_at_once(relay, tls).await {
        let words =
            "it says nothing until TLS begins: write the address with `smtps://` instead of `smtp://`";
        return Err(RelayDown {
            stage: Stage::Greeting,
            kind: ErrorKind::Tls(words.to_owned()),
            passing: false,
        });
    }
    let greeting = wire.reply(within).await.map(|frame| frame.reply());
    expect(Stage::Greeting, greeting).map(|reply| reply.text)
}

async fn speaks_tls_at_once(relay: &Relay, tls: Option<&Tls>) -> bool {
    let made;
    let tls = match tls {
        Some(tls) => tls,
        None => match Tls::new(relay) {
            Ok(tls) => {
                made = tls;
                &made
            }
            Err(_) => return false,
        },
    };
    let Ok(mut wire) = dial(relay).await else { return false };
    // A certificate that is not trusted shows TLS as well.
    match wire.shake_hands(tls, SILENCE).await {
        Err(ErrorKind::Tls(words)) => words.contains("certificate"),
        shaken => shaken.is_ok(),
    }
}

/// Whether a relay greets on a connection without TLS.
async fn greets_without_tls(relay: &Relay) -> bool {
    match dial(relay).await {
        Ok(mut wire) => wire.reply(SILENCE).await.is_ok(),
        Err(_) => false,
    }
}

async fn dial(relay: &Relay) -> Result<Wire, RelayDown> {
    let within = relay.timeouts.connect;
    let down = |kind| RelayDown { stage: Stage::Connect, kind, passing: true };
    let stream = timeout(within, TcpStream::connect((relay.host.as_str(), relay.port)))
        .await
        .map_err(|_| down(ErrorKind::Timeout { seconds: within.as_secs_f64().ceil() as u64 }))?
        .map_err(|error| down(ErrorKind::Io(error)))?;
    // Without it the kernel holds the last bytes of a letter until the ones before are acknowledged.
    stream.set_nodelay(true).map_err(|error| down(ErrorKind::Io(error)))?;
    Ok(Wire::new(stream))
}

async fn shake_hands(wire: &mut Wire, relay: &Relay, tls: Option<&Tls>) -> Result<(), RelayDown> {
    let tls = tls.expect("a relay with encryption has TLS settings");
    let handshake = wire.shake_hands(tls, relay.timeouts.handshake);
    let shaken = if relay.encryption == Encryption::Implicit && relay.timeouts.handshake > SILENCE {
        let mut handshake = pin!(handshake);
        match timeout(SILENCE, &mut handshake).await {
            Ok(shaken) => shaken,
            Err(_) if greets_without_tls(relay).await => Err(ErrorKind::Tls(
                "it does not begin with TLS on this port: write the address with `smtp://` (STARTTLS) instead of \
                 `smtps://`"
                    .to_owned(),
            )),
            Err(_) => handshake.await,
        }
    } else {
        handshake.await
    };
    shaken.map_err(|kind| RelayDown {
        stage: Stage::Tls,
        passing: matches!(kind, ErrorKind::Io(_) | ErrorKind::Timeout { .. }),
        kind,
    })
}

async fn say_hello(wire: &mut Wire, relay: &Relay, hello: &mut Hello) -> Result<Offer, RelayDown> {
    let id = match (&relay.helo, wire.tcp().and_then(|tcp| tcp.local_addr().ok())) {
        (Some(name), _) => ClientId::Domain(name.clone()),
        (None, Some(address)) => match address.ip().to_canonical() {
            std::net::IpAddr::V4(address) => ClientId::Ipv4(address),
            std::net::IpAddr::V6(address) => ClientId::Ipv6(address),
        },
        (None, None) => ClientId::default(),
    };
    let helo = format!("HELO {id}\r\n");
    if *hello == Hello::Plain {
        let reply = say(wire, Stage::Ehlo, &helo, relay).await;
        return expect(Stage::Ehlo, reply).map(|_| Offer::default());
    }
    let command = Ehlo::new(id).to_string();
    write(wire, Stage::Ehlo, &command, relay).await?;
    let reply = wire.reply(relay.timeouts.command).await.map(|frame| (read_offer(&frame), frame.reply()));
    match reply {
        // It does not know EHLO (RFC 5321 section 3.2): without extensions, then.
        Ok((_, reply)) if matches!(reply.code, 500 | 502 | 504) => {
            *hello = Hello::Plain;
            let reply = say(wire, Stage::Ehlo, &helo, relay).await;
            expect(Stage::Ehlo, reply).map(|_| Offer::default())
        }
        Ok((offer, reply)) => expect(Stage::Ehlo, Ok(reply)).map(|_| offer),
        Err(kind) => expect(Stage::Ehlo, Err(kind)).map(|_| Offer::default()),
    }
}

/// The keywords of an EHLO reply (RFC 5321 section 4.1.1.1): they are not case-sensitive.
fn read_offer(frame: &Frame<'_>) -> Offer {
    let mut offer = Offer::default();
    for line in frame.lines().skip(1) {
        let line = String::from_utf8_lossy(line).to_ascii_uppercase();
        // `AUTH=LOGIN` is an old way of writing it.
        let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
        match words.next() {
            Some("PIPELINING") => offer.pipelining = true,
            Some("SMTPUTF8") => offer.smtputf8 = true,
            Some("CHUNKING") => offer.chunking = true,
            Some("8BITMIME") => offer.eight_bit_mime = true,
            Some("DSN") => offer.dsn = true,
            Some("STARTTLS") => offer.starttls = true,
            Some("SIZE") => offer.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0)),
            Some("AUTH") => offer.auth.get_or_insert_default().extend(words.map(str::to_owned)),
            _ => {}
        }
    }
    offer
}

async fn log_in(wire: &mut Wire, relay: &Relay, offer: &Offer) -> Result<(), RelayDown> {
    let refuse =
        |words: String| RelayDown { stage: Stage::Auth, kind: ErrorKind::Protocol(words), passing: false };
    let (Some(login), Some(password)) = (&relay.login, &relay.password) else {
        return Err(refuse("there is no password to log in with".to_owned()));
    };
    let on_this_machine = wire
        .tcp()
        .and_then(|tcp| tcp.peer_addr().ok())
        .is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    if !wire.is_private() && !on_this_machine {
        return Err(refuse("the connection is not private, so the password is not sent".to_owned()));
    }
    let Some(offered) = &offer.auth else {
        let words = "it offers no login (AUTH); if it needs none, take the login out of `url`";
        return Err(refuse(words.to_owned()));
    };
    let mechanisms: &[Mechanism] = match relay.mechanism {
        Login::Auto => &[Mechanism::Plain, Mechanism::Login],
        Login::Plain => &[Mechanism::Plain],
        Login::Login => &[Mechanism::Login],
        Login::Xoauth2 => &[Mechanism::Xoauth2],
    };
    let mechanisms: Vec<Mechanism> =
        mechanisms.iter().copied().filter(|mechanism| offer.has(&mechanism.to_string())).collect();
    if mechanisms.is_empty() {
        let (offered, known) = (offered.join(", "), "PLAIN, LOGIN and XOAUTH2");
        return Err(refuse(match relay.mechanism {
            Login::Auto => format!(
                "it offers only {offered} for logging in, and this program knows {known}: ask the relay's owner for one \
                 of these (`auth = \"xoauth2\"` has to be set)"
            ),
            Login::Plain => format!("it does not offer AUTH PLAIN but {offered}: change `auth`"),
            Login::Login => format!("it does not offer AUTH LOGIN but {offered}: change `auth`"),
            Login::Xoauth2 => format!("it does not offer AUTH XOAUTH2 but {offered}: change `auth`"),
        }));
    }
    let password = password.expose();
    wire.mask(echoes(login, password));
    for (index, &mechanism) in mechanisms.iter().enumerate() {
        let reply = say_login(wire, relay, mechanism, login, password).await;
        // It offers the mechanism and does not know it: the password has not been judged.
        let unknown = matches!(&reply, Ok(reply) if matches!(reply.code, 500 | 502 | 504) || reply.code == 501
            && mechanism == Mechanism::Plain && reply.enhanced.is_none_or(|code| code == (5, 5, 4)));
        if unknown && index + 1 < mechanisms.len() {
            continue;
        }
        return expect(Stage::Auth, reply).map(drop);
    }
    Ok(())
}

/// The ways in which a relay may repeat a password.
fn echoes(login: &str, password: &str) -> Vec<String> {
    let encoded = |text: &str| BASE64_STANDARD.encode(text);
    let plain = encoded(&format!("\0{login}\0{password}"));
    let bearer = encoded(&format!("user={login}\u{1}auth=Bearer {password}\u{1}\u{1}"));
    // Shorter ones are parts of many words; no one has such a password.
    let passwords = [password.to_owned(), encoded(password)];
    [plain, bearer].into_iter().chain(passwords).filter(|echo| echo.len() >= 4).collect()
}

/// One try to log in.
async fn say_login(
    wire: &mut Wire,
    relay: &Relay,
    mechanism: Mechanism,
    login: &str,
    password: &str,
) -> Result<Reply, ErrorKind> {
    let credentials = Credentials::new(login.to_owned(), password.to_owned());
    let auth =
        Auth::new(mechanism, credentials, None).map_err(|error| ErrorKind::Protocol(error.to_string()))?;
    let mut reply = say(wire, Stage::Auth, &auth.to_string(), relay).await;
    match mechanism {
        Mechanism::Login => {
            // What the questions are called differs; their order does not.
            for answer in [login, password] {
                if !matches!(&reply, Ok(question) if question.code == 334) {
                    break;
                }
                let line = format!("{}\r\n", BASE64_STANDARD.encode(answer));
                reply = say(wire, Stage::Auth, &line, relay).await;
            }
        }
        // The real error comes after an empty answer.
        Mechanism::Xoauth2 if matches!(&reply, Ok(error) if error.code == 334) => {
            reply = say(wire, Stage::Auth, "\r\n", relay).await;
        }
        _ => {}
    }
    reply
}

/// One command, one reply.
async fn say(wire: &mut Wire, stage: Stage, command: &str, relay: &Relay) -> Result<Reply, ErrorKind> {
    write(wire, stage, command, relay).await.map_err(|down| down.kind)?;
    wire.reply(relay.timeouts.command).await.map(|frame| frame.reply())
}

async fn write(wire: &mut Wire, stage: Stage, command: &str, relay: &Relay) -> Result<(), RelayDown> {
    if wire.has_unsolicited_data() {
        return expect(stage, unasked(wire, relay).await).map(drop);
    }
    wire.write(&mut [IoSlice::new(command.as_bytes())], relay.timeouts.command)
        .await
        .map_err(|unwritten| RelayDown { stage, kind: unwritten.kind, passing: true })
}

/// What the relay said before it was asked: 421, or it is out of step.
pub(super) async fn unasked(wire: &mut Wire, relay: &Relay) -> Result<Reply, ErrorKind> {
    let reply = wire.reply(relay.timeouts.quit).await?.reply();
    if reply.code == 421 {
        Ok(reply)
    } else {
        Err(ErrorKind::Protocol(format!("it said \u{201c}{reply}\u{201d} unasked")))
    }
}

fn expect(stage: Stage, reply: Result<Reply, ErrorKind>) -> Result<Reply, RelayDown> {
    match reply {
        Ok(reply) => match judge(stage, &reply) {
            Verdict::Good => Ok(reply),
            Verdict::OutOfStep => {
                let kind = ErrorKind::Protocol(format!("it said \u{201c}{reply}\u{201d}"));
                Err(RelayDown { stage, kind, passing: false })
            }
            verdict => {
                Err(RelayDown { stage, kind: ErrorKind::Said(reply), passing: verdict != Verdict::RelayStop })
            }
        },
        Err(kind) => {
            let passing = matches!(kind, ErrorKind::Io(_) | ErrorKind::Timeout { .. });
            Err(RelayDown { stage, kind, passing })
        }
    }
}
