//! How blocks look beside their colors: what makes one design differ from another. Each is a setting, so that a template
//! that was copied keeps its looks, and a newsletter can change one of them.

/// How blocks look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looks {
    /// Space between lines, in hundredths of the size of the text.
    pub line_height: u32,
    /// How round the corners of boxes, cards and buttons are, in CSS pixels.
    pub radius: u32,
    /// Headings.
    pub headings: Headings,
    /// Lists whose items have links.
    pub lists: Lists,
    /// Cards that follow each other.
    pub cards: Cards,
    /// Pictures that are as wide as the letter or wider.
    pub pictures: Pictures,
    /// Buttons.
    pub buttons: Buttons,
    /// Whether a heading shows how many links are below it.
    pub counts: bool,
    /// Whether a row of a list of links says what kind of page its link leads to.
    pub kinds: bool,
}

/// What sets headings off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headings {
    /// Size and weight.
    Large,
    /// A line above; sizes close to that of the text.
    Ruled,
    /// A broad line in the accent's color above, large type.
    Colored,
    /// Weight alone: as large as the text.
    Small,
}

/// How a list of links looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// As other lists: with marks, links underlined.
    Marks,
    /// As rows: without marks, links that need no underline.
    Rows,
}

/// How cards that follow each other look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cards {
    /// One below the other.
    Stacked,
    /// Two beside each other, where there is room.
    Pairs,
}

/// How wide a large picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pictures {
    /// As wide as the text.
    Column,
    /// From one edge of the letter to the other.
    Wide,
}

/// How a button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buttons {
    /// As wide as its words.
    Narrow,
    /// As wide as the text.
    Wide,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            line_height: 160,
            radius: 6,
            headings: Headings::Large,
            lists: Lists::Marks,
            cards: Cards::Stacked,
            pictures: Pictures::Column,
            buttons: Buttons::Narrow,
            counts: false,
            kinds: false,
        }
    }
}

/// The settings of looks that are a choice of words, with their words.
pub(super) const CHOICES: [(&str, &[&str]); 5] = [
    ("headings", &["large", "ruled", "colored", "small"]),
    ("lists", &["marks", "rows"]),
    ("cards", &["stacked", "pairs"]),
    ("pictures", &["column", "wide"]),
    ("buttons", &["narrow", "wide"]),
];

impl Looks {
    /// Sets one that is a choice of words; `false` if it is not one of them.
    pub(super) fn choose(&mut self, setting: &str, word: &str) -> bool {
        match (setting, word) {
            ("headings", "large") => self.headings = Headings::Large,
            ("headings", "ruled") => self.headings = Headings::Ruled,
            ("headings", "colored") => self.headings = Headings::Colored,
            ("headings", "small") => self.headings = Headings::Small,
            ("lists", "marks") => self.lists = Lists::Marks,
            ("lists", "rows") => self.lists = Lists::Rows,
            ("cards", "stacked") => self.cards = Cards::Stacked,
            ("cards", "pairs") => self.cards = Cards::Pairs,
            ("pictures", "column") => self.pictures = Pictures::Column,
            ("pictures", "wide") => self.pictures = Pictures::Wide,
            ("buttons", "narrow") => self.buttons = Buttons::Narrow,
            ("buttons", "wide") => self.buttons = Buttons::Wide,
            _ => return false,
        }
        true
    }

    /// The space between lines, as CSS has it.
    pub(crate) fn leading(&self) -> String {
        let value = f64::from(self.line_height) / 100.0;
        format!("{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_is_offered_is_one_that_is_taken() {
        let mut looks = Looks::default();
        for (setting, words) in CHOICES {
            assert!(!looks.choose(setting, "sideways"));
            for word in words {
                assert!(looks.choose(setting, word), "{setting} {word}");
            }
        }
        assert_eq!(looks.leading(), "1.6");
    }
}
