//! HTML in pieces, read as browsers read it as far as it matters here (HTML Living Standard section 13.2.5).

/// One piece of markup.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A comment, a declaration, a processing instruction.
    Comment,
    Open {
        /// In lower case.
        name: String,
        /// Names in lower case, values as they are written.
        attributes: Vec<(String, String)>,
        /// `<br/>`
        closed: bool,
    },
    /// The name in lower case.
    Close(String),
}

/// The markup at the start of `text` (which begins with `<`), and its length; `None` when it is only a sign.
pub(super) fn next_token(text: &str) -> Option<(Token, usize)> {
    let bytes = text.as_bytes();
    let through = |mark: &str, from: usize| {
        let from = from.min(text.len());
        memchr::memmem::find(&bytes[from..], mark.as_bytes()).map_or(text.len(), |at| from + at + mark.len())
    };
    match bytes.get(1)? {
        b'!' if text.starts_with("<!-->") || text.starts_with("<!--->") => {
            Some((Token::Comment, through(">", 0)))
        }
        b'!' if text.starts_with("<!--") => Some((Token::Comment, through("-->", 4))),
        b'!' if text.starts_with("<![CDATA[") => Some((Token::Comment, through("]]>", 9))),
        b'!' if bytes.get(2).is_some_and(u8::is_ascii_alphabetic) => Some((Token::Comment, through(">", 2))),
        b'?' => Some((Token::Comment, through("?>", 2))),
        b'/' if bytes.get(2).is_some_and(u8::is_ascii_alphabetic) => {
            let name = name(&text[2..]);
            let end = memchr::memchr(b'>', bytes)?;
            Some((Token::Close(name.to_ascii_lowercase()), end + 1))
        }
        byte if byte.is_ascii_alphabetic() => open(text),
        _ => None,
    }
}

fn name(text: &str) -> &str {
    let length =
        text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':')).count();
    &text[..length]
}

fn open(text: &str) -> Option<(Token, usize)> {
    let name = name(&text[1..]);
    let mut at = 1 + name.len();
    let mut attributes: Vec<(String, String)> = Vec::new();
    let space = |at: usize| at + text[at..].len() - text[at..].trim_start().len();
    loop {
        at = space(at);
        let rest = &text[at..];
        if rest.starts_with("/>") || rest.starts_with('>') {
            let closed = rest.starts_with('/');
            let end = at + if closed { 2 } else { 1 };
            return Some((Token::Open { name: name.to_ascii_lowercase(), attributes, closed }, end));
        }
        // A tag has its attributes on a page or less; anything longer is text.
        if rest.is_empty() || at > 20_000 || attributes.len() > 100 {
            return None;
        }
        if rest.starts_with('/') {
            at += 1;
            continue;
        }
        let length = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/' | '"' | '\'' | '<'))
            .unwrap_or(rest.len());
        if length == 0 {
            return None;
        }
        let key = rest[..length].to_ascii_lowercase();
        at = space(at + length);
        let mut value = "";
        if let Some(rest) = text[at..].strip_prefix('=') {
            at = space(at + 1 + rest.len() - rest.len());
            let rest = &text[at..];
            match rest.as_bytes().first()? {
                quote @ (b'"' | b'\'') => {
                    let end = memchr::memchr(*quote, &rest.as_bytes()[1..])?;
                    value = &rest[1..=end];
                    at += end + 2;
                }
                _ => {
                    let end = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len());
                    value = &rest[..end];
                    at += end;
                }
            }
        }
        if !attributes.iter().any(|(known, _)| *known == key) {
            attributes.push((key, value.to_owned()));
        }
    }
}

/// Character references in an attribute's value, as far as addresses and words use them.
pub(super) fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match reference(rest) {
            Some((c, length)) => {
                out.push(c);
                rest = &rest[length..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn reference(text: &str) -> Option<(char, usize)> {
    let window = text.as_bytes()[..text.len().min(12)].iter().position(|&byte| byte == b';')?;
    let body = &text[1..window];
    let c = match body {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "colon" => ':',
        "Tab" => '\t',
        "NewLine" => '\n',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        "hellip" => '…',
        "mdash" => '—',
        "ndash" => '–',
        "middot" => '·',
        "bull" => '•',
        "larr" => '←',
        "rarr" => '→',
        "times" => '×',
        _ => {
            let digits = body.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code).filter(|c| *c != '\0')?
        }
    };
    Some((c, window + 1))
}

/// Text between tags: signs that are no markup are escaped, references stay.
pub(super) fn escape_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' if !is_reference(&text[at..]) => out.push_str("&amp;"),
            '\r' => {}
            c if c.is_control() && c != '\n' && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}

fn is_reference(text: &str) -> bool {
    let Some(end) = text.as_bytes()[..text.len().min(34)].iter().position(|&byte| byte == b';') else {
        return false;
    };
    let body = &text[1..end];
    let digits = body.strip_prefix('#');
    match digits.map(|digits| digits.strip_prefix(['x', 'X'])) {
        Some(Some(hex)) => !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        Some(None) => body.len() > 1 && body[1..].bytes().all(|byte| byte.is_ascii_digit()),
        None => !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric()),
    }
}

/// A decoded value, for double quotes.
pub(super) fn escape_attribute(text: &str) -> String {
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
    fn markup_is_read_as_browsers_read_it() {
        let open = |name: &str, attributes: &[(&str, &str)], closed| {
            let attributes =
                attributes.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
            Token::Open { name: name.into(), attributes, closed }
        };
        for (text, expected, length) in [
            ("<b>x", open("b", &[], false), 3),
            ("<BR/>", open("br", &[], true), 5),
            ("<a href='x y' B=c d>", open("a", &[("href", "x y"), ("b", "c"), ("d", "")], false), 20),
            ("<a href = \"x>y\">", open("a", &[("href", "x>y")], false), 16),
            ("<a x=1 x=2>", open("a", &[("x", "1")], false), 11),
            ("</B >", Token::Close("b".into()), 5),
            ("<!-- a > b --> c", Token::Comment, 14),
            ("<!--> c", Token::Comment, 5),
            ("<!-- never ends", Token::Comment, 15),
            ("<?php x ?>", Token::Comment, 10),
        ] {
            assert_eq!(next_token(text), Some((expected, length)), "{text}");
        }
        for text in ["< b>", "<3", "<", "<a href=\"x", "<a", "<a =x>"] {
            assert_eq!(next_token(text), None, "{text}");
        }
    }

    #[test]
    fn references_are_read_and_signs_escaped() {
        assert_eq!(decode("a&amp;b &#x6a;&#97;va &colon; &nope; &"), "a&b java : &nope; &");
        assert_eq!(escape_text("a < b & c &eacute; &#233; &x"), "a &lt; b &amp; c &eacute; &#233; &amp;x");
        assert_eq!(escape_attribute("\"<&>'"), "&quot;&lt;&amp;&gt;'");
    }
}
