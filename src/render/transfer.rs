//! How the parts of a message are encoded for transfer (RFC 2045 section 6), and how large they become.

use super::pattern::{Pattern, Piece};

/// How a part of a message is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferEncoding {
    /// Legible where the text is ASCII; three bytes for each other one.
    QuotedPrintable,
    /// Four bytes for three, whatever they are.
    Base64,
}

impl TransferEncoding {
    /// The encoding that makes a part smaller.
    pub fn of(pattern: &Pattern) -> Self {
        let (mut quoted, mut base64) = (0, 0);
        for piece in &pattern.pieces {
            if let Piece::Literal(text) = piece {
                quoted += Self::QuotedPrintable.size(text);
                base64 += Self::Base64.size(text);
            }
        }
        if quoted <= base64 { Self::QuotedPrintable } else { Self::Base64 }
    }

    /// The size of a text when it is encoded, in bytes, within a percent. The sizes of its parts add up to it.
    pub fn size(self, text: &str) -> usize {
        match self {
            // Lines are broken: one byte in 25, and one in 38.
            Self::QuotedPrintable => {
                let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t') && *byte != b'=';
                let escaped = text.bytes().filter(|byte| !plain(byte)).count();
                let quoted = text.len() + 2 * escaped;
                quoted + quoted / 25
            }
            Self::Base64 => text.len() * 4 / 3 + text.len() / 28,
        }
    }
}
