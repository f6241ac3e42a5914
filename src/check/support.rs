//! HTML and CSS that the owner authored_markup along, against what mail clients support.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    access, backgrounds,
    clients::{clients_date, is_known, without},
    css::{self, Css, Tag},
    facts::Facts,
    findings::at,
};
use crate::{
    markup::Attribute,
    render::{AuthoredMarkup, MarkupKind, authored_markup, authored_markup_in},
    source::{Diagnostics, Source, Span},
};

use super::context::LetterContext;

/// Gmail ignores a style sheet that is longer, in bytes.
const SHEET_MAX: usize = 16 * 1024;

/// The first use of a feature in a file, and how often it is used there.
type Uses = BTreeMap<(String, String), (Source, Span, String, usize)>;

pub(super) fn check(case: &LetterContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    let issue = &case.draft.issue.source;
    let mut all = authored_markup(&case.built.template);
    for span in &facts.fences {
        let text = issue.text().get(span.clone()).unwrap_or_default();
        // The fence's own lines are no part of it.
        let first = text.find('\n').map_or(text.len(), |at| at + 1);
        let last = text.trim_end().rfind('\n').map_or(first, |at| at + 1).max(first);
        all.extend(authored_markup_in(issue, span.start + first..span.start + last));
    }
    access::order(case, &all, found);
    backgrounds::check(case, &all, found);
    let mut uses = Uses::new();
    for one in &all {
        fragment(one, &mut uses, found);
    }
    for (kept, span) in &facts.raw {
        let (tags, _) = css::tags(issue.text(), span.clone());
        let kept = properties(kept);
        for tag in &tags {
            style(issue, tag, Some(&kept), &mut uses, found);
        }
        access::tables(issue, &tags, span, found);
    }
    for ((_, feature), (source, span, shown, times)) in uses {
        let (Some(clients), true) = (without(&feature), is_known(&feature)) else { continue };
        let code = if feature.starts_with("html-") {
            "M460"
        } else if is_ornament(&feature) {
            "M462"
        } else {
            "M461"
        };
        let times = if times == 1 { String::new() } else { format!(" (used {times} times)") };
        let does = if clients.contains(" and ") { "do" } else { "does" };
        let message = format!("{clients} {does} not support {shown}{times}");
        let help = match code {
            "M460" => "readers there see nothing, or plain text: link to a page instead",
            "M462" => "fine as decoration: the letter must work without it",
            _ => "use sections and columns instead, or make sure that the letter works without it",
        };
        let help = format!("{help} (Can I email, {})", clients_date());
        found.push(at(&source, code, span, message, help));
    }
}

/// The properties that the issue's reader left in raw HTML.
fn properties(kept: &str) -> BTreeSet<String> {
    let (tags, _) = css::tags(kept, 0..kept.len());
    let styles = tags.iter().flat_map(|tag| tag.attributes.iter().filter(|one| one.name == "style"));
    styles
        .flat_map(|one| css::declarations(kept, one.span.clone()))
        .filter_map(|one| match one {
            Css::Declaration { property, .. } => Some(property),
            _ => None,
        })
        .collect()
}

fn fragment(one: &AuthoredMarkup, uses: &mut Uses, found: &mut Diagnostics) {
    let source = &one.source;
    match &one.kind {
        MarkupKind::Html | MarkupKind::Rows => {
            let (tags, sheets) = css::tags(source.text(), one.span.clone());
            for tag in &tags {
                element(source, tag, uses, found);
                style(source, tag, None, uses, found);
            }
            for span in sheets {
                sheet(source, span, uses, found);
            }
            access::tables(source, &tags, &one.span, found);
            if one.kind == MarkupKind::Rows {
                access::rows(source, &tags, &one.span, found);
            }
        }
        MarkupKind::Css => sheet(source, one.span.clone(), uses, found),
        MarkupKind::Attributes(attributes) => {
            let written: Vec<Css> = attributes
                .iter()
                .map(|(name, value, span)| Css::Declaration {
                    property: name.clone(),
                    value: value.trim().to_ascii_lowercase(),
                    span: span.clone(),
                })
                .collect();
            access::declarations(source, &written, found);
            for (name, _, span) in attributes.iter().filter(|(name, ..)| name == "border-radius") {
                note(uses, source, "css-border-radius", span.clone(), format!("`{name}`"));
            }
        }
    }
}

fn note(uses: &mut Uses, source: &Source, feature: &str, span: Span, shown: String) {
    let file = source.path().display().to_string();
    let first = || (source.clone(), span.clone(), shown, 0);
    uses.entry((file, feature.to_owned())).or_insert_with(first).3 += 1;
}

fn element(source: &Source, tag: &Tag, uses: &mut Uses, found: &mut Diagnostics) {
    let shown = || format!("`<{}>`", tag.name);
    let feature = match tag.name.as_str() {
        name @ ("script" | "iframe" | "embed" | "applet" | "frame") => {
            let message = format!("no mail client supports `<{name}>`");
            let help = "link to a page on the web instead";
            found.push(at(source, "M460", tag.span.clone(), message, help));
            return;
        }
        "button" => "html-button-submit",
        "input" => "html-input-text",
        "details" | "summary" => "html-semantics",
        name @ ("audio" | "video" | "form" | "select" | "textarea" | "svg" | "object" | "dialog"
        | "marquee" | "progress" | "meter" | "link") => &format!("html-{name}"),
        _ => return,
    };
    note(uses, source, feature, tag.span.clone(), shown());
}

fn style(
    source: &Source,
    tag: &Tag,
    kept: Option<&BTreeSet<String>>,
    uses: &mut Uses,
    found: &mut Diagnostics,
) {
    let Some(Attribute { span, .. }) = tag.attributes.iter().find(|one| one.name == "style") else { return };
    let mut written = css::declarations(source.text(), span.clone());
    // What the issue's reader took out is reported there.
    written.retain(|one| match one {
        Css::Declaration { property, .. } => kept.is_none_or(|kept| kept.contains(property)),
        _ => true,
    });
    declared(source, &written, uses);
    access::declarations(source, &written, found);
    if tag.name == "a" {
        access::link(source, &written, found);
    }
}

fn sheet(source: &Source, span: Span, uses: &mut Uses, found: &mut Diagnostics) {
    let text = source.text();
    let drops = |span: Span, message: &str, help: &str| at(source, "M463", span, message, help);
    if span.len() > SHEET_MAX {
        let help = "Gmail then ignores all of it: write styles into the elements, or less of them";
        found.push(drops(span.start..span.start, "the style sheet is longer than 16 KB", help));
    }
    let parts = css::sheet(text, span);
    for part in &parts {
        match part {
            Css::NestedAt(span) => {
                let help = "Gmail ignores nested conditions: write them one after the other";
                found.push(drops(span.clone(), "an at-rule is inside another one", help));
            }
            Css::At(span) => at_rule(source, span, uses),
            Css::Selector(span) => selector(source, span, uses),
            Css::Declaration { value, span, .. } if value.contains("url(") => {
                let help = "Gmail on the web is known to drop the whole style sheet: use `background-url` of a section";
                found.push(drops(span.clone(), "a style sheet refers to a picture", help));
            }
            Css::Declaration { .. } => {}
        }
    }
    declared(source, &parts, uses);
    for one in &parts {
        access::declarations(source, std::slice::from_ref(one), found);
    }
}

fn at_rule(source: &Source, span: &Span, uses: &mut Uses) {
    let words = source.text()[span.clone()].to_ascii_lowercase();
    let name = words[1..].split(|c: char| !(c.is_ascii_alphabetic() || c == '-')).next().unwrap_or_default();
    let conditions =
        ["prefers-color-scheme", "prefers-reduced-motion", "hover", "orientation", "device-pixel-ratio"];
    let features: Vec<String> = if name == "media" {
        conditions
            .iter()
            .filter(|one| words.contains(*one))
            .map(|one| format!("css-at-media-{one}"))
            .collect()
    } else {
        vec![format!("css-at-{name}")]
    };
    for feature in features {
        let shown = format!("`@{}`", feature.trim_start_matches("css-at-").replacen("media-", "media … ", 1));
        note(uses, source, &feature, span.clone(), shown);
    }
}

fn selector(source: &Source, span: &Span, uses: &mut Uses) {
    let words = &source.text()[span.clone()];
    for pseudo in words.split(':').skip(1) {
        let name = pseudo.split(|c: char| !(c.is_ascii_alphabetic() || c == '-')).next().unwrap_or_default();
        for kind in ["class", "element"] {
            let feature = format!("css-pseudo-{kind}-{name}");
            if is_known(&feature) {
                note(uses, source, &feature, span.clone(), format!("`:{name}`"));
            }
        }
    }
    for (sign, feature) in [
        ('>', "css-selector-child"),
        ('+', "css-selector-adjacent-sibling"),
        ('~', "css-selector-general-sibling"),
        ('[', "css-selector-attribute"),
    ] {
        if words.contains(sign) {
            note(uses, source, feature, span.clone(), format!("`{sign}` in selectors"));
        }
    }
}

fn declared(source: &Source, parts: &[Css], uses: &mut Uses) {
    for part in parts {
        let Css::Declaration { property, value, span } = part else { continue };
        // What is meant for one client only, and what is not known yet.
        if property.starts_with(['-', '*', '_']) || property.starts_with("mso-") || value.contains("{{") {
            if property.starts_with("--") {
                note(uses, source, "css-variables", span.clone(), "variables".into());
            }
            continue;
        }
        let (feature, shown) = property_feature(property, value);
        note(uses, source, &feature, span.clone(), shown);
        for (mark, feature, shown) in VALUES {
            if value.contains(mark) {
                note(uses, source, feature, span.clone(), format!("`{shown}`"));
            }
        }
        for (unit, feature) in UNITS {
            let used = value.match_indices(unit).any(|(at, _)| {
                let before = value[..at].chars().next_back();
                let after = value[at + unit.len()..].chars().next();
                before.is_some_and(|c| c.is_ascii_digit()) && after.is_none_or(|c| !c.is_ascii_alphanumeric())
            });
            if used {
                note(uses, source, feature, span.clone(), format!("the unit `{unit}`"));
            }
        }
    }
}

/// What is asked for a property; a longer name stands for the shorter one that the data knows.
fn property_feature(property: &str, value: &str) -> (String, String) {
    let shown = format!("`{property}`");
    match (property, value) {
        ("display", "flex" | "inline-flex" | "grid" | "inline-grid") => {
            let kind = value.trim_start_matches("inline-");
            return (format!("css-display-{kind}"), format!("`display: {value}`"));
        }
        ("display", "none") => return ("css-display-none".into(), shown),
        ("position", "static") => return (String::new(), shown),
        ("left" | "right" | "top" | "bottom", _) => return ("css-left-right-top-bottom".into(), shown),
        _ => {}
    }
    if property.ends_with("-radius") {
        return ("css-border-radius".into(), shown);
    }
    let mut name = property;
    loop {
        let feature = format!("css-{name}");
        if is_known(&feature) {
            return (feature, shown);
        }
        match name.rsplit_once('-') {
            Some((shorter, _)) => name = shorter,
            None => return (String::new(), shown),
        }
    }
}

const VALUES: [(&str, &str, &str); 9] = [
    ("linear-gradient(", "css-linear-gradient", "linear-gradient()"),
    ("radial-gradient(", "css-radial-gradient", "radial-gradient()"),
    ("conic-gradient(", "css-conic-gradient", "conic-gradient()"),
    ("calc(", "css-unit-calc", "calc()"),
    ("clamp(", "css-function-clamp", "clamp()"),
    ("light-dark(", "css-function-light-dark", "light-dark()"),
    ("var(", "css-variables", "var()"),
    ("rgba(", "css-rgba", "rgba()"),
    ("oklch(", "css-modern-color", "oklch()"),
];

const UNITS: [(&str, &str); 5] = [
    ("rem", "css-unit-rem"),
    ("vw", "css-unit-vw"),
    ("vh", "css-unit-vh"),
    ("vmin", "css-unit-vmin"),
    ("vmax", "css-unit-vmax"),
];

/// Features without which a letter is plainer, and no worse.
fn is_ornament(feature: &str) -> bool {
    const NAMES: [&str; 26] = [
        "animation",
        "at-font-face",
        "at-keyframes",
        "at-media",
        "backdrop-filter",
        "background-blend",
        "border-radius",
        "border-spacing",
        "box-shadow",
        "box-sizing",
        "color-scheme",
        "cursor",
        "filter",
        "font-",
        "hyphen",
        "linear-gradient",
        "max-height",
        "min-",
        "opacity",
        "outline",
        "overflow-wrap",
        "pseudo-class-hover",
        "text-",
        "transition",
        "word-",
        "white-space",
    ];
    let name = feature.trim_start_matches("css-");
    NAMES.iter().any(|ornament| name.starts_with(ornament))
        || ["active", "focus", "visited", "link"].iter().any(|one| name == format!("pseudo-class-{one}"))
}
