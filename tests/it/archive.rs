//! The archive on the web: pages that lead to each other, feeds, a site map; what a browser and a parser say of them.

use std::collections::BTreeSet;

use scraper::{Html, Selector};

use crate::{
    pictures::{self, FAINT},
    support::{project::Project, skip},
};

fn project() -> Project {
    let project = Project::new();
    let settings = project.read("mimeo.toml").replace(
        "[sender]",
        "tagline = \"A letter & more\"\narchive = \"https://news.example.org/issues/\"\nsite = \"https://news.example.org/\"\npictures = \"inside\"\n[sender]",
    );
    project.write(
        "mimeo.toml",
        format!("{settings}\n[footer]\nsubscribe = \"https://news.example.org/join\"\n[design]\npalette = \"moss\"\n"),
    );
    for (number, title, more) in [
        (1, "First", "topics: [Tea, Kettles & pots]\npreheader: About tea.\n"),
        (2, "Second <b>", "topics: tea leaves\nlanguage: de\n"),
        (
            3,
            "Third",
            "topics: [Tea]\nsubtitle: With a picture\ncover: red.png\ncover_alt: Red\nauthor: Ada\n",
        ),
    ] {
        project.write(
            &format!("issues/{number}-issue.md"),
            format!("---\ntitle: \"{title}\"\nnumber: {number}\ndate: 2024-02-0{number}\n{more}---\n\nWords of {number}.\n\n## Part\n\n- [a link](https://example.org/)\n\n$$ x^2 $$\n"),
        );
    }
    project.write("issues/4-draft.md", "---\ntitle: Draft\nnumber: 4\ndraft: true\n---\n\nNot yet.\n");
    project.write("issues/red.png", crate::support::newsletter::picture(1200, 600, image::ImageFormat::Png));
    project.run(["build", "--web", "-o", "public"]).code(0);
    project
}

const PAGES: [&str; 6] = [
    "index.html",
    "1-issue/index.html",
    "2-issue/index.html",
    "3-issue/index.html",
    "topics/tea/index.html",
    "topics/kettles-pots/index.html",
];

#[test]
fn every_page_is_whole_valid_and_leads_only_to_what_is_there() {
    let project = project();
    for page in PAGES {
        let html = project.read(&format!("public/{page}"));
        let parsed = Html::parse_document(&html);
        assert!(parsed.errors.is_empty(), "{page}: {:?}", parsed.errors);
        let all = |selector: &str| -> Vec<String> {
            parsed.select(&Selector::parse(selector).unwrap()).map(|one| one.html()).collect()
        };
        let value = |selector: &str, name: &str| {
            let found = parsed.select(&Selector::parse(selector).unwrap()).next();
            found.and_then(|one| one.attr(name)).unwrap_or_default().to_owned()
        };
        assert_eq!(all("h1").len(), 1, "{page}");
        assert_eq!(all("main").len(), 1, "{page}");
        assert!(all("script, [onclick], link[rel=stylesheet], iframe").is_empty(), "{page}");
        assert!(
            !value("html", "lang").is_empty() && !value("meta[name=viewport]", "content").is_empty(),
            "{page}"
        );
        assert!(
            value("link[rel=canonical]", "href").starts_with("https://news.example.org/issues/"),
            "{page}"
        );
        for property in ["og:title", "og:type", "og:url", "og:site_name"] {
            assert!(
                !value(&format!("meta[property=\"{property}\"]"), "content").is_empty(),
                "{page}: {property}"
            );
        }
        for kind in ["application/atom+xml", "application/feed+json"] {
            assert!(!value(&format!("link[type=\"{kind}\"]"), "href").is_empty(), "{page}: {kind}");
        }
        assert!(html.contains("@media print") && html.contains("prefers-color-scheme:dark"), "{page}");
        assert!(html.len() < 20_000, "{page}: {}", html.len());
        let mut ids = BTreeSet::new();
        for one in parsed.select(&Selector::parse("[id]").unwrap()) {
            assert!(ids.insert(one.attr("id").unwrap().to_owned()), "{page}: {:?}", one.attr("id"));
        }
        let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
        for one in
            parsed.select(&Selector::parse("a[href], img[src], source[srcset], link[rel=alternate]").unwrap())
        {
            let target = one.attr("href").or(one.attr("src")).or(one.attr("srcset")).unwrap();
            if target.contains("://") || target.starts_with('#') {
                continue;
            }
            let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
            for part in target.split('/') {
                match part {
                    ".." => assert!(path.pop().is_some(), "{page}: {target}"),
                    "" | "." => {}
                    part => path.push(part),
                }
            }
            let mut file = project.path("public").join(path.join("/"));
            if target.ends_with('/') || target.ends_with("..") {
                file = file.join("index.html");
            }
            assert!(file.is_file(), "{page} leads to {target}, {}", file.display());
        }
    }
    assert!(!project.path("public/4-draft").exists());
}

#[test]
fn the_index_lists_the_newest_first_and_issues_lead_to_their_neighbors() {
    let project = project();
    let index = project.read("public/index.html");
    let at = |words: &str| index.find(words).unwrap_or_else(|| panic!("{words}: {index}"));
    assert!(at(">Third</a>") < at(">Second &lt;b&gt;</a>") && at(">Second &lt;b&gt;</a>") < at(">First</a>"));
    assert!(index.contains("About tea.") && index.contains("min read") && index.contains("lang=\"de\""));
    assert!(
        index.contains("href=\"https://news.example.org/join\"") && index.contains("A letter &amp; more")
    );
    assert!(index.contains("href=\"topics/kettles-pots/\"") && !index.contains("Draft"));
    let second = project.read("public/2-issue/index.html");
    assert!(
        second.contains("rel=\"prev\" href=\"../1-issue/\"")
            && second.contains("rel=\"next\" href=\"../3-issue/\"")
    );
    let tea = project.read("public/topics/tea/index.html");
    assert!(
        tea.contains("Issues about Tea")
            && tea.contains("href=\"../../3-issue/\"")
            && !tea.contains("2-issue")
    );
    let third = project.read("public/3-issue/index.html");
    assert!(
        third.contains("With a picture")
            && third.contains("property=\"og:image\" content=\"https://news.example.org/issues/red.png\"")
    );
    assert!(!third.contains("rel=\"next\""));
    // The colors are the newsletter's.
    assert!(index.contains("--paper:#fdfefa") && index.contains("--paper:#181d19"));
}

#[test]
fn feeds_and_the_site_map_name_every_issue_and_no_draft() {
    let project = project();
    let feed: serde_json::Value = serde_json::from_str(&project.read("public/feed.json")).unwrap();
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(feed["feed_url"], "https://news.example.org/issues/feed.json");
    let items = feed["items"].as_array().unwrap();
    let titles: Vec<&str> = items.iter().map(|item| item["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Third", "Second <b>", "First"]);
    assert!(items.iter().all(|item| item["content_html"].as_str().unwrap().contains("Words of")));
    assert_eq!(items[2]["summary"], "About tea.");
    assert_eq!(items[0]["date_published"], "2024-02-03T00:00:00Z");
    let map = project.read("public/sitemap.xml");
    let map = roxmltree::Document::parse(&map).unwrap();
    let urls: Vec<&str> = map
        .descendants()
        .filter(|node| node.tag_name().name() == "loc")
        .filter_map(|node| node.text())
        .collect();
    assert_eq!(urls.len(), 1 + 3 + 3, "{urls:?}");
    assert!(urls.contains(&"https://news.example.org/issues/2-issue/"));
    assert!(
        project.read("public/robots.txt").contains("Sitemap: https://news.example.org/issues/sitemap.xml")
    );
    assert!(project.read("public/feed.xml").contains("<title>Third</title>"));
}

#[test]
fn every_page_can_be_read_on_a_phone_in_light_and_dark() {
    let project = project();
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "const faint = (() => {{{FAINT}}})(); return document.documentElement.scrollWidth + ' ' + faint"
    );
    for page in PAGES {
        let html = project.read(&format!("public/{page}"));
        for flags in [&[][..], &["--blink-settings=preferredColorScheme=0"]] {
            let Some(found) = pictures::ask(&html, &script, 375, flags, folder.path()) else {
                return skip("chromium-headless-shell is not installed");
            };
            assert_eq!(found.trim(), "375", "{page} {flags:?}");
        }
        if let Some(target) = std::env::var_os("MIMEO_PICTURES") {
            pictures::keep(
                &format!("archive-{}", page.replace('/', "-")),
                &html,
                std::path::Path::new(&target),
            );
        }
    }
}
