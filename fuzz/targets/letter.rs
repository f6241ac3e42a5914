//! Markdown → letter: any text is a letter or a list of problems, in all five designs that ship.
#![no_main]

use std::path::Path;

use common::build;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let designs = ["essay", "digest", "plain", "magazine", "announcement"];
    let design = designs[text.len() % designs.len()];
    let templates = concat!(env!("CARGO_MANIFEST_DIR"), "/../templates");
    // Without front matter most texts are refused before they are set.
    build(text, Path::new(templates), design);
    build(&format!("---\ntitle: A letter\n---\n\n{text}"), Path::new(templates), design);
});
