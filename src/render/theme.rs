//! The head of a letter: what mail clients learn about colors, and the few rules for a dark background.
//!
//! Every color is written into its element, for clients that drop `<style>`; the rules here only change colors.

mod fixed;
mod tables;
mod used;

pub(crate) use fixed::{KINDS, MARK, SYNTAX};
pub(crate) use used::Used;

use super::{
    design::{Color, Design, Headings},
    hoist,
    mjml::{Content, Element, GHOST_RULE},
    opening::{Step, steps},
};

/// The roles a template's element can play, by `mj-class`: their colors come from the design.
pub(crate) const ROLES: [&str; 9] =
    ["background", "paper", "panel", "title", "muted", "accent", "button", "banner", "rule"];

/// The roles that have a background.
pub(crate) const BACKGROUNDS: [&str; 5] = ["background", "paper", "panel", "button", "banner"];

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
        "banner" => "H",
        _ => "r",
    }
}

/// The attributes that a role takes from the design.
fn role(design: &Design, name: &'static str) -> Element {
    let colors = &design.light;
    let class = Element::new("mj-class").with("name", name);
    match name {
        "background" => class.with("background-color", colors.background.to_string()),
        "paper" => class.with("background-color", colors.paper.to_string()),
        "panel" => class.with("background-color", colors.panel.to_string()),
        "title" => class.with("color", colors.heading.to_string()).with("font-family", &*design.heading_font),
        "muted" => class.with("color", colors.muted.to_string()),
        "accent" => class.with("color", colors.accent.to_string()),
        "button" | "banner" => class
            .with("background-color", colors.accent.to_string())
            .with("color", colors.on_accent.to_string()),
        _ => class.with("border-color", colors.rule.to_string()),
    }
}

/// The cell of a logo that is only drawn for light backgrounds, up to its style: in the dark it is a plate. The space around
/// the logo is there in the light as well, where the plate has the color of what is below it.
pub(crate) const PLATE: &str = "<td class=\"K\" style=\"";

/// The space between the edge of a plate and the logo on it.
pub(crate) const PLATE_MARGIN: u32 = 10;

/// What an element is on.
#[derive(Clone, Copy, Default)]
struct Background<'a> {
    /// The background of the author's own; none on a background that has a role.
    own: Option<&'a str>,
    /// The color in the light; none where the letter leaves it to the client, or where it is a picture.
    color: Option<Color>,
}

/// Writes CSS classes into every element that plays a role, so that the dark rules find it. They are written out,
/// because the reference takes one source of `css-class` only.
pub(crate) fn mark_roles(element: &mut Element, design: &Design) {
    mark(element, Background::default(), design);
}

/// Words on a background of the author's own keep their colors in the dark, as the background does.
fn mark(element: &mut Element, background: Background<'_>, design: &Design) {
    if element.name == "mj-head" {
        return;
    }
    let own = element.get("css-class").unwrap_or_default().to_owned();
    let roles = element.get("mj-class").unwrap_or_default().to_owned();
    let roles: Vec<&str> = roles.split_whitespace().filter(|role| ROLES.contains(role)).collect();
    let given = ["container-background-color", "background-color", "background-url"];
    let given = given.iter().find_map(|name| element.get(name)).map(str::to_owned);
    let background = match (roles.iter().find_map(|role| design.light.background(role)), given.as_deref()) {
        (Some(color), _) => Background { own: None, color: Some(color) },
        (None, Some(given)) => Background { own: Some(given), color: Color::parse(given) },
        (None, None) => background,
    };
    let is_on_own_background = background.own.is_some();
    let (first, own): (Vec<&str>, Vec<&str>) =
        own.split_whitespace().partition(|class| *class == hoist::CLASS);
    // Outlook for Windows sees the first class only, and has no dark to follow.
    let mut classes: Vec<&str> = first;
    if is_on_own_background {
        // Anything but the class that every text has by default.
        classes.push("o");
    } else {
        if element.name == "mj-text" {
            classes.push("t");
        }
        classes.extend(roles.iter().map(|role| css_class(role)));
    }
    classes.extend(own);
    let says_something = if is_on_own_background { element.name == "mj-text" } else { classes != ["t"] };
    if says_something && !classes.is_empty() {
        element.set("css-class", classes.join(" "));
    }
    match &mut element.content {
        Content::Elements(children) => children.iter_mut().for_each(|child| mark(child, background, design)),
        Content::Raw(html) if element.name == "mj-text" => {
            if let Some(own) = background.own {
                *html = with_link_color(html, link_color(design, own));
            }
            if let (Some(at), Some(color)) = (html.find(PLATE), background.color) {
                html.insert_str(at + PLATE.len(), &plate(color));
            }
        }
        Content::Raw(_) => {}
    }
}

/// The plate below a logo, as a picture: Gmail recolors the backgrounds of letters in the dark, but not their pictures.
fn plate(color: Color) -> String {
    format!("background-image:linear-gradient({color},{color});")
}

/// Of the accents for light and for dark, the one that can be read better on a background of the author's own.
fn link_color(design: &Design, background: &str) -> Color {
    let (light, dark) = (design.light.accent, design.dark.accent);
    match Color::parse(background) {
        Some(background) if dark.contrast(background) > light.contrast(background) => dark,
        _ => light,
    }
}

/// Links that say no color get one: a browser's own for dark pages cannot be read on a background that stays light.
fn with_link_color(html: &str, color: Color) -> String {
    let mut out = String::with_capacity(html.len());
    let mut copied = 0;
    for step in steps(html) {
        let Step::Open(tag) = step else { continue };
        let style = tag.attribute("style");
        let has_color = style.as_ref().is_some_and(|(_, style)| {
            style.split(';').any(|rule| rule.split(':').next().is_some_and(|name| name.trim() == "color"))
        });
        if tag.name != "a" || tag.attribute("href").is_none() || has_color {
            continue;
        }
        match style {
            Some((range, style)) => {
                out.push_str(&html[copied..range.start]);
                out.push_str(&format!(" style=\"color:{color};{style}\""));
                copied = range.end;
            }
            None => {
                let end = tag.range.end - if tag.raw.ends_with("/>") { 2 } else { 1 };
                out.push_str(&html[copied..end]);
                out.push_str(&format!(" style=\"color:{color}\""));
                copied = end;
            }
        }
    }
    out + &html[copied..]
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
        .with("line-height", design.looks.leading());
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
    let rules = format!("{DETECTED}{hoisted}{}{}", plain_rules(design, used), dark_rules(design, used));
    let mut elements = vec![Element::raw("mj-raw", meta), Element::raw("mj-style", rules)];
    if let Some(font) = &design.web_font {
        // A style sheet of its own, because some clients drop the whole sheet that has an address; Outlook for Windows
        // would show Times New Roman in place of the stack.
        elements.push(Element::raw(
            "mj-raw",
            format!(
                "<!--[if !mso]><!--><style>@font-face{{font-family:'{}';src:url({}) format('woff2');font-display:swap}}</style><!--<![endif]-->",
                font.family, font.url
            ),
        ));
    }
    elements
}

/// Dates and addresses that Apple's programs make links of look like the words around them.
const DETECTED: &str = "a[x-apple-data-detectors]{color:inherit!important;font:inherit!important;text-decoration:none!important}";

/// Rules that are the same on every background: underlines that spare descenders, and lines of code whose second row is
/// indented.
fn plain_rules(design: &Design, used: &Used) -> String {
    let mut rules = String::new();
    if used.meets(".t a") {
        rules.push_str(".t a{text-underline-offset:2px;text-decoration-thickness:1px}");
    }
    if design.looks.kinds && used.meets(".t a+i") {
        rules.push_str(&format!(".t a+i{{font-style:normal;font-size:.8em;color:{}}}", design.light.muted));
    }
    if used.meets(".c") {
        rules.push_str(".c div{padding-left:2em;text-indent:-2em}");
    }
    rules
}

/// Rules for a dark background, twice: as the standard has it, and as Outlook.com marks what it recolors. Only those that
/// the letter has elements for.
fn dark_rules(design: &Design, used: &Used) -> String {
    let dark = &design.dark;
    let muted = match (design.looks.counts, design.looks.kinds) {
        (false, false) => ".m,.m div,.t .m,.m a,.t .m a",
        (true, false) => ".m,.m div,.t .m,.m a,.t .m a,.t small",
        (false, true) => ".m,.m div,.t .m,.m a,.t .m a,.t a+i",
        (true, true) => ".m,.m div,.t .m,.m a,.t .m a,.t small,.t a+i",
    };
    let lines = match design.looks.headings {
        Headings::Ruled => ".r p,.t .r,.t .R td,.t .R th,.S tr,.t h2,.t h3",
        _ => ".r p,.t .r,.t .R td,.t .R th,.S tr",
    };
    let mut rules: Vec<(&str, String)> = vec![
        (".t div,.t td,.t th", color(dark.text)),
        (".t a", color(dark.accent)),
        (".h div,.t h2,.t h3,.t h4", color(dark.heading)),
        (muted, color(dark.muted)),
        (".a div", color(dark.accent)),
        // A letter without a background of its own has its client's.
        (if used.meets(".G") { "body,.G" } else { ".G" }, background(dark.background)),
        (".P,.P>table", background(dark.paper)),
        (".B,.B td", format!("{};border-color:{}!important", background(dark.accent), dark.accent)),
        (".B a,.B div", color(dark.on_accent)),
        // A banner is as broad as the letter: an accent that shines in the dark would be all that one sees.
        (".N,.N>table,.t .p,.t code,.H,.H>table", background(dark.panel)),
        (".H a,.H div", color(dark.accent)),
        (lines, format!("border-color:{}!important", dark.rule)),
        (".t .q", format!("border-color:{}!important", dark.accent)),
        (".t .i", "color:inherit!important".to_owned()),
        (".t .j", color(design.light.text)),
        (".t mark", format!("{};{}", background(MARK.1), color(dark.text))),
        // A logo that is only drawn for light backgrounds lies on a plate.
        (".K", background(design.light.paper)),
        (".L,.E", "display:none!important".to_owned()),
        (".D", "display:block!important;max-height:none!important".to_owned()),
        // A formula for dark backgrounds, among words.
        (".F", "display:inline!important".to_owned()),
    ];
    match design.looks.headings {
        Headings::Colored => rules.push((".t h2", format!("border-color:{}!important", dark.accent))),
        Headings::Ruled | Headings::Large | Headings::Small => {}
    }
    for kind in KINDS {
        let value = kind.dark;
        rules.push((kind.border, format!("border-color:{value}!important")));
        rules.push((kind.label, color(value)));
    }
    for (class, _, value) in SYNTAX {
        rules.push((class, color(value)));
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
        // There is no `body` below the mark.
        let marked: Vec<String> =
            met.iter().filter(|one| **one != "body").map(|one| format!("{mark} {one}")).collect();
        outlook.push_str(&format!("{}{{{body}}}", marked.join(",")));
    }
    let wide = tables::rules(tables::Wide { scroll: used.meets(".W"), stack: used.meets(".S") }, design);
    format!(":root{{color-scheme:light dark}}{wide}{standard}}}{outlook}")
}

fn color(value: Color) -> String {
    format!("color:{value}!important")
}

fn background(value: Color) -> String {
    format!("background-color:{value}!important")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hold_nothing_that_makes_gmail_drop_them() {
        let all = [
            "t", "h", "m", "a", "G", "P", "N", "p", "B", "r", "R", "q", "i", "j", "L", "D", "k1", "k2", "k3",
            "k4", "k5", "K", "s0", "s1", "s2", "s3", "s4", "s5", "W", "X", "S", "E", "F",
        ];
        let html: String = all.iter().map(|class| format!("<h2 class=\"{class}\"><code>")).collect();
        let rules = dark_rules(&Design::default(), &Used::by(&Element::raw("mj-text", html)));
        assert!(rules.len() < 8_000, "{}", rules.len());
        for class in all {
            assert!(rules.contains(&format!(".{class}")), "{class}");
        }
        assert_eq!(rules.matches('@').count(), 3);
        let few =
            dark_rules(&Design::default(), &Used::by(&Element::raw("mj-text", "<p class=\"t m\">x</p>")));
        assert!(few.len() < 900 && few.contains(".t .m") && !few.contains(".k1"), "{few}");
        for bad in ["url(", "/*", "rgb("] {
            assert!(!rules.contains(bad), "{bad}");
        }
    }
}
