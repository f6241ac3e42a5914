//! Issue files in, documents out.

mod spec;

use mimeograph::{
    issue::{Document, Issue, document::Block},
    source::Source,
};

/// The names of the blocks, as people call them: `Heading`, `Card`, …
fn kinds(blocks: &[Block]) -> Vec<String> {
    blocks
        .iter()
        .map(|block| format!("{:?}", block.kind).chars().take_while(|c| c.is_alphanumeric()).collect())
        .collect()
}

#[track_caller]
fn document(text: &str) -> Document {
    let (document, diagnostics) = Document::parse(&Source::new("a.md", text));
    assert_eq!(diagnostics, [], "{text}");
    document
}

#[test]
fn plain_markdown_means_more_in_a_letter() {
    for (text, expected) in [
        ("![a](a.png \"Caption\")\n", "Figure"),
        ("[![a](a.png)](https://example.com)\n", "Figure"),
        ("![a](a.png) ![b](b.png)\n", "Gallery"),
        ("![a](a.png) and words\n", "Paragraph"),
        ("[Read](https://example.com \"button\")\n", "Buttons"),
        ("[Read](https://example.com){.button} [More](https://example.com){.button .secondary}\n", "Buttons"),
        ("[Read](https://example.com)\n", "Paragraph"),
        ("https://youtu.be/dQw4w9WgXcQ\n", "Video"),
        ("<https://vimeo.com/76979871>\n", "Video"),
        ("See https://youtu.be/dQw4w9WgXcQ\n", "Paragraph"),
        ("https://mastodon.example/@ada/109372843234\n", "Post"),
        ("**P.S.** One more thing\n", "PostScript"),
        ("> words\n", "Quote"),
        ("> [!TIP] Mine\n> words\n", "Alert"),
        ("$$\nx\n$$\n", "Math"),
        ("```mjml\n<mj-text>x</mj-text>\n```\n", "Mjml"),
        ("```math\nx\n```\n", "Math"),
        ("***\n", "Divider"),
        ("Term\n: Meaning\n", "Definitions"),
        ("<!-- nothing to see -->\n", ""),
        ("<p align=\"center\"><img src=\"a.png\" alt=\"a\"></p>\n", "Figure"),
    ] {
        assert_eq!(kinds(&document(text).blocks).join(" "), expected, "{text}");
    }
}

#[test]
fn an_issue_without_front_matter_takes_its_title_from_the_first_heading() {
    let issue = Issue::parse(Source::new("a.md", "# A *fine* day\n\nWords.\n")).unwrap();
    assert_eq!(issue.head.title, "A fine day");
    assert_eq!(issue.head.subject.to_string(), "A fine day");
    assert_eq!(kinds(&issue.document.blocks), ["Paragraph"]);
    assert_eq!(
        issue.diagnostics[0].to_string(),
        "a.md:1:1: the title is taken from the first heading: A fine day"
    );
}
