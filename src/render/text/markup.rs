use super::{
    flow::Marks,
    wrap::wrap,
    writer::{Writer, append, clean, heading_lines},
};
use crate::{
    issue::{Phrase, StandIns},
    markup::{Token, tokens},
    render::pattern::Escape,
};

/// What a stretch of markup is collected for.
#[derive(Default)]
struct Run {
    lines: Vec<String>,
    text: String,
    /// The next lines are an item, and so were those before.
    item: bool,
    after_item: bool,
    /// The open lists: the next number, or none.
    lists: Vec<Option<u64>>,
    heading: Option<u8>,
    /// Where the text of each open link begins, and its address.
    anchors: Vec<(usize, Option<String>)>,
    /// How deep inside something that is not shown.
    hidden: usize,
}

impl Writer<'_> {
    /// The visible text and the links of raw HTML or MJML.
    pub(super) fn markup(&mut self, markup: &Phrase, width: usize) -> Vec<String> {
        let (text, open) = StandIns::of(markup);
        let mut run = Run::default();
        for token in tokens(&text) {
            self.token(&mut run, &token, &open, width);
        }
        self.close(&mut run, width);
        run.lines
    }

    fn token(&mut self, run: &mut Run, token: &Token<'_>, open: &StandIns<'_>, width: usize) {
        match token {
            Token::Text(text) if run.hidden == 0 => {
                let text = self.filled(text, open, Escape::Text);
                if run.text.ends_with([' ', '\n']) || run.text.is_empty() {
                    run.text.push_str(text.trim_start());
                } else {
                    run.text.push_str(&text);
                }
            }
            Token::Text(_) | Token::Comment { .. } | Token::Hidden => {}
            Token::Open { name, raw, .. } => {
                if is_hidden(name) {
                    run.hidden += usize::from(!raw.ends_with("/>"));
                    return;
                }
                if run.hidden > 0 {
                    return;
                }
                if is_block(name) {
                    self.close(run, width);
                }
                self.opened(run, name, token, open, width);
                if raw.ends_with("/>") && is_link(name) {
                    self.leave(run, name, width);
                }
            }
            Token::Close { name } => {
                if is_hidden(name) {
                    run.hidden = run.hidden.saturating_sub(1);
                } else if run.hidden == 0 {
                    self.leave(run, name, width);
                }
            }
        }
    }

    fn opened(&mut self, run: &mut Run, name: &str, token: &Token<'_>, open: &StandIns<'_>, width: usize) {
        let attribute = |name: &str| token.attribute(name);
        match name {
            "br" => run.text.push('\n'),
            "hr" | "mj-divider" => append(&mut run.lines, vec!["* * *".into()]),
            "li" => run.item = true,
            "ol" | "ul" => {
                run.after_item &= !run.lists.is_empty();
                let start = attribute("start").and_then(|at| at.parse().ok()).unwrap_or(1);
                run.lists.push((name == "ol").then_some(start));
            }
            "td" | "th" if !run.text.is_empty() => run.text.push_str("  "),
            "img" | "mj-image" => {
                let alt = attribute("alt").map(|alt| self.filled(alt, open, Escape::Text));
                let label = self.image_label(&alt.unwrap_or_default());
                run.text.push_str(&label);
                if let (true, Some(url)) = (name == "mj-image", attribute("href")) {
                    let url = self.target(url, open);
                    let lines = self.labeled_address(&std::mem::take(&mut run.text), &url, width);
                    append(&mut run.lines, lines);
                }
            }
            name if is_link(name) => {
                let url = attribute("href").map(|url| self.target(url, open));
                run.anchors.push((run.text.len(), url));
            }
            name => {
                if let Some(level) = heading_level(name) {
                    run.heading = Some(level);
                }
            }
        }
    }

    fn leave(&mut self, run: &mut Run, name: &str, width: usize) {
        if is_link(name)
            && let Some((start, url)) = run.anchors.pop()
        {
            let words = run.text.split_off(start.min(run.text.len()));
            match url {
                Some(url) if name == "a" => {
                    let link = self.link(&words, &url, Marks::All);
                    run.text.push_str(&link);
                }
                Some(url) => {
                    let lines = self.labeled_address(words.trim(), &url, width);
                    append(&mut run.lines, lines);
                }
                None => run.text.push_str(&words),
            }
        }
        if is_block(name) {
            self.close(run, width);
        }
        if matches!(name, "ol" | "ul") {
            run.lists.pop();
        }
    }

    /// Ends a paragraph.
    fn close(&mut self, run: &mut Run, width: usize) {
        let text = std::mem::take(&mut run.text);
        // A link across paragraphs keeps its address for the words that follow.
        run.anchors.iter_mut().for_each(|(start, _)| *start = 0);
        if text.trim().is_empty() {
            return;
        }
        let text = text.trim();
        match (run.heading.take(), std::mem::take(&mut run.item)) {
            (Some(level), _) => append(&mut run.lines, heading_lines(text, level, width)),
            (None, true) => {
                let mark = match run.lists.last_mut() {
                    Some(Some(number)) => {
                        *number = number.saturating_add(1);
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                };
                let lines = super::block::hang(wrap(text, width.saturating_sub(mark.len())), &mark, width);
                if run.after_item {
                    run.lines.extend(lines)
                } else {
                    append(&mut run.lines, lines)
                }
                run.after_item = true;
                return;
            }
            (None, false) => append(&mut run.lines, wrap(text, width)),
        }
        run.after_item = false;
    }

    /// Text with its placeholders filled; runs of white space become one space.
    fn filled(&mut self, text: &str, open: &StandIns<'_>, escape: Escape) -> String {
        let mut out = String::new();
        for c in text.chars() {
            match open.get(c) {
                Some(placeholder) => out.push_str(&self.slot(placeholder, escape)),
                None if c.is_ascii_whitespace() => {
                    if !out.ends_with(' ') {
                        out.push(' ');
                    }
                }
                None => out.push_str(&clean(c.encode_utf8(&mut [0; 4]))),
            }
        }
        out
    }

    /// The address of a link.
    fn target(&mut self, url: &str, open: &StandIns<'_>) -> String {
        let url = self.assets.href(url.trim());
        let mut out = String::new();
        for part in url.split_inclusive(|c| open.get(c).is_some()) {
            let fixed = part.trim_end_matches(|c| open.get(c).is_some());
            out.push_str(&clean(fixed).replace(' ', "%20"));
            let escape = if out.is_empty() { Escape::Text } else { Escape::UrlPart };
            out.push_str(&self.filled(&part[fixed.len()..], open, escape));
        }
        out
    }
}

/// Nothing inside is for readers.
fn is_hidden(name: &str) -> bool {
    matches!(name, "mj-style" | "mj-head" | "mj-preview" | "mj-title" | "mj-attributes" | "title" | "head")
}

fn is_link(name: &str) -> bool {
    matches!(name, "a" | "mj-button" | "mj-navbar-link" | "mj-social-element")
}

fn is_block(name: &str) -> bool {
    name.starts_with("mj-")
        || heading_level(name).is_some()
        || matches!(
            name,
            "p" | "div"
                | "li"
                | "ul"
                | "ol"
                | "table"
                | "tr"
                | "blockquote"
                | "pre"
                | "hr"
                | "section"
                | "article"
                | "figure"
                | "figcaption"
                | "center"
                | "dl"
                | "dt"
                | "dd"
                | "header"
                | "footer"
                | "caption"
                | "thead"
                | "tbody"
                | "details"
                | "summary"
                | "address"
        )
}

fn heading_level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', digit @ b'1'..=b'6'] => Some(digit - b'0'),
        _ => None,
    }
}
