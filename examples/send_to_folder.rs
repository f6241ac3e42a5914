//! A dry run: plans the sending of an issue to a list and writes each letter into a folder, with a ledger that is thrown away.
//!
//! `cargo run --example send_to_folder -- issues/2023-01-06-the-quiet-week.md subscribers.example.csv /tmp/letters`

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
    transport::{Outbox, Transport},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issue, list, folder] = &arguments[..] else {
        return Err("usage: send_to_folder ISSUE.md LIST.csv FOLDER".into());
    };

    let from = Mailbox::new("Noor", EmailAddress::parse("noor@kettle.example.org")?);
    let newsletter = Newsletter::new("The Slow Kettle", from);
    let context = BuildContext::new(&newsletter, Path::new("."), Timestamp::now());
    let built = render::build(Source::new(issue, std::fs::read_to_string(issue)?), "example", &context)?;

    // What makes a run a dry run are two values: a ledger in memory, and a folder as its transport. To see what a send with
    // an existing ledger would do, use `Ledger::scratch_copy`.
    let ledger = Ledger::scratch()?;
    let transport = Arc::new(Transport::Outbox(Outbox::new(folder)));

    let source = dispatch::Source::new(built.rendered, list, Secrets::new([7; 32]));
    let opened = dispatch::open(source, &ledger, &Options::new(Timestamp::now()).into_folder()).await?;
    println!("{} people get it", opened.plan.letters);

    opened.run(&transport, Settings::default()).send(|_event| {}).await?;
    println!("{} letters are in {folder}", opened.tally().await?.accepted);
    Ok(())
}
