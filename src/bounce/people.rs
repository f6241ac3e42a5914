//! Addresses in fields and in prose.

use crate::address::EmailAddress;

/// Addresses of one text. More are not looked for.
const FOUND_MAX: usize = 200;

/// The first address in a text.
pub(super) fn first(text: &str) -> Option<EmailAddress> {
    all(text).into_iter().next()
}

/// All addresses in a text, in order, each once.
pub(super) fn all(text: &str) -> Vec<EmailAddress> {
    let mut found: Vec<EmailAddress> = Vec::new();
    let bytes = text.as_bytes();
    let mut from = 0;
    for at in memchr::memchr_iter(b'@', bytes) {
        if at < from || found.len() >= FOUND_MAX {
            continue;
        }
        let word = &text[from..at];
        let after = |end: usize| from + end + word[end..].chars().next().map_or(1, char::len_utf8);
        let local = word.rfind(|c| !is_local(c)).map_or(from, after);
        let domain = text[at + 1..].find(|c| !is_domain(c)).map_or(text.len(), |end| at + 1 + end);
        from = domain;
        let word = text[local..domain].trim_end_matches(['.', '-', '_']);
        // Prose and old programs put signs around addresses that an address may begin with, and never does.
        let word =
            word.trim_start_matches(['\'', '`', '=', '*', '|', '/', '-', '.', '{', '!', '#', '?', '&']);
        // X.400 names put the way in front: `dda:SMTP=ann@example.com`.
        let is_way = word.get(..5).is_some_and(|way| way.eq_ignore_ascii_case("smtp="));
        let word = if is_way { &word[5..] } else { word };
        if let Ok(address) = EmailAddress::parse(word)
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

fn is_local(c: char) -> bool {
    c.is_ascii_alphanumeric() || is_latin(c) || "!#$%&'*+-/=?^_`{|}~.".contains(c)
}

fn is_domain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '.' || is_latin(c)
}

/// Other scripts set no spaces between an address and the words around it.
fn is_latin(c: char) -> bool {
    !c.is_ascii() && c < '\u{250}' && c.is_alphabetic()
}

/// The address behind `rfc822;` and its like (RFC 3464 section 2.3.1, RFC 6533 section 3), decoded from xtext (RFC 3461
/// section 4).
pub(super) fn typed(value: &str) -> Option<EmailAddress> {
    let (kind, text) = match value.split_once(';') {
        Some((kind, text)) => (kind.trim().to_ascii_lowercase(), text.trim()),
        None => (String::new(), value.trim()),
    };
    if !matches!(
        kind.as_str(),
        "" | "rfc822" | "utf-8" | "unknown" | "smtp" | "local" | "x-local" | "x-unix" | "dns" | "internet"
    ) && !text.contains('@')
    {
        return None;
    }
    let text = text.trim_matches(|c| matches!(c, '<' | '>' | '"' | '\'' | ' '));
    EmailAddress::parse(&from_xtext(text))
        .ok()
        .or_else(|| EmailAddress::parse(text).ok())
        .or_else(|| first(text))
}

/// `+2B` is a plus sign, and `\x{e9}` an é (RFC 6533 section 3).
fn from_xtext(text: &str) -> String {
    let mut to = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['+', '\\']) {
        to.push_str(&rest[..at]);
        let tail = &rest[at..];
        let hex = tail.get(1..3).filter(|hex| {
            tail.starts_with('+')
                && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
        });
        // Only what xtext has to encode: a plain `+20` is a tag of someone's address.
        let ascii = hex
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|byte| matches!(byte, b'+' | b'=' | b'@'));
        let wide = tail.strip_prefix("\\x{").and_then(|tail| tail.split_once('}'));
        let wide = wide
            .and_then(|(hex, _)| Some((hex.len() + 4, char::from_u32(u32::from_str_radix(hex, 16).ok()?)?)));
        let (len, c) = match (ascii, wide) {
            (Some(byte), _) => (3, char::from(byte)),
            (None, Some(wide)) => wide,
            (None, None) => (1, if tail.starts_with('+') { '+' } else { '\\' }),
        };
        to.push(c);
        rest = &tail[len..];
    }
    to.push_str(rest);
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_prose() {
        let table: &[(&str, &[&str])] = &[
            ("<ann@example.com>: unknown", &["ann@example.com"]),
            (
                "Delivery to ann@example.com, bo+x@example.org. failed",
                &["ann@example.com", "bo+x@example.org"],
            ),
            ("smtp:'ann@example.com'", &["ann@example.com"]),
            ("a @ b, @, x@, @y, ann@localhost", &[]),
            ("ann@b\u{fc}cher.example", &["ann@xn--bcher-kva.example"]),
            ("\u{5b9b}\u{5148}ann@example.jp\u{306f}", &["ann@example.jp"]),
            ("«ann@example.com»", &["ann@example.com"]),
        ];
        for (text, expected) in table {
            let found: Vec<_> = all(text).iter().map(|address| address.expose().to_owned()).collect();
            assert_eq!(found, *expected, "{text}");
        }
    }

    #[test]
    fn typed_addresses_are_decoded() {
        for (text, expected) in [
            ("rfc822;ann@example.com", "ann@example.com"),
            ("RFC822; <ann@example.com>", "ann@example.com"),
            ("rfc822; ann+2Bnews@example.com", "ann+news@example.com"),
            ("rfc822; ann+20@example.com", "ann+20@example.com"),
            ("utf-8; andr\\x{e9}@example.com", "andr\u{e9}@example.com"),
            ("ann@example.com", "ann@example.com"),
        ] {
            assert_eq!(typed(text).expect(text).expose(), expected);
        }
        assert_eq!(typed("x-unknown; nothing here"), None);
    }
}
