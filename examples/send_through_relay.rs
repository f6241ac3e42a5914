//! Sends an issue to a list through an SMTP relay, each person once. Run it again after an interruption, and it continues.
//!
//! `cargo run --example send_through_relay -- ISSUE.md LIST.csv 'smtp://127.0.0.1:2525?tls=none'`

#![allow(clippy::print_stdout, reason = "an example says what it did")]

use std::{error::Error, path::Path, sync::Arc};

use jiff::Timestamp;
use mimeograph::{
    address::EmailAddress,
    dispatch::{self, Options, Settings},
    ledger::Ledger,
    message::Secrets,
    render::{self, BuildContext, Mailbox, Newsletter},
    source::Source,
    transport::{Relay, Smtp, Transport},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issue, list, relay] = &arguments[..] else {
        return Err("usage: send_through_relay ISSUE.md LIST.csv URL".into());
    };

    let from = Mailbox::new("Noor", EmailAddress::parse("noor@kettle.example.org")?);
    let newsletter = Newsletter::new("The Slow Kettle", from);
    let context = BuildContext::new(&newsletter, Path::new("."), Timestamp::now());
    let built = render::build(Source::new(issue, std::fs::read_to_string(issue)?), "example", &context)?;

    // The ledger is the memory of who has the issue: keep it.
    let ledger = Ledger::open(Path::new("example-ledger.db"))?;
    let source = dispatch::Source::new(built.rendered, list, Secrets::new([7; 32]));
    let opened = dispatch::open(source, &ledger, &Options::new(Timestamp::now())).await?;

    let transport = Arc::new(Transport::Smtp(Smtp::new(Relay::parse(relay)?)?));
    let ended = opened.run(&transport, Settings::default()).send(|_event| {}).await?;
    let tally = opened.tally().await?;
    println!("{ended:?}: {} of {} accepted", tally.accepted, tally.planned);
    Ok(())
}
