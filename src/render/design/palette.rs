//! Colors that go together.

use super::{
    colour::Colour,
    values::{Problem, known_names},
};
use crate::issue::Value;

/// A set of colors that go together.
#[derive(Clone, Debug, PartialEq)]
pub struct Palette {
    /// Links, buttons, marks.
    pub accent: Colour,
    /// Words on a button.
    pub on_accent: Colour,
    /// Text.
    pub text: Colour,
    /// Headings.
    pub heading: Colour,
    /// Captions, dates, the footer.
    pub muted: Colour,
    /// The background around the letter.
    pub background: Colour,
    /// The letter's own background.
    pub paper: Colour,
    /// The background of code, callouts and cards.
    pub panel: Colour,
    /// Lines between things.
    pub rule: Colour,
}

/// The names of a palette's colors, as they are written in settings.
pub const COLOURS: [&str; 9] =
    ["accent", "on_accent", "text", "heading", "muted", "background", "paper", "panel", "rule"];

impl Palette {
    fn colour_mut(&mut self, name: &str) -> Option<&mut Colour> {
        Some(match name {
            "accent" => &mut self.accent,
            "on_accent" => &mut self.on_accent,
            "text" => &mut self.text,
            "heading" => &mut self.heading,
            "muted" => &mut self.muted,
            "background" => &mut self.background,
            "paper" => &mut self.paper,
            "panel" => &mut self.panel,
            "rule" => &mut self.rule,
            _ => return None,
        })
    }

    /// The color of that name.
    pub fn colour(&self, name: &str) -> Option<Colour> {
        self.clone().colour_mut(name).copied()
    }

    /// The background of that role; `paper` is one, `title` is none.
    pub(crate) fn background(&self, role: &str) -> Option<Colour> {
        match role {
            "background" | "paper" | "panel" => self.colour(role),
            "button" | "banner" => Some(self.accent),
            _ => None,
        }
    }

    /// Pairs of words and background that are on each other somewhere in a letter, with their names.
    pub fn pairs(&self) -> Vec<(&'static str, Colour, &'static str, Colour)> {
        let mut pairs = Vec::new();
        for (background, on) in
            [("paper", self.paper), ("panel", self.panel), ("background", self.background)]
        {
            for (words, colour) in [
                ("text", self.text),
                ("heading", self.heading),
                ("muted", self.muted),
                ("accent", self.accent),
            ] {
                pairs.push((words, colour, background, on));
            }
        }
        pairs.push(("on_accent", self.on_accent, "accent", self.accent));
        pairs
    }
}

/// Sets the color of that name.
pub(super) fn set_colour(palette: &mut Palette, name: &str, value: &Value) -> Result<(), Problem> {
    let Some(slot) = palette.colour_mut(name) else {
        return Err((format!("unknown design color `{name}`"), Some(known_names(name, COLOURS.into_iter()))));
    };
    let parsed = match value {
        Value::Text(text) => Colour::parse(text),
        _ => None,
    };
    *slot = parsed.ok_or_else(|| {
        (
            format!("`{name}` in the design is not a valid color"),
            Some("write it as #rrggbb, in quotation marks".to_owned()),
        )
    })?;
    Ok(())
}
