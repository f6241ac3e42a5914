//! Colors, fonts and sizes: what the owner can set without touching a template.
//!
//! In: `[design]` of `mimeo.toml`, `design` of a front matter, a template's own `mimeo:design`. Out: [`Design`].
//! Never: knows a block or a component.

use std::{collections::BTreeMap, fmt};

use crate::{
    issue::Value,
    source::{Diagnostic, Diagnostics, Place, Severity, nearest},
};

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
}

/// The picture at the head of the letter.
#[derive(Clone, Debug, PartialEq)]
pub struct Logo {
    /// A path below the newsletter's folder, or an https address.
    pub light: String,
    /// The picture for readers who prefer a dark background: a path or an https address.
    pub dark: Option<String>,
    /// Alternative text; the newsletter's name when it is not given.
    pub alt: Option<String>,
    /// Shown width in CSS pixels; the picture's own, up to 240, when it is not given.
    pub width: Option<u32>,
}

impl Logo {
    /// Its files or addresses.
    pub fn pictures(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.light.as_str()).chain(self.dark.as_deref())
    }
}

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

/// An opaque sRGB color.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

/// Six digits, as old Outlook needs them.
impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl Colour {
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

/// The names of a palette's colors, as they are written in settings.
pub const COLOURS: [&str; 9] =
    ["accent", "on_accent", "text", "heading", "muted", "background", "paper", "panel", "rule"];

const OTHERS: [&str; 8] = ["font", "heading_font", "code_font", "size", "width", "logo", "light", "dark"];

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

    /// Pairs of words and background that are on each other somewhere in a letter, with their names.
    pub fn pairs(&self) -> Vec<(&'static str, Colour, &'static str, Colour)> {
        let mut pairs = Vec::new();
        for (ground, on) in [("paper", self.paper), ("panel", self.panel), ("background", self.background)] {
            for (words, colour) in [
                ("text", self.text),
                ("heading", self.heading),
                ("muted", self.muted),
                ("accent", self.accent),
            ] {
                pairs.push((words, colour, ground, on));
            }
        }
        pairs.push(("on_accent", self.on_accent, "accent", self.accent));
        pairs
    }
}

const fn rgb(value: u32) -> Colour {
    Colour((value >> 16) as u8, (value >> 8) as u8, value as u8)
}

impl Default for Design {
    fn default() -> Self {
        Self {
            light: Palette {
                accent: rgb(0x9a3412),
                on_accent: rgb(0xffffff),
                text: rgb(0x24292f),
                heading: rgb(0x16191d),
                muted: rgb(0x5f6368),
                background: rgb(0xf5f2ec),
                paper: rgb(0xfffefb),
                panel: rgb(0xf6f2ea),
                rule: rgb(0xded7ca),
            },
            dark: Palette {
                accent: rgb(0xf2a883),
                on_accent: rgb(0x1d1512),
                text: rgb(0xe4e0d9),
                heading: rgb(0xf7f4ee),
                muted: rgb(0xa8a298),
                background: rgb(0x141312),
                paper: rgb(0x1d1c1a),
                panel: rgb(0x282624),
                rule: rgb(0x403c37),
            },
            font: "Georgia,'Times New Roman',serif".into(),
            heading_font: "Georgia,'Times New Roman',serif".into(),
            code_font: "Menlo,Consolas,'Courier New',monospace".into(),
            size: 17,
            width: 600,
            logo: None,
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
        let mut tell = |key: &str, set: Result<(), (String, Option<String>)>| {
            if let Err((message, help)) = set {
                let mut diagnostic = Diagnostic::at("M240", Severity::Error, place(key), message);
                if let Some(help) = help {
                    diagnostic = diagnostic.help(help);
                }
                diagnostics.push(diagnostic);
            }
        };
        for (key, value) in settings {
            match (key.as_str(), value) {
                ("light" | "dark", Value::Map(map)) => {
                    let palette = if key == "dark" { &mut self.dark } else { &mut self.light };
                    for (name, value) in map {
                        tell(&format!("{key}.{name}"), set_colour(palette, name, value));
                    }
                }
                _ => tell(key, self.set(key, value)),
            }
        }
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<(), (String, Option<String>)> {
        if COLOURS.contains(&key) {
            return set_colour(&mut self.light, key, value);
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
            "logo" => logo(value).map(|logo| self.logo = logo),
            _ => {
                let known = COLOURS.into_iter().chain(OTHERS);
                Err((format!("unknown design setting `{key}`"), Some(known_names(key, known))))
            }
        }
    }

    /// The width of a column of text, in CSS pixels.
    pub(crate) fn column(&self) -> u32 {
        self.width.saturating_sub(2 * MARGIN)
    }
}

/// Space left and right of the text, in CSS pixels: as much as a phone can spare.
pub(crate) const MARGIN: u32 = 24;

fn known_names<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known names: {}", known.collect::<Vec<_>>().join(", ")),
    }
}

fn set_colour(palette: &mut Palette, name: &str, value: &Value) -> Result<(), (String, Option<String>)> {
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

fn stack(key: &str, value: &Value) -> Result<String, (String, Option<String>)> {
    let Value::Text(text) = value else {
        return Err((format!("`{key}` in the design is not a text"), None));
    };
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, ' ' | ',' | '\'' | '"' | '-' | '_');
    if text.trim().is_empty() || !text.chars().all(allowed) {
        return Err((
            format!("`{key}` in the design is not a list of font families"),
            Some("write for example: \"Georgia, 'Times New Roman', serif\"".into()),
        ));
    }
    let families: Vec<String> =
        text.split(',').map(|family| family.trim().replace('"', "'")).filter(|f| !f.is_empty()).collect();
    const GENERIC: [&str; 5] = ["serif", "sans-serif", "monospace", "cursive", "system-ui"];
    if !families.last().is_some_and(|last| GENERIC.contains(&last.as_str())) {
        return Err((
            format!("`{key}` in the design does not end in a family that every reader has"),
            Some(format!("end it with one of {}", GENERIC.join(", "))),
        ));
    }
    Ok(families.join(","))
}

fn number(key: &str, value: &Value, low: u32, high: u32) -> Result<u32, (String, Option<String>)> {
    let wanted = match value {
        Value::Integer(number) => u32::try_from(*number).ok(),
        Value::Text(text) => text.trim().trim_end_matches("px").parse().ok(),
        _ => None,
    };
    wanted.filter(|number| (low..=high).contains(number)).ok_or_else(|| {
        (
            format!("`{key}` in the design is not a number from {low} to {high}"),
            Some("it counts CSS pixels, for example 600".into()),
        )
    })
}

fn logo(value: &Value) -> Result<Option<Logo>, (String, Option<String>)> {
    let map = match value {
        Value::Text(path) if path.is_empty() => return Ok(None),
        Value::Text(path) => {
            return Ok(Some(Logo { light: path.clone(), dark: None, alt: None, width: None }));
        }
        Value::Bool(false) => return Ok(None),
        Value::Map(map) => map,
        _ => return Err(("`logo` in the design is neither a path nor a table".into(), None)),
    };
    let text = |name: &str| match map.get(name) {
        Some(Value::Text(text)) => Ok(Some(text.clone())),
        None => Ok(None),
        Some(_) => Err((format!("`{name}` of the logo is not a text"), None)),
    };
    const KNOWN: [&str; 4] = ["light", "dark", "alt", "width"];
    if let Some(unknown) = map.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err((
            format!("unknown logo setting `{unknown}`"),
            Some(known_names(unknown, KNOWN.into_iter())),
        ));
    }
    let Some(light) = text("light")? else {
        return Err(("the logo has no `light` picture".into(), Some("give the path of a picture".into())));
    };
    let width = map.get("width").map(|width| number("width", width, 16, 960)).transpose()?;
    Ok(Some(Logo { light, dark: text("dark")?, alt: text("alt")?, width }))
}

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
    fn a_colour_is_read_in_both_lengths_and_nothing_else() {
        assert_eq!(Colour::parse("#abc"), Some(Colour(0xaa, 0xbb, 0xcc)));
        assert_eq!(Colour::parse("#0b5fff").map(|c| c.to_string()), Some("#0b5fff".into()));
        for wrong in ["", "#", "#ab", "#abcd", "red", "#gggggg", "#ääb", "0b5fff"] {
            assert_eq!(Colour::parse(wrong), None, "{wrong}");
        }
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
        assert_eq!(design.dark.text, Colour(0xee, 0xee, 0xee));
    }

    #[test]
    fn the_built_in_palettes_can_be_read() {
        let design = Design::default();
        for palette in [&design.light, &design.dark] {
            for (words, colour, ground, on) in palette.pairs() {
                let contrast = colour.contrast(on);
                assert!(contrast >= 4.5, "{words} {colour} on {ground} {on}: {contrast:.2}");
            }
        }
    }
}
