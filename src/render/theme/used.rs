//! What a letter uses: rules for anything else are not written.

use std::collections::BTreeSet;

use crate::render::{
    mjml::{Content, Element},
    opening::{Step, steps},
};

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
    pub(super) fn meets(&self, selector: &str) -> bool {
        // Cells in a text are the author's; those of other elements MJML makes.
        if selector == ".t td" && !self.0.contains("td") {
            return false;
        }
        selector.split([' ', '>', '+']).all(|part| match part.strip_prefix('.') {
            Some(class) => self.0.contains(&format!(".{class}")),
            None => {
                !matches!(part, "a" | "h1" | "h2" | "h3" | "h4" | "code" | "th" | "mark" | "small" | "i")
                    || self.0.contains(part)
            }
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
