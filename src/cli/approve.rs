use std::{fs, io, path::PathBuf};

use serde::Serialize;

use super::{
    check, common,
    context::Context,
    failure::{Exit, Failure},
    flags,
    git::Git,
    issues::{self, IssueFile},
    suppression_file,
};
use crate::{
    config::{Config, Overrides},
    dispatch::{self, Approval, Plan, prepare},
    files::{Readers, write_atomically},
    ledger::{Ledger, LedgerError},
    report::format::{plural, when},
    source::Severity,
};

/// Approve an issue, so that it may be sent
///
/// It shows the plan, asks, and writes down who approved which letter for how many people: in `approvals/NAME.toml`, a file to
/// be committed, so that a review shows it. With `[approval] required = true`, `mimeo send` refuses an issue without an
/// approval, a letter that has changed since, and an audience that has grown by more than `[approval] growth`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo approve a-year-in-review
  mimeo approve 95 --by \"Grace <grace@example.org>\" --yes
  mimeo approve 95 --revoke")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name
    issue: String,
    /// Who approves it [default: the name and address that git has for you]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Approve without asking
    #[arg(short, long)]
    yes: bool,
    /// Take the approval back
    #[arg(long, conflicts_with_all = ["by", "yes", "json"])]
    revoke: bool,
    /// Skip rows of the list that cannot be used
    #[arg(long)]
    skip_bad_rows: bool,
    /// Approve although `mimeo check` finds this error (as in M491)
    #[arg(long, value_name = "CODE")]
    allow: Vec<String>,
    /// Print the approval as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    list: flags::List,
    #[command(flatten)]
    ledger: flags::Ledger,
    #[command(flatten)]
    trust: flags::Trust,
}

/// What `--json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Approved<'a> {
    /// The issue's title
    title: &'a str,
    /// The file that was written
    file: String,
    #[serde(flatten)]
    approval: &'a Approval,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let overrides = args.list.say(args.ledger.say(Overrides::default()));
    if args.revoke {
        let config = context.config(overrides)?;
        return revoke(context, &config, &issues::search(context, &args.issue)?.0);
    }
    let mut config = context.config_to_run(args.trust.say(overrides))?;
    // What is approved is what readers get.
    config.undrawn = Severity::Error;
    let (file, _) = issues::search(context, &args.issue)?;
    let built = context.build(&config, &file)?;
    if built.issue.head.draft {
        return Err(Failure::input(format!("`{}` is a draft", file.path.display()))
            .hint("take `draft: true` out of its front matter when it is ready"));
    }
    let found = check::letter_errors(context, &config, &file, &built, &args.allow)?;
    if let Some(code) = found.first().map(|one| one.code) {
        return Err(Failure::found(found)
            .hint(format!("nothing was approved; fix it, or approve it anyway with --allow {code}")));
    }
    let by = approver(args, context)?;
    let plan = common::runtime()?.block_on(plan(args, context, &config, built.rendered))?;
    context.terminal.say(&format!(
        "{}\n  {} in its audience\n  digest {}",
        plan.title,
        plural(plan.audience(), "person", "people"),
        plan.digest
    ));
    if !args.yes {
        if !context.terminal.is_interactive() {
            return Err(Failure::input("cannot prompt: not a terminal; pass --yes").exit(Exit::Usage));
        }
        if !context.terminal.ask(&format!("Approve it as {by}?")).map_err(Failure::outside)? {
            return Err(Failure::declined("nothing was approved"));
        }
    }
    let approval = Approval {
        issue: plan.issue.clone(),
        digest: plan.digest.clone(),
        audience: plan.audience(),
        approved_by: by,
        approved_at: context.now,
    };
    let path = path(&config, &approval.issue);
    write_atomically(&path, text(&approval)?.as_bytes(), Readers::Everybody)
        .map_err(|error| Failure::file("write the approval", &path, error))?;
    context.terminal.say(&format!("approved in `{}`; commit it, so that others see it", path.display()));
    if args.json {
        let file = path.display().to_string();
        context.print_json(&Approved { title: &plan.title, file, approval: &approval })?;
    }
    Ok(Exit::Done)
}

fn revoke(context: &Context, config: &Config, file: &IssueFile) -> Result<Exit, Failure> {
    let path = path(config, &file.slug);
    match fs::remove_file(&path) {
        Ok(()) => context.terminal.say(&format!("removed `{}`", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::input(format!("`{}` has no approval", file.slug)));
        }
        Err(error) => return Err(Failure::file("remove", &path, error)),
    }
    Ok(Exit::Done)
}

/// Who approves: the option, or whom git takes for the author of a commit made now.
fn approver(args: &Args, context: &Context) -> Result<String, Failure> {
    let hint = "say who approves: --by \"Grace <grace@example.org>\"";
    if let Some(by) = &args.by {
        let by = by.trim();
        if by.is_empty() || by.chars().any(char::is_control) {
            let text = "invalid value for --by: it is empty, or contains a control character";
            return Err(Failure::input(text).exit(Exit::Usage));
        }
        return Ok(by.to_owned());
    }
    let git = Git::at(&context.directory).map_err(|failure| failure.hint(hint).exit(Exit::Usage))?;
    let named = |key: &str| {
        let ran = git.output(["config", key]).ok().filter(|ran| ran.status.success())?;
        Some(String::from_utf8_lossy(&ran.stdout).trim().to_owned()).filter(|value| !value.is_empty())
    };
    match (named("user.name"), named("user.email")) {
        (Some(name), Some(address)) => Ok(format!("{name} <{address}>")),
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (None, None) => {
            Err(Failure::input("git has no `user.name` and no `user.email`").hint(hint).exit(Exit::Usage))
        }
    }
}

/// Who would get it, found out with a copy of the ledger that is thrown away.
async fn plan(
    args: &Args,
    context: &Context,
    config: &Config,
    rendered: crate::render::RenderedIssue,
) -> Result<Plan, Failure> {
    let ledger = match Ledger::scratch_copy(&config.ledger) {
        Err(LedgerError::Missing { .. }) => Ledger::scratch()?,
        copy => copy?,
    };
    ledger.recognize(common::list_tokens(config)?).await?;
    let file = suppression_file::read(config)?;
    let dispatch = ledger.find_dispatch(&rendered.slug).await?;
    let owed = dispatch.map(|record| (&ledger, record.id));
    suppression_file::join(config, file.as_ref(), owed, &ledger).await?;
    let mut options = dispatch::Options::new(context.now);
    options.destination = match config.encryption() {
        Some(_) => dispatch::Destination::DryRunOfRelay,
        None => dispatch::Destination::DryRunOfFolder,
    };
    if args.skip_bad_rows {
        options.bad_rows = dispatch::BadRows::Skip;
    }
    let source = dispatch::Source::new(rendered, &config.list, common::secrets(config)?);
    Ok(prepare(source, &ledger, &options).await?.plan().clone())
}

/// Where the approval of an issue is.
fn path(config: &Config, slug: &str) -> PathBuf {
    let folder = PathBuf::from("approvals").join(format!("{slug}.toml"));
    if config.root == std::path::Path::new(".") { folder } else { config.root.join(folder) }
}

fn text(approval: &Approval) -> Result<String, Failure> {
    let values = toml::to_string(approval).map_err(Failure::outside)?;
    Ok(format!("# Written by `mimeo approve`. If the letter changes, approve it again.\n{values}"))
}

/// The approval of an issue, if it has one.
pub(super) fn read(config: &Config, slug: &str) -> Result<Option<Approval>, Failure> {
    let path = path(config, slug);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file("read", &path, error)),
    };
    let approval = toml::from_str(&text).map_err(|error| {
        let at = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        Failure::input(format!("{}:{at}: this is not an approval: {}", path.display(), error.message())).hint(
            format!(
                "restore the file with git, or approve the issue again: `mimeo approve {slug}`; nothing was sent"
            ),
        )
    })?;
    Ok(Some(approval))
}

/// Refuses a plan that no approval covers, if the settings require one.
pub(super) fn require(config: &Config, plan: &Plan) -> Result<(), Failure> {
    if !config.approval.required {
        return Ok(());
    }
    let again = format!("`mimeo approve {}`", plan.issue);
    let Some(approval) = read(config, &plan.issue)? else {
        return Err(Failure::input(format!("`{}` has not been approved", plan.issue)).hint(format!(
            "have it approved with {again}, and bring `{}` here; nothing was sent",
            path(config, &plan.issue).display()
        )));
    };
    approval.covers(plan, &config.approval).map_err(|reasons| {
        let given = format!("{} approved it ({})", approval.approved_by, when(approval.approved_at));
        Failure::input(format!("`{}` is not approved as it is now: {reasons}", plan.issue)).hint(format!(
            "{given}; look at it again, for example with `mimeo send {} --dry-run`, and approve it with {again}; nothing was sent",
            plan.issue
        ))
    })
}
