//! The tree becomes mrml's, and mrml makes HTML of it.
//!
//! Attribute values go in as ASCII, because mrml writes them with Rust's `Debug`; lengths of zero get a unit, because
//! mrml cannot add up a padding without; colors get six digits, because Outlook needs them.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
    panic::{AssertUnwindSafe, catch_unwind},
};

use mrml::{
    mj_body::{MjBody, MjBodyChild},
    mj_breakpoint::{MjBreakpoint, MjBreakpointAttributes},
    mj_button::MjButton,
    mj_column::MjColumn,
    mj_divider::MjDivider,
    mj_font::{MjFont, MjFontAttributes},
    mj_group::MjGroup,
    mj_head::{MjHead, MjHeadChild},
    mj_hero::MjHero,
    mj_image::MjImage,
    mj_navbar::{MjNavbar, MjNavbarChild},
    mj_navbar_link::MjNavbarLink,
    mj_preview::MjPreview,
    mj_raw::{MjRaw, MjRawChild},
    mj_section::MjSection,
    mj_social::{MjSocial, MjSocialChild},
    mj_social_element::MjSocialElement,
    mj_spacer::MjSpacer,
    mj_style::MjStyle,
    mj_table::MjTable,
    mj_text::MjText,
    mj_title::MjTitle,
    mj_wrapper::MjWrapper,
    mjml::{Mjml, MjmlAttributes, MjmlChildren},
    prelude::{AttributeMap, render::RenderOptions},
    text::Text,
};

use super::{
    element::{Content, Element},
    squeeze::{Facts, squeezed},
};
use crate::render::design::Color;

/// Makes HTML of a tree whose root is `mjml`. `Err` says what mrml made of it.
pub(crate) fn to_html(root: &Element) -> Result<String, String> {
    let head = root.children().iter().find(|child| child.name == "mj-head");
    let body = root.children().iter().find(|child| child.name == "mj-body");
    let defaults = Defaults::collect(head);
    let attributes =
        MjmlAttributes { owa: None, lang: root.get("lang").map(ascii), dir: root.get("dir").map(ascii) };
    let children = MjmlChildren {
        head: head.map(|head| MjHead::new((), head.children().iter().filter_map(head_child).collect())),
        body: body.map(|body| MjBody::new(defaults.of(body), defaults.children(body))),
    };
    let mjml = Mjml::new(attributes, children);
    let options = RenderOptions { fonts: HashMap::new(), ..RenderOptions::default() };
    // Everything that is known to trip mrml is kept from it; this is for what is not known.
    match catch_unwind(AssertUnwindSafe(|| mjml.render(&options))) {
        Ok(Ok(html)) => {
            let facts = Facts {
                names_columns: names_columns(head),
                left_to_right: root.get("dir") != Some("rtl"),
                width: body.and_then(|body| body.get("width")).unwrap_or("600px"),
            };
            Ok(squeezed(&html, &facts))
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("mrml panicked".to_owned()),
    }
}

/// Whether rules in the head know the classes that mrml gives to columns.
fn names_columns(head: Option<&Element>) -> bool {
    head.into_iter().flat_map(Element::children).any(|child| match &child.content {
        Content::Raw(text) => text.contains(".mj-"),
        Content::Elements(_) => false,
    })
}

fn head_child(element: &Element) -> Option<MjHeadChild> {
    let text = || match &element.content {
        Content::Raw(text) => text.clone(),
        Content::Elements(_) => String::new(),
    };
    let attribute = |name| element.get(name).map(ascii).unwrap_or_default();
    Some(match element.name.as_ref() {
        // The title is also an attribute of the body, so it must be ASCII too.
        "mj-title" => MjHeadChild::MjTitle(MjTitle::from(ascii(&text()))),
        "mj-preview" => MjHeadChild::MjPreview(MjPreview::from(text())),
        "mj-style" => MjHeadChild::MjStyle(MjStyle::from(text())),
        "mj-raw" => MjHeadChild::MjRaw(MjRaw::new((), raw(text()))),
        "mj-font" => MjHeadChild::MjFont(MjFont::new(
            MjFontAttributes { name: attribute("name"), href: attribute("href") },
            (),
        )),
        "mj-breakpoint" => MjHeadChild::MjBreakpoint(MjBreakpoint::new(
            MjBreakpointAttributes { width: attribute("width") },
            (),
        )),
        _ => return None,
    })
}

fn raw(html: String) -> Vec<MjRawChild> {
    vec![MjRawChild::Text(Text::from(html))]
}

/// What `mj-attributes` says, resolved here: the classes of an element in the reference's order.
#[derive(Default)]
struct Defaults {
    all: Vec<(String, String)>,
    classes: BTreeMap<String, Vec<(String, String)>>,
    elements: BTreeMap<String, Vec<(String, String)>>,
}

impl Defaults {
    fn collect(head: Option<&Element>) -> Self {
        let mut defaults = Self::default();
        let lists =
            head.into_iter().flat_map(Element::children).filter(|child| child.name == "mj-attributes");
        for entry in lists.flat_map(Element::children) {
            let pairs = entry
                .attributes
                .iter()
                .filter(|(name, _)| entry.name != "mj-class" || name != "name")
                .map(|(name, value)| (name.to_string(), value.clone()));
            match entry.name.as_ref() {
                "mj-all" => defaults.all.extend(pairs),
                "mj-class" => {
                    let name = entry.get("name").unwrap_or_default().to_owned();
                    defaults.classes.entry(name).or_default().extend(pairs);
                }
                name => defaults.elements.entry(name.to_owned()).or_default().extend(pairs),
            }
        }
        defaults
    }

    fn of(&self, element: &Element) -> AttributeMap {
        let classes = element.get("mj-class").unwrap_or_default().split_whitespace();
        let own = element.attributes.iter().map(|(name, value)| (name.as_ref(), value.as_str()));
        let mut all: Vec<(&str, &str)> = Vec::new();
        let layers = std::iter::once(&self.all)
            .chain(self.elements.get(element.name.as_ref()))
            .chain(classes.filter_map(|class| self.classes.get(class)));
        for (name, value) in layers.flatten() {
            all.push((name, value));
        }
        let mut map = AttributeMap::new();
        for (name, value) in all.into_iter().chain(own) {
            if name != "mj-class" {
                map.insert(name.to_owned(), Some(ascii(&normal(name, value))));
            }
        }
        if element.name == "mj-image" && !map.contains_key("alt") {
            map.insert("alt".to_owned(), Some(String::new()));
        }
        map
    }

    fn children(&self, element: &Element) -> Vec<MjBodyChild> {
        element.children().iter().filter_map(|child| self.body_child(child)).collect()
    }

    fn body_child(&self, element: &Element) -> Option<MjBodyChild> {
        let attributes = || self.of(element);
        let html = || match &element.content {
            Content::Raw(html) => html.clone(),
            Content::Elements(_) => String::new(),
        };
        let text = || vec![MjBodyChild::Text(Text::from(html()))];
        let named = |name: &'static str| element.children().iter().filter(move |child| child.name == name);
        Some(match element.name.as_ref() {
            "mj-wrapper" => MjBodyChild::MjWrapper(MjWrapper::new(attributes(), self.children(element))),
            "mj-section" => MjBodyChild::MjSection(MjSection::new(attributes(), self.children(element))),
            "mj-group" => MjBodyChild::MjGroup(MjGroup::new(attributes(), self.children(element))),
            "mj-column" => MjBodyChild::MjColumn(MjColumn::new(attributes(), self.children(element))),
            "mj-hero" => MjBodyChild::MjHero(MjHero::new(attributes(), self.children(element))),
            "mj-text" => MjBodyChild::MjText(MjText::new(attributes(), raw(html()))),
            "mj-raw" => MjBodyChild::MjRaw(MjRaw::new((), raw(html()))),
            "mj-button" => MjBodyChild::MjButton(MjButton::new(attributes(), text())),
            "mj-table" => MjBodyChild::MjTable(MjTable::new(attributes(), text())),
            "mj-image" => MjBodyChild::MjImage(MjImage::new(attributes(), ())),
            "mj-divider" => MjBodyChild::MjDivider(MjDivider::new(attributes(), ())),
            "mj-spacer" => MjBodyChild::MjSpacer(MjSpacer::new(attributes(), ())),
            "mj-social" => MjBodyChild::MjSocial(MjSocial::new(
                attributes(),
                named("mj-social-element")
                    .map(|child| {
                        let html = match &child.content {
                            Content::Raw(html) => html.clone(),
                            Content::Elements(_) => String::new(),
                        };
                        MjSocialChild::MjSocialElement(MjSocialElement::new(self.of(child), raw(html)))
                    })
                    .collect(),
            )),
            "mj-navbar" => MjBodyChild::MjNavbar(MjNavbar::new(
                attributes(),
                named("mj-navbar-link")
                    .map(|child| {
                        let html = match &child.content {
                            Content::Raw(html) => html.clone(),
                            Content::Elements(_) => String::new(),
                        };
                        MjNavbarChild::MjNavbarLink(MjNavbarLink::new(self.of(child), raw(html)))
                    })
                    .collect(),
            )),
            _ => return None,
        })
    }
}

/// Lengths with their unit, colors with six digits.
fn normal(name: &str, value: &str) -> String {
    let is_length = name.contains("padding") || name.contains("width") || name == "height";
    if is_length && value.split_whitespace().any(|part| part == "0") {
        let parts: Vec<&str> =
            value.split_whitespace().map(|part| if part == "0" { "0px" } else { part }).collect();
        return parts.join(" ");
    }
    if name.contains("color")
        && value.len() == 4
        && let Some(color) = Color::parse(value)
    {
        return color.to_string();
    }
    value.to_owned()
}

/// HTML source as ASCII that `Debug` leaves as it is.
fn ascii(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' | '\\' => write!(out, "&#{};", c as u32).unwrap_or_default(),
            ' '..='~' => out.push(c),
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() => {}
            c => write!(out, "&#{};", c as u32).unwrap_or_default(),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(column: Element) -> Element {
        let body = Element::new("mj-body").child(Element::new("mj-section").child(column));
        Element::new("mjml").with("lang", "en").with("dir", "ltr").child(body)
    }

    #[test]
    fn finished_html_comes_out_byte_for_byte() {
        let html =
            "<p>é > tea\r\n<b>one</b>\n<i>two</i>\n\n<pre>\n  a\n\n b</pre> 1 < 2 & \"x\" ❤️ \u{a0}</p>";
        let column = Element::new("mj-column").child(Element::raw("mj-text", html));
        let out = to_html(&letter(column)).expect("it renders");
        assert!(out.contains(html), "{out}");
    }

    #[test]
    fn attributes_come_out_as_they_went_in() {
        for alt in ["❤️ é", "a\\b", "say 'x' &quot;y&quot;", "नमस्ते", "\u{ad}\u{200d}", "&amp; &lt;"]
        {
            let image = Element::new("mj-image").with("src", "https://example.org/a.png").with("alt", alt);
            let out = to_html(&letter(Element::new("mj-column").child(image))).expect("it renders");
            let page = scraper::Html::parse_document(&out);
            let wanted = scraper::Html::parse_fragment(&format!("<img alt=\"{alt}\">"));
            let selector = scraper::Selector::parse("img").expect("a selector");
            let found = page.select(&selector).next().and_then(|img| img.attr("alt"));
            assert_eq!(found, wanted.select(&selector).next().and_then(|img| img.attr("alt")), "{alt}");
        }
    }

    #[test]
    fn no_font_is_fetched_and_zero_has_a_unit() {
        let text = Element::raw("mj-text", "x").with("padding", "0 24px");
        let out = to_html(&letter(Element::new("mj-column").child(text))).expect("it renders");
        assert!(!out.contains("fonts.googleapis.com"));
        assert!(out.contains("padding:0px 24px"));
    }

    #[test]
    fn the_last_class_wins_and_own_attributes_win_over_it() {
        let attributes = Element::new("mj-attributes")
            .child(Element::new("mj-all").with("color", "#111111"))
            .child(Element::new("mj-class").with("name", "a").with("color", "#aaa").with("padding", "1px"))
            .child(Element::new("mj-class").with("name", "b").with("color", "#bbb"));
        let text = Element::raw("mj-text", "x").with("mj-class", "a b").with("padding", "2px");
        let mut root = letter(Element::new("mj-column").child(text));
        root.children_mut().insert(0, Element::new("mj-head").child(attributes));
        let out = to_html(&root).expect("it renders");
        assert!(out.contains("color:#bbbbbb") && out.contains("padding:2px"), "{out}");
    }
}
