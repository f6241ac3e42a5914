//! What real relays refuse, as a table, and each row as a script for the scripted relay.

#![allow(dead_code, reason = "tests and benchmarks share it, and each uses a part")]

use super::relay::{At, Do, Script, When};

/// One refusal of a real relay, its words reworded.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) relay: String,
    pub(crate) stage: String,
    pub(crate) limit: Limit,
    /// `closes`: it closes without a word.
    pub(crate) reply: String,
    /// What the words and codes say: `connections`, `session`, `rate`, `unclear`, `letter`.
    pub(crate) says: String,
}

/// What a relay's refusal really is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    /// Connections at the same time.
    Connections(u64),
    /// Letters on one connection.
    Session(u64),
    /// Letters a second.
    Rate(f64),
    /// One person in a hundred.
    People,
    /// One accident.
    Once,
}

impl Row {
    pub(crate) fn name(&self) -> String {
        format!("{}, {}: {}", self.relay, self.stage, self.reply)
    }

    fn at(&self) -> At {
        match self.stage.as_str() {
            "greeting" => At::Greeting,
            "MAIL" => At::Mail,
            "RCPT" => At::Rcpt,
            "DATA" => At::Data,
            "after the body" => At::Dot,
            other => panic!("unknown stage {other}"),
        }
    }

    /// A relay that behaves like this.
    pub(crate) fn script(&self) -> Script {
        let when = match self.limit {
            Limit::Connections(most) => When::CrowdOver(most),
            Limit::Session(most) => When::AfterLetters(most),
            Limit::Rate(rate) => When::FasterThan(rate),
            Limit::People => When::To("00@".to_owned()),
            Limit::Once => When::Nth(2),
        };
        let closes = self.reply.starts_with("421") || self.stage == "greeting";
        let action = match self.reply.as_str() {
            "closes" => Do::Close,
            reply if closes => Do::SayAndClose(reply.to_owned()),
            reply => Do::Say(reply.to_owned()),
        };
        Script::new().counting_only().rule(self.at(), when, action)
    }
}

/// All rows.
pub(crate) fn rows() -> Vec<Row> {
    include_str!("../../fixtures/relays.csv")
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let [relay, stage, limit, reply, says] = cells[..] else { panic!("five cells: {line}") };
            let mut words = limit.split(' ');
            let (kind, number) =
                (words.next().unwrap(), words.next().map(|word| word.parse::<u64>().unwrap()));
            let limit = match (kind, number) {
                ("connections", Some(most)) => Limit::Connections(most),
                ("session", Some(most)) => Limit::Session(most),
                ("rate", Some(rate)) => Limit::Rate(rate as f64),
                ("people", None) => Limit::People,
                ("once", None) => Limit::Once,
                _ => panic!("unknown limit: {line}"),
            };
            Row { relay: relay.into(), stage: stage.into(), limit, reply: reply.into(), says: says.into() }
        })
        .collect()
}
