//! Bodies as they travel: quoted-printable (RFC 2045 section 6.7) and base64 (section 6.8), in pieces that fit
//! together whatever is filled in between.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

/// Bytes of a line of either encoding.
const LINE: usize = 76;

/// Encodes text as quoted-printable, beginning in column `column`, and returns the column where it ends. Line breaks of
/// every kind become CRLF; a character is never torn apart; no line ends in a blank or begins with a dot or with
/// `From `, which mailbox files would take for the next letter.
pub(super) fn quote(text: &str, mut column: usize, to: &mut Vec<u8>) -> usize {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let bytes = &rest.as_bytes()[..c.len_utf8()];
        let behind = &rest[c.len_utf8()..];
        if matches!(c, '\r' | '\n') {
            rest = if c == '\r' { behind.strip_prefix('\n').unwrap_or(behind) } else { behind };
            to.extend_from_slice(b"\r\n");
            column = 0;
            continue;
        }
        let mut plain = match c {
            ' ' | '\t' => !behind.starts_with(['\r', '\n']) && !behind.is_empty(),
            '!'..='~' => c != '=',
            _ => false,
        };
        // A soft break takes one column, so the last one is free for `=` only.
        if column + if plain { 1 } else { 3 * bytes.len() } > LINE - 1 {
            to.extend_from_slice(b"=\r\n");
            column = 0;
        }
        if column == 0 && (c == '.' || rest.starts_with("From ")) {
            plain = false;
        }
        if plain {
            to.push(bytes[0]);
            column += 1;
        } else {
            for byte in bytes {
                to.extend_from_slice(&[b'=', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            column += 3 * bytes.len();
        }
        rest = behind;
    }
    column
}

/// Writes a value on lines of its own, from the start of one line to the start of another, by soft breaks.
pub(super) fn quote_value(value: &str, to: &mut Vec<u8>) {
    let bytes = value.as_bytes();
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'=';
    if bytes.len() < LINE && !matches!(bytes, [b'.' | b'F', ..]) && bytes.iter().all(plain) {
        to.extend_from_slice(bytes);
    } else if quote(value, 0, to) == 0 {
        return;
    }
    if !bytes.is_empty() {
        to.extend_from_slice(b"=\r\n");
    }
}

/// A text's line breaks as CRLF, for base64, which carries them as they are.
pub(super) fn with_crlf(text: &str) -> Cow<'_, str> {
    if memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n"))
}

/// Fixed text between the values of a base64 body, encoded for each of the three places at which it may begin within a
/// group of three bytes.
#[derive(Debug)]
pub(super) struct Aligned {
    bytes: Vec<u8>,
    encoded: [Vec<u8>; 3],
}

impl Aligned {
    /// Bytes of the text.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn new(text: &str) -> Self {
        let bytes = text.as_bytes().to_vec();
        let encoded = [0, 1, 2].map(|taken| {
            let whole = bytes.get(taken..).unwrap_or_default();
            let mut lines = Vec::with_capacity(whole.len() * 4 / 3 + whole.len() / 28);
            for line in whole[..whole.len() / 3 * 3].chunks(LINE / 4 * 3) {
                lines.extend_from_slice(STANDARD.encode(line).as_bytes());
                lines.extend_from_slice(b"\r\n");
            }
            lines
        });
        Self { bytes, encoded }
    }
}

/// Writes a base64 body piece by piece; lines may be short, never long, and every line is whole groups of four.
#[derive(Default)]
pub(super) struct Base64Writer {
    carry: [u8; 3],
    carried: usize,
    column: usize,
}

impl Base64Writer {
    /// Fixed text: a copy, but for the group that it shares with what is before.
    pub(super) fn fixed(&mut self, text: &Aligned, to: &mut Vec<u8>) {
        let taken = ((3 - self.carried) % 3).min(text.bytes.len());
        self.value(&text.bytes[..taken], to);
        if self.carried != 0 {
            return;
        }
        let lines = &text.encoded[taken];
        if !lines.is_empty() {
            self.end_line(to);
            to.extend_from_slice(lines);
        }
        let tail = (text.bytes.len() - taken) % 3;
        self.value(&text.bytes[text.bytes.len() - tail..], to);
    }

    /// A value.
    pub(super) fn value(&mut self, value: &[u8], to: &mut Vec<u8>) {
        for byte in value {
            self.carry[self.carried] = *byte;
            self.carried += 1;
            if self.carried == 3 {
                self.flush(to);
            }
        }
    }

    /// The end of the body, with its padding.
    pub(super) fn end(mut self, to: &mut Vec<u8>) {
        if self.carried > 0 {
            self.flush(to);
        }
        self.end_line(to);
    }

    fn flush(&mut self, to: &mut Vec<u8>) {
        if self.column == LINE {
            self.end_line(to);
        }
        let mut group = [0; 4];
        let written = STANDARD
            .encode_slice(&self.carry[..self.carried], &mut group)
            .expect("three bytes are four signs of base64");
        to.extend_from_slice(&group[..written]);
        self.column += written;
        self.carried = 0;
    }

    fn end_line(&mut self, to: &mut Vec<u8>) {
        if self.column > 0 {
            to.extend_from_slice(b"\r\n");
            self.column = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quoted(text: &str) -> String {
        let mut out = Vec::new();
        quote(text, 0, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// A decoder of our own for the tests here; the letters are read by someone else's.
    fn unquote(text: &str) -> String {
        let mut out = Vec::new();
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'=' {
                out.push(byte);
                continue;
            }
            let pair = [bytes.next().unwrap(), bytes.next().unwrap()];
            if pair != *b"\r\n" {
                out.push(u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap());
            }
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn quoted_printable_is_what_the_rfc_says() {
        assert_eq!(quoted("a=b"), "a=3Db");
        assert_eq!(quoted("é\n"), "=C3=A9\r\n");
        assert_eq!(quoted("a \nb\t\r\nc\rd "), "a=20\r\nb=09\r\nc\r\nd=20");
        assert_eq!(quoted(".\n..\nFrom me\nFromage\n"), "=2E\r\n=2E.\r\n=46rom me\r\nFromage\r\n");
        assert_eq!(quoted("\0\u{7f}"), "=00=7F");
        let long = quoted(&"x".repeat(200));
        assert_eq!(long.lines().map(str::len).collect::<Vec<_>>(), [76, 76, 50]);
        // The snowman takes nine columns and would have to be torn apart on the first line.
        assert_eq!(quoted(&("x".repeat(70) + "☃")), format!("{}=\r\n=E2=98=83", "x".repeat(70)));
    }

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop::sample::select(vec![
                "a",
                "Z",
                " ",
                "\t",
                ".",
                "=",
                "\n",
                "\r\n",
                "é",
                "€",
                "💌",
                "From ",
                "\0",
                "--",
                "xxxxxxxxxxxxxxxxxxxxxxx",
            ]),
            0..80,
        )
        .prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn quoted_printable_comes_back_and_keeps_its_lines(texts in prop::collection::vec(text(), 1..4)) {
            let mut out = Vec::new();
            for text in &texts {
                quote_value(text, &mut out);
            }
            let out = String::from_utf8(out).unwrap();
            prop_assert_eq!(unquote(&out), with_crlf_all(&texts));
            for line in out.split("\r\n") {
                prop_assert!(line.len() <= LINE, "{}", line);
                prop_assert!(!line.starts_with('.') && !line.starts_with("From ") && !line.ends_with([' ', '\t']));
                prop_assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')), "{:?}", line);
            }
        }

        #[test]
        fn base64_comes_back_and_keeps_its_lines(texts in prop::collection::vec((any::<bool>(), text()), 0..6)) {
            let mut writer = Base64Writer::default();
            let (mut out, mut expected) = (Vec::new(), Vec::new());
            for (fixed, text) in &texts {
                expected.extend_from_slice(text.as_bytes());
                if *fixed {
                    writer.fixed(&Aligned::new(text), &mut out);
                } else {
                    writer.value(text.as_bytes(), &mut out);
                }
            }
            writer.end(&mut out);
            let out = String::from_utf8(out).unwrap();
            prop_assert!(out.lines().all(|line| line.len() <= LINE && line.len() % 4 == 0 && !line.is_empty()));
            prop_assert!(out.is_empty() || out.ends_with("\r\n"));
            prop_assert_eq!(STANDARD.decode(out.replace("\r\n", "")).unwrap(), expected);
        }
    }

    fn with_crlf_all(texts: &[String]) -> String {
        texts.iter().map(|text| with_crlf(text).into_owned()).collect()
    }
}
