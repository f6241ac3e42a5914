//! What letters weigh on the wire: whole ones beside their limits, and what one more of each block adds, beside the same
//! block in an MJML section of its own.

#![allow(
    dead_code,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its figures, and stops when it cannot; it shares a part of what tests share"
)]

#[path = "../tests/it/support/letters.rs"]
mod letters;
#[path = "../tests/it/support/newsletter.rs"]
mod newsletter;

use std::{fmt::Write, path::Path};

use letters::{encoded_bytes, filled};

/// What Gmail shows of a letter, in bytes.
const CLIPPED_AT: usize = 102_400;

/// A block in Markdown, and what most makers of newsletters would write in MJML for it.
const BLOCKS: [(&str, &str, &str); 14] = [
    ("paragraph", "A paragraph of a few words.", "<mj-text><p>A paragraph of a few words.</p></mj-text>"),
    ("heading", "## A heading", "<mj-text><h2>A heading</h2></mj-text>"),
    (
        "picture",
        "![What it shows.](pictures/0.jpg)",
        "<mj-image src=\"https://example.org/0.jpg\" alt=\"What it shows.\" />",
    ),
    (
        "figure",
        "![What it shows.](pictures/0.jpg \"Its caption\")",
        "<mj-image src=\"https://example.org/0.jpg\" alt=\"What it shows.\" /><mj-text>Its caption</mj-text>",
    ),
    (
        "button",
        "[Reserve a cup](https://example.org/cup \"button\")",
        "<mj-button href=\"https://example.org/cup\">Reserve a cup</mj-button>",
    ),
    ("divider", "A.\n\n---", "<mj-text>A.</mj-text><mj-divider />"),
    ("quote", "> A quote of a few words.", ""),
    ("alert", "> [!NOTE]\n> Something to note.", ""),
    ("list of three", "A:\n\n- one\n- two\n- three", ""),
    ("link in a list", "- [A page](https://example.org/a-page)", ""),
    ("table of 2 by 2", "| a | b |\n| --- | --- |\n| 1 | 2 |", ""),
    ("code, one line", "```text\none line\n```", ""),
    ("code, colored", "```rust\nfn one(a: u32) -> u32 { a + 1 } // more\n```", ""),
    (
        "card",
        "::: card \"The headline\" url=\"https://example.org/walks\" image=\"pictures/0.jpg\" alt=\"A hill.\"\nA blurb.\n:::",
        "",
    ),
];

struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn weigh(&self, words: &str) -> usize {
        let root = self.folder.path();
        let text = format!("---\ntitle: Bytes\npreheader: What they weigh.\n---\n\n{words}");
        let path = root.join("index.md");
        let newsletter = newsletter::newsletter();
        let letter = letters::build(&path, &text, root, Path::new("templates"), &newsletter)
            .unwrap_or_else(|d| panic!("{:?}", d.iter().map(ToString::to_string).collect::<Vec<_>>()));
        encoded_bytes(&filled(&letter.rendered.html))
    }

    /// What one more block adds, on average over ten.
    fn one_more(&self, block: &str) -> usize {
        let block = format!("{block}\n\n");
        (self.weigh(&block.repeat(11)) - self.weigh(&block)) / 10
    }
}

fn main() {
    let newsletter_folder = Folder { folder: tempfile::tempdir().unwrap() };
    for number in 0..75 {
        let bytes = newsletter::picture(1200, 800 + number, image::ImageFormat::Jpeg);
        newsletter::write(newsletter_folder.folder.path(), &format!("pictures/{number}.jpg"), bytes);
    }
    println!("{:<44} {:>7} {:>7}", "bytes of HTML, as encoded for the wire", "letter", "limit");
    let files = [
        ("tests/fixtures/kitchen-sink/index.md", 80_000),
        ("issues/2022-12-30-a-year-in-review/index.md", 45_000),
        ("issues/2023-01-06-the-quiet-week.md", 45_000),
    ];
    for (path, limit) in files {
        let letter = letters::build_file(Path::new(path), &newsletter::newsletter());
        println!("{path:<44} {:>7} {limit:>7}", encoded_bytes(&filled(&letter.rendered.html)));
    }
    let pictures = (0..75).fold(String::new(), |mut text, number| {
        let words = "这一张照片是在清晨的码头上拍的，雾还没有散，船也还没有出海。".repeat(4);
        let words: String = words.chars().take(111).collect();
        write!(text, "![](pictures/{number}.jpg)\n\n{words}\n\n").unwrap();
        text
    });
    println!(
        "{:<44} {:>7} {CLIPPED_AT:>7}",
        "75 pictures and 25 KB of Chinese",
        newsletter_folder.weigh(&pictures)
    );
    let links = (0..25).fold(String::new(), |mut text, group| {
        writeln!(text, "- Group {group}").unwrap();
        for link in 0..10 {
            let url = format!("https://example.org/{group}/a-page-about-{link}");
            writeln!(text, "  - [A page about thing {link} of {group}]({url})").unwrap();
        }
        text
    });
    println!("{:<44} {:>7} {:>7}", "250 links in nested lists", newsletter_folder.weigh(&links), 50_000);
    println!("\n{:<20} {:>9} {:>14}", "one more", "a block", "own sections");
    for (name, markdown, mjml) in BLOCKS {
        let own = match mjml {
            "" => "-".to_owned(),
            mjml => {
                let sections =
                    format!("```mjml\n<mj-section><mj-column>{mjml}</mj-column></mj-section>\n```");
                newsletter_folder.one_more(&sections).to_string()
            }
        };
        println!("{name:<20} {:>9} {own:>14}", newsletter_folder.one_more(markdown));
    }
}
