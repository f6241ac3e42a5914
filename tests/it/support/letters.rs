//! Issues in files, made into letters as the program makes them.

use std::{fs, path::Path};

use mimeograph::{
    render::{self, BuildContext, Built, Escape, Newsletter, Pattern, Piece},
    source::{Diagnostics, Source},
};

/// Builds the letter of a text in `path`, below `root`, with a template of a folder.
pub(crate) fn build(
    path: &Path,
    text: &str,
    root: &Path,
    templates: &Path,
    newsletter: &Newsletter,
) -> Result<Built, Diagnostics> {
    let context = BuildContext {
        newsletter,
        root,
        templates: templates.to_owned(),
        settings: Path::new("mimeo.toml"),
        math: mimeograph::assets::MathCommand::None,
        template: None,
        now: "2024-02-29T08:00:00Z".parse().unwrap(),
    };
    render::build(Source::new(path, text), "a-letter", &context).map_err(Into::into)
}

/// The letter of a text in a folder as people see it: with its formulas drawn and its pictures in it, all placeholders filled.
pub(crate) fn seen(text: &str, root: &Path, newsletter: &Newsletter) -> String {
    let context = BuildContext {
        newsletter,
        root,
        templates: "templates".into(),
        settings: Path::new("mimeo.toml"),
        math: mimeograph::assets::MathCommand::BuiltIn,
        template: None,
        now: "2024-02-29T08:00:00Z".parse().unwrap(),
    };
    let built = render::build(Source::new(root.join("index.md"), text), "a-letter", &context);
    let rendered = built.map_err(Diagnostics::from).unwrap().rendered;
    let mut html = filled(&rendered.html);
    for picture in &rendered.pictures {
        let bytes = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &picture.bytes);
        let data = format!("data:{};base64,{bytes}", picture.media_type);
        html = html.replace(&format!("cid:{}", picture.cid), &data);
    }
    html
}

/// Builds the letter of a file with the shipped templates.
pub(crate) fn build_file(path: &Path, newsletter: &Newsletter) -> Built {
    let text = fs::read_to_string(path).unwrap();
    let root = path.parent().unwrap();
    build(path, &text, root, Path::new("templates"), newsletter).unwrap_or_else(|found| {
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        panic!("{}: {found:?}", path.display())
    })
}

/// A pattern with its placeholders filled as for someone.
pub(crate) fn filled(pattern: &Pattern) -> String {
    let mut out = String::new();
    for piece in &pattern.pieces {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Open { placeholder, escape } => {
                let name = placeholder.path.join(".");
                let value = match name.as_str() {
                    "subscriber.first_name" => "Ada".to_owned(),
                    "link.view" => "https://example.org/archive/a-letter/".to_owned(),
                    "link.unsubscribe" => format!("https://example.org/leave/{}", "k".repeat(43)),
                    "link.archive" => "https://example.org/archive/".to_owned(),
                    _ => "something".to_owned(),
                };
                out.push_str(&escape.apply(&value));
            }
        }
    }
    out
}

/// A pattern with its placeholders shown, and where each lands.
pub(crate) fn shown(pattern: &Pattern) -> String {
    let mut out = String::new();
    for piece in &pattern.pieces {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Open { placeholder, escape } => {
                let lands = match escape {
                    Escape::Text => "text",
                    Escape::Html => "html",
                    Escape::Attribute => "attribute",
                    Escape::Url => "url",
                    Escape::UrlPart => "url-part",
                    Escape::Header => "header",
                };
                out.push_str(&format!("⟦{placeholder} → {lands}⟧"));
            }
        }
    }
    out
}

/// The bytes of a text as it goes over the wire, in the shorter of the two encodings (RFC 2045 section 6): quoted
/// printable with its soft line breaks, or base64 with its line ends.
pub(crate) fn encoded_bytes(text: &str) -> usize {
    let crlf = text.replace("\r\n", "\n").replace('\n', "\r\n");
    let base64 = crlf.len().div_ceil(3) * 4;
    let base64 = base64 + base64 / 76 * 2;
    let mut quoted = 0;
    let mut column = 0;
    for &byte in crlf.as_bytes() {
        let width = match byte {
            b'\r' | b'\n' => {
                column = 0;
                quoted += 1;
                continue;
            }
            b'=' => 3,
            b' '..=b'~' | b'\t' => 1,
            _ => 3,
        };
        if column + width > 75 {
            quoted += 3;
            column = 0;
        }
        column += width;
        quoted += width;
    }
    base64.min(quoted)
}
