mod forms;
mod since;

use std::{collections::BTreeSet, path::Path};

use super::{
    Context, Exit, Failure, flags, git,
    issues::{self, IssueFile},
    online::Online,
};
use crate::{
    assets,
    check::{self, Answers, Earlier, IssueContext, LetterContext, PictureFacts, check_list, rule},
    config::{Config, Overrides},
    issue::Issue,
    render::{self, BuildError, Built},
    report::{diagnostics, words::octets},
    source::{Diagnostic, Diagnostics, Place, Severity},
    subscriber::List,
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
    let mut config = context.config(args.list.say(Overrides::default()))?;
    // A check guards pull requests: it starts no program that the newsletter's settings name.
    config.math.clear();
    let all = issues::all(context)?;
    let wanted = match args.issues.as_slice() {
        [] => all.clone(),
        names => names.iter().map(|name| issues::find(context, name)).collect::<Result<_, _>>()?,
    };
    let mut found = Diagnostics::new();
    let mut budgets = Vec::new();
    let mut online = args.online.then(|| Online::open(config.root.join(".mimeo/links.json"), context.now));
    for file in &wanted {
        let source = match issues::source(&file.path) {
            Ok(source) => source,
            Err(failure) => {
                found.extend(failure.into_diagnostics()?);
                continue;
            }
        };
        match render::build(source, &file.slug, &config.build_context(context.now)) {
            Ok(built) => {
                let answers = match &mut online {
                    Some(online) => online.ask(&check::addresses(&built.issue)),
                    None => Answers::new(),
                };
                let (findings, budget, costs) =
                    look_with(context, &config, &all, file, &built, Subject::LetterAndList, &answers)?;
                found.extend(findings);
                budgets.push((file.slug.clone(), budget, costs));
            }
            Err(error) => found.extend(with_draft(context, &config, &all, file, error)),
        }
    }
    if let Some(online) = online {
        online.store().map_err(Failure::outside)?;
    }
    let mut seen = BTreeSet::new();
    // The list is the same for all issues; what is said of it is said once.
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
    Ok(if found.iter().any(|one| worst <= one.severity) { Exit::BadInput } else { Exit::Done })
}

/// Whether the list is read too, however long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    LetterAndList,
    Letter,
}

/// Everything that can be said against one issue, with the owner's levels applied, and its budget.
pub(super) fn look(
    context: &Context,
    config: &Config,
    all: &[IssueFile],
    file: &IssueFile,
    built: &Built,
    subject: Subject,
) -> Result<(Diagnostics, Vec<check::Share>), Failure> {
    let (found, budget, _) = look_with(context, config, all, file, built, subject, &Answers::new())?;
    Ok((found, budget))
}

/// What keeps an issue from becoming a letter, and what can be said against it all the same.
fn with_draft(
    context: &Context,
    config: &Config,
    all: &[IssueFile],
    file: &IssueFile,
    error: BuildError,
) -> Diagnostics {
    let BuildError { issue: Some(issue), diagnostics: mut problems, .. } = error else {
        return error.diagnostics;
    };
    let earlier = earlier(all, file, config.check.history as usize);
    let draft = IssueContext {
        issue: &issue,
        newsletter: &config.newsletter,
        pictures: &[],
        earlier: &earlier,
        today: context.today(),
    };
    problems.retain(|one| one.code != "M162");
    problems.extend(check::check_draft(&draft));
    let mut levels = config.check.levels.clone();
    for (unknown, place) in levels.read_comments(&issue.source) {
        problems.push(unknown_code(&unknown, place));
    }
    levels.apply(problems)
}

/// The same with what the web said about its addresses.
fn look_with(
    context: &Context,
    config: &Config,
    all: &[IssueFile],
    file: &IssueFile,
    built: &Built,
    subject: Subject,
    answers: &Answers,
) -> Result<(Diagnostics, Vec<check::Share>, check::Costs), Failure> {
    let pictures: Vec<_> = built
        .assets
        .pictures()
        .map(|(source, asset)| PictureFacts {
            source: source.to_owned(),
            media_type: Some(asset.media_type.to_owned()),
            width: asset.width,
            octets: Some(asset.bytes.len() as u64),
            seen: assets::seen(asset.media_type, &asset.bytes),
        })
        .collect();
    let earlier = earlier(all, file, config.check.history as usize);
    let case = LetterContext {
        draft: IssueContext {
            issue: &built.issue,
            newsletter: &config.newsletter,
            pictures: &pictures,
            earlier: &earlier,
            today: context.today(),
        },
        rendered: &built.rendered,
        template: &built.template,
        blocks: &built.blocks,
        dkim_domain: config.dkim.as_ref().map(|dkim| dkim.domain.as_str()),
    };
    let mut found = built.diagnostics.clone();
    // The check says the same of anchors, and more.
    found.retain(|one| one.code != "M162");
    found.extend(check::check(&case));
    found.extend(check::check_answers(&built.issue, answers));
    if subject == Subject::LetterAndList && config.list.exists() {
        let rendered = &built.rendered;
        let patterns = [&rendered.subject, &rendered.html, &rendered.text];
        let placeholders = patterns.into_iter().flat_map(|pattern| pattern.placeholders());
        match List::open(&config.list) {
            Ok(list) => found.extend(check_list(list, placeholders)?),
            Err(error) => found.extend(Failure::from(error).into_diagnostics()?),
        }
        found.extend(tracked(&config.list.path));
    }
    let mut levels = config.check.levels.clone();
    for (unknown, place) in levels.read_comments(&built.issue.source) {
        found.push(unknown_code(&unknown, place));
    }
    Ok((levels.apply(found), check::budget(&case), check::costs(&case)))
}

fn unknown_code(unknown: &check::UnknownCode, place: Place) -> Diagnostic {
    let message = format!("no rule has the code `{}`", unknown.code);
    let diagnostic = Diagnostic::at("M400", Severity::Warning, place, message);
    match unknown.nearest {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help("`mimeo explain` lists the rules"),
    }
}

/// What earlier issues said; those that cannot be read are no history.
fn earlier(all: &[IssueFile], file: &IssueFile, most: usize) -> Vec<Earlier> {
    let before = all.iter().filter(|other| other.slug < file.slug);
    let mut earlier: Vec<_> = before
        .rev()
        .take(most)
        .filter_map(|other| {
            let issue = Issue::parse(issues::source(&other.path).ok()?).ok()?;
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

/// A list that git keeps is a list that everybody with the repository has.
fn tracked(list: &Path) -> Option<Diagnostic> {
    let example = list.file_name().is_some_and(|name| name.to_string_lossy().contains("example"));
    let folder = list.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let ran = git::command(folder)
        .args(["ls-files", "--error-unmatch", "--"])
        .arg(list.file_name()?)
        .output()
        .ok()?;
    if example || !ran.status.success() {
        return None;
    }
    let rule = rule("M493").expect("the rule is there");
    let place = Place::File { path: list.to_owned() };
    let help = "take it out with `git rm --cached`, and name it in .gitignore";
    Some(Diagnostic::at(rule.code, rule.severity, place, "the subscriber list is tracked by git").help(help))
}

impl Args {
    fn print(&self, context: &Context, found: &[Diagnostic], issues: usize) -> Result<(), Failure> {
        let data = |value: serde_json::Value| -> Result<(), Failure> {
            let text = serde_json::to_string_pretty(&value).map_err(Failure::outside)?;
            context.terminal.data(&format!("{text}\n")).map_err(Failure::output)
        };
        match self.format {
            Format::People if found.is_empty() => {
                let noun = if issues == 1 { "issue" } else { "issues" };
                context.terminal.say(&format!("{issues} {noun} checked, no findings"));
            }
            Format::People => context.terminal.show(found),
            Format::Json => data(diagnostics::json(found))?,
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
    let total: usize = budget.iter().map(|share| share.octets).sum();
    let most = budget.iter().map(|share| share.octets).max().unwrap_or(1).max(1);
    let mut text = format!("{slug}: {} of 102.4 KB\n", octets(total as u64));
    for share in budget {
        let bar = "█".repeat((share.octets * 30).div_ceil(most));
        text.push_str(&format!("{:>9}  {bar:<30}  {}\n", octets(share.octets as u64), share.section));
    }
    let blocks: Vec<_> =
        costs.blocks.iter().map(|(line, cost)| format!("line {line} {}", octets(*cost as u64))).collect();
    text.push_str(&format!("the most costly blocks: {}\n", blocks.join(", ")));
    for (what, all, costly) in [
        ("styles", costs.styles, &costs.costly_styles),
        ("addresses", costs.addresses, &costs.costly_addresses),
    ] {
        text.push_str(&format!("{what}: {} of it all; the most costly:\n", octets(all as u64)));
        for (value, times, cost) in costly {
            let shown: String = value.chars().filter(|c| !c.is_control()).take(60).collect();
            let cut = if shown.len() < value.len() { "…" } else { "" };
            text.push_str(&format!("{:>9}  {times} × {shown}{cut}\n", octets(*cost as u64)));
        }
    }
    context.terminal.data(&text).map_err(Failure::output)
}
