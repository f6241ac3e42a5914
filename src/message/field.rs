//! Header fields as they travel: folded (RFC 5322 section 2.2.3), encoded words where needed (RFC 2047), nothing that
//! could begin another field.
//!
//! lettre does most of this, too; but it does not fold long unbroken text, and panics on a line break in a name.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

/// Where lines of a header are folded when there is a blank to fold at.
const FOLD: usize = 76;
/// Signs of a display name; what is longer was not written to be read.
const NAME_MAX: usize = 200;

/// Writes an unstructured value (RFC 5322 section 2.2.1) behind `name: `, without the last CRLF. Words longer than
/// `word_max` are encoded, so that they can be folded.
pub(super) fn unstructured(text: &str, word_max: usize, column: usize, to: &mut Vec<u8>) {
    let text = clean(text);
    let text = text.trim_matches(' ');
    let plain = is_printable_ascii(text)
        && !text.contains("=?")
        && text.split(' ').all(|word| word.len() <= word_max && !word.is_empty());
    if plain { words(text, column, to) } else { encoded_words(text, column, to) }
}

/// Writes `Name <address>` behind `name: `, without the last CRLF. A name is cleaned of what could disturb its
/// surroundings, and cut after 200 signs.
pub(super) fn mailbox(name: Option<&str>, address: &str, mut column: usize, to: &mut Vec<u8>) {
    let start = to.len();
    if let Some(name) = name {
        phrase(name, column, to);
    }
    if to.len() == start {
        to.extend_from_slice(address.as_bytes());
        return;
    }
    column = match memchr::memrchr(b'\n', &to[start..]) {
        Some(at) => to.len() - start - at - 1,
        None => column + to.len() - start,
    };
    to.extend_from_slice(if column + address.len() + 3 > FOLD { b"\r\n <" } else { b" <" });
    to.extend_from_slice(address.as_bytes());
    to.push(b'>');
}

/// Writes a display name (RFC 5322 section 3.2.5): as it is, quoted, or as encoded words.
pub(super) fn phrase(name: &str, column: usize, to: &mut Vec<u8>) {
    let name = clean_name(name);
    let name = name.trim_matches(' ');
    let atext = |byte: u8| byte.is_ascii_alphanumeric() || b" !#$%&'*+-/=?^_`{|}~".contains(&byte);
    let short = |name: &str| name.split(' ').all(|word| word.len() <= 60 && !word.is_empty());
    if name.is_empty() {
    } else if !is_printable_ascii(name) || name.contains("=?") || !short(name) {
        encoded_words(name, column, to);
    } else if name.bytes().all(atext) {
        words(name, column, to);
    } else {
        let mut quoted = String::with_capacity(name.len() + 4);
        quoted.push('"');
        for c in name.chars() {
            if matches!(c, '"' | '\\') {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        quoted.push('"');
        words(&quoted, column, to);
    }
}

fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Control characters and line breaks of every alphabet become spaces.
fn clean(text: &str) -> Cow<'_, str> {
    if is_printable_ascii(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'), " "))
}

/// A name without control characters, line breaks and characters that turn the writing direction of what is beside it; runs of
/// spaces become one.
fn clean_name(name: &str) -> Cow<'_, str> {
    if name.len() <= NAME_MAX && is_printable_ascii(name) && !name.contains("  ") {
        return Cow::Borrowed(name);
    }
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut cleaned = String::with_capacity(name.len().min(NAME_MAX * 4));
    for c in clean(name).chars().filter(|c| !turns(*c)).take(NAME_MAX) {
        if c != ' ' || !cleaned.ends_with(' ') {
            cleaned.push(c);
        }
    }
    Cow::Owned(cleaned)
}

/// Writes words of printable ASCII, folded in front of the word that would run over.
fn words(text: &str, mut column: usize, to: &mut Vec<u8>) {
    if column + text.len() <= FOLD {
        to.extend_from_slice(text.as_bytes());
        return;
    }
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            if column + 1 + word.len() > FOLD {
                to.extend_from_slice(b"\r\n");
                column = 0;
            }
            to.push(b' ');
            column += 1;
        }
        to.extend_from_slice(word.as_bytes());
        column += word.len();
    }
}

/// Writes text as encoded words of at most 75 signs, whole characters in each, in the shorter of the two encodings.
fn encoded_words(text: &str, mut column: usize, to: &mut Vec<u8>) {
    const WRAPPING: usize = "=?utf-8?q?".len() + "?=".len();
    let quoted: usize = text.chars().map(q_size).sum();
    // Q can be read by people: it may be a quarter longer.
    let by_q = quoted * 4 <= text.len().div_ceil(3) * 4 * 5;
    let mut rest = text;
    while !rest.is_empty() {
        let room = FOLD.saturating_sub(column + WRAPPING).min(75 - WRAPPING);
        let mut size: usize = 0;
        let taken: usize = rest
            .chars()
            .map_while(|c| {
                size += if by_q { q_size(c) } else { c.len_utf8() };
                let signs = if by_q { size } else { size.div_ceil(3) * 4 };
                (signs <= room).then_some(c.len_utf8())
            })
            .sum();
        if taken == 0 {
            to.extend_from_slice(b"\r\n ");
            column = 1;
            continue;
        }
        let (word, behind) = rest.split_at(taken);
        let start = to.len();
        to.extend_from_slice(if by_q { b"=?utf-8?q?" } else { b"=?utf-8?b?" });
        if by_q {
            q_encode(word, to)
        } else {
            to.extend_from_slice(STANDARD.encode(word).as_bytes())
        }
        to.extend_from_slice(b"?=");
        column += to.len() - start;
        rest = behind;
        if !rest.is_empty() {
            to.extend_from_slice(b"\r\n ");
            column = 1;
        }
    }
}

/// The signs that may stand for themselves wherever an encoded word may appear (RFC 2047 section 5 (3)).
fn q_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" !*+-/".contains(&byte)
}

fn q_size(c: char) -> usize {
    if c.is_ascii() && q_plain(c as u8) { 1 } else { 3 * c.len_utf8() }
}

fn q_encode(word: &str, to: &mut Vec<u8>) {
    for byte in word.bytes() {
        match byte {
            b' ' => to.push(b'_'),
            byte if q_plain(byte) => to.push(byte),
            byte => to.extend_from_slice(format!("={byte:02X}").as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_name(name: &str, expected: &str) {
        let mut out = Vec::new();
        mailbox(Some(name), "ann@example.com", 4, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_name_is_written_as_plainly_as_it_can_be() {
        check_name("Ann Lee", "Ann Lee <ann@example.com>");
        check_name("", "ann@example.com");
        check_name("Lee, Ann", "\"Lee, Ann\" <ann@example.com>");
        check_name("Ann \"Annie\" Lee \\", r#""Ann \"Annie\" Lee \\" <ann@example.com>"#);
        check_name("Jörg", "=?utf-8?q?J=C3=B6rg?= <ann@example.com>");
        check_name("王秀英", "=?utf-8?b?546L56eA6Iux?= <ann@example.com>");
        check_name("=?utf-8?q?Bcc:?=", "=?utf-8?q?=3D=3Futf-8=3Fq=3FBcc=3A=3F=3D?= <ann@example.com>");
    }

    #[test]
    fn a_hostile_name_stays_inside_its_field() {
        check_name("Eve\r\nBcc: e@example.org", "\"Eve Bcc: e@example.org\" <ann@example.com>");
        check_name("Eve\0\u{85}\u{2028}\u{202e}x", "Eve x <ann@example.com>");
        check_name("x> <eve@example.org", "\"x> <eve@example.org\" <ann@example.com>");
        let mut out = Vec::new();
        mailbox(Some(&"x".repeat(2000)), "ann@example.com", 4, &mut out);
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out.matches('x').count(), NAME_MAX + 1);
        assert!(out.split("\r\n").all(|line| line.len() <= 78), "{out}");
    }

    #[test]
    fn a_long_subject_is_folded_with_and_without_blanks() {
        for text in ["word ".repeat(400), "x".repeat(2000), "é".repeat(2000), "💌 ".repeat(500)] {
            let mut out = Vec::new();
            unstructured(&text, 70, 9, &mut out);
            let out = String::from_utf8(out).unwrap();
            assert!(out.is_ascii());
            assert!(out.split("\r\n").all(|line| line.len() <= 78), "{out}");
            assert!(out.split("\r\n").skip(1).all(|line| line.starts_with(' ') && line.len() > 1), "{out}");
        }
    }
}
