use super::{
    context::Context,
    failure::{Exit, Failure},
};
use crate::config;

/// Print every setting with a comment
///
/// The output is a complete `mimeo.toml`, with each setting's meaning and default.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  mimeo settings > mimeo.toml")]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<Exit, Failure> {
    context.terminal.data(config::REFERENCE).map_err(Failure::output)?;
    Ok(Exit::Done)
}
