//! The four questions, from flags or from a person at the terminal.

use std::path::{Component, Path};

use super::args::Args;
use crate::{
    cli::{
        context::Context,
        failure::{Exit, Failure},
    },
    config,
    transport::Relay,
};

/// What the settings are written from; each value has been validated.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) name: String,
    pub(super) from: String,
    /// The relay's URL; `None` for the outbox.
    pub(super) relay: Option<String>,
    pub(super) list: String,
    pub(super) postal_address: Option<String>,
}

/// The list in the ledger's database, instead of a file.
const MANAGED: &str = "managed";
/// Where letters go without a relay.
const OUTBOX: &str = "outbox";
const LIST: &str = "subscribers.csv";

/// A question with its flag, its default and what makes an answer valid.
struct Question {
    flag: &'static str,
    text: &'static str,
    default: Option<&'static str>,
    validate: fn(&str) -> Result<(), String>,
}

const NAME: Question =
    Question { flag: "--name", text: "Name of the newsletter", default: None, validate: validate_name };
const FROM: Question = Question {
    flag: "--from",
    text: "Sender, as in Noor <noor@example.org>",
    default: None,
    validate: validate_sender,
};
const RELAY: Question = Question {
    flag: "--relay",
    text: "Where letters go: a relay, as in smtps://login@smtp.example.com, or `outbox`",
    default: Some(OUTBOX),
    validate: validate_relay,
};
const LIST_FILE: Question = Question {
    flag: "--list",
    text: "Subscriber list: a CSV file, or `managed` for one in the database",
    default: Some(LIST),
    validate: validate_list,
};

impl Answers {
    /// Whether commands keep the list.
    pub(super) fn is_managed(&self) -> bool {
        self.list == MANAGED
    }

    /// # Errors
    ///
    /// When a flag is invalid, or when an answer is missing and there is no terminal to ask at.
    pub(super) fn collect(args: &Args, context: &Context) -> Result<Self, Failure> {
        if let Some(address) = &args.postal_address {
            validate_text(address).map_err(|reason| invalid("--postal-address", &reason))?;
        }
        // All flags are validated before the first question.
        let given =
            [(&NAME, &args.name), (&FROM, &args.from), (&RELAY, &args.relay), (&LIST_FILE, &args.list)];
        for (question, flag) in given {
            if let Some(value) = flag {
                (question.validate)(value.trim()).map_err(|reason| invalid(question.flag, &reason))?;
            }
        }
        let name = NAME.answer(args.name.as_deref(), context)?;
        let from = FROM.answer(args.from.as_deref(), context)?;
        let relay = RELAY.answer(args.relay.as_deref(), context)?;
        let list = LIST_FILE.answer(args.list.as_deref(), context)?;
        let relay = Some(relay).filter(|relay| relay != OUTBOX);
        Ok(Self { name, from, relay, list, postal_address: args.postal_address.clone() })
    }
}

fn invalid(flag: &str, reason: &str) -> Failure {
    Failure::input(format!("invalid value for {flag}: {reason}")).exit(Exit::Usage)
}

impl Question {
    fn answer(&self, flag: Option<&str>, context: &Context) -> Result<String, Failure> {
        if let Some(value) = flag {
            return Ok(value.trim().to_owned());
        }
        if !context.terminal.is_interactive() {
            return self.default.map(str::to_owned).ok_or_else(|| {
                Failure::input("cannot prompt: not a terminal")
                    .hint("pass --name and --from")
                    .exit(Exit::Usage)
            });
        }
        loop {
            let answer = context.terminal.ask_for(self.text, self.default).map_err(Failure::outside)?;
            let Some(answer) = answer else {
                return Err(Failure::input("the input ended; nothing was written").exit(Exit::Usage));
            };
            match (self.validate)(&answer) {
                Ok(()) => return Ok(answer),
                Err(reason) => context.terminal.print(&format!("  {reason}")),
            }
        }
    }
}

fn validate_text(text: &str) -> Result<(), String> {
    match text {
        text if text.trim().is_empty() => Err("it is empty".to_owned()),
        text if text.chars().any(char::is_control) => {
            Err("it contains a line break or another control character".to_owned())
        }
        _ => Ok(()),
    }
}

fn validate_name(name: &str) -> Result<(), String> {
    validate_text(name)
}

fn validate_sender(sender: &str) -> Result<(), String> {
    validate_text(sender)?;
    config::parse_sender(sender).map(drop).map_err(|error| format!("invalid email address: {error}"))
}

fn validate_relay(relay: &str) -> Result<(), String> {
    if relay == OUTBOX {
        return Ok(());
    }
    Relay::parse(relay).map(drop).map_err(|error| error.to_string())
}

/// The list is named from the newsletter's folder. A path that leaves it is the owner's to write into the settings.
fn validate_list(list: &str) -> Result<(), String> {
    validate_text(list)?;
    let path = Path::new(list);
    let is_inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_inside || path.file_name().is_none() || list.ends_with('/') {
        return Err("name a file in the newsletter's folder".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_validated() {
        for (question, valid, invalid) in [
            (&NAME, &["The Slow Kettle", "\"Tee\" & 'Tea'", "周报"][..], &["", " ", "a\nb"][..]),
            (&FROM, &["a@example.org", "Noor <noor@example.org>"], &["", "noor", "Noor <noor>", "a@b@c"]),
            (
                &RELAY,
                &["outbox", "smtps://noor@smtp.example.org", "smtp://localhost:2525?tls=none"],
                &["", "smtp.example.org", "https://example.org", "smtps://noor:secret@smtp.example.org"],
            ),
            (
                &LIST_FILE,
                &["subscribers.csv", "lists/all.csv", "managed"],
                &["", "../x.csv", "/etc/passwd", "lists/", "."],
            ),
        ] {
            for answer in valid {
                assert_eq!((question.validate)(answer), Ok(()), "{} {answer:?}", question.flag);
            }
            for answer in invalid {
                let reason = (question.validate)(answer).expect_err(answer);
                assert!(!reason.contains("secret"), "{reason}");
            }
        }
    }
}
