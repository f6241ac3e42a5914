//! `mimeo bounces --json`: one object per message. `docs/bounces.md` and `docs/bounces.schema.json` describe it.

use serde::Serialize;

use crate::{bounce::Returned, dispatch::Settled};

#[derive(Serialize)]
struct Message<'a> {
    file: &'a str,
    kind: &'static str,
    recipients: Vec<Recipient<'a>>,
    complaint: Option<&'a str>,
    message_id: Option<&'a str>,
    token: Option<&'a str>,
    from: Option<&'a str>,
    reporter: Option<&'a str>,
    at: Option<String>,
    reader: &'static str,
}

#[derive(Serialize)]
struct Recipient<'a> {
    address: &'a str,
    class: Option<&'static str>,
    status: Option<String>,
    reply: Option<&'a str>,
    server: Option<&'a str>,
    delivery: Option<&'a str>,
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
    let mut line = serde_json::to_string(&message).expect("texts and lists of texts are JSON");
    line.push('\n');
    line
}
