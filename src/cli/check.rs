mod forms;
mod since;
mod tracked;

pub(super) use tracked::tracked;

use std::collections::BTreeSet;

use super::{
    context::Context,
    failure::{Exit, Failure},
    flags,
    issues::{self, IssueFile},
    json,
    online::Online,
};
use crate::{
    check::{self, Answers, CheckContext, Earlier, Report},
    config::{Config, Overrides, Trust},
    issue::Issue,
    render::{self, BuildError, Built},
    report::{diagnostics, format::human_bytes},
    source::{Diagnostic, Diagnostics, Severity},
    subscriber::ListSource,
};

/// Report problems in issues, with line and column
///
/// It finds what a reader, a mail client or a mailbox provider would trip over, in the issue, its pictures, the template and
/// the list. `mimeo explain CODE` explains a finding. To allow a finding in one issue, add a comment to it
/// (`<!-- mimeo allow M415 -->`); to allow it everywhere, use `[check.levels]` in mimeo.toml.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo check
  mimeo check a-year-in-review --budget
  mimeo check --online
  mimeo check --since main --format github
  mimeo check --deny warnings --format sarif > check.sarif")]
pub(crate) struct Args {
    /// The issues: numbers, paths, or parts of their names [default: all]
    issues: Vec<String>,
    /// How to print findings
    #[arg(long, value_name = "FORMAT", default_value = "people")]
    format: Format,
    /// Treat warnings as errors
    #[arg(long, value_name = "WHAT")]
    deny: Option<Deny>,
    /// Report only findings in lines that changed since this git revision
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// Print all repeated notes and warnings, not only the first three of each code in a file
    #[arg(long)]
    all: bool,
    /// Also show the size of each section, out of the 102 KB that Gmail shows, and what is largest
    #[arg(long)]
    budget: bool,
    /// Also ask the web whether links and remote pictures exist
    ///
    /// At most 300 addresses and one minute. Answers are kept in `.mimeo/links.json`, good ones for three days. Private networks
    /// are never asked.
    #[arg(long)]
    online: bool,
    #[command(flatten)]
    list: flags::List,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    People,
    Json,
    Sarif,
    Github,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Deny {
    Warnings,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let all = issues::all(context)?;
    let wanted = match args.issues.as_slice() {
        [] => all.clone(),
        names => names.iter().map(|name| issues::find(context, name)).collect::<Result<_, _>>()?,
    };
    let mut found = Diagnostics::new();
    let mut budgets = Vec::new();
    match context.config_quietly(args.list.say(Overrides::default())) {
        Ok((mut config, noticed)) => {
            // A check guards pull requests: it starts no program that the newsletter's settings name.
            config.math = None;
            config.trust = Trust::Withheld;
            found.extend(noticed);
            let mut online =
                args.online.then(|| Online::open(config.root.join(".mimeo/links.json"), context.now));
            for file in &wanted {
                let (report, is_letter) = issue(context, &config, &all, file, online.as_mut())?;
                found.extend(report.diagnostics);
                if is_letter {
                    budgets.push((file.slug.clone(), report.shares, report.costs));
                }
            }
            if let Some(online) = online {
                online.store().map_err(Failure::outside)?;
            }
            found.extend(config.check.levels.apply(tracked(&config)));
        }
        // Without settings there is no letter; what is wrong in the issues can be said all the same.
        Err(problems) => {
            found.extend(problems);
            for file in &wanted {
                found.extend(match file.source() {
                    Ok(source) => Issue::read(source, "en").diagnostics,
                    Err(failure) => failure.into_diagnostics()?,
                });
            }
        }
    }
    let mut seen = BTreeSet::new();
    // The list is the same for all issues, and so is the template.
    found.retain(|one| seen.insert(format!("{}{}{}", one.place, one.code, one.message)));
    if let Some(revision) = &args.since {
        found = since::since(context, revision, found)?;
    }
    check::sort(&mut found);
    args.print(context, &found, wanted.len())?;
    if args.budget {
        for (slug, budget, costs) in &budgets {
            print_budget(context, slug, budget, costs)?;
        }
    }
    let worst = if args.deny == Some(Deny::Warnings) { Severity::Warning } else { Severity::Error };
    Ok(if found.iter().any(|one| one.severity >= worst) { Exit::BadInput } else { Exit::Done })
}

/// Checks one issue, and says whether it became a letter.
fn issue(
    context: &Context,
    config: &Config,
    all: &[IssueFile],
    file: &IssueFile,
    online: Option<&mut Online>,
) -> Result<(Report, bool), Failure> {
    let source = match file.source() {
        Ok(source) => source,
        Err(failure) => {
            let diagnostics = failure.into_diagnostics()?;
            return Ok((Report { diagnostics, ..Report::default() }, false));
        }
    };
    let built = render::build(source, &file.slug, &config.build_context(context.now));
    let issue = match &built {
        Ok(built) => &built.issue,
        Err(error) => &error.issue,
    };
    let answers = online.map(|online| online.ask(&check::addresses(issue))).unwrap_or_default();
    let earlier = earlier(all, file, config.check.history as usize);
    let list = Some(&config.list).filter(|list| list.exists());
    let settings = check_context(context, config, &earlier, list, &answers);
    Ok(match built {
        Ok(built) => (check::run(&built, &settings)?, true),
        Err(error) => (check::run_draft(error, &settings)?, false),
    })
}

/// Whether the list is read too, however long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    LetterAndList,
    Letter,
}

/// The report on an issue that was built.
pub(super) fn report(
    context: &Context,
    config: &Config,
    file: &IssueFile,
    built: &Built,
    subject: Subject,
) -> Result<Report, Failure> {
    let earlier = earlier(&issues::all(context)?, file, config.check.history as usize);
    let list = Some(&config.list).filter(|list| subject == Subject::LetterAndList && list.exists());
    let answers = Answers::new();
    let mut report = check::run(built, &check_context(context, config, &earlier, list, &answers))?;
    if subject == Subject::LetterAndList {
        report.diagnostics.extend(config.check.levels.apply(tracked(config)));
        check::sort(&mut report.diagnostics);
    }
    Ok(report)
}

/// The errors in an issue's letter, without those that the user allows. The plan reports problems of the list.
pub(super) fn letter_errors(
    context: &Context,
    config: &Config,
    file: &IssueFile,
    built: &Built,
    allowed: &[String],
) -> Result<Diagnostics, Failure> {
    let mut found = report(context, config, file, built, Subject::Letter)?.diagnostics;
    found.retain(|one| one.is_error() && !allowed.iter().any(|code| code.eq_ignore_ascii_case(one.code)));
    Ok(found)
}

/// The report on an issue that could not be built: everything else that is wrong is in it too.
pub(super) fn report_draft(
    context: &Context,
    config: &Config,
    file: &IssueFile,
    error: BuildError,
) -> Result<Report, Failure> {
    let earlier = earlier(&issues::all(context)?, file, config.check.history as usize);
    let list = Some(&config.list).filter(|list| list.exists());
    Ok(check::run_draft(error, &check_context(context, config, &earlier, list, &Answers::new()))?)
}

fn check_context<'a>(
    context: &Context,
    config: &'a Config,
    earlier: &'a [Earlier],
    list: Option<&'a ListSource>,
    answers: &'a Answers,
) -> CheckContext<'a> {
    CheckContext {
        newsletter: &config.newsletter,
        settings: &config.file,
        dkim_domain: config.dkim.as_ref().map(|dkim| dkim.domain.as_str()),
        levels: &config.check.levels,
        earlier,
        list,
        answers,
        today: context.today(),
    }
}

/// What earlier issues said; those that cannot be read are left out.
fn earlier(all: &[IssueFile], file: &IssueFile, most: usize) -> Vec<Earlier> {
    let before = all.iter().filter(|other| other.slug < file.slug);
    let mut earlier: Vec<_> = before
        .rev()
        .take(most)
        .filter_map(|other| {
            let issue = Issue::parse(other.source().ok()?).ok()?;
            Some(Earlier {
                slug: other.slug.clone(),
                number: issue.head.number,
                date: issue.head.date,
                subject: issue.head.subject.to_string(),
                preheader: issue.head.preheader.to_string(),
                links: check::targets(&issue),
            })
        })
        .collect();
    earlier.sort_by_key(|issue| std::cmp::Reverse(issue.date));
    earlier
}

impl Args {
    fn print(&self, context: &Context, found: &[Diagnostic], issues: usize) -> Result<(), Failure> {
        let data = |value: serde_json::Value| -> Result<(), Failure> {
            let text = serde_json::to_string_pretty(&value).map_err(Failure::outside)?;
            context.terminal.data(&format!("{text}\n")).map_err(Failure::output)
        };
        match self.format {
            Format::People if found.is_empty() => {
                let issues = if issues == 1 { "1 issue".to_owned() } else { format!("{issues} issues") };
                context.terminal.say(&format!("{issues} checked, no findings"));
            }
            Format::People if self.all => context.terminal.show(found),
            Format::People => context.terminal.show_folded(found),
            Format::Json => data(json::versioned(diagnostics::json(found)))?,
            Format::Sarif => data(forms::sarif(found))?,
            Format::Github => {
                let text: String = found.iter().map(forms::github).collect();
                context.terminal.data(&text).map_err(Failure::output)?;
            }
        }
        Ok(())
    }
}

fn print_budget(
    context: &Context,
    slug: &str,
    budget: &[check::Share],
    costs: &check::Costs,
) -> Result<(), Failure> {
    let total: usize = budget.iter().map(|share| share.bytes).sum();
    let most = budget.iter().map(|share| share.bytes).max().unwrap_or(1).max(1);
    let mut text = format!("{slug}: {} of 102.4 KB\n", human_bytes(total as u64));
    for share in budget {
        let bar = "█".repeat((share.bytes * 30).div_ceil(most));
        text.push_str(&format!("{:>9}  {bar:<30}  {}\n", human_bytes(share.bytes as u64), share.section));
    }
    let blocks: Vec<_> = costs
        .blocks
        .iter()
        .map(|(line, cost)| format!("line {line} {}", human_bytes(*cost as u64)))
        .collect();
    text.push_str(&format!("largest blocks: {}\n", blocks.join(", ")));
    for (what, all, costly) in [
        ("styles", costs.styles, &costs.costly_styles),
        ("addresses", costs.addresses, &costs.costly_addresses),
    ] {
        text.push_str(&format!("{what}: {} in total; largest:\n", human_bytes(all as u64)));
        for (value, times, cost) in costly {
            let shown: String = value.chars().filter(|c| !c.is_control()).take(60).collect();
            let cut = if shown.len() < value.len() { "…" } else { "" };
            text.push_str(&format!("{:>9}  {times} × {shown}{cut}\n", human_bytes(*cost as u64)));
        }
    }
    context.terminal.data(&text).map_err(Failure::output)
}
