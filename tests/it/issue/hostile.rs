//! Text that is made to hang a reader, or to overflow its stack. Each takes one pass, whatever its size.

use std::time::{Duration, Instant};

use mimeograph::{
    issue::{Document, Issue},
    source::Source,
};

/// Far more than any of these takes, far less than anything that is not linear takes.
const LONG: Duration = Duration::from_secs(20);

#[test]
fn no_text_takes_longer_than_its_size_or_overflows_the_stack() {
    let units = [
        ">",
        "> ",
        "- ",
        "1. ",
        "* a\n",
        "*",
        "**a ",
        "_a",
        "~~",
        "[",
        "![",
        "[a](",
        "](b)",
        "`",
        "``a`",
        "<",
        "<b>",
        "<div>",
        "<!--",
        "<a href=\"",
        "</p>\n",
        "{{",
        "{{ issue.a }}",
        "{{\"",
        "{%",
        "\\{{",
        "::: card\n",
        ":::\n",
        ":::: columns\n::: column\n",
        "[^a]",
        "[^a]: x\n\n",
        "|a",
        "|-\n",
        "$",
        "$$",
        "a\n: b\n",
        "# a\n",
        "\n",
        "\r",
        "![a](b){",
        "[a](b){.x}",
        "http://",
        "a@b.c ",
        "&#xF0000;",
        "\u{F0000}",
        "\0",
        "<td>",
        "<script>",
        "- a\n  ",
        "> [!NOTE]\n",
        "P.S. ",
    ];
    for unit in units {
        let text = unit.repeat(40_000 / unit.len());
        let start = Instant::now();
        let (document, diagnostics) = Document::parse(&Source::new("a.md", text));
        let _ = document.visible_text();
        assert!(diagnostics.len() <= 300, "{unit:?}: {} diagnostics", diagnostics.len());
        let took = start.elapsed();
        assert!(took < LONG, "{unit:?} took {took:?}");
    }
}

#[test]
fn many_different_names_cost_no_more_than_many_equal_ones() {
    let each = |write: fn(usize) -> String| (0..20_000).map(write).collect::<String>();
    for text in [
        each(|n| format!("[^{n}] ")) + "\n\n" + &each(|n| format!("[^{n}]: note\n\n")),
        each(|n| format!("## a{n}\n\n[x](#b{n})\n\n")),
        each(|n| format!("[{n}]: https://example.com/{n}\n\n[{n}]\n\n")),
        "::: note\n".repeat(20_000) + &"::::\n".repeat(20_000),
    ] {
        let start = Instant::now();
        let _ = Document::parse(&Source::new("a.md", text));
        assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
    }
}

#[test]
fn deep_nesting_is_a_diagnostic() {
    let mut list = String::new();
    for depth in 0..300 {
        list.push_str(&" ".repeat(depth * 2));
        list.push_str("- a\n");
    }
    let containers = format!("{}x\n{}", "::: note\n".repeat(500), ":::\n".repeat(500));
    for text in [">".repeat(500) + "x", list, containers] {
        let problems = Issue::parse(Source::new("a.md", format!("# T\n\n{text}"))).unwrap_err();
        assert_eq!(problems.iter().filter(|problem| problem.code == "M121").count(), 1);
    }
}
