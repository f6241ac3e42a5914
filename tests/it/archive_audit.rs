//! What an audit of web pages looks at, asked of a browser that has the archive of this repository's newsletter before it:
//! metadata, headings, pictures, names of links, sizes of what is touched, space on small screens, weight, and no script.

use std::{fs, path::Path};

use crate::{
    pictures,
    support::{newsletter::picture, project::Project, skip},
};

/// Everything that is wrong with the page, as lines; `page` must be loaded from its file.
const AUDIT: &str = r##"
    const found = [], all = (what) => [...document.querySelectorAll(what)];
    const words = (one) => one.textContent.trim().slice(0, 40);
    const say = (what, one) => found.push(what + (one ? ': ' + (words(one) || one.outerHTML.slice(0, 80)) : ''));
    const content = (what) => document.querySelector(what)?.content?.trim() || '';
    // Metadata.
    if (document.characterSet !== 'UTF-8') say('not UTF-8');
    if (document.compatMode !== 'CSS1Compat') say('quirks mode');
    if (!document.title.replace(/^answer:.*/, 'x').trim()) say('no title');
    const about = content('meta[name=description]');
    if (about.length < 10 || about.length > 320) say('a description of ' + about.length + ' characters');
    if (/user-scalable|maximum-scale/.test(content('meta[name=viewport]'))) say('the page cannot be enlarged');
    if (!content('meta[name=viewport]').includes('width=device-width')) say('no viewport');
    try { new Intl.Locale(document.documentElement.lang) } catch { say('no language') }
    if (document.querySelector('meta[name=robots]')) say('hidden from search engines');
    // Structure.
    let level = 0;
    for (const one of all('h1,h2,h3,h4,h5,h6')) {
        const own = Number(one.tagName[1]);
        if (own > level + 1) say('a level is skipped at', one);
        if (!words(one)) say('an empty heading', one);
        level = own;
    }
    for (const [what, count] of [['h1', 1], ['main', 1], ['script:not(:last-of-type)', 0], ['[onclick],[onload]', 0]])
        if (all(what).length !== count) say(all(what).length + ' of ' + what);
    for (const one of all('ul>:not(li),ol>:not(li),dl>:not(dt):not(dd):not(div)')) say('not an item of a list', one);
    for (const one of all('nav')) if (!one.ariaLabel) say('a navigation without a name', one);
    for (const one of all('table')) if (!one.querySelector('th')) say('a table without header cells', one);
    const ids = all('[id]').map((one) => one.id);
    ids.filter((id, at) => ids.indexOf(id) !== at).forEach((id) => say('twice the id ' + id));
    for (const one of all('a[href^="#"]')) if (!document.getElementById(decodeURIComponent(one.hash.slice(1)))) say('leads nowhere', one);
    // Pictures: they have words and sizes, so that nothing moves as they come.
    for (const one of all('img')) {
        if (!one.hasAttribute('alt')) say('no alternative text', one);
        if (!one.getAttribute('width') || !one.getAttribute('height')) say('no size', one);
        if (!one.complete || !one.naturalWidth) { if (one.loading !== 'lazy') say('not loaded', one); continue }
        const [own, shown] = [one.naturalWidth / one.naturalHeight, one.width / one.height];
        if (Math.abs(own - shown) / own > .03) say('out of shape ' + own.toFixed(2) + ' ' + shown.toFixed(2), one);
        if (one.naturalWidth > 4 * one.width * devicePixelRatio && one.naturalWidth > 1600) say('larger than it is shown', one);
    }
    // Links: each can be named and touched (24 pixels, or in a sentence: WCAG 2.2, 2.5.8).
    for (const one of all('a[href],button')) {
        const name = one.ariaLabel || words(one) || one.querySelector('img')?.alt;
        if (!name) say('a link without a name', one);
        if (/^(here|click here|read more|link)$/i.test(name)) say('a link that says nothing', one);
        if (one.target === '_blank' && !/noopener/.test(one.rel)) say('opens a window that can change this one', one);
        const box = one.getBoundingClientRect(), style = getComputedStyle(one);
        if (style.display !== 'inline' && box.height && one.className !== 'skip' && (box.height < 24 || box.width < 24)) say('too small to touch', one);
    }
    // Words and space.
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const home = walk.currentNode.parentElement;
        if (['SCRIPT', 'STYLE'].includes(home.tagName) || !walk.currentNode.data.trim()) continue;
        if (parseFloat(getComputedStyle(home).fontSize) < 12) say('smaller than 12 pixels', home);
    }
    if (document.documentElement.scrollWidth > innerWidth) say('wider than the screen: ' + document.documentElement.scrollWidth);
    const nodes = all('*').length;
    if (nodes > 1400) say(nodes + ' elements');
    return found.join(' | ').replace(/[<>&]/g, '')"##;

/// Every file below a folder that is a page.
fn pages(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "html") {
            found.push(path);
        }
    }
    found.sort();
}

/// The newsletter of this repository, with an issue that has one of everything and an archive on the web.
fn published() -> Project {
    let project = Project::gradient_ascent();
    project.write("issues/map.png", picture(1200, 300, image::ImageFormat::Png));
    project.write(
        "issues/2023-01-13-a-table.md",
        "---\ntitle: A table and a formula\nnumber: 97\ndate: 2023-01-13\ntopics: [Tea]\n\
         preheader: What fits a small screen, and what becomes rows on it.\n---\n\nWords.\n\n## Figures\n\n\
         | Kettle | Boils in minutes | Whistles | Price in euros |\n| --- | ---: | --- | ---: |\n\
         | Enamel, two litres | 8 | loudly | 39 |\n| Copper, one litre | 6 | hardly | 129 |\n\n\
         ![A map](map.png)\n\nInline $E = mc^2$, and\n\n$$\\frac{a}{b}$$\n\n[Read it](https://example.org/ \"button\")\n",
    );
    project.run(["build", "--web", "-o", "public"]).code(0);
    project
}

#[test]
fn pages_of_the_archive_pass_an_audit_on_a_phone_and_on_a_desktop() {
    let project = published();
    let mut files = Vec::new();
    pages(&project.path("public"), &mut files);
    assert!(files.len() >= 5, "{files:?}");
    let mut wrong = Vec::new();
    for file in &files {
        let html = fs::read_to_string(file).unwrap();
        let name = file.strip_prefix(project.path("public")).unwrap().display().to_string();
        // It is whole after one answer of a few dozen kilobytes: nothing is fetched but pictures.
        if html.len() > 60_000 {
            wrong.push(format!("{name}: {} bytes", html.len()));
        }
        assert!(html.find("charset").unwrap() < 1024, "{name}");
        for fetched in ["<script", "<iframe", "rel=\"stylesheet\"", "@import", "url(http"] {
            if html.contains(fetched) {
                wrong.push(format!("{name}: {fetched}"));
            }
        }
        for width in [320, 375, 1280] {
            let Some(found) = pictures::ask(&html, AUDIT, width, &[], file.parent().unwrap()) else {
                return skip("chromium-headless-shell is not installed");
            };
            if !found.is_empty() {
                wrong.push(format!("{name} at {width}: {found}"));
            }
        }
        if let Some(target) = std::env::var_os("MIMEO_PICTURES") {
            pictures::keep_at(
                &format!("archive-{}", name.replace('/', "-")),
                &html,
                file.parent().unwrap(),
                Path::new(&target),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let robots = project.read("public/robots.txt");
    assert!(robots.contains("User-agent: *") && robots.contains("Sitemap: https://"), "{robots}");
}

#[test]
fn the_audit_finds_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let bad = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=500,maximum-scale=1\">\
               <title>x</title></head><body><h1>a</h1><h3>b</h3><img src=\"x.png\"><a href=\"https://example.org/\">here</a>\
               <a href=\"#gone\">x</a><nav></nav><table><tr><td>1</td></tr></table><p style=\"font-size:9px\">small</p>\
               <div style=\"width:900px\">wide</div></body></html>";
    let Some(found) = pictures::ask(bad, AUDIT, 375, &[], folder.path()) else {
        return skip("chromium-headless-shell is not installed");
    };
    for wanted in [
        "description",
        "enlarged",
        "no viewport",
        "skipped",
        "main",
        "alternative text",
        "no size",
        "says nothing",
        "leads nowhere",
        "without a name",
        "header cells",
        "12 pixels",
        "wider than the screen",
    ] {
        assert!(found.contains(wanted), "{wanted}: {found}");
    }
}
