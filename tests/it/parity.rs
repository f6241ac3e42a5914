//! The MJML that a build writes, compiled by the reference from npm: the same words, the same links, the same
//! tables for Outlook, the same picture.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use image::GrayImage;
use mimeograph::render::RenderedIssue;

use crate::support::{
    browser::{browser, sheets},
    skip,
};

/// How much of a picture may differ, in shares of its pixels; a pixel differs when its gray does by more than 24 of 255.
const SHARE_MAX: f64 = 0.001;
/// How much taller one of the two may be, in pixels.
const TALLER_MAX: u32 = 2;
const HEIGHT: u32 = 14_000;

/// A letter with its placeholders as the MJML has them.
fn unfilled(rendered: &RenderedIssue) -> String {
    use mimeograph::render::Piece;
    let pieces = rendered.html.pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => text.clone(),
        Piece::Open { placeholder, .. } => placeholder.to_string(),
    });
    pieces.collect()
}

/// The words and the addresses that a reader gets, in their order.
fn words_and_links(html: &str) -> (String, Vec<String>) {
    let page = scraper::Html::parse_document(html);
    let select = |selector| scraper::Selector::parse(selector).unwrap();
    let body = page.select(&select("body")).next().expect("a body");
    let words = body.text().flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    let places = select("a[href],img[src]");
    let addresses =
        page.select(&places).filter_map(|one| one.attr("href").or(one.attr("src")).map(str::to_owned));
    (words, addresses.collect())
}

/// The page as a browser draws it at 600 pixels, without color, and how far down something is drawn.
fn picture(folder: &Path, name: &str, html: &str) -> (GrayImage, u32) {
    let (page, shot) = (folder.join(format!("{name}.page.html")), folder.join(format!("{name}.png")));
    fs::write(&page, html).unwrap();
    let mut browser = browser(folder, 600, HEIGHT, &[]).expect("asked for before");
    browser.arg(format!("--screenshot={}", shot.display())).arg(format!("file://{}", page.display()));
    assert!(browser.output().unwrap().status.success());
    let picture = image::open(&shot).unwrap().into_luma8();
    let row = |y: u32| (0..600).map(move |x| (x, y));
    let last = picture.get_pixel(0, HEIGHT - 1);
    let tall = (0..HEIGHT).rev().find(|&y| row(y).any(|(x, y)| picture.get_pixel(x, y) != last)).unwrap_or(0);
    assert!(tall < HEIGHT - 1, "{name} is taller than its picture");
    (picture, tall)
}

/// What only Outlook's Word engine sees, tag by tag, with sorted attributes.
///
/// Left out on both sides, because we leave it out or write it shorter on purpose (`src/render/mjml/squeeze.rs`):
/// - the condition `mso | IE` is `mso`: no Internet Explorer reads mail;
/// - `class`: those that end in `-outlook` have no rules. Our `mz` stands for the style of a cell that has only a ghost table;
/// - `width` among the styles, where the attribute says the same;
/// - a ghost table of a column that is alone in its section: it sets nothing side by side;
/// - styles and the settings for pixels in the head: they are ours, and have tests of their own.
fn outlook_only(html: &str) -> Vec<String> {
    const GHOST: &str = "font-size:0px;line-height:0px;mso-line-height-rule:exactly";
    let mut tags = Vec::new();
    for block in html.split("<!--[if ").skip(1) {
        let (condition, rest) = block.split_once("]>").unwrap();
        if !matches!(condition, "mso" | "mso | IE") {
            continue;
        }
        let block = rest.split("<![endif]").next().unwrap();
        for tag in block.split('<').skip(1).filter_map(|tag| Some(tag.split_once('>')?.0)) {
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            if !matches!(name.trim_start_matches('/'), "table" | "tr" | "td") {
                continue;
            }
            // `name="value"`, one after another.
            let mut parts = attributes.split('"');
            let mut found = BTreeMap::new();
            while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                found.insert(name.trim().trim_end_matches('='), value.to_owned());
            }
            let style = match found.remove("class").as_deref() {
                Some("mz") => GHOST.to_owned(),
                _ => found.remove("style").unwrap_or_default(),
            };
            let width = found.get("width").map(|width| format!("width:{}px", width.trim_end_matches("px")));
            let mut styles: Vec<_> = style
                .split(';')
                .map(|one| one.trim().replace(": ", ":"))
                .filter(|one| !one.is_empty() && Some(one) != width.as_ref())
                .collect();
            styles.sort();
            found.insert("style", styles.join(";"));
            let attributes: Vec<_> = found.iter().map(|(name, value)| format!("{name}={value}")).collect();
            tags.push((name.to_owned(), attributes.join(" ")));
        }
    }
    let end_of = |from: usize| {
        let mut open = 0_i32;
        tags.iter().skip(from).position(|(name, _)| {
            open += if name.starts_with('/') { -1 } else { 1 };
            open == 0
        })
    };
    // A table of one row with one cell that only says how wide it is.
    let mut dropped = BTreeSet::new();
    for at in 0..tags.len().saturating_sub(2) {
        let is_column = tags[at].0 == "table" && !tags[at].1.contains("align=");
        let is_cell = tags[at + 2].1.starts_with("style=vertical-align:top;width:");
        if is_column && is_cell && tags[at + 2].0 == "td" {
            let end = at + 2 + end_of(at + 2).expect("each cell has an end");
            if tags.get(end + 2).is_some_and(|(name, _)| name == "/table") {
                dropped.extend([at, at + 1, at + 2, end, end + 1, end + 2]);
            }
        }
    }
    let kept = tags.iter().enumerate().filter(|(at, _)| !dropped.contains(at));
    kept.map(|(_, (name, attributes))| format!("{name} {attributes}")).collect()
}

#[test]
fn the_reference_makes_the_same_letter_of_our_mjml() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut version) = browser(folder.path(), 600, 600, &["--version"]) else {
        return skip("chromium-headless-shell is not installed");
    };
    drop(version.output());
    if !Path::new("target/mjml/compile.js").exists() {
        return skip("the reference is not installed: bash tests/tools/mjml.sh");
    }
    let sheets = sheets();
    for (name, rendered) in &sheets {
        fs::write(folder.path().join(format!("{name}.mjml")), &rendered.mjml).unwrap();
    }
    let compiled = Command::new("node")
        .arg("target/mjml/compile.js")
        .arg(folder.path())
        .output()
        .expect("node is there");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    assert_eq!(String::from_utf8_lossy(&compiled.stdout), "", "the reference finds nothing wrong");
    let mut wrong = Vec::new();
    for (name, rendered) in &sheets {
        let ours = unfilled(rendered);
        let theirs = fs::read_to_string(folder.path().join(format!("{name}.html"))).unwrap();
        let ((our_words, our_links), (their_words, their_links)) =
            (words_and_links(&ours), words_and_links(&theirs));
        if let Some(at) = our_words.split(' ').zip(their_words.split(' ')).position(|(a, b)| a != b) {
            let near = |words: &str| words.split(' ').skip(at).take(6).collect::<Vec<_>>().join(" ");
            wrong.push(format!("{name}: words `{}` and `{}`", near(&our_words), near(&their_words)));
        } else if our_words.len() != their_words.len() {
            wrong.push(format!("{name}: {} and {} bytes of words", our_words.len(), their_words.len()));
        }
        if let Some((a, b)) = our_links.iter().zip(&their_links).find(|(a, b)| a != b) {
            wrong.push(format!("{name}: leads to {a} and {b}"));
        } else if our_links.len() != their_links.len() {
            wrong.push(format!("{name}: {} and {} links", our_links.len(), their_links.len()));
        }
        let (our_tables, their_tables) = (outlook_only(&ours), outlook_only(&theirs));
        assert!(our_tables.len() >= 4, "{name}: Outlook gets tables");
        if let Some(at) = our_tables.iter().zip(&their_tables).position(|(a, b)| a != b) {
            wrong.push(format!("{name}: Outlook gets `{}` and `{}`", our_tables[at], their_tables[at]));
        } else if our_tables.len() != their_tables.len() {
            let (ours, theirs) = (our_tables.len(), their_tables.len());
            wrong.push(format!("{name}: Outlook gets {ours} and {theirs} tags"));
        }
        // Issues differ in words, not in blocks: one template is enough for them.
        let is_issue = name.starts_with("20");
        if is_issue && !name.ends_with("-default") {
            continue;
        }
        let (our_picture, our_height) = picture(folder.path(), &format!("{name}-ours"), &ours);
        let (their_picture, their_height) = picture(folder.path(), &format!("{name}-theirs"), &theirs);
        let area = f64::from(our_height.max(their_height) * 600).max(1.0);
        let differing = our_picture.pixels().zip(their_picture.pixels());
        let differing = differing.filter(|(a, b)| a.0[0].abs_diff(b.0[0]) > 24).count() as f64 / area;
        eprintln!("{name}: {our_height} and {their_height} pixels high, {:.3} % differ", differing * 100.0);
        if our_height.abs_diff(their_height) > TALLER_MAX || differing > SHARE_MAX {
            wrong.push(format!("{name}: {our_height} and {their_height} high, {differing:.4} differ"));
        }
        if let Some(keep) = std::env::var_os("MIMEO_PICTURES") {
            fs::create_dir_all(&keep).unwrap();
            for side in ["ours", "theirs"] {
                let file = format!("{name}-{side}.png");
                fs::copy(folder.path().join(&file), Path::new(&keep).join(&file)).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
