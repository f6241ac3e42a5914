//! Where placeholders are in a text.

use crate::source::Span;

/// No placeholder is longer, in bytes; the limit keeps the search linear.
const LONGEST: usize = 1_000;

/// What a search for placeholders comes upon. Spans count from the start of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::issue) enum Found {
    /// `{{ … }}` on one line.
    Placeholder(Span),
    /// `{{` without its `}}`.
    Unclosed(Span),
    /// `{%`: a statement of a template language.
    Statement(Span),
    /// A backslash before `{{`.
    Escape(Span),
}

/// Everything in a text that looks like a placeholder, in order. `backticks` says whether a backtick is allowed in
/// one: not in Markdown, where it begins code.
pub(in crate::issue) fn find(text: &str, backticks: bool) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = memchr::memchr2(b'{', b'\\', &bytes[at..]).map(|next| at + next) {
        at = match (bytes[next], bytes.get(next + 1)) {
            (b'\\', Some(b'{')) => {
                if bytes.get(next + 2) == Some(&b'{') || bytes.get(next + 2) == Some(&b'%') {
                    found.push(Found::Escape(next..next + 1));
                }
                let braces = bytes[next + 1..].iter().take_while(|&&byte| byte == b'{').count();
                next + 1 + braces.min(2)
            }
            (b'\\', Some(b'\\')) => next + 2,
            (b'{', Some(b'%')) => {
                found.push(Found::Statement(next..next + 2));
                next + 2
            }
            (b'{', Some(b'{')) if bytes.get(next + 2) == Some(&b'{') => next + 1,
            (b'{', Some(b'{')) => match end(&bytes[next..], backticks) {
                Some(length) => {
                    found.push(Found::Placeholder(next..next + length));
                    next + length
                }
                None => {
                    found.push(Found::Unclosed(next..next + 2));
                    next + 2
                }
            },
            _ => next + 1,
        };
    }
    found
}

/// The placeholders in a stretch of markup; a `<` within the default of one is no tag.
pub(in crate::issue) fn placeholders(text: &str) -> Vec<Span> {
    let found = find(text, true).into_iter();
    found.filter_map(|found| if let Found::Placeholder(span) = found { Some(span) } else { None }).collect()
}

/// The length of the placeholder that begins here, closing braces included.
fn end(bytes: &[u8], backticks: bool) -> Option<usize> {
    let window = &bytes[..bytes.len().min(LONGEST)];
    end_within(window, backticks, true).or_else(|| end_within(window, backticks, false))
}

fn end_within(window: &[u8], backticks: bool, quotes: bool) -> Option<usize> {
    let mut quote = None;
    let mut at = 2;
    while at < window.len() {
        let byte = window[at];
        match quote {
            _ if byte == b'\n' || byte == b'\r' => return None,
            Some(_) if byte == b'\\' => at += 1,
            Some(mark) if byte == mark => quote = None,
            Some(_) => {}
            None if byte == b'}' => return (window.get(at + 1) == Some(&b'}')).then_some(at + 2),
            None if byte == b'{' => return None,
            None if byte == b'`' && !backticks => return None,
            None if quotes && (byte == b'"' || byte == b'\'') => quote = Some(byte),
            None => {}
        }
        at += 1;
    }
    None
}
