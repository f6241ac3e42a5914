//! `mimeo explain`, and the page `docs/findings.md` made of the same stories.

use super::{Context, Exit, Failure};
use crate::{
    check::{RULES, Rule, STORIES, example, rule},
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

fn all() -> impl Iterator<Item = &'static Rule> {
    STORIES.iter().chain(RULES)
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let text = match &args.code {
        None if args.markdown => page(),
        None => all().map(|rule| format!("{}  {}\n", rule.code, rule.title)).collect(),
        Some(code) => {
            let code = code.trim().to_uppercase();
            let Some(rule) = rule(&code) else {
                let near = nearest(&code, all().map(|rule| rule.code));
                let hint = match near {
                    Some(near) => format!("did you mean {near}? `mimeo explain` lists them"),
                    None => "`mimeo explain` lists them".to_owned(),
                };
                return Err(Failure::input(format!("no finding has the code `{code}`"))
                    .hint(hint)
                    .exit(Exit::Usage));
            };
            let mut text =
                format!("{} ({}): {}\n\n{}\n", rule.code, severity(rule), rule.title, fold(rule.story));
            if let Some((bad, good)) = example(rule.code) {
                text.push_str(&format!("\nInstead of\n\n{}\nwrite\n\n{}", indent(bad), indent(good)));
            }
            text
        }
    };
    context.terminal.data(&text).map_err(Failure::output)?;
    Ok(Exit::Done)
}

fn severity(rule: &Rule) -> String {
    format!("{:?}", rule.severity).to_lowercase()
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
    ("M48", "Law, mailbox rules and people"),
];

fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    let mut families = FAMILIES.iter().peekable();
    for rule in all() {
        while let Some((_, title)) = families.next_if(|(from, _)| *from <= rule.code) {
            if families.peek().is_none_or(|(next, _)| rule.code < *next) {
                page.push_str(&format!("\n## {title}\n"));
            }
        }
        page.push_str(&format!(
            "\n### {}: {}\n\n*{}.* {}\n",
            rule.code,
            rule.title,
            capital(&severity(rule)),
            rule.story
        ));
        if let Some((bad, good)) = example(rule.code) {
            page.push_str(&format!("\nInstead of\n\n{}\nwrite\n\n{}", indent(bad), indent(good)));
        }
    }
    page
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

const INTRODUCTION: &str = include_str!("findings.md");

/// Lines of at most 80 columns.
fn fold(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        let width = word.chars().count();
        if column > 0 && 80 < column + 1 + width {
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
