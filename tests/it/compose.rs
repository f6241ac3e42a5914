//! Every folder in `fixtures/compose`: an issue in; the HTML, the text and the MJML of its letter out.
//!
//! `MIMEO_BLESS=1 cargo test --test it compose` rewrites the expected files; read them before you commit. The HTML
//! is written with a line for each block, and without the head, which one case has whole. The pictures are in
//! `fixtures/pictures`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mimeograph::render::{Built, Newsletter, Piece};

use crate::support::{
    letters::{self, shown},
    newsletter::newsletter,
    project::Project,
};

const FILES: [&str; 4] = ["issue.md", "expected.html", "expected.txt", "expected.mjml"];

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<_> =
        fs::read_dir("tests/fixtures/compose").unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn paper() -> Newsletter {
    Newsletter {
        template: "bare".into(),
        archive: Some("https://example.org/archive/".into()),
        ..newsletter()
    }
}

fn letter(case: &Path) -> Built {
    let path = case.join("issue.md");
    let text = fs::read_to_string(&path).unwrap();
    let own = case.join("templates");
    let templates = if own.exists() { own } else { "tests/fixtures/templates".into() };
    letters::build(&path, &text, Path::new("tests/fixtures"), &templates, &paper()).unwrap_or_else(
        |diagnostics| {
            let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            panic!("{}", lines.join("\n"))
        },
    )
}

/// HTML with a line for each block, so that a difference can be read.
fn readable(html: &str) -> String {
    let mut out = html.to_owned();
    for tag in [
        "p",
        "div",
        "table",
        "tr",
        "td",
        "th",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "h1",
        "h2",
        "h3",
        "h4",
        "hr",
        "img",
        "pre",
        "blockquote",
    ] {
        for next in [' ', '>'] {
            out = out.replace(&format!("<{tag}{next}"), &format!("\n<{tag}{next}"));
        }
    }
    out.replace("<!--[if", "\n<!--[if").trim_start().to_owned() + "\n"
}

fn body(html: &str, case: &Path) -> String {
    let whole = case.file_name().unwrap() == "whole-letter";
    let start = if whole { 0 } else { html.find("<body").unwrap() };
    readable(&html[start..])
}

#[test]
fn every_block_and_every_trap_is_set_as_it_was_reviewed() {
    let cases = cases();
    assert!(cases.len() > 30, "the cases are there: {}", cases.len());
    let bless = crate::support::blesses();
    let mut wrong = Vec::new();
    for case in cases {
        let letter = letter(&case);
        let mjml = letter.rendered.mjml.split_once("<mj-body").unwrap().1.to_owned();
        let answers = [
            ("expected.html", body(&shown(&letter.rendered.html), &case)),
            ("expected.txt", shown(&letter.rendered.text)),
            ("expected.mjml", format!("<mj-body{mjml}")),
        ];
        for (name, answer) in answers {
            let file = case.join(name);
            if bless {
                fs::write(&file, &answer).unwrap();
            }
            let wanted = fs::read_to_string(&file).unwrap_or_default();
            if wanted != answer {
                wrong.push(difference(&file, &wanted, &answer));
            }
        }
        for entry in fs::read_dir(&case).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            let is_known = FILES.contains(&name.as_str())
                || name == "templates"
                || name == "issue.vendor"
                || name.ends_with(".json");
            assert!(is_known, "{}/{name} is used by nothing", case.display());
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn difference(file: &Path, wanted: &str, found: &str) -> String {
    let pairs =
        wanted.lines().chain(std::iter::repeat("")).zip(found.lines().chain(std::iter::once("(the end)")));
    let (at, (wanted, found)) =
        pairs.enumerate().find(|(_, (a, b))| a != b).unwrap_or((0, ("(nothing)", "(nothing)")));
    format!("{}:{}\n  expected {wanted}\n  found    {found}", file.display(), at + 1)
}

#[test]
fn a_letter_is_the_same_each_time() {
    let case = Path::new("tests/fixtures/compose/placeholders");
    assert_eq!(letter(case).rendered, letter(case).rendered);
}

#[test]
fn every_letter_is_well_made_for_people_who_hear_it() {
    let select = |selector| scraper::Selector::parse(selector).unwrap();
    let sheets = cases().into_iter().map(|case| letter(&case).rendered);
    let kitchen = ["essay", "digest", "plain", "magazine", "announcement"].map(|template| {
        let newsletter = Newsletter { template: template.into(), ..paper() };
        letters::build_file(Path::new("tests/fixtures/kitchen-sink/index.md"), &newsletter).rendered
    });
    for rendered in sheets.chain(kitchen) {
        let html = letters::filled(&rendered.html);
        let page = scraper::Html::parse_document(&html);
        let article = page.select(&select("[role=article]")).next().expect("an article");
        assert_eq!(article.attr("lang"), Some(rendered.language.as_str()));
        assert!(matches!(article.attr("dir"), Some("ltr" | "rtl")));
        for image in page.select(&select("img")) {
            assert!(image.attr("alt").is_some(), "{}", image.html());
            let is_elsewhere = image.attr("style").is_some_and(|style| style.contains("max-width:100%"));
            assert!(image.attr("width").is_some() || is_elsewhere, "{}", image.html());
            assert!(!image.attr("src").unwrap_or_default().is_empty(), "{}", image.html());
        }
        for table in page.select(&select("table")) {
            let is_layout = table.attr("role") == Some("presentation");
            let has_head = table.child_elements().any(|child| child.value().name() == "thead");
            assert!(is_layout != has_head, "{}", table.html().chars().take(200).collect::<String>());
            assert!(!has_head || table.select(&select("th[scope=col]")).next().is_some());
        }
        for link in page.select(&select("a[href]")) {
            let href = link.attr("href").unwrap_or_default();
            assert!(!href.is_empty() && !href.starts_with("javascript"), "{}", link.html());
        }
        let anchors: Vec<_> = page.select(&select("a[name]")).filter_map(|a| a.attr("name")).collect();
        for link in page.select(&select("a[href^='#']")) {
            let anchor = &link.attr("href").unwrap()[1..];
            assert!(anchor.is_empty() || anchors.contains(&anchor), "{anchor} leads nowhere");
        }
        let mut last = 1;
        for heading in page.select(&select("h2,h3,h4,h5,h6")) {
            let level: u32 = heading.value().name()[1..].parse().unwrap();
            assert!(level <= last + 1, "{} after h{last}", heading.html());
            last = level;
        }
        for forbidden in ["<script", "{{", "mimeo:", "fonts.googleapis.com"] {
            let body = html.replace("{{ braces }}", "").replace("{{ this }}", "").replace("{{ code }}", "");
            assert!(!body.contains(forbidden), "{forbidden} in {}", rendered.slug);
        }
    }
}

#[test]
fn shipped_templates_have_one_first_heading() {
    for template in ["essay", "digest", "plain", "magazine", "announcement"] {
        let newsletter = Newsletter { template: template.into(), ..paper() };
        let letter = letters::build_file(Path::new("tests/fixtures/kitchen-sink/index.md"), &newsletter);
        let html = letters::filled(&letter.rendered.html);
        // A personal letter has no title above its first words.
        assert_eq!(html.matches("<h1").count(), usize::from(template != "plain"), "{template}");
        let errors: Vec<_> = letter.diagnostics.iter().filter(|d| d.is_error()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn bytes_of_blocks_add_up_to_the_letter() {
    let path = Path::new("tests/fixtures/kitchen-sink/index.md");
    let letter = letters::build_file(path, &newsletter());
    let shares = letter.blocks;
    let total: usize = shares.iter().map(|(_, bytes)| bytes).sum();
    let literal = letter.rendered.html.pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => text.len(),
        Piece::Open { .. } => 0,
    });
    assert_eq!(total, literal.sum::<usize>());
    let blocks = letter.issue.document.blocks.len();
    assert!(shares.len() > blocks, "{} shares of {blocks} blocks", shares.len());
    let table = letter.issue.source.text().find("| Left").unwrap();
    assert!(shares.iter().any(|(span, bytes)| span.contains(&table) && *bytes > 500));
}

#[test]
fn a_video_shows_its_title_above_what_is_said_about_it() {
    let picture = fs::read("tests/fixtures/kitchen-sink/pictures/still.png").unwrap();
    let video = "::: video https://example.org/tea title=\"How water warms\" still=\"still.png\" alt=\"Columns.\"\nThree minutes.\n:::\n";
    let project = Project::new()
        .file("issues/still.png", picture)
        .file("issues/one.md", format!("---\ntitle: One\nnumber: 1\n---\n\n{video}"));
    project.run(["build", "one", "-o", "out"]).code(0);
    let html = project.read("out/one.html");
    assert!(html.contains(">How water warms</a><br>Three minutes."), "{html}");
}
