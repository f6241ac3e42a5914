//! The text part of real issues: nothing that the HTML part shows is missing, and lines are made for people.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use mimeograph::{
    archive::{self, Entry, Page, PicturePaths},
    render::{Built, Design, Newsletter, Pattern, Piece},
};
use scraper::{Html, Selector};

use crate::support::{letters, newsletter::newsletter, project::Project};

/// Every issue of the fixtures, and our own two.
pub(crate) fn issues() -> Vec<(PathBuf, PathBuf)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let ordinary = root.join("tests/fixtures/ordinary");
    let kitchen = root.join("tests/fixtures/kitchen-sink");
    let mut found = vec![
        (kitchen.clone(), kitchen.join("index.md")),
        (root.clone(), root.join("issues/2022-12-30-a-year-in-review/index.md")),
    ];
    for entry in fs::read_dir(&ordinary).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            found.push((ordinary.clone(), path));
        }
    }
    assert!(found.len() > 20);
    found.sort();
    found
}

fn letter(root: &Path, path: &Path) -> (Newsletter, Built) {
    let newsletter = Newsletter { template: "plain".into(), ..newsletter() };
    let text = fs::read_to_string(path).unwrap();
    let built = letters::build(path, &text, root, Path::new("templates"), &newsletter)
        .unwrap_or_else(|found| panic!("{}: {found:#?}", path.display()));
    (newsletter, built)
}

fn plain(pattern: &Pattern) -> String {
    let pieces = pattern.pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => text.clone(),
        Piece::Open { .. } => "X".to_owned(),
    });
    pieces.collect()
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[test]
fn every_link_and_heading_of_the_html_part_is_in_the_text_part() {
    let (links, headings) = (Selector::parse("a[href]").unwrap(), Selector::parse("h1,h2,h3,h4").unwrap());
    for (root, path) in issues() {
        let (_, Built { rendered, .. }) = letter(&root, &path);
        let html = Html::parse_document(&plain(&rendered.html));
        let text = plain(&rendered.text);
        let words = squeezed(&text);
        for link in html.select(&links) {
            let href = link.value().attr("href").unwrap();
            let bare = href.strip_prefix("mailto:").unwrap_or(href);
            if href.starts_with('#') || href == "X" {
                continue;
            }
            assert!(text.contains(bare), "{}: {href} is missing in\n{text}", path.display());
        }
        for heading in html.select(&headings) {
            // A count of links is not the author's.
            let count = heading.select(&Selector::parse("small").unwrap()).next().map(|one| one.inner_html());
            let said = heading.text().collect::<String>();
            let said = squeezed(said.trim_end_matches(count.as_deref().unwrap_or_default()));
            assert!(words.contains(&said), "{}: {said} is missing", path.display());
        }
    }
}

#[test]
fn prose_keeps_within_72_columns_unless_a_single_word_is_longer() {
    use unicode_width::UnicodeWidthStr;
    for (root, path) in issues() {
        let (_, Built { rendered, .. }) = letter(&root, &path);
        let text = plain(&rendered.text);
        assert!(text.ends_with('\n') && !text.contains("\n\n\n"), "{}", path.display());
        for line in text.lines().filter(|line| line.width() > 72 && !line.starts_with("    ")) {
            // A mark and one word, for example `[12] https://…` or `<https://…>,`.
            let long = line.split_whitespace().filter(|word| word.width() > 40).count();
            let words = line.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count();
            assert!(long == 1 && words == 1, "{}: {line}", path.display());
        }
    }
}

#[test]
fn a_page_has_one_title_no_script_no_name_and_no_way_out() {
    for (root, path) in issues() {
        let (newsletter, Built { issue, assets, .. }) = letter(&root, &path);
        let page = Page {
            slug: "issue",
            address: Some("https://example.org/i/"),
            pictures: PicturePaths::Folder("../"),
        };
        let html = archive::web_page(&issue, &newsletter, &assets, &Design::default(), page);
        let parsed = Html::parse_document(&html);
        let count = |selector: &str| parsed.select(&Selector::parse(selector).unwrap()).count();
        assert_eq!(count("h1"), 1, "{}", path.display());
        assert_eq!(count("script, iframe, form, [onclick]"), 0, "{}", path.display());
        assert_eq!(count("img:not([alt])"), 0, "{}", path.display());
        assert!(!html.contains("cid:") && !html.contains("\u{100010}"), "{}", path.display());
        let body = parsed.select(&Selector::parse("article").unwrap()).next().unwrap();
        let body: String = body.text().collect();
        assert!(!body.contains("subscriber.first_name }}") || body.contains("\\{{"), "{}", path.display());
        assert!(!html.contains("link.unsubscribe"), "{}", path.display());
        for image in parsed.select(&Selector::parse("img[src]").unwrap()) {
            let src = image.value().attr("src").unwrap();
            assert!(src.starts_with("../") || src.starts_with("http"), "{}: {src}", path.display());
        }
        let ids: Vec<&str> = parsed
            .select(&Selector::parse("[id]").unwrap())
            .filter_map(|element| element.value().attr("id"))
            .collect();
        let mut seen = BTreeMap::new();
        for id in ids {
            *seen.entry(id).or_insert(0) += 1;
        }
        assert!(seen.values().all(|count| *count == 1), "{}: {seen:?}", path.display());
    }
}

#[test]
fn a_summary_made_of_first_words_speaks_to_everybody() {
    let issue =
        "---\ntitle: A day\n---\nDear {{ subscriber.first_name | default(\"reader\") }}, *welcome*.\n";
    let project = Project::new().file("issues/a.md", issue);
    project.run(["build", "--feed"]).code(0);
    let feed = project.read("build/feed.xml");
    assert!(feed.contains("<summary>Dear reader, welcome.</summary>"), "{feed}");
}

#[test]
fn a_feed_of_all_issues_is_valid_atom() {
    let read: Vec<Built> = issues().iter().map(|(root, path)| letter(root, path).1).collect();
    let slugs: Vec<String> = (0..read.len()).map(|index| format!("issue {index}")).collect();
    let entries: Vec<Entry<'_>> = read
        .iter()
        .zip(&slugs)
        .map(|(Built { issue, assets, .. }, slug)| Entry {
            issue,
            assets,
            slug,
            address: Some("https://example.org/a?b=1&c=2"),
            updated: None,
        })
        .collect();
    let xml = archive::feed(&newsletter(), &entries, Some("https://example.org/feed.xml"));
    let feed = roxmltree::Document::parse(&xml).unwrap();
    let atom = "http://www.w3.org/2005/Atom";
    let root = feed.root_element();
    assert_eq!((root.tag_name().namespace(), root.tag_name().name()), (Some(atom), "feed"));
    // RFC 4287, sections 4.1.1 and 4.1.2: what there is exactly once, and what there may be.
    let one = |node: roxmltree::Node<'_, '_>, name: &str| {
        let found: Vec<_> = node.children().filter(|child| child.tag_name().name() == name).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0].text().unwrap_or_default().to_owned()
    };
    let known = [
        "title",
        "subtitle",
        "id",
        "updated",
        "link",
        "author",
        "generator",
        "entry",
        "published",
        "summary",
        "content",
    ];
    let mut ids = std::collections::BTreeSet::new();
    let all: Vec<_> = feed.descendants().filter(|node| node.has_tag_name((atom, "entry"))).collect();
    assert_eq!(all.len(), read.len());
    for node in all.iter().copied().chain([root]) {
        assert!(!one(node, "title").is_empty());
        let id = one(node, "id");
        assert!(url::Url::parse(&id).is_ok() && ids.insert(id.clone()), "{id}");
        let updated = one(node, "updated");
        assert!(updated.parse::<jiff::Timestamp>().is_ok() && updated.ends_with('Z'), "{updated}");
        for child in node.children().filter(roxmltree::Node::is_element) {
            assert!(known.contains(&child.tag_name().name()), "{child:?}");
        }
        for link in node.children().filter(|child| child.has_tag_name((atom, "link"))) {
            assert!(url::Url::parse(link.attribute("href").unwrap()).is_ok());
        }
    }
    for entry in all {
        let content = entry.children().find(|child| child.has_tag_name((atom, "content"))).unwrap();
        assert_eq!(content.attribute("type"), Some("html"));
        let html = Html::parse_fragment(content.text().unwrap());
        assert!(html.select(&Selector::parse("script, img[src^=cid]").unwrap()).next().is_none());
        for image in html.select(&Selector::parse("img").unwrap()) {
            assert!(image.value().attr("src").unwrap().starts_with("http"));
        }
    }
}
