//! `mimeo vendor`: what videos and posts say about themselves, fetched once and stored beside the issue.

mod facts;

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    context::Context,
    failure::{Exit, Failure},
    issues,
    net::{Net, NetError},
};
use crate::{
    assets::{self, Embed, EmbedKind, Vendored},
    config::Overrides,
    issue::Issue,
};

/// Fetch titles and pictures for an issue's videos and posts
///
/// Titles, still pictures and texts are stored beside the issue, so that it can be built without a network. Whatever is stored
/// already, or given in the issue, is not fetched again.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo vendor a-year-in-review
  mimeo vendor 95")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name
    issue: String,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(Overrides::default())?;
    let file = issues::find(context, &args.issue)?;
    let issue = Issue::parse(file.source()?).map_err(Failure::found)?;
    let report = vendor(&config.root, &issue, &Net::new())
        .map_err(|error| Failure::file("write", &assets::vendor_folder(&file.path), error))?;
    if report.is_empty() {
        context.terminal.say("the issue has no videos and no posts");
    }
    let mut exit = Exit::Done;
    for (url, became) in &report {
        context.terminal.say(&match became {
            Became::Known => format!("{:>10}  {url}", "known"),
            Became::Stored(path) => format!("{:>10}  {url} in {}", "stored", path.display()),
            Became::Failed(why) => {
                exit = Exit::Failed;
                format!("{:>10}  {url}: {why}", "failed")
            }
        });
    }
    if exit == Exit::Failed {
        context.terminal.say(
            "what could not be fetched can be written in the issue, without a network: `::: video url=\"…\" title=\"…\" still=\"…\"`, \
             `::: post url=\"…\" author=\"…\"`",
        );
    }
    Ok(exit)
}

/// What became of a video or a post.
#[derive(Debug, PartialEq)]
enum Became {
    /// Nothing was missing.
    Known,
    /// Stored in this file.
    Stored(PathBuf),
    /// Why nothing could be fetched.
    Failed(String),
}

/// Fetches and stores what is missing; one that fails does not keep the others from being fetched.
fn vendor(root: &Path, issue: &Issue, net: &Net) -> io::Result<Vec<(String, Became)>> {
    let folder = assets::vendor_folder(issue.source.path());
    let mut report: Vec<(String, Became)> = Vec::new();
    for embed in assets::embeds(issue) {
        if report.iter().any(|(url, _)| *url == embed.url) {
            continue;
        }
        let path = folder.join(assets::vendor_name(&embed.url)).with_extension("toml");
        let became = if !embed.is_bare || path.exists() {
            Became::Known
        } else {
            match fetch(&embed, net) {
                Ok((facts, picture)) => {
                    store(root, &path, facts, picture)?;
                    Became::Stored(path)
                }
                Err(error) => Became::Failed(chain(&error)),
            }
        };
        report.push((embed.url, became));
    }
    Ok(report)
}

/// A picture's extension and bytes.
type Picture = (&'static str, Vec<u8>);

/// What is known about an embed, and its picture.
fn fetch(embed: &Embed, net: &Net) -> Result<(Vendored, Option<Picture>), NetError> {
    let found = match embed.kind {
        EmbedKind::Video => facts::video(&embed.url, net)?,
        EmbedKind::Post => facts::post(&embed.url, net)?,
    };
    let mut picture = None;
    for address in &found.pictures {
        // A picture that cannot be had does not spoil the words.
        if let Ok(fetched) = net.get(address)
            && let Some(extension) = extension(&fetched)
        {
            picture = Some((extension, fetched));
            break;
        }
    }
    let mut facts = Vendored { url: embed.url.clone(), ..found.facts };
    if let Some((extension, _)) = &picture {
        let name = format!("{}.{extension}", assets::vendor_name(&embed.url));
        match embed.kind {
            EmbedKind::Video => facts.still = Some(name),
            EmbedKind::Post => facts.picture = Some(name),
        }
    }
    Ok((facts, picture))
}

/// The extension that fits a picture; none for what is no picture that a letter can show.
fn extension(bytes: &[u8]) -> Option<&'static str> {
    match imagesize::image_type(bytes).ok()? {
        imagesize::ImageType::Png => Some("png"),
        imagesize::ImageType::Jpeg => Some("jpg"),
        imagesize::ImageType::Gif => Some("gif"),
        imagesize::ImageType::Webp => Some("webp"),
        _ => None,
    }
}

/// Writes the picture, then the file that names it.
fn store(root: &Path, path: &Path, facts: Vendored, picture: Option<Picture>) -> io::Result<()> {
    if let Some((extension, bytes)) = picture {
        assets::write_inside(root, &path.with_extension(extension), &bytes)?;
    }
    let text = toml::to_string(&facts).map_err(io::Error::other)?;
    let note = "# Fetched by `mimeo vendor`. Yours to edit; delete it to have it fetched again.\n";
    assets::write_inside(root, path, format!("{note}{text}").as_bytes())
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(cause) = inner {
        // The web's client names the kind of its error first.
        text.push_str(&format!(": {}", cause.to_string().trim_start_matches("io: ")));
        inner = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
