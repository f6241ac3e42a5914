//! In a long letter, styles that repeat move from the elements into the head.
//!
//! A style in each element is safe everywhere, and costs a third of a letter with hundreds of links. Where that is much,
//! what most elements of a kind say moves into one rule for the text; whoever says something else keeps it. Clients that
//! drop the head show such a letter with their own links and margins: a decent letter, as `tests/it/pictures.rs` sees.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    mjml::{Content, Element},
    opening::{Opening, Step, steps},
};

/// The class of texts whose styles are in the head. Outlook for Windows sees an element's first class only.
pub(crate) const CLASS: &str = "z";

/// Repeated styles that cost less than this, in bytes, stay where they are safe.
const WORTH_IT: usize = 3_000;

/// A rule that saves less than this, in bytes, is not worth having.
const RULE_WORTH_IT: usize = 100;

/// Elements that may take their style from the head. Not `pre`, whose lines would be wider than a telephone without it.
const KINDS: [&str; 15] =
    ["a", "blockquote", "code", "dd", "dt", "h2", "h3", "h4", "h5", "h6", "li", "ol", "p", "small", "ul"];

/// Elements that look right with the style of their kind although they do not say so: raw HTML of the author.
const FOLLOWERS: [&str; 11] = ["a", "code", "h2", "h3", "h4", "h5", "h6", "ol", "p", "ul", "blockquote"];

/// What a rule is for: `a`, `li ul`, `.s1`.
type Selector = String;

/// How the elements of one selector are styled.
#[derive(Default)]
struct Kind {
    /// Style attributes and how often each is there.
    styles: BTreeMap<String, usize>,
    unstyled: usize,
}

/// Moves what repeats out of the texts, which get [`CLASS`], and gives the rules for the head; nothing moves, and there are
/// no rules, where it would save little.
pub(crate) fn hoist<'e>(texts: impl Iterator<Item = &'e mut Element>) -> String {
    let mut texts: Vec<&mut Element> = texts.collect();
    let mut kinds: BTreeMap<Selector, Kind> = BTreeMap::new();
    for html in texts.iter().filter_map(|text| raw(text)) {
        each(html, |selector, tag| {
            let kind = kinds.entry(selector).or_default();
            match tag.attribute("style") {
                Some((_, style)) => *kind.styles.entry(style.to_owned()).or_default() += 1,
                None => kind.unstyled += 1,
            }
        });
    }
    let moved: BTreeMap<Selector, String> = kinds
        .iter()
        .filter_map(|(selector, kind)| Some((selector.clone(), majority(selector, kind, &kinds)?)))
        .collect();
    let saved: usize =
        moved.iter().map(|(selector, style)| kinds[selector].styles[style] * (style.len() + 9)).sum();
    if saved < WORTH_IT {
        return String::new();
    }
    for text in &mut texts {
        let Some(html) = raw(text) else { continue };
        let html = without_ends(&without(html, &moved));
        text.content = Content::Raw(html);
        let class = match text.get("css-class") {
            Some(own) => format!("{CLASS} {own}"),
            None => CLASS.to_owned(),
        };
        text.set("css-class", class);
    }
    let mut rules = String::new();
    for (selector, style) in &moved {
        write!(rules, ".{CLASS} {selector}{{{style}}}").unwrap_or_default();
    }
    rules
}

fn raw(element: &Element) -> Option<&str> {
    match &element.content {
        Content::Raw(html) => Some(html),
        Content::Elements(_) => None,
    }
}

/// Every opening tag that a rule could be for.
fn each<'h>(html: &'h str, mut visit: impl FnMut(Selector, &Opening<'h>)) {
    let mut items = 0_usize;
    let mut in_data = false;
    for step in steps(html) {
        match step {
            Step::Open(tag) => {
                in_data |=
                    tag.attribute("class").is_some_and(|(_, class)| class.split(' ').any(|one| one == "R"));
                if in_data && matches!(tag.name, "td" | "th") {
                    visit(format!(".R {}", tag.name), &tag);
                } else if let Some(selector) = selector(&tag, items > 0) {
                    visit(selector, &tag);
                }
                items += usize::from(tag.name == "li");
            }
            Step::Close(name) => {
                items = items.saturating_sub(usize::from(name == "li"));
                in_data &= name != "table";
            }
        }
    }
}

fn selector(tag: &Opening<'_>, is_in_item: bool) -> Option<Selector> {
    if tag.name == "span" {
        let (_, class) = tag.attribute("class")?;
        let is_colored_code =
            class.len() == 2 && class.starts_with('s') && class.ends_with(|c: char| c.is_ascii_digit());
        return is_colored_code.then(|| format!(".{class}"));
    }
    let is_list = matches!(tag.name, "ul" | "ol");
    KINDS
        .contains(&tag.name)
        .then(|| if is_list && is_in_item { format!("li {}", tag.name) } else { tag.name.to_owned() })
}

/// The style that most elements of a kind have, when a rule with it changes none of the others.
fn majority(selector: &str, kind: &Kind, kinds: &BTreeMap<Selector, Kind>) -> Option<String> {
    let (style, count) =
        kind.styles.iter().max_by_key(|(style, count)| (*count * style.len(), style.len()))?;
    let tag = selector.rsplit(' ').next().unwrap_or(selector);
    // What a rule for `ul` says, a `ul` in an item gets too.
    let touched = kinds.iter().filter(|(other, _)| *other == selector || other.ends_with(&format!(" {tag}")));
    let is_safe = touched
        .clone()
        .all(|(_, kind)| kind.styles.keys().all(|other| other == style || covers(other, style)));
    let unstyled: usize = touched.map(|(_, kind)| kind.unstyled).sum();
    // An item without a style is one whose paragraphs keep their distance: it says so, which costs something.
    let resets = if tag == "li" { unstyled * RESET.len() } else { 0 };
    let is_followed = unstyled == 0 || tag == "li" || FOLLOWERS.contains(&tag);
    let saves = count * (style.len() + 9);
    (is_safe && is_followed && saves > resets + style.len() + RULE_WORTH_IT).then(|| style.clone())
}

/// For an item that has no style among items whose style is in the head.
const RESET: &str = " style=\"margin:0\"";

/// Whether a style says something of its own for everything that the rule says.
fn covers(own: &str, rule: &str) -> bool {
    let names = |style: &str| -> Vec<String> {
        style.split(';').filter_map(|one| Some(one.split_once(':')?.0.trim().to_owned())).collect()
    };
    let own = names(own);
    names(rule).iter().all(|name| {
        own.contains(name)
            || (own.iter().any(|own| own == "font") && (name.starts_with("font-") || name == "line-height"))
    })
}

/// The HTML without the styles that moved.
fn without(html: &str, moved: &BTreeMap<Selector, String>) -> String {
    let mut out = String::with_capacity(html.len());
    let mut copied = 0;
    each(html, |selector, tag| match (moved.get(&selector), tag.attribute("style")) {
        (Some(rule), Some((range, style))) if style == rule => {
            out.push_str(&html[copied..range.start]);
            copied = range.end;
        }
        (Some(_), None) if selector == "li" => {
            out.push_str(&html[copied..tag.range.end - 1]);
            out.push_str(RESET);
            copied = tag.range.end - 1;
        }
        _ => {}
    });
    out + &html[copied..]
}

/// The HTML without the ends of items that another item or the end of their list ends: HTML leaves them to the author, and a
/// list of links has hundreds.
fn without_ends(html: &str) -> String {
    let html = html.replace("</li><li", "<li");
    html.replace("</li></ul>", "</ul>").replace("</li></ol>", "</ol>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: String) -> Element {
        Element::raw("mj-text", html)
    }

    fn hoisted(html: String) -> (String, String) {
        let mut element = text(html);
        let rules = hoist(std::iter::once(&mut element));
        (rules, raw(&element).unwrap().to_owned())
    }

    #[test]
    fn what_most_links_say_moves_and_a_button_keeps_its_own() {
        let link = "<a href=\"https://example.org/\" style=\"color:#9a3412\">x</a>";
        let button = "<a href=\"https://example.org/\" style=\"padding:9px;color:#ffffff\">y</a>";
        let (rules, html) = hoisted(format!("{}{button}", link.repeat(200)));
        assert_eq!(rules, ".z a{color:#9a3412}");
        assert_eq!(html.matches("style=").count(), 1);
        assert!(html.ends_with(button));
    }

    #[test]
    fn a_rule_that_would_change_an_element_is_not_made() {
        let (rules, html) = hoisted(format!(
            "{}<p style=\"color:#123456\">y</p>",
            "<p style=\"margin:0 0 17px;font-size:15px\">x</p>".repeat(200)
        ));
        assert_eq!((rules.as_str(), html.matches("style=").count()), ("", 201));
    }

    #[test]
    fn lists_in_items_have_a_rule_of_their_own_and_loose_items_keep_their_distance() {
        let inner = "<ul style=\"margin:3px 0 0 24px\"><li style=\"margin:0 0 5px\">x</li></ul>";
        let tight =
            format!("<ul style=\"margin:0 0 17px 24px\"><li style=\"margin:0 0 5px\">a{inner}</li></ul>");
        let loose = "<ul style=\"margin:0 0 17px 24px\"><li><p style=\"margin:0 0 17px\">b</p></li></ul>";
        let (rules, html) = hoisted(format!("{}{loose}", tight.repeat(60)));
        assert!(rules.contains(".z li ul{margin:3px 0 0 24px}.z ul{margin:0 0 17px 24px}"), "{rules}");
        assert!(rules.contains(".z li{margin:0 0 5px}"), "{rules}");
        assert!(
            html.ends_with("<ul><li style=\"margin:0\"><p style=\"margin:0 0 17px\">b</p></ul>"),
            "{html}"
        );
    }

    #[test]
    fn a_short_letter_keeps_its_styles_where_every_client_sees_them() {
        let short = "<a style=\"color:#9a3412\">x</a>".repeat(40);
        assert_eq!(hoisted(short.clone()), (String::new(), short));
    }
}
