//! The last gate: no letter leaves that a relay could misread.

use memchr::memmem;

use super::ComposeError;

/// Octets of a line without its CRLF (RFC 5322 section 2.1.1).
const LINE_MAX: usize = 998;

/// What a sound letter's bytes are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Some octet of its header is above 127.
    pub eight_bit: bool,
    /// Some line begins with a dot.
    pub dots: bool,
    /// The last line is ended.
    pub ended: bool,
}

/// Checks finished bytes: CR and LF only as CRLF, no NUL, no line over 998 octets, nothing outside ASCII (but in the
/// header, where that is asked for: only a relay with SMTPUTF8 takes such a letter). A letter built here always passes;
/// this is where we would notice that it does not, instead of a relay being smuggled a second letter
/// (RFC 5321 sections 2.3.8 and 4.1.1.4).
pub(super) fn inspect(bytes: &[u8], utf8_header: bool) -> Result<Shape, ComposeError> {
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else {
        return Err(ComposeError::Unfit { what: "nothing", at: 0 });
    };
    let mut broken = u8::from(matches!(first, 0 | b'\n') || last == b'\r');
    // A pass without branches, and with few things to remember, so that the compiler can look at many octets at once.
    let (before, behind) = (&bytes[..bytes.len() - 1], &bytes[1..]);
    for (previous, byte) in before.chunks(4096).zip(behind.chunks(4096)) {
        broken |= previous.iter().zip(byte).fold(0, |broken, (&a, &b)| {
            broken | u8::from(b == 0) | (u8::from(a == b'\r') ^ u8::from(b == b'\n'))
        });
    }
    let eight_bit = !bytes.is_ascii();
    if broken != 0 || eight_bit {
        let header = if utf8_header { memmem::find(bytes, b"\r\n\r\n").unwrap_or_default() } else { 0 };
        if broken != 0 || !bytes[header..].is_ascii() {
            return Err(explain(bytes, header));
        }
    }
    let mut start = 0;
    while bytes.len() - start > LINE_MAX {
        let window = &bytes[start..bytes.len().min(start + LINE_MAX + 2)];
        match memchr::memrchr(b'\n', window) {
            Some(end) => start += end + 1,
            None => return Err(ComposeError::Unfit { what: "a line longer than 998 octets", at: start }),
        }
    }
    let dots = first == b'.' || memmem::find(bytes, b"\n.").is_some();
    Ok(Shape { eight_bit, dots, ended: last == b'\n' })
}

fn explain(bytes: &[u8], header: usize) -> ComposeError {
    for (at, byte) in bytes.iter().enumerate() {
        let what = match byte {
            0 => "a NUL byte",
            b'\n' if at == 0 || bytes[at - 1] != b'\r' => "a bare LF",
            b'\r' if bytes.get(at + 1) != Some(&b'\n') => "a bare CR",
            byte if !byte.is_ascii() && at >= header => "a byte outside ASCII",
            _ => continue,
        };
        return ComposeError::Unfit { what, at };
    }
    ComposeError::Unfit { what: "something unknown", at: 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn refused(bytes: &[u8], what: &str, at: usize) {
        match inspect(bytes, false) {
            Err(ComposeError::Unfit { what: found, at: place }) => assert_eq!((found, place), (what, at)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_relay_could_misread_is_refused_with_its_place() {
        refused(b"a\nb\r\n", "a bare LF", 1);
        refused(b"\n", "a bare LF", 0);
        refused(b"a\rb\r\n", "a bare CR", 1);
        refused(b"a\r", "a bare CR", 1);
        refused(b"a\r\r\n", "a bare CR", 1);
        refused(b"a\r\n.\n", "a bare LF", 4);
        refused(b"a\0", "a NUL byte", 1);
        refused(b"\0", "a NUL byte", 0);
        refused("a\r\né".as_bytes(), "a byte outside ASCII", 3);
        refused(&[b'x'; 999], "a line longer than 998 octets", 0);
        let mut long = b"a\r\n".repeat(5000);
        let at = long.len();
        long.extend_from_slice(&[b'x'; 999]);
        long.extend_from_slice(b"\r\n");
        refused(&long, "a line longer than 998 octets", at);
        let mut late = b"ab\r\n".repeat(3000);
        late.push(b'\n');
        refused(&late, "a bare LF", 12_000);
    }

    #[test]
    fn a_sound_letter_passes_and_its_shape_is_told() {
        let shape = inspect(b"a\r\n\r\nb\r\n", false).unwrap();
        assert_eq!(shape, Shape { eight_bit: false, dots: false, ended: true });
        assert!(inspect(b"a\r\n.b\r\n", false).unwrap().dots);
        assert!(inspect(b".b\r\n", false).unwrap().dots);
        assert!(!inspect(b"a", false).unwrap().ended);
        let line = [[b'x'; 998].as_slice(), b"\r\n"].concat();
        assert!(inspect(&line.repeat(20), false).is_ok());
        assert!(inspect(&line[..998], false).is_ok());
        assert!(inspect("To: jörg@example.com\r\n\r\nbody\r\n".as_bytes(), true).unwrap().eight_bit);
        assert!(inspect("To: jörg@example.com\r\n\r\nbody\r\n".as_bytes(), false).is_err());
        assert!(inspect("To: jo@example.com\r\n\r\nbödy\r\n".as_bytes(), true).is_err());
    }

    #[test]
    fn what_could_be_taken_for_two_letters_does_not_pass() {
        refused(b"", "nothing", 0);
        refused(b"a\n.\nMAIL FROM:<x@example.com>", "a bare LF", 1);
        refused(b"a\r.\rb", "a bare CR", 1);
        refused(b"a\n.\r\nb", "a bare LF", 1);
        refused(b"a\r\n.\rb", "a bare CR", 4);
        refused(b"a\r\r\n.\r\r\n", "a bare CR", 1);
        refused(b"a\r\n.\r", "a bare CR", 4);
    }

    proptest! {
        #[test]
        fn the_wide_look_finds_what_a_slow_one_finds(
            bytes in proptest::collection::vec(prop_oneof![8 => Just(b'a'), 1 => Just(b'\r'), 1 => Just(b'\n'), 1 => Just(b'.')], 1..600)
        ) {
            let bare = bytes.iter().enumerate().any(|(at, &byte)| {
                byte == b'\n' && (at == 0 || bytes[at - 1] != b'\r') || byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')
            });
            let dots = bytes.starts_with(b".") || bytes.windows(2).any(|pair| pair == b"\n.");
            match inspect(&bytes, false) {
                Err(_) => prop_assert!(bare),
                Ok(shape) => prop_assert!(!bare && shape.dots == dots),
            }
        }
    }
}
