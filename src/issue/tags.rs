//! A forgiving reader of small pieces of HTML and MJML: text, tags, attributes.

/// A stretch of markup.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    /// Between tags, entities decoded.
    Text(String),
    /// `<name …>` or `<name …/>`
    Open {
        /// In lower case.
        name: String,
        /// Names in lower case, values with entities decoded.
        attributes: Vec<(String, String)>,
        /// The tag as it was written.
        raw: &'a str,
    },
    /// `</name>`
    Close {
        /// In lower case.
        name: String,
    },
}

impl Token<'_> {
    /// The value of an attribute of an opening tag.
    pub(crate) fn attribute(&self, wanted: &str) -> Option<&str> {
        match self {
            Self::Open { attributes, .. } => {
                attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
            }
            _ => None,
        }
    }
}

/// Cuts markup into tokens. Comments, declarations and the insides of `script` and `style` are left out.
/// Any text is taken: what is no tag is text.
pub(crate) fn tokens(markup: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut text = String::new();
    let mut rest = markup;
    while let Some(at) = memchr::memchr(b'<', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
        } else if rest.starts_with("<!") || rest.starts_with("<?") {
            rest = rest.find('>').map_or("", |end| &rest[end + 1..]);
        } else if let Some((token, length)) = tag(rest) {
            if !text.is_empty() {
                out.push(Token::Text(decode(&std::mem::take(&mut text))));
            }
            rest = &rest[length..];
            if let Token::Open { name, .. } = &token
                && matches!(name.as_str(), "script" | "style")
            {
                rest = after_close(rest, name);
                continue;
            }
            out.push(token);
        } else {
            text.push('<');
            rest = &rest[1..];
        }
    }
    text.push_str(rest);
    if !text.is_empty() {
        out.push(Token::Text(decode(&text)));
    }
    out
}

/// What follows `</name>`; nothing when it never comes.
fn after_close<'a>(rest: &'a str, name: &str) -> &'a str {
    let mut at = 0;
    while let Some(found) = rest[at..].find("</") {
        let start = at + found;
        let behind = &rest[start + 2..];
        if behind.get(..name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name)) {
            return behind.find('>').map_or("", |end| &behind[end + 1..]);
        }
        at = start + 2;
    }
    ""
}

/// The tag at the start of a text, and its length.
fn tag(text: &str) -> Option<(Token<'_>, usize)> {
    let bytes = text.as_bytes();
    let closes = bytes.get(1) == Some(&b'/');
    let name_start = if closes { 2 } else { 1 };
    if !bytes.get(name_start)?.is_ascii_alphabetic() {
        return None;
    }
    let name_end = name_start
        + bytes[name_start..]
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b':')))?;
    let name = text[name_start..name_end].to_ascii_lowercase();
    let mut attributes = Vec::new();
    let mut at = name_end;
    loop {
        while bytes.get(at)?.is_ascii_whitespace() || bytes[at] == b'/' {
            at += 1;
        }
        if bytes[at] == b'>' {
            break;
        }
        let start = at;
        while !matches!(bytes.get(at)?, b'=' | b'>' | b'/') && !bytes[at].is_ascii_whitespace() {
            at += 1;
        }
        if at == start {
            // A stray `=`: step over it.
            at += 1;
            continue;
        }
        let attribute = text[start..at].to_ascii_lowercase();
        let mut behind = at;
        while bytes.get(behind)?.is_ascii_whitespace() {
            behind += 1;
        }
        if bytes[behind] != b'=' {
            attributes.push((attribute, String::new()));
            continue;
        }
        at = behind + 1;
        while bytes.get(at)?.is_ascii_whitespace() {
            at += 1;
        }
        let value = match bytes[at] {
            quote @ (b'"' | b'\'') => {
                let length = memchr::memchr(quote, &bytes[at + 1..])?;
                let value = &text[at + 1..at + 1 + length];
                at += length + 2;
                value
            }
            _ => {
                let start = at;
                while bytes.get(at)? != &b'>' && !bytes[at].is_ascii_whitespace() {
                    at += 1;
                }
                &text[start..at]
            }
        };
        attributes.push((attribute, decode(value)));
    }
    let raw = &text[..=at];
    let token = if closes { Token::Close { name } } else { Token::Open { name, attributes, raw } };
    Some((token, at + 1))
}

/// Text with its entities decoded: the numeric ones and the named ones that people type.
pub(crate) fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = rest
            .bytes()
            .take(12)
            .position(|b| b == b';')
            .and_then(|end| entity(&rest[1..end]).map(|value| (value, end + 1)));
        match known {
            Some((value, length)) => {
                out.push(value);
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

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    }
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

const NAMED: [(&str, char); 42] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("shy", '\u{ad}'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("hellip", '…'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("bull", '•'),
    ("middot", '·'),
    ("times", '×'),
    ("deg", '°'),
    ("euro", '€'),
    ("pound", '£'),
    ("sect", '§'),
    ("para", '¶'),
    ("larr", '←'),
    ("rarr", '→'),
    ("uarr", '↑'),
    ("darr", '↓'),
    ("zwj", '\u{200d}'),
    ("zwnj", '\u{200c}'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("szlig", 'ß'),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(markup: &str) -> String {
        tokens(markup)
            .into_iter()
            .map(|token| match token {
                Token::Text(text) => text,
                Token::Open { name, attributes, .. } => {
                    let attributes: String =
                        attributes.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                    format!("[{name}{attributes}]")
                }
                Token::Close { name } => format!("[/{name}]"),
            })
            .collect()
    }

    #[test]
    fn tags_and_text_are_told_apart_however_they_are_written() {
        for (markup, expected) in [
            ("a &amp; <B>b</B>", "a & [b]b[/b]"),
            ("<img SRC='a b.png' alt=x/>", "[img src=a b.png alt=x/]"),
            ("<br/>x < y && y > z", "[br]x < y && y > z"),
            ("<!-- <b> -->c<style>p > a {}</STYLE>d", "cd"),
            (
                "<a href=\"https://example.org/?a=1&amp;b=2\" hidden>",
                "[a href=https://example.org/?a=1&b=2 hidden=]",
            ),
            ("open <a href=\"", "open <a href=\""),
            ("<a = b>", "[a b=]"),
            ("caf&eacute; &#x2192; &nope; &", "café → &nope; &"),
        ] {
            assert_eq!(shown(markup), expected, "{markup}");
        }
    }
}
