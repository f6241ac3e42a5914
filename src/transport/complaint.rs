//! What a refusal complains about: connections, this connection, our rate, or the letter (RFC 3463, RFC 5248). What a
//! relay's words leave open is shown by what happens next.

use super::{reply::Reply, stage::Stage};

/// What a refusal is about, as far as its code and its words say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Complaint {
    /// We have too many connections at the same time, or open them too quickly.
    Connections,
    /// This connection has carried enough.
    Session,
    /// We are too fast, or the relay is overloaded.
    Rate,
    /// Any of these, or the letter after all.
    Unclear,
    /// The letter, its recipient or its sender.
    Letter,
}

/// Reads a refusal. Permanent ones are about the letter, unless they speak of connections in so many words.
pub fn complaint(stage: Stage, reply: &Reply) -> Complaint {
    let says = |words: &[&str]| reply.says_one_of(words);
    if !matches!(reply.code / 100, 4 | 5) || says(GREYLISTING) {
        return Complaint::Letter;
    }
    if says(SESSION) && says(CARRIED) || says(RECONNECT) {
        return Complaint::Session;
    }
    if says(CONNECTIONS) {
        return Complaint::Connections;
    }
    if reply.code / 100 == 5 {
        return Complaint::Letter;
    }
    let by_code = match reply.enhanced {
        None | Some((_, 0, _)) => Complaint::Unclear,
        // "Try later" of a relay that is short of room or of processor time.
        Some((_, 3, 1)) => Complaint::Rate,
        Some((_, 7, 28)) => Complaint::Rate,
        // Signature, SPF, DMARC, reverse name, ARC, alignment.
        Some((_, 7, 20..=27 | 29 | 32)) => Complaint::Letter,
        Some((_, 3, 2) | (_, 4, 2 | 5) | (_, 5, 3) | (_, 7, _)) => Complaint::Unclear,
        Some((_, 1 | 2 | 6, _)) => Complaint::Letter,
        Some(_) if reply.code == 421 => Complaint::Unclear,
        Some(_) => Complaint::Letter,
    };
    let about_the_letter =
        matches!(reply.enhanced, Some((_, 1 | 2 | 6, _)) | Some((_, 7, 20..=27 | 29 | 32)));
    // RFC 5321 explains 450 by "mailbox busy".
    let of_the_recipient = stage >= Stage::Rcpt && says(OF_THE_RECIPIENT);
    let of_us = !about_the_letter && (!of_the_recipient || says(OF_US));
    if of_us && !says(FAREWELL) && says(RATE) {
        return Complaint::Rate;
    }
    if by_code == Complaint::Unclear && of_the_recipient {
        return Complaint::Letter;
    }
    by_code
}

const GREYLISTING: &[&str] =
    &["greylist", "graylist", "grey list", "gray list", "grey-list", "gray-list", "postgrey", "delayed for"];

/// One connection, in a relay's words.
const SESSION: &[&str] = &[
    "per connection",
    "on this connection",
    "in this connection",
    "in one connection",
    "on one connection",
    "single connection",
    "this smtp connection",
    "per session",
    "per smtp session",
    "in this session",
    "for this session",
    "for this connection",
    "in one session",
    "single session",
    "this smtp session",
    "session limit",
    "same connection",
    "same session",
];

/// What a connection carries.
const CARRIED: &[&str] = &["message", "mail", "transaction", "recipient", "command", "limit", "letters"];

/// The way out is named.
const RECONNECT: &[&str] = &[
    "please reconnect",
    "reconnect and",
    "open a new connection",
    "use a new connection",
    "start a new session",
];

const CONNECTIONS: &[&str] = &[
    "too many connections",
    "too many open connections",
    "too many concurrent",
    "too many simultaneous",
    "too many parallel",
    "too many sessions",
    "too many smtp",
    "concurrent connection",
    "concurrent smtp",
    "concurrent session",
    "concurrency",
    "simultaneous connection",
    "parallel connection",
    "connection limit",
    "connections limit",
    "connection rate",
    "connection count",
    "connection frequency",
    "connections from your",
    "connections from this",
    "connections per",
    "number of connections",
    "maximum connections",
    "max connections",
    "no more connections",
    "connecting too",
];

/// "Shutting down" and "idle too long" are no reproaches.
const FAREWELL: &[&str] = &["shutting down", "shutdown", "idle", "timeout", "timed out", "restart"];

const RATE: &[&str] = &[
    "throttl",
    "rate limit",
    "ratelimit",
    "rate-limit",
    "rate exceed",
    "rate reached",
    "rate for",
    "sending rate",
    "submission rate",
    "message rate",
    "mail rate",
    "unusual rate",
    "unexpected volume",
    "too much mail",
    "too fast",
    "too quickly",
    "too frequently",
    "too many messages from",
    "too many recipients from",
    "disk space",
    "slow down",
    "busy",
    "overload",
    "congest",
    "load too high",
    "high load",
    "load average",
    "system load",
    "system resources",
    "insufficient system",
    "temporarily deferred",
    "per second",
    "per minute",
    "per hour",
    "this hour",
    "this minute",
    "reputation",
];

/// What only a sender has.
const OF_US: &[&str] = &["your", "sender", "sending", "too fast", "too quickly", "from this", "slow down"];

const OF_THE_RECIPIENT: &[&str] =
    &["mailbox", "user unknown", "recipient's", "recipient is", "recipient address", "over quota", "user is"];

#[cfg(test)]
mod tests {
    use super::{
        Complaint::{self, Connections, Letter, Rate, Session, Unclear},
        complaint,
    };
    use crate::transport::Stage::{self, Body, Data, Greeting, Mail, Rcpt};

    #[test]
    fn what_a_refusal_is_about_is_read_from_its_code_and_words() {
        let table: &[(Stage, &str, Complaint)] = &[
            (Greeting, "421 4.7.0 too many connections from your host", Connections),
            (Greeting, "554 5.7.0 Too many connections", Connections),
            (Body, "432 4.3.2 Concurrent connections limit exceeded", Connections),
            (Mail, "421 4.7.0 too many messages in this connection", Session),
            (Data, "452 4.4.5 Maximum number of messages per session exceeded", Session),
            (Mail, "503 5.7.0 too many mails in this session", Session),
            (Body, "454 Throttling failure: Maximum sending rate exceeded", Rate),
            (Mail, "421 4.7.28 detected unusual traffic", Rate),
            (Mail, "452 4.3.1 Insufficient system storage", Rate),
            (Mail, "452 4.5.3 Too many recipients: too many messages sent", Unclear),
            (Rcpt, "451 4.7.1 Try again later", Unclear),
            (Mail, "421 bye", Unclear),
            (Mail, "421 4.3.2 service shutting down", Unclear),
            (Rcpt, "450 4.2.0 come back in five minutes", Letter),
            (Rcpt, "451 4.7.1 Greylisted, try again in 300 seconds", Letter),
            (Rcpt, "450 4.2.1 this account receives mail at too high a rate limit", Letter),
            (Body, "451 4.7.32 From is not aligned", Letter),
            (Rcpt, "450 mailbox locked for now", Letter),
            (Body, "450 mailbox busy", Letter),
            (Rcpt, "450 4.3.0 the recipient's server is overloaded", Letter),
            (Rcpt, "450 4.7.0 this mailbox is busy: you are sending too fast", Rate),
            (Body, "451 4.3.0 server busy", Rate),
            (Body, "550 5.7.28 unusual rate", Letter),
        ];
        let wrong: Vec<String> = table
            .iter()
            .filter_map(|&(stage, text, expected)| {
                let found = complaint(stage, &text.parse().unwrap());
                (found != expected).then(|| format!("{stage}: {text}: {found:?}, expected {expected:?}"))
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
