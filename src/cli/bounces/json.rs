//! `mimeo bounces --json`: one object per message. `docs/bounces.md` and `docs/schemas/bounces.schema.json` describe it.

use serde::Serialize;

use super::super::json::Versioned;
use crate::{bounce::Returned, dispatch::Settled};

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct Message<'a> {
    /// The file that the message is in, or `-` for the standard input
    file: &'a str,
    /// `bounce`, `delay`, `complaint`, `unsubscribe`, `auto-reply`, `delivered` or `unknown`
    kind: &'static str,
    /// Whom the message is about, each once
    recipients: Vec<Recipient<'a>>,
    /// The type of a feedback report, such as `abuse` (RFC 5965)
    complaint: Option<&'a str>,
    /// The Message-ID of the letter that came back, without angle brackets
    message_id: Option<&'a str>,
    /// The token in the address that the message was sent to, or that a reader unsubscribes with
    token: Option<&'a str>,
    /// Who wrote the message, for an answer or a request to unsubscribe
    from: Option<&'a str>,
    /// The system that reports
    reporter: Option<&'a str>,
    /// When the letter failed, or else when the message was written
    at: Option<String>,
    /// How the message was read: `dsn`, `arf`, or the name of a reader for one kind of system
    reader: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Recipient<'a> {
    address: &'a str,
    /// `hard`, `soft` or `ours`, for a bounce or a delay
    class: Option<&'static str>,
    /// The enhanced status code, such as `5.1.1` (RFC 3463)
    status: Option<String>,
    /// What the server or the reporting system said
    reply: Option<&'a str>,
    /// The server that refused the letter
    server: Option<&'a str>,
    /// The issue that the letter was of, if it is proved to be ours
    delivery: Option<&'a str>,
    /// What followed: `suppressed`, `counted`, `held`, `shown` or `nothing`; null without a ledger
    effect: Option<&'static str>,
}

/// The object of one message, with its line end.
pub(super) fn line(file: &str, returned: &Returned, settled: &[Settled], has_ledger: bool) -> String {
    let mut recipients = Vec::new();
    for one in settled {
        let Some(address) = &one.address else { continue };
        let finding = one.finding.as_ref();
        recipients.push(Recipient {
            address: address.expose(),
            class: finding.and_then(|finding| finding.class).map(|class| class.word()),
            status: finding.and_then(|finding| finding.status).map(|status| status.to_string()),
            reply: finding.and_then(|finding| finding.reply.as_deref()),
            server: finding.and_then(|finding| finding.server.as_deref()),
            delivery: one.delivery.as_ref().map(|found| found.dispatch.slug.as_str()),
            effect: has_ledger.then(|| one.effect.word()),
        });
    }
    let message = Message {
        file,
        kind: returned.kind.word(),
        recipients,
        complaint: returned.complaint.as_deref(),
        message_id: returned.message_id.as_deref(),
        token: returned.token.as_deref(),
        from: returned.from.as_ref().map(|address| address.expose()),
        reporter: returned.reporter.as_deref(),
        at: returned.at.map(|at| at.to_string()),
        reader: returned.reader,
    };
    let mut line =
        serde_json::to_string(&Versioned::new(message)).expect("texts and lists of texts are JSON");
    line.push('\n');
    line
}
