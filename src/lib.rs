//! Write a newsletter in Markdown and send each issue to each subscriber once.
//!
//! This is the library behind the program `mimeo`. It turns an issue in Markdown into a responsive HTML letter with a text
//! part, checks it for what mail clients and readers would trip over, composes one message per subscriber, and hands the
//! messages to an SMTP relay. A ledger records every attempt, so that no one gets an issue twice and no one is skipped.
//!
//! # From Markdown to a message
//!
//! [`render::build`] does the work that is the same for all readers, and [`check::run`] finds what they would trip over. A
//! [`Composer`](message::Composer) then makes the message of each subscriber, with the same bytes whenever it is asked:
//!
//! ```
//! use std::path::Path;
//!
//! use mimeograph::{
//!     address::EmailAddress,
//!     check::{self, CheckContext},
//!     message::{Composer, Secrets},
//!     render::{self, BuildContext, Mailbox, Newsletter},
//!     source::Source,
//!     subscriber::Subscriber,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let from = Mailbox::new("Noor", EmailAddress::parse("noor@kettle.example.org")?);
//! let newsletter = Newsletter::new("The Slow Kettle", from);
//!
//! let text = "---\ntitle: The first cup\n---\n\nHello {{ subscriber.first_name | default(\"friend\") }}.\n";
//! let source = Source::new("issues/first-cup.md", text);
//! let context = BuildContext::new(&newsletter, Path::new("."), jiff::Timestamp::now());
//! let built = render::build(source, "first-cup", &context)?;
//! assert!(built.rendered.html.to_string().contains("The first cup"));
//!
//! let report = check::run(&built, &CheckContext::new(&newsletter, jiff::ZonedDateTime::now().date()))?;
//! for finding in &report.diagnostics {
//!     println!("{}: {} ({})", finding.place, finding.message, finding.code);
//! }
//!
//! let composer = Composer::new(&built.rendered, Secrets::new([7; 32]))?;
//! let mut ada = Subscriber::new(EmailAddress::parse("ada@example.com")?);
//! ada.fields.insert("first_name", "Ada");
//! let message = composer.compose(&ada, Vec::new())?;
//! assert!(String::from_utf8_lossy(&message.bytes()).contains("To: ada@example.com"));
//! # Ok(())
//! # }
//! ```
//!
//! # From a message to a relay
//!
//! With the feature `send`, [`dispatch::open`] checks that the issue may be sent, and records it with its recipients in a
//! [`ledger`]. [`Opened::run`](dispatch::Opened::run) then hands the messages to a [`transport`]: a relay, or a folder. If
//! anything interrupts it, do the same again: it continues, and no one gets the issue twice.
//!
//! ```no_run
//! # #[cfg(feature = "send")]
//! # async fn send(rendered: mimeograph::render::RenderedIssue) -> Result<(), Box<dyn std::error::Error>> {
//! use std::{path::Path, sync::Arc};
//!
//! use mimeograph::{
//!     dispatch::{self, Options, Settings},
//!     ledger::Ledger,
//!     message::Secrets,
//!     transport::{Relay, Smtp, Transport},
//! };
//!
//! // The ledger is the memory of who has which issue: keep it.
//! let ledger = Ledger::open(Path::new("ledger.db"))?;
//! let source = dispatch::Source::new(rendered, "subscribers.csv", Secrets::new([7; 32]));
//! let opened = dispatch::open(source, &ledger, &Options::new(jiff::Timestamp::now())).await?;
//!
//! let relay = Smtp::new(Relay::parse("smtp://127.0.0.1:2525?tls=none")?)?;
//! let transport = Arc::new(Transport::Smtp(relay));
//! let ended = opened.run(&transport, Settings::default()).send(|_event| {}).await?;
//! println!("{ended:?}: {} accepted", opened.tally().await?.accepted);
//! # Ok(())
//! # }
//! ```
//!
//! For a dry run, two values differ: [`Ledger::scratch_copy`](ledger::Ledger::scratch_copy) in place of the ledger, and an
//! [`Outbox`](transport::Outbox) in place of the relay. `examples/` in the repository has whole programs.
//!
//! # Features
//!
//! All but `highlight-all` are on by default, for the program. `default-features = false` leaves a library that reads issues
//! and lists, renders and checks letters and composes messages, without SQLite, TLS, an async runtime, a web server or a
//! highlighter.
//!
//! | Feature | Adds |
//! | --- | --- |
//! | `send` | the modules `transport`, `ledger`, `audience` and `dispatch` |
//! | `math` | formulas drawn as pictures, without a program of your own |
//! | `highlight` | colors in blocks of code, for some twenty languages |
//! | `highlight-all` | colors also for C#, Elixir, Erlang, Haskell, R, Scala, Swift and Zig, whose parsers are large |
//! | `postgres` | the ledger on PostgreSQL (includes `send`) |
//! | `cli` | the program `mimeo`, with its preview (includes `send`) |
//!
//! # Layers
//!
//! A module imports only those before it: `files`, `source`, `markup`, `address`, `subscriber`, `issue`, `assets`, `render`,
//! `archive`, `check`, `message`, `transport`, `bounce`, `hooks`, `mailbox`, `doctor`, `storage`, `ledger`, `audience`,
//! `dispatch`, `report`. The entry points `config`, `service`, `web` and `cli` may import all of them. `ARCHITECTURE.md` in
//! the repository explains what each does and never does.

#[cfg(not(unix))]
compile_error!("mimeograph needs a Unix system: Linux, or macOS");

pub mod address;
pub mod archive;
pub mod assets;
#[cfg(feature = "send")]
pub mod audience;
pub mod bounce;
pub mod check;
#[cfg(feature = "send")]
pub mod dispatch;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod doctor;
#[doc(hidden)]
pub mod files;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod hooks;
pub mod issue;
#[cfg(feature = "send")]
#[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "used by ledgers on a server"))]
pub mod ledger;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod mailbox;
mod markup;
pub mod message;
pub mod render;
pub mod source;
#[cfg(feature = "send")]
#[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "used by ledgers on a server"))]
mod storage;
pub mod subscriber;
#[cfg(feature = "send")]
pub mod transport;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod config;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod report;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod service;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod web;
