use std::fmt;

/// An opaque sRGB color.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

/// Six digits, as old Outlook needs them.
impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl Color {
    /// Reads `#rgb` and `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix('#')?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        match digits.len() {
            3 => {
                let digit = |at: usize| u8::from_str_radix(&digits[at..=at], 16).ok().map(|value| value * 17);
                Some(Self(digit(0)?, digit(1)?, digit(2)?))
            }
            6 => Some(Self(byte(0)?, byte(2)?, byte(4)?)),
            _ => None,
        }
    }

    /// WCAG 2.2 relative luminance, 0 to 1.
    pub fn luminance(self) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(self.0) + 0.7152 * channel(self.1) + 0.0722 * channel(self.2)
    }

    /// WCAG 2.2 contrast ratio, 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_is_read_in_both_lengths_and_nothing_else() {
        assert_eq!(Color::parse("#abc"), Some(Color(0xaa, 0xbb, 0xcc)));
        assert_eq!(Color::parse("#0b5fff").map(|c| c.to_string()), Some("#0b5fff".into()));
        for wrong in ["", "#", "#ab", "#abcd", "red", "#gggggg", "#ääb", "0b5fff"] {
            assert_eq!(Color::parse(wrong), None, "{wrong}");
        }
    }
}
