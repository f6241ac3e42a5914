//! Reads parts out of our own letters, and dresses an HTML part for the frame.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The part of this media type, decoded. Only for letters of our own making: every part says its type in one way.
pub fn part(letter: &str, media_type: &str) -> Option<String> {
    let boundaries: Vec<String> = letter
        .match_indices("boundary=\"")
        .filter_map(|(at, found)| letter[at + found.len()..].split('"').next())
        .map(|boundary| format!("\r\n--{boundary}"))
        .collect();
    let lower = letter.to_ascii_lowercase();
    let at = lower.find(&format!("content-type: {media_type}"))?;
    let from = boundaries.iter().filter_map(|mark| letter[..at].rfind(mark.as_str())).max().unwrap_or(0);
    let body = at + letter[at..].find("\r\n\r\n")? + 4;
    let ends = boundaries.iter().filter_map(|mark| letter[body..].find(mark.as_str()));
    let text = &letter[body..ends.min().map_or(letter.len(), |end| body + end)];
    let head = &lower[from..body];
    let bytes = if head.contains("content-transfer-encoding: base64") {
        let packed: String = text.split_ascii_whitespace().collect();
        STANDARD.decode(packed).ok()?
    } else if head.contains("content-transfer-encoding: quoted-printable") {
        quoted_printable(text.as_bytes())
    } else {
        text.as_bytes().to_vec()
    };
    Some(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
}

/// The value of a header field, unfolded, its encoded words (RFC 2047) read.
pub fn header(letter: &str, name: &str) -> Option<String> {
    let head = letter.split("\r\n\r\n").next()?;
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let value = unfolded.split("\r\n").find_map(|line| {
        let (field, value) = line.split_once(':')?;
        field.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })?;
    let mut out: Vec<u8> = Vec::new();
    let mut after_word = false;
    for word in value.split(' ') {
        let read = encoded_word(word);
        // Blanks between two encoded words are not part of the text.
        let joined = after_word && read.is_some();
        if !(out.is_empty() || joined) {
            out.push(b' ');
        }
        after_word = read.is_some();
        out.extend(read.unwrap_or_else(|| word.as_bytes().to_vec()));
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn encoded_word(word: &str) -> Option<Vec<u8>> {
    let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut pieces = inner.splitn(3, '?');
    let (_, kind, text) = (pieces.next()?, pieces.next()?, pieces.next()?);
    match kind {
        "B" | "b" => STANDARD.decode(text).ok(),
        "Q" | "q" => Some(quoted_printable(text.replace('_', " ").as_bytes())),
        _ => None,
    }
}

fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'=', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (b'=', ..) if text[at + 1..].starts_with(b"\r\n") => at += 3,
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

/// The HTML part as a reader with light or dark colours sees it, whatever this machine prefers.
pub(super) fn in_scheme(html: &str, dark: bool) -> String {
    // Features, not `all`, so that they stand beside others in one query.
    let (always, never) = ("(min-width:0px)", "(min-width:999999px)");
    let (on, off, scheme) = if dark { (always, never, "dark") } else { (never, always, "light") };
    let html = html.replace("(prefers-color-scheme:dark)", on).replace("(prefers-color-scheme: dark)", on);
    html.replace("(prefers-color-scheme:light)", off)
        .replace("(prefers-color-scheme: light)", off)
        .replace("color-scheme:light dark", &format!("color-scheme:{scheme}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_and_decoded() {
        let letter = "Subject: =?utf-8?B?R3LDvMOf?= =?utf-8?Q?e_und?= more\r\n words\r\n\
            Content-Type: multipart/alternative; boundary=\"b\"\r\n\r\n--b\r\n\
            Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n-- plain\r\n--b\r\n\
            Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            <p>Gr=C3=BC=\r\n=C3=9Fe</p>=3D\r\n--b--\r\n";
        assert_eq!(part(letter, "text/plain").as_deref(), Some("-- plain"));
        assert_eq!(part(letter, "text/html").as_deref(), Some("<p>Grüße</p>="));
        assert_eq!(part(letter, "text/rtf"), None);
        assert_eq!(header(letter, "subject").as_deref(), Some("Grüße und more words"));
    }

    #[test]
    fn the_frame_sees_the_scheme_that_was_asked_for() {
        let html = "<style>:root{color-scheme:light dark}@media (prefers-color-scheme:dark){a{}}</style>";
        assert_eq!(
            in_scheme(html, true),
            "<style>:root{color-scheme:dark}@media (min-width:0px){a{}}</style>"
        );
        assert_eq!(
            in_scheme(html, false),
            "<style>:root{color-scheme:light}@media (min-width:999999px){a{}}</style>"
        );
    }
}
