//! Issue files in, documents out.

mod any_text;
mod hostile;
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

#[test]
fn a_head_is_read_in_every_form_it_comes_in() {
    for text in [
        "---\ntitle: A day\nnumber: 7\ndate: 2022-12-30\nmood: fine\n---\nWords\n",
        "\u{feff}---\r\ntitle: 'A day'\r\nnumber: 7\r\ndate: 2022-12-30T09:00:00Z\r\nmood: fine\r\n---\r\nWords\r\n",
        "\n-----\ntitle: A day\nnumber: \"7\"\ndate: 2022-12-30\nmood: fine\n-----\nWords\n",
        "+++\ntitle = \"A day\"\nnumber = 7\ndate = 2022-12-30\nmood = \"fine\"\n+++\nWords\n",
        "Title: A day\nNumber: 7\nDate: 2022-12-30\nMood: fine\n\nWords\n",
        "---\ntitle: A day\nnumber: 7\ndate: 2022-12-30\nmood: fine\n...\nWords\n",
    ] {
        let issue = Issue::parse(Source::new("a.md", text)).unwrap();
        assert_eq!(issue.head.title, "A day", "{text}");
        assert_eq!(issue.head.number, Some(7), "{text}");
        assert_eq!(issue.head.date.unwrap().to_string(), "2022-12-30", "{text}");
        assert_eq!(issue.head.fields["mood"], mimeograph::issue::Value::Text("fine".into()), "{text}");
        assert_eq!(issue.document.visible_text(), "Words\n", "{text}");
        assert_eq!(issue.diagnostics, [], "{text}");
    }
}

#[test]
fn raw_html_comes_out_well_formed_and_harmless() {
    for (text, expected) in [
        ("<div>\n<b>bold\n</div>", "<div>\n<b>bold\n</b></div>"),
        ("</td></table><p>words", "<p>words</p>"),
        ("<table><tr><td>a<td>b</table>", "<table><tr><td>a</td><td>b</td></tr></table>"),
        (
            "<div onclick=\"x()\" style=\"color:#ff0000;position:fixed\">a</div>",
            "<div style=\"color:#ff0000\">a</div>",
        ),
        ("<p><a href=\"java&#115;cript:x\">a</a></p>", "<p>a</p>"),
        ("<div><script>alert('<b>')</script>a<!-- b --></div>", "<div>a</div>"),
        (
            "<div>1 < 2 & 3 &amp; {{ issue.title }}</div>",
            "<div>1 &lt; 2 &amp; 3 &amp; {{ issue.title }}</div>",
        ),
    ] {
        let (document, _) = Document::parse(&Source::new("a.md", text));
        let shown: String = document
            .blocks
            .iter()
            .map(|block| match &block.kind {
                mimeograph::issue::document::BlockKind::Html(html) => html.to_string(),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(shown.trim(), expected, "{text}");
    }
}

#[test]
fn every_example_of_the_guide_for_authors_is_right() {
    let guide =
        std::fs::read_to_string(crate::support::project::repository().join("docs/writing.md")).unwrap();
    let mut examples = 0;
    for part in guide.split("\n````markdown\n").skip(1) {
        let example = part.split("\n````\n").next().unwrap();
        let (document, diagnostics) =
            Document::parse(&Source::new("writing.md", format!("## Tea\n\n{example}\n")));
        assert_eq!(diagnostics, []);
        let plain = ["Heading", "Paragraph", "List", "Code"];
        let strange: Vec<_> = kinds(&document.blocks)
            .into_iter()
            .skip(1)
            .filter(|kind| plain.contains(&kind.as_str()))
            .collect();
        assert!(strange.is_empty(), "{strange:?}");
        examples += 1;
    }
    assert!(examples >= 2, "the guide has its examples");
}

#[test]
fn an_issue_of_two_megabytes_is_refused_the_same_way_from_a_file_and_from_a_text() {
    use mimeograph::{issue::Issue, source::Source};
    let text = format!("---\ntitle: Long\n---\n\n{}", "words ".repeat(400_000));
    let found = Issue::parse(Source::new("long.md", text.as_str())).unwrap_err();
    assert_eq!((found.len(), found[0].code), (1, "M122"));
    let project = crate::support::project::Project::new().file("issues/long.md", text);
    let ran = project.run(["build", "long"]).code(3);
    assert!(ran.stderr.contains("M122") && ran.stderr.contains(&found[0].message), "{}", ran.stderr);
}

#[test]
fn no_reader_gets_half_a_title() {
    let title = |line: &str| {
        let text = format!("---\n{line}\n---\nWords.\n");
        let issue = Issue::parse(Source::new("issues/7.md", text))
            .unwrap_or_else(|found| panic!("{line}: {found:?}"));
        issue.head.title
    };
    for (line, expected) in [
        ("title: #42", "#42"),
        ("title: # 42", "# 42"),
        ("title:   #42  ", "#42"),
        ("title: #tea", "#tea"),
        ("title: Weekly #42", "Weekly #42"),
        ("title: Issue # 42", "Issue # 42"),
        ("title: Issue #  42 ", "Issue # 42"),
        ("title: \"Issue # 42\"", "Issue # 42"),
        ("title: Weekly#42", "Weekly#42"),
        // A comment is one.
        ("title: Weekly # a note of mine", "Weekly"),
        ("title: Weekly # 2 things", "Weekly"),
        ("title: \"Weekly\" # 42", "Weekly"),
    ] {
        assert_eq!(title(line), expected, "{line}");
    }
    let text = "---\ntitle: Words\nnumber: 7 # 7\ndraft: true # 1\ndate: 2026-01-02 # 2\n---\nWords.\n";
    let issue = Issue::parse(Source::new("issues/7.md", text)).unwrap();
    assert_eq!((issue.head.number, issue.head.draft), (Some(7), true));
}
