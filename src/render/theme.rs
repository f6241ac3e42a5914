//! The head of a letter: what mail clients are told about colors, and the few rules for a dark background.
//!
//! Every color is written into its element, for clients that drop `<style>`; the rules here only change colors.

use std::collections::BTreeSet;

use super::{
    design::{Colour, Design},
    hoist,
    mjml::{Content, Element, GHOST_RULE},
    opening::{Step, steps},
};

/// The roles a template's element can play, by `mj-class`: their colors come from the design.
pub(crate) const ROLES: [&str; 8] =
    ["background", "paper", "panel", "title", "muted", "accent", "button", "rule"];

/// The roles that have a background.
pub(crate) const GROUNDS: [&str; 4] = ["background", "paper", "panel", "button"];

/// A role's CSS class, by which the dark rules find it.
fn css_class(role: &str) -> &str {
    match role {
        "background" => "G",
        "paper" => "P",
        "panel" => "N",
        "title" => "h",
        "muted" => "m",
        "accent" => "a",
        "button" => "B",
        _ => "r",
    }
}

/// The attributes that a role takes from the design.
fn role(design: &Design, name: &'static str) -> Element {
    let colours = &design.light;
    let class = Element::new("mj-class").with("name", name);
    match name {
        "background" => class.with("background-color", colours.background.to_string()),
        "paper" => class.with("background-color", colours.paper.to_string()),
        "panel" => class.with("background-color", colours.panel.to_string()),
        "title" => {
            class.with("color", colours.heading.to_string()).with("font-family", &*design.heading_font)
        }
        "muted" => class.with("color", colours.muted.to_string()),
        "accent" => class.with("color", colours.accent.to_string()),
        "button" => class
            .with("background-color", colours.accent.to_string())
            .with("color", colours.on_accent.to_string()),
        _ => class.with("border-color", colours.rule.to_string()),
    }
}

/// Writes CSS classes into every element that plays a role, so that the dark rules find it. They are written out,
/// because the reference takes one source of `css-class` only.
pub(crate) fn mark_roles(element: &mut Element, design: &Design) {
    mark(element, None, design);
}

/// Words on a background of the author's own keep their colors in the dark, as the background does.
fn mark(element: &mut Element, own_background: Option<&str>, design: &Design) {
    if element.name == "mj-head" {
        return;
    }
    let own = element.get("css-class").unwrap_or_default().to_owned();
    let roles = element.get("mj-class").unwrap_or_default().to_owned();
    let roles: Vec<&str> = roles.split_whitespace().filter(|role| ROLES.contains(role)).collect();
    let given = ["container-background-color", "background-color", "background-url"];
    let given = given.iter().find_map(|name| element.get(name)).map(str::to_owned);
    let own_background = match given.as_deref() {
        _ if roles.iter().any(|role| GROUNDS.contains(role)) => None,
        Some(given) => Some(given),
        None => own_background,
    };
    let is_on_own_ground = own_background.is_some();
    let (first, own): (Vec<&str>, Vec<&str>) =
        own.split_whitespace().partition(|class| *class == hoist::CLASS);
    // Outlook for Windows sees the first class only, and has no dark to follow.
    let mut classes: Vec<&str> = first;
    if is_on_own_ground {
        // Anything but the class that every text has by default.
        classes.push("o");
    } else {
        if element.name == "mj-text" {
            classes.push("t");
        }
        classes.extend(roles.iter().map(|role| css_class(role)));
    }
    classes.extend(own);
    let says_something = if is_on_own_ground { element.name == "mj-text" } else { classes != ["t"] };
    if says_something && !classes.is_empty() {
        element.set("css-class", classes.join(" "));
    }
    match (&mut element.content, own_background) {
        (Content::Elements(children), background) => {
            children.iter_mut().for_each(|child| mark(child, background, design));
        }
        (Content::Raw(html), Some(background)) if element.name == "mj-text" => {
            *html = with_link_colour(html, link_colour(design, background));
        }
        (Content::Raw(_), _) => {}
    }
}

/// Of the accents for light and for dark, the one that can be read better on a background of the author's own.
fn link_colour(design: &Design, background: &str) -> Colour {
    let (light, dark) = (design.light.accent, design.dark.accent);
    match Colour::parse(background) {
        Some(background) if dark.contrast(background) > light.contrast(background) => dark,
        _ => light,
    }
}

/// Links that say no color get one: a browser's own for dark pages cannot be read on a background that stays light.
fn with_link_colour(html: &str, colour: Colour) -> String {
    let mut out = String::with_capacity(html.len());
    let mut copied = 0;
    for step in steps(html) {
        let Step::Open(tag) = step else { continue };
        let style = tag.attribute("style");
        let has_colour = style.as_ref().is_some_and(|(_, style)| {
            style.split(';').any(|rule| rule.split(':').next().is_some_and(|name| name.trim() == "color"))
        });
        if tag.name != "a" || tag.attribute("href").is_none() || has_colour {
            continue;
        }
        match style {
            Some((range, style)) => {
                out.push_str(&html[copied..range.start]);
                out.push_str(&format!(" style=\"color:{colour};{style}\""));
                copied = range.end;
            }
            None => {
                let end = tag.range.end - if tag.raw.ends_with("/>") { 2 } else { 1 };
                out.push_str(&html[copied..end]);
                out.push_str(&format!(" style=\"color:{colour}\""));
                copied = end;
            }
        }
    }
    out + &html[copied..]
}

/// The classes and elements that a letter has: rules for others are not written.
pub(crate) struct Used(BTreeSet<String>);

impl Used {
    /// Looks through a tree whose roles are marked.
    pub(crate) fn by(root: &Element) -> Self {
        let mut used = BTreeSet::new();
        collect(root, &mut used);
        Self(used)
    }

    /// Whether a selector can meet anything. Elements that MJML makes itself are always there.
    fn meets(&self, selector: &str) -> bool {
        selector.split([' ', '>']).all(|part| match part.strip_prefix('.') {
            Some(class) => self.0.contains(&format!(".{class}")),
            None => !matches!(part, "h2" | "h3" | "h4" | "code" | "th") || self.0.contains(part),
        })
    }
}

fn collect(element: &Element, used: &mut BTreeSet<String>) {
    let classes = |value: &str, used: &mut BTreeSet<String>| {
        used.extend(value.split_whitespace().map(|class| format!(".{class}")));
    };
    classes(element.get("css-class").unwrap_or_default(), used);
    match &element.content {
        Content::Elements(children) => children.iter().for_each(|child| collect(child, used)),
        Content::Raw(html) => {
            for step in steps(html) {
                let Step::Open(tag) = step else { continue };
                used.insert(tag.name.to_owned());
                if let Some((_, value)) = tag.attribute("class") {
                    classes(value, used);
                }
            }
        }
    }
}

/// Whether the head of a template says that sections have no padding of their own.
pub(crate) fn sections_are_bare(root: &Element) -> bool {
    let lists = root.children().iter().filter(|child| child.name == "mj-head").flat_map(Element::children);
    let entries = lists.filter(|child| child.name == "mj-attributes").flat_map(Element::children);
    let mut sections = entries.filter(|entry| entry.name == "mj-section");
    let says = |entry: &Element| {
        matches!(entry.get("padding"), Some("0" | "0px"))
            // All sections have the letter's direction.
            && entry.attributes.iter().all(|(name, _)| matches!(name.as_ref(), "padding" | "direction"))
    };
    sections.next().is_some_and(says) && sections.next().is_none()
}

/// Lays the design over the `mj-attributes` of a template's head.
pub(crate) fn dress(head: &mut Element, design: &Design, right_to_left: bool) {
    let position = head.children().iter().position(|child| child.name == "mj-attributes");
    let position = position.unwrap_or_else(|| {
        head.children_mut().push(Element::new("mj-attributes"));
        head.children().len() - 1
    });
    let attributes = &mut head.children_mut()[position];
    overlay(attributes, Element::new("mj-all").with("font-family", &*design.font));
    let mut text = Element::new("mj-text")
        .with("css-class", "t")
        .with("color", design.light.text.to_string())
        .with("font-size", format!("{}px", design.size))
        .with("line-height", "1.6");
    if right_to_left {
        text = text.with("align", "right");
        for name in ["mj-section", "mj-wrapper", "mj-column"] {
            overlay(attributes, Element::new(name).with("direction", "rtl"));
        }
    }
    overlay(attributes, text);
    for name in ROLES {
        overlay(attributes, role(design, name));
    }
}

/// Sets the attributes of `entry` in the list's entry of the same name (and class), adding it where it lacks.
fn overlay(list: &mut Element, entry: Element) {
    let same = |child: &Element| child.name == entry.name && child.get("name") == entry.get("name");
    match list.children_mut().iter_mut().find(|child| same(child)) {
        Some(known) => {
            for (name, value) in entry.attributes {
                match known.attributes.iter_mut().find(|(old, _)| *old == name) {
                    Some((_, old)) => *old = value,
                    None => known.attributes.push((name, value)),
                }
            }
        }
        None => list.children_mut().push(entry),
    }
}

/// What goes into the head besides the template's own: metadata, Outlook's fonts, the dark rules.
pub(crate) fn head(design: &Design, description: &str, hoisted: &str, used: &Used) -> Vec<Element> {
    let mut meta = String::from(
        "<meta name=\"color-scheme\" content=\"light dark\">\
         <meta name=\"format-detection\" content=\"telephone=no,date=no,address=no,email=no,url=no\">",
    );
    if !description.is_empty() {
        meta.push_str(&format!("<meta name=\"description\" content=\"{description}\">"));
    }
    // Word hands neither family nor size nor color down into tables.
    meta.push_str(&format!(
        "<!--[if mso]><style>table,td,th{{font-family:{};font-size:{}px;line-height:1.5;color:{}}}{GHOST_RULE}</style><![endif]-->",
        design.font, design.size, design.light.text
    ));
    let rules = format!("{DETECTED}{hoisted}{}", dark_rules(design, used));
    vec![Element::raw("mj-raw", meta), Element::raw("mj-style", rules)]
}

/// Dates and addresses that Apple's programs make links of look like the words around them.
const DETECTED: &str = "a[x-apple-data-detectors]{color:inherit!important;font:inherit!important;text-decoration:none!important}";

/// Rules for a dark background, twice: as the standard has it, and as Outlook.com marks what it recolours. Only those that
/// the letter has elements for.
fn dark_rules(design: &Design, used: &Used) -> String {
    let dark = &design.dark;
    let mut rules: Vec<(&str, String)> = vec![
        (".t div,.t td,.t th", colour(dark.text)),
        (".t a", colour(dark.accent)),
        (".h div,.t h2,.t h3,.t h4", colour(dark.heading)),
        (".m,.m div,.t .m,.m a,.t .m a", colour(dark.muted)),
        (".a div", colour(dark.accent)),
        ("body,.G", ground(dark.background)),
        (".P,.P>table", ground(dark.paper)),
        (".N,.N>table,.t .p,.t code", ground(dark.panel)),
        (".B,.B td", ground(dark.accent)),
        (".B", format!("border-color:{}!important", dark.accent)),
        (".B a,.B div", colour(dark.on_accent)),
        (".r p,.t .r,.t .R td,.t .R th", format!("border-color:{}!important", dark.rule)),
        (".t .q", format!("border-color:{}!important", dark.accent)),
        (".t .i", "color:inherit!important".to_owned()),
        (".t .j", colour(design.light.text)),
        (".L", "display:none!important".to_owned()),
        (".D", "display:block!important;max-height:none!important".to_owned()),
    ];
    for kind in KINDS {
        let value = kind.dark;
        rules.push((kind.border, format!("border-color:{value}!important")));
        rules.push((kind.label, colour(value)));
    }
    for (class, _, value) in SYNTAX {
        rules.push((class, colour(value)));
    }
    let mut standard = String::from("@media (prefers-color-scheme:dark){");
    let mut outlook = String::new();
    for (selectors, body) in &rules {
        let met: Vec<&str> = selectors.split(',').filter(|one| used.meets(one)).collect();
        if met.is_empty() {
            continue;
        }
        standard.push_str(&format!("{}{{{body}}}", met.join(",")));
        let mark = if body.starts_with("background") { "[data-ogsb]" } else { "[data-ogsc]" };
        let marked: Vec<String> = met.iter().map(|one| format!("{mark} {one}")).collect();
        outlook.push_str(&format!("{}{{{body}}}", marked.join(",")));
    }
    let wide = if !used.meets(".W") {
        String::new()
    } else {
        format!(
            ".W{{max-width:{column}px;overflow-x:auto}}.W td,.W th{{word-break:normal}}\
         @media only screen and (max-width:480px){{.W{{max-width:calc(100vw - 48px)}}.W table{{min-width:{table}px}}.X table{{min-width:{many}px}}}}",
            column = design.column(),
            table = design.column().min(440),
            many = design.column().max(640)
        )
    };
    format!(":root{{color-scheme:light dark}}{wide}{standard}}}{outlook}")
}

fn colour(value: Colour) -> String {
    format!("color:{value}!important")
}

fn ground(value: Colour) -> String {
    format!("background-color:{value}!important")
}

/// A kind of alert: colors that can be read on every background of the built-in palettes.
pub(crate) struct Kind {
    /// On a light background.
    pub(crate) light: Colour,
    /// On a dark background.
    pub(crate) dark: Colour,
    border: &'static str,
    label: &'static str,
    /// Its CSS class.
    pub(crate) class: &'static str,
}

/// Note, tip, important, warning, caution.
pub(crate) const KINDS: [Kind; 5] = [
    Kind {
        light: Colour(0x0b, 0x57, 0xa4),
        dark: Colour(0x82, 0xb7, 0xf5),
        border: ".t .k1",
        label: ".t .k1 b",
        class: "k1",
    },
    Kind {
        light: Colour(0x1b, 0x69, 0x38),
        dark: Colour(0x7c, 0xcb, 0x92),
        border: ".t .k2",
        label: ".t .k2 b",
        class: "k2",
    },
    Kind {
        light: Colour(0x6b, 0x3f, 0xb8),
        dark: Colour(0xc3, 0xa5, 0xf4),
        border: ".t .k3",
        label: ".t .k3 b",
        class: "k3",
    },
    Kind {
        light: Colour(0x85, 0x55, 0x00),
        dark: Colour(0xe6, 0xb4, 0x4c),
        border: ".t .k4",
        label: ".t .k4 b",
        class: "k4",
    },
    Kind {
        light: Colour(0xb0, 0x22, 0x2b),
        dark: Colour(0xf5, 0x9a, 0x94),
        border: ".t .k5",
        label: ".t .k5 b",
        class: "k5",
    },
];

/// Comment, keyword, string, number, function, type: selector, light, dark.
pub(crate) const SYNTAX: [(&str, Colour, Colour); 6] = [
    (".t .s0", Colour(0x66, 0x6a, 0x70), Colour(0x9d, 0x98, 0x90)),
    (".t .s1", Colour(0xa6, 0x1e, 0x4d), Colour(0xf0, 0x8f, 0xa8)),
    (".t .s2", Colour(0x2b, 0x6a, 0x30), Colour(0x9a, 0xcc, 0x8c)),
    (".t .s3", Colour(0x0b, 0x57, 0xa4), Colour(0x8f, 0xbf, 0xf5)),
    (".t .s4", Colour(0x6b, 0x3f, 0xb8), Colour(0xc7, 0xad, 0xf2)),
    (".t .s5", Colour(0x85, 0x4b, 0x0c), Colour(0xe3, 0xb5, 0x70)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::design::Palette;

    /// Pairs of fixed colors and backgrounds that must be legible on a palette.
    fn fixed_pairs(palette: &Palette, is_dark: bool) -> Vec<(Colour, Colour)> {
        let kinds = KINDS.iter().map(|kind| if is_dark { kind.dark } else { kind.light });
        let syntax = SYNTAX.iter().map(|(_, light, dark)| if is_dark { *dark } else { *light });
        kinds.chain(syntax).flat_map(|colour| [(colour, palette.paper), (colour, palette.panel)]).collect()
    }

    #[test]
    fn alerts_and_code_can_be_read_on_both_grounds() {
        let design = Design::default();
        for (palette, is_dark) in [(&design.light, false), (&design.dark, true)] {
            for (colour, ground) in fixed_pairs(palette, is_dark) {
                let contrast = colour.contrast(ground);
                assert!(contrast >= 4.5, "{colour} on {ground}: {contrast:.2}");
            }
        }
    }

    #[test]
    fn rules_hold_nothing_that_makes_gmail_drop_them() {
        let all = [
            "t", "h", "m", "a", "G", "P", "N", "p", "B", "r", "R", "q", "i", "j", "L", "D", "k1", "k2", "k3",
            "k4", "k5", "s0", "s1", "s2", "s3", "s4", "s5", "W", "X",
        ];
        let html: String = all.iter().map(|class| format!("<h2 class=\"{class}\"><code>")).collect();
        let rules = dark_rules(&Design::default(), &Used::by(&Element::raw("mj-text", html)));
        assert!(rules.len() < 8_000, "{}", rules.len());
        for class in all {
            assert!(rules.contains(&format!(".{class}")), "{class}");
        }
        assert_eq!(rules.matches('@').count(), 2);
        let few =
            dark_rules(&Design::default(), &Used::by(&Element::raw("mj-text", "<p class=\"t m\">x</p>")));
        assert!(few.len() < 900 && few.contains(".t .m") && !few.contains(".k1"), "{few}");
        for bad in ["url(", "/*", "rgb("] {
            assert!(!rules.contains(bad), "{bad}");
        }
    }
}
