use clap::ValueEnum;
use clap_complete::env::Shells;

use super::{
    complete,
    context::Context,
    failure::{Exit, Failure},
};

/// Print completions for a shell
///
/// The script asks `mimeo` for what can come next: commands, options, names of issues, columns of the list, and so on.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo completions bash > ~/.local/share/bash-completion/completions/mimeo
  mimeo completions zsh > ~/.zfunc/_mimeo
  mimeo completions fish > ~/.config/fish/completions/mimeo.fish")]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    Power,
    Zsh,
}

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Elvish => "elvish",
            Self::Fish => "fish",
            Self::Power => "powershell",
            Self::Zsh => "zsh",
        }
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let shells = Shells::builtins();
    let shell = args.shell.name();
    let completer =
        shells.completer(shell).ok_or_else(|| Failure::input(format!("no completions for `{shell}`")))?;
    let mut script = Vec::new();
    completer
        .write_registration(complete::VARIABLE, "mimeo", "mimeo", "mimeo", &mut script)
        .map_err(Failure::outside)?;
    context.terminal.data(&String::from_utf8_lossy(&script)).map_err(Failure::output)?;
    Ok(Exit::Done)
}
