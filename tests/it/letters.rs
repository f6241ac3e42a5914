//! Letters made of blocks in code.

use std::{collections::BTreeMap, path::Path};

use mimeograph::{
    issue::{Phrase, document::*},
    render::{self, Frame, Materials, Template},
};

use crate::support::newsletter::{block, image, issue, newsletter, words};

fn p(text: &str) -> Block {
    block(BlockKind::Paragraph(words(text)))
}
fn h(level: u8, text: &str) -> Block {
    block(BlockKind::Heading { level, anchor: text.to_lowercase().replace(' ', "-"), content: words(text) })
}
fn link(url: &str, text: &str) -> Inline {
    Inline::Link { url: Phrase::plain(url), title: Phrase::default(), content: words(text), span: 0..0 }
}
fn button(text: &str, secondary: bool) -> Button {
    Button { url: Phrase::plain("https://example.org/x"), label: words(text), secondary }
}
const LOREM: &str = "The hour before the others wake is the only one that belongs to nobody, and so it is the one I keep for reading. This winter I read slowly and with a pencil, and I want to tell you what stayed.";

fn kitchen() -> Vec<Block> {
    let t = |text: &str| Inline::Text(text.into());
    let rich = vec![
        t("Some "),
        Inline::Emphasis(words("emphasis")),
        t(", some "),
        Inline::Strong(words("strength")),
        t(", "),
        Inline::Strikethrough(words("a mistake")),
        t(", "),
        Inline::Code("let x = <T>::new();".into()),
        t(", a "),
        link("https://example.org/a?b=1&c=2", "link with words"),
        t(", math "),
        Inline::Math("e^{i\\pi}+1=0".into()),
        t(", a note"),
        Inline::Footnote(1),
        t(" and a very long address "),
        link(
            "https://example.org/averyveryveryveryveryveryveryveryveryveryveryverylongaddresswithoutanybreaks",
            "https://example.org/averyveryveryveryveryveryveryveryveryveryveryverylongaddresswithoutanybreaks",
        ),
        t("."),
    ];
    let fig = |name: &str, caption: bool| Figure {
        image: image(name, "Snow on the roofs of a small town"),
        caption: caption.then(|| words("Snow on the roofs, seen from the attic")),
        credit: caption.then(|| words("Photo: Ada Example")),
        link: None,
    };
    let item = |text: &str| Item { done: None, blocks: vec![p(text)] };
    vec![
        p(LOREM),
        block(BlockKind::Contents {
            title: Some(words("In this letter")),
            depth: 3,
            entries: vec![
                ContentsEntry { level: 2, anchor: Some("what-stayed".into()), content: words("What stayed") },
                ContentsEntry { level: 3, anchor: Some("slowly".into()), content: words("Slowly, with a pencil") },
                ContentsEntry { level: 2, anchor: Some("things".into()), content: words("Things to see") },
            ],
        }),
        h(2, "What stayed"),
        block(BlockKind::Paragraph(rich)),
        h(3, "Slowly, with a pencil"),
        p(LOREM),
        block(BlockKind::List { start: None, tight: true, items: vec![
            item("A short thing"),
            Item { done: None, blocks: vec![p("A thing with things inside"), block(BlockKind::List { start: None, tight: true, items: vec![item("one"), item("two, which is long enough to break into a second line on a phone")] })] },
            item("The last thing"),
        ] }),
        block(BlockKind::List { start: Some(3), tight: false, items: vec![item("Third, with space"), item("Fourth")] }),
        block(BlockKind::List { start: None, tight: true, items: vec![
            Item { done: Some(true), blocks: vec![p("Write the letter")] },
            Item { done: Some(false), blocks: vec![p("Send the letter")] },
        ] }),
        p(LOREM),
        block(BlockKind::Quote(Quote { blocks: vec![p("We read to know that we are not alone."), p("A second paragraph, to see the space between them.")], by: Some(words("C. S. Lewis")) })),
        p(LOREM),
        block(BlockKind::PullQuote(Quote { blocks: vec![p("The hour before the others wake belongs to nobody.")], by: None })),
        p(LOREM),
        block(BlockKind::Alert { kind: AlertKind::Note, title: None, blocks: vec![p("This is a note. It has words enough for two lines, so that one can see how they stand.")] }),
        block(BlockKind::Alert { kind: AlertKind::Tip, title: Some(words("with a title")), blocks: vec![p("A tip.")] }),
        block(BlockKind::Alert { kind: AlertKind::Important, title: None, blocks: vec![p("Important.")] }),
        block(BlockKind::Alert { kind: AlertKind::Warning, title: None, blocks: vec![p("A warning.")] }),
        block(BlockKind::Alert { kind: AlertKind::Caution, title: None, blocks: vec![p("Caution.")] }),
        block(BlockKind::Alert { kind: AlertKind::Callout, title: Some(words("A callout")), blocks: vec![p("With a title and words.")] }),
        h(2, "Things to see"),
        block(BlockKind::Figure(fig("wide.png", true))),
        p(LOREM),
        block(BlockKind::Figure(fig("small.png", false))),
        block(BlockKind::Gallery(vec![fig("wide.png", false), fig("wide.png", true), fig("wide.png", false)])),
        block(BlockKind::Columns(vec![vec![h(3, "Left"), p(LOREM)], vec![h(3, "Right"), p(LOREM)]])),
        block(BlockKind::Card(Card { url: Phrase::plain("https://www.example.org/essay"), title: words("An essay on attention"), image: Some(image("wide.png", "A desk by a window")), blocks: vec![p("Why we lose it, how it comes back, and what a pencil has to do with it.")] })),
        block(BlockKind::Card(Card { url: Phrase::plain("https://www.example.org/essay"), title: words("A card without a picture"), image: None, blocks: vec![p("Only words.")] })),
        block(BlockKind::Video(Video { url: "https://video.example.org/watch?v=1".into(), title: Some("A talk about gradients".into()), still: Some(image("wide.png", "")), caption: Some(words("Forty minutes, worth every one.")) })),
        block(BlockKind::Video(Video { url: "https://video.example.org/watch?v=1".into(), title: Some("A talk about gradients".into()), still: None, caption: None })),
        block(BlockKind::Post(Post { url: "https://social.example.org/@ada/1".into(), author: Some("Ada Example".into()), handle: Some("@ada".into()), date: Some("3 January 2023".into()), blocks: vec![p("Today I learnt that snow is quiet because it is full of air.")], image: None })),
        h(2, "To read"),
        block(BlockKind::Resources(vec![
            Resource { url: Phrase::plain("https://example.org/1"), title: words("Attention is all you need"), kind: Some("paper".into()), blurb: words("The one that began it; still readable.") },
            Resource { url: Phrase::plain("https://example.org/2"), title: words("Pencils, a history"), kind: Some("book".into()), blurb: vec![] },
        ])),
        block(BlockKind::Table { alignments: vec![Alignment::Start, Alignment::Right, Alignment::Center], head: vec![words("Month"), words("Pages"), words("Mood")], rows: vec![
            vec![words("January"), words("1,204"), words("quiet")],
            vec![words("February"), words("310"), words("busy")],
        ] }),
        block(BlockKind::Table { alignments: vec![Alignment::Start; 6], head: ["Model", "Parameters", "Context", "Licence", "Released", "Notes"].map(words).to_vec(), rows: vec![
            ["Gradient-7", "7 billion", "8,192", "Apache-2.0", "2022-11-03", "small and quick"].map(words).to_vec(),
            ["Gradient-70", "70 billion", "32,768", "Apache-2.0", "2022-12-03", "large and slow"].map(words).to_vec(),
        ] }),
        block(BlockKind::Code { language: Some("rust".into()), text: "/// Adds two numbers.\nfn add(a: u32, b: u32) -> u32 {\n    let sum = a + b; // never overflows, they say\n\n    println!(\"{a} + {b} = {sum} and a line that is long enough to wrap on every phone there is\");\n    sum\n}\n".into() }),
        block(BlockKind::Math("\\int_0^1 x^2\\,dx = \\frac{1}{3}".into())),
        block(BlockKind::Definitions(vec![Definition { term: words("Gradient"), meanings: vec![vec![p("The direction in which it gets worse fastest.")], vec![p("Also: a slope.")]] }])),
        block(BlockKind::Divider),
        block(BlockKind::Buttons(vec![button("Read the essay", false), button("Save it for later", true)])),
        p(LOREM),
        block(BlockKind::Sponsor { label: None, blocks: vec![p("Acme makes pencils that do not break. Readers get ten per cent off.")] }),
        block(BlockKind::Poll { question: words("How was this letter?"), answers: vec![button("Loved it", true), button("It was fine", true), button("Not for me", true)] }),
        block(BlockKind::Share { blocks: vec![p("Know somebody who would like this letter?")], links: vec![button("Send it on", false)] }),
        block(BlockKind::Signature(vec![p("Until next week,"), block(BlockKind::Paragraph(vec![t("Ada")]))])),
        block(BlockKind::PostScript(vec![p("P.S. The pencil is a 2B.")])),
        block(BlockKind::Author { name: "Ada Example".into(), picture: Some(image("small.png", "Ada")), url: Some(Phrase::plain("https://example.org/ada")), blocks: vec![p("Writes about learning machines and slow reading. Lives where it snows.")] }),
    ]
}

#[test]
fn scratch() {
    let root = Path::new("/tmp/kitchen");
    std::fs::create_dir_all(root).unwrap();
    for (name, w, h) in [("wide.png", 1600, 900), ("small.png", 200, 200)] {
        let picture = image::RgbImage::from_fn(w, h, |x, y| {
            image::Rgb([(x * 200 / w) as u8 + 40, (y * 120 / h) as u8 + 80, 160])
        });
        picture.save(root.join(name)).unwrap();
    }
    for name in ["default", "digest", "plain"] {
        for rtl in [false, true] {
            let mut issue = issue("/tmp/kitchen/index.md", "", kitchen());
            issue.document.footnotes = vec![Footnote {
                label: "a".into(),
                blocks: vec![p("A note at the end, with its number in front.")],
            }];
            issue.head.title = "A year in review".into();
            issue.head.preheader =
                Phrase::plain("What stayed with me from a year of slow reading, and what did not.");
            issue.head.subject = Phrase::plain("A year in review");
            issue.head.number = Some(12);
            issue.head.author = Some("Ada Example".into());
            issue.head.date = Some(jiff::civil::date(2022, 12, 30));
            if rtl {
                issue.head.language = Some("ar".into());
            }
            let mut newsletter = newsletter();
            newsletter.archive = Some("https://example.org/letters/archive".into());
            newsletter.design = BTreeMap::new();
            newsletter.site = Some("file:///tmp/kitchen/".into());
            newsletter.pictures = render::PicturePlace::Site;
            let template = Template::load(Path::new("templates"), name).unwrap();
            let (materials, problems) = Materials::gather(&issue, &newsletter, &[], root);
            println!("{problems:?}");
            let frame = Frame {
                slug: "2022-12-30-a-year-in-review".into(),
                date: "2022-12-30T08:00:00Z".parse().unwrap(),
            };
            let (rendered, notes) =
                render::render(&issue, &newsletter, &template, &materials, &frame).unwrap();
            println!("{notes:?}");
            let html: String = rendered
                .html
                .pieces
                .iter()
                .map(|piece| match piece {
                    render::Piece::Literal(text) => text.clone(),
                    render::Piece::Open { placeholder, .. } => format!("#{}", placeholder.path.join(".")),
                })
                .collect();
            let html = html.replace("file:///tmp/kitchen/", "");
            println!("{name} {} bytes", html.len());
            std::fs::write(root.join(format!("{name}{}.html", if rtl { "-rtl" } else { "" })), html).unwrap();
            std::fs::write(root.join(format!("{name}{}.mjml", if rtl { "-rtl" } else { "" })), rendered.mjml)
                .unwrap();
        }
    }
}
