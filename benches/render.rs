//! What letters cost: bytes for each kind of block, and the time from file to letter.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its figures, and stops when it cannot"
)]

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use mimeograph::{
    address::EmailAddress,
    assets::Assets,
    issue::Issue,
    render::{self, Frame, LetterInputs, Mailbox, Newsletter, Piece, Template, Unsubscribe},
    source::Source,
};

const ISSUES: [&str; 3] = [
    "issues/2022-12-30-a-year-in-review/index.md",
    "issues/2023-01-06-the-quiet-week.md",
    "tests/fixtures/kitchen-sink/index.md",
];

fn newsletter() -> Newsletter {
    let address = EmailAddress::parse("ada@example.org").unwrap();
    Newsletter {
        archive: Some("https://example.org/archive/".into()),
        postal_address: Some("1 Example Street, Exampletown".into()),
        list_id: "letters.example.org".into(),
        unsubscribe: Unsubscribe::default(),
        ..Newsletter::new("Gradient Notes", Mailbox { name: None, address })
    }
}

fn main() {
    let newsletter = newsletter();
    let frame = Frame { slug: "a-letter".into(), date: "2024-02-29T08:00:00Z".parse().unwrap() };
    for path in ISSUES {
        let path = Path::new(path);
        let read = || Issue::parse(Source::new(path, fs::read_to_string(path).unwrap())).unwrap();
        let load = || Template::load(Path::new("templates"), "default").unwrap();
        let (issue, template) = (read(), load());
        let (assets, _) = Assets::load(&issue, &newsletter.picture_settings(), &[], path.parent().unwrap());
        let render = |issue: &Issue, template: &Template| {
            let (newsletter, assets, frame) = (&newsletter, &assets, &frame);
            render::render(&LetterInputs { issue, newsletter, template, assets, frame }).unwrap()
        };
        let shares = render(&issue, &template).blocks;
        let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (span, bytes) in &shares {
            let block = issue.document.blocks.iter().find(|block| block.span == *span);
            let name = block.map_or("(frame and notes)".to_owned(), |block| {
                let debug = format!("{:?}", block.kind);
                debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
            });
            let entry = kinds.entry(name).or_default();
            *entry = (entry.0 + 1, entry.1 + bytes);
        }
        println!("{}", path.display());
        for (kind, (count, bytes)) in kinds {
            println!("  {kind:<18} {count:>4} {bytes:>7} bytes {:>6} each", bytes / count);
        }
        let mut times: Vec<f64> = (0..60)
            .map(|_| {
                let start = Instant::now();
                let (issue, template) = (read(), load());
                let letter = render(&issue, &template).rendered;
                let seconds = start.elapsed().as_secs_f64();
                assert!(matches!(letter.html.pieces.first(), Some(Piece::Literal(_))));
                seconds * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!(
            "  file to HTML, text and MJML: first quartile {:.2} ms, median {:.2} ms\n",
            times[15], times[30]
        );
    }
}
