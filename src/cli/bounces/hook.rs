//! `mimeo bounces --hook`: events of a delivery service from files.

use std::{fs::File, io::Read as _, path::PathBuf};

use clap::builder::PossibleValuesParser;

use super::process::Process;
use crate::{
    cli::failure::Failure,
    hooks::{self, BODY_MAX},
};

/// The services that are known.
pub(super) fn providers() -> PossibleValuesParser {
    PossibleValuesParser::new(hooks::providers().map(|(name, _)| name))
}

/// Reads a body from each file, and settles its events.
pub(super) async fn read(
    process: &mut Process<'_>,
    provider: &str,
    files: &[PathBuf],
) -> Result<(), Failure> {
    for path in files {
        let name = path.display();
        let failed = |error: std::io::Error| Failure::input(format!("cannot read `{name}`: {error}"));
        let mut body = Vec::new();
        let reader: Box<dyn std::io::Read> = if path.as_os_str() == "-" {
            Box::new(std::io::stdin())
        } else {
            Box::new(File::open(path).map_err(failed)?)
        };
        reader.take(BODY_MAX as u64 + 1).read_to_end(&mut body).map_err(failed)?;
        if body.len() > BODY_MAX {
            return Err(Failure::input(format!("`{name}` is larger than 1 MiB")));
        }
        let events = hooks::read(provider, &body).map_err(|refusal| {
            Failure::input(format!("`{name}` is not an event of {provider}: {refusal}"))
        })?;
        for event in &events {
            process.event(&name.to_string(), event, jiff::Timestamp::now()).await?;
        }
    }
    Ok(())
}
