//! Replies (RFC 5321 section 4.2): read within bounds, distinguished, in a form that can be kept.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::source::without_disguise;

/// What a relay said (RFC 5321 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The reply code: three digits, the first of which says whether it is good news.
    pub code: u16,
    /// The enhanced code (RFC 3463), when there is one.
    pub enhanced: Option<(u8, u16, u16)>,
    /// The words, lines joined by a space, control characters removed.
    pub text: String,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some((class, subject, detail)) = self.enhanced {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        write!(f, " {}", self.text)
    }
}

/// A line longer than this is not SMTP (RFC 5321 section 4.5.3.1.5 asks for 512; some relays say more).
const LINE_MAX: usize = 4 * 1024;

/// A reply longer than this is not SMTP.
const REPLY_MAX: usize = 64 * 1024;

/// More of a reply's words is not worth keeping.
const TEXT_MAX: usize = 1024;

/// A text that is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAReply(pub(super) &'static str);

/// Bytes from the relay that are not yet spoken for.
#[derive(Debug)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    /// Everything before it has been handed out.
    read: usize,
    /// Everything before it has been searched: it is the beginning of a line.
    line: usize,
    /// The code of the reply under way.
    code: Option<u16>,
    /// Whether the reply from `read` to `line` is whole.
    whole: bool,
    /// What must not be repeated from a reply.
    secrets: Vec<String>,
}

/// One whole reply in the inbox.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) code: u16,
    bytes: &'a [u8],
    secrets: &'a [String],
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(1024),
            read: 0,
            line: 0,
            code: None,
            whole: false,
            secrets: Vec::new(),
        }
    }

    /// Replies are kept without these from now on.
    pub(super) fn mask(&mut self, secrets: Vec<String>) {
        self.secrets = secrets;
    }

    /// Whether the relay has said nothing that we have not read.
    pub(super) fn is_empty(&self) -> bool {
        self.read == self.bytes.len()
    }

    /// Takes in bytes as they come from the socket.
    pub(super) fn take_in(&mut self, bytes: &[u8]) {
        if self.is_empty() {
            self.bytes.clear();
            (self.read, self.line) = (0, 0);
        } else if self.read > LINE_MAX {
            self.bytes.drain(..self.read);
            self.line -= self.read;
            self.read = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether a whole reply is here.
    pub(super) fn has_reply(&mut self) -> Result<bool, NotAReply> {
        while !self.whole {
            let Some(length) = memchr::memchr(b'\n', &self.bytes[self.line..]) else {
                if self.bytes.len() - self.line > LINE_MAX {
                    return Err(NotAReply("a line of its reply does not end"));
                }
                return Ok(false);
            };
            if length > LINE_MAX {
                return Err(NotAReply("a line of its reply does not end"));
            }
            let line = &self.bytes[self.line..self.line + length];
            let (code, last) = line_head(line.strip_suffix(b"\r").unwrap_or(line))?;
            if self.code.is_some_and(|before| before != code) {
                return Err(NotAReply("the lines of its reply carry different codes"));
            }
            self.line += length + 1;
            if self.line - self.read > REPLY_MAX {
                return Err(NotAReply("its reply does not end"));
            }
            self.code = Some(code);
            self.whole = last;
        }
        Ok(true)
    }

    /// The next reply, when all of it is here.
    pub(super) fn next(&mut self) -> Result<Option<Frame<'_>>, NotAReply> {
        if !self.has_reply()? {
            return Ok(None);
        }
        self.whole = false;
        let bytes = &self.bytes[self.read..self.line];
        self.read = self.line;
        Ok(self.code.take().map(|code| Frame { code, bytes, secrets: &self.secrets }))
    }
}

/// The code of a line and whether it is the last one.
fn line_head(line: &[u8]) -> Result<(u16, bool), NotAReply> {
    let (code, last) = match line {
        [a, b, c] => ([a, b, c], true),
        [a, b, c, b' ', ..] => ([a, b, c], true),
        [a, b, c, b'-', ..] => ([a, b, c], false),
        _ => return Err(NotAReply("its reply does not begin with a code")),
    };
    if !matches!(code[0], b'2'..=b'5') || !code[1..].iter().all(|digit| digit.is_ascii_digit()) {
        return Err(NotAReply("its reply does not begin with a code"));
    }
    Ok((code.into_iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')), last))
}

impl Frame<'_> {
    /// What follows the code on each line.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split(|&byte| byte == b'\n').filter_map(|line| line.get(4..)).map(<[u8]>::trim_ascii)
    }

    /// In the form that is kept.
    pub(super) fn reply(&self) -> Reply {
        let mut enhanced = None;
        let mut text = String::with_capacity(self.bytes.len());
        for (index, line) in self.lines().enumerate() {
            let mut words = line;
            if let Some((code, rest)) = enhanced_code(line, self.code)
                && (index == 0 || enhanced == Some(code))
            {
                enhanced = Some(code);
                words = rest;
            }
            if !text.is_empty() && !words.is_empty() {
                text.push(' ');
            }
            text.extend(without_disguise(&String::from_utf8_lossy(words)).filter(|&c| c != '\n'));
            if text.len() > TEXT_MAX {
                text.truncate(text.floor_char_boundary(TEXT_MAX));
                text.push('…');
                break;
            }
        }
        // A relay that repeats what we sent must not make us repeat it.
        for secret in self.secrets {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "[password]");
            }
        }
        Reply { code: self.code, enhanced, text }
    }
}

/// Class, subject and detail (RFC 3463 section 2).
type Enhanced = (u8, u16, u16);

/// The enhanced code at the head of a line (RFC 2034 section 4: its class agrees with the code), and the rest.
fn enhanced_code(line: &[u8], code: u16) -> Option<(Enhanced, &[u8])> {
    let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
    let mut parts = line[..end].split(|&byte| byte == b'.').map(|part| {
        ((1..=3).contains(&part.len()) && part.iter().all(u8::is_ascii_digit))
            .then(|| part.iter().fold(0u16, |sum, digit| sum * 10 + u16::from(digit - b'0')))
    });
    let found = (parts.next()??, parts.next()??, parts.next()??);
    let class = u8::try_from(found.0).ok()?;
    if parts.next().is_some() || u16::from(class) != code / 100 || class == 3 {
        return None;
    }
    Some(((class, found.1, found.2), line[end..].trim_ascii_start()))
}

/// Reads `550 5.1.1 no such user`, and several lines joined by line ends.
impl FromStr for Reply {
    type Err = NotAReply;

    fn from_str(text: &str) -> Result<Self, NotAReply> {
        let mut inbox = Inbox::new();
        inbox.take_in(text.trim_end().as_bytes());
        inbox.take_in(b"\r\n");
        let reply = inbox.next()?.ok_or(NotAReply("it ends in the middle of a reply"))?.reply();
        if inbox.is_empty() { Ok(reply) } else { Err(NotAReply("it is more than one reply")) }
    }
}

impl Reply {
    /// What the relay would have said, said by us before bothering it.
    pub(super) fn local(code: u16, enhanced: (u8, u16, u16), text: impl Into<String>) -> Self {
        Self { code, enhanced: Some(enhanced), text: text.into() }
    }

    /// Whether it holds one of these words, which are in lower case. What is in angle brackets or holds an `@` is
    /// an address, and says nothing, whatever its letters.
    pub(super) fn says_one_of(&self, words: &[&str]) -> bool {
        let mut text = String::with_capacity(self.text.len());
        let mut depth = 0usize;
        for word in self.text.split_inclusive(' ') {
            if word.contains('@') && !word.contains('<') {
                continue;
            }
            for c in word.chars() {
                match c {
                    '<' => depth += 1,
                    '>' => depth = depth.saturating_sub(1),
                    _ if depth == 0 => text.push(c.to_ascii_lowercase()),
                    _ => {}
                }
            }
        }
        words.iter().any(|word| text.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reply(text: &str) -> Reply {
        text.parse().unwrap()
    }

    #[test]
    fn replies_are_read_with_their_enhanced_codes() {
        assert_eq!(
            reply("250 2.0.0 Ok: queued as 12AB"),
            Reply { code: 250, enhanced: Some((2, 0, 0)), text: "Ok: queued as 12AB".into() }
        );
        assert_eq!(reply("250"), Reply { code: 250, enhanced: None, text: "".into() });
        assert_eq!(reply("354 go on"), Reply { code: 354, enhanced: None, text: "go on".into() });
        assert_eq!(
            reply("550-5.7.26 Unauthenticated\r\n550-5.7.26  mail\r\n550 5.7.26 is not accepted"),
            Reply {
                code: 550,
                enhanced: Some((5, 7, 26)),
                text: "Unauthenticated mail is not accepted".into()
            },
        );
        assert_eq!(reply("250 5.0.0 a class that disagrees").enhanced, None);
        assert_eq!(reply("451 4.7.500 Server busy").enhanced, Some((4, 7, 500)));
        assert_eq!(reply("451 4.7.5000 no").enhanced, None);
        assert_eq!(reply("250 1.2.3.4 is an address").enhanced, None);
        assert_eq!(reply("250 a\u{1b}[31mb\u{7}").text, "a[31mb");
        assert_eq!(reply("550 5.7.26 said twice").to_string(), "550 5.7.26 said twice");
        assert!(reply(&format!("250 {}", "é".repeat(1000))).text.len() <= TEXT_MAX + 3);
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for (text, why) in [
            ("hello", "its reply does not begin with a code"),
            ("25 ok", "its reply does not begin with a code"),
            ("150 preliminary", "its reply does not begin with a code"),
            ("999 what", "its reply does not begin with a code"),
            ("250x", "its reply does not begin with a code"),
            ("\u{ff}\u{fe}", "its reply does not begin with a code"),
            ("250-one\r\n251 two", "the lines of its reply carry different codes"),
            ("250-one", "it ends in the middle of a reply"),
            ("250 one\r\n250 two", "it is more than one reply"),
        ] {
            assert_eq!(text.parse::<Reply>(), Err(NotAReply(why)), "{text}");
        }
    }

    #[test]
    fn an_endless_line_and_an_endless_reply_are_cut_off() {
        let mut inbox = Inbox::new();
        inbox.take_in(b"250 ");
        let mut refused = None;
        for _ in 0..10_000 {
            inbox.take_in(&[b'x'; 100]);
            if let Err(error) = inbox.next() {
                refused = Some(error);
                break;
            }
        }
        assert_eq!(refused, Some(NotAReply("a line of its reply does not end")));
        assert!(inbox.bytes.len() < 2 * LINE_MAX);

        let mut inbox = Inbox::new();
        let mut refused = None;
        for _ in 0..10_000 {
            inbox.take_in(b"250-and so on, and so on, and so on\r\n");
            if let Err(error) = inbox.next() {
                refused = Some(error);
                break;
            }
        }
        assert_eq!(refused, Some(NotAReply("its reply does not end")));
        assert!(inbox.bytes.len() < 2 * REPLY_MAX);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_are_read_alike_and_within_bounds(
            bytes in proptest::collection::vec(prop_oneof![Just(b'2'), Just(b'5'), Just(b'0'), Just(b' '), Just(b'-'), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..400),
            cuts in proptest::collection::vec(1usize..20, 1..40),
        ) {
            fn all(inbox: &mut Inbox, found: &mut Vec<Result<Reply, NotAReply>>) -> bool {
                loop {
                    match inbox.next() {
                        Ok(Some(frame)) => found.push(Ok(frame.reply())),
                        Ok(None) => return true,
                        Err(error) => { found.push(Err(error)); return false; }
                    }
                }
            }
            let mut whole = Vec::new();
            let mut inbox = Inbox::new();
            inbox.take_in(&bytes);
            all(&mut inbox, &mut whole);

            let mut pieces = Vec::new();
            let mut inbox = Inbox::new();
            let mut rest = &bytes[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                inbox.take_in(piece);
                rest = after;
                if !all(&mut inbox, &mut pieces) { break; }
            }
            prop_assert_eq!(whole, pieces);
        }

        #[test]
        fn lettre_reads_well_formed_replies_alike(
            code in prop_oneof![Just(250u16), Just(354), Just(421), Just(550)],
            lines in proptest::collection::vec("[a-zA-Z ]{0,30}", 1..5),
        ) {
            let last = lines.len() - 1;
            let text: String = lines.iter().enumerate()
                .map(|(at, line)| format!("{code}{}{line}\r\n", if at == last { ' ' } else { '-' })).collect();
            let theirs: lettre::transport::smtp::response::Response = text.parse().unwrap();
            let ours: Reply = reply(&text);
            prop_assert_eq!(u16::from(theirs.code()), ours.code);
            let words: Vec<_> = theirs.message().map(str::trim).filter(|line| !line.is_empty()).collect();
            prop_assert_eq!(words.join(" "), ours.text);
        }
    }
}
