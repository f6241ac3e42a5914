use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Context, Exit, Failure, flags, issues, press, sending};
use crate::{
    config::Overrides,
    report::words::octets,
    subscriber::{EmailAddress, List, Row, Subscriber},
};

/// Write an issue as files: HTML, text, MJML
///
/// With `--as` it also writes the very letter that this person gets, as an `.eml`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo build a-year-in-review
  mimeo build 52 -o /tmp/letter --as someone@example.com")]
pub(crate) struct Args {
    /// The issue: its name, a part of it, its number or its path
    issue: String,
    /// The folder for the files
    #[arg(short, long, value_name = "DIR", default_value = "build")]
    output: PathBuf,
    /// Also the letter to this person (from the list, or anybody)
    #[arg(long = "as", value_name = "ADDRESS")]
    reader: Option<String>,
    #[command(flatten)]
    list: flags::List,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.list.say(Overrides::default()))?;
    let file = issues::find(context, &args.issue)?;
    let pressed = press::press(context, &config, &file)?;
    let rendered = &pressed.rendered;
    // In a letter pictures are named by `cid:`; beside a page they are files.
    let mut html = sending::plain(&rendered.html);
    let mut pictures = Vec::new();
    for picture in &rendered.pictures {
        let name = format!("{}-pictures/{}", file.slug, safe(&picture.name));
        html = html.replace(&format!("cid:{}", picture.cid), &name);
        pictures.push((name, picture.bytes.clone()));
    }
    let mut files = vec![
        (format!("{}.html", file.slug), html.into_bytes()),
        (format!("{}.txt", file.slug), sending::plain(&rendered.text).into_bytes()),
        (format!("{}.mjml", file.slug), rendered.mjml.clone().into_bytes()),
    ];
    if let Some(reader) = &args.reader {
        let reader = subscriber(&config.list, reader)?;
        let composer = sending::composer(&config, rendered)?;
        files.push((format!("{}.eml", file.slug), composer.compose(&reader, Vec::new())?.bytes));
    }
    files.extend(pictures);
    for (name, bytes) in files {
        let path = args.output.join(name);
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| Failure::file("make the folder", folder, error))?;
        fs::write(&path, &bytes).map_err(|error| Failure::file("write", &path, error))?;
        context.terminal.say(&format!("{:>10}  {}", octets(bytes.len() as u64), path.display()));
    }
    Ok(Exit::Done)
}

/// A picture's name as a file's: nothing that leads elsewhere.
fn safe(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' }).collect()
}

/// The person with this address on the list, or somebody with nothing but an address.
pub(super) fn subscriber(list: &Path, text: &str) -> Result<Subscriber, Failure> {
    let address = EmailAddress::parse(text)
        .map_err(|error| Failure::input(format!("`{text}` is no address: {error}")).exit(Exit::Usage))?;
    Ok(on_the_list(list, &address)?.unwrap_or_else(|| Subscriber {
        address,
        name: None,
        fields: Default::default(),
    }))
}

/// The person with this address on the list; a list that is not there has nobody on it.
pub(super) fn on_the_list(list: &Path, address: &EmailAddress) -> Result<Option<Subscriber>, Failure> {
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
