//! Documents made in code, and the text that a reader gets.

use std::{collections::BTreeMap, path::Path};

use super::*;
use crate::{
    address::EmailAddress,
    issue::{
        Document, FrontMatter, Part, Phrase,
        document::{
            AlertKind, Alignment, Button, Card, ContentsEntry, Definition, Figure, Footnote, Image, Inline,
            Inlines, Item, Post, Quote, Resource, Video,
        },
    },
    render::{Mailbox, Piece, Unsubscribe},
    source::Source,
};

fn newsletter() -> Newsletter {
    let address = EmailAddress::parse("ada@example.org").unwrap();
    Newsletter {
        site: Some("https://example.org/letters/".into()),
        postal_address: Some("Example Ltd\nExampletown".into()),
        list_id: "letters.example.org".into(),
        unsubscribe: Unsubscribe::default(),
        ..Newsletter::new("Notes", Mailbox { name: None, address })
    }
}

fn pattern_of(head: FrontMatter, document: Document) -> Pattern {
    let issue = Issue { source: Source::new("42.md", ""), head, document, diagnostics: Vec::new() };
    let newsletter = newsletter();
    let (assets, _) = Assets::load(&issue, &newsletter.picture_settings(), &[], Path::new("."));
    let scope = Scope::new(&issue, &newsletter, BTreeMap::new());
    text(&issue, &newsletter, &scope, &assets, None)
}

/// The blocks' own lines, without masthead and footer.
fn body(kinds: Vec<BlockKind>) -> String {
    let document = Document { blocks: blocks(kinds), footnotes: Vec::new() };
    let whole = pattern_of(FrontMatter::default(), document).to_string();
    let (_, below) = whole.split_once("Notes\n").unwrap();
    let (body, _) = below.rsplit_once("\n\n------------------------\n").unwrap_or(("", ""));
    body.trim_start_matches('\n').to_owned()
}

#[track_caller]
fn check(kinds: Vec<BlockKind>, expected: &str) {
    let expected: Vec<&str> =
        expected.lines().map(|line| line.strip_prefix("            ").unwrap_or(line)).collect();
    assert_eq!(body(kinds), expected.join("\n").trim_matches('\n'));
}

fn blocks(kinds: Vec<BlockKind>) -> Vec<Block> {
    kinds.into_iter().map(|kind| Block { span: 0..0, kind }).collect()
}

fn words(text: &str) -> Inlines {
    vec![Inline::Text(text.into())]
}

fn paragraph(text: &str) -> BlockKind {
    BlockKind::Paragraph(words(text))
}

fn heading(level: u8, text: &str) -> BlockKind {
    BlockKind::Heading { level, anchor: "a".into(), content: words(text) }
}

fn link(text: &str, url: &str) -> Inline {
    Inline::Link { url: Phrase::plain(url), title: Phrase::default(), content: words(text), span: 0..0 }
}

fn button(label: &str, url: &str) -> Button {
    Button { url: Phrase::plain(url), label: words(label), secondary: false }
}

fn image(source: &str, alt: &str) -> Image {
    Image { source: source.into(), alt: Phrase::plain(alt), width: None, span: 0..0 }
}

fn item(kinds: Vec<BlockKind>) -> Item {
    Item { done: None, blocks: blocks(kinds) }
}

fn placeholder(name: &str) -> Placeholder {
    Placeholder { path: vec!["subscriber".into(), name.into()], filters: Vec::new(), span: 0..0 }
}

#[test]
fn a_letter_has_masthead_title_text_and_footer() {
    let head = FrontMatter {
        title: "A year in review".into(),
        preheader: Phrase::plain("Not shown twice"),
        number: Some(42),
        date: Some(jiff::civil::date(2022, 12, 30)),
        author: Some("Ada Example".into()),
        ..FrontMatter::default()
    };
    let document = Document {
        blocks: blocks(vec![
            heading(1, "A year in review"),
            BlockKind::Paragraph(vec![
                Inline::Text("Hello ".into()),
                Inline::Placeholder(placeholder("first_name")),
                Inline::Text(", welcome".into()),
                Inline::Footnote(1),
                Inline::Text(".".into()),
            ]),
        ]),
        footnotes: vec![Footnote { label: "x".into(), blocks: blocks(vec![paragraph("A note.")]) }],
    };
    let text = pattern_of(head, document);
    assert_eq!(
        text.to_string(),
        "Notes\n#42 · 30 December 2022 · Ada Example\n\nA year in review\n================\n\n\
         Hello {{ subscriber.first_name }}, welcome[^1].\n\n[^1] A note.\n\n------------------------\n\
         Unsubscribe: {{ link.unsubscribe }}\n\nExample Ltd\nExampletown\n"
    );
    assert!(
        text.pieces
            .iter()
            .all(|piece| !matches!(piece, Piece::Open { escape, .. } if *escape != Escape::Text))
    );
}

#[test]
fn few_links_stand_in_the_line_and_many_in_a_list_per_section() {
    let many: Inlines = ["a", "b", "c", "a"]
        .iter()
        .flat_map(|name| [link(name, &format!("https://example.org/{name}")), Inline::Text(" ".into())])
        .collect();
    check(
        vec![
            heading(2, "Few"),
            BlockKind::Paragraph(vec![
                link("One", "https://example.org/1"),
                Inline::Text(", ".into()),
                link("https://example.org/2", "https://example.org/2"),
                Inline::Text(", ".into()),
                link("ada@example.org", "mailto:ada@example.org"),
                Inline::Text(", ".into()),
                link("below", "#many"),
                Inline::Text(".".into()),
            ]),
            heading(2, "Many"),
            BlockKind::Paragraph(many),
        ],
        "
            Few
            ---

            One <https://example.org/1>, https://example.org/2, ada@example.org,
            below.

            Many
            ----

            a [1] b [2] c [3] a [1]

            [1] https://example.org/a
            [2] https://example.org/b
            [3] https://example.org/c",
    );
}

#[test]
fn lists_nest_count_and_tick() {
    let inner = BlockKind::List { start: None, tight: true, items: vec![item(vec![paragraph("inside")])] };
    let long = "a point that is long enough to need a second line, which begins below the first one's text";
    check(
        vec![
            BlockKind::List {
                start: Some(9),
                tight: true,
                items: vec![item(vec![paragraph(long), inner]), item(vec![paragraph("ten")])],
            },
            BlockKind::List {
                start: None,
                tight: false,
                items: vec![
                    Item { done: Some(true), blocks: blocks(vec![paragraph("done")]) },
                    Item { done: Some(false), blocks: blocks(vec![paragraph("open"), paragraph("more")]) },
                ],
            },
        ],
        "
            9.  a point that is long enough to need a second line, which begins
                below the first one's text
                - inside
            10. ten

            - [x] done

            - [ ] open

              more",
    );
}

#[test]
fn quotes_alerts_and_slots_are_set_apart() {
    check(
        vec![
            BlockKind::Quote(Quote {
                blocks: blocks(vec![paragraph("To be"), paragraph("or not")]),
                by: Some(words("— Ada")),
            }),
            BlockKind::PullQuote(Quote { blocks: blocks(vec![paragraph("Large words")]), by: None }),
            BlockKind::Alert {
                kind: AlertKind::Note,
                title: Some(words("Mind the gap")),
                blocks: blocks(vec![paragraph("It is wide.")]),
            },
            BlockKind::Alert {
                kind: AlertKind::Warning,
                title: None,
                blocks: blocks(vec![paragraph("Hot.")]),
            },
            BlockKind::Sponsor { label: Some("From Acme".into()), blocks: blocks(vec![paragraph("Buy.")]) },
        ],
        "
            > To be
            >
            > or not
            >
            > — Ada

                Large words

            NOTE: Mind the gap
              It is wide.

            WARNING:
              Hot.

            From Acme
              Buy.",
    );
}

#[test]
fn pictures_videos_posts_and_cards_say_what_they_show_and_where_they_lead() {
    check(
        vec![
            BlockKind::Figure(Figure {
                image: image("https://example.org/a.png", "A hill"),
                caption: Some(words("The hill.")),
                credit: Some(words("Photo: Ada")),
                link: Some(Phrase::plain("https://example.org/hill")),
            }),
            BlockKind::Figure(Figure {
                image: image("https://example.org/b.png", ""),
                caption: None,
                credit: None,
                link: None,
            }),
            BlockKind::Video(Video {
                url: "https://video.example/1".into(),
                title: Some("A talk".into()),
                still: None,
                caption: None,
            }),
            BlockKind::Post(Post {
                url: "https://social.example/1".into(),
                author: Some("Ada".into()),
                handle: Some("@ada".into()),
                date: Some("3 May".into()),
                blocks: blocks(vec![paragraph("Hello")]),
                image: None,
            }),
            BlockKind::Card(Card {
                url: Phrase::plain("https://example.org/card"),
                title: words("A card"),
                image: None,
                blocks: blocks(vec![paragraph("Its blurb.")]),
            }),
        ],
        "
            [Image: A hill]
            The hill.
            Photo: Ada
            https://example.org/hill

            [Video: A talk] https://video.example/1

            > Hello
            — Ada (@ada), 3 May
            https://social.example/1

            A card
            Its blurb.
            https://example.org/card",
    );
}

#[test]
fn buttons_polls_resources_and_contents_are_lines() {
    let long = "https://example.org/a/very/long/address/that/does/not/fit/beside/its/label";
    check(
        vec![
            BlockKind::Buttons(vec![button("Read", "https://example.org/r"), button("A long one", long)]),
            BlockKind::Poll {
                question: words("How was it?"),
                answers: vec![
                    button("Good", "https://example.org/g"),
                    button("Bad", "https://example.org/b"),
                ],
            },
            BlockKind::Resources(vec![Resource {
                url: Phrase::plain("https://example.org/p"),
                title: words("On gradients"),
                kind: Some("paper".into()),
                blurb: words("Downhill."),
            }]),
            BlockKind::Contents {
                title: Some(words("Today")),
                depth: 3,
                entries: vec![
                    ContentsEntry { level: 2, anchor: Some("a".into()), content: words("One") },
                    ContentsEntry { level: 3, anchor: Some("b".into()), content: words("Inside") },
                ],
            },
        ],
        &format!(
            "
            Read: https://example.org/r
            A long one:
              {long}

            How was it?

            - Good: https://example.org/g
            - Bad: https://example.org/b

            - [paper] On gradients
              Downhill.
              https://example.org/p

            Today
            - One
              - Inside"
        ),
    );
}

#[test]
fn tables_are_aligned_or_become_records() {
    let row = |cells: [&str; 2]| cells.map(words).to_vec();
    let alignments = vec![Alignment::Left, Alignment::Right];
    let wide = "a value that alone is nearly as wide as the whole letter may be, and more";
    check(
        vec![
            BlockKind::Table {
                alignments: alignments.clone(),
                head: row(["名前", "n"]),
                rows: vec![row(["x", "10"]), row(["longer", "9"])],
            },
            BlockKind::Table {
                alignments,
                head: row(["Name", "Value"]),
                rows: vec![row(["x", wide]), row(["y", ""])],
            },
        ],
        "
            名前     n
            ------  --
            x       10
            longer   9

            Name: x
            Value: a value that alone is nearly as wide as the whole letter may
              be, and more

            Name: y",
    );
}

#[test]
fn code_math_terms_and_raw_html_keep_what_they_say() {
    let html = Phrase(vec![
        Part::Text("<h3>Raw &amp; ready</h3><p>Hi <b>".into()),
        Part::Open(placeholder("first_name")),
        Part::Text("</b>,<br>see <a href=\"https://example.org/?u=".into()),
        Part::Open(placeholder("id")),
        Part::Text(
            "\">this</a></p><ul><li>one</li><li>two</li></ul><ol start=\"3\"><li>three</li><li>four</li></ol><img src=\"https://example.org/x\" alt=\"X\">"
                .into(),
        ),
    ]);
    let mjml = "<mj-section><mj-column><mj-text>Words</mj-text>\
                <mj-button href=\"https://example.org/go\">Go</mj-button></mj-column></mj-section>";
    check(
        vec![
            BlockKind::Code { language: None, text: "fn main() {\n\tgo();\n}\n".into() },
            BlockKind::Math("e = mc^2\n".into()),
            BlockKind::Definitions(vec![Definition {
                term: words("Term"),
                meanings: vec![blocks(vec![paragraph("What it means.")])],
            }]),
            BlockKind::Divider,
            BlockKind::Html(html),
            BlockKind::Mjml(mjml.into()),
        ],
        "
                fn main() {
                    go();
                }

                e = mc^2

            Term
                What it means.

            * * *

            Raw & ready
            ~~~~~~~~~~~

            Hi {{ subscriber.first_name }},
            see this <https://example.org/?u={{ subscriber.id }}>

            - one
            - two

            3. three
            4. four

            [Image: X]

            Words

            Go: https://example.org/go",
    );
}

#[test]
fn what_is_filled_into_the_middle_of_an_address_is_percent_encoded() {
    let url = Phrase(vec![Part::Text("https://example.org/?u=".into()), Part::Open(placeholder("email"))]);
    let link = Inline::Link { url, title: Phrase::default(), content: words("you"), span: 0..0 };
    let document = Document { blocks: blocks(vec![BlockKind::Paragraph(vec![link])]), footnotes: Vec::new() };
    let text = pattern_of(FrontMatter::default(), document);
    let escapes: Vec<Escape> = text
        .pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Open { escape, .. } => Some(*escape),
            Piece::Literal(_) => None,
        })
        .collect();
    assert_eq!(escapes, [Escape::UrlPart, Escape::Text]);
}

#[test]
fn deep_nesting_keeps_its_words_and_stays_in_the_line() {
    let words = "many words that go on and on until a line is full and then some more of them";
    let mut kind = paragraph(words);
    for _ in 0..60 {
        kind = BlockKind::Quote(Quote { blocks: blocks(vec![kind]), by: None });
        kind = BlockKind::List { start: Some(1_000_000), tight: true, items: vec![item(vec![kind])] };
    }
    let body = body(vec![kind]);
    assert!(body.lines().all(|line| wrap::width(line) <= WIDTH), "{body}");
    let kept: Vec<&str> =
        body.split_whitespace().filter(|word| word.bytes().all(|b| b.is_ascii_lowercase())).collect();
    assert_eq!(kept, words.split(' ').collect::<Vec<_>>());
}

#[test]
fn our_own_characters_in_an_authors_text_fill_nothing() {
    let body = body(vec![paragraph("a \u{f0000} \u{100000} b \u{7} c")]);
    assert_eq!(body, "a \u{fffd} \u{fffd} b c");
}
