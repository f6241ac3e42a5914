//! Bare addresses in running text, after GFM's extended autolinks (GFM 0.29 section 6.9).
//!
//! Three differences, all in favor of what authors mean: `www.` becomes `https://`, an address may follow any mark
//! that is no letter or digit (CJK text has no spaces), and CJK punctuation ends it.

use crate::source::Span;

/// A bare address in a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bare {
    pub(super) span: Span,
    /// What the address lacks: `https://` or `mailto:`.
    pub(super) prefix: &'static str,
}

/// No address is longer, in bytes; the limit keeps the search linear.
const LONGEST: usize = 4_000;
/// No host is longer, in bytes (RFC 1035 section 2.3.4; more in UTF-8).
const HOST_LONGEST: usize = 600;

/// The addresses in a text, in order.
pub(super) fn linkify(text: &str) -> Vec<Bare> {
    let bytes = text.as_bytes();
    if memchr::memchr2(b':', b'@', bytes).is_none() && memchr::memmem::find(bytes, b"www.").is_none() {
        return Vec::new();
    }
    let mut found: Vec<Bare> = Vec::new();
    let mut at = 0;
    while let Some(mark) = memchr::memchr3(b':', b'@', b'w', &bytes[at..]).map(|next| at + next) {
        let done = found.last().map_or(0, |bare| bare.span.end);
        let bare = match bytes[mark] {
            b':' if bytes[mark..].starts_with(b"://") => scheme(text, mark, done),
            b'w' if bytes[mark..].starts_with(b"www.") && free(text, mark, done) => {
                web(text, mark, mark).map(|span| Bare { span, prefix: "https://" })
            }
            b'@' => email(text, mark, done),
            _ => None,
        };
        at = match &bare {
            Some(bare) => bare.span.end.max(mark + 1),
            None => mark + 1,
        };
        found.extend(bare);
    }
    found
}

/// Whether an address can begin here.
fn free(text: &str, at: usize, done: usize) -> bool {
    at >= done
        && text[done..at].chars().next_back().is_none_or(|c| {
            !c.is_ascii_alphanumeric() && !matches!(c, '/' | '@' | '.' | '-' | '_' | '+' | ':' | '=')
        })
}

fn scheme(text: &str, colon: usize, done: usize) -> Option<Bare> {
    let before = &text.as_bytes()[done..colon];
    let start = ["https", "http"].into_iter().find_map(|name| {
        let from = before.len().checked_sub(name.len())?;
        before[from..].eq_ignore_ascii_case(name.as_bytes()).then_some(done + from)
    })?;
    let free = text[done..start].chars().next_back().is_none_or(|c| !c.is_ascii_alphanumeric());
    free.then(|| web(text, start, colon + 3))?.map(|span| Bare { span, prefix: "" })
}

/// An address that begins at `start` and whose domain begins at `domain`.
fn web(text: &str, start: usize, domain: usize) -> Option<Span> {
    let rest = &text[domain..];
    // The host first: most of what is no address is seen there, after a few bytes.
    let host = rest
        .char_indices()
        .find(|(at, c)| {
            *at > HOST_LONGEST || !(c.is_alphanumeric() || "-_.".contains(*c) || *c as u32 >= 0xF0000)
        })
        .map_or(rest.len(), |(at, _)| at);
    if !is_domain(rest[..host].trim_end_matches(['.', '-', '_'])) {
        return None;
    }
    let end = rest
        .char_indices()
        .find(|(at, c)| c.is_whitespace() || c.is_control() || *c == '<' || ends(*c) || *at > LONGEST)
        .map_or(rest.len(), |(at, _)| at);
    let mut rest = &rest[..end];
    rest = trim(rest);
    (rest.len() > 3).then_some(start..domain + rest.len())
}

/// Marks of scripts that write without spaces, and closing quotes, end an address.
fn ends(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{303F}' | '\u{FF01}'..='\u{FF0F}' | '\u{FF1A}'..='\u{FF20}' | '\u{FF3B}'..='\u{FF40}'
        | '\u{FF5B}'..='\u{FF65}' | '“' | '”' | '’' | '»' | '«' | '„')
}

/// Takes sentence marks and unbalanced parentheses off the end.
fn trim(mut text: &str) -> &str {
    let mut open = text.bytes().filter(|&byte| byte == b'(').count();
    let mut closed = text.bytes().filter(|&byte| byte == b')').count();
    loop {
        // What looks like a character reference belongs to the sentence.
        if let Some(word) = text.strip_suffix(';') {
            let name = word.bytes().rev().take_while(u8::is_ascii_alphanumeric).count();
            if name > 0 && word[..word.len() - name].ends_with('&') {
                text = &word[..word.len() - name - 1];
                continue;
            }
        }
        match text.as_bytes().last() {
            Some(
                b'?' | b'!' | b'.' | b',' | b':' | b';' | b'*' | b'_' | b'~' | b'\'' | b'"' | b'|' | b'{'
                | b'[',
            ) => {
                text = &text[..text.len() - 1];
            }
            Some(b'(') => {
                open -= 1;
                text = &text[..text.len() - 1];
            }
            Some(b')') if closed > open => {
                closed -= 1;
                text = &text[..text.len() - 1];
            }
            _ => return text,
        }
    }
}

fn is_domain(host: &str) -> bool {
    let mut labels = host.split('.').rev();
    let fits = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_' || c as u32 >= 0xF0000)
    };
    let plain = |label: Option<&str>| label.is_some_and(|label| fits(label) && !label.contains('_'));
    plain(labels.next()) && plain(labels.next()) && labels.all(fits)
}

fn email(text: &str, mark: usize, done: usize) -> Option<Bare> {
    let bytes = text.as_bytes();
    let local = bytes[done..mark]
        .iter()
        .rev()
        .take(64)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+'))
        .count();
    let start = mark - local;
    let (start, prefix) = match text[done..start].strip_suffix("mailto:") {
        Some(before) => (done + before.len(), ""),
        None => (start, "mailto:"),
    };
    let before = text[done..start].chars().next_back();
    let joined = before.is_some_and(|c| {
        matches!(c, '/' | ':' | '@' | '=')
            || c as u32 >= 0xF0000
            || (prefix.is_empty() && c.is_alphanumeric())
    });
    if local == 0 || joined {
        return None;
    }
    let length = bytes[mark + 1..]
        .iter()
        .take(255)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        .count();
    let domain = text[mark + 1..mark + 1 + length].trim_end_matches('.');
    let last = domain.as_bytes().last()?;
    if matches!(last, b'-' | b'_') || !is_domain(domain) || bytes.get(mark + 1 + length) == Some(&b'@') {
        return None;
    }
    Some(Bare { span: start..mark + 1 + domain.len(), prefix })
}

#[cfg(test)]
mod tests {
    use super::linkify;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<_> =
            linkify(text).into_iter().map(|bare| format!("{}{}", bare.prefix, &text[bare.span])).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn bare_addresses_are_found_as_gfm_finds_them() {
        check("Visit www.commonmark.org/help for more.", &["https://www.commonmark.org/help"]);
        check("Visit www.commonmark.org/a.b. Now.", &["https://www.commonmark.org/a.b"]);
        check(
            "(https://www.google.com/search?q=Markup+(business))",
            &["https://www.google.com/search?q=Markup+(business)"],
        );
        check(
            "https://a.example.com/x) and (http://b.example.com).",
            &["https://a.example.com/x", "http://b.example.com"],
        );
        check(
            "https://encrypted.google.com/search?q=Markup+(business)))",
            &["https://encrypted.google.com/search?q=Markup+(business)"],
        );
        check("www.commonmark.org/he<lp", &["https://www.commonmark.org/he"]);
        check(
            "foo@bar.example.com, a.b-c_d@a.b. a.b-c_d@a.b- a.b-c_d@a.b_",
            &["mailto:foo@bar.example.com", "mailto:a.b-c_d@a.b"],
        );
        check("mailto:foo@bar.example, xmailto:a@b.example", &["mailto:foo@bar.example"]);
        check("hello+xyz@mail.example isn't hello@mail+xyz.example", &["mailto:hello+xyz@mail.example"]);
    }

    #[test]
    fn what_is_no_address_stays_text() {
        check("http:// https://x ftp://a.b www. w.w.w @ a@b x://y.z", &[]);
        check("https://exa_mple.com_x/", &[]);
        check("xhttps://a.example.com", &[]);
    }

    #[test]
    fn addresses_stand_among_other_scripts() {
        check("见https://example.com/a。再见", &["https://example.com/a"]);
        check("“https://example.com/a”", &["https://example.com/a"]);
        check("https://münchen.example/straße?x=ü#y", &["https://münchen.example/straße?x=ü#y"]);
    }

    #[test]
    fn hostile_text_is_read_in_one_pass() {
        for unit in ["http://", "a@", "www.", "https://a.b/((((", "@", ")", "://"] {
            let text = unit.repeat(200_000);
            let _ = linkify(&text);
        }
    }
}
