use unicode_width::UnicodeWidthStr;

use super::slots::slot_index;

/// Between these two, a text is one word. They never leave the text part.
const WHOLE_START: char = '\u{100000}';
const WHOLE_END: char = '\u{100001}';
/// A line end in the author's file: a space, but not between two characters of a script without spaces.
pub(super) const SOFT: char = '\u{100002}';
/// How wide the value of a placeholder is taken to be.
const SLOT_WIDTH: usize = 10;

/// Marks a text as one word that is never broken.
pub(super) fn whole(text: &str) -> String {
    format!("{WHOLE_START}{text}{WHOLE_END}")
}

/// Whether a character is one of ours that no reader may see.
pub(super) fn is_guard(c: char) -> bool {
    matches!(c, WHOLE_START | WHOLE_END | SOFT)
}

/// Text without our marks, as one line.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\n' | SOFT => Some(' '),
            c if is_guard(c) => None,
            c => Some(c),
        })
        .collect()
}

/// Columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    let slots = text.chars().filter(|&c| slot_index(c).is_some()).count();
    if text.is_ascii() {
        return text.len();
    }
    let seen: String = text.chars().filter(|&c| !is_guard(c) && slot_index(c).is_none()).collect();
    seen.width() + slots * SLOT_WIDTH
}

/// A stretch of text that is not broken.
struct Atom {
    text: String,
    /// A space is before it, unless a line begins with it.
    is_spaced: bool,
}

/// Breaks text into lines of at most `columns`; `\n` always breaks. Only a longer word exceeds them.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for hard in text.split('\n') {
        let mut line = String::new();
        let mut taken = 0;
        for atom in atoms(hard) {
            let needed = width(&atom.text);
            let space = usize::from(atom.is_spaced && !line.is_empty());
            if !line.is_empty() && taken + space + needed > columns {
                lines.push(std::mem::take(&mut line));
                taken = 0;
            } else if space == 1 {
                line.push(' ');
                taken += 1;
            }
            line.push_str(&atom.text);
            taken += needed;
        }
        lines.push(line);
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let empty = lines.iter().take_while(|line| line.is_empty()).count();
    lines.drain(..empty);
    lines
}

fn atoms(text: &str) -> Vec<Atom> {
    let mut atoms: Vec<Atom> = Vec::new();
    // How many characters of an unbreakable stretch were seen, while inside one.
    let mut whole: Option<usize> = None;
    let mut is_spaced = false;
    let mut is_soft = false;
    let mut previous: Option<char> = None;
    for c in text.chars() {
        match c {
            WHOLE_START => whole = Some(0),
            WHOLE_END => whole = None,
            SOFT => is_soft = true,
            ' ' | '\t' if whole.is_none() => is_spaced = true,
            c => {
                let is_inside = whole.is_some_and(|seen| seen > 0);
                let may_break = !is_inside && previous.is_some_and(|before| breaks_between(before, c));
                if is_soft && !previous.is_some_and(|before| is_unspaced(before) && is_unspaced(c)) {
                    is_spaced = true;
                }
                if atoms.is_empty() || is_spaced || may_break {
                    atoms.push(Atom { text: String::new(), is_spaced });
                }
                if let Some(atom) = atoms.last_mut() {
                    atom.text.push(c);
                }
                (is_spaced, is_soft) = (false, false);
                previous = Some(c);
                whole = whole.map(|seen| seen + 1);
            }
        }
    }
    atoms
}

/// Whether a line may end between two characters that have no space between them: in Chinese and Japanese nearly
/// everywhere, but not before closing nor behind opening punctuation.
fn breaks_between(before: char, after: char) -> bool {
    const NEVER_FIRST: &str =
        "、。，．,.!?;:！？；：）)」』】》〉〕］｝”’…‥・ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々%％>]}~ゝヽ";
    const NEVER_LAST: &str = "（(「『【《〈〔［｛“‘<[{$#￥@";
    (is_unspaced(before) || is_unspaced(after))
        && !NEVER_FIRST.contains(after)
        && !NEVER_LAST.contains(before)
        && !is_joined(after)
        && before != '\u{200d}'
        && !matches!(before, '\u{a0}' | '\u{202f}' | '\u{2060}')
        && !matches!(after, '\u{a0}' | '\u{202f}' | '\u{2060}')
}

/// Whether a character belongs to the one before it.
fn is_joined(c: char) -> bool {
    matches!(c as u32, 0x200d | 0xfe00..=0xfe0f | 0x300..=0x36f | 0x302a..=0x302f | 0x3099..=0x309a | 0xe0100..=0xe01ef)
}

/// Whether a character belongs to a script that is written without spaces.
fn is_unspaced(c: char) -> bool {
    matches!(c as u32, 0x2e80..=0x30ff | 0x3105..=0x312f | 0x31a0..=0x31ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff
        | 0xf900..=0xfaff | 0xff01..=0xff60 | 0x20000..=0x3ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_people_would_end_them() {
        for (text, columns, expected) in [
            ("one two three", 7, vec!["one two", "three"]),
            ("one\ntwo", 20, vec!["one", "two"]),
            ("\n one \n\n two \n", 20, vec!["one", "", "two"]),
            ("averyveryverylongword x", 5, vec!["averyveryverylongword", "x"]),
            ("今日は、世界。", 6, vec!["今日", "は、世", "界。"]),
            ("中文（括号）里", 6, vec!["中文", "（括", "号）里"]),
            ("Ünïcödé ẁörds", 7, vec!["Ünïcödé", "ẁörds"]),
            ("👩‍👩‍👧‍👦 👩‍👩‍👧‍👦 👩‍👩‍👧‍👦", 5, vec!["👩‍👩‍👧‍👦 👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"]),
            ("", 5, vec![]),
        ] {
            assert_eq!(wrap(text, columns), expected, "{text}");
        }
    }

    #[test]
    fn a_soft_break_is_a_space_only_between_words() {
        let joined = |text: &str| wrap(text, 72).concat();
        assert_eq!(joined(&format!("one{SOFT}two")), "one two");
        assert_eq!(joined(&format!("中{SOFT}文")), "中文");
        assert_eq!(joined(&format!("中{SOFT}x")), "中 x");
    }

    #[test]
    fn what_is_whole_stays_whole() {
        let lines = wrap(&format!("看{}吧", whole("https://example.org/a b中文中文中文")), 8);
        assert_eq!(lines, ["看", "https://example.org/a b中文中文中文", "吧"]);
    }
}
