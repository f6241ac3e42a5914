//! Builds the letter of an issue, and writes it as HTML, as text, and as the message that one subscriber gets.
//!
//! `cargo run --example build_letter -- issues/2023-01-06-the-quiet-week.md /tmp/letter`

#![allow(clippy::print_stdout, reason = "an example says what it did")]

use std::{error::Error, fs, path::Path};

use jiff::Timestamp;
use mimeograph::{
    address::EmailAddress,
    message::{Composer, Secrets},
    render::{self, BuildContext, Mailbox, Newsletter},
    source::Source,
    subscriber::Subscriber,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issue, folder] = &arguments[..] else { return Err("usage: build_letter ISSUE.md FOLDER".into()) };
    let folder = Path::new(folder);

    let from = Mailbox::new("Noor", EmailAddress::parse("noor@kettle.example.org")?);
    let newsletter = Newsletter {
        postal_address: Some("1 Kettle Lane\n12345 Example".into()),
        ..Newsletter::new("The Slow Kettle", from)
    };

    // The same for all readers. An error has every problem with its line and column.
    let source = Source::new(issue, fs::read_to_string(issue)?);
    let context = BuildContext::new(&newsletter, Path::new("."), Timestamp::now());
    let built = render::build(source, "example", &context)?;
    for finding in &built.diagnostics {
        println!("{}: {}", finding.place, finding.message);
    }

    // One message per subscriber. The key makes Message-IDs and unsubscribe tokens; a real newsletter keeps its own.
    let composer = Composer::new(&built.rendered, Secrets::new([7; 32]))?;
    let mut ada = Subscriber::new(EmailAddress::parse("ada@example.com")?);
    ada.fields.insert("first_name", "Ada");
    let message = composer.compose(&ada, Vec::new())?;

    fs::create_dir_all(folder)?;
    fs::write(folder.join("letter.html"), built.rendered.html.to_string())?;
    fs::write(folder.join("letter.txt"), built.rendered.text.to_string())?;
    fs::write(folder.join("letter.eml"), message.bytes())?;
    println!("letter.html, letter.txt and letter.eml are in {}", folder.display());
    Ok(())
}
