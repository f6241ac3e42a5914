//! Issues as pages of the web, and all of them as a feed: a folder to be published at the newsletter's `archive`.
//!
//! In: the newsletter's issues. Out: files, by their paths in that folder.
//! Never: holds a draft in the feed, or a picture that no page shows.

use crate::{
    archive::{self, Entry, Page, PicturePaths},
    cli::{
        Context, Failure,
        issues::{self, IssueFile},
    },
    config::Config,
    render::{self, Built},
};

/// The feed's name.
const FEED: &str = "feed.xml";

/// A file to be written: its path in the folder, with `/`, and what is in it.
pub(super) type Written = (String, Vec<u8>);

/// One issue as a page in a folder of its own, complete with its pictures.
pub(super) fn page(config: &Config, slug: &str, built: &Built) -> Vec<Written> {
    let Built { issue, assets, template, .. } = built;
    let newsletter = &config.newsletter;
    let (design, _) = render::design(issue, newsletter, template);
    let address = render::web_address(issue, newsletter, slug);
    let place = Page { slug, address: address.as_deref(), pictures: PicturePaths::Folder("") };
    let html = archive::web_page(issue, newsletter, assets, &design, place);
    let mut pictures: Vec<Written> = assets
        .pictures()
        .filter(|(_, asset)| html.contains(&asset.encoded_path()))
        .map(|(_, asset)| (format!("{slug}/{}", asset.path), asset.bytes.to_vec()))
        .collect();
    pictures.sort();
    pictures.dedup();
    let mut files = vec![(format!("{slug}/index.html"), html.into_bytes())];
    files.extend(pictures);
    files
}

/// All issues that are no drafts, the newest first, as an Atom feed.
pub(super) fn feed(config: &Config, all: &[(IssueFile, Built)]) -> Written {
    let newsletter = &config.newsletter;
    let mut published: Vec<_> = all.iter().filter(|(_, built)| !built.issue.head.draft).collect();
    published.sort_by_key(|(file, built)| std::cmp::Reverse((built.issue.head.date, file.slug.clone())));
    let addresses: Vec<Option<String>> = published
        .iter()
        .map(|(file, built)| render::web_address(&built.issue, newsletter, &file.slug))
        .collect();
    let entries: Vec<Entry<'_>> = published
        .iter()
        .zip(&addresses)
        .map(|((file, built), address)| Entry {
            issue: &built.issue,
            assets: &built.assets,
            slug: &file.slug,
            address: address.as_deref(),
            updated: None,
        })
        .collect();
    let own =
        newsletter.archive.as_deref().map(|archive| format!("{}/{FEED}", archive.trim_end_matches('/')));
    (FEED.to_owned(), archive::feed(newsletter, &entries, own.as_deref()).into_bytes())
}

/// Builds every issue of the newsletter. All problems of all issues come at once.
pub(super) fn build_all(context: &Context, config: &Config) -> Result<Vec<(IssueFile, Built)>, Failure> {
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    for file in issues::all(context)? {
        match file.build(config, context.now) {
            Ok(built) => all.push((file, built)),
            Err(failure) => problems.extend(failure.into_diagnostics()?),
        }
    }
    if problems.is_empty() { Ok(all) } else { Err(Failure::found(problems)) }
}
