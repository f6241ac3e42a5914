//! Letters in a real browser engine: nothing is wider than a telephone, with or without styles and pictures.
//!
//! `MIMEO_PICTURES=folder` keeps screenshots for people to look at.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mimeograph::{
    archive::{Page, PicturePaths, web_page},
    render::{Built, Design, Newsletter},
};

use crate::support::{
    browser::{browser, sheets},
    digest::link_digest,
    letters::{self, filled},
    newsletter::{newsletter, picture},
    skip,
};

/// The letter as a client shows it that drops every `<style>`.
fn without_styles(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(start) = rest.find("<style") {
        out.push_str(&rest[..start]);
        rest = rest[start..].split_once("</style>").map_or("", |(_, rest)| rest);
    }
    out + rest
}

/// The letter as a client shows it that loads no pictures.
fn without_pictures(html: &str) -> String {
    html.replace("src=\"", "src=\"https://example.invalid/")
}

/// What a script in the page answers; none where there is no browser.
pub(crate) fn ask(html: &str, script: &str, pixels: u32, flags: &[&str], folder: &Path) -> Option<String> {
    let page = folder.join("page.html");
    let probe = format!(
        "<script>addEventListener('load',()=>{{document.title='answer:'+(()=>{{{script}}})()+':end'}})</script>"
    );
    fs::write(&page, format!("{html}{probe}")).unwrap();
    let out = browser(folder, pixels, 2000, flags)?
        .args(["--virtual-time-budget=2000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .output()
        .ok()?;
    let dom = String::from_utf8_lossy(&out.stdout).into_owned();
    let answer = dom.split("<title>answer:").nth(1).and_then(|rest| rest.split(":end").next());
    let answer = answer
        .unwrap_or_else(|| panic!("the browser said nothing: {}", String::from_utf8_lossy(&out.stderr)));
    Some(answer.to_owned())
}

/// How wide a page is that has so many pixels.
fn width_of(html: &str, pixels: u32, folder: &Path) -> Option<u32> {
    let answer = ask(html, "return document.documentElement.scrollWidth", pixels, &[], folder)?;
    Some(answer.parse().expect("a number"))
}

/// Finds words that are too faint on the nearest background behind them (WCAG 1.4.3), and words smaller than 11 pixels.
pub(crate) const FAINT: &str = r"
    const rgb = text => { const n = text.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n };
    const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * x + .7152 * y + .0722 * z };
    const found = [];
    // What is behind a letter without a background of its own.
    const probe = document.body.appendChild(document.createElement('div'));
    probe.style.backgroundColor = 'Canvas';
    const canvas = rgb(getComputedStyle(probe).backgroundColor);
    probe.remove();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const words = walk.currentNode.data.trim(), home = walk.currentNode.parentElement;
        if (!words || ['SCRIPT', 'STYLE'].includes(home.tagName) || !home.checkVisibility()) continue;
        const style = getComputedStyle(home), size = parseFloat(style.fontSize);
        // The preheader is for inboxes only.
        if (size <= 1) continue;
        let background = canvas;
        for (let at = home; at; at = at.parentElement) {
            const own = rgb(getComputedStyle(at).backgroundColor);
            if (own[3] > 0) { background = own; break }
        }
        const [a, b] = [light(rgb(style.color)), light(background)];
        const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
        if (contrast < (large ? 3 : 4.5)) found.push(contrast.toFixed(2) + ' ' + words.slice(0, 30));
        if (size < 11) found.push(size + 'px ' + words.slice(0, 30));
    }
    return found.join(' | ').replace(/[<>&]/g, '')";

#[test]
fn every_word_can_be_read_in_light_and_dark() {
    let folder = tempfile::tempdir().unwrap();
    let dark: &[&str] = &["--blink-settings=preferredColorScheme=0"];
    let mut wrong = Vec::new();
    for (name, html) in papers() {
        let bare = without_styles(&html);
        for (way, html, flags) in
            [("light", &html, &[][..]), ("dark", &html, dark), ("without styles", &bare, &[])]
        {
            let Some(found) = ask(html, FAINT, 375, flags, folder.path()) else {
                return skip("chromium-headless-shell is not installed");
            };
            let is_bare_page = name.starts_with("page-") && way == "without styles";
            if !found.is_empty() && !is_bare_page {
                wrong.push(format!("{name} {way}: {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The web pages of the issues, by name.
fn pages() -> Vec<(String, String)> {
    let issues = ["tests/fixtures/kitchen-sink/index.md", "issues/2022-12-30-a-year-in-review/index.md"];
    let pages = issues.into_iter().map(|issue| {
        let path = PathBuf::from(issue);
        let root = fs::canonicalize(path.parent().unwrap()).unwrap();
        let newsletter = newsletter();
        let Built { issue, assets, .. } = letters::build_file(&path, &newsletter);
        let folder = format!("file://{}/", root.display());
        let page = Page { slug: "issue", address: None, pictures: PicturePaths::Folder(&folder) };
        let html = web_page(&issue, &newsletter, &assets, &Design::default(), page);
        (format!("page-{}", root.file_name().unwrap().to_string_lossy()), html)
    });
    pages.collect()
}

/// A long digest, whose styles are in the head, and a letter of one word, in each of our templates.
fn long_and_short() -> Vec<(String, String)> {
    let mut letters = Vec::new();
    for (name, text) in [("digest", link_digest()), ("word", "---\ntitle: A word\n---\n\nHello.".to_owned())]
    {
        for template in ["essay", "digest", "plain", "magazine", "announcement"] {
            let newsletter = Newsletter { template: template.into(), ..newsletter() };
            let (here, templates) = (Path::new("."), Path::new("templates"));
            let built = letters::build(Path::new("issue.md"), &text, here, templates, &newsletter).unwrap();
            letters.push((format!("{name}-in-{template}"), filled(&built.rendered.html)));
        }
    }
    letters
}

/// Letters and pages.
fn papers() -> Vec<(String, String)> {
    let letters = sheets().into_iter().map(|(name, rendered)| (name, filled(&rendered.html)));
    letters.chain(long_and_short()).chain(pages()).collect()
}

#[test]
fn no_letter_is_wider_than_a_telephone() {
    let folder = tempfile::tempdir().unwrap();
    for (name, html) in papers() {
        let ways = [
            ("as it is", html.clone()),
            ("without styles", without_styles(&html)),
            ("without pictures", without_pictures(&html)),
            ("with neither", without_pictures(&without_styles(&html))),
        ];
        // A page brings its own styles, and no one drops them.
        let ways = ways.into_iter().filter(|(way, _)| {
            !name.starts_with("page-") || !way.contains("style") && *way != "with neither"
        });
        for (way, html) in ways {
            let Some(width) = width_of(&html, 375, folder.path()) else {
                return skip("chromium-headless-shell is not installed");
            };
            assert!(width <= 375, "{name} {way} is {width} pixels wide");
        }
    }
}

/// Finds what is above what was written before it; of two columns the second begins below the first.
const DISORDER: &str = r"
    let last = 0, before = '';
    for (const one of document.querySelectorAll('h1,h2,h3,h4,h5,h6,p,li,pre,blockquote,td>img,p>img')) {
        const words = (one.alt || one.textContent).trim().slice(0, 30).replace(/[<>&]/g, '');
        const box = one.getBoundingClientRect();
        if (!words || !box.height || !one.checkVisibility()) continue;
        if (box.top < last - 1) return words + ' is above ' + before;
        [last, before] = [box.top, words];
    }
    return ''";

#[test]
fn a_telephone_shows_everything_in_the_order_of_the_text() {
    let folder = tempfile::tempdir().unwrap();
    for (name, html) in papers() {
        for (way, html) in [("as it is", html.clone()), ("without styles", without_styles(&html))] {
            let Some(found) = ask(&html, DISORDER, 375, &[], folder.path()) else {
                return skip("chromium-headless-shell is not installed");
            };
            assert_eq!(found, "", "{name} {way}");
        }
    }
}

#[test]
fn letters_can_be_looked_at() {
    let Some(target) = std::env::var_os("MIMEO_PICTURES").map(PathBuf::from) else { return };
    for (name, html) in papers() {
        keep(&name, &html, &target);
    }
}

/// Screenshots of a letter in five ways and at two widths.
pub(crate) fn keep(name: &str, html: &str, target: &Path) {
    let folder = tempfile::tempdir().unwrap();
    keep_at(name, html, folder.path(), target);
}

/// The same of a page that finds its pictures from this folder.
pub(crate) fn keep_at(name: &str, html: &str, folder: &Path, target: &Path) {
    fs::create_dir_all(target).unwrap();
    let ways: [(&str, String, &[&str]); 5] = [
        ("light", html.to_owned(), &[]),
        ("dark", html.to_owned(), &["--blink-settings=preferredColorScheme=0"]),
        ("forced-dark", html.to_owned(), &["--blink-settings=forceDarkModeEnabled=true"]),
        ("no-pictures", without_pictures(html), &[]),
        ("no-styles", without_styles(html), &[]),
    ];
    for (way, html, flags) in ways {
        for width in [375, 700] {
            let page = folder.join("page.html");
            fs::write(&page, &html).unwrap();
            let picture = target.join(format!("{name}-{way}-{width}.png"));
            let Some(mut browser) = browser(folder, width, 14_000, flags) else {
                return skip("chromium-headless-shell is not installed");
            };
            let status = browser
                .arg(format!("--screenshot={}", picture.display()))
                .arg(format!("file://{}", page.display()))
                .output()
                .unwrap()
                .status;
            assert!(status.success() && picture.exists(), "{}", picture.display());
        }
    }
}

/// How some things look: links, code, a heading, and the distances between an item, the list in it, and the next item.
const LOOKS: &str = r"
    const text = document.querySelector('li').closest('td');
    const css = (what, name) => getComputedStyle(text.querySelector(what))[name];
    const inner = text.querySelector('li li'), list = inner.parentElement, item = list.parentElement;
    const next = item.nextElementSibling.getBoundingClientRect().top, below = next - inner.getBoundingClientRect().bottom;
    const above = inner.getBoundingClientRect().top - item.getBoundingClientRect().top - parseFloat(css('li', 'lineHeight'));
    return [css('a[href]', 'color'), css('code', 'backgroundColor'), css('h3', 'fontSize'), css('p', 'marginBottom'),
        css('ul', 'paddingLeft'), css('ul', 'marginLeft'), 'nearer to its own: ' + (above <= below + .5)].join(' | ')";

#[test]
fn a_long_letter_looks_like_a_short_one_and_lists_in_lists_are_with_their_own() {
    let (here, templates) = (Path::new("."), Path::new("templates"));
    let text = |count: usize| {
        let item = "- A [page](https://example.org/) with `code`\n  - [Inside](https://example.org/inside)\n";
        format!("---\ntitle: x\n---\n\n### A heading\n\nWords.\n\n{}", item.repeat(count))
    };
    let folder = tempfile::tempdir().unwrap();
    let look = |count: usize, bare: bool| {
        let built =
            letters::build(Path::new("issue.md"), &text(count), here, templates, &newsletter()).unwrap();
        let html = filled(&built.rendered.html);
        let styles = html.matches(" style=\"color:#9a3412\"").count();
        let html = if bare { without_styles(&html) } else { html };
        Some((styles, ask(&html, LOOKS, 600, &[], folder.path())?))
    };
    let Some((inline, short)) = look(3, false) else {
        return skip("chromium-headless-shell is not installed");
    };
    let (hoisted, long) = look(150, false).unwrap();
    assert!(inline >= 6 && hoisted < 6, "{inline} and {hoisted} links with a style");
    assert!(short.ends_with("nearer to its own: true"), "{short}");
    assert_eq!(short, long);
    // Where the head is dropped, a long letter has the program's own links and code.
    let (_, bare) = look(150, true).unwrap();
    assert!(bare.starts_with("rgb(0, 0, 238) | rgba(0, 0, 0, 0) | "), "{bare}");
}

#[test]
fn a_picture_elsewhere_among_words_does_not_push_a_letter_off_a_telephone() {
    let folder = tempfile::tempdir().unwrap();
    let wide = folder.path().join("wide.png");
    fs::write(&wide, picture(1200, 300, image::ImageFormat::Png)).unwrap();
    let text = "---\ntitle: x\n---\n\nWords ![A map](https://example.org/map.png) and words.\n\n\
                <p>Raw <img src=\"https://example.org/map.png\" alt=\"A map\"></p>\n";
    let (here, templates) = (Path::new("."), Path::new("templates"));
    let built = letters::build(Path::new("issue.md"), text, here, templates, &newsletter()).unwrap();
    let html = filled(&built.rendered.html);
    let html = html.replace("https://example.org/map.png", &format!("file://{}", wide.display()));
    for html in [without_styles(&html), html] {
        let Some(width) = width_of(&html, 375, folder.path()) else {
            return skip("chromium-headless-shell is not installed");
        };
        assert!(width <= 375, "{width} pixels wide");
    }
}
