//! What a shell offers behind `mimeo … <Tab>`: names of issues, columns of the list, topics, tags, findings, revisions.
//!
//! A mistake in the newsletter offers nothing, rather than printing a message in the middle of the user's line.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use clap_complete::{ArgValueCompleter, CompleteEnv, CompletionCandidate};

use super::{context::Context, flags, git::Git, issues};
use crate::{
    audience::ManagedList,
    check::rules,
    config::{Config, Overrides},
    ledger::Reason,
    render::SHIPPED,
    subscriber::List,
};

/// The environment variable by which a shell asks for completions; `mimeo completions` prints scripts that set it.
pub(super) const VARIABLE: &str = "MIMEO_COMPLETE";

/// People of a managed list that are looked at for topics and tags.
const PEOPLE_MAX: usize = 5_000;

/// Answers a shell about the whole command line. False if no shell asks.
pub(super) fn answer(command: fn() -> clap::Command) -> Result<bool, clap::Error> {
    if std::env::var_os(VARIABLE).is_none() {
        return Ok(false);
    }
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(command).var(VARIABLE).try_complete(std::env::args_os(), here.as_deref())
}

/// The command line with what is offered for its values.
pub(super) fn with_values(command: clap::Command) -> clap::Command {
    let name = command.get_name().to_owned();
    let command = command.mut_args(|arg| {
        let offer: fn(&Newsletter) -> Vec<CompletionCandidate> = match (name.as_str(), arg.get_id().as_str())
        {
            (_, "issue" | "issues") => issue_names,
            (_, "condition") => conditions,
            (_, "topics") => topics,
            ("tag", "add" | "remove") => tags,
            ("explain", "code") | (_, "allow") => codes,
            ("diff", "revision") => revisions,
            ("eject", "name") => designs,
            ("suppress", "reason") => |_| Reason::ALL.iter().map(|reason| candidate(reason.word())).collect(),
            _ => return arg,
        };
        arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
            let Some(typed) = typed.to_str() else { return Vec::new() };
            let offered = Newsletter::named(std::env::args_os())
                .map(|newsletter| offer(&newsletter))
                .unwrap_or_default();
            offered.into_iter().filter(|one| begins_with(one.get_value(), typed)).collect()
        }))
    });
    command.mut_subcommands(with_values)
}

fn begins_with(value: &OsStr, typed: &str) -> bool {
    value.to_str().is_some_and(|value| value.starts_with(typed))
}

fn candidate(value: impl Into<OsString>) -> CompletionCandidate {
    CompletionCandidate::new(value)
}

/// The newsletter that a command line is about.
struct Newsletter {
    context: Context,
    config: Option<Config>,
}

impl Newsletter {
    /// The one that the line names with `-C` and `--config`, or the one around the current folder.
    fn named(line: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut global =
            flags::Global { directory: None, config: None, color: flags::Color::Never, quiet: true };
        let mut words = line.into_iter();
        while let Some(word) = words.next() {
            let text = word.to_string_lossy();
            let (option, value) = match text.split_once('=') {
                Some((option, value)) => (option, Some(PathBuf::from(value))),
                None => (text.as_ref(), None),
            };
            match option {
                "-C" | "--directory" => global.directory = value.or_else(|| words.next().map(PathBuf::from)),
                "--config" => global.config = value.or_else(|| words.next().map(PathBuf::from)),
                _ => {}
            }
        }
        let context = Context::new(&global);
        let config = context.config_quietly(Overrides::default()).ok().map(|(config, _)| config);
        Some(Self { context, config })
    }
}

/// Names without their dates where they mean one issue; what is typed of a date brings the whole name.
fn issue_names(newsletter: &Newsletter) -> Vec<CompletionCandidate> {
    let all = issues::all(&newsletter.context).unwrap_or_default();
    let mut offered = Vec::new();
    for file in all.iter().rev() {
        let short = file.short_name();
        let is_one = all.iter().filter(|other| other.short_name() == short).count() == 1;
        let number = file.number().map(|number| format!("issue {number}").into());
        if is_one {
            offered.push(candidate(short).help(number.clone()).display_order(Some(offered.len())));
        }
        if !is_one || file.slug != short {
            let hidden = is_one;
            offered.push(candidate(&file.slug).help(number).hide(hidden).display_order(Some(offered.len())));
        }
    }
    offered
}

/// `FIELD=` for each column of the list.
fn conditions(newsletter: &Newsletter) -> Vec<CompletionCandidate> {
    let Some(config) = &newsletter.config else { return Vec::new() };
    let columns = List::open(&config.list).map(|list| list.columns().to_vec()).unwrap_or_default();
    columns.into_iter().map(|column| candidate(format!("{column}="))).collect()
}

/// Words that people of the managed list have.
fn words(
    newsletter: &Newsletter,
    of: impl Fn(&crate::audience::Person, &mut BTreeSet<String>),
) -> Vec<CompletionCandidate> {
    let Some(config) = newsletter.config.as_ref().filter(|config| config.list.file().is_none()) else {
        return Vec::new();
    };
    let mut found = BTreeSet::new();
    if let Ok(people) = ManagedList::new(&config.ledger).people() {
        people.take(PEOPLE_MAX).flatten().for_each(|person| of(&person, &mut found));
    }
    found.into_iter().map(candidate).collect()
}

fn topics(newsletter: &Newsletter) -> Vec<CompletionCandidate> {
    words(newsletter, |person, found| found.extend(person.topics.iter().map(str::to_owned)))
}

fn tags(newsletter: &Newsletter) -> Vec<CompletionCandidate> {
    words(newsletter, |person, found| found.extend(person.tags.iter().map(str::to_owned)))
}

fn codes(_: &Newsletter) -> Vec<CompletionCandidate> {
    rules().iter().map(|rule| candidate(rule.code).help(Some(rule.title.into()))).collect()
}

/// The designs that can be copied.
fn designs(_: &Newsletter) -> Vec<CompletionCandidate> {
    SHIPPED.iter().map(|(name, about)| candidate(*name).help(Some((*about).into()))).collect()
}

/// Tags and branches, and the last commit.
fn revisions(newsletter: &Newsletter) -> Vec<CompletionCandidate> {
    let Ok(git) = Git::at(&newsletter.context.directory) else { return Vec::new() };
    let arguments =
        ["for-each-ref", "--format=%(refname:short)", "--sort=-creatordate", "refs/tags", "refs/heads"];
    let names = git.ask(arguments).unwrap_or_default();
    ["HEAD"].into_iter().chain(names.lines()).map(candidate).collect()
}
