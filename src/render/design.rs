//! Colors, fonts and sizes: what the owner can set without touching a template.
//!
//! In: `[design]` of `mimeo.toml`, `design` of a front matter, a template's own `mimeo:design`. Out: [`Design`].
//! Never: knows a block or a component.

mod color;
mod logo;
mod looks;
mod palette;
mod palettes;
mod values;
mod web_font;

pub use color::Color;
pub use logo::Logo;
pub use looks::{Buttons, Cards, Headings, Lists, Looks, Pictures};
pub use palette::{COLORS, Palette};
pub use palettes::{NamedPalette, PALETTES};
pub use web_font::WebFont;

use std::collections::BTreeMap;

use crate::{
    issue::Value,
    source::{Diagnostic, Diagnostics, Place, Severity},
};
use logo::logo;
use palette::set_color;
use values::{Problem, flag, known_names, line_height, number, stack};
use web_font::web_font;

/// How a letter looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    /// Colors on a light background, written into every element.
    pub light: Palette,
    /// Colors for readers who prefer a dark background.
    pub dark: Palette,
    /// The stack of families of the text; ends in a generic one.
    pub font: String,
    /// The stack of families of headings.
    pub heading_font: String,
    /// The stack of families of code.
    pub code_font: String,
    /// Size of the text, in CSS pixels.
    pub size: u32,
    /// Width of the letter, in CSS pixels.
    pub width: u32,
    /// The picture at the head of the letter.
    pub logo: Option<Logo>,
    /// A font that is fetched from the web, where a mail client does that.
    pub web_font: Option<WebFont>,
    /// How blocks look beside their colors.
    pub looks: Looks,
}

const OTHERS: [&str; 19] = [
    "palette",
    "font",
    "heading_font",
    "code_font",
    "web_font",
    "size",
    "line_height",
    "width",
    "radius",
    "headings",
    "lists",
    "cards",
    "pictures",
    "buttons",
    "counts",
    "kinds",
    "logo",
    "light",
    "dark",
];

/// The names of all settings of a design.
pub(crate) fn settings() -> impl Iterator<Item = &'static str> + Clone {
    COLORS.into_iter().chain(OTHERS)
}

impl Default for Design {
    fn default() -> Self {
        let [own, ..] = &PALETTES;
        Self {
            light: own.light.clone(),
            dark: own.dark.clone(),
            font: "Georgia,'Times New Roman',serif".into(),
            heading_font: "Georgia,'Times New Roman',serif".into(),
            code_font: "Menlo,Consolas,'Courier New',monospace".into(),
            size: 17,
            width: 600,
            logo: None,
            web_font: None,
            looks: Looks::default(),
        }
    }
}

impl Design {
    /// Lays settings over this design. What is wrong is reported at the place that `place` knows for a key.
    pub fn overlay(
        &mut self,
        settings: &BTreeMap<String, Value>,
        place: &dyn Fn(&str) -> Place,
        diagnostics: &mut Diagnostics,
    ) {
        let mut report = |key: &str, set: Result<(), Problem>| {
            if let Err((message, help)) = set {
                let mut diagnostic = Diagnostic::at("M240", Severity::Error, place(key), message);
                if let Some(help) = help {
                    diagnostic = diagnostic.help(help);
                }
                diagnostics.push(diagnostic);
            }
        };
        // A palette first: single colors beside it are changes to it.
        if let Some(value) = settings.get("palette") {
            report("palette", self.set_palette(value));
        }
        for (key, value) in settings {
            match (key.as_str(), value) {
                ("palette", _) => {}
                ("light" | "dark", Value::Map(map)) => {
                    let palette = if key == "dark" { &mut self.dark } else { &mut self.light };
                    for (name, value) in map {
                        report(&format!("{key}.{name}"), set_color(palette, name, value));
                    }
                }
                _ => report(key, self.set(key, value)),
            }
        }
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<(), Problem> {
        if COLORS.contains(&key) {
            return set_color(&mut self.light, key, value);
        }
        match key {
            "light" | "dark" => Err((
                format!("`{key}` in the design is not a table of colors"),
                Some(format!("write for example: {key} = {{ text = \"#e4e0d9\" }}")),
            )),
            "font" => stack(key, value).map(|font| self.font = font),
            "heading_font" => stack(key, value).map(|font| self.heading_font = font),
            "code_font" => stack(key, value).map(|font| self.code_font = font),
            "size" => number(key, value, 12, 24).map(|size| self.size = size),
            "width" => number(key, value, 320, 960).map(|width| self.width = width),
            "radius" => number(key, value, 0, 24).map(|radius| self.looks.radius = radius),
            "line_height" => line_height(value).map(|height| self.looks.line_height = height),
            "counts" => flag(key, value).map(|counts| self.looks.counts = counts),
            "kinds" => flag(key, value).map(|kinds| self.looks.kinds = kinds),
            "web_font" => web_font(value).map(|font| self.web_font = font),
            "logo" => logo(value).map(|logo| self.logo = logo),
            _ if looks::CHOICES.iter().any(|(name, _)| *name == key) => self.choose(key, value),
            _ => Err((format!("unknown design setting `{key}`"), Some(known_names(key, settings())))),
        }
    }

    fn set_palette(&mut self, value: &Value) -> Result<(), Problem> {
        let names = || PALETTES.iter().map(|palette| palette.name);
        let Value::Text(name) = value else {
            let known = format!("known names: {}", names().collect::<Vec<_>>().join(", "));
            return Err(("`palette` in the design is not a name".to_owned(), Some(known)));
        };
        let palette = palettes::find(name)
            .ok_or_else(|| (format!("unknown palette `{name}`"), Some(known_names(name, names()))))?;
        (self.light, self.dark) = (palette.light.clone(), palette.dark.clone());
        Ok(())
    }

    /// A setting that is a choice of words.
    fn choose(&mut self, key: &str, value: &Value) -> Result<(), Problem> {
        let words = looks::CHOICES.iter().find(|(name, _)| *name == key).map_or(&[][..], |(_, words)| words);
        match value {
            Value::Text(word) if self.looks.choose(key, word) => Ok(()),
            _ => Err((
                format!("`{key}` in the design is not one of {}", words.join(", ")),
                Some(format!("write for example: {key} = \"{}\"", words.first().unwrap_or(&""))),
            )),
        }
    }

    /// The width of a column of text, in CSS pixels.
    pub(crate) fn column(&self) -> u32 {
        self.width.saturating_sub(2 * MARGIN)
    }
}

/// Space left and right of the text, in CSS pixels: as much as a phone can spare.
pub(crate) const MARGIN: u32 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay(key: &str, value: Value) -> (Design, Vec<String>) {
        let mut design = Design::default();
        let mut diagnostics = Vec::new();
        let place = |_: &str| Place::File { path: "mimeo.toml".into() };
        design.overlay(&BTreeMap::from([(key.to_owned(), value)]), &place, &mut diagnostics);
        (design, diagnostics.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_wrong_setting_says_what_to_do() {
        let (_, problems) = overlay("acent", Value::Text("#000".into()));
        assert_eq!(problems, ["mimeo.toml: unknown design setting `acent`"]);
        let (_, problems) = overlay("accent", Value::Text("red".into()));
        assert_eq!(problems, ["mimeo.toml: `accent` in the design is not a valid color"]);
        let (_, problems) = overlay("font", Value::Text("Georgia".into()));
        assert_eq!(
            problems,
            ["mimeo.toml: `font` in the design does not end in a family that every reader has"]
        );
        let (_, problems) = overlay("width", Value::Integer(12));
        assert_eq!(problems, ["mimeo.toml: `width` in the design is not a number from 320 to 960"]);
        let dark = Value::Map(BTreeMap::from([("text".into(), Value::Text("#EEEEEE".into()))]));
        let (design, problems) = overlay("dark", dark);
        assert!(problems.is_empty());
        assert_eq!(design.dark.text, Color(0xee, 0xee, 0xee));
    }

    #[test]
    fn a_palette_comes_before_colors_of_its_own() {
        let mut design = Design::default();
        let settings = BTreeMap::from([
            ("accent".to_owned(), Value::Text("#112233".into())),
            ("palette".to_owned(), Value::Text("moss".into())),
        ]);
        let mut problems = Vec::new();
        design.overlay(&settings, &|_| Place::File { path: "mimeo.toml".into() }, &mut problems);
        assert!(problems.is_empty());
        assert_eq!(design.light.accent, Color(0x11, 0x22, 0x33));
        assert_eq!(design.light.background, Color(0xef, 0xf2, 0xea));
        let (_, problems) = overlay("palette", Value::Text("mos".into()));
        assert_eq!(problems, ["mimeo.toml: unknown palette `mos`"]);
    }

    #[test]
    fn looks_are_words_and_numbers_in_bounds() {
        let (design, problems) = overlay("headings", Value::Text("ruled".into()));
        assert!(problems.is_empty() && design.looks.headings == Headings::Ruled);
        let (_, problems) = overlay("headings", Value::Text("loud".into()));
        assert_eq!(
            problems,
            ["mimeo.toml: `headings` in the design is not one of large, ruled, colored, small"]
        );
        let (design, _) = overlay("line_height", Value::Float(1.45));
        assert_eq!(design.looks.leading(), "1.45");
        for (key, value) in [("line_height", Value::Float(3.0)), ("radius", Value::Integer(99))] {
            assert_eq!(overlay(key, value).1.len(), 1, "{key}");
        }
    }

    #[test]
    fn a_web_font_is_an_https_address_that_ends_nothing() {
        let font = |family: &str, url: &str| {
            Value::Map(BTreeMap::from([
                ("family".to_owned(), Value::Text(family.into())),
                ("url".to_owned(), Value::Text(url.into())),
            ]))
        };
        let (design, problems) = overlay("web_font", font("Inter", "https://example.org/inter.woff2"));
        assert!(problems.is_empty() && design.web_font.is_some());
        for (family, url) in [
            ("Inter", "http://example.org/inter.woff2"),
            ("Inter", "https://example.org/a')}body{"),
            ("In'ter", "https://example.org/inter.woff2"),
        ] {
            assert_eq!(overlay("web_font", font(family, url)).1.len(), 1, "{family} {url}");
        }
    }
}
