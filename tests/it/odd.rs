//! Texts that fuzzing came upon, each for reaching something that no other did: a letter or a list of problems, and
//! nothing else.
//!
//! `fixtures/odd` has them as JSON strings, one in a line. `just fuzz` looks for more; those that a smallest covering set
//! (`-set_cover_merge=1`) needs and that are short are kept here.

use std::{fs, path::Path};

use mimeograph::{
    assets::PicturePlace,
    render::{Built, Newsletter, SHIPPED},
    source::Diagnostics,
};

use crate::support::{letters, newsletter::newsletter};

fn texts(name: &str) -> Vec<String> {
    let lines = fs::read_to_string(Path::new("tests/fixtures/odd").join(name)).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Builds the letter of a text with a template of a folder, and looks at what comes of it.
fn build(text: &str, templates: &Path, template: &str) {
    let newsletter =
        Newsletter { template: template.to_owned(), pictures: PicturePlace::Inside, ..newsletter() };
    let path = Path::new("issues/odd.md");
    let ran = |found: &Diagnostics| {
        assert!(found.iter().all(|one| !one.to_string().is_empty()), "{text:?}");
    };
    match letters::build(path, text, templates, templates, &newsletter) {
        Ok(Built { rendered, diagnostics, .. }) => {
            ran(&diagnostics);
            let html = letters::filled(&rendered.html);
            assert!(html.trim_end().ends_with("</html>"), "{text:?}");
            assert!(!letters::filled(&rendered.text).contains(['\u{100000}', '\u{102000}']), "{text:?}");
        }
        Err(found) => {
            assert!(!found.is_empty(), "refused without a reason: {text:?}");
            ran(&found);
        }
    }
}

#[test]
fn odd_texts_are_letters_or_lists_of_problems() {
    let texts = texts("letters.jsonl");
    assert!(texts.len() > 50, "{} texts", texts.len());
    for text in texts {
        for (template, _) in SHIPPED {
            build(&text, Path::new("templates"), template);
            build(&format!("---\ntitle: Odd\n---\n\n{text}"), Path::new("templates"), template);
        }
    }
}

#[test]
fn odd_templates_are_built_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let texts = texts("templates.jsonl");
    assert!(texts.len() > 50, "{} templates", texts.len());
    for text in texts {
        fs::write(folder.path().join("odd.mjml"), &text).unwrap();
        build("---\ntitle: Odd\n---\n\nWords.\n", folder.path(), "odd");
        let fence = format!("---\ntitle: Odd\n---\n\n~~~~mjml\n{text}\n~~~~\n");
        build(&fence, Path::new("templates"), "default");
    }
}
