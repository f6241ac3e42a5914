use std::time::Duration;

use super::form::Listed;
use crate::{address::EmailAddress, cli::flags};

/// Show who has an issue and who does not
///
/// Without an issue it lists all dispatches. The numbers come from the ledger. Accepted means that the relay took the letter.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo status
  mimeo status a-year-in-review
  mimeo status 95 --state unconfirmed
  mimeo status 95 --state failed --csv > failed.csv
  mimeo status --watch
  mimeo status --address someone@example.com")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name
    pub(super) issue: Option<String>,
    /// List the people in this state, with the relay's replies
    #[arg(long, value_name = "STATE", requires = "issue")]
    pub(super) state: Option<Listed>,
    /// Show everything recorded for one address
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["issue", "state"])]
    pub(super) address: Option<EmailAddress>,
    /// Look again and again until nothing is left to send: the letters, the workers, their rate, the time left
    #[arg(long, conflicts_with_all = ["state", "address"])]
    pub(super) watch: bool,
    /// How often to look, with --watch
    #[arg(long, value_name = "TIME", requires = "watch", default_value = "2s", value_parser = often)]
    pub(super) every: Duration,
    /// Print CSV, with --state
    #[arg(long, requires = "state")]
    pub(super) csv: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) ledger: flags::Ledger,
}

fn often(text: &str) -> Result<Duration, String> {
    flags::duration(text).ok_or_else(|| "write how often, as in 2s or 1m".to_owned())
}
