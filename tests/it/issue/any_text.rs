//! Whatever an author writes, nothing panics and no word is lost.

use mimeograph::{
    issue::{Document, Issue},
    source::Source,
};
use proptest::prelude::*;

/// Pieces of Markdown around words that can be distinguished.
fn text() -> impl Strategy<Value = String> {
    let mark = prop::sample::select(vec![
        " ",
        "\n",
        "\n\n",
        "\r\n",
        "\n> ",
        "\n- ",
        "\n  - ",
        "\n1. ",
        "\n## ",
        "*",
        "**",
        "_",
        "~~",
        "`",
        "\n```\n",
        "\n    ",
        "\n---\n",
        "\n| ",
        " | ",
        "\n|-|-|\n",
        "[",
        "](b)",
        "![",
        "{.button}",
        "\n::: note\n",
        "\n:::\n",
        "\n::: columns\n",
        "\n::: column\n",
        "\n:::: card \"T\" url=\"b\"\n",
        "\n::::\n",
        "{{ issue.title }}",
        "{{",
        "}}",
        "{%",
        "\\",
        "&amp;",
        "&",
        "\"",
        "'",
        "--",
        "...",
        "$",
        "\n: ",
        "\n> [!NOTE]\n> ",
        "P.S. ",
        "<b>",
        "</b>",
        "<br>",
        "é",
        "中文",
        "🎉",
        "\u{F0000}",
        "\t",
    ]);
    let word = (0_u32..1000).prop_map(|number| format!("word{number}x"));
    prop::collection::vec(prop_oneof![mark.prop_map(str::to_owned), word], 0..60)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_visible_word_is_lost(text in text()) {
        let (document, problems) = Document::parse(&Source::new("a.md", text.clone()));
        let _ = Issue::parse(Source::new("a.md", text.clone()));
        // With an error nothing is made of the issue; notes, definitions of links and alternative texts are no words
        // of the text, and what is behind a fence is its language.
        if problems.iter().any(|problem| problem.is_error()) {
            return Ok(());
        }
        let shown = format!("{}{:?}", document.visible_text(), document);
        let mut rest = text.as_str();
        while let Some(at) = rest.find("word") {
            let word = &rest[at..at + rest[at..].find('x').unwrap() + 1];
            prop_assert!(shown.contains(word), "{word} is lost of {text:?}");
            rest = &rest[at + word.len()..];
        }
    }
}
