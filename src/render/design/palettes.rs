//! The palettes that come with the program. A test computes the contrast of every pair of them.

use super::{color::Color, palette::Palette};

/// A palette that comes with the program: its name, what it looks like, its colors on light and on dark backgrounds.
#[derive(Debug)]
pub struct NamedPalette {
    /// As in `[design] palette`.
    pub name: &'static str,
    /// For people who choose one.
    pub about: &'static str,
    /// On a light background.
    pub light: Palette,
    /// On a dark background: designed for it, not inverted.
    pub dark: Palette,
}

const fn rgb(value: u32) -> Color {
    Color((value >> 16) as u8, (value >> 8) as u8, value as u8)
}

/// In the order of the names in settings: accent, on_accent, text, heading, muted, background, paper, panel, rule.
const fn palette(colors: [u32; 9]) -> Palette {
    let [accent, on_accent, text, heading, muted, background, paper, panel, rule] = colors;
    Palette {
        accent: rgb(accent),
        on_accent: rgb(on_accent),
        text: rgb(text),
        heading: rgb(heading),
        muted: rgb(muted),
        background: rgb(background),
        paper: rgb(paper),
        panel: rgb(panel),
        rule: rgb(rule),
    }
}

/// The palettes, by name. The first one is the program's own.
pub const PALETTES: [NamedPalette; 5] = [
    NamedPalette {
        name: "ember",
        about: "rust red on warm paper",
        light: palette([
            0x9a3412, 0xffffff, 0x24292f, 0x16191d, 0x5f6368, 0xf5f2ec, 0xfffefb, 0xf6f2ea, 0xded7ca,
        ]),
        dark: palette([
            0xf2a883, 0x1d1512, 0xe4e0d9, 0xf7f4ee, 0xa8a298, 0x141312, 0x1d1c1a, 0x282624, 0x403c37,
        ]),
    },
    NamedPalette {
        name: "harbor",
        about: "deep blue on cool gray",
        light: palette([
            0x0f5fa8, 0xffffff, 0x262b31, 0x11161b, 0x586069, 0xeef1f4, 0xffffff, 0xf2f5f8, 0xd6dde4,
        ]),
        dark: palette([
            0x85bdf2, 0x0d1620, 0xdde2e7, 0xf3f5f7, 0x9fa9b3, 0x0f1215, 0x171b20, 0x20262c, 0x363e46,
        ]),
    },
    NamedPalette {
        name: "moss",
        about: "forest green on pale green",
        light: palette([
            0x2c6a3c, 0xffffff, 0x262c27, 0x141a15, 0x586259, 0xeff2ea, 0xfdfefa, 0xf2f5ec, 0xd5dccf,
        ]),
        dark: palette([
            0x92cf9d, 0x0e1a11, 0xdde3dc, 0xf2f6f1, 0x9eaa9f, 0x101411, 0x181d19, 0x222823, 0x384139,
        ]),
    },
    NamedPalette {
        name: "plum",
        about: "berry on faint violet",
        light: palette([
            0x8a2a6b, 0xffffff, 0x2b2630, 0x1a1420, 0x655c6c, 0xf4eff4, 0xfffdff, 0xf7f1f7, 0xe0d5e1,
        ]),
        dark: palette([
            0xeea3d3, 0x24101d, 0xe4dde6, 0xf7f2f8, 0xada2b0, 0x151216, 0x1e1a20, 0x29242b, 0x423b45,
        ]),
    },
    NamedPalette {
        name: "ink",
        about: "black on white, nothing else",
        light: palette([
            0x1f1f1f, 0xffffff, 0x262626, 0x0a0a0a, 0x5c5c5c, 0xf2f2f0, 0xffffff, 0xf4f4f3, 0xd9d9d6,
        ]),
        dark: palette([
            0xededed, 0x141414, 0xdedede, 0xffffff, 0xa6a6a6, 0x0f0f0f, 0x191919, 0x242424, 0x3f3f3f,
        ]),
    },
];

/// The palette of that name.
pub(super) fn find(name: &str) -> Option<&'static NamedPalette> {
    PALETTES.iter().find(|palette| palette.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::theme::{KINDS, MARK, SYNTAX};

    #[test]
    fn every_text_of_every_palette_can_be_read_on_every_background() {
        for named in &PALETTES {
            for (is_dark, palette) in [(false, &named.light), (true, &named.dark)] {
                let pick = |light: Color, dark: Color| if is_dark { dark } else { light };
                let mut pairs: Vec<(String, Color, Color)> = palette
                    .pairs()
                    .into_iter()
                    .map(|(words, color, background, on)| (format!("{words} on {background}"), color, on))
                    .collect();
                let alerts = KINDS.iter().map(|kind| pick(kind.light, kind.dark));
                let code = SYNTAX.iter().map(|(_, light, dark)| pick(*light, *dark));
                for color in alerts.chain(code) {
                    pairs.push(("a fixed color on paper".into(), color, palette.paper));
                    pairs.push(("a fixed color on panel".into(), color, palette.panel));
                }
                let mark = pick(MARK.0, MARK.1);
                pairs.push(("text on a mark".into(), palette.text, mark));
                pairs.push(("a link on a mark".into(), palette.accent, mark));
                for (what, color, on) in pairs {
                    let contrast = color.contrast(on);
                    let scheme = if is_dark { "dark" } else { "light" };
                    assert!(
                        contrast >= 4.5,
                        "{} {scheme}: {what}, {color} on {on}: {contrast:.2}",
                        named.name
                    );
                }
            }
        }
    }
}
