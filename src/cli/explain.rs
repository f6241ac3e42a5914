use super::{Context, Exit, Failure};
use crate::{
    check::{RULES, rule},
    source::nearest,
};

/// Tell the story behind a finding of `mimeo check`
///
/// Without a code it lists all of them.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo explain M401
  mimeo explain")]
pub(crate) struct Args {
    /// The code, as in M401
    code: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let text = match &args.code {
        None => RULES.iter().map(|rule| format!("{}  {}\n", rule.code, rule.title)).collect(),
        Some(code) => {
            let code = code.trim().to_uppercase();
            let Some(rule) = rule(&code) else {
                let near = nearest(&code, RULES.iter().map(|rule| rule.code));
                let hint = match near {
                    Some(near) => format!("did you mean {near}? `mimeo explain` lists them"),
                    None => "`mimeo explain` lists them".to_owned(),
                };
                return Err(Failure::input(format!("no finding has the code `{code}`"))
                    .hint(hint)
                    .exit(Exit::Usage));
            };
            let severity = format!("{:?}", rule.severity).to_lowercase();
            format!("{} ({severity}): {}\n\n{}\n", rule.code, rule.title, fold(rule.story))
        }
    };
    context.terminal.data(&text).map_err(Failure::output)?;
    Ok(Exit::Done)
}

/// Lines of at most 80 columns.
fn fold(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        let width = word.chars().count();
        if 0 < column && 80 < column + 1 + width {
            out.push('\n');
            column = 0;
        } else if 0 < column {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out
}
