pub(super) mod archive;

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    common,
    context::Context,
    failure::{Exit, Failure},
    flags, issues,
};
use crate::{
    address::EmailAddress,
    archive::Around,
    config::{Config, Overrides},
    files,
    message::Composer,
    render::{Built, sample_value},
    report::format::human_bytes,
    subscriber::{List, ListSource, Row, Subscriber},
};

/// Write an issue as files: HTML, text, MJML
///
/// With `--as` it also writes the letter that this person gets, as an `.eml` file. With `--web` it writes a web page instead;
/// without an issue the whole archive, to be published at the newsletter's `archive`: a page that lists the issues, their
/// pages, one for each topic, feeds (Atom and JSON), a site map and `robots.txt`. With `--feed` it writes the feeds only.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo build a-year-in-review
  mimeo build 95 -o /tmp/letter --as someone@example.com
  mimeo build 95 --web
  mimeo build --web -o public")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name [default with --web and --feed: all issues]
    #[arg(required_unless_present_any = ["web", "feed"])]
    issue: Option<String>,
    /// Write a web page: DIR/NAME/index.html and its pictures; without an issue, the archive
    #[arg(long, conflicts_with = "reader")]
    web: bool,
    /// Write feeds of all issues except drafts: DIR/feed.xml (Atom) and DIR/feed.json
    #[arg(long, conflicts_with = "reader")]
    feed: bool,
    /// Write the files into this folder
    #[arg(short, long, value_name = "DIR", default_value = DEFAULT_OUTPUT)]
    output: PathBuf,
    /// Also write the letter to this person, who need not be on the list
    #[arg(long = "as", value_name = "ADDRESS")]
    reader: Option<EmailAddress>,
    #[command(flatten)]
    list: flags::List,
    #[command(flatten)]
    trust: flags::Trust,
}

/// Where files go unless `--output` says otherwise.
const DEFAULT_OUTPUT: &str = "build";

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config_to_run(args.list.say(args.trust.say(Overrides::default())))?;
    let files = if args.web || args.feed {
        archive(args, context, &config)?
    } else {
        letter(args, context, &config)?
    };
    for (name, bytes) in files {
        let path = args.output.join(name);
        let folder = path.parent().unwrap_or(Path::new("."));
        // Pages for the web may be published by committing them, if the owner chose the folder.
        if !args.output.exists() && (!(args.web || args.feed) || args.output == Path::new(DEFAULT_OUTPUT)) {
            fs::create_dir_all(&args.output)
                .and_then(|()| files::ignore_in_git(&args.output))
                .map_err(|error| Failure::file("make the folder", &args.output, error))?;
        }
        fs::create_dir_all(folder).map_err(|error| Failure::file("make the folder", folder, error))?;
        // A file that is as it should be is left alone: it keeps its time, and nothing has to be copied again.
        if fs::read(&path).ok().as_deref() != Some(&bytes) {
            fs::write(&path, &bytes).map_err(|error| Failure::file("write", &path, error))?;
        }
        context.terminal.say(&format!("{:>10}  {}", human_bytes(bytes.len() as u64), path.display()));
    }
    Ok(Exit::Done)
}

/// The pages asked for, and the feed.
fn archive(args: &Args, context: &Context, config: &Config) -> Result<Vec<archive::Written>, Failure> {
    let mut files = Vec::new();
    if let (true, Some(issue)) = (args.web, &args.issue) {
        let file = issues::find(context, issue)?;
        files.extend(archive::page(config, &file.slug, &context.build(config, &file)?, &Around::default()));
    }
    let all_pages = args.web && args.issue.is_none();
    if all_pages || args.feed {
        let all = archive::build_all(context, config)?;
        // Pages of an archive lead to its feeds.
        files.extend(archive::site(config, &all, all_pages, all_pages || args.feed));
    }
    Ok(files)
}

/// The page of an issue with its pictures in it.
pub(super) fn page_in_one(config: &Config, slug: &str, built: &Built) -> String {
    let mut files = archive::page(config, slug, built, &Around::default());
    let mut html = String::from_utf8(std::mem::take(&mut files[0].1)).unwrap_or_default();
    for (_, asset) in built.assets.pictures() {
        let data = format!("data:{};base64,{}", asset.media_type, STANDARD.encode(&asset.bytes));
        // By its address on the page, in quotation marks, as one name may be a part of another.
        html = html.replace(&format!("src=\"{}\"", asset.encoded_path()), &format!("src=\"{data}\""));
    }
    html
}

/// The files of a letter.
fn letter(args: &Args, context: &Context, config: &Config) -> Result<Vec<archive::Written>, Failure> {
    let file = issues::find(context, args.issue.as_deref().unwrap_or_default())?;
    let built = context.build(config, &file)?;
    let rendered = &built.rendered;
    // In a letter pictures are named by `cid:`; beside a page they are files.
    let mut html = rendered.sample(&rendered.html);
    let mut pictures = Vec::new();
    for picture in &rendered.pictures {
        let name = format!("{}-pictures/{}", file.slug, safe(&picture.name));
        html = html.replace(&format!("cid:{}", picture.cid), &name);
        pictures.push((name, picture.bytes.clone()));
    }
    let mut files = vec![
        (format!("{}.html", file.slug), html.into_bytes()),
        (format!("{}.txt", file.slug), rendered.sample(&rendered.text).into_bytes()),
        (format!("{}.mjml", file.slug), rendered.mjml.clone().into_bytes()),
    ];
    if let Some(reader) = &args.reader {
        let reader = subscriber(&config.list, reader)?;
        let composer = common::composer(config, rendered)?;
        files.push((format!("{}.eml", file.slug), composer.compose(&reader, Vec::new())?.into_bytes()));
    }
    files.extend(pictures);
    Ok(files)
}

/// A picture's name as a file's: nothing that leads elsewhere.
fn safe(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' }).collect()
}

/// The person with this address on the list, or someone with nothing but an address.
pub(super) fn subscriber(list: &ListSource, address: &EmailAddress) -> Result<Subscriber, Failure> {
    Ok(on_the_list(list, address)?.unwrap_or_else(|| Subscriber {
        address: address.clone(),
        name: None,
        fields: Default::default(),
    }))
}

/// Gives an invented person a sample value for each field without which the letter would have a gap.
pub(super) fn fill_gaps(person: &mut Subscriber, composer: &Composer) {
    let gaps: Vec<String> = composer.missing(person).filter_map(|gap| gap.path.last().cloned()).collect();
    for field in gaps {
        let value = sample_value(&field);
        match field.as_str() {
            "name" => person.name = Some(value),
            _ => person.fields.insert(&field, &value),
        }
    }
}

/// The person with this address on the list; a list that is not there has no one on it.
pub(super) fn on_the_list(list: &ListSource, address: &EmailAddress) -> Result<Option<Subscriber>, Failure> {
    if !list.exists() {
        return Ok(None);
    }
    let key = address.key();
    for row in List::open(list)? {
        if let Row::Person { subscriber, .. } = row?
            && subscriber.address.key() == key
        {
            return Ok(Some(subscriber));
        }
    }
    Ok(None)
}
