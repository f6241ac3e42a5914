use std::path::PathBuf;

use crate::{address::EmailAddress, cli::flags};

/// Show what changed in an issue's letter since a git revision
///
/// The letter is made twice: from the files as they are, and from the files at the revision (issue, pictures, stored data,
/// templates and settings). It reports changes to the inbox fields, the text part line by line, links, pictures, styles, the
/// size of the HTML part, and findings of `mimeo check`. `--page` writes both letters side by side, with a picture of their
/// difference, as one HTML file.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo diff a-year-in-review
  mimeo diff 95 main --page changes.html
  mimeo diff 95 v1.0 --json")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name
    pub(super) issue: String,
    /// The revision to compare with: a commit, a branch, a tag, HEAD~1
    #[arg(value_name = "REV", default_value = "HEAD")]
    pub(super) revision: String,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// Also write both letters and their difference into this HTML file
    #[arg(long, value_name = "FILE")]
    pub(super) page: Option<PathBuf>,
    /// Whose letters the page shows [default: an invented person]
    #[arg(long = "as", value_name = "ADDRESS", requires = "page")]
    pub(super) reader: Option<EmailAddress>,
    #[command(flatten)]
    pub(super) list: flags::List,
    #[command(flatten)]
    pub(super) trust: flags::Trust,
}
