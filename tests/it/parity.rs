//! The MJML that a build writes, compiled by the reference from npm: the same words, the same links, the same picture.

use std::{fs, path::Path, process::Command};

use image::GrayImage;
use mimeograph::render::RenderedIssue;

use crate::support::{
    browser::{browser, sheets},
    skip,
};

/// How much of a picture may differ, in shares of its pixels; a pixel differs when its grey does by more than 24 of 255.
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
