//! The book in `docs/`: its table of contents has every page, and every link leads somewhere, also to the right place of a page.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::support::{
    blesses,
    project::{Project, repository},
};

/// Pages that people read in the repository and not in the book.
const OUTSIDE: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "BENCHMARKS.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "RELEASING.md",
    "SECURITY.md",
];

/// The pages of the book, from the repository's folder on.
fn book() -> BTreeSet<PathBuf> {
    fn walk(folder: &Path, found: &mut BTreeSet<PathBuf>) {
        for entry in fs::read_dir(repository().join(folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if repository().join(&path).is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.insert(path);
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(Path::new("docs"), &mut found);
    assert!(found.remove(Path::new("docs/SUMMARY.md")));
    found
}

/// What links refer to in a page, and the places that it has.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

/// The place of a heading, as mdBook and GitHub name it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn read(path: &Path) -> Page {
    let text = fs::read_to_string(repository().join(path)).unwrap();
    let mut page = Page::default();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links.push(dest_url.to_string())
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => page.anchors.extend(heading.take().map(|text| anchor(&text))),
            Event::Text(text) | Event::Code(text) => {
                heading.iter_mut().for_each(|heading| heading.push_str(&text))
            }
            _ => {}
        }
    }
    page
}

/// The path without `..` in it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn the_table_of_contents_has_every_page_once() {
    let mut listed: Vec<PathBuf> =
        read(Path::new("docs/SUMMARY.md")).links.iter().map(|link| Path::new("docs").join(link)).collect();
    listed.sort();
    let pages: Vec<PathBuf> = book().into_iter().collect();
    assert_eq!(listed, pages, "left: docs/SUMMARY.md, right: the pages in docs");
}

#[test]
fn every_link_of_the_documentation_leads_to_a_page_and_a_place() {
    let in_book = book();
    let paths: Vec<PathBuf> = in_book.iter().cloned().chain(OUTSIDE.iter().map(PathBuf::from)).collect();
    let pages: BTreeMap<PathBuf, Page> = paths.iter().map(|path| (path.clone(), read(path))).collect();
    let (mut wrong, mut links) = (Vec::new(), 0);
    for (path, page) in &pages {
        for link in page.links.iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            links += 1;
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let folder = path.parent().unwrap_or(Path::new(""));
            let target = if file.is_empty() { path.clone() } else { plain(&folder.join(file)) };
            if !repository().join(&target).exists() {
                wrong.push(format!("{}: `{link}`: there is no such file", path.display()));
            } else if !place.is_empty()
                && !pages.get(&target).is_some_and(|page| page.anchors.contains(place))
            {
                wrong.push(format!("{}: `{link}`: there is no such heading", path.display()));
            } else if in_book.contains(path) && !target.starts_with("docs") {
                wrong.push(format!("{}: `{link}` leads out of the book", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(links > 100, "{links}");
}

#[test]
fn the_reference_of_commands_is_made_of_the_help() {
    let made = Project::empty().run(["man", "--markdown"]).code(0).stdout;
    let path = repository().join("docs/command-reference.md");
    if blesses() {
        fs::write(&path, &made).unwrap();
        return;
    }
    assert!(
        fs::read_to_string(path).unwrap() == made,
        "docs/command-reference.md is stale: run this test with MIMEO_BLESS=1"
    );
}

#[test]
fn every_block_on_the_page_about_blocks_builds_and_has_its_picture() {
    let text = fs::read_to_string(repository().join("docs/blocks.md")).unwrap();
    let mut pictures = BTreeSet::new();
    let mut blocks = 0;
    let head = "---\ntitle: One block of them all\npreheader: A block of the documentation, alone in a letter.\n\
                number: 1\ndate: 2026-01-02\n---\n\n";
    for (at, start) in text.match_indices("](pictures/blocks/") {
        let (name, rest) = text[at + start.len()..].split_once(")\n\n").unwrap();
        pictures.insert(name.to_owned());
        let (fence, rest) = rest.split_once("markdown\n").unwrap();
        let source = rest.split(&format!("\n{fence}\n")).next().unwrap();
        let project = Project::new();
        let settings = project.read("mimeo.toml");
        project.write(
            "mimeo.toml",
            settings.replace("[sender]", "postal_address = \"1 Example Road, Example Town\"\n\n[sender]"),
        );
        for name in ["hill", "moon", "shore", "still", "face"] {
            let path = format!("tests/fixtures/kitchen-sink/pictures/{name}.png");
            project.write(&format!("issues/pictures/{name}.png"), fs::read(repository().join(path)).unwrap());
        }
        project.write("issues/one.md", format!("{head}{source}\n"));
        let found = project.run(["check", "one", "--format", "json"]).code(0).stdout;
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        assert_eq!((&found["errors"], &found["warnings"]), (&0.into(), &0.into()), "{name}: {found:#}");
        blocks += 1;
    }
    let there: BTreeSet<String> = fs::read_dir(repository().join("docs/pictures/blocks"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, pictures, "tests/tools/screenshots.sh makes them");
    assert_eq!(there.len(), blocks);
}
