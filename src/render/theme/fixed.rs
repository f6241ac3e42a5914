//! Colors that are the same in every design: they can be read on every background of the built-in palettes.

use crate::render::design::Color;

/// A kind of alert: colors that can be read on every background of the built-in palettes.
pub(crate) struct Kind {
    /// On a light background.
    pub(crate) light: Color,
    /// On a dark background.
    pub(crate) dark: Color,
    pub(super) border: &'static str,
    pub(super) label: &'static str,
    /// Its CSS class.
    pub(crate) class: &'static str,
}

/// Note, tip, important, warning, caution.
pub(crate) const KINDS: [Kind; 5] = [
    Kind {
        light: Color(0x0b, 0x57, 0xa4),
        dark: Color(0x82, 0xb7, 0xf5),
        border: ".t .k1",
        label: ".t .k1 b",
        class: "k1",
    },
    Kind {
        light: Color(0x1b, 0x69, 0x38),
        dark: Color(0x7c, 0xcb, 0x92),
        border: ".t .k2",
        label: ".t .k2 b",
        class: "k2",
    },
    Kind {
        light: Color(0x6b, 0x3f, 0xb8),
        dark: Color(0xc3, 0xa5, 0xf4),
        border: ".t .k3",
        label: ".t .k3 b",
        class: "k3",
    },
    Kind {
        light: Color(0x85, 0x55, 0x00),
        dark: Color(0xe6, 0xb4, 0x4c),
        border: ".t .k4",
        label: ".t .k4 b",
        class: "k4",
    },
    Kind {
        light: Color(0xb0, 0x22, 0x2b),
        dark: Color(0xf5, 0x9a, 0x94),
        border: ".t .k5",
        label: ".t .k5 b",
        class: "k5",
    },
];

/// Comment, keyword, string, number, function, type: selector, light, dark.
pub(crate) const SYNTAX: [(&str, Color, Color); 6] = [
    (".t .s0", Color(0x66, 0x6a, 0x70), Color(0x9d, 0x98, 0x90)),
    (".t .s1", Color(0xa6, 0x1e, 0x4d), Color(0xf0, 0x8f, 0xa8)),
    (".t .s2", Color(0x2b, 0x6a, 0x30), Color(0x9a, 0xcc, 0x8c)),
    (".t .s3", Color(0x0b, 0x57, 0xa4), Color(0x8f, 0xbf, 0xf5)),
    (".t .s4", Color(0x6b, 0x3f, 0xb8), Color(0xc7, 0xad, 0xf2)),
    (".t .s5", Color(0x85, 0x4b, 0x0c), Color(0xe3, 0xb5, 0x70)),
];

/// The background of marked words, light and dark.
pub(crate) const MARK: (Color, Color) = (Color(0xfd, 0xec, 0xb8), Color(0x5c, 0x44, 0x13));
