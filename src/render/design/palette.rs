//! Colors that go together.

use super::{
    color::Color,
    values::{Problem, known_names},
};
use crate::issue::Value;

/// A set of colors that go together.
#[derive(Clone, Debug, PartialEq)]
pub struct Palette {
    /// Links, buttons, marks.
    pub accent: Color,
    /// Words on a button.
    pub on_accent: Color,
    /// Text.
    pub text: Color,
    /// Headings.
    pub heading: Color,
    /// Captions, dates, the footer.
    pub muted: Color,
    /// The background around the letter.
    pub background: Color,
    /// The letter's own background.
    pub paper: Color,
    /// The background of code, callouts and cards.
    pub panel: Color,
    /// Lines between things.
    pub rule: Color,
}

/// The names of a palette's colors, as they are written in settings.
pub const COLORS: [&str; 9] =
    ["accent", "on_accent", "text", "heading", "muted", "background", "paper", "panel", "rule"];

impl Palette {
    fn color_mut(&mut self, name: &str) -> Option<&mut Color> {
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
    pub fn color(&self, name: &str) -> Option<Color> {
        self.clone().color_mut(name).copied()
    }

    /// The background of that role; `paper` is one, `title` is none.
    pub(crate) fn background(&self, role: &str) -> Option<Color> {
        match role {
            "background" | "paper" | "panel" => self.color(role),
            "button" | "banner" => Some(self.accent),
            _ => None,
        }
    }

    /// Pairs of words and background that are on each other somewhere in a letter, with their names.
    pub fn pairs(&self) -> Vec<(&'static str, Color, &'static str, Color)> {
        let mut pairs = Vec::new();
        for (background, on) in
            [("paper", self.paper), ("panel", self.panel), ("background", self.background)]
        {
            for (words, color) in [
                ("text", self.text),
                ("heading", self.heading),
                ("muted", self.muted),
                ("accent", self.accent),
            ] {
                pairs.push((words, color, background, on));
            }
        }
        pairs.push(("on_accent", self.on_accent, "accent", self.accent));
        pairs
    }
}

/// Sets the color of that name.
pub(super) fn set_color(palette: &mut Palette, name: &str, value: &Value) -> Result<(), Problem> {
    let Some(slot) = palette.color_mut(name) else {
        return Err((format!("unknown design color `{name}`"), Some(known_names(name, COLORS.into_iter()))));
    };
    let parsed = match value {
        Value::Text(text) => Color::parse(text),
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
