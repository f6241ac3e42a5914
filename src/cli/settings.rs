use super::{Context, Exit, Failure};
use crate::config;

/// Print every setting with what it means
///
/// What comes out is a `mimeo.toml` with all settings, each with a comment and its value when it is left out.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  mimeo settings > mimeo.toml")]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<Exit, Failure> {
    context.terminal.data(config::REFERENCE).map_err(Failure::output)?;
    Ok(Exit::Done)
}
