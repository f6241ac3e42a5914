use super::{RelayDown, Smtp, connection::Connection, handshake::open};

/// What a relay offers before a login, and how private the connection to it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// `TLS 1.3`; `None` without TLS.
    pub tls_version: Option<&'static str>,
    /// The relay's certificate, as DER.
    pub certificate: Option<Vec<u8>>,
    /// The largest letter in bytes; 0 is no limit, `None` no word about it (RFC 1870).
    pub size: Option<u64>,
    /// Commands can be sent ahead (RFC 2920).
    pub pipelining: bool,
    /// BDAT (RFC 3030).
    pub chunking: bool,
    /// Bodies with bytes above 127 (RFC 6152).
    pub eight_bit_mime: bool,
    /// Addresses outside ASCII (RFC 6531).
    pub smtputf8: bool,
    /// Delivery status notifications can be asked for (RFC 3461).
    pub dsn: bool,
    /// Ways to log in.
    pub logins: Vec<String>,
}

impl Smtp {
    /// Dials, says hello, and hangs up without logging in.
    ///
    /// # Errors
    ///
    /// When the relay cannot be reached, or when the connection cannot be made private.
    pub async fn inspect(&self) -> Result<Inspection, RelayDown> {
        let mut relay = self.relay().clone();
        relay.login = None;
        let (wire, offer) = open(&relay, self.tls()).await?;
        let (tls_version, certificate) = wire.privacy().unzip();
        let inspection = Inspection {
            tls_version,
            certificate,
            size: offer.size,
            pipelining: offer.pipelining,
            chunking: offer.chunking,
            eight_bit_mime: offer.eight_bit_mime,
            smtputf8: offer.smtputf8,
            dsn: offer.dsn,
            logins: offer.auth.clone().unwrap_or_default(),
        };
        Connection::new(self, wire, offer, None).quit().await;
        Ok(inspection)
    }
}
