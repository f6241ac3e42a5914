//! Raw HTML of the author, with the look that the design gives to the same things in Markdown.

use super::MjmlWriter;
use crate::{
    issue::{Part, Phrase},
    render::{
        opening::{Opening, Step, steps},
        pattern::Escape,
        theme::MARK,
    },
};

/// A look: the class by which the dark rules find an element, and its style.
type Look = (&'static str, String);

impl MjmlWriter<'_> {
    /// Raw HTML: placeholders are between tags, or inside the value of an attribute.
    pub(super) fn raw_html(&mut self, out: &mut String, html: &Phrase) {
        let mut own = String::new();
        for part in &html.0 {
            match part {
                Part::Text(text) => own.push_str(text),
                Part::Open(placeholder) => {
                    let lands = Escape::behind(&own);
                    let filled = self.filler.placeholder(placeholder, &self.issue.source, lands);
                    own.push_str(&filled);
                }
            }
        }
        self.dressed(out, &own);
    }

    /// Gives raw HTML its look. What the author says of an element is stronger, as it comes later.
    pub(super) fn dressed(&self, out: &mut String, html: &str) {
        let mut copied = 0;
        let mut in_plain_table = false;
        for step in steps(html) {
            let tag = match step {
                Step::Open(tag) => tag,
                Step::Close(name) => {
                    in_plain_table &= name != "table";
                    continue;
                }
            };
            if tag.name == "table" {
                in_plain_table = is_plain(&tag);
            }
            let own = tag.attribute("style");
            let look = self.look(&tag, in_plain_table);
            let is_named = tag.attribute("class").is_some();
            let class = match (&look, &own) {
                _ if is_named => "",
                (_, Some((_, style))) if !own_colors(style).is_empty() => own_colors(style),
                (Some((class, _)), _) => class,
                (None, _) => "",
            };
            let style = match (look, &own) {
                (Some((_, look)), Some((_, own))) => format!("{look};{own}"),
                (Some((_, look)), None) => look,
                (None, Some((_, own))) => (*own).to_owned(),
                (None, None) => continue,
            };
            let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
            let added = format!("{class} style=\"{style}\"");
            match own {
                Some((range, _)) => {
                    out.push_str(&html[copied..range.start]);
                    copied = range.end;
                }
                None => {
                    let end = tag.range.end - if tag.raw.ends_with("/>") { 2 } else { 1 };
                    out.push_str(&html[copied..end]);
                    copied = end;
                }
            }
            out.push_str(&added);
        }
        out.push_str(&html[copied..]);
    }

    /// How the design shows such an element; none when it is the author's to say.
    fn look(&self, tag: &Opening<'_>, in_plain_table: bool) -> Option<Look> {
        let (light, gap, side) = (&self.design.light, self.gap(), self.start_side());
        let (accent, rule) = (light.accent, light.rule);
        Some(match tag.name {
            "a" if tag.attribute("href").is_some() => ("", format!("color:{accent}")),
            "p" => ("", format!("margin:0 0 {gap}px")),
            "h1" | "h2" => ("", self.heading_style(2)),
            "h3" | "h4" => ("", self.heading_style(u8::from(tag.name == "h4") + 3)),
            "h5" | "h6" => ("m", self.heading_style(5)),
            "ul" | "ol" => ("", format!("margin:0 0 {gap}px;margin-{side}:24px;padding:0")),
            "blockquote" => {
                ("q", format!("margin:0 0 {gap}px;border-{side}:3px solid {accent};padding-{side}:18px"))
            }
            "hr" => ("r", format!("border:0;border-top:1px solid {rule};margin:{}px 0", gap * 2)),
            "img" => ("", "max-width:100%;height:auto".to_owned()),
            "code" => ("", self.code_style()),
            "mark" => ("", format!("background-color:{};color:{};padding:0 2px", MARK.0, light.text)),
            "kbd" => ("p", self.code_style()),
            "pre" => (
                "p",
                format!(
                    "margin:0 0 {gap}px;padding:14px 16px;background-color:{};font-family:{};font-size:.8em;white-space:pre-wrap",
                    light.panel, self.design.code_font
                ),
            ),
            "table" if in_plain_table => ("R", format!("margin:0 0 {gap}px;border-collapse:collapse")),
            "th" if in_plain_table => {
                ("", format!("padding:7px;border-bottom:2px solid {rule};text-align:{side}"))
            }
            "td" if in_plain_table => ("", format!("padding:7px;border-bottom:1px solid {rule}")),
            "caption" if in_plain_table => ("m", format!("padding:7px;{}", self.muted())),
            _ => return None,
        })
    }
}

/// A table of data, as far as can be determined: one that says nothing of how it looks.
fn is_plain(table: &Opening<'_>) -> bool {
    ["role", "border", "cellpadding", "cellspacing", "bgcolor", "width", "style", "background"]
        .iter()
        .all(|name| table.attribute(name).is_none())
}

/// The class for elements that have a color or a background of their own, by which the dark rules find them.
fn own_colors(style: &str) -> &'static str {
    let has = |wanted: &[&str]| {
        style.split(';').filter_map(|rule| rule.split(':').next()).any(|name| wanted.contains(&name.trim()))
    };
    match (has(&["color"]), has(&["background", "background-color"])) {
        (true, false) => "i",
        (false, true) => "j",
        _ => "",
    }
}
