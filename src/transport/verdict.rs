//! Whom a reply is about: the letter, the relay, or us (RFC 5321 section 4.2, RFC 3463, RFC 5248).

use super::{
    complaint::{Complaint, complaint},
    reply::Reply,
    stage::Stage,
};

/// What follows from a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The reply that was hoped for.
    Good,
    /// This letter later.
    LetterLater,
    /// This letter never.
    LetterNever,
    /// The relay closes the connection. The letter is put off as well once it was named (from RCPT on): a letter that
    /// makes a relay hang up must not come first for ever.
    Closing,
    /// It speaks of the session, the sender or us, and waiting may help. The letter was not accepted.
    RelayLater,
    /// It speaks of the session, the sender or us, and someone has to fix something. The letter was not accepted.
    RelayStop,
    /// A reply that cannot appear here: we are out of step.
    OutOfStep,
}

/// Decides by code, enhanced code, place and, where these leave it open, words.
pub fn judge(stage: Stage, reply: &Reply) -> Verdict {
    use Verdict::{Closing, Good, OutOfStep, RelayLater, RelayStop};
    let code = reply.code;
    let expected = match stage {
        Stage::Connect | Stage::Greeting | Stage::Tls => code == 220,
        Stage::Ehlo | Stage::Mail | Stage::Body => code == 250,
        Stage::Auth => code == 235,
        Stage::Rcpt => matches!(code, 250..=252),
        Stage::Data => code == 354,
    };
    if expected {
        return Good;
    }
    if !matches!(code / 100, 4 | 5) {
        return OutOfStep;
    }
    if code == 421 {
        return if before_any_letter(stage) { RelayLater } else { Closing };
    }
    let permanent = code / 100 == 5;
    match stage {
        // 432 and x.7.12 ask for a new password, 534 and 538 for another way in.
        Stage::Auth if permanent || code == 432 || reply.is_about((7, 12)) => RelayStop,
        _ if before_any_letter(stage) => {
            if permanent && complaint(stage, reply) != Complaint::Connections {
                RelayStop
            } else {
                RelayLater
            }
        }
        Stage::Mail => at_mail(reply, permanent),
        _ => at_letter(stage, reply, permanent),
    }
}

fn before_any_letter(stage: Stage) -> bool {
    matches!(stage, Stage::Connect | Stage::Greeting | Stage::Ehlo | Stage::Tls | Stage::Auth)
}

/// MAIL names the sender and the letter's size, and nothing else of the letter.
fn at_mail(reply: &Reply, permanent: bool) -> Verdict {
    let of_this_letter = reply.is_about((3, 4)) || reply.is_about((2, 3)) || reply.subject() == Some(6);
    match (permanent, of_this_letter || reply.code == 552) {
        (true, true) => Verdict::LetterNever,
        (true, false) if is_quota(reply) => Verdict::RelayLater,
        (true, false)
            if matches!(complaint(Stage::Mail, reply), Complaint::Connections | Complaint::Session) =>
        {
            Verdict::RelayLater
        }
        (true, false) => Verdict::RelayStop,
        (false, _) if of_this_letter => Verdict::LetterLater,
        // We are too fast: the connection is fine.
        (false, _) if !is_quota(reply) && complaint(Stage::Mail, reply) == Complaint::Rate => {
            Verdict::LetterLater
        }
        (false, _) => Verdict::RelayLater,
    }
}

/// From RCPT to the last byte of the body.
fn at_letter(stage: Stage, reply: &Reply, permanent: bool) -> Verdict {
    if is_about_us(stage, reply, permanent) {
        return if permanent && !is_quota(reply) { Verdict::RelayStop } else { Verdict::RelayLater };
    }
    match permanent {
        false => Verdict::LetterLater,
        true if complaint(stage, reply) == Complaint::Session => Verdict::LetterLater,
        // RFC 5321 section 4.5.3.1.10: an old code for "too many recipients (for now)".
        true if stage == Stage::Rcpt && reply.code == 552 && reply.says_one_of(&["too many recipients"]) => {
            Verdict::LetterLater
        }
        true => Verdict::LetterNever,
    }
}

/// Whether a refusal from RCPT on is for our sake: it would meet every other letter just as well.
fn is_about_us(stage: Stage, reply: &Reply, permanent: bool) -> bool {
    // A command not understood, a login or TLS asked for.
    if matches!(reply.code, 500 | 502 | 504 | 530 | 534 | 535 | 538) {
        return true;
    }
    if is_quota(reply) {
        return true;
    }
    match reply.enhanced {
        Some((_, 1, 7 | 8)) => permanent,
        Some((_, 3, 5)) => permanent,
        Some((_, 5, 1)) if stage != Stage::Data => permanent,
        Some((_, 7, detail)) => match detail {
            // Signature, SPF, DMARC, reverse name, ARC, alignment. While it is said to pass, only the letter waits: not
            // every recipient's server asks for them.
            20..=27 | 29 | 32 => permanent,
            // The mailbox or domain has a new owner; lists and groups with members only.
            2 | 13 | 15..=19 | 124..=199 => false,
            // The login and its strength.
            8..=12 | 14 | 57 | 60 | 64 => permanent,
            // Microsoft's blocks of senders, addresses and tenants.
            500.. => permanent,
            28 => permanent,
            // "Not authorised": at RCPT the words decide, at the end of the data it is the content, which is
            // everybody's.
            _ if stage == Stage::Rcpt => permanent && speaks_of_us(reply),
            _ => permanent,
        },
        // "Other address status": Postfix says so of senders too.
        Some((_, 1, 0)) | None => permanent && speaks_of_us(reply),
        Some(_) => permanent && speaks_of_the_sender(reply),
    }
}

fn speaks_of_the_sender(reply: &Reply) -> bool {
    reply.says_one_of(&[
        "sender address",
        "sender rejected",
        "sender verify",
        "sender denied",
        "mail from:",
        "from address",
    ])
}

fn speaks_of_us(reply: &Reply) -> bool {
    speaks_of_the_sender(reply)
        || reply.says_one_of(&[
            "relay access denied",
            "relaying denied",
            "relay not permitted",
            "unable to relay",
            "not permitted to relay",
            "relaying not allowed",
            "client host",
            "your host",
            "your ip",
            "sending ip",
            "ip address",
            "blacklist",
            "black list",
            "blocklist",
            "block list",
            "blocked using",
            "dnsbl",
            " rbl",
            "spamhaus",
            "spamcop",
            "barracuda",
            "reputation",
            "spf",
            "dkim",
            "dmarc",
            "unauthenticated",
            "authentication required",
            "must authenticate",
            "not authenticated",
            "starttls",
            "reverse dns",
            "ptr record",
            "spam",
            "unsolicited",
            "account suspended",
            "account is suspended",
            "account disabled",
        ])
}

/// Whether our own quota is used up: waiting helps, if only until tomorrow. A full mailbox (x.2.2) is another matter.
fn is_quota(reply: &Reply) -> bool {
    if reply.subject() == Some(2) {
        return false;
    }
    reply.is_about((4, 5)) && reply.code / 100 == 5
        || reply.says_one_of(&[
            "daily sending",
            "daily user sending",
            "daily message quota",
            "daily limit",
            "sending limit",
            "sending quota",
            "message quota",
            "hourly limit",
            "hourly quota",
            "monthly limit",
            "monthly quota",
            "account quota",
        ])
}

impl Reply {
    fn subject(&self) -> Option<u16> {
        self.enhanced.map(|(_, subject, _)| subject)
    }

    fn is_about(&self, (subject, detail): (u16, u16)) -> bool {
        matches!(self.enhanced, Some((_, s, d)) if (s, d) == (subject, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Stage::{self, Auth, Body, Data, Ehlo, Greeting, Mail, Rcpt, Tls},
        Verdict::{self, Closing, Good, LetterLater, LetterNever, OutOfStep, RelayLater, RelayStop},
        judge,
    };

    const TABLE: &[(Stage, &str, Verdict)] = &[
        // The hoped-for code, and no other of its kind.
        (Greeting, "220 mx.example.com ESMTP", Good),
        (Ehlo, "250 mx.example.com", Good),
        (Tls, "220 2.0.0 go ahead", Good),
        (Auth, "235 2.7.0 accepted", Good),
        (Mail, "250 2.1.0 Ok", Good),
        (Rcpt, "250 2.1.5 Ok", Good),
        (Rcpt, "251 will forward", Good),
        (Rcpt, "252 cannot verify", Good),
        (Data, "354 end with a dot", Good),
        (Body, "250 2.0.0 queued", Good),
        (Greeting, "250 hello", OutOfStep),
        (Auth, "250 sure", OutOfStep),
        (Auth, "334 more", OutOfStep),
        (Mail, "251 hm", OutOfStep),
        (Mail, "354 huh", OutOfStep),
        (Rcpt, "354 huh", OutOfStep),
        (Rcpt, "253 hm", OutOfStep),
        (Data, "250 sure", OutOfStep),
        (Body, "354 again", OutOfStep),
        (Body, "251 hm", OutOfStep),
        // Closing.
        (Greeting, "421 4.3.2 no more connections", RelayLater),
        (Ehlo, "421 bye", RelayLater),
        (Tls, "421 bye", RelayLater),
        (Auth, "421 4.7.0 try later", RelayLater),
        (Mail, "421 4.7.28 unusual rate", Closing),
        (Rcpt, "421 bye", Closing),
        (Data, "421 bye", Closing),
        (Body, "421 4.7.32 not aligned", Closing),
        // Before any letter.
        (Greeting, "450 later", RelayLater),
        (Greeting, "554 no mail here", RelayStop),
        (Greeting, "554 5.7.0 too many connections", RelayLater),
        (Ehlo, "451 later", RelayLater),
        (Ehlo, "502 not implemented", RelayStop),
        (Ehlo, "550 5.7.1 your host is blocked", RelayStop),
        (Tls, "454 4.7.0 TLS not available", RelayLater),
        (Tls, "502 5.5.1 no", RelayStop),
        (Auth, "454 4.7.0 temporary authentication failure", RelayLater),
        (Auth, "451 4.3.0 later", RelayLater),
        (Auth, "432 4.7.12 a password transition is needed", RelayStop),
        (Auth, "450 4.7.12 a password transition is needed", RelayStop),
        (Auth, "500 5.5.6 line too long", RelayStop),
        (Auth, "504 5.5.4 mechanism unknown", RelayStop),
        (Auth, "534 5.7.9 application-specific password required", RelayStop),
        (Auth, "535 5.7.8 authentication failed", RelayStop),
        (Auth, "538 5.7.11 encryption required", RelayStop),
        // MAIL speaks of the sender and of the letter's size.
        (Mail, "450 4.7.1 too much mail", LetterLater),
        (Mail, "451 4.3.0 later", RelayLater),
        (Mail, "452 4.3.1 insufficient storage", LetterLater),
        (Mail, "454 Throttling failure: Maximum sending rate exceeded", LetterLater),
        (Mail, "452 4.3.4 message too big for now", LetterLater),
        (Mail, "501 5.1.7 bad sender address syntax", RelayStop),
        (Mail, "503 5.5.1 nested MAIL", RelayStop),
        (Mail, "530 5.7.0 authentication required", RelayStop),
        (Mail, "550 5.7.1 sender not allowed", RelayStop),
        (Mail, "550 5.7.60 you may not send as this sender", RelayStop),
        (Mail, "550 5.4.5 daily user sending limit exceeded", RelayLater),
        (Mail, "550 no such sender", RelayStop),
        (Mail, "551 5.7.1 no", RelayStop),
        (Mail, "552 5.3.4 message too big", LetterNever),
        (Mail, "552 message size exceeds fixed limit", LetterNever),
        (Mail, "550 5.6.7 SMTPUTF8 not here", LetterNever),
        (Mail, "553 5.1.8 sender domain not found", RelayStop),
        (Mail, "553 sorry, that is not your address", RelayStop),
        (Mail, "555 5.5.4 unsupported option", RelayStop),
        // RCPT speaks of the recipient, unless it does not.
        (Rcpt, "450 4.2.0 greylisted", LetterLater),
        (Rcpt, "450 4.2.1 mailbox busy", LetterLater),
        (Rcpt, "451 4.3.0 lookup failure", LetterLater),
        (Rcpt, "451 4.7.1 greylisting in action", LetterLater),
        (Rcpt, "452 4.2.2 mailbox full", LetterLater),
        (Rcpt, "452 4.5.3 too many recipients", LetterLater),
        (Rcpt, "454 4.7.1 relay access denied for now", LetterLater),
        (Rcpt, "454 Throttling failure: Daily message quota exceeded", RelayLater),
        (Rcpt, "501 5.1.3 bad address syntax", LetterNever),
        (Rcpt, "500 5.5.2 what", RelayStop),
        (Rcpt, "503 5.5.1 need MAIL", RelayStop),
        (Rcpt, "530 5.7.0 must issue STARTTLS first", RelayStop),
        (Rcpt, "535 5.7.8 log in first", RelayStop),
        (Rcpt, "550 no such user", LetterNever),
        (Rcpt, "550 5.1.1 no such user", LetterNever),
        (Rcpt, "550 <spamhaus.spf@example.com>: no such user here", LetterNever),
        (Rcpt, "550 dkim@example.com is not known here", LetterNever),
        (Rcpt, "550 5.1.10 null MX", LetterNever),
        (Rcpt, "550 5.1.2 host not found", LetterNever),
        (Rcpt, "550 5.1.6 moved", LetterNever),
        (Rcpt, "550 5.2.1 mailbox disabled", LetterNever),
        (Rcpt, "550 5.4.1 recipient address rejected: access denied", LetterNever),
        (Rcpt, "550 5.4.4 domain not found", LetterNever),
        (Rcpt, "550 5.7.1 recipient wants no mail from you", LetterNever),
        (Rcpt, "550 5.7.1 <a@example.com>: Relay access denied", RelayStop),
        (Rcpt, "554 5.7.1 <a@example.com>: Relay access denied", RelayStop),
        (
            Rcpt,
            "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
            RelayStop,
        ),
        (Rcpt, "553 5.7.1 <x@example.org>: Sender address rejected: not owned by user bob", RelayStop),
        (Rcpt, "550 5.1.8 sender's domain not found", RelayStop),
        (Rcpt, "550 5.1.0 <x@example.org>: Sender address rejected", RelayStop),
        (Rcpt, "550 5.1.0 address rejected", LetterNever),
        (Rcpt, "550 5.7.124 sender not in the group's allowed senders", LetterNever),
        (Rcpt, "550 5.7.17 mailbox has a new owner", LetterNever),
        (Rcpt, "550 5.7.606 access denied, banned sending IP", RelayStop),
        (Rcpt, "550 relaying denied", RelayStop),
        (Rcpt, "551 user not local", LetterNever),
        (Rcpt, "552 5.2.2 over quota", LetterNever),
        (Rcpt, "552 too many recipients", LetterLater),
        (Rcpt, "553 5.1.3 mailbox name not allowed", LetterNever),
        (Rcpt, "550 5.6.7 no internationalised addresses", LetterNever),
        // DATA and the end of the body: the letter's content, which is everybody's, or us.
        (Data, "451 4.3.0 later", LetterLater),
        (Data, "452 4.3.1 insufficient storage", LetterLater),
        (Data, "554 5.7.1 policy", RelayStop),
        (Data, "554 no valid recipients", LetterNever),
        (Data, "550 5.7.26 not authenticated", RelayStop),
        (Body, "450 4.2.1 try again", LetterLater),
        (Body, "451 4.3.0 queue file write error", LetterLater),
        (Body, "451 4.7.650 rate limited", LetterLater),
        (Body, "450 4.7.26 neither SPF nor DKIM passed", LetterLater),
        (Body, "451 4.7.32 From is not aligned", LetterLater),
        (Body, "452 4.3.1 full", LetterLater),
        (Body, "454 Throttling failure: Maximum sending rate exceeded", LetterLater),
        (Body, "550 5.4.5 daily sending quota exceeded", RelayLater),
        (Body, "550 5.7.1 message refused by policy", RelayStop),
        (Body, "550 5.7.20 no passing DKIM signature", RelayStop),
        (Body, "550 5.7.23 SPF failed", RelayStop),
        (Body, "550 5.7.26 this mail is unauthenticated", RelayStop),
        (Body, "550 5.7.27 sender has null MX", RelayStop),
        (Body, "550 5.7.28 mail flood", RelayStop),
        (Body, "550 5.7.32 From is not aligned", RelayStop),
        (Body, "550 5.7.509 sending domain does not pass DMARC", RelayStop),
        (
            Body,
            "550 5.7.515 access denied, sending domain does not meet the required authentication level",
            RelayStop,
        ),
        (Body, "550 5.7.708 service unavailable, low reputation", RelayStop),
        (Body, "550 5.1.1 no such user", LetterNever),
        (Body, "550 5.7.2 list expansion prohibited", LetterNever),
        (Body, "550 this message looks like spam", RelayStop),
        (Body, "552 5.2.2 mailbox full", LetterNever),
        (Body, "552 5.3.4 message too big", LetterNever),
        (Body, "554 5.6.0 message malformed", LetterNever),
        (Body, "554 transaction failed", LetterNever),
        (Body, "530 5.7.0 log in first", RelayStop),
    ];

    #[test]
    fn every_reply_is_about_someone() {
        assert!(TABLE.len() >= 80);
        let wrong: Vec<String> = TABLE
            .iter()
            .filter_map(|&(stage, text, expected)| {
                let found = judge(stage, &text.parse().unwrap());
                (found != expected).then(|| format!("{stage}: {text}: {found:?}, expected {expected:?}"))
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn no_refusal_is_ever_good() {
        for stage in [Greeting, Ehlo, Tls, Auth, Mail, Rcpt, Data, Body] {
            for code in 400..600 {
                let found = judge(stage, &format!("{code} no").parse().unwrap());
                assert!(!matches!(found, Good | OutOfStep), "{stage} {code}");
            }
        }
    }
}
