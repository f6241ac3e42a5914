//! Sends an issue to a list through an SMTP relay, each person once. Run it again after an interruption, and it continues.
//!
//! `cargo run --example send_through_relay -- ISSUE.md LIST.csv 'smtp://127.0.0.1:2525?tls=none'`

#![allow(clippy::print_stdout, reason = "an example says what it did")]

use std::{error::Error, path::Path, sync::Arc};

use jiff::Timestamp;
use mimeograph::{
    address::EmailAddress,
    dispatch::{self, Interrupt, Run, Settings},
    ledger::{Ledger, NewDispatch},
    message::{Composer, Secrets},
    render::{self, BuildContext, Mailbox, Newsletter},
    source::Source,
    subscriber::List,
    transport::{Relay, Smtp, Transport},
};
use tokio::sync::watch;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issue, list, relay] = &arguments[..] else {
        return Err("usage: send_through_relay ISSUE.md LIST.csv URL".into());
    };

    let from = Mailbox::new("Noor", EmailAddress::parse("noor@kettle.example.org")?);
    let newsletter = Newsletter::new("The Slow Kettle", from);
    let source = Source::new(issue, std::fs::read_to_string(issue)?);
    let context = BuildContext::new(&newsletter, Path::new("."), Timestamp::now());
    let built = render::build(source, "example", &context)?;
    let composer = Arc::new(Composer::new(&built.rendered, Secrets::new([7; 32]))?);

    // The ledger is the memory of who has the issue: keep it.
    let ledger = Ledger::open(Path::new("example-ledger.db"))?;
    let opened = match ledger.find_dispatch("example").await? {
        Some(record) => record.id,
        None => {
            let new = NewDispatch { rendered: &built.rendered, opened_at: Timestamp::now() };
            let people = dispatch::people(List::open(Path::new(list))?, composer.clone());
            ledger.open_dispatch(&new, people).await?.dispatch
        }
    };

    let run = Run {
        ledger: ledger.clone(),
        dispatch: opened,
        choice: None,
        relay: "example".into(),
        composer,
        transport: Arc::new(Transport::Smtp(Smtp::new(Relay::parse(relay)?)?)),
        settings: Settings::default(),
        clock: Arc::new(Timestamp::now),
    };
    // A value sent here stops the run, as Ctrl-C does in the program.
    let (_stop, interrupts) = watch::channel(Interrupt::None);
    let ended = run.run(interrupts, |_event| {}).await?;
    let tally = ledger.tally(opened).await?;
    println!("{ended:?}: {} of {} accepted", tally.accepted, tally.planned);
    Ok(())
}
