use super::{
    wrap::{self, SOFT, whole},
    writer::{Writer, clean},
};
use crate::{
    issue::{
        Phrase,
        document::{Image, Inline, Inlines},
    },
    markup::{Token, tokens},
    render::pattern::Escape,
};

/// How much of the marks is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    /// Stars, links, everything.
    All,
    /// Links, but no stars: for what is set apart by its place, as a heading is.
    Links,
    /// Words only.
    None,
}

impl Writer<'_> {
    /// A run of text, to be wrapped; `\n` where the author wants a new line.
    pub(super) fn flow(&mut self, inlines: &[Inline]) -> String {
        self.run(inlines, Marks::All)
    }

    /// A run of text, to be wrapped, without stars around emphasis.
    pub(super) fn flow_unmarked(&mut self, inlines: &[Inline]) -> String {
        self.run(inlines, Marks::Links)
    }

    /// Words on one line, without stars and addresses.
    pub(super) fn words_only(&mut self, inlines: &[Inline]) -> String {
        self.run(inlines, Marks::None).replace('\n', " ")
    }

    /// A run of text with the marks asked for.
    pub(super) fn run(&mut self, inlines: &[Inline], marks: Marks) -> String {
        let mut out = String::new();
        // Where the text of each open `<a>` of raw HTML begins, and its address.
        let mut anchors: Vec<(usize, Option<String>)> = Vec::new();
        for inline in inlines {
            match inline {
                Inline::Text(text) => out.push_str(&clean(text)),
                Inline::Code(code) if marks == Marks::All => {
                    out.push_str(&format!("`{}`", clean(code).replace('`', "'")));
                }
                Inline::Code(text) | Inline::Math(text) => out.push_str(&clean(text)),
                Inline::Emphasis(content) => self.marked(&mut out, content, "_", marks),
                Inline::Strong(content) => self.marked(&mut out, content, "*", marks),
                Inline::Strikethrough(content) => self.marked(&mut out, content, "~~", marks),
                Inline::Link { url, content, .. } => {
                    let words = self.run(content, marks);
                    let url = self.url(url);
                    out.push_str(&self.link(&words, &url, marks));
                }
                Inline::Image(image) => out.push_str(&self.image(image)),
                Inline::LineBreak => out.push('\n'),
                Inline::SoftBreak => out.push(SOFT),
                Inline::Footnote(number) => out.push_str(&format!("[^{number}]")),
                Inline::Placeholder(placeholder) => out.push_str(&self.slot(placeholder, Escape::Text)),
                Inline::Html(tag) => self.tag(&mut out, &mut anchors, tag, marks),
            }
        }
        out
    }

    fn marked(&mut self, out: &mut String, content: &Inlines, mark: &str, marks: Marks) {
        let inner = self.run(content, marks);
        // What is struck out would say the opposite without its mark.
        let is_needed = marks == Marks::All || mark == "~~";
        if is_needed && !inner.trim().is_empty() {
            out.push_str(&format!("{mark}{inner}{mark}"));
        } else {
            out.push_str(&inner);
        }
    }

    /// A tag of raw HTML between words.
    fn tag(&mut self, out: &mut String, anchors: &mut Vec<(usize, Option<String>)>, tag: &str, marks: Marks) {
        for token in tokens(tag) {
            match &token {
                Token::Text(text) => out.push_str(&clean(text)),
                Token::Open { name, .. } => match name.as_str() {
                    "br" => out.push('\n'),
                    "a" => {
                        let url = token.attribute("href").map(|url| self.url(&Phrase::plain(url)));
                        anchors.push((out.len(), url));
                    }
                    "img" => {
                        let alt = token.attribute("alt").unwrap_or_default();
                        out.push_str(&self.image_label(&clean(alt)));
                    }
                    _ => {}
                },
                Token::Close { name } if name == "a" => {
                    if let Some((start, Some(url))) = anchors.pop() {
                        let words = out.split_off(start);
                        out.push_str(&self.link(&words, &url, marks));
                    }
                }
                Token::Close { .. } | Token::Comment { .. } | Token::Hidden => {}
            }
        }
    }

    /// Words that lead somewhere: `words <url>` or `words [n]`. A place in the letter itself has no address.
    pub(super) fn link(&mut self, words: &str, url: &str, marks: Marks) -> String {
        if marks == Marks::None || url.is_empty() || url.starts_with('#') {
            return words.to_owned();
        }
        let shown = wrap::plain(words);
        let shown = shown.trim();
        let bare = bare(url);
        let is_bare = |text: &str| {
            text == bare
                || text == url
                || url.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/') == text)
        };
        if is_bare(shown) {
            return whole(bare);
        }
        if shown.is_empty() {
            return format!("<{}>", whole(bare));
        }
        let behind = if self.links.are_in_line {
            format!("<{}>", whole(bare))
        } else {
            format!("[{}]", self.number(bare))
        };
        format!("{} {behind}", words.trim_end())
    }

    /// The number of an address in this section's list.
    pub(super) fn number(&mut self, url: &str) -> usize {
        if let Some(&number) = self.links.numbers.get(url) {
            return number;
        }
        self.links.last += 1;
        self.links.numbers.insert(url.to_owned(), self.links.last);
        self.links.list.push((self.links.last, url.to_owned()));
        self.links.last
    }

    /// `[Image: alt]`; nothing for decoration.
    pub(super) fn image(&mut self, image: &Image) -> String {
        let alt = self.phrase(&image.alt);
        self.image_label(&alt)
    }

    pub(super) fn image_label(&self, alt: &str) -> String {
        match alt.trim() {
            "" => String::new(),
            alt => format!("[{}: {alt}]", self.words.text.image),
        }
    }
}

/// An address as people write it.
pub(super) fn bare(url: &str) -> &str {
    url.strip_prefix("mailto:").filter(|address| !address.contains('?')).unwrap_or(url)
}
