//! What authors write, and what readers get.

use super::Issue;
use crate::source::{Diagnostic, Severity, Source};

fn issue(text: &str) -> Result<Issue, Vec<Diagnostic>> {
    Issue::parse(Source::new("a.md", format!("---\ntitle: A letter\n---\n\n{text}\n")))
}

#[track_caller]
fn reads(text: &str, expected: &str) {
    let issue = issue(text).unwrap_or_else(|found| panic!("{text}: {found:?}"));
    let found: Vec<_> = issue.diagnostics.iter().map(|found| (found.code, &found.message)).collect();
    assert_eq!((issue.document.visible_text().trim(), found), (expected, Vec::new()), "{text}");
}

/// The codes that a text is reported with, and the places that they point at.
fn found(text: &str) -> Vec<(&'static str, Severity, String)> {
    let all = match issue(text) {
        Ok(issue) => issue.diagnostics,
        Err(found) => found,
    };
    let at = |one: &Diagnostic| match &one.place {
        crate::source::Place::Text { start, .. } => format!("{}:{}", start.line - 4, start.column),
        _ => String::new(),
    };
    all.iter().map(|one| (one.code, one.severity, at(one))).collect()
}

#[track_caller]
fn warns(text: &str, code: &str, place: &str) {
    let found = found(text);
    assert!(found.iter().any(|one| (one.0, one.2.as_str()) == (code, place)), "{text}: {found:?}");
}

#[test]
fn money_keeps_its_dollar_signs() {
    reads(
        "Tickets are $5-$10, or US$1,000/US$2,000 a year; it went from $5→$10.",
        "Tickets are $5-$10, or US$1,000/US$2,000 a year; it went from $5→$10.",
    );
    reads("Set $HOME/$USER and *then $5-$10* first.", "Set $HOME/$USER and then $5-$10 first.");
    reads("## Only $5-$10\n\nWords", "Only $5-$10\nWords");
    reads("| a | b |\n| - | - |\n| $5-$10 | $1/$2 |", "a\nb\n$5-$10\n$1/$2");
    reads("`$5-$10` and [it]($5-$10.html)", "$5-$10 and it");
    // Behind the amount, and with words between two of them.
    reads("Only 5$ or 10$ each, 3$-4$ now.", "Only 5$ or 10$ each, 3$-4$ now.");
    reads("Win $1,000,000! It costs 5$ a week.", "Win $1,000,000! It costs 5$ a week.");
    reads("Make $$$ fast, and $$ is two.", "Make $$$ fast, and $$ is two.");
    // A formula stays one.
    let formula = issue("From $5-$10 to $x^2$, and 公式$x$是。").unwrap();
    let text = format!("{:?}", formula.document);
    assert_eq!(text.matches("Math(\"").count(), 2, "{text}");
}

#[test]
fn bold_words_of_chinese_and_japanese_are_bold() {
    let strong = |text: &str| {
        let issue = issue(text).unwrap();
        let tree = format!("{:?}", issue.document.blocks);
        let words: Vec<String> = tree
            .split("Strong([Text(\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect();
        (words.join("|"), issue.document.visible_text().trim().to_owned())
    };
    for (text, bold, seen) in [
        ("这是**重要提示：**请看下文。", "重要提示：", "这是重要提示：请看下文。"),
        ("これは**「大切」**です。", "「大切」", "これは「大切」です。"),
        ("**“重要”**请看，**再见。**然后", "“重要”|再见。", "“重要”请看，再见。然后"),
        ("중요**「이것」!**입니다", "「이것」!", "중요「이것」!입니다"),
        ("这是**重要**的", "重要", "这是重要的"),
    ] {
        assert_eq!(strong(text), (bold.to_owned(), seen.to_owned()), "{text}");
    }
}

#[test]
fn a_comment_never_reaches_a_reader() {
    for text in [
        "Words. <!-- not for readers\nabout\n\nand his number -->\n\nMore.",
        "- Item <!-- not\n\n  for readers -->\n- More",
        "> Quote <!-- not\n>\n> for readers -->",
        "Words <!-- never closed\n\nMore words.",
        "<!-- my notes -- >\n\nDear reader,\n\nWords.",
        "| a |\n| - |\n| b <!-- c |\n| d --> |",
        // The same for what browsers and Markdown read to its end.
        "Hello.\n\n<style>\n.x { color: red }\n\nWords.",
        "<script>\nlet x;\n\nWords.",
        "Hello.\n\n<? php\n\nWords.",
    ] {
        let found = found(text);
        assert!(found.iter().any(|one| one.0 == "M174" && one.1 == Severity::Error), "{text}: {found:?}");
    }
    reads("Words <!-- a note -->and more.\n\n<!-- a\n\nb -->\n\nThe end.", "Words and more.\nThe end.");
    reads("`<!--` and \\<!-- are seen.", "<!-- and <!– are seen.");
}

#[test]
fn a_code_block_that_is_not_closed_is_reported_at_its_fence() {
    warns("Dear reader,\n\n```sh\nmake whistle\n\n## Next week", "M164", "3:1");
    warns("~~~\ncode\n```", "M164", "1:1");
    for text in ["```sh\na\n```", "````\n```\n````", "> ```\n> a\n> ```", "- ```\n  a\n  ```", "    indented"]
    {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn text_that_looks_like_markup_is_reported() {
    warns("![A whistle](tin whistle.png)", "M165", "1:1");
    warns("See [the notes](https://example.org/my notes.pdf).", "M165", "1:5");
    warns("See [the plan] (https://example.org/plan).", "M165", "1:5");
    warns("This is **important **to know", "M165", "1:9");
    warns("#Heading", "M165", "1:1");
    warns("##Heading\nwith words", "M165", "1:1");
    warns("| a | b |\n| 1 | 2 |", "M165", "1:1");
    warns("See [the plan](https://example.org/plan and more.", "M165", "1:5");
    warns("This is **important to know.\n\nMore.", "M165", "1:9");
    warns("Run `make now.", "M165", "1:5");
    warns("$$\nx = 1\n\nMore.", "M165", "1:1");
    warns("请看和__重要：__请", "M165", "1:4");
    for text in [
        "An array[0] (the first) and f[x](y).",
        "2 ** 3 and a price** of it",
        "A price** of it\n\n** with tax",
        "$$\nx = 1\n$$",
        "Hawai`i, ``so called'', snake__case",
        "#rust #cargo",
        "#1 of all",
        "\\#Heading",
        "\\*\\*not bold \\*\\*at all",
        "`[x] (https://example.org)` and `**a **b`",
        "| one line |",
        "[a] and (b)",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn a_number_in_a_title_stays_in_it() {
    let head = "---\ntitle: Weekly #42\nsubject: Weekly #42: reeds and rings # the draft\ntags: a # a note\n---\n\nWords.\n";
    let issue = Issue::parse(Source::new("a.md", head)).unwrap();
    assert_eq!(issue.head.title, "Weekly #42");
    assert_eq!(issue.head.subject.to_string(), "Weekly #42: reeds and rings # the draft");
    assert_eq!(issue.head.fields.get("tags"), Some(&super::Value::Text("a".into())));
}

#[test]
fn places_of_raw_html_keep_their_names() {
    let text = "- [One](#one)\n- [Two](#two)\n- [Three](#three)\n- [Four](#four)\n\n<h3 id=\"one\">One</h3>\n\n\
                <a id=\"two\"></a>\n\nAnd <a name=\"three\"></a>here, and <b id=\"four\">there</b>.";
    let issue = issue(text).unwrap();
    assert_eq!(issue.diagnostics, []);
    let tree = format!("{:?}", issue.document.blocks);
    for name in ["one", "two", "three", "four"] {
        assert_eq!(
            tree.matches(&format!("a name=\\\\\\\"{name}")).count()
                + tree.matches(&format!("a name=\\\"{name}")).count(),
            1,
            "{name}: {tree}"
        );
    }
}

#[test]
fn an_attribute_that_is_dropped_is_always_reported() {
    for text in ["<p class=\"x\">Words</p>", "Words <span class=\"x\">and</span>", "<tr id=\"x\">"] {
        assert!(found(text).iter().any(|one| matches!(one.0, "M171" | "M172")), "{text}: {:?}", found(text));
    }
    assert_eq!(found("<p class=\"x\">Words</p>")[0].1, Severity::Note);
}

#[test]
fn tags_around_markdown_have_their_end_in_a_later_block() {
    for text in [
        "<details>\n<summary>More</summary>\n\nWords\n\n</details>",
        "<div>\n\n**Words**\n\n</div>",
        "<section>\n<div>\n\n- one\n\n</div>\n</section>",
        "> <div>\n>\n> Words\n>\n> </div>",
    ] {
        assert!(found(text).iter().all(|one| one.0 != "M172"), "{text}: {:?}", found(text));
    }
    let centered = found("<div align=\"center\">\n\n**Words**\n\n</div>");
    assert!(centered.iter().any(|one| one.0 == "M171"), "{centered:?}");
    for text in [
        "<div>\n\nWords",
        "Words\n\n</div>",
        "<div>\n\nWords\n\n</div>\n</div>",
        "<center>\n\nWords\n\n</div>",
    ] {
        assert!(found(text).iter().any(|one| one.0 == "M172"), "{text}: {:?}", found(text));
    }
}

#[test]
fn a_title_that_begins_with_a_sign_of_yaml_is_not_cut_in_silence() {
    for title in ["&anchor big news", "!Wow this is big", "*Bold* news", "@ada and friends", "[Draft] news"] {
        let text = format!("---\ntitle: {title}\n---\n\nWords.\n");
        let found = Issue::parse(Source::new("a.md", text)).unwrap_err();
        assert!(found.iter().any(|one| one.code == "M102"), "{title}: {found:?}");
    }
}

#[test]
fn named_blocks_of_html_keep_their_words_apart_and_their_places() {
    let issue = issue(
        "[There](#there)\n\n<section id=\"there\"><header>Head</header>Words</section>\n\n\
         <figure><img src=\"https://example.org/a.png\" alt=\"a\"><figcaption>Caption</figcaption></figure>",
    )
    .unwrap();
    assert_eq!(issue.diagnostics, []);
    assert_eq!(issue.document.visible_text().trim(), "There\nHead Words\nCaption");
    assert!(found("<details><summary>More</summary>inner</details>").iter().all(|one| one.0 == "M170"));
}

#[test]
fn a_picture_in_a_heading_takes_its_attributes() {
    reads("## A ![pic](a.png){width=10} heading\n\nWords", "A heading\nWords");
    reads("## A [link](https://example.org/) {#name}\n\nWords", "A link\nWords");
}

#[test]
fn a_number_that_no_edition_has_is_shown_as_it_is_written() {
    for head in [
        "---\ntitle: A\nnumber: {}\n---\n",
        "+++\ntitle = \"A\"\nnumber = {}\n+++\n",
        "Title: A\nNumber: {}\n\n",
    ] {
        for number in ["99999999999999999999", "4294967296", "-1", "1.5"] {
            let text = head.replace("{}", number) + "\nHello.\n";
            let found = Issue::parse(Source::new("a.md", text)).expect_err(number);
            let messages: Vec<_> = found.iter().map(|one| (one.code, one.message.as_str())).collect();
            assert_eq!(
                messages,
                [("M105", format!("{number} is not a valid edition number").as_str())],
                "{head}"
            );
        }
    }
    let text = "---\ntitle: A\nnumber: seven\n---\n\nHello.\n";
    assert_eq!(Issue::parse(Source::new("a.md", text)).expect_err("a word")[0].code, "M104");
    let text = "---\ntitle: A\norder: 12345678901234567890\n---\n\nHello.\n";
    let issue = Issue::parse(Source::new("a.md", text)).unwrap();
    assert_eq!(issue.head.fields["order"], super::Value::Text("12345678901234567890".into()));
}
