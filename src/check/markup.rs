//! A forgiving look at HTML and CSS as authors write them, with the place of everything.

use crate::source::Span;

/// An opening tag.
#[derive(Debug, PartialEq)]
pub(super) struct Tag {
    /// In lower case.
    pub(super) name: String,
    /// Name in lower case, value as written, and where the value stands.
    pub(super) attributes: Vec<(String, String, Span)>,
    pub(super) span: Span,
}

impl Tag {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, ..)| known == name).map(|(_, value, _)| value.as_str())
    }
}

/// The opening tags and the style sheets in a stretch of a text. Comments, Outlook's conditions too, are left out.
pub(super) fn html(text: &str, span: Span) -> (Vec<Tag>, Vec<Span>) {
    let (mut tags, mut sheets) = (Vec::new(), Vec::new());
    let end = span.end.min(text.len());
    let mut at = span.start.min(end);
    while let Some(sign) = text.get(at..end).and_then(|rest| rest.find('<')).map(|found| at + found) {
        let rest = &text[sign..end];
        if rest.starts_with("<!--") {
            at = rest.find("-->").map_or(end, |found| sign + found + 3);
        } else if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            let (tag, after) = tag(text, sign, end);
            at = after;
            if tag.name == "style" {
                let close = text[at..end].find("</").map_or(end, |found| at + found);
                sheets.push(at..close);
                at = close;
            }
            tags.push(tag);
        } else {
            at = sign + 1;
        }
    }
    (tags, sheets)
}

fn tag(text: &str, start: usize, end: usize) -> (Tag, usize) {
    let stop = |from: usize, stops: &[char]| {
        text[from..end]
            .find(|c: char| c.is_whitespace() || stops.contains(&c))
            .map_or(end, |found| from + found)
    };
    let mut at = stop(start + 1, &['>', '/']);
    let mut tag =
        Tag { name: text[start + 1..at].to_ascii_lowercase(), attributes: Vec::new(), span: start..at };
    loop {
        at = end - text[at..end].trim_start_matches(|c: char| c.is_whitespace() || c == '/').len();
        let rest = &text[at..end];
        if rest.is_empty() || rest.starts_with('>') {
            at = (at + 1).min(end);
            tag.span.end = at;
            return (tag, at);
        }
        let name_end = stop(at, &['=', '>', '/']);
        let name = text[at..name_end].to_ascii_lowercase();
        let behind = text[name_end..end].trim_start();
        let Some(value) = behind.strip_prefix('=').map(str::trim_start) else {
            tag.attributes.push((name, String::new(), at..name_end));
            at = name_end.max(at + 1).min(end);
            while !text.is_char_boundary(at) {
                at += 1;
            }
            continue;
        };
        let from = end - value.len();
        let (from, to, after) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let close = value[1..].find(quote).map_or(end, |found| from + 1 + found);
                (from + 1, close, (close + 1).min(end))
            }
            _ => {
                let close = stop(from, &['>']);
                (from, close, close)
            }
        };
        tag.attributes.push((name, text[from..to].to_owned(), from..to));
        at = after;
    }
}

/// What a style sheet or a `style` attribute is made of.
#[derive(Debug, PartialEq)]
pub(super) enum Css {
    /// `@media …`, its words without the block.
    At(Span),
    /// An at-rule within another one.
    NestedAt(Span),
    /// A rule's selectors.
    Selector(Span),
    /// A property and its value.
    Declaration { property: String, value: String, span: Span },
}

/// Reads a style sheet. Of what a condition holds, only at-rules within it are told: it is meant for some clients only.
pub(super) fn sheet(text: &str, span: Span) -> Vec<Css> {
    let mut out = Vec::new();
    rules(text, span, false, &mut out);
    out
}

fn rules(text: &str, span: Span, is_nested: bool, out: &mut Vec<Css>) {
    let mut at = span.start;
    while at < span.end {
        let rest = &text[at..span.end];
        let trimmed = rest.trim_start();
        at = span.end - trimmed.len();
        if trimmed.is_empty() {
            return;
        }
        if trimmed.starts_with("/*") {
            at = trimmed.find("*/").map_or(span.end, |found| at + found + 2);
            continue;
        }
        let head_end = trimmed.find(['{', ';']).map_or(span.end, |found| at + found);
        let head = at..at + text[at..head_end].trim_end().len();
        let is_at = trimmed.starts_with('@');
        if !head.is_empty() {
            match (is_at, is_nested) {
                (true, true) => out.push(Css::NestedAt(head.clone())),
                (true, false) => out.push(Css::At(head.clone())),
                (false, false) => out.push(Css::Selector(head.clone())),
                (false, true) => {}
            }
        }
        if text[head_end..span.end].starts_with('{') {
            let close = closing(text, head_end, span.end);
            // One level is enough to say that there is one: no depth of nesting is followed.
            if is_at && !is_nested {
                rules(text, head_end + 1..close, true, out);
            } else if !is_nested {
                out.extend(declarations(text, head_end + 1..close));
            }
            at = (close + 1).min(span.end);
        } else {
            at = (head_end + 1).min(span.end);
        }
    }
}

/// The brace that closes the one at `open`.
fn closing(text: &str, open: usize, end: usize) -> usize {
    let mut depth = 0usize;
    for (at, sign) in text[open..end].bytes().enumerate() {
        match sign {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return open + at;
                }
            }
            _ => {}
        }
    }
    end
}

/// The declarations of a rule or of a `style` attribute.
pub(super) fn declarations(text: &str, span: Span) -> Vec<Css> {
    let mut out = Vec::new();
    let mut at = span.start;
    for piece in text[span].split(';') {
        if let Some((property, value)) = piece.split_once(':') {
            let start = at + (piece.len() - piece.trim_start().len());
            out.push(Css::Declaration {
                property: property.trim().to_ascii_lowercase(),
                value: value.trim().to_ascii_lowercase(),
                span: start..at + piece.trim_end().len(),
            });
        }
        at += piece.len() + 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_their_attributes_and_places() {
        let text = "a < b <!-- <p> --><A HREF='x y' hidden style=\"color: red\">é</a><style>p{}</style><br/>";
        let (tags, sheets) = html(text, 0..text.len());
        let names: Vec<_> = tags.iter().map(|tag| tag.name.as_str()).collect();
        assert_eq!(names, ["a", "style", "br"]);
        assert_eq!(tags[0].get("href"), Some("x y"));
        assert_eq!(tags[0].get("hidden"), Some(""));
        assert_eq!(&text[tags[0].attributes[2].2.clone()], "color: red");
        assert_eq!(&text[sheets[0].clone()], "p{}");
    }

    #[test]
    fn a_sheet_is_told_in_order_and_conditions_are_left_out() {
        let text =
            "/* x */ .a>b { float: left } @media (hover) { .c { gap: 1px } @media x { } } @import 'y';";
        let told: Vec<String> = sheet(text, 0..text.len())
            .into_iter()
            .map(|one| match one {
                Css::At(span) => format!("at {}", &text[span]),
                Css::NestedAt(span) => format!("nested {}", &text[span]),
                Css::Selector(span) => format!("for {}", &text[span]),
                Css::Declaration { span, .. } => text[span].to_owned(),
            })
            .collect();
        assert_eq!(
            told,
            ["for .a>b", "float: left", "at @media (hover)", "nested @media x", "at @import 'y'"]
        );
    }

    #[test]
    fn broken_markup_is_read_to_its_end() {
        for text in ["<", "<a", "<a href", "<a href=", "<a href='", "<a =é", "<style>", "<a é=ü/", "<p/ / /"]
        {
            html(text, 0..text.len());
        }
        for text in [
            "{",
            "}",
            "a{",
            "@",
            "@media{",
            "a{b:c",
            "/*",
            ";;",
            "é{ü:ö}",
            "{{ x }}",
            "a}{b",
            &"@a{".repeat(100_000),
        ] {
            sheet(text, 0..text.len());
        }
    }
}
