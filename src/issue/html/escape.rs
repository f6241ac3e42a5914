//! Text and values as they are written into our own, well-formed HTML.

use crate::markup::reference;

/// Text between tags: signs that are no markup are escaped, references stay.
pub(super) fn text(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for (at, c) in words.char_indices() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' if reference(&words[at..]).is_none() => out.push_str("&amp;"),
            '\r' => {}
            c if c.is_control() && c != '\n' && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}

/// A decoded value, for double quotes.
pub(super) fn attribute(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_escaped_and_references_stay() {
        assert_eq!(
            text("a < b & c &eacute; &#233; &nope; &x"),
            "a &lt; b &amp; c &eacute; &#233; &amp;nope; &amp;x"
        );
        assert_eq!(attribute("\"<&>'"), "&quot;&lt;&amp;&gt;'");
    }
}
