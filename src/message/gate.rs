//! The last gate: no letter leaves that a relay could misread.

use super::ComposeError;

/// Octets of a line without its CRLF (RFC 5322 section 2.1.1).
const LINE_MAX: usize = 998;

/// Checks finished bytes: CR and LF only as CRLF, no NUL, no line over 998 octets, nothing outside ASCII (but in the
/// header of a letter for a relay with SMTPUTF8). A letter built here always passes; this is where we would notice that
/// it does not, instead of a relay being smuggled a second letter.
pub(super) fn check(bytes: &[u8], utf8_header: bool) -> Result<(), ComposeError> {
    let header = if utf8_header { memchr::memmem::find(bytes, b"\r\n\r\n").unwrap_or_default() } else { 0 };
    if !is_clean(bytes, header) {
        return Err(explain(bytes, header));
    }
    let mut start = 0;
    while bytes.len() - start > LINE_MAX {
        let window = &bytes[start..bytes.len().min(start + LINE_MAX + 2)];
        match memchr::memrchr(b'\n', window) {
            Some(end) => start += end + 1,
            None => return Err(ComposeError::Unfit { what: "a line longer than 998 octets", at: start }),
        }
    }
    Ok(())
}

/// One pass without branches, so that the compiler can look at many octets at once.
fn is_clean(bytes: &[u8], header: usize) -> bool {
    let dirty = |previous: u8, byte: u8| {
        u8::from(byte == 0) | (u8::from(previous == b'\r') ^ u8::from(byte == b'\n'))
    };
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return true };
    let mut found = u8::from(matches!(first, 0 | b'\n')) | u8::from(last == b'\r');
    let (before, behind) = (&bytes[..bytes.len() - 1], &bytes[1..]);
    for (previous, byte) in before.chunks(4096).zip(behind.chunks(4096)) {
        found |= previous.iter().zip(byte).fold(0, |found, (previous, byte)| found | dirty(*previous, *byte));
        if found != 0 {
            return false;
        }
    }
    found == 0 && bytes[header..].is_ascii()
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
    use super::*;

    #[track_caller]
    fn refused(bytes: &[u8], what: &str, at: usize) {
        match check(bytes, false) {
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
    fn what_is_in_order_passes() {
        assert!(check(b"", false).is_ok());
        assert!(check(b"a\r\n\r\nb\r\n", false).is_ok());
        let line = [[b'x'; 998].as_slice(), b"\r\n"].concat();
        assert!(check(&line.repeat(20), false).is_ok());
        assert!(check(&line[..998], false).is_ok());
        assert!(check("To: jörg@example.com\r\n\r\nbody\r\n".as_bytes(), true).is_ok());
        assert!(check("To: jo@example.com\r\n\r\nbödy\r\n".as_bytes(), true).is_err());
    }
}
