//! The last look at a letter before a connection is touched: nothing passes that a relay could take for two letters
//! (RFC 5321 sections 2.3.8, 4.1.1.4 and 4.5.2), and no address that could be taken for a command.

use std::borrow::Cow;

use memchr::{memchr, memmem, memrchr};

use crate::subscriber::EmailAddress;

/// The longest line without its line end (RFC 5321 section 4.5.3.1.6).
const LINE_MAX: usize = 998;

/// What a sound letter's bytes are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Some octet is above 127.
    pub(super) eight_bit: bool,
    /// Some line begins with a dot.
    pub(super) dots: bool,
    /// The last line is ended.
    pub(super) ended: bool,
}

/// Why a letter is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("a line break that is not CR LF at octet {0}")]
    LineBreak(usize),
    #[error("a NUL at octet {0}")]
    Nul(usize),
    #[error("a line of more than 998 octets at octet {0}")]
    LongLine(usize),
    #[error("there is nothing in it")]
    Empty,
}

/// Looks at every octet once. The loop is written so that the compiler makes it wide.
pub(super) fn inspect(bytes: &[u8]) -> Result<Shape, Flaw> {
    let (Some((&first, after)), Some((&last, before))) = (bytes.split_first(), bytes.split_last()) else {
        return Err(Flaw::Empty);
    };
    let mut broken = u8::from(first == b'\n' || last == b'\r');
    let mut nul = u8::from(first == 0);
    let mut dots = u8::from(first == b'.');
    let mut all = first;
    for (before, after) in before.chunks(128).zip(after.chunks(128)) {
        for (&a, &b) in before.iter().zip(after) {
            broken |= u8::from(a == b'\r') ^ u8::from(b == b'\n');
            dots |= u8::from(a == b'\n') & u8::from(b == b'.');
            nul |= u8::from(b == 0);
            all |= b;
        }
    }
    if broken != 0 {
        let at = (0..bytes.len()).find(|&at| match bytes[at] {
            b'\n' => at == 0 || bytes[at - 1] != b'\r',
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        return Err(Flaw::LineBreak(at.unwrap_or(0)));
    }
    if nul != 0 {
        return Err(Flaw::Nul(memchr(0, bytes).unwrap_or(0)));
    }
    let mut from = 0;
    while LINE_MAX < bytes.len() - from {
        let window = &bytes[from..bytes.len().min(from + LINE_MAX + 2)];
        from += memrchr(b'\n', window).ok_or(Flaw::LongLine(from))? + 1;
    }
    Ok(Shape { eight_bit: 127 < all, dots: dots != 0, ended: last == b'\n' })
}

/// The bytes with every dot at the beginning of a line doubled (RFC 5321 section 4.5.2).
pub(super) fn stuffed(bytes: &[u8], shape: Shape) -> Cow<'_, [u8]> {
    if !shape.dots {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len() + 64);
    if bytes.first() == Some(&b'.') {
        out.push(b'.');
    }
    let mut from = 0;
    for at in memmem::find_iter(bytes, b"\n.") {
        out.extend_from_slice(&bytes[from..=at]);
        out.push(b'.');
        from = at + 1;
    }
    out.extend_from_slice(&bytes[from..]);
    Cow::Owned(out)
}

/// Whether an address can stand between `<` and `>`.
pub(super) fn fits_a_path(address: &EmailAddress) -> bool {
    let mut quoted = false;
    let mut escaped = false;
    for byte in address.expose().bytes() {
        match byte {
            0..=31 | 127 => return false,
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b' ' | b'<' | b'>' if !quoted => return false,
            _ => {}
        }
    }
    !quoted && !escaped && address.expose().contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sound_letter_passes() {
        let shape = inspect(b"Subject: x\r\n\r\nbody\r\n").unwrap();
        assert_eq!(shape, Shape { eight_bit: false, dots: false, ended: true });
        assert!(inspect(b"a\r\n.b\r\n").unwrap().dots);
        assert!(inspect(b".b\r\n").unwrap().dots);
        assert!(!inspect(b"a").unwrap().ended);
        assert!(inspect("é\r\n".as_bytes()).unwrap().eight_bit);
        let longest = [&[b'x'; 998][..], b"\r\n", &[b'y'; 998]].concat();
        inspect(&longest).unwrap();
        inspect(&[&longest[..], b"\r\n"].concat()).unwrap();
    }

    #[test]
    fn what_could_be_taken_for_two_letters_does_not_pass() {
        for (bytes, flaw) in [
            (&b"a\n.\nMAIL FROM:<x@example.com>"[..], Flaw::LineBreak(1)),
            (b"a\r.\rb", Flaw::LineBreak(1)),
            (b"a\n.\r\nb", Flaw::LineBreak(1)),
            (b"a\r\n.\rb", Flaw::LineBreak(4)),
            (b"a\r\r\n.\r\r\n", Flaw::LineBreak(1)),
            (b"a\r\n.\r", Flaw::LineBreak(4)),
            (b"\n", Flaw::LineBreak(0)),
            (b"\r", Flaw::LineBreak(0)),
            (b"a\r\n\0", Flaw::Nul(3)),
            (b"", Flaw::Empty),
        ] {
            assert_eq!(inspect(bytes), Err(flaw), "{:?}", String::from_utf8_lossy(bytes));
        }
        let long = [b"a\r\n", &[b'x'; 999][..], b"\r\n"].concat();
        assert_eq!(inspect(&long), Err(Flaw::LongLine(3)));
        assert_eq!(inspect(&[b'x'; 999]), Err(Flaw::LongLine(0)));
    }

    #[test]
    fn an_address_cannot_carry_a_command() {
        for (text, fits) in [
            ("a@example.com", true),
            ("\"a b\"@example.com", true),
            ("\"a>b\"@example.com", true),
            ("é@example.com", true),
            ("a@b.com> SIZE=1", false),
            ("a@b.com\r\nRCPT TO:<x@example.com>", false),
            ("\"a@b.com", false),
            ("<a@b.com>", false),
            ("a", false),
        ] {
            let address = serde_json::from_value::<EmailAddress>(serde_json::json!(text));
            // The address type may refuse it before us; what it lets through has to pass here.
            if let Ok(address) = address {
                assert_eq!(fits_a_path(&address), fits, "{text:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_wide_look_finds_what_a_slow_one_finds(
            bytes in proptest::collection::vec(prop_oneof![8 => Just(b'a'), 1 => Just(b'\r'), 1 => Just(b'\n'), 1 => Just(b'.')], 1..600)
        ) {
            let bare = bytes.iter().enumerate().any(|(at, &byte)| {
                byte == b'\n' && (at == 0 || bytes[at - 1] != b'\r') || byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')
            });
            prop_assert_eq!(inspect(&bytes).is_err(), bare);
        }

        #[test]
        fn stuffing_is_undone_by_taking_one_dot_off_each_line(
            lines in proptest::collection::vec("[.a]{0,4}", 1..30)
        ) {
            let text = lines.join("\r\n");
            prop_assume!(!text.is_empty());
            let bytes = text.as_bytes();
            let shape = inspect(bytes).unwrap();
            let wire = String::from_utf8(stuffed(bytes, shape).into_owned()).unwrap();
            let framed = format!("\r\n{wire}\r\n");
            prop_assert!(!framed.contains("\r\n.\r\n"));
            let back: Vec<_> = wire.split("\r\n").map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
            prop_assert_eq!(back.join("\r\n"), text);
        }
    }
}
