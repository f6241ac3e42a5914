use std::path::PathBuf;

use clap::ValueEnum;

/// Start a newsletter in a new or an existing folder
///
/// It asks for the name, the sender, where letters go, and the list file, and writes settings, a first issue that shows how
/// issues are written, a list with two invented people, and a `.gitignore`. Files that exist are kept as they are. Without a
/// terminal, `--name` and `--from` are required.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo init
  mimeo init kettle
  mimeo init kettle --name \"The Slow Kettle\" --from \"Noor <noor@kettle.example.org>\" --ci github")]
pub(crate) struct Args {
    /// The newsletter's folder; created if it does not exist [default: the current one]
    pub(super) dir: Option<PathBuf>,
    /// The newsletter's name
    #[arg(long)]
    pub(super) name: Option<String>,
    /// The sender, as in "Noor <noor@example.org>"
    #[arg(long, value_name = "SENDER")]
    pub(super) from: Option<String>,
    /// Where letters go: a relay, as in smtps://login@smtp.example.com, or `outbox` for a folder [default: outbox]
    #[arg(long, value_name = "URL")]
    pub(super) relay: Option<String>,
    /// The subscriber list: a CSV file, or `managed` for one in the ledger's database [default: subscribers.csv]
    #[arg(long, value_name = "FILE")]
    pub(super) list: Option<String>,
    /// The postal address that many countries require in letters to a list
    #[arg(long, value_name = "TEXT")]
    pub(super) postal_address: Option<String>,
    /// Also write a CI workflow that checks issues
    #[arg(long, value_name = "HOST")]
    pub(super) ci: Option<Ci>,
}

/// Where the newsletter's repository is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Ci {
    #[value(name = "github")]
    GitHub,
    #[value(name = "gitlab")]
    GitLab,
}
