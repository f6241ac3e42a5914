//! Status codes: enhanced ones (RFC 3463) and the three digits of SMTP (RFC 5321), also in the middle of a text.

use std::{fmt, str::FromStr};

/// An enhanced status code: `5.1.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status {
    /// 2, 4 or 5.
    pub class: u8,
    /// What it is about: the mailbox, the network, policy.
    pub subject: u16,
    /// What of it.
    pub detail: u16,
}

impl Status {
    /// Whether it says no more than success or failure.
    pub(super) fn is_vague(self) -> bool {
        self.subject == 0 && self.detail == 0
    }

    /// The first enhanced code in a text that is alone: `#5.1.1`, `(5.7.1)`, `550-5.2.2`; not a part of a version or of
    /// an IP address.
    pub fn find(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut from = 0;
        while let Some(at) = memchr::memchr3(b'2', b'4', b'5', &bytes[from..]).map(|at| from + at) {
            from = at + 1;
            let before = at.checked_sub(1).map(|at| bytes[at]);
            if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_') {
                continue;
            }
            let end = bytes[at..].iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.');
            let word = &text[at..end.map_or(text.len(), |end| at + end)];
            let closed = bytes.get(at + word.len()).is_none_or(|byte| !byte.is_ascii_alphanumeric());
            if let (true, Ok(status)) = (closed, word.trim_end_matches('.').parse()) {
                return Some(status);
            }
        }
        None
    }
}

impl FromStr for Status {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut numbers = text.trim().split('.');
        let mut next = |digits: usize| {
            let word = numbers.next().filter(|word| (1..=digits).contains(&word.len())).ok_or(())?;
            if word.bytes().all(|byte| byte.is_ascii_digit()) {
                word.parse::<u16>().map_err(|_| ())
            } else {
                Err(())
            }
        };
        let (class, subject, detail) = (next(1)?, next(3)?, next(3)?);
        if numbers.next().is_some() || !matches!(class, 2 | 4 | 5) {
            return Err(());
        }
        Ok(Self { class: class as u8, subject, detail })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// The first reply code of SMTP in a text: three digits from 400 to 599 at the start, or behind a space or a sign, that are
/// followed by a space, a hyphen or the end.
pub(super) fn reply_code(text: &str) -> Option<u16> {
    let bytes = text.as_bytes();
    bytes.windows(3).enumerate().find_map(|(at, digits)| {
        let starts = matches!(digits, [b'4' | b'5', b'0'..=b'5' | b'7', b'0'..=b'9']);
        let free = |byte: u8| {
            matches!(
                byte,
                b' ' | b'\t'
                    | b'\n'
                    | b'-'
                    | b':'
                    | b'('
                    | b')'
                    | b'<'
                    | b'>'
                    | b'"'
                    | b'\''
                    | b'/'
                    | b'='
                    | b'['
                    | b';'
                    | b','
                    | b'#'
            )
        };
        let before = at.checked_sub(1).is_none_or(|at| free(bytes[at]) && bytes[at] != b'-');
        let behind = bytes.get(at + 3).is_none_or(|byte| free(*byte));
        (starts && before && behind).then(|| text[at..at + 3].parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::{Status, reply_code};

    #[test]
    fn codes_are_found_where_they_stand_alone() {
        let table: &[(&str, &str, Option<u16>)] = &[
            ("550 5.1.1 User unknown", "5.1.1", Some(550)),
            ("550-5.7.26 This mail", "5.7.26", Some(550)),
            ("Sorry, no mailbox here by that name. (#5.1.1)", "5.1.1", None),
            ("host mx.example.org[192.0.2.25] said: 452 4.2.2 over quota", "4.2.2", Some(452)),
            ("from 4.3.2.1: refused", "", None),
            ("Postfix 2.5.4 at 5.1.x", "2.5.4", None),
            ("smtp;550 unknown", "", Some(550)),
            ("size 55000 at 12:55", "", None),
            ("<<< 554-rejected", "", Some(554)),
            ("X5.1.1 v4.1.2", "", None),
            ("error 5.0.0.", "5.0.0", None),
        ];
        for (text, status, code) in table {
            let found = Status::find(text).map(|status| status.to_string()).unwrap_or_default();
            assert_eq!((found.as_str(), reply_code(text)), (*status, *code), "{text}");
        }
    }
}
