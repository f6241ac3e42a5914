//! The specification's own examples, compared by what a reader sees: words, links, pictures.
//!
//! `tests/tools/spec.sh` fetches them. Without them the test says that it was skipped; with `MIMEO_REQUIRE_ALL` set
//! it fails instead.

use mimeograph::{issue::Document, source::Source};
use percent_encoding::percent_decode_str;
use scraper::{ElementRef, Html, Node, Selector};

use crate::support::project::repository;

#[derive(serde::Deserialize)]
struct Example {
    number: u32,
    section: String,
    markdown: String,
    html: String,
}

fn examples(name: &str) -> Option<Vec<Example>> {
    let path = repository().join("target/spec").join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) if std::env::var_os("MIMEO_REQUIRE_ALL").is_some() => {
            panic!("{} is missing: run tests/tools/spec.sh", path.display())
        }
        Err(_) => {
            eprintln!("skipped: {} is missing; run tests/tools/spec.sh", path.display());
            None
        }
    }
}

/// Elements that letters drop with everything in them.
const DROPPED: [&str; 5] = ["script", "style", "textarea", "title", "template"];
const BLOCKS: [&str; 22] = [
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "li",
    "ul",
    "ol",
    "blockquote",
    "pre",
    "hr",
    "table",
    "tr",
    "td",
    "th",
    "div",
    "br",
    "thead",
    "tbody",
    "section",
];

/// The words of the specification's HTML.
fn words_of_html(html: &str) -> Vec<String> {
    fn walk(element: ElementRef<'_>, out: &mut String) {
        let name = element.value().name();
        if DROPPED.contains(&name) {
            return;
        }
        if BLOCKS.contains(&name) {
            out.push('\n');
        }
        // A picture alone in its paragraph is a figure here, and its title the caption.
        let mut inner =
            element.children().filter(|child| child.value().as_text().is_none_or(|t| !t.trim().is_empty()));
        if name == "p"
            && let (Some(only), None) = (inner.next().and_then(ElementRef::wrap), inner.next())
            && let Some(title) = only.attr("title").filter(|_| only.value().name() == "img")
        {
            out.push_str(title);
        }
        for child in element.children() {
            match (child.value(), ElementRef::wrap(child)) {
                (Node::Text(text), _) => out.push_str(text),
                (_, Some(element)) => walk(element, out),
                _ => {}
            }
        }
        if BLOCKS.contains(&name) {
            out.push('\n');
        }
    }
    let mut out = String::new();
    walk(Html::parse_fragment(html).root_element(), &mut out);
    plain(&out)
}

/// Words with straight quotes, as the specification's HTML has them.
fn plain(text: &str) -> Vec<String> {
    let mut text = text.to_owned();
    for (smart, straight) in
        [("“", "\""), ("”", "\""), ("‘", "'"), ("’", "'"), ("…", "..."), ("—", "---"), ("–", "--")]
    {
        text = text.replace(smart, straight);
    }
    text.split_whitespace().map(str::to_owned).collect()
}

fn address(url: &str) -> String {
    percent_decode_str(url).decode_utf8_lossy().into_owned()
}

/// What differs between our tree and the specification's HTML, if anything.
fn difference(example: &Example) -> Option<String> {
    let source = Source::new("spec.md", example.markdown.clone());
    let (document, _) = Document::parse(&source);
    let html = Html::parse_fragment(&example.html);
    let expected = words_of_html(&example.html);
    let found = plain(&document.visible_text());
    if expected != found {
        return Some(format!("words\n  expected {expected:?}\n  found    {found:?}"));
    }
    let mut links = document.links().into_iter().map(|(url, words)| (address(&url), words));
    for link in html.select(&Selector::parse("a[href]").unwrap()) {
        // A link without anything to click on is nothing to a reader.
        let empty = link.text().all(|text| text.trim().is_empty())
            && link.select(&Selector::parse("img").unwrap()).next().is_none();
        if empty {
            continue;
        }
        let wanted = address(link.attr("href").unwrap());
        // Bare addresses, which CommonMark leaves alone, are links here; `javascript:` and the like are none.
        if !links
            .by_ref()
            .any(|(url, _)| url == wanted || url == wanted.replacen("http://www.", "https://www.", 1))
        {
            return Some(format!("the link to {wanted} is lost: {:?}", document.links()));
        }
    }
    let images: Vec<_> =
        document.images().into_iter().map(|image| (address(&image.source), image.alt.to_string())).collect();
    let wanted: Vec<_> = html
        .select(&Selector::parse("img[src]").unwrap())
        .map(|image| (address(image.attr("src").unwrap()), image.attr("alt").unwrap_or_default().to_owned()))
        .collect();
    (images != wanted).then(|| format!("pictures\n  expected {wanted:?}\n  found    {images:?}"))
}

/// Examples that mean something else here, each with its reason.
const OTHER: [(&str, u32, &str); 9] = [
    ("commonmark.json", 156, "an unfinished tag is shown to the author, not swallowed with the words in it"),
    ("commonmark.json", 157, "an unfinished tag is shown to the author, not swallowed with the words in it"),
    ("commonmark.json", 158, "an unfinished tag is shown to the author, not swallowed with the words in it"),
    ("commonmark.json", 180, "PHP ends at `?>`; the HTML reader of this test ends it at the first `>`"),
    ("commonmark.json", 629, "CDATA ends at `]]>`; the HTML reader of this test ends it at the first `>`"),
    ("gfm.json", 633, "no one follows an `xmpp:` address from a letter"),
    ("gfm.json", 634, "no one follows an `xmpp:` address from a letter"),
    ("gfm.json", 635, "no one follows an `xmpp:` address from a letter"),
    ("gfm.json", 657, "GFM shows the tags that it refuses; letters drop them with a diagnostic"),
];

fn compare(name: &str, count: usize) {
    let Some(examples) = examples(name) else { return };
    assert_eq!(examples.len(), count);
    let mut wrong = Vec::new();
    for example in &examples {
        let other = OTHER.iter().find(|(file, number, _)| *file == name && *number == example.number);
        match (difference(example), other) {
            (Some(difference), None) => wrong.push(format!(
                "{} ({}): {:?}\n  {:?}\n  {difference}",
                example.number, example.section, example.markdown, example.html
            )),
            (None, Some((_, number, reason))) => {
                wrong.push(format!("{number} agrees by now, in spite of: {reason}"))
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {count} examples differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_examples_of_commonmark_read_as_the_specification_says() {
    compare("commonmark.json", 652);
}

#[test]
fn the_examples_of_gfms_extensions_read_as_the_specification_says() {
    compare("gfm.json", 28);
}
