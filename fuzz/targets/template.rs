//! MJML template → HTML: any file, as a whole template, as a part of one, and in a fence of an issue.
#![no_main]

use std::fs;

use common::build;
use libfuzzer_sys::fuzz_target;

const HEAD: &str = "<mjml><mj-head><mj-preview>{{ issue.preheader }}</mj-preview></mj-head><mj-body>";
const FOOT: &str = "<mj-section><mj-column><mj-text><a href=\"{{ link.unsubscribe }}\">x</a> <a href=\"{{ link.view }}\">y</a> {{ newsletter.postal_address }}</mj-text></mj-column></mj-section></mj-body></mjml>";

fuzz_target!(|text: &str| {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write("whole.mjml", text);
    write("part.mjml", &format!("{HEAD}<!-- mimeo:content -->{text}{FOOT}"));
    write("include.mjml", &format!("{HEAD}<mj-include path=\"./piece.mjml\" /><!-- mimeo:content -->{FOOT}"));
    write("piece.mjml", text);
    write("mine.mjml", &format!("{HEAD}<!-- mimeo:content -->{FOOT}"));
    for name in ["whole", "part", "include"] {
        build("---\ntitle: A letter\n---\n\nWords and [a link](https://example.org/).\n", folder.path(), name);
    }
    build(&format!("---\ntitle: A letter\n---\n\n~~~~mjml\n{text}\n~~~~\n"), folder.path(), "mine");
});
