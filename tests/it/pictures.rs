//! Letters in a real browser engine: nothing is wider than a telephone, with or without styles and pictures.
//!
//! `MIMEO_PICTURES=folder` keeps screenshots for people to look at.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use mimeograph::render::{Newsletter, PicturePlace};

use crate::support::{letters, newsletter::newsletter, skip};

const BROWSER: &str = "chromium-headless-shell";

fn browser(folder: &Path, width: u32, height: u32, more: &[&str]) -> Option<Command> {
    Command::new(BROWSER).arg("--version").output().ok()?;
    let mut command = Command::new(BROWSER);
    command.args([
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--force-color-profile=srgb",
        "--font-render-hinting=none",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]);
    command.arg(format!("--user-data-dir={}", folder.join("profile").display()));
    command.arg(format!("--window-size={width},{height}"));
    command.args(more);
    Some(command)
}

/// A letter in all the ways that matter, by name.
fn sheets() -> Vec<(String, String)> {
    let mut sheets = Vec::new();
    for issue in [
        "tests/fixtures/kitchen-sink/index.md",
        "issues/2022-12-30-a-year-in-review/index.md",
        "issues/2023-01-06-the-quiet-week.md",
    ] {
        for template in ["default", "digest", "plain"] {
            let path = PathBuf::from(issue);
            let folder = fs::canonicalize(path.parent().unwrap()).unwrap();
            let newsletter = Newsletter {
                template: template.into(),
                pictures: PicturePlace::Site,
                site: Some(format!("file://{}/", folder.display())),
                archive: Some("https://example.org/archive/".into()),
                ..newsletter()
            };
            let html = letters::filled(&letters::set_file(&path, &newsletter).rendered.html);
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let folder_name = folder.file_name().unwrap().to_string_lossy().into_owned();
            let name = if name == "index" { folder_name } else { name };
            sheets.push((format!("{name}-{template}"), html));
        }
    }
    for case in ["from-right-to-left", "long-words", "tables"] {
        let path = Path::new("tests/fixtures/compose").join(case).join("issue.md");
        sheets
            .push((case.to_owned(), letters::filled(&letters::set_file(&path, &newsletter()).rendered.html)));
    }
    sheets
}

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

/// How wide a page is that has so many pixels.
fn width_of(html: &str, pixels: u32, folder: &Path) -> Option<u32> {
    let page = folder.join("page.html");
    let probe = "<script>addEventListener('load',()=>document.title='width '+document.documentElement.scrollWidth)</script>";
    fs::write(&page, format!("{html}{probe}")).unwrap();
    let out = browser(folder, pixels, 2000, &["--virtual-time-budget=2000", "--dump-dom"])?
        .arg(format!("file://{}", page.display()))
        .output()
        .ok()?;
    let dom = String::from_utf8_lossy(&out.stdout).into_owned();
    let width = dom.split("<title>width ").nth(1).and_then(|rest| rest.split('<').next()?.parse().ok());
    Some(
        width.unwrap_or_else(|| panic!("the browser said nothing: {}", String::from_utf8_lossy(&out.stderr))),
    )
}

#[test]
fn no_letter_is_wider_than_a_telephone() {
    let folder = tempfile::tempdir().unwrap();
    for (name, html) in sheets() {
        let ways = [
            ("as it is", html.clone()),
            ("without styles", without_styles(&html)),
            ("without pictures", without_pictures(&html)),
            ("with neither", without_pictures(&without_styles(&html))),
        ];
        for (way, html) in ways {
            let Some(width) = width_of(&html, 375, folder.path()) else {
                return skip("chromium-headless-shell is not installed");
            };
            assert!(width <= 375, "{name} {way} is {width} pixels wide");
        }
    }
}

#[test]
fn letters_can_be_looked_at() {
    let Some(target) = std::env::var_os("MIMEO_PICTURES").map(PathBuf::from) else { return };
    fs::create_dir_all(&target).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, html) in sheets() {
        let ways: [(&str, String, &[&str]); 5] = [
            ("light", html.clone(), &[]),
            ("dark", html.clone(), &["--blink-settings=preferredColorScheme=0"]),
            ("forced-dark", html.clone(), &["--blink-settings=forceDarkModeEnabled=true"]),
            ("no-pictures", without_pictures(&html), &[]),
            ("no-styles", without_styles(&html), &[]),
        ];
        for (way, html, flags) in ways {
            for width in [375, 600] {
                let page = folder.path().join("page.html");
                fs::write(&page, &html).unwrap();
                let picture = target.join(format!("{name}-{way}-{width}.png"));
                let Some(mut browser) = browser(folder.path(), width, 14_000, flags) else {
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
}
