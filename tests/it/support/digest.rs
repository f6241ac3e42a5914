//! A link digest as large as the weekly ones of programming languages: about 250 links, lists in lists, code among words.

use std::fmt::Write;

/// What its headlines are made of.
const WORDS: [&str; 48] = [
    "kettle",
    "steam",
    "harbor",
    "lantern",
    "quiet",
    "border",
    "signal",
    "copper",
    "meadow",
    "rapid",
    "gentle",
    "window",
    "parser",
    "buffer",
    "thread",
    "module",
    "macro",
    "trait",
    "async",
    "stable",
    "nightly",
    "memory",
    "release",
    "update",
    "writing",
    "building",
    "testing",
    "learning",
    "measuring",
    "porting",
    "fixing",
    "reading",
    "from",
    "with",
    "without",
    "for",
    "on",
    "in",
    "about",
    "towards",
    "faster",
    "smaller",
    "safer",
    "better",
    "first",
    "second",
    "weekly",
    "guide",
];

/// Words and addresses by an unchanging sequence of numbers.
struct Author {
    state: u64,
    /// In percent: how many links a week has, compared with the usual.
    busy: usize,
}

impl Author {
    fn number(&mut self, below: usize) -> usize {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.state >> 33) as usize) % below
    }

    fn count(&self, usual: usize) -> usize {
        usual * self.busy / 100
    }

    fn words(&mut self, count: usize) -> String {
        let words: Vec<&str> = (0..count).map(|_| WORDS[self.number(WORDS.len())]).collect();
        words.join(" ")
    }

    fn address(&mut self) -> String {
        let host =
            ["blog.example.org", "www.example.com", "code.example.net", "forum.example.org"][self.number(4)];
        format!("https://{host}/{}/{}/", 2020 + self.number(7), self.words(4).replace(' ', "-"))
    }

    fn change(&mut self) -> String {
        let words = 3 + self.number(3);
        let (before, after) = (self.words(words), self.words(2));
        let number = 100_000 + self.number(50_000);
        format!(
            "- [{before} `{}` {after}](https://code.example.net/language/language/pull/{number})\n",
            self.words(1)
        )
    }
}

/// The digest of a usual week.
pub(crate) fn link_digest() -> String {
    digest(642, Author { state: 7, busy: 100 })
}

/// The digests of 33 weeks, quiet and busy ones.
pub(crate) fn link_digests() -> Vec<String> {
    (0..33).map(|week| digest(642 + week, Author { state: 7 + week as u64, busy: 88 + week })).collect()
}

fn digest(number: usize, mut author: Author) -> String {
    let mut text = format!(
        "---\ntitle: This week in kettles, number {number}\n---\n\nHello and welcome to another week. ",
    );
    writeln!(
        text,
        "Something was missed? [Tell us]({}), or [send a change]({}).\n",
        author.address(),
        author.address()
    )
    .unwrap();
    for (heading, links) in [
        ("Official", 4),
        ("Newsletters", 3),
        ("Project news", 16),
        ("Thoughts", 28),
        ("Walks", 26),
        ("Other", 8),
    ] {
        writeln!(text, "### {heading}\n").unwrap();
        for _ in 0..author.count(links) {
            let words = 6 + author.number(5);
            writeln!(text, "- [{}]({})", author.words(words), author.address()).unwrap();
        }
        text.push('\n');
    }
    writeln!(
        text,
        "## Crate of the week\n\nThis week it is [steam]({}), {}.\n",
        author.address(),
        author.words(14)
    )
    .unwrap();
    for part in ["Compiler", "Library", "Build tool", "Documentation", "Lints", "Editor"] {
        writeln!(text, "#### {part}\n").unwrap();
        for _ in 0..author.count(13) {
            text.push_str(&author.change());
        }
        text.push('\n');
    }
    writeln!(text, "### Performance\n\n{}.\n", author.words(45)).unwrap();
    text.push_str("| (instructions) | mean | range | count |\n| --- | ---: | :---: | ---: |\n");
    for row in 0..6 {
        writeln!(text, "| {} | 0.{row}% | [0.{row}%, 1.{row}%] | {} |", author.words(2), author.number(90))
            .unwrap();
    }
    text.push_str("\n### Proposals\n\n");
    for part in [
        "Accepted",
        "Last call",
        "Language",
        "Build tool team",
        "Compiler team",
        "Leaders",
        "Tracking",
        "New",
    ] {
        writeln!(text, "#### {part}\n\n*{} this week.*\n", author.words(4)).unwrap();
    }
    text.push_str("\n## Events\n\n");
    for part in ["On the web", "Asia", "Europe", "North America"] {
        writeln!(text, "### {part}\n").unwrap();
        for _ in 0..author.count(10) {
            let day = 1 + author.number(28);
            let (town, group) = (author.words(2), author.words(2));
            writeln!(text, "* 2026-12-{day:02} | {town} | [{group}]({})", author.address()).unwrap();
            let words = 4 + author.number(4);
            writeln!(text, "    * [**{}**]({})", author.words(words), author.address()).unwrap();
        }
        text.push('\n');
    }
    writeln!(
        text,
        "## Quote of the week\n\n> {}.\n\n– [{}]({})\n",
        author.words(30),
        author.words(2),
        author.address()
    )
    .unwrap();
    writeln!(text, "*{}. [{}]({})*", author.words(20), author.words(3), author.address()).unwrap();
    text
}
