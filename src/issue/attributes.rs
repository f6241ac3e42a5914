//! `{.class #id key="value"}` behind links and pictures, and the arguments of containers: one grammar.

pub(super) mod checks;

use crate::source::Span;

/// No attribute block is longer, in bytes; the limit keeps the search linear.
const LONGEST: usize = 1_000;

/// Arguments as they were written. Spans count in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) classes: Vec<(String, Span)>,
    pub(super) id: Option<String>,
    pub(super) keys: Vec<Key>,
    /// Texts without a key; only containers take them.
    pub(super) positional: Vec<Span>,
}

/// `key="value"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: String,
    /// The whole of it.
    pub(super) span: Span,
    /// The value without its quotes.
    pub(super) value: Span,
}

impl Attributes {
    /// The place of a key's value.
    pub(super) fn key(&self, name: &str) -> Option<Span> {
        self.keys.iter().find(|key| key.name == name).map(|key| key.value.clone())
    }

    /// Whether a class is there.
    pub(super) fn has_class(&self, name: &str) -> bool {
        self.classes.iter().any(|(class, _)| class == name)
    }
}

/// Reads `{…}` at the start of `text` (which is at `base`); its length too. `None` when it is no attribute block.
pub(super) fn braces(text: &str, base: usize) -> Option<(Attributes, usize)> {
    let inner = text.strip_prefix('{')?;
    if !inner.starts_with(|c: char| c == '.' || c == '#' || c == ' ' || c.is_ascii_alphabetic()) {
        return None;
    }
    let mut attributes = Attributes::default();
    let mut reader = Reader { text, at: 1, base };
    loop {
        reader.space();
        match reader.peek()? {
            '}' => break,
            _ if reader.at > LONGEST => return None,
            _ => {
                if !reader.one(&mut attributes) {
                    return None;
                }
            }
        }
    }
    let any = !attributes.classes.is_empty() || !attributes.keys.is_empty() || attributes.id.is_some();
    any.then_some((attributes, reader.at + 1))
}

/// Reads the arguments behind a container's name. Bare words count as one positional text.
pub(super) fn arguments(text: &str, base: usize) -> Attributes {
    let mut attributes = Attributes::default();
    let mut reader = Reader { text, at: 0, base };
    loop {
        reader.space();
        let Some(next) = reader.peek() else { return attributes };
        if let Some(closing) = closing_quote(next) {
            let start = reader.at + next.len_utf8();
            let (end, after) = match find_quote(&text[start..], closing) {
                Some(length) => (start + length, start + length + closing.len_utf8()),
                None => (text.len(), text.len()),
            };
            attributes.positional.push(base + start..base + end);
            reader.at = after;
        } else if next == '{' || next == '}' {
            reader.at += 1;
        } else if !reader.one(&mut attributes) {
            let start = reader.at;
            loop {
                reader.word();
                let end = reader.at;
                reader.space();
                let quoted = reader.peek().is_none_or(|c| closing_quote(c).is_some() || c == '}');
                if quoted || reader.clone().one(&mut Attributes::default()) {
                    attributes.positional.push(base + start..base + end);
                    break;
                }
            }
        }
    }
}

#[derive(Clone)]
struct Reader<'a> {
    text: &'a str,
    at: usize,
    base: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next().filter(|c| !matches!(c, '\n' | '\r'))
    }

    fn space(&mut self) {
        let rest = &self.text[self.at..];
        let within = |c: char| c.is_whitespace() && !matches!(c, '\n' | '\r');
        self.at += rest.len() - rest.trim_start_matches(within).len();
    }

    fn word(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.find(char::is_whitespace).unwrap_or(rest.len());
    }

    /// One class, id or key; false, and nothing read, when there is none.
    fn one(&mut self, attributes: &mut Attributes) -> bool {
        let rest = &self.text[self.at..];
        let start = self.at;
        let name = |text: &str| {
            text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(text.len())
        };
        if let Some(class) = rest.strip_prefix('.') {
            let length = name(class);
            if length == 0 {
                return false;
            }
            self.at += 1 + length;
            let span = self.base + start..self.base + self.at;
            attributes.classes.push((class[..length].to_lowercase(), span));
            return true;
        }
        if let Some(id) = rest.strip_prefix('#') {
            let length = name(id);
            if length == 0 {
                return false;
            }
            self.at += 1 + length;
            attributes.id = Some(id[..length].to_owned());
            return true;
        }
        let length = name(rest);
        let Some(value) = rest[length..].strip_prefix('=').filter(|_| length > 0) else { return false };
        let value_start = start + length + 1;
        let (value, end) = match value.chars().next().and_then(|c| Some((c, closing_quote(c)?))) {
            Some((open, closing)) => {
                let from = value_start + open.len_utf8();
                match find_quote(&self.text[from..], closing) {
                    Some(length) => (from..from + length, from + length + closing.len_utf8()),
                    None => return false,
                }
            }
            None => {
                let length =
                    value.find(|c: char| c.is_whitespace() || c == '}' || c == '`').unwrap_or(value.len());
                (value_start..value_start + length, value_start + length)
            }
        };
        self.at = end;
        attributes.keys.push(Key {
            name: rest[..length].to_lowercase(),
            span: self.base + start..self.base + end,
            value: self.base + value.start..self.base + value.end,
        });
        true
    }
}

fn closing_quote(open: char) -> Option<char> {
    match open {
        '"' | '\'' => Some(open),
        '“' | '„' => Some('”'),
        '‘' => Some('’'),
        '«' => Some('»'),
        _ => None,
    }
}

/// The length of a quoted text: up to its mark on the same line, backslashes respected.
fn find_quote(text: &str, mark: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '\n' | '\r' | '`' => return None,
            _ if at > LONGEST => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == mark => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, attributes: &Attributes) -> String {
        let mut parts: Vec<String> =
            attributes.classes.iter().map(|(class, _)| format!(".{class}")).collect();
        parts.extend(attributes.id.iter().map(|id| format!("#{id}")));
        parts
            .extend(attributes.keys.iter().map(|key| format!("{}=<{}>", key.name, &text[key.value.clone()])));
        parts.extend(attributes.positional.iter().map(|span| format!("<{}>", &text[span.clone()])));
        parts.join(" ")
    }

    #[test]
    fn braces_hold_classes_ids_and_keys() {
        for (text, expected) in [
            ("{.button}", Some(".button")),
            ("{.button .secondary} rest", Some(".button .secondary")),
            ("{width=300}", Some("width=<300>")),
            ("{ credit=\"Photo: *A* \\\"B\\\"\" #x }", Some("#x credit=<Photo: *A* \\\"B\\\">")),
            ("{credit=“Zoë”}", Some("credit=<Zoë>")),
            ("{}", None),
            ("{name}", None),
            ("{{ x }}", None),
            ("{a=1", None),
            ("{a=\"1\n\"}", None),
        ] {
            let found = braces(text, 0).map(|(attributes, _)| show(text, &attributes));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn containers_take_texts_and_keys_in_any_order() {
        for (text, expected) in [
            ("\"This week\" depth=3", "depth=<3> <This week>"),
            ("depth=3 This week on it", "depth=<3> <This week on it>"),
            ("Watch out kind=tip", "kind=<tip> <Watch out>"),
            ("{.callout title='A b'}", ".callout title=<A b>"),
            ("\"unclosed", "<unclosed>"),
            ("a=\"unclosed", "<a=\"unclosed>"),
            ("vertical\u{b}tab", "<vertical\u{b}tab>"),
            ("\u{3000}wide\u{a0}space", "<wide\u{a0}space>"),
            ("", ""),
        ] {
            assert_eq!(show(text, &arguments(text, 0)), expected, "{text}");
        }
    }
}
