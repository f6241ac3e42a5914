//! What is left of kept HTML where HTML cannot be: its words, links and pictures, and the names of its places.

use crate::{
    issue::{
        document::{Image, Inline, Inlines, phrase_inlines, push_inline},
        placeholder::Phrase,
        stand_ins::StandIns,
    },
    markup::{
        Token,
        allowed::{Fate, fate},
        tokens,
    },
};

/// The words, links and pictures of a block of raw HTML, for everything that is not HTML.
pub fn plain(html: &Phrase) -> Inlines {
    let (text, stand_ins) = StandIns::of(html);
    let mut frames: Vec<(Phrase, Inlines)> = vec![(Phrase::default(), Inlines::new())];
    for token in tokens(&text) {
        let value = |name: &str| stand_ins.phrase(token.attribute(name).unwrap_or_default());
        match &token {
            Token::Text(words) => add_words(&mut frames, words, &stand_ins),
            Token::Open { name, .. } => match name.as_str() {
                "a" => frames.push((value("href"), Inlines::new())),
                "img" => {
                    let image = Image {
                        source: value("src").to_string(),
                        alt: value("alt"),
                        width: None,
                        span: 0..0,
                    };
                    add(&mut frames, Inline::Image(image));
                }
                "br" | "hr" => add(&mut frames, Inline::LineBreak),
                name if fate(name) == Fate::Block => line(&mut frames),
                _ => {}
            },
            Token::Close { name } => match name.as_str() {
                "a" => close_link(&mut frames),
                "td" | "th" => add(&mut frames, Inline::Text(" ".into())),
                name if fate(name) == Fate::Block => line(&mut frames),
                _ => {}
            },
            Token::Comment { .. } | Token::Hidden => {}
        }
    }
    while frames.len() > 1 {
        close_link(&mut frames);
    }
    let mut words = frames.pop().map(|(_, words)| words).unwrap_or_default();
    while matches!(words.last(), Some(Inline::LineBreak | Inline::SoftBreak)) {
        words.pop();
    }
    words
}

fn add(frames: &mut [(Phrase, Inlines)], inline: Inline) {
    push_inline(&mut frames.last_mut().expect("the first frame stays").1, inline);
}

fn add_words(frames: &mut [(Phrase, Inlines)], text: &str, stand_ins: &StandIns<'_>) {
    let mut words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() {
        if frames.last().is_some_and(|(_, words)| matches!(words.last(), Some(Inline::Text(_)))) {
            add(frames, Inline::Text(" ".into()));
        }
        return;
    }
    if text.starts_with(char::is_whitespace) {
        words.insert(0, ' ');
    }
    if text.ends_with(char::is_whitespace) {
        words.push(' ');
    }
    phrase_inlines(stand_ins.phrase(&words)).into_iter().for_each(|word| add(frames, word));
}

fn line(frames: &mut [(Phrase, Inlines)]) {
    let last = frames.last().and_then(|(_, words)| words.last());
    if !matches!(last, None | Some(Inline::LineBreak)) {
        add(frames, Inline::LineBreak);
    }
}

fn close_link(frames: &mut Vec<(Phrase, Inlines)>) {
    if frames.len() > 1
        && let Some((url, content)) = frames.pop()
    {
        add(frames, Inline::Link { url, title: Phrase::default(), content, span: 0..0 });
    }
}

/// The places that kept HTML gives a name to.
pub(crate) fn anchors(html: &str) -> Vec<String> {
    if !html.contains("name=") {
        return Vec::new();
    }
    let tokens = tokens(html);
    let links = tokens.iter().filter(|token| matches!(token, Token::Open { name, .. } if name == "a"));
    links.filter_map(|token| token.attribute("name")).map(str::to_owned).collect()
}
