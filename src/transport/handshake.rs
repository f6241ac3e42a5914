//! From dialling to the first letter: greeting, EHLO, TLS, EHLO again, login.

use std::io::IoSlice;

use base64::{Engine, prelude::BASE64_STANDARD};
use lettre::transport::smtp::{
    authentication::{Credentials, Mechanism},
    commands::{Auth, Ehlo, Starttls},
    extension::ClientId,
};
use tokio::{net::TcpStream, time::timeout};

use super::{
    Encryption, ErrorKind, Login, Pipelining, Relay, RelayDown, Reply, Stage, Verdict, judge, reply::Frame,
    tls::Tls, wire::Wire,
};

/// What the relay offers on this connection, after TLS and login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) pipelining: bool,
    pub(super) smtputf8: bool,
    /// `Some(0)` is an offer without a limit (RFC 1870 section 4).
    pub(super) size: Option<u64>,
    starttls: bool,
    plain: bool,
    login: bool,
    xoauth2: bool,
    auth: bool,
}

/// Dials, and goes on until letters can be offered.
pub(super) async fn open(relay: &Relay, tls: Option<&Tls>) -> Result<(Wire, Offer), RelayDown> {
    let mut wire = dial(relay).await?;
    if relay.encryption == Encryption::Implicit {
        shake_hands(&mut wire, relay, tls).await?;
    }
    let greeting = wire.reply(relay.timeouts.greeting).await.map(|frame| frame.reply());
    expect(Stage::Greeting, greeting)?;

    let mut offer = say_hello(&mut wire, relay).await?;
    if relay.encryption == Encryption::StartTls {
        if !offer.starttls {
            let words = "the relay does not offer STARTTLS, and without it nothing is sent".to_owned();
            return Err(RelayDown { stage: Stage::Tls, trouble: ErrorKind::Tls(words), passing: false });
        }
        let reply = say(&mut wire, Stage::Tls, &Starttls.to_string(), relay).await;
        expect(Stage::Tls, reply)?;
        shake_hands(&mut wire, relay, tls).await?;
        offer = say_hello(&mut wire, relay).await?;
    }
    if relay.login.is_some() {
        log_in(&mut wire, relay, &offer).await?;
    }
    if relay.pipelining == Pipelining::Off {
        offer.pipelining = false;
    }
    Ok((wire, offer))
}

async fn dial(relay: &Relay) -> Result<Wire, RelayDown> {
    let within = relay.timeouts.connect;
    let down = |trouble| RelayDown { stage: Stage::Connect, trouble, passing: true };
    let stream = timeout(within, TcpStream::connect((relay.host.as_str(), relay.port)))
        .await
        .map_err(|_| down(ErrorKind::Timeout { seconds: within.as_secs_f64().ceil() as u64 }))?
        .map_err(|error| down(ErrorKind::Io(error)))?;
    // Without it the kernel holds the last octets of a letter until the ones before are acknowledged.
    stream.set_nodelay(true).map_err(|error| down(ErrorKind::Io(error)))?;
    Ok(Wire::new(stream))
}

async fn shake_hands(wire: &mut Wire, relay: &Relay, tls: Option<&Tls>) -> Result<(), RelayDown> {
    let tls = tls.expect("a relay with encryption has TLS settings");
    wire.shake_hands(tls, relay.timeouts.handshake).await.map_err(|trouble| RelayDown {
        stage: Stage::Tls,
        passing: matches!(trouble, ErrorKind::Io(_) | ErrorKind::Timeout { .. }),
        trouble,
    })
}

async fn say_hello(wire: &mut Wire, relay: &Relay) -> Result<Offer, RelayDown> {
    let id = match (&relay.helo, wire.tcp().and_then(|tcp| tcp.local_addr().ok())) {
        (Some(name), _) => ClientId::Domain(name.clone()),
        (None, Some(address)) => match address.ip().to_canonical() {
            std::net::IpAddr::V4(address) => ClientId::Ipv4(address),
            std::net::IpAddr::V6(address) => ClientId::Ipv6(address),
        },
        (None, None) => ClientId::default(),
    };
    let command = Ehlo::new(id).to_string();
    write(wire, Stage::Ehlo, &command, relay).await?;
    let reply = wire.reply(relay.timeouts.command).await.map(|frame| (read_offer(&frame), frame.reply()));
    match reply {
        Ok((offer, reply)) => expect(Stage::Ehlo, Ok(reply)).map(|_| offer),
        Err(trouble) => expect(Stage::Ehlo, Err(trouble)).map(|_| Offer::default()),
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
            Some("STARTTLS") => offer.starttls = true,
            Some("SIZE") => offer.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0)),
            Some("AUTH") => {
                offer.auth = true;
                for mechanism in words {
                    match mechanism {
                        "PLAIN" => offer.plain = true,
                        "LOGIN" => offer.login = true,
                        "XOAUTH2" => offer.xoauth2 = true,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    offer
}

async fn log_in(wire: &mut Wire, relay: &Relay, offer: &Offer) -> Result<(), RelayDown> {
    let refuse =
        |words: String| RelayDown { stage: Stage::Auth, trouble: ErrorKind::Protocol(words), passing: false };
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
    if !offer.auth {
        return Err(refuse("it offers no login (AUTH)".to_owned()));
    }
    let mechanism = match relay.mechanism {
        Login::Auto if offer.plain => Mechanism::Plain,
        Login::Auto if offer.login => Mechanism::Login,
        Login::Plain if offer.plain => Mechanism::Plain,
        Login::Login if offer.login => Mechanism::Login,
        Login::Xoauth2 if offer.xoauth2 => Mechanism::Xoauth2,
        Login::Auto => return Err(refuse("it offers neither AUTH PLAIN nor AUTH LOGIN".to_owned())),
        Login::Plain => return Err(refuse("it does not offer AUTH PLAIN".to_owned())),
        Login::Login => return Err(refuse("it does not offer AUTH LOGIN".to_owned())),
        Login::Xoauth2 => return Err(refuse("it does not offer AUTH XOAUTH2".to_owned())),
    };
    let credentials = Credentials::new(login.clone(), password.expose().to_owned());
    let auth = Auth::new(mechanism, credentials, None).map_err(|error| refuse(error.to_string()))?;
    let mut reply = say(wire, Stage::Auth, &auth.to_string(), relay).await;
    match mechanism {
        Mechanism::Login => {
            // What the questions are called differs; their order does not.
            for answer in [login.as_str(), password.expose()] {
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
    expect(Stage::Auth, reply).map(drop)
}

/// One command, one reply.
async fn say(wire: &mut Wire, stage: Stage, command: &str, relay: &Relay) -> Result<Reply, ErrorKind> {
    write(wire, stage, command, relay).await.map_err(|down| down.trouble)?;
    wire.reply(relay.timeouts.command).await.map(|frame| frame.reply())
}

async fn write(wire: &mut Wire, stage: Stage, command: &str, relay: &Relay) -> Result<(), RelayDown> {
    if wire.has_unsolicited_data() {
        return expect(stage, unasked(wire, relay).await).map(drop);
    }
    wire.write(&mut [IoSlice::new(command.as_bytes())], relay.timeouts.command)
        .await
        .map_err(|unwritten| RelayDown { stage, trouble: unwritten.trouble, passing: true })
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
                let trouble = ErrorKind::Protocol(format!("it said \u{201c}{reply}\u{201d}"));
                Err(RelayDown { stage, trouble, passing: false })
            }
            verdict => Err(RelayDown {
                stage,
                trouble: ErrorKind::Said(reply),
                passing: verdict != Verdict::RelayStop,
            }),
        },
        Err(trouble) => {
            let passing = matches!(trouble, ErrorKind::Io(_) | ErrorKind::Timeout { .. });
            Err(RelayDown { stage, trouble, passing })
        }
    }
}
