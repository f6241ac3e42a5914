//! `mimeo explain`, and the page `docs/findings.md` made of the same files.

use super::{
    context::Context,
    failure::{Exit, Failure},
};
use crate::{
    check::{Rule, rule, rules},
    source::nearest,
};

/// Explain a finding
///
/// It says what the finding is, why it matters, and how to fix it, with an example. Without a code it lists all of them.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo explain M401
  mimeo explain
  mimeo explain --markdown > findings.md")]
pub(crate) struct Args {
    /// The code, as in M401
    code: Option<String>,
    /// Print all explanations as one Markdown page
    #[arg(long, conflicts_with = "code")]
    markdown: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let text = match &args.code {
        None if args.markdown => page(),
        None => rules().iter().map(|rule| format!("{}  {}\n", rule.code, rule.title)).collect(),
        Some(code) => {
            let code = code.trim().to_uppercase();
            let Some(rule) = rule(&code) else {
                let near = nearest(&code, rules().iter().map(|rule| rule.code));
                let hint = match near {
                    Some(near) => format!("did you mean {near}? `mimeo explain` lists them"),
                    None => "`mimeo explain` lists them".to_owned(),
                };
                return Err(Failure::input(format!("no finding has the code `{code}`"))
                    .hint(hint)
                    .exit(Exit::Usage));
            };
            let Rule { code, title, explanation, .. } = rule;
            format!("{code} ({}): {title}\n\n{}\n{}", rule.severity.word(), fold(explanation), example(rule))
        }
    };
    context.terminal.data(&text).map_err(Failure::output)?;
    Ok(Exit::Done)
}

/// What is wrong and what is right, as indented blocks.
fn example(rule: &Rule) -> String {
    format!("\nInstead of\n\n{}\nwrite\n\n{}", indent(rule.bad), indent(rule.good))
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect()
}

/// Each code's range, and what it is about.
const FAMILIES: [(&str, &str); 10] = [
    ("M0", "Settings"),
    ("M1", "Front matter and document"),
    ("M2", "Placeholders, templates and pictures"),
    ("M3", "The list"),
    ("M40", "Size"),
    ("M41", "Links"),
    ("M43", "Pictures"),
    ("M44", "Words and head"),
    ("M46", "Mail clients and access"),
    ("M48", "Compliance, mailbox providers and the list"),
];

fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    let mut families = FAMILIES.iter().peekable();
    for rule in rules() {
        while let Some((_, title)) = families.next_if(|(from, _)| *from <= rule.code) {
            if families.peek().is_none_or(|(next, _)| rule.code < *next) {
                page.push_str(&format!("\n## {title}\n"));
            }
        }
        let Rule { code, title, explanation, .. } = rule;
        let severity = capital(rule.severity.word());
        page.push_str(&format!("\n### {code}: {title}\n\n*{severity}.* {explanation}\n{}", example(rule)));
    }
    page
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

const INTRODUCTION: &str = include_str!("explain/introduction.md");

/// Lines of at most 80 columns.
fn fold(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > 80 {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out
}
