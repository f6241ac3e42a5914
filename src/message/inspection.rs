//! The last inspection: no letter leaves that a relay could misread.

use memchr::memmem;

use super::error::ComposeError;

/// Bytes of a line without its CRLF (RFC 5322 section 2.1.1).
const LINE_MAX: usize = 998;

/// What a sound letter's bytes are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Some byte of its header is above 127.
    pub eight_bit: bool,
    /// Some line begins with a dot.
    pub dots: bool,
    /// The last line is ended.
    pub ended: bool,
}

/// Checks finished bytes: CR and LF only as CRLF, no NUL, no line over 998 bytes, nothing outside ASCII (but in the
/// header, where that is asked for: only a relay with SMTPUTF8 takes such a letter). A letter built here always passes;
/// this is where we would notice that it does not, instead of a relay being smuggled a second letter
/// (RFC 5321 sections 2.3.8 and 4.1.1.4).
pub(super) fn inspect(bytes: &[u8], utf8_header: bool) -> Result<Shape, ComposeError> {
    let Some(look) = Look::at(bytes) else { return Err(ComposeError::Unfit { what: "nothing", at: 0 }) };
    if let Some(shape) = look.shape() {
        return Ok(shape);
    }
    let header = if utf8_header { memmem::find(bytes, b"\r\n\r\n").unwrap_or_default() } else { 0 };
    if let Some(refused) = explain(bytes, header) {
        return Err(refused);
    }
    let dots = look.dots || look.first == b'.';
    Ok(Shape { eight_bit: look.eight_bit, dots, ended: look.last == b'\n' })
}

/// What was seen in a stretch of a letter. Looks at neighbors join into the look at both, so that stretches which all
/// letters share are gone through once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    first: u8,
    last: u8,
    /// Bytes before the first LF, and behind the last; all of them where there is none.
    head: usize,
    tail: usize,
    has_break: bool,
    /// A NUL, or a CR or LF without the other.
    broken: bool,
    /// A line that begins and ends in here is too long.
    long: bool,
    eight_bit: bool,
    /// Some line begins with a dot.
    dots: bool,
}

impl Look {
    /// Goes through all bytes; `None` when there are none.
    pub(super) fn at(bytes: &[u8]) -> Option<Self> {
        let (&first, &last) = (bytes.first()?, bytes.last()?);
        let mut broken = u8::from(first == 0);
        // A pass without branches, and with few things to remember, so that the compiler can look at many bytes at once.
        let (before, behind) = (&bytes[..bytes.len() - 1], &bytes[1..]);
        for (previous, byte) in before.chunks(4096).zip(behind.chunks(4096)) {
            broken |= previous.iter().zip(byte).fold(0, |broken, (&a, &b)| {
                broken | u8::from(b == 0) | (u8::from(a == b'\r') ^ u8::from(b == b'\n'))
            });
        }
        let breaks = memchr::memchr(b'\n', bytes).zip(memchr::memrchr(b'\n', bytes));
        let (head, tail) =
            breaks.map_or((bytes.len(), bytes.len()), |(one, end)| (one, bytes.len() - 1 - end));
        Some(Self {
            first,
            last,
            head,
            tail,
            has_break: breaks.is_some(),
            broken: broken != 0,
            long: breaks.is_some_and(|(one, end)| has_long_line(&bytes[one + 1..=end])),
            eight_bit: !bytes.is_ascii(),
            dots: memmem::find(bytes, b"\n.").is_some(),
        })
    }

    /// The look at this stretch and the one behind it.
    pub(super) fn then(self, next: &Self) -> Self {
        let line = self.tail + next.head;
        Self {
            first: self.first,
            last: next.last,
            head: if self.has_break { self.head } else { line },
            tail: if next.has_break { next.tail } else { self.tail + next.tail },
            has_break: self.has_break || next.has_break,
            broken: self.broken || next.broken || (self.last == b'\r') != (next.first == b'\n'),
            // With its CR, which `head` counts and the LF does not.
            long: self.long || next.long || self.has_break && next.has_break && line > LINE_MAX + 1,
            eight_bit: self.eight_bit || next.eight_bit,
            dots: self.dots || next.dots || self.last == b'\n' && next.first == b'.',
        }
    }

    /// If this was all, and it is sound and plain ASCII: what it is like.
    pub(super) fn shape(&self) -> Option<Shape> {
        let broken = self.broken || self.first == b'\n' || self.last == b'\r';
        let long = self.long || self.has_break && self.head > LINE_MAX + 1 || self.tail > LINE_MAX;
        let dots = self.dots || self.first == b'.';
        (!broken && !long && !self.eight_bit).then_some(Shape {
            eight_bit: false,
            dots,
            ended: self.last == b'\n',
        })
    }
}

/// Whether one of these lines, all of which are ended, is longer than it may be.
fn has_long_line(lines: &[u8]) -> bool {
    let mut start = 0;
    while lines.len() - start > LINE_MAX + 2 {
        match memchr::memrchr(b'\n', &lines[start..start + LINE_MAX + 2]) {
            Some(end) => start += end + 1,
            None => return true,
        }
    }
    false
}

/// The first thing that no relay may be given, and where it is.
fn explain(bytes: &[u8], header: usize) -> Option<ComposeError> {
    let mut line = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let what = match byte {
            0 => "a NUL byte",
            b'\n' if at == 0 || bytes[at - 1] != b'\r' => "a bare LF",
            b'\r' if bytes.get(at + 1) != Some(&b'\n') => "a bare CR",
            byte if !byte.is_ascii() && at >= header => "a byte outside ASCII",
            b'\n' => {
                line = at + 1;
                continue;
            }
            b'\r' => continue,
            _ if at - line >= LINE_MAX => {
                return Some(ComposeError::Unfit { what: "a line longer than 998 bytes", at: line });
            }
            _ => continue,
        };
        return Some(ComposeError::Unfit { what, at });
    }
    None
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
        refused(&[b'x'; 999], "a line longer than 998 bytes", 0);
        let mut long = b"a\r\n".repeat(5000);
        let at = long.len();
        long.extend_from_slice(&[b'x'; 999]);
        long.extend_from_slice(b"\r\n");
        refused(&long, "a line longer than 998 bytes", at);
        let mut late = b"ab\r\n".repeat(3000);
        late.push(b'\n');
        refused(&late, "a bare LF", 12_000);
    }

    #[test]
    fn a_sound_letter_passes_and_its_shape_is_reported() {
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
        fn looks_at_stretches_join_into_the_look_at_the_whole(
            words in proptest::collection::vec(
                prop_oneof![
                    6 => Just(b"\r\n".to_vec()), 4 => Just(b"a".to_vec()), 2 => Just(b".".to_vec()), 1 => Just(b"\r".to_vec()),
                    1 => Just(b"\n".to_vec()), 1 => Just(vec![0]), 1 => Just(vec![0xc3]), 2 => Just(vec![b'x'; 997]),
                    2 => Just(vec![b'x'; 500])
                ],
                1..12
            ),
            cuts in proptest::collection::vec(0_usize..4000, 0..6)
        ) {
            let bytes = words.concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (bytes.len() + 1)).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let looks = cuts.windows(2).filter_map(|pair| Look::at(&bytes[pair[0]..pair[1]]));
            let joined = looks.reduce(|all, look| all.then(&look)).and_then(|look| look.shape());
            prop_assert_eq!(joined, inspect(&bytes, false).ok());
        }

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
