//! Everything that is recorded for one address.

use serde::Serialize;

use super::{args::Args, form::Listed};
use crate::{
    address::EmailAddress,
    bounce::Class,
    cli::{
        context::Context,
        failure::{Exit, Failure},
    },
    ledger::{BounceEvent, HistoryEvent, Ledger},
    report::format::{printable, when},
};

/// What is recorded for one address.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct PersonStatus<'a> {
    address: &'a str,
    /// Null if letters may go there
    suppressed: Option<Suppressed<'a>>,
    /// The issues that were meant for it
    issues: Vec<PersonIssue<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Suppressed<'a> {
    /// As in `mimeo suppress --reason`
    reason: &'a str,
    note: Option<&'a str>,
    at: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PersonIssue<'a> {
    issue: &'a str,
    /// `accepted`, `queued`, `deferred`, `failed`, `unconfirmed` or `suppressed`
    state: &'static str,
    attempts: u32,
    /// What happened, in order. Each has `at`; an attempt has `relay` and `outcome`, a decision of the owner `decision`, a
    /// letter that came back `returned`
    events: Vec<serde_json::Value>,
}
impl Args {
    pub(super) async fn person(
        &self,
        context: &Context,
        ledger: &Ledger,
        address: &EmailAddress,
    ) -> Result<Exit, Failure> {
        let histories = ledger.history(address).await?;
        let suppression = ledger.suppression(address).await?;
        if self.json {
            let report = PersonStatus {
                address: address.expose(),
                suppressed: suppression.as_ref().map(|one| Suppressed {
                    reason: one.reason.word(),
                    note: one.note.as_deref(),
                    at: one.at.to_string(),
                }),
                issues: histories
                    .iter()
                    .map(|history| PersonIssue {
                        issue: &history.dispatch.slug,
                        state: Listed::of(history.delivery.state),
                        attempts: history.delivery.attempts,
                        events: history.events.iter().map(event_json).collect(),
                    })
                    .collect(),
            };
            return Self::json(context, &report);
        }
        let mut out = String::new();
        if let Some(one) = suppression {
            let note = one.note.map(|note| format!(" ({note})")).unwrap_or_default();
            out.push_str(&format!("suppressed since {}: {}{note}\n", when(one.at), one.reason));
        }
        if histories.is_empty() {
            context.terminal.say("nothing is recorded for this address");
        }
        for history in histories {
            out.push_str(&format!("{}: {}\n", history.dispatch.slug, Listed::of(history.delivery.state)));
            for event in &history.events {
                out.push_str(&format!("  {}  {}\n", when(event.at()), event_words(event)));
            }
        }
        Self::data(context, &printable(&out))
    }
}
fn event_words(event: &HistoryEvent) -> String {
    match event {
        HistoryEvent::Attempt { relay, outcome, .. } => {
            use crate::transport::Outcome;
            match outcome {
                Outcome::Accepted { reply } => format!("accepted by {relay}: {reply}"),
                Outcome::Deferred { stage, reply } => format!("deferred by {relay} ({stage}): {reply}"),
                Outcome::Rejected { stage, reply } => format!("refused by {relay} ({stage}): {reply}"),
                Outcome::Unconfirmed { why } => format!("unconfirmed at {relay}: {why}"),
            }
        }
        HistoryEvent::Decision { decision, .. } => format!("decided: {}", decision.word()),
        HistoryEvent::Returned(event) => returned_words(event),
    }
}

/// What came back, in words.
fn returned_words(event: &BounceEvent) -> String {
    let what = match event.class {
        Some(class) => format!("{} ({})", event.kind.word(), class.word()),
        None => event.kind.word().to_owned(),
    };
    let reply = if event.reply.is_empty() { String::new() } else { format!(": {}", event.reply) };
    let proof = if event.resolved { "; so the relay had accepted the letter" } else { "" };
    format!("{what}{reply}; effect: {}{proof}", event.effect.word())
}

fn event_json(event: &HistoryEvent) -> serde_json::Value {
    match event {
        HistoryEvent::Attempt { begun_at, ended_at, relay, outcome } => serde_json::json!({
            "at": ended_at.to_string(),
            "begun_at": begun_at.map(|at| at.to_string()),
            "relay": relay,
            "outcome": outcome,
        }),
        HistoryEvent::Decision { at, decision } => {
            serde_json::json!({ "at": at.to_string(), "decision": decision.word() })
        }
        HistoryEvent::Returned(event) => serde_json::json!({
            "at": event.at.to_string(),
            "returned": event.kind.word(),
            "class": event.class.map(Class::word),
            "reply": event.reply,
            "effect": event.effect.word(),
            "proves_accepted": event.resolved,
        }),
    }
}
