//! How a letter is on the wire, and the last look at an address before it is in a command. That the letter
//! itself cannot be taken for two is certain already: there is no other [`Message`].

use memchr::memmem;

use crate::{address::EmailAddress, message::Message};

/// The bytes with every dot at the beginning of a line doubled (RFC 5321 section 4.5.2); `None` when there is no such dot.
pub(super) fn stuffed(message: &Message) -> Option<Vec<u8>> {
    message.shape().dots.then(|| stuff(&message.bytes()))
}

fn stuff(bytes: &[u8]) -> Vec<u8> {
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
    out
}

/// Whether an address can appear between `<` and `>`.
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
        fn stuffing_is_undone_by_taking_one_dot_off_each_line(
            lines in proptest::collection::vec("[.a]{0,4}", 1..30)
        ) {
            let text = lines.join("\r\n");
            prop_assume!(!text.is_empty());
            let bytes = text.as_bytes();
            let wire = String::from_utf8(stuff(bytes)).unwrap();
            let framed = format!("\r\n{wire}\r\n");
            prop_assert!(!framed.contains("\r\n.\r\n"));
            let back: Vec<_> = wire.split("\r\n").map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
            prop_assert_eq!(back.join("\r\n"), text);
        }
    }
}
