//! The page `docs/command-reference.md`, made of the same texts as `--help`.

use std::fmt::Write as _;

use clap::{Arg, Command};

const TITLE: &str = "# All commands and options

This page has what `mimeo COMMAND --help` prints, for all commands; it is made with `mimeo man --markdown`.
[Commands](commands.md) is an overview.
";

/// Headings of options whose command names none.
const PLAIN: &str = "Options";

/// The page.
pub(super) fn page(mut command: Command) -> String {
    command.build();
    let mut out = TITLE.to_owned();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n## Options of every command\n");
    for arg in command.get_arguments().filter(|arg| arg.is_global_set()) {
        option(&mut out, arg);
    }
    for inner in command.get_subcommands() {
        section(&mut out, inner, "mimeo");
    }
    out
}

fn section(out: &mut String, command: &Command, above: &str) {
    if command.get_name() == "help" || command.is_hide_set() {
        return;
    }
    let name = format!("{above} {}", command.get_name());
    let _ = writeln!(out, "\n## {name}\n");
    let about = command.get_long_about().or(command.get_about());
    if let Some(about) = about {
        let _ = writeln!(out, "{}\n", sentences(&about.to_string()));
    }
    let usage = command.clone().render_usage().to_string();
    let _ = writeln!(out, "```text\n{}\n```", usage.trim_start_matches("Usage: ").trim());
    let own =
        || command.get_arguments().filter(|arg| !arg.is_global_set() && !arg.is_hide_set() && !is_help(arg));
    if own().next().is_some() {
        out.push('\n');
    }
    let mut headings: Vec<&str> = own().map(heading).collect();
    headings.sort_by_key(|heading| *heading != PLAIN);
    headings.dedup();
    own().filter(|arg| arg.is_positional()).for_each(|arg| option(out, arg));
    for wanted in headings {
        let mut options = own().filter(|arg| !arg.is_positional() && heading(arg) == wanted).peekable();
        if wanted != PLAIN && options.peek().is_some() {
            let _ = writeln!(out, "\n{wanted}:\n");
        }
        options.for_each(|arg| option(out, arg));
    }
    if let Some(examples) = command.get_after_help() {
        let examples = examples.to_string();
        let lines: Vec<&str> = examples.lines().skip(1).map(str::trim).collect();
        let _ = writeln!(out, "\n```text\n{}\n```", lines.join("\n"));
    }
    for inner in command.get_subcommands() {
        section(out, inner, &name);
    }
}

fn heading(arg: &Arg) -> &str {
    arg.get_help_heading().unwrap_or(PLAIN)
}

fn is_help(arg: &Arg) -> bool {
    matches!(arg.get_id().as_str(), "help" | "version")
}

/// One option as an item of a list.
fn option(out: &mut String, arg: &Arg) {
    let names =
        arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect::<Vec<_>>();
    let takes = arg.get_action().takes_values();
    let values = if takes { names.join(" ") } else { String::new() };
    let mut forms = Vec::new();
    forms.extend(arg.get_short().map(|short| format!("-{short}")));
    forms.extend(arg.get_long().map(|long| format!("--{long}")));
    let many = if arg.get_num_args().is_some_and(|range| range.max_values() > 1) && arg.is_positional() {
        "…"
    } else {
        ""
    };
    let form = match (forms.is_empty(), values.is_empty()) {
        (true, _) => format!("{values}{many}"),
        (false, true) => forms.join(", "),
        (false, false) => format!("{} {values}", forms.join(", ")),
    };
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut text = sentences(&help).replace("\n\n", " ");
    let choices: Vec<String> = if takes {
        let values = arg.get_possible_values();
        values
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| format!("`{}`", value.get_name()))
            .collect()
    } else {
        Vec::new()
    };
    if !choices.is_empty() {
        let _ = write!(text, "; one of {}", choices.join(", "));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes && !defaults.is_empty() {
        let _ = write!(text, " [default: {}]", defaults.join(", "));
    }
    let _ = writeln!(out, "- `{form}`: {text}");
}

/// Help as Markdown: the words in angle brackets and brackets are words.
fn sentences(help: &str) -> String {
    help.trim().lines().map(str::trim).collect::<Vec<_>>().join("\n").replace('<', "\\<")
}
