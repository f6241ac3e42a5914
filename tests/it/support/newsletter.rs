//! A newsletter in a temporary folder, and issues made in code.

use std::{fs, io::Cursor, path::Path};

use mimeograph::{
    address::EmailAddress,
    issue::{
        Document, FrontMatter, Issue, Phrase,
        document::{Block, BlockKind, Figure, Image, Inline},
    },
    render::{Mailbox, Newsletter, Unsubscribe},
    source::Source,
};

/// A newsletter with everything that readers see.
pub(crate) fn newsletter() -> Newsletter {
    let address = EmailAddress::parse("ada@example.org").unwrap();
    Newsletter {
        tagline: Some("Small steps downhill".into()),
        site: Some("https://example.org/letters/".into()),
        postal_address: Some("Example Ltd\n1 Example Street\nExampletown".into()),
        list_id: "letters.example.org".into(),
        unsubscribe: Unsubscribe::default(),
        ..Newsletter::new("Gradient Notes", Mailbox::new("Ada Example", address))
    }
}

/// An issue made of blocks. Spans point into `text`.
pub(crate) fn issue(path: &str, text: &str, blocks: Vec<Block>) -> Issue {
    Issue {
        source: Source::new(path, text),
        head: FrontMatter::default(),
        document: Document { blocks, footnotes: Vec::new() },
        diagnostics: Vec::new(),
    }
}

/// A block without a place.
pub(crate) fn block(kind: BlockKind) -> Block {
    Block { span: 0..0, kind }
}

/// Words without marks.
pub(crate) fn words(text: &str) -> Vec<Inline> {
    vec![Inline::Text(text.into())]
}

/// A picture without a place.
pub(crate) fn image(source: &str, alt: &str) -> Image {
    Image { source: source.into(), alt: Phrase::plain(alt), width: None, span: 0..0 }
}

/// A picture of its own.
pub(crate) fn figure(source: &str) -> Block {
    let image = image(source, "A picture");
    block(BlockKind::Figure(Figure { image, caption: None, credit: None, link: None }))
}

/// Writes a file, and the folders above it.
pub(crate) fn write(root: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A gray picture.
pub(crate) fn picture(width: u32, height: u32, format: image::ImageFormat) -> Vec<u8> {
    let pixels = image::RgbImage::from_pixel(width, height, image::Rgb([120, 130, 140]));
    let mut bytes = Cursor::new(Vec::new());
    image::DynamicImage::ImageRgb8(pixels).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}
