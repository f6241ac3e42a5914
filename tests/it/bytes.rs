//! Letters stay below what Gmail shows, as they go over the wire.

use std::{fmt::Write, path::Path};

use mimeograph::render::Newsletter;

use crate::support::{
    digest::{link_digest, link_digests},
    letters::{self, encoded_bytes, filled},
    newsletter::{self, newsletter},
};

fn wire(text: &str, newsletter: &Newsletter, root: &Path) -> usize {
    let path = root.join("index.md");
    let letter = letters::build(&path, text, root, Path::new("templates"), newsletter).unwrap();
    encoded_bytes(&filled(&letter.rendered.html))
}

#[track_caller]
fn below(limit: usize, bytes: usize) {
    eprintln!("{bytes} of {limit} bytes");
    assert!(bytes < limit, "{bytes} bytes are not below {limit}");
}

#[test]
fn the_kitchen_sink_is_below_eighty_thousand_bytes() {
    let letter = letters::build_file(Path::new("tests/fixtures/kitchen-sink/index.md"), &newsletter());
    below(80_000, encoded_bytes(&filled(&letter.rendered.html)));
}

#[test]
fn the_long_issue_is_below_forty_five_thousand_bytes() {
    let letter = letters::build_file(Path::new("issues/2022-12-30-a-year-in-review/index.md"), &newsletter());
    below(45_000, encoded_bytes(&filled(&letter.rendered.html)));
}

#[test]
fn seventy_five_pictures_and_chinese_words_are_not_clipped() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("---\ntitle: 图片周刊\nlanguage: zh\n---\n\n");
    for number in 0..75 {
        let bytes = newsletter::picture(1200, 800 + number, image::ImageFormat::Jpeg);
        newsletter::write(folder.path(), &format!("pictures/{number}.jpg"), bytes);
        let words = "这一张照片是在清晨的码头上拍的，雾还没有散，船也还没有出海。".repeat(4);
        let words: String = words.chars().take(111).collect();
        write!(text, "![](pictures/{number}.jpg)\n\n{words}\n\n").unwrap();
    }
    assert!(text.len() > 25_000);
    below(102_400, wire(&text, &newsletter(), folder.path()));
}

#[test]
fn two_hundred_and_fifty_links_in_nested_lists_are_below_fifty_thousand_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("---\ntitle: Links\n---\n\n");
    for group in 0..25 {
        writeln!(text, "- Group {group}").unwrap();
        for link in 0..10 {
            writeln!(
                text,
                "  - [A page about thing {link} of {group}](https://example.org/{group}/a-page-about-{link})"
            )
            .unwrap();
        }
    }
    for template in TEMPLATES {
        let newsletter = Newsletter { template: template.into(), ..newsletter() };
        below(50_000, wire(&text, &newsletter, folder.path()));
    }
}

#[test]
fn code_beyond_the_budget_is_plain_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let block = "```rust\nfn f(a: u32) -> Vec<String> { vec![format!(\"{a}\"), String::from(\"b\")] } // why\n```\n\n";
    let text = format!("---\ntitle: Code\n---\n\n{}", block.repeat(80));
    let path = folder.path().join("index.md");
    let letter = letters::build(&path, &text, folder.path(), Path::new("templates"), &newsletter()).unwrap();
    let html = filled(&letter.rendered.html);
    let page = scraper::Html::parse_document(&html);
    let blocks: Vec<_> = page.select(&scraper::Selector::parse("pre").unwrap()).collect();
    assert_eq!(blocks.len(), 80);
    assert!(
        blocks.iter().all(|pre| pre.text().collect::<String>().contains("String::from(\"b\")] } // why"))
    );
    assert!(blocks[0].html().contains("<span") && !blocks[79].html().contains("<span"));
    below(102_400, encoded_bytes(&html));
}

#[test]
fn the_digests_of_a_year_have_at_most_forty_five_thousand_bytes_in_every_template() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.md");
    assert!(link_digest().matches("](https://").count() > 240);
    for template in TEMPLATES {
        let newsletter = Newsletter { template: template.into(), ..newsletter() };
        let mut sizes: Vec<[usize; 2]> = link_digests()
            .iter()
            .map(|text| {
                let letter =
                    letters::build(&path, text, folder.path(), Path::new("templates"), &newsletter).unwrap();
                let html = filled(&letter.rendered.html);
                [html.len(), encoded_bytes(&html)]
            })
            .collect();
        sizes.sort_unstable();
        let [html, encoded] = sizes[sizes.len() / 2];
        eprint!("{template}: ");
        below(45_001, html);
        below(49_000, encoded);
    }
}

#[test]
fn a_letter_of_one_word_has_less_than_eight_thousand_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.md");
    // From right to left, too.
    for (template, language) in TEMPLATES.into_iter().flat_map(|one| [(one, "en"), (one, "ar")]) {
        let newsletter = Newsletter { template: template.into(), ..newsletter() };
        let text = format!("---\ntitle: A word\nlanguage: {language}\n---\n\nHello.\n");
        let letter =
            letters::build(&path, &text, folder.path(), Path::new("templates"), &newsletter).unwrap();
        eprint!("{template} in {language}: ");
        below(8_000, filled(&letter.rendered.html).len());
    }
}

/// The templates that come with the program.
const TEMPLATES: [&str; 5] = ["essay", "digest", "plain", "magazine", "announcement"];
