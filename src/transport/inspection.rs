use jiff::{Timestamp, fmt::rfc2822};

use super::{connection::Connection, error::RelayDown, handshake::open, smtp::Smtp};

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
    /// Its clock, if its greeting has the time, as those of Sendmail, Exim and Exchange do.
    pub clock: Option<Timestamp>,
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
            clock: offer.greeting.as_deref().and_then(time_in),
        };
        Connection::new(self, wire, offer, None).quit().await;
        Ok(inspection)
    }
}

/// The time in a greeting: `220 mx.example.org ESMTP Exim 4.96 Mon, 30 Nov 2026 02:41:12 +0000`.
fn time_in(greeting: &str) -> Option<Timestamp> {
    const DAYS: [&str; 7] = ["Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"];
    let words: Vec<&str> = greeting.split_ascii_whitespace().collect();
    let at = words.iter().position(|word| DAYS.contains(word))?;
    let time = words.get(at..at + 6)?.join(" ");
    rfc2822::DateTimeParser::new().parse_timestamp(time).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_a_greeting_is_found() {
        for (greeting, expected) in [
            ("mx.example.org ESMTP Exim 4.96 Mon, 30 Nov 2026 02:41:12 +0000", Some("2026-11-30T02:41:12Z")),
            (
                "mx ESMTP Sendmail 8.17.1/8.17.1; Mon, 30 Nov 2026 03:41:12 +0100 (CET)",
                Some("2026-11-30T02:41:12Z"),
            ),
            (
                "mx Microsoft ESMTP MAIL Service ready at Mon, 30 Nov 2026 02:41:12 +0000",
                Some("2026-11-30T02:41:12Z"),
            ),
            ("mx.example.org ESMTP Postfix", None),
            ("mx ready on Mon, tomorrow", None),
            ("mx Mon, 31 Feb 2026 02:41:12 +0000", None),
        ] {
            assert_eq!(time_in(greeting).map(|time| time.to_string()).as_deref(), expected, "{greeting}");
        }
    }
}
