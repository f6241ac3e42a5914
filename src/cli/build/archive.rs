//! Issues as pages of the web, with an index, topics and feeds: a folder to be published at the newsletter's `archive`.
//!
//! In: the newsletter's issues. Out: files, by their paths in that folder.
//! Never: holds a draft, or a picture that no page shows.

use crate::{
    archive::{self, Archive, Around, Entry, Page, PicturePaths},
    cli::{
        context::Context,
        failure::Failure,
        issues::{self, IssueFile},
    },
    config::Config,
    render::{self, Built, Design},
};

/// The names of the feeds.
const FEED: &str = "feed.xml";
const JSON_FEED: &str = "feed.json";

/// A file to be written: its path in the folder, with `/`, and what is in it.
pub(in crate::cli) type Written = (String, Vec<u8>);

/// One issue as a page in a folder of its own, complete with its pictures.
pub(super) fn page(config: &Config, slug: &str, built: &Built, around: &Around) -> Vec<Written> {
    let Built { issue, assets, template, .. } = built;
    let newsletter = &config.newsletter;
    let (design, _) = render::design(issue, newsletter, template);
    let address = render::web_address(issue, newsletter, slug);
    let place = Page { slug, address: address.as_deref(), pictures: PicturePaths::Folder("") };
    let html = archive::web_page_in(issue, newsletter, assets, &design, place, around);
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

/// All issues that are no drafts: their pages, the page that lists them, those of the topics, and the site map; with the
/// feeds if they are wanted.
pub(in crate::cli) fn site(
    config: &Config,
    all: &[(IssueFile, Built)],
    pages: bool,
    feeds: bool,
) -> Vec<Written> {
    let newsletter = &config.newsletter;
    let addresses: Vec<Option<String>> =
        all.iter().map(|(file, built)| render::web_address(&built.issue, newsletter, &file.slug)).collect();
    let entries: Vec<Entry<'_>> = all
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
    let design = newest_design(config, all);
    let archive = Archive::new(newsletter, &design, entries);
    let mut files: Vec<Written> = Vec::new();
    if pages {
        for (file, built) in all.iter().filter(|(_, built)| !built.issue.head.draft) {
            files.extend(page(config, &file.slug, built, &archive.around(&file.slug)));
        }
        files.push(("index.html".to_owned(), archive.index().into_bytes()));
        for topic in archive.topics() {
            let html = archive.topic(&topic.slug).unwrap_or_default();
            files.push((format!("topics/{}/index.html", topic.slug), html.into_bytes()));
        }
        files.extend(archive.sitemap().map(|map| ("sitemap.xml".to_owned(), map.into_bytes())));
        files.push(("robots.txt".to_owned(), archive.robots().into_bytes()));
    }
    if feeds {
        let own = |name: &str| {
            newsletter.archive.as_deref().map(|archive| format!("{}/{name}", archive.trim_end_matches('/')))
        };
        let atom = archive::feed(newsletter, archive.entries(), own(FEED).as_deref());
        let json = archive::json_feed(newsletter, archive.entries(), own(JSON_FEED).as_deref());
        files.push((FEED.to_owned(), atom.into_bytes()));
        files.push((JSON_FEED.to_owned(), json.into_bytes()));
    }
    files
}

/// The pages of the archive look as the newest issue does.
fn newest_design(config: &Config, all: &[(IssueFile, Built)]) -> Design {
    let newest = all.iter().map(|(_, built)| built).max_by_key(|built| built.issue.head.date);
    newest.map_or_else(Design::default, |built| {
        render::design(&built.issue, &config.newsletter, &built.template).0
    })
}

/// Builds every issue of the newsletter. All problems of all issues come at once.
pub(in crate::cli) fn build_all(
    context: &Context,
    config: &Config,
) -> Result<Vec<(IssueFile, Built)>, Failure> {
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    for file in issues::all(context)? {
        match file.build(config, context.now) {
            Ok(built) => all.push((file, built)),
            Err(failure) => problems.extend(failure.into_diagnostics()?),
        }
    }
    if problems.is_empty() { Ok(all) } else { Err(Failure::found(problems)) }
}
