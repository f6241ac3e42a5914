//! Text from outside (a relay's reply, a fetched title), made fit to be shown.

/// Whether a character changes how others look: control characters, and those that turn the direction of writing or
/// cannot be seen (Unicode Technical Report 36).
pub fn is_disguise(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}'
        )
}

/// The text without them; line ends are kept.
pub fn without_disguise(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|&c| c == '\n' || !is_disguise(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_turns_the_direction_of_writing() {
        let text = "a\u{202e}b\u{2066}c\u{200f}d\u{7}e\u{feff}f\u{2028}g\n\u{5d0}\u{200d}\u{1f469}";
        assert_eq!(without_disguise(text).collect::<String>(), "abcdefg\n\u{5d0}\u{200d}\u{1f469}");
    }
}
