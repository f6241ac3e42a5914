//! A dry run: plans the sending of an issue to a list and writes each letter into a folder, with a ledger that is thrown away.
//!
//! `cargo run --example send_to_folder -- issues/2023-01-06-the-quiet-week.md subscribers.example.csv /tmp/letters`

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
    transport::{Outbox, Transport},
};
use tokio::sync::watch;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issue, list, folder] = &arguments[..] else {
        return Err("usage: send_to_folder ISSUE.md LIST.csv FOLDER".into());
    };

    let from = Mailbox::new("Noor", EmailAddress::parse("noor@kettle.example.org")?);
    let newsletter = Newsletter::new("The Slow Kettle", from);
    let source = Source::new(issue, std::fs::read_to_string(issue)?);
    let context = BuildContext::new(&newsletter, Path::new("."), Timestamp::now());
    let built = render::build(source, "example", &context)?;
    let composer = Arc::new(Composer::new(&built.rendered, Secrets::new([7; 32]))?);

    // A dry run has a ledger in memory, and knows nothing of earlier runs.
    let ledger = Ledger::scratch()?;
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
        transport: Arc::new(Transport::Outbox(Outbox::new(folder))),
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
