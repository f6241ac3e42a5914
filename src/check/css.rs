//! A forgiving look at HTML and CSS as authors write them, with the place of everything.

use crate::{
    markup::{Attribute, Token, find, pieces},
    source::Span,
};

/// An opening tag.
#[derive(Debug, PartialEq)]
pub(super) struct Tag {
    /// In lower case.
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) span: Span,
}

impl Tag {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        find(&self.attributes, name)
    }
}

/// The opening tags and the style sheets in a stretch of a text. Comments, Outlook's conditions too, are left out.
pub(super) fn tags(text: &str, span: Span) -> (Vec<Tag>, Vec<Span>) {
    let (mut tags, mut sheets) = (Vec::new(), Vec::new());
    let end = span.end.min(text.len());
    let start = span.start.min(end);
    let moved = |span: Span| start + span.start..start + span.end;
    for (token, place) in pieces(text.get(start..end).unwrap_or_default()) {
        match token {
            Token::Open { name, attributes, .. } => {
                let attributes =
                    attributes.into_iter().map(|one| Attribute { span: moved(one.span), ..one }).collect();
                tags.push(Tag { name, attributes, span: moved(place) });
            }
            Token::Hidden if tags.last().is_some_and(|tag| tag.name == "style") => sheets.push(moved(place)),
            _ => {}
        }
    }
    (tags, sheets)
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

/// Reads a style sheet. Of what a condition holds, only at-rules within it are reported: it is meant for some clients only.
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
        let (tags, sheets) = tags(text, 0..text.len());
        let names: Vec<_> = tags.iter().map(|tag| tag.name.as_str()).collect();
        assert_eq!(names, ["a", "style", "br"]);
        assert_eq!(tags[0].get("href"), Some("x y"));
        assert_eq!(tags[0].get("hidden"), Some(""));
        assert_eq!(&text[tags[0].attributes[2].span.clone()], "color: red");
        assert_eq!(&text[sheets[0].clone()], "p{}");
    }

    #[test]
    fn a_sheet_is_reported_in_order_and_conditions_are_left_out() {
        let text =
            "/* x */ .a>b { float: left } @media (hover) { .c { gap: 1px } @media x { } } @import 'y';";
        let report: Vec<String> = sheet(text, 0..text.len())
            .into_iter()
            .map(|one| match one {
                Css::At(span) => format!("at {}", &text[span]),
                Css::NestedAt(span) => format!("nested {}", &text[span]),
                Css::Selector(span) => format!("for {}", &text[span]),
                Css::Declaration { span, .. } => text[span].to_owned(),
            })
            .collect();
        assert_eq!(
            report,
            ["for .a>b", "float: left", "at @media (hover)", "nested @media x", "at @import 'y'"]
        );
    }

    #[test]
    fn a_broken_sheet_is_read_to_its_end() {
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
